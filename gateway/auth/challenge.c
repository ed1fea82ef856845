#include "auth/challenge.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define KEY_MAX 256

/* The challenges of one address at one brand; lives while it has any. */
struct holder {
        struct list entries; /* oldest first */
        unsigned n;
        size_t key_len;
        uint8_t key[KEY_MAX];
};

struct entry {
        struct list by_age;
        struct list by_holder;
        struct holder *holder;
        struct challenge challenge;
        size_t key_len;
        uint8_t key[KEY_MAX];
};

struct challenge_table {
        unsigned max;
        unsigned max_per_address;
        struct map *by_nonce;
        struct map *holders;
        struct list by_age; /* oldest, and so first to expire, first */
};

/* brand, NUL, rest. 0 when it is too long to be one of ours. */
static size_t make_key(uint8_t key[KEY_MAX], const char *brand, const void *rest, size_t len)
{
        size_t brand_len = strlen(brand) + 1;

        if (brand_len > KEY_MAX || len > KEY_MAX - brand_len)
                return 0;
        memcpy(key, brand, brand_len);
        memcpy(key + brand_len, rest, len);
        return brand_len + len;
}

struct challenge_table *challenge_table_new(unsigned max, unsigned max_per_address)
{
        struct challenge_table *table = xcalloc(1, sizeof *table);

        must(max > 0 && max_per_address > 0);
        table->max = max;
        table->max_per_address = max_per_address;
        table->by_nonce = map_new();
        table->holders = map_new();
        list_init(&table->by_age);
        return table;
}

void challenge_table_free(struct challenge_table *table)
{
        if (!table)
                return;
        map_free(table->by_nonce, free);
        map_free(table->holders, free);
        free(table);
}

static void entry_free(struct challenge_table *table, struct entry *entry)
{
        struct holder *holder = entry->holder;

        list_remove(&entry->by_age);
        list_remove(&entry->by_holder);
        must(map_take(table->by_nonce, entry->key, entry->key_len) == entry);
        free(entry);
        if (--holder->n > 0)
                return;
        must(map_take(table->holders, holder->key, holder->key_len) == holder);
        free(holder);
}

static void drop_expired(struct challenge_table *table, int64_t now_mono)
{
        list_each_safe (it, &table->by_age) {
                struct entry *entry = list_entry(it, struct entry, by_age);
                if (entry->challenge.until_mono > now_mono)
                        break;
                entry_free(table, entry);
        }
}

static struct holder *holder_get(struct challenge_table *table, const char *brand,
                                 const struct addr *address)
{
        uint8_t key[KEY_MAX];
        size_t len = make_key(key, brand, address->b, sizeof address->b);

        must(len > 0);
        struct holder *holder = map_get(table->holders, key, len);
        if (holder)
                return holder;
        holder = xcalloc(1, sizeof *holder);
        list_init(&holder->entries);
        holder->key_len = len;
        memcpy(holder->key, key, len);
        must(!map_put(table->holders, key, len, holder));
        return holder;
}

enum errc challenge_add(struct challenge_table *table, const char *brand, const char *nonce,
                        const struct challenge *challenge, int64_t now_mono)
{
        drop_expired(table, now_mono);

        struct holder *holder = holder_get(table, brand, &challenge->address);
        struct entry *entry = xcalloc(1, sizeof *entry);

        holder->n++;
        if (holder->n > table->max_per_address) {
                struct list *oldest = holder->entries.next;
                entry_free(table, list_entry(oldest, struct entry, by_holder));
        }
        entry->holder = holder;
        entry->challenge = *challenge;
        entry->key_len = make_key(entry->key, brand, nonce, strlen(nonce));
        must(entry->key_len > 0);
        list_push_back(&table->by_age, &entry->by_age);
        list_push_back(&holder->entries, &entry->by_holder);
        must(!map_put(table->by_nonce, entry->key, entry->key_len, entry));
        if (map_size(table->by_nonce) <= table->max)
                return E_OK;
        entry_free(table, entry);
        return E_RATE_LIMITED;
}

enum errc challenge_take(struct challenge_table *table, struct challenge *out, const char *brand,
                         const char *nonce)
{
        uint8_t key[KEY_MAX];
        size_t len = make_key(key, brand, nonce, strlen(nonce));
        struct entry *entry = len ? map_get(table->by_nonce, key, len) : NULL;

        if (!entry)
                return E_NOT_FOUND;
        *out = entry->challenge;
        entry_free(table, entry);
        return E_OK;
}
