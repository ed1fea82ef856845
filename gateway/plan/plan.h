/* plan: from what a trader asks to the ordered steps the venue needs, with the risk of the result.
 * Pure: everything it needs is an argument, so preview and placing can't differ.
 * Flow: plan_order_check (fields, policy) -> reads by the caller -> plan_order_build (size, price,
 * steps, pre-check) -> the caller runs the steps, telling plan_step_* what became of each. */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/venue.h"
#include "base/err.h"
#include "base/num.h"
#include "risk/risk_source.h"
#include "risk/size.h"

/* A brand's policy for one market, resolved by the caller. */
struct plan_policy {
        enum margin_mode default_mode;
        bool allow_isolated, allow_cross;
        unsigned max_leverage;     /* brand and market */
        unsigned default_leverage; /* used where neither request nor venue says */
        bool has_min_distance;
        struct rate min_distance;
        bool warn_distance, warn_stop; /* warn instead of refuse */
        bool warn_margin, warn_removal;
        struct rate default_slippage, max_slippage;
        bool has_builder;
        struct addr builder;
        unsigned builder_fee_tenth_bp;
};

enum order_type {
        ORDER_TYPE_LIMIT,
        ORDER_TYPE_MARKET,
        ORDER_TYPE_STOP_MARKET,
        ORDER_TYPE_STOP_LIMIT,
        ORDER_TYPE_TAKE_PROFIT_MARKET,
        ORDER_TYPE_TAKE_PROFIT_LIMIT
};

struct plan_leg { /* takeProfit, stopLoss */
        bool present;
        struct px trigger_price;
        bool has_price; /* a limit once triggered; else market */
        struct px price;
};

enum plan_sizing { SIZING_SIZE, SIZING_NOTIONAL, SIZING_MARGIN, SIZING_POSITION /* close all */ };

/* A validated request, as api reads it from JSON. */
struct plan_order_request {
        char symbol[SYMBOL_MAX];
        enum side side;
        enum order_type type;
        enum plan_sizing sizing;
        struct qty size;
        struct usd amount; /* notional or margin */
        bool has_price;
        struct px price;
        bool has_trigger;
        struct px trigger_price;
        bool has_tif;
        enum time_in_force tif;
        bool reduce_only;
        bool has_slippage;
        struct rate slippage;
        bool has_mode;
        enum margin_mode mode;
        bool has_leverage;
        unsigned leverage;
        struct plan_leg take_profit, stop_loss;
        char client_id[64];
};

/* What was read from the venue for this request. */
struct plan_inputs {
        const struct market *market;
        const struct venue_caps *caps;
        const struct plan_policy *policy;
        const struct venue_account *account;
        const struct venue_setting *setting; /* of this symbol */
        const struct venue_book *book;       /* NULL where not needed */
        const struct venue_fees *fees;
        const struct venue_open_order *open_orders; /* of the account; NULL, 0: not read */
        size_t n_open_orders;
        const struct venue_ops *rules; /* check_price, check_size, round_price */
};

enum step_status { STEP_PENDING, STEP_SENT, STEP_DONE, STEP_SKIPPED, STEP_FAILED, STEP_UNKNOWN };
const char *step_status_name(enum step_status status); /* "pending", ..., "failed", "unknown" */

#define PLAN_STEPS_MAX    5
#define PLAN_WARNINGS_MAX 8

struct plan_step {
        struct venue_action action;
        enum step_status status;
        const char *name; /* "setLeverage", "order", "adjustMargin" */
        bool is_put_back; /* undoes step 0 after the order was refused */
        struct err err;   /* of a failed step; detail also says why one was skipped */
        /* adjustMargin's amount is settled when the fill is known: see plan_adjust_after_fill. */
        struct usd target_collateral;
        bool amount_pending;
};
struct plan_warning {
        char code[48];
        char detail[200];
};

/* The risk of the position as it will be when the order has filled. */
struct plan_risk {
        enum margin_mode mode;
        unsigned leverage;
        struct usd margin_required; /* collateral the order takes */
        struct rate effective_leverage;
        bool has_liquidation;
        char liquidation_text[NUM_STR_MAX]; /* as the venue will print it */
        struct px liquidation_price;
        bool has_distance;
        struct rate distance;
        enum risk_source source;
        struct usd max_loss;
        struct usd maintenance;
        struct usd venue_fee, builder_fee;
        struct qty size_after; /* signed */
        unsigned n_warnings;
        struct plan_warning warning[PLAN_WARNINGS_MAX];
};

struct plan {
        char symbol[SYMBOL_MAX];
        uint32_t asset;
        unsigned n_steps;
        struct plan_step step[PLAN_STEPS_MAX];
        int order_step;           /* index of the order step, -1: none */
        int adjust_step;          /* -1: none */
        int old_step[2];          /* tpsl: by enum trigger_kind, cancels the old ones; -1: none */
        struct qty size;          /* as ordered */
        struct px price;          /* limit, or worst price of a market order */
        struct px expected_price; /* average the fill is expected at */
        struct usd notional;      /* size * expected_price */
        struct plan_risk risk;
        struct margin_position position_after; /* what risk is of; size 0: none is left */
        struct margin_cross cross_after;
        /* For adjusting after the fill: collateral asked for, and what was there before. */
        struct usd margin_asked, collateral_before;
        /* For putting the leverage back. */
        bool leverage_changed;
        enum margin_mode mode_before;
        unsigned leverage_before;
};

/* Checks that need no reads: combination of fields, market offered and live, mode and leverage
 * allowed by market, brand and venue, sides of triggers, tick and lot of what the trader wrote.
 * m and policy describe the market; where m has no prices (context_at 0), what depends on them is
 * left to plan_order_build. */
MUST_USE enum errc plan_order_check(const struct plan_order_request *request,
                                    const struct market *m, const struct plan_policy *policy,
                                    const struct venue_caps *caps, const struct venue_ops *rules,
                                    struct err *err);
/* Whether the order may meet the book at once: a market order does; a limit order when its price is not
 * clearly on its own side of the market's, which may be seconds old. Then the book must be read. */
bool plan_order_may_meet_book(const struct plan_order_request *request, const struct market *m);
/* Builds the plan and runs the pre-check; every refusal of the product is decided here and shows its
 * numbers in err. cloids[0..2] are for the order, its take-profit and its stop-loss. */
MUST_USE enum errc plan_order_build(struct plan *plan, const struct plan_order_request *request,
                                    const struct plan_inputs *in, const struct cloid cloids[3],
                                    struct err *err);
/* A reduce-only market order for the whole position (or size, when > 0). E_NOT_FOUND: none open. */
MUST_USE enum errc plan_close_build(struct plan *plan, const struct plan_inputs *in,
                                    const char *symbol, struct qty size, struct rate slippage,
                                    const struct cloid *cloid, struct err *err);
/* What a trader changes of an order that stands. */
struct plan_change {
        bool has_price, has_size, has_trigger;
        struct px price;
        struct qty size; /* what the new order asks for; what has filled is not counted */
        struct px trigger_price;
};
/* One step that puts a new order, with the new cloid, in the place of old; pre-checked like any order.
 * in->open_orders must not hold old: its margin is free again. */
MUST_USE enum errc plan_modify_build(struct plan *plan, const struct plan_inputs *in,
                                     const struct venue_open_order *old,
                                     const struct plan_change *change, const struct cloid *cloid,
                                     struct err *err);
/* Take-profit and stop-loss of a position: a leg that is present is set, one that is dropped goes, the
 * rest stays. */
struct plan_tpsl {
        struct plan_leg take_profit, stop_loss;
        bool drop_take_profit, drop_stop_loss;
};
/* One step that places the new legs, bound to the position, and one for each kind whose old orders go
 * after it. E_NOT_FOUND: no position. E_STOP_BEYOND_LIQ as for an order. */
MUST_USE enum errc plan_tpsl_build(struct plan *plan, const struct plan_inputs *in,
                                   const struct plan_tpsl *request, const struct cloid cloids[2],
                                   struct err *err);
/* The new order of that kind does not stand: the old ones stay. */
void plan_tpsl_keep_old(struct plan *plan, enum trigger_kind kind);
/* Whether the order is there to close the position. */
bool plan_tpsl_protects(const struct venue_open_order *order, const struct venue_position *held);
/* Leverage and mode for a symbol: one step, or none where nothing differs. Mode changes with an open
 * position or open orders on the symbol are refused, naming them. risk is the position's after. */
MUST_USE enum errc plan_leverage_build(struct plan *plan, const struct plan_inputs *in,
                                       enum margin_mode mode, unsigned leverage, struct err *err);
/* Isolated margin in (> 0) or out (< 0): one step; refusals show what is removable or free. */
MUST_USE enum errc plan_margin_build(struct plan *plan, const struct plan_inputs *in,
                                     struct usd amount, struct err *err);

/* Margin by what it is to lead to: exactly one is set. */
struct plan_margin_target {
        bool has_price, has_leverage;
        struct px price;    /* liquidation price */
        struct px leverage; /* effective leverage, a plain number */
};
/* The same with the amount that reaches the target; no step where it is reached as it is. */
MUST_USE enum errc plan_margin_target_build(struct plan *plan, const struct plan_inputs *in,
                                            const struct plan_margin_target *target,
                                            struct err *err);

/* An order sized by what it loses at its stop, fees included. */
struct plan_sized_request {
        enum side side;
        bool has_entry; /* a limit order at entry; else a market order */
        struct px entry, stop;
        bool has_percent; /* of the account's equity in the market's collateral; else risk */
        struct px percent;
        struct usd risk;
        struct rate buffer; /* from the stop to the liquidation price, as a part of the stop */
};
struct plan_sized {
        struct plan_order_request order; /* isolated, with its stop-loss: ready to be placed */
        struct size_result size; /* its margin, leverage: the least; the plan has the order's */
        struct px entry;         /* the fill is expected at */
        struct usd equity, risk;
        struct usd entry_venue_fee, entry_builder_fee, stop_venue_fee, stop_builder_fee;
};
/* Finds the order, and the plan of it. The margin is the order's own: notional / leverage, at the
 * highest whole leverage that keeps the liquidation price beyond the stop by the buffer and as far from
 * the mark as the brand wants it. Refusals are those of an order, and E_INVALID where a position is open
 * on the market. */
MUST_USE enum errc plan_sized_build(struct plan *plan, struct plan_sized *out,
                                    const struct plan_sized_request *request,
                                    const struct plan_inputs *in, const struct cloid cloids[3],
                                    struct err *err);
/* The field that says how much: "riskAmount", "riskPercent". */
const char *plan_sized_field(const struct plan_sized_request *request);

/* The only way a step's status changes; illegal moves abort. */
void plan_step_set(struct plan *plan, unsigned i, enum step_status status, const struct err *err);
/* After the order step: from what filled and the account as read since, sets the adjust step's
 * amount, or skips it with the reason (nothing filled yet, nothing to move). */
MUST_USE enum errc plan_adjust_after_fill(struct plan *plan, struct qty filled,
                                          const struct venue_account *account);
/* After a refused order: appends a step that restores leverage and mode, if step 0 changed them.
 * Returns its index or -1. */
int plan_put_back(struct plan *plan);

/* The order stands without the protection that was asked for: a warning that is never dropped. */
void plan_say_refused_leg(struct plan_risk *risk, enum trigger_kind kind, enum errc refusal);

#endif
