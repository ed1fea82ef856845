/* candle_store: candles that have closed, kept for charts while the venue can't be asked. A database and a
 * thread of its own, apart from the journal's: nothing here is worth a wait there, and the venue can tell most
 * of it again.
 *
 * What is kept is told apart from what is not by spans: of a span [start, end) every candle that the venue has is
 * there, those between which nobody traded included as none. Outside of spans rows may be missing.
 *
 * Bounded: each series keeps its newest CANDLE_STORE_SERIES_MAX candles; above max_rows in all, series that were
 * written the longest ago go whole. Loop thread only. */
#ifndef STORE_CANDLE_STORE_H
#define STORE_CANDLE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/num.h"
#include "loop/loop.h"

struct candle_store;

#define CANDLE_STORE_SERIES_MAX 20000
#define CANDLE_STORE_SPANS_MAX  64 /* of a series; the oldest is forgotten, its rows stay */
#define CANDLE_STORE_NAME_MAX   32

/* A series: a market's candles of one interval. Texts of up to CANDLE_STORE_NAME_MAX - 1 bytes. */
struct candle_series {
        const char *symbol, *interval;
};
struct candle_row {
        int64_t open_at, close_at; /* wall ms */
        struct px open, high, low, close;
        char volume[NUM_STR_MAX];
        uint64_t trades;
};
struct candle_span { /* half open, wall ms */
        int64_t start, end;
};

/* ":memory:" for tests. NULL with err. */
struct candle_store *candle_store_open(struct loop *loop, const char *file, size_t max_rows,
                                       struct err *err);
/* Finishes what is queued; accepts NULL. */
void candle_store_close(struct candle_store *store);

/* What a read found; borrowed for the callback. */
struct candle_slice {
        const struct candle_row *row; /* oldest first */
        size_t n;
        struct candle_span span[CANDLE_STORE_SPANS_MAX]; /* that touch the window, oldest first */
        unsigned n_spans;
        int64_t before; /* open_at of the newest row that lies before the window; 0: none */
};
/* E_STORE_DOWN: nothing can be told. */
typedef void candle_store_fn(void *cookie, enum errc rc, const struct candle_slice *slice);
/* The newest `limit` rows that open in [start, end). done fires once, never before return. */
void candle_store_read(struct candle_store *store, const struct candle_series *series,
                       const struct candle_span *window, size_t limit, candle_store_fn *done,
                       void *cookie);
/* Keeps rows, in the place of those that open at the same time, and that within span there are no others.
 * Copied; nobody is told how it went. */
void candle_store_write(struct candle_store *store, const struct candle_series *series,
                        const struct candle_span *span, const struct candle_row *row, size_t n,
                        int64_t now);

#endif
