/* archive: one description of a state for both directions: the same walk writes the bytes and reads
 * them back, so that the two can't differ. Big-endian, fixed widths, no padding; every value has one
 * encoding only, so whatever is read is written again as the same bytes.
 * Reading never trusts the bytes: past the end, or after archive_refuse, everything reads as zero and
 * counts are zero; check once, at the end. Pure. */
#ifndef PAPER_ARCHIVE_H
#define PAPER_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"

struct archive {
        struct buf *out;   /* NULL: reading */
        const uint8_t *in; /* what is left to read */
        size_t n_in;
        const char *why; /* the first refusal; NULL: none */
};

void archive_write(struct archive *archive, struct buf *out);
void archive_read(struct archive *archive, const void *data, size_t len);
bool archive_is_reading(const struct archive *archive);
/* The first refusal stands; why is a fixed text. */
void archive_refuse(struct archive *archive, const char *why);
/* Refuses unless ok; returns whether all is well so far. */
bool archive_want(struct archive *archive, bool ok, const char *why);
bool archive_is_good(const struct archive *archive);
/* E_SYNTAX with the reason when something was refused or bytes are left over. */
MUST_USE enum errc archive_finish(const struct archive *archive, struct err *err);

void archive_bool(struct archive *archive, bool *v); /* one byte, 0 or 1 */
void archive_u32(struct archive *archive, uint32_t *v);
void archive_u64(struct archive *archive, uint64_t *v);
void archive_i64(struct archive *archive, int64_t *v);
void archive_unsigned(struct archive *archive, unsigned *v);
void archive_size(struct archive *archive, size_t *v);
/* An enum through its number, 0..max. */
void archive_choice(struct archive *archive, unsigned *v, unsigned max);
/* How many items of at least item_bytes follow; refused where they can't all be there. */
void archive_count(struct archive *archive, size_t *n, size_t max, size_t item_bytes);
void archive_bytes(struct archive *archive, void *data, size_t len);
void archive_px(struct archive *archive, struct px *v);
void archive_qty(struct archive *archive, struct qty *v);
void archive_usd(struct archive *archive, struct usd *v);
void archive_rate(struct archive *archive, struct rate *v);
void archive_addr(struct archive *archive, struct addr *v);
/* A NUL-terminated text in an array of cap bytes. */
void archive_text(struct archive *archive, char *text, size_t cap);
/* A text on the heap of at most max bytes; when reading, *text becomes the caller's. */
void archive_string(struct archive *archive, char **text, size_t max);

#endif
