/* metrics: named counters, gauges and histograms, printed in the text exposition format. Names share
 * the prefix perpgate_; labels come from bounded sets, never an address or an id. Loop thread only. */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* name: perpgate_ and then [a-z0-9_]. labels: "" or `route="/v1/orders",code="200"` as it will be
 * printed; values that are not literals go through metrics_escape. A series is made on first use;
 * past 2,000 series, and for labels that are not well formed, it is dropped and counted
 * (perpgate_metrics_dropped_total). help is used when the family is new. A family keeps the type of
 * its first use: another is a bug and aborts. */
void metrics_add(struct metrics *metrics, const char *name, const char *labels, uint64_t n,
                 const char *help);
void metrics_set(struct metrics *metrics, const char *name, const char *labels, int64_t value,
                 const char *help);
/* Histogram of milliseconds with fixed bounds 1 2 5 10 25 50 100 250 500 1000 2500 5000 10000. */
void metrics_observe_ms(struct metrics *metrics, const char *name, const char *labels, int64_t ms,
                        const char *help);
/* value as it may stand between a label's quotes, cut to fit at a whole character. Returns out. */
char *metrics_escape(char *out, size_t cap, const char *value);
void metrics_print(const struct metrics *metrics, struct buf *out);

#endif
