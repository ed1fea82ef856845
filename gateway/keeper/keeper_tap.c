/* The venue's feed for others: what they want of it, and who listens. */
#include <stdlib.h>

#include "base/mem.h"
#include "keeper/keeper_impl.h"

struct keeper_tap {
        struct list at;
        struct keeper *keeper;
        keeper_tap_fn *fn; /* NULL: untapped, freed once nobody walks the list */
        void *cookie;
};

enum errc keeper_want(struct keeper *keeper, const struct feed_topic *topic)
{
        return keeper->feed ? feed_want(keeper->feed, topic) : E_NOT_FOUND;
}

void keeper_drop(struct keeper *keeper, const struct feed_topic *topic)
{
        if (keeper->feed)
                feed_drop(keeper->feed, topic);
}

enum errc keeper_verbatim(const struct keeper *keeper, struct feed_topic *out, const char *json,
                          size_t len)
{
        return keeper->feed ? feed_verbatim(keeper->feed, out, json, len) : E_NOT_FOUND;
}

void keeper_feed_state(struct keeper *keeper, const struct feed_topic *topic,
                       struct feed_topic_state *out)
{
        *out = (struct feed_topic_state){.is_wanted = false};
        if (keeper->feed)
                feed_topic_state(keeper->feed, topic, out);
}

struct keeper_tap *keeper_tap(struct keeper *keeper, keeper_tap_fn *tap, void *cookie)
{
        struct keeper_tap *made = xcalloc(1, sizeof *made);

        made->keeper = keeper;
        made->fn = tap;
        made->cookie = cookie;
        list_push_back(&keeper->taps, &made->at);
        return made;
}

static void free_tap(struct keeper_tap *tap)
{
        list_remove(&tap->at);
        free(tap);
}

static void sweep(struct keeper *keeper)
{
        list_each_safe (it, &keeper->taps) {
                struct keeper_tap *tap = list_entry(it, struct keeper_tap, at);

                if (!tap->fn)
                        free_tap(tap);
        }
}

void keeper_untap(struct keeper_tap *tap)
{
        if (!tap)
                return;
        tap->fn = NULL;
        if (!tap->keeper->tap_depth)
                free_tap(tap);
}

void keeper_tap_tell(struct keeper *keeper, const struct feed_event *event)
{
        keeper->tap_depth++;
        list_each (it, &keeper->taps) {
                struct keeper_tap *tap = list_entry(it, struct keeper_tap, at);

                if (tap->fn)
                        tap->fn(tap->cookie, event);
        }
        if (!--keeper->tap_depth)
                sweep(keeper);
}

void keeper_tap_close(struct keeper *keeper)
{
        list_each_safe (it, &keeper->taps)
                free_tap(list_entry(it, struct keeper_tap, at));
}
