#include <stdlib.h>

#include <sodium.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_frame.h"
#include "base/mem.h"

/* Marks and mids of all markets in one frame: first all of them, then those that changed. Everybody is
 * told the same, so what was told last is kept per market. The data is a text: base64 of raw DEFLATE
 * (RFC 1951) of JSON. Its blocks are stored ones, which every inflater reads. */

#define FRAME_MAX  (8u << 20)
#define STORED_MAX 65535 /* bytes in a stored block */

static void put_le16(struct buf *out, size_t v)
{
        buf_put_u8(out, (uint8_t)v);
        buf_put_u8(out, (uint8_t)(v >> 8));
}

static void deflate_stored(struct buf *out, const uint8_t *data, size_t len)
{
        do {
                size_t n = len < STORED_MAX ? len : STORED_MAX;

                buf_put_u8(out, n == len); /* the last block; of type 0 */
                put_le16(out, n);
                put_le16(out, ~n & 0xffff);
                buf_put(out, data, n);
                data += n;
                len -= n;
        } while (len > 0);
}

static void show_packed(struct buf *out, struct buf *json)
{
        struct buf packed;
        char *text;
        size_t cap;

        buf_init(&packed, FRAME_MAX);
        deflate_stored(&packed, (const uint8_t *)buf_cstr(json), json->len);
        must(buf_check(json) == E_OK && buf_check(&packed) == E_OK);
        cap = sodium_base64_encoded_len(packed.len, sodium_base64_VARIANT_ORIGINAL);
        text = xmalloc(cap);
        must(sodium_bin2base64(text, cap, packed.data, packed.len, sodium_base64_VARIANT_ORIGINAL));
        jot_text(out, "data", text);
        free(text);
        buf_fini(&packed);
}

/* Notes what there is to tell of a market: the parts that are not as they were told last. */
static void settle(struct paper *p, uint32_t asset)
{
        struct paper_fast *fast = &p->market[asset].fast;
        struct px mark = engine_mark(p->engine, asset), mid = {0};

        (void)paper_market_mid(p, asset, &mid);
        fast->is_mark_changed = mark.v != fast->mark.v;
        fast->is_mid_changed = mid.v != fast->mid.v;
        fast->mark = mark;
        fast->mid = mid;
}

static bool show(struct paper *p, struct buf *out, bool is_whole)
{
        struct buf json;
        bool is_any = is_whole;

        buf_init(&json, FRAME_MAX);
        jot_object(&json, NULL);
        for (uint32_t i = 0; i < p->universe.n; i++) {
                const struct paper_fast *fast = &p->market[i].fast;

                if (!is_whole && !fast->is_mark_changed && !fast->is_mid_changed)
                        continue;
                is_any = true;
                jot_object(&json, paper_coin(p, i));
                if (is_whole || fast->is_mark_changed)
                        jot_px(&json, "markPx", fast->mark);
                if ((is_whole || fast->is_mid_changed) && fast->mid.v > 0)
                        jot_px(&json, "midPx", fast->mid);
                else if (is_whole || fast->is_mid_changed)
                        jot_null(&json, "midPx");
                jot_end_object(&json);
        }
        jot_end_object(&json);
        if (is_any)
                show_packed(out, &json);
        buf_fini(&json);
        return is_any;
}

/* What was told last, not what is now: the changes that follow are counted from there. */
void paper_feed_fast_whole(struct paper *p, struct buf *out)
{
        if (p->universe.n > 0 && p->market[0].fast.mark.v == 0)
                for (uint32_t i = 0; i < p->universe.n; i++)
                        settle(p, i);
        (void)show(p, out, true);
}

void paper_feed_fast_tick(struct paper *p)
{
        struct list *subs = &p->ws->by_type[PAPER_SUB_FAST_ASSET_CTXS];
        struct buf frame;

        for (uint32_t i = 0; i < p->universe.n; i++)
                settle(p, i);
        if (list_empty(subs))
                return;
        buf_init(&frame, FRAME_MAX);
        paper_frame_begin(&frame, paper_frame_channel(PAPER_SUB_FAST_ASSET_CTXS));
        if (show(p, &frame, false)) {
                paper_frame_end(&frame);
                list_each_safe (it, subs)
                        paper_feed_push(p, list_entry(it, struct paper_sub, in_type), &frame);
        }
        buf_fini(&frame);
}
