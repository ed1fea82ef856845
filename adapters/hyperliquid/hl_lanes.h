/* hl_lanes: one feed made of several, each from an egress address of its own with the venue's limits
 * to itself. A topic lives on one of them; where an address gets no connection while another has one,
 * its topics move. Addresses that the venue may count as one make one lane. Loop thread only. */
#ifndef HL_LANES_H
#define HL_LANES_H

#include "adapters/feed.h"

/* As feed_open; with one address or none it is that feed itself. */
struct feed *hl_lanes_open(struct loop *loop, const struct feed_options *options, struct err *err);

#endif
