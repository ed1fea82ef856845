#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/wire.h"

/* sendAsset and agentSendAsset: a token from one balance to another. Balances are spot and one a dex,
 * which takes its own collateral alone. What an agent signs stays with the user and its sub-accounts. */

#define SPOT         (-1)
#define TOKEN_ID_MAX 64

struct send {
        struct paper_user *from;
        struct addr to;
        int source, destination; /* dex or SPOT */
        unsigned token;
        struct usd amount;
        uint64_t nonce;
        const char *source_name, *destination_name, *token_name;
};

static bool read_place(const struct paper *p, const json_t *action, const char *key, int *place,
                       const char **name)
{
        *name = hl_raw_get_text(action, key, NULL);
        if (!*name)
                return false;
        *place = strcmp(*name, "spot") == 0 ? SPOT : paper_dexes_find(&p->universe, *name);
        return *place >= 0 || strcmp(*name, "spot") == 0;
}

/* "NAME" or "NAME:0xid". */
static bool read_token(const struct paper *p, const json_t *action, struct send *send)
{
        send->token_name = hl_raw_get_text(action, "token", NULL);
        for (unsigned i = 0; send->token_name && i < PAPER_TOKENS; i++) {
                const struct paper_token *token = &paper_dexes_token[i];
                char whole[TOKEN_ID_MAX];

                (void)snprintf(whole, sizeof(whole), "%s:%s", token->name,
                               p->is_mainnet ? token->mainnet_id : token->testnet_id);
                if (strcmp(send->token_name, whole) != 0 &&
                    strcmp(send->token_name, token->name) != 0)
                        continue;
                send->token = i;
                return paper_dexes_by_token(&p->universe, i) >= 0;
        }
        return false;
}

static bool fits_place(const struct paper *p, int place, unsigned token)
{
        return place == SPOT || p->universe.dex[place].token == token;
}

/* Whose money it is: the user's, or that of a sub-account it names. */
static struct paper_user *read_owner(struct paper *p, struct paper_user *user, const json_t *action)
{
        const char *sub = hl_raw_get_text(action, "fromSubAccount", NULL);
        struct addr address;

        if (!sub)
                return NULL;
        if (!sub[0])
                return user;
        if (hl_raw_get_addr(&address, action, "fromSubAccount"))
                return NULL;
        return paper_family_sub(p, user, &address);
}

static bool read_send(struct paper *p, struct send *send, struct paper_user *user,
                      const json_t *action)
{
        const char *amount = hl_raw_get_text(action, "amount", NULL);

        send->from = read_owner(p, user, action);
        return send->from && amount && !hl_raw_get_addr(&send->to, action, "destination") &&
               !hl_raw_get_uint(&send->nonce, action, "nonce") &&
               read_place(p, action, "sourceDex", &send->source, &send->source_name) &&
               read_place(p, action, "destinationDex", &send->destination,
                          &send->destination_name) &&
               read_token(p, action, send) && fits_place(p, send->source, send->token) &&
               fits_place(p, send->destination, send->token) &&
               !num_parse_usd(&send->amount, amount, strlen(amount)) && send->amount.v > 0 &&
               send->amount.v % NUM_MICRO == 0 &&
               (send->source != send->destination ||
                !hex_addr_equal(&send->to, &send->from->address));
}

/* An agent's reach: the user itself, its master where it is a sub-account, and the sub-accounts. */
static bool is_own(struct paper *p, const struct paper_user *user, const struct addr *to)
{
        return hex_addr_equal(to, &user->address) || paper_family_sub(p, user, to) ||
               (user->is_sub && hex_addr_equal(to, &user->master));
}

static bool take(struct paper *p, struct paper_outcome *out, const struct send *send)
{
        static const char text[] = "Insufficient balance for token transfer";
        struct usd *spot = &send->from->spot[send->token];

        if (send->source != SPOT)
                return paper_transfer_take(p, out, send->from, (unsigned)send->source, send->amount,
                                           text);
        if (spot->v < send->amount.v) {
                paper_exchange_refuse(out, text);
                return false;
        }
        spot->v -= send->amount.v;
        paper_users_changed(p, send->from);
        return true;
}

static void give(struct paper *p, const struct send *send, struct paper_user *to)
{
        int place = send->destination;

        /* Where all of an account backs its perps, what comes to spot does, too. */
        if (place == SPOT && to->mode == PAPER_MODE_UNIFIED)
                place = paper_dexes_by_token(&p->universe, send->token);
        if (place != SPOT) {
                paper_transfer_give(p, to, (unsigned)place, send->amount);
                return;
        }
        to->spot[send->token].v += send->amount.v;
        paper_users_changed(p, to);
}

static void note(struct paper *p, const struct send *send, struct paper_user *to)
{
        struct buf row;

        buf_init(&row, 1024);
        jot_object(&row, NULL);
        jot_text(&row, "type", "send");
        jot_addr(&row, "user", &send->from->address);
        jot_addr(&row, "destination", &send->to);
        jot_text(&row, "sourceDex", send->source_name);
        jot_text(&row, "destinationDex", send->destination_name);
        jot_text(&row, "token", paper_dexes_token[send->token].name);
        jot_usd(&row, "amount", send->amount);
        jot_usd(&row, "usdcValue", send->amount);
        jot_text(&row, "fee", "0.0");
        jot_text(&row, "nativeTokenFee", "0.0");
        jot_uint(&row, "nonce", send->nonce);
        jot_text(&row, "feeToken", "");
        jot_end_object(&row);
        paper_users_row(p, send->from, buf_cstr(&row), paper_now(p));
        if (to != send->from)
                paper_users_row(p, to, buf_cstr(&row), paper_now(p));
        buf_fini(&row);
}

void paper_send_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                    const struct hl_request *request)
{
        bool is_agents = request->kind != HL_RAW_USER;
        struct send send = {.from = NULL};
        struct paper_user *to;
        struct usd sum;

        if (!read_send(p, &send, user, request->action)) {
                paper_exchange_refuse(out, "Invalid send");
                return;
        }
        if (is_agents && !is_own(p, user, &send.to)) {
                paper_exchange_refuse(
                        out, "Agent can only send asset to same user or their sub-accounts.");
                return;
        }
        if (send.from->mode == PAPER_MODE_UNIFIED &&
            hex_addr_equal(&send.to, &send.from->address)) {
                paper_exchange_refuse(out, "Action disabled when unified account is active");
                return;
        }
        to = paper_users_make(p, &send.to);
        if (!to || num_usd_add(&sum, to->spot[send.token], send.amount)) {
                paper_exchange_refuse(out, "Invalid send");
                return;
        }
        if (!take(p, out, &send))
                return;
        give(p, &send, to);
        note(p, &send, to);
        paper_exchange_default(out);
}
