/* Books, best prices and candles as the feed tells them: what is old, what comes twice, what can't be true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_rig.h"

#define NOW           1790357129742LL
#define LEVEL(px, sz) "{\"px\":\"" px "\",\"sz\":\"" sz "\",\"n\":3}"
#define BOOK          "{\"coin\":\"BTC\",\"time\":%lld,\"levels\":[[%s],[%s]]}"
#define BIDS          LEVEL("100.5", "0.5") "," LEVEL("100", "2")
#define ASKS          LEVEL("101", "1")

static void say_book(struct rig *rig, unsigned peer, long long at, const char *bids,
                     const char *asks)
{
        say_to(rig, peer, "{\"channel\":\"l2Book\",\"data\":" BOOK "}", at, bids, asks);
}

static struct feed_topic begin_book(struct rig *rig)
{
        struct feed_topic btc = market_topic(FEED_BOOK, "BTC");

        open_feed(rig);
        want(rig, btc);
        await_said(rig, "subscribe l2Book BTC", 1);
        assert_false(state_of(rig, btc).is_live); /* an answer is not a book */
        say_book(rig, 0, NOW, BIDS, ASKS);
        AWAIT(rig, FEED_LIVE, btc, 1);
        return btc;
}

/* ---- Books ------------------------------------------------------------------------------------- */

static void test_book(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = begin_book(rig);
        const struct told *told = await(rig, FEED_BOOK_WHOLE, btc, 1);
        char expected[RAW_MAX];

        (void)snprintf(expected, sizeof(expected), BOOK, NOW, BIDS, ASKS);
        assert_string_equal(told->text, "BTC 2 1 100.5");
        assert_string_equal(told->raw, expected);
        assert_true(told->is_snapshot);
        say_book(rig, 0, NOW + 500, "", ASKS); /* nobody bids: that is a book as well */
        told = await(rig, FEED_BOOK_WHOLE, btc, 2);
        assert_string_equal(told->text, "BTC 0 1 0");
        assert_false(told->is_snapshot);
        assert_int_equal(metric(rig, "perpgate_feed_topics_live{kind=\"book\"}"), 1);
}

/* Order within a connection follows the venue's time; what comes late or twice is passed over. */
static void test_older_books(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = begin_book(rig);

        say_book(rig, 0, NOW - 1, LEVEL("90", "1"), ASKS);
        say_book(rig, 0, NOW, BIDS, ASKS);
        say_book(rig, 0, NOW, BIDS, LEVEL("102", "1")); /* of the same time, and different: told */
        assert_string_equal(await(rig, FEED_BOOK_WHOLE, btc, 2)->text, "BTC 2 1 100.5");
        assert_int_equal(count_told(rig, FEED_BOOK_WHOLE, btc), 2);
        assert_int_equal(count_told(rig, FEED_GAP, btc), 0);
        /* After a loss as well; it is heard, and so the topic is live. */
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        await_said(rig, "subscribe l2Book BTC", 2);
        say_book(rig, 1, NOW - 1000, LEVEL("90", "1"), ASKS);
        AWAIT(rig, FEED_LIVE, btc, 2);
        assert_int_equal(count_told(rig, FEED_BOOK_WHOLE, btc), 2);
        /* The venue's clock was set back: its books are not lost for ever. */
        say_book(rig, 1, NOW - 3600000, LEVEL("91", "1"), ASKS);
        assert_string_equal(await(rig, FEED_BOOK_WHOLE, btc, 3)->text, "BTC 1 1 91");
}

#define MANY "1000000000000000000000000000000"

static void test_books_that_lie(void **state)
{
        static const char *const lies[][2] = {
                {LEVEL("101", "1"), LEVEL("101", "1")},         /* bid and ask meet */
                {LEVEL("105", "1"), LEVEL("101", "1")},         /* they cross */
                {LEVEL("99", "1") "," LEVEL("100", "1"), ASKS}, /* not the best first */
                {BIDS, LEVEL("103", "1") "," LEVEL("102", "1")},
                {LEVEL("99", "1") "," LEVEL("99", "1"), ASKS}, /* one price twice */
                {LEVEL("99", "-1"), ASKS},
                {LEVEL("99", "0"), ASKS},
                {LEVEL("-99", "1"), ASKS},
                {LEVEL("NaN", "1"), ASKS},
                {LEVEL(MANY, "1"), ASKS},
                {"{\"px\":99,\"sz\":1,\"n\":1}", ASKS},
                {"{\"px\":\"99\"}", ASKS},
                {"7", ASKS},
        };
        struct rig *rig = *state;
        struct feed_topic btc, eth = market_topic(FEED_TRADES, "ETH");
        unsigned n = sizeof(lies) / sizeof(lies[0]);

        for (unsigned i = 0; i < n; i++) {
                rig->n_told = rig->n_said = 0;
                rig->n_peers = rig->n_open = 0;
                btc = begin_book(rig);
                want(rig, eth);
                AWAIT(rig, FEED_LIVE, eth, 1);
                say_book(rig, 0, NOW + 1000, lies[i][0], lies[i][1]);
                AWAIT(rig, FEED_GAP, btc, 1);
                assert_int_equal(count_told(rig, FEED_BOOK_WHOLE, btc), 1);
                assert_true(state_of(rig, eth).is_live);
                assert_int_equal(metric(rig, "perpgate_feed_refused_frames_total{kind=\"book\"}"),
                                 1);
                if (i == 0) { /* the truth comes again */
                        await_said(rig, "unsubscribe l2Book BTC", 1);
                        await_said(rig, "subscribe l2Book BTC", 2);
                        say_book(rig, 0, NOW + 2000, BIDS, ASKS);
                        AWAIT(rig, FEED_LIVE, btc, 2);
                        assert_int_equal(rig->n_peers, 1);
                }
                feed_close(rig->feed);
                rig->feed = NULL;
                while (rig->n_open > 0) /* bounded by ctest */
                        loop_turn(rig->loop, 20);
        }
}

static void test_rubbish_data(void **state)
{
        static const char *const data[] = {
                "{\"coin\":\"BTC\"}",
                "{\"coin\":\"BTC\",\"time\":\"now\",\"levels\":[[],[]]}",
                "{\"coin\":\"BTC\",\"time\":1790357129743,\"levels\":[[]]}",
                "{\"coin\":\"BTC\",\"time\":1790357129743,\"levels\":{}}",
                "{\"coin\":\"BTC\",\"time\":-5,\"levels\":[[],[]]}",
                "{\"coin\":\"BTC\",\"time\":9223372036854775807,\"levels\":[[],[]]}",
        };
        static const char *const ignored[] = {
                "7", "null", "[]", "{\"coin\":7}", "{\"coin\":\"DOGE\",\"time\":1}", "\"BTC\"",
        };
        struct rig *rig = *state;
        struct feed_topic btc = begin_book(rig);
        long long before;

        for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
                say_to(rig, 0, "{\"channel\":\"l2Book\",\"data\":%s}", ignored[i]);
        say_book(rig, 0, NOW + 1, "", ASKS);
        AWAIT(rig, FEED_BOOK_WHOLE, btc, 2);
        assert_int_equal(count_told(rig, FEED_GAP, btc), 0);
        assert_int_equal(metric(rig, "perpgate_feed_ignored_frames_total{reason=\"notOurs\"}"), 6);
        before = metric(rig, "perpgate_feed_messages_total");
        /* All at once: told once, and asked anew once. */
        for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
                say_to(rig, 0, "{\"channel\":\"l2Book\",\"data\":%s}", data[i]);
        AWAIT(rig, FEED_GAP, btc, 1);
        await_said(rig, "subscribe l2Book BTC", 2);
        assert_int_equal(count_told(rig, FEED_GAP, btc), 1);
        assert_int_equal(metric(rig, "perpgate_feed_messages_total"), before + 2);
}

/* ---- Silence ----------------------------------------------------------------------------------- */

static void test_silent_book(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc, eth = market_topic(FEED_TRADES, "ETH");
        const struct told *gap;
        int64_t live_since, until;

        rig->limits.silent_ms[FEED_BOOK] = 500;
        btc = begin_book(rig);
        live_since = state_of(rig, btc).live_since;
        want(rig, eth);
        gap = await(rig, FEED_GAP, btc, 1);
        assert_non_null(gap);
        assert_true(gap->since >= live_since);
        await_said(rig, "unsubscribe l2Book BTC", 1);
        assert_int_equal(count_told(rig, FEED_GAP, eth), 0);
        await_said(rig, "subscribe l2Book BTC", 2);
        until = now_ms(rig) + WAIT_MS;
        while (count_told(rig, FEED_LIVE, btc) < 2 && now_ms(rig) < until) {
                for (unsigned i = 0; i < rig->n_peers; i++)
                        if (rig->is_open[i])
                                say_book(rig, i, NOW + 5000, BIDS, ASKS);
                loop_turn(rig->loop, 20);
        }
        AWAIT(rig, FEED_LIVE, btc, 2);
}

static void test_may_be_silent(void **state)
{
        struct rig *rig = *state;
        struct feed_topic candles = candle_topic("BTC", "15m");

        rig->limits.answer_ms = 100;
        open_feed(rig);
        want(rig, candles);
        AWAIT(rig, FEED_LIVE, candles, 1); /* it may have none yet */
        settle(rig, 600);
        assert_int_equal(rig->n_said, 1);
        assert_int_equal(count_told(rig, FEED_GAP, candles), 0);
}

/* ---- Best prices ------------------------------------------------------------------------------- */

#define BBO "{\"channel\":\"bbo\",\"data\":{\"coin\":\"BTC\",\"time\":%lld,\"bbo\":[%s,%s]}}"

static void test_bbo(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc = market_topic(FEED_BBO, "BTC");

        open_feed(rig);
        want(rig, btc);
        await_said(rig, "subscribe bbo BTC", 1);
        say_to(rig, 0, BBO, NOW, LEVEL("100.5", "1"), LEVEL("101", "1"));
        AWAIT(rig, FEED_LIVE, btc, 1);
        assert_string_equal(await(rig, FEED_BBO_ROW, btc, 1)->text, "BTC 1 1 100.5");
        say_to(rig, 0, BBO, NOW + 1, "null", LEVEL("101", "1"));
        assert_string_equal(await(rig, FEED_BBO_ROW, btc, 2)->text, "BTC 0 1 0");
        say_to(rig, 0, BBO, NOW, LEVEL("99", "1"), LEVEL("101", "1")); /* late */
        say_to(rig, 0, BBO, NOW + 2, "null", "null");
        assert_string_equal(await(rig, FEED_BBO_ROW, btc, 3)->text, "BTC 0 0 0");
        say_to(rig, 0, BBO, NOW + 3, LEVEL("102", "1"), LEVEL("101", "1"));
        AWAIT(rig, FEED_GAP, btc, 1);
        assert_int_equal(metric(rig, "perpgate_feed_refused_frames_total{kind=\"bbo\"}"), 1);
        await_said(rig, "subscribe bbo BTC", 2);
        say_to(rig, 0,
               "{\"channel\":\"bbo\",\"data\":{\"coin\":\"BTC\",\"time\":1,\"bbo\":[null]}}");
        AWAIT(rig, FEED_GAP, btc, 1);
        await_said(rig, "subscribe bbo BTC", 3);
        say_to(rig, 0, BBO, NOW + 4, "null", "null");
        AWAIT(rig, FEED_LIVE, btc, 2);
        assert_int_equal(metric(rig, "perpgate_feed_refused_frames_total{kind=\"bbo\"}"), 2);
}

/* ---- Candles ----------------------------------------------------------------------------------- */

#define CANDLE                                                                                     \
        "{\"t\":%lld,\"T\":%lld,\"s\":\"BTC\",\"i\":\"15m\",\"o\":\"100\",\"c\":\"%s\","           \
        "\"h\":\"110\",\"l\":\"90\",\"v\":\"1.5\",\"n\":%u}"
#define T0   1790357400000LL
#define STEP 900000LL

static void say_candle(struct rig *rig, unsigned peer, long long at, const char *close, unsigned n)
{
        say_to(rig, peer, "{\"channel\":\"candle\",\"data\":" CANDLE "}", at, at + STEP - 1, close,
               n);
}

static void expect_candle(struct rig *rig, struct feed_topic topic, unsigned nth, long long at,
                          const char *close)
{
        char text[TEXT_MAX];
        const struct told *told = await(rig, FEED_CANDLE_ROW, topic, nth);

        (void)snprintf(text, sizeof(text), "%lld %s", at, close);
        assert_non_null(told);
        assert_string_equal(told->text, text);
}

static void test_candles(void **state)
{
        struct rig *rig = *state;
        struct feed_topic topic = candle_topic("BTC", "15m");

        open_feed(rig);
        want(rig, topic);
        await_said(rig, "subscribe candle BTC", 1);
        AWAIT(rig, FEED_LIVE, topic, 1);
        say_candle(rig, 0, T0, "100", 5);
        expect_candle(rig, topic, 1, T0, "100");
        say_candle(rig, 0, T0, "100", 5); /* twice */
        say_candle(rig, 0, T0, "101", 4); /* late: it has fewer trades */
        say_candle(rig, 0, T0, "102", 6);
        expect_candle(rig, topic, 2, T0, "102");
        say_candle(rig, 0, T0 + STEP, "103", 1);
        expect_candle(rig, topic, 3, T0 + STEP, "103");
        say_candle(rig, 0, T0, "104", 9); /* the last word on the one before */
        expect_candle(rig, topic, 4, T0, "104");
        say_candle(rig, 0, T0 - STEP, "105", 9); /* long over */
        say_candle(rig, 0, T0, "104", 9);
        /* After a loss the venue begins with what is known; of another interval it is none of ours. */
        httpd_ws_close(rig->httpd, rig->peer[0], 1011, "");
        AWAIT(rig, FEED_LIVE, topic, 2);
        say_candle(rig, 1, T0 + STEP, "103", 1);
        say_to(rig, 1, "{\"channel\":\"candle\",\"data\":{\"t\":1,\"s\":\"BTC\",\"i\":\"1h\"}}");
        say_to(rig, 1, "{\"channel\":\"candle\",\"data\":[" CANDLE "," CANDLE "]}", T0 + STEP,
               T0 + 2 * STEP - 1, "106", 2u, T0 + 2 * STEP, T0 + 3 * STEP - 1, "107", 1u);
        expect_candle(rig, topic, 5, T0 + STEP, "106");
        expect_candle(rig, topic, 6, T0 + 2 * STEP, "107");
        assert_int_equal(count_told(rig, FEED_CANDLE_ROW, topic), 6);
}

static void test_candles_that_lie(void **state)
{
        static const char *const lies[] = {
                "\"t\":5,\"T\":4,\"o\":\"1\",\"c\":\"1\",\"h\":\"1\",\"l\":\"1\",\"v\":\"1\",\"n\":"
                "1",
                "\"t\":5,\"T\":9,\"o\":\"2\",\"c\":\"1\",\"h\":\"1\",\"l\":\"1\",\"v\":\"1\",\"n\":"
                "1",
                "\"t\":5,\"T\":9,\"o\":\"1\",\"c\":\"1\",\"h\":\"1\",\"l\":\"2\",\"v\":\"1\",\"n\":"
                "1",
                "\"t\":5,\"T\":9,\"o\":\"1\",\"c\":\"1\",\"h\":\"1\",\"l\":\"1\",\"v\":\"-1\","
                "\"n\":1",
                "\"t\":5,\"T\":9,\"o\":\"1\",\"c\":\"1\",\"h\":\"1\",\"l\":\"0\",\"v\":\"1\",\"n\":"
                "1",
                "\"t\":5,\"T\":9,\"o\":1,\"c\":1,\"h\":1,\"l\":1,\"v\":1,\"n\":1",
        };
        struct feed_topic topic = candle_topic("BTC", "15m");

        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                struct rig *rig;

                assert_int_equal(teardown(state), 0);
                assert_int_equal(setup(state), 0);
                rig = *state;
                open_feed(rig);
                want(rig, topic);
                AWAIT(rig, FEED_LIVE, topic, 1);
                say_to(rig, 0, "{\"channel\":\"candle\",\"data\":{\"s\":\"BTC\",\"i\":\"15m\",%s}}",
                       lies[i]);
                AWAIT(rig, FEED_GAP, topic, 1);
                assert_int_equal(count_told(rig, FEED_CANDLE_ROW, topic), 0);
        }
}

static void test_what_they_must_name(void **state)
{
        struct rig *rig = *state;
        struct feed_topic book = market_topic(FEED_BOOK, "BTC");

        open_feed(rig);
        assert_int_equal(try_want(rig, candle_topic("BTC", "")), E_INVALID);
        assert_int_equal(try_want(rig, candle_topic("BTC", "7m")), E_INVALID);
        assert_int_equal(try_want(rig, candle_topic("", "1m")), E_INVALID);
        (void)text_copy(book.detail, sizeof(book.detail), "1m");
        assert_int_equal(try_want(rig, book), E_INVALID);
        assert_int_equal(try_want(rig, market_topic(FEED_BBO, "")), E_INVALID);
        assert_int_equal(try_want(rig, candle_topic("BTC", "1M")), E_OK);
}

/* ---- Those who come and go --------------------------------------------------------------------- */

static void test_comes_and_goes(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc;
        const struct told *again;

        rig->limits.linger_ms = 60000;
        btc = begin_book(rig);
        for (unsigned i = 0; i < 200; i++) {
                drop(rig, btc);
                assert_false(state_of(rig, btc).is_wanted);
                if (i % 3 == 0)
                        loop_turn(rig->loop, 1);
                want(rig, btc);
        }
        /* Live again, and told what it is. */
        again = await(rig, FEED_BOOK_WHOLE, btc, 2);
        assert_non_null(again);
        assert_true(again->is_snapshot);
        assert_string_equal(again->text, "BTC 2 1 100.5");
        assert_true(state_of(rig, btc).is_live);
        assert_int_equal(rig->n_said, 1);
        assert_int_equal(metric(rig, "perpgate_feed_messages_total"), 1);
        /* What came while nobody listened is not told, but is the newest. */
        drop(rig, btc);
        say_book(rig, 0, NOW + 1000, LEVEL("95", "1"), ASKS);
        await_said(rig, "subscribe l2Book BTC", 1);
        settle(rig, 30);
        rig->n_told = 0;
        want(rig, btc);
        assert_string_equal(await(rig, FEED_BOOK_WHOLE, btc, 1)->text, "BTC 1 1 95");
        /* A second one is told as well. */
        rig->n_told = 0;
        want(rig, btc);
        assert_string_equal(await(rig, FEED_BOOK_WHOLE, btc, 1)->text, "BTC 1 1 95");
        assert_int_equal(rig->n_said, 1);
}

static void test_lingers_not_for_ever(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc;

        rig->limits.linger_ms = 100;
        btc = begin_book(rig);
        drop(rig, btc);
        await_said(rig, "unsubscribe l2Book BTC", 1);
        while (rig->n_open > 0) /* bounded by ctest */
                loop_turn(rig->loop, 20);
}

/* What lingers makes room. */
static void test_lingering_gives_way(void **state)
{
        struct rig *rig = *state;
        struct feed_topic btc, eth = market_topic(FEED_BOOK, "ETH");

        rig->limits.linger_ms = 600000;
        rig->limits.subscriptions = 1;
        btc = begin_book(rig);
        assert_int_equal(try_want(rig, eth), E_LIMIT);
        drop(rig, btc);
        want(rig, eth);
        await_said(rig, "unsubscribe l2Book BTC", 1);
        await_said(rig, "subscribe l2Book ETH", 1);
        assert_int_equal(rig->max_subs, 1);
        assert_int_equal(try_want(rig, btc), E_LIMIT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_book),
                T(test_older_books),
                T(test_books_that_lie),
                T(test_rubbish_data),
                T(test_silent_book),
                T(test_may_be_silent),
                T(test_bbo),
                T(test_candles),
                T(test_candles_that_lie),
                T(test_what_they_must_name),
                T(test_comes_and_goes),
                T(test_lingers_not_for_ever),
                T(test_lingering_gives_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
