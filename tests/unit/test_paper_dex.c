/* A builder's dex on the paper venue: its markets, ids and names, its collateral, what is asked by dex
 * over HTTP and WebSocket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "paper_fixture.h"

enum { XYZ100 = 110000, TSLA, GOLD, NVDA, BEHIND };

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
        paper_fixture_price(f, "BTC", "60000");
        paper_fixture_price(f, "xyz:XYZ100", "25000");
        paper_fixture_price(f, "xyz:TSLA", "400");
        paper_fixture_price(f, "xyz:GOLD", "5000");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

static void expect_ok(json_t *answer)
{
        assert_string_equal(paper_fixture_refusal(answer), "");
        json_decref(answer);
}

static void expect_refusal(json_t *answer, const char *text)
{
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

static void expect_size(const json_t *value, const char *path, size_t n)
{
        assert_int_equal(json_array_size(paper_fixture_at(value, path)), n);
}

static void give(struct paper_fixture *f, const struct paper_wallet *w, const char *amount,
                 const char *where)
{
        json_decref(paper_fixture_post(f, "/paper/faucet", 200,
                                       "{\"user\":\"%s\",\"amount\":\"%s\"%s}", w->hex, amount,
                                       where));
}

/* 10,000 USDC in the first dex and 5,000 USDX in the other. */
static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        give(f, &w, "5000", ",\"dex\":\"xyz\"");
        return w;
}

static json_t *order(struct paper_fixture *f, const struct paper_wallet *w, unsigned asset,
                     const char *price, const char *size, const char *tif)
{
        return paper_fixture_act(
                f, w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":%u,\"b\":true,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                asset, price, size, tif);
}

static void expect_status(json_t *answer, const char *path, const char *text)
{
        expect_text(answer, path, text);
        json_decref(answer);
}

static void expect_state(struct paper_fixture *f, const struct paper_wallet *w, const char *dex,
                         const char *path, const char *text)
{
        json_t *answer = paper_fixture_info(
                f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\",\"dex\":\"%s\"}", w->hex, dex);

        expect_status(answer, path, text);
}

/* ---- Markets --------------------------------------------------------------------------------- */

static void test_dexs_are_told(void **state)
{
        struct paper_fixture *f = *state;
        json_t *dexs = paper_fixture_info(f, "{\"type\":\"perpDexs\"}"), *metas, *spot, *answer;

        assert_int_equal(json_array_size(dexs), 2);
        assert_true(json_is_null(json_array_get(dexs, 0)));
        expect_text(dexs, "1.name", "xyz");
        expect_text(dexs, "1.deployerFeeScale", "1.0");
        expect_text(dexs, "1.assetToStreamingOiCap.1.0", "xyz:TSLA");
        json_decref(dexs);
        metas = paper_fixture_info(f, "{\"type\":\"allPerpMetas\"}");
        assert_int_equal(json_array_size(metas), 2);
        expect_text(metas, "0.universe.0.name", "BTC");
        expect_text(metas, "1.universe.0.name", "xyz:XYZ100");
        assert_int_equal(json_integer_value(paper_fixture_at(metas, "0.collateralToken")), 0);
        assert_int_equal(json_integer_value(paper_fixture_at(metas, "1.collateralToken")), 1);
        assert_null(paper_fixture_at(metas, "1.universe.0.marginMode"));
        expect_text(metas, "1.universe.0.growthMode", "enabled");
        expect_text(metas, "1.universe.1.marginMode", "strictIsolated");
        expect_text(metas, "1.universe.2.marginMode", "noCross");
        assert_true(json_is_true(paper_fixture_at(metas, "1.universe.2.onlyIsolated")));
        assert_null(paper_fixture_at(metas, "1.universe.2.growthMode"));
        expect_size(metas, "1.marginTables", 1); /* none of the first dex's */
        json_decref(metas);
        spot = paper_fixture_info(f, "{\"type\":\"spotMeta\"}");
        expect_text(spot, "tokens.1.name", "USDX");
        assert_int_equal(json_integer_value(paper_fixture_at(spot, "tokens.1.index")), 1);
        json_decref(spot);
        answer = paper_fixture_info(f, "{\"type\":\"marginTable\",\"id\":60,\"dex\":\"xyz\"}");
        expect_text(answer, "marginTiers.1.lowerBound", "5000000.0");
        json_decref(answer);
        json_decref(paper_fixture_post(f, "/info", 500, "{\"type\":\"marginTable\",\"id\":60}"));
}

static void test_markets_by_dex(void **state)
{
        static const char *const types[] = {"meta", "metaAndAssetCtxs", "allMids",
                                            "perpsAtOpenInterestCap", "perpDexStatus"};
        struct paper_fixture *f = *state;
        json_t *answer;

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
                json_decref(paper_fixture_post(f, "/info", 500,
                                               "{\"type\":\"%s\",\"dex\":\"nope\"}", types[i]));
        answer = paper_fixture_info(f, "{\"type\":\"metaAndAssetCtxs\",\"dex\":\"xyz\"}");
        expect_size(answer, "0.universe", 4);
        expect_size(answer, "1", 4);
        expect_text(answer, "1.0.markPx", "25000.0");
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"allMids\",\"dex\":\"xyz\"}");
        assert_int_equal(json_object_size(answer), 4);
        expect_text(answer, "xyz:TSLA", "400.0");
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"allMids\"}");
        assert_null(json_object_get(answer, "xyz:TSLA"));
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"l2Book\",\"coin\":\"xyz:GOLD\"}");
        expect_text(answer, "coin", "xyz:GOLD");
        expect_size(answer, "levels.0", 20); /* the market maker is there, too */
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"perpDexLimits\",\"dex\":\"xyz\"}");
        expect_text(answer, "coinToOiCap.0.0", "xyz:XYZ100");
        expect_text(answer, "totalOiCap", "400000000.0");
        json_decref(answer);
        answer = paper_fixture_info(f, "{\"type\":\"perpDexLimits\",\"dex\":\"\"}");
        assert_true(json_is_null(answer));
        json_decref(answer);
        (void)trader(f, 1);
        answer = paper_fixture_info(f, "{\"type\":\"perpDexStatus\",\"dex\":\"xyz\"}");
        expect_text(answer, "totalNetDeposit", "5000.0");
        json_decref(answer);
}

/* ---- Trading --------------------------------------------------------------------------------- */

static void test_orders_by_id(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *fills, *orders;

        expect_status(order(f, &w, XYZ100, "25100", "0.2", "Ioc"),
                      "response.data.statuses.0.filled.totalSz", "0.2");
        expect_ok(order(f, &w, XYZ100, "20000", "0.01", "Gtc"));
        expect_state(f, &w, "xyz", "assetPositions.0.position.coin", "xyz:XYZ100");
        expect_state(f, &w, "", "marginSummary.accountValue", "10000.0");
        expect_state(f, &w, "", "assetPositions.0.position.coin", "");
        fills = paper_fixture_info(f, "{\"type\":\"userFills\",\"user\":\"%s\"}", w.hex);
        expect_text(fills, "0.feeToken", "USDX");
        expect_text(fills, "0.coin", "xyz:XYZ100");
        /* 0.00045 of the value, doubled by the deployer's scale, a tenth of it in growth mode. */
        expect_text(fills, "0.px", "25001.0");
        expect_text(fills, "0.fee", "0.450018");
        json_decref(fills);
        for (int with = 0; with < 2; with++) {
                orders = paper_fixture_info(f, "{\"type\":\"%s\",\"user\":\"%s\"%s}",
                                            with ? "frontendOpenOrders" : "openOrders", w.hex,
                                            with ? ",\"dex\":\"xyz\"" : "");
                assert_int_equal(json_array_size(orders), with);
                json_decref(orders);
        }
        expect_status(order(f, &w, GOLD, "5000.55", "0.01", "Gtc"),
                      "response.data.statuses.0.error",
                      "Price must be divisible by tick size. asset=110002");
        expect_status(order(f, &w, TSLA, "400", "0.0001", "Gtc"), "response.data.statuses.0.error",
                      "Order has invalid size. asset=110001");
        expect_refusal(order(f, &w, BEHIND, "1", "1", "Gtc"), "Asset 110004 not found");
        expect_refusal(order(f, &w, 120000, "1", "1", "Gtc"), "Asset 120000 not found");
        expect_refusal(order(f, &w, 100000, "1", "1", "Gtc"), "Asset 100000 not found");
        expect_refusal(order(f, &w, 35, "1", "20", "Gtc"), "Asset 35 not found");
}

static void test_margin_modes(void **state)
{
        static const char cross[] = "Cross margin is not allowed for this asset.";
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        const unsigned assets[] = {TSLA, GOLD};

        for (int i = 0; i < 2; i++) {
                expect_refusal(paper_fixture_act(f, &w, NULL,
                                                 "{\"type\":\"updateLeverage\",\"asset\":%u,"
                                                 "\"isCross\":true,\"leverage\":5}",
                                                 assets[i]),
                               cross);
                expect_ok(paper_fixture_act(f, &w, NULL,
                                            "{\"type\":\"updateLeverage\",\"asset\":%u,"
                                            "\"isCross\":false,\"leverage\":5}",
                                            assets[i]));
                expect_status(order(f, &w, assets[i], i ? "5100" : "410", i ? "0.1" : "1", "Ioc"),
                              "response.data.statuses.0.filled.totalSz", i ? "0.1" : "1.0");
                expect_ok(paper_fixture_act(f, &w, NULL,
                                            "{\"type\":\"updateIsolatedMargin\",\"asset\":%u,"
                                            "\"isBuy\":true,\"ntli\":50000000}",
                                            assets[i]));
        }
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"updateIsolatedMargin\",\"asset\":%u,"
                                    "\"isBuy\":true,\"ntli\":-20000000}",
                                    GOLD));
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"updateIsolatedMargin\",\"asset\":%u,"
                                         "\"isBuy\":true,\"ntli\":-1000000}",
                                         TSLA),
                       "Cannot remove isolated margin for this asset. To remove margin, reduce "
                       "the position.");
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                    "\"leverage\":\"2\"}",
                                    TSLA));
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                         "\"leverage\":\"2\"}",
                                         GOLD),
                       "Asset not strict isolated");
}

static void test_twaps_and_funding(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *answer;

        answer = paper_fixture_act(f, &w, NULL,
                                   "{\"type\":\"twapOrder\",\"twap\":{\"a\":%u,\"b\":true,"
                                   "\"s\":\"0.2\",\"r\":false,\"m\":30,\"t\":false}}",
                                   XYZ100);
        assert_non_null(paper_fixture_at(answer, "response.data.status.running.twapId"));
        expect_ok(answer);
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"twapOrder\",\"twap\":{\"a\":%u,\"b\":true,"
                                         "\"s\":\"0.2\",\"r\":false,\"m\":30,\"t\":false}}",
                                         BEHIND),
                       "Asset 110004 not found");
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":3700000}"));
        answer = paper_fixture_info(f, "{\"type\":\"userFunding\",\"user\":\"%s\"}", w.hex);
        expect_text(answer, "0.delta.coin", "xyz:XYZ100");
        json_decref(answer);
        expect_state(f, &w, "xyz", "assetPositions.0.position.szi", "0.2");
        expect_state(f, &w, "", "withdrawable", "10000.0");
}

static void expect_spot(struct paper_fixture *f, const struct paper_wallet *w, const char *path,
                        const char *text)
{
        expect_status(paper_fixture_info(f, "{\"type\":\"spotClearinghouseState\",\"user\":\"%s\"}",
                                         w->hex),
                      path, text);
}

/* ---- WebSocket ------------------------------------------------------------------------------- */

static void say(struct paper_fixture *f, struct paper_socket *s, const char *what, const char *user)
{
        char text[512], about[80] = "";

        if (user[0])
                (void)snprintf(about, sizeof(about), ",\"user\":\"%s\"", user);
        (void)snprintf(text, sizeof(text), "{\"method\":\"subscribe\",\"subscription\":{%s%s}}",
                       what, about);
        paper_fixture_ws_send(f, s, text);
}

static json_t *heard(struct paper_fixture *f, struct paper_socket *s, const char *channel)
{
        json_t *frame = paper_fixture_ws_next(f, s, channel, 5000);

        assert_non_null(frame);
        return frame;
}

static void test_channels_by_dex(void **state)
{
        static const char *const states[] = {"clearinghouseState", "openOrders", "twapStates"};
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_socket *s = paper_fixture_ws(f);
        json_t *frame;
        char ask[128];

        for (size_t i = 0; i < 3; i++) {
                for (int with = 0; with < 2; with++) { /* both: they are two subscriptions */
                        (void)snprintf(ask, sizeof(ask), "\"type\":\"%s\",\"dex\":\"%s\"",
                                       states[i], with ? "xyz" : "");
                        say(f, s, ask, w.hex);
                        frame = heard(f, s, "subscriptionResponse");
                        expect_text(frame, "data.subscription.dex", with ? "xyz" : "");
                        json_decref(frame);
                        frame = heard(f, s, states[i]);
                        expect_text(frame, "data.dex", with ? "xyz" : "");
                        if (i == 0)
                                expect_text(frame, "data.clearinghouseState.withdrawable",
                                            with ? "5000.0" : "10000.0");
                        json_decref(frame);
                }
        }
        say(f, s, "\"type\":\"allMids\",\"dex\":\"xyz\"", "");
        frame = heard(f, s, "allMids");
        expect_text(frame, "data.dex", "xyz");
        expect_text(frame, "data.mids.xyz:TSLA", "400.0");
        json_decref(frame);
        say(f, s, "\"type\":\"assetCtxs\",\"dex\":\"xyz\"", "");
        frame = heard(f, s, "assetCtxs");
        expect_text(frame, "data.dex", "xyz");
        expect_size(frame, "data.ctxs", 4);
        json_decref(frame);
        say(f, s, "\"type\":\"allDexsAssetCtxs\"", "");
        frame = heard(f, s, "allDexsAssetCtxs");
        expect_text(frame, "data.ctxs.1.0", "xyz");
        expect_size(frame, "data.ctxs.1.1", 4);
        json_decref(frame);
        say(f, s, "\"type\":\"allDexsClearinghouseState\"", w.hex);
        frame = heard(f, s, "allDexsClearinghouseState");
        expect_text(frame, "data.clearinghouseStates.1.1.withdrawable", "5000.0");
        json_decref(frame);
        say(f, s, "\"type\":\"webData3\"", w.hex);
        frame = heard(f, s, "webData3");
        expect_size(frame, "data.perpDexStates", 2);
        json_decref(frame);
        say(f, s, "\"type\":\"allMids\",\"dex\":\"nope\"", "");
        frame = heard(f, s, "error");
        assert_non_null(strstr(paper_fixture_text(frame, "data"), "Invalid subscription"));
        json_decref(frame);
        paper_fixture_ws_close(s);
}

/* ---- State ----------------------------------------------------------------------------------- */

static void test_state_keeps_the_dex(void **state)
{
        char file[] = "/tmp/perpgate-dex-XXXXXX";
        struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .state_file = file};
        struct paper_fixture f = {.paper = NULL};
        int fd = mkstemp(file);
        struct paper_wallet w;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(close(fd), 0);
        assert_int_equal(unlink(file), 0);
        paper_fixture_open(&f, &options);
        w = trader(&f, 1);
        paper_fixture_price(&f, "xyz:XYZ100", "25000");
        give(&f, &w, "7", ",\"token\":\"USDX\"");
        expect_status(order(&f, &w, XYZ100, "25100", "0.2", "Ioc"),
                      "response.data.statuses.0.filled.totalSz", "0.2");
        paper_fixture_close(&f);
        paper_fixture_open(&f, &options);
        expect_spot(&f, &w, "balances.0.coin", "USDX");
        expect_spot(&f, &w, "balances.0.total", "7.0");
        expect_state(&f, &w, "xyz", "assetPositions.0.position.szi", "0.2");
        expect_state(&f, &w, "", "withdrawable", "10000.0");
        paper_fixture_close(&f);
        assert_int_equal(unlink(file), 0);
}

#define DEX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                DEX_TEST(test_dexs_are_told),     DEX_TEST(test_markets_by_dex),
                DEX_TEST(test_orders_by_id),      DEX_TEST(test_margin_modes),
                DEX_TEST(test_twaps_and_funding),

                DEX_TEST(test_channels_by_dex),   cmocka_unit_test(test_state_keeps_the_dex),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
