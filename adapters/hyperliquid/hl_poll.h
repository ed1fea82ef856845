/* hl_poll: keeps markets and prices fresh. The first dex is read every time, and its answers are the
 * venue's health. Of the other dexes one is read each time, in turn, and now and then the venue's list of
 * dexes and tokens instead: however many there are, they cost no more than a second dex. A dex that
 * can't be read, or is gone, leaves the others as they are. Loop thread only. */
#ifndef HL_POLL_H
#define HL_POLL_H

#include "adapters/hyperliquid/hl_venue.h"

/* Polls from the next turn on. */
void hl_poll_start(struct hl_venue *v, int64_t every_ms);
/* No more polls; what is under way still answers. */
void hl_poll_stop(struct hl_venue *v);
/* Drops the markets, which others may hold until the end of this turn. */
void hl_poll_drop(struct hl_venue *v);

#endif
