/* account: an account as GET /v1/account shows it. */
#ifndef API_ACCOUNT_H
#define API_ACCOUNT_H

#include "adapters/venue.h"
#include "base/buf.h"
#include "brand/brand.h"

struct account_facts;
struct gather;

struct account_about {
        const struct brand *brand;
        const struct addr *address;
        const struct addr *master; /* of a sub-account; else NULL */
        const char *network;
        const struct account_facts *facts;
};
/* Members of the answer that come from the account in each dex. E_RANGE: sums beyond what numbers hold. */
MUST_USE enum errc account_margin(struct buf *out, const struct gather *g);
/* The whole object; margin is what account_margin wrote. */
void account_print(struct buf *out, const struct account_about *about, const struct buf *margin);

#endif
