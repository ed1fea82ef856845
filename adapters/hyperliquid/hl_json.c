/* hl_json: the emitter whose text is posted. Same walk, same order as the bytes that were hashed. */
#include "adapters/hyperliquid/hl_action.h"

#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "base/list.h"

static struct hl_json *json_of(struct hl_emit *emit)
{
        return list_entry(emit, struct hl_json, emit);
}

/* What stands between the element before and this one. */
static void separate(struct hl_json *j)
{
        if (j->after_key) {
                j->after_key = false;
                return;
        }
        if (j->depth == 0)
                return;
        if (j->n[j->depth - 1]++ > 0)
                buf_putc(j->out, ',');
}

static void begin(struct hl_json *j, bool is_map)
{
        separate(j);
        must(j->depth < HL_JSON_DEPTH);
        j->in_map[j->depth] = is_map;
        j->n[j->depth] = 0;
        j->depth++;
        buf_putc(j->out, is_map ? '{' : '[');
}

static void put_map(struct hl_emit *emit, unsigned n_pairs)
{
        (void)n_pairs;
        begin(json_of(emit), true);
}

static void put_array(struct hl_emit *emit, unsigned n)
{
        (void)n;
        begin(json_of(emit), false);
}

static void put_end(struct hl_emit *emit)
{
        struct hl_json *j = json_of(emit);

        must(j->depth > 0);
        j->depth--;
        buf_putc(j->out, j->in_map[j->depth] ? '}' : ']');
}

static void put_text(struct hl_emit *emit, const char *s, size_t len)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_put_json(j->out, s, len);
}

static void put_key(struct hl_emit *emit, const char *key)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_put_json(j->out, key, strlen(key));
        buf_putc(j->out, ':');
        j->after_key = true;
}

static void put_uint(struct hl_emit *emit, uint64_t v)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_printf(j->out, "%" PRIu64, v);
}

static void put_sint(struct hl_emit *emit, int64_t v)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_printf(j->out, "%" PRId64, v);
}

static void put_boolean(struct hl_emit *emit, bool v)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_puts(j->out, v ? "true" : "false");
}

static void put_null(struct hl_emit *emit)
{
        struct hl_json *j = json_of(emit);

        separate(j);
        buf_puts(j->out, "null");
}

void hl_json_init(struct hl_json *j, struct buf *out)
{
        *j = (struct hl_json){
                .emit =
                        {
                                .map = put_map,
                                .array = put_array,
                                .end = put_end,
                                .key = put_key,
                                .text = put_text,
                                .uint = put_uint,
                                .sint = put_sint,
                                .boolean = put_boolean,
                                .null = put_null,
                        },
                .out = out,
        };
}
