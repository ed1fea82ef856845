/* Trading on the paper venue: prices by hand, orders, liquidation, funding. */
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

/* An IOC order of size at the worst price px; the answer. */
static json_t *take(struct paper_fixture *f, const struct paper_wallet *w, unsigned asset,
                    bool is_buy, const char *px, const char *size)
{
        return paper_fixture_act(f, w, NULL,
                                 "{\"type\":\"order\",\"orders\":[{\"a\":%u,\"b\":%s,\"p\":\"%s\","
                                 "\"s\":\"%s\",\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}],"
                                 "\"grouping\":\"na\"}",
                                 asset, is_buy ? "true" : "false", px, size);
}

static void set_leverage(struct paper_fixture *f, const struct paper_wallet *w, unsigned asset,
                         bool is_cross, unsigned leverage)
{
        json_t *answer = paper_fixture_act(
                f, w, NULL,
                "{\"type\":\"updateLeverage\",\"asset\":%u,\"isCross\":%s,\"leverage\":%u}", asset,
                is_cross ? "true" : "false", leverage);

        assert_string_equal(paper_fixture_refusal(answer), "");
        json_decref(answer);
}

static json_t *account_of(struct paper_fixture *f, const struct paper_wallet *w)
{
        return paper_fixture_info(f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}", w->hex);
}

/* ---- Prices by hand -------------------------------------------------------------------------- */

static void test_held_price(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer = paper_fixture_post(f, "/paper/price", 200,
                                            "{\"coin\":\"BTC\",\"price\":\"52345.6\"}");
        json_t *book;

        expect_text(answer, "markPx", "52345.6");
        expect_text(answer, "oraclePx", "52345.6");
        json_decref(answer);
        /* 10,000 dollars fill at the best level, again and again. */
        for (int i = 0; i < 8; i++) {
                book = paper_fixture_info(f, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
                expect_text(book, "levels.0.0.px", "52344.0");
                expect_text(book, "levels.1.0.px", "52347.0");
                assert_int_equal(json_array_size(paper_fixture_at(book, "levels.0")), 20);
                json_decref(book);
                answer = take(f, &w, 0, i % 2 == 0, i % 2 == 0 ? "55000" : "50000", "0.19");
                expect_text(answer, "response.data.statuses.0.filled.totalSz", "0.19");
                expect_text(answer, "response.data.statuses.0.filled.avgPx",
                            i % 2 == 0 ? "52347.0" : "52344.0");
                json_decref(answer);
        }
        answer = paper_fixture_post(f, "/paper/price", 200, "{\"coin\":\"BTC\",\"price\":null}");
        assert_true(json_is_false(paper_fixture_at(answer, "held")));
        json_decref(answer);
}

/* What a trader leaves at the maker's price is his: the maker does not fill it to get back there. */
static void test_remainder_rests(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2);
        json_t *orders, *book, *answer;

        paper_fixture_price(f, "BTC", "60000");
        json_decref(paper_fixture_act(
                f, &w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"60001\",\"s\":\"1.5\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}"));
        json_decref(paper_fixture_act(f, &w, NULL, "{\"type\":\"noop\"}"));
        orders = paper_fixture_info(f, "{\"type\":\"openOrders\",\"user\":\"%s\"}", w.hex);
        expect_text(orders, "0.origSz", "1.5");
        expect_text(orders, "0.sz", "0.50002");
        json_decref(orders);
        book = paper_fixture_info(f, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        expect_text(book, "levels.0.0.px", "60001.0");
        expect_text(book, "levels.0.0.sz", "0.50002");
        expect_text(book, "levels.1.0.px", "60007.0");
        json_decref(book);
        /* Somebody else takes it; then the maker is back at its place. */
        answer = take(f, &other, 0, false, "60001", "0.50002");
        expect_text(answer, "response.data.statuses.0.filled.avgPx", "60001.0");
        json_decref(answer);
        book = paper_fixture_info(f, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        expect_text(book, "levels.0.0.px", "59999.0");
        expect_text(book, "levels.1.0.px", "60001.0");
        json_decref(book);
}

static void test_control_refuses_nonsense(void **state)
{
        static const char *const bad[][2] = {
                {"/paper/price", "{\"coin\":\"NOPE\",\"price\":\"1\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"0\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"-1\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"1e5\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":60000.5}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"60000.01\"}"},
                {"/paper/price", "{\"coin\":\"BTC\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"1\",\"x\":1}"},
                {"/paper/faucet", "{\"user\":\"0x1\",\"amount\":\"1\"}"},
                {"/paper/faucet", "{\"user\":\"0x00000000000000000000000000000000000000aa\","
                                  "\"amount\":\"0.0000001\"}"},
                {"/paper/clock", "{\"advanceMs\":-1}"},
                {"/paper/clock", "{\"advanceMs\":\"1\"}"},
                {"/paper/fault", "{\"kind\":\"nope\",\"count\":1}"},
                {"/paper/fault", "{\"kind\":\"delay\",\"count\":0}"},
                {"/paper/fault", "{\"kind\":\"delay\",\"count\":1,\"path\":\"ws\"}"},
                {"/paper/fault", "not JSON"},
        };
        struct paper_fixture *f = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                json_t *answer = paper_fixture_post(f, bad[i][0], 400, "%s", bad[i][1]);

                assert_true(paper_fixture_text(answer, "error")[0] != '\0');
                json_decref(answer);
        }
}

/* ---- Trading --------------------------------------------------------------------------------- */

/* One isolated long at 10x beside one cross short; the fall takes the long's margin and no more. */
static void test_isolated_loss_is_bounded(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *before, *after, *fills, *ledger;

        paper_fixture_price(f, "BTC", "60000");
        paper_fixture_price(f, "ETH", "2000");
        set_leverage(f, &w, 0, false, 10);
        json_decref(take(f, &w, 0, true, "61000", "0.1"));
        json_decref(take(f, &w, 1, false, "1990", "1"));
        before = account_of(f, &w);
        assert_int_equal(json_array_size(paper_fixture_at(before, "assetPositions")), 2);
        expect_text(before, "assetPositions.0.position.coin", "BTC");
        expect_text(before, "assetPositions.0.position.leverage.type", "isolated");
        expect_text(before, "assetPositions.0.position.entryPx", "60001.0");
        expect_text(before, "assetPositions.1.position.leverage.type", "cross");
        expect_text(before, "assetPositions.1.position.szi", "-1.0");
        assert_null(paper_fixture_at(before, "assetPositions.1.position.leverage.rawUsd"));

        paper_fixture_price(f, "BTC", "53000");
        after = account_of(f, &w);
        assert_int_equal(json_array_size(paper_fixture_at(after, "assetPositions")), 1);
        expect_text(after, "assetPositions.0.position.coin", "ETH");
        expect_text(after, "crossMarginSummary.accountValue",
                    paper_fixture_text(before, "crossMarginSummary.accountValue"));
        fills = paper_fixture_info(f, "{\"type\":\"userFills\",\"user\":\"%s\"}", w.hex);
        expect_text(fills, "0.liquidation.liquidatedUser", w.hex);
        ledger = paper_fixture_info(f, "{\"type\":\"userNonFundingLedgerUpdates\",\"user\":\"%s\"}",
                                    w.hex);
        expect_text(ledger, "0.delta.type", "deposit");
        expect_text(ledger, "1.delta.type", "liquidation");
        expect_text(ledger, "1.delta.leverageType", "Isolated");
        expect_text(ledger, "1.delta.liquidatedPositions.0.coin", "BTC");
        json_decref(ledger);
        json_decref(fills);
        json_decref(after);
        json_decref(before);
}

static void test_bad_order_leaves_its_neighbours(void **state)
{
        static const char order[] = "{\"a\":1,\"b\":true,\"p\":\"%s\",\"s\":\"1\",\"r\":false,"
                                    "\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char good[160], bad[160], other[160];
        json_t *answer;

        (void)snprintf(good, sizeof(good), order, "1000");
        (void)snprintf(bad, sizeof(bad), order, "1000.123");
        (void)snprintf(other, sizeof(other), order, "1001");
        answer = paper_fixture_act(f, &w, NULL,
                                   "{\"type\":\"order\",\"orders\":[%s,%s,%s],\"grouping\":\"na\"}",
                                   good, bad, other);
        assert_true(
                json_is_integer(paper_fixture_at(answer, "response.data.statuses.0.resting.oid")));
        expect_text(answer, "response.data.statuses.1.error",
                    "Price must be divisible by tick size. asset=1");
        assert_true(
                json_is_integer(paper_fixture_at(answer, "response.data.statuses.2.resting.oid")));
        json_decref(answer);
}

static void test_weight_limit(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct buf list;

        buf_init(&list, 1u << 20);
        for (int i = 0; i < 200; i++)
                buf_printf(&list, "%s{\"a\":0,\"o\":%d}", i ? "," : "", i + 1);
        for (int extra = 0; extra < 2; extra++) {
                json_t *answer = paper_fixture_act(
                        f, &w, NULL, "{\"type\":\"cancel\",\"cancels\":[%s]}", buf_cstr(&list));

                if (extra)
                        expect_text(answer, "response", "Signed action over weight limit of 200.");
                else
                        assert_int_equal(
                                json_array_size(paper_fixture_at(answer, "response.data.statuses")),
                                200);
                json_decref(answer);
                buf_puts(&list, ",{\"a\":0,\"o\":7}");
        }
        buf_fini(&list);
}

static void test_modify(void **state)
{
        static const char cloid[] = "0x000000000000000000000000000000ab";
        static const char change[] =
                "{\"type\":\"modify\",\"oid\":\"%s\",\"order\":{\"a\":1,\"b\":true,\"p\":\"%s\","
                "\"s\":\"1\",\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}},\"c\":\"%s\"}}";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer, *found;

        answer = paper_fixture_act(f, &w, NULL, change, cloid, "1000", cloid);
        assert_string_equal(paper_fixture_refusal(answer),
                            "Cannot modify canceled or filled order");
        json_decref(answer);
        json_decref(paper_fixture_act(
                f, &w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":\"999\",\"s\":\"1\","
                "\"r\":"
                "false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}},\"c\":\"%s\"}],\"grouping\":\"na\"}",
                cloid));
        answer = paper_fixture_act(f, &w, NULL, change, cloid, "1000",
                                   "0x000000000000000000000000000000ac");
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
        found = paper_fixture_info(f, "{\"type\":\"orderStatus\",\"user\":\"%s\",\"oid\":\"%s\"}",
                                   w.hex, "0x000000000000000000000000000000ac");
        expect_text(found, "order.status", "open");
        expect_text(found, "order.order.limitPx", "1000.0");
        expect_text(found, "order.order.tif", "Alo");
        json_decref(found);
        found = paper_fixture_info(f, "{\"type\":\"orderStatus\",\"user\":\"%s\",\"oid\":\"%s\"}",
                                   w.hex, cloid);
        expect_text(found, "order.status", "canceled");
        json_decref(found);
}

static void test_funding_on_the_hour(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *paid, *history;

        paper_fixture_price(f, "BTC", "60000");
        json_decref(take(f, &w, 0, true, "61000", "0.25"));
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":10800000}"));
        paid = paper_fixture_info(f, "{\"type\":\"userFunding\",\"user\":\"%s\",\"startTime\":0}",
                                  w.hex);
        history = paper_fixture_info(
                f, "{\"type\":\"fundingHistory\",\"coin\":\"BTC\",\"startTime\":0}");
        assert_int_equal(json_array_size(paid), 3);
        assert_int_equal(json_array_size(history), 3);
        /* A book that straddles the oracle has no premium: an eighth of 0.01 percent an hour. */
        expect_text(history, "0.fundingRate", "0.0000125");
        expect_text(paid, "0.delta.usdc", "-0.1875");
        assert_int_equal(json_integer_value(paper_fixture_at(paid, "0.time")) % 3600000, 0);
        json_decref(history);
        json_decref(paid);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_held_price, setup, teardown),
                cmocka_unit_test_setup_teardown(test_remainder_rests, setup, teardown),
                cmocka_unit_test_setup_teardown(test_control_refuses_nonsense, setup, teardown),
                cmocka_unit_test_setup_teardown(test_isolated_loss_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_order_leaves_its_neighbours, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_weight_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_modify, setup, teardown),
                cmocka_unit_test_setup_teardown(test_funding_on_the_hour, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
