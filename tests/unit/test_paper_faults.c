/* The paper venue misbehaving on request, and its ledger of what reached it. */
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

/* ---- Faults and the ledger ------------------------------------------------------------------- */

static void arm(struct paper_fixture *f, const char *kind, const char *path)
{
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"%s\",\"count\":1,\"path\":\"%s\"}", kind,
                                       path));
}

static int post_status(struct paper_fixture *f, const char *path, const char *body, int64_t wait_ms)
{
        struct paper_reply reply = paper_fixture_http(f, "POST", path, body, wait_ms);
        int status = reply.status;

        paper_fixture_reply_fini(&reply);
        return status;
}

static void test_faults(void **state)
{
        static const char info[] = "{\"type\":\"perpDexs\"}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char *body;
        json_t *ledger, *answer;

        arm(f, "429", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 429);
        assert_int_equal(post_status(f, "/info", info, 5000), 200);
        arm(f, "502", "info");
        assert_int_equal(post_status(f, "/exchange", "{}", 5000), 422); /* another path */
        assert_int_equal(post_status(f, "/info", info, 5000), 502);
        arm(f, "closeSocket", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 0);
        arm(f, "noAnswer", "info");
        assert_int_equal(post_status(f, "/info", info, 300), -1);
        arm(f, "rubbish", "info");
        assert_int_equal(post_status(f, "/info", info, 5000), 200);
        json_decref(paper_fixture_post(f, "/paper/fault", 200,
                                       "{\"kind\":\"delay\",\"count\":1,\"delayMs\":150}"));
        assert_int_equal(post_status(f, "/info", info, 20), -1);
        assert_int_equal(post_status(f, "/info", info, 5000), 200);

        /* The answer is lost, the order is not; the same bytes again are a duplicate. */
        arm(f, "lostAnswer", "exchange");
        body = paper_fixture_sign(f, &w,
                                  "{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":true,"
                                  "\"leverage\":3}",
                                  NULL);
        assert_int_equal(post_status(f, "/exchange", body, 5000), 0);
        ledger = paper_fixture_ledger(f);
        assert_int_equal(json_array_size(ledger), 1);
        expect_text(ledger, "0.type", "updateLeverage");
        expect_text(ledger, "0.signer", w.hex);
        expect_text(ledger, "0.account", w.hex);
        expect_text(ledger, "0.effect", "applied");
        assert_int_equal(json_integer_value(paper_fixture_at(ledger, "0.action.leverage")), 3);
        json_decref(ledger);
        answer = paper_fixture_post(f, "/exchange", 200, "%s", body);
        assert_non_null(strstr(paper_fixture_refusal(answer), "duplicate nonce"));
        json_decref(answer);
        free(body);
}

static void test_ledger_pages(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_reply reply;
        json_t *rows;

        for (int i = 0; i < 70; i++)
                json_decref(paper_fixture_act(f, &w, NULL, "{\"type\":\"noop\"}"));
        reply = paper_fixture_http(f, "GET", "/paper/ledger?after=65&limit=3", "", 5000);
        rows = json_loads(reply.body, 0, NULL);
        assert_int_equal(json_array_size(rows), 3);
        assert_int_equal(json_integer_value(paper_fixture_at(rows, "0.seq")), 66);
        json_decref(rows);
        paper_fixture_reply_fini(&reply);
        reply = paper_fixture_http(f, "GET", "/paper/ledger?after=x", "", 5000);
        assert_int_equal(reply.status, 400);
        paper_fixture_reply_fini(&reply);
        rows = paper_fixture_ledger(f);
        assert_int_equal(json_array_size(rows), 70);
        json_decref(rows);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ledger_pages, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
