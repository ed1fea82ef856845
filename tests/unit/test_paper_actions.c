/* Scheduled cancels and topping up on the paper venue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

#define RESTS                                                                                      \
        "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"50000\",\"s\":\"0.01\","      \
        "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}"

static int setup(void **state)
{
        struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .is_ungated = true};
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, &options);
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

static void expect_ok(json_t *answer)
{
        assert_string_equal(paper_fixture_refusal(answer), "");
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
}

static void expect_refusal(json_t *answer, const char *text)
{
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

static json_t *ask(struct paper_fixture *f, const char *user, const char *type)
{
        return paper_fixture_info(f, "{\"type\":\"%s\",\"user\":\"%s\"}", type, user);
}

static void expect_answer(struct paper_fixture *f, const char *user, const char *type,
                          const char *path, const char *text)
{
        json_t *answer = ask(f, user, type);

        expect_text(answer, path, text);
        json_decref(answer);
}

/* ---- Scheduled cancels ----------------------------------------------------------------------- */

static void test_scheduled_cancel(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *time = paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":0}");
        long long now = json_integer_value(json_object_get(time, "time"));

        json_decref(time);
        expect_refusal(paper_fixture_act(f, &w, NULL, "{\"type\":\"scheduleCancel\",\"time\":%lld}",
                                         now + 4000),
                       "Scheduled cancel time must be at least 5 seconds ahead.");
        /* Without a time the schedule is gone. */
        expect_ok(paper_fixture_act(f, &w, NULL, RESTS));
        expect_ok(paper_fixture_act(f, &w, NULL, "{\"type\":\"scheduleCancel\",\"time\":%lld}",
                                    now + 60000));
        expect_ok(paper_fixture_act(f, &w, NULL, "{\"type\":\"scheduleCancel\"}"));
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":120000}"));
        expect_answer(f, w.hex, "openOrders", "0.coin", "BTC");
        /* Ten a day fire; the eleventh does not. */
        time = paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":86400000}");
        now = json_integer_value(json_object_get(time, "time"));
        json_decref(time);
        now += 86400000 - now % 86400000; /* the next midnight */
        for (int i = 0; i < 11; i++) {
                json_t *orders;

                expect_ok(paper_fixture_act(f, &w, NULL, RESTS));
                now += 60000;
                expect_ok(paper_fixture_act(f, &w, NULL,
                                            "{\"type\":\"scheduleCancel\",\"time\":%lld}", now));
                time = paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":0}");
                json_decref(paper_fixture_post(
                        f, "/paper/clock", 200, "{\"advanceMs\":%lld}",
                        now + 1000 - (long long)json_integer_value(json_object_get(time, "time"))));
                json_decref(time);
                orders = ask(f, w.hex, "openOrders");
                assert_int_equal(json_array_size(orders), i < 10 ? 0 : 1);
                json_decref(orders);
        }
        expect_answer(f, w.hex, "historicalOrders", "1.status", "scheduledCancel");
}

/* ---- Topping up ------------------------------------------------------------------------------ */

/* The first market of the margin mode; its name in out. */
static unsigned find_market(struct paper_fixture *f, const char *mode, char out[40])
{
        json_t *meta = paper_fixture_info(f, "{\"type\":\"meta\"}");
        const json_t *universe = json_object_get(meta, "universe");
        unsigned asset = 0;

        while (asset < json_array_size(universe) &&
               strcmp(paper_fixture_text(json_array_get(universe, asset), "marginMode"), mode) != 0)
                asset++;
        assert_true(asset < json_array_size(universe));
        (void)snprintf(out, 40, "%s", paper_fixture_text(json_array_get(universe, asset), "name"));
        json_decref(meta);
        return asset;
}

static void test_top_up(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char name[40];
        unsigned asset = find_market(f, "strictIsolated", name);

        paper_fixture_price(f, name, "100");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":0,"
                                         "\"leverage\":\"2\"}"),
                       "Asset not strict isolated");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                         "\"leverage\":\"2\"}",
                                         asset),
                       "Cannot update margin for empty position.");
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"updateLeverage\",\"asset\":%u,\"isCross\":false,"
                                    "\"leverage\":3}",
                                    asset));
        json_decref(paper_fixture_act(
                f, &w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":%u,\"b\":true,\"p\":\"105\",\"s\":\"10\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}],\"grouping\":\"na\"}",
                asset));
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                    "\"leverage\":\"1.25\"}",
                                    asset));
        /* 1000 dollars at 1.25 need 800. */
        expect_answer(f, w.hex, "clearinghouseState", "assetPositions.0.position.marginUsed",
                      "800.0");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                         "\"leverage\":\"2\"}",
                                         asset),
                       "Update to isolated margin cannot be zero.");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                         "\"leverage\":\"0\"}",
                                         asset),
                       "Invalid leverage value");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":%u,"
                                         "\"leverage\":\"0.01\"}",
                                         asset),
                       "Account does not have sufficient margin available for increase.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_scheduled_cancel, setup, teardown),
                cmocka_unit_test_setup_teardown(test_top_up, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
