#include "plan/plan.h"

#include <string.h>

#include "base/mem.h"
#include "plan/plan_build.h"

const char *step_status_name(enum step_status status)
{
        switch (status) {
        case STEP_PENDING: return "pending";
        case STEP_SENT: return "sent";
        case STEP_DONE: return "done";
        case STEP_SKIPPED: return "skipped";
        case STEP_FAILED: return "failed";
        case STEP_UNKNOWN: return "unknown";
        }
        must_failed("a step status", __FILE__, __LINE__);
}

void plan_start(struct plan *plan, const struct market *m)
{
        memset(plan, 0, sizeof *plan);
        (void)text_copy(plan->symbol, sizeof plan->symbol, m->symbol);
        plan->asset = m->asset;
        plan->order_step = -1;
        plan->adjust_step = -1;
        plan->risk.source = SOURCE_EXACT;
}

struct plan_step *plan_add_step(struct plan *plan, enum venue_action_kind kind, const char *name)
{
        struct plan_step *step;

        must(plan->n_steps < PLAN_STEPS_MAX);
        step = &plan->step[plan->n_steps++];
        memset(step, 0, sizeof *step);
        step->name = name;
        step->action.kind = kind;
        step->action.asset = plan->asset;
        return step;
}

static bool is_legal(enum step_status from, enum step_status to)
{
        switch (from) {
        case STEP_PENDING: return to == STEP_SENT || to == STEP_SKIPPED || to == STEP_FAILED;
        case STEP_SENT: return to == STEP_DONE || to == STEP_FAILED || to == STEP_UNKNOWN;
        case STEP_UNKNOWN: return to == STEP_DONE || to == STEP_FAILED;
        case STEP_DONE:
        case STEP_SKIPPED:
        case STEP_FAILED: return false;
        }
        must_failed("a step status", __FILE__, __LINE__);
}

void plan_step_set(struct plan *plan, unsigned i, enum step_status status, const struct err *err)
{
        must(i < plan->n_steps);
        must(is_legal(plan->step[i].status, status));
        plan->step[i].status = status;
        if (err)
                plan->step[i].err = *err;
        else
                plan->step[i].err = (struct err){0};
}

/* Only the detail is set: a step that had nothing to do is no error. */
static void skip(struct plan *plan, const char *why)
{
        struct err reason = {0};

        (void)text_copy(reason.detail, sizeof reason.detail, why);
        plan->step[plan->adjust_step].amount_pending = false;
        plan_step_set(plan, (unsigned)plan->adjust_step, STEP_SKIPPED, &reason);
}

/* The collateral this fill should leave: what was there, and the asked margin's filled share. */
static enum errc target_after(struct usd *out, const struct plan *plan, struct qty filled)
{
        struct usd share;
        enum errc rc;

        rc = num_muldiv(&share.v, plan->margin_asked.v, filled.v, plan->size.v, NUM_DOWN);
        if (rc)
                goto done;
        rc = num_usd_add(out, plan->collateral_before, share);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, NUM_MICRO, NUM_DOWN);
done:
        return rc;
}

/* Settles the amount from the position as it is now. */
static enum errc settle(struct plan *plan, struct qty filled, const struct venue_position *held,
                        const struct margin_cross *cross)
{
        struct plan_step *step = &plan->step[plan->adjust_step];
        struct margin_figures figures;
        struct usd amount;
        enum errc rc;

        rc = target_after(&step->target_collateral, plan, filled);
        if (rc)
                goto done;
        rc = margin_position_figures(&figures, &held->p, cross);
        if (rc)
                goto done;
        rc = num_usd_sub(&amount, step->target_collateral, figures.collateral);
        if (rc)
                goto done;
        amount.v = num_to_step(amount.v, NUM_MICRO, NUM_DOWN);
        if (!amount.v) {
                skip(plan, "There is nothing to move: the collateral is what was asked for.");
        } else if (amount.v < 0 && -amount.v > figures.removable.v) {
                skip(plan, "The position took more collateral than asked for, and the venue's "
                           "transfer requirement keeps it there.");
        } else {
                step->action.u.margin.amount = amount;
                step->amount_pending = false;
        }
done:
        return rc;
}

/* The account may have been read before the fill reached it, or after another order's. The collateral seen
 * then is not what this order left: margin moved by it would be money that nobody asked to move. */
enum errc plan_adjust_after_fill(struct plan *plan, struct qty filled,
                                 const struct venue_account *account)
{
        const struct venue_position *held;
        enum errc rc = 0;

        if (plan->adjust_step < 0 || !plan->step[plan->adjust_step].amount_pending)
                goto done;
        if (filled.v <= 0) {
                skip(plan, "Nothing has filled yet; the venue takes notional / leverage when it "
                           "does.");
                goto done;
        }
        if (filled.v > plan->size.v)
                filled = plan->size;
        held = plan_read_held(account, plan->symbol);
        if (!held || held->p.mode != MARGIN_ISOLATED) {
                skip(plan, "There is no isolated position left to adjust.");
                goto done;
        }
        if (num_abs(held->p.size.v) !=
            num_abs(plan->risk.size_after.v) - (plan->size.v - filled.v)) {
                skip(plan,
                     "The position is not what this order alone made it: its margin is left as "
                     "it is.");
                goto done;
        }
        rc = settle(plan, filled, held, &account->cross);
done:
        return rc;
}

int plan_put_back(struct plan *plan)
{
        struct plan_step *step;

        if (!plan->leverage_changed || plan->step[0].action.kind != VENUE_SET_LEVERAGE ||
            plan->step[0].status != STEP_DONE || plan->step[plan->n_steps - 1].is_put_back)
                return -1;
        step = plan_add_step(plan, VENUE_SET_LEVERAGE, "setLeverage");
        step->is_put_back = true;
        step->action.u.leverage.mode = plan->mode_before;
        step->action.u.leverage.leverage = plan->leverage_before;
        return (int)plan->n_steps - 1;
}
