/* metrics: named counters, gauges and histograms, printed in the text exposition format. Names share
 * the prefix perpgate_; labels come from bounded sets, never an address or an id. Loop thread only. */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include <stdint.h>

#include "base/buf.h"

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* labels: "" or `route="/v1/orders",code="200"` as it will be printed. A series is made on first
 * use; past 2,000 series new ones are dropped and counted. help is used when the family is new. */
void metrics_add(struct metrics *metrics, const char *name, const char *labels, uint64_t n,
                 const char *help);
void metrics_set(struct metrics *metrics, const char *name, const char *labels, int64_t value,
                 const char *help);
/* Histogram of milliseconds with fixed bounds 1 2 5 10 25 50 100 250 500 1000 2500 5000 10000. */
void metrics_observe_ms(struct metrics *metrics, const char *name, const char *labels, int64_t ms,
                        const char *help);
void metrics_print(const struct metrics *metrics, struct buf *out);

#endif
