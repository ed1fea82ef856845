/* The paper venue's WebSocket: subscriptions, snapshots, events, posts. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "paper_fixture.h"

#define WAIT_MS 5000

struct rig {
        struct paper_fixture f;
        struct paper_socket *ws;
        struct paper_wallet w;
};

static int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        paper_fixture_open(&rig->f, NULL);
        rig->w = paper_fixture_wallet(&rig->f, 1);
        paper_fixture_faucet(&rig->f, &rig->w, "10000");
        paper_fixture_price(&rig->f, "BTC", "60000");
        rig->ws = paper_fixture_ws(&rig->f);
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;

        paper_fixture_ws_close(rig->ws);
        paper_fixture_close(&rig->f);
        free(rig);
        return 0;
}

static json_t *next(struct rig *rig, const char *channel)
{
        json_t *frame = paper_fixture_ws_next(&rig->f, rig->ws, channel, WAIT_MS);

        if (!frame)
                fail_msg("nothing on %s", channel);
        return frame;
}

static void say(struct rig *rig, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct rig *rig, const char *fmt, ...)
{
        char text[2048];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        paper_fixture_ws_send(&rig->f, rig->ws, text);
}

static void subscribe(struct rig *rig, const char *subscription)
{
        say(rig, "{\"method\":\"subscribe\",\"subscription\":%s}", subscription);
        json_decref(next(rig, "subscriptionResponse"));
}

static void subscribe_user(struct rig *rig, const char *type)
{
        say(rig, "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"%s\",\"user\":\"%s\"}}",
            type, rig->w.hex);
        json_decref(next(rig, "subscriptionResponse"));
}

static void buy(struct rig *rig, const char *price, const char *tif, const char *size)
{
        json_t *answer = paper_fixture_act(
                &rig->f, &rig->w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                price, size, tif);

        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

static void test_echo_keeps_what_was_sent(void **state)
{
        struct rig *rig = *state;
        json_t *frame;

        say(rig, "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"l2Book\",\"coin\":\"BTC\","
                 "\"nSigFigs\":null,\"mantissa\":null,\"own\":\"x\"}}");
        frame = next(rig, "subscriptionResponse");
        expect_text(frame, "data.method", "subscribe");
        expect_text(frame, "data.subscription.own", "x");
        assert_true(json_is_null(paper_fixture_at(frame, "data.subscription.nSigFigs")));
        assert_true(json_is_false(paper_fixture_at(frame, "data.subscription.fast")));
        json_decref(frame);
        frame = next(rig, "l2Book");
        expect_text(frame, "data.coin", "BTC");
        expect_text(frame, "data.levels.0.0.px", "59999.0");
        expect_text(frame, "data.levels.1.0.px", "60001.0");
        json_decref(frame);
        paper_fixture_price(&rig->f, "BTC", "61000");
        frame = next(rig, "l2Book");
        expect_text(frame, "data.levels.1.0.px", "61001.0");
        json_decref(frame);
}

/* The JSON inside a frame's base64 of raw DEFLATE, whose one block is a stored one. */
static json_t *unpacked(const json_t *frame)
{
        const char *text = json_string_value(json_object_get(frame, "data"));
        unsigned char bytes[8192];
        size_t len = 0, n;
        json_t *json;

        assert_non_null(text);
        assert_int_equal(sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &len,
                                           NULL, sodium_base64_VARIANT_ORIGINAL),
                         0);
        assert_in_range(len, 7, sizeof(bytes));
        assert_int_equal(bytes[0], 1);
        n = bytes[1] | (size_t)bytes[2] << 8;
        assert_int_equal(n, len - 5);
        assert_int_equal(bytes[3] | bytes[4] << 8, ~n & 0xffff);
        json = json_loadb((const char *)bytes + 5, n, 0, NULL);
        assert_non_null(json);
        return json;
}

static void test_fast_contexts_are_all_then_changes(void **state)
{
        struct rig *rig = *state;
        json_t *frame, *told;
        const char *mark = "";

        subscribe(rig, "{\"type\":\"fastAssetCtxs\"}");
        frame = next(rig, "fastAssetCtxs");
        told = unpacked(frame);
        assert_true(json_object_size(told) > 4);
        assert_non_null(paper_fixture_at(told, "BTC.midPx"));
        assert_non_null(json_object_get(told, "xyz:GOLD")); /* of every dex */
        json_decref(told);
        json_decref(frame);
        /* Two markets move by hand, the second after the first was told of. */
        for (int i = 0; i < 2; i++) {
                const char *coin = i ? "ETH" : "BTC", *price = i ? "2100.0" : "61000.0";

                paper_fixture_price(&rig->f, coin, price);
                for (told = NULL; strcmp(mark, price) != 0;) {
                        json_decref(told);
                        frame = next(rig, "fastAssetCtxs");
                        told = unpacked(frame);
                        json_decref(frame);
                        mark = paper_fixture_text(told, i ? "ETH.markPx" : "BTC.markPx");
                }
                expect_text(told, i ? "ETH.midPx" : "BTC.midPx", price);
                assert_true(i == 0 || !json_object_get(told, "BTC")); /* it stands still */
                mark = "";
                json_decref(told);
        }
}

static void test_outcomes_are_listened_to_though_there_are_none(void **state)
{
        struct rig *rig = *state;

        subscribe(rig, "{\"type\":\"outcomeMetaUpdates\"}");
        say(rig, "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"outcomeMetaUpdates\"}}");
        json_decref(next(rig, "error")); /* it is subscribed to already */
        say(rig, "{\"method\":\"unsubscribe\",\"subscription\":{\"type\":\"outcomeMetaUpdates\"}}");
        json_decref(next(rig, "subscriptionResponse"));
}

static void test_a_fast_book_shows_the_best_levels(void **state)
{
        struct rig *rig = *state;
        json_t *frame;

        subscribe(rig, "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"fast\":true}");
        frame = next(rig, "l2Book");
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.levels.0")), 5);
        assert_true(json_is_true(paper_fixture_at(frame, "data.fast")));
        json_decref(frame);
        say(rig,
            "{\"method\":\"unsubscribe\",\"subscription\":{\"type\":\"l2Book\",\"coin\":\"BTC\","
            "\"fast\":true}}");
        json_decref(next(rig, "subscriptionResponse"));
        subscribe(rig, "{\"type\":\"l2Book\",\"coin\":\"BTC\"}");
        do {
                frame = next(rig, "l2Book"); /* one that was on its way may come first */
                if (!paper_fixture_at(frame, "data.fast"))
                        break;
                json_decref(frame);
        } while (true);
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.levels.0")), 20);
        json_decref(frame);
        say(rig, "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"l2Book\",\"coin\":\"BTC\","
                 "\"fast\":1}}");
        json_decref(next(rig, "error"));
}

static void expect_error(struct rig *rig, const char *message, const char *text)
{
        json_t *frame;

        paper_fixture_ws_send(&rig->f, rig->ws, message);
        frame = next(rig, "error");
        expect_text(frame, "data", text);
        json_decref(frame);
}

static void test_errors_carry_the_request(void **state)
{
        static const char sub[] = "{\"type\":\"trades\",\"coin\":\"BTC\"}";
        struct rig *rig = *state;
        char message[160], text[160];

        subscribe(rig, sub);
        (void)snprintf(message, sizeof(message), "{\"method\":\"subscribe\",\"subscription\":%s}",
                       sub);
        (void)snprintf(text, sizeof(text), "Already subscribed: %s", sub);
        expect_error(rig, message, text);
        (void)snprintf(message, sizeof(message), "{\"method\":\"unsubscribe\",\"subscription\":%s}",
                       sub);
        paper_fixture_ws_send(&rig->f, rig->ws, message);
        json_decref(next(rig, "subscriptionResponse"));
        (void)snprintf(text, sizeof(text), "Already unsubscribed: %s", sub);
        expect_error(rig, message, text);
        expect_error(rig, "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"trades\"}}",
                     "Invalid subscription {\"type\":\"trades\"}");
        expect_error(rig,
                     "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"trades\",\"coin\":"
                     "\"NOPE\"}}",
                     "Invalid subscription {\"type\":\"trades\",\"coin\":\"NOPE\"}");
        expect_error(rig, "hello", "Error parsing JSON into valid websocket request: hello");
        expect_error(rig, "{\"method\":\"dance\"}",
                     "Error parsing JSON into valid websocket request: {\"method\":\"dance\"}");
}

static void test_account_channels(void **state)
{
        struct rig *rig = *state;
        json_t *frame;

        subscribe_user(rig, "userFills");
        frame = next(rig, "userFills");
        assert_true(json_is_true(paper_fixture_at(frame, "data.isSnapshot")));
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.fills")), 0);
        json_decref(frame);
        subscribe_user(rig, "orderUpdates");
        subscribe_user(rig, "userEvents");
        subscribe_user(rig, "clearinghouseState");
        json_decref(next(rig, "clearinghouseState"));
        subscribe(rig, "{\"type\":\"trades\",\"coin\":\"BTC\"}");

        buy(rig, "61000", "Ioc", "0.1");
        frame = next(rig, "trades");
        expect_text(frame, "data.0.px", "60001.0");
        expect_text(frame, "data.0.users.0", rig->w.hex);
        json_decref(frame);
        frame = next(rig, "orderUpdates");
        expect_text(frame, "data.0.status", "filled");
        expect_text(frame, "data.0.order.sz", "0.0");
        json_decref(frame);
        buy(rig, "50000", "Gtc", "0.01");
        frame = next(rig, "orderUpdates");
        expect_text(frame, "data.0.status", "open");
        expect_text(frame, "data.0.order.limitPx", "50000.0");
        json_decref(frame);
        buy(rig, "61000", "Ioc", "0.1");
        frame = next(rig, "userFills");
        assert_null(paper_fixture_at(frame, "data.isSnapshot"));
        expect_text(frame, "data.user", rig->w.hex);
        expect_text(frame, "data.fills.0.dir", "Open Long");
        json_decref(frame);
        frame = next(rig, "user");
        expect_text(frame, "data.fills.0.coin", "BTC");
        json_decref(frame);
        frame = next(rig, "clearinghouseState");
        expect_text(frame, "data.dex", "");
        expect_text(frame, "data.clearinghouseState.assetPositions.0.position.szi", "0.2");
        json_decref(frame);
        /* A later subscriber starts with what has been. */
        say(rig,
            "{\"method\":\"unsubscribe\",\"subscription\":{\"type\":\"userFills\",\"user\":"
            "\"%s\"}}",
            rig->w.hex);
        subscribe_user(rig, "userFills");
        frame = next(rig, "userFills");
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.fills")), 2);
        json_decref(frame);
}

static void test_liquidation_and_funding_reach_the_account(void **state)
{
        struct rig *rig = *state;
        json_t *frame;

        json_decref(paper_fixture_act(&rig->f, &rig->w, NULL,
                                      "{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":false,"
                                      "\"leverage\":20}"));
        buy(rig, "61000", "Ioc", "0.1");
        subscribe_user(rig, "userEvents");
        json_decref(paper_fixture_post(&rig->f, "/paper/clock", 200, "{\"advanceMs\":3600000}"));
        frame = next(rig, "user");
        expect_text(frame, "data.funding.coin", "BTC");
        expect_text(frame, "data.funding.usdc", "-0.075");
        json_decref(frame);
        paper_fixture_price(&rig->f, "BTC", "55000");
        frame = next(rig, "user");
        expect_text(frame, "data.fills.0.liquidation.liquidatedUser", rig->w.hex);
        json_decref(frame);
        frame = next(rig, "user");
        expect_text(frame, "data.liquidation.liquidated_user", rig->w.hex);
        json_decref(frame);
}

static void test_posts(void **state)
{
        struct rig *rig = *state;
        char *body;
        json_t *frame;

        say(rig, "{\"method\":\"ping\"}");
        json_decref(next(rig, "pong"));
        say(rig, "{\"method\":\"post\",\"id\":9223372036854775807,\"request\":{\"type\":\"info\","
                 "\"payload\":{\"type\":\"perpDexs\"}}}");
        frame = next(rig, "post");
        assert_true(json_integer_value(paper_fixture_at(frame, "data.id")) == INT64_MAX);
        expect_text(frame, "data.response.type", "info");
        expect_text(frame, "data.response.payload.type", "perpDexs");
        assert_int_equal(json_array_size(paper_fixture_at(frame, "data.response.payload.data")), 2);
        json_decref(frame);
        body = paper_fixture_sign(&rig->f, &rig->w, "{\"type\":\"noop\"}", NULL);
        say(rig, "{\"method\":\"post\",\"id\":2,\"request\":{\"type\":\"action\",\"payload\":%s}}",
            body);
        frame = next(rig, "post");
        expect_text(frame, "data.response.type", "action");
        expect_text(frame, "data.response.payload.status", "ok");
        json_decref(frame);
        free(body);
        say(rig,
            "{\"method\":\"post\",\"id\":3,\"request\":{\"type\":\"info\",\"payload\":{\"type\":"
            "\"nonsense\"}}}");
        frame = next(rig, "post");
        expect_text(frame, "data.response.type", "error");
        expect_text(frame, "data.response.payload",
                    "422: Failed to deserialize the JSON body into the target type");
        json_decref(frame);
}

static void test_socket_faults(void **state)
{
        struct rig *rig = *state;
        json_t *frame;

        subscribe_user(rig, "orderUpdates");
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"duplicateEvent\",\"count\":1}"));
        buy(rig, "50000", "Gtc", "0.01");
        for (int i = 0; i < 2; i++) {
                frame = next(rig, "orderUpdates");
                expect_text(frame, "data.0.order.limitPx", "50000.0");
                json_decref(frame);
        }
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"silentSocket\",\"count\":1}"));
        say(rig, "{\"method\":\"ping\"}");
        assert_null(paper_fixture_ws_next(&rig->f, rig->ws, "pong", 200));
        assert_false(paper_fixture_ws_is_closed(rig->ws));
        paper_fixture_ws_close(rig->ws);
        rig->ws = paper_fixture_ws(&rig->f);
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"closeSocket\",\"count\":1}"));
        assert_null(paper_fixture_ws_next(&rig->f, rig->ws, "pong", WAIT_MS));
        assert_true(paper_fixture_ws_is_closed(rig->ws));
        paper_fixture_ws_close(rig->ws);
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200, "{\"kind\":\"halfOpen\"}"));
        rig->ws = paper_fixture_ws(&rig->f);
        say(rig, "{\"method\":\"ping\"}");
        assert_null(paper_fixture_ws_next(&rig->f, rig->ws, "pong", 200));
        assert_false(paper_fixture_ws_is_closed(rig->ws));
}

static void test_a_book_that_crosses(void **state)
{
        static const char subscribe[] =
                "{\"method\":\"subscribe\",\"subscription\":{\"type\":\"bbo\",\"coin\":\"BTC\"}}";
        struct rig *rig = *state;
        json_t *frame;

        paper_fixture_price(&rig->f, "BTC", "60000");
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200, "{\"kind\":\"crossedBook\"}"));
        subscribe_user(rig, "openOrders"); /* no book: it does not meet it */
        json_decref(next(rig, "openOrders"));
        say(rig, subscribe);
        frame = next(rig, "bbo");
        expect_text(frame, "data.bbo.0.px", "60001.0");
        expect_text(frame, "data.bbo.1.px", "59999.0");
        json_decref(frame);
        paper_fixture_price(&rig->f, "BTC", "60100");
        frame = next(rig, "bbo");
        expect_text(frame, "data.bbo.0.px", "60099.0");
        json_decref(frame);
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 400,
                                       "{\"kind\":\"late\",\"path\":\"ws\"}"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_fast_contexts_are_all_then_changes, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_outcomes_are_listened_to_though_there_are_none,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_fast_book_shows_the_best_levels, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_echo_keeps_what_was_sent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_errors_carry_the_request, setup, teardown),
                cmocka_unit_test_setup_teardown(test_account_channels, setup, teardown),
                cmocka_unit_test_setup_teardown(test_liquidation_and_funding_reach_the_account,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(test_posts, setup, teardown),
                cmocka_unit_test_setup_teardown(test_socket_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_book_that_crosses, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
