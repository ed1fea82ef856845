/* hl_feed: Hyperliquid's WebSocket behind feed.h. Loop thread only. */
#ifndef HL_FEED_H
#define HL_FEED_H

#include "adapters/feed.h"

/* As feed_open, from one egress address at most; options->venue is one that hl_venue_open made. */
struct feed *hl_feed_open(struct loop *loop, const struct feed_options *options, struct err *err);
/* Of those that hl_feed_open made: connections that are open; the metrics of all of them together. */
unsigned hl_feed_connections(const struct feed *feed);
/* Has it the subscription of that topic already, be it for another kind of topic? */
bool hl_feed_topic_is_carried(const struct feed *feed, const struct feed_topic *topic);
/* The topic as a key: no stray bytes. */
void hl_feed_topic_normal(struct feed_topic *out, const struct feed_topic *topic);
/* The user a topic is by, zero: none. */
void hl_feed_topic_user(struct addr *out, const struct feed_topic *topic);
MUST_USE enum errc hl_feed_verbatim(struct feed_topic *out, const char *json, size_t len);
void hl_feed_metrics(const struct feed *const *feeds, unsigned n, struct buf *out);

#endif
