/* A sealed secret has the layout of a sealed key (vault.c); after the brand its associated data holds
 *      20, 16          account and id of the API key
 */
#include "sign/vault_secret.h"

#include <sodium.h>

#include "sign/vault_impl.h"

static void associate(struct vault_associated *a, const struct vault_secret_binding *binding)
{
        vault_impl_associate_header(a, "perpgate api secret", binding->brand);
        vault_impl_associate(a, binding->account.b, sizeof binding->account.b);
        vault_impl_associate(a, binding->id, sizeof binding->id);
}

enum errc vault_secret_create(struct vault *vault, const struct vault_brand *brand,
                              char text[VAULT_SECRET_TEXT_MAX], struct vault_sealed *sealed,
                              const struct vault_secret_binding *binding)
{
        struct vault_associated a;

        if (!vault_impl_brand_id_fits(binding->brand))
                return E_LIMIT;
        associate(&a, binding);
        vault_impl_scratch_open(vault);
        secret_random(vault->scratch.data, VAULT_KEY_BYTES);
        vault_impl_seal(sealed, vault->scratch.data, &a, &brand->key);
        hex_encode(text, vault->scratch.data, VAULT_KEY_BYTES);
        vault_impl_scratch_close(vault);
        return E_OK;
}

enum errc vault_secret_mac(struct vault *vault, const struct vault_brand *brand, uint8_t mac[32],
                           const struct vault_secret_binding *binding,
                           const struct vault_sealed *sealed, const void *data, size_t len)
{
        char text[VAULT_SECRET_TEXT_MAX];
        crypto_auth_hmacsha256_state state;
        struct vault_associated a;
        enum errc rc;

        if (!vault_impl_brand_id_fits(binding->brand))
                return E_CRYPTO;
        associate(&a, binding);
        vault_impl_scratch_open(vault);
        rc = vault_impl_unseal(vault->scratch.data, sealed, &a, &brand->key);
        if (!rc) {
                hex_encode(text, vault->scratch.data, VAULT_KEY_BYTES);
                crypto_auth_hmacsha256_init(&state, (const unsigned char *)text, sizeof text - 1);
                crypto_auth_hmacsha256_update(&state, data, len);
                crypto_auth_hmacsha256_final(&state, mac);
        }
        vault_impl_scratch_close(vault);
        secret_wipe(text, sizeof text);
        secret_wipe(&state, sizeof state);
        return rc;
}
