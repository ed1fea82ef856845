#include "plan/plan_build.h"

static unsigned smaller(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

enum errc plan_setting_mode_allowed(enum margin_mode mode, const struct market *m,
                                    const struct plan_policy *policy, const struct venue_caps *caps,
                                    struct err *err)
{
        const char *why = NULL;

        switch (mode) {
        case MARGIN_CROSS:
                if (!caps->has_cross)
                        why = "the venue has no cross margin";
                else if (!m->cross_allowed)
                        why = "the market allows isolated margin only";
                else if (!policy->allow_cross)
                        why = "cross margin is not offered here";
                break;
        case MARGIN_ISOLATED:
                if (!policy->allow_isolated)
                        why = "isolated margin is not offered here";
                break;
        }
        if (!why)
                return 0;
        return err_field(err, E_MARGIN_MODE, "marginMode", "%s can't be used on %s: %s",
                         margin_mode_name(mode), m->symbol, why);
}

enum errc plan_setting_leverage_allowed(unsigned leverage, const struct market *m,
                                        const struct plan_policy *policy, struct err *err)
{
        if (!leverage)
                return err_field(err, E_INVALID, "leverage", "must be at least 1");
        if (leverage > m->max_leverage) {
                err_field(err, E_LEVERAGE, "leverage", "%u is above the market's %u", leverage,
                          m->max_leverage);
        } else if (leverage > policy->max_leverage) {
                err_field(err, E_LEVERAGE, "leverage", "%u is above the %u offered here", leverage,
                          policy->max_leverage);
        } else {
                return 0;
        }
        err_hint(err, "at most %u", smaller(m->max_leverage, policy->max_leverage));
        return E_LEVERAGE;
}

enum errc plan_setting_mode_free(const struct plan_inputs *in, const struct venue_position *held,
                                 enum margin_mode mode, struct err *err)
{
        unsigned n = plan_read_orders_on(in, in->market->symbol);
        char size[NUM_STR_MAX];

        if (held && held->p.mode != mode) {
                err_field(err, E_MARGIN_MODE, "marginMode",
                          "%s can't be set while a %s position of %s %s is open in %s",
                          margin_mode_name(mode), held->p.size.v > 0 ? "long" : "short",
                          num_print_qty(size, (struct qty){num_abs(held->p.size.v)}),
                          in->market->symbol, margin_mode_name(held->p.mode));
                err_hint(err, "close the position first");
                return E_MARGIN_MODE;
        }
        if (!held && in->setting->mode != mode && n) {
                err_field(err, E_MARGIN_MODE, "marginMode",
                          "%s can't be set while %u open order%s on %s stand%s in %s",
                          margin_mode_name(mode), n, n == 1 ? "" : "s", in->market->symbol,
                          n == 1 ? "s" : "", margin_mode_name(in->setting->mode));
                err_hint(err, "cancel the open orders first");
                return E_MARGIN_MODE;
        }
        return 0;
}

static enum errc used_at(struct usd *out, struct usd value, unsigned leverage)
{
        enum errc rc;

        rc = margin_initial(out, value, leverage, NUM_DOWN);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, NUM_MICRO, NUM_DOWN);
done:
        return rc;
}

static enum errc lowering_refused(struct err *err, const char *whose, struct usd need,
                                  struct usd has)
{
        char a[NUM_STR_MAX], b[NUM_STR_MAX];

        return err_field(err, E_MARGIN, "leverage", "lowering it needs %s of margin, %s has %s",
                         plan_say_usd(a, need), whose, plan_say_usd(b, has));
}

/* Isolated: the position's own margin must carry the lower leverage. */
static enum errc apply_isolated(const struct margin_position *position, struct usd need,
                                struct err *err)
{
        struct usd value =
                position->size.v < 0 ? (struct usd){-position->value.v} : position->value;
        struct usd has;
        enum errc rc;

        rc = num_usd_add(&has, position->raw_usd, value);
        if (rc)
                goto done;
        if (has.v < need.v)
                rc = lowering_refused(err, "the position", need, has);
done:
        return rc;
}

static enum errc apply_cross(struct margin_cross *cross, struct usd before, struct usd need,
                             bool is_lowered, struct err *err)
{
        struct margin_cross after = *cross;
        struct usd more, available;
        enum errc rc;

        rc = num_usd_sub(&more, need, before);
        if (rc)
                goto done;
        rc = margin_free(&available, cross);
        if (rc)
                goto done;
        if (is_lowered && more.v > available.v) {
                rc = lowering_refused(err, "the cross account", more, available);
                goto done;
        }
        rc = num_usd_add(&after.margin_used, cross->margin_used, more);
        if (rc)
                goto done;
        *cross = after;
done:
        return rc;
}

enum errc plan_setting_apply(struct margin_position *position, struct margin_cross *cross,
                             unsigned leverage, struct err *err)
{
        bool is_lowered = leverage < position->leverage;
        struct usd before, need;
        enum errc rc = 0;

        if (!position->size.v || leverage == position->leverage)
                goto set;
        rc = used_at(&before, position->value, position->leverage);
        if (rc)
                goto done;
        rc = used_at(&need, position->value, leverage);
        if (rc)
                goto done;
        if (position->mode == MARGIN_CROSS)
                rc = apply_cross(cross, before, need, is_lowered, err);
        else if (is_lowered)
                rc = apply_isolated(position, need, err);
        if (rc)
                goto done;
set:
        position->leverage = leverage;
done:
        return rc;
}

/* Without a wish and a position: the brand's default, or the other mode where that can't be. */
static enum errc default_mode(struct plan_build *b)
{
        const struct plan_inputs *in = b->in;
        enum margin_mode other =
                in->policy->default_mode == MARGIN_CROSS ? MARGIN_ISOLATED : MARGIN_CROSS;

        b->mode = in->policy->default_mode;
        if (!plan_setting_mode_allowed(b->mode, in->market, in->policy, in->caps, NULL))
                return 0;
        b->mode = other;
        return plan_setting_mode_allowed(other, in->market, in->policy, in->caps, b->err);
}

/* Reducing changes nothing about mode and leverage; it only works with what is there. */
static enum errc choose_reducing(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;

        if (!b->held)
                return err_set(b->err, E_REDUCE_ONLY, "There is no open position in %s to reduce.",
                               b->in->market->symbol);
        b->mode = b->held->p.mode;
        b->leverage = b->held->p.leverage;
        if (r->has_leverage && r->leverage != b->leverage)
                return err_field(b->err, E_INVALID, "leverage",
                                 "a reduce-only order leaves the leverage at %u", b->leverage);
        if (r->has_mode)
                return plan_setting_mode_free(b->in, b->held, r->mode, b->err);
        return 0;
}

enum errc plan_setting_choose(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        const struct plan_inputs *in = b->in;
        unsigned most = smaller(in->market->max_leverage, in->policy->max_leverage);
        enum errc rc;

        if (r->reduce_only)
                return choose_reducing(b);
        if (r->has_mode || b->held) {
                b->mode = r->has_mode ? r->mode : b->held->p.mode;
                rc = plan_setting_mode_allowed(b->mode, in->market, in->policy, in->caps, b->err);
        } else {
                rc = default_mode(b);
        }
        if (rc)
                return rc;
        rc = plan_setting_mode_free(in, b->held, b->mode, b->err);
        if (rc)
                return rc;
        b->leverage = in->policy->default_leverage;
        if (in->setting->mode == b->mode && in->setting->leverage)
                b->leverage = in->setting->leverage;
        if (r->has_leverage)
                b->leverage = r->leverage;
        if (b->leverage > most && most) {
                plan_say_warning(&b->plan->risk, "leverage_capped",
                                 "The leverage is %u, the most allowed here, instead of %u.", most,
                                 b->leverage);
                b->leverage = most;
        }
        if (!b->leverage)
                b->leverage = 1;
        return 0;
}

enum errc plan_setting_fit_tier(struct plan_build *b, bool *lowered)
{
        const struct margin_table *tiers = b->held ? &b->held->p.tiers : &b->in->market->tiers;
        struct px price = b->plan->expected_price;
        char text[NUM_STR_MAX];
        struct usd value;
        unsigned most;
        enum errc rc;

        *lowered = false;
        if (!b->opens.v)
                return 0;
        if (b->in->market->mark.v > price.v)
                price = b->in->market->mark;
        rc = num_notional(&value, price, (struct qty){num_abs(b->plan->risk.size_after.v)}, NUM_UP);
        if (rc)
                return rc;
        most = margin_max_leverage(tiers, value);
        if (b->leverage <= most)
                return 0;
        if (b->request->has_leverage) {
                err_field(b->err, E_LEVERAGE, "leverage",
                          "%u is above the %u that a position of %s may have", b->leverage, most,
                          plan_say_usd(text, value));
                err_hint(b->err, "at most %u for this size", most);
                return E_LEVERAGE;
        }
        b->leverage = most;
        *lowered = true;
        return 0;
}

void plan_setting_step(struct plan *plan, const struct plan_inputs *in, enum margin_mode mode,
                       unsigned leverage)
{
        struct plan_step *step;

        if (in->setting->mode == mode && in->setting->leverage == leverage)
                return;
        step = plan_add_step(plan, VENUE_SET_LEVERAGE, "setLeverage");
        step->action.u.leverage.mode = mode;
        step->action.u.leverage.leverage = leverage;
        plan->leverage_changed = true;
        plan->mode_before = in->setting->mode;
        plan->leverage_before = in->setting->leverage;
}
