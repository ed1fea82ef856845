/* idempotency: one request per Idempotency-Key, account and brand, for a day. It stands at the door of every
 * route that signs or sends, so that no handler has to think of it; the handler only journals its intent
 * with the key (the pipeline, batches and transfers do).
 *
 *   key                                     answer
 *   not used                                the handler's
 *   used by a request that is under way     409 in_progress, and where to look
 *   used for something else                 409 idempotency_conflict
 *   used, and answered                      that answer, Idempotent-Replayed: true; what was unknown in it
 *                                           is told anew (retold.h)
 *
 * Order ids follow from the key and its day (identity.h). Where the store can't vouch for the last day, since
 * it was made or put back from a copy meanwhile, the venue is asked first whether it has an order of that
 * id (lost_keys.h). */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "api/call.h"

struct idempotency;
struct route;

struct idempotency *idempotency_new(struct api *api);
void idempotency_free(struct idempotency *idempotency); /* accepts NULL */

/* Whether a key counts on this route: every one that can change something at the venue. */
bool idempotency_covers(const struct route *route);
/* The route, where it is not covered although it changes something: why. NULL else. */
const char *idempotency_exempt(const struct route *route);
/* Goes on with admit_enter, or answers. */
void idempotency_enter(struct call *call);
/* Answers that the first request is under way, and where to look; id: of its order, or its intent. */
void idempotency_say_running(struct call *call, const struct cloid *id);
/* The call ends: its key is not under way any more. For call.c. */
void idempotency_leave(struct call *call);

#endif
