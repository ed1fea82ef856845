/* live_impl: what live's files share. Private to live. */
#ifndef API_LIVE_IMPL_H
#define API_LIVE_IMPL_H

#include "api/gather.h"
#include "api/live.h"
#include "api/state.h"
#include "base/handle.h"
#include "base/list.h"
#include "base/map.h"
#include "stream/stream.h"

#define LIVE_ACCOUNTS_MAX 20000
#define LIVE_BODY_MAX     (4u << 20)

enum live_channel { LIVE_ORDERS, LIVE_FILLS, LIVE_POSITIONS, LIVE_ACCOUNT, LIVE_ALERTS };
#define LIVE_CHANNELS 5

struct live_alerts;
struct live_fills;
struct live_orders;
struct live_view;

/* One account under one brand, while at least one of its channels is open. */
struct live_account {
        struct live *live;
        struct stream_subject subject;
        struct stream_channel *channel[LIVE_CHANNELS]; /* NULL: not open */
        struct live_account *next; /* of the same address, under another brand */
        struct list at_all, at_busy, at_dirty;
        int64_t dirty_at; /* when its figures may be looked at again */
        struct live_orders *orders;
        struct live_fills *fills;
        struct live_view *view;
        struct live_alerts *alerts;
};

struct live {
        struct api *api;
        bool is_open, is_ended;
        struct map *accounts;         /* brand and address -> struct live_account */
        struct map *by_user;          /* address -> the first of its accounts */
        struct handle_table *handles; /* what answers name their part by */
        struct map *held;             /* symbol -> struct live_held: positions in it */
        struct map *mended;           /* symbols whose trades are whole again, after a gap */
        struct list all, busy, dirty;
        size_t n;
        unsigned n_lookups, n_reads; /* under way */
        struct loop_timer *timer, *slow;
        bool is_ticking;
        struct gather *scratch;
};

/* What an answer knows of who asked: the part may be gone by then. */
struct live_asked {
        struct live *live;
        struct handle who;
        int64_t at; /* wall ms */
};
struct live_asked *live_impl_ask(struct live *live, struct handle who);
/* The part, or NULL; frees asked and tells the rest of it. */
void *live_impl_answered(struct live_asked *asked, struct live_asked *copy);

static inline int64_t live_now(const struct live *live)
{
        return state_now(live->api);
}
struct live_account *live_impl_account(const struct live *live, const char *brand,
                                       const struct addr *account); /* or NULL */
/* The first of the address's accounts, or NULL. */
struct live_account *live_impl_of_user(const struct live *live, const struct addr *user);
void live_heard_listen(struct live *live);
void live_heard_leave(struct live *live);
/* Whether so much of the venue's weight may be spent on what nobody waits for. */
bool live_impl_may_spend(const struct live *live, unsigned weight);
void live_impl_wake(struct live_account *account); /* it has work */
void live_impl_dirty(struct live_account *account);
void live_impl_tell(struct live_account *account, enum live_channel channel, struct buf *data);

/* Parts are made when the first channel that needs them opens, and go with the account. work does what is due,
 * and tells whether there is anything left to do or to wait for. */
struct live_orders *live_orders_new(struct live_account *account);
void live_orders_free(struct live_orders *orders); /* accepts NULL, as do the others */
bool live_orders_work(struct live_orders *orders, int64_t now);
bool live_orders_snapshot(struct live_orders *orders, struct buf *out);
/* The account was read, as asked for at asked_at: all its orders are in g. */
void live_orders_gathered(struct live_orders *orders, const struct gather *g, int64_t asked_at);
void live_orders_list(struct live_orders *orders, const char *dex, int64_t asked_at,
                      const struct venue_open_order *rows, size_t n, int64_t now);
void live_orders_status(struct live_orders *orders, const struct venue_order_status *status,
                        int64_t now);
void live_orders_outcome(struct live_orders *orders, const struct venue_action *action,
                         const struct venue_outcome *outcome, int64_t now);
bool live_orders_traded(struct live_orders *orders, const char *symbol, enum side side,
                        struct px price, int64_t now);
void live_orders_filled(struct live_orders *orders, const struct venue_fill *fill, int64_t now);
void live_orders_ask(struct live_orders *orders, const struct cloid *cloid, int64_t now);
/* Whether any of them stands in one of these markets. */
bool live_orders_is_in(const struct live_orders *orders, const struct map *symbols);

struct live_fills *live_fills_new(struct live_account *account);
void live_fills_free(struct live_fills *fills);
bool live_fills_work(struct live_fills *fills, int64_t now);
bool live_fills_snapshot(struct live_fills *fills, struct buf *out);
void live_fills_rows(struct live_fills *fills, const struct venue_fill *rows, size_t n,
                     int64_t now);
/* A fill was heard of: by its number, or so much of an order; all 0: there may have been any. */
void live_fills_expect(struct live_fills *fills, uint64_t tid, uint64_t oid, struct qty size,
                       int64_t now);
/* A position changed its size; no matter where a fill of the symbol was told just now. */
void live_fills_moved(struct live_fills *fills, const char *symbol, int64_t now);
void live_fills_long_ago(struct live_fills *fills, int64_t now); /* a look from time to time */

struct live_view *live_view_new(struct live_account *account);
void live_view_free(struct live_view *view);
bool live_view_work(struct live_view *view, int64_t now);
void live_view_look(struct live_view *view, int64_t now);
bool live_view_snapshot(struct live_view *view, enum live_channel channel, struct buf *out);
void live_view_opened(struct live_view *view); /* one of its channels */
/* Has the account read as it is to be shown, orders included, from now on; orders hear of it. */
void live_view_want(struct live_view *view);
bool live_view_is_idle(const struct live_view *view); /* it holds nothing that a clock changes */
void live_view_marked(struct live *live, const char *symbol); /* a mark of it came */
bool live_view_holds_mended(const struct live_view *view);

struct live_alerts *live_alerts_new(struct live_account *account);
void live_alerts_free(struct live_alerts *alerts);
bool live_alerts_work(struct live_alerts *alerts, int64_t now);
bool live_alerts_snapshot(struct live_alerts *alerts, struct buf *out);
struct store_alert;
void live_alerts_raised(struct live_alerts *alerts, const struct store_alert *alert);

#endif
