/* The feed against a scripted venue: its limits, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

static const struct feed_topic contexts = {.kind = FEED_CONTEXTS};

static unsigned want_trades(struct rig *rig, unsigned from, unsigned to)
{
        unsigned n = 0;
        char symbol[SYMBOL_MAX];

        for (unsigned i = from; i < to; i++) {
                (void)snprintf(symbol, sizeof(symbol), "M%u", i);
                n += try_want(rig, market_topic(FEED_TRADES, symbol)) == E_OK;
        }
        return n;
}

static void await_subs(struct rig *rig, size_t n)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        while (rig->n_subs != n && now_ms(rig) < until)
                loop_turn(rig->loop, 20);
        assert_int_equal(rig->n_subs, n);
}

static void test_a_thousand_wants(void **state)
{
        struct rig *rig = *state;

        rig->limits.subscriptions = 100;
        rig->limits.users = 3;
        rig->limits.connections = 2;
        open_feed(rig);
        assert_int_equal(want_trades(rig, 0, 1000), 100);
        assert_false(state_of(rig, market_topic(FEED_TRADES, "M100")).is_wanted);
        await_subs(rig, 100);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "M99"), 1);
        /* What matters more takes the room of the newest. */
        want(rig, contexts);
        for (unsigned user = 1; user <= 10; user++) {
                enum errc rc = try_want(rig, user_topic(FEED_USER_FILLS, user));

                assert_int_equal(rc, user <= 3 ? E_OK : E_LIMIT);
                assert_int_equal(feed_user_slots_left(rig->feed), user <= 3 ? 3 - user : 0);
        }
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "M99"), 1);
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "M96"), 1);
        assert_int_equal(state_of(rig, market_topic(FEED_TRADES, "M96")).refusal, E_LIMIT);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 3), 1);
        await_subs(rig, 100);
        assert_true(state_of(rig, market_topic(FEED_TRADES, "M95")).is_live);
        /* Room that is given back goes to the oldest that waits. */
        drop(rig, contexts);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "M96"), 2);
        assert_int_equal(state_of(rig, market_topic(FEED_TRADES, "M96")).refusal, E_OK);
        assert_int_equal(rig->max_subs, 100);
        assert_int_equal(rig->max_users, 3);
        assert_int_equal(rig->max_open, 1);
        assert_int_equal(metric(rig, "perpgate_feed_subscriptions"), 100);
}

static void test_messages_wait(void **state)
{
        struct rig *rig = *state;

        rig->limits.messages_per_minute = 50;
        rig->limits.connections = 1; /* whose pings need four */
        open_feed(rig);
        assert_int_equal(want_trades(rig, 0, 200), 200);
        await_subs(rig, 46);
        settle(rig, 600);
        assert_int_equal(rig->n_said, 46);
        /* Contexts come before what waits, and wait as well. */
        want(rig, contexts);
        settle(rig, 300);
        assert_int_equal(rig->n_said, 46);
        assert_int_equal(metric(rig, "perpgate_feed_messages_total"), 46);
}

/* Whatever strangers wish for leaves messages, and room, for what the gateway reads itself. */
static void test_what_is_read_comes_first(void **state)
{
        struct rig *rig = *state;
        struct feed_topic word;
        char json[64];

        rig->limits.messages_per_minute = 50;
        rig->limits.connections = 1; /* whose pings need four, and a quarter is kept */
        rig->limits.subscriptions = 40;
        open_feed(rig);
        for (unsigned i = 0; i < 40; i++) {
                (void)snprintf(json, sizeof(json), "{\"type\":\"bbo\",\"coin\":\"M%u\"}", i);
                word = verbatim(rig, json);
                want(rig, word);
        }
        await_subs(rig, 34);
        assert_int_equal(rig->n_said, 34);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        AWAIT(rig, FEED_GAP, word, 1); /* the newest gives way */
        assert_int_equal(state_of(rig, word).refusal, E_LIMIT);
        assert_int_equal(rig->n_said, 35);
}

static void test_connects_are_limited(void **state)
{
        struct rig *rig = *state;

        rig->limits.connects_per_minute = 3;
        rig->closes_at_once = true;
        open_feed(rig);
        want(rig, contexts);
        await_peers(rig, 3);
        settle(rig, 2500);
        assert_int_equal(rig->n_peers, 3);
}

/* Frames of orderUpdates don't say whose they are: one user of them on each connection. */
static void test_order_updates_stand_alone(void **state)
{
        struct rig *rig = *state;

        rig->limits.connections = 3;
        open_feed(rig);
        for (unsigned user = 1; user <= 4; user++)
                want(rig, user_topic(FEED_USER_ORDERS, user));
        for (unsigned user = 1; user <= 4; user++)
                AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_ORDERS, user), 1);
        assert_int_equal(rig->n_open, 3);
        for (size_t i = 0; i < rig->n_said; i++) {
                for (size_t k = 0; k < i; k++)
                        if (!strncmp(rig->said[i].text, "subscribe orderUpdates", 22) &&
                            !strncmp(rig->said[k].text, "subscribe orderUpdates", 22))
                                assert_int_not_equal(rig->said[i].peer, rig->said[k].peer);
        }
        assert_int_equal(count_said(rig, "subscribe orderUpdates 04"), 0);
        assert_int_equal(count_said(rig, "subscribe openOrders 04"), 1);
        /* A place that is given back is taken, once the venue has let go of it. */
        drop(rig, user_topic(FEED_USER_ORDERS, 2));
        await_said(rig, "subscribe orderUpdates 04", 1);
        assert_true(state_of(rig, user_topic(FEED_USER_ORDERS, 4)).is_live);
}

static void test_refused_coin(void **state)
{
        struct rig *rig = *state;
        const struct told *gap;

        rig->refused[0] = "NOPE";
        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "NOPE"));
        want(rig, market_topic(FEED_TRADES, "BTC"));
        gap = await(rig, FEED_GAP, market_topic(FEED_TRADES, "NOPE"), 1);
        assert_non_null(gap);
        assert_int_equal(gap->since, 0);
        assert_int_equal(state_of(rig, market_topic(FEED_TRADES, "NOPE")).refusal, E_NOT_FOUND);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        settle(rig, 300);
        assert_int_equal(count_said(rig, "subscribe trades NOPE"), 1);
        /* Listed since: found when the connection is made anew. */
        rig->refused[0] = NULL;
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "NOPE"), 1);
        assert_int_equal(state_of(rig, market_topic(FEED_TRADES, "NOPE")).refusal, E_OK);
}

#define CTX "{\"funding\":\"0\",\"openInterest\":\"0\",\"oraclePx\":\"7\",\"markPx\":\"7.5\"}"

static void test_contexts_fall_back(void **state)
{
        struct rig *rig = *state;

        add_market(rig, "xyz:GOLD", 110001);
        rig->refused[0] = "allDexsAssetCtxs";
        open_feed(rig);
        want(rig, contexts);
        await_said(rig, "subscribe assetCtxs", 1);
        await_said(rig, "subscribe assetCtxs xyz", 1);
        say_to(rig, 0,
               "{\"channel\":\"assetCtxs\",\"data\":{\"dex\":\"\",\"ctxs\":[" CTX "," CTX "]}}");
        AWAIT(rig, FEED_CONTEXT_ROWS, contexts, 1);
        assert_false(state_of(rig, contexts).is_live); /* half of it */
        say_to(rig, 0,
               "{\"channel\":\"assetCtxs\",\"data\":{\"dex\":\"xyz\",\"ctxs\":[{}," CTX "]}}");
        AWAIT(rig, FEED_LIVE, contexts, 1);
        assert_string_equal(await(rig, FEED_CONTEXT_ROWS, contexts, 2)->text, "xyz:GOLD 7.5");
        /* Neither is known: market by market; one that the venue does not have is left out. */
        rig->refused[1] = "assetCtxs";
        rig->refused[2] = "ETH";
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        await_said(rig, "subscribe activeAssetCtx xyz:GOLD", 1);
        say_to(rig, 1,
               "{\"channel\":\"activeAssetCtx\",\"data\":{\"coin\":\"BTC\",\"ctx\":" CTX "}}");
        say_to(rig, 1,
               "{\"channel\":\"activeAssetCtx\",\"data\":{\"coin\":\"xyz:GOLD\",\"ctx\":" CTX "}}");
        AWAIT(rig, FEED_LIVE, contexts, 2);
        assert_int_equal(rig->n_subs, 2);
        assert_int_equal(count_said(rig, "subscribe allDexsAssetCtxs"), 2);
}

static void test_states_fall_back(void **state)
{
        struct rig *rig = *state;

        add_market(rig, "xyz:GOLD", 110001);
        rig->refused[0] = "allDexsClearinghouseState";
        open_feed(rig);
        want(rig, user_topic(FEED_USER_STATE, 1));
        await_said(rig, "subscribe clearinghouseState 01", 1);
        await_said(rig, "subscribe clearinghouseState 01 xyz", 1);
        assert_int_equal(metric(rig, "perpgate_feed_refusals_total"), 1);
}

/* A new dex's orders are added to what is subscribed. */
static void test_a_dex_appears(void **state)
{
        struct rig *rig = *state;

        open_feed(rig);
        want(rig, user_topic(FEED_USER_ORDERS, 1));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_ORDERS, 1), 1);
        add_market(rig, "xyz:GOLD", 110001);
        await_said(rig, "subscribe openOrders 01 xyz", 1);
        assert_int_equal(count_said(rig, "subscribe openOrders 01"), 1);
        assert_true(state_of(rig, user_topic(FEED_USER_ORDERS, 1)).is_live);
}

static void test_venue_takes_fewer_users(void **state)
{
        struct rig *rig = *state;

        rig->users = 2;
        rig->limits.users = 5;
        open_feed(rig);
        for (unsigned user = 1; user <= 4; user++)
                want(rig, user_topic(FEED_USER_FILLS, user));
        AWAIT(rig, FEED_GAP, user_topic(FEED_USER_FILLS, 4), 1);
        AWAIT(rig, FEED_GAP, user_topic(FEED_USER_FILLS, 3), 1);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 1), 1);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 2), 1);
        assert_int_equal(state_of(rig, user_topic(FEED_USER_FILLS, 3)).refusal, E_LIMIT);
        assert_int_equal(feed_user_slots_left(rig->feed), 0);
        assert_int_equal(try_want(rig, user_topic(FEED_USER_FILLS, 9)), E_LIMIT);
        assert_int_equal(try_want(rig, user_topic(FEED_USER_STATE, 2)), E_OK); /* is counted */
        assert_int_equal(metric(rig, "perpgate_feed_users_max"), 2);
        /* One leaves: the next is taken, the others stay as they were. */
        drop(rig, user_topic(FEED_USER_FILLS, 1));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 3), 1);
        assert_int_equal(state_of(rig, user_topic(FEED_USER_FILLS, 3)).refusal, E_OK);
        assert_true(state_of(rig, user_topic(FEED_USER_FILLS, 2)).is_live);
        assert_int_equal(count_told(rig, FEED_GAP, user_topic(FEED_USER_FILLS, 2)), 0);
        assert_int_equal(rig->max_users, 2);
}

/* ---- At random --------------------------------------------------------------------------------- */

#define STEPS  400
#define TOPICS 50

struct wanted {
        struct feed_topic topic;
        unsigned n;
};

/* Books of two coins: as they are read, and rounded in four ways. */
static struct feed_topic make_book(const struct rig *rig, unsigned i)
{
        const char *coin = i % 2 ? "BTC" : "ETH";
        char json[FEED_DETAIL_MAX];

        if (i < 2)
                return market_topic(FEED_BOOK, coin);
        (void)snprintf(json, sizeof(json), "{\"type\":\"l2Book\",\"coin\":\"%s\",\"nSigFigs\":%u}",
                       coin, 1 + i / 2);
        return verbatim(rig, json);
}

static void make_topics(const struct rig *rig, struct wanted *wanted)
{
        static const enum feed_kind kinds[] = {FEED_USER_FILLS, FEED_USER_EVENTS, FEED_USER_ORDERS};
        char symbol[SYMBOL_MAX];

        for (unsigned i = 0; i < TOPICS; i++) {
                (void)snprintf(symbol, sizeof(symbol), "M%u", i);
                if (i < 18)
                        wanted[i].topic = user_topic(kinds[i % 3], 1 + i / 3);
                else if (i < 28)
                        wanted[i].topic = make_book(rig, i - 18);
                else
                        wanted[i].topic = market_topic(FEED_TRADES, symbol);
        }
}

static void change(struct rig *rig, struct wanted *w, bool wants)
{
        if (wants)
                w->n += try_want(rig, w->topic) == E_OK;
        else if (w->n > 0) {
                drop(rig, w->topic);
                w->n--;
        }
}

/* As it should be: what is wanted is live, or has no room; nothing else is. */
static bool is_settled(const struct rig *rig, const struct wanted *wanted)
{
        for (unsigned i = 0; i < TOPICS; i++) {
                struct feed_topic_state s = state_of(rig, wanted[i].topic);

                assert_int_equal(s.is_wanted, wanted[i].n > 0);
                if (s.is_wanted && !s.is_live && s.refusal != E_LIMIT)
                        return false;
        }
        return (size_t)metric(rig, "perpgate_feed_subscriptions") == rig->n_subs;
}

/* Every loss was told: a topic is live by what was told if and only if it is by its state. */
static void check_told(const struct rig *rig, const struct wanted *w)
{
        struct feed_topic_state s = state_of(rig, w->topic);
        bool is_live = false;

        for (size_t i = 0; i < rig->n_told; i++) {
                const struct told *told = &rig->told[i];

                if (!is_same_topic(&told->topic, &w->topic))
                        continue;
                if (told->kind == FEED_LIVE || told->kind == FEED_GAP)
                        is_live = told->kind == FEED_LIVE;
        }
        if (s.is_wanted)
                assert_int_equal(is_live, s.is_live);
}

static void test_at_random(void **state)
{
        struct rig *rig = *state;
        struct wanted wanted[TOPICS] = {{.n = 0}};
        unsigned seed = (unsigned)clock_wall_ms(loop_clock(rig->loop)), n_closed = 0;
        int64_t until;

        print_message("seed %u\n", seed);
        srandom(seed);
        rig->has_books = true;
        rig->limits = (struct feed_limits){
                .connections = 3, .subscriptions = 25, .users = 4, .linger_ms = 30};
        open_feed(rig);
        make_topics(rig, wanted);
        for (unsigned i = 0; i < STEPS; i++) {
                unsigned dice = (unsigned)random() % 100;

                change(rig, &wanted[random() % TOPICS], dice < 55);
                if (dice >= 97 && n_closed < 6 && rig->n_peers > 0) {
                        httpd_ws_close(rig->httpd, rig->peer[rig->n_peers - 1], 1011, "");
                        n_closed++;
                }
                if (dice % 2)
                        loop_turn(rig->loop, dice % 10);
        }
        until = now_ms(rig) + WAIT_MS;
        while (!is_settled(rig, wanted) && now_ms(rig) < until)
                loop_turn(rig->loop, 20);
        assert_true(is_settled(rig, wanted));
        for (unsigned i = 0; i < TOPICS; i++)
                check_told(rig, &wanted[i]);
        assert_true(rig->max_subs <= 25);
        assert_true(rig->max_users <= 4);
        assert_true(rig->max_open <= 3);
        for (unsigned i = 0; i < TOPICS; i++)
                while (wanted[i].n > 0)
                        change(rig, &wanted[i], false);
        await_subs(rig, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_a_thousand_wants),
                T(test_messages_wait),
                T(test_what_is_read_comes_first),
                T(test_connects_are_limited),
                T(test_order_updates_stand_alone),
                T(test_refused_coin),
                T(test_contexts_fall_back),
                T(test_states_fall_back),
                T(test_a_dex_appears),
                T(test_venue_takes_fewer_users),
                T(test_at_random),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
