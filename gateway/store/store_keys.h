/* store_keys: Idempotency-Keys are kept for a day; then they are free again, and forgotten bit by bit. */
#ifndef STORE_STORE_KEYS_H
#define STORE_STORE_KEYS_H

#include "store/store.h"

#define STORE_KEY_KEPT_MS INT64_C(86400000)
#define STORE_KEYS_GAP_MS                                                                          \
        120000 /* not seen in use for longer: it may have been put back from a copy */
#define STORE_KEYS_AT_ONCE 512 /* intents looked at in one operation */

struct store_keys {
        int64_t known_since; /* every key that was used since then is known */
        unsigned n_freed;
        bool is_more; /* to be freed now: ask again */
};
typedef void store_keys_fn(void *cookie, enum errc rc, const struct store_keys *keys);
/* Notes that the store is in use, and frees some of the keys that are a day old. To be called at the start
 * and more often than every STORE_KEYS_GAP_MS. */
void store_keys_tend(struct store *store, int64_t now, store_keys_fn *done, void *cookie);

#endif
