#include "api/dead_man.h"

#include <stdlib.h>
#include <string.h>

#include "api/dead_man_impl.h"
#include "api/state.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS       250
#define READ_AGAIN_MS 5000
#define NETS_AT_ONCE  20 /* asked of the venue in one look: orders come first */

/* --- finding --- */

void dead_man_impl_key(struct dead_man_key *key, const char *brand, const struct addr *account,
                       const uint8_t *api_key)
{
        memset(key, 0, sizeof *key);
        must(text_copy(key->brand, sizeof key->brand, brand));
        key->account = *account;
        key->has_key = api_key != NULL;
        if (api_key)
                memcpy(key->key, api_key, sizeof key->key);
}

struct dead_man *dead_man_impl_find(const struct dead_men *men, const struct dead_man_key *key)
{
        return map_get(men->by_key, key, sizeof *key);
}

static struct dead_account *account_of(struct dead_men *men, const struct store_dead_man *row)
{
        struct dead_account *account;
        struct dead_man_key key;

        dead_man_impl_key(&key, row->brand, &row->account, NULL);
        account = map_get(men->by_account, &key, sizeof key);
        if (!account) {
                account = xcalloc(1, sizeof *account);
                account->men = men;
                account->key = key;
                list_init(&account->switches);
                must(map_put(men->by_account, &key, sizeof key, account) == NULL);
        }
        return account;
}

static bool is_spent(const struct store_dead_man *row)
{
        return !row->deadline && !row->may_be_set && !row->fired_at;
}

void dead_man_impl_release(struct dead_account *account)
{
        if (account->is_busy || !list_empty(&account->switches))
                return;
        must(map_take(account->men->by_account, &account->key, sizeof account->key) == account);
        free(account);
}

static void forget(struct dead_man *man, const struct dead_man_key *key)
{
        struct dead_account *account = man->account;

        must(map_take(man->men->by_key, key, sizeof *key) == man);
        list_remove(&man->link);
        free(man);
        dead_man_impl_release(account);
}

struct dead_man *dead_man_impl_keep(struct dead_men *men, const struct store_dead_man *row)
{
        struct dead_man_key key;
        struct dead_man *man;

        dead_man_impl_key(&key, row->brand, &row->account, row->has_key ? row->key : NULL);
        man = dead_man_impl_find(men, &key);
        if (!man && is_spent(row))
                return NULL;
        if (!man) {
                man = xcalloc(1, sizeof *man);
                man->men = men;
                man->account = account_of(men, row);
                list_push_back(&man->account->switches, &man->link);
                must(map_put(men->by_key, &key, sizeof key, man) == NULL);
        }
        man->account->wallet = row->wallet;
        man->row = *row;
        if (row->deadline != man->firing_for)
                man->is_passed = false;
        if (!is_spent(row) || man->is_firing)
                return man;
        forget(man, &key);
        return NULL;
}

struct writing {
        struct dead_men *men;
        struct dead_man_key key;
        store_done *done;
        void *cookie;
};

static void written(void *cookie, enum errc rc)
{
        struct writing *w = cookie;
        struct dead_man *man;

        if (w->men->api) {
                man = dead_man_impl_find(w->men, &w->key);
                if (man && rc)
                        man->is_dirty = true;
        }
        if (w->done)
                w->done(w->cookie, rc);
        free(w);
}

void dead_man_impl_write(struct dead_men *men, const struct store_dead_man *row, const char *action,
                         store_done *done, void *cookie)
{
        struct writing *w = xcalloc(1, sizeof *w);
        struct store_dead_man copy = *row; /* it may be the switch's own, which may go */

        w->men = men;
        w->done = done;
        w->cookie = cookie;
        dead_man_impl_key(&w->key, copy.brand, &copy.account, copy.has_key ? copy.key : NULL);
        (void)dead_man_impl_keep(men, &copy);
        store_dead_man_put(men->api->o.store, &copy, action, state_now(men->api), written, w);
}

int64_t dead_man_impl_earliest(const struct dead_account *account, int64_t *timeout_ms)
{
        int64_t earliest = 0;

        *timeout_ms = 0;
        list_each (it, &account->switches) {
                const struct dead_man *man = list_entry(it, struct dead_man, link);

                if (!man->row.deadline || man->is_passed ||
                    (earliest && man->row.deadline >= earliest))
                        continue;
                earliest = man->row.deadline;
                *timeout_ms = man->row.timeout_ms;
        }
        return earliest;
}

/* --- looking --- */

struct all {
        size_t n, max;
        void **all;
};

static void collect(void *cookie, const void *key, size_t len, void *value)
{
        struct all *list = cookie;

        (void)key;
        (void)len;
        must(list->n < list->max);
        list->all[list->n++] = value;
}

/* What is looked at may take itself out of the map. */
static void list_of(struct all *list, struct map *map)
{
        *list = (struct all){.max = map_size(map)};
        list->all = xcalloc(list->max + 1, sizeof *list->all);
        map_each(map, collect, list);
}

static void write_again(struct dead_man *man)
{
        if (!man->is_dirty || !store_is_up(man->men->api->o.store))
                return;
        man->is_dirty = false;
        dead_man_impl_write(man->men, &man->row, NULL, NULL, NULL);
}

static void look_all(void *cookie)
{
        struct dead_men *men = cookie;
        int64_t now = state_now(men->api);
        unsigned asked = 0;
        struct all list;

        /* While the gateway ends it begins nothing: the net is the venue's, and the rest waits for the
         * next start. */
        if (men->api->draining || map_size(men->by_key) == 0)
                return;
        list_of(&list, men->by_key);
        for (size_t i = 0; i < list.n; i++) {
                write_again(list.all[i]);
                dead_man_fire_look(list.all[i], now);
        }
        free(list.all);
        list_of(&list, men->by_account);
        for (size_t i = 0; i < list.n && asked < NETS_AT_ONCE; i++)
                if (dead_man_net_is_due(list.all[i], now)) {
                        dead_man_net_look(list.all[i], now);
                        asked++;
                }
        free(list.all);
}

/* --- life --- */

static void loaded(void *cookie, enum errc rc, const struct store_dead_man *rows, size_t n)
{
        struct dead_men *men = cookie;

        men->is_loading = false;
        if (!men->api) {
                free(men); /* gone meanwhile */
                return;
        }
        if (rc) {
                log_event(LOG_ERROR, "dead man's switches can't be read", "error", err_wire(rc),
                          NULL);
                loop_timer_start(men->reload, READ_AGAIN_MS, 0);
                return;
        }
        men->is_loaded = true;
        for (size_t i = 0; i < n; i++) {
                struct dead_man *man = dead_man_impl_keep(men, &rows[i]);

                /* What the venue has is not known any more. */
                if (man && man->row.may_be_set)
                        man->account->net = NET_PENDING;
        }
        loop_timer_start(men->timer, LOOK_MS, LOOK_MS);
}

static void load(void *cookie)
{
        struct dead_men *men = cookie;

        men->is_loading = true;
        store_dead_man_all(men->api->o.store, loaded, men);
}

struct dead_men *dead_man_new(struct api *api)
{
        struct dead_men *men = xcalloc(1, sizeof *men);

        men->api = api;
        men->by_key = map_new();
        men->by_account = map_new();
        men->timer = loop_timer_new(api->o.loop, look_all, men);
        men->reload = loop_timer_new(api->o.loop, load, men);
        load(men);
        return men;
}

void dead_man_free(struct dead_men *men)
{
        if (!men)
                return;
        loop_timer_free(men->timer);
        loop_timer_free(men->reload);
        map_free(men->by_key, free);
        map_free(men->by_account, free);
        men->api = NULL;
        if (!men->is_loading)
                free(men);
}
