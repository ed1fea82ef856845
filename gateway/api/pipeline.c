#include "api/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "api/accounts.h"
#include "api/admit.h"
#include "api/identity.h"
#include "api/markets.h"
#include "api/policy.h"
#include "api/prepare.h"
#include "api/route.h"
#include "api/run.h"
#include "base/log.h"
#include "base/mem.h"

/* --- the line for account and symbol --- */

/* Whoever waited longer than a signed action lives has long been told to give up: an order that is
 * minutes old is not what the trader wants now. */
static void entered(struct turnstile_pass *pass)
{
        struct run *run = list_entry(pass, struct run, pass);
        const struct api *api = run->api;
        int64_t waited = clock_mono_ms(api->o.clock) - run->call->started_mono_ms;

        if (!api->o.expires_after_ms || waited <= api->o.expires_after_ms) {
                pipeline_next(run);
                return;
        }
        (void)err_set(&run->err, E_VENUE_UNAVAILABLE,
                      "The request waited too long behind others%s%s; nothing was sent.",
                      run->q.symbol[0] ? " on " : "", run->q.symbol);
        pipeline_fail(run);
}

static void stage_gate(struct run *run)
{
        /* What only shows changes nothing, and a cancel must not wait behind an order. */
        if (run->q.preview || run->q.kind == RUN_CANCEL || run->q.prepare) {
                pipeline_next(run);
                return;
        }
        if (turnstile_enter(run->api->turnstile, &run->pass, &run->call->account, run->q.symbol,
                            entered)) {
                (void)err_set(&run->err, E_RATE_LIMITED,
                              "Too many orders of this account wait%s%s.",
                              run->q.symbol[0] ? " on " : "", run->q.symbol);
                pipeline_fail(run);
        }
}

/* --- whether risk may be opened from there, and by whom --- */

bool pipeline_opens_risk(const struct run *run)
{
        switch (run->q.kind) {
        case RUN_PLACE: return !run->q.order.reduce_only;
        case RUN_MODIFY: return !run->old.reduce_only;
        case RUN_LEVERAGE:
        case RUN_MARGIN:
        case RUN_SUB_ACCOUNT: return true;
        case RUN_SIZE:
        case RUN_CLOSE:
        case RUN_CANCEL:
        case RUN_TPSL:
        case RUN_SUB_TRANSFER: return false;
        }
        return true;
}

enum errc pipeline_admit(const struct run *run, const struct call *call, struct err *err)
{
        if (run->q.kind == RUN_SUB_TRANSFER && run->q.is_deposit)
                return admit_check(call, ADMIT_FUNDS_IN, err);
        return pipeline_opens_risk(run) ? admit_check(call, ADMIT_OPENING, err) : E_OK;
}

static void stage_admit(struct run *run)
{
        /* What is prepared is judged when it is to be sent. */
        if (!run->q.preview && !run->q.prepare && pipeline_admit(run, run->call, &run->err))
                pipeline_fail(run);
        else
                pipeline_next(run);
}

/* --- who trades, and with which key --- */

static void account_read(void *cookie, enum errc rc, const struct store_account *account)
{
        struct run *run = cookie;

        if (rc) {
                (void)err_set(&run->err, rc, "%s", err_text(rc));
        } else {
                run->account = *account;
                if (!run->q.preview && !run->q.prepare &&
                    !(account->has_agent && account->agent_approved))
                        (void)err_set(&run->err, E_AGENT, "%s", err_text(E_AGENT));
        }
        if (run->err.code)
                pipeline_fail(run);
        else
                pipeline_next(run);
}

static void stage_account(struct run *run)
{
        accounts_get(run->api->accounts, run->call->brand->id, &run->call->session.address,
                     account_read, run);
}

/* --- what the brand permits --- */

/* What can be refused without asking the venue is refused here. The polled prices are not used: they
 * may be seconds old, and plan_order_build looks again with those that are read. */
static enum errc check_order(struct run *run)
{
        struct market unpriced = run->market;

        unpriced.context_at = 0;
        return plan_order_check(&run->q.order, &unpriced, &run->policy,
                                run->venue->ops->caps(run->venue), run->venue->ops, &run->err);
}

static void stage_policy(struct run *run)
{
        const struct brand *b = run->call->brand;
        const struct market *m = run->venue->ops->market_by_symbol(run->venue, run->q.symbol);
        /* What a trader holds can be closed and cancelled, offered or not. */
        bool leaving =
                run->q.kind == RUN_CLOSE || run->q.kind == RUN_CANCEL || run->q.kind == RUN_TPSL;

        if (!pipeline_has_market(run->q.kind)) {
                pipeline_next(run);
                return;
        }
        if (!m || (!leaving && !brand_offers(b, m->symbol))) {
                (void)markets_refuse(run->venue, b, run->q.symbol, &run->err);
                pipeline_fail(run);
                return;
        }
        run->market = *m;
        policy_resolve(&run->policy, b, m, &run->account);
        if (run->q.kind == RUN_PLACE && check_order(run))
                pipeline_fail(run);
        else
                pipeline_next(run);
}

/* --- the plan and its risk --- */

static void build_cancel(struct run *run)
{
        struct plan_step *step = &run->plan.step[0];

        run->plan.n_steps = run->q.n_cancels ? 1 : 0;
        run->plan.order_step = run->plan.adjust_step = -1;
        step->name = "cancel";
        step->status = STEP_PENDING;
        step->action.kind = VENUE_CANCEL;
        step->action.u.cancel.n = run->q.n_cancels;
        memcpy(step->action.u.cancel.cancel, run->q.cancel, sizeof run->q.cancel);
}

/* The mirror may be behind what was done elsewhere, a deposit above all: nothing is refused on its word
 * alone. */
static bool may_look_again(const struct run *run)
{
        return !run->is_second_look && pipeline_has_market(run->q.kind);
}

static enum errc build_order(struct run *run, const struct plan_inputs *in)
{
        enum errc rc = E_OK;

        /* What is set at the venue may be more than the brand permits. */
        if (run->q.keeps_setting)
                rc = check_order(run);
        return rc ? rc : plan_order_build(&run->plan, &run->q.order, in, run->cloid, &run->err);
}

static void stage_build(struct run *run)
{
        struct plan_inputs in = {
                .market = &run->market,
                .caps = run->venue->ops->caps(run->venue),
                .policy = &run->policy,
                .account = &run->before,
                .setting = &run->setting,
                .book = run->has_book ? &run->book : NULL,
                .fees = &run->facts.fees,
                .open_orders = run->orders,
                .n_open_orders = run_read_plans_orders(run) ? run->n_orders : 0,
                .rules = run->venue->ops,
        };
        enum errc rc = E_OK;

        identity_cloids(run->cloid, 3, run->call);
        switch (run->q.kind) {
        case RUN_PLACE: rc = build_order(run, &in); break;
        case RUN_CLOSE:
                rc = plan_close_build(&run->plan, &in, run->q.symbol, (struct qty){0},
                                      run->policy.max_slippage, &run->cloid[0], &run->err);
                break;
        case RUN_LEVERAGE:
                rc = plan_leverage_build(&run->plan, &in,
                                         run->q.has_mode ? run->q.mode : run->setting.mode,
                                         run->q.leverage, &run->err);
                break;
        case RUN_MARGIN:
                if (run->q.target.has_price || run->q.target.has_leverage)
                        rc = plan_margin_target_build(&run->plan, &in, &run->q.target, &run->err);
                else
                        rc = plan_margin_build(&run->plan, &in, run->q.amount, &run->err);
                break;
        case RUN_SIZE:
                rc = plan_sized_build(&run->plan, &run->sized, &run->q.sized, &in, run->cloid,
                                      &run->err);
                break;
        case RUN_CANCEL: build_cancel(run); break;
        case RUN_SUB_ACCOUNT:
        case RUN_SUB_TRANSFER: run_sub_build(run); break;
        case RUN_TPSL:
                rc = plan_tpsl_build(&run->plan, &in, &run->q.tpsl, run->cloid, &run->err);
                break;
        case RUN_MODIFY:
                rc = plan_modify_build(&run->plan, &in, &run->old, &run->q.change, &run->cloid[0],
                                       &run->err);
                break;
        }
        if (rc && may_look_again(run)) {
                run->stage--;
                run_read_again(run);
                return;
        }
        if (rc) {
                (void)err_set(&run->err, rc, "%s", err_text(rc));
                pipeline_fail(run);
                return;
        }
        pipeline_next(run);
}

/* A preview ends here; so, for now, does what its trader is to sign. */
static void stage_preview(struct run *run)
{
        if (run->q.prepare) {
                run_journal_prepare(run);
                return;
        }
        if (!run->q.preview) {
                pipeline_next(run);
                return;
        }
        struct call *call = run->call;
        struct buf body;
        buf_init(&body, 1u << 20);
        int status = run_answer(run, &body);
        run->call = NULL;
        call_reply(call, status, &body);
        pipeline_free(run);
}

static void stage_answer(struct run *run)
{
        struct call *call = run->call;

        run->call = NULL;
        call_reply_raw(call, run->intent.answer_status,
                       run_answer_is_problem(run) ? "application/problem+json" : "application/json",
                       run->intent.answer, strlen(run->intent.answer), NULL, 0);
        pipeline_free(run);
}

/* The way of a request, in order. */
static void (*const stages[])(struct run *run) = {
        run_find,      /* the order that a modification is of, and with it the market */
        stage_gate,    /* one plan at a time per account and symbol */
        stage_admit,   /* region, address, terms: closing is always possible */
        stage_account, /* the trader's record: agent, approved fee */
        stage_policy,  /* the brand's rules, and all that needs no reading */
        run_read,      /* account, setting, book, fees */
        stage_build,   /* size, price, steps, risk, refusals */
        stage_preview, /* what is previewed or prepared stops before the journal */
        run_journal,   /* on disk before any bytes leave */
        run_execute,   /* sign and send, step by step */
        run_settle,    /* the outcome, on disk */
        stage_answer,
};

void pipeline_next(struct run *run)
{
        must(run->stage < sizeof stages / sizeof stages[0]);
        stages[run->stage++](run);
}

void pipeline_fail(struct run *run)
{
        struct call *call = run->call;
        struct err err = run->err;

        must(!run->journaled);
        run->call = NULL;
        log_event(LOG_INFO, "request refused", "request", call->request_id, "route",
                  call->route->path, "brand", call->brand->id, "code", err_wire(err.code), "detail",
                  err.detail, NULL);
        call_fail(call, &err);
        pipeline_free(run);
}

void pipeline_free(struct run *run)
{
        must(!run->call);
        turnstile_leave(run->api->turnstile, &run->pass);
        venue_account_fini(&run->before);
        venue_account_fini(&run->after);
        venue_compiled_fini(&run->compiled);
        free(run->orders);
        free(run->orders_after);
        free(run->subs_before);
        free(run->asked);
        run_letters_fini(run);
        free((void *)(uintptr_t)run->intent.answer);
        free((void *)(uintptr_t)run->intent.request);
        run->api->open_runs--;
        free(run);
}

void pipeline_start(struct call *call, const struct run_request *request)
{
        struct run *run = xcalloc(1, sizeof *run);

        run->api = call->api;
        run->call = call;
        run->venue = call->api->o.venue;
        run->q = *request;
        run->api->open_runs++;
        list_init(&run->pass.link);
        identity_digest(run->digest, call);
        if (prepare_is_asked(&run->q, call, &run->err))
                pipeline_fail(run);
        else
                pipeline_next(run);
}

/* --- a prepared plan, signed --- */

static void resumed(struct turnstile_pass *pass)
{
        struct run *run = list_entry(pass, struct run, pass);

        if ((int64_t)run->intent.step[0].expires_after > state_now(run->api)) {
                pipeline_next(run);
                return;
        }
        (void)err_set(&run->err, E_VENUE_UNAVAILABLE,
                      "The plan expired while it waited behind others on %s; nothing was sent.",
                      run->q.symbol);
        pipeline_fail(run);
}

void pipeline_resume(struct run *run, struct call *call)
{
        run->call = call;
        run->q.prepare = false;
        run->api->open_runs++;
        identity_digest(run->digest, call);
        for (run->stage = 0; stages[run->stage] != run_journal; run->stage++)
                must(run->stage + 1 < sizeof stages / sizeof stages[0]);
        if (run->q.kind == RUN_CANCEL) {
                resumed(&run->pass);
                return;
        }
        if (turnstile_enter(run->api->turnstile, &run->pass, &call->account, run->q.symbol,
                            resumed)) {
                (void)err_set(&run->err, E_RATE_LIMITED,
                              "Too many orders of this account wait on %s.", run->q.symbol);
                pipeline_fail(run);
        }
}
