/* Executing a plan: sign, send, and what each outcome means for the rest.
 * A step ends done, failed or unknown. After an unknown one the venue is asked what happened before
 * anything else is sent; while that can't be told, nothing more is sent for this plan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "api/mirrored.h"
#include "api/run.h"
#include "base/log.h"
#include "base/mem.h"
#include "plan/order_life.h"

/* --- one step after another --- */

static void execute_step(struct run *run);
static void step_over(struct run *run);
static void look_up_order(struct run *run);

static void fail_step(struct run *run, const struct err *err)
{
        plan_step_set(&run->plan, run->step, STEP_FAILED, err);
        if (!run->err.code)
                run->err = *err;
}

static void take_items(struct run *run, const struct venue_outcome *outcome)
{
        /* An outcome has room for a batch of cancels; an order fills little of it. */
        run->outcome.result = outcome->result;
        run->outcome.n_items = outcome->n_items;
        memmove(run->outcome.item, outcome->item, outcome->n_items * sizeof outcome->item[0]);
        run->has_outcome = true;
        for (unsigned i = 0; i < outcome->n_items && i < run->intent.n_orders; i++)
                run->intent.order[i].oid = outcome->item[i].oid;
}

static void warn_of_refused_legs(struct run *run, const struct venue_outcome *outcome)
{
        const struct venue_action *a = &run->plan.step[run->step].action;
        /* Without an order that they follow, all are legs. */
        unsigned first = a->u.order.legs_of_position ? 0 : 1;

        for (unsigned i = first; i < outcome->n_items && i < a->u.order.n; i++)
                if (outcome->item[i].status == ITEM_REFUSED)
                        plan_say_refused_leg(&run->plan.risk, a->u.order.order[i].trigger,
                                             outcome->item[i].refusal);
}

/* Where some of a position's new protection was refused, the old of its kind stays. */
static void keep_what_protects(struct run *run, const struct venue_outcome *outcome)
{
        const struct venue_action *a = &run->plan.step[run->step].action;

        for (unsigned i = 0; i < outcome->n_items && i < a->u.order.n; i++)
                if (outcome->item[i].status == ITEM_REFUSED)
                        plan_tpsl_keep_old(&run->plan, a->u.order.order[i].trigger);
}

static void step_done(struct run *run, const struct venue_outcome *outcome)
{
        const struct venue_action *action = &run->plan.step[run->step].action;
        enum venue_action_kind kind = action->kind;
        bool is_of_position = kind == VENUE_ORDER && action->u.order.legs_of_position;

        /* An order's outcome is not overwritten by a cancel that follows it. */
        if (kind == VENUE_ORDER || kind == VENUE_MODIFY ||
            (kind == VENUE_CANCEL && run->plan.order_step < 0))
                take_items(run, outcome);
        if ((kind == VENUE_ORDER || kind == VENUE_MODIFY) && !is_of_position && outcome->n_items &&
            outcome->item[0].status == ITEM_REFUSED) {
                struct err err;
                venue_item_err(&err, &outcome->item[0]);
                fail_step(run, &err);
        } else {
                plan_step_set(&run->plan, run->step, STEP_DONE, NULL);
        }
        if (kind == VENUE_CREATE_SUB_ACCOUNT)
                run_sub_made(run, &outcome->created);
        if (kind == VENUE_ORDER)
                warn_of_refused_legs(run, outcome);
        if (is_of_position)
                keep_what_protects(run, outcome);
        step_over(run);
}

static void step_unknown(struct run *run)
{
        bool is_before_order = (int)run->step < run->plan.order_step;
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_OUTCOME_UNKNOWN, "%s",
                      is_before_order ? "The venue did not say whether it set the leverage; the "
                                        "order was not sent."
                                      : err_text(E_OUTCOME_UNKNOWN));
        plan_step_set(&run->plan, run->step, STEP_UNKNOWN, &err);
        /* What was refused stays refused, even if it is unknown whether the leverage was put back. */
        if (!run->err.code)
                run->err = err;
        run->unknown = true;
        log_event(LOG_WARN, "outcome unknown", "request", run->call->request_id, "step",
                  run->plan.step[run->step].name, NULL);
        step_over(run);
}

/* After a time-out: what the venue knows of the order decides. Not found says nothing yet: the action
 * may still arrive before it expires. */
static void order_looked_up(void *cookie, const struct err *err,
                            const struct venue_order_status *status)
{
        struct run *run = cookie;
        const struct venue_action *a = &run->plan.step[run->step].action;
        struct venue_outcome *outcome = &run->outcome;
        struct venue_item *item = &outcome->item[outcome->n_items];

        if (err->code || !status->found || !order_life_item(item, status)) {
                step_unknown(run);
                return;
        }
        outcome->n_items++; /* its average is not told here: it stays unknown */
        /* The legs of an order follow it; those of a position are orders of their own. */
        if (a->u.order.legs_of_position && outcome->n_items < a->u.order.n)
                look_up_order(run);
        else
                step_done(run, outcome);
}

static void setting_looked_up(void *cookie, const struct err *err, const struct venue_setting *s)
{
        struct run *run = cookie;
        const struct venue_action *a = &run->plan.step[run->step].action;
        struct venue_outcome outcome = {.result = VENUE_DONE};

        if (!err->code && s->mode == a->u.leverage.mode && s->leverage == a->u.leverage.leverage)
                step_done(run, &outcome);
        else
                step_unknown(run);
}

static void look_up_order(struct run *run)
{
        const struct venue_action *a = &run->plan.step[run->step].action;

        mirrored_lookup(run->api, &run->call->account,
                        &a->u.order.order[run->outcome.n_items].cloid, 0, order_looked_up, run);
}

static void sub_found_out(struct run *run, bool is_done)
{
        struct venue_outcome outcome = {.result = VENUE_DONE, .created = run->sub_made};

        if (is_done)
                step_done(run, &outcome);
        else
                step_unknown(run);
}

static void find_out(struct run *run)
{
        const struct venue_action *a = &run->plan.step[run->step].action;
        const struct addr *user = &run->call->account;

        switch (a->kind) {
        case VENUE_ORDER:
        case VENUE_MODIFY:
                run->outcome.result = VENUE_DONE;
                run->outcome.n_items = 0;
                look_up_order(run);
                break;
        case VENUE_SET_LEVERAGE:
                run->venue->ops->read_setting(run->venue, user, &run->market, setting_looked_up,
                                              run);
                break;
        case VENUE_ADJUST_MARGIN:   /* funding moves it too: reading proves nothing */
        case VENUE_SCHEDULE_CANCEL: /* no way to ask; another takes its place */
        case VENUE_CANCEL: step_unknown(run); break;
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_FUND_SUB_ACCOUNT: run_sub_find_out(run, sub_found_out); break;
        }
}

static void submitted(void *cookie, const struct venue_outcome *outcome)
{
        struct run *run = cookie;

        switch (outcome->result) {
        case VENUE_DONE: step_done(run, outcome); break;
        case VENUE_REFUSED:
                fail_step(run, &outcome->err);
                step_over(run);
                break;
        case VENUE_UNKNOWN: find_out(run); break;
        }
}

/* What is signed is on disk: it may go. */
static void send_signed(struct run *run)
{
        struct err err = {.code = E_OK};

        if (run->api->ended) {
                (void)err_set(&err, E_DRAINING, "The gateway ended before this was sent.");
                fail_step(run, &err);
                step_over(run);
                return;
        }
        plan_step_set(&run->plan, run->step, STEP_SENT, NULL);
        mirrored_submit(run->api, &run->call->account, &run->plan.step[run->step].action,
                        &run->compiled, &run->given[run->step], submitted, run);
}

static void step_failed(struct run *run, enum errc rc, struct err *err)
{
        (void)err_set(err, rc, "%s", err_text(rc));
        fail_step(run, err);
        step_over(run);
}

static void step_journaled(void *cookie, enum errc rc)
{
        struct run *run = cookie;
        struct err err = {.code = E_OK};

        if (rc)
                step_failed(run, rc, &err);
        else
                send_signed(run);
}

/* Compiled already, unless another step was compiled since: exactly what was journaled is sent. */
static void compile_and_send(struct run *run, uint64_t nonce)
{
        const struct store_intent_step *noted = &run->intent.step[run->step];
        bool on_disk = !sodium_is_zero(noted->digest.b, sizeof noted->digest.b);
        struct err err = {.code = E_OK};
        enum errc rc;

        if (on_disk) {
                rc = run_letters_recompile(run, run->step, &err);
        } else {
                rc = run_compile(run, run->step, nonce, &err);
                if (!rc)
                        rc = run_letters_add(run, run->step, &err);
        }
        if (rc) {
                step_failed(run, rc, &err);
        } else if (on_disk) {
                send_signed(run);
        } else {
                run_note_steps(run);
                run_letters_attach(run);
                store_intent_update(run->api->o.store, &run->intent, step_journaled, run);
        }
}

static void execute_step(struct run *run)
{
        struct plan_step *step = &run->plan.step[run->step];
        uint64_t nonce = run->intent.step[run->step].nonce;

        if (step->status == STEP_SKIPPED) {
                step_over(run);
                return;
        }
        must(nonce || !run->is_given); /* what its trader signed has them all */
        if (!nonce && nonce_ledger_take(run->api->o.nonces, &run->account.agent, 1, &nonce)) {
                struct err err = {.code = E_OK};
                (void)err_set(&err, E_INTERNAL, "No nonce can be taken.");
                fail_step(run, &err);
                step_over(run);
                return;
        }
        compile_and_send(run, nonce);
}

/* Once something failed or is unknown, what would come after is not done. */
static void skip_rest(struct run *run, const char *why)
{
        struct err err = {.code = E_OK};

        text_copy(err.detail, sizeof err.detail, why);
        for (unsigned i = run->step + 1; i < run->plan.n_steps; i++)
                if (run->plan.step[i].status == STEP_PENDING && !run->plan.step[i].is_put_back)
                        plan_step_set(&run->plan, i, STEP_SKIPPED, &err);
}

/* Of a plan that its trader signed, nothing is signed here: the amount that is known now is for the
 * trader to move. */
static void leave_margin(struct run *run)
{
        const struct plan_step *step = &run->plan.step[run->step];
        struct err why = {.code = E_OK};
        char amount[NUM_STR_MAX];

        if (step->status != STEP_PENDING)
                return;
        snprintf(why.detail, sizeof why.detail,
                 "It needs a signature of its own, for which its amount is known now: POST "
                 "/v1/positions/%s/margin {\"amount\":\"%s\"}.",
                 run->plan.symbol, num_print_usd(amount, step->action.u.margin.amount));
        plan_step_set(&run->plan, run->step, STEP_SKIPPED, &why);
}

static void account_after_fill(void *cookie, const struct err *err, struct venue_account *account)
{
        struct run *run = cookie;
        struct err why = {.code = E_OK};

        run->step++;
        if (err->code) {
                why = *err;
        } else {
                run->after = *account;
                run->has_after = true;
                *account = (struct venue_account){.n_positions = 0};
                if (plan_adjust_after_fill(&run->plan, run->outcome.item[0].filled, &run->after))
                        (void)err_set(&why, E_INTERNAL, "The margin to move can't be computed.");
        }
        if (why.code) {
                /* The order stands; only the adjustment is missing, and the answer says so. */
                plan_step_set(&run->plan, run->step, STEP_FAILED, &why);
                step_over(run);
                return;
        }
        if (run->is_given)
                leave_margin(run);
        execute_step(run);
}

/* The account as it is after the order tells how much margin to move. */
static void before_adjust(struct run *run)
{
        static const struct venue_account nothing = {.n_positions = 0};

        if (run->outcome.item[0].filled.v > 0) {
                mirrored_account(run->api, &run->call->account, run->market.dex, MIRRORED_NOW,
                                 account_after_fill, run);
                return;
        }
        run->step++;
        must(plan_adjust_after_fill(&run->plan, (struct qty){0}, &nothing) == E_OK);
        execute_step(run);
}

static bool order_failed(const struct run *run)
{
        return run->plan.order_step >= 0 &&
               run->plan.step[run->plan.order_step].status == STEP_FAILED;
}

/* A step has ended: what comes next. */
static void step_over(struct run *run)
{
        enum step_status status = run->plan.step[run->step].status;

        if (status == STEP_UNKNOWN)
                skip_rest(run, "An earlier step's outcome is not known.");
        if (status == STEP_FAILED && !run->plan.step[run->step].is_put_back) {
                skip_rest(run, "An earlier step failed.");
                if (order_failed(run) && run->plan.order_step == (int)run->step)
                        (void)plan_put_back(&run->plan);
        }
        if (run->step + 1 >= run->plan.n_steps) {
                pipeline_next(run);
                return;
        }
        if (status == STEP_DONE && (int)run->step == run->plan.order_step &&
            run->plan.adjust_step == (int)run->step + 1) {
                before_adjust(run);
                return;
        }
        run->step++;
        execute_step(run);
}

void run_execute(struct run *run)
{
        run->step = 0;
        if (run->plan.n_steps == 0)
                pipeline_next(run);
        else
                execute_step(run);
}
