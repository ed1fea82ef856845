/* hl_polls: reads of accounts for whoever keeps a copy of them. They go to the node where there is one that
 * keeps up, many accounts in one request where it can, else to the venue like any other read. What the
 * node does not answer fails: it is not asked again of the venue, which callers need. Private to the adapter. */
#ifndef HL_POLLS_H
#define HL_POLLS_H

#include "adapters/hyperliquid/hl_venue.h"

/* The ops of venue.h, by their names. */
void hl_polls_account(struct venue *venue, const struct addr *user, const char *dex,
                      venue_account_fn *done, void *cookie);
void hl_polls_orders(struct venue *venue, const struct addr *user, const char *dex,
                     venue_orders_fn *done, void *cookie);
/* What polls may do beside the budget. */
void hl_polls_budget(const struct hl_venue *v, struct venue_budget *out);

void hl_polls_open(struct hl_venue *v, unsigned accounts_per_read);
/* Sends what waits to go together; with the node ended, all that is told. */
void hl_polls_close(struct hl_venue *v);

#endif
