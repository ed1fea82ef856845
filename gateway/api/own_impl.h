/* own_impl: what own's files share. Private to own. */
#ifndef API_OWN_IMPL_H
#define API_OWN_IMPL_H

#include "api/gather.h"
#include "api/own.h"
#include "api/state.h"
#include "base/handle.h"
#include "base/list.h"
#include "base/map.h"
#include "stream/stream.h"

#define OWN_ACCOUNTS_MAX 20000
#define OWN_BODY_MAX     (4u << 20)

enum own_channel { OWN_ORDERS, OWN_FILLS, OWN_POSITIONS, OWN_ACCOUNT, OWN_ALERTS };
#define OWN_CHANNELS 5

struct own_alerts;
struct own_fills;
struct own_orders;
struct own_view;

/* One account under one brand, while at least one of its channels is open. */
struct own_account {
        struct own *own;
        struct stream_subject subject;
        struct stream_channel *channel[OWN_CHANNELS]; /* NULL: not open */
        struct own_account *next;                     /* of the same address, under another brand */
        struct list at_all, at_busy, at_dirty;
        int64_t dirty_at; /* when its figures may be looked at again */
        struct own_orders *orders;
        struct own_fills *fills;
        struct own_view *view;
        struct own_alerts *alerts;
};

struct own {
        struct api *api;
        bool is_open, is_ended;
        struct map *accounts;         /* brand and address -> struct own_account */
        struct map *by_user;          /* address -> the first of its accounts */
        struct handle_table *handles; /* what answers name their part by */
        struct map *held;             /* symbol -> struct own_held: positions in it */
        struct map *mended;           /* symbols whose trades are whole again, after a gap */
        struct list all, busy, dirty;
        size_t n;
        unsigned n_lookups, n_reads; /* under way */
        struct loop_timer *timer, *slow;
        bool is_ticking;
        struct gather *scratch;
};

/* What an answer knows of who asked: the part may be gone by then. */
struct own_asked {
        struct own *own;
        struct handle who;
        int64_t at; /* wall ms */
};
struct own_asked *own_impl_ask(struct own *own, struct handle who);
/* The part, or NULL; frees asked and tells the rest of it. */
void *own_impl_answered(struct own_asked *asked, struct own_asked *copy);

static inline int64_t own_now(const struct own *own)
{
        return state_now(own->api);
}
struct own_account *own_impl_account(const struct own *own, const char *brand,
                                     const struct addr *account); /* or NULL */
/* The first of the address's accounts, or NULL. */
struct own_account *own_impl_of_user(const struct own *own, const struct addr *user);
void own_heard_listen(struct own *own);
void own_heard_leave(struct own *own);
/* Whether so much of the venue's weight may be spent on what nobody waits for. */
bool own_impl_may_spend(const struct own *own, unsigned weight);
/* Whether more than half of it is left. */
bool own_impl_is_spare(const struct own *own);
void own_impl_wake(struct own_account *account); /* it has work */
void own_impl_dirty(struct own_account *account);
void own_impl_tell(struct own_account *account, enum own_channel channel, struct buf *data);

/* Parts are made when the first channel that needs them opens, and go with the account. work does what is due,
 * and tells whether there is anything left to do or to wait for. */
struct own_orders *own_orders_new(struct own_account *account);
void own_orders_free(struct own_orders *orders); /* accepts NULL, as do the others */
bool own_orders_work(struct own_orders *orders, int64_t now);
/* Its channel was closed: whoever opens it next begins with a snapshot. */
void own_orders_left(struct own_orders *orders);
bool own_orders_snapshot(struct own_orders *orders, struct buf *out);
/* The account was read, as asked for at asked_at: all its orders are in g. */
void own_orders_gathered(struct own_orders *orders, const struct gather *g, int64_t asked_at);
void own_orders_list(struct own_orders *orders, const char *dex, int64_t asked_at,
                     const struct venue_open_order *rows, size_t n, int64_t now);
void own_orders_status(struct own_orders *orders, const struct venue_order_status *status,
                       int64_t now);
void own_orders_outcome(struct own_orders *orders, const struct venue_action *action,
                        const struct venue_outcome *outcome, int64_t now);
bool own_orders_traded(struct own_orders *orders, const char *symbol, enum side side,
                       struct px price, int64_t now);
void own_orders_filled(struct own_orders *orders, const struct venue_fill *fill, int64_t now);
void own_orders_ask(struct own_orders *orders, const struct cloid *cloid, int64_t now);
void own_orders_touched(struct own_orders *orders); /* something was done that nobody tells */
void own_orders_mended(struct own_orders *orders);  /* words of them may have been missed */
void own_orders_long_ago(struct own_orders *orders, int64_t now); /* a look from time to time */
/* Whether any of them stands in one of these markets. */
bool own_orders_is_in(const struct own_orders *orders, const struct map *symbols);

struct own_fills *own_fills_new(struct own_account *account);
void own_fills_free(struct own_fills *fills);
bool own_fills_work(struct own_fills *fills, int64_t now);
void own_fills_left(struct own_fills *fills);
bool own_fills_snapshot(struct own_fills *fills, struct buf *out);
void own_fills_rows(struct own_fills *fills, const struct venue_fill *rows, size_t n, int64_t now);
/* A fill was heard of: by its number, or so much of an order; all 0: there may have been any. */
void own_fills_expect(struct own_fills *fills, uint64_t tid, uint64_t oid, struct qty size,
                      int64_t now);
/* A position changed its size; no matter where a fill of the symbol was told just now. */
void own_fills_moved(struct own_fills *fills, const char *symbol, int64_t now);
void own_fills_long_ago(struct own_fills *fills, int64_t now); /* a look from time to time */

struct own_view *own_view_new(struct own_account *account);
void own_view_free(struct own_view *view);
bool own_view_work(struct own_view *view, int64_t now);
void own_view_look(struct own_view *view, int64_t now);
bool own_view_snapshot(struct own_view *view, enum own_channel channel, struct buf *out);
void own_view_opened(struct own_view *view); /* one of its channels */
void own_view_left(struct own_view *view, enum own_channel channel);
/* Has the account read as it is to be shown, orders included, from now on; orders hear of it. */
void own_view_want(struct own_view *view);
bool own_view_is_idle(const struct own_view *view); /* it holds nothing that a clock changes */
void own_view_marked(struct own *own, const char *symbol); /* a mark of it came */
bool own_view_holds_mended(const struct own_view *view);

struct own_alerts *own_alerts_new(struct own_account *account);
void own_alerts_free(struct own_alerts *alerts);
bool own_alerts_work(struct own_alerts *alerts, int64_t now);
void own_alerts_left(struct own_alerts *alerts);
bool own_alerts_snapshot(struct own_alerts *alerts, struct buf *out);
struct store_alert;
void own_alerts_raised(struct own_alerts *alerts, const struct store_alert *alert);

#endif
