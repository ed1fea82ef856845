/* hl_pass: what clients wrote in Hyperliquid's own wire goes to the venue byte for byte, and its answer
 * back; and who an address is, for signers that nobody knows. Private to the adapter. */
#ifndef HL_PASS_H
#define HL_PASS_H

#include "adapters/hyperliquid/hl_venue.h"
#include "adapters/venue.h"
#include "loop/http_client.h"

/* The ops of venue.h, by their names. */
void hl_pass_ask(struct venue *venue, const void *body, size_t len,
                 const struct venue_wire_cost *cost, venue_wire_fn *done, void *cookie);
void hl_pass_act(struct venue *venue, const void *body, size_t len,
                 const struct venue_wire_action *action, venue_wire_fn *done, void *cookie);
bool hl_pass_polled(const struct venue *venue, const char *type, const char *dex,
                    struct venue_wire_polled *out);
void hl_pass_role(struct venue *venue, const struct addr *who, venue_role_fn *done, void *cookie);

/* Keeps the answer to metaAndAssetCtxs that was just understood. */
void hl_pass_keep(struct hl_venue *v, unsigned dex, const struct http_answer *answer);

#endif
