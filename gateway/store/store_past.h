/* store_past: an account's orders from before the store knew every Idempotency-Key, as its venue told of them,
 * so that it need not be asked again after a restart. As store.h: loop thread only, callbacks fire once
 * and later. */
#ifndef STORE_STORE_PAST_H
#define STORE_STORE_PAST_H

#include "store/store.h"

#define STORE_PAST_MAX     2000 /* orders of an account */
#define STORE_PAST_AT_ONCE 64   /* rows that are removed in one operation */

struct store_past_order {
        struct cloid cloid;
        int64_t placed_at; /* wall ms */
};
struct store_past {
        struct addr account;
        int64_t known_since; /* as store_keys_tend told it */
        bool is_partial;     /* there may be more of the last day */
        size_t n;
        const struct store_past_order *order; /* borrowed */
};

/* Takes the place of what was there of the account. E_TOO_LARGE above STORE_PAST_MAX. done may be NULL. */
void store_past_put(struct store *store, const struct store_past *past, store_done *done,
                    void *cookie);
/* E_NOT_FOUND where nothing was put under this known_since. past lives until the callback returns. */
typedef void store_past_fn(void *cookie, enum errc rc, const struct store_past *past);
void store_past_get(struct store *store, const struct addr *account, int64_t known_since,
                    store_past_fn *done, void *cookie);

struct db;
/* For an exec: removes some of those that were not put under this known_since. */
MUST_USE enum errc store_past_forget(struct db *db, int64_t known_since);

#endif
