#include <stdlib.h>
#include <string.h>

#include "adapters/paper/paper_state.h"
#include "base/attr.h"
#include "base/mem.h"

/* Accounts beside the engine, agents and nonces. Maps have no order of their own, so entries are
 * written by rising address. */

#define ROW_BYTES     48
#define PAYMENT_BYTES 68
#define DELTA_MAX     (64u << 10)
#define RING_FIRST    16

/* ---- Maps keyed by address --------------------------------------------------------------------- */

struct keys {
        struct addr *key;
        size_t n;
};

static void add_key(void *cookie, const void *key, size_t key_len, void *value)
{
        struct keys *keys = cookie;

        (void)value;
        must(key_len == sizeof(struct addr));
        memcpy(&keys->key[keys->n++], key, key_len);
}

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct addr));
}

/* Each entry of map, or each to be read: the address first, which must rise, then item(). */
static void each(struct paper *p, struct archive *a, struct map *map, size_t max, size_t item_bytes,
                 void (*item)(struct paper *p, struct archive *a, const struct addr *key))
{
        struct keys keys = {xcalloc(map_size(map) + 1, sizeof(struct addr)), 0};
        struct addr last = {{0}};
        size_t n = map_size(map);

        map_each(map, add_key, &keys);
        qsort(keys.key, keys.n, sizeof(struct addr), compare);
        archive_count(a, &n, max, item_bytes);
        for (size_t i = 0; i < n && archive_is_good(a); i++) {
                struct addr key = {{0}};

                if (!archive_is_reading(a))
                        key = keys.key[i];
                archive_addr(a, &key);
                if (archive_want(a, i == 0 || compare(&last, &key) < 0,
                                 "addresses are not in order"))
                        item(p, a, &key);
                last = key;
        }
        free(keys.key);
}

/* ---- Agents ------------------------------------------------------------------------------------ */

static void agent_item(struct paper *p, struct archive *a, const struct addr *key)
{
        struct paper_agent *agent = map_get(p->agents, key, sizeof(*key));

        if (archive_is_reading(a)) {
                agent = xcalloc(1, sizeof(*agent));
                agent->address = *key;
                (void)map_put(p->agents, key, sizeof(*key), agent);
        }
        archive_addr(a, &agent->master);
        archive_text(a, agent->name, sizeof(agent->name));
        archive_i64(a, &agent->valid_until);
        archive_bool(a, &agent->is_removed);
}

void paper_state_agents(struct paper *p, struct archive *a)
{
        each(p, a, p->agents, 8 * PAPER_USERS_MAX, 40, agent_item);
}

/* Which agent holds a slot of the account; one flag, then its address. */
static void agent_slot(struct paper *p, struct archive *a, struct paper_user *user, size_t i)
{
        bool has_agent = user->agent[i] != NULL;
        struct addr address = {{0}};

        archive_bool(a, &has_agent);
        if (!has_agent)
                return;
        if (!archive_is_reading(a))
                address = user->agent[i]->address;
        archive_addr(a, &address);
        user->agent[i] = paper_agents_get(p, &address);
        if (!archive_want(a,
                          user->agent[i] && hex_addr_equal(&user->agent[i]->master, &user->address),
                          "an account's agent is not its own"))
                user->agent[i] = NULL;
}

/* ---- Accounts ---------------------------------------------------------------------------------- */

/* Room as it would have grown (paper_users.c), so that it goes on growing. */
static size_t ring_room(uint64_t n)
{
        size_t cap = RING_FIRST;

        while (cap < n && cap < PAPER_ROWS_MAX)
                cap *= 2;
        return cap < PAPER_ROWS_MAX ? cap : PAPER_ROWS_MAX;
}

static uint64_t ring_begin(struct archive *a, uint64_t *n, void **ring, size_t size,
                           size_t item_bytes)
{
        uint64_t n_kept;

        archive_u64(a, n);
        n_kept = *n < PAPER_ROWS_MAX ? *n : PAPER_ROWS_MAX;
        if (!archive_is_reading(a))
                return n_kept;
        if (!archive_want(a, n_kept <= a->n_in / item_bytes, "a ring is longer than what follows"))
                *n = n_kept = 0;
        if (*n)
                *ring = xcalloc(ring_room(*n), size);
        return n_kept;
}

static void rows(struct archive *a, struct paper_user *user)
{
        void *ring = user->rows;
        uint64_t n = ring_begin(a, &user->n_rows, &ring, sizeof(*user->rows), ROW_BYTES);

        user->rows = ring;
        for (uint64_t i = user->n_rows - n; i < user->n_rows; i++) {
                struct paper_row *row = &user->rows[i % PAPER_ROWS_MAX];

                archive_i64(a, &row->at);
                archive_bytes(a, row->hash.b, sizeof(row->hash.b));
                archive_string(a, &row->delta, DELTA_MAX);
        }
}

static void payments(struct paper *p, struct archive *a, struct paper_user *user)
{
        void *ring = user->payments;
        uint64_t n =
                ring_begin(a, &user->n_payments, &ring, sizeof(*user->payments), PAYMENT_BYTES);

        user->payments = ring;
        for (uint64_t i = user->n_payments - n; i < user->n_payments; i++) {
                struct paper_payment *payment = &user->payments[i % PAPER_ROWS_MAX];

                archive_i64(a, &payment->at);
                archive_bytes(a, payment->hash.b, sizeof(payment->hash.b));
                archive_u32(a, &payment->asset);
                archive_usd(a, &payment->paid);
                archive_qty(a, &payment->size);
                archive_rate(a, &payment->rate);
                if (!archive_want(a, payment->asset < p->universe.n, "a payment names no market"))
                        payment->asset = 0;
        }
}

static void builders(struct archive *a, struct paper_user *user)
{
        archive_unsigned(a, &user->n_builders);
        if (!archive_want(a, user->n_builders <= PAPER_BUILDERS_MAX,
                          "an account has too many builders")) {
                user->n_builders = 0;
                return;
        }
        for (unsigned i = 0; i < user->n_builders; i++) {
                archive_addr(a, &user->builder[i].address);
                archive_unsigned(a, &user->builder[i].fee);
        }
}

static void user_item(struct paper *p, struct archive *a, const struct addr *key)
{
        struct paper_user *user = paper_users_make(p, key);

        must(user != NULL);
        for (unsigned token = 0; token < PAPER_TOKENS; token++)
                archive_usd(a, &user->spot[token]);
        archive_usd(a, &user->ledger);
        archive_i64(a, &user->volume_micro);
        archive_u64(a, &user->n_requests);
        for (size_t i = 0; i < 1 + PAPER_AGENTS_MAX; i++)
                agent_slot(p, a, user, i);
        archive_i64(a, &user->agent_removed_at);
        builders(a, user);
        archive_i64(a, &user->cancel_all_at);
        archive_i64(a, &user->cancel_all_day);
        archive_unsigned(a, &user->cancel_all_fired);
        rows(a, user);
        payments(p, a, user);
        paper_state_more(p, a, user);
}

void paper_state_users(struct paper *p, struct archive *a)
{
        each(p, a, p->users, PAPER_USERS_MAX, 100, user_item);
}

/* ---- Nonces ------------------------------------------------------------------------------------ */

static void nonces_item(struct paper *p, struct archive *a, const struct addr *key)
{
        struct paper_nonces *set = map_get(p->nonces, key, sizeof(*key));

        paper_nonces_archive(a, &set);
        if (archive_is_reading(a))
                (void)map_put(p->nonces, key, sizeof(*key), set);
}

void paper_state_nonces(struct paper *p, struct archive *a)
{
        each(p, a, p->nonces, 8 * PAPER_USERS_MAX, 24, nonces_item);
}
