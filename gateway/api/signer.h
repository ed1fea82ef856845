/* signer: signs a digest with an account's agent. The key is open only while it does. */
#ifndef API_SIGNER_H
#define API_SIGNER_H

#include "api/state.h"

/* E_CRYPTO, with err, where the agent's key can't be opened; E_DRAINING once the gateway has ended. */
MUST_USE enum errc signer_sign(struct signature *out, struct api *api, const char *brand,
                               const struct addr *account, const struct store_account *record,
                               const struct hash32 *digest, struct err *err);

#endif
