/* venue: the one interface behind which every venue stands. The gateway calls the ops; the adapter
 * answers through callbacks, each exactly once and never before the call that took it has returned.
 * An adapter sees accounts, actions, digests and signatures: never a key, never a session.
 * Loop thread only. How to add a venue: adapters/README.md. */
#ifndef VENUE_H
#define VENUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/history.h"
#include "adapters/market.h"
#include "adapters/sub_account.h"
#include "adapters/venue_options.h"
#include "adapters/venue_wire.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"
#include "risk/margin.h"
#include "sign/secp.h"

struct venue;
struct loop;

enum side { SIDE_BUY, SIDE_SELL };
enum order_kind { ORDER_LIMIT, ORDER_TRIGGER };
enum time_in_force { TIF_GTC, TIF_IOC, TIF_ALO };
enum trigger_kind { TRIGGER_TAKE_PROFIT, TRIGGER_STOP_LOSS };

/* One order of an action. Market orders are IOC limit orders with a worst price. */
struct venue_order {
        enum side side;
        enum order_kind kind;
        enum time_in_force tif; /* limit */
        struct px price;        /* limit or worst price */
        struct qty size;        /* > 0 */
        bool reduce_only;
        bool is_market; /* a market order, or a trigger that fires as one */
        enum trigger_kind trigger;
        struct px trigger_price;
        struct cloid cloid;
        uint32_t asset; /* where the action's orders name their own markets */
};

#define VENUE_ORDERS_MAX  20 /* in one action */
#define VENUE_CANCELS_MAX 50 /* in one action */

enum venue_action_kind {
        VENUE_SET_LEVERAGE,
        VENUE_ORDER,
        VENUE_ADJUST_MARGIN,
        VENUE_CANCEL,
        VENUE_MODIFY,
        VENUE_CREATE_SUB_ACCOUNT,
        VENUE_FUND_SUB_ACCOUNT,
        VENUE_SCHEDULE_CANCEL, /* the venue cancels all orders of the account at a time, by itself */
};
struct venue_cancel {
        uint32_t asset;
        bool by_cloid;
        uint64_t oid;
        struct cloid cloid;
};
/* A venue-neutral action: what a plan's step asks for. A value. */
struct venue_action {
        enum venue_action_kind kind;
        uint32_t asset;
        union {
                struct {
                        enum margin_mode mode;
                        unsigned leverage;
                } leverage;
                struct {
                        unsigned n;
                        struct venue_order order[VENUE_ORDERS_MAX];
                        bool legs_follow_parent; /* order[1..] are TP/SL of order[0] */
                        bool legs_of_position;   /* all are TP/SL of the position */
                        bool has_builder;
                        struct addr builder;
                        unsigned builder_fee_tenth_bp;
                        bool own_assets; /* order[i].asset counts, not the action's */
                        /* VENUE_MODIFY: order[0] takes the place of this one. Without always_place
                         * it must be a plain order that rests, and is placed only if the old one
                         * could be cancelled; a GTC order becomes ALO then. */
                        uint64_t replaces;
                        bool always_place;
                } order; /* VENUE_ORDER, VENUE_MODIFY */
                struct {
                        struct usd amount; /* > 0 adds, < 0 removes; whole 0.000001 */
                } margin;
                struct {
                        unsigned n;
                        struct venue_cancel cancel[VENUE_CANCELS_MAX];
                } cancel;
                char sub_name[VENUE_SUB_NAME_MAX + 1]; /* VENUE_CREATE_SUB_ACCOUNT */
                struct venue_funding fund;             /* VENUE_FUND_SUB_ACCOUNT */
                int64_t cancel_all_at; /* VENUE_SCHEDULE_CANCEL: wall ms; 0: not any more */
        } u;
};

/* What is signed and sent. Owned by the caller: venue_compiled_fini. */
struct venue_compiled {
        struct hash32 digest;
        struct hash32 content; /* venue-internal: of the action, what the digest is made from */
        struct buf body;       /* venue-internal: the action as it will be posted */
        uint64_t nonce;
        uint64_t expires_after; /* 0: none */
        enum venue_action_kind kind;
        unsigned n_items;
        bool has_sub_account; /* whom it acts for; the signer's own account where not */
        struct addr sub_account;
};
void venue_compiled_fini(struct venue_compiled *compiled);

enum venue_result { VENUE_DONE, VENUE_REFUSED, VENUE_UNKNOWN };

enum venue_item_status {
        ITEM_RESTING,
        ITEM_FILLED,
        ITEM_WAITING_PARENT,
        ITEM_TRIGGER_PENDING,
        ITEM_CANCELLED,
        ITEM_REFUSED,
};
struct venue_item {
        enum venue_item_status status;
        uint64_t oid; /* 0 where the venue did not tell */
        struct qty filled;
        struct px average;
        enum errc refusal;       /* ITEM_REFUSED: the mapped code */
        char venue_message[192]; /* ITEM_REFUSED: the venue's own text */
};
/* Why an item was refused, as an error to answer with. */
void venue_item_err(struct err *out, const struct venue_item *item);

/* DONE: the action as a whole was taken; items tell per order or cancel. REFUSED: nothing took
 * effect, err says why. UNKNOWN: it may have; only a lookup tells. Borrowed for the callback. */
struct venue_outcome {
        enum venue_result result;
        bool was_received; /* UNKNOWN: the venue says that it had these very bytes before */
        struct err err;
        unsigned n_items;
        struct venue_item item[VENUE_CANCELS_MAX];
        struct addr created; /* VENUE_CREATE_SUB_ACCOUNT, DONE */
};

/* The venue's account figures, as read. */
struct venue_position {
        char symbol[SYMBOL_MAX];
        struct margin_position p; /* tiers: those it follows; tiers_known tells if for sure */
        bool tiers_known;
        unsigned tier_doubts; /* why not: risk/margin_doubt.h */
        struct px entry;
        unsigned max_leverage;            /* as the venue says for this position */
        char liquidation_px[NUM_STR_MAX]; /* the venue's own string, "" for null */
        struct usd margin_used, unrealized_pnl, funding_since_open;
        char return_on_equity[NUM_STR_MAX];
        /* By the gateway's mirror: figures that follow from what the venue said; why they are an
         * estimate, a static text, NULL: they are not. */
        bool is_computed;
        const char *doubt;
};
#define VENUE_POSITIONS_MAX 256
/* In one dex, in its collateral: amounts of two dexes don't add up. */
struct venue_account {
        int64_t as_of; /* the venue's time */
        char dex[DEX_NAME_MAX];
        char collateral[COLLATERAL_MAX]; /* "" not known */
        struct usd account_value, total_raw_usd, total_margin_used, total_notional, withdrawable;
        struct margin_cross cross; /* resting not known here: 0 */
        bool may_be_late;          /* what happened since as_of is not in it */
        bool is_computed;          /* as of a position, for the account's own figures */
        const char *doubt;
        bool is_drifted; /* the mirror differed from the venue at the last look */
        unsigned n_positions;
        struct venue_position *position; /* owned by whoever holds the struct */
};
void venue_account_fini(struct venue_account *account);

/* Leverage and mode as set for a symbol, position or not. */
struct venue_setting {
        enum margin_mode mode;
        unsigned leverage;
        struct px mark;
        struct usd available[2]; /* to trade, by enum side */
};

struct venue_open_order {
        char symbol[SYMBOL_MAX];
        uint32_t asset;
        enum side side;
        struct px price;
        struct qty size, original_size; /* remaining, as placed */
        uint64_t oid;
        int64_t placed_at;
        bool has_cloid;
        struct cloid cloid;
        bool reduce_only, is_trigger, is_position_tpsl, trigger_is_market;
        bool waits_for_parent; /* a leg of an order that still rests */
        enum trigger_kind trigger;
        struct px trigger_price;
        char tif[20]; /* the venue's word, "" if none */
};
#define VENUE_STATUS_MAX 64 /* the longest one known has 41 letters */
/* What became of an order, by lookup. */
struct venue_order_status {
        bool found;
        char status[VENUE_STATUS_MAX]; /* its word: "open", "filled", "marginCanceled", ...; cut */
        int64_t status_at;
        struct venue_open_order order;
};
struct venue_fill {
        char symbol[SYMBOL_MAX];
        enum side side;
        struct px price;
        struct qty size;
        int64_t at;
        uint64_t oid, tid;
        struct usd fee, builder_fee, closed_pnl; /* fee includes builder_fee */
        bool is_taker;
        bool has_cloid;
        struct cloid cloid;
        char direction[40];
        char fee_token[16]; /* what fee and builder_fee are counted in */
};
struct venue_level {
        struct px price;
        struct qty size;
        unsigned n_orders;
};
#define VENUE_LEVELS_MAX 20
struct venue_book {
        char symbol[SYMBOL_MAX];
        int64_t as_of;
        unsigned n[2]; /* 0: bids, best first; 1: asks, best first */
        struct venue_level level[2][VENUE_LEVELS_MAX];
};
struct venue_trade {
        struct px price;
        struct qty size;
        enum side side; /* aggressor */
        int64_t at;
        uint64_t tid;
};
struct venue_fees {
        struct rate taker, maker; /* as they apply to the account, discounts included */
};

/* An agent as the venue lists it. */
struct venue_agent {
        struct addr address;
        char name[64];
        int64_t valid_until; /* 0: not told */
};
#define VENUE_AGENTS_MAX 64
/* What is left of the venue's request budgets: the gateway's own, over all addresses that it works
 * from, shared by all traders; and that of one account. */
struct venue_budget {
        unsigned n_addresses; /* each with a budget of its own */
        unsigned weight_per_minute, order_reserve, weight_left;
        unsigned free_polls;   /* poll_*: so many at once cost nothing now; 0: they do */
        int64_t polls_late_ms; /* and what they tell of orders may be so late */
};
struct venue_allowance {
        char volume[NUM_STR_MAX]; /* traded ever; each unit of money adds one action */
        uint64_t used, cap, reserved;
};

/* Callbacks. err->code 0 means success; the rest is borrowed for the call, except that an account
 * may be moved out of *account by the callee. */
typedef void venue_outcome_fn(void *cookie, const struct venue_outcome *outcome);
typedef void venue_account_fn(void *cookie, const struct err *err, struct venue_account *account);
typedef void venue_setting_fn(void *cookie, const struct err *err, const struct venue_setting *s);
typedef void venue_orders_fn(void *cookie, const struct err *err,
                             const struct venue_open_order *orders, size_t n);
typedef void venue_status_fn(void *cookie, const struct err *err,
                             const struct venue_order_status *status);
typedef void venue_fills_fn(void *cookie, const struct err *err, const struct venue_fill *fills,
                            size_t n);
typedef void venue_book_fn(void *cookie, const struct err *err, const struct venue_book *book);
typedef void venue_trades_fn(void *cookie, const struct err *err, const struct venue_trade *trades,
                             size_t n);
typedef void venue_fees_fn(void *cookie, const struct err *err, const struct venue_fees *fees);
typedef void venue_number_fn(void *cookie, const struct err *err, int64_t value);
typedef void venue_text_fn(void *cookie, const struct err *err, const char *text);
typedef void venue_candles_fn(void *cookie, const struct err *err,
                              const struct venue_candle *candles, size_t n);
typedef void venue_rates_fn(void *cookie, const struct err *err,
                            const struct venue_funding_rate *rates, size_t n);
typedef void venue_past_fills_fn(void *cookie, const struct err *err,
                                 const struct venue_fill *fills, size_t n,
                                 const struct venue_span *span);
typedef void venue_payments_fn(void *cookie, const struct err *err,
                               const struct venue_payment *payments, size_t n,
                               const struct venue_span *span);
typedef void venue_ledger_fn(void *cookie, const struct err *err,
                             const struct venue_ledger_row *rows, size_t n,
                             const struct venue_span *span);
typedef void venue_past_orders_fn(void *cookie, const struct err *err,
                                  const struct venue_order_status *orders, size_t n);
typedef void venue_agents_fn(void *cookie, const struct err *err, const struct venue_agent *agents,
                             size_t n);
typedef void venue_allowance_fn(void *cookie, const struct err *err,
                                const struct venue_allowance *allowance);

/* Approvals that only the trader's wallet can sign. */
enum venue_approval_kind {
        APPROVE_AGENT,
        APPROVE_BUILDER_FEE,
        APPROVE_WITHDRAWAL,
        APPROVE_CLASS_TRANSFER
};
struct venue_approval {
        enum venue_approval_kind kind;
        uint64_t chain_id; /* of the wallet */
        uint64_t nonce;
        struct addr agent;   /* agent: its address */
        char name[64];       /* agent: name, may carry the venue's expiry suffix; "" unnamed */
        struct addr builder; /* builder fee */
        unsigned builder_fee_tenth_bp;
        struct usd amount;       /* withdrawal, transfer: whole 0.000001 */
        struct addr destination; /* withdrawal */
        bool to_perps;           /* transfer: from spot, else to it */
        char dex[DEX_NAME_MAX]; /* transfer: "" the first; else destination is the account itself */
        char token[64];         /* transfer, in another dex: as venue_dex names it */
};

struct venue_caps {
        const char *name;    /* "hyperliquid" */
        const char *network; /* "Mainnet", "Testnet" as hashed */
        bool can_remove_margin;
        bool has_cross;
        unsigned orders_per_action;
        unsigned named_agents; /* an account may have so many at a time */
        struct usd min_order_value;
        struct usd withdrawal_fee;
};

enum venue_health { VENUE_UP, VENUE_DEGRADED, VENUE_DOWN };
struct venue_status {
        enum venue_health health;
        int64_t since;       /* wall ms */
        int64_t markets_at;  /* last universe of the first dex, 0: never */
        int64_t contexts_at; /* last prices, 0: never */
        uint64_t universes;  /* taken so far, of all dexes: another number, other markets */
        char reason[160];    /* "" when up */
};

struct venue_ops {
        void (*close)(struct venue *venue);
        const struct venue_caps *(*caps)(const struct venue *venue);
        void (*status)(const struct venue *venue, struct venue_status *out);
        /* Markets: filled by the venue's own polling. */
        size_t (*market_count)(const struct venue *venue);
        const struct market *(*market_at)(const struct venue *venue, size_t i);
        const struct market *(*market_by_symbol)(const struct venue *venue, const char *symbol);
        /* Dexes: the first, then the others in the configured order, read or not. */
        unsigned (*dex_count)(const struct venue *venue);
        void (*dex_at)(const struct venue *venue, unsigned i, struct venue_dex *out);
        /* Pure rules; each error names the nearest valid values in err->hint. */
        enum errc (*check_price)(const struct market *m, struct px price, const char *field,
                                 struct err *err);
        enum errc (*check_size)(const struct market *m, struct qty size, const char *field,
                                struct err *err);
        /* Nearest valid price at or beyond price: up or down. Worst prices of market orders. */
        enum errc (*round_price)(const struct market *m, struct px *price, enum num_round round);
        /* Pure: the typed action, checked, its bytes and the digest to sign. Preview runs it too.
         * sub_account: whom it acts for, NULL: the signer's own account. */
        enum errc (*compile)(struct venue *venue, struct venue_compiled *out,
                             const struct venue_action *action, const struct addr *sub_account,
                             uint64_t nonce, uint64_t expires_after, struct err *err);
        /* The typed data whose digest compile told, as JSON, for a trader's own key to sign. */
        void (*signing_data)(struct venue *venue, struct buf *typed_data,
                             const struct venue_compiled *compiled);
        void (*submit)(struct venue *venue, const struct venue_compiled *compiled,
                       const struct signature *sig, venue_outcome_fn *done, void *cookie);
        /* The bytes that submit and approval_submit post. */
        void (*letter)(struct venue *venue, struct buf *out, const struct venue_compiled *compiled,
                       const struct signature *sig);
        void (*approval_letter)(struct venue *venue, struct buf *out,
                                const struct venue_approval *approval, const struct signature *sig);
        /* Posts an action's letter once more; kind and n_items as they were compiled. The venue lets it
         * take effect once at most, so a refusal of the whole says nothing of the first time. */
        void (*submit_again)(struct venue *venue, const void *letter, size_t len,
                             enum venue_action_kind kind, unsigned n_items, venue_outcome_fn *done,
                             void *cookie);
        /* Typed data for eth_signTypedData_v4 as JSON into out, and its digest. */
        enum errc (*approval_prepare)(struct venue *venue, struct buf *typed_data,
                                      struct hash32 *digest, const struct venue_approval *approval);
        void (*approval_submit)(struct venue *venue, const struct venue_approval *approval,
                                const struct signature *sig, venue_outcome_fn *done, void *cookie);
        /* The reads below them for whoever keeps a copy: from a node where there is one that keeps up,
         * which may be late, and fails more easily. */
        void (*poll_account)(struct venue *venue, const struct addr *user, const char *dex,
                             venue_account_fn *done, void *cookie);
        void (*poll_open_orders)(struct venue *venue, const struct addr *user, const char *dex,
                                 venue_orders_fn *done, void *cookie);
        /* Reads. dex: a market's, or one that dex_at told. */
        void (*read_account)(struct venue *venue, const struct addr *user, const char *dex,
                             venue_account_fn *done, void *cookie);
        void (*read_setting)(struct venue *venue, const struct addr *user, const struct market *m,
                             venue_setting_fn *done, void *cookie);
        void (*read_open_orders)(struct venue *venue, const struct addr *user, const char *dex,
                                 venue_orders_fn *done, void *cookie);
        void (*lookup)(struct venue *venue, const struct addr *user, const struct cloid *cloid,
                       uint64_t oid, venue_status_fn *done, void *cookie); /* cloid NULL: by oid */
        void (*read_fills)(struct venue *venue, const struct addr *user, venue_fills_fn *done,
                           void *cookie);
        void (*read_book)(struct venue *venue, const struct market *m, venue_book_fn *done,
                          void *cookie);
        /* The same for whoever only looks: it waits behind all that trading reads. */
        void (*read_shown_book)(struct venue *venue, const struct market *m, venue_book_fn *done,
                                void *cookie);
        void (*read_trades)(struct venue *venue, const struct market *m, venue_trades_fn *done,
                            void *cookie);
        void (*read_fees)(struct venue *venue, const struct addr *user, venue_fees_fn *done,
                          void *cookie);
        /* Approved builder fee in tenths of a basis point, 0: none. */
        void (*read_builder_fee)(struct venue *venue, const struct addr *user,
                                 const struct addr *builder, venue_number_fn *done, void *cookie);
        /* 1 when agent may act for user now, else 0. */
        void (*read_agent)(struct venue *venue, const struct addr *user, const struct addr *agent,
                           venue_number_fn *done, void *cookie);
        /* How the account's collateral is pooled: "standard", "unified", "portfolioMargin". */
        void (*read_mode)(struct venue *venue, const struct addr *user, venue_text_fn *done,
                          void *cookie);
        /* History. Windows are half open, [start, end) in wall ms; rows come in any order, within
         * the window or a little beyond it. interval is one of "1m" ... "1M". */
        void (*read_candles)(struct venue *venue, const struct market *m, const char *interval,
                             int64_t start, int64_t end, venue_candles_fn *done, void *cookie);
        void (*read_funding_history)(struct venue *venue, const struct market *m, int64_t start,
                                     int64_t end, venue_rates_fn *done, void *cookie);
        void (*read_past_fills)(struct venue *venue, const struct addr *user, int64_t start,
                                int64_t end, venue_past_fills_fn *done, void *cookie);
        void (*read_payments)(struct venue *venue, const struct addr *user, int64_t start,
                              int64_t end, venue_payments_fn *done, void *cookie);
        void (*read_ledger)(struct venue *venue, const struct addr *user, int64_t start,
                            int64_t end, venue_ledger_fn *done, void *cookie);
        void (*read_past_orders)(struct venue *venue, const struct addr *user,
                                 venue_past_orders_fn *done, void *cookie);
        /* The account's named agents, those that have expired left out. */
        void (*read_agents)(struct venue *venue, const struct addr *user, venue_agents_fn *done,
                            void *cookie);
        /* Those whose master the account is, at most VENUE_SUB_ACCOUNTS_MAX. */
        void (*read_sub_accounts)(struct venue *venue, const struct addr *user,
                                  venue_sub_accounts_fn *done, void *cookie);
        void (*read_allowance)(struct venue *venue, const struct addr *user,
                               venue_allowance_fn *done, void *cookie);
        void (*budget)(const struct venue *venue, struct venue_budget *out);
        /* 60 of the venue's weight: for signers that nobody knows. */
        void (*read_role)(struct venue *venue, const struct addr *who, venue_role_fn *done,
                          void *cookie);
        /* The venue's own wire, both ways byte for byte: a question, which waits behind all that
         * trading reads, and a signed action, sent once. */
        void (*wire_ask)(struct venue *venue, const void *body, size_t len,
                         const struct venue_wire_cost *cost, venue_wire_fn *done, void *cookie);
        void (*wire_act)(struct venue *venue, const void *body, size_t len,
                         const struct venue_wire_action *action, venue_wire_fn *done, void *cookie);
        /* What polling was answered to the question of this type about a dex; false: it asks none such,
         * or has no answer yet. */
        bool (*wire_polled)(const struct venue *venue, const char *type, const char *dex,
                            struct venue_wire_polled *out);
        /* Appends the adapter's metrics in text exposition format. */
        void (*metrics)(const struct venue *venue, struct buf *out);
};

/* Every venue begins with its ops. */
struct venue {
        const struct venue_ops *ops;
};

/* Opens a venue by kind; NULL with err when the kind is unknown or options are bad. Polling starts at
 * once. Closed with venue->ops->close: callbacks under way fire first. */
struct venue *venue_open(struct loop *loop, const struct venue_options *options, struct err *err);

#endif
