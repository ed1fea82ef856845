/* identity: what makes the same request the same: the digest of what was asked, and the order ids that
 * follow from its Idempotency-Key. */
#ifndef API_IDENTITY_H
#define API_IDENTITY_H

#include "api/call.h"

#define IDENTITY_DIGEST_BYTES 32

/* Of method, route, parameter, ?symbol= and body. */
void identity_digest(uint8_t out[IDENTITY_DIGEST_BYTES], const struct call *call);
/* n client order ids: with a key, the same retry gives the same ids, so that nothing can double;
 * without one they are random, but for the time they begin with. */
void identity_cloids(struct cloid *out, uint8_t n, const struct call *call);

#endif
