/* acting: requests for a sub-account, named by the header X-Sub-Account. It must be one whose master is
 * the session's wallet, which only the venue knows: its list is asked for once and kept, since a
 * sub-account never changes hands. What is not on it is asked about again, but not at once, so that nobody
 * spends the venue's budget on made-up addresses. Loop thread only. */
#ifndef API_ACTING_H
#define API_ACTING_H

#include "adapters/venue.h"
#include "api/call.h"

struct acting;

struct acting *acting_new(struct api *api);
void acting_free(struct acting *acting); /* nobody may be waiting; accepts NULL */

/* Reads the header into the call. E_INVALID: no address, or a route that is about the wallet alone. */
MUST_USE enum errc acting_take(struct call *call, const struct inbound *in, struct err *err);
/* Goes on with go, or answers that the wallet has no such sub-account. */
void acting_enter(struct call *call, void (*go)(struct call *call));

/* err: code 0 when sub is one of wallet's; E_NOT_FOUND, or why it can't be told. Fires once, never before
 * return. */
typedef void acting_fn(void *cookie, const struct err *err);
void acting_check(struct acting *acting, const struct addr *wallet, const struct addr *sub,
                  acting_fn *done, void *cookie);
/* What the venue said of a wallet's sub-accounts just now, to somebody else who asked. */
void acting_learn(struct acting *acting, const struct addr *wallet,
                  const struct venue_sub_account *subs, size_t n);
/* The wallet has a new one. */
void acting_add(struct acting *acting, const struct addr *wallet, const struct addr *sub);

#endif
