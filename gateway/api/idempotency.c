#include "api/idempotency.h"

#include <stdlib.h>
#include <string.h>

#include "api/admit.h"
#include "api/identity.h"
#include "api/lost_keys.h"
#include "api/prepare.h"
#include "api/retold.h"
#include "api/route.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store_keys.h"

#define TEND_EVERY_MS 30000
#define TEND_MORE_MS  1000

struct idempotency {
        struct api *api;
        struct map *under_way; /* struct key -> struct entry, owned */
        struct lost_keys *lost;
        struct loop_timer *timer;
        bool is_tending;
};

/* Zero behind the texts' ends. */
struct key {
        char brand[BRAND_ID_MAX];
        struct addr account;
        char name[CALL_KEY_MAX];
};

struct entry {
        uint8_t digest[IDENTITY_DIGEST_BYTES];
        struct cloid id; /* of the order that is placed */
};

/* --- where it counts --- */

/* What changes something, and is no request that must not be done twice. */
static const struct {
        enum http_method method;
        const char *path, *why;
} exempt[] = {
        {METHOD_POST, "/v1/agent/approve", "the same approval again is the same approval"},
        {METHOD_POST, "/v1/builder-fee/approve", "the same approval again is the same approval"},
        {METHOD_DELETE, "/v1/agent", "what is retired is retired"},
        {METHOD_POST, "/v1/api-keys", "its secret is shown once, and kept nowhere"},
        {METHOD_DELETE, "/v1/api-keys/{id}", "what is deleted is deleted"},
        {METHOD_POST, "/v1/withdraw", "it only asks what to sign"},
        {METHOD_POST, "/v1/transfer", "it only asks what to sign"},
        {METHOD_POST, "/v1/withdraw/submit", "what the wallet signed is taken once"},
        {METHOD_POST, "/v1/transfer/submit", "what the wallet signed is taken once"},
        {METHOD_PUT, "/v1/positions/{symbol}/guard", "setting it again is the same guard"},
        {METHOD_DELETE, "/v1/positions/{symbol}/guard", "what is deleted is deleted"},
};

const char *idempotency_exempt(const struct route *route)
{
        for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
                if (exempt[i].method == route->method && strcmp(exempt[i].path, route->path) == 0)
                        return exempt[i].why;
        return NULL;
}

bool idempotency_covers(const struct route *route)
{
        return route->method != METHOD_GET && route_is_private(route) &&
               route->risk != ROUTE_READS && !idempotency_exempt(route);
}

static bool is_submitted(const struct route *route)
{
        static const char end[] = "/submit";
        size_t n = strlen(route->path), k = sizeof end - 1;

        return n > k && strcmp(route->path + n - k, end) == 0;
}

/* What there is to sign is asked for at will: the key counts where the signatures come. */
static bool asks_what_to_sign(struct call *call)
{
        struct prepare_query query = {.has_prepare = false};
        struct err err = {.code = E_OK};

        if (is_submitted(call->route))
                return false;
        return call->brand->keys == BRAND_KEYS_NONE ||
               (prepare_read_query(&query, call, true, &err) == E_OK && query.has_prepare);
}

/* --- where to look --- */

enum place { OF_ID, OF_PARAMETER, OF_NOTHING };

static const struct {
        enum http_method method;
        const char *path, *look;
        enum place place;
} places[] = {
        {METHOD_POST, "/v1/orders", "/v1/orders/", OF_ID},
        {METHOD_PATCH, "/v1/orders/{id}", "/v1/orders/", OF_ID},
        {METHOD_DELETE, "/v1/orders/{id}", "/v1/orders/", OF_PARAMETER},
        {METHOD_DELETE, "/v1/positions/{symbol}", "/v1/orders/", OF_ID},
        {METHOD_PUT, "/v1/positions/{symbol}/leverage", "/v1/positions", OF_NOTHING},
        {METHOD_PUT, "/v1/positions/{symbol}/tpsl", "/v1/positions", OF_NOTHING},
        {METHOD_POST, "/v1/positions/{symbol}/margin", "/v1/positions", OF_NOTHING},
        {METHOD_POST, "/v1/dead-man", "/v1/dead-man", OF_NOTHING},
        {METHOD_POST, "/v1/sub-accounts", "/v1/sub-accounts", OF_NOTHING},
        {METHOD_POST, "/v1/sub-accounts/{address}/transfer", "/v1/sub-accounts", OF_NOTHING},
};

static void hint_place(struct err *err, const struct call *call, const struct cloid *id)
{
        char text[CLOID_STR_MAX];

        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
                const char *what = "";

                if (places[i].method != call->route->method ||
                    strcmp(places[i].path, call->route->path) != 0)
                        continue;
                switch (places[i].place) {
                case OF_ID: what = hex_print_cloid(text, id); break;
                case OF_PARAMETER: what = call->param; break;
                case OF_NOTHING: break;
                }
                err_hint(err, "GET %s%s", places[i].look, what);
                return;
        }
        err_hint(err, "GET /v1/orders"); /* of several, or of a plan that has other names */
}

void idempotency_say_running(struct call *call, const struct cloid *id)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_IN_PROGRESS, "%s", err_text(E_IN_PROGRESS));
        hint_place(&err, call, id);
        call->replayed = false;
        call_fail(call, &err);
}

static void refuse(struct call *call, const uint8_t digest[IDENTITY_DIGEST_BYTES],
                   const struct cloid *id)
{
        uint8_t own[IDENTITY_DIGEST_BYTES];
        struct err err = {.code = E_OK};

        identity_digest(own, call);
        if (memcmp(own, digest, sizeof own) == 0) {
                idempotency_say_running(call, id);
                return;
        }
        (void)err_set(&err, E_IDEMPOTENCY, "This Idempotency-Key was used with another request.");
        call_fail(call, &err);
}

/* --- the door --- */

static struct key key_of(const struct call *call)
{
        struct key key;

        memset(&key, 0, sizeof key);
        must(text_copy(key.brand, sizeof key.brand, call->brand->id));
        key.account = call->account;
        must(text_copy(key.name, sizeof key.name, call->key));
        return key;
}

static void venue_checked(struct call *call, const struct err *err)
{
        if (err->code)
                call_fail(call, err);
        else
                admit_enter(call);
}

static void looked_up(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct call *call = cookie;
        uint8_t digest[IDENTITY_DIGEST_BYTES];

        if (rc == E_NOT_FOUND) {
                lost_keys_check(call->api->idempotency->lost, call, venue_checked);
                return;
        }
        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        identity_digest(digest, call);
        if (memcmp(digest, intent->request_digest, sizeof digest) != 0) {
                refuse(call, intent->request_digest, &intent->id);
                return;
        }
        call->replayed = true;
        retold_reply(call, intent);
}

void idempotency_enter(struct call *call)
{
        struct idempotency *idempotency = call->api->idempotency;
        struct entry *entry;
        struct key key;

        if (!call->key[0] || !idempotency_covers(call->route) || asks_what_to_sign(call)) {
                admit_enter(call);
                return;
        }
        key = key_of(call);
        entry = map_get(idempotency->under_way, &key, sizeof key);
        if (entry) {
                refuse(call, entry->digest, &entry->id);
                return;
        }
        entry = xcalloc(1, sizeof *entry);
        identity_digest(entry->digest, call);
        identity_cloids(&entry->id, 1, call);
        map_put(idempotency->under_way, &key, sizeof key, entry);
        call->is_keyed = true;
        store_intent_by_live_key(call->api->o.store, call->brand->id, &call->account, call->key,
                                 state_now(call->api), looked_up, call);
}

void idempotency_leave(struct call *call)
{
        struct key key = key_of(call);

        free(map_take(call->api->idempotency->under_way, &key, sizeof key));
        call->is_keyed = false;
}

/* --- life --- */

static void tended(void *cookie, enum errc rc, const struct store_keys *keys)
{
        struct idempotency *idempotency = cookie;

        idempotency->is_tending = false;
        if (!idempotency->api) {
                free(idempotency);
                return;
        }
        if (rc)
                log_event(LOG_WARN, "keys can't be tended", "error", err_constant(rc), NULL);
        else
                lost_keys_known_since(idempotency->lost, keys->known_since);
        if (!rc && keys->n_freed)
                metrics_add(idempotency->api->o.metrics, "perpgate_idempotency_keys_freed_total",
                            "", keys->n_freed, "Idempotency-Keys that were kept for their day.");
        loop_timer_start(idempotency->timer, !rc && keys->is_more ? TEND_MORE_MS : TEND_EVERY_MS,
                         0);
}

static void tend(void *cookie)
{
        struct idempotency *idempotency = cookie;

        idempotency->is_tending = true;
        store_keys_tend(idempotency->api->o.store, state_now(idempotency->api), tended,
                        idempotency);
}

struct idempotency *idempotency_new(struct api *api)
{
        struct idempotency *idempotency = xcalloc(1, sizeof *idempotency);

        idempotency->api = api;
        idempotency->under_way = map_new();
        idempotency->lost = lost_keys_new(api);
        idempotency->timer = loop_timer_new(api->o.loop, tend, idempotency);
        tend(idempotency);
        return idempotency;
}

void idempotency_free(struct idempotency *idempotency)
{
        if (!idempotency)
                return;
        must(map_size(idempotency->under_way) == 0);
        map_free(idempotency->under_way, free);
        lost_keys_free(idempotency->lost);
        loop_timer_free(idempotency->timer);
        idempotency->api = NULL;
        if (!idempotency->is_tending)
                free(idempotency);
}
