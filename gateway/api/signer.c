#include "api/signer.h"

#include <string.h>

#include "base/log.h"

enum errc signer_sign(struct signature *out, const struct call *call,
                      const struct store_account *record, const struct hash32 *digest,
                      struct err *err)
{
        struct vault_binding binding = {
                .brand = call->brand->id, .account = call->session.address, .agent = record->agent};
        const struct vault_brand *key =
                map_get(call->api->brand_keys, binding.brand, strlen(binding.brand));
        struct vault_sealed sealed;

        if (key && record->agent_sealed_len == sizeof sealed.b) {
                memcpy(sealed.b, record->agent_sealed, sizeof sealed.b);
                if (!vault_agent_sign(call->api->o.vault, key, out, &binding, &sealed, digest))
                        return E_OK;
        }
        log_event(LOG_ERROR, "agent key does not open", "request", call->request_id, NULL);
        return err_set(err, E_CRYPTO, "The agent's key can't be opened.");
}
