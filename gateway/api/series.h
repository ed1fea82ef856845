/* series: a market's candles and funding rates, as the venue tells them. Charts ask for windows that end now, thousands
 * of them a minute; the venue is asked for a window on a coarse grid, once for all who wait. What was read
 * stays for a moment, within bounds. Candles that have closed are kept for good: candles.h. */
#ifndef API_SERIES_H
#define API_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct call;
struct err;
struct market;
struct series;
struct venue_candle;

#define SERIES_CANDLES_MAX 5000 /* in one window, as the venue has it */
#define SERIES_RATES_MAX   480  /* the venue answers at most 500, the oldest */

extern const char *const series_intervals[];   /* "1m" ... "1M"; NULL-terminated */
int64_t series_interval_ms(unsigned interval); /* a month counts 31 days */

struct series *series_new(struct api *api);
void series_free(struct series *series); /* accepts NULL */

/* Half open; the newest `limit` of what lies inside are answered, oldest first. */
struct series_window {
        int64_t start, end;
        unsigned limit;
        bool kept_only; /* candles: what is kept will do, the venue is not asked */
};
/* The venue's candles of [start, end) and a little beyond, oldest first; borrowed for the callback. err->code
 * 0 when they are there. Fires once, at once where they are at hand. */
typedef void series_candles_fn(void *cookie, const struct err *err,
                               const struct venue_candle *candles, size_t n);
void series_candles(struct series *series, const struct market *market, unsigned interval,
                    int64_t start, int64_t end, series_candles_fn *done, void *cookie);
void series_rates(struct series *series, struct call *call, const struct market *market,
                  const struct series_window *window);

#endif
