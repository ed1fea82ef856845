/* The lines of a recording: what is written is read back; what is not a line is refused by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/paper/recording.h"
#include "base/mem.h"

#define HEAD                                                                                       \
        "{\"format\":\"perpgate-recording\",\"version\":1,\"source\":\"ws://a/ws\","               \
        "\"recordedAt\":1700000000000}\n"
#define PRICE                                                                                      \
        "{\"type\":\"price\",\"at\":1700000000000,\"coin\":\"BTC\",\"mark\":\"60000.0\","          \
        "\"oracle\":\"59999.5\"}\n"
#define BOOK                                                                                       \
        "{\"type\":\"book\",\"at\":1700000000001,\"coin\":\"BTC\",\"bids\":[[\"59999.0\","         \
        "\"0.5\",3],[\"59998.0\",\"1.0\",1]],\"asks\":[[\"60001.0\",\"0.25\",1]]}\n"
#define TRADE                                                                                      \
        "{\"type\":\"trade\",\"at\":1700000000002,\"coin\":\"BTC\",\"side\":\"B\","                \
        "\"price\":\"60001.0\",\"size\":\"0.1\"}\n"
#define GAP "{\"type\":\"gap\",\"at\":1700000000003}\n"

static void test_round_trip(void **state)
{
        static const char *const lines[] = {PRICE, BOOK, TRADE, GAP};
        struct recording_event event;
        struct buf out;

        (void)state;
        buf_init(&out, 1u << 20);
        for (size_t i = 0; i < 4; i++) {
                buf_reset(&out);
                assert_int_equal(recording_parse(&event, lines[i], strlen(lines[i]) - 1, NULL),
                                 E_OK);
                assert_int_equal(event.type, i);
                recording_print(&out, &event);
                assert_string_equal(buf_cstr(&out), lines[i]);
        }
        assert_int_equal(recording_parse(&event, lines[1], strlen(lines[1]) - 1, NULL), E_OK);
        assert_int_equal(event.n_levels[0], 2);
        assert_int_equal(event.level[0][1].price.v, 59998 * NUM_SCALE);
        assert_int_equal(event.level[0][0].n_orders, 3);
        buf_reset(&out);
        recording_print_header(&out, "ws://a/ws", INT64_C(1700000000000));
        assert_string_equal(buf_cstr(&out), HEAD);
        buf_fini(&out);
}

/* The largest line there can be fits. */
static void test_largest_book(void **state)
{
        struct recording_event event = {.type = RECORDING_BOOK, .at = INT64_C(1) << 47}, back;
        struct buf out;

        (void)state;
        memset(event.coin, 'X', RECORDING_COIN - 1);
        for (size_t side = 0; side < 2; side++) {
                event.n_levels[side] = RECORDING_LEVELS;
                for (size_t i = 0; i < RECORDING_LEVELS; i++)
                        event.level[side][i] = (struct recording_level){
                                .price = {INT64_C(99999999912345678) + (int64_t)(side ? i + 1 : 0) -
                                          (int64_t)(side ? 0 : i)},
                                .size = {INT64_MAX},
                                .n_orders = UINT32_MAX};
        }
        buf_init(&out, 1u << 20);
        recording_print(&out, &event);
        assert_true(out.len <= RECORDING_LINE_MAX);
        assert_int_equal(recording_parse(&back, buf_cstr(&out), out.len - 1, NULL), E_OK);
        assert_memory_equal(&back, &event, sizeof(event));
        buf_fini(&out);
}

static void test_bad_lines(void **state)
{
        static const char *const bad[] = {
                "",
                "null",
                "[]",
                "{}",
                "{\"type\":\"gap\"}",
                "{\"type\":\"gap\",\"at\":-1}",
                "{\"type\":\"gap\",\"at\":1.5}",
                "{\"type\":\"gap\",\"at\":\"1\"}",
                "{\"type\":\"gap\",\"at\":281474976710656}",
                "{\"type\":\"gap\",\"at\":1,\"at\":1}",
                "{\"type\":\"gap\",\"at\":1,\"coin\":\"BTC\"}",
                "{\"type\":\"gap\",\"at\":1} x",
                "{\"type\":\"lull\",\"at\":1}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"1\",\"oracle\":1}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"0\",\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"-1\",\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"1e5\",\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"BTC\",\"mark\":\"1000000001\","
                "\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"\",\"mark\":\"1\",\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"B C\",\"mark\":\"1\",\"oracle\":\"1\"}",
                "{\"type\":\"price\",\"at\":1,\"coin\":\"B\",\"mark\":\"1\",\"orac\":\"1\"}",
                "{\"type\":\"trade\",\"at\":1,\"coin\":\"B\",\"side\":\"S\",\"price\":\"1\","
                "\"size\":\"1\"}",
                "{\"type\":\"trade\",\"at\":1,\"coin\":\"B\",\"side\":\"A\",\"price\":\"1\","
                "\"size\":\"0\"}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[],\"asks\":{}}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[[\"1\",\"1\"]],\"asks\":[]}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[[\"1\",\"1\",-1]],"
                "\"asks\":[]}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[[\"1\",\"1\",1],[\"1\","
                "\"1\",1]],\"asks\":[]}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[],\"asks\":[[\"2\",\"1\",1],"
                "[\"1\",\"1\",1]]}",
                "{\"type\":\"book\",\"at\":1,\"coin\":\"B\",\"bids\":[[\"2\",\"1\",1]],\"asks\":"
                "[[\"2\",\"1\",1]]}",
        };
        char *longest = malloc(RECORDING_LINE_MAX + 2);
        struct recording_event event;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct err err = {.code = E_OK};

                if (recording_parse(&event, bad[i], strlen(bad[i]), &err) != E_SYNTAX)
                        fail_msg("taken: %s", bad[i]);
                assert_true(err.detail[0] != '\0');
        }
        memset(longest, ' ', RECORDING_LINE_MAX + 1);
        memcpy(longest, GAP, strlen(GAP) - 1);
        assert_int_equal(recording_parse(&event, longest, RECORDING_LINE_MAX, NULL), E_OK);
        assert_int_equal(recording_parse(&event, longest, RECORDING_LINE_MAX + 1, NULL), E_SYNTAX);
        free(longest);
}

static void test_files(void **state)
{
        static const struct {
                const char *text, *why;
        } bad[] = {
                {"", "f:1: the recording is empty"},
                {HEAD, "f:2: the recording is empty"},
                {PRICE BOOK, "f:1: this is no recording"},
                {"{\"format\":\"perpgate-recording\",\"version\":2,\"source\":\"\","
                 "\"recordedAt\":1}\n",
                 "f:1: version must be 1"},
                {"{\"format\":\"perpgate-recording\",\"version\":1,\"recordedAt\":1}\n",
                 "f:1: the header needs source and recordedAt, and no more"},
                {HEAD PRICE BOOK "{\"type\":\"book\"}\n" TRADE,
                 "f:4: this is no line of type book"},
                {HEAD PRICE "\n" TRADE, "f:3: the line is not one JSON object"},
                {HEAD TRADE PRICE, "f:3: the line is older than the one before"},
                {HEAD PRICE "{\"type\":\"gap\",\"at\":1700000000003}", "f:3: the line is cut off"},
                {HEAD PRICE "{\"type\":\"gap\",\"at\":17000",
                 "f:3: the line is not one JSON object"},
        };
        struct recording_event event;
        struct recording r;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct err err = {.code = E_OK};

                assert_int_equal(
                        recording_open(&r, xstrdup(bad[i].text), strlen(bad[i].text), "f", &err),
                        E_CONFIG);
                assert_string_equal(err.detail, bad[i].why);
        }
        assert_int_equal(
                recording_open(&r, xstrdup(HEAD PRICE GAP), strlen(HEAD PRICE GAP), "f", NULL),
                E_OK);
        for (int again = 0; again < 2; again++) {
                assert_true(recording_next(&r, &event));
                assert_int_equal(event.type, RECORDING_PRICE);
                assert_int_equal(r.line, 2);
                assert_true(recording_next(&r, &event));
                assert_int_equal(event.type, RECORDING_GAP);
                assert_false(recording_next(&r, &event));
                recording_rewind(&r);
        }
        recording_close(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_largest_book),
                cmocka_unit_test(test_bad_lines),
                cmocka_unit_test(test_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
