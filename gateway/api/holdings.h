/* holdings: whether a wallet or one of its sub-accounts has something that can be closed, in any dex:
 * positions and orders of its own, positions and money of a sub-account, which comes back by the agent's
 * signature alone. What can't be read counts as held. Loop thread only. */
#ifndef API_HOLDINGS_H
#define API_HOLDINGS_H

#include "api/call.h"

/* err: code 0, or why nothing could be told. Fires once, never before return. */
typedef void holdings_fn(void *cookie, const struct err *err, bool holds);
/* Of the call's wallet; the call must live until done fires. */
void holdings_find(struct call *call, holdings_fn *done, void *cookie);

#endif
