/* identity: what makes the same request the same: the digest of what was asked, and the order ids that
 * follow from its Idempotency-Key. */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H

#include "api/call.h"

#define IDENTITY_DIGEST_BYTES 32

/* Of method, route, parameter, ?symbol= and body. */
void identity_digest(uint8_t out[IDENTITY_DIGEST_BYTES], const struct call *call);
/* n client order ids: with a key, the same retry on the same day gives the same ids, so that nothing can double;
 * without one they are random, but for the time they begin with. */
void identity_cloids(struct cloid *out, uint8_t n, const struct call *call);
/* Those of a call with a key, had it come on that day. A key is used again after a day at the earliest:
 * then its ids are others. */
void identity_cloids_of_day(struct cloid *out, uint8_t n, const struct call *call, int64_t day);

#endif
