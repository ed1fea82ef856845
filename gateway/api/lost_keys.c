#include "api/lost_keys.h"

#include <stdlib.h>
#include <string.h>

#include "api/identity.h"
#include "api/batch.h"
#include "api/route.h"
#include "base/log.h"
#include "base/mem.h"
#include "plan/order_life.h"
#include "store/store_keys.h"
#include "store/store_past.h"

#define ACCOUNTS_MAX    1024 /* in memory; the others are in the store */
#define READS_MAX       4    /* accounts that are read at once: an answer may be a megabyte */
#define IDS_MAX         (1 + 3 * BATCH_MAX)
#define REST_MS         1000 /* after a read that failed; doubled */
#define REST_LONGEST_MS 60000
/* Orders that are so much younger than what the store knows are kept as well: clocks differ, and what was
 * signed before it was lost may have arrived since. */
#define LATE_MS 600000

enum past_state {
        PAST_UNREAD,
        PAST_LOADING, /* from the store */
        PAST_READING, /* from the venue */
        PAST_KNOWN,
};

/* The orders of an account that the store may know nothing of. */
struct past {
        struct list link; /* in idle; in none while it is loaded, read, or told */
        struct lost_keys *lost;
        struct addr account;
        enum past_state state;
        int64_t known_since; /* by which it is read */
        struct list waiting; /* checks */
        unsigned n_failed;
        int64_t rest_until; /* monotonic */
        bool is_partial;    /* there may be more of the day */
        size_t n;
        struct store_past_order *order; /* owned, ascending by id */
};

struct lost_keys {
        struct api *api;
        int64_t known_since;
        struct map *by_account; /* address -> struct past */
        struct list idle;       /* used last at the back */
        unsigned n_reading;
};

struct check {
        struct list link; /* in waiting */
        struct lost_keys *lost;
        struct call *call;
        lost_keys_fn *done;
        struct cloid id; /* asked for by itself */
        bool is_older;
};

static void drop(void *value)
{
        struct past *past = value;

        must(list_empty(&past->waiting));
        free(past->order);
        free(past);
}

struct lost_keys *lost_keys_new(struct api *api)
{
        struct lost_keys *lost = xcalloc(1, sizeof *lost);

        lost->api = api;
        lost->known_since = INT64_MAX;
        lost->by_account = map_new();
        list_init(&lost->idle);
        return lost;
}

void lost_keys_free(struct lost_keys *lost)
{
        if (!lost)
                return;
        map_free(lost->by_account, drop);
        free(lost);
}

static void forget(struct lost_keys *lost, struct past *past)
{
        must(map_take(lost->by_account, &past->account, sizeof past->account) == past);
        list_remove(&past->link);
        drop(past);
}

/* Those that are being read find out by themselves. */
void lost_keys_known_since(struct lost_keys *lost, int64_t at)
{
        bool is_over = at <= state_now(lost->api) - STORE_KEY_KEPT_MS;

        while ((at != lost->known_since || is_over) && !list_empty(&lost->idle))
                forget(lost, list_entry(lost->idle.next, struct past, link));
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
        return memcmp(a, b, sizeof(struct cloid)); /* which a struct store_past_order begins with */
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

static const struct store_past_order *find(const struct past *past, const struct cloid *id,
                                           int64_t day_ago)
{
        const struct store_past_order *found =
                past->n ? bsearch(id, past->order, past->n, sizeof *past->order, by_cloid) : NULL;

        return found && found->placed_at > day_ago ? found : NULL;
}

static void compare(struct check *check, const struct past *past)
{
        int64_t day_ago = state_now(check->lost->api) - STORE_KEY_KEPT_MS;
        struct cloid ids[IDS_MAX];

        for (int64_t back = 0; back < 2; back++) {
                identity_cloids_of_day(ids, IDS_MAX, check->call, check->call->key_day - back);
                for (size_t i = 0; i < IDS_MAX; i++) {
                        if (!find(past, &ids[i], day_ago))
                                continue;
                        was_placed(check, &ids[i]);
                        return;
                }
        }
        if (past->is_partial)
                look_up(check);
        else
                over(check, &nothing);
}

/* --- an account's past: from the store, else from the venue --- */

static void ended(struct past *past, enum past_state state)
{
        struct lost_keys *lost = past->lost;

        past->state = state;
        lost->n_reading--;
        while (!list_empty(&past->waiting)) {
                struct check *check = list_entry(past->waiting.next, struct check, link);

                list_remove(&check->link);
                if (state == PAST_KNOWN)
                        compare(check, past);
                else
                        look_up(check);
        }
        if (past->state == state) /* not begun anew by somebody who was told */
                list_push_back(&lost->idle, &past->link);
}

static void failed(struct past *past, const struct err *err)
{
        int64_t rest = REST_MS;

        for (unsigned i = 0; i < past->n_failed && rest < REST_LONGEST_MS; i++)
                rest *= 2;
        past->n_failed++;
        past->rest_until = clock_mono_ms(past->lost->api->o.clock) +
                           (rest < REST_LONGEST_MS ? rest : REST_LONGEST_MS);
        log_event(LOG_WARN, "past orders can't be read", "code", err_constant(err->code), "detail",
                  err->detail, "again_ms", log_int((long long)rest), NULL);
        ended(past, PAST_UNREAD);
}

/* What was begun before that was told may lack what came between. */
static bool is_outdated(const struct past *past)
{
        return past->known_since != past->lost->known_since;
}

static void fill(struct past *past, const struct store_past_order *order, size_t n, bool is_partial)
{
        free(past->order);
        past->order = xcalloc(n + 1, sizeof *order);
        if (n)
                memcpy(past->order, order, n * sizeof *order);
        past->n = n;
        past->is_partial = is_partial;
        past->n_failed = 0;
        qsort(past->order, n, sizeof *order, by_cloid);
}

static void kept(void *cookie, enum errc rc)
{
        (void)cookie;
        if (rc) /* it is read once more after the next start */
                log_event(LOG_WARN, "past orders can't be kept", "code", err_constant(rc), NULL);
}

static void keep(const struct past *past)
{
        const struct store_past row = {.account = past->account,
                                       .known_since = past->known_since,
                                       .is_partial = past->is_partial,
                                       .n = past->n,
                                       .order = past->order};

        if (past->known_since != INT64_MAX)
                store_past_put(past->lost->api->o.store, &row, kept, NULL);
}

/* The venue lists the latest orders, by when they were placed or by when they ended. Where one of them had
 * ended a day ago, what is left out was placed before that. */
static bool may_lack_some(const struct venue_order_status *orders, size_t n, int64_t day_ago)
{
        if (n < STORE_PAST_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if (orders[i].status_at > 0 && orders[i].status_at <= day_ago &&
                    order_life_is_over(order_life_state_of(&orders[i])))
                        return false;
        return true;
}

static void orders_read(void *cookie, const struct err *err,
                        const struct venue_order_status *orders, size_t n)
{
        struct past *past = cookie;
        int64_t day_ago = state_now(past->lost->api) - STORE_KEY_KEPT_MS;
        int64_t until =
                past->known_since < INT64_MAX - LATE_MS ? past->known_since + LATE_MS : INT64_MAX;
        struct store_past_order *found;
        bool is_partial;
        size_t n_found = 0;

        if (err->code) {
                failed(past, err);
                return;
        }
        if (is_outdated(past)) {
                ended(past, PAST_UNREAD);
                return;
        }
        is_partial = n > STORE_PAST_MAX || may_lack_some(orders, n, day_ago);
        found = xcalloc(STORE_PAST_MAX, sizeof *found);
        for (size_t i = 0; i < n && n_found < STORE_PAST_MAX; i++) {
                const struct venue_open_order *o = &orders[i].order;

                if (o->has_cloid && o->placed_at > day_ago && o->placed_at <= until)
                        found[n_found++] = (struct store_past_order){o->cloid, o->placed_at};
        }
        fill(past, found, n_found, is_partial);
        free(found);
        keep(past);
        ended(past, PAST_KNOWN);
}

static void read_from_venue(struct past *past)
{
        struct venue *venue = past->lost->api->o.venue;

        past->state = PAST_READING;
        venue->ops->read_past_orders(venue, &past->account, orders_read, past);
}

static void loaded(void *cookie, enum errc rc, const struct store_past *stored)
{
        struct past *past = cookie;

        if (is_outdated(past)) {
                ended(past, PAST_UNREAD);
        } else if (rc) {
                read_from_venue(past);
        } else {
                fill(past, stored->order, stored->n, stored->is_partial);
                ended(past, PAST_KNOWN);
        }
}

static void begin(struct past *past)
{
        struct lost_keys *lost = past->lost;

        list_remove(&past->link);
        lost->n_reading++;
        past->known_since = lost->known_since;
        past->state = PAST_LOADING;
        if (past->known_since == INT64_MAX)
                read_from_venue(past);
        else
                store_past_get(lost->api->o.store, &past->account, past->known_since, loaded, past);
}

static struct past *past_of(struct lost_keys *lost, const struct addr *account)
{
        struct past *past = map_get(lost->by_account, account, sizeof *account);

        if (past)
                return past;
        if (map_size(lost->by_account) >= ACCOUNTS_MAX && !list_empty(&lost->idle))
                forget(lost, list_entry(lost->idle.next, struct past, link));
        past = xcalloc(1, sizeof *past);
        past->lost = lost;
        past->account = *account;
        list_init(&past->waiting);
        list_push_back(&lost->idle, &past->link);
        must(!map_put(lost->by_account, account, sizeof *account, past));
        return past;
}

static bool may_begin(const struct past *past)
{
        return past->lost->n_reading < READS_MAX &&
               clock_mono_ms(past->lost->api->o.clock) >= past->rest_until;
}

static void check_past(struct check *check, struct past *past)
{
        switch (past->state) {
        case PAST_KNOWN:
                if (!list_empty(&past->link)) { /* it is used last */
                        list_remove(&past->link);
                        list_push_back(&past->lost->idle, &past->link);
                }
                compare(check, past);
                break;
        case PAST_LOADING:
        case PAST_READING: list_push_back(&past->waiting, &check->link); break;
        case PAST_UNREAD:
                if (!may_begin(past)) {
                        look_up(check);
                        break;
                }
                list_push_back(&past->waiting, &check->link);
                begin(past);
                break;
        }
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
        struct check *check;

        if (lost->known_since <= state_now(lost->api) - STORE_KEY_KEPT_MS ||
            !places_orders(call->route)) {
                done(call, &nothing);
                return;
        }
        check = xcalloc(1, sizeof *check);
        list_init(&check->link);
        check->lost = lost;
        check->call = call;
        check->done = done;
        check_past(check, past_of(lost, &call->account));
}
