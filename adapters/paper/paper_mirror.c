#include "adapters/paper/paper_mirror.h"

#include <string.h>

/* Their sizes may be finer than this market's lot: what is left of a lot is not quoted. */
static size_t wanted(struct paper *p, uint32_t asset, const struct recording_event *event,
                     struct engine_order_request *out)
{
        unsigned sz_decimals = p->universe.spec[asset].sz_decimals;
        int64_t lot = num_pow10(NUM_DECIMALS - sz_decimals);
        size_t n = 0;

        for (int side = 0; side < 2; side++) {
                for (size_t i = 0; i < event->n_levels[side]; i++) {
                        const struct recording_level *level = &event->level[side][i];
                        struct qty size = {num_to_step(level->size.v, lot, NUM_DOWN)};
                        struct px price = paper_market_round(level->price, sz_decimals,
                                                             side == 0 ? NUM_DOWN : NUM_UP);

                        if (size.v <= 0 || price.v <= 0)
                                continue;
                        out[n++] = (struct engine_order_request){
                                .asset = asset,
                                .is_buy = side == 0,
                                .price = price,
                                .size = size,
                                .tif = ENGINE_GTC,
                        };
                }
        }
        return n;
}

static bool is_whole(const struct paper *p, uint64_t oid, struct qty size)
{
        const struct engine_order *order =
                oid ? engine_order_by_oid(p->engine, &p->maker, oid) : NULL;

        return order && !strcmp(order->status, "open") && order->size.v == size.v;
}

/* Whether this quote is wanted again; its order then goes over to the new place. */
static bool keeps(const struct paper *p, const struct paper_market *m, unsigned old,
                  const struct engine_order_request *quote, uint64_t *oid, size_t n)
{
        const struct engine_order_request *was = &m->quote[old];

        if (!is_whole(p, m->quote_oid[old], was->size))
                return false;
        for (size_t i = 0; i < n; i++) {
                if (oid[i] || quote[i].is_buy != was->is_buy || quote[i].price.v != was->price.v ||
                    quote[i].size.v != was->size.v)
                        continue;
                oid[i] = m->quote_oid[old];
                return true;
        }
        return false;
}

static void place_rest(struct paper *p, const struct engine_order_request *quote, uint64_t *oid,
                       size_t n, int64_t at)
{
        struct engine_order_request order[2 * PAPER_LEVELS];
        struct engine_order_result result[2 * PAPER_LEVELS];
        size_t place[2 * PAPER_LEVELS], n_new = 0;
        char text[PAPER_TEXT_MAX];

        for (size_t i = 0; i < n; i++) {
                if (oid[i])
                        continue;
                order[n_new] = quote[i];
                place[n_new++] = i;
        }
        memset(result, 0, sizeof(result));
        if (!n_new ||
            !engine_place(p->engine, &p->maker, order, n_new, ENGINE_NA, NULL, 0, result, text, at))
                return;
        for (size_t i = 0; i < n_new; i++)
                if (result[i].status == ENGINE_RESTING)
                        oid[place[i]] = result[i].oid;
}

/* What does not stand there any more goes first, so that the house does not meet itself. */
static void show_book(struct paper *p, uint32_t asset, const struct recording_event *event,
                      int64_t at)
{
        struct paper_market *m = &p->market[asset];
        struct engine_order_request quote[2 * PAPER_LEVELS];
        uint64_t oid[2 * PAPER_LEVELS] = {0};
        size_t n = wanted(p, asset, event, quote);
        char text[PAPER_TEXT_MAX];

        for (unsigned i = 0; i < m->n_quotes; i++)
                if (m->quote_oid[i] && !keeps(p, m, i, quote, oid, n))
                        engine_cancel(p->engine, &p->maker, asset, m->quote_oid[i], text, at);
        place_rest(p, quote, oid, n, at);
        memcpy(m->quote, quote, n * sizeof(quote[0]));
        memcpy(m->quote_oid, oid, sizeof(oid));
        m->n_quotes = (unsigned)n;
        m->is_eaten = false;
}

void paper_mirror_clear(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        char text[PAPER_TEXT_MAX];

        for (unsigned i = 0; i < m->n_quotes; i++)
                if (m->quote_oid[i])
                        engine_cancel(p->engine, &p->maker, asset, m->quote_oid[i], text, at);
        m->n_quotes = 0;
        m->is_eaten = false;
}

static void set_prices(struct paper *p, uint32_t asset, const struct recording_event *event,
                       int64_t at)
{
        struct paper_market *m = &p->market[asset];

        m->oracle = m->anchor = event->oracle;
        m->basis_at = at;
        engine_set_prices(p->engine, asset, event->mark, event->oracle, at);
        paper_candles_add(&m->candles, engine_mark(p->engine, asset), (struct qty){0}, at);
        m->is_candle_changed = true;
}

/* Their trade takes from this book what it took from theirs: traders' orders at a better price
 * first, then the quotes. */
static void take(struct paper *p, uint32_t asset, const struct recording_event *event, int64_t at)
{
        unsigned sz_decimals = p->universe.spec[asset].sz_decimals;
        struct engine_order_request order = {
                .asset = asset,
                .is_buy = event->is_buy,
                .price = paper_market_round(event->price, sz_decimals,
                                            event->is_buy ? NUM_UP : NUM_DOWN),
                .size = {num_to_step(event->size.v, num_pow10(NUM_DECIMALS - sz_decimals),
                                     NUM_DOWN)},
                .tif = ENGINE_IOC,
        };
        struct engine_order_result result;
        char text[PAPER_TEXT_MAX];

        memset(&result, 0, sizeof(result));
        if (order.size.v > 0 && order.price.v > 0)
                (void)engine_place(p->engine, &p->taker, &order, 1, ENGINE_NA, NULL, 0, &result,
                                   text, at);
}

bool paper_mirror_apply(struct paper *p, const struct recording_event *event, int64_t at)
{
        int asset = paper_universe_find(&p->universe, event->coin);

        if (event->type == RECORDING_GAP) {
                for (uint32_t i = 0; i < p->universe.n; i++)
                        if (!p->market[i].is_held)
                                paper_mirror_clear(p, i, at);
                return true;
        }
        if (asset < 0 || p->market[asset].is_held || p->universe.spec[asset].is_delisted)
                return false;
        switch (event->type) {
        case RECORDING_PRICE: set_prices(p, (uint32_t)asset, event, at); break;
        case RECORDING_BOOK: show_book(p, (uint32_t)asset, event, at); break;
        case RECORDING_TRADE: take(p, (uint32_t)asset, event, at); break;
        case RECORDING_GAP: break;
        }
        return true;
}
