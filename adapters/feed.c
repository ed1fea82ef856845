#include "adapters/feed.h"

#include "adapters/feed_ops.h"
#include "adapters/registry.h"

struct feed *feed_open(struct loop *loop, const struct feed_options *options, struct err *err)
{
        const char *kind = options->venue->ops->caps(options->venue)->name;
        registry_feed_fn *open = registry_find_feed(kind);

        if (!open) {
                (void)err_field(err, E_CONFIG, "kind", "venues of kind \"%s\" have no feed", kind);
                return NULL;
        }
        return open(loop, options, err);
}

void feed_close(struct feed *feed)
{
        if (feed)
                feed->ops->close(feed);
}

enum errc feed_want(struct feed *feed, const struct feed_topic *topic)
{
        return feed->ops->want(feed, topic);
}

void feed_drop(struct feed *feed, const struct feed_topic *topic)
{
        feed->ops->drop(feed, topic);
}

enum errc feed_verbatim(const struct feed *feed, struct feed_topic *out, const char *json,
                        size_t len)
{
        return feed->ops->verbatim(out, json, len);
}

void feed_topic_state(const struct feed *feed, const struct feed_topic *topic,
                      struct feed_topic_state *out)
{
        feed->ops->topic_state(feed, topic, out);
}

unsigned feed_user_slots_left(const struct feed *feed)
{
        return feed->ops->user_slots_left(feed);
}

void feed_prove(struct feed *feed)
{
        feed->ops->prove(feed);
}

void feed_metrics(const struct feed *feed, struct buf *out)
{
        feed->ops->metrics(feed, out);
}
