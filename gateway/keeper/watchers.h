/* watchers: which brands an address trades under. Private to keeper. */
#ifndef KEEPER_WATCHERS_H
#define KEEPER_WATCHERS_H

#include "keeper/keeper.h"

struct watchers;

struct watchers *watchers_new(void);
void watchers_free(struct watchers *watchers);
/* True when the address was not watched under any brand before. */
bool watchers_add(struct watchers *watchers, const char *brand, const struct addr *user);
/* Whether the mirror took the address, on every dex. */
void watchers_mark(struct watchers *watchers, const struct addr *user);
bool watchers_marked(const struct watchers *watchers, const struct addr *user);
unsigned watchers_of(const struct watchers *watchers, const struct addr *user,
                     const char *brand[KEEPER_BRANDS_MAX]);
size_t watchers_count(const struct watchers *watchers);

#endif
