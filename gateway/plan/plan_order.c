#include <string.h>

#include "plan/plan_build.h"

static enum time_in_force tif_of(const struct plan_order_request *r)
{
        if (r->type == ORDER_TYPE_MARKET)
                return TIF_IOC;
        return r->has_tif ? r->tif : TIF_GTC;
}

static void put_trigger(struct venue_order *order, enum trigger_kind kind, struct px trigger)
{
        order->kind = ORDER_TRIGGER;
        order->trigger = kind;
        order->trigger_price = trigger;
}

static void put_order(struct venue_order *order, const struct plan_build *b,
                      const struct cloid *cloid)
{
        const struct plan_order_request *r = b->request;

        *order = (struct venue_order){
                .side = r->side,
                .kind = ORDER_LIMIT,
                .tif = tif_of(r),
                .price = b->plan->price,
                .size = b->plan->size,
                .reduce_only = r->reduce_only,
                .cloid = *cloid,
        };
        switch (r->type) {
        case ORDER_TYPE_LIMIT: break;
        case ORDER_TYPE_MARKET: order->is_market = true; break;
        case ORDER_TYPE_STOP_MARKET:
                order->is_market = true;
                put_trigger(order, TRIGGER_STOP_LOSS, r->trigger_price);
                break;
        case ORDER_TYPE_STOP_LIMIT: put_trigger(order, TRIGGER_STOP_LOSS, r->trigger_price); break;
        case ORDER_TYPE_TAKE_PROFIT_MARKET:
                order->is_market = true;
                put_trigger(order, TRIGGER_TAKE_PROFIT, r->trigger_price);
                break;
        case ORDER_TYPE_TAKE_PROFIT_LIMIT:
                put_trigger(order, TRIGGER_TAKE_PROFIT, r->trigger_price);
                break;
        }
}

/* A leg closes what its parent opened: the other side, reduce-only, the same size. */
static enum errc put_leg(struct plan_step *step, const struct plan_build *b,
                         const struct plan_leg *leg, enum trigger_kind kind,
                         const struct cloid *cloid)
{
        enum side side = b->request->side == SIDE_BUY ? SIDE_SELL : SIDE_BUY;
        struct venue_order *order = &step->action.u.order.order[step->action.u.order.n];
        enum errc rc = 0;

        if (!leg->present)
                goto done;
        *order = (struct venue_order){
                .side = side,
                .tif = TIF_GTC,
                .price = leg->price,
                .size = b->plan->size,
                .reduce_only = true,
                .is_market = !leg->has_price,
                .cloid = *cloid,
        };
        put_trigger(order, kind, leg->trigger_price);
        if (order->is_market)
                rc = plan_price_worst(&order->price, b->in, side, leg->trigger_price,
                                      plan_price_trigger_slippage(b->in->policy));
        if (rc)
                goto done;
        step->action.u.order.n++;
        step->action.u.order.legs_follow_parent = true;
done:
        return rc;
}

static enum errc put_order_step(struct plan_build *b, const struct cloid cloids[3])
{
        const struct plan_order_request *r = b->request;
        const struct plan_policy *policy = b->in->policy;
        struct plan_step *step = plan_add_step(b->plan, VENUE_ORDER, "order");
        enum errc rc;

        b->plan->order_step = (int)b->plan->n_steps - 1;
        step->action.u.order.n = 1;
        put_order(&step->action.u.order.order[0], b, &cloids[0]);
        rc = put_leg(step, b, &r->take_profit, TRIGGER_TAKE_PROFIT, &cloids[1]);
        if (rc)
                goto done;
        rc = put_leg(step, b, &r->stop_loss, TRIGGER_STOP_LOSS, &cloids[2]);
        if (rc)
                goto done;
        if (policy->has_builder && policy->builder_fee_tenth_bp) {
                step->action.u.order.has_builder = true;
                step->action.u.order.builder = policy->builder;
                step->action.u.order.builder_fee_tenth_bp = policy->builder_fee_tenth_bp;
        }
done:
        return rc;
}

/* Margin dedicated to a position needs an order that builds it, and a mode that dedicates. */
static enum errc put_adjust_step(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        struct plan_step *step;

        if (r->sizing != SIZING_MARGIN || b->mode != MARGIN_ISOLATED)
                return 0;
        if (b->opens.v != b->fills.v)
                return err_field(b->err, E_INVALID, "margin",
                                 "can't size an order against the open position; use size or "
                                 "notional, or close the position first");
        step = plan_add_step(b->plan, VENUE_ADJUST_MARGIN, "adjustMargin");
        step->amount_pending = true;
        b->plan->adjust_step = (int)b->plan->n_steps - 1;
        b->plan->margin_asked = r->amount;
        return 0;
}

static enum errc put_steps(struct plan_build *b, const struct cloid cloids[3])
{
        const struct plan_order_request *r = b->request;
        bool has_wish = r->has_leverage || r->has_mode;
        enum errc rc = 0;

        if (!b->opens.v && !has_wish)
                b->leverage = b->held->p.leverage;
        else if (!r->reduce_only)
                plan_setting_step(b->plan, b->in, b->mode, b->leverage);
        if (!b->opens.v && (r->take_profit.present || r->stop_loss.present))
                rc = err_field(b->err, E_INVALID,
                               r->take_profit.present ? "takeProfit" : "stopLoss",
                               "can only be given for an order that opens or increases");
        if (!rc)
                rc = put_order_step(b, cloids);
        if (!rc)
                rc = put_adjust_step(b);
        return rc;
}

/* Size, then the leverage its tier allows; once more where that lowered the leverage. */
static enum errc choose_size(struct plan_build *b)
{
        unsigned wanted = b->leverage;
        unsigned n_warnings = b->plan->risk.n_warnings;
        bool lowered;
        enum errc rc;

        rc = plan_size_set(b);
        if (rc)
                goto done;
        rc = plan_setting_fit_tier(b, &lowered);
        if (rc || !lowered)
                goto done;
        b->plan->risk.n_warnings = n_warnings;
        rc = plan_size_set(b);
        plan_say_warning(&b->plan->risk, "leverage_capped",
                         "The leverage is %u, the most for a position of this value, instead of "
                         "%u.",
                         b->leverage, wanted);
done:
        return rc;
}

static enum errc build(struct plan_build *b, const struct cloid cloids[3])
{
        enum errc rc;

        rc = plan_setting_choose(b);
        if (rc)
                goto done;
        rc = plan_price_set(b);
        if (rc)
                goto done;
        rc = choose_size(b);
        if (rc)
                goto done;
        rc = put_steps(b, cloids);
        if (rc)
                goto done;
        rc = plan_risk_order(b);
done:
        return rc;
}

bool plan_order_may_meet_book(const struct plan_order_request *r, const struct market *m)
{
        int64_t around = m->has_mid ? m->mid.v : m->mark.v;

        if (r->type != ORDER_TYPE_LIMIT)
                return r->type == ORDER_TYPE_MARKET;
        if (r->has_tif && r->tif == TIF_ALO)
                return false;
        /* A hundredth is the margin for a price that is seconds old. */
        return r->side == SIDE_BUY ? r->price.v >= around - around / 100
                                   : r->price.v <= around + around / 100;
}

enum errc plan_order_build(struct plan *plan, const struct plan_order_request *request,
                           const struct plan_inputs *in, const struct cloid cloids[3],
                           struct err *err)
{
        struct plan_build b = {.plan = plan, .request = request, .in = in, .err = err};
        enum errc rc;

        must(in->account && in->setting && in->fees);
        rc = plan_order_check(request, in->market, in->policy, in->caps, in->rules, err);
        if (rc)
                goto done;
        rc = plan_read_prices(in->market, err);
        if (rc)
                goto done;
        plan_start(plan, in->market);
        b.held = plan_read_held(in->account, in->market->symbol);
        rc = build(&b, cloids);
        if (rc == E_RANGE)
                rc = err_field(err, E_INVALID, plan_say_sizing(request->sizing),
                               "is too large or too small to be calculated with");
done:
        return rc;
}
