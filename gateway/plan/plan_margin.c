#include "plan/plan_build.h"

/* The venue judges by the mark of its own moment: a brand may leave it to the venue. */
static enum errc refuse_or_warn(struct plan *plan, bool warns, const struct err *said,
                                struct err *err)
{
        if (!warns) {
                *err = *said;
                return said->code;
        }
        plan_say_warning(&plan->risk, err_wire(said->code), "%s", said->detail);
        return 0;
}

static enum errc not_removable(struct err *err, const char *why, struct usd removable)
{
        char text[NUM_STR_MAX];

        err_field(err, E_MARGIN_NOT_REMOVABLE, "amount", "%s", why);
        err_hint(err, "at most %s can be removed", plan_say_usd(text, removable));
        return E_MARGIN_NOT_REMOVABLE;
}

/* What stays must carry the position at its leverage, and be a tenth of its value at least. */
static enum errc check_removal(struct plan *plan, const struct plan_inputs *in,
                               const struct margin_figures *f,
                               const struct margin_position *position, struct usd amount,
                               struct err *err)
{
        struct err said = {0};
        char asked[NUM_STR_MAX], has[NUM_STR_MAX], stay[NUM_STR_MAX], most[NUM_STR_MAX];
        struct usd must_stay;
        enum errc rc;

        if (!in->caps->can_remove_margin || !in->market->margin_removable)
                return not_removable(err,
                                     "margin can't be removed on this market; it leaves when the "
                                     "position is reduced",
                                     (struct usd){0});
        rc = margin_transfer_requirement(&must_stay, position->value, position->leverage);
        if (rc)
                return rc;
        if (-amount.v <= f->removable.v)
                return 0;
        err_field(&said, E_MARGIN_NOT_REMOVABLE, "amount",
                  "%s can't be removed: of %s at least %s must stay, %s is removable",
                  plan_say_usd(asked, (struct usd){-amount.v}), plan_say_usd(has, f->margin_used),
                  plan_say_usd(stay, must_stay), plan_say_usd(most, f->removable));
        err_hint(&said, "at most %s can be removed", most);
        return refuse_or_warn(plan, in->policy->warn_removal, &said, err);
}

static enum errc check_adding(struct plan *plan, const struct plan_inputs *in,
                              const struct margin_cross *cross, struct usd amount, struct err *err)
{
        struct err said = {0};
        char asked[NUM_STR_MAX], has[NUM_STR_MAX];
        struct usd available;
        enum errc rc;

        rc = margin_free(&available, cross);
        if (rc || amount.v <= available.v)
                return rc;
        err_field(&said, E_MARGIN, "amount", "needs %s, free is %s", plan_say_usd(asked, amount),
                  plan_say_usd(has, available));
        err_hint(&said, "at most %s", has);
        return refuse_or_warn(plan, in->policy->warn_margin, &said, err);
}

static enum errc check_amount(const struct plan_inputs *in, const struct venue_position *held,
                              struct usd amount, struct err *err)
{
        if (!held)
                return err_set(err, E_NOT_FOUND, "There is no open position in %s.",
                               in->market->symbol);
        if (held->p.mode != MARGIN_ISOLATED)
                return err_set(err, E_INVALID,
                               "The position in %s is cross: its margin is the whole balance and "
                               "can't be moved. Deposit or withdraw instead.",
                               in->market->symbol);
        if (!amount.v || amount.v == INT64_MIN)
                return err_field(err, E_INVALID, "amount", "must not be 0");
        if (amount.v % NUM_MICRO)
                return err_field(err, E_INVALID, "amount", "must be whole units of 0.000001");
        return 0;
}

/* What is removed brings the liquidation price nearer: the same holds as when it was opened. */
static enum errc check_nearer(struct plan *plan, const struct plan_inputs *in,
                              const struct venue_position *held, struct err *err)
{
        struct plan_build b = {.plan = plan, .in = in, .err = err, .held = held};
        struct margin_liquidation after;
        enum errc rc;

        rc = margin_liquidation(&after, &plan->position_after, &plan->cross_after);
        if (!rc)
                rc = plan_risk_check_distance(&b, &after);
        if (!rc)
                rc = plan_risk_check_standing_stops(&b, &after);
        return rc;
}

enum errc plan_margin_build(struct plan *plan, const struct plan_inputs *in, struct usd amount,
                            struct err *err)
{
        const struct venue_position *held = plan_read_held(in->account, in->market->symbol);
        struct margin_position position;
        struct margin_figures figures;
        struct margin_cross cross;
        struct plan_step *step;
        unsigned unknown;
        enum errc rc;

        plan_start(plan, in->market);
        rc = check_amount(in, held, amount, err);
        if (rc)
                goto done;
        position = held->p;
        rc = plan_read_cross(&cross, &unknown, in);
        if (rc)
                goto done;
        rc = margin_position_figures(&figures, &position, &cross);
        if (rc)
                goto done;
        rc = amount.v < 0 ? check_removal(plan, in, &figures, &position, amount, err)
                          : check_adding(plan, in, &cross, amount, err);
        if (rc)
                goto done;
        rc = margin_apply_transfer(&position, &cross, amount);
        if (rc)
                goto done;
        step = plan_add_step(plan, VENUE_ADJUST_MARGIN, "adjustMargin");
        step->action.u.margin.amount = amount;
        plan->adjust_step = (int)plan->n_steps - 1;
        plan->collateral_before = figures.collateral;
        rc = num_usd_add(&step->target_collateral, figures.collateral, amount);
        if (rc)
                goto done;
        if (amount.v > 0)
                plan->risk.margin_required = amount;
        rc = plan_risk_fill(plan, &position, &cross);
        if (!rc && amount.v < 0)
                rc = check_nearer(plan, in, held, err);
        plan_risk_note_tiers(&plan->risk, held);
done:
        return rc;
}
