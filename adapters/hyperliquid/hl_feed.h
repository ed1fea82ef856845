/* hl_feed: Hyperliquid's WebSocket behind feed.h. Loop thread only. */
#ifndef HL_FEED_H
#define HL_FEED_H

#include "adapters/feed.h"

/* As feed_open; options->venue is one that hl_venue_open made. */
struct feed *hl_feed_open(struct loop *loop, const struct feed_options *options, struct err *err);

#endif
