/* What the paper venue is asked: its universe, the shapes of /info, the living market. */
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

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
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
                "{\"type\":\"orderStatus\",\"user\":\"0x12\",\"oid\":1}",
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
                paper_fixture_http(f, "POST", "/info", "{\"type\":\"vaultSummaries\"}", 5000);

        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body, "[]");
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_default_universe, setup, teardown),
                cmocka_unit_test(test_captured_universe),
                cmocka_unit_test(test_bad_universes),
                cmocka_unit_test_setup_teardown(test_wrong_shapes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_headers, setup, teardown),
                cmocka_unit_test(test_living_market),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
