/* TWAP orders on the paper venue, its clock moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
        paper_fixture_price(f, "BTC", "60000");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        return w;
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

static json_t *twap(struct paper_fixture *f, const struct paper_wallet *w, const char *fields,
                    const char *more)
{
        return paper_fixture_act(f, w, NULL, "{\"type\":\"twapOrder\",\"twap\":{%s}%s}", fields,
                                 more);
}

static void advance(struct paper_fixture *f, unsigned ms)
{
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":%u}", ms));
}

static json_t *ask(struct paper_fixture *f, const struct paper_wallet *w, const char *type)
{
        return paper_fixture_info(f, "{\"type\":\"%s\",\"user\":\"%s\"}", type, w->hex);
}

static json_t *states_of(struct paper_fixture *f, const struct paper_wallet *w)
{
        json_t *all = ask(f, w, "webData2");
        json_t *states = json_incref((json_t *)(uintptr_t)paper_fixture_at(all, "twapStates"));

        json_decref(all);
        return states;
}

/* Sum of the sizes of all slices, in lots of 0.00001; checks times that are at least 30 s apart. */
static long filled(const json_t *fills)
{
        json_int_t last = INT64_MAX;
        long lots = 0;

        for (size_t i = 0; i < json_array_size(fills); i++) {
                const json_t *one = json_array_get(fills, i);
                json_int_t at = json_integer_value(paper_fixture_at(one, "fill.time"));
                double size = strtod(paper_fixture_text(one, "fill.sz"), NULL);

                lots += (long)(size * 100000 + 0.5);
                if (at != last && last - at < 30000)
                        fail_msg("slices %lld ms apart", (long long)(last - at));
                last = at;
        }
        return lots;
}

static void test_runs_to_its_end(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer, *fills, *states, *history, *account;

        answer =
                twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"0.1\",\"r\":false,\"m\":5,\"t\":false", "");
        assert_true(json_integer_value(
                            paper_fixture_at(answer, "response.data.status.running.twapId")) > 0);
        json_decref(answer);
        fills = ask(f, &w, "userTwapSliceFills");
        assert_int_equal(filled(fills), 1000); /* a tenth at once */
        expect_text(fills, "0.fill.hash",
                    "0x0000000000000000000000000000000000000000000000000000000000000000");
        json_decref(fills);
        advance(f, 29000);
        fills = ask(f, &w, "userTwapSliceFills");
        assert_int_equal(filled(fills), 1000);
        json_decref(fills);
        states = states_of(f, &w);
        expect_text(states, "0.1.executedSz", "0.01");
        expect_text(states, "0.1.sz", "0.1");
        assert_true(json_is_null(paper_fixture_at(states, "0.1.trigger")));
        json_decref(states);
        advance(f, 400000);
        fills = ask(f, &w, "userTwapSliceFills");
        assert_int_equal(filled(fills), 10000);
        assert_true(json_array_size(fills) >= 10);
        json_decref(fills);
        fills = ask(f, &w, "userFills");
        assert_int_equal(json_array_size(fills), 0);
        json_decref(fills);
        history = ask(f, &w, "twapHistory");
        assert_int_equal(json_array_size(history), 2);
        expect_text(history, "0.status.status", "finished");
        expect_text(history, "0.state.executedSz", "0.1");
        expect_text(history, "1.status.status", "activated");
        json_decref(history);
        states = states_of(f, &w);
        assert_int_equal(json_array_size(states), 0);
        json_decref(states);
        account = ask(f, &w, "clearinghouseState");
        expect_text(account, "assetPositions.0.position.szi", "0.1");
        json_decref(account);
}

/* Randomised slices differ, and still end at the whole size. */
static void test_randomised(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        bool is_varied = false;
        json_t *fills;

        json_decref(twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"0.06\",\"r\":false,\"m\":30,\"t\":true",
                         ""));
        advance(f, 1800000);
        fills = ask(f, &w, "userTwapSliceFills");
        assert_int_equal(filled(fills), 6000);
        for (size_t i = 0; i < json_array_size(fills); i++)
                is_varied =
                        is_varied || strcmp(paper_fixture_text(json_array_get(fills, i), "fill.sz"),
                                            "0.001") != 0;
        assert_true(is_varied);
        json_decref(fills);
}

/* Slices larger than the book: later ones ask for what is missing, but for no more than three even
 * ones. */
static void test_catches_up(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        double largest = 0;
        json_t *orders;

        paper_fixture_faucet(f, &w, "1000000000");
        json_decref(twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"2000\",\"r\":false,\"m\":5,\"t\":false",
                         ""));
        advance(f, 200000);
        orders = ask(f, &w, "historicalOrders");
        assert_true(json_array_size(orders) >= 6);
        for (size_t i = 0; i < json_array_size(orders); i++) {
                const json_t *order = json_array_get(orders, i);
                double size = strtod(paper_fixture_text(order, "order.origSz"), NULL);

                expect_text(order, "order.orderType", "Twap Slice");
                largest = size > largest ? size : largest;
        }
        assert_true(largest > 250 && largest <= 600);
        json_decref(orders);
}

static void test_cancel(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2);
        json_t *answer, *history;
        long long id;

        answer = twap(f, &w, "\"a\":0,\"b\":false,\"s\":\"0.1\",\"r\":false,\"m\":10,\"t\":false",
                      "");
        id = json_integer_value(paper_fixture_at(answer, "response.data.status.running.twapId"));
        json_decref(answer);
        answer = paper_fixture_act(f, &other, NULL, "{\"type\":\"twapCancel\",\"a\":0,\"t\":%lld}",
                                   id);
        expect_text(answer, "response.data.status.error",
                    "TWAP was never placed, already canceled, or filled.");
        json_decref(answer);
        answer = paper_fixture_act(f, &w, NULL, "{\"type\":\"twapCancel\",\"a\":0,\"t\":%lld}", id);
        expect_text(answer, "response.data.status", "success");
        expect_text(answer, "response.type", "twapCancel");
        json_decref(answer);
        answer = paper_fixture_act(f, &w, NULL, "{\"type\":\"twapCancel\",\"a\":0,\"t\":%lld}", id);
        expect_text(answer, "response.data.status.error",
                    "TWAP was never placed, already canceled, or filled.");
        json_decref(answer);
        history = ask(f, &w, "twapHistory");
        expect_text(history, "0.status.status", "terminated");
        json_decref(history);
}

static void test_bad_ones_are_refused(void **state)
{
        static const char *const bad[][2] = {
                {"\"a\":0,\"b\":true,\"s\":\"1\",\"r\":false,\"m\":1,\"t\":false",
                 "Invalid TWAP duration: 1 min(s)"},
                {"\"a\":0,\"b\":true,\"s\":\"1\",\"r\":false,\"m\":10081,\"t\":false",
                 "Invalid TWAP duration: 10081 min(s)"},
                {"\"a\":0,\"b\":true,\"s\":\"0.01\",\"r\":false,\"m\":120,\"t\":false",
                 "TWAP order value too small. Min is $1200, which is $10 per minute."},
                {"\"a\":0,\"b\":true,\"s\":\"0\",\"r\":false,\"m\":5,\"t\":false",
                 "TWAP order value too small. Min is $50, which is $10 per minute."},
                {"\"a\":0,\"b\":true,\"s\":\"-1\",\"r\":false,\"m\":5,\"t\":false",
                 "Order has invalid size."},
                {"\"a\":0,\"b\":true,\"s\":\"0.100001\",\"r\":false,\"m\":5,\"t\":false",
                 "Order has invalid size."},
                {"\"a\":0,\"b\":true,\"s\":\"0.1\",\"r\":true,\"m\":5,\"t\":false",
                 "Reduce-only TWAP order would increase position."},
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                answer = twap(f, &w, bad[i][0], "");
                expect_text(answer, "response.data.status.error", bad[i][1]);
                json_decref(answer);
        }
        answer = twap(f, &w, "\"a\":99999,\"b\":true,\"s\":\"1\",\"r\":false,\"m\":5,\"t\":false",
                      "");
        assert_string_equal(paper_fixture_refusal(answer), "Asset 99999 not found");
        json_decref(answer);
        answer = ask(f, &w, "twapHistory");
        assert_int_equal(json_array_size(answer), 0);
        json_decref(answer);
}

static void test_trigger_and_stop(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer, *history;

        answer = twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"0.1\",\"r\":false,\"m\":10,\"t\":false",
                      ",\"details\":{\"t\":{\"p\":\"61000\",\"a\":true},\"s\":\"63000\"}");
        assert_true(
                json_is_integer(paper_fixture_at(answer, "response.data.status.running.twapId")));
        json_decref(answer);
        advance(f, 60000);
        history = ask(f, &w, "twapHistory");
        assert_int_equal(json_array_size(history), 1);
        expect_text(history, "0.status.status", "waitingForTrigger");
        expect_text(history, "0.state.trigger.px", "61000.0");
        expect_text(history, "0.state.stopPx", "63000.0");
        json_decref(history);
        paper_fixture_price(f, "BTC", "61000");
        advance(f, 31000);
        history = ask(f, &w, "twapHistory");
        expect_text(history, "0.status.status", "activated");
        json_decref(history);
        answer = ask(f, &w, "userTwapSliceFills");
        assert_int_equal(json_array_size(answer), 2);
        json_decref(answer);
        paper_fixture_price(f, "BTC", "63500");
        advance(f, 1);
        history = ask(f, &w, "twapHistory");
        expect_text(history, "0.status.status", "stopped");
        expect_text(history, "0.state.executedSz", "0.01");
        json_decref(history);
}

/* A slice that the account can't pay ends it, and says why. */
static void test_error_ends_it(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *history;

        json_decref(twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"1000\",\"r\":false,\"m\":5,\"t\":false",
                         ""));
        history = ask(f, &w, "twapHistory");
        expect_text(history, "0.status.status", "error");
        expect_text(history, "0.status.description", "Insufficient margin to place order. asset=0");
        json_decref(history);
}

static void subscribe(struct paper_fixture *f, struct paper_socket *s, const char *type,
                      const struct paper_wallet *w, const char *more)
{
        char text[200];

        (void)snprintf(
                text, sizeof(text),
                "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"%s\",\"user\":\"%s\"%s}}",
                type, w->hex, more);
        paper_fixture_ws_send(f, s, text);
}

static void test_channels(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_socket *s = paper_fixture_ws(f);
        json_t *frame;

        subscribe(f, s, "userTwapSliceFills", &w, "");
        frame = paper_fixture_ws_next(f, s, "userTwapSliceFills", 5000);
        assert_true(json_is_true(paper_fixture_at(frame, "data.isSnapshot")));
        json_decref(frame);
        subscribe(f, s, "userTwapHistory", &w, "");
        frame = paper_fixture_ws_next(f, s, "userTwapHistory", 5000);
        assert_true(json_is_true(paper_fixture_at(frame, "data.isSnapshot")));
        json_decref(frame);
        json_decref(twap(f, &w, "\"a\":0,\"b\":true,\"s\":\"0.1\",\"r\":false,\"m\":5,\"t\":false",
                         ""));
        frame = paper_fixture_ws_next(f, s, "userTwapSliceFills", 5000);
        assert_null(paper_fixture_at(frame, "data.isSnapshot"));
        expect_text(frame, "data.user", w.hex);
        expect_text(frame, "data.twapSliceFills.0.fill.sz", "0.01");
        assert_true(json_is_integer(paper_fixture_at(frame, "data.twapSliceFills.0.twapId")));
        json_decref(frame);
        frame = paper_fixture_ws_next(f, s, "userTwapHistory", 5000);
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.history")), 1);
        expect_text(frame, "data.history.0.status.status", "activated");
        json_decref(frame);
        subscribe(f, s, "twapStates", &w, ",\"dex\":\"\"");
        frame = paper_fixture_ws_next(f, s, "twapStates", 5000);
        expect_text(frame, "data.states.0.1.executedSz", "0.01");
        json_decref(frame);
        subscribe(f, s, "userEvents", &w, "");
        json_decref(paper_fixture_ws_next(f, s, "subscriptionResponse", 5000));
        advance(f, 31000);
        frame = paper_fixture_ws_next(f, s, "user", 5000);
        expect_text(frame, "data.twapSliceFills.0.fill.sz", "0.01");
        json_decref(frame);
        frame = paper_fixture_ws_next(f, s, "twapStates", 5000);
        expect_text(frame, "data.states.0.1.executedSz", "0.02");
        json_decref(frame);
        paper_fixture_ws_close(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_runs_to_its_end, setup, teardown),
                cmocka_unit_test_setup_teardown(test_randomised, setup, teardown),
                cmocka_unit_test_setup_teardown(test_catches_up, setup, teardown),
                cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_ones_are_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_trigger_and_stop, setup, teardown),
                cmocka_unit_test_setup_teardown(test_error_ends_it, setup, teardown),
                cmocka_unit_test_setup_teardown(test_channels, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
