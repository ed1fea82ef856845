/* margin_reserve: initial margin that the resting orders of one market hold back, in either margin mode
 * (an isolated position is opened from the same balance).
 * An order that would increase exposure reserves its notional / leverage at its own price; what closes
 * a position, reduce-only orders and triggers reserve nothing. Of orders against a position the part
 * beyond it counts; which of them fill first is not decided before they do, so that part counts at
 * their average price. Measured on accounts whose orders all add on one side; where orders stand on
 * both sides, or reach beyond the position, the venue's figure is not published: that is a doubt.
 * Pure. */
#ifndef RISK_MARGIN_RESERVE_H
#define RISK_MARGIN_RESERVE_H

#include "risk/margin.h"
#include "risk/margin_doubt.h"

/* The orders of one market that can reserve: plain ones, not reduce-only. A value; zeroed is none. */
struct margin_resting {
        struct qty size[2]; /* buys, sells: what remains of them */
        struct usd notional[2];
};
/* size > 0, price > 0: E_INVALID. E_RANGE, and nothing changed. */
MUST_USE enum errc margin_reserve_add(struct margin_resting *resting, bool is_buy, struct qty size,
                                      struct px price);
/* What they reserve beside a position of that (signed) size, each side rounded up to 0.000001.
 * *doubts 0 or MARGIN_DOUBT_RESTING. E_INVALID without leverage, E_RANGE. */
MUST_USE enum errc margin_reserve_needed(struct usd *out, unsigned *doubts,
                                         const struct margin_resting *resting, struct qty position,
                                         unsigned leverage);

#endif
