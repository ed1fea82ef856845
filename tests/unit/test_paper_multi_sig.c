/* Accounts with several signers on the paper venue. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_multi_sig.h"
#include "base/buf.h"
#include "paper_fixture.h"

#define ORDER                                                                                      \
        "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"50000\",\"s\":\"0.01\","      \
        "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}"

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
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

        paper_fixture_faucet(f, &w, "1000");
        return w;
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

static json_t *convert(struct paper_fixture *f, const struct paper_wallet *w, const char *signers)
{
        return paper_fixture_user_act(
                f, w, "nonce", "\"type\":\"convertToMultiSigUser\",\"signers\":\"%s\"", signers);
}

/* Two of two. */
static void make_multi_sig(struct paper_fixture *f, const struct paper_wallet *w,
                           const struct paper_wallet *a, const struct paper_wallet *b)
{
        char signers[200];

        (void)snprintf(signers, sizeof(signers),
                       "{\\\"authorizedUsers\\\":[\\\"%s\\\",\\\"%s\\\"],\\\"threshold\\\":2}",
                       a->hex, b->hex);
        expect_ok(convert(f, w, signers));
}

static json_t *signature_json(const struct signature *sig)
{
        char r[HASH_STR_MAX], s[HASH_STR_MAX];

        return json_pack("{s:s,s:s,s:i}", "r", hex_print_hash(r, &sig->r), "s",
                         hex_print_hash(s, &sig->s), "v", (int)sig->v);
}

/* The wrapper, with a signature of each of the signers over the inner action. */
static json_t *wrap(struct paper_fixture *f, const struct paper_wallet *user, const char *action,
                    const struct hl_envelope *envelope, const struct paper_wallet *const *signers,
                    size_t n)
{
        json_t *inner = hl_raw_load(action, strlen(action), NULL);
        json_t *list = json_array();
        json_t *wrapper =
                json_pack("{s:s,s:s,s:o,s:{s:s,s:s,s:o}}", "type", "multiSig", "signatureChainId",
                          "0x66eee", "signatures", list, "payload", "multiSigUser", user->hex,
                          "outerSigner", signers[0]->hex, "action", inner);
        struct hl_multi_sig multi;
        struct hash32 digest;
        struct buf scratch;

        buf_init(&scratch, 1u << 16);
        assert_int_equal(hl_multi_sig_read(&multi, wrapper, NULL), E_OK);
        assert_int_equal(
                hl_multi_sig_inner_digest(&digest, &scratch, &multi, envelope, f->is_mainnet),
                E_OK);
        for (size_t i = 0; i < n; i++) {
                struct signature sig;

                assert_int_equal(secp_sign(f->secp, &sig, &digest, signers[i]->key), E_OK);
                assert_int_equal(json_array_append_new(list, signature_json(&sig)), 0);
        }
        buf_fini(&scratch);
        return wrapper;
}

/* Sends action for user, signed by the first of the signers around what all of them signed. */
static json_t *act(struct paper_fixture *f, const struct paper_wallet *user, const char *action,
                   uint64_t nonce, const struct paper_wallet *const *signers, size_t n)
{
        struct hl_envelope envelope = {.nonce = nonce};
        json_t *wrapper = wrap(f, user, action, &envelope, signers, n), *answer;
        struct hl_multi_sig multi;
        struct hash32 hash, digest;
        struct signature sig;
        struct buf scratch;
        char *text, *outer;

        buf_init(&scratch, 1u << 16);
        assert_int_equal(hl_multi_sig_read(&multi, wrapper, NULL), E_OK);
        assert_int_equal(hl_multi_sig_hash(&hash, &scratch, &multi, &envelope), E_OK);
        assert_int_equal(hl_multi_sig_digest(&digest, &multi, &hash, nonce, f->is_mainnet), E_OK);
        assert_int_equal(secp_sign(f->secp, &sig, &digest, signers[0]->key), E_OK);
        buf_fini(&scratch);
        text = json_dumps(wrapper, JSON_COMPACT);
        json_decref(wrapper);
        wrapper = signature_json(&sig);
        outer = json_dumps(wrapper, JSON_COMPACT);
        json_decref(wrapper);
        answer = paper_fixture_post(f, "/exchange", 200,
                                    "{\"action\":%s,\"nonce\":%" PRIu64 ",\"signature\":%s}", text,
                                    nonce, outer);
        free(outer);
        free(text);
        return answer;
}

static void test_acts_through_its_signers(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), a = trader(f, 2), b = trader(f, 3),
                            stranger = trader(f, 4);
        const struct paper_wallet *both[] = {&a, &b}, *twice[] = {&a, &a},
                                  *foreign[] = {&a, &stranger}, *led[] = {&stranger, &b};
        json_t *orders, *shown;

        expect_refusal(act(f, &w, ORDER, paper_fixture_nonce(f), both, 2),
                       "User is not a multi-sig user.");
        make_multi_sig(f, &w, &a, &b);
        shown = paper_fixture_info(f, "{\"type\":\"userToMultiSigSigners\",\"user\":\"%s\"}",
                                   w.hex);
        assert_string_equal(paper_fixture_text(shown, "authorizedUsers.1"), b.hex);
        assert_int_equal(json_integer_value(paper_fixture_at(shown, "threshold")), 2);
        json_decref(shown);
        expect_refusal(paper_fixture_act(f, &w, NULL, ORDER),
                       "Multi-sig user may only act through multiSig.");
        expect_ok(act(f, &w, ORDER, paper_fixture_nonce(f), both, 2));
        expect_refusal(act(f, &w, ORDER, paper_fixture_nonce(f), both, 1),
                       "Multi-sig has too few signatures.");
        expect_refusal(act(f, &w, ORDER, paper_fixture_nonce(f), twice, 2),
                       "Multi-sig has too few signatures.");
        expect_refusal(act(f, &w, ORDER, paper_fixture_nonce(f), foreign, 2),
                       "Multi-sig signature by an unauthorized user.");
        expect_refusal(act(f, &w, ORDER, paper_fixture_nonce(f), led, 2),
                       "Multi-sig leader is not authorized.");
        orders = paper_fixture_info(f, "{\"type\":\"openOrders\",\"user\":\"%s\"}", w.hex);
        assert_int_equal(json_array_size(orders), 1);
        json_decref(orders);
}

static void test_user_signed_inside(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), a = trader(f, 2), b = trader(f, 3);
        const struct paper_wallet *both[] = {&b, &a};
        uint64_t nonce = paper_fixture_nonce(f);
        char action[400];
        json_t *answer;

        make_multi_sig(f, &w, &a, &b);
        nonce = paper_fixture_nonce(f);
        (void)snprintf(action, sizeof(action),
                       "{\"type\":\"usdSend\",\"signatureChainId\":\"0x66eee\","
                       "\"hyperliquidChain\":\"Mainnet\",\"destination\":\"%s\",\"amount\":\"250\","
                       "\"time\":%" PRIu64 "}",
                       a.hex, nonce);
        expect_ok(act(f, &w, action, nonce, both, 2));
        answer = paper_fixture_info(f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}", w.hex);
        assert_string_equal(paper_fixture_text(answer, "withdrawable"), "750.0");
        json_decref(answer);
        nonce = paper_fixture_nonce(f);
        (void)snprintf(action, sizeof(action),
                       "{\"type\":\"userSetAbstraction\",\"signatureChainId\":\"0x66eee\","
                       "\"hyperliquidChain\":\"Mainnet\",\"user\":\"%s\",\"abstraction\":\"u\","
                       "\"nonce\":%" PRIu64 "}",
                       w.hex, nonce);
        expect_ok(act(f, &w, action, nonce, both, 2));
        answer = paper_fixture_info(f, "{\"type\":\"userAbstraction\",\"user\":\"%s\"}", w.hex);
        assert_string_equal(paper_fixture_text(answer, ""), "unifiedAccount");
        json_decref(answer);
        nonce = paper_fixture_nonce(f);
        (void)snprintf(action, sizeof(action),
                       "{\"type\":\"convertToMultiSigUser\",\"signatureChainId\":\"0x66eee\","
                       "\"hyperliquidChain\":\"Mainnet\",\"signers\":\"null\",\"nonce\":%" PRIu64
                       "}",
                       nonce);
        expect_ok(act(f, &w, action, nonce, both, 2));
        expect_ok(paper_fixture_act(f, &w, NULL, ORDER));
}

static void test_bad_signers_are_refused(void **state)
{
        static const char *const bad[] = {
                "nothing",
                "{}",
                "{\\\"authorizedUsers\\\":[],\\\"threshold\\\":1}",
                "{\\\"authorizedUsers\\\":[\\\"%s\\\"],\\\"threshold\\\":0}",
                "{\\\"authorizedUsers\\\":[\\\"%s\\\"],\\\"threshold\\\":2}",
                "{\\\"authorizedUsers\\\":[\\\"%s\\\",\\\"%s\\\"],\\\"threshold\\\":2}",
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), a = trader(f, 2),
                            unknown = paper_fixture_wallet(f, 3);
        char signers[300], text[100];
        struct paper_reply reply;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct buf out;

                /* The address stands wherever the case has room for one. */
                buf_init(&out, sizeof(signers));
                for (const char *c = bad[i]; *c; c++) {
                        if (c[0] == '%' && c[1] == 's') {
                                buf_puts(&out, a.hex);
                                c++;
                        } else {
                                buf_printf(&out, "%c", *c);
                        }
                }
                expect_refusal(convert(f, &w, buf_cstr(&out)), "Invalid multi-sig signers");
                buf_fini(&out);
        }
        (void)snprintf(signers, sizeof(signers),
                       "{\\\"authorizedUsers\\\":[\\\"%s\\\"],\\\"threshold\\\":1}", unknown.hex);
        (void)snprintf(text, sizeof(text), "Multi-sig signer %s can't be used.", unknown.hex);
        expect_refusal(convert(f, &w, signers), text);
        /* A wrapper that holds no action, or another wrapper, is no action of the venue. */
        reply = paper_fixture_http(
                f, "POST", "/exchange",
                "{\"action\":{\"type\":\"multiSig\",\"signatureChainId\":\"0x66eee\","
                "\"signatures\":[],\"payload\":{\"multiSigUser\":"
                "\"0x00000000000000000000000000000000000000aa\",\"outerSigner\":"
                "\"0x00000000000000000000000000000000000000aa\",\"action\":{\"type\":"
                "\"multiSig\"}}},\"nonce\":1,\"signature\":{\"r\":\"0x1\",\"s\":\"0x1\","
                "\"v\":27}}",
                10000);
        assert_int_equal(reply.status, 422);
        paper_fixture_reply_fini(&reply);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_acts_through_its_signers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_user_signed_inside, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_signers_are_refused, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
