/* buf: a growable byte buffer with a hard bound, for building bodies, frames and hash input.
 * A write past the bound marks the buffer as overflowed and is dropped: check once, at the end.
 * Out of memory aborts. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct buf {
        uint8_t *data; /* owned; NULL while empty */
        size_t len;
        size_t cap;
        size_t max; /* bound in bytes */
        bool overflowed;
};

void buf_init(struct buf *buf, size_t max_bytes);
void buf_fini(struct buf *buf);  /* frees; accepts NULL and zeroed */
void buf_reset(struct buf *buf); /* empties, keeps the memory */
/* Moves the bytes out (the caller frees with free()), leaving buf empty. *len may be NULL. */
uint8_t *buf_take(struct buf *buf, size_t *len);

void buf_put(struct buf *buf, const void *data, size_t len);
void buf_putc(struct buf *buf, char c);
void buf_puts(struct buf *buf, const char *s);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);
/* Appends s as a JSON string, quotes included; invalid UTF-8 becomes U+FFFD. */
void buf_put_json(struct buf *buf, const char *s, size_t len);
void buf_put_u8(struct buf *buf, uint8_t v);
void buf_put_be16(struct buf *buf, uint16_t v);
void buf_put_be32(struct buf *buf, uint32_t v);
void buf_put_be64(struct buf *buf, uint64_t v);
/* NUL-terminates (not counted in len) and borrows the text until the next write; "" when empty. */
const char *buf_cstr(struct buf *buf);
/* E_LIMIT when a write was dropped, else 0. */
MUST_USE enum errc buf_check(const struct buf *buf);

#endif
