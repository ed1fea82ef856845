/* registry: the venues there are. Private to this folder. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "adapters/feed.h"
#include "adapters/venue.h"

typedef struct venue *registry_open_fn(struct loop *loop, const struct venue_options *options,
                                       struct err *err);

typedef struct feed *registry_feed_fn(struct loop *loop, const struct feed_options *options,
                                      struct err *err);

/* How to open a venue of that kind; NULL when there is none. */
registry_open_fn *registry_find(const char *kind);
/* How to open the feed of such a venue; NULL when there is none. */
registry_feed_fn *registry_find_feed(const char *kind);

#endif
