#include "api/signer.h"

#include <string.h>

#include "base/log.h"

enum errc signer_sign(struct signature *out, struct api *api, const char *brand,
                      const struct addr *account, const struct store_account *record,
                      const struct hash32 *digest, struct err *err)
{
        struct vault_binding binding = {.brand = brand, .account = *account};
        const struct vault_brand *key = map_get(api->brand_keys, brand, strlen(brand));
        struct vault_sealed sealed;

        if (api->ended)
                return err_set(err, E_DRAINING, "The gateway ended before this was sent.");
        binding.agent = record->agent;
        if (key && record->agent_sealed_len == sizeof sealed.b) {
                memcpy(sealed.b, record->agent_sealed, sizeof sealed.b);
                if (!vault_agent_sign(api->o.vault, key, out, &binding, &sealed, digest))
                        return E_OK;
        }
        log_event(LOG_ERROR, "agent key does not open", "brand", brand, NULL);
        return err_set(err, E_CRYPTO, "The agent's key can't be opened.");
}
