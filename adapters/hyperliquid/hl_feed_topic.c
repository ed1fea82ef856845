#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/mem.h"

/* Topics as they are asked for: what they must name, and whom. */

enum hl_feed_class hl_feed_topic_class(const struct hl_feed_topic *t)
{
        bool is_of_user = t->topic.kind == FEED_VERBATIM && !hex_addr_zero(&t->user);

        return is_of_user ? HL_FEED_USERS : hl_feed_class_of(t->topic.kind);
}

void hl_feed_topic_normal(struct feed_topic *out, const struct feed_topic *topic)
{
        memset(out, 0, sizeof *out);
        out->kind = topic->kind;
        (void)text_copy(out->symbol, sizeof out->symbol, topic->symbol);
        out->user = topic->user;
        (void)text_copy(out->detail, sizeof out->detail, topic->detail);
}

static bool names_what_it_must(const struct feed_topic *topic)
{
        enum hl_feed_class rank = hl_feed_class_of(topic->kind);
        bool is_of_market = hl_feed_class_is_market(rank) && topic->kind != FEED_VERBATIM;

        if (topic->kind == FEED_CANDLES && !hl_feed_key_is_interval(topic->detail))
                return false;
        return (topic->symbol[0] != '\0') == is_of_market &&
               (topic->detail[0] != '\0') ==
                       (topic->kind == FEED_CANDLES || topic->kind == FEED_VERBATIM) &&
               hex_addr_zero(&topic->user) != (rank == HL_FEED_USERS);
}

/* The subscription that a verbatim topic is, which it must spell as we do. */
static enum errc read_verbatim(struct hl_feed_key *out, const struct feed_topic *topic)
{
        struct feed_topic same;

        hl_feed_key_init(out, HL_FEED_ALL_CONTEXTS);
        if (topic->kind != FEED_VERBATIM)
                return E_OK;
        if (hl_feed_verbatim(&same, topic->detail, strlen(topic->detail)) ||
            strcmp(same.detail, topic->detail) != 0 ||
            hl_feed_key_load(out, topic->detail, strlen(topic->detail)))
                return E_INVALID;
        if (out->type == HL_FEED_EVENTS)
                out->type = HL_FEED_EVENTS_ALONE;
        return E_OK;
}

enum errc hl_feed_topic_new(struct hl_feed_topic **out, const struct feed_topic *topic)
{
        struct hl_feed_topic *t;

        *out = NULL;
        if (!names_what_it_must(topic))
                return E_INVALID;
        t = xcalloc(1, sizeof *t);
        hl_feed_topic_normal(&t->topic, topic);
        list_init(&t->wires);
        if (read_verbatim(&t->key, topic)) {
                free(t);
                return E_INVALID;
        }
        t->user = topic->kind == FEED_VERBATIM ? t->key.user : topic->user;
        *out = t;
        return E_OK;
}

void hl_feed_topic_user(struct addr *out, const struct feed_topic *topic)
{
        struct hl_feed_key key;

        *out = topic->user;
        if (topic->kind == FEED_VERBATIM && !read_verbatim(&key, topic))
                *out = key.user;
}

bool hl_feed_topic_is_carried(const struct feed *feed, const struct feed_topic *topic)
{
        const struct hl_feed *f = (const struct hl_feed *)(const void *)feed;
        struct hl_feed_key key;

        if (topic->kind == FEED_VERBATIM)
                return !read_verbatim(&key, topic) && map_get(f->by_key, &key, sizeof key);
        return hl_feed_wire_carries(f, topic);
}
