/* compat_action: what a signed action is to the gateway: whether it is judged before it goes on, and what the
 * mirror is told of it. Pure. */
#ifndef COMPAT_ACTION_H
#define COMPAT_ACTION_H

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/venue.h"

enum compat_rule {
        ACTION_NOT_OFFERED, /* nothing that traders do */
        ACTION_FREE,        /* the account's own affair: money out, agents, names */
        ACTION_REDUCES,     /* closes, cancels: as long as it safely can */
        ACTION_OPENS,    /* may open or enlarge risk: admitted, and judged where that is possible */
        ACTION_FUNDS_IN, /* brings money to where it is traded with */
};
/* By the action itself: a reduce-only order reduces, a transfer may lead in or out. typed: as
 * hl_raw_action has it; NULL for an action without a typed form. */
enum compat_rule compat_action_rule(const char *type, const json_t *action,
                                    const struct hl_action *typed);

/* Items of the action: what the venue's weight counts. */
unsigned compat_action_items(const json_t *action);

/* The action as the mirror and its outcome take it; false: it has no such form. */
MUST_USE bool compat_action_mirrored(struct venue_action *out, const struct hl_action *typed);

#endif
