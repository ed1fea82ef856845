/* POST /exchange: what somebody signed elsewhere. In this order: shape, limits, what the gateway passes on at
 * all, signer, account, whether risk may be opened from there, the pre-check, the audit log; then the bytes
 * as they came, once. What reduces risk or takes money out is not held up by what can be asked later. */
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_multi_sig.h"
#include "api/accounts.h"
#include "api/admit.h"
#include "base/log.h"
#include "base/mem.h"
#include "compat/compat_action.h"
#include "compat/compat_answer.h"
#include "compat/compat_hint.h"
#include "compat/compat_impl.h"
#include "compat/compat_judge.h"
#include "compat/compat_signer.h"
#include "compat/compat_told.h"
#include "keeper/keeper.h"

#define ITEMS_PER_WEIGHT 40
#define STRANGER_WEIGHT  20 /* sixty a minute from one address */

struct exchange {
        struct compat *compat;
        struct call *call;
        json_t *body; /* owned */
        struct hl_request request;
        struct hl_request inner; /* of a multi-sig wrapper; else the same */
        bool is_multi_sig;
        struct addr multi_sig_user;
        struct hl_owned_action *owned; /* NULL: it has no typed form */
        enum compat_rule rule;
        struct addr signer;
        struct compat_told told;
};

static const struct hl_action *typed(const struct exchange *x)
{
        return x->owned ? &x->owned->action : NULL;
}

static void count(const struct exchange *x, const char *result)
{
        compat_count(x->compat, "perpgate_compat_actions_total", "result", result,
                     "Actions on /exchange, by what became of them here.");
}

/* Everything but the call, which is answered by whoever ends it. */
static struct call *release(struct exchange *x)
{
        struct call *call = x->call;

        hl_raw_action_free(x->owned);
        json_decref(x->body);
        free(x);
        return call;
}

static void refuse(struct exchange *x, const struct err *err, const char *text)
{
        count(x, "refused");
        compat_answer_refuse(release(x), err, text);
}

static void refuse_err(struct exchange *x, const struct err *err)
{
        struct err why = *err;

        refuse(x, &why, why.detail[0] ? why.detail : err_text(why.code));
}

/* The venue, or the store, could not be asked: try again. */
static void give_up(struct exchange *x, const struct err *err)
{
        struct err why = *err;

        count(x, "unavailable");
        compat_no_answer(release(x), &why);
}

static bool is_mainnet(const struct exchange *x)
{
        const struct venue *venue = x->compat->api->o.venue;

        return strcmp(venue->ops->caps(venue)->network, "Mainnet") == 0;
}

/* --- forwarding --- */

static bool says_ok(const struct venue_wire_answer *answer)
{
        static const char ok[] = "{\"status\":\"ok\"";

        return answer->end == WIRE_ANSWERED && answer->status == 200 &&
               answer->len >= sizeof ok - 1 && memcmp(answer->body, ok, sizeof ok - 1) == 0;
}

/* What the venue took tells who is who. */
static void learn(struct exchange *x, const struct venue_wire_answer *answer)
{
        static const char unknown[] = "{\"status\":\"err\",\"response\":\"User or API Wallet ";
        struct hl_user_agent agent;

        if (answer->len >= sizeof unknown - 1 &&
            memcmp(answer->body, unknown, sizeof unknown - 1) == 0)
                compat_signer_forget(x->compat, &x->signer);
        if (!says_ok(answer))
                return;
        if (strcmp(x->inner.type, "approveAgent") == 0 &&
            hl_raw_user_agent(&agent, x->inner.action) == E_OK && !hex_addr_zero(&agent.agent))
                compat_signer_learn(x->compat, &agent.agent, &x->call->account);
}

static void on_answer(void *cookie, const struct venue_wire_answer *answer)
{
        struct exchange *x = cookie;
        struct call *call;

        compat_told_outcome(&x->told, answer);
        if (answer->end != WIRE_ANSWERED) {
                log_event(LOG_WARN, "action not answered", "request", x->call->request_id, "type",
                          x->request.type, "why", answer->err.detail, NULL);
                count(x, answer->end == WIRE_NOT_SENT ? "not_sent" : "unknown");
                call = release(x);
                compat_no_answer(call, &answer->err);
                return;
        }
        learn(x, answer);
        count(x, says_ok(answer) ? "taken" : "refused_by_venue");
        call = release(x);
        call_reply_raw(call, answer->status >= 200 && answer->status <= 599 ? answer->status : 502,
                       answer->content_type[0] ? answer->content_type : "text/plain", answer->body,
                       answer->len, NULL, 0);
}

static void forward(struct exchange *x)
{
        struct api *api = x->compat->api;
        struct venue_wire_action wire = {.n_items = compat_action_items(x->inner.action)};

        compat_told_sent(&x->told, api, &x->call->account, typed(x), &wire);
        api->o.venue->ops->wire_act(api->o.venue, x->call->body, x->call->body_len, &wire,
                                    on_answer, x);
}

static void recorded(void *cookie, enum errc rc)
{
        struct exchange *x = cookie;
        struct err err = {.code = E_OK};

        if (!rc) {
                forward(x);
                return;
        }
        (void)err_set(&err, E_STORE_DOWN, "%s", err_text(E_STORE_DOWN));
        refuse_err(x, &err);
}

static bool may_open(const struct exchange *x)
{
        return x->rule == ACTION_OPENS || x->rule == ACTION_FUNDS_IN;
}

/* What opens is on record before it leaves; what reduces does not wait for a disk. */
static void record(struct exchange *x)
{
        if (may_open(x)) {
                compat_told_audit(x->call, &x->inner, &x->signer, recorded, x);
                return;
        }
        compat_told_audit(x->call, &x->inner, &x->signer, NULL, NULL);
        forward(x);
}

/* --- whether it may --- */

static void judged(void *cookie, const struct compat_verdict *verdict)
{
        struct exchange *x = cookie;
        struct hl_owned_action *owned = x->owned;
        enum errc code = verdict->err.code;
        struct call *call;

        if (!code) {
                record(x);
                return;
        }
        if (code == E_RATE_LIMITED || code == E_VENUE_UNAVAILABLE || code == E_INTERNAL) {
                give_up(x, &verdict->err);
                return;
        }
        count(x, "refused");
        x->owned = NULL;
        call = release(x);
        compat_answer_item(call, &owned->action, verdict->item, &verdict->err);
        hl_raw_action_free(owned);
}

static void admit(struct exchange *x)
{
        struct err err = {.code = E_OK};

        if (may_open(x) &&
            admit_check(x->call, x->rule == ACTION_OPENS ? ADMIT_OPENING : ADMIT_FUNDS_IN, &err)) {
                refuse_err(x, &err);
                return;
        }
        if (x->rule != ACTION_OPENS) {
                record(x);
                return;
        }
        /* Whoever trades is mirrored from then on. */
        keeper_watch(x->compat->api->o.keeper, x->call->brand->id, &x->call->account);
        if (x->owned)
                compat_judge(x->call, typed(x), judged, x);
        else
                record(x);
}

static void terms_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct exchange *x = cookie;
        struct err err = {.code = E_OK};

        if (rc) {
                (void)err_set(&err, rc, "%s", err_text(rc));
                refuse_err(x, &err);
                return;
        }
        x->call->terms_due = strcmp(account->terms_version, x->call->brand->terms_version) != 0;
        admit(x);
}

/* --- who --- */

/* An account has one allowance, whichever way its requests come. */
static bool pay_for_account(struct exchange *x)
{
        struct call *call = x->call;
        struct limit *limit =
                map_get(call->api->session_limits, call->brand->id, strlen(call->brand->id));
        char key[ADDR_STR_MAX];

        hex_print_addr(key, &call->session.address);
        if (!limit || limit_take(limit, key, 1, call->started_mono_ms, &call->limit))
                return true;
        count(x, "refused");
        compat_text(release(x), 429, "Too many requests of this account.");
        return false;
}

static void identified(struct exchange *x, const struct addr *wallet)
{
        struct call *call = x->call;

        call->has_session = true;
        call->session.address = *wallet;
        call->account = *wallet;
        if (x->is_multi_sig)
                call->session.address = call->account = x->multi_sig_user;
        if (x->request.envelope.has_vault)
                call->account = x->request.envelope.vault;
        call->for_sub_account = !hex_addr_equal(&call->account, &call->session.address);
        if (!pay_for_account(x))
                return;
        if (call->brand->terms_required && x->rule == ACTION_OPENS)
                accounts_get(call->api->accounts, call->brand->id, &call->session.address,
                             terms_read, x);
        else
                admit(x);
}

static void hinted(void *cookie, const char *text)
{
        struct exchange *x = cookie;
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_SIGNATURE_MISMATCH,
                      "The venue knows nobody by the signer's address.");
        count(x, "unknown_signer");
        compat_answer_refuse(release(x), &err, text);
}

static void found(void *cookie, const struct compat_who *who)
{
        struct exchange *x = cookie;

        switch (who->standing) {
        case SIGNER_KNOWN: identified(x, &who->account); return;
        case SIGNER_MISSING:
                compat_hint_find(x->compat, x->call, &x->request, &x->signer, hinted, x);
                return;
        case SIGNER_UNRESOLVED: break;
        }
        /* To close and to withdraw stays possible, if not for everybody at once: the venue judges. */
        if (may_open(x))
                give_up(x, &who->err);
        else if (compat_pay(x->call, x->compat, COMPAT_ACTIONS, STRANGER_WEIGHT))
                identified(x, &x->signer);
        else
                (void)release(x);
}

static void find(struct exchange *x)
{
        enum errc rc =
                hl_raw_recover(x->compat->api->o.secp, &x->signer, &x->request, is_mainnet(x));
        struct compat_who who;
        struct err err = {.code = E_OK};

        if (rc) {
                (void)err_set(&err, E_SIGNATURE_MISMATCH, "%s",
                              rc == E_INVALID ? "The action names another network."
                                              : "No signer can be recovered.");
                refuse(x, &err,
                       rc != E_INVALID ? "Unable to recover signer."
                       : is_mainnet(x) ? "Invalid chain: this venue is Mainnet."
                                       : "Invalid chain: this venue is Testnet.");
        } else if (compat_signer_known(x->compat, &x->signer, &who)) {
                found(x, &who);
        } else {
                compat_signer_ask(x->compat, x->call, &x->signer, found, x);
        }
}

/* --- what --- */

/* Of a wrapper, the action inside is what is judged. */
static bool unwrap(struct exchange *x)
{
        struct hl_multi_sig multi;
        enum hl_raw_kind kind;

        x->inner = x->request;
        if (x->request.kind != HL_RAW_MULTI_SIG)
                return true;
        if (hl_multi_sig_read(&multi, x->request.action, NULL))
                return false;
        x->is_multi_sig = true;
        x->multi_sig_user = multi.user;
        x->inner.action = multi.action;
        x->inner.type = hl_raw_get_text(multi.action, "type", NULL);
        kind = x->inner.type ? hl_raw_kind(x->inner.type) : HL_RAW_UNKNOWN;
        x->inner.kind = kind;
        return kind != HL_RAW_UNKNOWN && kind != HL_RAW_MULTI_SIG;
}

static bool is_well_formed(struct exchange *x)
{
        struct eip712_result digest;

        switch (x->inner.kind) {
        case HL_RAW_TYPED: return hl_raw_action(&x->owned, x->inner.action, NULL) == E_OK;
        case HL_RAW_USER:
                return x->is_multi_sig ||
                       hl_raw_user_digest(&digest, x->inner.action, NULL) == E_OK;
        case HL_RAW_L1: return true;
        case HL_RAW_MULTI_SIG:
        case HL_RAW_UNKNOWN: return false;
        }
        never("kind of an action");
}

static void decide(struct exchange *x)
{
        struct err err = {.code = E_OK};
        unsigned items = compat_action_items(x->inner.action);

        if (items > HL_BATCH_MAX) {
                (void)err_set(&err, E_TOO_LARGE, "The action has too many items.");
                refuse(x, &err, "Signed action over weight limit of 200.");
                return;
        }
        x->rule = compat_action_rule(x->inner.type, x->inner.action, typed(x));
        if (x->rule == ACTION_NOT_OFFERED) {
                (void)err_set(&err, E_FORBIDDEN, "%.60s is not offered here.", x->inner.type);
                refuse_err(x, &err);
                return;
        }
        if (compat_pay(x->call, x->compat, COMPAT_ACTIONS, 1 + items / ITEMS_PER_WEIGHT))
                find(x);
        else
                (void)release(x);
}

void compat_exchange_run(struct compat *compat, struct call *call)
{
        struct exchange *x = xcalloc(1, sizeof *x);
        enum errc rc = E_SYNTAX;

        x->compat = compat;
        x->call = call;
        x->body = hl_raw_load(call->body, call->body_len, NULL);
        if (x->body)
                rc = hl_raw_request(&x->request, x->body, NULL);
        if (rc == E_INVALID) {
                struct err err = {.code = E_INVALID};
                refuse(x, &err, "Invalid nonce: the action names another nonce.");
        } else if (rc || !unwrap(x) || !is_well_formed(x)) {
                count(x, "malformed");
                compat_text(release(x), 422, COMPAT_422);
        } else {
                decide(x);
        }
}
