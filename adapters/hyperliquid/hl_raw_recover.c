#include "adapters/hyperliquid/hl_raw.h"

#include <string.h>

#include "adapters/hyperliquid/hl_multi_sig.h"
#include "base/attr.h"
#include "base/buf.h"

#define SCRATCH_MAX (256 * 1024)

/* The venue parses and writes again: so do we, and hash that. */
static enum errc typed_digest(struct hash32 *out, const struct hl_request *request, bool is_mainnet)
{
        struct hl_owned_action *owned;
        struct buf scratch;
        enum errc rc;

        buf_init(&scratch, SCRATCH_MAX);
        rc = hl_raw_action(&owned, request->action, NULL);
        if (rc)
                goto done;
        rc = hl_l1_digest(out, &scratch, &owned->action, &request->envelope, is_mainnet);
        hl_raw_action_free(owned);
done:
        buf_fini(&scratch);
        return rc;
}

static enum errc received_digest(struct hash32 *out, const struct hl_request *request,
                                 bool is_mainnet)
{
        struct hl_msgpack m;
        struct hash32 connection_id;
        struct buf scratch;
        enum errc rc;

        buf_init(&scratch, SCRATCH_MAX);
        hl_msgpack_init(&m, &scratch);
        rc = hl_raw_walk(request->action, &m.emit);
        if (!rc)
                rc = buf_check(&scratch);
        if (rc)
                goto done;
        hl_action_hash(&connection_id, scratch.data, scratch.len, &request->envelope);
        rc = hl_phantom_digest(out, &connection_id, is_mainnet);
done:
        buf_fini(&scratch);
        return rc;
}

static enum errc user_digest(struct hash32 *out, const struct hl_request *request, bool is_mainnet)
{
        const char *chain = hl_raw_get_text(request->action, "hyperliquidChain", NULL);
        struct eip712_result result;
        enum errc rc;

        /* A signature made for one network must not act on the other. */
        if (!chain || strcmp(chain, is_mainnet ? "Mainnet" : "Testnet") != 0)
                return E_INVALID;
        rc = hl_raw_user_digest(&result, request->action, NULL);
        if (!rc)
                *out = result.digest;
        return rc;
}

static enum errc wrapper_digest(struct hash32 *out, const struct hl_request *request,
                                bool is_mainnet)
{
        struct hl_multi_sig multi;
        struct hash32 hash;
        struct buf scratch;
        enum errc rc;

        buf_init(&scratch, SCRATCH_MAX);
        rc = hl_multi_sig_read(&multi, request->action, NULL);
        if (!rc)
                rc = hl_multi_sig_hash(&hash, &scratch, &multi, &request->envelope);
        if (!rc)
                rc = hl_multi_sig_digest(out, &multi, &hash, request->envelope.nonce, is_mainnet);
        buf_fini(&scratch);
        return rc;
}

static enum errc request_digest(struct hash32 *out, const struct hl_request *request,
                                bool is_mainnet)
{
        switch (request->kind) {
        case HL_RAW_TYPED: return typed_digest(out, request, is_mainnet);
        case HL_RAW_L1: return received_digest(out, request, is_mainnet);
        case HL_RAW_USER: return user_digest(out, request, is_mainnet);
        case HL_RAW_MULTI_SIG: return wrapper_digest(out, request, is_mainnet);
        case HL_RAW_UNKNOWN: return E_INVALID;
        }
        must(false && "a kind of the enum");
}

enum errc hl_raw_recover(const struct secp *secp, struct addr *signer,
                         const struct hl_request *request, bool is_mainnet)
{
        struct hash32 digest;
        enum errc rc = request_digest(&digest, request, is_mainnet);

        return rc ? rc : secp_recover(secp, signer, &digest, &request->signature);
}
