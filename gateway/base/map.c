/* Chained buckets, a power of two of them, doubled when there are as many entries. Each map has a
 * hash key of its own, so collisions learnt from one say nothing about another. */
#include "base/map.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"

#define BUCKETS_FIRST 16

struct entry {
        struct entry *next;
        void *value;
        uint64_t hash;
        size_t key_len;
        uint8_t key[];
};

struct map {
        struct entry **buckets;
        size_t n_buckets;
        size_t size;
        uint8_t hash_key[crypto_shorthash_KEYBYTES];
};

struct map *map_new(void)
{
        struct map *map = xcalloc(1, sizeof *map);

        must(sodium_init() >= 0);
        randombytes_buf(map->hash_key, sizeof map->hash_key);
        map->n_buckets = BUCKETS_FIRST;
        map->buckets = xcalloc(map->n_buckets, sizeof *map->buckets);
        return map;
}

void map_free(struct map *map, void (*free_value)(void *value))
{
        if (!map)
                return;
        for (size_t i = 0; i < map->n_buckets; i++) {
                struct entry *entry = map->buckets[i];
                while (entry) {
                        struct entry *next = entry->next;
                        if (free_value)
                                free_value(entry->value);
                        free(entry);
                        entry = next;
                }
        }
        free(map->buckets);
        free(map);
}

static uint64_t hash_of(const struct map *map, const void *key, size_t key_len)
{
        uint64_t hash;

        _Static_assert(sizeof hash == crypto_shorthash_BYTES, "SipHash yields 64 bits");
        crypto_shorthash((uint8_t *)&hash, key, key_len, map->hash_key);
        return hash;
}

/* The link that points at the entry with this key, or the NULL that ends its bucket. */
static struct entry **find(const struct map *map, uint64_t hash, const void *key, size_t key_len)
{
        struct entry **link = &map->buckets[hash & (map->n_buckets - 1)];

        for (; *link; link = &(*link)->next) {
                const struct entry *entry = *link;
                if (entry->hash != hash || entry->key_len != key_len)
                        continue;
                if (key_len == 0 || memcmp(entry->key, key, key_len) == 0)
                        break;
        }
        return link;
}

static void grow(struct map *map)
{
        size_t n_buckets = map->n_buckets * 2;
        struct entry **buckets = xcalloc(n_buckets, sizeof *buckets);

        for (size_t i = 0; i < map->n_buckets; i++) {
                struct entry *entry = map->buckets[i];
                while (entry) {
                        struct entry *next = entry->next;
                        struct entry **bucket = &buckets[entry->hash & (n_buckets - 1)];
                        entry->next = *bucket;
                        *bucket = entry;
                        entry = next;
                }
        }
        free(map->buckets);
        map->buckets = buckets;
        map->n_buckets = n_buckets;
}

void *map_put(struct map *map, const void *key, size_t key_len, void *value)
{
        uint64_t hash = hash_of(map, key, key_len);
        struct entry **link = find(map, hash, key, key_len);

        must(value);
        if (*link) {
                void *before = (*link)->value;
                (*link)->value = value;
                return before;
        }
        if (map->size >= map->n_buckets) {
                grow(map);
                link = find(map, hash, key, key_len);
        }
        struct entry *entry = xmalloc(sizeof *entry + key_len);
        entry->next = NULL;
        entry->value = value;
        entry->hash = hash;
        entry->key_len = key_len;
        if (key_len)
                memcpy(entry->key, key, key_len);
        *link = entry;
        map->size++;
        return NULL;
}

void *map_get(const struct map *map, const void *key, size_t key_len)
{
        struct entry *const *link = find(map, hash_of(map, key, key_len), key, key_len);

        return *link ? (*link)->value : NULL;
}

void *map_take(struct map *map, const void *key, size_t key_len)
{
        struct entry **link = find(map, hash_of(map, key, key_len), key, key_len);
        struct entry *entry = *link;

        if (!entry)
                return NULL;
        void *value = entry->value;
        *link = entry->next;
        map->size--;
        free(entry);
        return value;
}

size_t map_size(const struct map *map)
{
        return map->size;
}

void map_each(struct map *map,
              void (*each)(void *cookie, const void *key, size_t key_len, void *value),
              void *cookie)
{
        for (size_t i = 0; i < map->n_buckets; i++) {
                struct entry *entry = map->buckets[i];
                while (entry) {
                        /* Taken first: each may free the entry it is given. */
                        struct entry *next = entry->next;
                        each(cookie, entry->key, entry->key_len, entry->value);
                        entry = next;
                }
        }
}
