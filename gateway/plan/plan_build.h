/* plan_build: what the stages of building an order's plan share; private to plan.
 * Stages, in order: plan_read (what is held), plan_setting (mode, leverage), plan_price (worst and
 * reference price), plan_size (size, expected price), plan_order (steps), plan_risk (result, refusals).
 * Every stage returns its error with err filled. */
#ifndef PLAN_PLAN_BUILD_H
#define PLAN_PLAN_BUILD_H

#include "plan/plan.h"

/* Worst price of a market trigger against its trigger price: the venue's own default, a tenth. */
#define PLAN_TRIGGER_SLIPPAGE (NUM_RATE_SCALE / 10)

struct plan_build {
        struct plan *plan;
        const struct plan_order_request *request;
        const struct plan_inputs *in;
        struct err *err;
        const struct venue_position *held; /* open on the symbol; NULL: none */
        enum margin_mode mode;
        unsigned leverage;
        struct px reference; /* what a market order's worst price is counted from */
        struct qty fills;    /* of the order, > 0: less than the size where reduce-only is cut */
        struct qty opens;    /* the part of it that opens or adds, >= 0 */
        bool meets_book;     /* part of it would fill against the book at once */
        struct usd initial;  /* initial margin of that part, in 0.000001, cut as the venue does */
        struct margin_position position; /* as it will be */
        struct margin_cross cross;
};

/* ---- plan_read: what the inputs say ---- */
/* E_VENUE_UNAVAILABLE where the market has no prices. */
MUST_USE enum errc plan_read_prices(const struct market *market, struct err *err);
const struct venue_position *plan_read_held(const struct venue_account *account,
                                            const char *symbol);
/* A fresh position on the market, or a copy of what is held. */
struct margin_position plan_read_position(const struct plan_inputs *in,
                                          const struct venue_position *held);
/* The cross account with what resting orders reserve, as far as it can be told: *unknown counts
 * orders whose leverage the inputs do not say. */
MUST_USE enum errc plan_read_cross(struct margin_cross *out, unsigned *unknown,
                                   const struct plan_inputs *in);
unsigned plan_read_orders_on(const struct plan_inputs *in, const char *symbol);

/* ---- plan_say: words and numbers for people ---- */
char *plan_say_usd(char *buf, struct usd u); /* two decimals at least; buf holds NUM_STR_MAX */
char *plan_say_percent(char *buf, struct rate r);
/* Adds a warning; dropped when the list is full. */
void plan_say_warning(struct plan_risk *risk, const char *code, const char *fmt, ...) PRINTF(3, 4);
const char *plan_say_sizing(enum plan_sizing sizing); /* the request's field */

/* ---- plan_setting: margin mode and leverage ---- */
MUST_USE enum errc plan_setting_mode_allowed(enum margin_mode mode, const struct market *m,
                                             const struct plan_policy *policy,
                                             const struct venue_caps *caps, struct err *err);
MUST_USE enum errc plan_setting_leverage_allowed(unsigned leverage, const struct market *m,
                                                 const struct plan_policy *policy, struct err *err);
/* E_MARGIN_MODE where an open position or open orders keep the symbol in another mode. */
MUST_USE enum errc plan_setting_mode_free(const struct plan_inputs *in,
                                          const struct venue_position *held, enum margin_mode mode,
                                          struct err *err);
/* Sets position->leverage and what that moves in cross; E_MARGIN where lowering it needs margin that
 * is not there. */
MUST_USE enum errc plan_setting_apply(struct margin_position *position, struct margin_cross *cross,
                                      unsigned leverage, struct err *err);
/* Chooses mode and leverage of an order. */
MUST_USE enum errc plan_setting_choose(struct plan_build *b);
/* Holds an unasked leverage to the tier of the position as it will be, E_LEVERAGE for one asked for.
 * *lowered: the size must be chosen again. */
MUST_USE enum errc plan_setting_fit_tier(struct plan_build *b, bool *lowered);
/* Appends the step that sets mode and leverage, where they differ from the setting. */
void plan_setting_step(struct plan *plan, const struct plan_inputs *in, enum margin_mode mode,
                       unsigned leverage);

/* ---- plan_price ---- */
MUST_USE enum errc plan_price_set(struct plan_build *b);
/* from moved against the trader by slippage, rounded to a valid price that does not exceed it. */
MUST_USE enum errc plan_price_worst(struct px *out, const struct plan_inputs *in, enum side side,
                                    struct px from, struct rate slippage);
struct rate plan_price_trigger_slippage(const struct plan_policy *policy);
/* What the book gives up to the worst price, bounded by size and by money. */
struct plan_price_walk {
        struct qty size;
        struct usd cost; /* rounded up */
        struct px best;  /* first level, 0: empty */
};
MUST_USE enum errc plan_price_walk(struct plan_price_walk *out, const struct venue_book *book,
                                   enum side side, struct px worst, struct qty max_size,
                                   struct usd max_cost);

/* ---- plan_order_check ---- */
/* The legs alone, against the mark where the request has no price. */
MUST_USE enum errc plan_order_check_legs(const struct plan_order_request *request,
                                         const struct plan_inputs *in, struct err *err);

/* ---- plan_size: size, expected price, notional, minimum value ---- */
MUST_USE enum errc plan_size_set(struct plan_build *b);
/* The average price at which size fills: what the book gives, told in *walk, and of a limit order the
 * rest at its price. The reference price where no book is met. */
MUST_USE enum errc plan_size_average(struct px *out, struct plan_price_walk *walk,
                                     const struct plan_build *b, struct qty size);

/* ---- plan_risk ---- */
/* The position and account after the order, and every refusal that needs them. */
MUST_USE enum errc plan_risk_order(struct plan_build *b);
/* The figures of a position into the plan's risk; money the caller knows better is left to it. */
MUST_USE enum errc plan_risk_fill(struct plan *plan, const struct margin_position *position,
                                  const struct margin_cross *cross);

/* What of an account's fee rate the market charges. */
MUST_USE enum errc plan_risk_fee_rate(struct rate *out, const struct market *m, struct rate rate);
/* That of the order's fill: maker or taker. */
MUST_USE enum errc plan_risk_entry_rate(struct rate *out, const struct plan_build *b);

/* A stop of the position that is held, against its liquidation price as it is. */
MUST_USE enum errc plan_risk_check_stop(struct plan_build *b, const char *field, struct px trigger);

/* A position's liquidation price against the mark and the brand's least distance; b->plan->risk is its. */
MUST_USE enum errc plan_risk_check_distance(struct plan_build *b,
                                            const struct margin_liquidation *liquidation);
/* Of the open stops that guard the position now, one at least still does. */
MUST_USE enum errc plan_risk_check_standing_stops(struct plan_build *b,
                                                  const struct margin_liquidation *liquidation);

/* Where the position's tiers are not the market's: an estimate, with the warning. */
void plan_risk_note_tiers(struct plan_risk *risk, const struct venue_position *held);

/* Appends an empty pending step for the symbol. */
struct plan_step *plan_add_step(struct plan *plan, enum venue_action_kind kind, const char *name);
/* An empty plan for the market. */
void plan_start(struct plan *plan, const struct market *m);

#endif
