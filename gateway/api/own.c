#include "api/own.h"

#include <stdlib.h>
#include <string.h>

#include "api/own_impl.h"
#include "base/mem.h"
#include "keeper/keeper.h"

#define TICK_MS     25
#define SLOW_MS     1000
#define SLOW_TURNS  10  /* of the slow timer, until everybody was looked at */
#define LOOK_MS     250 /* of one account's figures, at most so often */
#define LOOKS_MAX   32  /* in one tick: the loop has others to serve */
#define COALESCE_MS 20  /* what belongs together comes together */

/* --- accounts --- */

struct key {
        char brand[STREAM_BRAND_MAX];
        struct addr account;
};

static struct key key_of(const char *brand, const struct addr *account)
{
        struct key key;

        memset(&key, 0, sizeof key);
        must(text_copy(key.brand, sizeof key.brand, brand));
        key.account = *account;
        return key;
}

struct own_account *own_impl_account(const struct own *own, const char *brand,
                                     const struct addr *account)
{
        struct key key = key_of(brand, account);

        return own->is_ended ? NULL : map_get(own->accounts, &key, sizeof key);
}

struct own_account *own_impl_of_user(const struct own *own, const struct addr *user)
{
        return own->is_ended ? NULL : map_get(own->by_user, user->b, sizeof user->b);
}

static void link_user(struct own_account *a)
{
        const struct addr *user = &a->subject.account;

        a->next = map_put(a->own->by_user, user->b, sizeof user->b, a);
}

static void unlink_user(struct own_account *a)
{
        const struct addr *user = &a->subject.account;
        struct own_account *first = map_take(a->own->by_user, user->b, sizeof user->b);
        struct own_account **at = &first;

        while (*at != a)
                at = &(*at)->next;
        *at = a->next;
        if (first)
                (void)map_put(a->own->by_user, user->b, sizeof user->b, first);
}

static struct own_account *account_new(struct own *own, const struct stream_subject *subject)
{
        struct own_account *a = xcalloc(1, sizeof *a);
        struct key key = key_of(subject->brand, &subject->account);

        a->own = own;
        a->subject = *subject;
        list_push_back(&own->all, &a->at_all);
        list_init(&a->at_busy);
        list_init(&a->at_dirty);
        (void)map_put(own->accounts, &key, sizeof key, a);
        link_user(a);
        own->n++;
        mirror_attend(keeper_mirror(own->api->o.keeper), &subject->account, 1, own_now(own));
        return a;
}

static void account_free(struct own_account *a)
{
        struct own *own = a->own;
        struct key key = key_of(a->subject.brand, &a->subject.account);

        if (!own->is_ended)
                mirror_attend(keeper_mirror(own->api->o.keeper), &a->subject.account, -1,
                              own_now(own));
        own_orders_free(a->orders);
        own_fills_free(a->fills);
        own_view_free(a->view);
        own_alerts_free(a->alerts);
        unlink_user(a);
        must(map_take(own->accounts, &key, sizeof key) == a);
        list_remove(&a->at_all);
        list_remove(&a->at_busy);
        list_remove(&a->at_dirty);
        own->n--;
        free(a);
}

/* --- answers --- */

struct own_asked *own_impl_ask(struct own *own, struct handle who)
{
        struct own_asked *asked = xmalloc(sizeof *asked);

        *asked = (struct own_asked){own, who, own_now(own)};
        return asked;
}

void *own_impl_answered(struct own_asked *asked, struct own_asked *copy)
{
        *copy = *asked;
        free(asked);
        return copy->own->is_ended ? NULL : handle_get(copy->own->handles, copy->who);
}

bool own_impl_may_spend(const struct own *own, unsigned weight)
{
        struct venue_budget budget;

        own->api->o.venue->ops->budget(own->api->o.venue, &budget);
        return budget.weight_left > budget.order_reserve + budget.weight_per_minute / 8 + weight;
}

bool own_impl_is_spare(const struct own *own)
{
        struct venue_budget budget;

        own->api->o.venue->ops->budget(own->api->o.venue, &budget);
        return budget.weight_left > budget.weight_per_minute / 2;
}

/* --- work --- */

static bool work(struct own_account *a, int64_t now)
{
        bool is_left = false;

        if (a->view)
                is_left |= own_view_work(a->view, now);
        if (a->fills)
                is_left |= own_fills_work(a->fills, now);
        if (a->orders)
                is_left |= own_orders_work(a->orders, now);
        if (a->alerts)
                is_left |= own_alerts_work(a->alerts, now);
        return is_left;
}

static void work_all(struct own *own, int64_t now)
{
        struct list todo;

        /* Work may wake its own account again. */
        list_init(&todo);
        while (!list_empty(&own->busy)) {
                struct list *at = own->busy.next;
                list_remove(at);
                list_push_back(&todo, at);
        }
        while (!list_empty(&todo)) {
                struct list *at = todo.next;
                struct own_account *a = list_entry(at, struct own_account, at_busy);
                list_remove(at);
                if (work(a, now))
                        own_impl_wake(a);
        }
}

static void look_all(struct own *own, int64_t now)
{
        for (unsigned i = 0; i < LOOKS_MAX && !list_empty(&own->dirty); i++) {
                struct own_account *a = list_entry(own->dirty.next, struct own_account, at_dirty);
                if (a->dirty_at > now)
                        return;
                list_remove(&a->at_dirty);
                a->dirty_at = now + LOOK_MS;
                own_view_look(a->view, now);
        }
}

/* Trades of a market may have been missed by all who are in it. */
static void hint_mended(struct own *own, int64_t now)
{
        if (!map_size(own->mended))
                return;
        list_each (it, &own->all) {
                struct own_account *a = list_entry(it, struct own_account, at_all);
                if (a->fills && a->view && own_view_holds_mended(a->view))
                        own_fills_expect(a->fills, 0, 0, (struct qty){0}, now);
        }
        map_free(own->mended, free);
        own->mended = map_new();
}

static void on_tick(void *cookie)
{
        struct own *own = cookie;
        int64_t now = own_now(own);

        work_all(own, now);
        look_all(own, now);
        if (!list_empty(&own->busy) || !list_empty(&own->dirty))
                return;
        loop_timer_stop(own->timer);
        own->is_ticking = false;
}

static void start_ticking(struct own *own)
{
        if (own->is_ticking || own->is_ended)
                return;
        own->is_ticking = true;
        loop_timer_start(own->timer, TICK_MS, TICK_MS);
}

void own_impl_wake(struct own_account *a)
{
        if (list_empty(&a->at_busy))
                list_push_back(&a->own->busy, &a->at_busy);
        start_ticking(a->own);
}

void own_impl_dirty(struct own_account *a)
{
        int64_t now = own_now(a->own);

        if (!a->view || !list_empty(&a->at_dirty))
                return;
        /* The clock may have been set back. */
        if (a->dirty_at < now + COALESCE_MS || a->dirty_at > now + LOOK_MS)
                a->dirty_at = now + COALESCE_MS;
        list_push_back(&a->own->dirty, &a->at_dirty);
        start_ticking(a->own);
}

/* Figures grow old without any event, and what nobody told is looked for now and then. */
static void on_slow(void *cookie)
{
        struct own *own = cookie;
        size_t n = own->n / SLOW_TURNS + 1;
        int64_t now = own_now(own);

        hint_mended(own, now);
        while (n-- > 0 && !list_empty(&own->all)) {
                struct own_account *a = list_entry(own->all.next, struct own_account, at_all);
                list_remove(&a->at_all);
                list_push_back(&own->all, &a->at_all);
                if (a->view && !own_view_is_idle(a->view))
                        own_impl_dirty(a);
                if (a->fills)
                        own_fills_long_ago(a->fills, now);
                if (a->orders)
                        own_orders_long_ago(a->orders, now);
        }
}

void own_impl_tell(struct own_account *a, enum own_channel channel, struct buf *data)
{
        must(buf_check(data) == E_OK);
        if (a->channel[channel])
                stream_update(a->channel[channel], own_now(a->own), buf_cstr(data), data->len);
}

/* --- channels --- */

static const char *const names[OWN_CHANNELS] = {[OWN_ORDERS] = "orders",
                                                [OWN_FILLS] = "fills",
                                                [OWN_POSITIONS] = "positions",
                                                [OWN_ACCOUNT] = "account",
                                                [OWN_ALERTS] = "alerts"};

static enum own_channel which(const struct own_account *a, const struct stream_channel *channel)
{
        unsigned i = 0;

        while (a->channel[i] != channel)
                must(++i < OWN_CHANNELS);
        return (enum own_channel)i;
}

static enum errc take_account(struct own_account **out, struct own *own,
                              const struct stream_subject *subject, struct err *err)
{
        struct key key = key_of(subject->brand, &subject->account);

        *out = map_get(own->accounts, &key, sizeof key);
        if (*out)
                return E_OK;
        if (own->is_ended || own->n == OWN_ACCOUNTS_MAX)
                return err_set(err, E_RATE_LIMITED, "As many accounts are followed as may be.");
        if (!brand_by_id(own->api->brands, subject->brand))
                return err_set(err, E_NOT_FOUND, "The brand is not served.");
        keeper_watch(own->api->o.keeper, subject->brand, &subject->account);
        if (!keeper_watches(own->api->o.keeper, &subject->account))
                return err_set(err, E_RATE_LIMITED, "As many accounts are followed as may be.");
        *out = account_new(own, subject);
        return E_OK;
}

/* Sizes of positions tell fills that nobody told, and fills tell orders: parts stand on each other. */
static void make_parts(struct own_account *a, enum own_channel channel)
{
        bool is_trading = channel == OWN_ORDERS || channel == OWN_FILLS;

        if (channel == OWN_ALERTS && !a->alerts)
                a->alerts = own_alerts_new(a);
        if (channel != OWN_ALERTS && !a->view)
                a->view = own_view_new(a);
        if (is_trading && !a->fills)
                a->fills = own_fills_new(a);
        if (channel == OWN_ORDERS && !a->orders)
                a->orders = own_orders_new(a);
        if (channel == OWN_POSITIONS || channel == OWN_ACCOUNT)
                own_view_opened(a->view);
}

static enum errc open_channel(struct own *own, enum own_channel channel,
                              struct stream_channel *stream, const struct stream_subject *subject,
                              struct err *err)
{
        struct own_account *a = NULL;
        enum errc rc = take_account(&a, own, subject, err);

        if (rc)
                return rc;
        /* Its figures name the wallet that it was opened for. */
        if (a->channel[channel])
                return err_set(err, E_RATE_LIMITED,
                               "The account is followed for another wallet at the moment.");
        a->channel[channel] = stream;
        stream_set_cookie(stream, a);
        make_parts(a, channel);
        own_impl_wake(a);
        return E_OK;
}

#define OPENER(name, which)                                                                        \
        static enum errc name(void *cookie, struct stream_channel *stream,                         \
                              const struct stream_subject *subject, struct err *err)               \
        {                                                                                          \
                return open_channel(cookie, which, stream, subject, err);                          \
        }
OPENER(open_orders, OWN_ORDERS)
OPENER(open_fills, OWN_FILLS)
OPENER(open_positions, OWN_POSITIONS)
OPENER(open_account, OWN_ACCOUNT)
OPENER(open_alerts, OWN_ALERTS)

static void leave_part(struct own_account *a, enum own_channel channel)
{
        switch (channel) {
        case OWN_ORDERS: own_orders_left(a->orders); break;
        case OWN_FILLS: own_fills_left(a->fills); break;
        case OWN_POSITIONS:
        case OWN_ACCOUNT: own_view_left(a->view, channel); break;
        case OWN_ALERTS: own_alerts_left(a->alerts); break;
        }
}

static void close_channel(void *cookie, struct stream_channel *stream)
{
        struct own_account *a = stream_cookie(stream);
        enum own_channel channel = which(a, stream);
        unsigned left = 0;

        (void)cookie;
        a->channel[channel] = NULL;
        leave_part(a, channel);
        for (unsigned i = 0; i < OWN_CHANNELS; i++)
                left += a->channel[i] != NULL;
        if (!left)
                account_free(a);
}

static bool snapshot(void *cookie, struct stream_channel *stream, struct buf *out)
{
        struct own_account *a = stream_cookie(stream);
        enum own_channel channel = which(a, stream);

        (void)cookie;
        switch (channel) {
        case OWN_ORDERS: return own_orders_snapshot(a->orders, out);
        case OWN_FILLS: return own_fills_snapshot(a->fills, out);
        case OWN_POSITIONS:
        case OWN_ACCOUNT: return own_view_snapshot(a->view, channel, out);
        case OWN_ALERTS: return own_alerts_snapshot(a->alerts, out);
        }
        never("a private channel");
}

void own_register(struct own *own, struct stream_hub *hub)
{
        static enum errc (*const open[OWN_CHANNELS])(
                void *, struct stream_channel *, const struct stream_subject *, struct err *) = {
                open_orders, open_fills, open_positions, open_account, open_alerts};

        for (unsigned i = 0; i < OWN_CHANNELS; i++) {
                bool is_state = i == OWN_POSITIONS || i == OWN_ACCOUNT;
                struct stream_source source = {.name = names[i],
                                               .kind = is_state ? STREAM_STATE : STREAM_EVENTS,
                                               .is_private = true,
                                               .by_brand = true,
                                               .open = open[i],
                                               .close = close_channel,
                                               .snapshot = snapshot,
                                               .cookie = own};
                stream_register(hub, &source);
        }
        own_heard_listen(own);
        loop_timer_start(own->slow, SLOW_MS, SLOW_MS);
        own->is_open = true;
}

/* --- life --- */

struct own *own_new(struct api *api)
{
        struct own *own = xcalloc(1, sizeof *own);

        own->api = api;
        own->accounts = map_new();
        own->by_user = map_new();
        own->held = map_new();
        own->mended = map_new();
        own->handles = handle_table_new(4 * OWN_ACCOUNTS_MAX);
        list_init(&own->all);
        list_init(&own->busy);
        list_init(&own->dirty);
        own->timer = loop_timer_new(api->o.loop, on_tick, own);
        own->slow = loop_timer_new(api->o.loop, on_slow, own);
        return own;
}

void own_end(struct own *own)
{
        if (own->is_open && !own->is_ended)
                own_heard_leave(own);
        own->is_ended = true;
        loop_timer_stop(own->timer);
        loop_timer_stop(own->slow);
}

void own_free(struct own *own)
{
        if (!own)
                return;
        must(own->n == 0);
        loop_timer_free(own->timer);
        loop_timer_free(own->slow);
        handle_table_free(own->handles);
        map_free(own->accounts, NULL);
        map_free(own->by_user, NULL);
        map_free(own->held, free);
        map_free(own->mended, free);
        free(own->scratch);
        free(own);
}
