/* hl_sign: from an action's hash to the digest that is signed: the EIP-712 message
 * Agent(string source, bytes32 connectionId) in domain Exchange, version 1, chain 1337, contract
 * zero. Everything that does not depend on the action is a constant; the tests derive each one. */
#include "adapters/hyperliquid/hl_action.h"

#include <string.h>

#include "sign/keccak.h"

static const uint8_t domain_separator[32] = {0xd7, 0x92, 0x97, 0xfc, 0xdf, 0x2f, 0xfc, 0xd4,
                                             0xae, 0x22, 0x3d, 0x01, 0xed, 0xaa, 0x2b, 0xa2,
                                             0x14, 0xff, 0x8f, 0x40, 0x1d, 0x7c, 0x93, 0x00,
                                             0xd9, 0x95, 0xd1, 0x7c, 0x82, 0xaa, 0x40, 0x40};
static const uint8_t agent_type_hash[32] = {0x26, 0xf0, 0x5c, 0x2f, 0x72, 0x39, 0xb6, 0x98,
                                            0x30, 0x75, 0xe5, 0x83, 0x21, 0x29, 0x2d, 0x77,
                                            0xb3, 0xaa, 0x17, 0x3d, 0x19, 0xb2, 0x72, 0x57,
                                            0xac, 0x96, 0xab, 0x36, 0x25, 0x70, 0xf5, 0x08};
static const uint8_t source_a_hash[32] = {/* "a": mainnet */
                                          0x3a, 0xc2, 0x25, 0x16, 0x8d, 0xf5, 0x42, 0x12,
                                          0xa2, 0x5c, 0x1c, 0x01, 0xfd, 0x35, 0xbe, 0xbf,
                                          0xea, 0x40, 0x8f, 0xda, 0xc2, 0xe3, 0x1d, 0xdd,
                                          0x6f, 0x80, 0xa4, 0xbb, 0xf9, 0xa5, 0xf1, 0xcb};
static const uint8_t source_b_hash[32] = {/* "b": every other network */
                                          0xb5, 0x55, 0x3d, 0xe3, 0x15, 0xe0, 0xed, 0xf5,
                                          0x04, 0xd9, 0x15, 0x0a, 0xf8, 0x2d, 0xaf, 0xa5,
                                          0xc4, 0x66, 0x7f, 0xa6, 0x18, 0xed, 0x0a, 0x6f,
                                          0x19, 0xc6, 0x9b, 0x41, 0x16, 0x6c, 0x55, 0x10};

enum errc hl_phantom_digest(struct hash32 *out, const struct hash32 *connection_id, bool is_mainnet)
{
        struct hash32 struct_hash;
        struct keccak k;

        keccak_init(&k);
        keccak_update(&k, agent_type_hash, sizeof agent_type_hash);
        keccak_update(&k, is_mainnet ? source_a_hash : source_b_hash, sizeof source_a_hash);
        keccak_update(&k, connection_id->b, sizeof connection_id->b);
        keccak_final(&k, &struct_hash);

        keccak_init(&k);
        keccak_update(&k, "\x19\x01", 2);
        keccak_update(&k, domain_separator, sizeof domain_separator);
        keccak_update(&k, struct_hash.b, sizeof struct_hash.b);
        keccak_final(&k, out);
        return E_OK;
}

void hl_phantom_typed_data(struct buf *out, const struct hash32 *connection_id, bool is_mainnet)
{
        char id[HASH_STR_MAX];

        buf_puts(out, "{\"types\":{\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},"
                      "{\"name\":\"version\",\"type\":\"string\"},"
                      "{\"name\":\"chainId\",\"type\":\"uint256\"},"
                      "{\"name\":\"verifyingContract\",\"type\":\"address\"}],"
                      "\"Agent\":[{\"name\":\"source\",\"type\":\"string\"},"
                      "{\"name\":\"connectionId\",\"type\":\"bytes32\"}]},"
                      "\"primaryType\":\"Agent\",\"domain\":{\"name\":\"Exchange\","
                      "\"version\":\"1\",\"chainId\":1337,\"verifyingContract\":"
                      "\"0x0000000000000000000000000000000000000000\"},\"message\":{\"source\":");
        buf_printf(out, "\"%s\",\"connectionId\":\"%s\"}}", is_mainnet ? "a" : "b",
                   hex_print_hash(id, connection_id));
}

enum errc hl_l1_digest(struct hash32 *out, struct buf *scratch, const struct hl_action *action,
                       const struct hl_envelope *envelope, bool is_mainnet)
{
        struct hl_msgpack m;
        struct hash32 connection_id;
        enum errc rc;

        buf_reset(scratch);
        hl_msgpack_init(&m, scratch);
        hl_action_walk(action, &m.emit);
        rc = buf_check(scratch);
        if (rc)
                goto done;
        hl_action_hash(&connection_id, scratch->data, scratch->len, envelope);
        rc = hl_phantom_digest(out, &connection_id, is_mainnet);
done:
        return rc;
}
