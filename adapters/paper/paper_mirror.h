/* paper_mirror: the house shows somebody else's market instead of making its own: their levels as its
 * quotes, their prices as mark and oracle, their trades as its takers. Markets held by hand are left
 * alone. */
#ifndef PAPER_MIRROR_H
#define PAPER_MIRROR_H

#include "adapters/paper/recording.h"
#include "adapters/paper/wire.h"

/* Applies what happened there at the venue's time at. A book makes the market's quotes, replacing
 * those that differ; a gap pulls the quotes of all markets. False: the market is not one of this
 * venue, or is held, delisted or otherwise not followed. */
bool paper_mirror_apply(struct paper *p, const struct recording_event *event, int64_t at);
/* No quotes any more. */
void paper_mirror_clear(struct paper *p, uint32_t asset, int64_t at);

#endif
