/* hl_raw: posted requests, the recovery of their signers, and user-signed actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_raw.h"

static json_t *load(const char *text)
{
        return hl_raw_load(text, strlen(text), NULL);
}

/* ---- Requests ---- */

/* Signs action as a client would and posts it; the body is what the recipient loads. */
static json_t *post(const struct secp *secp, const uint8_t key[32], const char *action,
                    const char *members, const struct hl_envelope *envelope)
{
        json_t *value = load(action);
        struct hl_owned_action *owned;
        struct buf scratch;
        struct buf body;
        struct hash32 digest;
        struct signature sig;
        char r[HASH_STR_MAX];
        char s[HASH_STR_MAX];
        json_t *loaded;

        buf_init(&scratch, 1 << 16);
        buf_init(&body, 1 << 16);
        assert_int_equal(hl_raw_action(&owned, value, NULL), 0);
        assert_int_equal(hl_l1_digest(&digest, &scratch, &owned->action, envelope, false), 0);
        assert_int_equal(secp_sign(secp, &sig, &digest, key), 0);
        buf_printf(&body,
                   "{\"action\":%s,\"nonce\":%llu,\"signature\":{\"r\":\"%s\",\"s\":\"%s\",\"v\":%"
                   "d}%s}",
                   action, (unsigned long long)envelope->nonce, hex_print_hash(r, &sig.r),
                   hex_print_hash(s, &sig.s), sig.v, members);
        loaded = hl_raw_load((const char *)body.data, body.len, NULL);
        assert_non_null(loaded);
        hl_raw_action_free(owned);
        json_decref(value);
        buf_fini(&scratch);
        buf_fini(&body);
        return loaded;
}

static const uint8_t test_key[32] = {[31] = 7};

static void signer_is_recovered(void **state)
{
        static const char sorted[] = "{\"cancels\":[{\"a\":1,\"o\":5}],\"type\":\"cancel\"}";
        struct secp *secp = secp_new();
        struct hl_envelope envelope = {.nonce = 1790000000000,
                                       .has_vault = true,
                                       .vault.b[19] = 0xaa,
                                       .has_expires_after = true,
                                       .expires_after = 1790000015000};
        json_t *body = post(secp, test_key, sorted,
                            ",\"vaultAddress\":\"00000000000000000000000000000000000000AA\","
                            "\"expiresAfter\":1790000015000",
                            &envelope);
        struct hl_request request;
        struct addr signer;
        struct addr expected;

        (void)state;
        assert_int_equal(secp_address(secp, &expected, test_key), 0);
        assert_int_equal(hl_raw_request(&request, body, NULL), 0);
        assert_int_equal(request.kind, HL_RAW_TYPED);
        assert_int_equal(hl_raw_recover(secp, &signer, &request, false), 0);
        assert_true(hex_addr_equal(&signer, &expected));
        /* For the other network, or another vault, it was signed by somebody else. */
        assert_int_equal(hl_raw_recover(secp, &signer, &request, true), 0);
        assert_false(hex_addr_equal(&signer, &expected));
        request.envelope.has_vault = false;
        assert_int_equal(hl_raw_recover(secp, &signer, &request, false), 0);
        assert_false(hex_addr_equal(&signer, &expected));
        json_decref(body);
        secp_free(secp);
}

static void short_signatures_are_padded(void **state)
{
        json_t *body = load("{\"action\":{\"type\":\"noop\"},\"nonce\":1,\"signature\":{\"r\":"
                            "\"0xabc\",\"s\":\"0x1\",\"v\":28},\"vaultAddress\":null,"
                            "\"expiresAfter\":null}");
        struct hl_request request;

        (void)state;
        assert_int_equal(hl_raw_request(&request, body, NULL), 0);
        assert_int_equal(request.signature.r.b[31], 0xbc);
        assert_int_equal(request.signature.r.b[30], 0x0a);
        assert_int_equal(request.signature.s.b[31], 1);
        assert_false(request.envelope.has_vault);
        assert_false(request.envelope.has_expires_after);
        json_decref(body);
}

#define SIG ",\"signature\":{\"r\":\"0x1\",\"s\":\"0x1\",\"v\":27}"

static void bad_requests_are_refused(void **state)
{
        static const char *const bad[] = {
                "[]",
                "{\"nonce\":1" SIG "}",
                "{\"action\":{\"type\":\"noop\"}" SIG "}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":-1" SIG "}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":\"1\"" SIG "}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1" SIG ",\"x\":1}",
                "{\"action\":{},\"nonce\":1" SIG "}",
                "{\"action\":5,\"nonce\":1" SIG "}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1" SIG ",\"vaultAddress\":\"0x12\"}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1" SIG ",\"expiresAfter\":\"9\"}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1,\"signature\":{\"r\":\"0x\",\"s\":"
                "\"0x1\",\"v\":27}}",
                "{\"action\":{\"type\":\"noop\"},\"nonce\":1,\"signature\":{\"r\":\"0x1\",\"s\":"
                "\"0x1\",\"v\":1}}",
                "{\"action\":{\"type\":\"usdSend\",\"time\":2},\"nonce\":1" SIG "}",
                "{\"action\":{\"type\":\"usdSend\"},\"nonce\":1" SIG "}",
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_t *body = load(bad[i]);
                struct hl_request request;

                assert_non_null(body);
                if (!hl_raw_request(&request, body, NULL))
                        fail_msg("accepted: %s", bad[i]);
                json_decref(body);
        }
}

#define APPROVE                                                                                    \
        "{\"type\":\"approveAgent\",\"signatureChainId\":\"0xa4b1\",\"hyperliquidChain\":"         \
        "\"Testnet\",\"agentAddress\":\"0x00000000000000000000000000000000000000c3\","             \
        "\"nonce\":7%s}"

static json_t *approve(const char *more)
{
        char text[512];

        (void)snprintf(text, sizeof text, APPROVE, more);
        return load(text);
}

static void user_signed_actions_are_strict(void **state)
{
        json_t *unnamed = approve("");
        json_t *empty = approve(",\"agentName\":\"\"");
        json_t *unknown = approve(",\"extra\":1");
        struct eip712_result a;
        struct eip712_result b;

        (void)state;
        assert_int_equal(hl_raw_user_digest(&a, unnamed, NULL), 0);
        assert_int_equal(hl_raw_user_digest(&b, empty, NULL), 0);
        assert_memory_equal(a.digest.b, b.digest.b, 32);
        assert_int_equal(hl_raw_user_digest(&a, unknown, NULL), E_SYNTAX);
        json_object_set_new(unnamed, "signatureChainId", json_integer(1));
        assert_int_equal(hl_raw_user_digest(&a, unnamed, NULL), E_SYNTAX);
        json_object_del(empty, "agentAddress");
        assert_int_equal(hl_raw_user_digest(&a, empty, NULL), E_SYNTAX);
        json_decref(unnamed);
        json_decref(empty);
        json_decref(unknown);
}

static void user_signed_actions_are_read(void **state)
{
        json_t *agent = approve(",\"agentName\":\"bot valid_until 1790000000000\"");
        json_t *builder = load("{\"maxFeeRate\":\"0.025%\",\"builder\":"
                               "\"0x00000000000000000000000000000000000000b1\",\"nonce\":1}");
        json_t *transfer = load("{\"amount\":\"1.5 subaccount:"
                                "0x00000000000000000000000000000000000000d4\",\"toPerp\":false,"
                                "\"nonce\":2}");
        struct hl_user_agent a;
        struct hl_user_builder b;
        struct hl_user_class_transfer t;

        (void)state;
        assert_int_equal(hl_raw_user_agent(&a, agent), 0);
        assert_string_equal(a.name, "bot");
        assert_true(a.has_valid_until && a.valid_until == 1790000000000);
        json_object_set_new(agent, "agentName", json_string("valid_until 17"));
        assert_int_equal(hl_raw_user_agent(&a, agent), 0);
        assert_string_equal(a.name, "valid_until 17");
        assert_false(a.has_valid_until);
        assert_int_equal(hl_raw_user_builder(&b, builder), 0);
        assert_int_equal(b.fee_tenth_bp, 25);
        json_object_set_new(builder, "maxFeeRate", json_string("0.0001%"));
        assert_int_equal(hl_raw_user_builder(&b, builder), E_SYNTAX);
        json_object_set_new(builder, "maxFeeRate", json_string("1"));
        assert_int_equal(hl_raw_user_builder(&b, builder), E_SYNTAX);
        assert_int_equal(hl_raw_user_class_transfer(&t, transfer), 0);
        assert_true(t.has_sub_account && t.sub_account.b[19] == 0xd4 && !t.to_perp);
        assert_int_equal(t.amount.v, NUM_SCALE * 3 / 2);
        json_decref(agent);
        json_decref(builder);
        json_decref(transfer);
}

static void kinds_are_told_apart(void **state)
{
        (void)state;
        assert_int_equal(hl_raw_kind("order"), HL_RAW_TYPED);
        assert_int_equal(hl_raw_kind("noop"), HL_RAW_TYPED);
        assert_int_equal(hl_raw_kind("twapOrder"), HL_RAW_TYPED);
        assert_int_equal(hl_raw_kind("setReferrer"), HL_RAW_TYPED);
        assert_int_equal(hl_raw_kind("claimRewards"), HL_RAW_L1);
        assert_int_equal(hl_raw_kind("withdraw3"), HL_RAW_USER);
        assert_int_equal(hl_raw_kind("multiSig"), HL_RAW_MULTI_SIG);
        assert_int_equal(hl_raw_kind("Order"), HL_RAW_UNKNOWN);
        assert_int_equal(hl_raw_kind(""), HL_RAW_UNKNOWN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(signer_is_recovered),
                cmocka_unit_test(short_signatures_are_padded),
                cmocka_unit_test(bad_requests_are_refused),
                cmocka_unit_test(user_signed_actions_are_strict),
                cmocka_unit_test(user_signed_actions_are_read),
                cmocka_unit_test(kinds_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
