/* margin_rating: which tiers an open position follows. Positions keep the table they were opened with
 * until they change, so the market's present one may be another. The venue tells a position's own max
 * leverage, that of its tier at its present value; where the present table has the same there, the
 * present table it is. Else the market was re-rated since, and the old table has to be found:
 * - 50x is the house vaults' (and older markets') single tier: 1 percent everywhere.
 * - 10x on the first dex was "10x, 5x from 20M" when it was re-rated.
 * - anything else was held at one tier.
 * All but the present table and 50x on a market of the first dex are a doubt. Pure. */
#ifndef RISK_MARGIN_RATING_H
#define RISK_MARGIN_RATING_H

#include "risk/margin.h"
#include "risk/margin_doubt.h"

struct margin_rating {
        const struct margin_table *present; /* the market's; NULL: not in the metadata */
        unsigned own_leverage;              /* the position's maxLeverage; 0: not told */
        struct usd value;                   /* of the position */
        bool is_first_dex;                  /* else a builder-deployed one */
};

/* Doubts (0: certain). out->n is 0, with MARGIN_DOUBT_INPUT, where nothing is known to go by. */
unsigned margin_rating_find(struct margin_table *out, const struct margin_rating *in);

#endif
