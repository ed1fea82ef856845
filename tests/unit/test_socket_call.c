/* socket_call: what comes as a frame passes what a request passes, and is told once. The whole gateway runs in
 * this process, on its own paper venue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "api/socket_call.h"
#include "app.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/secret.h"
#include "sign/eip712.h"

#define BRAND     "harbor"
#define TURNS_MAX 60000 /* each waits up to 2 ms */

struct bench {
        struct app app;
        struct api_socket_peer from;
        struct secp *secp;
        uint8_t key[32]; /* the wallet's */
        struct addr wallet;
};

struct reply {
        unsigned n;
        int status;
        char type[64];
        json_t *json;
        bool replayed;
        bool is_known;
        struct api_socket_who who;
};

static void reply_fini(struct reply *reply)
{
        json_decref(reply->json);
        *reply = (struct reply){0};
}

static const char *text_of(const struct reply *reply, const char *member)
{
        const char *text = json_string_value(json_object_get(reply->json, member));

        return text ? text : "";
}

static void turn_until(struct bench *bench, const unsigned *n, unsigned wanted)
{
        for (int i = 0; i < TURNS_MAX && *n < wanted; i++)
                loop_turn(bench->app.loop, 2);
        assert_int_equal(*n, wanted);
}

/* --- the gateway --- */

static bool is_ready(struct bench *bench)
{
        struct venue_status status;

        bench->app.venue->ops->status(bench->app.venue, &status);
        return status.markets_at && status.contexts_at;
}

static void new_wallet(struct bench *bench)
{
        static uint8_t n;

        memset(bench->key, 0x40 + n++, sizeof bench->key);
        assert_int_equal(secp_address(bench->secp, &bench->wallet, bench->key), E_OK);
        paper_fund(bench->app.paper, &bench->wallet, (struct usd){INT64_C(10000) * NUM_SCALE});
}

static int set_up(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);
        struct app *app = &bench->app;
        struct buf problems;

        app->options = (struct options){.demo = true, .seed = 7};
        snprintf(app->data_dir, sizeof app->data_dir, "%s/perpgate-socket-XXXXXX", P_tmpdir);
        assert_non_null(mkdtemp(app->data_dir));
        buf_init(&problems, 65536);
        app->config = config_demo(app->data_dir, 0, 0, app->options.seed, &problems);
        if (!app->config)
                fail_msg("%s", buf_cstr(&problems));
        buf_fini(&problems);
        app->loop = loop_new();
        assert_int_equal(app_parts_open(app), 0);
        for (int i = 0; i < TURNS_MAX && !is_ready(bench); i++)
                loop_turn(app->loop, 2);
        assert_true(is_ready(bench));
        bench->secp = secp_new();
        new_wallet(bench);
        text_copy(bench->from.brand, sizeof bench->from.brand, BRAND);
        text_copy(bench->from.peer, sizeof bench->from.peer, "127.0.0.1");
        text_copy(bench->from.client, sizeof bench->from.client, "192.0.2.7");
        *state = bench;
        return 0;
}

static int tear_down(void **state)
{
        struct bench *bench = *state;
        struct app *app = &bench->app;
        char command[320];

        for (int i = 0; i < TURNS_MAX && api_open_calls(app->api); i++)
                loop_turn(app->loop, 2);
        app_parts_close(app);
        loop_free(app->loop);
        config_free(app->config);
        secp_free(bench->secp);
        snprintf(command, sizeof command, "rm -rf %s", app->data_dir);
        assert_int_equal(system(command), 0);
        free(bench);
        return 0;
}

/* --- what a socket does --- */

static void told(void *cookie, int status, const char *content_type, const char *body, size_t len,
                 bool replayed)
{
        struct reply *reply = cookie;

        reply->n++;
        reply->status = status;
        reply->replayed = replayed;
        text_copy(reply->type, sizeof reply->type, content_type);
        reply->json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
}

static void call(struct bench *bench, struct reply *reply, const struct api_socket_request *sent)
{
        struct api_socket_request request = *sent;

        reply_fini(reply);
        request.from = &bench->from;
        request.body_len = request.body ? strlen(request.body) : 0;
        api_socket_call(bench->app.api, &request, told, reply);
        assert_int_equal(reply->n, 0); /* never before it returns */
        turn_until(bench, &reply->n, 1);
}

static void expect(const struct reply *reply, int status, const char *code)
{
        bool is_problem = strcmp(reply->type, "application/problem+json") == 0;

        if (reply->status != status || strcmp(text_of(reply, "code"), code) != 0) {
                char *text = json_dumps(reply->json, 0);
                fail_msg("%d %s, expected %d %s", reply->status, text, status, code);
        }
        assert_int_equal(is_problem, code[0] != '\0');
        if (is_problem)
                assert_int_equal(strncmp(text_of(reply, "requestId"), "ws-", 3), 0);
}

#define CALL(reply, status, code, ...)                                                             \
        do {                                                                                       \
                call(bench, reply, &(struct api_socket_request){__VA_ARGS__});                     \
                expect(reply, status, code);                                                       \
        } while (0)

static void who_told(void *cookie, const struct api_socket_who *who, int status, const char *body,
                     size_t len)
{
        struct reply *reply = cookie;

        reply->n++;
        reply->status = status;
        reply->is_known = who != NULL;
        if (who)
                reply->who = *who;
        text_copy(reply->type, sizeof reply->type, who ? "" : "application/problem+json");
        reply->json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
}

static void auth(struct bench *bench, struct reply *reply,
                 const struct api_socket_credentials *credentials, int status, const char *code)
{
        reply_fini(reply);
        api_socket_auth(bench->app.api, &bench->from, credentials, who_told, reply);
        assert_int_equal(reply->n, 0);
        turn_until(bench, &reply->n, 1);
        expect(reply, status, code);
        assert_int_equal(reply->is_known, status == 200);
}

#define AUTH(reply, status, code, ...)                                                             \
        auth(bench, reply, &(struct api_socket_credentials){__VA_ARGS__}, status, code)

static void recheck(struct bench *bench, struct reply *reply, const struct api_socket_who *who)
{
        reply_fini(reply);
        api_socket_recheck(bench->app.api, &bench->from, who, who_told, reply);
        assert_int_equal(reply->n, 0);
        turn_until(bench, &reply->n, 1);
}

/* --- what a wallet does --- */

static void sign_digest(const struct bench *bench, const struct hash32 *digest, char out[133])
{
        struct signature sig;
        uint8_t bytes[65];

        assert_int_equal(secp_sign(bench->secp, &sig, digest, bench->key), E_OK);
        memcpy(bytes, sig.r.b, 32);
        memcpy(bytes + 32, sig.s.b, 32);
        bytes[64] = sig.v;
        memcpy(out, "0x", 2);
        hex_encode(out + 2, bytes, sizeof bytes);
}

/* Signs in over the socket, through the routes that are open to all; token: its text. */
static void sign_in(struct bench *bench, char token[AUTH_TOKEN_MAX])
{
        char address[ADDR_STR_MAX], body[4096], signature[133];
        struct reply r = {0};
        struct hash32 digest;
        json_t *login;
        char *text;

        snprintf(body, sizeof body, "{\"address\":\"%s\"}",
                 hex_print_addr(address, &bench->wallet));
        CALL(&r, 200, "", .method = METHOD_POST, .path = "/v1/auth/challenge", .body = body);
        eip191_digest(&digest, text_of(&r, "message"), strlen(text_of(&r, "message")));
        sign_digest(bench, &digest, signature);
        login = json_pack("{ss ss}", "message", text_of(&r, "message"), "signature", signature);
        text = json_dumps(login, 0);
        CALL(&r, 200, "", .method = METHOD_POST, .path = "/v1/auth/login", .body = text);
        assert_true(text_copy(token, AUTH_TOKEN_MAX, text_of(&r, "token")));
        free(text);
        json_decref(login);
        reply_fini(&r);
}

static struct api_socket_who enter(struct bench *bench)
{
        char token[AUTH_TOKEN_MAX];
        struct api_socket_who who;
        struct reply r = {0};

        sign_in(bench, token);
        AUTH(&r, 200, "", .token = token);
        who = r.who;
        reply_fini(&r);
        return who;
}

/* --- */

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
        CALL(&r, 405, "method_not_allowed", .method = METHOD_PUT, .path = "/v1/orders");
        CALL(&r, 400, "invalid", .method = METHOD_GET, .path = "/v1/markets", .body = "{}");
        CALL(&r, 413, "too_large", .method = METHOD_POST, .path = "/v1/orders", .body = giant);
        CALL(&r, 400, "invalid", .method = METHOD_POST, .path = "/v1/orders", .body = "{}",
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
        AUTH(&r, 400, "invalid", .token = token, .sub_account = "0x12");
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

/* --- orders --- */

#define ORDER(limit)                                                                               \
        "{\"symbol\":\"BTC\",\"side\":\"buy\",\"size\":\"0.01\",\"type\":\"limit\",\"price\":"     \
        "\"" limit "\",\"marginMode\":\"isolated\",\"leverage\":2}"

/* What the wallet signs for an order, as the body that submits it. */
static char *prepared(struct bench *bench, const struct api_socket_who *who, const char *order)
{
        struct reply r = {0};
        json_t *signatures = json_array(), *body;
        char *text;
        size_t i;
        json_t *step;

        CALL(&r, 200, "", .who = who, .method = METHOD_POST, .path = "/v1/orders/prepare",
             .body = order);
        json_array_foreach(json_object_get(r.json, "sign"), i, step)
        {
                const char *digest = json_string_value(json_object_get(step, "digest"));
                char signature[133];
                struct hash32 hash;

                assert_int_equal(hex_decode(hash.b, 32, digest + 2, strlen(digest + 2)), E_OK);
                sign_digest(bench, &hash, signature);
                json_array_append_new(signatures, json_string(signature));
        }
        body = json_pack("{ss so}", "id", text_of(&r, "id"), "signatures", signatures);
        text = json_dumps(body, 0);
        json_decref(body);
        reply_fini(&r);
        return text;
}

static void a_key_of_a_request_is_for_one_order(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0}, again = {0};
        char *body = prepared(bench, &who, ORDER("1000"));
        char *other = prepared(bench, &who, ORDER("2000"));

        CALL(&r, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body, .idempotency_key = "one");
        assert_false(r.replayed);
        CALL(&again, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body, .idempotency_key = "one");
        assert_true(again.replayed);
        assert_true(json_equal(r.json, again.json));
        CALL(&again, 409, "idempotency_conflict", .who = &who, .method = METHOD_POST,
             .path = "/v1/orders/submit", .body = other, .idempotency_key = "one");
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        assert_int_equal(json_array_size(json_object_get(r.json, "items")), 1);
        reply_fini(&r);
        reply_fini(&again);
        free(body);
        free(other);
}

static void a_gateway_that_ends_opens_nothing(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        char *body = prepared(bench, &who, ORDER("1000"));

        api_drain(bench->app.api);
        CALL(&r, 503, "draining", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body);
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        reply_fini(&r);
        free(body);
}

static void a_blocked_region_opens_nothing(void **state)
{
        struct bench *bench = *state;
        struct brand *brand = NULL;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        char *body;

        for (size_t i = 0; i < bench->app.config->brands->n; i++)
                if (strcmp(bench->app.config->brands->brand[i]->id, BRAND) == 0)
                        brand = bench->app.config->brands->brand[i];
        assert_non_null(brand);
        text_copy(brand->region_header, sizeof brand->region_header, "x-country");
        text_copy(brand->region[0], sizeof brand->region[0], "ZZ");
        brand->n_regions = 1;
        body = prepared(bench, &who, ORDER("1000"));
        text_copy(bench->from.country, sizeof bench->from.country, "ZZ");
        CALL(&r, 451, "region_blocked", .who = &who, .method = METHOD_POST,
             .path = "/v1/orders/submit", .body = body);
        CALL(&r, 200, "", .who = &who, .method = METHOD_GET, .path = "/v1/orders");
        text_copy(bench->from.country, sizeof bench->from.country, "CH");
        CALL(&r, 200, "", .who = &who, .method = METHOD_POST, .path = "/v1/orders/submit",
             .body = body);
        reply_fini(&r);
        free(body);
}

static void an_account_has_its_allowance(void **state)
{
        struct bench *bench = *state;
        struct api_socket_who who = enter(bench);
        struct reply r = {0};
        unsigned n = 0;

        do {
                call(bench, &r,
                     &(struct api_socket_request){
                             .who = &who, .method = METHOD_GET, .path = "/v1/alerts"});
        } while (r.status == 200 && ++n < 2000);
        expect(&r, 429, "rate_limited");
        assert_true(n > 100);
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
                turn_until(bench, &r[i].n, 1);
                expect(&r[i], 200, "");
                reply_fini(&r[i]);
        }
        assert_int_equal(api_open_calls(bench->app.api), 0);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                RIG(what_is_no_request_is_refused),     RIG(a_session_is_known_until_it_ends),
                RIG(another_brands_session_is_none),    RIG(a_key_does_what_its_scope_says),
                RIG(a_key_is_for_its_addresses),        RIG(a_key_of_a_request_is_for_one_order),
                RIG(a_gateway_that_ends_opens_nothing), RIG(a_blocked_region_opens_nothing),
                RIG(an_account_has_its_allowance),      RIG(two_at_once_are_each_told),
        };

        secret_process_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
