/* The paper venue on somebody else's prices: a recording, or a socket; and the recorder. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/paper/record.h"
#include "base/mem.h"
#include "paper_fixture.h"

#define WAIT_MS 10000
#define T0      "1700000000000"
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

struct rig {
        char folder[64], file[96];
        struct paper_options options;
        struct paper_fixture f;
        struct paper_wallet alice;
        /* another venue on the same loop */
        struct httpd *other_httpd;
        struct paper *other;
};

static int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        (void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/perpgate-source-XXXXXX");
        assert_non_null(mkdtemp(rig->folder));
        (void)snprintf(rig->file, sizeof(rig->file), "%s/recording", rig->folder);
        rig->options = (struct paper_options){.seed = 7, .is_mainnet = true};
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;

        (void)unlink(rig->file);
        (void)rmdir(rig->folder);
        free(rig);
        return 0;
}

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

static json_t *book(struct rig *rig, const char *coin)
{
        return paper_fixture_info(&rig->f, "{\"type\":\"l2Book\",\"coin\":\"%s\"}", coin);
}

/* Until the best price of that side is px ("" for none). */
static void wait_best(struct rig *rig, const char *coin, int side, const char *px)
{
        int64_t until = clock_mono_ms(loop_clock(rig->f.loop)) + WAIT_MS;
        char path[32], last[64] = "";

        (void)snprintf(path, sizeof(path), "levels.%d.0.px", side);
        do {
                json_t *levels = book(rig, coin);

                (void)text_copy(last, sizeof(last), paper_fixture_text(levels, path));
                json_decref(levels);
                if (!strcmp(last, px))
                        return;
                loop_turn(rig->f.loop, 10);
        } while (clock_mono_ms(loop_clock(rig->f.loop)) < until);
        fail_msg("%s best %d is %s, not %s", coin, side, last, px);
}

static void expect_status(struct rig *rig, const char *part)
{
        json_t *status = paper_fixture_info(&rig->f, "{\"type\":\"exchangeStatus\"}");
        const char *text = paper_fixture_text(status, "specialStatuses");

        if (part ? !strstr(text, part) : !json_is_null(json_object_get(status, "specialStatuses")))
                fail_msg("specialStatuses: %s", text);
        json_decref(status);
}

static json_t *order(struct rig *rig, bool is_buy, const char *price, const char *size,
                     const char *tif)
{
        json_t *answer = paper_fixture_act(
                &rig->f, &rig->alice, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":%s,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                is_buy ? "true" : "false", price, size, tif);

        if (!paper_fixture_is_ok(answer))
                fail_msg("%s", paper_fixture_refusal(answer));
        return answer;
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

/* ---- Live ---------------------------------------------------------------------------------- */

/* The fixture's venue is the original; the other follows it. Roles are swapped for the asking. */
static void open_both(struct rig *rig, int64_t stale_ms)
{
        struct paper_options still = {.seed = 7, .is_mainnet = true, .is_still = true};
        struct err err = {.code = E_OK};
        char url[64];

        paper_fixture_open(&rig->f, &still);
        paper_fixture_price(&rig->f, "BTC", "60000");
        (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws", paper_port(rig->f.paper));
        rig->options.live_url = url;
        rig->options.stale_ms = stale_ms;
        rig->other_httpd = httpd_new(rig->f.loop);
        rig->other = paper_open(rig->f.loop, rig->other_httpd, &rig->options, &err);
        if (!rig->other)
                fail_msg("%s", err.detail);
        rig->options.live_url = NULL;
}

static void ask_other(struct rig *rig)
{
        struct paper *paper = rig->f.paper;

        rig->f.paper = rig->other;
        rig->other = paper;
}

static void close_other(struct rig *rig)
{
        paper_stop(rig->other);
        httpd_free(rig->other_httpd);
        paper_close(rig->other);
}

static void test_live_is_followed(void **state)
{
        struct rig *rig = *state;
        json_t *answer;

        open_both(rig, 0);
        ask_other(rig);
        wait_best(rig, "BTC", 0, "59999.0");
        wait_best(rig, "BTC", 1, "60001.0");
        rig->alice = paper_fixture_wallet(&rig->f, 1);
        paper_fixture_faucet(&rig->f, &rig->alice, "100000");
        answer = order(rig, true, "60001", "0.5", "Ioc"); /* on paper: theirs stays whole */
        assert_string_equal(paper_fixture_text(answer, "response.data.statuses.0.filled.avgPx"),
                            "60001.0");
        json_decref(answer);
        ask_other(rig);
        paper_fixture_price(&rig->f, "BTC", "61000");
        ask_other(rig);
        wait_best(rig, "BTC", 1, "61001.0");
        expect_status(rig, NULL);
        ask_other(rig);
        close_other(rig);
        paper_fixture_close(&rig->f);
}

/* A socket that says nothing any more: nothing is quoted until a new connection brings prices. */
static void test_live_goes_stale(void **state)
{
        struct rig *rig = *state;

        open_both(rig, 3000);
        ask_other(rig);
        wait_best(rig, "BTC", 0, "59999.0");
        ask_other(rig);
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"silentSocket\",\"path\":\"ws\"}"));
        ask_other(rig);
        wait_best(rig, "BTC", 0, "");
        wait_best(rig, "BTC", 0, "59999.0");
        ask_other(rig);
        close_other(rig);
        paper_fixture_close(&rig->f);
}

static void test_live_connection_lost(void **state)
{
        struct rig *rig = *state;

        open_both(rig, 0);
        ask_other(rig);
        wait_best(rig, "BTC", 0, "59999.0");
        ask_other(rig);
        paper_stop(rig->f.paper);
        httpd_free(rig->f.httpd); /* the original is gone */
        paper_close(rig->f.paper);
        rig->f.paper = rig->other;
        rig->f.httpd = rig->other_httpd;
        wait_best(rig, "BTC", 0, "");
        expect_status(rig, "no market is quoted");
        paper_fixture_close(&rig->f);
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_recorded_book_is_traded),
                T(test_speed_and_clock),
                T(test_recorded_trade_fills),
                T(test_gap_and_held),
                T(test_other_steps),
                T(test_refused),
                T(test_live_is_followed),
                T(test_live_goes_stale),
                T(test_live_connection_lost),
                T(test_recorded_is_replayed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
