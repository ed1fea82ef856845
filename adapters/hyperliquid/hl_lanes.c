#include "adapters/hyperliquid/hl_lanes.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_egress.h"
#include "adapters/hyperliquid/hl_feed.h"
#include "adapters/feed_ops.h"
#include "base/attr.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

#define TICK_MS 250
#define DOWN_MS                                                                                    \
        5000 /* without a connection for so long, a lane is left, if limits say nothing else */
#define REST_MS 60000 /* and gets nothing new for so long */

struct lanes;

struct lane {
        struct lanes *all;
        struct feed *feed;
        const char *address;
        unsigned n_topics, n_public;
        int64_t well_until; /* monotonic: when it last had a connection, or nothing to connect for */
        int64_t rests_until; /* monotonic */
};

/* What is wanted, and where. A user's topics are all on one lane. */
struct topic {
        struct list at;
        struct feed_topic topic;
        struct addr user; /* or zero */
        struct lane *lane;
        unsigned n_wants;
};

struct lanes {
        struct feed feed; /* first: a struct feed * is a struct lanes * */
        struct loop *loop;
        struct feed_options options;
        char egress[VENUE_EGRESS_MAX][VENUE_ADDRESS_MAX];
        unsigned n;
        struct lane lane[VENUE_EGRESS_MAX];
        struct list topics;
        struct map *by_topic;
        struct loop_timer *tick;
        unsigned depth; /* callbacks under way */
        bool is_closed;
};

static struct lanes *lanes_of(struct feed *feed)
{
        return (struct lanes *)(void *)feed;
}

static const struct lanes *lanes_of_const(const struct feed *feed)
{
        return (const struct lanes *)(const void *)feed;
}

static int64_t now(const struct lanes *all)
{
        return clock_mono_ms(loop_clock(all->loop));
}

static void on_event(void *cookie, const struct feed_event *event)
{
        struct lane *lane = cookie;
        struct lanes *all = lane->all;

        if (all->is_closed)
                return;
        all->depth++;
        all->options.event(all->options.cookie, event);
        all->depth--;
}

/* ---- Which lane ---- */

static struct topic *find(const struct lanes *all, const struct feed_topic *topic)
{
        struct feed_topic key;

        hl_feed_topic_normal(&key, topic);
        return map_get(all->by_topic, &key, sizeof key);
}

static struct lane *lane_of_user(struct lanes *all, const struct addr *user, uint32_t tried)
{
        if (hex_addr_zero(user))
                return NULL;
        list_each (it, &all->topics) {
                struct topic *t = list_entry(it, struct topic, at);

                if (hex_addr_equal(&t->user, user) && !(tried & 1u << (t->lane - all->lane)))
                        return t->lane;
        }
        return NULL;
}

/* How much speaks against a lane, which the topic would share with others. */
static int64_t burden(const struct lane *lane, const struct topic *t)
{
        if (!hex_addr_zero(&t->user))
                return UINT16_MAX - lane->feed->ops->user_slots_left(lane->feed);
        if (hl_feed_topic_is_carried(lane->feed, &t->topic))
                return -1;
        return t->topic.kind == FEED_CONTEXTS ? 0 : (int64_t)lane->n_public;
}

static bool is_public(const struct topic *t)
{
        return hex_addr_zero(&t->user) && t->topic.kind != FEED_CONTEXTS;
}

/* The least burdened that was not tried, one that has the subscription already before all; those that rest
 * come last. */
static struct lane *choose(struct lanes *all, const struct topic *t, uint32_t tried)
{
        struct lane *best = NULL;
        int64_t least = INT64_MAX;

        for (unsigned i = 0; i < all->n; i++) {
                struct lane *lane = &all->lane[i];
                int64_t against = burden(lane, t);

                if (lane->rests_until > now(all))
                        against += INT32_MAX;
                if (!(tried & 1u << i) && against < least) {
                        least = against;
                        best = lane;
                }
        }
        return best;
}

static void put_on(struct topic *t, struct lane *lane)
{
        t->lane = lane;
        lane->n_topics++;
        lane->n_public += is_public(t);
}

static void take_off(struct topic *t)
{
        t->lane->feed->ops->drop(t->lane->feed, &t->topic);
        t->lane->n_topics--;
        t->lane->n_public -= is_public(t);
        t->lane = NULL;
}

/* On any lane but those tried that has room. */
static enum errc place(struct lanes *all, struct topic *t, uint32_t tried)
{
        struct lane *lane = lane_of_user(all, &t->user, tried);
        enum errc rc = E_LIMIT;

        for (unsigned i = 0; i < all->n && rc == E_LIMIT; i++) {
                lane = lane ? lane : choose(all, t, tried);
                if (!lane)
                        break;
                rc = lane->feed->ops->want(lane->feed, &t->topic);
                if (!rc)
                        put_on(t, lane);
                tried |= 1u << (lane - all->lane);
                lane = NULL;
        }
        return rc;
}

/* ---- Lanes that fail ---- */

/* One that has nothing to connect for may. */
static bool another_works(const struct lanes *all, const struct lane *but)
{
        for (unsigned i = 0; i < all->n; i++) {
                const struct lane *lane = &all->lane[i];
                bool may_work = !lane->n_topics && lane->rests_until <= now(all);

                if (lane != but && (may_work || hl_feed_connections(lane->feed) > 0))
                        return true;
        }
        return false;
}

static int64_t patience(const struct lanes *all)
{
        int64_t answer_ms = all->options.limits.answer_ms;

        return answer_ms > 0 ? answer_ms / 2 : DOWN_MS;
}

/* What finds no room elsewhere stays, and is told as missing until the lane is back. */
static void leave(struct lanes *all, struct lane *lane)
{
        log_event(LOG_WARN, "feed leaves an egress address", "address", lane->address, NULL);
        lane->rests_until = now(all) + REST_MS;
        list_each (it, &all->topics) {
                struct topic *t = list_entry(it, struct topic, at);
                struct topic moved = {.topic = t->topic, .user = t->user};

                if (t->lane != lane || place(all, &moved, 1u << (lane - all->lane)))
                        continue;
                take_off(t);
                t->lane = moved.lane;
        }
}

static void on_tick(void *cookie)
{
        struct lanes *all = cookie;

        for (unsigned i = 0; i < all->n; i++) {
                struct lane *lane = &all->lane[i];

                if (!lane->n_topics || hl_feed_connections(lane->feed) > 0)
                        lane->well_until = now(all);
                if (now(all) - lane->well_until < patience(all) || lane->rests_until > now(all) ||
                    !another_works(all, lane))
                        continue;
                leave(all, lane);
        }
}

/* ---- Ops ---- */

static enum errc op_want(struct feed *feed, const struct feed_topic *topic)
{
        struct lanes *all = lanes_of(feed);
        struct topic *t = find(all, topic);
        enum errc rc;

        if (t) {
                t->n_wants++;
                must(t->lane->feed->ops->want(t->lane->feed, topic) == E_OK);
                t->lane->feed->ops->drop(t->lane->feed, topic);
                return E_OK;
        }
        t = xcalloc(1, sizeof *t);
        hl_feed_topic_normal(&t->topic, topic);
        hl_feed_topic_user(&t->user, topic);
        t->n_wants = 1;
        rc = place(all, t, 0);
        if (rc) {
                free(t);
                return rc;
        }
        list_push_back(&all->topics, &t->at);
        (void)map_put(all->by_topic, &t->topic, sizeof t->topic, t);
        return E_OK;
}

static void op_drop(struct feed *feed, const struct feed_topic *topic)
{
        struct lanes *all = lanes_of(feed);
        struct topic *t = find(all, topic);

        if (!t || --t->n_wants > 0)
                return;
        (void)map_take(all->by_topic, &t->topic, sizeof t->topic);
        take_off(t);
        list_remove(&t->at);
        free(t);
}

static void op_topic_state(const struct feed *feed, const struct feed_topic *topic,
                           struct feed_topic_state *out)
{
        const struct topic *t = find(lanes_of_const(feed), topic);

        *out = (struct feed_topic_state){.is_wanted = false};
        if (t)
                t->lane->feed->ops->topic_state(t->lane->feed, topic, out);
}

static void op_prove(struct feed *feed)
{
        struct lanes *all = lanes_of(feed);

        for (unsigned i = 0; i < all->n; i++)
                all->lane[i].feed->ops->prove(all->lane[i].feed);
}

static unsigned op_user_slots_left(const struct feed *feed)
{
        const struct lanes *all = lanes_of_const(feed);
        unsigned n = 0;

        for (unsigned i = 0; i < all->n; i++)
                n += all->lane[i].feed->ops->user_slots_left(all->lane[i].feed);
        return n;
}

static void op_metrics(const struct feed *feed, struct buf *out)
{
        const struct lanes *all = lanes_of_const(feed);
        const struct feed *feeds[VENUE_EGRESS_MAX];

        for (unsigned i = 0; i < all->n; i++)
                feeds[i] = all->lane[i].feed;
        hl_feed_metrics(feeds, all->n, out);
        buf_puts(out, "# HELP perpgate_feed_egress_connections Connections that are open, by the "
                      "address they come from.\n"
                      "# TYPE perpgate_feed_egress_connections gauge\n");
        for (unsigned i = 0; i < all->n; i++)
                buf_printf(out, "perpgate_feed_egress_connections{address=\"%s\"} %u\n",
                           all->lane[i].address, hl_feed_connections(all->lane[i].feed));
}

/* ---- Life ---- */

static void destroy(void *object)
{
        struct lanes *all = object;

        list_each_safe (it, &all->topics)
                free(list_entry(it, struct topic, at));
        map_free(all->by_topic, NULL);
        free(all);
}

static void op_close(struct feed *feed)
{
        struct lanes *all = lanes_of(feed);

        if (all->is_closed)
                return;
        all->is_closed = true;
        loop_timer_free(all->tick);
        for (unsigned i = 0; i < all->n; i++)
                if (all->lane[i].feed)
                        all->lane[i].feed->ops->close(all->lane[i].feed);
        if (all->depth > 0)
                loop_free_later(all->loop, destroy,
                                all); /* whoever calls back is still under way */
        else
                destroy(all);
}

/* Those that the venue tells apart. */
static void take_addresses(struct lanes *all, const struct feed_options *options)
{
        for (unsigned i = 0; i < options->n_egress; i++) {
                bool is_new = true;

                for (unsigned k = 0; k < all->n; k++)
                        is_new &= !hl_egress_share(all->egress[k], options->egress[i]);
                if (is_new)
                        must(text_copy(all->egress[all->n++], VENUE_ADDRESS_MAX,
                                       options->egress[i]));
        }
}

static bool open_lane(struct lanes *all, unsigned i, struct err *err)
{
        const struct lanes *lanes = all;
        struct lane *lane = &all->lane[i];
        struct feed_options options = all->options;

        options.n_egress = 1;
        options.egress = &lanes->egress[i];
        options.event = on_event;
        options.cookie = lane;
        lane->all = all;
        lane->address = all->egress[i];
        lane->well_until = now(all);
        lane->feed = hl_feed_open(all->loop, &options, err);
        return lane->feed != NULL;
}

struct feed *hl_lanes_open(struct loop *loop, const struct feed_options *options, struct err *err)
{
        static const struct feed_ops ops = {
                .close = op_close,
                .want = op_want,
                .drop = op_drop,
                .verbatim = hl_feed_verbatim,
                .prove = op_prove,
                .topic_state = op_topic_state,
                .user_slots_left = op_user_slots_left,
                .metrics = op_metrics,
        };
        struct lanes *all;

        if (options->n_egress < 2)
                return hl_feed_open(loop, options, err);
        all = xcalloc(1, sizeof *all);
        all->feed.ops = &ops;
        all->loop = loop;
        all->options = *options;
        list_init(&all->topics);
        all->by_topic = map_new();
        all->tick = loop_timer_new(loop, on_tick, all);
        take_addresses(all, options);
        for (unsigned i = 0; i < all->n; i++) {
                if (open_lane(all, i, err))
                        continue;
                op_close(&all->feed);
                return NULL;
        }
        loop_timer_start(all->tick, TICK_MS, TICK_MS);
        return &all->feed;
}
