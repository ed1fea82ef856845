/* forwarded: whose request it is, when it comes through proxies. Each proxy adds the address that it was
 * called from at the end of X-Forwarded-For; the word of one that the operator does not run is only a
 * claim. Pure. */
#ifndef API_FORWARDED_H
#define API_FORWARDED_H

#include <stdbool.h>

#define FORWARDED_ADDRESS_MAX 46 /* numeric, NUL included */

/* The operator's own. */
struct forwarded_proxies {
        unsigned n;
        char address[8][FORWARDED_ADDRESS_MAX];
};

/* Whether peer is one of them. */
bool forwarded_trusts(const struct forwarded_proxies *trusted, const char *peer);
/* The nearest address that is no such proxy: peer, or the last in list (the header's value, "" if absent)
 * that only they vouch for. Where an entry is no address, the proxy that wrote it. */
void forwarded_client(char out[FORWARDED_ADDRESS_MAX], const char *peer, const char *list,
                      const struct forwarded_proxies *trusted);

#endif
