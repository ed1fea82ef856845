#include "sign/secp.h"

#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "sign/keccak.h"

#define PUBKEY_BYTES 65 /* 0x04, x, y */

struct secp {
        secp256k1_context *context;
};

struct secp *secp_new(void)
{
        struct secp *secp = xcalloc(1, sizeof *secp);
        uint8_t seed[32];

        secp->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
        must(secp->context);
        /* Blinds signing against side channels. */
        secret_random(seed, sizeof seed);
        must(secp256k1_context_randomize(secp->context, seed));
        secret_wipe(seed, sizeof seed);
        return secp;
}

void secp_free(struct secp *secp)
{
        if (!secp)
                return;
        secp256k1_context_destroy(secp->context);
        free(secp);
}

static void address_of(const struct secp *secp, struct addr *out, const secp256k1_pubkey *pubkey)
{
        uint8_t bytes[PUBKEY_BYTES];
        size_t len = sizeof bytes;
        struct hash32 hash;

        must(secp256k1_ec_pubkey_serialize(secp->context, bytes, &len, pubkey,
                                           SECP256K1_EC_UNCOMPRESSED));
        keccak256(&hash, bytes + 1, sizeof bytes - 1);
        memcpy(out->b, hash.b + sizeof hash.b - sizeof out->b, sizeof out->b);
}

enum errc secp_sign(const struct secp *secp, struct signature *out, const struct hash32 *digest,
                    const uint8_t key[32])
{
        secp256k1_ecdsa_recoverable_signature signature;
        uint8_t compact[64];
        int recovery_id = 0;

        /* The library's own nonce function: RFC 6979. Its signatures have a low s. */
        if (!secp256k1_ecdsa_sign_recoverable(secp->context, &signature, digest->b, key, NULL,
                                              NULL))
                return E_CRYPTO;
        must(secp256k1_ecdsa_recoverable_signature_serialize_compact(secp->context, compact,
                                                                     &recovery_id, &signature));
        /* Ids 2 and 3 mean that r wrapped around the group order, which takes some 2^127 tries;
         * Ethereum has no v for them. */
        if (recovery_id > 1)
                return E_CRYPTO;
        memcpy(out->r.b, compact, 32);
        memcpy(out->s.b, compact + 32, 32);
        out->v = (uint8_t)(27 + recovery_id);
        return E_OK;
}

enum errc secp_address(const struct secp *secp, struct addr *out, const uint8_t key[32])
{
        secp256k1_pubkey pubkey;

        if (!secp256k1_ec_pubkey_create(secp->context, &pubkey, key))
                return E_CRYPTO;
        address_of(secp, out, &pubkey);
        return E_OK;
}

static bool is_zero(const struct hash32 *h)
{
        static const struct hash32 zero;

        return memcmp(h->b, zero.b, sizeof h->b) == 0;
}

/* s and n - s sign the same digest: taking both would give each signature a twin with another
 * hash, which a replay cache would let pass. */
static bool is_high_s(const struct secp *secp,
                      const secp256k1_ecdsa_recoverable_signature *signature)
{
        secp256k1_ecdsa_signature plain;

        must(secp256k1_ecdsa_recoverable_signature_convert(secp->context, &plain, signature));
        return secp256k1_ecdsa_signature_normalize(secp->context, NULL, &plain) != 0;
}

enum errc secp_recover(const struct secp *secp, struct addr *out, const struct hash32 *digest,
                       const struct signature *sig)
{
        secp256k1_ecdsa_recoverable_signature signature;
        secp256k1_pubkey pubkey;
        uint8_t compact[64];

        if (sig->v != 27 && sig->v != 28)
                return E_CRYPTO;
        if (is_zero(&sig->r) || is_zero(&sig->s))
                return E_CRYPTO;
        memcpy(compact, sig->r.b, 32);
        memcpy(compact + 32, sig->s.b, 32);
        if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp->context, &signature, compact,
                                                                 sig->v - 27))
                return E_CRYPTO;
        if (is_high_s(secp, &signature))
                return E_CRYPTO;
        if (!secp256k1_ecdsa_recover(secp->context, &pubkey, &signature, digest->b))
                return E_CRYPTO;
        address_of(secp, out, &pubkey);
        return E_OK;
}

enum errc secp_parse_signature(struct signature *out, const char *s, size_t len)
{
        uint8_t bytes[65];

        if (len != 2 + 2 * sizeof bytes || s[0] != '0' || s[1] != 'x')
                return E_SYNTAX;
        if (hex_decode(bytes, sizeof bytes, s + 2, len - 2))
                return E_SYNTAX;
        uint8_t v = bytes[64];
        if (v <= 1)
                v = (uint8_t)(v + 27);
        if (v != 27 && v != 28)
                return E_SYNTAX;
        memcpy(out->r.b, bytes, 32);
        memcpy(out->s.b, bytes + 32, 32);
        out->v = v;
        return E_OK;
}
