#include "adapters/hyperliquid/hl_approval.h"

#include <inttypes.h>
#include <string.h>

#include "base/attr.h"
#include "sign/eip712.h"

#define PREFIX          "HyperliquidTransaction:"
#define FIELDS_MAX      8
#define TENTH_BP_MAX    1000                /* 1%: the cap on spot; perps allow a tenth of it */
#define EXACT_IN_DOUBLE (UINT64_C(1) << 53) /* wallets read JSON numbers as doubles */

/* The parts of an approval that differ by kind, filled by prepare(). */
struct typed {
        const char *type;    /* of the action */
        const char *primary; /* of the typed data */
        struct eip712_field field[FIELDS_MAX];
        unsigned n;
        char rate[NUM_STR_MAX + 1];
        char amount[NUM_STR_MAX];
        char destination[ADDR_STR_MAX];
        const char *nonce_name;
};

static void add_text(struct typed *t, const char *name, const char *value)
{
        t->field[t->n++] = (struct eip712_field){.name = name,
                                                 .solidity_type = "string",
                                                 .type = EIP712_STRING,
                                                 .data = value,
                                                 .len = strlen(value)};
}

static void add_address(struct typed *t, const char *name, const struct addr *value)
{
        t->field[t->n++] = (struct eip712_field){.name = name,
                                                 .solidity_type = "address",
                                                 .type = EIP712_ADDRESS,
                                                 .address = *value};
}

/* Between spot and a builder's dex of the same account. */
static void add_send(struct typed *t, const struct venue_approval *approval)
{
        t->type = "sendAsset";
        t->primary = PREFIX "SendAsset";
        add_text(t, "destination", hex_print_addr(t->destination, &approval->destination));
        add_text(t, "sourceDex", approval->to_perps ? "spot" : approval->dex);
        add_text(t, "destinationDex", approval->to_perps ? approval->dex : "spot");
        add_text(t, "token", approval->token);
        add_text(t, "amount", num_print_usd(t->amount, approval->amount));
        add_text(t, "fromSubAccount", "");
}

static void add_class_transfer(struct typed *t, const struct venue_approval *approval)
{
        t->type = "usdClassTransfer";
        t->primary = PREFIX "UsdClassTransfer";
        add_text(t, "amount", num_print_usd(t->amount, approval->amount));
        t->field[t->n++] = (struct eip712_field){.name = "toPerp",
                                                 .solidity_type = "bool",
                                                 .type = EIP712_BOOL,
                                                 .number = approval->to_perps};
}

static void prepare(struct typed *t, const struct venue_approval *approval, bool is_mainnet)
{
        *t = (struct typed){.nonce_name = "nonce"};
        add_text(t, "hyperliquidChain", is_mainnet ? "Mainnet" : "Testnet");
        switch (approval->kind) {
        case APPROVE_AGENT:
                t->type = "approveAgent";
                t->primary = PREFIX "ApproveAgent";
                add_address(t, "agentAddress", &approval->agent);
                add_text(t, "agentName", approval->name);
                break;
        case APPROVE_BUILDER_FEE:
                t->type = "approveBuilderFee";
                t->primary = PREFIX "ApproveBuilderFee";
                (void)num_print(t->rate, approval->builder_fee_tenth_bp, 3, 0);
                t->rate[strlen(t->rate) + 1] = '\0';
                t->rate[strlen(t->rate)] = '%';
                add_text(t, "maxFeeRate", t->rate);
                add_address(t, "builder", &approval->builder);
                break;
        case APPROVE_WITHDRAWAL:
                t->type = "withdraw3";
                t->primary = PREFIX "Withdraw";
                t->nonce_name = "time";
                add_text(t, "destination", hex_print_addr(t->destination, &approval->destination));
                add_text(t, "amount", num_print_usd(t->amount, approval->amount));
                break;
        case APPROVE_CLASS_TRANSFER:
                if (approval->dex[0])
                        add_send(t, approval);
                else
                        add_class_transfer(t, approval);
                break;
        }
        t->field[t->n++] = (struct eip712_field){.name = t->nonce_name,
                                                 .solidity_type = "uint64",
                                                 .type = EIP712_UINT,
                                                 .number = approval->nonce};
}

static void put_value(struct buf *out, const struct eip712_field *field)
{
        char s[ADDR_STR_MAX];

        switch (field->type) {
        case EIP712_STRING: buf_put_json(out, field->data, field->len); return;
        case EIP712_ADDRESS: buf_printf(out, "\"%s\"", hex_print_addr(s, &field->address)); return;
        case EIP712_UINT: buf_printf(out, "%" PRIu64, field->number); return;
        case EIP712_BOOL: buf_puts(out, field->number ? "true" : "false"); return;
        case EIP712_BYTES:
        case EIP712_BYTES32: break; /* approvals have none */
        }
        must(false && "a type that approvals have");
}

static void put_fields(struct buf *out, const struct typed *t)
{
        for (unsigned i = 0; i < t->n; i++) {
                buf_printf(out, "%s\"%s\":", i ? "," : "", t->field[i].name);
                put_value(out, &t->field[i]);
        }
}

static void put_typed_data(struct buf *out, const struct typed *t,
                           const struct eip712_domain *domain)
{
        char contract[ADDR_STR_MAX];

        buf_puts(out, "{\"types\":{\"EIP712Domain\":[{\"name\":\"name\",\"type\":\"string\"},"
                      "{\"name\":\"version\",\"type\":\"string\"},"
                      "{\"name\":\"chainId\",\"type\":\"uint256\"},"
                      "{\"name\":\"verifyingContract\",\"type\":\"address\"}],");
        buf_printf(out, "\"%s\":[", t->primary);
        for (unsigned i = 0; i < t->n; i++)
                buf_printf(out, "%s{\"name\":\"%s\",\"type\":\"%s\"}", i ? "," : "",
                           t->field[i].name, t->field[i].solidity_type);
        buf_printf(out,
                   "]},\"primaryType\":\"%s\",\"domain\":{\"name\":\"%s\",\"version\":\"%s\","
                   "\"chainId\":%" PRIu64 ",\"verifyingContract\":\"%s\"},\"message\":{",
                   t->primary, domain->name, domain->version, domain->chain_id,
                   hex_print_addr(contract, &domain->verifying_contract));
        put_fields(out, t);
        buf_puts(out, "}}");
}

static enum errc check(const struct venue_approval *approval)
{
        if (!memchr(approval->name, '\0', sizeof approval->name))
                return E_INVALID;
        if (approval->kind == APPROVE_BUILDER_FEE && approval->builder_fee_tenth_bp > TENTH_BP_MAX)
                return E_INVALID;
        if ((approval->kind == APPROVE_WITHDRAWAL || approval->kind == APPROVE_CLASS_TRANSFER) &&
            (approval->amount.v <= 0 || approval->amount.v % NUM_MICRO))
                return E_INVALID;
        if (approval->kind == APPROVE_CLASS_TRANSFER && approval->dex[0] && !approval->token[0])
                return E_INVALID;
        if (approval->nonce > EXACT_IN_DOUBLE || approval->chain_id > EXACT_IN_DOUBLE)
                return E_INVALID;
        return E_OK;
}

enum errc hl_approval_prepare(struct buf *typed_data, struct hash32 *digest,
                              const struct venue_approval *approval, bool is_mainnet)
{
        struct eip712_domain domain = {.name = "HyperliquidSignTransaction",
                                       .version = "1",
                                       .chain_id = approval->chain_id};
        struct eip712_result result;
        struct typed t;
        enum errc rc = check(approval);

        if (rc)
                goto done;
        prepare(&t, approval, is_mainnet);
        rc = eip712_hash(&result, &domain, t.primary, t.field, t.n);
        if (rc)
                goto done;
        *digest = result.digest;
        put_typed_data(typed_data, &t, &domain);
        rc = buf_check(typed_data);
done:
        return rc;
}

void hl_approval_action(struct buf *out, const struct venue_approval *approval, bool is_mainnet)
{
        struct typed t;

        prepare(&t, approval, is_mainnet);
        buf_printf(out, "{\"type\":\"%s\",\"signatureChainId\":\"0x%" PRIx64 "\",", t.type,
                   approval->chain_id);
        put_fields(out, &t);
        buf_putc(out, '}');
}
