/* Limits of the paper venue, where they are switched on: per IP address and per account. Its clock
 * is moved by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "paper_fixture.h"

static int open_with(void **state, bool has_limits)
{
        struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .has_limits = has_limits};
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, &options);
        *state = f;
        return 0;
}

static int setup(void **state)
{
        return open_with(state, true);
}

static int setup_free(void **state)
{
        return open_with(state, false);
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static void advance(struct paper_fixture *f, unsigned ms)
{
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":%u}", ms));
}

/* The status of a read by a type that asks for a user. */
static int read_status(struct paper_fixture *f, const char *type, char **body)
{
        char text[160];
        struct paper_reply reply;
        int status;

        (void)snprintf(text, sizeof(text),
                       "{\"type\":\"%s\",\"user\":\"0x00000000000000000000000000000000000000aa\"}",
                       type);
        reply = paper_fixture_http(f, "POST", "/info", text, 10000);
        status = reply.status;
        if (body) {
                *body = reply.body;
                reply.body = NULL;
        }
        paper_fixture_reply_fini(&reply);
        return status;
}

static void test_weight_of_an_address(void **state)
{
        struct paper_fixture *f = *state;
        char *body = NULL;

        for (int i = 0; i < 20; i++)
                assert_int_equal(read_status(f, "userRole", NULL), 200);
        /* A heavy read needs three seconds of the clock, a light one a tenth of one; the test itself
         * takes some of the real time, so only what is surely too early is asked for. */
        assert_int_equal(read_status(f, "userRole", &body), 429);
        assert_string_equal(body, "Too Many Requests");
        free(body);
        advance(f, 3000);
        assert_int_equal(read_status(f, "userRole", NULL), 200);
        advance(f, 3600000);
        for (int i = 0; i < 20; i++)
                assert_int_equal(read_status(f, "userRole", NULL), 200);
        assert_int_equal(read_status(f, "userRole", NULL), 429);
}

static void test_nothing_is_limited_by_default(void **state)
{
        struct paper_fixture *f = *state;

        for (int i = 0; i < 40; i++)
                assert_int_equal(read_status(f, "userRole", NULL), 200);
}

/* Actions of an account: 10000, then one in ten seconds; cancels twice as many. */
static void test_budget_of_an_account(void **state)
{
        static const char stale[] = "{\"type\":\"noop\"}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        struct buf orders;
        json_t *answer;

        paper_fixture_faucet(f, &w, "10000");
        buf_init(&orders, 1u << 20);
        for (int i = 0; i < 200; i++)
                buf_printf(&orders, "%s{\"a\":0,\"o\":%d}", i ? "," : "", i + 1);
        for (int i = 0; i < 50; i++) {
                json_decref(paper_fixture_act(f, &w, NULL, "{\"type\":\"cancel\",\"cancels\":[%s]}",
                                              buf_cstr(&orders)));
                advance(f, 1000);
        }
        buf_fini(&orders);
        answer = paper_fixture_info(f, "{\"type\":\"userRateLimit\",\"user\":\"%s\"}", w.hex);
        assert_int_equal(json_integer_value(json_object_get(answer, "nRequestsUsed")), 10000);
        json_decref(answer);
        /* One beyond is taken, the next is too soon. */
        answer = paper_fixture_act(f, &w, NULL, "%s", stale);
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
        answer = paper_fixture_act(f, &w, NULL, "%s", stale);
        assert_string_equal(paper_fixture_refusal(answer),
                            "Too many cumulative requests sent (10002 > 10000) for cumulative "
                            "volume traded $0. Place taker orders to free up 1 request per USDC "
                            "traded.");
        json_decref(answer);
        answer = paper_fixture_act(f, &w, NULL,
                                   "{\"type\":\"cancel\",\"cancels\":[{\"a\":0,\"o\":1}]}");
        assert_string_equal(paper_fixture_refusal(answer), "");
        json_decref(answer);
        advance(f, 10000);
        answer = paper_fixture_act(f, &w, NULL, "%s", stale);
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
        /* More can be bought at any time. */
        answer = paper_fixture_act(f, &w, NULL,
                                   "{\"type\":\"reserveRequestWeight\",\"weight\":100}");
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
        for (int i = 0; i < 3; i++) {
                answer = paper_fixture_act(f, &w, NULL, "%s", stale);
                assert_true(paper_fixture_is_ok(answer));
                json_decref(answer);
        }
}

static void test_stale_actions_cost_five(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        struct paper_sending late = {.expires_after = 1};
        json_t *answer;

        paper_fixture_faucet(f, &w, "10000");
        answer = paper_fixture_act(f, &w, &late, "{\"type\":\"noop\"}");
        assert_string_equal(paper_fixture_refusal(answer), "Action already expired");
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"userRateLimit\",\"user\":\"%s\"}", w.hex);
        assert_int_equal(json_integer_value(json_object_get(answer, "nRequestsUsed")), 5);
        json_decref(answer);
}

static void test_users_of_an_address(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_socket *one = paper_fixture_ws(f), *two = paper_fixture_ws(f);
        char text[200];
        json_t *frame;

        for (unsigned i = 0; i < 15; i++) {
                struct paper_socket *s = i % 2 ? one : two;

                (void)snprintf(text, sizeof(text),
                               "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"userFills\","
                               "\"user\":\"0x%040x\"}}",
                               i + 1);
                paper_fixture_ws_send(f, s, text);
                frame = paper_fixture_ws_next(f, s, i < 14 ? "userFills" : "error", 5000);
                assert_non_null(frame);
                if (i == 14)
                        assert_string_equal(paper_fixture_text(frame, "data"),
                                            "Cannot track more than 15 total users.");
                json_decref(frame);
        }
        /* Another feed of a user who is counted is no new user. */
        (void)snprintf(text, sizeof(text),
                       "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"openOrders\","
                       "\"user\":\"0x%040x\"}}",
                       1);
        paper_fixture_ws_send(f, one, text);
        frame = paper_fixture_ws_next(f, one, "openOrders", 5000);
        assert_non_null(frame);
        json_decref(frame);
        paper_fixture_ws_close(one);
        paper_fixture_ws_close(two);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_weight_of_an_address, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nothing_is_limited_by_default, setup_free,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_budget_of_an_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stale_actions_cost_five, setup, teardown),
                cmocka_unit_test_setup_teardown(test_users_of_an_address, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
