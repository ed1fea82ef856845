#include "paper_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/buf.h"
#include "base/mem.h"
#include "paper_fixture_net.h"
#include "sign/keccak.h"

#define BODY_MAX (32u << 20)

/* ---- Life ------------------------------------------------------------------------------------ */

void paper_fixture_open(struct paper_fixture *f, const struct paper_options *options)
{
        struct paper_options defaults = {.seed = 7, .is_mainnet = true, .is_still = true};
        struct err err = {.code = E_OK};

        memset(f, 0, sizeof(*f));
        if (!options)
                options = &defaults;
        f->is_mainnet = options->is_mainnet;
        f->secp = secp_new();
        f->loop = loop_new();
        f->httpd = httpd_new(f->loop);
        f->paper = paper_open(f->loop, f->httpd, options, &err);
        if (!f->paper)
                fail_msg("paper_open: %s", err.detail);
}

void paper_fixture_close(struct paper_fixture *f)
{
        paper_stop(f->paper);
        httpd_free(f->httpd);
        paper_close(f->paper);
        loop_free(f->loop);
        secp_free(f->secp);
}

struct paper_wallet paper_fixture_wallet(const struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w;
        struct hash32 key;
        char name[32];

        (void)snprintf(name, sizeof(name), "test wallet %u", n);
        keccak256(&key, name, strlen(name));
        memcpy(w.key, key.b, sizeof(w.key));
        assert_int_equal(secp_address(f->secp, &w.address, w.key), E_OK);
        (void)hex_print_addr(w.hex, &w.address);
        return w;
}

/* ---- A plain client -------------------------------------------------------------------------- */

struct paper_reply paper_fixture_http(struct paper_fixture *f, const char *method, const char *path,
                                      const char *body, int64_t wait_ms)
{
        struct paper_reply reply = {.status = -1};
        struct buf out, in;
        int64_t until = paper_fixture_net_now(f) + wait_ms;
        bool is_open = true;
        int fd = paper_fixture_net_dial(f);
        char *end;

        buf_init(&out, BODY_MAX);
        buf_init(&in, BODY_MAX);
        buf_printf(&out,
                   "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                   "Content-Type: application/json\r\nOrigin: http://app.example\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   method, path, strlen(body), body);
        paper_fixture_net_write(f, fd, out.data, out.len);
        while (is_open && paper_fixture_net_now(f) < until) {
                loop_turn(f->loop, 5);
                is_open = paper_fixture_net_read(fd, &in);
        }
        if (!is_open)
                reply.status = 0;
        end = strstr(buf_cstr(&in), "\r\n\r\n");
        if (end && in.len > 12) {
                reply.status = (int)strtol(buf_cstr(&in) + 9, NULL, 10);
                reply.head = xstrndup(buf_cstr(&in), (size_t)(end - buf_cstr(&in)));
                reply.body = xstrdup(end + 4);
        }
        (void)close(fd);
        loop_turn(f->loop, 1);
        buf_fini(&out);
        buf_fini(&in);
        return reply;
}

void paper_fixture_reply_fini(struct paper_reply *reply)
{
        free(reply->head);
        free(reply->body);
        memset(reply, 0, sizeof(*reply));
}

static json_t *post(struct paper_fixture *f, const char *path, int status, const char *body)
{
        struct paper_reply reply = paper_fixture_http(f, "POST", path, body, 10000);
        json_t *json = NULL;

        if (reply.status != status)
                fail_msg("%s %s: %d %s", path, body, reply.status, reply.body ? reply.body : "");
        json = json_loads(reply.body, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
        if (!json)
                fail_msg("not JSON: %s", reply.body);
        paper_fixture_reply_fini(&reply);
        return json;
}

static char *format(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));
static char *format(const char *fmt, va_list args)
{
        char *text = NULL;

        assert_true(vasprintf(&text, fmt, args) >= 0);
        return text;
}

json_t *paper_fixture_post(struct paper_fixture *f, const char *path, int status, const char *fmt,
                           ...)
{
        json_t *json;
        va_list args;
        char *body;

        va_start(args, fmt);
        body = format(fmt, args);
        va_end(args);
        json = post(f, path, status, body);
        free(body);
        return json;
}

json_t *paper_fixture_info(struct paper_fixture *f, const char *fmt, ...)
{
        json_t *json;
        va_list args;
        char *body;

        va_start(args, fmt);
        body = format(fmt, args);
        va_end(args);
        json = post(f, "/info", 200, body);
        free(body);
        return json;
}

json_t *paper_fixture_ledger(struct paper_fixture *f)
{
        struct paper_reply reply = paper_fixture_http(f, "GET", "/paper/ledger", "", 10000);
        json_t *json;

        assert_int_equal(reply.status, 200);
        json = json_loads(reply.body, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        paper_fixture_reply_fini(&reply);
        return json;
}

void paper_fixture_faucet(struct paper_fixture *f, const struct paper_wallet *w, const char *usd)
{
        json_decref(paper_fixture_post(f, "/paper/faucet", 200,
                                       "{\"user\":\"%s\",\"amount\":\"%s\"}", w->hex, usd));
}

void paper_fixture_price(struct paper_fixture *f, const char *coin, const char *price)
{
        json_decref(paper_fixture_post(f, "/paper/price", 200, "{\"coin\":\"%s\",\"price\":\"%s\"}",
                                       coin, price));
}

/* ---- Signing --------------------------------------------------------------------------------- */

uint64_t paper_fixture_nonce(struct paper_fixture *f)
{
        int64_t now = clock_wall_ms(loop_clock(f->loop));

        f->last_nonce = now > f->last_nonce ? now : f->last_nonce + 1;
        return (uint64_t)f->last_nonce;
}

static void print_part(char out[HASH_STR_MAX], const struct hash32 *part, bool is_unpadded)
{
        (void)hex_print_hash(out, part);
        while (is_unpadded && out[2] == '0')
                memmove(out + 2, out + 3, strlen(out + 3) + 1);
}

static char *envelope(const struct signature *sig, const char *action, uint64_t nonce,
                      const struct paper_sending *sending)
{
        char r[HASH_STR_MAX], s[HASH_STR_MAX], extra[160] = "";
        char *body = NULL;

        print_part(r, &sig->r, sending->is_unpadded);
        print_part(s, &sig->s, sending->is_unpadded);
        if (sending->vault)
                (void)snprintf(extra, sizeof(extra), ",\"vaultAddress\":\"%s\"", sending->vault);
        if (sending->expires_after)
                (void)snprintf(extra + strlen(extra), sizeof(extra) - strlen(extra),
                               ",\"expiresAfter\":%" PRIu64, sending->expires_after);
        assert_true(asprintf(&body,
                             "{\"action\":%s,\"nonce\":%" PRIu64
                             ",\"signature\":{\"r\":\"%s\",\"s\":\"%s\",\"v\":%d}%s}",
                             action, nonce, r, s, sig->v, extra) > 0);
        return body;
}

static void encode(struct buf *out, const json_t *action, bool as_received)
{
        struct hl_owned_action *owned = NULL;
        struct hl_msgpack msgpack;

        hl_msgpack_init(&msgpack, out);
        if (as_received || hl_raw_action(&owned, action, NULL))
                assert_int_equal(hl_raw_walk(action, &msgpack.emit), E_OK);
        else
                hl_action_walk(&owned->action, &msgpack.emit);
        hl_raw_action_free(owned);
}

char *paper_fixture_sign(struct paper_fixture *f, const struct paper_wallet *w, const char *action,
                         const struct paper_sending *sending)
{
        static const struct paper_sending plain;
        struct hl_envelope e = {0};
        struct signature sig;
        struct hash32 id, digest;
        struct buf bytes;
        json_t *json = hl_raw_load(action, strlen(action), NULL);

        assert_non_null(json);
        if (!sending)
                sending = &plain;
        e.nonce = sending->nonce ? sending->nonce : paper_fixture_nonce(f);
        e.has_expires_after = sending->expires_after != 0;
        e.expires_after = sending->expires_after;
        e.has_vault = sending->vault != NULL;
        if (e.has_vault)
                assert_int_equal(hex_parse_addr(&e.vault, sending->vault, strlen(sending->vault)),
                                 E_OK);
        buf_init(&bytes, 1u << 20);
        encode(&bytes, json, sending->as_received);
        hl_action_hash(&id, bytes.data, bytes.len, &e);
        assert_int_equal(hl_phantom_digest(&digest, &id, f->is_mainnet != sending->other_network),
                         E_OK);
        assert_int_equal(secp_sign(f->secp, &sig, &digest, w->key), E_OK);
        buf_fini(&bytes);
        json_decref(json);
        return envelope(&sig, action, e.nonce, sending);
}

json_t *paper_fixture_act(struct paper_fixture *f, const struct paper_wallet *w,
                          const struct paper_sending *sending, const char *fmt, ...)
{
        char *action, *body;
        json_t *answer;
        va_list args;

        va_start(args, fmt);
        action = format(fmt, args);
        va_end(args);
        body = paper_fixture_sign(f, w, action, sending);
        answer = post(f, "/exchange", 200, body);
        free(body);
        free(action);
        return answer;
}

json_t *paper_fixture_user_act(struct paper_fixture *f, const struct paper_wallet *w,
                               const char *time_field, const char *fmt, ...)
{
        static const struct paper_sending plain;
        uint64_t nonce = paper_fixture_nonce(f);
        struct eip712_result digest;
        struct signature sig;
        char *head, *action, *body;
        json_t *json, *answer;
        va_list args;

        va_start(args, fmt);
        head = format(fmt, args);
        va_end(args);
        assert_true(asprintf(&action,
                             "{%s,\"signatureChainId\":\"0xa4b1\",\"hyperliquidChain\":\"%s\","
                             "\"%s\":%" PRIu64 "}",
                             head, f->is_mainnet ? "Mainnet" : "Testnet", time_field, nonce) > 0);
        json = hl_raw_load(action, strlen(action), NULL);
        assert_int_equal(hl_raw_user_digest(&digest, json, NULL), E_OK);
        assert_int_equal(secp_sign(f->secp, &sig, &digest.digest, w->key), E_OK);
        body = envelope(&sig, action, nonce, &plain);
        answer = post(f, "/exchange", 200, body);
        json_decref(json);
        free(body);
        free(action);
        free(head);
        return answer;
}

/* ---- Reading answers ------------------------------------------------------------------------- */

const json_t *paper_fixture_at(const json_t *value, const char *path)
{
        while (value && *path) {
                size_t len = strcspn(path, ".");
                char name[64];

                assert_true(len < sizeof(name));
                memcpy(name, path, len);
                name[len] = '\0';
                value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10))
                                             : json_object_get(value, name);
                path += len + (path[len] == '.');
        }
        return value;
}

const char *paper_fixture_text(const json_t *value, const char *path)
{
        const char *text = json_string_value(paper_fixture_at(value, path));

        return text ? text : "";
}

const char *paper_fixture_refusal(const json_t *answer)
{
        if (strcmp(paper_fixture_text(answer, "status"), "err") != 0)
                return "";
        return paper_fixture_text(answer, "response");
}

bool paper_fixture_is_ok(const json_t *answer)
{
        return !strcmp(paper_fixture_text(answer, "status"), "ok");
}
