/* api_socket: what comes as a frame passes what a request passes, and is told once. */
#include "api_socket_rig.h"

#include <sodium.h>

static void what_is_no_request_is_refused(void **state)
{
        struct bench *bench = *state;
        char key[80];
        char *giant = xmalloc(20001);
        struct reply r = {0};

        memset(key, 'k', sizeof key - 1);
        key[sizeof key - 1] = '\0';
        memset(giant, ' ', 20000);
        giant[20000] = '\0';
        CALL(&r, 404, "not_found", .method = METHOD_POST, .path = "/v1/nothing");
        CALL(&r, 404, "not_found", .method = METHOD_GET, .path = API_SOCKET_PATH);
        CALL(&r, 405, "invalid_request", .method = METHOD_PUT, .path = "/v1/orders");
        CALL(&r, 400, "invalid_request", .method = METHOD_GET, .path = "/v1/markets", .body = "{}");
        CALL(&r, 413, "payload_too_large", .method = METHOD_POST, .path = "/v1/orders",
             .body = giant);
        CALL(&r, 400, "invalid_request", .method = METHOD_POST, .path = "/v1/orders", .body = "{}",
             .idempotency_key = key);
        CALL(&r, 401, "unauthorized", .method = METHOD_POST, .path = "/v1/orders", .body = "{}");
        CALL(&r, 200, "", .method = METHOD_GET, .path = "/v1/markets/BTC/book");
        CALL(&r, 200, "", .method = METHOD_GET, .path = "/v1/markets/BTC/candles",
             .query = "interval=1m&limit=2");
        text_copy(bench->from.brand, sizeof bench->from.brand, "gone");
        CALL(&r, 404, "not_found", .method = METHOD_GET, .path = "/v1/markets");
        AUTH(&r, 404, "not_found", .token = "x");
        reply_fini(&r);
        free(giant);
}

static void a_session_is_known_until_it_ends(void **state)
{
        struct bench *bench = *state;
        char token[AUTH_TOKEN_MAX], long_token[200];
        struct reply r = {0};
        struct api_socket_who who;

        memset(long_token, 'a', sizeof long_token - 1);
        long_token[sizeof long_token - 1] = '\0';
        sign_in(bench, token);
        AUTH(&r, 401, "unauthorized", .token = NULL);
        AUTH(&r, 401, "unauthorized", .token = "");
        AUTH(&r, 401, "unauthorized", .token = long_token);
        AUTH(&r, 401, "unauthorized", .token = token, .api_key = "00112233445566778899aabbccddeeff",
             .timestamp = "1", .signature = "00");
        AUTH(&r, 400, "invalid_request", .token = token, .sub_account = "0x12");
        AUTH(&r, 404, "not_found", .token = token,
             .sub_account = "0x1111111111111111111111111111111111111111");
        AUTH(&r, 200, "", .token = token);
        who = r.who;
        assert_true(hex_addr_equal(&who.account, &bench->wallet));
        assert_true(who.may_read && who.may_trade && !who.has_key && !who.for_sub_account);
        assert_true(who.session.expires_at > clock_wall_ms(loop_clock(bench->app.loop)));
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/account");
        recheck(bench, &r, &who);
        assert_true(r.is_known);

        CALL(&r, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/auth/logout",
             .body = "{}");
        CALL(&r, 401, "unauthorized", .who = &who, .method = METHOD_GET, .path = "/v1/account");
        recheck(bench, &r, &who);
        assert_false(r.is_known);
        expect(&r, 401, "unauthorized");
        AUTH(&r, 401, "unauthorized", .token = token);
        reply_fini(&r);
}

static void another_brands_session_is_none(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};

        text_copy(bench->from.brand, sizeof bench->from.brand, "meridian");
        CALL(&r, 401, "unauthorized", .who = &who, .method = METHOD_GET, .path = "/v1/account");
        recheck(bench, &r, &who);
        assert_false(r.is_known);
        reply_fini(&r);
}

/* --- keys --- */

struct bot {
        char id[40], secret[128];
};

static void make_bot(struct bench *bench, struct bot *bot, const struct api_socket_who *who,
                     const char *rules)
{
        char body[512];
        struct reply r = {0};

        snprintf(body, sizeof body, "{\"type\":\"hmac\",%s}", rules);
        CALL(&r, 200, "", .who = who, .method = METHOD_POST, .path = "/v1/api-keys", .body = body);
        assert_true(text_copy(bot->id, sizeof bot->id, text_of(&r, "id")));
        assert_true(text_copy(bot->secret, sizeof bot->secret, text_of(&r, "secret")));
        reply_fini(&r);
}

/* The signature over timestamp, method, path, and what a sub-account adds. */
static void sign_as(const struct bot *bot, const char *timestamp, const char *more, char out[65])
{
        crypto_auth_hmacsha256_state h;
        uint8_t mac[32];

        crypto_auth_hmacsha256_init(&h, (const uint8_t *)bot->secret, strlen(bot->secret));
        crypto_auth_hmacsha256_update(&h, (const uint8_t *)timestamp, strlen(timestamp));
        crypto_auth_hmacsha256_update(&h, (const uint8_t *)"GET/v1/ws", 9);
        crypto_auth_hmacsha256_update(&h, (const uint8_t *)more, strlen(more));
        crypto_auth_hmacsha256_final(&h, mac);
        hex_encode(out, mac, sizeof mac);
}

static struct api_socket_who enter_as(struct bench *bench, const struct bot *bot)
{
        char timestamp[24], signature[65];
        struct api_socket_who who;
        struct reply r = {0};

        snprintf(timestamp, sizeof timestamp, "%lld",
                 (long long)clock_wall_ms(loop_clock(bench->app.loop)));
        sign_as(bot, timestamp, "", signature);
        AUTH(&r, 200, "", .api_key = bot->id, .timestamp = timestamp, .signature = signature,
             .window = "60000");
        who = r.who;
        assert_true(who.has_key);
        /* The very same again is somebody who listened. */
        AUTH(&r, 401, "unauthorized", .api_key = bot->id, .timestamp = timestamp,
             .signature = signature, .window = "60000");
        reply_fini(&r);
        return who;
}

static void a_key_does_what_its_scope_says(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who owner = enter(bench), who;
        struct reply r = {0};
        struct bot bot;
        char path[80];

        make_bot(bench, &bot, &owner, "\"scopes\":[\"read\"]");
        who = enter_as(bench, &bot);
        assert_true(who.may_read && !who.may_trade);
        assert_true(hex_addr_equal(&who.account, &bench->wallet));
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        CALL(&r, 403, "forbidden", .who = &who, .method = METHOD_POST, .path = "/v1/orders",
             .body = "{}");
        CALL(&r, 403, "forbidden", .who = &who, .method = METHOD_GET, .path = "/v1/api-keys");

        snprintf(path, sizeof path, "/v1/api-keys/%s", bot.id);
        CALL(&r, 200, "", .who = &owner, .method = METHOD_DELETE, .path = path);
        CALL(&r, 401, "unauthorized", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        recheck(bench, &r, &who);
        assert_false(r.is_known);

        make_bot(bench, &bot, &owner, "\"scopes\":[\"trade\"]");
        who = enter_as(bench, &bot);
        assert_true(!who.may_read && who.may_trade);
        CALL(&r, 403, "forbidden", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        CALL(&r, 200, "", .who = &who, .method = METHOD_DELETE, .path = "/v1/orders",
             .query = "prepare=true");
        reply_fini(&r);
}

static void a_key_is_for_its_addresses(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who owner = enter(bench), who;
        char timestamp[24], signature[65];
        struct reply r = {0};
        struct bot bot;

        make_bot(bench, &bot, &owner, "\"scopes\":[\"read\"],\"ipAllow\":[\"192.0.2.0/24\"]");
        who = enter_as(bench, &bot);
        text_copy(bench->from.client, sizeof bench->from.client, "198.51.100.1");
        snprintf(timestamp, sizeof timestamp, "%lld",
                 (long long)clock_wall_ms(loop_clock(bench->app.loop)) + 1);
        sign_as(&bot, timestamp, "", signature);
        AUTH(&r, 403, "forbidden", .api_key = bot.id, .timestamp = timestamp,
             .signature = signature, .window = "60000");
        CALL(&r, 403, "forbidden", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        signature[0] = signature[0] == '0' ? '1' : '0';
        AUTH(&r, 401, "unauthorized", .api_key = bot.id, .timestamp = timestamp,
             .signature = signature, .window = "60000");
        reply_fini(&r);
}

static void an_account_has_its_allowance(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        unsigned n = 0;

        /* The dearest there is, and refused before anything is done. */
        do {
                call(bench, &r,
                     &(struct api_socket_request){.who = &who,
                                                  .method = METHOD_POST,
                                                  .path = "/v1/orders/batch",
                                                  .body = "{}"});
        } while (r.status == 400 && ++n < 2000);
        expect(&r, 429, "rate_limited");
        assert_true(n > 30);
        reply_fini(&r);
}

/* Whoever asked may be gone: what was begun is done, and told to a cookie of its own. */
static void two_at_once_are_each_told(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r[8] = {{0}};

        for (size_t i = 0; i < 8; i++) {
                char path[] = "/v1/account";
                struct api_socket_who mine = who;
                struct api_socket_request request = {
                        .from = &bench->from, .who = &mine, .method = METHOD_GET, .path = path};

                api_socket_call(bench->app.api, &request, told, &r[i]);
                memset(path, 'x', sizeof path); /* everything was copied */
                memset(&mine, 0xff, sizeof mine);
        }
        for (size_t i = 0; i < 8; i++) {
                gateway_turn_until(&bench->app, &r[i].n, 1);
                expect(&r[i], 200, "");
                reply_fini(&r[i]);
        }
        assert_int_equal(api_open_calls(bench->app.api), 0);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                RIG(what_is_no_request_is_refused),  RIG(a_session_is_known_until_it_ends),
                RIG(another_brands_session_is_none), RIG(a_key_does_what_its_scope_says),
                RIG(a_key_is_for_its_addresses),     RIG(an_account_has_its_allowance),
                RIG(two_at_once_are_each_told),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
