#include "keeper/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/keeper_impl.h"

#define TICK_MS          200
#define HOUR_MS          INT64_C(3600000)
#define HOURS_MAX        24
#define FUNDING_GRACE_MS 15000 /* after the hour: pushed payments come first */
#define POLL_WEIGHT      300
#define POLLS_AT_ONCE    4
#define USERS            10

int64_t keeper_impl_now(const struct keeper *keeper)
{
        return clock_wall_ms(loop_clock(keeper->o.loop));
}

/* --- markets and prices, as the venue's own polling has them --- */

static void take_markets(struct keeper *keeper, int64_t now)
{
        const struct venue *venue = keeper->o.venue;
        size_t n = venue->ops->market_count(venue);

        for (size_t i = 0; i < n; i++)
                (void)!mirror_market(keeper->mirror, venue->ops->market_at(venue, i), now);
}

/* Besides the feed's, which may be silent: those polled since. Each dex is polled for itself, so each
 * market's prices are of a time of their own. */
static void take_contexts(struct keeper *keeper, int64_t since)
{
        const struct venue *venue = keeper->o.venue;
        size_t n = venue->ops->market_count(venue);
        struct feed_context row;

        for (size_t i = 0; i < n; i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (!m->context_at || m->context_at < since)
                        continue;
                row = (struct feed_context){.mark = m->mark,
                                            .oracle = m->oracle,
                                            .mid = m->mid,
                                            .has_mid = m->has_mid,
                                            .funding = m->funding,
                                            .open_interest = m->open_interest};
                must(text_copy(row.symbol, sizeof row.symbol, m->symbol));
                mirror_contexts(keeper->mirror, &row, 1, m->context_at);
        }
}

static void follow_venue(struct keeper *keeper, int64_t now)
{
        struct venue_status status;

        keeper->o.venue->ops->status(keeper->o.venue, &status);
        if (status.universes != keeper->universes) {
                take_markets(keeper, now);
                keeper->contexts_at = 0;
        }
        take_contexts(keeper, keeper->contexts_at);
        keeper->contexts_at = now;
        keeper_feed_tick(keeper, now);
        keeper->universes = status.universes;
}

/* Hours are the venue's, by its time of the last state. Several may have passed since the last look. */
static void charge_funding(struct keeper *keeper, int64_t now)
{
        int64_t hour = (now + keeper->ahead_ms - FUNDING_GRACE_MS) / HOUR_MS;

        if (hour > keeper->hour + HOURS_MAX)
                keeper->hour = hour - HOURS_MAX;
        while (keeper->hour < hour)
                mirror_funding(keeper->mirror, ++keeper->hour * HOUR_MS, now);
}

static void on_tick(void *cookie)
{
        struct keeper *keeper = cookie;
        int64_t now = keeper_impl_now(keeper);

        follow_venue(keeper, now);
        charge_funding(keeper, now);
        mirror_tick(keeper->mirror, now);
        if (keeper->feed && mirror_wants_proof(keeper->mirror, now))
                feed_prove(keeper->feed);
        keeper_reads_tick(keeper, now);
}

/* --- life --- */

static void take_defaults(struct keeper_options *o)
{
        if (!o->poll_weight)
                o->poll_weight = POLL_WEIGHT;
        if (!o->polls_at_once)
                o->polls_at_once = POLLS_AT_ONCE;
        if (!o->limits.users)
                o->limits.users = USERS;
}

struct keeper *keeper_open(const struct keeper_options *options, struct err *err)
{
        struct keeper *keeper = xcalloc(1, sizeof *keeper);

        keeper->o = *options;
        take_defaults(&keeper->o);
        list_init(&keeper->reads);
        list_init(&keeper->taps);
        keeper->traded = map_new();
        keeper->watchers = watchers_new();
        keeper->mirror = mirror_new(&keeper->o.mirror);
        keeper->hour = (keeper_impl_now(keeper) - FUNDING_GRACE_MS) / HOUR_MS;
        keeper->tick = loop_timer_new(options->loop, on_tick, keeper);
        if (keeper_feed_open(keeper, err)) {
                keeper_close(keeper);
                return NULL;
        }
        loop_timer_start(keeper->tick, 0, TICK_MS);
        return keeper;
}

void keeper_close(struct keeper *keeper)
{
        if (!keeper)
                return;
        loop_timer_free(keeper->tick);
        keeper_feed_close(keeper);
        keeper_tap_close(keeper);
        keeper_reads_close(keeper);
        mirror_free(keeper->mirror);
        watchers_free(keeper->watchers);
        map_free(keeper->traded, free);
        free(keeper);
}

struct mirror *keeper_mirror(struct keeper *keeper)
{
        return keeper->mirror;
}

/* --- who is watched --- */

void keeper_watch(struct keeper *keeper, const char *brand, const struct addr *user)
{
        const struct venue *venue = keeper->o.venue;
        struct venue_dex dex;
        bool is_whole = true;

        if (!watchers_add(keeper->watchers, brand, user))
                return;
        for (unsigned i = 0; i < venue->ops->dex_count(venue); i++) {
                venue->ops->dex_at(venue, i, &dex);
                is_whole &= mirror_watch(keeper->mirror, user, dex.name) == E_OK;
        }
        /* Beyond the mirror's bound an account is read for each request. */
        if (is_whole)
                watchers_mark(keeper->watchers, user);
}

bool keeper_watches(const struct keeper *keeper, const struct addr *user)
{
        return watchers_marked(keeper->watchers, user);
}

unsigned keeper_watchers(const struct keeper *keeper, const struct addr *user,
                         const char *brand[KEEPER_BRANDS_MAX])
{
        return watchers_of(keeper->watchers, user, brand);
}

bool keeper_ready(struct keeper *keeper, const struct addr *user, const char *dex,
                  const char *symbol, bool to_show)
{
        int64_t age = to_show ? keeper->o.show_age_ms : keeper->o.max_age_ms;

        return age > 0 &&
               mirror_ready(keeper->mirror, user, dex, symbol, keeper_impl_now(keeper), age, NULL);
}

/* --- figures --- */

struct count {
        const struct feed *feed;
        unsigned live;
};

static void count_live(void *cookie, const void *key, size_t len, void *value)
{
        struct count *count = cookie;
        struct feed_topic topic = {.kind = FEED_TRADES};
        struct feed_topic_state state;

        (void)key;
        (void)len;
        must(text_copy(topic.symbol, sizeof topic.symbol, value));
        feed_topic_state(count->feed, &topic, &state);
        count->live += state.is_live;
}

void keeper_status(const struct keeper *keeper, struct keeper_status *out)
{
        const struct feed_topic topic = {.kind = FEED_CONTEXTS};
        struct feed_topic_state state = {.is_live = false};
        struct count count = {keeper->feed, 0};

        if (keeper->feed) {
                feed_topic_state(keeper->feed, &topic, &state);
                map_each(keeper->traded, count_live, &count);
        }
        *out = (struct keeper_status){
                .has_feed = keeper->feed != NULL,
                .contexts_live = state.is_live,
                .contexts_heard_at = state.heard_at,
                .trades_wanted = (unsigned)map_size(keeper->traded),
                .trades_live = count.live,
                .users_followed = keeper->n_followed,
                .reads_under_way = keeper->n_reads,
                .reads = keeper->n_done,
                .reads_failed = keeper->n_failed,
        };
}

void keeper_metrics(struct keeper *keeper, struct buf *out)
{
        buf_printf(out,
                   "# HELP perpgate_mirror_reads_total Reads of accounts for the mirror.\n"
                   "# TYPE perpgate_mirror_reads_total counter\n"
                   "perpgate_mirror_reads_total{result=\"ok\"} %llu\n"
                   "perpgate_mirror_reads_total{result=\"failed\"} %llu\n",
                   (unsigned long long)(keeper->n_done - keeper->n_failed),
                   (unsigned long long)keeper->n_failed);
        mirror_metrics(keeper->mirror, out);
        if (keeper->feed)
                feed_metrics(keeper->feed, out);
}
