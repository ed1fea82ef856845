/* vault: agent keys at rest and in use. A key is made by libsodium's generator, sealed at once with
 * XChaCha20-Poly1305 under its brand's key, and the brand's key is itself sealed (wrapped) under the
 * master key. To sign, the sealed key is opened into the one guarded scratch page, used, wiped.
 * The associated data binds a sealed key to brand, account and agent address, so that a row moved
 * to another account does not open. Loop thread only. */
#ifndef SIGN_VAULT_H
#define SIGN_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/secret.h"
#include "sign/secp.h"

struct vault;
struct vault_brand; /* an opened brand key, in guarded memory; owned by the vault */

#define VAULT_SEALED_BYTES 73 /* version(1) + nonce(24) + key(32) + tag(16) */
struct vault_sealed {
        uint8_t b[VAULT_SEALED_BYTES];
};

/* What a sealed agent key belongs to. brand is a short id such as "meridian". */
struct vault_binding {
        const char *brand;
        struct addr account;
        struct addr agent;
};

/* Reads the master key: 32 bytes as 64 hex digits, from the environment variable env_name (which is
 * then removed from the environment and overwritten) or else from file. A file that group or others
 * may read, that is not a regular file, or that is not owned by us or root is refused. E_CONFIG. */
MUST_USE enum errc vault_read_master(struct secret *out, const char *file, const char *env_name,
                                     struct err *err);
/* Makes a new master key file, mode 0600, unless one is there (E_EXISTS). */
MUST_USE enum errc vault_make_master_file(const char *file, struct err *err);

/* Takes the master key out of master (which is left empty). secp is borrowed. */
struct vault *vault_new(struct secret *master, const struct secp *secp);
void vault_free(struct vault *vault); /* wipes; accepts NULL */

/* Makes a new brand key and wraps it under the master key. */
MUST_USE enum errc vault_brand_create(struct vault *vault, struct vault_sealed *wrapped,
                                      const char *brand);
/* Opens a wrapped brand key; NULL (with err) when the master key or the brand is another. */
struct vault_brand *vault_brand_open(struct vault *vault, const char *brand,
                                     const struct vault_sealed *wrapped, struct err *err);

/* The same brand key, wrapped under the master key of another vault. E_CRYPTO where it does not open here. */
MUST_USE enum errc vault_brand_rewrap(struct vault *vault, struct vault *other,
                                      struct vault_sealed *out, const char *brand,
                                      const struct vault_sealed *wrapped);
/* Whether a wrapped brand key opens under this vault's master key; nothing is kept. */
bool vault_brand_opens(struct vault *vault, const char *brand, const struct vault_sealed *wrapped);

/* Makes an agent key for account: its address and the sealed key. */
MUST_USE enum errc vault_agent_create(struct vault *vault, const struct vault_brand *brand,
                                      struct addr *agent, struct vault_sealed *sealed,
                                      const struct addr *account);
/* Opens, signs digest, wipes. E_CRYPTO when the seal or the binding does not hold. */
MUST_USE enum errc vault_agent_sign(struct vault *vault, const struct vault_brand *brand,
                                    struct signature *out, const struct vault_binding *binding,
                                    const struct vault_sealed *sealed, const struct hash32 *digest);

#endif
