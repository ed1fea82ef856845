/* The paper venue over its real port: markets, prices by hand, trading, faults, the ledger. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "paper_fixture.h"

#define MISSING_TEXT "Failed to deserialize the JSON body into the target type"

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

/* ---- Universe -------------------------------------------------------------------------------- */

static void test_default_universe(void **state)
{
        struct paper_fixture *f = *state;
        json_t *meta = paper_fixture_info(f, "{\"type\":\"meta\"}");
        json_t *list = json_object_get(meta, "universe");
        unsigned n_strict = 0, n_no_cross = 0;

        assert_true(json_array_size(list) >= 24);
        expect_text(meta, "universe.0.name", "BTC");
        expect_text(meta, "universe.1.name", "ETH");
        assert_int_equal(json_integer_value(paper_fixture_at(meta, "universe.0.szDecimals")), 5);
        assert_int_equal(json_integer_value(paper_fixture_at(meta, "universe.0.maxLeverage")), 40);
        for (size_t i = 0; i < json_array_size(list); i++) {
                const json_t *market = json_array_get(list, i);

                n_strict += !strcmp(paper_fixture_text(market, "marginMode"), "strictIsolated");
                n_no_cross += !strcmp(paper_fixture_text(market, "marginMode"), "noCross");
                if (json_object_get(market, "marginMode"))
                        assert_true(json_is_true(json_object_get(market, "onlyIsolated")));
        }
        assert_true(n_strict > 0 && n_no_cross > 0);
        json_decref(meta);
}

static void test_captured_universe(void **state)
{
        static const char file[] = SHARED_DIR "/captures/meta/sonirico--2026-02-06--2a44a47f.json";
        struct paper_options options = {.is_mainnet = true, .is_still = true, .meta_file = file};
        struct paper_fixture f;
        json_t *meta;

        (void)state;
        if (access(file, R_OK) != 0) {
                print_message("no captures beside the repository\n");
                skip();
        }
        paper_fixture_open(&f, &options);
        meta = paper_fixture_info(&f, "{\"type\":\"metaAndAssetCtxs\"}");
        assert_int_equal(json_array_size(paper_fixture_at(meta, "0.universe")), 228);
        assert_int_equal(json_array_size(paper_fixture_at(meta, "1")), 228);
        expect_text(meta, "0.universe.159.name", "HYPE");
        expect_text(meta, "1.0.markPx", "66344.0");
        assert_true(json_is_null(paper_fixture_at(meta, "1.3.midPx"))); /* delisted */
        json_decref(meta);
        paper_fixture_close(&f);
}

static void test_bad_universes(void **state)
{
        static const struct {
                const char *text, *complaint;
        } bad[] = {
                {"", ":1:"},
                {"[]", "want 1..1024 markets, found 0"},
                {"{\"universe\":[{\"name\":\"A\\\"B\",\"szDecimals\":1,\"maxLeverage\":3}]}",
                 "plain characters"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":7,\"maxLeverage\":3}]}",
                 "szDecimals must be 0..6"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":1.0,\"maxLeverage\":3}]}",
                 "szDecimals must be 0..6"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":1}]}",
                 "maxLeverage must be 1..1000"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":1,\"maxLeverage\":3},"
                 "{\"name\":\"A\",\"szDecimals\":1,\"maxLeverage\":3}]}",
                 "occurs twice"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":1,\"maxLeverage\":3,"
                 "\"marginTableId\":51}]}",
                 "names no table"},
                {"{\"universe\":[{\"name\":\"A\",\"szDecimals\":1,\"maxLeverage\":3}],"
                 "\"marginTables\":"
                 "[[51,{\"marginTiers\":[{\"lowerBound\":\"1.0\",\"maxLeverage\":3}]}]]}",
                 "not in order"},
        };
        struct paper_fixture f;

        (void)state;
        memset(&f, 0, sizeof(f));
        f.loop = loop_new();
        f.httpd = httpd_new(f.loop);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                char name[] = "paper_meta_XXXXXX";
                struct paper_options options = {.meta_file = name};
                struct err err = {.code = E_OK};
                int fd = mkstemp(name);

                assert_true(fd >= 0);
                assert_int_equal(write(fd, bad[i].text, strlen(bad[i].text)), strlen(bad[i].text));
                (void)close(fd);
                assert_null(paper_open(f.loop, f.httpd, &options, &err));
                assert_int_equal(err.code, E_CONFIG);
                if (!strstr(err.detail, bad[i].complaint))
                        fail_msg("%s: %s", bad[i].complaint, err.detail);
                (void)unlink(name);
        }
        httpd_free(f.httpd);
        loop_free(f.loop);
}

/* ---- Info ------------------------------------------------------------------------------------ */

static void test_wrong_shapes(void **state)
{
        static const char *const bad[] = {
                "",
                "{",
                "[]",
                "{\"type\":\"nonsense\"}",
                "{\"type\":1}",
                "{\"type\":\"l2Book\"}",
                "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":1}",
                "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":5,\"mantissa\":1}",
                "{\"type\":\"clearinghouseState\",\"user\":\"0x12\"}",
                "{\"type\":\"clearinghouseState\"}",
                "{\"type\":\"orderStatus\",\"user\":\"0x00000000000000000000000000000000000000aa\","
                "\"oid\":\"0x12\"}",
                "{\"type\":\"candleSnapshot\",\"coin\":\"BTC\"}",
                "{\"type\":\"meta\",\"type\":\"meta\"}",
        };
        struct paper_fixture *f = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct paper_reply reply = paper_fixture_http(f, "POST", "/info", bad[i], 5000);

                if (reply.status != 422 || strcmp(reply.body, MISSING_TEXT) != 0)
                        fail_msg("%s: %d %s", bad[i], reply.status, reply.body);
                assert_non_null(strcasestr(reply.head, "content-type: text/plain"));
                paper_fixture_reply_fini(&reply);
                reply = paper_fixture_http(f, "POST", "/exchange", bad[i], 5000);
                assert_int_equal(reply.status, 422);
                paper_fixture_reply_fini(&reply);
        }
}

static void test_headers(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_reply reply =
                paper_fixture_http(f, "POST", "/info", "{\"type\":\"perpDexs\"}", 5000);

        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "[null]");
        assert_non_null(strcasestr(reply.head, "content-type: application/json"));
        assert_non_null(strcasestr(reply.head, "access-control-allow-origin: *"));
        paper_fixture_reply_fini(&reply);
        reply = paper_fixture_http(f, "OPTIONS", "/exchange", "", 5000);
        assert_int_equal(reply.status, 204);
        assert_non_null(strcasestr(reply.head, "access-control-allow-headers: "));
        paper_fixture_reply_fini(&reply);
        reply = paper_fixture_http(f, "GET", "/nothing", "", 5000);
        assert_int_equal(reply.status, 404);
        paper_fixture_reply_fini(&reply);
}

static void test_living_market(void **state)
{
        struct paper_options options = {.is_mainnet = true, .seed = 3};
        struct paper_fixture f;
        json_t *trades, *candles, *before, *after;
        int64_t until;

        (void)state;
        paper_fixture_open(&f, &options);
        trades = paper_fixture_info(&f, "{\"type\":\"recentTrades\",\"coin\":\"ETH\"}");
        assert_true(json_array_size(trades) >= 20);
        assert_true(json_array_size(paper_fixture_at(trades, "0.users")) == 2);
        candles = paper_fixture_info(&f, "{\"type\":\"candleSnapshot\",\"req\":{\"coin\":\"ETH\","
                                         "\"interval\":\"1h\",\"startTime\":0}}");
        assert_true(json_array_size(candles) >= 700);
        before = paper_fixture_info(&f, "{\"type\":\"allMids\"}");
        after = json_incref(before);
        until = clock_mono_ms(loop_clock(f.loop)) + 10000;
        while (json_equal(before, after) && clock_mono_ms(loop_clock(f.loop)) < until) {
                json_decref(after);
                after = paper_fixture_info(&f, "{\"type\":\"allMids\"}");
        }
        assert_false(json_equal(before, after));
        json_decref(after);
        json_decref(before);
        json_decref(candles);
        json_decref(trades);
        paper_fixture_close(&f);
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

static void test_control_refuses_nonsense(void **state)
{
        static const char *const bad[][2] = {
                {"/paper/price", "{\"coin\":\"NOPE\",\"price\":\"1\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"0\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"-1\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":\"1e5\"}"},
                {"/paper/price", "{\"coin\":\"BTC\",\"price\":60000}"},
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
                cmocka_unit_test_setup_teardown(test_default_universe, setup, teardown),
                cmocka_unit_test(test_captured_universe),
                cmocka_unit_test(test_bad_universes),
                cmocka_unit_test_setup_teardown(test_wrong_shapes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
                cmocka_unit_test(test_living_market),
                cmocka_unit_test_setup_teardown(test_held_price, setup, teardown),
                cmocka_unit_test_setup_teardown(test_control_refuses_nonsense, setup, teardown),
                cmocka_unit_test_setup_teardown(test_isolated_loss_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_order_leaves_its_neighbours, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_weight_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_modify, setup, teardown),
                cmocka_unit_test_setup_teardown(test_funding_on_the_hour, setup, teardown),
                cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_ledger_pages, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
