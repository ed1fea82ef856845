#include "adapters/hyperliquid/hl_raw.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_fields.h"
#include "base/attr.h"
#include "base/mem.h"

static const char *const tifs[] = {
        [HL_TIF_GTC] = "Gtc",
        [HL_TIF_IOC] = "Ioc",
        [HL_TIF_ALO] = "Alo",
        [HL_TIF_FRONTEND_MARKET] = "FrontendMarket",
};
static const char *const tpsls[] = {[HL_TP] = "tp", [HL_SL] = "sl"};
static const char *const groupings[] = {
        [HL_GROUP_NA] = "na",
        [HL_GROUP_NORMAL_TPSL] = "normalTpsl",
        [HL_GROUP_POSITION_TPSL] = "positionTpsl",
};

static enum errc parse_limit(struct hl_order *order, const json_t *value, struct err *err)
{
        struct hl_fields f;

        hl_fields_begin(&f, value, err);
        order->tif = (enum hl_tif)hl_fields_choice(&f, "tif", tifs, 4);
        return hl_fields_end(&f);
}

static enum errc parse_trigger(struct hl_order *order, const json_t *value, struct err *err)
{
        struct hl_fields f;

        hl_fields_begin(&f, value, err);
        hl_fields_bool(&f, "isMarket", &order->trigger_is_market);
        hl_fields_px(&f, "triggerPx", &order->trigger_price);
        order->tpsl = (enum hl_tpsl)hl_fields_choice(&f, "tpsl", tpsls, 2);
        return hl_fields_end(&f);
}

static enum errc parse_order_kind(struct hl_order *order, const json_t *value, struct err *err)
{
        struct hl_fields f;
        const json_t *limit;
        const json_t *trigger;
        enum errc rc;

        hl_fields_begin(&f, value, err);
        limit = hl_fields_optional(&f, "limit");
        trigger = hl_fields_optional(&f, "trigger");
        if (!limit == !trigger)
                hl_fields_fail(&f, E_SYNTAX, "t", "either limit or trigger was expected");
        rc = hl_fields_end(&f);
        if (rc)
                return rc;
        order->is_trigger = trigger != NULL;
        return trigger ? parse_trigger(order, trigger, err) : parse_limit(order, limit, err);
}

static enum errc parse_order(struct hl_order *order, const json_t *value, struct err *err)
{
        struct hl_fields f;
        const json_t *kind;
        enum errc rc;

        hl_fields_begin(&f, value, err);
        hl_fields_u32(&f, "a", &order->asset);
        hl_fields_bool(&f, "b", &order->is_buy);
        hl_fields_px(&f, "p", &order->price);
        hl_fields_qty(&f, "s", &order->size);
        hl_fields_bool(&f, "r", &order->reduce_only);
        kind = hl_fields_value(&f, "t");
        order->has_cloid = !hl_raw_is_absent(value, "c");
        if (order->has_cloid)
                hl_fields_cloid(&f, "c", &order->cloid);
        else
                (void)hl_fields_optional(&f, "c");
        rc = hl_fields_end(&f);
        return rc ? rc : parse_order_kind(order, kind, err);
}

/* The array's length, within the bound of one action. */
static unsigned count(struct hl_fields *f, const char *key, const json_t *array)
{
        size_t n = json_array_size(array);

        if (array && !json_is_array(array))
                hl_fields_fail(f, E_SYNTAX, key, "a list was expected");
        if (n > HL_BATCH_MAX)
                hl_fields_fail(f, E_LIMIT, key, "more items than one action may hold");
        return f->rc ? 0 : (unsigned)n;
}

static void parse_grouping(struct hl_fields *f, struct hl_action *action)
{
        const json_t *value = json_object_get(f->object, "grouping");
        struct hl_fields inner;

        if (!json_is_object(value)) {
                action->u.order.grouping =
                        (enum hl_grouping)hl_fields_choice(f, "grouping", groupings, 3);
                return;
        }
        (void)hl_fields_value(f, "grouping");
        action->u.order.has_priority = true;
        hl_fields_begin(&inner, value, f->err);
        hl_fields_u64(&inner, "p", &action->u.order.priority);
        if (hl_fields_end(&inner))
                hl_fields_fail(f, inner.rc, "grouping", "a priority was expected");
}

static void parse_builder(struct hl_fields *f, struct hl_action *action)
{
        const json_t *value = hl_fields_optional(f, "builder");
        struct hl_fields inner;

        if (!value)
                return;
        action->u.order.has_builder = true;
        hl_fields_begin(&inner, value, f->err);
        hl_fields_addr(&inner, "b", &action->u.order.builder);
        hl_fields_u32(&inner, "f", &action->u.order.builder_fee);
        if (hl_fields_end(&inner))
                hl_fields_fail(f, inner.rc, "builder", "an address and a fee were expected");
}

static void parse_orders(struct hl_fields *f, struct hl_owned_action *owned)
{
        const json_t *orders = hl_fields_value(f, "orders");
        unsigned n = count(f, "orders", orders);

        owned->orders = xcalloc(n + 1, sizeof *owned->orders);
        for (unsigned i = 0; i < n && !f->rc; i++)
                f->rc = parse_order(&owned->orders[i], json_array_get(orders, i), f->err);
        owned->action.u.order.orders = owned->orders;
        owned->action.u.order.n = n;
        parse_grouping(f, &owned->action);
        parse_builder(f, &owned->action);
}

static enum errc parse_cancel(struct hl_cancel *cancel, bool by_cloid, const json_t *value,
                              struct err *err)
{
        struct hl_fields f;

        hl_fields_begin(&f, value, err);
        hl_fields_u32(&f, by_cloid ? "asset" : "a", &cancel->asset);
        if (by_cloid)
                hl_fields_cloid(&f, "cloid", &cancel->cloid);
        else
                hl_fields_u64(&f, "o", &cancel->oid);
        return hl_fields_end(&f);
}

static void parse_cancels(struct hl_fields *f, struct hl_owned_action *owned)
{
        const json_t *cancels = hl_fields_value(f, "cancels");
        unsigned n = count(f, "cancels", cancels);
        bool by_cloid = owned->action.type == HL_CANCEL_BY_CLOID;

        owned->cancels = xcalloc(n + 1, sizeof *owned->cancels);
        for (unsigned i = 0; i < n && !f->rc; i++)
                f->rc = parse_cancel(&owned->cancels[i], by_cloid, json_array_get(cancels, i),
                                     f->err);
        owned->action.u.cancel.cancels = owned->cancels;
        owned->action.u.cancel.n = n;
        hl_fields_flag(f, "f", &owned->action.u.cancel.fast);
}

static void parse_modify_fields(struct hl_fields *f, struct hl_modify *modify)
{
        const json_t *oid = json_object_get(f->object, "oid");
        const json_t *order;

        modify->by_cloid = hl_raw_text(oid, NULL) != NULL;
        if (modify->by_cloid)
                hl_fields_cloid(f, "oid", &modify->cloid);
        else
                hl_fields_u64(f, "oid", &modify->oid);
        order = hl_fields_value(f, "order");
        if (order && !f->rc)
                f->rc = parse_order(&modify->order, order, f->err);
}

static void parse_modify(struct hl_fields *f, struct hl_owned_action *owned)
{
        owned->modifies = xcalloc(1, sizeof *owned->modifies);
        owned->action.u.modify.modifies = owned->modifies;
        owned->action.u.modify.n = 1;
        parse_modify_fields(f, &owned->modifies[0]);
        hl_fields_flag(f, "a", &owned->action.u.modify.always_place);
}

static void parse_batch_modify(struct hl_fields *f, struct hl_owned_action *owned)
{
        const json_t *modifies = hl_fields_value(f, "modifies");
        unsigned n = count(f, "modifies", modifies);

        owned->modifies = xcalloc(n + 1, sizeof *owned->modifies);
        for (unsigned i = 0; i < n && !f->rc; i++) {
                struct hl_fields inner;

                hl_fields_begin(&inner, json_array_get(modifies, i), f->err);
                parse_modify_fields(&inner, &owned->modifies[i]);
                f->rc = hl_fields_end(&inner);
        }
        owned->action.u.modify.modifies = owned->modifies;
        owned->action.u.modify.n = n;
        hl_fields_flag(f, "a", &owned->action.u.modify.always_place);
}

static void parse_schedule(struct hl_fields *f, struct hl_action *action)
{
        action->u.schedule.has_time = !hl_raw_is_absent(f->object, "time");
        if (action->u.schedule.has_time)
                hl_fields_i64(f, "time", &action->u.schedule.time_ms);
        else
                (void)hl_fields_optional(f, "time");
        if (!f->rc && action->u.schedule.time_ms < 0)
                hl_fields_fail(f, E_SYNTAX, "time", "a time was expected");
}

static void parse_twap_trigger(struct hl_fields *f, struct hl_twap *twap)
{
        const json_t *value = hl_fields_optional(f, "t");
        struct hl_fields inner;

        if (!value)
                return;
        twap->has_trigger = true;
        hl_fields_begin(&inner, value, f->err);
        hl_fields_px(&inner, "p", &twap->trigger_price);
        hl_fields_bool(&inner, "a", &twap->trigger_is_above);
        if (hl_fields_end(&inner))
                hl_fields_fail(f, inner.rc, "t", "a price and a side were expected");
}

static enum errc parse_twap_details(struct hl_twap *twap, const json_t *value, struct err *err)
{
        struct hl_fields f;

        twap->has_details = true;
        hl_fields_begin(&f, value, err);
        parse_twap_trigger(&f, twap);
        twap->has_stop = !hl_raw_is_absent(value, "s");
        if (twap->has_stop)
                hl_fields_px(&f, "s", &twap->stop_price);
        else
                (void)hl_fields_optional(&f, "s");
        return hl_fields_end(&f);
}

static void parse_twap(struct hl_fields *f, struct hl_twap *twap)
{
        const json_t *details = hl_fields_optional(f, "details");
        const json_t *value = hl_fields_value(f, "twap");
        struct hl_fields inner;

        if (!value)
                return;
        hl_fields_begin(&inner, value, f->err);
        hl_fields_u32(&inner, "a", &twap->asset);
        hl_fields_bool(&inner, "b", &twap->is_buy);
        hl_fields_qty(&inner, "s", &twap->size);
        hl_fields_bool(&inner, "r", &twap->reduce_only);
        hl_fields_u32(&inner, "m", &twap->minutes);
        hl_fields_bool(&inner, "t", &twap->randomize);
        if (hl_fields_end(&inner))
                hl_fields_fail(f, inner.rc, "twap", "a TWAP order was expected");
        if (details && !f->rc)
                f->rc = parse_twap_details(twap, details, f->err);
}

static void parse_text(struct hl_fields *f, const char *key, struct hl_text *out)
{
        out->s = hl_fields_text(f, key, &out->len);
}

static void parse_top_up(struct hl_fields *f, struct hl_action *action)
{
        struct hl_text number = {NULL, 0};

        hl_fields_u32(f, "asset", &action->u.top_up.asset);
        parse_text(f, "leverage", &number);
        if (number.s &&
            num_parse(&action->u.top_up.leverage, number.s, number.len, NUM_DECIMALS, NUM_REFUSE))
                hl_fields_fail(f, E_SYNTAX, "leverage", "a decimal number was expected");
}

static void parse_reserve(struct hl_fields *f, struct hl_action *action)
{
        hl_fields_u64(f, "weight", &action->u.reserve.weight);
        action->u.reserve.has_destination = !hl_raw_is_absent(f->object, "destination");
        if (action->u.reserve.has_destination)
                hl_fields_addr(f, "destination", &action->u.reserve.destination);
        else
                (void)hl_fields_optional(f, "destination");
}

static void parse_fields(struct hl_fields *f, struct hl_owned_action *owned)
{
        struct hl_action *action = &owned->action;

        switch (action->type) {
        case HL_ORDER: parse_orders(f, owned); return;
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID: parse_cancels(f, owned); return;
        case HL_UPDATE_LEVERAGE:
                hl_fields_u32(f, "asset", &action->u.leverage.asset);
                hl_fields_bool(f, "isCross", &action->u.leverage.is_cross);
                hl_fields_u32(f, "leverage", &action->u.leverage.leverage);
                return;
        case HL_UPDATE_ISOLATED_MARGIN:
                hl_fields_u32(f, "asset", &action->u.margin.asset);
                hl_fields_bool(f, "isBuy", &action->u.margin.is_buy);
                hl_fields_i64(f, "ntli", &action->u.margin.ntli);
                return;
        case HL_MODIFY: parse_modify(f, owned); return;
        case HL_BATCH_MODIFY: parse_batch_modify(f, owned); return;
        case HL_SCHEDULE_CANCEL: parse_schedule(f, action); return;
        case HL_TWAP_ORDER: parse_twap(f, &action->u.twap); return;
        case HL_TWAP_CANCEL:
                hl_fields_u32(f, "a", &action->u.twap_cancel.asset);
                hl_fields_u64(f, "t", &action->u.twap_cancel.id);
                return;
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN: parse_top_up(f, action); return;
        case HL_RESERVE_REQUEST_WEIGHT: parse_reserve(f, action); return;
        case HL_AGENT_SET_ABSTRACTION: parse_text(f, "abstraction", &action->u.word); return;
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER: parse_text(f, "code", &action->u.word); return;
        case HL_CREATE_SUB_ACCOUNT: parse_text(f, "name", &action->u.word); return;
        case HL_SUB_ACCOUNT_MODIFY:
                hl_fields_addr(f, "subAccountUser", &action->u.sub_modify.user);
                parse_text(f, "name", &action->u.sub_modify.name);
                return;
        case HL_SUB_ACCOUNT_TRANSFER:
                hl_fields_addr(f, "subAccountUser", &action->u.sub_transfer.user);
                hl_fields_bool(f, "isDeposit", &action->u.sub_transfer.is_deposit);
                hl_fields_u64(f, "usd", &action->u.sub_transfer.usd);
                return;
        case HL_NOOP: return;
        }
}

/* Which typed action, by name; false when it is none. */
static bool find_type(enum hl_action_type *out, const char *name)
{
        for (int t = HL_ORDER; t <= HL_NOOP; t++) {
                if (strcmp(hl_action_type_name((enum hl_action_type)t), name) == 0) {
                        *out = (enum hl_action_type)t;
                        return true;
                }
        }
        return false;
}

enum errc hl_raw_action(struct hl_owned_action **out, const json_t *action, struct err *err)
{
        struct hl_owned_action *owned = xcalloc(1, sizeof *owned);
        const char *name;
        struct hl_fields f;
        enum errc rc;

        *out = NULL;
        hl_fields_begin(&f, action, err);
        name = hl_fields_text(&f, "type", NULL);
        if (name && !find_type(&owned->action.type, name))
                hl_fields_fail(&f, E_INVALID, "type", "not an action that is parsed here");
        if (!f.rc)
                parse_fields(&f, owned);
        rc = hl_fields_end(&f);
        if (rc) {
                hl_raw_action_free(owned);
                return rc;
        }
        *out = owned;
        return E_OK;
}

void hl_raw_action_free(struct hl_owned_action *owned)
{
        if (!owned)
                return;
        free(owned->orders);
        free(owned->cancels);
        free(owned->modifies);
        free(owned);
}
