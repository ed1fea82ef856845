#include "adapters/hyperliquid/hl_raw.h"

#include <string.h>

#include "adapters/hyperliquid/hl_fields.h"

static void parse_hash(struct hl_fields *f, const char *key, struct hash32 *out)
{
        size_t len = 0;
        const char *s = hl_fields_text(f, key, &len);

        if (s && hex_parse_padded(out, s, len))
                hl_fields_fail(f, E_SYNTAX, key, "0x and up to 64 hex digits were expected");
}

enum errc hl_raw_signature(struct signature *out, const json_t *value, struct err *err)
{
        struct hl_fields f;
        uint32_t v = 0;

        hl_fields_begin(&f, value, err);
        parse_hash(&f, "r", &out->r);
        parse_hash(&f, "s", &out->s);
        hl_fields_u32(&f, "v", &v);
        if (v != 27 && v != 28)
                hl_fields_fail(&f, E_SYNTAX, "v", "27 or 28 was expected");
        out->v = (uint8_t)v;
        return hl_fields_end(&f);
}

static void parse_vault(struct hl_fields *f, struct hl_envelope *envelope)
{
        const json_t *value = hl_fields_optional(f, "vaultAddress");
        size_t len = 0;
        const char *s = hl_raw_text(value, &len);
        enum errc rc = E_SYNTAX;

        if (!value)
                return;
        if (s && len == 2 * sizeof envelope->vault.b)
                rc = hex_decode(envelope->vault.b, sizeof envelope->vault.b, s, len);
        else if (s)
                rc = hex_parse_addr(&envelope->vault, s, len);
        if (rc)
                hl_fields_fail(f, E_SYNTAX, "vaultAddress", "an address was expected");
        envelope->has_vault = true;
}

static void parse_expiry(struct hl_fields *f, struct hl_envelope *envelope)
{
        envelope->has_expires_after = !hl_raw_is_absent(f->object, "expiresAfter");
        if (envelope->has_expires_after)
                hl_fields_u64(f, "expiresAfter", &envelope->expires_after);
        else
                (void)hl_fields_optional(f, "expiresAfter");
}

/* The number inside is what the wallet showed and signed; the one outside is what is counted. */
static void check_nonce(struct hl_fields *f, const struct hl_request *request)
{
        const struct hl_user_type *type = hl_raw_user_type(request->type);
        const char *key = type->field[type->n - 1].name;
        uint64_t inner = 0;

        if (hl_raw_get_uint(&inner, request->action, key))
                hl_fields_fail(f, E_SYNTAX, key, "a whole number was expected");
        if (inner != request->envelope.nonce)
                hl_fields_fail(f, E_INVALID, "nonce", "must equal the one inside the action");
}

enum errc hl_raw_request(struct hl_request *out, const json_t *body, struct err *err)
{
        struct hl_fields f;
        const json_t *signature;

        *out = (struct hl_request){.kind = HL_RAW_UNKNOWN};
        hl_fields_begin(&f, body, err);
        out->action = hl_fields_value(&f, "action");
        hl_fields_u64(&f, "nonce", &out->envelope.nonce);
        signature = hl_fields_value(&f, "signature");
        parse_vault(&f, &out->envelope);
        parse_expiry(&f, &out->envelope);
        if (signature && !f.rc)
                f.rc = hl_raw_signature(&out->signature, signature, err);
        out->type = hl_raw_get_text(out->action, "type", NULL);
        if (!out->type)
                hl_fields_fail(&f, E_SYNTAX, "action.type", "a string was expected");
        if (!f.rc)
                out->kind = hl_raw_kind(out->type);
        if (!f.rc && out->kind == HL_RAW_USER)
                check_nonce(&f, out);
        return hl_fields_end(&f);
}
