/* hl_reads: the info requests behind venue.h's reads. Private to the adapter. */
#ifndef HL_READS_H
#define HL_READS_H

#include <jansson.h>

#include "adapters/hyperliquid/hl_rest.h"
#include "adapters/venue.h"

/* The JSON of an answer, new; NULL with err (E_RATE_LIMITED, E_VENUE_UNAVAILABLE) when there is none.
 * refused is as hl_rest_done has it. */
json_t *hl_reads_load(const struct http_answer *answer, enum errc refused, enum hl_rest_kind kind,
                      struct err *err);

/* A clearinghouseState of the dex; out->position is the caller's. */
struct hl_venue;
MUST_USE enum errc hl_reads_take_account(struct hl_venue *v, struct venue_account *out,
                                         const char *dex, const json_t *state, struct err *err);

/* The ops of venue.h, by their names. */
void hl_reads_account(struct venue *venue, const struct addr *user, const char *dex,
                      venue_account_fn *done, void *cookie);
void hl_reads_setting(struct venue *venue, const struct addr *user, const struct market *m,
                      venue_setting_fn *done, void *cookie);
void hl_reads_open_orders(struct venue *venue, const struct addr *user, const char *dex,
                          venue_orders_fn *done, void *cookie);
void hl_reads_lookup(struct venue *venue, const struct addr *user, const struct cloid *cloid,
                     uint64_t oid, venue_status_fn *done, void *cookie);
void hl_reads_fills(struct venue *venue, const struct addr *user, venue_fills_fn *done,
                    void *cookie);
void hl_reads_book(struct venue *venue, const struct market *m, venue_book_fn *done, void *cookie);
void hl_reads_shown_book(struct venue *venue, const struct market *m, venue_book_fn *done,
                         void *cookie);
void hl_reads_trades(struct venue *venue, const struct market *m, venue_trades_fn *done,
                     void *cookie);
void hl_reads_fees(struct venue *venue, const struct addr *user, venue_fees_fn *done, void *cookie);
void hl_reads_builder_fee(struct venue *venue, const struct addr *user, const struct addr *builder,
                          venue_number_fn *done, void *cookie);
/* How the account's collateral is pooled. */
void hl_reads_mode(struct venue *venue, const struct addr *user, venue_text_fn *done, void *cookie);
/* A named agent is found by extraAgents (weight 20). An unnamed one is not listed there: only then
 * the agent's userRole (weight 60) is asked too. */
void hl_reads_agent(struct venue *venue, const struct addr *user, const struct addr *agent,
                    venue_number_fn *done, void *cookie);

#endif
