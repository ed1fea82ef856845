#include "api/live.h"

#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
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

struct live_account *live_impl_account(const struct live *live, const char *brand,
                                       const struct addr *account)
{
        struct key key = key_of(brand, account);

        return live->is_ended ? NULL : map_get(live->accounts, &key, sizeof key);
}

struct live_account *live_impl_of_user(const struct live *live, const struct addr *user)
{
        return live->is_ended ? NULL : map_get(live->by_user, user->b, sizeof user->b);
}

static void link_user(struct live_account *a)
{
        const struct addr *user = &a->subject.account;

        a->next = map_put(a->live->by_user, user->b, sizeof user->b, a);
}

static void unlink_user(struct live_account *a)
{
        const struct addr *user = &a->subject.account;
        struct live_account *first = map_take(a->live->by_user, user->b, sizeof user->b);
        struct live_account **at = &first;

        while (*at != a)
                at = &(*at)->next;
        *at = a->next;
        if (first)
                (void)map_put(a->live->by_user, user->b, sizeof user->b, first);
}

static struct live_account *account_new(struct live *live, const struct stream_subject *subject)
{
        struct live_account *a = xcalloc(1, sizeof *a);
        struct key key = key_of(subject->brand, &subject->account);

        a->live = live;
        a->subject = *subject;
        list_push_back(&live->all, &a->at_all);
        list_init(&a->at_busy);
        list_init(&a->at_dirty);
        (void)map_put(live->accounts, &key, sizeof key, a);
        link_user(a);
        live->n++;
        mirror_attend(keeper_mirror(live->api->o.keeper), &subject->account, 1, live_now(live));
        return a;
}

static void account_free(struct live_account *a)
{
        struct live *live = a->live;
        struct key key = key_of(a->subject.brand, &a->subject.account);

        if (!live->is_ended)
                mirror_attend(keeper_mirror(live->api->o.keeper), &a->subject.account, -1,
                              live_now(live));
        live_orders_free(a->orders);
        live_fills_free(a->fills);
        live_view_free(a->view);
        live_alerts_free(a->alerts);
        unlink_user(a);
        must(map_take(live->accounts, &key, sizeof key) == a);
        list_remove(&a->at_all);
        list_remove(&a->at_busy);
        list_remove(&a->at_dirty);
        live->n--;
        free(a);
}

/* --- answers --- */

struct live_asked *live_impl_ask(struct live *live, struct handle who)
{
        struct live_asked *asked = xmalloc(sizeof *asked);

        *asked = (struct live_asked){live, who, live_now(live)};
        return asked;
}

void *live_impl_answered(struct live_asked *asked, struct live_asked *copy)
{
        *copy = *asked;
        free(asked);
        return copy->live->is_ended ? NULL : handle_get(copy->live->handles, copy->who);
}

bool live_impl_may_spend(const struct live *live, unsigned weight)
{
        struct venue_budget budget;

        live->api->o.venue->ops->budget(live->api->o.venue, &budget);
        return budget.weight_left > budget.order_reserve + budget.weight_per_minute / 8 + weight;
}

/* --- work --- */

static bool work(struct live_account *a, int64_t now)
{
        bool is_left = false;

        if (a->view)
                is_left |= live_view_work(a->view, now);
        if (a->fills)
                is_left |= live_fills_work(a->fills, now);
        if (a->orders)
                is_left |= live_orders_work(a->orders, now);
        if (a->alerts)
                is_left |= live_alerts_work(a->alerts, now);
        return is_left;
}

static void work_all(struct live *live, int64_t now)
{
        struct list todo;

        /* Work may wake its own account again. */
        list_init(&todo);
        while (!list_empty(&live->busy)) {
                struct list *at = live->busy.next;
                list_remove(at);
                list_push_back(&todo, at);
        }
        while (!list_empty(&todo)) {
                struct list *at = todo.next;
                struct live_account *a = list_entry(at, struct live_account, at_busy);
                list_remove(at);
                if (work(a, now))
                        live_impl_wake(a);
        }
}

static void look_all(struct live *live, int64_t now)
{
        for (unsigned i = 0; i < LOOKS_MAX && !list_empty(&live->dirty); i++) {
                struct live_account *a =
                        list_entry(live->dirty.next, struct live_account, at_dirty);
                if (a->dirty_at > now)
                        return;
                list_remove(&a->at_dirty);
                a->dirty_at = now + LOOK_MS;
                live_view_look(a->view, now);
        }
}

/* Trades of a market may have been missed by all who are in it. */
static void hint_mended(struct live *live, int64_t now)
{
        if (!map_size(live->mended))
                return;
        list_each (it, &live->all) {
                struct live_account *a = list_entry(it, struct live_account, at_all);
                if (a->fills && a->view && live_view_holds_mended(a->view))
                        live_fills_expect(a->fills, 0, 0, (struct qty){0}, now);
        }
        map_free(live->mended, free);
        live->mended = map_new();
}

static void on_tick(void *cookie)
{
        struct live *live = cookie;
        int64_t now = live_now(live);

        work_all(live, now);
        look_all(live, now);
        if (!list_empty(&live->busy) || !list_empty(&live->dirty))
                return;
        loop_timer_stop(live->timer);
        live->is_ticking = false;
}

static void start_ticking(struct live *live)
{
        if (live->is_ticking || live->is_ended)
                return;
        live->is_ticking = true;
        loop_timer_start(live->timer, TICK_MS, TICK_MS);
}

void live_impl_wake(struct live_account *a)
{
        if (list_empty(&a->at_busy))
                list_push_back(&a->live->busy, &a->at_busy);
        start_ticking(a->live);
}

void live_impl_dirty(struct live_account *a)
{
        int64_t now = live_now(a->live);

        if (!a->view || !list_empty(&a->at_dirty))
                return;
        /* The clock may have been set back. */
        if (a->dirty_at < now + COALESCE_MS || a->dirty_at > now + LOOK_MS)
                a->dirty_at = now + COALESCE_MS;
        list_push_back(&a->live->dirty, &a->at_dirty);
        start_ticking(a->live);
}

/* Figures grow old without any event, and what nobody told is looked for now and then. */
static void on_slow(void *cookie)
{
        struct live *live = cookie;
        size_t n = live->n / SLOW_TURNS + 1;
        int64_t now = live_now(live);

        hint_mended(live, now);
        while (n-- > 0 && !list_empty(&live->all)) {
                struct live_account *a = list_entry(live->all.next, struct live_account, at_all);
                list_remove(&a->at_all);
                list_push_back(&live->all, &a->at_all);
                if (a->view && !live_view_is_idle(a->view))
                        live_impl_dirty(a);
                if (a->fills)
                        live_fills_long_ago(a->fills, now);
        }
}

void live_impl_tell(struct live_account *a, enum live_channel channel, struct buf *data)
{
        must(buf_check(data) == E_OK);
        if (a->channel[channel])
                stream_update(a->channel[channel], live_now(a->live), buf_cstr(data), data->len);
}

/* --- channels --- */

static const char *const names[LIVE_CHANNELS] = {[LIVE_ORDERS] = "orders",
                                                 [LIVE_FILLS] = "fills",
                                                 [LIVE_POSITIONS] = "positions",
                                                 [LIVE_ACCOUNT] = "account",
                                                 [LIVE_ALERTS] = "alerts"};

static enum live_channel which(const struct live_account *a, const struct stream_channel *channel)
{
        unsigned i = 0;

        while (a->channel[i] != channel)
                must(++i < LIVE_CHANNELS);
        return (enum live_channel)i;
}

static enum errc take_account(struct live_account **out, struct live *live,
                              const struct stream_subject *subject, struct err *err)
{
        struct key key = key_of(subject->brand, &subject->account);

        *out = map_get(live->accounts, &key, sizeof key);
        if (*out)
                return E_OK;
        if (live->is_ended || live->n == LIVE_ACCOUNTS_MAX)
                return err_set(err, E_LIMIT, "As many accounts are followed as may be.");
        if (!brand_by_id(live->api->brands, subject->brand))
                return err_set(err, E_NOT_FOUND, "The brand is not served.");
        keeper_watch(live->api->o.keeper, subject->brand, &subject->account);
        if (!keeper_watches(live->api->o.keeper, &subject->account))
                return err_set(err, E_LIMIT, "As many accounts are followed as may be.");
        *out = account_new(live, subject);
        return E_OK;
}

/* Sizes of positions tell fills that nobody told, and fills tell orders: parts stand on each other. */
static void make_parts(struct live_account *a, enum live_channel channel)
{
        bool is_trading = channel == LIVE_ORDERS || channel == LIVE_FILLS;

        if (channel == LIVE_ALERTS && !a->alerts)
                a->alerts = live_alerts_new(a);
        if (channel != LIVE_ALERTS && !a->view)
                a->view = live_view_new(a);
        if (is_trading && !a->fills)
                a->fills = live_fills_new(a);
        if (channel == LIVE_ORDERS && !a->orders)
                a->orders = live_orders_new(a);
        if (channel == LIVE_POSITIONS || channel == LIVE_ACCOUNT)
                live_view_opened(a->view);
}

static enum errc open_channel(struct live *live, enum live_channel channel,
                              struct stream_channel *stream, const struct stream_subject *subject,
                              struct err *err)
{
        struct live_account *a = NULL;
        enum errc rc = take_account(&a, live, subject, err);

        if (rc)
                return rc;
        must(!a->channel[channel]);
        a->channel[channel] = stream;
        stream_set_cookie(stream, a);
        make_parts(a, channel);
        live_impl_wake(a);
        return E_OK;
}

#define OPENER(name, which)                                                                        \
        static enum errc name(void *cookie, struct stream_channel *stream,                         \
                              const struct stream_subject *subject, struct err *err)               \
        {                                                                                          \
                return open_channel(cookie, which, stream, subject, err);                          \
        }
OPENER(open_orders, LIVE_ORDERS)
OPENER(open_fills, LIVE_FILLS)
OPENER(open_positions, LIVE_POSITIONS)
OPENER(open_account, LIVE_ACCOUNT)
OPENER(open_alerts, LIVE_ALERTS)

static void close_channel(void *cookie, struct stream_channel *stream)
{
        struct live_account *a = stream_cookie(stream);
        unsigned left = 0;

        (void)cookie;
        a->channel[which(a, stream)] = NULL;
        for (unsigned i = 0; i < LIVE_CHANNELS; i++)
                left += a->channel[i] != NULL;
        if (!left)
                account_free(a);
}

static bool snapshot(void *cookie, struct stream_channel *stream, struct buf *out)
{
        struct live_account *a = stream_cookie(stream);
        enum live_channel channel = which(a, stream);

        (void)cookie;
        switch (channel) {
        case LIVE_ORDERS: return live_orders_snapshot(a->orders, out);
        case LIVE_FILLS: return live_fills_snapshot(a->fills, out);
        case LIVE_POSITIONS:
        case LIVE_ACCOUNT: return live_view_snapshot(a->view, channel, out);
        case LIVE_ALERTS: return live_alerts_snapshot(a->alerts, out);
        }
        never("a private channel");
}

void live_register(struct live *live, struct stream_hub *hub)
{
        static enum errc (*const open[LIVE_CHANNELS])(
                void *, struct stream_channel *, const struct stream_subject *, struct err *) = {
                open_orders, open_fills, open_positions, open_account, open_alerts};

        for (unsigned i = 0; i < LIVE_CHANNELS; i++) {
                bool is_state = i == LIVE_POSITIONS || i == LIVE_ACCOUNT;
                struct stream_source source = {.name = names[i],
                                               .kind = is_state ? STREAM_STATE : STREAM_EVENTS,
                                               .is_private = true,
                                               .by_brand = true,
                                               .open = open[i],
                                               .close = close_channel,
                                               .snapshot = snapshot,
                                               .cookie = live};
                stream_register(hub, &source);
        }
        live_heard_listen(live);
        loop_timer_start(live->slow, SLOW_MS, SLOW_MS);
        live->is_open = true;
}

/* --- life --- */

struct live *live_new(struct api *api)
{
        struct live *live = xcalloc(1, sizeof *live);

        live->api = api;
        live->accounts = map_new();
        live->by_user = map_new();
        live->held = map_new();
        live->mended = map_new();
        live->handles = handle_table_new(4 * LIVE_ACCOUNTS_MAX);
        list_init(&live->all);
        list_init(&live->busy);
        list_init(&live->dirty);
        live->timer = loop_timer_new(api->o.loop, on_tick, live);
        live->slow = loop_timer_new(api->o.loop, on_slow, live);
        return live;
}

void live_end(struct live *live)
{
        if (live->is_open && !live->is_ended)
                live_heard_leave(live);
        live->is_ended = true;
        loop_timer_stop(live->timer);
        loop_timer_stop(live->slow);
}

void live_free(struct live *live)
{
        if (!live)
                return;
        must(live->n == 0);
        loop_timer_free(live->timer);
        loop_timer_free(live->slow);
        handle_table_free(live->handles);
        map_free(live->accounts, NULL);
        map_free(live->by_user, NULL);
        map_free(live->held, free);
        map_free(live->mended, free);
        free(live->scratch);
        free(live);
}
