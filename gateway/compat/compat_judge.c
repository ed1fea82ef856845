#include "compat/compat_judge.h"

#include <stdlib.h>
#include <string.h>

#include "api/pipeline.h"
#include "base/mem.h"

struct judge {
        const struct call *call;
        const struct hl_action *action;
        struct compat_verdict verdict; /* item: the one under way */
        unsigned n;
        compat_judge_fn *done;
        void *cookie;
};

static void next(struct judge *j);

static void finish(struct judge *j)
{
        j->done(j->cookie, &j->verdict);
        free(j);
}

static const struct hl_order *order_at(const struct hl_action *action, unsigned i)
{
        return action->type == HL_ORDER ? &action->u.order.orders[i]
                                        : &action->u.modify.modifies[i].order;
}

static bool is_of_orders(const struct hl_action *action)
{
        return action->type == HL_ORDER || action->type == HL_MODIFY ||
               action->type == HL_BATCH_MODIFY;
}

static bool has_legs(const struct judge *j)
{
        return j->action->type == HL_ORDER && j->n == 1 && j->action->u.order.n > 1;
}

/* --- what the venue refuses by the same rule --- */

/* Below the least value also at its own price, and not only at the one that is expected. */
static bool is_small(const struct judge *j, const struct hl_order *order)
{
        const struct venue *venue = j->call->api->o.venue;
        struct usd value;

        return num_notional(&value, order->price, order->size, NUM_UP) == E_OK &&
               value.v < venue->ops->caps(venue)->min_order_value.v;
}

/* A tick, a lot or a mode that can't be switched concern nobody else: such an action goes on, so that the
 * venue says so in its own words and its neighbours in the action are placed. What has legs is judged
 * whole here. */
static bool leave_to_venue(const struct judge *j, enum errc code)
{
        const struct hl_action *action = j->action;

        if (is_of_orders(action) && !has_legs(j))
                return code == E_TICK || code == E_LOT ||
                       (code == E_TOO_SMALL && is_small(j, order_at(action, j->verdict.item)));
        if (action->type == HL_UPDATE_LEVERAGE)
                return code == E_MARGIN ||
                       (code == E_MARGIN_MODE &&
                        brand_allows_mode(j->call->brand, action->u.leverage.is_cross
                                                                  ? MARGIN_CROSS
                                                                  : MARGIN_ISOLATED));
        if (action->type == HL_UPDATE_ISOLATED_MARGIN)
                return code == E_NOT_FOUND || code == E_MARGIN_MODE;
        return false;
}

/* --- the pipeline's answer --- */

static enum errc code_of(const char *wire)
{
        for (unsigned i = 1; wire && i < E_COUNT_; i++)
                if (strcmp(err_wire((enum errc)i), wire) == 0)
                        return (enum errc)i;
        return E_INTERNAL;
}

static void previewed(void *cookie, int status, const char *body)
{
        struct judge *j = cookie;
        json_t *problem;
        const char *detail;
        enum errc code;

        if (status == 200) {
                j->verdict.item++;
                next(j);
                return;
        }
        problem = json_loads(body, 0, NULL);
        detail = json_string_value(json_object_get(problem, "detail"));
        code = code_of(json_string_value(json_object_get(problem, "code")));
        (void)err_set(&j->verdict.err, code, "%s", detail ? detail : err_text(code));
        json_decref(problem);
        if (!leave_to_venue(j, code)) {
                finish(j);
                return;
        }
        j->verdict.err = (struct err){.code = E_OK};
        j->verdict.item++;
        next(j);
}

static void preview(struct judge *j, struct run_request *request, const char *route)
{
        const struct call *call = j->call;
        struct call *own =
                call_internal(call->api, call->brand->id, &call->session.address, &call->account,
                              METHOD_POST, route, strchr(route, '{') ? request->symbol : "");

        if (!own) {
                (void)err_set(&j->verdict.err, E_FORBIDDEN, "The brand is not served any more.");
                finish(j);
                return;
        }
        request->preview = true;
        own->answered = previewed;
        own->answered_cookie = j;
        pipeline_start(own, request);
}

/* --- from the wire to a request --- */

static const struct market *market_of(const struct judge *j, uint32_t asset)
{
        const struct venue *venue = j->call->api->o.venue;

        for (size_t i = 0; i < venue->ops->market_count(venue); i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (m->asset == asset)
                        return m;
        }
        return NULL;
}

/* The market that an item is about; ends with a refusal where there is none here. */
static bool name_market(struct judge *j, struct run_request *request, uint32_t asset)
{
        const struct market *m = market_of(j, asset);

        if (m)
                return text_copy(request->symbol, sizeof request->symbol, m->symbol) != 0;
        (void)err_set(&j->verdict.err, E_MARKET_NOT_OFFERED, "Asset %u is not offered here.",
                      asset);
        finish(j);
        return false;
}

static enum order_type type_of(const struct hl_order *o)
{
        if (!o->is_trigger)
                return ORDER_TYPE_LIMIT;
        if (o->tpsl == HL_TP)
                return o->trigger_is_market ? ORDER_TYPE_TAKE_PROFIT_MARKET
                                            : ORDER_TYPE_TAKE_PROFIT_LIMIT;
        return o->trigger_is_market ? ORDER_TYPE_STOP_MARKET : ORDER_TYPE_STOP_LIMIT;
}

static enum time_in_force tif_of(enum hl_tif tif)
{
        switch (tif) {
        case HL_TIF_GTC: return TIF_GTC;
        case HL_TIF_ALO: return TIF_ALO;
        case HL_TIF_IOC:
        case HL_TIF_FRONTEND_MARKET: return TIF_IOC;
        }
        never("time in force of an order");
}

static void take_leg(struct plan_order_request *order, const struct hl_order *leg)
{
        struct plan_leg *out = leg->tpsl == HL_TP ? &order->take_profit : &order->stop_loss;

        *out = (struct plan_leg){.present = true,
                                 .trigger_price = leg->trigger_price,
                                 .has_price = !leg->trigger_is_market,
                                 .price = leg->price};
}

static void judge_order(struct judge *j, const struct hl_order *o, const struct hl_order *legs,
                        unsigned n_legs)
{
        struct run_request request = {.kind = RUN_PLACE, .keeps_setting = true};
        struct plan_order_request *order = &request.order;

        if (!name_market(j, &request, o->asset))
                return;
        memcpy(order->symbol, request.symbol, sizeof order->symbol);
        order->side = o->is_buy ? SIDE_BUY : SIDE_SELL;
        order->type = type_of(o);
        order->sizing = SIZING_SIZE;
        order->size = o->size;
        order->has_price = !o->is_trigger || !o->trigger_is_market;
        order->price = o->price;
        order->has_trigger = o->is_trigger;
        order->trigger_price = o->trigger_price;
        order->has_tif = !o->is_trigger;
        order->tif = tif_of(o->tif);
        order->reduce_only = o->reduce_only;
        for (unsigned i = 0; i < n_legs; i++)
                if (legs[i].is_trigger)
                        take_leg(order, &legs[i]);
        preview(j, &request, "/v1/orders/preview");
}

/* Bought or sold over minutes, at prices that nobody knows: judged as if at once, at the mark. */
static void judge_twap(struct judge *j)
{
        const struct hl_twap *twap = &j->action->u.twap;
        const struct market *m = market_of(j, twap->asset);
        struct hl_order order = {.asset = twap->asset, .is_buy = twap->is_buy, .size = twap->size};

        if (m) {
                order.price = m->mark;
                /* A mark has more digits than an order may. */
                (void)!j->call->api->o.venue->ops->round_price(m, &order.price, NUM_UP);
        }
        order.tif = HL_TIF_ALO; /* not against the book of this moment */
        judge_order(j, &order, NULL, 0);
}

static void judge_leverage(struct judge *j)
{
        struct run_request request = {.kind = RUN_LEVERAGE, .has_mode = true};

        request.mode = j->action->u.leverage.is_cross ? MARGIN_CROSS : MARGIN_ISOLATED;
        request.leverage = j->action->u.leverage.leverage;
        if (name_market(j, &request, j->action->u.leverage.asset))
                preview(j, &request, "/v1/positions/{symbol}/leverage/preview");
}

static void judge_margin(struct judge *j)
{
        struct run_request request = {.kind = RUN_MARGIN};

        if (num_muldiv(&request.amount.v, j->action->u.margin.ntli, NUM_MICRO, 1, NUM_NEAREST)) {
                (void)err_set(&j->verdict.err, E_INVALID, "The amount is out of range.");
                finish(j);
                return;
        }
        if (name_market(j, &request, j->action->u.margin.asset))
                preview(j, &request, "/v1/positions/{symbol}/margin/preview");
}

/* --- one after another --- */

static unsigned count(const struct hl_action *action)
{
        switch (action->type) {
        case HL_ORDER:
                /* The legs of an order are judged with it. */
                return action->u.order.grouping == HL_GROUP_NORMAL_TPSL && action->u.order.n
                               ? 1
                               : action->u.order.n;
        case HL_MODIFY:
        case HL_BATCH_MODIFY: return action->u.modify.n;
        case HL_TWAP_ORDER:
        case HL_UPDATE_LEVERAGE: return 1;
        case HL_UPDATE_ISOLATED_MARGIN: return action->u.margin.ntli != 0; /* else refused there */
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID:
        case HL_SCHEDULE_CANCEL:
        case HL_TWAP_CANCEL:
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN:
        case HL_RESERVE_REQUEST_WEIGHT:
        case HL_AGENT_SET_ABSTRACTION:
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER:
        case HL_CREATE_SUB_ACCOUNT:
        case HL_SUB_ACCOUNT_MODIFY:
        case HL_SUB_ACCOUNT_TRANSFER:
        case HL_NOOP: return 0;
        }
        never("type of an action");
}

static void next(struct judge *j)
{
        const struct hl_action *action = j->action;

        while (is_of_orders(action) && j->verdict.item < j->n &&
               order_at(action, j->verdict.item)->reduce_only)
                j->verdict.item++;
        if (j->verdict.item == j->n)
                finish(j);
        else if (is_of_orders(action))
                judge_order(j, order_at(action, j->verdict.item),
                            has_legs(j) ? action->u.order.orders + 1 : NULL,
                            has_legs(j) ? action->u.order.n - 1 : 0);
        else if (action->type == HL_TWAP_ORDER)
                judge_twap(j);
        else if (action->type == HL_UPDATE_LEVERAGE)
                judge_leverage(j);
        else
                judge_margin(j);
}

void compat_judge(const struct call *call, const struct hl_action *action, compat_judge_fn *done,
                  void *cookie)
{
        struct judge *j = xcalloc(1, sizeof *j);

        j->call = call;
        j->action = action;
        j->n = count(action);
        j->done = done;
        j->cookie = cookie;
        next(j);
}
