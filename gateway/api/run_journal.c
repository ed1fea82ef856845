/* The journal's side of a run: the intent is on disk before any bytes leave, and what came of it is on
 * disk before the answer leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/out.h"
#include "api/prepare.h"
#include "api/recovery.h"
#include "api/mirrored.h"
#include "api/run.h"
#include "api/sweep.h"
#include "base/log.h"
#include "base/mem.h"

#define SIGNING_LIFE_MS 60000 /* of a prepared plan, and of what is signed of it */

/* --- the intent on disk --- */

static const char *const kind_names[] = {
        [RUN_PLACE] = "order",
        [RUN_CLOSE] = "close",
        [RUN_LEVERAGE] = "leverage",
        [RUN_MARGIN] = "margin",
        [RUN_CANCEL] = "cancel",
        [RUN_MODIFY] = "modify",
        [RUN_TPSL] = "tpsl",
        [RUN_SUB_ACCOUNT] = "subAccount",
        [RUN_SUB_TRANSFER] = "subTransfer",
        [RUN_SIZE] = "size",
};

enum intent_state run_intent_state(enum step_status status)
{
        switch (status) {
        case STEP_PENDING: return INTENT_RESERVED;
        case STEP_SENT: return INTENT_SENT;
        case STEP_DONE: return INTENT_DONE;
        case STEP_SKIPPED:
        case STEP_FAILED: return INTENT_REJECTED;
        case STEP_UNKNOWN: return INTENT_UNKNOWN;
        }
        never("step status");
}

static void intent_orders(struct run *run)
{
        struct store_intent *it = &run->intent;
        const struct venue_action *a;

        if (run->plan.order_step < 0)
                return;
        a = &run->plan.step[run->plan.order_step].action;
        for (unsigned i = 0; i < a->u.order.n; i++) {
                const struct venue_order *o = &a->u.order.order[i];
                const char *role = i == 0 && !a->u.order.legs_of_position ? "order"
                                   : o->trigger == TRIGGER_TAKE_PROFIT    ? "tp"
                                                                          : "sl";
                it->order[i].cloid = o->cloid;
                text_copy(it->order[i].role, sizeof it->order[i].role, role);
        }
        it->n_orders = a->u.order.n;
}

static void intent_fill(struct run *run)
{
        struct store_intent *it = &run->intent;
        struct call *call = run->call;

        it->id = run->cloid[0];
        text_copy(it->brand, sizeof it->brand, call->brand->id);
        it->account = call->account;
        it->signer = run->account.agent;
        it->has_master = call->for_sub_account;
        it->master = call->session.address;
        it->has_key = call->has_key;
        if (call->has_key)
                memcpy(it->key, call_key_id(call), sizeof it->key);
        text_copy(it->kind, sizeof it->kind, kind_names[run->q.kind]);
        text_copy(it->symbol, sizeof it->symbol, run->q.symbol);
        text_copy(it->client_id, sizeof it->client_id, run->q.order.client_id);
        text_copy(it->idempotency_key, sizeof it->idempotency_key, call->key);
        it->is_own_key = call->answered != NULL;
        memcpy(it->request_digest, run->digest, sizeof run->digest);
        it->created_at = it->updated_at = state_now(run->api);
        it->state = INTENT_RESERVED;
        it->reduces_risk = !pipeline_opens_risk(run);
        text_copy(it->owner, sizeof it->owner, run->api->o.node);
        it->epoch = 1;
        it->request = xstrdup(run->asked ? run->asked : call->body);
        intent_orders(run);
}

/* Copies what is known of the steps into the journal's record. */
void run_note_steps(struct run *run)
{
        struct store_intent *it = &run->intent;

        it->n_steps = run->plan.n_steps;
        for (unsigned i = 0; i < run->plan.n_steps; i++) {
                const struct plan_step *s = &run->plan.step[i];
                text_copy(it->step[i].action, sizeof it->step[i].action, s->name);
                it->step[i].state = run_intent_state(s->status);
        }
        it->updated_at = state_now(run->api);
}

static void journaled(void *cookie, enum errc rc)
{
        struct run *run = cookie;

        if (rc == E_EXISTS)
                (void)err_field(&run->err, E_IDEMPOTENCY, "clientId",
                                "was used before; so was this Idempotency-Key, if one was sent");
        else if (rc)
                (void)err_set(&run->err, rc, "%s", err_text(rc));
        if (rc) {
                pipeline_fail(run);
                return;
        }
        run->journaled = true;
        pipeline_next(run);
}

/* Compiles step i with its nonce and records digest and nonce in the journal's row. */
enum errc run_compile(struct run *run, unsigned i, uint64_t nonce, struct err *err)
{
        int64_t life = run->q.prepare ? SIGNING_LIFE_MS : run->api->o.expires_after_ms;
        uint64_t expires = life ? (uint64_t)(state_now(run->api) + life) : 0;
        enum errc rc;

        venue_compiled_fini(&run->compiled);
        if (run->q.prepare && i > 0)
                expires = run->intent.step[0].expires_after; /* it is signed as a whole */
        run->compiled = (struct venue_compiled){.nonce = 0};
        rc = run->venue->ops->compile(run->venue, &run->compiled, &run->plan.step[i].action,
                                      call_sub_account(run->call), nonce, expires, err);
        if (rc)
                return rc;
        run->intent.step[i].nonce = nonce;
        run->intent.step[i].expires_after = expires;
        run->intent.step[i].digest = run->compiled.digest;
        return E_OK;
}

static void insert(struct run *run)
{
        run_letters_attach(run);
        store_intent_insert(run->api->o.store, &run->intent, journaled, run);
}

static void insert_given(struct run *run)
{
        enum errc rc = run_letters_add_given(run, &run->err);

        (void)err_set(&run->err, rc, "%s", err_text(rc));
        if (rc) {
                pipeline_fail(run);
                return;
        }
        intent_fill(run);
        run_note_steps(run);
        insert(run);
}

/* Backwards, so that the first to be sent is the one that stays compiled. */
static enum errc compile_all(struct run *run)
{
        enum errc rc = E_OK;

        for (unsigned i = run->plan.n_steps; i-- > 0 && !rc;) {
                run->intent.step[i].nonce = run->first_nonce + i;
                if (run->plan.step[i].amount_pending)
                        continue; /* compiled when the fill is known */
                rc = run_compile(run, i, run->first_nonce + i, &run->err);
                if (!rc)
                        rc = run_letters_add(run, i, &run->err);
        }
        return rc ? rc : run_letters_add_pending(run);
}

static void nonces_ready(void *cookie, enum errc rc)
{
        struct run *run = cookie;
        unsigned n = run->plan.n_steps;

        if (!rc)
                rc = nonce_ledger_take(run->api->o.nonces, &run->account.agent, n ? n : 1,
                                       &run->first_nonce);
        if (rc) {
                (void)err_set(&run->err, rc, "%s", err_text(rc));
                pipeline_fail(run);
                return;
        }
        intent_fill(run);
        run_note_steps(run);
        if (compile_all(run)) {
                (void)err_set(&run->err, E_INTERNAL, "%s", err_text(E_INTERNAL));
                pipeline_fail(run);
                return;
        }
        insert(run);
}

void run_journal(struct run *run)
{
        if (run->is_given) {
                insert_given(run); /* compiled when it was prepared */
                return;
        }
        nonce_ledger_load(run->api->o.nonces, &run->account.agent, nonces_ready, run);
}

/* --- for a trader who signs --- */

bool run_journal_can_prepare(const struct run *run, unsigned i)
{
        return !run->plan.step[i].amount_pending;
}

static void step_to_sign(struct buf *out, struct run *run, unsigned i)
{
        const struct store_intent_step *step = &run->intent.step[i];
        char digest[HASH_STR_MAX];

        if (i) /* the first step is always one that can be signed */
                buf_putc(out, ',');
        buf_putc(out, '{');
        out_text(out, "step", run->plan.step[i].name);
        out_text(out, "digest", hex_print_hash(digest, &step->digest));
        out_int(out, "nonce", (int64_t)step->nonce);
        out_int(out, "expiresAfter", (int64_t)step->expires_after);
        out_key(out, "action");
        buf_put(out, run->compiled.body.data, run->compiled.body.len);
        out_key(out, "typedData");
        run->venue->ops->signing_data(run->venue, out, &run->compiled);
        buf_putc(out, '}');
}

static void nonces_for_signing(void *cookie, enum errc rc)
{
        struct run *run = cookie;
        struct buf steps;

        if (!rc)
                rc = nonce_ledger_take(run->api->o.nonces, &run->call->session.address,
                                       run->plan.n_steps, &run->first_nonce);
        (void)err_set(&run->err, rc, "%s", err_text(rc));
        buf_init(&steps, 1u << 18);
        buf_putc(&steps, '[');
        for (unsigned i = 0; i < run->plan.n_steps && !rc; i++) {
                if (!run_journal_can_prepare(run, i))
                        continue;
                rc = run_compile(run, i, run->first_nonce + i, &run->err);
                if (!rc)
                        step_to_sign(&steps, run, i);
        }
        buf_putc(&steps, ']');
        if (rc || buf_check(&steps)) {
                (void)err_set(&run->err, rc ? rc : E_INTERNAL, "%s", err_text(E_INTERNAL));
                pipeline_fail(run);
        } else {
                prepare_keep(run->api->prepare, run, &steps);
        }
        buf_fini(&steps);
}

/* What is to be moved then needs a signature of its own: the answer to the plan says how much. */
static void warn_of_later_margin(struct plan *plan)
{
        struct plan_risk *risk = &plan->risk;
        struct plan_warning *warning;

        if (plan->adjust_step < 0 || !plan->step[plan->adjust_step].amount_pending)
                return;
        if (risk->n_warnings == PLAN_WARNINGS_MAX)
                risk->n_warnings--; /* no other asks the trader to do something */
        warning = &risk->warning[risk->n_warnings++];
        text_copy(warning->code, sizeof warning->code, "margin_after_fill");
        snprintf(
                warning->detail, sizeof warning->detail,
                "How much margin to move is known after the fill: it is not signed with the order. "
                "The answer to the order names the amount for POST /v1/positions/%s/margin.",
                plan->symbol);
}

/* Which key will sign is not known yet: the account's own nonces serve any of its keys. */
void run_journal_prepare(struct run *run)
{
        if (run->plan.n_steps == 0) {
                prepare_nothing(run);
                return;
        }
        /* A leverage that was changed can't be put back without another signature. */
        run->plan.leverage_changed = false;
        warn_of_later_margin(&run->plan);
        nonce_ledger_load(run->api->o.nonces, &run->call->session.address, nonces_for_signing, run);
}

/* --- the result on disk --- */

static void settled(void *cookie, enum errc rc)
{
        struct run *run = cookie;

        /* What happened at the venue stays true; the intent stays open and is found out about. */
        if (rc)
                log_event(LOG_ERROR, "outcome not recorded", "request", run->call->request_id,
                          "code", err_constant(rc), NULL);
        recovery_after(run->api->recovery, &run->intent, rc);
        pipeline_next(run);
}

static void settle(struct run *run)
{
        struct buf body;

        if (run->err.code == E_BUILDER_FEE)
                accounts_forget_builder(run->api->accounts, run->call->brand->id,
                                        &run->call->session.address);
        run->intent.state = run->unknown                 ? INTENT_UNKNOWN
                            : run_answer_is_problem(run) ? INTENT_REJECTED
                                                         : INTENT_DONE;
        run_note_steps(run);
        buf_init(&body, 1u << 20);
        run->intent.answer_status = run_answer(run, &body);
        must(buf_check(&body) == E_OK);
        run->intent.answer = xstrndup((const char *)body.data, body.len);
        buf_fini(&body);
        metrics_add(run->api->o.metrics, "perpgate_actions_total",
                    log_fmt("kind=\"%s\",result=\"%s\"", run->intent.kind,
                            intent_state_name(run->intent.state)),
                    1, "Signed requests settled, by kind and result.");
        run->intent.letters = NULL; /* as they are on disk */
        sweep_watch_orders(run->api->sweep, run->call, run->market.dex, &run->plan);
        if (run->q.kind == RUN_CLOSE && !run->err.code)
                sweep_start(run->api->sweep, run->call, run->market.dex);
        store_intent_update(run->api->o.store, &run->intent, settled, run);
}

static void orders_read_after(void *cookie, const struct err *err,
                              const struct venue_open_order *orders, size_t n)
{
        struct run *run = cookie;

        if (!err->code) {
                run->orders_after = xcalloc(n + 1, sizeof *orders);
                if (n)
                        memcpy(run->orders_after, orders, n * sizeof *orders);
                run->n_orders_after = n;
        } else {
                run->has_after = false; /* a position without its protection would be a lie */
        }
        settle(run);
}

static void read_after(void *cookie, const struct err *err, struct venue_account *account)
{
        struct run *run = cookie;

        if (!err->code) {
                venue_account_fini(&run->after);
                run->after = *account;
                run->has_after = true;
                *account = (struct venue_account){.n_positions = 0};
        }
        if (run->q.kind == RUN_TPSL && run->has_after)
                mirrored_orders(run->api, &run->call->account, run->market.dex, MIRRORED_NOW,
                                orders_read_after, run);
        else
                settle(run);
}

void run_settle(struct run *run)
{
        bool shows_position = run->q.kind == RUN_LEVERAGE || run->q.kind == RUN_MARGIN ||
                              run->q.kind == RUN_CLOSE || run->q.kind == RUN_TPSL;

        if (run->q.kind == RUN_MODIFY)
                run_find_fate(run, settle);
        else if (shows_position && !run->err.code)
                mirrored_account(run->api, &run->call->account, run->market.dex, MIRRORED_NOW,
                                 read_after, run);
        else
                settle(run);
}
