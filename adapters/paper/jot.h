/* jot: writes JSON into a buf. Commas place themselves: a value goes in front of nothing but an
 * opening bracket, or gets a comma. A NULL key writes an array element. Prices, sizes and money are
 * printed the venue's way: decimal strings with at least one decimal. */
#ifndef PAPER_JOT_H
#define PAPER_JOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/num.h"

void jot_object(struct buf *out, const char *key);
void jot_array(struct buf *out, const char *key);
void jot_end_object(struct buf *out);
void jot_end_array(struct buf *out);
void jot_text(struct buf *out, const char *key, const char *value);
/* value is JSON already. */
void jot_raw(struct buf *out, const char *key, const char *value);
void jot_int(struct buf *out, const char *key, int64_t value);
void jot_uint(struct buf *out, const char *key, uint64_t value);
void jot_bool(struct buf *out, const char *key, bool value);
void jot_null(struct buf *out, const char *key);
void jot_px(struct buf *out, const char *key, struct px value);
void jot_qty(struct buf *out, const char *key, struct qty value);
void jot_usd(struct buf *out, const char *key, struct usd value);
void jot_rate(struct buf *out, const char *key, struct rate value); /* ten decimals at most */
void jot_addr(struct buf *out, const char *key, const struct addr *value);
void jot_hash(struct buf *out, const char *key, const struct hash32 *value);
void jot_cloid(struct buf *out, const char *key, const struct cloid *value);

#endif
