/* sign: the shared signing vectors. Everything from the action's bytes on is made here: the action
 * hash, the typed-data digest, the deterministic signature, and the signer recovered from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sign/eip712.h"
#include "sign/keccak.h"
#include "sign/secp.h"

#define VECTORS    SHARED_DIR "/vectors/signing.json"
#define FIELDS_MAX 16

static struct secp *secp;
static json_t *vectors;

static const char *text_at(const json_t *entry, const char *key)
{
        const char *text = json_string_value(json_object_get(entry, key));

        if (!text)
                fail_msg("%s: no %s", json_string_value(json_object_get(entry, "id")), key);
        return text;
}

static struct hash32 hash_at(const json_t *entry, const char *key)
{
        const char *text = text_at(entry, key);
        struct hash32 h;

        assert_int_equal(hex_parse_hash(&h, text, strlen(text)), E_OK);
        return h;
}

/* Integers are read as doubles, since some actions hold one that needs 64 bits unsigned; those that
 * are looked at here are exact. */
static uint64_t integer(const json_t *value)
{
        assert_true(json_is_real(value));
        assert_true(json_real_value(value) >= 0 && json_real_value(value) < 9007199254740992.0);
        return (uint64_t)json_real_value(value);
}

static void assert_same(const json_t *entry, const char *key, const struct hash32 *got)
{
        char text[HASH_STR_MAX];

        if (strcmp(hex_print_hash(text, got), text_at(entry, key)) != 0)
                fail_msg("%s: %s is %s", text_at(entry, "id"), key, text);
}

static void assert_signer(const json_t *entry, const struct addr *address)
{
        char text[ADDR_STR_MAX];

        assert_string_equal(hex_print_addr(text, address), text_at(entry, "signer"));
}

/* Signs digest with the entry's key and compares signature and signer. */
static void check_signature(const json_t *entry, const struct hash32 *digest)
{
        struct hash32 key = hash_at(entry, "privateKey");
        struct signature sig;
        struct addr signer;

        assert_same(entry, "digest", digest);
        assert_int_equal(secp_sign(secp, &sig, digest, key.b), E_OK);
        assert_same(entry, "r", &sig.r);
        assert_same(entry, "s", &sig.s);
        assert_int_equal(sig.v, integer(json_object_get(entry, "v")));
        assert_int_equal(secp_recover(secp, &signer, digest, &sig), E_OK);
        assert_signer(entry, &signer);
}

static void put_hex(struct buf *buf, const char *digits)
{
        size_t len = strlen(digits) / 2;
        uint8_t *bytes = xmalloc(len);

        assert_int_equal(hex_decode(bytes, len, digits, strlen(digits)), E_OK);
        buf_put(buf, bytes, len);
        free(bytes);
}

/* msgpack, nonce, vault marker and address, optional expiry */
static struct hash32 action_hash(const json_t *entry)
{
        const json_t *vault = json_object_get(entry, "vaultAddress");
        const json_t *expires = json_object_get(entry, "expiresAfter");
        struct hash32 h;
        struct buf buf;

        buf_init(&buf, 1 << 16);
        put_hex(&buf, text_at(entry, "msgpack"));
        buf_put_be64(&buf, integer(json_object_get(entry, "nonce")));
        buf_put_u8(&buf, json_is_string(vault));
        if (json_is_string(vault))
                put_hex(&buf, json_string_value(vault) + 2);
        if (json_is_real(expires)) {
                buf_put_u8(&buf, 0);
                buf_put_be64(&buf, integer(expires));
        }
        assert_int_equal(buf_check(&buf), E_OK);
        keccak256(&h, buf.data, buf.len);
        buf_fini(&buf);
        return h;
}

static struct hash32 agent_digest(bool is_mainnet, const struct hash32 *connection_id)
{
        static const struct eip712_domain domain = {
                .name = "Exchange", .version = "1", .chain_id = 1337};
        const struct eip712_field fields[] = {
                {.name = "source",
                 .solidity_type = "string",
                 .type = EIP712_STRING,
                 .data = is_mainnet ? "a" : "b",
                 .len = 1},
                {.name = "connectionId",
                 .solidity_type = "bytes32",
                 .type = EIP712_BYTES32,
                 .bytes32 = *connection_id},
        };
        struct eip712_result result;

        assert_int_equal(eip712_hash(&result, &domain, "Agent", fields, 2), E_OK);
        return result.digest;
}

static void orders_and_their_like(const json_t *entry, bool has_action)
{
        struct hash32 hash = hash_at(entry, "actionHash");

        if (has_action) {
                struct hash32 made = action_hash(entry);
                assert_same(entry, "actionHash", &made);
        }
        struct hash32 digest =
                agent_digest(json_is_true(json_object_get(entry, "isMainnet")), &hash);
        check_signature(entry, &digest);
}

/* storage keeps the decoded bytes of a "bytes" field. */
static struct eip712_field field_from(const json_t *pair, const json_t *action, struct buf *storage)
{
        struct eip712_field field = {.name = json_string_value(json_array_get(pair, 0)),
                                     .solidity_type = json_string_value(json_array_get(pair, 1))};
        const json_t *value = json_object_get(action, field.name);
        const char *text = json_is_string(value) ? json_string_value(value) : "";

        if (strcmp(field.solidity_type, "string") == 0) {
                field.type = EIP712_STRING;
                field.data = text;
                field.len = strlen(text);
        } else if (strcmp(field.solidity_type, "bytes") == 0) {
                field.type = EIP712_BYTES;
                put_hex(storage, text + 2);
                field.data = storage->data;
                field.len = storage->len;
        } else if (strcmp(field.solidity_type, "address") == 0) {
                field.type = EIP712_ADDRESS;
                assert_int_equal(hex_parse_addr(&field.address, text, strlen(text)), E_OK);
        } else if (strcmp(field.solidity_type, "bool") == 0) {
                field.type = EIP712_BOOL;
                field.number = json_is_true(value);
        } else {
                field.type = EIP712_UINT;
                field.number = integer(value);
        }
        return field;
}

static void approvals_and_transfers(const json_t *entry)
{
        const json_t *action = json_object_get(entry, "action");
        const json_t *types = json_object_get(entry, "types");
        struct eip712_domain domain = {.name = "HyperliquidSignTransaction", .version = "1"};
        struct eip712_field fields[FIELDS_MAX];
        struct eip712_result result;
        struct hash32 chain_id;
        struct buf storage;
        size_t n = json_array_size(types);
        const char *chain = text_at(action, "signatureChainId");

        assert_in_range(n, 1, FIELDS_MAX);
        assert_int_equal(hex_parse_padded(&chain_id, chain, strlen(chain)), E_OK);
        for (size_t i = 24; i < 32; i++)
                domain.chain_id = domain.chain_id << 8 | chain_id.b[i];
        buf_init(&storage, 1 << 16);
        for (size_t i = 0; i < n; i++)
                fields[i] = field_from(json_array_get(types, i), action, &storage);
        assert_int_equal(eip712_hash(&result, &domain, text_at(entry, "primaryType"), fields, n),
                         E_OK);
        buf_fini(&storage);
        assert_same(entry, "domainSeparator", &result.domain_separator);
        assert_same(entry, "typeHash", &result.type_hash);
        assert_same(entry, "structHash", &result.struct_hash);
        check_signature(entry, &result.digest);
}

static void address_of_key(const json_t *entry)
{
        struct hash32 key = hash_at(entry, "privateKey");
        struct addr address;

        assert_int_equal(secp_address(secp, &address, key.b), E_OK);
        assert_signer(entry, &address);
}

static void every_vector_is_reproduced(void **state)
{
        unsigned n_done = 0;
        const json_t *entry;
        size_t i;

        (void)state;
        if (!vectors) {
                print_message("SKIPPED: %s is not there\n", VECTORS);
                skip();
        }
        json_array_foreach(vectors, i, entry)
        {
                const char *kind = text_at(entry, "kind");
                n_done++;
                if (strcmp(kind, "l1") == 0)
                        orders_and_their_like(entry, true);
                else if (strcmp(kind, "phantomAgent") == 0)
                        orders_and_their_like(entry, false);
                else if (strcmp(kind, "userSigned") == 0)
                        approvals_and_transfers(entry);
                else if (strcmp(kind, "address") == 0)
                        address_of_key(entry);
                else
                        n_done--; /* not this floor's business */
        }
        print_message("%u vectors\n", n_done);
        assert_true(n_done >= 100);
}

static int setup(void **state)
{
        (void)state;
        secp = secp_new();
        if (access(VECTORS, R_OK) != 0)
                return 0;
        vectors = json_load_file(VECTORS, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
        return vectors ? 0 : -1;
}

static int teardown(void **state)
{
        (void)state;
        json_decref(vectors);
        secp_free(secp);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_vector_is_reproduced),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
