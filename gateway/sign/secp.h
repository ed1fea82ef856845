/* secp: recoverable ECDSA over secp256k1 (libsecp256k1): RFC 6979 nonces, low s.
 * Owns one randomised context. Loop thread only after secp_new. */
#ifndef SIGN_SECP_H
#define SIGN_SECP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

struct secp;

struct signature {
        struct hash32 r;
        struct hash32 s;
        uint8_t v; /* 27 or 28 */
};

struct secp *secp_new(void);
void secp_free(struct secp *secp); /* accepts NULL */

/* key: 32 bytes, borrowed; belongs in guarded memory. E_CRYPTO when it is not a valid key. */
MUST_USE enum errc secp_sign(const struct secp *secp, struct signature *out,
                             const struct hash32 *digest, const uint8_t key[32]);
MUST_USE enum errc secp_address(const struct secp *secp, struct addr *out, const uint8_t key[32]);
/* The address that made sig over digest. Refuses s above n/2, r or s of zero, v other than 27/28
 * (0 and 1 are taken as 27 and 28 by secp_parse_signature, not here). E_CRYPTO. */
MUST_USE enum errc secp_recover(const struct secp *secp, struct addr *out,
                                const struct hash32 *digest, const struct signature *sig);

/* A wallet's 65-byte signature in hex: r, s, v (v 0/1 or 27/28). E_SYNTAX. */
MUST_USE enum errc secp_parse_signature(struct signature *out, const char *s, size_t len);

#endif
