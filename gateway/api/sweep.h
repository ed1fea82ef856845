/* sweep: cancels protective orders whose position is gone. Left alone, one of them would close the
 * next position on its symbol. Looked for where open orders and positions are read together, and after
 * a position was closed. One sweep per account and dex at a time; each is journaled and audited.
 *
 * An order is an orphan when it stands as an active reduce-only trigger first, and afterwards the
 * account has no position that it would reduce: what it protected has ended, whatever opens next. An account
 * as it was before the order stood is no proof. */
#ifndef API_SWEEP_H
#define API_SWEEP_H

#include "api/call.h"

struct sweep;

struct sweep *sweep_new(struct api *api);
void sweep_free(struct sweep *sweep); /* none may be under way; accepts NULL */

/* Starts one for the call's account when the orders, as read beside the account, look like orphans. */
void sweep_offer(struct sweep *sweep, const struct call *call, const struct venue_account *account,
                 const struct venue_open_order *orders, size_t n);
/* Starts one, once a minute at most, where there are protective orders: the account is not known. */
void sweep_look(struct sweep *sweep, const struct call *call, const char *dex,
                const struct venue_open_order *orders, size_t n);
/* Starts one: the orders in the dex are read. */
void sweep_start(struct sweep *sweep, const struct call *call, const char *dex);

/* Pure: the orphans among orders into *cancel; orders must have been read before the account. */
void sweep_pick(struct venue_action *cancel, const struct venue_account *account,
                const struct venue_open_order *orders, size_t n);

#endif
