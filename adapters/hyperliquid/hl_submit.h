/* hl_submit: signed actions on their way to /exchange. Private to the adapter; the ops of venue.h. */
#ifndef HL_SUBMIT_H
#define HL_SUBMIT_H

#include "adapters/venue.h"

void hl_submit_action(struct venue *venue, const struct venue_compiled *compiled,
                      const struct signature *sig, venue_outcome_fn *done, void *cookie);
void hl_submit_approval(struct venue *venue, const struct venue_approval *approval,
                        const struct signature *sig, venue_outcome_fn *done, void *cookie);
void hl_submit_letter(struct venue *venue, struct buf *out, const struct venue_compiled *compiled,
                      const struct signature *sig);
void hl_submit_approval_letter(struct venue *venue, struct buf *out,
                               const struct venue_approval *approval, const struct signature *sig);
void hl_submit_again(struct venue *venue, const void *letter, size_t len,
                     enum venue_action_kind kind, unsigned n_items, venue_outcome_fn *done,
                     void *cookie);

#endif
