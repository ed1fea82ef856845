/* hl_msgpack: the emitter whose bytes are hashed. Every integer and length takes its shortest form:
 * the width is part of what is signed. Source: the MessagePack specification. */
#include "adapters/hyperliquid/hl_action.h"

#include <string.h>

#include "base/attr.h"
#include "base/list.h"

static struct buf *out_of(struct hl_emit *emit)
{
        return list_entry(emit, struct hl_msgpack, emit)->out;
}

static void put_map(struct hl_emit *emit, unsigned n_pairs)
{
        struct buf *out = out_of(emit);

        if (n_pairs < 16) {
                buf_put_u8(out, (uint8_t)(0x80 | n_pairs));
        } else if (n_pairs <= UINT16_MAX) {
                buf_put_u8(out, 0xde);
                buf_put_be16(out, (uint16_t)n_pairs);
        } else {
                buf_put_u8(out, 0xdf);
                buf_put_be32(out, n_pairs);
        }
}

static void put_array(struct hl_emit *emit, unsigned n)
{
        struct buf *out = out_of(emit);

        if (n < 16) {
                buf_put_u8(out, (uint8_t)(0x90 | n));
        } else if (n <= UINT16_MAX) {
                buf_put_u8(out, 0xdc);
                buf_put_be16(out, (uint16_t)n);
        } else {
                buf_put_u8(out, 0xdd);
                buf_put_be32(out, n);
        }
}

static void put_end(struct hl_emit *emit)
{
        (void)emit; /* maps and arrays are counted, not closed */
}

static void put_text(struct hl_emit *emit, const char *s, size_t len)
{
        struct buf *out = out_of(emit);

        must(len <= UINT32_MAX);
        if (len < 32) {
                buf_put_u8(out, (uint8_t)(0xa0 | len));
        } else if (len <= UINT8_MAX) {
                buf_put_u8(out, 0xd9);
                buf_put_u8(out, (uint8_t)len);
        } else if (len <= UINT16_MAX) {
                buf_put_u8(out, 0xda);
                buf_put_be16(out, (uint16_t)len);
        } else {
                buf_put_u8(out, 0xdb);
                buf_put_be32(out, (uint32_t)len);
        }
        buf_put(out, s, len);
}

static void put_key(struct hl_emit *emit, const char *key)
{
        put_text(emit, key, strlen(key));
}

static void put_uint(struct hl_emit *emit, uint64_t v)
{
        struct buf *out = out_of(emit);

        if (v < 128) {
                buf_put_u8(out, (uint8_t)v);
        } else if (v <= UINT8_MAX) {
                buf_put_u8(out, 0xcc);
                buf_put_u8(out, (uint8_t)v);
        } else if (v <= UINT16_MAX) {
                buf_put_u8(out, 0xcd);
                buf_put_be16(out, (uint16_t)v);
        } else if (v <= UINT32_MAX) {
                buf_put_u8(out, 0xce);
                buf_put_be32(out, (uint32_t)v);
        } else {
                buf_put_u8(out, 0xcf);
                buf_put_be64(out, v);
        }
}

static void put_sint(struct hl_emit *emit, int64_t v)
{
        struct buf *out = out_of(emit);

        if (v >= 0) {
                put_uint(emit, (uint64_t)v);
        } else if (v >= -32) {
                buf_put_u8(out, (uint8_t)v);
        } else if (v >= INT8_MIN) {
                buf_put_u8(out, 0xd0);
                buf_put_u8(out, (uint8_t)v);
        } else if (v >= INT16_MIN) {
                buf_put_u8(out, 0xd1);
                buf_put_be16(out, (uint16_t)v);
        } else if (v >= INT32_MIN) {
                buf_put_u8(out, 0xd2);
                buf_put_be32(out, (uint32_t)v);
        } else {
                buf_put_u8(out, 0xd3);
                buf_put_be64(out, (uint64_t)v);
        }
}

static void put_boolean(struct hl_emit *emit, bool v)
{
        buf_put_u8(out_of(emit), v ? 0xc3 : 0xc2);
}

static void put_null(struct hl_emit *emit)
{
        buf_put_u8(out_of(emit), 0xc0);
}

void hl_msgpack_init(struct hl_msgpack *m, struct buf *out)
{
        m->emit = (struct hl_emit){
                .map = put_map,
                .array = put_array,
                .end = put_end,
                .key = put_key,
                .text = put_text,
                .uint = put_uint,
                .sint = put_sint,
                .boolean = put_boolean,
                .null = put_null,
        };
        m->out = out;
}
