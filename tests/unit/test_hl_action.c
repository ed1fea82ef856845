/* hl_action and hl_raw: the walk against the venue's worked example, typed actions against every
 * shared vector, recovery, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/secret.h"
#include "sign/keccak.h"

static json_t *load(const char *text)
{
        return hl_raw_load(text, strlen(text), NULL);
}

static char *hex_of(const struct buf *b)
{
        char *s = malloc(2 * b->len + 1);

        assert_non_null(s);
        return hex_encode(s, b->data, b->len);
}

static char *msgpack_of(const struct hl_action *action)
{
        struct buf out;
        struct hl_msgpack m;
        char *s;

        buf_init(&out, 1 << 20);
        hl_msgpack_init(&m, &out);
        hl_action_walk(action, &m.emit);
        assert_int_equal(buf_check(&out), 0);
        s = hex_of(&out);
        buf_fini(&out);
        return s;
}

static struct hl_order worked_order(void)
{
        return (struct hl_order){
                .asset = 0,
                .is_buy = true,
                .price = {50000 * NUM_SCALE},
                .size = {NUM_SCALE / 10},
                .tif = HL_TIF_GTC,
        };
}

static void worked_example(void **state)
{
        struct hl_order order = worked_order();
        struct hl_action action = {.type = HL_ORDER, .u.order = {.orders = &order, .n = 1}};
        struct hl_envelope envelope = {.nonce = 1640995200000};
        struct buf scratch;
        struct hash32 hash;
        struct hash32 digest;
        char s[HASH_STR_MAX];

        (void)state;
        buf_init(&scratch, 4096);
        assert_int_equal(hl_l1_digest(&digest, &scratch, &action, &envelope, false), 0);
        hl_action_hash(&hash, scratch.data, scratch.len, &envelope);
        assert_string_equal(hex_print_hash(s, &hash),
                            "0x207b9fb52defb524f5a7f1c80f069ff8b58556b018532401de0e1342bcb13b40");
        assert_string_equal(hex_print_hash(s, &digest),
                            "0x5242f54e0c01d3e7ef449f91b25c1a27802fdd221f7f24bc211da6bf7b847d8d");
        buf_fini(&scratch);
        buf_init(&scratch, 16);
        assert_int_equal(hl_l1_digest(&digest, &scratch, &action, &envelope, false), E_LIMIT);
        buf_fini(&scratch);
}

/* The constants in hl_sign.c, derived again by the general EIP-712 code. */
static void phantom_digest_is_eip712(void **state)
{
        static const struct eip712_domain domain = {
                .name = "Exchange", .version = "1", .chain_id = 1337};
        struct eip712_field fields[2] = {
                {.name = "source", .solidity_type = "string", .type = EIP712_STRING, .len = 1},
                {.name = "connectionId", .solidity_type = "bytes32", .type = EIP712_BYTES32},
        };
        struct eip712_result result;
        struct hash32 digest;

        (void)state;
        memset(fields[1].bytes32.b, 0x5a, 32);
        for (int is_mainnet = 0; is_mainnet < 2; is_mainnet++) {
                fields[0].data = is_mainnet ? "a" : "b";
                assert_int_equal(eip712_hash(&result, &domain, "Agent", fields, 2), 0);
                assert_int_equal(hl_phantom_digest(&digest, &fields[1].bytes32, is_mainnet), 0);
                assert_memory_equal(digest.b, result.digest.b, 32);
        }
}

static void one_walk_gives_the_json_too(void **state)
{
        static const char want[] =
                "{\"type\":\"order\",\"orders\":[{\"a\":7,\"b\":false,\"p\":\"0.5\",\"s\":\"3\","
                "\"r\":true,\"t\":{\"trigger\":{\"isMarket\":true,\"triggerPx\":\"0.55\","
                "\"tpsl\":\"sl\"}},\"c\":\"0x0000000000000000000000000000000a\"}],"
                "\"grouping\":\"positionTpsl\",\"builder\":"
                "{\"b\":\"0x00000000000000000000000000000000000000b1\",\"f\":10}}";
        struct hl_order order = {.asset = 7,
                                 .price = {NUM_SCALE / 2},
                                 .size = {3 * NUM_SCALE},
                                 .reduce_only = true,
                                 .is_trigger = true,
                                 .trigger_is_market = true,
                                 .tpsl = HL_SL,
                                 .trigger_price = {NUM_SCALE * 55 / 100},
                                 .has_cloid = true,
                                 .cloid.b[15] = 10};
        struct hl_action action = {.type = HL_ORDER,
                                   .u.order = {.orders = &order,
                                               .n = 1,
                                               .grouping = HL_GROUP_POSITION_TPSL,
                                               .has_builder = true,
                                               .builder.b[19] = 0xb1,
                                               .builder_fee = 10}};
        struct buf out;
        struct hl_json j;
        struct hl_owned_action *owned;
        json_t *parsed;
        char *a;
        char *b;

        (void)state;
        buf_init(&out, 4096);
        hl_json_init(&j, &out);
        hl_action_walk(&action, &j.emit);
        assert_string_equal(buf_cstr(&out), want);
        parsed = load(want);
        assert_int_equal(hl_raw_action(&owned, parsed, NULL), 0);
        a = msgpack_of(&action);
        b = msgpack_of(&owned->action);
        assert_string_equal(a, b);
        free(a);
        free(b);
        hl_raw_action_free(owned);
        json_decref(parsed);
        buf_fini(&out);
}

static json_t *load_file(const char *path)
{
        FILE *in = fopen(path, "r");
        char *text;
        size_t len;
        json_t *root;

        if (!in)
                return NULL;
        text = malloc(16 << 20);
        assert_non_null(text);
        len = fread(text, 1, 16 << 20, in);
        (void)fclose(in);
        root = hl_raw_load(text, len, NULL);
        free(text);
        assert_non_null(root);
        return root;
}

/* Vectors that no venue would encode this way: made to show hashing as received, or out of range. */
static bool is_canonical(const json_t *entry)
{
        const char *note = hl_raw_get_text(entry, "note", NULL);
        const json_t *orders = json_object_get(json_object_get(entry, "action"), "orders");
        uint64_t asset = 0;

        if (note && strncmp(note, "price strings are hashed as given", 33) == 0)
                return false;
        if (hl_raw_get_uint(&asset, json_array_get(orders, 0), "a"))
                return true;
        return asset <= UINT32_MAX;
}

static size_t check_typed(const json_t *entries)
{
        size_t n = 0;

        for (size_t i = 0; i < json_array_size(entries); i++) {
                const json_t *entry = json_array_get(entries, i);
                const json_t *action = json_object_get(entry, "action");
                const char *type = hl_raw_get_text(action, "type", NULL);
                struct hl_owned_action *owned;
                struct err err = {0};
                char *got;

                if (strcmp(hl_raw_get_text(entry, "kind", NULL), "l1") != 0 ||
                    hl_raw_kind(type) != HL_RAW_TYPED || !is_canonical(entry))
                        continue;
                if (hl_raw_action(&owned, action, &err))
                        fail_msg("%s: %s", hl_raw_get_text(entry, "id", NULL), err.detail);
                got = msgpack_of(&owned->action);
                assert_string_equal(got, hl_raw_get_text(entry, "msgpack", NULL));
                free(got);
                hl_raw_action_free(owned);
                n++;
        }
        return n;
}

static void typed_actions_reproduce_the_vectors(void **state)
{
        json_t *own = load_file(TESTS_DIR "/vectors/signing.json");
        json_t *shared = load_file(SHARED_DIR "/vectors/signing.json");
        size_t n;

        (void)state;
        assert_true(check_typed(own) >= 3);
        json_decref(own);
        if (!shared) {
                print_message("shared vectors are not here: skipped\n");
                skip();
        }
        n = check_typed(shared);
        print_message("%zu typed actions\n", n);
        assert_true(n >= 70);
        json_decref(shared);
}

static void canonical_form_is_the_venues(void **state)
{
        static const char odd[] =
                "{\"grouping\":\"na\",\"orders\":[{\"s\":\"0.10\",\"p\":\"50000.0\",\"b\":true,"
                "\"a\":0,\"t\":{\"limit\":{\"tif\":\"Gtc\"}},\"r\":false,\"c\":null}],"
                "\"type\":\"order\",\"builder\":null}";
        struct hl_order order = worked_order();
        struct hl_action action = {.type = HL_ORDER, .u.order = {.orders = &order, .n = 1}};
        json_t *value = load(odd);
        struct hl_owned_action *owned;
        char *a;
        char *b;

        (void)state;
        assert_int_equal(hl_raw_action(&owned, value, NULL), 0);
        a = msgpack_of(&action);
        b = msgpack_of(&owned->action);
        assert_string_equal(a, b);
        free(a);
        free(b);
        hl_raw_action_free(owned);
        json_decref(value);
}

#define ORDER(fields) "{\"type\":\"order\",\"orders\":[{" fields "}],\"grouping\":\"na\"}"
#define GTC           "\"t\":{\"limit\":{\"tif\":\"Gtc\"}}"

static void bad_actions_are_refused(void **state)
{
        static const struct {
                const char *text;
                enum errc rc;
        } cases[] = {
                {"[]", E_SYNTAX},
                {"{}", E_SYNTAX},
                {"{\"type\":\"dummy\"}", E_INVALID},
                {"{\"type\":\"usdSend\"}", E_INVALID},
                {"{\"type\":\"noop\",\"x\":1}", E_SYNTAX},
                {"{\"type\":5}", E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC ",\"x\":1"),
                 E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":1,\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"NaN\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1e5\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"99999999999\",\"s\":\"1\",\"r\":false," GTC),
                 E_RANGE},
                {ORDER("\"a\":-1,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
                {ORDER("\"a\":4294967296,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC),
                 E_RANGE},
                {ORDER("\"a\":0,\"b\":1,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false"), E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false,\"t\":{}"),
                 E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false,"
                       "\"t\":{\"limit\":{\"tif\":\"gtc\"}}"),
                 E_SYNTAX},
                {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC
                       ",\"c\":\"0x12\""),
                 E_SYNTAX},
                {"{\"type\":\"order\",\"orders\":{},\"grouping\":\"na\"}", E_SYNTAX},
                {"{\"type\":\"order\",\"orders\":[],\"grouping\":\"none\"}", E_SYNTAX},
                {"{\"type\":\"order\",\"orders\":[],\"grouping\":{\"p\":1,\"q\":2}}", E_SYNTAX},
                {"{\"type\":\"order\",\"orders\":[],\"grouping\":\"na\",\"builder\":{\"b\":"
                 "\"0x00\",\"f\":1}}",
                 E_SYNTAX},
                {"{\"type\":\"cancel\",\"cancels\":[{\"a\":0,\"o\":\"5\"}]}", E_SYNTAX},
                {"{\"type\":\"cancel\",\"cancels\":[{\"a\":0,\"o\":1.0}]}", E_SYNTAX},
                {"{\"type\":\"cancel\",\"cancels\":[],\"f\":\"yes\"}", E_SYNTAX},
                {"{\"type\":\"modify\",\"oid\":-1,\"order\":{}}", E_SYNTAX},
                {"{\"type\":\"scheduleCancel\",\"time\":-5}", E_SYNTAX},
                {"{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":true,\"leverage\":-3}",
                 E_SYNTAX},
                {"{\"type\":\"updateIsolatedMargin\",\"asset\":0,\"isBuy\":true,\"ntli\":\"1\"}",
                 E_SYNTAX},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                json_t *value = load(cases[i].text);
                struct hl_owned_action *owned = NULL;
                struct err err = {0};
                enum errc rc;

                assert_non_null(value);
                rc = hl_raw_action(&owned, value, &err);
                if (rc != cases[i].rc)
                        fail_msg("%s: %s", cases[i].text, err_constant(rc));
                assert_null(owned);
                assert_int_equal(err.code, rc);
                json_decref(value);
        }
}

static void too_large_a_batch_is_told_apart(void **state)
{
        json_t *action = json_object();
        json_t *cancels = json_array();
        struct hl_owned_action *owned;

        (void)state;
        json_object_set_new(action, "type", json_string("cancel"));
        json_object_set_new(action, "cancels", cancels);
        for (int i = 0; i < HL_BATCH_MAX; i++)
                json_array_append_new(cancels, json_pack("{s:i,s:i}", "a", 0, "o", i));
        assert_int_equal(hl_raw_action(&owned, action, NULL), 0);
        assert_int_equal(owned->action.u.cancel.n, HL_BATCH_MAX);
        hl_raw_action_free(owned);
        json_array_append_new(cancels, json_pack("{s:i,s:i}", "a", 0, "o", 1));
        assert_int_equal(hl_raw_action(&owned, action, NULL), E_LIMIT);
        json_decref(action);
}

static void texts_are_loaded_strictly(void **state)
{
        static const char *const bad[] = {
                "",
                "{",
                "{}x",
                "{\"a\":1,\"a\":2}",
                "{\"a\":\"\\u0000\"}",
                "{\"a\":18446744073709551616}",
                "{\"a\":-9223372036854775809}",
                "{\"a\":1e400}",
                "{\"a\":NaN}",
                "{\"a\":01}",
                "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
                "\"\xff\"",
                "\"\\",
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                struct err err = {0};

                assert_null(hl_raw_load(bad[i], strlen(bad[i]), &err));
                assert_int_equal(err.code, E_SYNTAX);
        }
        assert_null(hl_raw_load("\"a\0b\"", 5, NULL));
}

static void large_integers_survive(void **state)
{
        json_t *value = load("[18446744073709551615,9223372036854775808,9223372036854775807,"
                             "\"18446744073709551615\",-9223372036854775808]");
        struct buf out;
        struct hl_json j;
        uint64_t v = 0;

        (void)state;
        assert_non_null(value);
        assert_int_equal(hl_raw_uint(&v, json_array_get(value, 0)), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(hl_raw_uint(&v, json_array_get(value, 1)), 0);
        assert_true(v == UINT64_C(1) << 63);
        assert_int_equal(hl_raw_uint(&v, json_array_get(value, 3)), E_SYNTAX);
        assert_int_equal(hl_raw_uint(&v, json_array_get(value, 4)), E_SYNTAX);
        assert_null(hl_raw_text(json_array_get(value, 0), NULL));
        buf_init(&out, 1024);
        hl_json_init(&j, &out);
        assert_int_equal(hl_raw_walk(value, &j.emit), 0);
        assert_string_equal(buf_cstr(&out),
                            "[18446744073709551615,9223372036854775808,9223372036854775807,"
                            "\"18446744073709551615\",-9223372036854775808]");
        buf_fini(&out);
        json_decref(value);
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
        assert_int_equal(hl_raw_kind("twapOrder"), HL_RAW_L1);
        assert_int_equal(hl_raw_kind("setReferrer"), HL_RAW_L1);
        assert_int_equal(hl_raw_kind("withdraw3"), HL_RAW_USER);
        assert_int_equal(hl_raw_kind("multiSig"), HL_RAW_MULTI_SIG);
        assert_int_equal(hl_raw_kind("Order"), HL_RAW_UNKNOWN);
        assert_int_equal(hl_raw_kind(""), HL_RAW_UNKNOWN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(worked_example),
                cmocka_unit_test(phantom_digest_is_eip712),
                cmocka_unit_test(one_walk_gives_the_json_too),
                cmocka_unit_test(typed_actions_reproduce_the_vectors),
                cmocka_unit_test(canonical_form_is_the_venues),
                cmocka_unit_test(bad_actions_are_refused),
                cmocka_unit_test(too_large_a_batch_is_told_apart),
                cmocka_unit_test(texts_are_loaded_strictly),
                cmocka_unit_test(large_integers_survive),
                cmocka_unit_test(signer_is_recovered),
                cmocka_unit_test(short_signatures_are_padded),
                cmocka_unit_test(bad_requests_are_refused),
                cmocka_unit_test(user_signed_actions_are_strict),
                cmocka_unit_test(user_signed_actions_are_read),
                cmocka_unit_test(kinds_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
