/* store_trader: everybody who trades, for what looks at all of them. As store.h: loop thread only,
 * callbacks fire once and later. */
#ifndef STORE_STORE_TRADER_H
#define STORE_STORE_TRADER_H

#include "store/store.h"

struct store_trader {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        struct addr agent;   /* in use, approved */
        int64_t valid_until; /* of the agent, wall ms; 0: not known */
};
/* All accounts with an approved agent; traders is borrowed for the call. */
typedef void store_traders_fn(void *cookie, enum errc rc, const struct store_trader *traders,
                              size_t n);
void store_trader_all(struct store *store, store_traders_fn *done, void *cookie);

#endif
