#include "api/approve.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/admit.h"
#include "api/agent_life.h"
#include "api/handlers.h"
#include "api/letters.h"
#include "api/holdings.h"
#include "api/out.h"
#include "api/policy.h"
#include "api/recovery.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/log.h"
#include "base/mem.h"

/* The approval that record has pending. */
static struct venue_approval pending(const struct store_account *r, const struct brand *b,
                                     enum venue_approval_kind kind, uint64_t chain_id)
{
        struct venue_approval a = {.kind = kind, .chain_id = chain_id};

        if (kind == APPROVE_AGENT && r->has_next) {
                a.nonce = r->next.nonce;
                a.agent = r->next.address;
                text_copy(a.name, sizeof a.name, r->next.name);
        } else if (kind == APPROVE_AGENT) {
                a.nonce = r->agent_nonce;
                a.agent = r->agent;
                text_copy(a.name, sizeof a.name, r->agent_name);
        } else {
                a.nonce = r->builder_nonce;
                a.builder = b->builder;
                a.builder_fee_tenth_bp = b->builder_fee_tenth_bp;
        }
        return a;
}

void approve_show(struct call *call, const struct store_account *record,
                  enum venue_approval_kind kind, uint64_t chain_id)
{
        struct venue *venue = call->api->o.venue;
        struct venue_approval a =
                pending(record, call->brand, kind, chain_id ? chain_id : call->brand->chain[0]);
        char address[ADDR_STR_MAX];
        struct hash32 digest;
        struct buf body;

        buf_init(&body, 65536);
        buf_putc(&body, '{');
        if (kind == APPROVE_AGENT) {
                out_text(&body, "agentAddress", hex_print_addr(address, &a.agent));
                out_int(&body, "validUntil",
                        record->has_next ? record->next.valid_until : record->agent_valid_until);
        } else {
                struct rate fee = out_fee_share(a.builder_fee_tenth_bp);
                out_text(&body, "builder", hex_print_addr(address, &a.builder));
                out_rate(&body, "fee", fee, 8);
        }
        out_key(&body, "typedData");
        if (venue->ops->approval_prepare(venue, &body, &digest, &a)) {
                buf_fini(&body);
                call_fail_code(call, E_INTERNAL);
                return;
        }
        buf_putc(&body, '}');
        call_reply(call, 200, &body);
}

/* --- the wallet's signature --- */

struct approval {
        struct call *call;
        enum venue_approval_kind kind;
        struct signature sig;
        struct store_account record;
        struct venue_approval what;
        struct hash32 digest;
        struct store_intent intent;
        struct err err; /* the refusal, once the venue has spoken */
        bool unknown;
};

static void fail(struct approval *ap)
{
        call_fail(ap->call, &ap->err);
        free(ap);
}

static void answer(struct approval *ap)
{
        char address[ADDR_STR_MAX];
        struct buf body;

        buf_init(&body, 4096);
        buf_putc(&body, '{');
        out_text(&body, "status", "approved");
        if (ap->kind == APPROVE_AGENT) {
                out_text(&body, "agentAddress", hex_print_addr(address, &ap->record.agent));
                out_int(&body, "validUntil", ap->record.agent_valid_until);
        } else {
                struct rate fee = out_fee_share(ap->record.builder_fee_tenth_bp);
                out_text(&body, "builder", hex_print_addr(address, &ap->call->brand->builder));
                out_rate(&body, "fee", fee, 8);
        }
        buf_putc(&body, '}');
        call_reply(ap->call, 200, &body);
        free(ap);
}

static void settled(void *cookie, enum errc rc)
{
        struct approval *ap = cookie;

        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "request", ap->call->request_id,
                          "code", err_constant(rc), NULL);
        recovery_after(ap->call->api->recovery, &ap->intent, rc);
        ap->call->api->open_runs--;
        if (ap->err.code)
                fail(ap);
        else
                answer(ap);
}

static void settle(struct approval *ap)
{
        struct store_intent *it = &ap->intent;

        it->state = ap->unknown ? INTENT_UNKNOWN : ap->err.code ? INTENT_REJECTED : INTENT_DONE;
        it->step[0].state = it->state;
        it->updated_at = state_now(ap->call->api);
        store_intent_update(ap->call->api->o.store, it, settled, ap);
}

static void account_recorded(void *cookie, enum errc rc)
{
        struct approval *ap = cookie;

        if (rc)
                (void)err_set(&ap->err, rc, "%s", err_text(rc));
        settle(ap);
}

/* The record may have changed while the venue was asked (the other approval, say): what was approved is
 * noted in it as it is now. */
static void record_again(void *cookie, enum errc rc, const struct store_account *account)
{
        struct approval *ap = cookie;

        if (rc)
                (void)err_set(&ap->err, rc, "%s", err_text(rc));
        else if (ap->kind == APPROVE_AGENT &&
                 !(account->has_agent && hex_addr_equal(&account->agent, &ap->what.agent)) &&
                 !(account->has_next && hex_addr_equal(&account->next.address, &ap->what.agent)))
                (void)err_set(&ap->err, E_NOT_FOUND,
                              "The agent was retired or replaced while it was being approved.");
        if (ap->err.code) {
                settle(ap);
                return;
        }
        ap->record = *account;
        if (ap->kind == APPROVE_AGENT) {
                agent_life_approved(&ap->record, &ap->what.agent);
        } else {
                ap->record.builder_fee_tenth_bp = ap->what.builder_fee_tenth_bp;
                ap->record.builder = ap->what.builder;
        }
        accounts_put(ap->call->api->accounts, &ap->record, account_recorded, ap);
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct approval *ap = cookie;
        struct call *call = ap->call;

        if (outcome->result == VENUE_UNKNOWN) {
                ap->unknown = true;
                (void)err_set(&ap->err, E_OUTCOME_UNKNOWN,
                              "The venue did not answer. GET /v1/onboarding tells whether the "
                              "approval took effect.");
        } else if (outcome->result == VENUE_REFUSED) {
                ap->err = outcome->err;
        }
        if (ap->err.code)
                settle(ap);
        else
                accounts_get(call->api->accounts, call->brand->id, &call->session.address,
                             record_again, ap);
}

static void journaled(void *cookie, enum errc rc)
{
        struct approval *ap = cookie;
        struct venue *venue = ap->call->api->o.venue;

        if (!rc && ap->call->api->ended)
                rc = E_DRAINING;
        if (rc) {
                ap->call->api->open_runs--;
                (void)err_set(&ap->err, rc, "%s", err_text(rc));
                fail(ap);
                return;
        }
        venue->ops->approval_submit(venue, &ap->what, &ap->sig, submitted, ap);
}

static void journal(struct approval *ap)
{
        struct store_intent *it = &ap->intent;
        struct call *call = ap->call;

        secret_random(it->id.b, sizeof it->id.b);
        text_copy(it->brand, sizeof it->brand, call->brand->id);
        it->account = it->signer = call->session.address;
        text_copy(it->kind, sizeof it->kind, "approve");
        it->created_at = it->updated_at = state_now(call->api);
        text_copy(it->owner, sizeof it->owner, call->api->o.node);
        it->epoch = 1;
        it->n_steps = 1;
        text_copy(it->step[0].action, sizeof it->step[0].action, "approve");
        /* Without its nonce, which the account's record has reserved: the same signature may be sent
         * again after a refusal, and the venue runs it at most once. */
        it->step[0].digest = ap->digest;
        call->api->open_runs++;
        letters_insert_approval(call->api->o.store, it, call->api->o.venue, &ap->what, &ap->sig,
                                journaled, ap);
}

/* The wallet may sign on any of the brand's chains: the one whose digest recovers to the account is
 * the one that was signed. */
static enum errc match_signer(struct approval *ap)
{
        struct api *api = ap->call->api;
        const struct brand *b = ap->call->brand;
        char expected[ADDR_STR_MAX], got[ADDR_STR_MAX];
        struct addr signer = {{0}};

        for (unsigned i = b->n_chains; i-- > 0;) {
                struct buf typed;
                enum errc rc;
                ap->what = pending(&ap->record, b, ap->kind, b->chain[i]);
                buf_init(&typed, 65536);
                rc = api->o.venue->ops->approval_prepare(api->o.venue, &typed, &ap->digest,
                                                         &ap->what);
                buf_fini(&typed);
                if (rc)
                        return err_set(&ap->err, E_INTERNAL, "%s", err_text(E_INTERNAL));
                if (secp_recover(api->o.secp, &signer, &ap->digest, &ap->sig) == E_OK &&
                    hex_addr_equal(&signer, &ap->call->session.address))
                        return E_OK;
        }
        hex_print_addr(expected, &ap->call->session.address);
        hex_print_addr(got, &signer);
        return err_field(&ap->err, E_SIGNATURE_MISMATCH, "signature", "recovers to %s, expected %s",
                         got, expected);
}

/* --- where nothing may be opened: an agent is still approved for who has something to close with it,
 * since whatever it signs is judged again --- */

static void admitted(void *cookie, const struct err *err, bool holds)
{
        struct approval *ap = cookie;

        if (err->code)
                ap->err = *err;
        else if (!holds)
                (void)!admit_check(ap->call, ADMIT_OPENING, &ap->err);
        if (ap->err.code)
                fail(ap);
        else
                journal(ap);
}

static void admit_agent(struct approval *ap)
{
        if (admit_refuses(ap->call, ADMIT_OPENING))
                holdings_find(ap->call, admitted, ap);
        else
                journal(ap);
}

static void record_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct approval *ap = cookie;
        const struct brand *b = ap->call->brand;

        if (rc) {
                (void)err_set(&ap->err, rc, "%s", err_text(rc));
                fail(ap);
                return;
        }
        ap->record = *account;
        if (ap->kind == APPROVE_AGENT && !account->has_agent)
                (void)err_set(&ap->err, E_NOT_FOUND, "Make an agent first: POST /v1/agent.");
        else if (ap->kind == APPROVE_BUILDER_FEE && !account->builder_nonce)
                (void)err_set(&ap->err, E_NOT_FOUND,
                              "Ask for the typed data first: POST /v1/builder-fee.");
        if (ap->err.code) {
                fail(ap);
                return;
        }
        if (ap->kind == APPROVE_AGENT ? account->agent_approved && !account->has_next
                                      : policy_fee_is_approved(b, account)) {
                answer(ap); /* done before; nothing is sent twice */
                return;
        }
        if (match_signer(ap))
                fail(ap);
        else if (ap->kind == APPROVE_AGENT)
                admit_agent(ap);
        else
                journal(ap); /* asked at the door */
}

struct signature_request {
        const char *signature;
};

static const struct field signature_fields[] = {
        {.name = "signature",
         .type = FIELD_RAW,
         .required = true,
         .offset = offsetof(struct signature_request, signature),
         .present = FIELD_NO_FLAG,
         .size = 256},
};
FIELD_TABLE(approve_signature_table, signature_fields);

static void start(struct call *call, enum venue_approval_kind kind)
{
        struct approval *ap = xcalloc(1, sizeof *ap);
        struct signature_request request = {.signature = NULL};

        ap->call = call;
        ap->kind = kind;
        if (call_fields(call, &request, signature_fields, 1, &ap->err) == E_OK &&
            secp_parse_signature(&ap->sig, request.signature, strlen(request.signature)))
                (void)err_field(&ap->err, E_INVALID, "signature",
                                "must be 65 bytes in hex: r, s and v");
        if (ap->err.code)
                fail(ap);
        else
                accounts_get(call->api->accounts, call->brand->id, &call->session.address,
                             record_read, ap);
}

void approve_agent(struct call *call)
{
        start(call, APPROVE_AGENT);
}

void approve_builder_fee(struct call *call)
{
        start(call, APPROVE_BUILDER_FEE);
}

/* --- the builder fee's typed data --- */

struct chain_request {
        unsigned chain_id;
};

static const struct field chain_fields[] = {
        {.name = "chainId",
         .type = FIELD_UINT,
         .offset = offsetof(struct chain_request, chain_id),
         .present = FIELD_NO_FLAG,
         .size = UINT32_MAX},
};
FIELD_TABLE(approve_builder_table, chain_fields);

struct builder_show {
        struct call *call;
        struct chain_request request;
        struct store_account record;
};

static void builder_stored(void *cookie, enum errc rc)
{
        struct builder_show *show = cookie;

        if (rc)
                call_fail_code(show->call, rc);
        else
                approve_show(show->call, &show->record, APPROVE_BUILDER_FEE,
                             show->request.chain_id);
        free(show);
}

static void builder_record(void *cookie, enum errc rc, const struct store_account *account)
{
        struct builder_show *show = cookie;

        if (rc) {
                call_fail_code(show->call, rc);
                free(show);
                return;
        }
        show->record = *account;
        rc = nonce_ledger_take(show->call->api->o.nonces, &account->address, 1,
                               &show->record.builder_nonce);
        if (rc) {
                call_fail_code(show->call, rc);
                free(show);
                return;
        }
        accounts_put(show->call->api->accounts, &show->record, builder_stored, show);
}

static void builder_nonces(void *cookie, enum errc rc)
{
        struct builder_show *show = cookie;
        struct call *call = show->call;

        if (rc) {
                call_fail_code(call, rc);
                free(show);
                return;
        }
        accounts_get(call->api->accounts, call->brand->id, &call->session.address, builder_record,
                     show);
}

void approve_builder_ask(struct call *call)
{
        struct builder_show *show = xcalloc(1, sizeof *show);
        struct err err = {.code = E_OK};

        show->call = call;
        enum errc rc = call_fields(call, &show->request, chain_fields, 1, &err);
        if (!rc && show->request.chain_id &&
            !brand_allows_chain(call->brand, show->request.chain_id))
                (void)err_field(&err, E_INVALID, "chainId", "is not a chain of this brand");
        if (!err.code && !(call->brand->has_builder && call->brand->builder_fee_tenth_bp))
                (void)err_set(&err, E_NOT_FOUND, "%s charges no builder fee.", call->brand->name);
        if (err.code) {
                call_fail(call, &err);
                free(show);
                return;
        }
        nonce_ledger_load(call->api->o.nonces, &call->session.address, builder_nonces, show);
}
