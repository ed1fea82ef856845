#include "api/lost_keys.h"

#include <stdlib.h>
#include <string.h>

#include "api/identity.h"
#include "api/batch.h"
#include "api/route.h"
#include "base/mem.h"
#include "store/store_keys.h"

#define ACCOUNTS_MAX 1024 /* kept; beyond them all are read again */
#define LISTED_MAX   2000 /* as many orders the venue remembers of an account */
#define IDS_MAX      (1 + 3 * BATCH_MAX)

struct known {
        bool is_partial; /* there may be more of the day */
        size_t n;
        struct cloid *cloid; /* owned, ascending; of the last day's orders */
};

struct lost_keys {
        struct api *api;
        int64_t known_since;
        struct map *by_account; /* address -> struct known */
};

struct check {
        struct lost_keys *lost;
        struct call *call;
        lost_keys_fn *done;
        struct cloid id; /* asked for by itself */
        bool is_older;
};

static void drop(void *value)
{
        struct known *known = value;

        free(known->cloid);
        free(known);
}

struct lost_keys *lost_keys_new(struct api *api)
{
        struct lost_keys *lost = xcalloc(1, sizeof *lost);

        lost->api = api;
        lost->known_since = INT64_MAX;
        lost->by_account = map_new();
        return lost;
}

void lost_keys_free(struct lost_keys *lost)
{
        if (!lost)
                return;
        map_free(lost->by_account, drop);
        free(lost);
}

static void forget_all(struct lost_keys *lost)
{
        map_free(lost->by_account, drop);
        lost->by_account = map_new();
}

void lost_keys_known_since(struct lost_keys *lost, int64_t at)
{
        if (at != lost->known_since || at <= state_now(lost->api) - STORE_KEY_KEPT_MS)
                forget_all(lost);
        lost->known_since = at;
}

/* --- whether it was placed --- */

static void over(struct check *check, const struct err *err)
{
        struct call *call = check->call;
        lost_keys_fn *done = check->done;

        free(check);
        done(call, err);
}

static void was_placed(struct check *check, const struct cloid *id)
{
        struct err err = {.code = E_OK};
        char text[CLOID_STR_MAX];

        (void)err_set(&err, E_IDEMPOTENCY,
                      "An order was placed under this Idempotency-Key before, of which only the "
                      "venue knows.");
        err_hint(&err, "GET /v1/orders/%s", hex_print_cloid(text, id));
        over(check, &err);
}

static void not_told(struct check *check, const struct err *why)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, why->code, "%s",
                      "The venue can't be asked whether this was placed before; nothing was sent.");
        err_hint(&err, "A request without an Idempotency-Key is placed all the same.");
        over(check, &err);
}

static int by_cloid(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct cloid));
}

static const struct err nothing;

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *s);

static void look_up(struct check *check)
{
        struct cloid ids[IDS_MAX];
        bool is_batch = strcmp(check->call->route->path, "/v1/orders/batch") == 0;
        struct venue *venue = check->call->api->o.venue;

        identity_cloids_of_day(ids, IDS_MAX, check->call, check->call->key_day - check->is_older);
        check->id = ids[is_batch ? 1 : 0]; /* a batch has a name of its own */
        venue->ops->lookup(venue, &check->call->account, &check->id, 0, looked_up, check);
}

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *s)
{
        struct check *check = cookie;
        int64_t day_ago = state_now(check->lost->api) - STORE_KEY_KEPT_MS;

        if (err->code) {
                not_told(check, err);
        } else if (s->found && s->order.placed_at > day_ago) {
                was_placed(check, &check->id);
        } else if (!check->is_older) {
                check->is_older = true;
                look_up(check);
        } else {
                over(check, &nothing);
        }
}

static void compare(struct check *check, const struct known *known)
{
        struct cloid ids[IDS_MAX];

        for (int64_t back = 0; back < 2; back++) {
                identity_cloids_of_day(ids, IDS_MAX, check->call, check->call->key_day - back);
                for (size_t i = 0; i < IDS_MAX && known->n; i++) {
                        const struct cloid *found =
                                bsearch(&ids[i], known->cloid, known->n, sizeof ids[i], by_cloid);
                        if (!found)
                                continue;
                        was_placed(check, found);
                        return;
                }
        }
        if (known->is_partial)
                look_up(check);
        else
                over(check, &nothing);
}

static void orders_read(void *cookie, const struct err *err,
                        const struct venue_order_status *orders, size_t n)
{
        struct check *check = cookie;
        struct lost_keys *lost = check->lost;
        const struct addr *account = &check->call->account;
        int64_t day_ago = state_now(lost->api) - STORE_KEY_KEPT_MS;
        struct known *known;

        if (err->code) {
                not_told(check, err);
                return;
        }
        known = map_get(lost->by_account, account, sizeof *account);
        if (!known) {
                if (map_size(lost->by_account) >= ACCOUNTS_MAX)
                        forget_all(lost);
                known = xcalloc(1, sizeof *known);
                known->cloid = xcalloc(n + 1, sizeof *known->cloid);
                known->is_partial = n >= LISTED_MAX;
                for (size_t i = 0; i < n; i++)
                        if (orders[i].order.has_cloid && orders[i].order.placed_at > day_ago)
                                known->cloid[known->n++] = orders[i].order.cloid;
                qsort(known->cloid, known->n, sizeof *known->cloid, by_cloid);
                map_put(lost->by_account, account, sizeof *account, known);
        }
        compare(check, known);
}

/* What else is asked for has no name at the venue. */
static bool places_orders(const struct route *route)
{
        static const struct {
                enum http_method method;
                const char *path;
        } all[] = {
                {METHOD_POST, "/v1/orders"},
                {METHOD_POST, "/v1/orders/batch"},
                {METHOD_PATCH, "/v1/orders/{id}"},
                {METHOD_DELETE, "/v1/positions/{symbol}"},
                {METHOD_PUT, "/v1/positions/{symbol}/tpsl"},
        };

        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
                if (all[i].method == route->method && strcmp(all[i].path, route->path) == 0)
                        return true;
        return false;
}

void lost_keys_check(struct lost_keys *lost, struct call *call, lost_keys_fn *done)
{
        struct venue *venue = lost->api->o.venue;
        const struct known *known = map_get(lost->by_account, &call->account, sizeof call->account);
        struct check *check;

        if (lost->known_since <= state_now(lost->api) - STORE_KEY_KEPT_MS ||
            !places_orders(call->route)) {
                done(call, &nothing);
                return;
        }
        check = xcalloc(1, sizeof *check);
        check->lost = lost;
        check->call = call;
        check->done = done;
        if (known)
                compare(check, known);
        else
                venue->ops->read_past_orders(venue, &call->account, orders_read, check);
}
