/* The checks of an order that need nothing from the account. Each names the field at fault. */
#include "plan/plan_build.h"

struct check {
        const struct plan_order_request *request;
        const struct market *market;
        const struct plan_policy *policy;
        const struct venue_caps *caps;
        const struct venue_ops *rules;
        struct err *err;
};

/* What a type of order carries. */
struct type_rule {
        const char *name;
        bool takes_price, is_trigger, is_stop;
};

static struct type_rule rule_of(enum order_type type)
{
        switch (type) {
        case ORDER_TYPE_LIMIT: return (struct type_rule){"limit", true, false, false};
        case ORDER_TYPE_MARKET: return (struct type_rule){"market", false, false, false};
        case ORDER_TYPE_STOP_MARKET: return (struct type_rule){"stopMarket", false, true, true};
        case ORDER_TYPE_STOP_LIMIT: return (struct type_rule){"stopLimit", true, true, true};
        case ORDER_TYPE_TAKE_PROFIT_MARKET:
                return (struct type_rule){"takeProfitMarket", false, true, false};
        case ORDER_TYPE_TAKE_PROFIT_LIMIT:
                return (struct type_rule){"takeProfitLimit", true, true, false};
        }
        must_failed("an order type", __FILE__, __LINE__);
}

static enum errc check_market(const struct check *c)
{
        const struct market *m = c->market;

        if (!m)
                return err_set(c->err, E_MARKET_NOT_OFFERED, "%s is not offered here.",
                               c->request->symbol);
        if (m->is_delisted)
                return err_set(c->err, E_MARKET_NOT_OFFERED, "%s is no longer traded.", m->symbol);
        return 0;
}

/* Without prices, what depends on them is judged later, by plan_order_build. */
static bool has_prices(const struct check *c)
{
        return c->market->context_at > 0 && c->market->mark.v > 0;
}

static enum errc check_sizing(const struct check *c)
{
        const struct plan_order_request *r = c->request;
        const char *field = plan_say_sizing(r->sizing);

        switch (r->sizing) {
        case SIZING_SIZE:
                if (r->size.v <= 0)
                        return err_field(c->err, E_INVALID, field, "must be greater than 0");
                return c->rules->check_size(c->market, r->size, field, c->err);
        case SIZING_MARGIN:
                if (r->reduce_only)
                        return err_field(c->err, E_INVALID, field,
                                         "can't size a reduce-only order; use size or notional");
                if (r->amount.v % NUM_MICRO)
                        return err_field(c->err, E_INVALID, field,
                                         "must be whole units of 0.000001");
                break;
        case SIZING_NOTIONAL: break;
        case SIZING_POSITION:
                if (!r->reduce_only)
                        return err_field(c->err, E_INVALID, "reduceOnly",
                                         "must be true to close the whole position");
                return 0;
        }
        if (r->amount.v <= 0)
                return err_field(c->err, E_INVALID, field, "must be greater than 0");
        return 0;
}

static enum errc check_price_fields(const struct check *c, struct type_rule rule)
{
        const struct plan_order_request *r = c->request;

        if (rule.takes_price && !r->has_price)
                return err_field(c->err, E_INVALID, "price", "is required for a %s order",
                                 rule.name);
        if (!rule.takes_price && r->has_price)
                return err_field(c->err, E_INVALID, "price",
                                 "can't be given for a %s order; slippage bounds its price",
                                 rule.name);
        if (r->has_price && r->price.v <= 0)
                return err_field(c->err, E_INVALID, "price", "must be greater than 0");
        if (rule.takes_price && r->has_slippage)
                return err_field(c->err, E_INVALID, "slippage",
                                 "can't be given for a %s order; its price is the bound",
                                 rule.name);
        if (r->has_slippage && (r->slippage.v < 0 || r->slippage.v >= NUM_RATE_SCALE ||
                                r->slippage.v > c->policy->max_slippage.v)) {
                char most[NUM_STR_MAX];

                return err_field(c->err, E_INVALID, "slippage", "must lie between 0 and %s",
                                 num_print_rate(most, c->policy->max_slippage));
        }
        return r->has_price ? c->rules->check_price(c->market, r->price, "price", c->err) : 0;
}

static enum errc check_tif(const struct check *c, struct type_rule rule)
{
        const struct plan_order_request *r = c->request;

        if (!r->has_tif)
                return 0;
        if (rule.is_trigger)
                return err_field(c->err, E_INVALID, "timeInForce", "can't be given for a %s order",
                                 rule.name);
        if (!rule.takes_price && r->tif != TIF_IOC)
                return err_field(c->err, E_INVALID, "timeInForce",
                                 "can only be ioc for a market order");
        return 0;
}

/* Triggers fire on the mark: one that lies on the wrong side would fire at once. */
static enum errc check_trigger_side(const struct check *c, struct type_rule rule)
{
        const struct plan_order_request *r = c->request;
        bool is_above = (r->side == SIDE_BUY) == rule.is_stop;
        char trigger[NUM_STR_MAX], mark[NUM_STR_MAX];

        if (!has_prices(c))
                return 0;
        if (is_above ? r->trigger_price.v > c->market->mark.v
                     : r->trigger_price.v < c->market->mark.v)
                return 0;
        return err_field(c->err, E_INVALID, "triggerPrice",
                         "%s must be %s the mark price %s for a %s to %s",
                         num_print_px(trigger, r->trigger_price), is_above ? "above" : "below",
                         num_print_px(mark, c->market->mark), rule.is_stop ? "stop" : "take-profit",
                         r->side == SIDE_BUY ? "buy" : "sell");
}

static enum errc check_trigger(const struct check *c, struct type_rule rule)
{
        const struct plan_order_request *r = c->request;
        enum errc rc;

        if (!rule.is_trigger) {
                if (!r->has_trigger)
                        return 0;
                return err_field(c->err, E_INVALID, "triggerPrice", "can't be given for a %s order",
                                 rule.name);
        }
        if (!r->has_trigger || r->trigger_price.v <= 0)
                return err_field(c->err, E_INVALID, "triggerPrice",
                                 "is required for a %s order and must be greater than 0",
                                 rule.name);
        if (!r->reduce_only) {
                err_field(c->err, E_INVALID, "reduceOnly", "must be true for a %s order",
                          rule.name);
                err_hint(c->err, "the venue takes trigger orders only to reduce a position; to "
                                 "enter at a price use a limit order");
                return E_INVALID;
        }
        rc = c->rules->check_price(c->market, r->trigger_price, "triggerPrice", c->err);
        if (rc)
                return rc;
        return check_trigger_side(c, rule);
}

static enum errc check_leg(const struct check *c, const struct plan_leg *leg, bool is_stop)
{
        const struct plan_order_request *r = c->request;
        struct px entry = r->has_price ? r->price : c->market->mark;
        bool is_above = (r->side == SIDE_BUY) != is_stop;
        const char *field = is_stop ? "stopLoss.triggerPrice" : "takeProfit.triggerPrice";
        const char *limit = is_stop ? "stopLoss.price" : "takeProfit.price";
        char trigger[NUM_STR_MAX], from[NUM_STR_MAX];
        enum errc rc = 0;

        if (!leg->present)
                return 0;
        if (leg->trigger_price.v <= 0)
                return err_field(c->err, E_INVALID, field, "must be greater than 0");
        if (leg->has_price && leg->price.v <= 0)
                return err_field(c->err, E_INVALID, limit, "must be greater than 0");
        rc = c->rules->check_price(c->market, leg->trigger_price, field, c->err);
        if (!rc && leg->has_price)
                rc = c->rules->check_price(c->market, leg->price, limit, c->err);
        if (rc)
                return rc;
        if (!r->has_price && !has_prices(c))
                return 0;
        if (is_above ? leg->trigger_price.v > entry.v : leg->trigger_price.v < entry.v)
                return 0;
        return err_field(c->err, E_INVALID, field, "%s must be %s the %s price %s for a %s",
                         num_print_px(trigger, leg->trigger_price), is_above ? "above" : "below",
                         r->has_price ? "entry" : "mark", num_print_px(from, entry),
                         r->side == SIDE_BUY ? "long" : "short");
}

static enum errc check_legs(const struct check *c, struct type_rule rule)
{
        const struct plan_order_request *r = c->request;
        const char *first = r->take_profit.present ? "takeProfit" : "stopLoss";
        enum errc rc;

        if (!r->take_profit.present && !r->stop_loss.present)
                return 0;
        if (rule.is_trigger || r->reduce_only)
                return err_field(c->err, E_INVALID, first,
                                 "can only be given for an order that opens or increases");
        if (c->caps->orders_per_action < 1U + r->take_profit.present + r->stop_loss.present)
                return err_field(c->err, E_INVALID, first, "is not supported by the venue");
        rc = check_leg(c, &r->take_profit, false);
        return rc ? rc : check_leg(c, &r->stop_loss, true);
}

static enum errc check_setting(const struct check *c)
{
        const struct plan_order_request *r = c->request;
        enum errc rc = 0;

        if (r->has_mode)
                rc = plan_setting_mode_allowed(r->mode, c->market, c->policy, c->caps, c->err);
        if (!rc && r->has_leverage)
                rc = plan_setting_leverage_allowed(r->leverage, c->market, c->policy, c->err);
        return rc;
}

enum errc plan_order_check_legs(const struct plan_order_request *request,
                                const struct plan_inputs *in, struct err *err)
{
        struct check c = {request, in->market, in->policy, in->caps, in->rules, err};

        return check_legs(&c, rule_of(request->type));
}

enum errc plan_order_check(const struct plan_order_request *request, const struct market *m,
                           const struct plan_policy *policy, const struct venue_caps *caps,
                           const struct venue_ops *rules, struct err *err)
{
        struct check c = {request, m, policy, caps, rules, err};
        struct type_rule rule = rule_of(request->type);
        enum errc rc;

        rc = check_market(&c);
        if (rc)
                goto done;
        rc = check_setting(&c);
        if (rc)
                goto done;
        rc = check_tif(&c, rule);
        if (rc)
                goto done;
        rc = check_price_fields(&c, rule);
        if (rc)
                goto done;
        rc = check_trigger(&c, rule);
        if (rc)
                goto done;
        rc = check_sizing(&c);
        if (rc)
                goto done;
        rc = check_legs(&c, rule);
done:
        return rc;
}
