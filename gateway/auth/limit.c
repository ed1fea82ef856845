/* A bucket's level counts in 1/window_ms of a request, so that a millisecond refills exactly
 * `capacity` of these units and nothing is rounded away. */
#include "auth/limit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define WINDOW_MAX_MS (INT64_C(31) * 86400000)

struct bucket {
        struct list by_use; /* of limit.by_use */
        char *key;          /* owned */
        uint64_t level;
        int64_t filled_mono; /* when level was right */
};

struct limit {
        unsigned capacity;
        int64_t window_ms;
        unsigned max_keys;
        struct map *buckets;
        struct list by_use; /* longest idle first */
};

struct limit *limit_new(unsigned capacity, int64_t window_ms, unsigned max_keys)
{
        struct limit *limit = xcalloc(1, sizeof *limit);

        must(capacity > 0 && max_keys > 0);
        must(window_ms > 0 && window_ms <= WINDOW_MAX_MS); /* capacity * window_ms fits 64 bits */
        limit->capacity = capacity;
        limit->window_ms = window_ms;
        limit->max_keys = max_keys;
        limit->buckets = map_new();
        list_init(&limit->by_use);
        return limit;
}

static void bucket_free(void *arg)
{
        struct bucket *bucket = arg;

        free(bucket->key);
        free(bucket);
}

void limit_free(struct limit *limit)
{
        if (!limit)
                return;
        map_free(limit->buckets, bucket_free);
        free(limit);
}

static uint64_t full_level(const struct limit *limit)
{
        return (uint64_t)limit->capacity * (uint64_t)limit->window_ms;
}

static void drop_longest_idle(struct limit *limit)
{
        struct bucket *bucket = list_entry(limit->by_use.next, struct bucket, by_use);

        list_remove(&bucket->by_use);
        must(map_take(limit->buckets, bucket->key, strlen(bucket->key)) == bucket);
        bucket_free(bucket);
}

static struct bucket *bucket_find(struct limit *limit, const char *key, int64_t mono_ms)
{
        struct bucket *bucket = map_get(limit->buckets, key, strlen(key));

        if (bucket) {
                list_remove(&bucket->by_use);
                list_push_back(&limit->by_use, &bucket->by_use);
                return bucket;
        }
        if (map_size(limit->buckets) == limit->max_keys)
                drop_longest_idle(limit);
        bucket = xcalloc(1, sizeof *bucket);
        bucket->key = xstrdup(key);
        bucket->level = full_level(limit);
        bucket->filled_mono = mono_ms;
        list_push_back(&limit->by_use, &bucket->by_use);
        must(!map_put(limit->buckets, key, strlen(key), bucket));
        return bucket;
}

static void refill(const struct limit *limit, struct bucket *bucket, int64_t mono_ms)
{
        int64_t elapsed = mono_ms - bucket->filled_mono;

        if (elapsed <= 0)
                return;
        bucket->filled_mono = mono_ms;
        if (elapsed >= limit->window_ms) {
                bucket->level = full_level(limit);
                return;
        }
        bucket->level += (uint64_t)elapsed * limit->capacity;
        if (bucket->level > full_level(limit))
                bucket->level = full_level(limit);
}

/* Seconds, rounded up, until `missing` units have flowed in. */
static unsigned seconds_for(const struct limit *limit, uint64_t missing)
{
        uint64_t ms = (missing + limit->capacity - 1) / limit->capacity;

        return (unsigned)((ms + 999) / 1000);
}

bool limit_take(struct limit *limit, const char *key, unsigned cost, int64_t mono_ms,
                struct limit_state *out)
{
        struct bucket *bucket = bucket_find(limit, key, mono_ms);
        uint64_t needed = (uint64_t)cost * (uint64_t)limit->window_ms;
        bool taken;

        refill(limit, bucket, mono_ms);
        taken = needed <= bucket->level;
        if (taken)
                bucket->level -= needed;
        if (!out)
                return taken;
        out->limit = limit->capacity;
        out->remaining = (unsigned)(bucket->level / (uint64_t)limit->window_ms);
        out->reset_s = seconds_for(limit, full_level(limit) - bucket->level);
        out->retry_after_s = 0;
        if (!taken) {
                uint64_t reachable = needed < full_level(limit) ? needed : full_level(limit);
                unsigned s = seconds_for(limit, reachable - bucket->level);

                out->retry_after_s = s > 0 ? s : 1;
        }
        return taken;
}

void limit_network(char out[LIMIT_NETWORK_MAX], const char *address)
{
        struct in6_addr a;

        /* An IPv4 address in IPv6 clothes is one address, not a network. */
        if (inet_pton(AF_INET6, address, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
                memset(a.s6_addr + 8, 0, 8);
                if (inet_ntop(AF_INET6, &a, out, LIMIT_NETWORK_MAX))
                        return;
        }
        (void)text_copy(out, LIMIT_NETWORK_MAX, address);
}
