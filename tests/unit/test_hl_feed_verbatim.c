/* What is handed on word by word: whose frames they are, what is shared with what is read, who has room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

#define USER1 "0x0000000000000000000000000000000000000001"
#define USER2 "0x0000000000000000000000000000000000000002"

#define TRADE                                                                                      \
        "{\"coin\":\"BTC\",\"side\":\"B\",\"px\":\"60000.5\",\"sz\":\"0.5\",\"time\":%lld,"        \
        "\"hash\":\"0x0\",\"tid\":%u,\"users\":[\"" USER1 "\",\"" USER2 "\"]}"
#define TRADES(...) "{\"channel\":\"trades\",\"data\":[" __VA_ARGS__ "]}"

static long long wall(const struct rig *rig)
{
        return (long long)clock_wall_ms(loop_clock(rig->loop));
}

static const char *frame(struct rig *rig, struct feed_topic topic, unsigned nth)
{
        const struct told *told = await(rig, FEED_FRAME, topic, nth);

        assert_non_null(told);
        return told->raw;
}

/* ---- As text ----------------------------------------------------------------------------------- */

static void expect_spelling(const struct rig *rig, const char *json, const char *expected)
{
        struct feed_topic topic;
        enum errc rc = feed_verbatim(rig->feed, &topic, json, strlen(json));

        assert_int_equal(rc, expected ? E_OK : E_INVALID);
        if (expected)
                assert_string_equal(topic.detail, expected);
}

static const char *const same[][2] = {
        {"{\"coin\":\"BTC\",\"type\":\"trades\"}", "{\"type\":\"trades\",\"coin\":\"BTC\"}"},
        {" { \"type\" : \"trades\" , \"coin\" : \"BTC\", \"what\":[1] } ",
         "{\"type\":\"trades\",\"coin\":\"BTC\"}"},
        {"{\"type\":\"allMids\"}", "{\"type\":\"allMids\",\"dex\":\"\"}"},
        {"{\"type\":\"allMids\",\"dex\":null}", "{\"type\":\"allMids\",\"dex\":\"\"}"},
        {"{\"type\":\"l2Book\",\"coin\":\"@107\",\"nSigFigs\":null,\"mantissa\":null,"
         "\"fast\":"
         "false}",
         "{\"type\":\"l2Book\",\"coin\":\"@107\"}"},
        {"{\"type\":\"l2Book\",\"fast\":true,\"mantissa\":2,\"coin\":\"BTC\",\"nSigFigs\":"
         "5}",
         "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":5,\"mantissa\":2,\"fast\":"
         "true}"},
        {"{\"type\":\"candle\",\"interval\":\"1M\",\"coin\":\"BTC\"}",
         "{\"type\":\"candle\",\"coin\":\"BTC\",\"interval\":\"1M\"}"},
        {"{\"type\":\"userFills\",\"user\":\"0x00000000000000000000000000000000000000AB\","
         "\"aggregateByTime\":true}",
         "{\"type\":\"userFills\",\"user\":\"0x00000000000000000000000000000000000000ab\","
         "\"aggregateByTime\":true}"},
        {"{\"type\":\"openOrders\",\"user\":\"" USER1 "\"}",
         "{\"type\":\"openOrders\",\"dex\":\"\",\"user\":\"" USER1 "\"}"},
        {"{\"type\":\"activeAssetData\",\"user\":\"" USER1 "\",\"coin\":\"BTC\"}",
         "{\"type\":\"activeAssetData\",\"coin\":\"BTC\",\"user\":\"" USER1 "\"}"},
};
static const char *const none[] = {
        "",
        "{}",
        "7",
        "[\"trades\"]",
        "{\"type\":\"weather\"}",
        "{\"type\":\"webData2\",\"user\":\"" USER1 "\"}",
        "{\"type\":\"trades\"}",
        "{\"type\":\"trades\",\"coin\":7}",
        "{\"type\":\"trades\",\"coin\":\"\"}",
        "{\"type\":\"trades\",\"coin\":\"0123456789012345678901234567890123456789\"}",
        "{\"type\":\"trades\",\"coin\":\"BTC\"} x",
        "{\"type\":\"candle\",\"coin\":\"BTC\"}",
        "{\"type\":\"candle\",\"coin\":\"BTC\",\"interval\":\"7m\"}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":0}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":6}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":\"5\"}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"fast\":1}",
        "{\"type\":\"userFills\"}",
        "{\"type\":\"userFills\",\"user\":\"0x1\"}",
        "{\"type\":\"userFills\",\"user\":\"0x0000000000000000000000000000000000000000\"}",
};

static void test_spelling(void **state)
{
        struct rig *rig = *state;
        struct feed_topic topic = {.kind = FEED_VERBATIM};

        open_feed(rig);
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
                expect_spelling(rig, same[i][0], same[i][1]);
        for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
                expect_spelling(rig, none[i], NULL);
                must(text_copy(topic.detail, sizeof(topic.detail), none[i]));
                assert_int_equal(try_want(rig, topic), E_INVALID);
        }
        must(text_copy(topic.detail, sizeof(topic.detail), same[0][0])); /* not as it is spelt */
        assert_int_equal(try_want(rig, topic), E_INVALID);
        topic = verbatim(rig, same[0][0]);
        must(text_copy(topic.symbol, sizeof(topic.symbol), "BTC"));
        assert_int_equal(try_want(rig, topic), E_INVALID);
        assert_int_equal(rig->n_told, 0);
}

/* ---- Shared with what is read ------------------------------------------------------------------ */

static void test_one_subscription_for_both(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = market_topic(FEED_TRADES, "BTC");
        struct feed_topic word;
        long long at;

        open_feed(rig);
        word = verbatim(rig, "{\"type\":\"trades\",\"coin\":\"BTC\"}");
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 1);
        want(rig, read);
        AWAIT(rig, FEED_LIVE, read, 1);
        at = wall(rig);
        say_to(rig, 0, TRADES(TRADE "," TRADE), at - 2000, 1u, at - 1000, 2u); /* of before */
        assert_true(await(rig, FEED_FRAME, word, 1)->is_snapshot);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, read, 1)->n_past, 2);
        say_to(rig, 0, TRADES(TRADE), at + 5000, 3u);
        say_to(rig, 0, TRADES(TRADE), at + 5000, 3u); /* twice */
        say_to(rig, 0, TRADES(TRADE "," TRADE), at + 5000, 3u, at + 5001, 4u);
        assert_int_equal(await(rig, FEED_TRADE_ROWS, read, 4)->n_past, 1);
        assert_false(await(rig, FEED_FRAME, word, 2)->is_snapshot);
        AWAIT(rig, FEED_FRAME, word, 3);
        assert_int_equal(count_told(rig, FEED_FRAME, word), 3);
        assert_non_null(strstr(frame(rig, word, 3), "\"tid\":4"));
        assert_string_equal(await(rig, FEED_TRADE_ROWS, read, 4)->raw, frame(rig, word, 3));
        assert_int_equal(rig->n_said, 1);
        drop(rig, read);
        settle(rig, 30);
        assert_int_equal(rig->n_said, 1);
        say_to(rig, 0, TRADES(TRADE), at + 5002, 5u);
        AWAIT(rig, FEED_FRAME, word, 4);
        assert_int_equal(count_told(rig, FEED_TRADE_ROWS, read), 4);
        drop(rig, word);
        await_said(rig, "unsubscribe trades BTC", 1);
}

/* What lies is told to both. */
static void test_a_gap_for_both(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = market_topic(FEED_TRADES, "BTC");
        struct feed_topic word;

        open_feed(rig);
        word = verbatim(rig, "{\"type\":\"trades\",\"coin\":\"BTC\"}");
        want(rig, read);
        want(rig, word);
        AWAIT(rig, FEED_LIVE, read, 1);
        AWAIT(rig, FEED_LIVE, word, 1);
        say_to(rig, 0, TRADES("{\"coin\":\"BTC\",\"px\":\"-1\"}"));
        AWAIT(rig, FEED_GAP, read, 1);
        AWAIT(rig, FEED_GAP, word, 1);
        assert_int_equal(count_told(rig, FEED_FRAME, word), 0);
        AWAIT(rig, FEED_LIVE, word, 2);
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        AWAIT(rig, FEED_GAP, read, 2);
        AWAIT(rig, FEED_GAP, word, 2);
        AWAIT(rig, FEED_LIVE, read, 3);
        AWAIT(rig, FEED_LIVE, word, 3);
        assert_int_equal(metric(rig, "perpgate_feed_refused_frames_total{kind=\"trades\"}"), 1);
}

/* Who comes later to a state is told the newest. */
static void test_comes_later(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = market_topic(FEED_BOOK, "BTC");
        struct feed_topic word;

        rig->has_books = true;
        open_feed(rig);
        word = verbatim(rig, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        want(rig, read);
        AWAIT(rig, FEED_LIVE, read, 1);
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 1);
        assert_string_equal(frame(rig, word, 1), await(rig, FEED_BOOK_WHOLE, read, 1)->raw);
        assert_true(await(rig, FEED_FRAME, word, 1)->is_snapshot);
        drop(rig, read);
        settle(rig, 30);
        want(rig, read);
        assert_string_equal(frame(rig, word, 1), await(rig, FEED_BOOK_WHOLE, read, 2)->raw);
        assert_int_equal(rig->n_said, 1);
}

/* What is read of a user begins with all there is: for that it is asked for anew. */
static void test_read_begins_whole(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = user_topic(FEED_USER_FILLS, 1);
        struct feed_topic word;

        open_feed(rig);
        word = verbatim(rig, "{\"type\":\"userFills\",\"user\":\"" USER1 "\"}");
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 1);
        assert_true(await(rig, FEED_FRAME, word, 1)->is_snapshot);
        want(rig, read);
        AWAIT(rig, FEED_GAP, word, 1);
        AWAIT(rig, FEED_LIVE, read, 1);
        assert_true(await(rig, FEED_FILL_ROWS, read, 1)->is_snapshot);
        AWAIT(rig, FEED_LIVE, word, 2);
        assert_int_equal(count_said(rig, "unsubscribe userFills 01"), 1);
        assert_int_equal(rig->max_subs, 1);
        assert_int_equal(rig->max_users, 1);
        /* The other way round nothing is asked for. */
        drop(rig, word);
        settle(rig, 30);
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 3);
        assert_int_equal(count_said(rig, "subscribe userFills 01"), 2);
}

/* ---- Told apart -------------------------------------------------------------------------------- */

#define BOOK(px)                                                                                   \
        "{\"coin\":\"BTC\",\"time\":1790357129742,\"levels\":[[{\"px\":\"" px                      \
        "\",\"sz\":\"1\",\"n\":1}],[]]}"

static struct feed_topic rounded(const struct rig *rig, unsigned figures)
{
        char json[FEED_DETAIL_MAX];

        (void)snprintf(json, sizeof(json), "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":%u}",
                       figures);
        return verbatim(rig, json);
}

static void test_books_of_one_coin(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = market_topic(FEED_BOOK, "BTC");
        struct feed_topic two, three, plain;
        unsigned peer[3];

        rig->limits.connections = 3;
        open_feed(rig);
        two = rounded(rig, 2);
        three = rounded(rig, 3);
        plain = verbatim(rig, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        want(rig, two);
        await_said(rig, "subscribe l2Book BTC", 1);
        want(rig, three);
        await_said(rig, "subscribe l2Book BTC", 2);
        /* One connection is left for the book as it is read. */
        assert_int_equal(try_want(rig, rounded(rig, 4)), E_LIMIT);
        want(rig, read);
        want(rig, plain);
        await_said(rig, "subscribe l2Book BTC", 3);
        for (unsigned i = 0; i < 3; i++)
                peer[i] = rig->said[i].peer;
        assert_true(peer[0] != peer[1] && peer[1] != peer[2] && peer[0] != peer[2]);
        for (unsigned i = 0; i < 3; i++)
                say_to(rig, peer[i], "{\"channel\":\"l2Book\",\"data\":%s}",
                       i == 0   ? BOOK("20")
                       : i == 1 ? BOOK("30")
                                : BOOK("50"));
        assert_string_equal(frame(rig, two, 1), BOOK("20"));
        assert_string_equal(frame(rig, three, 1), BOOK("30"));
        assert_string_equal(frame(rig, plain, 1), BOOK("50"));
        assert_string_equal(await(rig, FEED_BOOK_WHOLE, read, 1)->raw, BOOK("50"));
        /* A place that is given back is taken. */
        drop(rig, two);
        want(rig, rounded(rig, 4));
        AWAIT(rig, FEED_LIVE, three, 1);
        await_said(rig, "subscribe l2Book BTC", 4);
        assert_int_equal(rig->max_open, 3);
        assert_int_equal(count_told(rig, FEED_FRAME, two), 1);
}

static void test_told_apart_by_what_they_say(void **state)
{
        struct rig *rig = *state;
        struct feed_topic first, xyz, spot, web, fast;

        open_feed(rig);
        first = verbatim(rig, "{\"type\":\"allMids\"}");
        xyz = verbatim(rig, "{\"type\":\"allMids\",\"dex\":\"xyz\"}");
        spot = verbatim(rig, "{\"type\":\"activeAssetCtx\",\"coin\":\"@107\"}");
        web = verbatim(rig, "{\"type\":\"webData3\",\"user\":\"" USER1 "\"}");
        fast = verbatim(rig, "{\"type\":\"fastAssetCtxs\"}");
        want(rig, first);
        want(rig, xyz);
        want(rig, spot);
        want(rig, web);
        want(rig, fast);
        await_said(rig, "subscribe allMids", 1);
        await_said(rig, "subscribe allMids xyz", 1);
        await_said(rig, "subscribe activeAssetCtx @107", 1);
        await_said(rig, "subscribe webData3 01", 1);
        await_said(rig, "subscribe fastAssetCtxs", 1);
        assert_int_equal(rig->n_open, 1);
        say_to(rig, 0, "{\"channel\":\"allMids\",\"data\":{\"mids\":{\"BTC\":\"1\"}}}");
        say_to(rig, 0,
               "{\"data\":{\"mids\":{\"xyz:A\":\"2\"},\"dex\":\"xyz\"},\"channel\":\"allMids\"}");
        say_to(rig, 0, "{\"channel\":\"allMids\",\"data\":{\"mids\":{},\"dex\":\"abc\"}}");
        say_to(rig, 0,
               "{\"channel\":\"activeSpotAssetCtx\",\"data\":{\"coin\":\"@107\",\"ctx\":{\"a\":\"}"
               "\"}}}");
        say_to(rig, 0,
               "{\"channel\":\"webData3\",\"data\":{\"userState\":{\"user\":\"" USER1
               "\"},\"perpDexStates\":[]}}");
        say_to(rig, 0, "{\"channel\":\"fastAssetCtxs\",\"data\":\"q1Zy\\\"\"}");
        assert_string_equal(frame(rig, first, 1), "{\"mids\":{\"BTC\":\"1\"}}");
        assert_string_equal(frame(rig, xyz, 1), "{\"mids\":{\"xyz:A\":\"2\"},\"dex\":\"xyz\"}");
        assert_string_equal(frame(rig, spot, 1), "{\"coin\":\"@107\",\"ctx\":{\"a\":\"}\"}}");
        AWAIT(rig, FEED_LIVE, web, 1);
        assert_string_equal(frame(rig, fast, 1), "\"q1Zy\\\"\"");
        /* What is not what it says. */
        say_to(rig, 0, "{\"channel\":\"allMids\",\"data\":{\"mids\":null}}");
        AWAIT(rig, FEED_GAP, first, 1);
        assert_true(state_of(rig, xyz).is_live);
        say_to(rig, 0, "{\"channel\":\"fastAssetCtxs\",\"data\":{}}");
        AWAIT(rig, FEED_GAP, fast, 1);
        assert_int_equal(metric(rig, "perpgate_feed_refused_frames_total{kind=\"verbatim\"}"), 2);
}

/* Words that don't say whose they are. */
static void test_users_on_one_connection_each(void **state)
{
        struct rig *rig = *state;
        struct feed_topic read = user_topic(FEED_USER_EVENTS, 2);
        struct feed_topic one, two, orders;
        unsigned alone;

        rig->limits.connections = 2;
        open_feed(rig);
        one = verbatim(rig, "{\"type\":\"userEvents\",\"user\":\"" USER1 "\"}");
        two = verbatim(rig, "{\"type\":\"userEvents\",\"user\":\"" USER2 "\"}");
        orders = verbatim(rig, "{\"type\":\"orderUpdates\",\"user\":\"" USER1 "\"}");
        want(rig, read);
        AWAIT(rig, FEED_LIVE, read, 1);
        want(rig, one);
        AWAIT(rig, FEED_LIVE, one, 1);
        alone = peer_that_said(rig, "subscribe userEvents 01");
        assert_int_not_equal(alone, peer_that_said(rig, "subscribe userEvents 02"));
        assert_int_equal(try_want(rig, two), E_LIMIT);
        say_to(rig, alone, "{\"channel\":\"user\",\"data\":{\"fills\":[]}}");
        assert_string_equal(frame(rig, one, 1), "{\"fills\":[]}");
        /* Orders are read the same way: shared with who reads them. */
        want(rig, orders);
        AWAIT(rig, FEED_LIVE, orders, 1);
        want(rig, user_topic(FEED_USER_ORDERS, 1));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_ORDERS, 1), 1);
        say_to(rig, peer_that_said(rig, "subscribe orderUpdates 01"),
               "{\"channel\":\"orderUpdates\",\"data\":[]}");
        assert_string_equal(frame(rig, orders, 1), "[]");
        drop(rig, one);
        await_said(rig, "unsubscribe userEvents 01", 1);
        want(rig, two);
        AWAIT(rig, FEED_LIVE, two, 1);
}

/* ---- Room -------------------------------------------------------------------------------------- */

static void test_users_count(void **state)
{
        struct rig *rig = *state;
        struct feed_topic one;

        rig->limits.users = 2;
        open_feed(rig);
        one = verbatim(rig, "{\"type\":\"userFundings\",\"user\":\"" USER1 "\"}");
        want(rig, one);
        want(rig, user_topic(FEED_USER_FILLS, 2));
        assert_int_equal(feed_user_slots_left(rig->feed), 0);
        assert_int_equal(try_want(rig, user_topic(FEED_USER_FILLS, 3)), E_LIMIT);
        assert_int_equal(
                try_want(rig, verbatim(rig, "{\"type\":\"webData3\",\"user\":\"0x0000000000"
                                            "000000000000000000000000000003\"}")),
                E_LIMIT);
        want(rig, verbatim(rig, "{\"type\":\"webData3\",\"user\":\"" USER2 "\"}")); /* is counted */
        AWAIT(rig, FEED_LIVE, one, 1);
        drop(rig, one); /* its place is free at once, and taken when the venue has let go */
        want(rig, user_topic(FEED_USER_FILLS, 3));
        AWAIT(rig, FEED_LIVE, user_topic(FEED_USER_FILLS, 3), 1);
        assert_int_equal(rig->max_users, 2);
}

static void test_shared_takes_no_room(void **state)
{
        struct rig *rig = *state;
        struct feed_topic word;

        rig->limits.subscriptions = 2;
        open_feed(rig);
        want(rig, market_topic(FEED_TRADES, "BTC"));
        want(rig, market_topic(FEED_TRADES, "ETH"));
        AWAIT(rig, FEED_LIVE, market_topic(FEED_TRADES, "ETH"), 1);
        word = verbatim(rig, "{\"type\":\"trades\",\"coin\":\"ETH\"}");
        want(rig, word);
        AWAIT(rig, FEED_LIVE, word, 1);
        assert_int_equal(try_want(rig, verbatim(rig, "{\"type\":\"bbo\",\"coin\":\"ETH\"}")),
                         E_LIMIT);
        assert_int_equal(rig->max_subs, 2);
        assert_int_equal(count_told(rig, FEED_GAP, market_topic(FEED_TRADES, "BTC")), 0);
}

static void test_refused(void **state)
{
        struct rig *rig = *state;
        struct feed_topic word;

        rig->refused[0] = "NOPE";
        open_feed(rig);
        word = verbatim(rig, "{\"type\":\"l2Book\",\"coin\":\"NOPE\",\"fast\":true}");
        want(rig, word);
        AWAIT(rig, FEED_GAP, word, 1);
        assert_int_equal(state_of(rig, word).refusal, E_NOT_FOUND);
        settle(rig, 300);
        assert_int_equal(rig->n_said, 1);
}

/* The venue answers in its own words. */
static void test_answered_in_other_words(void **state)
{
        struct rig *rig = *state;
        struct feed_topic spot, book;

        rig->is_mute = true;
        open_feed(rig);
        spot = verbatim(rig, "{\"type\":\"spotState\",\"user\":\"" USER1
                             "\",\"isPortfolioMargin\":true}");
        book = verbatim(rig, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        want(rig, spot);
        want(rig, book);
        await_said(rig, "subscribe spotState 01", 1);
        await_said(rig, "subscribe l2Book BTC", 1);
        say_to(rig, 0,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"subscribe\","
               "\"subscription\":"
               "{\"type\":\"spotState\",\"user\":\"" USER1 "\",\"ignorePortfolioMargin\":true}}}");
        say_to(rig, 0,
               "{\"channel\":\"spotState\",\"data\":{\"user\":\"" USER1 "\",\"spotState\":{}}}");
        say_to(rig, 0,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"subscribe\","
               "\"subscription\":"
               "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":null,\"mantissa\":null,\"fast\":"
               "false}}}");
        say_to(rig, 0, "{\"channel\":\"l2Book\",\"data\":%s}", BOOK("1"));
        AWAIT(rig, FEED_LIVE, spot, 1);
        AWAIT(rig, FEED_LIVE, book, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_spelling),
                T(test_one_subscription_for_both),
                T(test_a_gap_for_both),
                T(test_comes_later),
                T(test_read_begins_whole),
                T(test_books_of_one_coin),
                T(test_told_apart_by_what_they_say),
                T(test_users_on_one_connection_each),
                T(test_users_count),
                T(test_shared_takes_no_room),
                T(test_refused),
                T(test_answered_in_other_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
