#include "adapters/paper/paper_tape.h"

#include <string.h>

#include "adapters/paper/jot.h"

#define FAST_LEVELS 5
#define BOOK_DEPTH  1000 /* levels looked at when levels are put together */

/* ---- Contexts -------------------------------------------------------------------------------- */

static void show_impact(struct paper *p, struct buf *out, uint32_t asset)
{
        struct px bid, ask;

        if (!paper_market_impact(p, asset, 0, &bid) || !paper_market_impact(p, asset, 1, &ask)) {
                jot_null(out, "impactPxs");
                return;
        }
        /* The venue shows at most 6 - szDecimals decimals, as of every price. */
        bid.v = num_to_step(bid.v, num_pow10(2 + p->universe.spec[asset].sz_decimals), NUM_NEAREST);
        ask.v = num_to_step(ask.v, num_pow10(2 + p->universe.spec[asset].sz_decimals), NUM_NEAREST);
        jot_array(out, "impactPxs");
        jot_px(out, NULL, bid);
        jot_px(out, NULL, ask);
        jot_end_array(out);
}

void paper_tape_context(struct paper *p, struct buf *out, const char *key, uint32_t asset)
{
        struct paper_market *m = &p->market[asset];
        bool is_delisted = p->universe.spec[asset].is_delisted;
        struct px mid;

        paper_candles_day(&m->candles, paper_now(p));
        jot_object(out, key);
        jot_rate(out, "funding", paper_funding_hourly(p, asset));
        jot_qty(out, "openInterest", engine_open_interest(p->engine, asset));
        jot_px(out, "prevDayPx", m->candles.day_open.v > 0 ? m->candles.day_open : m->oracle);
        jot_usd(out, "dayNtlVlm",
                (struct usd){num_to_step(m->candles.day_notional.v, NUM_MICRO, NUM_DOWN)});
        if (is_delisted)
                jot_null(out, "premium");
        else
                jot_rate(out, "premium", m->premium);
        jot_px(out, "oraclePx", m->oracle);
        jot_px(out, "markPx", engine_mark(p->engine, asset));
        if (paper_market_mid(p, asset, &mid))
                jot_px(out, "midPx", mid);
        else
                jot_null(out, "midPx");
        show_impact(p, out, asset);
        jot_qty(out, "dayBaseVlm", m->candles.day_base);
        jot_end_object(out);
}

void paper_tape_contexts(struct paper *p, struct buf *out, const char *key, unsigned dex)
{
        uint32_t first = p->universe.dex[dex].first;

        jot_array(out, key);
        for (uint32_t i = first; i < first + p->universe.dex[dex].n; i++)
                paper_tape_context(p, out, NULL, i);
        jot_end_array(out);
}

void paper_tape_mids(struct paper *p, struct buf *out, const char *key, unsigned dex)
{
        uint32_t first = p->universe.dex[dex].first;

        jot_object(out, key);
        for (uint32_t i = first; i < first + p->universe.dex[dex].n; i++) {
                struct px mid;

                if (!paper_market_mid(p, i, &mid))
                        mid = engine_last_price(p->engine, i);
                if (mid.v > 0)
                        jot_px(out, paper_coin(p, i), mid);
        }
        jot_end_object(out);
}

/* ---- Books ----------------------------------------------------------------------------------- */

void paper_tape_level(struct buf *out, const char *key, const struct engine_level *level)
{
        jot_object(out, key);
        jot_px(out, "px", level->price);
        jot_qty(out, "sz", level->size);
        jot_uint(out, "n", level->n_orders);
        jot_end_object(out);
}

/* The grid of a book shown with few figures: bids fall, asks rise to it. */
static struct px on_grid(struct px price, int side, unsigned n_sig_figs, unsigned mantissa)
{
        int64_t step = 1;

        if (n_sig_figs == 0)
                return price;
        while (step <= price.v / num_pow10(n_sig_figs))
                step *= 10;
        step *= mantissa ? mantissa : 1;
        return (struct px){num_to_step(price.v, step, side == 0 ? NUM_DOWN : NUM_UP)};
}

static void show_side(struct paper *p, struct buf *out, uint32_t asset, int side,
                      const struct paper_grid *grid)
{
        const size_t depth = grid->is_fast ? FAST_LEVELS : PAPER_LEVELS;
        struct engine_level level[BOOK_DEPTH], sum = {.n_orders = 0};
        size_t n =
                engine_book(p->engine, asset, side, level, grid->n_sig_figs ? BOOK_DEPTH : depth);
        size_t n_shown = 0;

        jot_array(out, NULL);
        for (size_t i = 0; i < n && n_shown < depth; i++) {
                level[i].price = on_grid(level[i].price, side, grid->n_sig_figs, grid->mantissa);
                if (sum.n_orders && sum.price.v != level[i].price.v) {
                        paper_tape_level(out, NULL, &sum);
                        sum.n_orders = 0;
                        n_shown++;
                }
                if (sum.n_orders == 0) {
                        sum = level[i];
                        continue;
                }
                sum.size.v += level[i].size.v;
                sum.n_orders += level[i].n_orders;
        }
        if (sum.n_orders && n_shown < depth)
                paper_tape_level(out, NULL, &sum);
        jot_end_array(out);
}

void paper_tape_book(struct paper *p, struct buf *out, const char *key, uint32_t asset,
                     const struct paper_grid *grid)
{
        jot_object(out, key);
        jot_text(out, "coin", paper_coin(p, asset));
        jot_int(out, "time", paper_now(p));
        jot_array(out, "levels");
        show_side(p, out, asset, p->shows_crossed, grid);
        show_side(p, out, asset, !p->shows_crossed, grid);
        jot_end_array(out);
        if (grid->is_fast)
                jot_bool(out, "fast", true);
        jot_end_object(out);
}

/* ---- Trades ---------------------------------------------------------------------------------- */

void paper_tape_trade(struct paper *p, struct buf *out, const char *key, uint32_t asset,
                      const struct paper_trade *trade)
{
        jot_object(out, key);
        jot_text(out, "coin", paper_coin(p, asset));
        jot_text(out, "side", trade->is_buy ? "B" : "A");
        jot_px(out, "px", trade->price);
        jot_qty(out, "sz", trade->size);
        jot_int(out, "time", trade->at);
        jot_hash(out, "hash", &trade->hash);
        jot_uint(out, "tid", trade->tid);
        jot_array(out, "users");
        jot_addr(out, NULL, &trade->buyer);
        jot_addr(out, NULL, &trade->seller);
        jot_end_array(out);
        jot_end_object(out);
}

void paper_tape_trades(struct paper *p, struct buf *out, const char *key, uint32_t asset, size_t n,
                       bool is_oldest_first)
{
        const struct paper_market *m = &p->market[asset];

        if (n > PAPER_TRADES)
                n = PAPER_TRADES;
        if (n > m->n_trades)
                n = (size_t)m->n_trades;
        jot_array(out, key);
        for (size_t i = 0; i < n; i++) {
                uint64_t at = is_oldest_first ? m->n_trades - n + i : m->n_trades - 1 - i;

                paper_tape_trade(p, out, NULL, asset, &m->trade[at % PAPER_TRADES]);
        }
        jot_end_array(out);
}
