#include "adapters/hyperliquid/hl_multi_sig.h"

#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_fields.h"
#include "base/attr.h"

/* ---- Reading ---- */

static void read_payload(struct hl_multi_sig *out, struct hl_fields *outer, const json_t *payload)
{
        struct hl_fields f;

        hl_fields_begin(&f, payload, outer->err);
        hl_fields_addr(&f, "multiSigUser", &out->user);
        hl_fields_addr(&f, "outerSigner", &out->leader);
        out->action = hl_fields_value(&f, "action");
        if (!f.rc && !json_is_object(out->action))
                hl_fields_fail(&f, E_SYNTAX, "action", "an object was expected");
        if (hl_fields_end(&f))
                hl_fields_fail(outer, f.rc, "payload", "a multi-sig payload was expected");
        out->user_text = hl_raw_get_text(payload, "multiSigUser", NULL);
        out->leader_text = hl_raw_get_text(payload, "outerSigner", NULL);
}

enum errc hl_multi_sig_read(struct hl_multi_sig *out, const json_t *wrapper, struct err *err)
{
        const json_t *payload;
        struct hl_fields f;

        *out = (struct hl_multi_sig){.wrapper = wrapper};
        hl_fields_begin(&f, wrapper, err);
        (void)hl_fields_text(&f, "type", NULL);
        (void)hl_fields_text(&f, "signatureChainId", NULL);
        out->signatures = hl_fields_value(&f, "signatures");
        payload = hl_fields_value(&f, "payload");
        if (!f.rc && !json_is_array(out->signatures))
                hl_fields_fail(&f, E_SYNTAX, "signatures", "a list was expected");
        if (json_array_size(out->signatures) > HL_MULTI_SIG_USERS_MAX)
                hl_fields_fail(&f, E_LIMIT, "signatures", "more than an account can have");
        for (size_t i = 0; i < json_array_size(out->signatures) && !f.rc; i++) {
                struct signature signature;

                f.rc = hl_raw_signature(&signature, json_array_get(out->signatures, i), err);
        }
        if (!f.rc)
                read_payload(out, &f, payload);
        return hl_fields_end(&f);
}

/* ---- The inner digest ---- */

/* The addresses in lower case, then the action, as one array. */
static enum errc l1_digest(struct hash32 *out, struct buf *scratch,
                           const struct hl_multi_sig *multi, const struct hl_envelope *envelope,
                           bool is_mainnet)
{
        char user[ADDR_STR_MAX], leader[ADDR_STR_MAX];
        struct hash32 connection_id;
        struct hl_msgpack m;
        enum errc rc;

        buf_reset(scratch);
        hl_msgpack_init(&m, scratch);
        m.emit.array(&m.emit, 3);
        (void)hex_print_addr(user, &multi->user);
        (void)hex_print_addr(leader, &multi->leader);
        m.emit.text(&m.emit, user, strlen(user));
        m.emit.text(&m.emit, leader, strlen(leader));
        rc = hl_raw_walk(multi->action, &m.emit);
        m.emit.end(&m.emit);
        if (!rc)
                rc = buf_check(scratch);
        if (rc)
                return rc;
        hl_action_hash(&connection_id, scratch->data, scratch->len, envelope);
        return hl_phantom_digest(out, &connection_id, is_mainnet);
}

static json_t *type_pair(const char *name, const char *solidity_type)
{
        json_t *pair = json_array();

        (void)json_array_append_new(pair, json_string(name));
        (void)json_array_append_new(pair, json_string(solidity_type));
        return pair;
}

/* The type's fields, with both parties right after the chain's name. */
static json_t *inner_types(const struct hl_user_type *type)
{
        json_t *types = json_array();

        for (unsigned i = 0; i < type->n; i++) {
                (void)json_array_append_new(
                        types, type_pair(type->field[i].name, type->field[i].solidity_type));
                if (i > 0)
                        continue;
                (void)json_array_append_new(types, type_pair("payloadMultiSigUser", "address"));
                (void)json_array_append_new(types, type_pair("outerSigner", "address"));
        }
        return types;
}

/* The payload carries the letter of an L1 action, the wallets show and sign the word. */
static const char *abstraction_word(const char *letter)
{
        static const char *const words[][2] = {
                {"i", "disabled"}, {"u", "unifiedAccount"}, {"p", "portfolioMargin"}};

        for (size_t i = 0; letter && i < sizeof words / sizeof *words; i++) {
                if (strcmp(words[i][0], letter) == 0)
                        return words[i][1];
        }
        return letter;
}

static enum errc user_digest(struct hash32 *out, const struct hl_multi_sig *multi,
                             const struct hl_user_type *type)
{
        json_t *signed_action = json_copy(hl_raw_mutable(multi->action));
        json_t *types = inner_types(type);
        const char *letter = hl_raw_get_text(multi->action, "abstraction", NULL);
        struct eip712_result result;
        char primary[96];
        enum errc rc = E_SYNTAX;

        (void)json_object_set_new(signed_action, "payloadMultiSigUser",
                                  json_string(multi->user_text));
        (void)json_object_set_new(signed_action, "outerSigner", json_string(multi->leader_text));
        if (letter && strcmp(type->type, "userSetAbstraction") == 0)
                (void)json_object_set_new(signed_action, "abstraction",
                                          json_string(abstraction_word(letter)));
        (void)snprintf(primary, sizeof primary, "HyperliquidTransaction:%s", type->name);
        rc = hl_raw_user_digest_as(&result, signed_action, primary, types, NULL);
        if (!rc)
                *out = result.digest;
        json_decref(types);
        json_decref(signed_action);
        return rc;
}

enum errc hl_multi_sig_inner_digest(struct hash32 *out, struct buf *scratch,
                                    const struct hl_multi_sig *multi,
                                    const struct hl_envelope *envelope, bool is_mainnet)
{
        const char *name = hl_raw_get_text(multi->action, "type", NULL);

        if (!name)
                return E_INVALID;
        switch (hl_raw_kind(name)) {
        case HL_RAW_TYPED:
        case HL_RAW_L1: return l1_digest(out, scratch, multi, envelope, is_mainnet);
        case HL_RAW_USER: return user_digest(out, multi, hl_raw_user_type(name));
        case HL_RAW_MULTI_SIG:
        case HL_RAW_UNKNOWN: return E_INVALID;
        }
        must(false && "a kind of the enum");
}

/* ---- The wrapper ---- */

enum errc hl_multi_sig_hash(struct hash32 *out, struct buf *scratch,
                            const struct hl_multi_sig *multi, const struct hl_envelope *envelope)
{
        static const char *const keys[] = {"signatureChainId", "signatures", "payload"};
        struct hl_msgpack m;
        enum errc rc = E_OK;

        buf_reset(scratch);
        hl_msgpack_init(&m, scratch);
        m.emit.map(&m.emit, 3);
        for (size_t i = 0; i < 3 && !rc; i++) {
                m.emit.key(&m.emit, keys[i]);
                rc = hl_raw_walk(json_object_get(multi->wrapper, keys[i]), &m.emit);
        }
        m.emit.end(&m.emit);
        if (!rc)
                rc = buf_check(scratch);
        if (!rc)
                hl_action_hash(out, scratch->data, scratch->len, envelope);
        return rc;
}

enum errc hl_multi_sig_digest(struct hash32 *out, const struct hl_multi_sig *multi,
                              const struct hash32 *hash, uint64_t nonce, bool is_mainnet)
{
        static const char *const fields[][2] = {{"hyperliquidChain", "string"},
                                                {"multiSigActionHash", "bytes32"},
                                                {"nonce", "uint64"}};
        json_t *message = json_object();
        json_t *types = json_array();
        struct eip712_result result;
        char text[HASH_STR_MAX];
        enum errc rc = nonce > INT64_MAX ? E_RANGE : E_OK;

        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
                (void)json_array_append_new(types, type_pair(fields[i][0], fields[i][1]));
        (void)json_object_set(message, "signatureChainId",
                              json_object_get(multi->wrapper, "signatureChainId"));
        (void)json_object_set_new(message, "hyperliquidChain",
                                  json_string(is_mainnet ? "Mainnet" : "Testnet"));
        (void)json_object_set_new(message, "multiSigActionHash",
                                  json_string(hex_print_hash(text, hash)));
        (void)json_object_set_new(message, "nonce", json_integer((json_int_t)nonce));
        if (!rc)
                rc = hl_raw_user_digest_as(&result, message, "HyperliquidTransaction:SendMultiSig",
                                           types, NULL);
        if (!rc)
                *out = result.digest;
        json_decref(types);
        json_decref(message);
        return rc;
}

/* ---- Becoming one ---- */

static enum errc read_signers(struct hl_multi_sig_signers *out, const json_t *value)
{
        const json_t *users;
        struct hl_fields f;

        hl_fields_begin(&f, value, NULL);
        users = hl_fields_value(&f, "authorizedUsers");
        hl_fields_u32(&f, "threshold", &out->threshold);
        if (hl_fields_end(&f) || !json_is_array(users) ||
            json_array_size(users) > HL_MULTI_SIG_USERS_MAX)
                return E_SYNTAX;
        for (size_t i = 0; i < json_array_size(users); i++) {
                size_t len = 0;
                const char *s = hl_raw_text(json_array_get(users, i), &len);

                if (!s || hex_parse_addr(&out->user[i], s, len))
                        return E_SYNTAX;
                for (size_t k = 0; k < i; k++) {
                        if (hex_addr_equal(&out->user[k], &out->user[i]))
                                return E_SYNTAX;
                }
                out->n_users++;
        }
        return out->threshold >= 1 && out->threshold <= out->n_users ? E_OK : E_SYNTAX;
}

enum errc hl_multi_sig_signers(struct hl_multi_sig_signers *out, const json_t *action)
{
        size_t len = 0;
        const char *text = hl_raw_get_text(action, "signers", &len);
        json_t *value;
        enum errc rc;

        *out = (struct hl_multi_sig_signers){0};
        if (!text)
                return E_SYNTAX;
        if (strcmp(text, "null") == 0)
                return E_OK;
        value = hl_raw_load(text, len, NULL);
        rc = value ? read_signers(out, value) : E_SYNTAX;
        json_decref(value);
        return rc;
}
