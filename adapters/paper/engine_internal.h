/* engine_internal: what the engine's own files share; nobody else includes it.
 * An engine owns markets (struct listing), accounts, and per account and touched market a slot (its
 * setting and position). An order is in exactly one state, and its list memberships follow it:
 *
 *   TAKING    being matched now, in no list
 *   BOOK      resting in a ladder of its market, margin reserved
 *   TRIGGER   in a trigger ladder of its market, waiting for the mark
 *   WAITING   child of an order that is not filled yet
 *   DONE      in the account's history
 *
 * Money is whole 0.000001: sizes and prices that the rules accept multiply to no more decimals,
 * marks are rounded on entry to as many decimals as prices may have, and whatever is computed
 * (margin, fees, funding) is rounded to that unit, remainders going to a named balance. */
#ifndef PAPER_ENGINE_INTERNAL_H
#define PAPER_ENGINE_INTERNAL_H

#include "base/attr.h"
#include "base/list.h"
#include "base/map.h"
#include "adapters/paper/engine.h"

#define ENGINE_TEXT_MAX     160
#define ENGINE_CHILDREN_MAX 2

enum order_state { ORDER_TAKING, ORDER_BOOK, ORDER_TRIGGER, ORDER_WAITING, ORDER_DONE };

/* How an order ends; names in engine_order.c. */
enum order_end {
        END_FILLED,
        END_CANCELED,
        END_MARGIN,
        END_SELF_TRADE,
        END_REDUCE_ONLY,
        END_SIBLING,
        END_LIQUIDATED,
        END_SCHEDULED,
        END_REJECTED,
        END_TICK_REJECTED,
        END_MINIMUM_REJECTED,
        END_MARGIN_REJECTED,
        END_REDUCE_REJECTED,
        END_ALO_REJECTED,
        END_IOC_REJECTED,
        END_TRIGGER_REJECTED,
        END_NO_LIQUIDITY_REJECTED,
        END_CAP_REJECTED,
        END_TIER_REJECTED,
        END_TOO_MANY_REJECTED,
};

struct account;
struct listing;
struct slot;

struct level {
        struct px price;
        struct qty size;
        unsigned n_orders;
        struct list orders; /* struct order.in_level, oldest first */
};

/* Price levels of one side, sorted so that the best is last. */
struct ladder {
        bool best_is_highest;
        struct level **level;
        size_t n, capacity;
};

struct order {
        struct engine_order pub; /* what readers see */
        enum order_state state;
        struct account *account;
        struct slot *slot;
        struct qty filled;
        bool follows_position;                    /* a position TP/SL over the whole position */
        struct order *parent;                     /* while WAITING */
        struct order *child[ENGINE_CHILDREN_MAX]; /* while they wait */
        struct order *sibling;                    /* ends when this one is filled */
        struct list in_account;                   /* account.open or account.done */
        struct list in_slot; /* slot.reducing: open reduce-only orders, oldest first */
        struct list in_level;
        struct ladder *ladder;
};

/* What rests in the book on one side without reduce-only. */
struct resting {
        int64_t size, notional; /* 1e-8 */
};

struct slot {
        struct account *account;
        struct listing *listing;
        enum margin_mode mode;
        unsigned leverage;
        struct margin_position p;
        struct usd funding_all_time, funding_since_open, funding_since_change;
        unsigned n_open_orders;
        struct resting resting[2]; /* 0: buys, 1: sells */
        struct usd reserved;       /* initial margin of those that would add exposure */
        struct list reducing;
        struct list in_holders; /* listing.holders while there is a position */
};

struct fill_node {
        struct list in_account;
        struct engine_fill fill;
};

/* What backs an account's cross positions in one dex. */
struct pool {
        struct usd cash; /* net of the cost of all cross positions */
        struct usd reserved;
};

struct account {
        struct addr addr;
        bool is_known; /* deposited, or of the house */
        bool is_house;
        struct rate taker, maker;
        struct pool pool[ENGINE_DEXES_MAX];
        struct slot **slot; /* by asset; NULL where untouched */
        struct slot **held; /* those with a position, sorted by asset */
        size_t n_held;
        struct list open, done; /* struct order.in_account; oldest first */
        size_t n_open, n_done;
        struct list fills; /* struct fill_node, oldest first */
        size_t n_fills;
        int64_t cooldown_until; /* after a partial liquidation */
        struct list in_distressed;
        struct engine_position *view; /* what engine_account lends out */
        size_t view_capacity;
};

/* A market. */
struct listing {
        struct engine_market_spec spec;
        uint32_t asset;
        struct px mark, oracle, last;
        struct qty open_interest;
        struct ladder book[2];    /* 0: bids, 1: asks */
        struct ladder trigger[2]; /* 0: fire at or below the price, 1: at or above */
        struct list holders;      /* struct slot.in_holders */
        bool is_dirty;
};

struct engine {
        struct engine_sink sink;
        struct listing *listing;
        size_t n_listings;
        unsigned n_dexes;
        struct usd value_cap; /* largest value of one position: sums of values always fit */
        struct map *account_by_addr, *order_by_oid, *order_by_cloid;
        struct account **account; /* in the order they came */
        size_t n_accounts, accounts_capacity;
        struct account *backstop;
        struct list distressed; /* accounts below maintenance whose positions found no taker */
        struct usd fees[ENGINE_DEXES_MAX], deposited[ENGINE_DEXES_MAX];
        uint64_t last_oid, last_trade, calls;
        int64_t now;
        bool has_call_hash;
        struct hash32 call_hash;
        uint32_t *dirty; /* assets whose book changed in this call */
        size_t n_dirty;
};

/* Who is being liquidated by an order or transfer; NULL elsewhere. */
struct liquidation {
        struct account *account;
        bool is_backstop;
};

/* Outcome of matching. */
struct match {
        struct qty filled;
        num_wide notional;    /* 1e-16 dollars */
        bool is_short_margin; /* ended because the taker's margin did not reach */
};

static inline int64_t add_exact(int64_t a, int64_t b)
{
        int64_t sum = 0;

        must(num_add(&sum, a, b) == E_OK);
        return sum;
}

/* |q| * p: exact for accepted prices and sizes. */
static inline struct usd value_of(struct px p, struct qty q)
{
        struct usd u = {0};

        must(num_notional(&u, p, (struct qty){num_abs(q.v)}, NUM_NEAREST) == E_OK);
        u.v = num_to_step(u.v, NUM_MICRO, NUM_NEAREST);
        return u;
}

static inline struct pool *pool_of(const struct slot *slot)
{
        return &slot->account->pool[slot->listing->spec.dex];
}

static inline int64_t signed_size(bool is_buy, int64_t size)
{
        return is_buy ? size : -size;
}

static inline int64_t signed_value(const struct margin_position *p)
{
        return p->size.v < 0 ? -p->value.v : p->value.v;
}

/* What backs an isolated position: its cash and its value. */
static inline struct usd isolated_equity(const struct margin_position *p)
{
        return (struct usd){add_exact(p->raw_usd.v, signed_value(p))};
}

/* engine.c */
void engine_begin(struct engine *engine, int64_t at);
void engine_end(struct engine *engine); /* tells the sink which books changed */
const struct hash32 *engine_call_hash(struct engine *engine);

/* engine_account.c */
struct account *engine_account_find(const struct engine *engine, const struct addr *user);
struct account *engine_account_make(struct engine *engine, const struct addr *user);
void engine_account_free(struct account *account, size_t n_listings);
struct slot *engine_account_slot(struct engine *engine, struct account *account, uint32_t asset);
enum margin_mode engine_account_default_mode(const struct listing *listing);
unsigned engine_account_default_leverage(const struct listing *listing);
void engine_account_cross(const struct account *account, unsigned dex, struct margin_cross *out);
/* Cross value less margin used and reserved; may be negative. */
struct usd engine_account_free_margin(const struct account *account, unsigned dex);
/* What rests would reserve, were the position that large. */
struct usd engine_account_reserve(const struct slot *slot, int64_t position,
                                  const struct resting resting[2], unsigned leverage);
void engine_account_reserve_update(struct slot *slot);
void engine_account_set_position(struct slot *slot, const struct margin_position *p);

/* engine_book.c */
void engine_book_init(struct ladder *ladder, bool best_is_highest);
void engine_book_fini(struct ladder *ladder); /* the levels, not the orders */
void engine_book_insert(struct ladder *ladder, struct order *order, struct px price);
void engine_book_remove(struct order *order, struct px price);
void engine_book_shrink(struct order *order, struct px price, struct qty by);
struct level *engine_book_best(const struct ladder *ladder); /* NULL: empty */
void engine_book_touch(struct engine *engine, struct listing *listing);

/* engine_order.c */
struct order *engine_order_new(struct engine *engine, struct slot *slot,
                               const struct engine_order_request *request,
                               const struct addr *builder, uint32_t builder_fee);
void engine_order_rest(struct engine *engine, struct order *order);
void engine_order_await_trigger(struct engine *engine, struct order *order);
void engine_order_await_parent(struct engine *engine, struct order *order, struct order *parent);
/* Out of its lists, to be matched. */
void engine_order_take(struct engine *engine, struct order *order);
/* Less remains: filled or cut. */
void engine_order_shrink(struct engine *engine, struct order *order, struct qty by);
void engine_order_end(struct engine *engine, struct order *order, enum order_end end);
void engine_order_tell(struct engine *engine, struct order *order, const char *status);
/* Reduce-only orders follow a changed position: cut, or ended. */
void engine_order_reconcile(struct engine *engine, struct slot *slot);
/* Ends all of the account's open orders that matches() names. */
void engine_order_end_all(struct engine *engine, struct account *account, enum order_end end,
                          bool (*matches)(const struct order *order, const void *cookie),
                          const void *cookie);
struct order *engine_order_find(const struct engine *engine, uint64_t oid);
/* The constant that reads like status; NULL when no order has it. */
const char *engine_order_status(const char *status);
/* Makes an order known by its id, and by its client order id where is_named. */
void engine_order_index(struct engine *engine, struct order *order, bool is_named);
bool engine_order_is_named(const struct engine *engine, const struct order *order);
/* Takes the order back into the lists of its state, in the order of calls; a resting or waiting one
 * still has to be put into its ladder or under its parent. */
void engine_order_restore(struct order *order, enum order_state state);
/* Counts what rests in the book again; false when that leaves its type. */
MUST_USE bool engine_order_restore_resting(struct order *order);

/* engine_fill.c */
/* False: the fill would take more from the balance it is paid from than is there. */
bool engine_fill_allowed(const struct engine *engine, const struct order *order, struct qty size,
                         struct px price, bool is_taker);
struct usd engine_fill_fee(const struct slot *slot, struct usd notional, bool is_taker,
                           uint32_t builder_fee, struct usd *builder_part);
struct side {
        struct order *order; /* NULL: a transfer without an order */
        struct slot *slot;
        int64_t size; /* signed */
        bool is_taker;
};
/* Books one side of a trade: money, position, and the fill as told and kept. */
void engine_fill_book(struct engine *engine, const struct side *side, struct px price, uint64_t tid,
                      const struct liquidation *liquidation, struct engine_fill *out);
uint64_t engine_fill_next_tid(struct engine *engine);
const char *engine_fill_direction(const char *direction); /* the constant; NULL: there is none */

/* engine_match.c */
void engine_match_run(struct engine *engine, struct order *taker,
                      const struct liquidation *liquidation, struct match *out);
/* Matches, then rests or ends the order. False with the text and how it ended when nothing came of
 * it. */
bool engine_match_execute(struct engine *engine, struct order *order, struct match *out,
                          char text[ENGINE_TEXT_MAX]);

/* engine_check.c */
struct refusal {
        char text[ENGINE_TEXT_MAX]; /* "" when accepted */
        bool is_recorded;           /* the venue knows such an order by its id */
        enum order_end end;
};
/* "text asset=id". */
void engine_check_text(const struct engine *engine, char out[ENGINE_TEXT_MAX], const char *text,
                       uint32_t asset);
/* The payload as a whole. False with the top-level text. */
bool engine_check_payload(const struct engine *engine, const struct account *account,
                          const struct engine_order_request *orders, size_t n,
                          enum engine_grouping grouping, char err[ENGINE_TEXT_MAX]);
/* One order. parent is the request a child waits for, or NULL. */
void engine_check_order(struct engine *engine, struct account *account,
                        const struct engine_order_request *request,
                        const struct engine_order_request *parent, bool is_position_tpsl,
                        uint32_t builder_fee, struct refusal *out);

/* engine_trigger.c */
void engine_trigger_run(struct engine *engine, struct listing *listing);

/* engine_liquidation.c */
void engine_liquidation_run(struct engine *engine, struct listing *listing);
void engine_liquidation_retry(struct engine *engine);

#endif
