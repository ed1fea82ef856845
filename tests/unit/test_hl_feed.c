/* The feed against a scripted venue: how topics begin, are lost, come back and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

#define CONTEXT(mark)                                                                              \
        "{\"funding\":\"0.0000125\",\"openInterest\":\"1.5\",\"oraclePx\":\"100.5\",\"markPx\":"   \
        "\"" mark "\",\"midPx\":null}"
#define CONTEXTS                                                                                   \
        "{\"channel\":\"allDexsAssetCtxs\",\"data\":{\"ctxs\":[[\"\",[" CONTEXT(                   \
                "100") "," CONTEXT("200") "]]]}}"

static const struct feed_topic contexts = {.kind = FEED_CONTEXTS};

static void say_contexts(struct rig *rig, unsigned peer)
{
        say_to(rig, peer, "%s", CONTEXTS);
}

static void test_begins_with_the_first_wanted(void **state)
{
        struct rig *rig = *state;
        struct feed_topic_state s;

        open_feed(rig);
        settle(rig, 50);
        assert_int_equal(rig->n_peers, 0);
        want(rig, contexts);
        want(rig, contexts);
        await_said(rig, "subscribe allDexsAssetCtxs", 1);
        s = state_of(rig, contexts);
        assert_true(s.is_wanted);
        assert_false(s.is_live);
        assert_int_equal(rig->n_told, 0); /* an answer without data is not enough */
        say_contexts(rig, 0);
        AWAIT(rig, FEED_LIVE, contexts, 1);
        assert_int_equal(rig->told[0].kind, FEED_CONTEXT_ROWS);
        assert_int_equal(rig->told[0].n, 2);
        assert_string_equal(rig->told[0].text, "BTC 100");
        s = state_of(rig, contexts);
        assert_true(s.is_live && s.live_since > 0 && s.heard_at > 0);
        assert_int_equal(metric(rig, "perpgate_feed_topics_live{kind=\"contexts\"}"), 1);
        /* Two wanted it: it stays after the first leaves, and goes with the second. */
        drop(rig, contexts);
        settle(rig, 30);
        assert_int_equal(count_said(rig, "unsubscribe allDexsAssetCtxs"), 0);
        drop(rig, contexts);
        await_said(rig, "unsubscribe allDexsAssetCtxs", 1);
        assert_false(state_of(rig, contexts).is_wanted);
        say_contexts(rig, 0);
        settle(rig, 30);
        assert_int_equal(rig->n_told, 2);
        assert_int_equal(count_said(rig, "subscribe allDexsAssetCtxs"), 1);
        while (rig->n_open > 0) /* nobody needs the connection: bounded by ctest */
                loop_turn(rig->loop, 20);
        want(rig, contexts);
        await_peers(rig, 2);
}

static void want_some(struct rig *rig)
{
        want(rig, market_topic(FEED_TRADES, "BTC"));
        want(rig, user_topic(FEED_USER_FILLS, 1));
        want(rig, market_topic(FEED_TRADES, "ETH"));
        want(rig, contexts);
}

static void await_some(struct rig *rig, unsigned nth, unsigned peer)
{
        await_said(rig, "subscribe trades ETH", nth);
        say_contexts(rig, peer);
        AWAIT(rig, FEED_LIVE, contexts, nth);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 1), nth);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), nth);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "ETH"), nth);
}

static void expect_order(const struct rig *rig, size_t from)
{
        static const char *const order[] = {"subscribe allDexsAssetCtxs", "subscribe userFills 01",
                                            "subscribe trades BTC", "subscribe trades ETH"};

        assert_int_equal(rig->n_said, from + 4);
        for (size_t i = 0; i < 4; i++)
                assert_string_equal(rig->said[from + i].text, order[i]);
}

static void test_lost_connection(void **state)
{
        struct rig *rig = *state;
        const struct told *gap;
        int64_t live_since;

        open_feed(rig);
        want_some(rig);
        await_some(rig, 1, 0);
        expect_order(rig, 0);
        live_since = state_of(rig, contexts).live_since;
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "a test wants it");
        gap = await(rig, FEED_GAP, contexts, 1);
        assert_non_null(gap);
        assert_true(gap->since >= live_since);
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "ETH"), 1);
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "BTC"), 1);
        AWAIT(rig, FEED_GAP, user_topic(FEED_USER_FILLS, 1), 1);
        assert_false(state_of(rig, contexts).is_live);
        assert_int_equal(state_of(rig, contexts).live_since, 0);
        assert_int_equal(metric(rig, "perpgate_feed_reconnects_total"), 1);
        assert_int_equal(metric(rig, "perpgate_feed_gaps_total"), 4);
        await_some(rig, 2, 1);
        expect_order(rig, 4);
}

/* A market of which nothing is heard may have nothing to say: an answer on its connection proves it. */
static void test_proven_by_an_answer(void **state)
{
        struct rig *rig = *state;
        const struct told *told;
        int64_t live_since;

        open_feed(rig);
        want_some(rig);
        await_some(rig, 1, 0);
        live_since = state_of(rig, market_topic(FEED_TRADES, "BTC")).live_since;
        assert_int_equal(count_told(rig, FEED_PROVEN, market_topic(FEED_TRADES, "BTC")), 0);
        feed_prove(rig->feed);
        told = await(rig, FEED_PROVEN, market_topic(FEED_TRADES, "BTC"), 1);
        assert_non_null(told);
        assert_true(told->since >= live_since);
        assert_int_equal(state_of(rig, market_topic(FEED_TRADES, "BTC")).proven_at, told->since);
        AWAIT(rig, FEED_PROVEN, market_topic(FEED_TRADES, "ETH"), 1);
        AWAIT(rig, FEED_PROVEN, user_topic(FEED_USER_FILLS, 1), 1);
        /* Up to then it is whole, should it be lost. */
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "a test wants it");
        told = await(rig, FEED_GAP, market_topic(FEED_TRADES, "ETH"), 1);
        assert_non_null(told);
        assert_true(told->since >= live_since);
}

static void test_cut_off_unnoticed(void **state)
{
        struct rig *rig = *state;

        rig->limits.answer_ms = 1500;
        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        rig->is_deaf = true; /* nothing would ever be noticed: trades may be silent for ever */
        feed_prove(rig->feed);
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "BTC"), 1);
        assert_int_equal(count_told(rig, FEED_PROVEN, market_topic(FEED_TRADES, "BTC")), 0);
        rig->is_deaf = false;
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 2);
}

static void test_silent_topic(void **state)
{
        struct rig *rig = *state;

        rig->limits.silent_ms[FEED_CONTEXTS] = 200;
        open_feed(rig);
        want(rig, contexts);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        await_said(rig, "subscribe allDexsAssetCtxs", 1);
        say_contexts(rig, 0);
        AWAIT(rig, FEED_LIVE, contexts, 1);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        AWAIT(rig, FEED_GAP, contexts, 1);
        await_said(rig, "unsubscribe allDexsAssetCtxs", 1);
        await_said(rig, "subscribe allDexsAssetCtxs", 2);
        assert_int_equal(rig->n_peers, 1); /* only the topic was asked for anew */
        assert_true(state_of(rig, market_topic(FEED_TRADES, "BTC")).is_live);
        say_contexts(rig, 0);
        AWAIT(rig, FEED_LIVE, contexts, 2);
        AWAIT(rig, FEED_GAP, contexts, 2);
        await_peers(rig, 2); /* that did not help: a new connection */
        AWAIT(rig, FEED_GAP, market_topic(FEED_TRADES, "BTC"), 1);
        await_said(rig, "subscribe allDexsAssetCtxs", 4);
        say_contexts(rig, 1);
        AWAIT(rig, FEED_LIVE, contexts, 3);
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 2);
}

static void test_may_be_silent(void **state)
{
        struct rig *rig = *state;

        rig->limits.silent_ms[FEED_CONTEXTS] = -1;
        rig->limits.answer_ms = 100;
        open_feed(rig);
        want(rig, contexts);
        want(rig, user_topic(FEED_USER_FILLS, 1));
        want(rig, user_topic(FEED_USER_EVENTS, 1));
        await_said(rig, "subscribe allDexsAssetCtxs", 1);
        say_contexts(rig, 0);
        AWAIT(rig, FEED_LIVE, contexts, 1);
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_EVENTS, 1), 1);
        settle(rig, 800);
        assert_int_equal(rig->n_said, 4);
        assert_int_equal(metric(rig, "perpgate_feed_gaps_total"), 0);
}

static void test_no_answer(void **state)
{
        struct rig *rig = *state;

        rig->limits.answer_ms = 100;
        rig->is_mute = true;
        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        await_said(rig, "subscribe trades BTC", 2);
        await_said(rig, "unsubscribe trades BTC", 1);
        await_peers(rig, 2);
        rig->is_mute = false;
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
        assert_int_equal(rig->told[0].kind, FEED_LIVE); /* it was never whole: nothing was lost */
}

/* The venue does not speak of one market: the others stay as they are. */
static void test_one_coin_without_answer(void **state)
{
        struct rig *rig = *state;
        int64_t until;

        rig->limits.answer_ms = 50;
        rig->ignored = "NOPE";
        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "NOPE"));
        want(rig, contexts);
        until = now_ms(rig) + WAIT_MS;
        while (count_said(rig, "subscribe trades NOPE") < 4 && now_ms(rig) < until) {
                rig->n_told = 0;
                loop_turn(rig->loop, 20);
                if (rig->n_subs > 0)
                        say_contexts(rig, 0);
        }
        assert_true(count_said(rig, "subscribe trades NOPE") >= 4);
        assert_int_equal(rig->n_peers, 1);
        assert_true(state_of(rig, contexts).is_live);
        assert_int_equal(metric(rig, "perpgate_feed_gaps_total"), 0);
}

static void test_dropped_while_subscribing(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_TRADES, "BTC");

        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "ETH"));
        want(rig, btc);
        drop(rig, btc); /* before anything was sent */
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "ETH"), 1);
        assert_int_equal(count_said(rig, "subscribe trades BTC"), 0);
        want(rig, btc);
        await_said(rig, "subscribe trades BTC", 1);
        drop(rig, btc); /* its answer is under way */
        want(rig, btc);
        await_said(rig, "unsubscribe trades BTC", 1);
        await_said(rig, "subscribe trades BTC", 2);
        AWAIT(rig, FEED_LIVE, btc, 1);
        drop(rig, btc);
        drop(rig, btc); /* nobody wants it: no matter */
        await_said(rig, "unsubscribe trades BTC", 2);
        settle(rig, 30);
        assert_int_equal(rig->n_told, 2);
        assert_int_equal(rig->n_subs, 1);
        assert_int_equal(rig->n_peers, 1);
}

static void test_dropped_in_callback(void **state)
{
        struct rig *rig = *state;
        struct feed_topic fills = user_topic(FEED_USER_FILLS, 1);

        open_feed(rig);
        want(rig, fills);
        want(rig, contexts);
        rig->drops_in_callback = &fills;
        await_said(rig, "unsubscribe userFills 01", 1);
        settle(rig, 30);
        assert_int_equal(rig->n_told, 1); /* the snapshot; not that it is live */
        want(rig, fills);
        AWAIT(rig, FEED_LIVE, fills, 1);
}

static void test_closed_in_callback(void **state)
{
        struct rig *rig = *state;

        for (unsigned i = 0; i < 2; i++) {
                rig->n_told = 0;
                open_feed(rig);
                want(rig, user_topic(FEED_USER_FILLS, 1));
                want(rig, market_topic(FEED_TRADES, "BTC"));
                if (i == 1) { /* in what a lost connection brings */
                        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "BTC"), 1);
                        rig->n_told = 0;
                        httpd_ws_close(rig->httpd, rig->peer[rig->n_peers - 1], 1011, "");
                }
                rig->closes_in_callback = true;
                while (rig->feed)
                        loop_turn(rig->loop, 20);
                rig->closes_in_callback = false;
                settle(rig, 30);
                assert_int_equal(rig->n_told, 1);
        }
}

static void test_closed_at_any_time(void **state)
{
        struct rig *rig = *state;

        rig->has_first = true;
        for (int turns = 0; turns < 24; turns++) {
                open_feed(rig);
                want(rig, contexts);
                for (unsigned user = 1; user <= 3; user++)
                        want(rig, user_topic(FEED_USER_ORDERS, user));
                want(rig, market_topic(FEED_TRADES, "BTC"));
                for (int i = 0; i < turns; i++)
                        loop_turn(rig->loop, 2);
                if (turns % 3 == 1)
                        drop(rig, contexts);
                if (turns % 5 == 2)
                        rig->closes_at_once = !rig->closes_at_once;
                feed_close(rig->feed);
                rig->feed = NULL; /* on_event fails when it is called now */
        }
        settle(rig, 50);
        feed_close(NULL);
}

static void test_options(void **state)
{
        struct rig *rig = *state;
        static const char *const urls[] = {NULL, "", "http://x/ws", "ws://", "ws://a b/"};
        struct feed_options options = {
                .venue = &rig->venue.venue, .event = on_event, .cookie = rig};
        struct err err;

        for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
                err = (struct err){.code = E_OK};
                options.url = urls[i];
                assert_null(feed_open(rig->loop, &options, &err));
                assert_int_equal(err.code, E_CONFIG);
        }
        err = (struct err){.code = E_OK};
        options.url = "wss://localhost/ws";
        options.ca_file = "/nonexistent/anchors.pem";
        assert_null(feed_open(rig->loop, &options, &err));
        assert_int_equal(err.code, E_CONFIG);
        open_feed(rig);
        assert_int_equal(try_want(rig, market_topic(FEED_TRADES, "")), E_INVALID);
        assert_int_equal(try_want(rig, market_topic(FEED_CONTEXTS, "BTC")), E_INVALID);
        assert_int_equal(try_want(rig, market_topic(FEED_USER_FILLS, "")), E_INVALID);
        assert_int_equal(try_want(rig, user_topic(FEED_TRADES, 1)), E_INVALID);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_begins_with_the_first_wanted),
                T(test_lost_connection),
                T(test_proven_by_an_answer),
                T(test_cut_off_unnoticed),
                T(test_silent_topic),
                T(test_may_be_silent),
                T(test_no_answer),
                T(test_one_coin_without_answer),
                T(test_dropped_while_subscribing),
                T(test_dropped_in_callback),
                T(test_closed_in_callback),
                T(test_closed_at_any_time),
                T(test_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
