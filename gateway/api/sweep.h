/* sweep: cancels protective orders whose position is gone. Left alone, one of them would close the
 * next position on its symbol. Looked for on the gateway's own schedule, for accounts that have such orders,
 * and after a position was closed: never because somebody read. One sweep per account and dex at a time; each is
 * journaled and audited.
 *
 * An order is an orphan when the journal knows it as one of ours, it stands as an active reduce-only
 * trigger first, and afterwards the account has no position that it would reduce: what it protected has
 * ended, whatever opens next. An account as it was before the order stood is no proof; nor is one whose
 * order that it came with still rests. */
#ifndef API_SWEEP_H
#define API_SWEEP_H

#include "api/call.h"
#include "plan/plan.h"

struct sweep;

/* The accounts that are known from the journal are looked at from soon on. */
struct sweep *sweep_new(struct api *api);
void sweep_free(struct sweep *sweep); /* none may be under way; accepts NULL */

/* The call's account in the dex is looked at from time to time, until it has no open orders there, where the plan placed
 * one that only ever closes. */
void sweep_watch_orders(struct sweep *sweep, const struct call *call, const char *dex,
                        const struct plan *plan);
/* Looks at the call's account in the dex now. */
void sweep_start(struct sweep *sweep, const struct call *call, const char *dex);

/* Pure: the orphans among orders into *cancel; known[i] is what the journal says of orders[i]. The orders
 * must have been read before the account. */
void sweep_pick(struct venue_action *cancel, const struct venue_account *account,
                const struct venue_open_order *orders, const struct store_order *known, size_t n);

#endif
