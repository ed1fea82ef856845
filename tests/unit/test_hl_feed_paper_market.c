/* What others watch, against the paper venue on the same loop: books, best prices, candles, words; and a venue
 * that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_paper_rig.h"

static void want_word(struct rig *rig, const char *json)
{
        struct feed_topic topic;

        assert_int_equal(feed_verbatim(rig->feed, &topic, json, strlen(json)), E_OK);
        assert_int_equal(feed_want(rig->feed, &topic), E_OK);
}

static struct feed_topic of_btc(enum feed_kind kind)
{
        struct feed_topic topic = {.kind = kind, .symbol = "BTC"};

        if (kind == FEED_CANDLES)
                (void)text_copy(topic.detail, sizeof(topic.detail), "1m");
        return topic;
}

static void want_of_btc(struct rig *rig, enum feed_kind kind)
{
        struct feed_topic topic = of_btc(kind);

        assert_int_equal(feed_want(rig->feed, &topic), E_OK);
}

static void await_btc(struct rig *rig, enum feed_kind kind, bool is_live)
{
        struct feed_topic topic = of_btc(kind);
        int64_t until = now_ms(rig) + WAIT_MS;
        struct feed_topic_state state;

        do {
                loop_turn(rig->f.loop, 5);
                feed_topic_state(rig->feed, &topic, &state);
        } while (state.is_live != is_live && now_ms(rig) < until);
        assert_int_equal(state.is_live, is_live);
}

static void test_what_others_watch(void **state)
{
        static const char *const words[] = {
                "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":3}",
                "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"fast\":true}",
                "{\"type\":\"l2Book\",\"coin\":\"BTC\"}",
                "{\"type\":\"allMids\"}",
                "{\"type\":\"allMids\",\"dex\":\"xyz\"}",
                "{\"type\":\"activeAssetCtx\",\"coin\":\"BTC\"}",
                "{\"type\":\"allDexsAssetCtxs\"}",
                "{\"type\":\"fastAssetCtxs\"}",
                "{\"type\":\"bbo\",\"coin\":\"ETH\"}",
        };
        struct rig *rig = *state;
        size_t n_words = sizeof(words) / sizeof(words[0]);

        open_all(rig, NULL);
        want_of_btc(rig, FEED_BOOK);
        want_of_btc(rig, FEED_BBO);
        want_of_btc(rig, FEED_CANDLES);
        await_btc(rig, FEED_BOOK, true);
        await_btc(rig, FEED_BBO, true);
        await_btc(rig, FEED_CANDLES, true);
        rig->n_seen = rig->n_told;
        for (size_t i = 0; i < n_words; i++)
                want_word(rig, words[i]);
        for (size_t i = 0; i < n_words; i++)
                (void)next(rig, FEED_LIVE, FEED_VERBATIM);
        rig->n_seen = rig->n_told;
        paper_fixture_price(&rig->f, "BTC", "60500");
        assert_false(next(rig, FEED_BBO_ROW, FEED_BBO)->is_snapshot);
        (void)next(rig, FEED_BOOK_WHOLE, FEED_BOOK);
        buy(rig, "61000", "Ioc", "0.1");
        (void)next(rig, FEED_CANDLE_ROW, FEED_CANDLES);
        await_all(rig, true);
}

/* It lies, is cut off in the middle of a word, or accepts and says nothing: each is told, and ends. */
static void test_a_venue_that_lies(void **state)
{
        struct rig *rig = *state;
        struct feed_limits limits = {.answer_ms = 1000};

        open_all(rig, &limits);
        want_of_btc(rig, FEED_BOOK);
        want_of_btc(rig, FEED_BBO);
        await_btc(rig, FEED_BOOK, true);
        await_btc(rig, FEED_BBO, true);
        rig->n_seen = rig->n_told;
        fault(rig, "crossedBook", 2);
        paper_fixture_price(&rig->f, "BTC", "60500");
        (void)next(rig, FEED_GAP, FEED_BBO);
        rig->n_seen = 0;
        (void)next(rig, FEED_GAP, FEED_BOOK);
        assert_true(is_live(rig, FEED_TRADES));
        await_btc(rig, FEED_BOOK, true);
        await_btc(rig, FEED_BBO, true);
        rig->n_seen = rig->n_told;
        fault(rig, "rubbish", 1);
        paper_fixture_price(&rig->f, "BTC", "60600");
        (void)next(rig, FEED_GAP, FEED_TRADES);
        await_all(rig, true);
        await_btc(rig, FEED_BOOK, true);
        rig->n_seen = rig->n_told;
        fault(rig, "halfOpen", 1);
        fault(rig, "closeSocket", 10);
        (void)next(rig, FEED_GAP, FEED_TRADES);
        await_all(rig, true);
        await_btc(rig, FEED_BOOK, true);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_others_watch, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_venue_that_lies, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
