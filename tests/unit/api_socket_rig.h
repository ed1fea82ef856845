/* api_socket_rig: a trader's socket on a gateway in this process: calls, credentials, a wallet that signs. */
#ifndef TESTS_API_SOCKET_RIG_H
#define TESTS_API_SOCKET_RIG_H

#include "gateway_rig.h"

#include <jansson.h>

#include "api/api_socket.h"
#include "base/hex.h"
#include "sign/eip712.h"

#define BRAND "harbor"

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

static inline void reply_fini(struct reply *reply)
{
        json_decref(reply->json);
        *reply = (struct reply){0};
}

static inline const char *text_of(const struct reply *reply, const char *member)
{
        const char *text = json_string_value(json_object_get(reply->json, member));

        return text ? text : "";
}

static inline void new_wallet(struct bench *bench)
{
        memset(bench->key, 0x40, sizeof bench->key);
        assert_int_equal(secp_address(bench->secp, &bench->wallet, bench->key), E_OK);
        paper_fund(bench->app.paper, &bench->wallet, (struct usd){INT64_C(10000) * NUM_SCALE});
}

static inline int set_up(void **state)
{
        struct bench *bench = xcalloc(1, sizeof *bench);

        gateway_start(&bench->app);
        bench->secp = secp_new();
        new_wallet(bench);
        text_copy(bench->from.brand, sizeof bench->from.brand, BRAND);
        text_copy(bench->from.peer, sizeof bench->from.peer, "127.0.0.1");
        text_copy(bench->from.client, sizeof bench->from.client, "192.0.2.7");
        *state = bench;
        return 0;
}

static inline int tear_down(void **state)
{
        struct bench *bench = *state;

        gateway_stop(&bench->app);
        secp_free(bench->secp);
        free(bench);
        return 0;
}

/* --- what a socket does --- */

static inline void told(void *cookie, int status, const char *content_type, const char *body,
                        size_t len, bool replayed)
{
        struct reply *reply = cookie;

        reply->n++;
        reply->status = status;
        reply->replayed = replayed;
        text_copy(reply->type, sizeof reply->type, content_type);
        reply->json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
}

static inline void call(struct bench *bench, struct reply *reply,
                        const struct api_socket_request *sent)
{
        struct api_socket_request request = *sent;

        reply_fini(reply);
        request.from = &bench->from;
        request.body_len = request.body ? strlen(request.body) : 0;
        api_socket_call(bench->app.api, &request, told, reply);
        assert_int_equal(reply->n, 0); /* never before it returns */
        gateway_turn_until(&bench->app, &reply->n, 1);
}

static inline void expect(const struct reply *reply, int status, const char *code)
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

static inline void who_told(void *cookie, const struct api_socket_who *who, int status,
                            const char *body, size_t len)
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

static inline void auth(struct bench *bench, struct reply *reply,
                        const struct api_socket_credentials *credentials, int status,
                        const char *code)
{
        reply_fini(reply);
        api_socket_auth(bench->app.api, &bench->from, credentials, who_told, reply);
        assert_int_equal(reply->n, 0);
        gateway_turn_until(&bench->app, &reply->n, 1);
        expect(reply, status, code);
        assert_int_equal(reply->is_known, status == 200);
}

#define AUTH(reply, status, code, ...)                                                             \
        auth(bench, reply, &(struct api_socket_credentials){__VA_ARGS__}, status, code)

static inline void recheck(struct bench *bench, struct reply *reply,
                           const struct api_socket_who *who)
{
        reply_fini(reply);
        api_socket_recheck(bench->app.api, &bench->from, who, who_told, reply);
        assert_int_equal(reply->n, 0);
        gateway_turn_until(&bench->app, &reply->n, 1);
}

/* --- what a wallet does --- */

static inline void sign_digest(const struct bench *bench, const struct hash32 *digest,
                               char out[133])
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
static inline void sign_in(struct bench *bench, char token[AUTH_TOKEN_MAX])
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

static inline struct api_socket_who enter(struct bench *bench)
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

#endif
