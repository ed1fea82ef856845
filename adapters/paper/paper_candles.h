/* paper_candles: open, high, low, close and volume of one market, by the minute (25 hours) and by
 * the hour (41 days); longer intervals are put together from these. */
#ifndef PAPER_CANDLES_H
#define PAPER_CANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/num.h"

#define PAPER_MINUTES   1500
#define PAPER_HOURS     1000
#define PAPER_INTERVALS 14

struct paper_candle {
        int64_t at; /* opening time */
        struct px open, high, low, close;
        struct qty volume;
        uint32_t n_trades;
};
struct paper_candle_ring {
        struct paper_candle *slot; /* owned */
        size_t cap;
        uint64_t n; /* ever begun; the newest is slot[(n - 1) % cap] */
        int64_t step_ms;
};
struct paper_candles {
        struct paper_candle_ring minute, hour;
        /* The last 24 hours, recomputed each minute and on each trade. */
        int64_t day_at; /* minute of the last computation */
        struct qty day_base;
        struct usd day_notional;
        struct px day_open;
};

void paper_candles_init(struct paper_candles *candles);
void paper_candles_fini(struct paper_candles *candles);
/* A past for a new market: the walk run backwards from price with the given random state. */
void paper_candles_backfill(struct paper_candles *candles, uint64_t *random, struct px price,
                            unsigned sz_decimals, int64_t at);
/* A new price; size 0 when it was a mark and not a trade. */
void paper_candles_add(struct paper_candles *candles, struct px price, struct qty size, int64_t at);
/* Index of "1m", "1h", ...; -1 if unknown. */
int paper_candles_interval(const char *name);
const char *paper_candles_interval_name(int interval);
/* Candles that begin in [from, until], oldest first, the newest 5000 of them, as array elements. */
void paper_candles_show(const struct paper_candles *candles, struct buf *out, const char *coin,
                        int interval, int64_t from, int64_t until);
/* The newest candle as an object; false if there is none. */
bool paper_candles_show_last(const struct paper_candles *candles, struct buf *out, const char *coin,
                             int interval);
/* Brings the day's figures up to date. */
void paper_candles_day(struct paper_candles *candles, int64_t at);

/* The project's own small generator (splitmix64): reproducible, not for secrets. */
uint64_t paper_candles_random(uint64_t *state);

#endif
