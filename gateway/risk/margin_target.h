/* margin_target: the inverse of the liquidation price and of the effective leverage: how much isolated
 * margin to add (> 0) or take out (< 0) so that a target is reached. Pure and exact.
 * The amount is the smallest whole 0.000001 with which the target is reached, so that what is added is
 * never a unit too little and what is removed never a unit too much. */
#ifndef RISK_MARGIN_TARGET_H
#define RISK_MARGIN_TARGET_H

#include "risk/margin.h"

/* Liquidation price at the target or further from the mark: at most target for a long, at least for a
 * short. E_INVALID unless the position is isolated and open and target > 0; E_RANGE. */
MUST_USE enum errc margin_target_liquidation(struct usd *amount,
                                             const struct margin_position *position,
                                             struct px target);
/* Value over equity at the present mark at most leverage (a plain number in 1e-8, > 0). Likewise. */
MUST_USE enum errc margin_target_leverage(struct usd *amount,
                                          const struct margin_position *position,
                                          struct px leverage);

#endif
