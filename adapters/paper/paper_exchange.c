#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/paper/jot.h"
#include "adapters/paper/paper_journal.h"
#include "base/attr.h"
#include "base/mem.h"

/* A signed action, from bytes to answer. In this order: shape (else 422), weight, network and
 * signer, account, vault, expiry, nonce, the action itself. Whatever is refused before the nonce is
 * taken leaves the nonce unused. Every action that could be read is written to the ledger. */

#define STALE_COST 5 /* of the budget, for an action that came too late */

void paper_exchange_refuse(struct paper_outcome *out, const char *text)
{
        (void)text_copy(out->text, sizeof(out->text), text);
}

void paper_exchange_default(struct paper_outcome *out)
{
        buf_reset(&out->response);
        buf_puts(&out->response, "{\"type\":\"default\"}");
        out->n_done = 1;
}

/* Items of a batch; 1 for any other action. */
static size_t items_of(const json_t *action)
{
        static const char *const lists[] = {"orders", "cancels", "modifies"};
        size_t n = 0;

        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                n += json_array_size(json_object_get(action, lists[i]));
        return n ? n : 1;
}

/* Actions with a name at the venue that this one has nothing to do with. */
static void run_other(struct paper_outcome *out, const struct hl_request *request)
{
        char hex[ADDR_STR_MAX];
        struct addr vault;

        if (!strcmp(request->type, "vaultTransfer") &&
            !hl_raw_get_addr(&vault, request->action, "vaultAddress"))
                (void)snprintf(out->text, sizeof(out->text), "Vault not registered: %s",
                               hex_print_addr(hex, &vault));
        else
                (void)snprintf(out->text, sizeof(out->text), "This venue does not offer %.60s.",
                               request->type);
}

/* Who acts, and for which account. */
struct actor {
        struct addr signer, account;
        bool has_signer, has_account;
};

static bool identify(struct paper *p, struct actor *actor, const struct hl_request *request,
                     char text[PAPER_TEXT_MAX])
{
        char hex[ADDR_STR_MAX];
        enum errc rc = hl_raw_recover(p->secp, &actor->signer, request, p->is_mainnet);

        if (rc == E_INVALID) {
                (void)snprintf(text, PAPER_TEXT_MAX, "Invalid chain: this venue is %s.",
                               p->is_mainnet ? "Mainnet" : "Testnet");
                return false;
        }
        if (rc) {
                (void)text_copy(text, PAPER_TEXT_MAX, "Unable to recover signer.");
                return false;
        }
        actor->has_signer = true;
        if (request->kind == HL_RAW_MULTI_SIG) {
                actor->has_account =
                        paper_multi_sig_check(p, request, &actor->signer, &actor->account, text);
                return actor->has_account;
        }
        if (request->kind == HL_RAW_USER) {
                /* The signature names the account itself, never an agent's master. */
                actor->account = actor->signer;
                actor->has_account = paper_users_get(p, &actor->signer) != NULL;
                if (!actor->has_account)
                        (void)snprintf(text, PAPER_TEXT_MAX,
                                       "Must deposit before performing actions. User: %s",
                                       hex_print_addr(hex, &actor->signer));
                return actor->has_account;
        }
        actor->has_account = paper_agents_resolve(p, &actor->signer, &actor->account, text);
        return actor->has_account;
}

/* An account with several signers does nothing by one alone. */
static bool acts_alone(struct paper *p, const struct actor *actor, const struct hl_request *request,
                       char text[PAPER_TEXT_MAX])
{
        const struct paper_user *user = paper_users_get(p, &actor->account);

        if (request->kind == HL_RAW_MULTI_SIG || !user || !user->signers)
                return true;
        (void)text_copy(text, PAPER_TEXT_MAX, "Multi-sig user may only act through multiSig.");
        return false;
}

static bool admit(struct paper *p, struct actor *actor, const struct hl_request *request,
                  char text[PAPER_TEXT_MAX])
{
        const struct hl_envelope *envelope = &request->envelope;
        struct paper_user *user;
        char hex[ADDR_STR_MAX];

        if (envelope->has_vault && request->kind == HL_RAW_USER) {
                (void)text_copy(text, PAPER_TEXT_MAX, "Vault may not perform this action");
                return false;
        }
        if (envelope->has_vault) {
                const struct paper_user *master = paper_users_get(p, &actor->account);

                if (!master || !paper_family_sub(p, master, &envelope->vault)) {
                        (void)snprintf(text, PAPER_TEXT_MAX, "Vault not registered: %s",
                                       hex_print_addr(hex, &envelope->vault));
                        return false;
                }
                actor->account = envelope->vault;
        }
        /* Clients stamp with the real time: a venue clock moved by hand must not expire them. */
        user = paper_users_get(p, &actor->account);
        if (envelope->has_expires_after && envelope->expires_after < (uint64_t)paper_wall_now(p)) {
                if (user)
                        user->n_requests += STALE_COST;
                (void)text_copy(text, PAPER_TEXT_MAX, "Action already expired");
                return false;
        }
        if (user && !paper_budget_admits(p, user, request->type, items_of(request->action), text))
                return false;
        return paper_nonces_take(p, &actor->signer, envelope->nonce, text);
}

static void run_typed(struct paper *p, struct paper_outcome *out, struct paper_user *user,
                      const json_t *action)
{
        struct hl_owned_action *owned = NULL;

        /* The signer was recovered from the same parsed form. */
        if (hl_raw_action(&owned, action, NULL))
                paper_exchange_refuse(out, "Invalid action");
        else
                paper_trade_run(p, out, user, &owned->action);
        hl_raw_action_free(owned);
}

static void execute(struct paper *p, struct paper_outcome *out, struct actor *actor,
                    const struct hl_request *request)
{
        struct hl_request inner = *request;
        struct paper_user *user;

        if (request->kind == HL_RAW_MULTI_SIG)
                must(paper_multi_sig_inner(&inner, request)); /* checked with the form */
        if (!identify(p, actor, request, out->text) || !acts_alone(p, actor, request, out->text) ||
            !admit(p, actor, &inner, out->text))
                return;
        user = paper_users_get(p, &actor->account);
        if (!user) {
                paper_exchange_refuse(out, "Must deposit before performing actions.");
                return;
        }
        if (inner.kind == HL_RAW_TYPED)
                run_typed(p, out, user, inner.action);
        else if (!strcmp(inner.type, "agentSendAsset"))
                paper_send_run(p, out, user, &inner);
        else if (inner.kind == HL_RAW_USER)
                paper_transfer_run(p, out, user, &inner);
        else
                run_other(out, &inner);
        user->n_requests += out->n_done + out->n_failed;
}

static const char *effect_of(const struct paper_outcome *out)
{
        if (out->text[0] || out->n_done == 0)
                return "refused";
        return out->n_failed ? "partial" : "applied";
}

static void record(struct paper *p, const struct paper_outcome *out, const struct actor *actor,
                   const struct hl_request *request, struct paper_answer *answer)
{
        struct paper_ledger_entry entry = {
                .at = paper_now(p),
                .action = json_dumps(request->action, JSON_COMPACT),
                .answer = xstrdup(buf_cstr(&answer->body)),
                .nonce = request->envelope.nonce,
                .expires_after =
                        request->envelope.has_expires_after ? request->envelope.expires_after : 0,
                .has_signer = actor->has_signer,
                .has_account = actor->has_account,
                .signer = actor->signer,
                .account = actor->account,
                .effect = effect_of(out),
        };

        (void)text_copy(entry.type, sizeof(entry.type), request->type);
        if (!entry.action)
                entry.action = xstrdup("null");
        paper_ledger_add(p->ledger, &entry);
        paper_journal_action(p->journal, &entry);
}

/* Typed actions and user-signed ones are checked whole before anybody's signature is looked at: a
 * body that fits no action is 422, whoever sent it. */
static bool is_well_formed(const struct hl_request *request)
{
        struct hl_owned_action *owned = NULL;
        struct eip712_result digest;
        struct hl_request inner = *request;
        enum errc rc = E_OK;

        if (request->kind == HL_RAW_MULTI_SIG && !paper_multi_sig_inner(&inner, request))
                return false;
        switch (inner.kind) {
        case HL_RAW_UNKNOWN: return false;
        case HL_RAW_TYPED: rc = hl_raw_action(&owned, inner.action, NULL); break;
        case HL_RAW_USER: rc = hl_raw_user_digest(&digest, inner.action, NULL); break;
        case HL_RAW_L1:
        case HL_RAW_MULTI_SIG: break;
        }
        hl_raw_action_free(owned);
        return rc == E_OK;
}

void paper_exchange_run(struct paper *p, struct paper_answer *answer, const json_t *body)
{
        struct hl_request request;
        struct paper_outcome out = {.n_done = 0};
        struct actor actor = {.has_signer = false};
        enum errc rc = hl_raw_request(&request, body, NULL);

        if (rc == E_OK && items_of(request.action) > HL_BATCH_MAX) {
                paper_exchange_refuse(&out, "Signed action over weight limit of 200.");
        } else if (rc == E_INVALID) {
                paper_exchange_refuse(&out, "Invalid nonce: the action names another nonce");
        } else if (rc || !is_well_formed(&request)) {
                paper_answer_text(answer, 422, PAPER_422);
                return;
        }
        buf_init(&out.response, PAPER_BODY_MAX);
        if (!out.text[0])
                execute(p, &out, &actor, &request);
        if (!out.text[0] && buf_check(&out.response))
                paper_exchange_refuse(&out, "The answer is too large.");
        jot_object(&answer->body, NULL);
        jot_text(&answer->body, "status", out.text[0] ? "err" : "ok");
        if (out.text[0])
                jot_text(&answer->body, "response", out.text);
        else
                jot_raw(&answer->body, "response", buf_cstr(&out.response));
        jot_end_object(&answer->body);
        if (rc == E_OK)
                record(p, &out, &actor, &request, answer);
        buf_fini(&out.response);
        paper_market_refill(p, paper_now(p));
        paper_feed_flush(p);
}
