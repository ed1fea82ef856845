#include "auth/session_cache.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define HASH_BYTES 32

struct cached {
        struct list by_use;
        struct store_session session;
};

struct session_cache {
        unsigned max;
        struct map *by_hash;
        struct list by_use; /* longest unused first */
};

struct session_cache *session_cache_new(unsigned max)
{
        struct session_cache *cache = xcalloc(1, sizeof *cache);

        must(max > 0);
        cache->max = max;
        cache->by_hash = map_new();
        list_init(&cache->by_use);
        return cache;
}

void session_cache_free(struct session_cache *cache)
{
        if (!cache)
                return;
        map_free(cache->by_hash, free);
        free(cache);
}

const struct store_session *session_cache_get(struct session_cache *cache,
                                              const uint8_t token_hash[32])
{
        struct cached *cached = map_get(cache->by_hash, token_hash, HASH_BYTES);

        if (!cached)
                return NULL;
        list_remove(&cached->by_use);
        list_push_back(&cache->by_use, &cached->by_use);
        return &cached->session;
}

void session_cache_drop(struct session_cache *cache, const uint8_t token_hash[32])
{
        struct cached *cached = map_take(cache->by_hash, token_hash, HASH_BYTES);

        if (!cached)
                return;
        list_remove(&cached->by_use);
        free(cached);
}

void session_cache_put(struct session_cache *cache, const struct store_session *session)
{
        struct cached *cached;

        session_cache_drop(cache, session->token_hash);
        if (map_size(cache->by_hash) == cache->max) {
                cached = list_entry(cache->by_use.next, struct cached, by_use);
                session_cache_drop(cache, cached->session.token_hash);
        }
        cached = xcalloc(1, sizeof *cached);
        cached->session = *session;
        list_push_back(&cache->by_use, &cached->by_use);
        must(!map_put(cache->by_hash, session->token_hash, HASH_BYTES, cached));
}
