/* series: a market's candles and funding rates. Charts ask for windows that end now, thousands of them a
 * minute; the venue is asked for a window on a coarse grid, once for all who wait, and every caller
 * gets the exact part asked for. What was read stays for a moment, within bounds. */
#ifndef API_SERIES_H
#define API_SERIES_H

#include <stdint.h>

struct api;
struct call;
struct market;
struct series;

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
};
void series_candles(struct series *series, struct call *call, const struct market *market,
                    unsigned interval, const struct series_window *window);
void series_rates(struct series *series, struct call *call, const struct market *market,
                  const struct series_window *window);

#endif
