/* feed_ops: what a venue's feed does behind feed.h. Every feed begins with its ops. Private to adapters. */
#ifndef ADAPTERS_FEED_OPS_H
#define ADAPTERS_FEED_OPS_H

#include "adapters/feed.h"

struct feed_ops {
        void (*close)(struct feed *feed);
        enum errc (*want)(struct feed *feed, const struct feed_topic *topic);
        void (*drop)(struct feed *feed, const struct feed_topic *topic);
        enum errc (*verbatim)(struct feed_topic *out, const char *json, size_t len);
        void (*topic_state)(const struct feed *feed, const struct feed_topic *topic,
                            struct feed_topic_state *out);
        unsigned (*user_slots_left)(const struct feed *feed);
        void (*prove)(struct feed *feed);
        void (*metrics)(const struct feed *feed, struct buf *out);
};

struct feed {
        const struct feed_ops *ops;
};

#endif
