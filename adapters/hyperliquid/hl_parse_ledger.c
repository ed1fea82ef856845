/* A ledger row's delta has a shape per type. The table says where each keeps its amount and which way
 * it went; a type that is not in the table is passed on by name, without an amount. */
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define ROWS_MAX 10000
#define LEDGER   "userNonFundingLedgerUpdates"

enum direction {
        IN,
        OUT,
        BETWEEN, /* from "user" to "destination": one of them is the account */
        TO_PERP, /* "toPerp" says */
};

static const struct shape {
        const char *type;
        const char *amount;
        enum direction direction;
        const char *token; /* NULL: the collateral */
} shapes[] = {
        {"deposit", "usdc", IN, NULL},
        {"withdraw", "usdc", OUT, NULL},
        {"internalTransfer", "usdc", BETWEEN, NULL},
        {"subAccountTransfer", "usdc", BETWEEN, NULL},
        {"accountClassTransfer", "usdc", TO_PERP, NULL},
        {"send", "amount", BETWEEN, "token"},
        {"spotTransfer", "amount", BETWEEN, "token"},
        {"rewardsClaim", "amount", IN, "token"},
        {"vaultCreate", "usdc", OUT, NULL},
        {"vaultDeposit", "usdc", OUT, NULL},
        {"vaultWithdraw", "netWithdrawnUsd", IN, NULL},
        {"vaultDistribution", "usdc", IN, NULL},
        {"vaultLeaderCommission", "usdc", IN, NULL},
};

static const struct shape *shape_of(const char *type)
{
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                if (strcmp(shapes[i].type, type) == 0)
                        return &shapes[i];
        return NULL;
}

static enum errc signed_amount(char out[NUM_STR_MAX], const json_t *delta, const char *key,
                               bool is_out)
{
        char text[NUM_STR_MAX];

        if (hl_parse_history_decimal(text, delta, key) || strlen(text) + 2 > NUM_STR_MAX)
                return E_SYNTAX;
        if (!is_out)
                memcpy(out, text, strlen(text) + 1);
        else if (text[0] == '-')
                memcpy(out, text + 1, strlen(text));
        else {
                out[0] = '-';
                memcpy(out + 1, text, strlen(text) + 1);
        }
        return E_OK;
}

/* A transfer from the account to itself, as between its wallets, is shown as received. */
static enum errc read_peers(struct venue_ledger_row *row, const json_t *delta,
                            const struct addr *user, bool *is_out)
{
        struct addr from, to;

        if (hl_raw_get_addr(&from, delta, "user") || hl_raw_get_addr(&to, delta, "destination"))
                return E_SYNTAX;
        *is_out = !hex_addr_equal(&to, user) && hex_addr_equal(&from, user);
        row->has_peer = true;
        row->peer = *is_out ? to : from;
        return E_OK;
}

static enum errc read_amount(struct venue_ledger_row *row, const json_t *delta,
                             const struct addr *user)
{
        const struct shape *shape = shape_of(row->type);
        bool is_out = false;

        if (!shape)
                return E_OK;
        switch (shape->direction) {
        case IN: break;
        case OUT: is_out = true; break;
        case BETWEEN:
                if (read_peers(row, delta, user, &is_out))
                        return E_SYNTAX;
                break;
        case TO_PERP:
                if (hl_raw_get_bool(&is_out, delta, "toPerp"))
                        return E_SYNTAX;
                is_out = !is_out;
                break;
        }
        if (shape->token ? hl_parse_text(row->token, sizeof row->token, delta, shape->token)
                         : !text_copy(row->token, sizeof row->token, "USDC"))
                return E_SYNTAX;
        if (!hl_raw_is_absent(delta, "fee") && hl_parse_history_decimal(row->fee, delta, "fee"))
                return E_SYNTAX;
        return signed_amount(row->amount, delta, shape->amount, is_out);
}

static enum errc parse_row(struct venue_ledger_row *row, const json_t *json,
                           const struct addr *user)
{
        const json_t *delta = json_object_get(json, "delta");

        if (hl_raw_get_int(&row->at, json, "time") ||
            hl_parse_text(row->hash, sizeof row->hash, json, "hash") ||
            hl_parse_text(row->type, sizeof row->type, delta, "type"))
                return E_SYNTAX;
        return read_amount(row, delta, user);
}

enum errc hl_parse_ledger(struct venue_ledger_row **out, size_t *n, const json_t *answer,
                          const struct addr *user, struct err *err)
{
        struct venue_ledger_row *rows;

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer) || json_array_size(answer) > ROWS_MAX)
                return hl_parse_failed(err, LEDGER, "not a list that is accepted");
        rows = xcalloc(json_array_size(answer) + 1, sizeof *rows);
        for (size_t i = 0; i < json_array_size(answer); i++) {
                if (parse_row(&rows[i], json_array_get(answer, i), user)) {
                        free(rows);
                        return hl_parse_failed(err, LEDGER, "row");
                }
        }
        *out = rows;
        *n = json_array_size(answer);
        return E_OK;
}
