#include "plan/plan_build.h"

static enum errc check_tier(const struct venue_position *held, unsigned leverage, struct err *err)
{
        unsigned most = margin_max_leverage(&held->p.tiers, held->p.value);
        char value[NUM_STR_MAX];

        if (leverage <= most || leverage <= held->p.leverage)
                return 0;
        err_field(err, E_LEVERAGE, "leverage",
                  "%u is above the %u that the open position of %s may have", leverage, most,
                  plan_say_usd(value, held->p.value));
        err_hint(err, "at most %u", most);
        return E_LEVERAGE;
}

enum errc plan_leverage_build(struct plan *plan, const struct plan_inputs *in,
                              enum margin_mode mode, unsigned leverage, struct err *err)
{
        const struct venue_position *held = plan_read_held(in->account, in->market->symbol);
        struct margin_position position = plan_read_position(in, held);
        struct margin_cross cross;
        unsigned unknown;
        enum errc rc;

        plan_start(plan, in->market);
        rc = plan_setting_leverage_allowed(leverage, in->market, in->policy, err);
        if (rc)
                goto done;
        rc = plan_setting_mode_allowed(mode, in->market, in->policy, in->caps, err);
        if (rc)
                goto done;
        rc = plan_setting_mode_free(in, held, mode, err);
        if (rc)
                goto done;
        rc = held ? check_tier(held, leverage, err) : 0;
        if (rc)
                goto done;
        rc = plan_read_cross(&cross, &unknown, in);
        if (rc)
                goto done;
        position.mode = mode;
        rc = plan_setting_apply(&position, &cross, leverage, err);
        if (rc)
                goto done;
        plan_setting_step(plan, in, mode, leverage);
        rc = plan_risk_fill(plan, &position, &cross);
        plan_risk_note_tiers(&plan->risk, held);
done:
        return rc;
}
