/* Take-profit and stop-loss of an open position: new ones first, then the old ones go, so that the
 * position is at no moment without its protection. */
#include <string.h>

#include "base/mem.h"
#include "plan/plan_build.h"

static enum side closing_side(const struct venue_position *held)
{
        return held->p.size.v > 0 ? SIDE_SELL : SIDE_BUY;
}

/* The legs are judged like those of an order that would open the position at the mark now. */
static enum errc check(struct plan_build *b, const struct plan_tpsl *request)
{
        struct plan_order_request like = {
                .side = b->held->p.size.v > 0 ? SIDE_BUY : SIDE_SELL,
                .type = ORDER_TYPE_MARKET,
                .take_profit = request->take_profit,
                .stop_loss = request->stop_loss,
        };
        enum errc rc;

        rc = plan_order_check_legs(&like, b->in, b->err);
        if (!rc && request->stop_loss.present)
                rc = plan_risk_check_stop(b, "stopLoss.triggerPrice",
                                          request->stop_loss.trigger_price);
        return rc;
}

static enum errc put_leg(struct plan_build *b, struct plan_step *step, const struct plan_leg *leg,
                         enum trigger_kind kind, const struct cloid *cloid)
{
        struct venue_order *order = &step->action.u.order.order[step->action.u.order.n];
        enum side side = closing_side(b->held);

        if (!leg->present)
                return 0;
        *order = (struct venue_order){
                .side = side,
                .kind = ORDER_TRIGGER,
                .tif = TIF_GTC,
                .price = leg->price,
                .size = {num_abs(b->held->p.size.v)},
                .reduce_only = true,
                .is_market = !leg->has_price,
                .trigger = kind,
                .trigger_price = leg->trigger_price,
                .cloid = *cloid,
        };
        step->action.u.order.n++;
        if (leg->has_price)
                return 0;
        return plan_price_worst(&order->price, b->in, side, leg->trigger_price,
                                plan_price_trigger_slippage(b->in->policy));
}

static enum errc put_orders(struct plan_build *b, const struct plan_tpsl *request,
                            const struct cloid cloids[2])
{
        struct plan_step *step;
        enum errc rc;

        if (!request->take_profit.present && !request->stop_loss.present)
                return 0;
        step = plan_add_step(b->plan, VENUE_ORDER, "order");
        b->plan->order_step = (int)b->plan->n_steps - 1;
        step->action.u.order.legs_of_position = true;
        rc = put_leg(b, step, &request->take_profit, TRIGGER_TAKE_PROFIT, &cloids[0]);
        if (!rc)
                rc = put_leg(b, step, &request->stop_loss, TRIGGER_STOP_LOSS, &cloids[1]);
        if (!rc && b->in->policy->has_builder && b->in->policy->builder_fee_tenth_bp) {
                step->action.u.order.has_builder = true;
                step->action.u.order.builder = b->in->policy->builder;
                step->action.u.order.builder_fee_tenth_bp = b->in->policy->builder_fee_tenth_bp;
        }
        return rc;
}

bool plan_tpsl_protects(const struct venue_open_order *order, const struct venue_position *held)
{
        return order->is_trigger && order->reduce_only && !order->waits_for_parent &&
               order->side == closing_side(held) && strcmp(order->symbol, held->symbol) == 0;
}

/* All of the kind that protect the position now; index of the step, -1 where there are none. */
static int put_cancels(struct plan_build *b, enum trigger_kind kind)
{
        struct plan_step *step = NULL;

        for (size_t i = 0; i < b->in->n_open_orders; i++) {
                const struct venue_open_order *o = &b->in->open_orders[i];

                if (o->trigger != kind || !plan_tpsl_protects(o, b->held))
                        continue;
                if (!step)
                        step = plan_add_step(b->plan, VENUE_CANCEL, "cancel");
                if (step->action.u.cancel.n == VENUE_CANCELS_MAX)
                        break;
                step->action.u.cancel.cancel[step->action.u.cancel.n++] =
                        (struct venue_cancel){.asset = o->asset, .oid = o->oid};
        }
        return step ? (int)b->plan->n_steps - 1 : -1;
}

enum errc plan_tpsl_build(struct plan *plan, const struct plan_inputs *in,
                          const struct plan_tpsl *request, const struct cloid cloids[2],
                          struct err *err)
{
        struct plan_build b = {.plan = plan, .in = in, .err = err};
        enum errc rc;

        plan_start(plan, in->market);
        b.held = plan_read_held(in->account, in->market->symbol);
        rc = E_NOT_FOUND;
        if (!b.held) {
                (void)err_set(err, rc, "There is no open position in %s.", in->market->symbol);
                goto done;
        }
        rc = plan_read_prices(in->market, err);
        if (rc)
                goto done;
        rc = check(&b, request);
        if (rc)
                goto done;
        rc = put_orders(&b, request, cloids);
        if (rc)
                goto done;
        plan->size.v = num_abs(b.held->p.size.v);
        plan->old_step[TRIGGER_TAKE_PROFIT] = plan->old_step[TRIGGER_STOP_LOSS] = -1;
        if (request->take_profit.present || request->drop_take_profit)
                plan->old_step[TRIGGER_TAKE_PROFIT] = put_cancels(&b, TRIGGER_TAKE_PROFIT);
        if (request->stop_loss.present || request->drop_stop_loss)
                plan->old_step[TRIGGER_STOP_LOSS] = put_cancels(&b, TRIGGER_STOP_LOSS);
        rc = plan_risk_fill(plan, &b.held->p, &in->account->cross);
        plan_risk_note_tiers(&plan->risk, b.held);
done:
        return rc;
}

void plan_tpsl_keep_old(struct plan *plan, enum trigger_kind kind)
{
        int i = plan->old_step[kind];
        struct err why = {0};

        if (i < 0 || plan->step[i].status != STEP_PENDING)
                return;
        (void)text_copy(why.detail, sizeof why.detail,
                        "The venue refused the new order, so the old one stays.");
        plan_step_set(plan, (unsigned)i, STEP_SKIPPED, &why);
}
