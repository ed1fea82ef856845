/* lost_keys: requests that a store which was lost, or put back from a copy, knows nothing of. Their order ids
 * follow from their keys, so the venue knows them: where the store can't vouch for the last day, an account's
 * latest orders are read once, and a key whose order is among them places nothing. What was read is kept in
 * the store. While it is not known, because it is being asked for elsewhere or could not be read, the venue
 * is asked for the one order by its id. */
#ifndef API_LOST_KEYS_H
#define API_LOST_KEYS_H

#include "api/call.h"

struct lost_keys;

struct lost_keys *lost_keys_new(struct api *api);
void lost_keys_free(struct lost_keys *lost); /* accepts NULL; no call waits */
/* The store knows every key that was used since then. Until that is told, it knows none. */
void lost_keys_known_since(struct lost_keys *lost, int64_t at);

/* err->code 0: the request is new as far as anybody knows. May call before it returns. */
typedef void lost_keys_fn(struct call *call, const struct err *err);
/* For a call whose key the store does not know. */
void lost_keys_check(struct lost_keys *lost, struct call *call, lost_keys_fn *done);

#endif
