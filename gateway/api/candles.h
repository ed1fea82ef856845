/* candles: a market's candles for whoever draws them. Those that have closed come from the store
 * (store/candle_store.h), what it lacks from the venue (series.h); what the venue tells is kept, but for the
 * candle that is open. While the venue can't be asked, what is kept is answered, and how old it is. */
#ifndef API_CANDLES_H
#define API_CANDLES_H

#include <stddef.h>
#include <stdint.h>

#include "api/series.h"

struct candles;

/* On answers that are made without the venue: stale_since. */
#define CANDLES_STALE_HEADER "X-Stale-Since"

struct candles *candles_new(struct api *api);
void candles_free(struct candles *candles); /* nobody may be waiting; accepts NULL */

struct candles_answer {
        const struct venue_candle *row; /* oldest first */
        size_t n;
        int64_t stale_since; /* the venue could not be asked: what opened from here on may be missing; 0: nothing is */
        int64_t before; /* open_at of the newest candle known that opened before the window; 0: none */
};
/* err->code 0, or why there is nothing to be told; answer is borrowed for the callback. */
typedef void candles_fn(void *cookie, const struct err *err, const struct candles_answer *answer);
/* Fires once, never before return. */
void candles_get(struct candles *candles, const struct market *market, unsigned interval,
                 const struct series_window *window, candles_fn *done, void *cookie);

/* What the venue told of the window [start, end), sorted: kept as far as it is final. */
void candles_keep(struct candles *candles, const char *symbol, unsigned interval, int64_t start,
                  int64_t end, const struct venue_candle *candle, size_t n);
/* Of those, how many are final from the first on, and until when all of them are known. Pure. */
size_t candles_final(int64_t *until, const struct venue_candle *candle, size_t n, int64_t end,
                     int64_t now);

#endif
