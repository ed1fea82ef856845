#include <string.h>

#include "base/mem.h"
#include "plan/plan_build.h"
#include "risk/margin_target.h"

static const char *field_of(const struct plan_margin_target *target)
{
        return target->has_price ? "targetLiquidationPrice" : "targetLeverage";
}

/* The price must lie on the far side of the mark: on the near side the position would be liquidated. */
static enum errc check_price(const struct plan_inputs *in, const struct venue_position *held,
                             struct px price, struct err *err)
{
        bool is_long = held->p.size.v > 0;
        char given[NUM_STR_MAX], mark[NUM_STR_MAX];

        if (is_long ? price.v < in->market->mark.v : price.v > in->market->mark.v)
                return E_OK;
        return err_field(err, E_INVALID, "targetLiquidationPrice",
                         "%s must be %s the mark price %s for a %s", num_print_px(given, price),
                         is_long ? "below" : "above", num_print_px(mark, in->market->mark),
                         is_long ? "long" : "short");
}

static enum errc amount_for(struct usd *amount, const struct plan_inputs *in,
                            const struct venue_position *held,
                            const struct plan_margin_target *target, struct err *err)
{
        enum errc rc;

        if (target->has_leverage)
                return margin_target_leverage(amount, &held->p, target->leverage);
        rc = plan_read_prices(in->market, err);
        if (!rc)
                rc = check_price(in, held, target->price, err);
        if (!rc)
                rc = margin_target_liquidation(amount, &held->p, target->price);
        return rc;
}

/* What refuses the amount refuses the target that it follows from. */
static void rename_field(struct err *err, const char *name)
{
        for (unsigned i = 0; i < err->n_fields; i++)
                if (strcmp(err->field[i].path, "amount") == 0)
                        (void)text_copy(err->field[i].path, sizeof err->field[i].path, name);
}

enum errc plan_margin_target_build(struct plan *plan, const struct plan_inputs *in,
                                   const struct plan_margin_target *target, struct err *err)
{
        const struct venue_position *held = plan_read_held(in->account, in->market->symbol);
        struct usd amount = {0};
        enum errc rc = E_OK;

        /* Without an isolated position, plan_margin_build says why; any amount will do. */
        if (held && held->p.mode == MARGIN_ISOLATED)
                rc = amount_for(&amount, in, held, target, err);
        else
                amount.v = NUM_SCALE;
        if (rc == E_RANGE)
                rc = err_field(err, E_INVALID, field_of(target), "can't be reached");
        if (rc)
                goto done;
        if (amount.v) {
                rc = plan_margin_build(plan, in, amount, err);
                rename_field(err, field_of(target));
                goto done;
        }
        plan_start(plan, in->market);
        rc = plan_risk_fill(plan, &held->p, &in->account->cross);
        plan_risk_note_tiers(&plan->risk, held);
done:
        return rc;
}
