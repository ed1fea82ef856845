/* margin_tier: exact sums over a table of margin tiers; private to risk.
 * Every maintenance figure is a fraction whose denominator divides the least common multiple of
 * all 2 * L_k, here `den`. Figures are kept multiplied by den, as whole numbers: nothing is rounded
 * until a caller cuts. den is bounded by MARGIN_TIER_DEN_MAX so that the largest product formed
 * anywhere, money (4e19 units) * den * 2L (2e3), stays below 1e35 in 128 bits. */
#ifndef RISK_MARGIN_TIER_H
#define RISK_MARGIN_TIER_H

#include "risk/margin.h"

#define MARGIN_TIER_DEN_MAX INT64_C(1000000000000)

struct margin_tier_sums {
        num_wide den;
        num_wide deduction[MARGIN_TIERS_MAX]; /* d_k * den, in 1e-8 dollars */
};

/* E_INVALID for a table that margin_table_check refuses. */
MUST_USE enum errc margin_tier_sums(struct margin_tier_sums *out, const struct margin_table *table);
/* Maintenance at value (>= 0), multiplied by sums->den. */
num_wide margin_tier_maintenance(const struct margin_table *table,
                                 const struct margin_tier_sums *sums, struct usd value);
/* Quotient of top (>= 0) and bottom (> 0, below 1e37) with so many decimals, by long division; cut,
 * or rounded up. INT64_MAX where it does not fit. */
int64_t margin_tier_quotient(num_wide top, num_wide bottom, unsigned decimals, bool up);

#endif
