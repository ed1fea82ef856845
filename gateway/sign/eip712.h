/* eip712: typed-data digests for flat structs (no nested types), as Hyperliquid signs them, and
 * personal_sign (EIP-191) digests for sign-in messages. Pure. Source: EIP-712, EIP-191. */
#ifndef SIGN_EIP712_H
#define SIGN_EIP712_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

enum eip712_type {
        EIP712_STRING,  /* hashed */
        EIP712_BYTES,   /* hashed */
        EIP712_ADDRESS, /* left-padded */
        EIP712_UINT,    /* any width up to 64 bits, 32-byte big-endian */
        EIP712_BOOL,
        EIP712_BYTES32, /* as it is */
};

struct eip712_field {
        const char *name;          /* "hyperliquidChain" */
        const char *solidity_type; /* "string", "uint64", "address": as it stands in the type */
        enum eip712_type type;
        /* The value, by type. */
        const void *data; /* STRING, BYTES: bytes; borrowed */
        size_t len;
        struct addr address;
        uint64_t number; /* UINT, BOOL */
        struct hash32 bytes32;
};

struct eip712_domain {
        const char *name;
        const char *version;
        uint64_t chain_id;
        struct addr verifying_contract;
};

/* All intermediate values, for tests and for telling a user what was signed. */
struct eip712_result {
        struct hash32 domain_separator;
        struct hash32 type_hash;
        struct hash32 struct_hash;
        struct hash32 digest;
};

void eip712_domain_separator(struct hash32 *out, const struct eip712_domain *domain);
/* E_LIMIT when the type string would be unreasonably long. */
MUST_USE enum errc eip712_hash(struct eip712_result *out, const struct eip712_domain *domain,
                               const char *primary_type, const struct eip712_field *fields,
                               size_t n_fields);
/* keccak256("\x19Ethereum Signed Message:\n" + len + message) */
void eip191_digest(struct hash32 *out, const char *message, size_t len);

#endif
