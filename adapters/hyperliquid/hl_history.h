/* hl_history: the venue interface's reads of the past, of agents and of allowances. Private to the
 * adapter; what they do is said in venue.h. */
#ifndef HL_HISTORY_H
#define HL_HISTORY_H

#include "adapters/venue.h"

void hl_history_candles(struct venue *venue, const struct market *m, const char *interval,
                        int64_t start, int64_t end, venue_candles_fn *done, void *cookie);
void hl_history_rates(struct venue *venue, const struct market *m, int64_t start, int64_t end,
                      venue_rates_fn *done, void *cookie);
void hl_history_fills(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                      venue_past_fills_fn *done, void *cookie);
void hl_history_payments(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                         venue_payments_fn *done, void *cookie);
void hl_history_ledger(struct venue *venue, const struct addr *user, int64_t start, int64_t end,
                       venue_ledger_fn *done, void *cookie);
void hl_history_orders(struct venue *venue, const struct addr *user, venue_past_orders_fn *done,
                       void *cookie);
void hl_history_agents(struct venue *venue, const struct addr *user, venue_agents_fn *done,
                       void *cookie);
void hl_history_allowance(struct venue *venue, const struct addr *user, venue_allowance_fn *done,
                          void *cookie);

#endif
