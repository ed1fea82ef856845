/* margin: the venue's margin arithmetic for one position and one account, exact.
 * Pure: no I/O, no clock, no JSON, no floating point (printing the venue's own rendering of a
 * liquidation price is risk/show.h).
 *
 * Maintenance in tier k at value v: v * m_k - d_k, with m_k = 1 / (2 * L_k), d_0 = 0,
 * d_k = d_(k-1) + b_k * (m_k - m_(k-1)), tier k being the highest with b_k <= v.
 * Money that the venue prints is cut (towards zero) to 0.000001 where its figures are.
 * Amounts are in the market's collateral token. */
#ifndef RISK_MARGIN_H
#define RISK_MARGIN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/num.h"

enum margin_mode { MARGIN_ISOLATED, MARGIN_CROSS };
const char *margin_mode_name(enum margin_mode mode); /* "isolated", "cross" */

#define MARGIN_TIERS_MAX 8

struct margin_tier {
        struct usd lower_bound; /* position value from which the tier applies; 0 in the first */
        unsigned max_leverage;  /* 1..1000 */
};
struct margin_table {
        unsigned n;
        struct margin_tier tier[MARGIN_TIERS_MAX];
};

/* E_INVALID unless 1..MAX tiers, first bound 0, bounds strictly rising, leverages falling or equal,
 * and the least common multiple of all 2 * leverage at most 1e12 (which keeps sums exact). */
MUST_USE enum errc margin_table_check(const struct margin_table *table);
unsigned margin_tier_at(const struct margin_table *table, struct usd value); /* index */
/* Largest leverage a position of that value may be opened with. */
unsigned margin_max_leverage(const struct margin_table *table, struct usd value);

/* notional / leverage, rounded. */
MUST_USE enum errc margin_initial(struct usd *out, struct usd notional, unsigned leverage,
                                  enum num_round round);
/* Maintenance requirement at value, cut to 0.000001 as the venue does per position. */
MUST_USE enum errc margin_maintenance(struct usd *out, const struct margin_table *table,
                                      struct usd value);
/* equity < maintenance(value), decided exactly, not on the cut figure. */
MUST_USE enum errc margin_is_liquidatable(bool *out, const struct margin_table *table,
                                          struct usd value, struct usd equity);

/* One position as the margin rules see it. */
struct margin_position {
        struct qty size;           /* signed, long > 0; 0: no position */
        struct usd value;          /* |size| * mark */
        struct usd entry_notional; /* |size| * entry, exact where known */
        enum margin_mode mode;
        unsigned leverage;  /* as set */
        struct usd raw_usd; /* isolated: the position's cash (collateral - side * entry notional) */
        struct margin_table tiers;
};

/* The cross account as the rules see it: everything but isolated positions. */
struct margin_cross {
        struct usd account_value; /* crossMarginSummary.accountValue */
        struct usd maintenance;   /* crossMaintenanceMarginUsed */
        struct usd margin_used;   /* crossMarginSummary.totalMarginUsed */
        struct usd notional;      /* crossMarginSummary.totalNtlPos */
        struct usd resting;       /* initial margin reserved by resting orders, where known */
};

/* A liquidation price. exists is false where no positive price satisfies the rule (the venue prints
 * null). price is the exact value rounded once, to 1e-8, towards the mark: up for longs, down for
 * shorts. A price beyond what px holds (dust in a large cross account) is the largest px. tier is
 * where it lies. */
struct margin_liquidation {
        bool exists;
        struct px price;
        unsigned tier;
        /* Inputs of the venue's own rendering (risk/show.h). */
        num_wide cash_micro; /* cash - others + d_k, in 0.000001 dollars, cut */
        struct qty size;
        unsigned tier_leverage;
};

/* cross may be NULL for an isolated position. For a cross position its own value must be part of
 * cross->account_value and its own maintenance part of cross->maintenance. E_RANGE. */
MUST_USE enum errc margin_liquidation(struct margin_liquidation *out,
                                      const struct margin_position *position,
                                      const struct margin_cross *cross);

/* The figures of a position. */
struct margin_figures {
        struct usd unrealized_pnl;
        struct usd collateral;  /* isolated: margin assigned, without profit or loss */
        struct usd margin_used; /* isolated: collateral + pnl; cross: value / leverage, cut */
        struct usd maintenance;
        struct usd max_loss;            /* isolated: collateral; cross: the cross account's value */
        struct rate effective_leverage; /* value / equity that backs it; 0 when equity <= 0 */
        struct rate return_on_equity;   /* pnl * leverage / entry notional */
        struct usd
                removable; /* isolated: max(0, margin_used - max(value/leverage, value/10)); cross: 0 */
        struct usd addable; /* isolated: what the cross account has free, where that is given */
        struct margin_liquidation liquidation;
        bool has_distance;
        struct rate distance; /* |mark - liquidation price| / mark */
};
MUST_USE enum errc margin_position_figures(struct margin_figures *out,
                                           const struct margin_position *position,
                                           const struct margin_cross *cross);

/* What must stay behind after margin leaves: max(value / leverage, value / 10), rounded up. */
MUST_USE enum errc margin_transfer_requirement(struct usd *out, struct usd value,
                                               unsigned leverage);
/* Free margin of the cross account for new orders: account value - margin used - resting, >= 0. */
MUST_USE enum errc margin_free(struct usd *out, const struct margin_cross *cross);
/* max(0, account value - max(margin used + resting, notional / 10, cut to 0.000001)). */
MUST_USE enum errc margin_withdrawable(struct usd *out, const struct margin_cross *cross);

/* A fill applied to a position and the cross account.
 * Increase: isolated margin of added notional / leverage (cut to 0.000001, at the fill price) moves
 * from the cross balance into the position; entry notionals add up. Decrease: profit is realised;
 * isolated margin is released pro rata with the part closed (rounded down, so that the remainder
 * keeps the dust) and returns to the cross balance. Flip: a close, then an open.
 * fee (venue + builder, may be negative) is taken from the same balance as the profit: the isolated
 * position's own cash, or the cross balance; on a full isolated close, from what is released.
 * What is released is the closed part's share of the position's equity at the fill's price, so the
 * rest keeps its liquidation price. An isolated loss beyond the position's cash is left uncovered:
 * it never takes from the cross balance. */
struct margin_fill {
        struct qty size; /* signed: buys > 0 */
        struct px price;
        struct usd fee;
};
/* Both are updated in place: position->{size,value,entry_notional,raw_usd} and all of cross (for a
 * cross position its share is taken out and put back). mark values the result. realized may be NULL. */
MUST_USE enum errc margin_apply_fill(struct margin_position *position, struct margin_cross *cross,
                                     const struct margin_fill *fill, struct px mark,
                                     struct usd *realized_pnl);
/* An hour's funding: -size * oracle * rate, rounded to 0.000001; a long pays a positive rate. From the
 * isolated position's own cash, else from the cross balance. *payment (> 0: received) may be NULL. */
MUST_USE enum errc margin_apply_funding(struct margin_position *position,
                                        struct margin_cross *cross, struct px oracle,
                                        struct rate rate, struct usd *payment);
/* Isolated margin in (> 0) or out (< 0): moves cash between position and cross balance. No rules. */
MUST_USE enum errc margin_apply_transfer(struct margin_position *position,
                                         struct margin_cross *cross, struct usd amount);

#endif
