/* What is followed: prices of all markets, the trades of each, and the few users who need it most. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "keeper/keeper_impl.h"

#define SLOTS_EVERY_MS 5000

static const enum feed_kind user_kinds[] = {FEED_USER_STATE, FEED_USER_FILLS, FEED_USER_EVENTS,
                                            FEED_USER_ORDERS};
#define N_USER_KINDS (sizeof user_kinds / sizeof *user_kinds)

static void on_event(void *cookie, const struct feed_event *event)
{
        struct keeper *keeper = cookie;

        mirror_event(keeper->mirror, event);
        keeper_tap_tell(keeper, event);
}

enum errc keeper_feed_open(struct keeper *keeper, struct err *err)
{
        const struct feed_topic contexts = {.kind = FEED_CONTEXTS};
        struct feed_options options = {
                .url = keeper->o.feed_url,
                .ca_file = keeper->o.ca_file,
                .n_egress = keeper->o.n_egress,
                .egress = keeper->o.egress,
                .limits = keeper->o.limits,
                .venue = keeper->o.venue,
                .event = on_event,
                .cookie = keeper,
        };

        if (!options.url)
                return E_OK;
        keeper->feed = feed_open(keeper->o.loop, &options, err);
        if (!keeper->feed)
                return E_CONFIG;
        return feed_want(keeper->feed, &contexts);
}

/* --- trades --- */

static void want_trades(struct keeper *keeper, const struct market *m)
{
        struct feed_topic topic = {.kind = FEED_TRADES};
        size_t len = strlen(m->symbol);

        if (map_get(keeper->traded, m->symbol, len))
                return;
        must(text_copy(topic.symbol, sizeof topic.symbol, m->symbol));
        /* Without room the account's fills come by polls, as the gap that was told says. */
        if (feed_want(keeper->feed, &topic) == E_OK)
                map_put(keeper->traded, m->symbol, len, xstrdup(m->symbol));
}

static void follow_markets(struct keeper *keeper)
{
        const struct venue *venue = keeper->o.venue;
        size_t n = venue->ops->market_count(venue);

        for (size_t i = 0; i < n; i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (!m->is_delisted)
                        want_trades(keeper, m);
        }
}

/* --- users --- */

static bool is_among(const struct addr *user, const struct addr *users, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (memcmp(user, &users[i], sizeof *user) == 0)
                        return true;
        return false;
}

/* A topic that is left by ourselves is not whole any more either, and no event says so. */
static void leave_topic(struct keeper *keeper, const struct feed_topic *topic, int64_t now)
{
        struct feed_topic_state state;
        int64_t since;

        feed_topic_state(keeper->feed, topic, &state);
        since = state.proven_at > state.live_since ? state.proven_at : state.live_since;
        feed_drop(keeper->feed, topic);
        if (state.is_live)
                mirror_gap(keeper->mirror, topic, since, now);
}

static void leave_user(struct keeper *keeper, const struct addr *user, int64_t now)
{
        for (size_t i = 0; i < N_USER_KINDS; i++) {
                struct feed_topic topic = {.kind = user_kinds[i], .user = *user};
                leave_topic(keeper, &topic, now);
        }
}

/* All kinds of a user, or none. */
static bool join_user(struct keeper *keeper, const struct addr *user)
{
        for (size_t i = 0; i < N_USER_KINDS; i++) {
                struct feed_topic topic = {.kind = user_kinds[i], .user = *user};
                if (feed_want(keeper->feed, &topic) == E_OK)
                        continue;
                while (i-- > 0) {
                        topic.kind = user_kinds[i];
                        feed_drop(keeper->feed, &topic);
                }
                return false;
        }
        return true;
}

static void follow_users(struct keeper *keeper, int64_t now)
{
        struct addr wanted[KEEPER_SLOTS_MAX];
        size_t room = keeper->n_followed + feed_user_slots_left(keeper->feed);
        size_t max = room < KEEPER_SLOTS_MAX ? room : KEEPER_SLOTS_MAX;
        size_t n = mirror_user_slots(keeper->mirror, now, wanted, max);
        unsigned kept = 0;

        for (unsigned i = 0; i < keeper->n_followed; i++) {
                if (is_among(&keeper->followed[i], wanted, n))
                        keeper->followed[kept++] = keeper->followed[i];
                else
                        leave_user(keeper, &keeper->followed[i], now);
        }
        keeper->n_followed = kept;
        for (size_t i = 0; i < n; i++)
                if (!is_among(&wanted[i], keeper->followed, keeper->n_followed) &&
                    join_user(keeper, &wanted[i]))
                        keeper->followed[keeper->n_followed++] = wanted[i];
}

void keeper_feed_tick(struct keeper *keeper, int64_t now)
{
        struct venue_status status;

        if (!keeper->feed)
                return;
        keeper->o.venue->ops->status(keeper->o.venue, &status);
        if (status.universes != keeper->universes)
                follow_markets(keeper);
        if (now - keeper->slots_at < SLOTS_EVERY_MS && now >= keeper->slots_at)
                return;
        keeper->slots_at = now;
        follow_users(keeper, now);
}

void keeper_feed_close(struct keeper *keeper)
{
        feed_close(keeper->feed);
        keeper->feed = NULL;
}
