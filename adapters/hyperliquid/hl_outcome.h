/* hl_outcome: what came back for a submitted action, said in venue.h's three words. Anything that
 * leaves room for doubt is UNKNOWN: only a lookup ends that. Pure. */
#ifndef HL_OUTCOME_H
#define HL_OUTCOME_H

#include "adapters/venue.h"
#include "loop/http_client.h"

/* kind and n_items are the submitted action's; refused as hl_rest_done has it. unknown_texts is
 * increased for every error text that is not in hl_err.def. Items from n_items on are not set. */
void hl_outcome_read(struct venue_outcome *out, enum venue_action_kind kind, unsigned n_items,
                     const struct http_answer *answer, enum errc refused, uint64_t *unknown_texts);

#endif
