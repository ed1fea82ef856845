/* fee: what one party of a fill is charged: the venue's part and the builder's, apart. Each is rounded
 * to 0.000001 against the trader, charges up and rebates down, so that what was shown is never less than
 * what is taken. Pure. */
#ifndef RISK_FEE_H
#define RISK_FEE_H

#include "base/num.h"

/* rate may be negative: a rebate. E_RANGE. */
MUST_USE enum errc fee_part(struct usd *out, struct usd notional, struct rate rate);
/* A builder's fee is agreed in tenths of a basis point: hundred-thousandths of the notional. */
struct rate fee_builder_rate(unsigned tenth_bp);

#endif
