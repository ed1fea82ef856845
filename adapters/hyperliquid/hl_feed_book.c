#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* Books, best prices and candles: states, each of which replaces the one before. One that can't be true is
 * refused, and what is shown then may be old: that is told as a gap. One that is older than what was told is
 * passed over: it overtook nothing, it came late. */

#define BACK_MAX_MS INT64_C(60000) /* older than that, it is the venue's clock that went back */
#define QUIET_MAX   4

static uint64_t mix(uint64_t digest, uint64_t v)
{
        digest = (digest ^ v) * UINT64_C(0x9e3779b97f4a7c15);
        return digest ^ (digest >> 29);
}

static uint64_t mix_level(uint64_t digest, const struct venue_level *level)
{
        digest = mix(digest, (uint64_t)level->price.v);
        return mix(digest, (uint64_t)level->size.v);
}

static bool crosses(const struct venue_level *bid, const struct venue_level *ask)
{
        return bid->price.v >= ask->price.v;
}

/* Whether it is news, of that time and content. What says the same as before, when it was asked because it
 * was silent, was not lost: it had nothing to say. */
static bool is_news(struct hl_feed_wire *w, int64_t at, uint64_t content)
{
        bool is_same = content == w->content;
        int64_t back = w->newest_at - at;

        if (back > 0 && back <= BACK_MAX_MS)
                return false;
        if (is_same && at == w->newest_at && !w->is_first)
                return false;
        if (!is_same)
                w->quiet = 0;
        else if (w->is_first && w->quiet < QUIET_MAX)
                w->quiet++;
        w->newest_at = at;
        w->content = content;
        return true;
}

static void tell(struct hl_feed *f, struct hl_feed_wire *w, struct feed_event *event)
{
        event->n = 1;
        event->is_snapshot = w->is_first;
        hl_feed_frame_put_raw(f, event);
        hl_feed_tell(f, w->topic, event);
}

/* ---- Books ------------------------------------------------------------------------------------- */

static enum errc read_book(struct venue_book *out, uint64_t *content, const json_t *data)
{
        if (hl_parse_market_book(out, data, NULL) || !hl_feed_frame_is_time(out->as_of))
                return E_SYNTAX;
        if (out->n[0] && out->n[1] && crosses(&out->level[0][0], &out->level[1][0]))
                return E_RANGE;
        *content = mix(out->n[0], out->n[1]);
        for (unsigned side = 0; side < 2; side++)
                for (unsigned i = 0; i < out->n[side]; i++)
                        *content = mix_level(*content, &out->level[side][i]);
        return E_OK;
}

void hl_feed_book(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_BOOK, coin, NULL) : NULL;
        struct venue_book book;
        struct feed_event event = {.kind = FEED_BOOK_WHOLE, .u.book = &book};
        uint64_t content;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (read_book(&book, &content, data)) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        if (is_news(w, book.as_of, content))
                tell(f, w, &event);
        else
                f->frame.is_repeated = true;
        hl_feed_frame_heard(f, w);
}

/* ---- Best prices ------------------------------------------------------------------------------- */

static enum errc read_best(struct feed_bbo *out, uint64_t *content, const json_t *data)
{
        const json_t *pair = json_object_get(data, "bbo");

        memset(out, 0, sizeof *out);
        if (hl_parse_text(out->symbol, sizeof out->symbol, data, "coin") ||
            hl_raw_get_int(&out->as_of, data, "time") || !hl_feed_frame_is_time(out->as_of) ||
            json_array_size(pair) != 2)
                return E_SYNTAX;
        *content = 1;
        for (unsigned side = 0; side < 2; side++) {
                const json_t *level = json_array_get(pair, side);

                out->has[side] = !json_is_null(level);
                if (out->has[side] && hl_parse_market_level(&out->best[side], level))
                        return E_SYNTAX;
                *content = mix_level(*content, &out->best[side]);
        }
        return out->has[0] && out->has[1] && crosses(&out->best[0], &out->best[1]) ? E_RANGE : E_OK;
}

void hl_feed_book_bbo(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_BBO, coin, NULL) : NULL;
        struct feed_bbo bbo;
        struct feed_event event = {.kind = FEED_BBO_ROW, .u.bbo = &bbo};
        uint64_t content;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (read_best(&bbo, &content, data)) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        if (is_news(w, bbo.as_of, content))
                tell(f, w, &event);
        else
                f->frame.is_repeated = true;
        hl_feed_frame_heard(f, w);
}

/* ---- Candles ----------------------------------------------------------------------------------- */

static bool is_sound(const struct venue_candle *c)
{
        return hl_feed_frame_is_time(c->open_at) && c->close_at > c->open_at && c->low.v > 0 &&
               c->low.v <= c->open.v && c->low.v <= c->close.v && c->high.v >= c->open.v &&
               c->high.v >= c->close.v && c->volume[0] != '-';
}

static bool is_same_candle(const struct venue_candle *a, const struct venue_candle *b)
{
        return a->open.v == b->open.v && a->high.v == b->high.v && a->low.v == b->low.v &&
               a->close.v == b->close.v && a->trades == b->trades &&
               strcmp(a->volume, b->volume) == 0;
}

/* The newest candle and the one before may still change, and the number of their trades only grows. */
static bool is_candle_news(struct hl_feed_wire *w, const struct venue_candle *candle)
{
        for (unsigned i = 0; i < 2; i++) {
                struct venue_candle *known = &w->candle[i];

                if (known->open_at != candle->open_at)
                        continue;
                if (candle->trades < known->trades || is_same_candle(candle, known))
                        return false;
                *known = *candle;
                return true;
        }
        if (candle->open_at > w->candle[0].open_at) {
                w->candle[1] = w->candle[0];
                w->candle[0] = *candle;
                return true;
        }
        return false;
}

static void take_candle(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct venue_candle candle;
        struct feed_event event = {.kind = FEED_CANDLE_ROW, .u.candle = &candle};
        struct hl_feed_wire *w = NULL;
        struct hl_feed_key key;

        hl_feed_key_init(&key, HL_FEED_CANDLE);
        if (!hl_parse_text(key.name, sizeof key.name, data, "s") &&
            !hl_parse_text(key.detail, sizeof key.detail, data, "i"))
                w = hl_feed_wire_find_key(c, &key);
        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (hl_parse_history_candle(&candle, data) || !is_sound(&candle)) {
                hl_feed_frame_refuse(f, w);
                return;
        }
        f->frame.is_repeated = !is_candle_news(w, &candle);
        if (!f->frame.is_repeated)
                tell(f, w, &event);
        hl_feed_frame_heard(f, w);
}

/* One, or a list of them: the venue's own pages say both. */
void hl_feed_book_candle(struct hl_feed_conn *c, const json_t *data)
{
        if (!json_is_array(data)) {
                take_candle(c, data);
                return;
        }
        for (size_t i = 0; i < json_array_size(data) && i < HL_FEED_ROWS; i++)
                take_candle(c, json_array_get(data, i));
}

/* ---- Again ------------------------------------------------------------------------------------- */

static bool read_again(struct feed_event *event, struct hl_feed_wire *w, struct venue_book *book,
                       struct feed_bbo *bbo, const json_t *data)
{
        uint64_t content;

        if (w->key.type == HL_FEED_BOOK) {
                event->kind = FEED_BOOK_WHOLE;
                event->u.book = book;
                return read_book(book, &content, data) == E_OK;
        }
        if (w->key.type == HL_FEED_BBO) {
                event->kind = FEED_BBO_ROW;
                event->u.bbo = bbo;
                return read_best(bbo, &content, data) == E_OK;
        }
        event->kind = FEED_CANDLE_ROW;
        event->u.candle = &w->candle[0];
        return w->key.type == HL_FEED_CANDLE && w->candle[0].open_at > 0;
}

void hl_feed_book_again(struct hl_feed *f, struct hl_feed_wire *w)
{
        json_t *data = hl_raw_load(w->kept, w->kept_len, NULL);
        struct venue_book book;
        struct feed_bbo bbo;
        struct feed_event event = {
                .is_snapshot = true, .n = 1, .raw = w->kept, .raw_len = w->kept_len};

        if (read_again(&event, w, &book, &bbo, data))
                hl_feed_tell(f, w->topic, &event);
        json_decref(data);
}
