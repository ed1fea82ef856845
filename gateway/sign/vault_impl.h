/* vault_impl: what the files that seal and open share. */
#ifndef SIGN_VAULT_IMPL_H
#define SIGN_VAULT_IMPL_H

#include <stdbool.h>

#include "base/list.h"
#include "base/secret.h"
#include "sign/vault.h"

#define VAULT_KEY_BYTES 32
#define VAULT_BRAND_MAX 64

struct vault_brand {
        struct list node; /* in vault.brands */
        char id[VAULT_BRAND_MAX + 1];
        struct secret key;
};

struct vault {
        const struct secp *secp;
        struct secret master;
        struct secret scratch; /* the one key in use */
        struct list brands;
};

struct vault_associated {
        uint8_t b[128];
        size_t len;
};

/* The scratch page may be touched between the two; closing wipes it. */
void vault_impl_scratch_open(struct vault *vault);
void vault_impl_scratch_close(struct vault *vault);

bool vault_impl_brand_id_fits(const char *brand);
/* Begins associated data with label, version and brand; and appends to it. */
void vault_impl_associate_header(struct vault_associated *a, const char *label, const char *brand);
void vault_impl_associate(struct vault_associated *a, const void *data, size_t len);

/* plain has VAULT_KEY_BYTES. */
void vault_impl_seal(struct vault_sealed *out, const uint8_t *plain,
                     const struct vault_associated *a, const struct secret *key);
MUST_USE enum errc vault_impl_unseal(uint8_t *plain, const struct vault_sealed *sealed,
                                     const struct vault_associated *a, const struct secret *key);

#endif
