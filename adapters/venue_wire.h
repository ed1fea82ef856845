/* venue_wire: the venue's own wire, for whoever speaks it already: what a client wrote goes to the venue
 * byte for byte, and so does the answer come back. Values. */
#ifndef VENUE_WIRE_H
#define VENUE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

struct venue_outcome;

enum venue_wire_end {
        WIRE_ANSWERED,
        WIRE_NOT_SENT, /* certain: nothing of it reached the venue; err says why */
        WIRE_UNKNOWN,  /* sent at least in part, and no whole answer arrived */
};
/* Borrowed for the callback. */
struct venue_wire_answer {
        enum venue_wire_end end;
        struct err
                err; /* unless answered: E_RATE_LIMITED, E_VENUE_UNAVAILABLE, E_OUTCOME_UNKNOWN */
        int status;  /* HTTP's */
        const char *content_type;
        const char *body; /* NUL-terminated */
        size_t len;
        const struct venue_outcome *outcome; /* of an action with a kind; else NULL */
};
typedef void venue_wire_fn(void *cookie, const struct venue_wire_answer *answer);

/* What a question costs of the venue's budget. */
struct venue_wire_cost {
        unsigned weight;
        unsigned
                items_per_weight; /* each so many items of the answer cost one more; 0: none does */
};
/* What is known of an action that passes. */
struct venue_wire_action {
        bool has_kind; /* its outcome is to be read as that of such an action */
        int kind;      /* enum venue_action_kind */
        unsigned n_items;
};
/* An answer that the adapter's own polling brought. Borrowed until the next turn. */
struct venue_wire_polled {
        const char *body;
        size_t len;
        int64_t at; /* wall ms */
};

/* Who an address is to the venue. */
enum venue_role { ROLE_MISSING, ROLE_USER, ROLE_AGENT, ROLE_VAULT, ROLE_SUB_ACCOUNT };
struct venue_identity {
        enum venue_role role;
        struct addr of; /* the account of an agent, the master of a sub-account */
};
typedef void venue_role_fn(void *cookie, const struct err *err, const struct venue_identity *who);

#endif
