/* tell: what the mirror notices, told to traders as alerts of every brand they trade under. */
#ifndef KEEPER_TELL_H
#define KEEPER_TELL_H

#include "alerts/alerts.h"
#include "keeper/keeper.h"

struct tell;

struct tell *tell_new(struct alerts *alerts); /* alerts is borrowed */
void tell_free(struct tell *tell);            /* accepts NULL */
/* The hooks for the mirror; the keeper must be told before they can fire. */
struct mirror_hooks tell_hooks(struct tell *tell);
void tell_keeper(struct tell *tell, struct keeper *keeper);
/* The brands as they are now: each has distances of its own. */
void tell_brands(struct tell *tell, struct brand_set *brands);
/* All distances that any brand alerts at, falling; how many. E_LIMIT: more than the mirror watches. */
MUST_USE enum errc tell_bands(struct rate band[MIRROR_BANDS_MAX], unsigned *n,
                              const struct brand_set *brands);

#endif
