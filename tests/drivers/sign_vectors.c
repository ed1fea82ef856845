/* sign_vectors: reads signing and number entries, one JSON object a line, and prints for each one
 * line of JSON with its id and outputs, computed by the product's own code. An entry's kind is taken
 * from "kind" where it is given, else from its fields. An entry that can't be done prints its error,
 * and the next one is read. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_decimal.h"
#include "adapters/hyperliquid/hl_multi_sig.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"

#define LINE_MAX_BYTES (4 * 1024 * 1024)

static struct secp *secp;

/* ---- Output ---- */

static void put_hash(json_t *out, const char *key, const struct hash32 *hash)
{
        char s[HASH_STR_MAX];

        json_object_set_new(out, key, json_string(hex_print_hash(s, hash)));
}

/* With the entry's key, or the first of its keys. */
static enum errc sign(json_t *out, const json_t *entry, const struct hash32 *digest)
{
        const json_t *keys = json_object_get(entry, "privateKeys");
        const json_t *own = json_object_get(entry, "privateKey");
        size_t len = 0;
        const char *text = hl_raw_text(own ? own : json_array_get(keys, 0), &len);
        struct hash32 key;
        struct signature sig;
        enum errc rc = E_SYNTAX;

        if (!text || hex_parse_padded(&key, text, len))
                return rc;
        rc = secp_sign(secp, &sig, digest, key.b);
        if (!rc) {
                put_hash(out, "digest", digest);
                put_hash(out, "r", &sig.r);
                put_hash(out, "s", &sig.s);
                json_object_set_new(out, "v", json_integer(sig.v));
        }
        secret_wipe(&key, sizeof key);
        return rc;
}

/* ---- L1 ---- */

static enum errc parse_envelope(struct hl_envelope *out, const json_t *entry, struct err *err)
{
        size_t len = 0;
        const char *vault;

        *out = (struct hl_envelope){0};
        if (hl_raw_get_uint(&out->nonce, entry, "nonce"))
                return err_set(err, E_SYNTAX, "nonce: a whole number was expected");
        out->has_vault = !hl_raw_is_absent(entry, "vaultAddress");
        vault = hl_raw_get_text(entry, "vaultAddress", &len);
        if (out->has_vault && (!vault || hex_parse_addr(&out->vault, vault, len)))
                return err_set(err, E_SYNTAX, "vaultAddress: an address was expected");
        out->has_expires_after = !hl_raw_is_absent(entry, "expiresAfter");
        if (out->has_expires_after && hl_raw_get_uint(&out->expires_after, entry, "expiresAfter"))
                return err_set(err, E_SYNTAX, "expiresAfter: a whole number was expected");
        return E_OK;
}

static void put_msgpack(json_t *out, const struct buf *bytes)
{
        char *digits = xmalloc(2 * bytes->len + 1);

        hex_encode(digits, bytes->data, bytes->len);
        json_object_set_new(out, "msgpack", json_string(digits));
        free(digits);
}

static enum errc phantom(json_t *out, const json_t *entry, const struct hash32 *action_hash)
{
        struct hash32 digest;
        bool is_mainnet = true;
        enum errc rc = hl_raw_get_bool(&is_mainnet, entry, "isMainnet");

        if (!rc)
                rc = hl_phantom_digest(&digest, action_hash, is_mainnet);
        return rc ? rc : sign(out, entry, &digest);
}

static enum errc do_l1(json_t *out, const json_t *entry, struct err *err)
{
        struct hl_envelope envelope;
        struct hl_msgpack m;
        struct hash32 action_hash;
        struct buf bytes;
        enum errc rc = parse_envelope(&envelope, entry, err);

        buf_init(&bytes, LINE_MAX_BYTES);
        hl_msgpack_init(&m, &bytes);
        if (!rc)
                rc = hl_raw_walk(json_object_get(entry, "action"), &m.emit);
        if (!rc)
                rc = buf_check(&bytes);
        if (rc)
                goto done;
        hl_action_hash(&action_hash, bytes.data, bytes.len, &envelope);
        put_msgpack(out, &bytes);
        put_hash(out, "actionHash", &action_hash);
        rc = phantom(out, entry, &action_hash);
done:
        buf_fini(&bytes);
        return rc;
}

static enum errc do_phantom(json_t *out, const json_t *entry, struct err *err)
{
        struct hash32 action_hash;
        size_t len = 0;
        const char *text = hl_raw_get_text(entry, "actionHash", &len);

        if (!text || hex_parse_hash(&action_hash, text, len))
                return err_set(err, E_SYNTAX, "actionHash: a hash was expected");
        return phantom(out, entry, &action_hash);
}

/* ---- User-signed and address ---- */

static enum errc do_user(json_t *out, const json_t *entry, struct err *err)
{
        const json_t *action = json_object_get(entry, "action");
        const json_t *types = json_object_get(entry, "types");
        const char *primary = hl_raw_get_text(entry, "primaryType", NULL);
        struct eip712_result result;
        enum errc rc;

        rc = primary && types ? hl_raw_user_digest_as(&result, action, primary, types, err)
                              : hl_raw_user_digest(&result, action, err);
        if (rc)
                return rc;
        put_hash(out, "domainSeparator", &result.domain_separator);
        put_hash(out, "typeHash", &result.type_hash);
        put_hash(out, "structHash", &result.struct_hash);
        return sign(out, entry, &result.digest);
}

static enum errc do_address(json_t *out, const json_t *entry, struct err *err)
{
        size_t len = 0;
        const char *text = hl_raw_get_text(entry, "privateKey", &len);
        struct hash32 key;
        struct addr signer;
        char s[ADDR_STR_MAX];
        enum errc rc;

        if (!text || hex_parse_padded(&key, text, len))
                return err_set(err, E_SYNTAX, "privateKey: 32 bytes were expected");
        rc = secp_address(secp, &signer, key.b);
        if (!rc)
                json_object_set_new(out, "signer", json_string(hex_print_addr(s, &signer)));
        secret_wipe(&key, sizeof key);
        return rc;
}

/* ---- Multi-sig ---- */

/* The product's own table knows the inner type; an inner action that names none (as some published
 * cases do) is hashed by the types that the entry gives. */
static enum errc inner_digest(struct hash32 *out, struct buf *scratch, const json_t *entry,
                              const struct hl_multi_sig *multi, const struct hl_envelope *envelope,
                              bool is_mainnet)
{
        const char *primary = hl_raw_get_text(entry, "innerPrimaryType", NULL);
        const json_t *given = json_object_get(entry, "signedAction");
        struct eip712_result result;
        json_t *action;
        enum errc rc;

        if (!primary || hl_raw_get_text(multi->action, "type", NULL))
                return hl_multi_sig_inner_digest(out, scratch, multi, envelope, is_mainnet);
        action = json_copy(hl_raw_mutable(given ? given : multi->action));
        json_object_set_new(action, "payloadMultiSigUser", json_string(multi->user_text));
        json_object_set_new(action, "outerSigner", json_string(multi->leader_text));
        rc = hl_raw_user_digest_as(&result, action, primary, json_object_get(entry, "innerTypes"),
                                   NULL);
        if (!rc)
                *out = result.digest;
        json_decref(action);
        return rc;
}

static enum errc put_inner(json_t *out, struct buf *scratch, const json_t *entry,
                           const struct hl_multi_sig *multi, const struct hl_envelope *envelope,
                           bool is_mainnet)
{
        size_t n = json_array_size(json_object_get(entry, "privateKeys"));
        json_t *list = json_array();
        struct hash32 digest;
        char s[HASH_STR_MAX];
        enum errc rc = inner_digest(&digest, scratch, entry, multi, envelope, is_mainnet);

        for (size_t i = 0; i < n && !rc; i++)
                json_array_append_new(list, json_string(hex_print_hash(s, &digest)));
        json_object_set_new(out, "innerDigests", list);
        return rc;
}

static enum errc multi_sig(json_t *out, const json_t *entry, bool with_inner, struct err *err)
{
        struct hl_envelope envelope;
        struct hl_multi_sig multi;
        struct hash32 hash, digest;
        struct buf bytes;
        bool is_mainnet = true;
        enum errc rc = parse_envelope(&envelope, entry, err);

        buf_init(&bytes, LINE_MAX_BYTES);
        if (!rc)
                rc = hl_raw_get_bool(&is_mainnet, entry, "isMainnet");
        if (!rc)
                rc = hl_multi_sig_read(&multi, json_object_get(entry, "action"), err);
        if (!rc && with_inner)
                rc = put_inner(out, &bytes, entry, &multi, &envelope, is_mainnet);
        if (!rc)
                rc = hl_multi_sig_hash(&hash, &bytes, &multi, &envelope);
        if (!rc) {
                put_msgpack(out, &bytes);
                put_hash(out, "multiSigActionHash", &hash);
                rc = hl_multi_sig_digest(&digest, &multi, &hash, envelope.nonce, is_mainnet);
        }
        if (!rc)
                rc = sign(out, entry, &digest);
        buf_fini(&bytes);
        return rc;
}

static enum errc do_multi_sig(json_t *out, const json_t *entry, struct err *err)
{
        return multi_sig(out, entry, true, err);
}

static enum errc do_multi_sig_outer(json_t *out, const json_t *entry, struct err *err)
{
        return multi_sig(out, entry, false, err);
}

/* ---- Numbers ---- */

struct number {
        const char *text;
        size_t len;
        unsigned size_decimals;
        unsigned price_decimals;
        unsigned max_decimals;
};

static json_t *text_or_null(enum errc rc, const char *text)
{
        return rc ? json_null() : json_string(text);
}

/* NULL for an unknown operation. */
static json_t *number_result(const char *op, const struct number *n)
{
        char s[HL_DECIMAL_STR_MAX];

        if (strcmp(op, "floatToWire") == 0)
                return text_or_null(hl_decimal_wire(s, n->text, n->len), s);
        if (strcmp(op, "floatToInt8") == 0)
                return text_or_null(hl_decimal_int(s, n->text, n->len, 8), s);
        if (strcmp(op, "floatToInt6") == 0)
                return text_or_null(hl_decimal_int(s, n->text, n->len, 6), s);
        if (strcmp(op, "formatPrice") == 0)
                return text_or_null(hl_decimal_price(s, n->text, n->len, n->price_decimals), s);
        if (strcmp(op, "formatSize") == 0)
                return text_or_null(hl_decimal_size(s, n->text, n->len, n->size_decimals), s);
        if (strcmp(op, "priceIsValid") == 0)
                return json_boolean(hl_decimal_price_is_valid(n->text, n->len, n->price_decimals));
        if (strcmp(op, "sizeIsValid") == 0)
                return json_boolean(hl_decimal_size_is_valid(n->text, n->len, n->size_decimals));
        if (strcmp(op, "roundPriceNearest") == 0)
                return text_or_null(hl_decimal_price_nearest(s, n->text, n->len, n->max_decimals),
                                    s);
        if (strcmp(op, "roundSizeNearest") == 0)
                return text_or_null(hl_decimal_nearest(s, n->text, n->len, n->size_decimals), s);
        if (strcmp(op, "roundOutcomePrice") == 0)
                return text_or_null(hl_decimal_nearest(s, n->text, n->len, 5), s);
        return NULL;
}

static enum errc do_number(json_t *out, const json_t *entry, struct err *err)
{
        const char *op = hl_raw_get_text(entry, "op", NULL);
        const char *market = hl_raw_get_text(entry, "market", NULL);
        struct number n = {.text = hl_raw_get_text(entry, "input", &n.len)};
        bool is_spot = market && strcmp(market, "spot") == 0;
        uint64_t size_decimals = 0;
        uint64_t max_decimals = 0;
        json_t *result;

        if (!op || !n.text)
                return err_set(err, E_SYNTAX, "op and input were expected");
        if (!hl_raw_is_absent(entry, "szDecimals") &&
            (hl_raw_get_uint(&size_decimals, entry, "szDecimals") || size_decimals > 20))
                return err_set(err, E_SYNTAX, "szDecimals: a small number was expected");
        if (!hl_raw_is_absent(entry, "maxDecimals") &&
            (hl_raw_get_uint(&max_decimals, entry, "maxDecimals") || max_decimals > 20))
                return err_set(err, E_SYNTAX, "maxDecimals: a small number was expected");
        n.size_decimals = (unsigned)size_decimals;
        n.max_decimals = (unsigned)max_decimals;
        n.price_decimals = hl_num_price_decimals(is_spot ? HL_SPOT : HL_PERP, n.size_decimals);
        result = number_result(op, &n);
        if (!result)
                return err_set(err, E_INVALID, "op: unknown");
        json_object_set_new(out, "result", result);
        return E_OK;
}

/* ---- Entries ---- */

/* The kind by the fields, where it is not named. */
static const char *kind_of(const json_t *entry)
{
        const char *kind = hl_raw_get_text(entry, "kind", NULL);
        const json_t *action = json_object_get(entry, "action");

        if (kind)
                return kind;
        if (json_object_get(entry, "op"))
                return "number";
        if (json_object_get(entry, "privateKeys"))
                return json_array_size(json_object_get(entry, "privateKeys")) ==
                                       json_array_size(json_object_get(action, "signatures"))
                               ? "multiSig"
                               : "multiSigOuter";
        if (json_object_get(entry, "types") || json_object_get(entry, "primaryType"))
                return "userSigned";
        if (action)
                return json_object_get(action, "signatureChainId") ? "userSigned" : "l1";
        if (json_object_get(entry, "actionHash"))
                return "phantomAgent";
        return "address";
}

static enum errc do_entry(json_t *out, const json_t *entry, struct err *err)
{
        static const struct {
                const char *kind;
                enum errc (*run)(json_t *out, const json_t *entry, struct err *err);
        } kinds[] = {
                {"l1", do_l1},
                {"phantomAgent", do_phantom},
                {"userSigned", do_user},
                {"address", do_address},
                {"number", do_number},
                {"multiSig", do_multi_sig},
                {"multiSigOuter", do_multi_sig_outer},
        };
        const char *kind = kind_of(entry);

        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                if (strcmp(kinds[i].kind, kind) == 0)
                        return kinds[i].run(out, entry, err);
        }
        return err_set(err, E_INVALID, "kind %s is not supported", kind);
}

static void do_line(const char *line, size_t len)
{
        struct err err = {0};
        json_t *entry = hl_raw_load(line, len, &err);
        json_t *id = json_object_get(entry, "id");
        json_t *out = json_object();
        enum errc rc = E_SYNTAX;
        char *text;

        json_object_set(out, "id", id ? id : json_null());
        if (json_is_object(entry))
                rc = do_entry(out, entry, &err);
        if (rc) {
                json_object_clear(out);
                json_object_set(out, "id", id ? id : json_null());
                json_object_set_new(out, "error",
                                    json_string(err.detail[0] ? err.detail : err_text(rc)));
        }
        text = json_dumps(out, JSON_COMPACT);
        puts(text ? text : "{}");
        (void)fflush(stdout);
        free(text);
        json_decref(out);
        json_decref(entry);
}

int main(void)
{
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        secret_process_init();
        secp = secp_new();
        while ((n = getline(&line, &cap, stdin)) >= 0) {
                size_t len = (size_t)n;

                while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
                        len--;
                if (len > 0)
                        do_line(line, len);
        }
        free(line);
        secp_free(secp);
        return 0;
}
