#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* Trades and contexts: the bulk of what comes. Rows are read into the feed's own array and told in pieces
 * of HL_FEED_ROWS, so that nothing is allocated beyond the JSON. */

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

/* ---- Trades ------------------------------------------------------------------------------------ */

static enum errc read_trade(struct feed_trade *out, const json_t *row, const char *coin)
{
        const json_t *users = json_object_get(row, "users");
        const char *name = hl_raw_get_text(row, "coin", NULL);

        if (!name || strcmp(name, coin) != 0 || hl_parse_px(&out->trade.price, row, "px") ||
            hl_parse_qty(&out->trade.size, row, "sz") || hl_parse_side(&out->trade.side, row) ||
            hl_raw_get_int(&out->trade.at, row, "time") ||
            hl_raw_get_uint(&out->trade.tid, row, "tid"))
                return E_SYNTAX;
        if (out->trade.price.v <= 0 || out->trade.size.v <= 0 ||
            !hl_feed_frame_is_time(out->trade.at))
                return E_RANGE;
        for (size_t i = 0; i < 2; i++) {
                size_t len = 0;
                const char *text = hl_raw_text(json_array_get(users, i), &len);

                if (!text || hex_parse_addr(&out->users[i], text, len))
                        return E_SYNTAX;
        }
        (void)text_copy(out->symbol, sizeof out->symbol, coin);
        return E_OK;
}

/* Which trades of a frame are past: those that were seen before, and of the first frame, which the venue
 * begins with about thirty trades of before without saying so, those up to the time of subscribing, and up to
 * the newest that was seen. A market that was never traded begins with a new one. */
struct past {
        bool is_first;
        int64_t until;
        size_t n, n_seen;
};

static struct past judge_past(const struct hl_feed_wire *w)
{
        struct past past = {.is_first = w->is_first};

        past.until = w->state == HL_FEED_HELD ? later(w->held_at, w->newest_at) : INT64_MAX;
        return past;
}

static bool is_past(struct past *past, struct hl_feed_wire *w, const struct venue_trade *trade)
{
        bool is_seen = hl_feed_seen_note(&w->seen, trade->tid);
        bool is_old = is_seen || (past->is_first && trade->at <= past->until);

        past->n += is_old;
        past->n_seen += is_seen;
        return is_old;
}

static void tell_trades(struct hl_feed *f, struct hl_feed_topic *t, size_t n, bool is_whole)
{
        struct feed_event event = {.kind = FEED_TRADE_ROWS, .n = n, .u.trade = f->trade};

        if (is_whole)
                hl_feed_frame_put_raw(f, &event);
        if (n > 0)
                hl_feed_tell(f, t, &event);
}

/* False when a row was not understood: the others are told. */
static bool take_trades(struct hl_feed *f, struct hl_feed_wire *w, const json_t *data)
{
        struct past past = judge_past(w);
        bool is_good = true;
        size_t n = 0;

        for (size_t i = 0; i < json_array_size(data); i++) {
                struct feed_trade *row = &f->trade[n];

                if (read_trade(row, json_array_get(data, i), w->key.name)) {
                        is_good = false;
                        continue;
                }
                row->is_past = is_past(&past, w, &row->trade);
                hl_feed_frame_learn_time(f, row->trade.at);
                w->newest_at = later(w->newest_at, row->trade.at);
                /* The last piece brings what was received, so it is never empty. */
                if (++n == HL_FEED_ROWS && i + 1 < json_array_size(data)) {
                        tell_trades(f, w->topic, n, false);
                        n = 0;
                }
        }
        tell_trades(f, w->topic, n, is_good);
        f->frame.is_past = past.n == json_array_size(data);
        f->frame.is_repeated = past.n_seen == json_array_size(data);
        return is_good;
}

void hl_feed_market_trades(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(json_array_get(data, 0), "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_TRADES, coin, NULL) : NULL;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        if (take_trades(f, w, data)) {
                hl_feed_frame_heard(f, w);
                return;
        }
        hl_feed_frame_refuse(f, w);
}

/* ---- Contexts ---------------------------------------------------------------------------------- */

static enum errc read_context(struct feed_context *out, const json_t *context, const char *symbol)
{
        memset(out, 0, sizeof *out);
        out->has_mid = !hl_raw_is_absent(context, "midPx");
        if (hl_parse_px_rounded(&out->mark, context, "markPx") ||
            hl_parse_px_rounded(&out->oracle, context, "oraclePx") ||
            hl_parse_rate(&out->funding, context, "funding") ||
            hl_parse_qty_rounded(&out->open_interest, context, "openInterest") ||
            (out->has_mid && hl_parse_px_rounded(&out->mid, context, "midPx")))
                return E_SYNTAX;
        if (out->mark.v <= 0 || out->oracle.v <= 0)
                return E_RANGE;
        (void)text_copy(out->symbol, sizeof out->symbol, symbol);
        return E_OK;
}

static void tell_contexts(struct hl_feed *f, struct hl_feed_topic *t, size_t n)
{
        struct feed_event event = {.kind = FEED_CONTEXT_ROWS, .n = n, .u.context = f->context};

        if (n == 0)
                return;
        f->contexts_at = hl_feed_wall(f);
        hl_feed_frame_put_raw(f, &event);
        hl_feed_tell(f, t, &event);
}

/* A market's place in its dex's list is the last part of its asset id: dexes other than the first have
 * ids 100,000 + 10,000 * dex + place. */
#define PLACES INT64_C(10000)

/* A dex's contexts, which are told apart by place alone. A list that is shorter than what is known of the
 * dex is not that dex's. Returns how many were told. */
static size_t take_dex(struct hl_feed *f, struct hl_feed_wire *w, const char *dex,
                       const json_t *contexts)
{
        const struct venue *v = f->options.venue;
        size_t n_markets = v->ops->market_count(v), n = 0, told = 0;

        for (size_t i = 0; i < n_markets; i++) {
                const struct market *m = v->ops->market_at(v, i);
                const json_t *context = json_array_get(contexts, (size_t)(m->asset % PLACES));
                char own[HL_FEED_DEX_MAX];

                if (!hl_feed_wire_dex_of(own, m->symbol) || strcmp(own, dex) != 0 || !context)
                        continue;
                if (read_context(&f->context[n], context, m->symbol))
                        continue; /* a market that is not traded has no mark */
                if (++n < HL_FEED_ROWS)
                        continue;
                tell_contexts(f, w->topic, n);
                told += n;
                n = 0;
        }
        tell_contexts(f, w->topic, n);
        return told + n;
}

static bool fits_dex(const struct hl_feed *f, const char *dex, const json_t *contexts)
{
        const struct venue *v = f->options.venue;
        size_t n_markets = v->ops->market_count(v), n = 0;

        for (size_t i = 0; i < n_markets; i++) {
                char own[HL_FEED_DEX_MAX];

                if (hl_feed_wire_dex_of(own, v->ops->market_at(v, i)->symbol) &&
                    strcmp(own, dex) == 0)
                        n++;
        }
        return json_is_array(contexts) && json_array_size(contexts) >= n;
}

/* What nobody reads need not be understood. */
static void settle(struct hl_feed *f, struct hl_feed_wire *w, size_t told, bool is_good)
{
        if (!is_good)
                hl_feed_frame_ignore(f, HL_FEED_NOT_UNDERSTOOD);
        if (told > 0 || (!w->topic && is_good))
                hl_feed_frame_heard(f, w);
}

void hl_feed_market_all_contexts(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        struct hl_feed_wire *w = hl_feed_wire_find(c, HL_FEED_ALL_CONTEXTS, "", NULL);
        const json_t *pairs = json_object_get(data, "ctxs");
        bool is_good = json_is_array(pairs);
        size_t told = 0;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
                return;
        }
        for (size_t i = 0; i < json_array_size(pairs) && i < HL_FEED_DEXES_MAX; i++) {
                const json_t *pair = json_array_get(pairs, i);
                const char *dex = hl_raw_text(json_array_get(pair, 0), NULL);
                const json_t *contexts = json_array_get(pair, 1);

                if (dex && fits_dex(f, dex, contexts))
                        told += take_dex(f, w, dex, contexts);
                else
                        is_good = false;
        }
        settle(f, w, told, is_good);
}

void hl_feed_market_dex_contexts(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *dex = hl_raw_is_absent(data, "dex") ? "" : hl_raw_get_text(data, "dex", NULL);
        const json_t *contexts = json_object_get(data, "ctxs");
        struct hl_feed_wire *w = dex ? hl_feed_wire_find(c, HL_FEED_DEX_CONTEXTS, dex, NULL) : NULL;

        if (!w)
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
        else if (fits_dex(f, dex, contexts))
                settle(f, w, take_dex(f, w, dex, contexts), true);
        else
                settle(f, w, 0, false);
}

void hl_feed_market_context(struct hl_feed_conn *c, const json_t *data)
{
        struct hl_feed *f = c->feed;
        const char *coin = hl_raw_get_text(data, "coin", NULL);
        struct hl_feed_wire *w = coin ? hl_feed_wire_find(c, HL_FEED_CONTEXT, coin, NULL) : NULL;

        if (!w) {
                hl_feed_frame_ignore(f, HL_FEED_NOT_OURS);
        } else if (read_context(&f->context[0], json_object_get(data, "ctx"), coin)) {
                settle(f, w, 0, false);
        } else {
                tell_contexts(f, w->topic, 1);
                settle(f, w, 1, true);
        }
}
