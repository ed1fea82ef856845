/* The paper venue on another venue's prices as they are now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_source_rig.h"

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
        rig->other = paper_open(rig->f.loop, rig->f.httpd, &rig->options, &err);
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

/* Both listen at the one httpd. */
static void close_both(struct rig *rig)
{
        paper_stop(rig->other);
        paper_stop(rig->f.paper);
        httpd_free(rig->f.httpd);
        paper_close(rig->other);
        paper_close(rig->f.paper);
        loop_free(rig->f.loop);
        secp_free(rig->f.secp);
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
        close_both(rig);
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
        close_both(rig);
}

/* A lost connection: nothing is quoted until there is a new one. */
static void test_live_connection_lost(void **state)
{
        struct rig *rig = *state;

        open_both(rig, 0);
        ask_other(rig);
        wait_best(rig, "BTC", 0, "59999.0");
        ask_other(rig);
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"closeSocket\",\"path\":\"ws\"}"));
        ask_other(rig);
        wait_best(rig, "BTC", 0, "");
        wait_best(rig, "BTC", 0, "59999.0");
        ask_other(rig);
        close_both(rig);
}

/* A venue that is not there: nothing is quoted, and exchangeStatus says so. */
static void test_live_nobody(void **state)
{
        struct rig *rig = *state;

        rig->options.live_url = "ws://127.0.0.1:1/ws";
        paper_fixture_open(&rig->f, &rig->options);
        wait_best(rig, "BTC", 0, "");
        expect_status(rig, "no market is quoted");
        paper_fixture_close(&rig->f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_live_is_followed),
                T(test_live_goes_stale),
                T(test_live_connection_lost),
                T(test_live_nobody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
