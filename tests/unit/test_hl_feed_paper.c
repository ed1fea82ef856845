/* The feed against the paper venue on the same loop: every topic, and what its faults do to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "feed_paper_rig.h"

/* A builder's dex: its marks beside the first one's, its trades, its account in its own collateral. */
static void test_builders_dex(void **state)
{
        struct rig *rig = *state;
        struct feed_topic trades = {.kind = FEED_TRADES, .symbol = "xyz:TSLA"};
        struct feed_topic_state s;
        int64_t until = now_ms(rig) + WAIT_MS;
        const struct told *told;

        open_all(rig, NULL);
        assert_int_equal(feed_want(rig->feed, &trades), E_OK);
        do {
                loop_turn(rig->f.loop, 20);
                feed_topic_state(rig->feed, &trades, &s);
        } while ((!s.is_live || !has_symbol(rig, "xyz:TSLA")) && now_ms(rig) < until);
        assert_true(s.is_live && has_symbol(rig, "xyz:TSLA"));
        paper_fixture_price(&rig->f, "xyz:TSLA", "421.25");
        rig->n_seen = rig->n_told;
        do
                told = next(rig, FEED_CONTEXT_ROWS, FEED_CONTEXTS);
        while (strcmp(told->symbol, "xyz:XYZ100") != 0);
        assert_true(told->n >= 3);
        do
                told = next(rig, FEED_ACCOUNT, FEED_USER_STATE);
        while (strcmp(told->dex, "xyz") != 0);
        assert_string_equal(told->collateral, "USDX");
        do
                told = next(rig, FEED_ORDERS, FEED_USER_ORDERS);
        while (strcmp(told->dex, "xyz") != 0);
}

static void test_every_topic(void **state)
{
        struct rig *rig = *state;
        const struct told *told;

        json_decref(paper_fixture_act(&rig->f, &rig->w, NULL,
                                      "{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":false,"
                                      "\"leverage\":20}"));
        open_all(rig, NULL);
        rig->n_seen = 0;
        assert_string_equal(next(rig, FEED_CONTEXT_ROWS, FEED_CONTEXTS)->text, "60000");
        rig->n_seen = rig->n_told;
        buy(rig, "61000", "Ioc", "0.1");
        told = next(rig, FEED_TRADE_ROWS, FEED_TRADES);
        assert_int_equal(told->n_past, 0); /* the market's first ever */
        assert_true(hex_addr_equal(&told->users[0], &rig->w.address));
        rig->n_seen = 0;
        do
                told = next(rig, FEED_FILL_ROWS, FEED_USER_FILLS);
        while (told->is_snapshot);
        assert_int_equal(told->n, 1);
        rig->n_seen = 0;
        assert_string_equal(next(rig, FEED_ORDER_STATUS, FEED_USER_ORDERS)->text, "filled");
        do
                told = next(rig, FEED_ACCOUNT, FEED_USER_STATE);
        while (!told->text[0]);
        assert_string_equal(told->text, "BTC");
        assert_string_equal(told->dex, "");
        told = next(rig, FEED_ACCOUNT, FEED_USER_STATE);
        assert_string_equal(told->dex, "xyz");
        buy(rig, "50000", "Gtc", "0.01");
        do
                told = next(rig, FEED_ORDERS, FEED_USER_ORDERS);
        while (told->n == 0);
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":3600000}"));
        assert_string_equal(next(rig, FEED_PAYMENT_ROWS, FEED_USER_EVENTS)->text, "-0.075");
        paper_fixture_price(&rig->f, "BTC", "55000");
        (void)next(rig, FEED_LIQUIDATED, FEED_USER_EVENTS);
}

static void test_closed_socket(void **state)
{
        struct rig *rig = *state;
        const struct told *told;
        int64_t at;

        open_all(rig, NULL);
        buy(rig, "61000", "Ioc", "0.1");
        at = clock_wall_ms(loop_clock(rig->f.loop));
        fault(rig, "closeSocket", 10);
        await_all(rig, false);
        buy(rig, "61000", "Ioc", "0.2"); /* nobody hears it */
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                rig->n_seen = 0;
                told = next(rig, FEED_GAP, kinds[i]);
                assert_true(told->since > 0 && told->since <= at + WAIT_MS);
        }
        rig->n_seen = rig->n_told;
        await_all(rig, true);
        next_ms(rig);
        at = (int64_t)rig->n_seen;
        told = next(rig, FEED_FILL_ROWS, FEED_USER_FILLS);
        assert_true(told->is_snapshot);
        assert_int_equal(told->n, 2);
        rig->n_seen = (size_t)at;
        told = next(rig, FEED_TRADE_ROWS, FEED_TRADES);
        assert_int_equal(told->n, 2);
        assert_int_equal(told->n_past, 2);
        buy(rig, "61000", "Ioc", "0.1");
        assert_int_equal(next(rig, FEED_TRADE_ROWS, FEED_TRADES)->n_past, 0);
}

/* Up, but it says nothing more: contexts are missed first, and take the connection with them. */
static void test_silent_socket(void **state)
{
        struct rig *rig = *state;
        struct feed_limits limits = {.answer_ms = 1000};
        struct buf page;

        limits.silent_ms[FEED_CONTEXTS] = 2000;
        open_all(rig, &limits);
        buy(rig, "61000", "Ioc", "0.1");
        fault(rig, "silentSocket", 10);
        rig->n_seen = rig->n_told;
        (void)next(rig, FEED_GAP, FEED_CONTEXTS);
        (void)next(rig, FEED_GAP, FEED_USER_FILLS);
        await_all(rig, true);
        rig->n_seen = rig->n_told; /* the trade may be told before the order is answered */
        buy(rig, "61000", "Ioc", "0.1");
        (void)next(rig, FEED_TRADE_ROWS, FEED_TRADES);
        buf_init(&page, 1u << 20);
        feed_metrics(rig->feed, &page);
        assert_non_null(strstr(buf_cstr(&page), "\nperpgate_feed_reconnects_total 1\n"));
        assert_non_null(
                strstr(buf_cstr(&page), "\nperpgate_feed_topics_live{kind=\"trades\"} 1\n"));
        buf_fini(&page);
}

static void test_events_that_come_twice(void **state)
{
        struct rig *rig = *state;
        size_t n = 0, n_past = 0;
        int64_t until;

        open_all(rig, NULL);
        rig->n_seen = rig->n_told;
        fault(rig, "duplicateEvent", 50);
        buy(rig, "61000", "Ioc", "0.1");
        until = now_ms(rig) + WAIT_MS;
        while (n < 2 && now_ms(rig) < until) {
                const struct told *told = next(rig, FEED_TRADE_ROWS, FEED_TRADES);

                n += told->n;
                n_past += told->n_past;
        }
        assert_int_equal(n, 2);
        assert_int_equal(n_past, 1);
}

/* The venue's own limits are on: 14 users, and it says so by refusing the next. */
static void test_users_the_venue_takes(void **state)
{
        struct rig *rig = *state;
        struct feed_limits limits = {.users = 20};
        const struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .has_limits = true};
        struct feed_topic topic = {.kind = FEED_USER_FILLS};
        struct feed_topic_state s;
        int64_t until;

        paper_fixture_close(&rig->f);
        paper_fixture_open(&rig->f, &options);
        paper_fixture_price(&rig->f, "BTC", "60000");
        open_all(rig, &limits); /* one user */
        for (unsigned i = 1; i <= 14; i++) {
                topic.user.b[19] = (uint8_t)i;
                assert_int_equal(feed_want(rig->feed, &topic), E_OK);
        }
        until = now_ms(rig) + WAIT_MS;
        do {
                loop_turn(rig->f.loop, 20);
                feed_topic_state(rig->feed, &topic, &s);
        } while (s.refusal != E_LIMIT && now_ms(rig) < until);
        assert_int_equal(s.refusal, E_LIMIT);
        assert_int_equal(feed_user_slots_left(rig->feed), 0);
        topic.user.b[19] = 13;
        do {
                loop_turn(rig->f.loop, 20);
                feed_topic_state(rig->feed, &topic, &s);
        } while (!s.is_live && now_ms(rig) < until);
        assert_true(s.is_live);
        await_all(rig, true);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_every_topic, setup, teardown),
                cmocka_unit_test_setup_teardown(test_builders_dex, setup, teardown),
                cmocka_unit_test_setup_teardown(test_closed_socket, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent_socket, setup, teardown),
                cmocka_unit_test_setup_teardown(test_events_that_come_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(test_users_the_venue_takes, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
