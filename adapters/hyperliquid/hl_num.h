/* hl_num: the venue's price and size rules on exact numbers. A price is an integer, or has at most
 * 5 significant figures and at most (6 perps, 8 spot) - size decimals decimals; a size has at most
 * its market's size decimals. So between two powers of ten the valid prices form a ladder with one
 * step, never wider than 1. Pure. Source: the venue's "tick and lot size". */
#ifndef HL_NUM_H
#define HL_NUM_H

#include <stdbool.h>

#include "base/num.h"

enum hl_market_kind { HL_PERP, HL_SPOT };

/* Decimals a price may have in a market with that size step. */
unsigned hl_num_price_decimals(enum hl_market_kind kind, unsigned size_decimals);

bool hl_num_price_is_valid(struct px price, unsigned max_decimals); /* false unless > 0 */
bool hl_num_size_is_valid(struct qty size, unsigned size_decimals); /* false unless > 0 */

/* Moves a price > 0 to the nearest valid price in that direction; valid prices stay. NUM_DOWN may
 * find none above zero and NUM_UP none that fits: E_RANGE, *price unchanged. */
MUST_USE enum errc hl_num_round_price(struct px *price, unsigned max_decimals,
                                      enum num_round round);
/* The same for sizes. */
MUST_USE enum errc hl_num_round_size(struct qty *size, unsigned size_decimals,
                                     enum num_round round);

#endif
