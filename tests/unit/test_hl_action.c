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
#define TWAP          "{\"a\":0,\"b\":true,\"s\":\"1\",\"r\":false,\"m\":5,\"t\":false}"
#define GTC           "\"t\":{\"limit\":{\"tif\":\"Gtc\"}}"

static const struct {
        const char *text;
        enum errc rc;
} bad_actions[] = {
        {"[]", E_SYNTAX},
        {"{}", E_SYNTAX},
        {"{\"type\":\"dummy\"}", E_INVALID},
        {"{\"type\":\"usdSend\"}", E_INVALID},
        {"{\"type\":\"noop\",\"x\":1}", E_SYNTAX},
        {"{\"type\":5}", E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC ",\"x\":1"), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":1,\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"NaN\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1e5\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"99999999999\",\"s\":\"1\",\"r\":false," GTC), E_RANGE},
        {ORDER("\"a\":-1,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
        {ORDER("\"a\":4294967296,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC), E_RANGE},
        {ORDER("\"a\":0,\"b\":1,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false"), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false,\"t\":{}"), E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false,"
               "\"t\":{\"limit\":{\"tif\":\"gtc\"}}"),
         E_SYNTAX},
        {ORDER("\"a\":0,\"b\":true,\"p\":\"1\",\"s\":\"1\",\"r\":false," GTC ",\"c\":\"0x12\""),
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
        {"{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":true,\"leverage\":-3}", E_SYNTAX},
        {"{\"type\":\"updateIsolatedMargin\",\"asset\":0,\"isBuy\":true,\"ntli\":\"1\"}", E_SYNTAX},
        {"{\"type\":\"twapOrder\"}", E_SYNTAX},
        {"{\"type\":\"twapOrder\",\"twap\":" TWAP ",\"x\":1}", E_SYNTAX},
        {"{\"type\":\"twapOrder\",\"twap\":{\"a\":0}}", E_SYNTAX},
        {"{\"type\":\"twapOrder\",\"twap\":" TWAP ",\"details\":[]}", E_SYNTAX},
        {"{\"type\":\"twapOrder\",\"twap\":" TWAP ",\"details\":{\"t\":{\"p\":\"1\"},\"s\":null}}",
         E_SYNTAX},
        {"{\"type\":\"twapOrder\",\"twap\":" TWAP ",\"details\":{\"t\":null,\"s\":5}}", E_SYNTAX},
        {"{\"type\":\"twapCancel\",\"a\":0,\"t\":-1}", E_SYNTAX},
        {"{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":0,\"leverage\":2}", E_SYNTAX},
        {"{\"type\":\"topUpIsolatedOnlyMargin\",\"asset\":0,\"leverage\":\"two\"}", E_SYNTAX},
        {"{\"type\":\"reserveRequestWeight\",\"weight\":1,\"destination\":\"0x1\"}", E_SYNTAX},
        {"{\"type\":\"reserveRequestWeight\",\"weight\":-1}", E_SYNTAX},
        {"{\"type\":\"agentSetAbstraction\"}", E_SYNTAX},
        {"{\"type\":\"createSubAccount\",\"name\":5}", E_SYNTAX},
        {"{\"type\":\"subAccountModify\",\"subAccountUser\":\"0x1\",\"name\":\"a\"}", E_SYNTAX},
        {"{\"type\":\"setReferrer\",\"code\":\"A\",\"name\":\"A\"}", E_SYNTAX},
};

static void bad_actions_are_refused(void **state)
{

        (void)state;
        for (size_t i = 0; i < sizeof bad_actions / sizeof *bad_actions; i++) {
                json_t *value = load(bad_actions[i].text);
                struct hl_owned_action *owned = NULL;
                struct err err = {0};
                enum errc rc;

                assert_non_null(value);
                rc = hl_raw_action(&owned, value, &err);
                if (rc != bad_actions[i].rc)
                        fail_msg("%s: %s", bad_actions[i].text, err_constant(rc));
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
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
