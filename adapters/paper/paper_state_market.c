#include <string.h>

#include "adapters/paper/paper_state.h"
#include "base/mem.h"

/* A market beside the engine: its price source, quotes, tape, candles, funding. Rings are written
 * from the oldest kept to the newest, after how many there ever were. */

#define CANDLE_BYTES  52
#define TRADE_BYTES   100
#define FUNDING_BYTES 24
#define TIME_MAX      (INT64_C(1) << 48)
#define PRICE_MAX     (INT64_MAX / 1024)

static bool price_fits(struct px price)
{
        return price.v > 0 && price.v <= PRICE_MAX;
}

/* How many of n a ring of cap still holds; refused where so many can't follow. */
static uint64_t kept(struct archive *a, uint64_t *n, uint64_t cap, size_t item_bytes)
{
        uint64_t n_kept;

        archive_u64(a, n);
        n_kept = *n < cap ? *n : cap;
        if (archive_is_reading(a) &&
            !archive_want(a, n_kept <= a->n_in / item_bytes, "a ring is longer than what follows"))
                *n = n_kept = 0;
        return n_kept;
}

static void candle(struct archive *a, struct paper_candle *c)
{
        archive_i64(a, &c->at);
        archive_px(a, &c->open);
        archive_px(a, &c->high);
        archive_px(a, &c->low);
        archive_px(a, &c->close);
        archive_qty(a, &c->volume);
        archive_u32(a, &c->n_trades);
        (void)archive_want(a,
                           c->at >= 0 && c->at < TIME_MAX && price_fits(c->open) &&
                                   price_fits(c->high) && price_fits(c->low) &&
                                   price_fits(c->close) && c->volume.v >= 0,
                           "a candle is out of all bounds");
}

static void candles(struct archive *a, struct paper_candles *c)
{
        struct paper_candle_ring *ring[] = {&c->minute, &c->hour};

        for (size_t k = 0; k < 2; k++) {
                uint64_t n = kept(a, &ring[k]->n, ring[k]->cap, CANDLE_BYTES);

                for (uint64_t i = ring[k]->n - n; i < ring[k]->n; i++)
                        candle(a, &ring[k]->slot[i % ring[k]->cap]);
        }
        archive_i64(a, &c->day_at);
        archive_qty(a, &c->day_base);
        archive_usd(a, &c->day_notional);
        archive_px(a, &c->day_open);
}

static void trades(struct archive *a, struct paper_market *m)
{
        uint64_t n = kept(a, &m->n_trades, PAPER_TRADES, TRADE_BYTES);

        for (uint64_t i = m->n_trades - n; i < m->n_trades; i++) {
                struct paper_trade *t = &m->trade[i % PAPER_TRADES];

                archive_px(a, &t->price);
                archive_qty(a, &t->size);
                archive_bool(a, &t->is_buy);
                archive_i64(a, &t->at);
                archive_bytes(a, t->hash.b, sizeof(t->hash.b));
                archive_u64(a, &t->tid);
                archive_addr(a, &t->buyer);
                archive_addr(a, &t->seller);
        }
        if (archive_is_reading(a))
                m->n_trades_pushed = m->n_trades;
}

static void quotes(struct archive *a, struct paper_market *m, uint32_t asset)
{
        archive_unsigned(a, &m->n_quotes);
        if (!archive_want(a, m->n_quotes <= 2 * PAPER_LEVELS, "a market has too many quotes")) {
                m->n_quotes = 0;
                return;
        }
        for (unsigned i = 0; i < m->n_quotes; i++) {
                struct engine_order_request *r = &m->quote[i];

                archive_bool(a, &r->is_buy);
                archive_px(a, &r->price);
                archive_qty(a, &r->size);
                archive_u64(a, &m->quote_oid[i]);
                r->asset = asset;
                r->tif = ENGINE_GTC;
        }
        archive_bool(a, &m->is_eaten);
}

static void funding(struct archive *a, struct paper_market *m)
{
        uint64_t n_rows = m->n_funding, n;

        archive_i64(a, &m->premium_sum);
        archive_unsigned(a, &m->n_premiums);
        archive_rate(a, &m->premium);
        n = kept(a, &n_rows, PAPER_FUNDING_ROWS, FUNDING_BYTES);
        m->n_funding = n_rows;
        for (uint64_t i = n_rows - n; i < n_rows; i++) {
                struct paper_funding_row *row = &m->funding[i % PAPER_FUNDING_ROWS];

                archive_i64(a, &row->at);
                archive_rate(a, &row->rate);
                archive_rate(a, &row->premium);
        }
        (void)archive_want(a,
                           m->n_premiums <= 1000000 && m->premium.v <= NUM_RATE_SCALE &&
                                   m->premium.v >= -NUM_RATE_SCALE,
                           "a premium is out of all bounds");
}

void paper_state_market(struct paper *p, struct archive *a, uint32_t asset)
{
        struct paper_market *m = &p->market[asset];

        if (archive_is_reading(a)) {
                m->funding = xcalloc(PAPER_FUNDING_ROWS, sizeof(*m->funding));
                paper_candles_init(&m->candles);
        }
        archive_u64(a, &m->random);
        archive_px(a, &m->anchor);
        archive_px(a, &m->oracle);
        archive_bool(a, &m->is_held);
        archive_i64(a, &m->basis);
        archive_i64(a, &m->basis_at);
        (void)archive_want(a,
                           price_fits(m->anchor) && price_fits(m->oracle) && m->basis < PRICE_MAX &&
                                   m->basis > -PRICE_MAX && m->basis_at > -TIME_MAX &&
                                   m->basis_at < TIME_MAX,
                           "a market's price is out of all bounds");
        quotes(a, m, asset);
        trades(a, m);
        candles(a, &m->candles);
        funding(a, m);
}
