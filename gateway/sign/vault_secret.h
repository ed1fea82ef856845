/* vault_secret: secrets shared with a client, for the codes it signs requests with. Sealed as agent keys
 * are (vault.h), under the brand's key, and bound to brand, account and the id of the API key, so
 * that a row moved elsewhere does not open. A secret is shown when it is made and leaves the vault
 * never again: codes are computed inside. Loop thread only. */
#ifndef SIGN_VAULT_SECRET_H
#define SIGN_VAULT_SECRET_H

#include "sign/vault.h"

#define VAULT_SECRET_TEXT_MAX 65 /* 64 hex digits and a NUL */
#define VAULT_SECRET_ID_BYTES 16

struct vault_secret_binding {
        const char *brand;
        struct addr account;
        uint8_t id[VAULT_SECRET_ID_BYTES];
};

/* Makes a secret: its text, which the caller wipes once it is shown, and the sealed form. */
MUST_USE enum errc vault_secret_create(struct vault *vault, const struct vault_brand *brand,
                                       char text[VAULT_SECRET_TEXT_MAX],
                                       struct vault_sealed *sealed,
                                       const struct vault_secret_binding *binding);
/* HMAC-SHA256 of data under the secret's text, as the client computes it. E_CRYPTO when the seal or
 * the binding does not hold. */
MUST_USE enum errc vault_secret_mac(struct vault *vault, const struct vault_brand *brand,
                                    uint8_t mac[32], const struct vault_secret_binding *binding,
                                    const struct vault_sealed *sealed, const void *data,
                                    size_t len);

#endif
