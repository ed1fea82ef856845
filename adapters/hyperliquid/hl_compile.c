#include "adapters/hyperliquid/hl_compile.h"

#include <stdio.h>
#include <string.h>

#include "adapters/hyperliquid/hl_action.h"
#include "adapters/hyperliquid/hl_num.h"
#include "base/attr.h"

#define BODY_MAX             (64 * 1024)
#define BUILDER_FEE_TENTH_BP 100 /* the venue's cap on perps */

enum errc hl_compile_check_price(const struct market *m, struct px price, const char *field,
                                 struct err *err)
{
        struct px below = price;
        struct px above = price;
        char given[NUM_STR_MAX];
        char low[NUM_STR_MAX];
        char high[NUM_STR_MAX];

        if (hl_num_price_is_valid(price, m->price_max_decimals))
                return E_OK;
        (void)err_field(err, E_TICK, field,
                        "%s is not a valid price for %s: at most 5 significant figures and %u "
                        "decimals, or an integer.",
                        num_print_px(given, price), m->symbol, m->price_max_decimals);
        if (price.v <= 0)
                err_hint(err, "A price is above zero.");
        else if (hl_num_round_price(&above, m->price_max_decimals, NUM_UP))
                err_hint(err, "The price is too large.");
        else if (hl_num_round_price(&below, m->price_max_decimals, NUM_DOWN))
                err_hint(err, "The nearest valid price is %s.", num_print_px(high, above));
        else
                err_hint(err, "The nearest valid prices are %s and %s.", num_print_px(low, below),
                         num_print_px(high, above));
        return E_TICK;
}

enum errc hl_compile_check_size(const struct market *m, struct qty size, const char *field,
                                struct err *err)
{
        struct qty below = size;
        struct qty above = size;
        char given[NUM_STR_MAX];
        char low[NUM_STR_MAX];
        char high[NUM_STR_MAX];

        if (hl_num_size_is_valid(size, m->size_decimals))
                return E_OK;
        (void)err_field(err, E_LOT, field,
                        "%s is not a valid size for %s: at most %u decimals, above zero.",
                        num_print_qty(given, size), m->symbol, m->size_decimals);
        if (size.v <= 0)
                err_hint(err, "A size is above zero.");
        else if (hl_num_round_size(&above, m->size_decimals, NUM_UP))
                err_hint(err, "The size is too large.");
        else if (hl_num_round_size(&below, m->size_decimals, NUM_DOWN))
                err_hint(err, "The nearest valid size is %s.", num_print_qty(high, above));
        else
                err_hint(err, "The nearest valid sizes are %s and %s.", num_print_qty(low, below),
                         num_print_qty(high, above));
        return E_LOT;
}

/* ---- Orders ---- */

static enum hl_tif tif_of(enum time_in_force tif)
{
        switch (tif) {
        case TIF_GTC: return HL_TIF_GTC;
        case TIF_IOC: return HL_TIF_IOC;
        case TIF_ALO: return HL_TIF_ALO;
        }
        must(false && "a time in force of the enum");
}

/* A TP/SL of the whole position has no size of its own. */
static enum errc check_order(const struct venue_order *order, const struct market *m,
                             bool is_of_position, struct err *err)
{
        enum errc rc = hl_compile_check_price(m, order->price, "price", err);

        if (!rc && !(is_of_position && order->size.v == 0))
                rc = hl_compile_check_size(m, order->size, "size", err);
        if (!rc && order->kind == ORDER_TRIGGER)
                rc = hl_compile_check_price(m, order->trigger_price, "triggerPrice", err);
        return rc;
}

static void fill_order(struct hl_order *out, const struct venue_order *order, uint32_t asset)
{
        static const struct cloid none;

        *out = (struct hl_order){
                .asset = asset,
                .is_buy = order->side == SIDE_BUY,
                .price = order->price,
                .size = order->size,
                .reduce_only = order->reduce_only,
                .is_trigger = order->kind == ORDER_TRIGGER,
                .tif = tif_of(order->tif),
                .trigger_is_market = order->is_market,
                .trigger_price = order->trigger_price,
                .tpsl = order->trigger == TRIGGER_TAKE_PROFIT ? HL_TP : HL_SL,
                .has_cloid = !hex_cloid_equal(&order->cloid, &none),
                .cloid = order->cloid,
        };
}

/* The market of an order: the action's, or its own. */
static const struct market *market_of(const struct venue_action *action, unsigned i,
                                      const struct hl_markets *markets)
{
        uint32_t asset =
                action->u.order.own_assets ? action->u.order.order[i].asset : action->asset;

        return hl_markets_by_asset(markets, asset);
}

static enum errc build_order(struct hl_order *out, const struct venue_action *action, unsigned i,
                             const struct hl_markets *markets, struct err *err)
{
        const struct venue_order *order = &action->u.order.order[i];
        const struct market *m = market_of(action, i, markets);
        enum errc rc;

        if (!m)
                return err_set(err, E_MARKET_NOT_OFFERED, "The venue has no such market.");
        rc = check_order(order, m, action->u.order.legs_of_position, err);
        if (!rc)
                fill_order(out, order, m->asset);
        return rc;
}

static enum errc build_orders(struct hl_action *out, struct hl_order *orders,
                              const struct venue_action *action, const struct hl_markets *markets,
                              struct err *err)
{
        unsigned n = action->u.order.n;

        if (n == 0 || n > VENUE_ORDERS_MAX)
                return err_set(err, E_INVALID, "An action holds 1 to %d orders.", VENUE_ORDERS_MAX);
        for (unsigned i = 0; i < n; i++) {
                enum errc rc = build_order(&orders[i], action, i, markets, err);

                if (rc)
                        return rc;
        }
        if (action->u.order.has_builder &&
            action->u.order.builder_fee_tenth_bp > BUILDER_FEE_TENTH_BP)
                return err_set(err, E_INVALID, "The builder fee is above what the venue allows.");
        out->type = HL_ORDER;
        out->u.order.orders = orders;
        out->u.order.n = n;
        out->u.order.grouping = action->u.order.legs_follow_parent ? HL_GROUP_NORMAL_TPSL
                                : action->u.order.legs_of_position ? HL_GROUP_POSITION_TPSL
                                                                   : HL_GROUP_NA;
        /* A builder without a fee would still need the trader's approval. */
        out->u.order.has_builder =
                action->u.order.has_builder && action->u.order.builder_fee_tenth_bp > 0;
        out->u.order.builder = action->u.order.builder;
        out->u.order.builder_fee = action->u.order.builder_fee_tenth_bp;
        return E_OK;
}

/* Sent as a batch of one: its answer tells what became of the new order, a single modify's does not.
 * What the venue would refuse or turn into something else without always_place is refused here. */
static enum errc build_modify(struct hl_action *out, struct hl_modify *modify,
                              const struct venue_action *action, const struct hl_markets *markets,
                              struct err *err)
{
        const struct venue_order *order = &action->u.order.order[0];
        enum errc rc;

        if (action->u.order.n != 1 || action->u.order.replaces == 0)
                return err_set(err, E_INVALID, "A modification replaces one order by one.");
        if (!action->u.order.always_place &&
            (order->kind != ORDER_LIMIT || order->tif == TIF_IOC || order->is_market))
                return err_set(err, E_INVALID,
                               "Only a plain order that rests can take the place of another.");
        rc = build_order(&modify->order, action, 0, markets, err);
        if (rc)
                return rc;
        modify->by_cloid = false;
        modify->oid = action->u.order.replaces;
        out->type = HL_BATCH_MODIFY;
        out->u.modify.modifies = modify;
        out->u.modify.n = 1;
        out->u.modify.always_place = action->u.order.always_place;
        return E_OK;
}

/* ---- The other actions ---- */

static enum errc build_leverage(struct hl_action *out, const struct venue_action *action,
                                const struct market *m, struct err *err)
{
        bool is_cross = action->u.leverage.mode == MARGIN_CROSS;

        if (is_cross && !m->cross_allowed)
                return err_field(err, E_MARGIN_MODE, "marginMode",
                                 "%s allows isolated margin only.", m->symbol);
        if (action->u.leverage.leverage == 0 || action->u.leverage.leverage > m->max_leverage)
                return err_field(err, E_LEVERAGE, "leverage", "%s allows leverages from 1 to %u.",
                                 m->symbol, m->max_leverage);
        out->type = HL_UPDATE_LEVERAGE;
        out->u.leverage.asset = action->asset;
        out->u.leverage.is_cross = is_cross;
        out->u.leverage.leverage = action->u.leverage.leverage;
        return E_OK;
}

static enum errc build_margin(struct hl_action *out, const struct venue_action *action,
                              const struct market *m, struct err *err)
{
        int64_t amount = action->u.margin.amount.v;

        if (amount == 0 || amount % NUM_MICRO != 0)
                return err_field(err, E_INVALID, "amount",
                                 "Margin moves in whole 0.000001, and not zero.");
        if (amount < 0 && !m->margin_removable)
                return err_field(err, E_MARGIN_NOT_REMOVABLE, "amount",
                                 "Margin can't be removed from %s positions.", m->symbol);
        out->type = HL_UPDATE_ISOLATED_MARGIN;
        out->u.margin.asset = action->asset;
        out->u.margin.is_buy = true; /* reserved by the venue; clients send true */
        out->u.margin.ntli = amount / NUM_MICRO;
        return E_OK;
}

/* Cancels by order id and by client id are different actions: one kind in each. */
static enum errc build_cancels(struct hl_action *out, struct hl_cancel *cancels,
                               const struct venue_action *action, struct err *err)
{
        unsigned n = action->u.cancel.n;
        bool by_cloid = action->u.cancel.cancel[0].by_cloid;

        if (n == 0 || n > VENUE_CANCELS_MAX)
                return err_set(err, E_INVALID, "An action holds 1 to %d cancels.",
                               VENUE_CANCELS_MAX);
        for (unsigned i = 0; i < n; i++) {
                const struct venue_cancel *cancel = &action->u.cancel.cancel[i];

                if (cancel->by_cloid != by_cloid)
                        return err_set(err, E_INVALID,
                                       "Cancels by order id and by client id don't mix.");
                cancels[i] = (struct hl_cancel){
                        .asset = cancel->asset, .oid = cancel->oid, .cloid = cancel->cloid};
        }
        out->type = by_cloid ? HL_CANCEL_BY_CLOID : HL_CANCEL;
        out->u.cancel.cancels = cancels;
        out->u.cancel.n = n;
        return E_OK;
}

static enum errc build_sub_account(struct hl_action *out, const struct venue_action *action,
                                   struct err *err)
{
        const char *name = action->u.sub_name;
        size_t len = strnlen(name, sizeof action->u.sub_name);

        if (len == 0 || len > VENUE_SUB_NAME_MAX)
                return err_field(err, E_INVALID, "name", "must have 1 to %d characters",
                                 VENUE_SUB_NAME_MAX);
        out->type = HL_CREATE_SUB_ACCOUNT;
        out->u.word = (struct hl_text){name, len};
        return E_OK;
}

static enum errc build_funding(struct hl_action *out, const struct venue_action *action,
                               struct err *err)
{
        int64_t amount = action->u.fund.amount.v;

        if (amount <= 0 || amount % NUM_MICRO != 0)
                return err_field(err, E_INVALID, "amount",
                                 "must be whole units of 0.000001, above zero");
        out->type = HL_SUB_ACCOUNT_TRANSFER;
        out->u.sub_transfer.user = action->u.fund.sub_account;
        out->u.sub_transfer.is_deposit = action->u.fund.is_deposit;
        out->u.sub_transfer.usd = (uint64_t)(amount / NUM_MICRO);
        return E_OK;
}

/* Whether the time is far enough ahead is the venue's to say, by its clock. */
static enum errc build_schedule(struct hl_action *out, const struct venue_action *action,
                                struct err *err)
{
        if (action->u.cancel_all_at < 0)
                return err_set(err, E_INVALID, "A time is not below zero.");
        out->type = HL_SCHEDULE_CANCEL;
        out->u.schedule.has_time = action->u.cancel_all_at != 0;
        out->u.schedule.time_ms = action->u.cancel_all_at;
        return E_OK;
}

/* ---- Together ---- */

struct arrays {
        struct hl_order orders[VENUE_ORDERS_MAX];
        struct hl_cancel cancels[VENUE_CANCELS_MAX];
        struct hl_modify modify;
};

static enum errc build(struct hl_action *out, struct arrays *arrays,
                       const struct venue_action *action, const struct hl_markets *markets,
                       struct err *err)
{
        const struct market *m = hl_markets_by_asset(markets, action->asset);

        *out = (struct hl_action){0};
        if (!m && (action->kind == VENUE_SET_LEVERAGE || action->kind == VENUE_ADJUST_MARGIN))
                return err_set(err, E_MARKET_NOT_OFFERED, "The venue has no such market.");
        switch (action->kind) {
        case VENUE_SET_LEVERAGE: return build_leverage(out, action, m, err);
        case VENUE_ORDER: return build_orders(out, arrays->orders, action, markets, err);
        case VENUE_ADJUST_MARGIN: return build_margin(out, action, m, err);
        case VENUE_CANCEL: return build_cancels(out, arrays->cancels, action, err);
        case VENUE_MODIFY: return build_modify(out, &arrays->modify, action, markets, err);
        case VENUE_CREATE_SUB_ACCOUNT: return build_sub_account(out, action, err);
        case VENUE_FUND_SUB_ACCOUNT: return build_funding(out, action, err);
        case VENUE_SCHEDULE_CANCEL: return build_schedule(out, action, err);
        }
        must(false && "an action kind of the enum");
}

static unsigned items_of(const struct venue_action *action)
{
        switch (action->kind) {
        case VENUE_ORDER:
        case VENUE_MODIFY: return action->u.order.n;
        case VENUE_CANCEL: return action->u.cancel.n;
        case VENUE_SET_LEVERAGE:
        case VENUE_ADJUST_MARGIN:
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_FUND_SUB_ACCOUNT:
        case VENUE_SCHEDULE_CANCEL: return 0;
        }
        must(false && "an action kind of the enum");
}

enum errc hl_compile(struct venue_compiled *out, const struct venue_action *action,
                     const struct hl_markets *markets, bool is_mainnet,
                     const struct addr *sub_account, uint64_t nonce, uint64_t expires_after,
                     struct err *err)
{
        struct hl_envelope envelope = {.nonce = nonce,
                                       .has_expires_after = expires_after != 0,
                                       .expires_after = expires_after};
        struct arrays arrays;
        struct hl_action typed;
        struct hl_json json;
        struct buf scratch;
        enum errc rc;

        *out = (struct venue_compiled){.nonce = nonce,
                                       .expires_after = expires_after,
                                       .kind = action->kind,
                                       .n_items = items_of(action),
                                       .has_sub_account = sub_account != NULL};
        if (sub_account) {
                out->sub_account = envelope.vault = *sub_account;
                envelope.has_vault = true;
        }
        buf_init(&scratch, BODY_MAX);
        buf_init(&out->body, BODY_MAX);
        rc = build(&typed, &arrays, action, markets, err);
        if (rc)
                goto done;
        rc = hl_l1_digest(&out->digest, &scratch, &typed, &envelope, is_mainnet);
        if (rc)
                goto done;
        hl_action_hash(&out->content, scratch.data, scratch.len, &envelope);
        hl_json_init(&json, &out->body);
        hl_action_walk(&typed, &json.emit);
        rc = buf_check(&out->body);
done:
        buf_fini(&scratch);
        if (rc)
                buf_fini(&out->body);
        return rc;
}
