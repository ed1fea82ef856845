#include "adapters/paper/jot.h"

#include <inttypes.h>
#include <string.h>

/* A comma unless this is the first value after an opening bracket, or of the buffer. */
static void begin(struct buf *out, const char *key)
{
        if (out->len > 0) {
                char last = (char)out->data[out->len - 1];

                if (last != '{' && last != '[')
                        buf_putc(out, ',');
        }
        if (key)
                buf_printf(out, "\"%s\":", key);
}

static void fixed(struct buf *out, const char *key, int64_t value, unsigned decimals)
{
        char text[NUM_STR_MAX];

        begin(out, key);
        buf_printf(out, "\"%s\"", num_print(text, value, decimals, 1));
}

void jot_object(struct buf *out, const char *key)
{
        begin(out, key);
        buf_putc(out, '{');
}

void jot_array(struct buf *out, const char *key)
{
        begin(out, key);
        buf_putc(out, '[');
}

void jot_end_object(struct buf *out)
{
        buf_putc(out, '}');
}

void jot_end_array(struct buf *out)
{
        buf_putc(out, ']');
}

void jot_text(struct buf *out, const char *key, const char *value)
{
        begin(out, key);
        buf_put_json(out, value, strlen(value));
}

void jot_raw(struct buf *out, const char *key, const char *value)
{
        begin(out, key);
        buf_puts(out, value);
}

void jot_int(struct buf *out, const char *key, int64_t value)
{
        begin(out, key);
        buf_printf(out, "%" PRId64, value);
}

void jot_uint(struct buf *out, const char *key, uint64_t value)
{
        begin(out, key);
        buf_printf(out, "%" PRIu64, value);
}

void jot_bool(struct buf *out, const char *key, bool value)
{
        jot_raw(out, key, value ? "true" : "false");
}

void jot_null(struct buf *out, const char *key)
{
        jot_raw(out, key, "null");
}

void jot_px(struct buf *out, const char *key, struct px value)
{
        fixed(out, key, value.v, NUM_DECIMALS);
}

void jot_qty(struct buf *out, const char *key, struct qty value)
{
        fixed(out, key, value.v, NUM_DECIMALS);
}

void jot_usd(struct buf *out, const char *key, struct usd value)
{
        fixed(out, key, value.v, NUM_DECIMALS);
}

void jot_rate(struct buf *out, const char *key, struct rate value)
{
        fixed(out, key, num_to_step(value.v, 100, NUM_NEAREST), NUM_RATE_DECIMALS);
}

void jot_addr(struct buf *out, const char *key, const struct addr *value)
{
        char text[ADDR_STR_MAX];

        jot_text(out, key, hex_print_addr(text, value));
}

void jot_hash(struct buf *out, const char *key, const struct hash32 *value)
{
        char text[HASH_STR_MAX];

        jot_text(out, key, hex_print_hash(text, value));
}

void jot_cloid(struct buf *out, const char *key, const struct cloid *value)
{
        char text[CLOID_STR_MAX];

        jot_text(out, key, hex_print_cloid(text, value));
}
