/* What mirror and alerts say of accounts that somebody listens to, handed to their parts. */
#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/own_impl.h"
#include "base/mem.h"
#include "keeper/keeper.h"

static void on_settled(void *cookie, const struct addr *user, const char *dex)
{
        (void)dex;
        for (struct own_account *a = own_impl_of_user(cookie, user); a; a = a->next)
                own_impl_dirty(a);
}

/* Orders may have come or gone with it, as where a client signs for itself. */
static void on_touched(void *cookie, const struct addr *user, const char *dex)
{
        struct own *own = cookie;

        (void)dex;
        for (struct own_account *a = own_impl_of_user(own, user); a; a = a->next) {
                if (a->orders)
                        own_orders_touched(a->orders);
                if (a->fills)
                        own_fills_expect(a->fills, 0, 0, (struct qty){0}, own_now(own));
        }
}

static void on_fill(void *cookie, const struct mirror_fill_seen *fill)
{
        struct own *own = cookie;
        int64_t now = own_now(own);

        for (struct own_account *a = own_impl_of_user(own, fill->user); a; a = a->next) {
                if (a->orders && fill->tid)
                        (void)own_orders_traded(a->orders, fill->symbol, fill->side, fill->price,
                                                now);
                if (a->fills)
                        own_fills_expect(a->fills, fill->tid, fill->oid, fill->size, now);
        }
}

static void on_fills(void *cookie, const struct addr *user, const struct venue_fill *rows, size_t n,
                     int64_t at)
{
        for (struct own_account *a = own_impl_of_user(cookie, user); a; a = a->next)
                if (a->fills)
                        own_fills_rows(a->fills, rows, n, at);
}

/* What is pushed may be as old as two clocks are apart. */
#define PUSHED_MS 2000

static void on_orders(void *cookie, const struct addr *user, const char *dex,
                      const struct mirror_reading *reading, const struct venue_open_order *rows,
                      size_t n)
{
        int64_t asked_at = reading->asked_at ? reading->asked_at : reading->at - PUSHED_MS;

        for (struct own_account *a = own_impl_of_user(cookie, user); a; a = a->next)
                if (a->orders)
                        own_orders_list(a->orders, dex, asked_at, rows, n, reading->at);
}

static void on_order(void *cookie, const struct addr *user, const struct venue_order_status *status,
                     int64_t at)
{
        for (struct own_account *a = own_impl_of_user(cookie, user); a; a = a->next)
                if (a->orders)
                        own_orders_status(a->orders, status, at);
}

static void on_outcome(void *cookie, const struct addr *user, const struct venue_action *action,
                       const struct venue_outcome *outcome, int64_t at)
{
        for (struct own_account *a = own_impl_of_user(cookie, user); a; a = a->next)
                if (a->orders)
                        own_orders_outcome(a->orders, action, outcome, at);
}

static void on_marks(void *cookie, const struct feed_context *rows, size_t n, int64_t at)
{
        struct own *own = cookie;

        (void)at;
        if (!map_size(own->held))
                return;
        for (size_t i = 0; i < n; i++)
                own_view_marked(own, rows[i].symbol);
}

static void on_whole(void *cookie, const struct feed_topic *topic, int64_t at)
{
        struct own *own = cookie;

        if (topic->kind == FEED_TRADES && own->n)
                free(map_put(own->mended, topic->symbol, strlen(topic->symbol),
                             xstrdup(topic->symbol)));
        if (topic->kind != FEED_USER_FILLS && topic->kind != FEED_USER_ORDERS)
                return;
        for (struct own_account *a = own_impl_of_user(own, &topic->user); a; a = a->next) {
                if (a->fills && topic->kind == FEED_USER_FILLS)
                        own_fills_expect(a->fills, 0, 0, (struct qty){0}, at);
                if (a->orders && topic->kind == FEED_USER_ORDERS)
                        own_orders_mended(a->orders);
        }
}

static void on_alert(void *cookie, const struct store_alert *alert)
{
        struct own *own = cookie;
        struct own_account *a = own_impl_account(own, alert->brand, &alert->account);

        if (a && a->alerts)
                own_alerts_raised(a->alerts, alert);
}

void own_touch(struct own *own, const struct addr *account)
{
        on_settled(own, account, "");
}

void own_ask_order(struct own *own, const struct addr *account, const struct cloid *cloid)
{
        for (struct own_account *a = own_impl_of_user(own, account); a; a = a->next)
                if (a->orders)
                        own_orders_ask(a->orders, cloid, own_now(own));
}

void own_heard_listen(struct own *own)
{
        const struct mirror_listener listener = {
                .settled = on_settled,
                .touched = on_touched,
                .fill = on_fill,
                .fills = on_fills,
                .orders = on_orders,
                .order = on_order,
                .outcome = on_outcome,
                .marks = on_marks,
                .whole = on_whole,
                .cookie = own,
        };

        mirror_listen(keeper_mirror(own->api->o.keeper), &listener);
        alerts_listen(own->api->o.alerts, on_alert, own);
}

void own_heard_leave(struct own *own)
{
        mirror_listen(keeper_mirror(own->api->o.keeper), NULL);
        alerts_listen(own->api->o.alerts, NULL, NULL);
}
