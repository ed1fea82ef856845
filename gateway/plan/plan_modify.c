/* Another price, size or trigger for an order that stands: planned as a new order that takes its place,
 * against the account without the old one. */
#include <string.h>

#include "base/mem.h"
#include "plan/plan_build.h"

static enum order_type type_of(const struct venue_open_order *old)
{
        if (!old->is_trigger)
                return ORDER_TYPE_LIMIT;
        if (old->trigger == TRIGGER_TAKE_PROFIT)
                return old->trigger_is_market ? ORDER_TYPE_TAKE_PROFIT_MARKET
                                              : ORDER_TYPE_TAKE_PROFIT_LIMIT;
        return old->trigger_is_market ? ORDER_TYPE_STOP_MARKET : ORDER_TYPE_STOP_LIMIT;
}

static enum errc check_change(const struct venue_open_order *old, const struct plan_change *change,
                              struct err *err)
{
        if (!change->has_price && !change->has_size && !change->has_trigger)
                return err_set(err, E_INVALID, "Say what to change: price, size or triggerPrice.");
        if (change->has_trigger && !old->is_trigger)
                return err_field(err, E_INVALID, "triggerPrice",
                                 "can't be given: the order has no trigger");
        if (change->has_price && old->is_trigger && old->trigger_is_market)
                return err_field(err, E_INVALID, "price",
                                 "can't be given: the order fires at market");
        if (old->is_position_tpsl) {
                (void)err_set(err, E_INVALID,
                              "The order protects the whole position and is changed with it.");
                err_hint(err, "PUT /v1/positions/%s/tpsl", old->symbol);
                return E_INVALID;
        }
        return E_OK;
}

/* The new order keeps all that is not changed. What the old one has filled stays filled: without a new
 * size it asks for the rest. */
static struct plan_order_request request_of(const struct plan_inputs *in,
                                            const struct venue_open_order *old,
                                            const struct plan_change *change)
{
        struct plan_order_request r = {
                .side = old->side,
                .type = type_of(old),
                .sizing = SIZING_SIZE,
                .size = change->has_size ? change->size : old->size,
                .has_price = !(old->is_trigger && old->trigger_is_market),
                .price = change->has_price ? change->price : old->price,
                .has_trigger = old->is_trigger,
                .trigger_price = change->has_trigger ? change->trigger_price : old->trigger_price,
                .has_tif = !old->is_trigger,
                .tif = TIF_ALO,
                .reduce_only = old->reduce_only,
        };

        if (!r.has_price)
                r.price.v = 0;
        /* Mode and leverage are what they were when it was placed. */
        if (!old->reduce_only) {
                r.has_mode = r.has_leverage = true;
                r.mode = in->setting->mode;
                r.leverage = in->setting->leverage;
        }
        (void)text_copy(r.symbol, sizeof r.symbol, old->symbol);
        return r;
}

static void replace(struct plan *plan, const struct venue_open_order *old)
{
        struct plan_step *step = &plan->step[plan->order_step];

        step->name = "modify";
        step->action.kind = VENUE_MODIFY;
        must(!step->action.u.order.has_builder);
        step->action.u.order.replaces = old->oid;
        /* An order that was filled meanwhile must not be placed again, which always_place would do. A
         * trigger can't be replaced without it, and only ever reduces. */
        step->action.u.order.always_place = old->is_trigger;
        if (!old->is_trigger && old->tif[0] != 'A')
                plan_say_warning(&plan->risk, "becomes_post_only",
                                 "The new order only rests: where it would meet the book at once "
                                 "the venue refuses it.");
}

enum errc plan_modify_build(struct plan *plan, const struct plan_inputs *in,
                            const struct venue_open_order *old, const struct plan_change *change,
                            const struct cloid *cloid, struct err *err)
{
        const struct cloid cloids[3] = {*cloid};
        struct plan_policy policy = *in->policy;
        struct plan_inputs own = *in;
        struct plan_order_request request;
        enum errc rc;

        /* A modification names no builder, so none is paid: what is shown must be what is paid. */
        policy.has_builder = false;
        policy.builder_fee_tenth_bp = 0;
        own.policy = &policy;

        rc = check_change(old, change, err);
        if (rc)
                goto done;
        request = request_of(in, old, change);
        rc = plan_order_build(plan, &request, &own, cloids, err);
        if (rc)
                goto done;
        must(plan->n_steps == 1 && plan->order_step == 0);
        replace(plan, old);
done:
        return rc;
}
