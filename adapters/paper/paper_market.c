#include <string.h>

#include "adapters/paper/paper_source.h"
#include "adapters/paper/wire.h"
#include "base/attr.h"
#include "base/mem.h"

/* The synthetic market, in integers only and reproducible from the seed.
 *
 * Oracle: per market a random walk, one step of up to STEP_PPM each time the market's turn comes (a
 * few markets a second), drawn gently towards its anchor so that it stays in range.
 * Mark: the median of three: oracle plus a 150 s moving average of (mid - oracle); the median of
 * best bid, best ask and last trade; the oracle itself, which stands for other venues' perps.
 * Maker: a house account with PAPER_LEVELS orders a side, replaced whenever the oracle moves. Its
 * orders are Gtc, so a trader's resting order is filled when the market walks through it.
 * Takers: a second house account takes a little from the best level now and then.
 *
 * A held market (price set by hand) does not walk and has no takers: oracle and mark are exactly
 * the price, and the quotes stand at fixed distances around it. */

#define STEP_PPM        600
#define TURNS_PER_TICK  8
#define TAKERS_PER_TICK 3
#define BASIS_MS        INT64_C(150000)
#define WARM_UP_TRADES  30
#define WARM_UP_STEP_MS 2000
/* Value of the best level, in dollars; deeper levels hold more. Held markets have no randomness. */
#define BEST_LEVEL_USD   60000
#define IMPACT_USD_MAJOR 20000
#define IMPACT_USD       6000

/* Smallest step of a valid price near p: five significant figures, at most 6 - szDecimals
 * decimals; whole dollars are always valid. */
static int64_t price_step(struct px price, unsigned sz_decimals)
{
        int64_t step = num_pow10(2 + sz_decimals);
        int64_t figures = 1;

        while (figures <= price.v / 100000)
                figures *= 10;
        if (figures > step)
                step = figures;
        return step < NUM_SCALE ? step : NUM_SCALE;
}

struct px paper_market_round(struct px price, unsigned sz_decimals, enum num_round round)
{
        return (struct px){num_to_step(price.v, price_step(price, sz_decimals), round)};
}

static bool has_sides(const struct paper *p, uint32_t asset, struct engine_level best[2])
{
        return engine_book(p->engine, asset, 0, &best[0], 1) == 1 &&
               engine_book(p->engine, asset, 1, &best[1], 1) == 1;
}

bool paper_market_mid(const struct paper *p, uint32_t asset, struct px *mid)
{
        struct engine_level best[2];

        if (!has_sides(p, asset, best))
                return false;
        mid->v = best[0].price.v + (best[1].price.v - best[0].price.v) / 2;
        return true;
}

bool paper_market_impact(const struct paper *p, uint32_t asset, int side, struct px *out)
{
        struct engine_level level[PAPER_LEVELS];
        size_t n = engine_book(p->engine, asset, side, level, PAPER_LEVELS);
        int64_t wanted = (asset < 2 ? IMPACT_USD_MAJOR : IMPACT_USD) * NUM_SCALE;
        num_wide spent = 0, bought = 0;

        for (size_t i = 0; i < n && spent < wanted; i++) {
                num_wide cost = (num_wide)level[i].price.v * level[i].size.v / NUM_SCALE;
                num_wide size = level[i].size.v;

                if (spent + cost > wanted) {
                        size = (wanted - spent) * NUM_SCALE / level[i].price.v;
                        cost = wanted - spent;
                }
                spent += cost;
                bought += size;
        }
        if (spent < wanted || bought <= 0)
                return false;
        return !num_div_wide(&out->v, spent * NUM_SCALE, bought, NUM_NEAREST);
}

struct paper_trade *paper_market_add_trade(struct paper *p, uint32_t asset)
{
        struct paper_market *m = &p->market[asset];

        return &m->trade[m->n_trades++ % PAPER_TRADES];
}

/* ---- The market maker ------------------------------------------------------------------------ */

static uint64_t draw(struct paper_market *m, uint64_t bound)
{
        return paper_candles_random(&m->random) % bound;
}

static struct qty level_size(struct paper *p, uint32_t asset, unsigned level, struct px price)
{
        struct paper_market *m = &p->market[asset];
        unsigned sz_decimals = p->universe.spec[asset].sz_decimals;
        int64_t lot = num_pow10(NUM_DECIMALS - sz_decimals);
        int64_t dollars = BEST_LEVEL_USD * (int64_t)(level + 2) / 2;
        struct qty size;

        if (!m->is_held)
                dollars += (int64_t)draw(m, BEST_LEVEL_USD);
        if (num_qty_for(&size, (struct usd){dollars * NUM_SCALE}, price, NUM_DOWN))
                return (struct qty){lot};
        size.v = num_to_step(size.v, lot, NUM_DOWN);
        return size.v > 0 ? size : (struct qty){lot};
}

/* Distance between levels: one basis point, at least one step. The best quotes stand one step
 * away from the price. */
static size_t ladder(struct paper *p, uint32_t asset, struct px around, bool is_buy,
                     struct engine_order_request *out)
{
        unsigned sz_decimals = p->universe.spec[asset].sz_decimals;
        int64_t step = price_step(around, sz_decimals);
        int64_t apart = num_to_step(around.v / 10000, step, NUM_UP);
        int64_t sign = is_buy ? -1 : 1;
        struct px price;
        size_t n = 0;

        if (apart < step)
                apart = step;
        for (unsigned level = 0; level < PAPER_LEVELS; level++) {
                price.v = around.v + sign * (step + apart * level);
                if (price.v <= 0)
                        break;
                price = paper_market_round(price, sz_decimals, is_buy ? NUM_DOWN : NUM_UP);
                if (price.v <= 0)
                        break;
                out[n++] = (struct engine_order_request){
                        .asset = asset,
                        .is_buy = is_buy,
                        .price = price,
                        .size = level_size(p, asset, level, price),
                        .tif = ENGINE_GTC,
                };
        }
        return n;
}

/* Replaces all quotes. They are Gtc: whoever rests in their way is filled. */
static void requote(struct paper *p, uint32_t asset, struct px around, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        struct engine_order_result result[2 * PAPER_LEVELS];
        char text[PAPER_TEXT_MAX];

        for (unsigned i = 0; i < m->n_quotes; i++)
                if (m->quote_oid[i])
                        engine_cancel(p->engine, &p->maker, asset, m->quote_oid[i], text, at);
        m->n_quotes = 0;
        m->is_eaten = false;
        if (p->universe.spec[asset].is_delisted)
                return;
        m->n_quotes = (unsigned)ladder(p, asset, around, true, m->quote);
        m->n_quotes += (unsigned)ladder(p, asset, around, false, m->quote + m->n_quotes);
        memset(result, 0, sizeof(result));
        memset(m->quote_oid, 0, sizeof(m->quote_oid));
        if (!engine_place(p->engine, &p->maker, m->quote, m->n_quotes, ENGINE_NA, NULL, 0, result,
                          text, at))
                return;
        for (unsigned i = 0; i < m->n_quotes; i++)
                if (result[i].status == ENGINE_RESTING)
                        m->quote_oid[i] = result[i].oid;
}

/* Makes eaten quotes whole again, where that takes nobody's order: what a trader left resting at a
 * quote's price stays, and the quote is tried again later. */
static void top_up(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        char text[PAPER_TEXT_MAX];

        m->is_eaten = false;
        for (unsigned i = 0; i < m->n_quotes; i++) {
                struct engine_order_request again = m->quote[i];
                struct engine_order_result result = {.oid = 0};
                const struct engine_order *now =
                        m->quote_oid[i] ? engine_order_by_oid(p->engine, &p->maker, m->quote_oid[i])
                                        : NULL;

                if (now && !strcmp(now->status, "open") && now->size.v == again.size.v)
                        continue;
                if (m->quote_oid[i])
                        engine_cancel(p->engine, &p->maker, asset, m->quote_oid[i], text, at);
                m->quote_oid[i] = 0;
                again.tif = ENGINE_ALO;
                if (engine_place(p->engine, &p->maker, &again, 1, ENGINE_NA, NULL, 0, &result, text,
                                 at) &&
                    result.status == ENGINE_RESTING)
                        m->quote_oid[i] = result.oid;
                else
                        m->is_eaten = true;
        }
}

/* ---- Marks ----------------------------------------------------------------------------------- */

static int64_t median(int64_t a, int64_t b, int64_t c)
{
        if (a > b) {
                int64_t swap = a;

                a = b;
                b = swap;
        }
        if (c <= a)
                return a;
        return c < b ? c : b;
}

static struct px mark_of(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        struct px last = engine_last_price(p->engine, asset);
        struct engine_level best[2];
        struct px mark = m->oracle;
        int64_t elapsed = at - m->basis_at, mid, book;

        if (!m->is_held && has_sides(p, asset, best)) {
                mid = best[0].price.v + (best[1].price.v - best[0].price.v) / 2;
                elapsed = elapsed < 0 ? 0 : elapsed > BASIS_MS ? BASIS_MS : elapsed;
                m->basis += (mid - m->oracle.v - m->basis) / 1000 * elapsed / (BASIS_MS / 1000);
                book = last.v > 0 ? median(best[0].price.v, best[1].price.v, last.v) : mid;
                mark.v = median(m->oracle.v + m->basis, book, m->oracle.v);
                mark = paper_market_round(mark, p->universe.spec[asset].sz_decimals, NUM_NEAREST);
        }
        m->basis_at = at;
        return mark.v > 0 ? mark : m->oracle;
}

static void set_prices(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        struct px mark = mark_of(p, asset, at);

        engine_set_prices(p->engine, asset, mark, m->oracle, at);
        paper_candles_add(&m->candles, mark, (struct qty){0}, at);
        m->is_candle_changed = true;
}

/* ---- The walk -------------------------------------------------------------------------------- */

static void step(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        unsigned sz_decimals = p->universe.spec[asset].sz_decimals;
        int64_t grain = num_pow10(2 + sz_decimals);
        int64_t ppm = (int64_t)draw(m, STEP_PPM + 1) + (int64_t)draw(m, STEP_PPM + 1) - STEP_PPM;
        int64_t pull, move;

        if (m->is_held || p->universe.spec[asset].is_delisted)
                return;
        /* A hundredth of the way back to the anchor: a tenth away pulls like an average step. */
        if (num_muldiv(&pull, m->anchor.v - m->oracle.v, 10000, m->oracle.v, NUM_NEAREST))
                pull = 0;
        if (!num_muldiv(&move, m->oracle.v, ppm + pull, 1000000, NUM_NEAREST))
                m->oracle.v = num_to_step(m->oracle.v + move, grain, NUM_NEAREST);
        if (m->oracle.v < grain)
                m->oracle.v = grain;
        requote(p, asset, m->oracle, at);
        set_prices(p, asset, at);
}

static void take(struct paper *p, uint32_t asset, uint64_t *random, int64_t at)
{
        const struct engine_market_spec *spec = &p->universe.spec[asset];
        bool is_buy = paper_candles_random(random) & 1;
        int64_t dollars = 20 + (int64_t)(paper_candles_random(random) % 9000);
        int64_t lot = num_pow10(NUM_DECIMALS - spec->sz_decimals);
        struct engine_order_request order = {.asset = asset, .is_buy = is_buy, .tif = ENGINE_IOC};
        struct engine_order_result result;
        struct engine_level best;
        char text[PAPER_TEXT_MAX];

        if (spec->is_delisted || engine_book(p->engine, asset, is_buy, &best, 1) == 0)
                return;
        order.price = best.price;
        if (num_qty_for(&order.size, (struct usd){dollars * NUM_SCALE}, best.price, NUM_UP))
                return;
        order.size.v = num_to_step(order.size.v, lot, NUM_UP);
        memset(&result, 0, sizeof(result));
        (void)engine_place(p->engine, &p->taker, &order, 1, ENGINE_NA, NULL, 0, &result, text, at);
}

/* A book from elsewhere says itself when what was taken is back. */
static bool is_topped_up(const struct paper *p, const struct paper_market *m)
{
        return m->is_eaten && (!p->source || m->is_held || paper_source_is_over(p->source));
}

void paper_market_tick(struct paper *p, int64_t at)
{
        uint32_t n = (uint32_t)p->universe.n;
        uint64_t first = p->n_ticks * TURNS_PER_TICK;

        for (uint32_t i = 0; i < n; i++)
                if (is_topped_up(p, &p->market[i]))
                        top_up(p, i, at);
        if (p->is_still || p->source)
                return;
        for (uint32_t i = 0; i < TURNS_PER_TICK && i < n; i++)
                step(p, (uint32_t)((first + i) % n), at);
        for (unsigned i = 0; i < TAKERS_PER_TICK; i++) {
                uint32_t asset = (uint32_t)draw(&p->market[0], n);

                if (!p->market[asset].is_held)
                        take(p, asset, &p->market[asset].random, at);
        }
}

void paper_market_refill(struct paper *p, int64_t at)
{
        for (uint32_t i = 0; i < p->universe.n; i++)
                if (p->market[i].is_eaten && (p->market[i].is_held || p->is_still))
                        top_up(p, i, at);
}

void paper_market_hold(struct paper *p, uint32_t asset, const struct px *price, int64_t at)
{
        struct paper_market *m = &p->market[asset];

        m->is_held = price != NULL;
        if (!price) {
                m->anchor = m->oracle;
                return;
        }
        m->oracle = *price;
        m->basis = 0;
        /* The book first: triggers and liquidations then trade at the new price, not at the old. */
        requote(p, asset, m->oracle, at);
        set_prices(p, asset, at);
        if (m->is_eaten)
                top_up(p, asset, at);
}

void paper_market_start(struct paper *p, uint64_t seed)
{
        int64_t now = paper_now(p), at = now - WARM_UP_TRADES * WARM_UP_STEP_MS;

        for (uint32_t i = 0; i < p->universe.n; i++) {
                struct paper_market *m = &p->market[i];

                m->random = seed * UINT64_C(0x2545f4914f6cdd1d) + i;
                m->anchor = m->oracle = p->universe.start[i];
                m->basis_at = at;
                m->funding = xcalloc(PAPER_FUNDING_ROWS, sizeof(*m->funding));
                paper_candles_init(&m->candles);
                if (!p->universe.spec[i].is_delisted && !p->source)
                        paper_candles_backfill(&m->candles, &m->random, m->oracle,
                                               p->universe.spec[i].sz_decimals, at);
                /* The engine knows a price before anything is placed. */
                engine_set_prices(p->engine, i, m->oracle, m->oracle, at);
                if (!p->source)
                        requote(p, i, m->oracle, at);
                set_prices(p, i, at);
        }
        for (; at < now && !p->is_still && !p->source; at += WARM_UP_STEP_MS)
                for (uint32_t i = 0; i < p->universe.n; i++)
                        take(p, i, &p->market[i].random, at);
        for (uint32_t i = 0; i < p->universe.n; i++)
                p->market[i].n_trades_pushed = p->market[i].n_trades;
}
