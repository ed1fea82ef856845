/* hl_approval: the two actions that only the trader's wallet may sign, as the typed data a wallet is
 * shown and as the action that is posted. Pure. */
#ifndef HL_APPROVAL_H
#define HL_APPROVAL_H

#include "adapters/venue.h"

/* Appends the argument of eth_signTypedData_v4 to typed_data and sets its digest. E_INVALID for a name
 * or fee the venue does not take, E_LIMIT. */
MUST_USE enum errc hl_approval_prepare(struct buf *typed_data, struct hash32 *digest,
                                       const struct venue_approval *approval, bool is_mainnet);
/* Appends the action's JSON. */
void hl_approval_action(struct buf *out, const struct venue_approval *approval, bool is_mainnet);

#endif
