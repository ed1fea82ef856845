/* session_cache: the sessions used last, by token hash; the longest unused gives way. */
#ifndef AUTH_SESSION_CACHE_H
#define AUTH_SESSION_CACHE_H

#include "store/store.h"

struct session_cache;

struct session_cache *session_cache_new(unsigned max);
void session_cache_free(struct session_cache *cache); /* accepts NULL */
/* Borrowed until the next call that changes the cache; NULL when it is not there. */
const struct store_session *session_cache_get(struct session_cache *cache,
                                              const uint8_t token_hash[32]);
void session_cache_put(struct session_cache *cache, const struct store_session *session);
void session_cache_drop(struct session_cache *cache, const uint8_t token_hash[32]);

#endif
