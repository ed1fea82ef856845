/* The paper venue on a recording, and the recorder. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/paper/record.h"
#include "paper_source_rig.h"

#define T0 "1700000000000"
#define HEAD                                                                                       \
        "{\"format\":\"perpgate-recording\",\"version\":1,\"source\":\"test\","                    \
        "\"recordedAt\":" T0 "}\n"
#define PRICE(at, coin, mark, oracle)                                                              \
        "{\"type\":\"price\",\"at\":" at ",\"coin\":\"" coin "\",\"mark\":\"" mark                 \
        "\",\"oracle\":\"" oracle "\"}\n"
#define BOOK(at, coin, bids, asks)                                                                 \
        "{\"type\":\"book\",\"at\":" at ",\"coin\":\"" coin "\",\"bids\":[" bids                   \
        "],\"asks\":[" asks "]}\n"
#define LEVEL(px, sz) "[\"" px "\",\"" sz "\",1]"
#define TRADE(at, coin, side, px, sz)                                                              \
        "{\"type\":\"trade\",\"at\":" at ",\"coin\":\"" coin "\",\"side\":\"" side                 \
        "\",\"price\":\"" px "\",\"size\":\"" sz "\"}\n"

static void write_recording(struct rig *rig, const char *text)
{
        FILE *stream = fopen(rig->file, "w");

        assert_non_null(stream);
        assert_true(fputs(text, stream) >= 0);
        assert_int_equal(fclose(stream), 0);
}

static void replay(struct rig *rig, const char *text, unsigned speed)
{
        write_recording(rig, text);
        rig->options.replay_file = rig->file;
        rig->options.speed = speed;
        paper_fixture_open(&rig->f, &rig->options);
        rig->alice = paper_fixture_wallet(&rig->f, 1);
        paper_fixture_faucet(&rig->f, &rig->alice, "100000");
}

/* ---- Replay -------------------------------------------------------------------------------- */

static void test_recorded_book_is_traded(void **state)
{
        struct rig *rig = *state;
        json_t *answer, *state_of;

        replay(rig,
               HEAD PRICE(T0, "BTC", "60005", "60000.5")
                       BOOK(T0, "BTC", LEVEL("60000", "0.5") "," LEVEL("59990", "1"),
                            LEVEL("60010", "0.1") "," LEVEL("60020", "0.3")),
               1);
        wait_best(rig, "BTC", 1, "60010.0");
        answer = book(rig, "BTC");
        assert_string_equal(paper_fixture_text(answer, "levels.0.0.px"), "60000.0");
        assert_string_equal(paper_fixture_text(answer, "levels.0.1.sz"), "1.0");
        assert_int_equal(json_array_size(paper_fixture_at(answer, "levels.1")), 2);
        json_decref(answer);
        answer = paper_fixture_info(&rig->f, "{\"type\":\"metaAndAssetCtxs\"}");
        assert_string_equal(paper_fixture_text(answer, "1.0.markPx"), "60005.0");
        assert_string_equal(paper_fixture_text(answer, "1.0.oraclePx"), "60000.5");
        json_decref(answer);
        answer = order(rig, true, "60020", "0.2", "Ioc");
        assert_string_equal(paper_fixture_text(answer, "response.data.statuses.0.filled.avgPx"),
                            "60015.0");
        json_decref(answer);
        state_of = paper_fixture_info(&rig->f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}",
                                      rig->alice.hex);
        assert_string_equal(paper_fixture_text(state_of, "assetPositions.0.position.szi"), "0.2");
        json_decref(state_of);
        expect_status(rig, "No price feed: ETH");
        expect_status(rig, "The recording is over");
        paper_fixture_close(&rig->f);
}

/* Twenty seconds apart, a thousand times as fast; then by the clock that is moved by hand. */
static void test_speed_and_clock(void **state)
{
        struct rig *rig = *state;

        replay(rig,
               HEAD BOOK(T0, "BTC", LEVEL("100", "5"), LEVEL("101", "5"))
                       BOOK("1700000020000", "BTC", LEVEL("102", "5"), LEVEL("103", "5")) BOOK(
                               "1700003620000", "BTC", LEVEL("110", "5"), LEVEL("111", "5"))
                               BOOK("1701003620000", "BTC", LEVEL("200", "5"), LEVEL("201", "5")),
               1000);
        wait_best(rig, "BTC", 0, "102.0");
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":4000}"));
        wait_best(rig, "BTC", 0, "110.0"); /* an hour is 3.6 seconds */
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":990000}"));
        wait_best(rig, "BTC", 0, "110.0"); /* not yet */
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":20000}"));
        wait_best(rig, "BTC", 0, "200.0");
        paper_fixture_close(&rig->f);
}

/* Sixty seconds of books and trades, the same in every run. */
static void make_busy(struct buf *out)
{
        uint64_t random = 42;

        buf_init(out, 1u << 20);
        buf_puts(out, HEAD);
        for (int64_t at = INT64_C(1700000000000); at < INT64_C(1700000060000); at += 400) {
                unsigned r;

                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                r = (unsigned)(random >> 40);
                if (r % 5 == 0)
                        buf_printf(out,
                                   "{\"type\":\"book\",\"at\":%" PRId64
                                   ",\"coin\":\"BTC\",\"bids\":"
                                   "[[\"%u\",\"0.%u\",1],[\"59000\",\"2\",1]],\"asks\":[[\"60010\","
                                   "\"0.%u\",1],[\"60020\",\"1\",2]]}\n",
                                   at, 60000 + r % 7, 2 + r % 8, 3 + r % 6);
                else
                        buf_printf(out,
                                   "{\"type\":\"trade\",\"at\":%" PRId64
                                   ",\"coin\":\"BTC\",\"side\":"
                                   "\"%s\",\"price\":\"%s\",\"size\":\"0.%u\"}\n",
                                   at, r % 2 ? "B" : "A", r % 2 ? "60020" : "59000", 1 + r % 9);
        }
        /* not reached: what is over is made whole again */
        buf_puts(out, "{\"type\":\"gap\",\"at\":1800000000000}\n");
}

/* Trades without ids and times, and the book. */
static char *market_text(struct rig *rig)
{
        json_t *trades =
                paper_fixture_info(&rig->f, "{\"type\":\"recentTrades\",\"coin\":\"BTC\"}");
        json_t *levels = book(rig, "BTC");
        struct buf out;

        buf_init(&out, 1u << 20);
        for (size_t i = 0; i < json_array_size(trades); i++) {
                const json_t *trade = json_array_get(trades, i);

                buf_printf(&out, "%s %s %s\n", paper_fixture_text(trade, "side"),
                           paper_fixture_text(trade, "px"), paper_fixture_text(trade, "sz"));
        }
        for (int side = 0; side < 2; side++)
                for (size_t i = 0; i < 2; i++) {
                        char path[32];

                        (void)snprintf(path, sizeof(path), "levels.%d.%zu.sz", side, i);
                        buf_printf(&out, "%s ", paper_fixture_text(levels, path));
                }
        json_decref(trades);
        json_decref(levels);
        buf_putc(&out, '\0');
        return (char *)buf_take(&out, NULL);
}

/* The same recording makes the same market, whether its minute passes at once or in steps, and however
 * often the venue looks after itself meanwhile. */
static void test_same_again(void **state)
{
        static const int steps[] = {1, 15, 60};
        struct rig *rig = *state;
        char *market[3];
        struct buf text;

        make_busy(&text);
        for (size_t k = 0; k < 3; k++) {
                replay(rig, buf_cstr(&text), 1);
                for (int i = 0; i < steps[k]; i++) {
                        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200,
                                                       "{\"advanceMs\":%d}", 61000 / steps[k]));
                        loop_turn(rig->f.loop, 50);
                }
                market[k] = market_text(rig);
                paper_fixture_close(&rig->f);
        }
        assert_true(strlen(market[0]) > 300);
        assert_string_equal(market[0], market[1]);
        assert_string_equal(market[0], market[2]);
        for (size_t k = 0; k < 3; k++)
                free(market[k]);
        buf_fini(&text);
}

/* A recorded trade takes a trader's better order before the recorded levels. */
static void test_recorded_trade_fills(void **state)
{
        struct rig *rig = *state;
        json_t *fills, *trades;

        replay(rig,
               HEAD PRICE(T0, "BTC", "60000", "60000")
                       BOOK(T0, "BTC", LEVEL("60000", "0.5"), LEVEL("60010", "0.5"))
                               TRADE("1700000060000", "BTC", "A", "60000", "0.3"),
               1);
        wait_best(rig, "BTC", 0, "60000.0");
        json_decref(order(rig, true, "60005", "0.1", "Alo"));
        wait_best(rig, "BTC", 0, "60005.0");
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":61000}"));
        wait_best(rig, "BTC", 0, "60000.0");
        fills = paper_fixture_info(&rig->f, "{\"type\":\"userFills\",\"user\":\"%s\"}",
                                   rig->alice.hex);
        assert_int_equal(json_array_size(fills), 1);
        assert_string_equal(paper_fixture_text(fills, "0.px"), "60005.0");
        assert_string_equal(paper_fixture_text(fills, "0.sz"), "0.1");
        json_decref(fills);
        trades = paper_fixture_info(&rig->f, "{\"type\":\"recentTrades\",\"coin\":\"BTC\"}");
        assert_int_equal(json_array_size(trades), 2);
        assert_string_equal(paper_fixture_text(trades, "0.px"), "60000.0");
        assert_string_equal(paper_fixture_text(trades, "0.sz"), "0.2");
        json_decref(trades);
        paper_fixture_close(&rig->f);
}

static void test_gap_and_held(void **state)
{
        struct rig *rig = *state;

        replay(rig,
               HEAD BOOK(T0, "BTC", LEVEL("60000", "1"), LEVEL("60010", "1")) BOOK(
                       T0, "ETH", LEVEL("3000", "1"),
                       LEVEL("3001",
                             "1")) "{\"type\":\"gap\",\"at\":1700000060000}\n" BOOK("1700000120000",
                                                                                    "BTC",
                                                                                    LEVEL("61000",
                                                                                          "1"),
                                                                                    LEVEL("61010",
                                                                                          "1"))
                       BOOK("1700000120000", "NOSUCH", LEVEL("1", "1"), LEVEL("2", "1")),
               1);
        wait_best(rig, "BTC", 0, "60000.0");
        wait_best(rig, "ETH", 0, "3000.0");
        paper_fixture_price(&rig->f, "ETH", "2500"); /* by hand: left alone from here on */
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":61000}"));
        wait_best(rig, "BTC", 0, "");
        wait_best(rig, "ETH", 0, "2499.9");
        expect_status(rig, "No price feed: BTC");
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":61000}"));
        wait_best(rig, "BTC", 0, "61000.0");
        wait_best(rig, "ETH", 0, "2499.9");
        paper_fixture_close(&rig->f);
}

/* Levels that this venue could not have are left out or cut to its steps. */
static void test_other_steps(void **state)
{
        struct rig *rig = *state;
        json_t *levels;

        replay(rig,
               HEAD BOOK(T0, "BTC", LEVEL("60000.12345", "0.500009") "," LEVEL("59000", "0.000001"),
                         LEVEL("60010.5", "1")),
               1);
        wait_best(rig, "BTC", 0, "60000.0");
        levels = book(rig, "BTC");
        assert_int_equal(json_array_size(paper_fixture_at(levels, "levels.0")), 1);
        assert_string_equal(paper_fixture_text(levels, "levels.0.0.sz"), "0.5");
        assert_string_equal(paper_fixture_text(levels, "levels.1.0.px"), "60011.0");
        json_decref(levels);
        paper_fixture_close(&rig->f);
}

static void test_refused(void **state)
{
        struct rig *rig = *state;
        struct loop *loop = loop_new();
        struct httpd *httpd = httpd_new(loop);
        struct err err = {.code = E_OK};

        rig->options.replay_file = rig->file;
        assert_null(paper_open(loop, httpd, &rig->options, &err));
        assert_non_null(strstr(err.detail, "can't be opened"));
        write_recording(rig, HEAD "{\"type\":\"gap\",\"at\":1}\nrubbish\n");
        memset(&err, 0, sizeof(err));
        assert_null(paper_open(loop, httpd, &rig->options, &err));
        assert_non_null(strstr(err.detail, "recording:3: the line is not one JSON object"));
        rig->options.replay_file = NULL;
        rig->options.live_url = "http://127.0.0.1/ws";
        memset(&err, 0, sizeof(err));
        assert_null(paper_open(loop, httpd, &rig->options, &err));
        assert_non_null(strstr(err.detail, "ws://"));
        httpd_free(httpd);
        loop_free(loop);
}

/* ---- Recording ----------------------------------------------------------------------------- */

static void test_recorded_is_replayed(void **state)
{
        static const char *const coins[] = {"BTC", "ETH"};
        struct rig *rig = *state;
        struct paper_options still = {.seed = 7, .is_mainnet = true, .is_still = true};
        struct record_options options = {.file = rig->file, .coins = coins, .n_coins = 2};
        struct err err = {.code = E_OK};
        struct record *record;
        size_t n_lines, n_before;
        char url[64];

        paper_fixture_open(&rig->f, &still);
        rig->alice = paper_fixture_wallet(&rig->f, 1);
        paper_fixture_faucet(&rig->f, &rig->alice, "100000");
        paper_fixture_price(&rig->f, "BTC", "60000");
        (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws", paper_port(rig->f.paper));
        options.url = url;
        record = record_open(rig->f.loop, &options, &err);
        if (!record)
                fail_msg("%s", err.detail);
        assert_null(record_open(rig->f.loop, &options, &err)); /* never over another */
        assert_non_null(strstr(err.detail, "exists"));
        while (record_lines(record) < 4)
                loop_turn(rig->f.loop, 100);
        n_before = record_lines(record);
        json_decref(order(rig, true, "60001", "0.5", "Ioc"));
        paper_fixture_price(&rig->f, "BTC", "62000");
        while (record_lines(record) < n_before + 6)
                loop_turn(rig->f.loop, 100);
        assert_int_equal(record_close(record, &n_lines), E_OK);
        assert_true(n_lines >= n_before + 6);
        paper_fixture_close(&rig->f);

        rig->options.replay_file = rig->file;
        rig->options.speed = 1000;
        paper_fixture_open(&rig->f, &rig->options);
        wait_best(rig, "BTC", 0, "61999.0");
        wait_best(rig, "BTC", 1, "62001.0");
        expect_status(rig, "The recording is over");
        paper_fixture_close(&rig->f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_recorded_book_is_traded),
                T(test_speed_and_clock),
                T(test_recorded_trade_fills),
                T(test_gap_and_held),
                T(test_same_again),
                T(test_other_steps),
                T(test_refused),
                T(test_recorded_is_replayed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
