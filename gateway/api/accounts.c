#include "api/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "api/state.h"
#include "base/log.h"
#include "base/mem.h"

#define CACHE_MAX      65536 /* records; the cache is emptied when full */
#define FACTS_FRESH_MS INT64_C(600000)

struct accounts {
        struct api *api;
        struct map *by_key; /* brand NUL address -> struct store_account */
        struct map *facts;  /* address -> struct known_facts */
};

struct known_facts {
        struct account_facts facts;
        int64_t at;
};

struct key {
        char b[STORE_BRAND_MAX + 20];
};

static struct key key_of(const char *brand, const struct addr *address)
{
        struct key key = {{0}};

        text_copy(key.b, STORE_BRAND_MAX, brand);
        memcpy(key.b + STORE_BRAND_MAX, address->b, sizeof address->b);
        return key;
}

struct accounts *accounts_new(struct api *api)
{
        struct accounts *a = xcalloc(1, sizeof *a);

        a->api = api;
        a->by_key = map_new();
        a->facts = map_new();
        return a;
}

void accounts_free(struct accounts *a)
{
        if (!a)
                return;
        map_free(a->by_key, free);
        map_free(a->facts, free);
        free(a);
}

/* The newest record wins: a put is remembered when it is submitted, so that the next change starts from
 * it, and a read that set out before it does not replace it. */
static void remember(struct accounts *a, const struct store_account *account)
{
        struct key key = key_of(account->brand, &account->address);
        struct store_account *copy;

        if (map_size(a->by_key) >= CACHE_MAX) {
                map_free(a->by_key, free);
                a->by_key = map_new();
        }
        copy = xmalloc(sizeof *copy);
        *copy = *account;
        free(map_put(a->by_key, &key, sizeof key, copy));
}

struct get {
        struct accounts *accounts;
        char brand[STORE_BRAND_MAX];
        struct addr address;
        accounts_fn *done;
        void *cookie;
};

static void get_stored(void *cookie, enum errc rc, const struct store_account *account)
{
        struct get *get = cookie;
        struct key key = key_of(get->brand, &get->address);
        const struct store_account *known = map_get(get->accounts->by_key, &key, sizeof key);
        struct store_account fresh = {.created_at = 0};

        if (known) {
                fresh = *known;
                account = &fresh;
                rc = E_OK;
        } else if (rc == E_NOT_FOUND) {
                text_copy(fresh.brand, sizeof fresh.brand, get->brand);
                fresh.address = get->address;
                account = &fresh;
                rc = E_OK;
        } else if (rc == E_OK) {
                remember(get->accounts, account);
        }
        get->done(get->cookie, rc, rc ? NULL : account);
        free(get);
}

static void get_cached(void *arg)
{
        struct get *get = arg;
        struct key key = key_of(get->brand, &get->address);
        const struct store_account *known = map_get(get->accounts->by_key, &key, sizeof key);

        if (!known) { /* emptied meanwhile */
                store_account_get(get->accounts->api->o.store, get->brand, &get->address,
                                  get_stored, get);
                return;
        }
        struct store_account copy = *known;
        get->done(get->cookie, E_OK, &copy);
        free(get);
}

void accounts_get(struct accounts *a, const char *brand, const struct addr *address,
                  accounts_fn *done, void *cookie)
{
        struct key key = key_of(brand, address);
        struct get *get = xcalloc(1, sizeof *get);

        get->accounts = a;
        text_copy(get->brand, sizeof get->brand, brand);
        get->address = *address;
        get->done = done;
        get->cookie = cookie;
        if (map_get(a->by_key, &key, sizeof key))
                loop_post(a->api->o.loop, get_cached, get);
        else
                store_account_get(a->api->o.store, brand, address, get_stored, get);
}

struct put {
        struct accounts *accounts;
        struct store_account account;
        store_done *done;
        void *cookie;
};

/* It was not written: the next read asks the store, after all that is queued there. */
static void forget(struct accounts *a, const struct store_account *account)
{
        struct key key = key_of(account->brand, &account->address);

        free(map_take(a->by_key, &key, sizeof key));
}

static void put_stored(void *cookie, enum errc rc)
{
        struct put *put = cookie;

        if (rc)
                forget(put->accounts, &put->account);
        put->done(put->cookie, rc);
        free(put);
}

void accounts_put(struct accounts *a, const struct store_account *account, store_done *done,
                  void *cookie)
{
        struct put *put = xcalloc(1, sizeof *put);

        put->accounts = a;
        put->account = *account;
        put->done = done;
        put->cookie = cookie;
        remember(a, account);
        store_account_put(a->api->o.store, account, put_stored, put);
}

/* --- an approval that is gone --- */

static void builder_forgotten(void *cookie, enum errc rc)
{
        (void)cookie;
        if (rc)
                log_event(LOG_ERROR, "account not recorded", "code", err_constant(rc), NULL);
}

static void forget_builder(void *cookie, enum errc rc, const struct store_account *account)
{
        struct accounts *accounts = cookie;
        struct store_account changed;

        if (rc) {
                builder_forgotten(NULL, rc);
                return;
        }
        changed = *account;
        changed.builder_fee_tenth_bp = 0;
        changed.builder = (struct addr){{0}};
        accounts_put(accounts, &changed, builder_forgotten, NULL);
}

void accounts_forget_builder(struct accounts *a, const char *brand, const struct addr *address)
{
        accounts_get(a, brand, address, forget_builder, a);
}

/* --- what the venue says of an account and seldom changes: fee rates, collateral mode --- */

struct facts_read {
        struct accounts *accounts;
        struct addr address;
        struct account_facts facts;
        struct err err;
        unsigned reading;
        accounts_facts_fn *done;
        void *cookie;
};

static void facts_done(struct facts_read *read, const struct err *err)
{
        struct accounts *a = read->accounts;

        if (err->code && !read->err.code)
                read->err = *err;
        if (--read->reading)
                return;
        if (!read->err.code) {
                struct known_facts *known = xcalloc(1, sizeof *known);
                known->facts = read->facts;
                known->at = state_now(a->api);
                if (map_size(a->facts) >= CACHE_MAX) {
                        map_free(a->facts, free);
                        a->facts = map_new();
                }
                free(map_put(a->facts, read->address.b, sizeof read->address.b, known));
        }
        read->done(read->cookie, &read->err, &read->facts);
        free(read);
}

static void fees_arrived(void *cookie, const struct err *err, const struct venue_fees *fees)
{
        struct facts_read *read = cookie;

        if (!err->code)
                read->facts.fees = *fees;
        facts_done(read, err);
}

static void mode_arrived(void *cookie, const struct err *err, const char *mode)
{
        struct facts_read *read = cookie;

        if (!err->code)
                text_copy(read->facts.mode, sizeof read->facts.mode, mode);
        facts_done(read, err);
}

static void read_facts(struct facts_read *read)
{
        struct venue *venue = read->accounts->api->o.venue;

        read->reading = 2;
        venue->ops->read_fees(venue, &read->address, fees_arrived, read);
        venue->ops->read_mode(venue, &read->address, mode_arrived, read);
}

static void facts_known(void *arg)
{
        struct facts_read *read = arg;
        const struct known_facts *known =
                map_get(read->accounts->facts, read->address.b, sizeof read->address.b);

        if (!known) { /* emptied meanwhile */
                read_facts(read);
                return;
        }
        read->facts = known->facts;
        read->done(read->cookie, &read->err, &read->facts);
        free(read);
}

void accounts_facts(struct accounts *a, const struct addr *address, accounts_facts_fn *done,
                    void *cookie)
{
        const struct known_facts *known = map_get(a->facts, address->b, sizeof address->b);
        struct facts_read *read = xcalloc(1, sizeof *read);

        read->accounts = a;
        read->address = *address;
        read->done = done;
        read->cookie = cookie;
        if (known && state_now(a->api) - known->at < FACTS_FRESH_MS)
                loop_post(a->api->o.loop, facts_known, read);
        else
                read_facts(read);
}
