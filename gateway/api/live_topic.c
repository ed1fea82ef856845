/* A channel that follows one topic of the feed, and reads the venue while the feed does not tell. */
#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/series.h"
#include "base/mem.h"

#define GRACE_MS 2000 /* for the feed to begin */

struct key {
        enum feed_kind kind;
        char symbol[SYMBOL_MAX];
        char detail[STREAM_INTERVAL_MAX];
};

static bool key_of(struct key *key, const struct feed_topic *topic)
{
        memset(key, 0, sizeof *key);
        key->kind = topic->kind;
        return text_copy(key->symbol, sizeof key->symbol, topic->symbol) &&
               text_copy(key->detail, sizeof key->detail, topic->detail);
}

static int64_t now_of(const struct live *live)
{
        return clock_mono_ms(live->api->o.clock);
}

/* ---- opened and closed by the hub ---- */

static void follow(struct live_topic *t)
{
        struct live *live = t->live;
        struct keeper *keeper = live->api->o.keeper;
        struct feed_topic_state state;

        t->is_wanted = keeper_want(keeper, &t->topic) == E_OK;
        t->read_at = now_of(live);
        if (!t->is_wanted)
                return;
        keeper_feed_state(keeper, &t->topic, &state);
        t->is_live = state.is_live;
        t->read_at += GRACE_MS;
        if (t->is_live && t->kind->begun)
                t->kind->begun(t);
}

static void free_topic(struct live_topic *t)
{
        if (t->kind->fini)
                t->kind->fini(t);
        free(t);
}

static void close_topic(void *cookie, struct stream_channel *channel)
{
        struct live_source *source = cookie;
        struct live *live = source->live;
        struct live_topic *t = stream_cookie(channel);
        struct key key;

        must(key_of(&key, &t->topic));
        must(map_take(live->by_topic, &key, sizeof key) == t);
        list_remove(&t->at);
        if (t->is_wanted && !live->is_stopped)
                keeper_drop(live->api->o.keeper, &t->topic);
        t->channel = NULL;
        if (!t->is_reading)
                free_topic(t);
}

static bool print_topic(void *cookie, struct stream_channel *channel, struct buf *out)
{
        struct live_topic *t = stream_cookie(channel);

        (void)cookie;
        return t->is_whole && t->kind->print(t, out);
}

static enum errc check_interval(const struct live_kind *kind, const char *interval, struct err *err)
{
        if (kind->feed != FEED_CANDLES)
                return E_OK;
        for (unsigned i = 0; series_intervals[i]; i++)
                if (strcmp(series_intervals[i], interval) == 0)
                        return E_OK;
        return err_field(err, E_INVALID, "interval",
                         "must be one of 1m, 3m, 5m, ... 1d, 3d, 1w, 1M");
}

static enum errc open_topic(void *cookie, struct stream_channel *channel,
                            const struct stream_subject *subject, struct err *err)
{
        struct live_source *source = cookie;
        struct live *live = source->live;
        const struct live_kind *kind = source->kind;
        struct live_topic *t;
        struct key key;

        if (check_interval(kind, subject->interval, err))
                return err->code;
        t = xcalloc(1, kind->size);
        t->live = live;
        t->kind = kind;
        t->channel = channel;
        t->needs_read = kind->begins_with_read;
        t->topic.kind = kind->feed;
        must(text_copy(t->topic.symbol, sizeof t->topic.symbol, subject->symbol));
        must(text_copy(t->topic.detail, sizeof t->topic.detail, subject->interval));
        must(key_of(&key, &t->topic));
        must(!map_put(live->by_topic, &key, sizeof key, t));
        list_push_back(&live->topics, &t->at);
        stream_set_cookie(channel, t);
        follow(t);
        if (live->poll_weight || (t->is_wanted && !t->needs_read))
                return E_OK;
        close_topic(source, channel);
        return err_set(err, E_VENUE_UNAVAILABLE, "There is nothing that would fill this channel.");
}

void live_topic_register(struct live *live, const struct live_kind *kind, unsigned i)
{
        struct stream_source source = {
                .name = kind->name,
                .kind = STREAM_STATE,
                .by_symbol = true,
                .by_interval = kind->feed == FEED_CANDLES,
                .open = open_topic,
                .close = close_topic,
                .snapshot = print_topic,
                .cookie = &live->source[i],
        };

        live->source[i] = (struct live_source){live, kind};
        stream_register(live->hub, &source);
}

/* ---- what the feed tells ---- */

struct buf *live_topic_text(struct live_topic *t)
{
        buf_reset(&t->live->text);
        return &t->live->text;
}

void live_topic_tell(struct live_topic *t, int64_t at)
{
        struct buf *text = &t->live->text;

        if (!t->is_whole) {
                t->is_whole = true;
                stream_ready(t->channel);
        } else if (buf_check(text) == E_OK) {
                stream_update(t->channel, at, (const char *)text->data, text->len);
        } else {
                stream_renew(t->channel);
        }
}

void live_topic_gap(struct live_topic *t, int64_t at, int64_t since)
{
        if (!t->is_whole)
                return;
        t->is_whole = false;
        stream_gap(t->channel, at, since);
}

void live_topic_event(struct live *live, const struct feed_event *event)
{
        struct live_topic *t;
        struct key key;

        if (!key_of(&key, event->topic))
                return;
        t = map_get(live->by_topic, &key, sizeof key);
        if (!t)
                return;
        if (event->kind == FEED_GAP) {
                t->is_live = false;
                t->read_at = now_of(live) + GRACE_MS;
                live_topic_gap(t, event->at, event->since);
        } else if (event->kind == FEED_LIVE) {
                t->is_live = true;
                if (t->kind->begun)
                        t->kind->begun(t);
        } else {
                t->kind->heard(t, event);
        }
}

/* ---- reads ---- */

bool live_topic_read(struct live_topic *t, const struct err *err)
{
        t->is_reading = false;
        if (!t->channel) {
                free_topic(t);
                return false;
        }
        t->read_at = now_of(t->live) + t->kind->every_ms;
        if (!err->code)
                t->needs_read = false;
        return true;
}

static bool may_spend(struct live *live, unsigned weight)
{
        int64_t now = now_of(live), full = (int64_t)live->poll_weight * 1000;
        int64_t elapsed = now - live->filled_at;

        live->filled_at = now;
        live->milli_weight += elapsed > 60000 ? full : elapsed * live->poll_weight / 60;
        if (live->milli_weight > full)
                live->milli_weight = full;
        /* A budget smaller than one read is spent in advance. */
        if (live->milli_weight < 1000 * (int64_t)weight && live->milli_weight < full)
                return false;
        live->milli_weight -= 1000 * (int64_t)weight;
        return true;
}

static bool should_read(const struct live_topic *t, int64_t now)
{
        return !t->is_reading && now >= t->read_at &&
               (!t->is_live || !t->is_whole || t->needs_read);
}

static void read_some(struct live *live, bool whole)
{
        struct venue *venue = live->api->o.venue;
        int64_t now = now_of(live);
        struct list later;

        list_init(&later);
        while (!list_empty(&live->topics)) {
                struct live_topic *t = list_entry(live->topics.next, struct live_topic, at);
                const struct market *m = venue->ops->market_by_symbol(venue, t->topic.symbol);

                list_remove(&t->at);
                list_push_back(&later, &t->at);
                if (!m || t->is_whole != whole || !should_read(t, now) ||
                    !stream_is_heard(t->channel) || !may_spend(live, t->kind->weight))
                        continue;
                t->is_reading = true;
                t->kind->read(t, m);
        }
        while (!list_empty(&later)) {
                struct list *node = later.next;
                list_remove(node);
                list_push_back(&live->topics, node);
        }
}

void live_topic_tick(struct live *live)
{
        /* Who has nothing yet comes before who has something that grows old. */
        read_some(live, false);
        read_some(live, true);
}
