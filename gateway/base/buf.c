#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CAP_FIRST 64

void buf_init(struct buf *buf, size_t max_bytes)
{
        must(max_bytes < SIZE_MAX / 4); /* so that doubling never wraps */
        *buf = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *buf)
{
        if (!buf)
                return;
        free(buf->data);
        *buf = (struct buf){.max = buf->max};
}

void buf_reset(struct buf *buf)
{
        buf->len = 0;
        buf->overflowed = false;
}

uint8_t *buf_take(struct buf *buf, size_t *len)
{
        uint8_t *data = buf->data;

        if (len)
                *len = buf->len;
        *buf = (struct buf){.max = buf->max};
        return data;
}

/* Memory for need bytes; the bound is not looked at here. */
static void ensure(struct buf *buf, size_t need)
{
        size_t cap = buf->cap ? buf->cap : CAP_FIRST;

        if (need <= buf->cap)
                return;
        while (cap < need)
                cap *= 2;
        buf->data = xrealloc(buf->data, cap);
        buf->cap = cap;
}

/* Whether len more bytes may be written. Once a write was dropped all later ones are, so that the
 * content is always a prefix of what was meant. */
static bool claim(struct buf *buf, size_t len)
{
        if (buf->overflowed || len > buf->max - buf->len) {
                buf->overflowed = true;
                return false;
        }
        ensure(buf, buf->len + len);
        return true;
}

void buf_put(struct buf *buf, const void *data, size_t len)
{
        if (len == 0 || !claim(buf, len))
                return;
        memcpy(buf->data + buf->len, data, len);
        buf->len += len;
}

void buf_putc(struct buf *buf, char c)
{
        buf_put(buf, &c, 1);
}

void buf_puts(struct buf *buf, const char *s)
{
        buf_put(buf, s, strlen(s));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
        va_list args, again;

        va_start(args, fmt);
        va_copy(again, args);
        int len = vsnprintf(NULL, 0, fmt, args);
        must(len >= 0);
        if (claim(buf, (size_t)len)) {
                ensure(buf, buf->len + (size_t)len + 1); /* vsnprintf ends with a NUL */
                vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, again);
                buf->len += (size_t)len;
        }
        va_end(again);
        va_end(args);
}

/* The length of the UTF-8 sequence at s, 1..4, or 0 if it is not a valid one: a stray or missing
 * continuation byte, an overlong form, a surrogate, or beyond U+10FFFF. */
static size_t utf8_len(const uint8_t *s, size_t left)
{
        uint8_t low = 0x80, high = 0xbf; /* range of the second byte */
        size_t len;

        if (s[0] < 0x80)
                return 1;
        if (s[0] < 0xc2 || s[0] > 0xf4)
                return 0;
        len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xf4)
                high = 0x8f;
        if (len > left || s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < len; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        }
        return len;
}

static void put_json_ascii(struct buf *buf, char c)
{
        switch (c) {
        case '"': buf_puts(buf, "\\\""); return;
        case '\\': buf_puts(buf, "\\\\"); return;
        case '\b': buf_puts(buf, "\\b"); return;
        case '\f': buf_puts(buf, "\\f"); return;
        case '\n': buf_puts(buf, "\\n"); return;
        case '\r': buf_puts(buf, "\\r"); return;
        case '\t': buf_puts(buf, "\\t"); return;
        default: break;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
                buf_printf(buf, "\\u%04x", (unsigned)c);
        else
                buf_putc(buf, c);
}

void buf_put_json(struct buf *buf, const char *s, size_t len)
{
        const uint8_t *bytes = (const uint8_t *)s;

        buf_putc(buf, '"');
        for (size_t i = 0; i < len;) {
                size_t n = utf8_len(bytes + i, len - i);
                if (n == 1)
                        put_json_ascii(buf, s[i]);
                else if (n > 1)
                        buf_put(buf, bytes + i, n);
                else
                        buf_puts(buf, "\xef\xbf\xbd"); /* U+FFFD */
                i += n ? n : 1;
        }
        buf_putc(buf, '"');
}

static void put_be(struct buf *buf, uint64_t v, unsigned n_bytes)
{
        uint8_t bytes[8];

        for (unsigned i = 0; i < n_bytes; i++)
                bytes[i] = (uint8_t)(v >> 8 * (n_bytes - 1 - i));
        buf_put(buf, bytes, n_bytes);
}

void buf_put_u8(struct buf *buf, uint8_t v)
{
        put_be(buf, v, 1);
}

void buf_put_be16(struct buf *buf, uint16_t v)
{
        put_be(buf, v, 2);
}

void buf_put_be32(struct buf *buf, uint32_t v)
{
        put_be(buf, v, 4);
}

void buf_put_be64(struct buf *buf, uint64_t v)
{
        put_be(buf, v, 8);
}

const char *buf_cstr(struct buf *buf)
{
        if (buf->len == 0)
                return "";
        ensure(buf, buf->len + 1);
        buf->data[buf->len] = '\0';
        return (const char *)buf->data;
}

enum errc buf_check(const struct buf *buf)
{
        return buf->overflowed ? E_LIMIT : E_OK;
}
