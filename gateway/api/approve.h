/* approve: approvals that only the trader's wallet can sign: the agent and the builder fee. The typed
 * data is shown, the wallet's signature comes back, the signer is recovered here, and only then is
 * anything sent. */
#ifndef API_APPROVE_H
#define API_APPROVE_H

#include "adapters/venue.h"
#include "api/call.h"
#include "store/store.h"

/* Answers call with the typed data of the pending approval in record. chain_id 0: the brand's
 * default. */
void approve_show(struct call *call, const struct store_account *record,
                  enum venue_approval_kind kind, uint64_t chain_id);

#endif
