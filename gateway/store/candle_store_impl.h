/* candle_store_impl: the database's side of candle_store, on its thread. */
#ifndef STORE_CANDLE_STORE_IMPL_H
#define STORE_CANDLE_STORE_IMPL_H

#include "store/candle_store.h"
#include "store/db.h"

struct candle_store_query {
        struct candle_series series;
        struct candle_span window;
        struct candle_row *row; /* for limit of them */
        size_t limit;
};
MUST_USE enum errc candle_store_impl_read(struct db *db, const struct candle_store_query *query,
                                          struct candle_slice *slice);

struct candle_store_change {
        struct candle_series series;
        struct candle_span span;
        const struct candle_row *row;
        size_t n;
        int64_t now;
        size_t max_rows;
};
/* In a transaction of its own. */
MUST_USE enum errc candle_store_impl_write(struct db *db, const struct candle_store_change *change);

#endif
