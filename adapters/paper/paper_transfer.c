#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/wire.h"
#include "base/attr.h"
#include "base/mem.h"

/* User-signed actions: agents, builder fees, and money that leaves the perps balance. Simplified
 * against the venue: no activation fee for new accounts, withdrawals end outside at once. */

#define WITHDRAWAL_FEE NUM_SCALE /* 1 dollar */

static void approve_agent(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                          const json_t *action)
{
        struct hl_user_agent agent;

        if (hl_raw_user_agent(&agent, action))
                paper_exchange_refuse(out, "Invalid agent name");
        else if (paper_agents_approve(p, user, &agent.agent, agent.name,
                                      agent.has_valid_until ? &agent.valid_until : NULL, out->text))
                paper_exchange_default(out);
}

static void approve_builder(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                            const json_t *action)
{
        struct hl_user_builder builder;

        if (hl_raw_user_builder(&builder, action))
                paper_exchange_refuse(out, "Percentage is invalid.");
        else if (paper_agents_approve_builder(p, user, &builder.builder, builder.fee_tenth_bp,
                                              out->text))
                paper_exchange_default(out);
}

bool paper_transfer_take(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                         unsigned dex, struct usd amount, const char *text)
{
        struct usd ledger;

        if (amount.v <= 0 || amount.v % NUM_MICRO != 0) {
                paper_exchange_refuse(out, "Invalid send");
                return false;
        }
        if (num_usd_sub(&ledger, user->ledger, amount) ||
            !engine_dex_withdraw(p->engine, &user->address, dex, amount, paper_now(p))) {
                paper_exchange_refuse(out, text);
                return false;
        }
        if (dex == 0)
                user->ledger = ledger;
        paper_users_changed(p, user);
        return true;
}

void paper_transfer_give(struct paper *p, struct paper_user *user, unsigned dex, struct usd amount)
{
        struct usd ledger;

        if (dex == 0 && !num_usd_add(&ledger, user->ledger, amount))
                user->ledger = ledger;
        engine_dex_deposit(p->engine, &user->address, dex, amount, paper_now(p));
        paper_users_changed(p, user);
}

static void usd_send(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const json_t *action)
{
        struct hl_user_transfer send;
        struct paper_user *to;
        struct buf row;

        if (hl_raw_user_transfer(&send, action)) {
                paper_exchange_refuse(out, "Invalid send");
                return;
        }
        if (hex_addr_equal(&send.destination, &user->address)) {
                paper_exchange_refuse(out, "Cannot self-transfer.");
                return;
        }
        to = paper_users_make(p, &send.destination);
        if (!to || !paper_transfer_take(p, out, user, 0, send.amount,
                                        "Insufficient balance for withdrawal"))
                return;
        paper_transfer_give(p, to, 0, send.amount);
        buf_init(&row, 512);
        jot_object(&row, NULL);
        jot_text(&row, "type", "internalTransfer");
        jot_usd(&row, "usdc", send.amount);
        jot_addr(&row, "user", &user->address);
        jot_addr(&row, "destination", &send.destination);
        jot_text(&row, "fee", "0.0");
        jot_end_object(&row);
        paper_users_row(p, user, buf_cstr(&row), paper_now(p));
        paper_users_row(p, to, buf_cstr(&row), paper_now(p));
        buf_fini(&row);
        paper_exchange_default(out);
}

static void withdraw(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                     const json_t *action)
{
        struct hl_user_transfer send;
        struct usd fee = {WITHDRAWAL_FEE}, net;
        struct buf row;

        if (hl_raw_user_transfer(&send, action) || send.amount.v <= fee.v ||
            num_usd_sub(&net, send.amount, fee)) {
                paper_exchange_refuse(out, "Insufficient balance for withdrawal");
                return;
        }
        if (!paper_transfer_take(p, out, user, 0, send.amount,
                                 "Insufficient balance for withdrawal"))
                return;
        buf_init(&row, 512);
        jot_object(&row, NULL);
        jot_text(&row, "type", "withdraw");
        jot_usd(&row, "usdc", net);
        jot_uint(&row, "nonce", send.time);
        jot_usd(&row, "fee", fee);
        jot_end_object(&row);
        paper_users_row(p, user, buf_cstr(&row), paper_now(p));
        buf_fini(&row);
        paper_exchange_default(out);
}

/* Whose spot and perps: the signer's, or a sub-account's of his. NULL, refused: neither. */
static struct paper_user *class_owner(struct paper *p, struct paper_outcome *out,
                                      struct paper_user *user,
                                      const struct hl_user_class_transfer *move)
{
        struct paper_user *owner =
                move->has_sub_account ? paper_family_sub(p, user, &move->sub_account) : user;

        if (!owner) {
                paper_exchange_refuse(out, "Invalid send");
        } else if (owner->mode == PAPER_MODE_UNIFIED) {
                paper_exchange_refuse(out, "Action disabled when unified account is active");
                owner = NULL;
        }
        return owner;
}

static void class_transfer(struct paper *p, struct paper_outcome *out, struct paper_user *signer,
                           const json_t *action)
{
        struct hl_user_class_transfer move;
        struct paper_user *user;
        struct usd spot;
        struct buf row;

        if (hl_raw_user_class_transfer(&move, action) || move.amount.v <= 0 ||
            move.amount.v % NUM_MICRO != 0) {
                paper_exchange_refuse(out, "Invalid send");
                return;
        }
        user = class_owner(p, out, signer, &move);
        if (!user)
                return;
        if (move.to_perp) {
                if (user->spot[0].v < move.amount.v) {
                        paper_exchange_refuse(out, "Insufficient balance for token transfer");
                        return;
                }
                user->spot[0].v -= move.amount.v;
                paper_transfer_give(p, user, 0, move.amount);
        } else {
                if (num_usd_add(&spot, user->spot[0], move.amount) ||
                    !paper_transfer_take(p, out, user, 0, move.amount,
                                         "Insufficient balance for token transfer"))
                        return;
                user->spot[0] = spot;
        }
        buf_init(&row, 256);
        jot_object(&row, NULL);
        jot_text(&row, "type", "accountClassTransfer");
        jot_usd(&row, "usdc", move.amount);
        jot_bool(&row, "toPerp", move.to_perp);
        jot_end_object(&row);
        paper_users_row(p, user, buf_cstr(&row), paper_now(p));
        buf_fini(&row);
        paper_exchange_default(out);
}

void paper_transfer_run(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                        const struct hl_request *request)
{
        const char *type = request->type;

        if (!strcmp(type, "approveAgent"))
                approve_agent(p, out, user, request->action);
        else if (!strcmp(type, "approveBuilderFee"))
                approve_builder(p, out, user, request->action);
        else if (!strcmp(type, "usdSend"))
                usd_send(p, out, user, request->action);
        else if (!strcmp(type, "withdraw3"))
                withdraw(p, out, user, request->action);
        else if (!strcmp(type, "usdClassTransfer"))
                class_transfer(p, out, user, request->action);
        else if (!strcmp(type, "userSetAbstraction"))
                paper_mode_run(p, out, user, request->action);
        else if (!strcmp(type, "sendAsset"))
                paper_send_run(p, out, user, request);
        else if (!strcmp(type, "convertToMultiSigUser"))
                paper_multi_sig_convert(p, out, user, request->action);
        else
                (void)snprintf(out->text, sizeof(out->text), "This venue does not offer %.60s.",
                               type);
}
