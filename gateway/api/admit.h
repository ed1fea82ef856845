/* admit: whether a request may open risk here: a gateway that is not ending, the country it comes from, the
 * trader's address, the terms. What reads, closes, cancels or takes money out is never asked. A route that only ever opens is
 * stopped at the door; where the request decides, its handler asks once it has read it. */
#ifndef API_ADMIT_H
#define API_ADMIT_H

#include "api/call.h"
#include "api/route.h"

enum admit_when {
        ADMIT_ALWAYS,    /* the rules don't concern the route */
        ADMIT_AT_DOOR,   /* before the handler */
        ADMIT_BY_REQUEST /* by the handler: some of what it does opens risk */
};
enum admit_when admit_when(const struct route *route);

enum admit_what { ADMIT_OPENING, ADMIT_FUNDS_IN };

/* E_OK, or the refusal in err: E_DRAINING (openings), E_REGION_BLOCKED, E_ADDRESS_BLOCKED, E_FORBIDDEN (terms, of which money is
 * free). A refusal is logged and counted, so ask where it decides. */
MUST_USE enum errc admit_check(const struct call *call, enum admit_what what, struct err *err);
/* The same question, not counted: for who asks on when the answer is yes. */
bool admit_refuses(const struct call *call, enum admit_what what);
/* Whether somebody at this address may sign in. */
MUST_USE enum errc admit_sign_in(const struct call *call, const struct addr *address,
                                 struct err *err);

/* Runs the route's handler, or answers with the refusal. */
void admit_enter(struct call *call);

/* "restriction": what admit_check would refuse an opening for, or null; as a member. Not counted. */
void admit_show(struct buf *out, const struct call *call);

#endif
