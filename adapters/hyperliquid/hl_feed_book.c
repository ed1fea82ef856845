#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* Books, best prices and candles: states, each of which replaces the one before. One that can't be true is
 * refused, and what is shown then may be old: that is told as a gap. */

static void lost(struct hl_feed *f, struct hl_feed_wire *w)
{
        hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
        hl_feed_judge_broken(f, w);
}

static bool crosses(const struct px bid, const struct px ask)
{
        return bid.v >= ask.v;
}

void hl_feed_book(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_BOOK, coin, NULL) : NULL;
        struct venue_book book;
        struct feed_event event = {.kind = FEED_BOOK_WHOLE, .n = 1, .u.book = &book};

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (hl_parse_market_book(&book, data, NULL) ||
            (book.n[0] && book.n[1] && crosses(book.level[0][0].price, book.level[1][0].price))) {
                lost(f, w);
                return;
        }
        event.is_snapshot = w->is_first;
        hl_feed_frame_put_raw(f, &event);
        hl_feed_tell(f, w->topic, &event);
        hl_feed_frame_heard(f, w);
}

static enum errc read_best(struct feed_bbo *out, const json_t *data, const char *coin)
{
        const json_t *pair = json_object_get(data, "bbo");

        memset(out, 0, sizeof *out);
        (void)text_copy(out->symbol, sizeof out->symbol, coin);
        if (hl_raw_get_int(&out->as_of, data, "time") || out->as_of <= 0 ||
            json_array_size(pair) != 2)
                return E_SYNTAX;
        for (unsigned side = 0; side < 2; side++) {
                const json_t *level = json_array_get(pair, side);

                out->has[side] = !json_is_null(level);
                if (out->has[side] && hl_parse_market_level(&out->best[side], level))
                        return E_SYNTAX;
        }
        return out->has[0] && out->has[1] && crosses(out->best[0].price, out->best[1].price)
                       ? E_RANGE
                       : E_OK;
}

void hl_feed_book_bbo(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_BBO, coin, NULL) : NULL;
        struct feed_bbo bbo;
        struct feed_event event = {.kind = FEED_BBO_ROW, .n = 1, .u.bbo = &bbo};

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (read_best(&bbo, data, coin)) {
                lost(f, w);
                return;
        }
        event.is_snapshot = w->is_first;
        hl_feed_frame_put_raw(f, &event);
        hl_feed_tell(f, w->topic, &event);
        hl_feed_frame_heard(f, w);
}

void hl_feed_book_candle(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "s", NULL);
        const char *interval = hl_raw_get_text(data, "i", NULL);
        struct hl_feed_wire *w =
                coin && interval ? hl_feed_wire_find_detail(c, HL_FEED_CANDLE, coin, interval)
                                 : NULL;
        struct venue_candle candle;
        struct feed_event event = {.kind = FEED_CANDLE_ROW, .n = 1, .u.candle = &candle};

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (hl_parse_history_candle(&candle, data)) {
                lost(f, w);
                return;
        }
        event.is_snapshot = w->is_first;
        hl_feed_frame_put_raw(f, &event);
        hl_feed_tell(f, w->topic, &event);
        hl_feed_frame_heard(f, w);
}
