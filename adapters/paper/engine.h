/* engine: the paper venue's exchange: accounts, books, matching, margin, funding, liquidation.
 * No I/O, no JSON, no clock but the time passed in, deterministic: the same calls give the same
 * results. Prices come in from outside (paper/market.h); everything that happens goes out through
 * the sink, in order, during the call that caused it (the sink must not call back into the engine).
 * Rules and texts are Hyperliquid's; figures are whole 0.000001 where the venue's are. */
#ifndef PAPER_ENGINE_H
#define PAPER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hex.h"
#include "base/num.h"
#include "risk/margin.h"

struct engine;

struct engine_market_spec {
        char name[32];
        unsigned sz_decimals;
        unsigned max_leverage;
        unsigned margin_table_id;
        struct margin_table tiers;
        bool only_isolated;
        bool strict_isolated; /* margin can't be removed */
        bool is_delisted;
        unsigned dex; /* < ENGINE_DEXES_MAX: margin is kept apart by dex */
        uint32_t id;  /* by which texts name the market; 0: its index */
        /* Of the account's rate, in thousandths, what is charged and what a rebate gives; 0: 1000. */
        unsigned fee_share, rebate_share;
        struct usd open_interest_cap; /* one side's value at the mark; 0: none */
};

#define ENGINE_DEXES_MAX 8 /* each with a balance of its own, in its own token */

enum engine_tif {
        ENGINE_GTC,
        ENGINE_IOC,
        ENGINE_ALO,
        ENGINE_FRONTEND_MARKET,
        ENGINE_LIQUIDATION_MARKET
};
enum engine_grouping { ENGINE_NA, ENGINE_NORMAL_TPSL, ENGINE_POSITION_TPSL };

/* What a trader asks. */
struct engine_order_request {
        uint32_t asset;
        bool is_buy;
        struct px price;
        struct qty size; /* > 0; 0 only for a position TP/SL: the whole position */
        bool reduce_only;
        bool is_trigger;
        enum engine_tif tif;
        bool trigger_is_market;
        bool is_take_profit;
        struct px trigger_price;
        bool has_cloid;
        struct cloid cloid;
        uint64_t twap_id; /* 0: none. A slice of a TWAP has no minimum value */
};

enum engine_status {
        ENGINE_RESTING,
        ENGINE_FILLED,
        ENGINE_ERROR,
        ENGINE_WAITING_FOR_FILL,
        ENGINE_WAITING_FOR_TRIGGER,
};
struct engine_order_result {
        enum engine_status status;
        uint64_t oid;
        struct qty total_size; /* ENGINE_FILLED */
        struct px average_price;
        char error[160]; /* the venue's text, with " asset={n}" where it has it */
};

/* An order as the venue knows it, open or done. */
struct engine_order {
        uint64_t oid;
        struct addr user;
        uint32_t asset;
        bool is_buy;
        struct px price;
        struct qty size, original_size; /* remaining, as placed */
        bool reduce_only;
        bool is_trigger; /* still waiting for its trigger, or was one */
        bool trigger_is_market;
        bool is_take_profit;
        bool is_position_tpsl;
        struct px trigger_price;
        enum engine_tif tif;
        bool has_cloid;
        struct cloid cloid;
        int64_t placed_at;
        const char *status; /* "open", "filled", "canceled", "triggered", "marginCanceled", ... */
        int64_t status_at;
        uint64_t parent_oid;  /* 0: none; children wait for it */
        struct addr builder;  /* with builder_fee > 0 */
        uint32_t builder_fee; /* tenths of a basis point */
        uint64_t twap_id;     /* 0: no slice of a TWAP */
};

struct engine_position {
        uint32_t asset;
        struct margin_position p;
        struct px entry; /* display: cut to 6 - sz_decimals decimals */
        struct usd funding_all_time, funding_since_open, funding_since_change; /* paid > 0 */
};

struct engine_fill {
        uint64_t tid, oid;
        uint32_t asset;
        struct addr user;
        bool is_buy;
        struct px price;
        struct qty size;
        struct qty start_position;               /* signed */
        struct usd closed_pnl, fee, builder_fee; /* fee includes builder_fee */
        bool crossed;                            /* taker */
        int64_t at;
        struct hash32 hash;
        bool has_cloid;
        struct cloid cloid;
        const char *direction; /* "Open Long", "Close Short", "Long > Short", ... */
        bool is_liquidation;
        bool liquidation_is_backstop;
        struct addr liquidated_user;
        struct px liquidation_mark;
        uint64_t twap_id; /* 0: none; else the hash is zero, as the venue's slices have it */
};

/* What goes out. Any member may be NULL. Pointers are borrowed for the call. */
struct engine_sink {
        void (*order)(void *cookie, const struct engine_order *order); /* status changed */
        void (*fill)(void *cookie, const struct engine_fill *fill);    /* once per side */
        void (*trade)(void *cookie, const struct engine_fill *taker, const struct addr *buyer,
                      const struct addr *seller);
        void (*book)(void *cookie, uint32_t asset); /* changed */
        void (*funding)(void *cookie, const struct addr *user, uint32_t asset, struct usd paid,
                        struct qty size, struct rate rate, int64_t at);
        void (*liquidation)(void *cookie, const struct addr *user, enum margin_mode mode,
                            struct usd liquidated_notional, struct usd account_value,
                            const uint32_t *assets, const struct qty *sizes, size_t n, int64_t at);
        void *cookie;
};

struct engine *engine_new(const struct engine_market_spec *markets, size_t n,
                          const struct engine_sink *sink);
void engine_free(struct engine *engine); /* accepts NULL */
size_t engine_market_count(const struct engine *engine);
const struct engine_market_spec *engine_market(const struct engine *engine, uint32_t asset);

/* Money. A deposit makes the account exist; it is cut to 0.000001, and beyond a balance of
 * 10,000,000,000 nothing is added. Builders need no more than 100 to be eligible. */
void engine_deposit(struct engine *engine, const struct addr *user, struct usd amount, int64_t at);
/* Takes amount out of the account's cross balance; false, and nothing done, when that is more than
 * may leave it. */
bool engine_withdraw(struct engine *engine, const struct addr *user, struct usd amount, int64_t at);
/* The same for the balance in a dex; the functions without one mean the first. */
void engine_dex_deposit(struct engine *engine, const struct addr *user, unsigned dex,
                        struct usd amount, int64_t at);
bool engine_dex_withdraw(struct engine *engine, const struct addr *user, unsigned dex,
                         struct usd amount, int64_t at);
bool engine_account_exists(const struct engine *engine, const struct addr *user);
/* The market maker's accounts trade without margin or fees and are never liquidated. */
void engine_set_house(struct engine *engine, const struct addr *user);
/* Fee rates of an account, each below 0.1; default taker 0.00045, maker 0.00015. Charges are rounded
 * up to 0.000001, rebates down. */
void engine_set_fees(struct engine *engine, const struct addr *user, struct rate taker,
                     struct rate maker);
void engine_fees(const struct engine *engine, const struct addr *user, struct rate *taker,
                 struct rate *maker);

/* Takes over what the book does not liquidate; an account of the house. */
void engine_backstop(const struct engine *engine, struct addr *out);
/* Fees less rebates and builders' parts, and what rounding left over from funding. Together with all
 * balances this stays what was deposited. */
struct usd engine_collected_fees(const struct engine *engine);
struct usd engine_dex_collected_fees(const struct engine *engine, unsigned dex);
/* What came in less what went out. */
struct usd engine_dex_deposited(const struct engine *engine, unsigned dex);
/* Whether the market takes no more open interest. */
bool engine_dex_is_capped(const struct engine *engine, uint32_t asset);

/* A new mark and oracle (> 0): triggers fire, then liquidations run. Both are rounded to
 * 6 - sz_decimals decimals. Prices at which a position's value would be out of all bounds are not
 * taken. Until the first call orders of a market are refused. */
void engine_set_prices(struct engine *engine, uint32_t asset, struct px mark, struct px oracle,
                       int64_t at);
struct px engine_mark(const struct engine *engine, uint32_t asset);
struct px engine_oracle(const struct engine *engine, uint32_t asset);
/* Time passes: children of groups, cooldowns and partial liquidations move on; expired things end. */
void engine_tick(struct engine *engine, int64_t at);
/* Pays funding once on all positions of a market at the hourly rate, on the oracle price. */
void engine_pay_funding(struct engine *engine, uint32_t asset, struct rate hourly, int64_t at);

/* Actions. err receives a top-level refusal text of the venue (the function returns false); per
 * order texts stand in the results. builder may be NULL; its approval is the caller's to check. */
bool engine_place(struct engine *engine, const struct addr *user,
                  const struct engine_order_request *orders, size_t n,
                  enum engine_grouping grouping, const struct addr *builder, uint32_t builder_fee,
                  struct engine_order_result *results, char err[160], int64_t at);
/* "" in error when cancelled. */
void engine_cancel(struct engine *engine, const struct addr *user, uint32_t asset, uint64_t oid,
                   char error[160], int64_t at);
void engine_cancel_cloid(struct engine *engine, const struct addr *user, uint32_t asset,
                         const struct cloid *cloid, char error[160], int64_t at);
/* Every open order of the user: what its scheduled cancel does. */
void engine_cancel_all(struct engine *engine, const struct addr *user, int64_t at);
bool engine_update_leverage(struct engine *engine, const struct addr *user, uint32_t asset,
                            bool is_cross, uint32_t leverage, char err[160], int64_t at);
bool engine_update_isolated_margin(struct engine *engine, const struct addr *user, uint32_t asset,
                                   int64_t ntli_micro, char err[160], int64_t at);

/* Reads. */
struct engine_account {
        struct usd account_value, total_notional, total_raw_usd, total_margin_used; /* all */
        struct margin_cross cross;
        struct usd cross_raw_usd;
        struct usd withdrawable;
        size_t n_positions;
        const struct engine_position *position; /* sorted by asset; borrowed until the next call */
};
/* Zeros for an unknown user. */
void engine_account(const struct engine *engine, const struct addr *user,
                    struct engine_account *out);
/* The account as one dex has it: its balance there, its positions there. */
void engine_dex_account(const struct engine *engine, const struct addr *user, unsigned dex,
                        struct engine_account *out);
/* Whether the account has money or positions in any dex. */
bool engine_dex_is_used(const struct engine *engine, const struct addr *user);
/* The venue's rendering of a position's liquidation price; false: null. */
bool engine_liquidation_text(const struct engine *engine, const struct addr *user, uint32_t asset,
                             char buf[NUM_STR_MAX]);
struct engine_setting {
        enum margin_mode
                mode; /* untouched symbol: cross (isolated where only that), 20x or the max */
        unsigned leverage;
        struct usd available[2]; /* to trade: buy, sell */
        struct qty max_trade_size[2];
};
void engine_setting(const struct engine *engine, const struct addr *user, uint32_t asset,
                    struct engine_setting *out);
/* Calls each for every order of the user: open ones when only_open, else the latest 2000. */
void engine_orders(const struct engine *engine, const struct addr *user, bool only_open,
                   void (*each)(void *cookie, const struct engine_order *order), void *cookie);
const struct engine_order *engine_order_by_oid(const struct engine *engine, const struct addr *user,
                                               uint64_t oid);
const struct engine_order *engine_order_by_cloid(const struct engine *engine,
                                                 const struct addr *user,
                                                 const struct cloid *cloid);
/* Newest first, at most the latest 2000. */
void engine_fills(const struct engine *engine, const struct addr *user,
                  void (*each)(void *cookie, const struct engine_fill *fill), void *cookie);
struct engine_level {
        struct px price;
        struct qty size;
        unsigned n_orders;
};
/* Best first; returns how many were written. side 0: bids, 1: asks. */
size_t engine_book(const struct engine *engine, uint32_t asset, int side, struct engine_level *out,
                   size_t max);
struct px engine_last_price(const struct engine *engine, uint32_t asset);     /* 0: none yet */
struct qty engine_open_interest(const struct engine *engine, uint32_t asset); /* one side */

/* Between calls: everything that later calls depend on, histories included (engine_state.c says
 * what). The same state always gives the same bytes. */
struct archive;
void engine_state_save(const struct engine *engine, struct archive *archive);
/* An engine as it was saved, for the same markets; NULL when the archive was refused. The sink hears
 * nothing of it. */
struct engine *engine_state_load(const struct engine_market_spec *markets, size_t n,
                                 const struct engine_sink *sink, struct archive *archive);

#endif
