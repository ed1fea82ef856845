/* User-signed actions: the table of their types, and their EIP-712 digests. Source: the venue's
 * exchange endpoint; every type hash is checked by the signing vectors. */
#include "adapters/hyperliquid/hl_raw.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_fields.h"
#include "base/attr.h"
#include "base/mem.h"

#define DOMAIN_NAME    "HyperliquidSignTransaction"
#define PRIMARY_PREFIX "HyperliquidTransaction:"
#define BYTES_MAX      65536 /* decoded length of one bytes field */

#define CHAIN                                                                                      \
        {                                                                                          \
                "hyperliquidChain", "string"                                                       \
        }
#define NONCE                                                                                      \
        {                                                                                          \
                "nonce", "uint64"                                                                  \
        }
#define TIME                                                                                       \
        {                                                                                          \
                "time", "uint64"                                                                   \
        }

static const struct hl_user_type types[] = {
        {"approveAgent",
         "ApproveAgent",
         4,
         {CHAIN, {"agentAddress", "address"}, {"agentName", "string"}, NONCE}},
        {"approveBuilderFee",
         "ApproveBuilderFee",
         4,
         {CHAIN, {"maxFeeRate", "string"}, {"builder", "address"}, NONCE}},
        {"usdSend", "UsdSend", 4, {CHAIN, {"destination", "string"}, {"amount", "string"}, TIME}},
        {"spotSend",
         "SpotSend",
         5,
         {CHAIN, {"destination", "string"}, {"token", "string"}, {"amount", "string"}, TIME}},
        {"withdraw3",
         "Withdraw",
         4,
         {CHAIN, {"destination", "string"}, {"amount", "string"}, TIME}},
        {"usdClassTransfer",
         "UsdClassTransfer",
         4,
         {CHAIN, {"amount", "string"}, {"toPerp", "bool"}, NONCE}},
        {"sendAsset",
         "SendAsset",
         8,
         {CHAIN,
          {"destination", "string"},
          {"sourceDex", "string"},
          {"destinationDex", "string"},
          {"token", "string"},
          {"amount", "string"},
          {"fromSubAccount", "string"},
          NONCE}},
        {"sendToEvmWithData",
         "SendToEvmWithData",
         10,
         {CHAIN,
          {"token", "string"},
          {"amount", "string"},
          {"sourceDex", "string"},
          {"destinationRecipient", "string"},
          {"addressEncoding", "string"},
          {"destinationChainId", "uint32"},
          {"gasLimit", "uint64"},
          {"data", "bytes"},
          NONCE}},
        {"cDeposit", "CDeposit", 3, {CHAIN, {"wei", "uint64"}, NONCE}},
        {"cWithdraw", "CWithdraw", 3, {CHAIN, {"wei", "uint64"}, NONCE}},
        {"tokenDelegate",
         "TokenDelegate",
         5,
         {CHAIN, {"validator", "address"}, {"wei", "uint64"}, {"isUndelegate", "bool"}, NONCE}},
        {"userDexAbstraction",
         "UserDexAbstraction",
         4,
         {CHAIN, {"user", "address"}, {"enabled", "bool"}, NONCE}},
        {"userSetAbstraction",
         "UserSetAbstraction",
         4,
         {CHAIN, {"user", "address"}, {"abstraction", "string"}, NONCE}},
        {"userPortfolioMargin",
         "UserPortfolioMargin",
         4,
         {CHAIN, {"user", "address"}, {"enabled", "bool"}, NONCE}},
        {"convertToMultiSigUser",
         "ConvertToMultiSigUser",
         3,
         {CHAIN, {"signers", "string"}, NONCE}},
        {"linkStakingUser",
         "LinkStakingUser",
         4,
         {CHAIN, {"user", "address"}, {"isFinalize", "bool"}, NONCE}},
        {"stakingLinkDisableTradingUser",
         "StakingLinkDisableTradingUser",
         3,
         {CHAIN, {"tradingUser", "address"}, NONCE}},
};

const struct hl_user_type *hl_raw_user_type(const char *type)
{
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
                if (strcmp(types[i].type, type) == 0)
                        return &types[i];
        }
        return NULL;
}

/* ---- Values ---- */

/* "uint64" and the like: bits, or 0. */
static unsigned uint_bits(const char *solidity_type)
{
        unsigned bits = 0;

        if (strncmp(solidity_type, "uint", 4) != 0)
                return 0;
        for (const char *p = solidity_type + 4; *p; p++) {
                if (*p < '0' || *p > '9' || bits > 256)
                        return 0;
                bits = bits * 10 + (unsigned)(*p - '0');
        }
        return bits % 8 == 0 && bits <= 256 ? bits : 0;
}

static enum errc set_uint(struct eip712_field *field, const json_t *value, unsigned bits)
{
        field->type = EIP712_UINT;
        if (hl_raw_uint(&field->number, value))
                return E_SYNTAX;
        if (bits < 64 && field->number >> bits)
                return E_RANGE;
        return E_OK;
}

/* "0x" and an even number of digits. *owned is for the caller to free. */
static enum errc set_bytes(struct eip712_field *field, const json_t *value, uint8_t **owned)
{
        size_t len = 0;
        const char *s = hl_raw_text(value, &len);

        field->type = EIP712_BYTES;
        if (!s || len < 2 || len % 2 || len / 2 > BYTES_MAX || s[0] != '0' || s[1] != 'x')
                return E_SYNTAX;
        field->len = len / 2 - 1;
        *owned = xmalloc(field->len + 1);
        field->data = *owned;
        return hex_decode(*owned, field->len, s + 2, len - 2);
}

static enum errc set_value(struct eip712_field *field, const json_t *value, uint8_t **owned)
{
        const char *type = field->solidity_type;
        unsigned bits = uint_bits(type);
        size_t len = 0;
        const char *s = hl_raw_text(value, &len);

        if (bits > 0)
                return set_uint(field, value, bits);
        if (strcmp(type, "bool") == 0) {
                field->type = EIP712_BOOL;
                field->number = json_is_true(value);
                return json_is_boolean(value) ? E_OK : E_SYNTAX;
        }
        if (!s)
                return E_SYNTAX;
        if (strcmp(type, "string") == 0) {
                field->type = EIP712_STRING;
                field->data = s;
                field->len = len;
                return E_OK;
        }
        if (strcmp(type, "address") == 0) {
                field->type = EIP712_ADDRESS;
                return hex_parse_addr(&field->address, s, len);
        }
        if (strcmp(type, "bytes32") == 0) {
                field->type = EIP712_BYTES32;
                return hex_parse_hash(&field->bytes32, s, len);
        }
        if (strcmp(type, "bytes") == 0)
                return set_bytes(field, value, owned);
        return E_SYNTAX;
}

/* A chain id as the venue's clients write it: "0xa4b1". */
static enum errc parse_chain(uint64_t *out, const json_t *action)
{
        struct hash32 wide;
        size_t len = 0;
        const char *s = hl_raw_get_text(action, "signatureChainId", &len);

        *out = 0;
        if (!s || hex_parse_padded(&wide, s, len))
                return E_SYNTAX;
        for (unsigned i = 0; i < 24; i++) {
                if (wide.b[i] != 0)
                        return E_RANGE;
        }
        for (unsigned i = 24; i < 32; i++)
                *out = *out << 8 | wide.b[i];
        return E_OK;
}

static enum errc digest(struct eip712_result *out, const json_t *action, const char *primary_type,
                        const struct hl_user_field *fields, unsigned n, struct err *err)
{
        struct eip712_domain domain = {.name = DOMAIN_NAME, .version = "1"};
        struct eip712_field values[HL_USER_FIELDS_MAX] = {0};
        uint8_t *owned[HL_USER_FIELDS_MAX] = {0};
        enum errc rc = parse_chain(&domain.chain_id, action);

        must(n <= HL_USER_FIELDS_MAX);
        if (rc)
                rc = err_field(err, E_SYNTAX, "signatureChainId", "a chain id was expected");
        for (unsigned i = 0; i < n && !rc; i++) {
                const json_t *value = json_object_get(action, fields[i].name);
                bool unnamed = strcmp(fields[i].name, "agentName") == 0 &&
                               hl_raw_is_absent(action, "agentName");

                values[i].name = fields[i].name;
                values[i].solidity_type = fields[i].solidity_type;
                values[i].type = EIP712_STRING;
                values[i].data = "";
                if (!unnamed && set_value(&values[i], value, &owned[i]))
                        rc = err_field(err, E_SYNTAX, fields[i].name, "a value of type %s",
                                       fields[i].solidity_type);
        }
        if (!rc)
                rc = eip712_hash(out, &domain, primary_type, values, n);
        for (unsigned i = 0; i < n; i++)
                free(owned[i]);
        return rc;
}

/* Only type, signatureChainId and the fields of the table. */
static enum errc check_known(const struct hl_user_type *type, const json_t *action, struct err *err)
{
        struct hl_fields f;

        hl_fields_begin(&f, action, err);
        (void)hl_fields_value(&f, "type");
        (void)hl_fields_value(&f, "signatureChainId");
        for (unsigned i = 0; i < type->n; i++)
                (void)hl_fields_optional(&f, type->field[i].name);
        return hl_fields_end(&f);
}

enum errc hl_raw_user_digest(struct eip712_result *out, const json_t *action, struct err *err)
{
        const char *name = hl_raw_get_text(action, "type", NULL);
        const struct hl_user_type *type = name ? hl_raw_user_type(name) : NULL;
        char primary[96] = PRIMARY_PREFIX;
        enum errc rc;

        if (!type)
                return err_set(err, E_INVALID, "Not a user-signed action.");
        rc = check_known(type, action, err);
        if (rc)
                return rc;
        must(text_copy(primary + sizeof PRIMARY_PREFIX - 1,
                       sizeof primary - sizeof PRIMARY_PREFIX + 1, type->name));
        return digest(out, action, primary, type->field, type->n, err);
}

enum errc hl_raw_user_digest_as(struct eip712_result *out, const json_t *action,
                                const char *primary_type, const json_t *given, struct err *err)
{
        struct hl_user_field fields[HL_USER_FIELDS_MAX];
        size_t n = json_array_size(given);

        if (!json_is_array(given) || n == 0 || n > HL_USER_FIELDS_MAX)
                return err_field(err, E_SYNTAX, "types", "a list of fields was expected");
        for (size_t i = 0; i < n; i++) {
                const json_t *pair = json_array_get(given, i);

                fields[i].name = hl_raw_text(json_array_get(pair, 0), NULL);
                fields[i].solidity_type = hl_raw_text(json_array_get(pair, 1), NULL);
                if (!fields[i].name || !fields[i].solidity_type)
                        return err_field(err, E_SYNTAX, "types", "[name, type] was expected");
        }
        return digest(out, action, primary_type, fields, (unsigned)n, err);
}

/* ---- What they say ---- */

#define SUFFIX " valid_until "

/* Splits "name valid_until 1790000000000". A name that ends otherwise is taken whole. */
static enum errc parse_agent_name(struct hl_user_agent *out, const char *s, size_t len)
{
        size_t digits = 0;
        int64_t until = 0;

        while (digits < len && s[len - 1 - digits] >= '0' && s[len - 1 - digits] <= '9')
                digits++;
        if (digits > 0 && digits <= 15 && len - digits >= sizeof SUFFIX - 1 &&
            memcmp(s + len - digits - (sizeof SUFFIX - 1), SUFFIX, sizeof SUFFIX - 1) == 0) {
                for (size_t i = len - digits; i < len; i++)
                        until = until * 10 + (s[i] - '0');
                out->has_valid_until = true;
                out->valid_until = until;
                len -= digits + sizeof SUFFIX - 1;
        }
        if (len >= sizeof out->name)
                return E_SYNTAX;
        memcpy(out->name, s, len);
        out->name[len] = '\0';
        return E_OK;
}

enum errc hl_raw_user_agent(struct hl_user_agent *out, const json_t *action)
{
        size_t len = 0;
        const char *name = "";

        *out = (struct hl_user_agent){0};
        if (!hl_raw_is_absent(action, "agentName"))
                name = hl_raw_get_text(action, "agentName", &len);
        if (!name || hl_raw_get_addr(&out->agent, action, "agentAddress") ||
            hl_raw_get_uint(&out->nonce, action, "nonce"))
                return E_SYNTAX;
        return parse_agent_name(out, name, len);
}

enum errc hl_raw_user_builder(struct hl_user_builder *out, const json_t *action)
{
        size_t len = 0;
        const char *rate = hl_raw_get_text(action, "maxFeeRate", &len);
        int64_t tenth_bp;

        *out = (struct hl_user_builder){0};
        if (!rate || len < 2 || rate[len - 1] != '%' ||
            num_parse(&tenth_bp, rate, len - 1, 3, NUM_REFUSE)) /* 0.001% is a tenth of 1 bp */
                return E_SYNTAX;
        if (tenth_bp < 0 || tenth_bp > 100000)
                return E_SYNTAX;
        out->fee_tenth_bp = (unsigned)tenth_bp;
        if (hl_raw_get_addr(&out->builder, action, "builder") ||
            hl_raw_get_uint(&out->nonce, action, "nonce"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_raw_user_transfer(struct hl_user_transfer *out, const json_t *action)
{
        size_t len = 0;
        const char *amount = hl_raw_get_text(action, "amount", &len);

        *out = (struct hl_user_transfer){0};
        if (!amount || num_parse_usd(&out->amount, amount, len) ||
            hl_raw_get_addr(&out->destination, action, "destination") ||
            hl_raw_get_uint(&out->time, action, "time"))
                return E_SYNTAX;
        return E_OK;
}

/* "1.5", or "1.5 subaccount:0x...". */
enum errc hl_raw_user_class_transfer(struct hl_user_class_transfer *out, const json_t *action)
{
        static const char mark[] = " subaccount:";
        size_t len = 0;
        const char *amount = hl_raw_get_text(action, "amount", &len);
        const char *blank = amount ? memchr(amount, ' ', len) : NULL;
        size_t number = blank ? (size_t)(blank - amount) : len;
        size_t rest = len - number;

        *out = (struct hl_user_class_transfer){0};
        if (!amount || num_parse_usd(&out->amount, amount, number))
                return E_SYNTAX;
        if (blank) {
                if (rest < sizeof mark || memcmp(blank, mark, sizeof mark - 1) != 0)
                        return E_SYNTAX;
                if (hex_parse_addr(&out->sub_account, blank + sizeof mark - 1,
                                   rest - (sizeof mark - 1)))
                        return E_SYNTAX;
                out->has_sub_account = true;
        }
        if (hl_raw_get_bool(&out->to_perp, action, "toPerp") ||
            hl_raw_get_uint(&out->nonce, action, "nonce"))
                return E_SYNTAX;
        return E_OK;
}
