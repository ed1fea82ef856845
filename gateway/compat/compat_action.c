#include "compat/compat_action.h"

#include <string.h>

#include "base/mem.h"

/* --- rules --- */

/* Whether money goes to where it is traded with, rather than out of it. */
enum way { WAY_NONE, WAY_TO_PERP, WAY_DEPOSIT, WAY_DESTINATION };

static const struct {
        const char *type;
        enum compat_rule rule;
        enum way way;
} rows[] = {
        {"order", ACTION_OPENS, WAY_NONE},
        {"modify", ACTION_OPENS, WAY_NONE},
        {"batchModify", ACTION_OPENS, WAY_NONE},
        {"twapOrder", ACTION_OPENS, WAY_NONE},
        {"updateLeverage", ACTION_OPENS, WAY_NONE},
        {"updateIsolatedMargin", ACTION_OPENS, WAY_NONE},
        {"topUpIsolatedOnlyMargin", ACTION_OPENS, WAY_NONE},
        {"createSubAccount", ACTION_OPENS, WAY_NONE},
        {"cancel", ACTION_REDUCES, WAY_NONE},
        {"cancelByCloid", ACTION_REDUCES, WAY_NONE},
        {"scheduleCancel", ACTION_REDUCES, WAY_NONE},
        {"twapCancel", ACTION_REDUCES, WAY_NONE},
        {"noop", ACTION_REDUCES, WAY_NONE},
        {"usdClassTransfer", ACTION_FREE, WAY_TO_PERP},
        {"subAccountTransfer", ACTION_FREE, WAY_DEPOSIT},
        {"sendAsset", ACTION_FREE, WAY_DESTINATION},
        {"agentSendAsset", ACTION_FREE, WAY_DESTINATION},
        {"subAccountSpotTransfer", ACTION_FREE, WAY_NONE},
        {"subAccountModify", ACTION_FREE, WAY_NONE},
        {"usdSend", ACTION_FREE, WAY_NONE},
        {"spotSend", ACTION_FREE, WAY_NONE},
        {"withdraw3", ACTION_FREE, WAY_NONE},
        {"sendToEvmWithData", ACTION_FREE, WAY_NONE},
        {"approveAgent", ACTION_FREE, WAY_NONE},
        {"approveBuilderFee", ACTION_FREE, WAY_NONE},
        {"setReferrer", ACTION_FREE, WAY_NONE},
        {"registerReferrer", ACTION_FREE, WAY_NONE},
        {"setDisplayName", ACTION_FREE, WAY_NONE},
        {"claimRewards", ACTION_FREE, WAY_NONE},
        {"reserveRequestWeight", ACTION_FREE, WAY_NONE},
        {"spotUser", ACTION_FREE, WAY_NONE},
        {"agentSetAbstraction", ACTION_FREE, WAY_NONE},
        {"agentEnableDexAbstraction", ACTION_FREE, WAY_NONE},
        {"userSetAbstraction", ACTION_FREE, WAY_NONE},
        {"userDexAbstraction", ACTION_FREE, WAY_NONE},
        {"userPortfolioMargin", ACTION_FREE, WAY_NONE},
        {"convertToMultiSigUser", ACTION_FREE, WAY_NONE},
        {"cDeposit", ACTION_FREE, WAY_NONE},
        {"cWithdraw", ACTION_FREE, WAY_NONE},
        {"tokenDelegate", ACTION_FREE, WAY_NONE},
        {"linkStakingUser", ACTION_FREE, WAY_NONE},
        {"stakingLinkDisableTradingUser", ACTION_FREE, WAY_NONE},
        {"vaultTransfer", ACTION_FREE, WAY_NONE},
};

static bool leads_in(enum way way, const json_t *action)
{
        const char *from = hl_raw_get_text(action, "sourceDex", NULL);
        const char *to = hl_raw_get_text(action, "destinationDex", NULL);
        bool is_in = false;

        switch (way) {
        case WAY_NONE: return false;
        case WAY_TO_PERP: return hl_raw_get_bool(&is_in, action, "toPerp") == E_OK && is_in;
        case WAY_DEPOSIT: return hl_raw_get_bool(&is_in, action, "isDeposit") == E_OK && is_in;
        case WAY_DESTINATION:
                return from && to && strcmp(from, "spot") == 0 && strcmp(to, "spot") != 0;
        }
        never("way of a transfer");
}

/* Orders that can't increase anything: cancels, and orders that are reduce-only. */
static bool only_reduces(const struct hl_action *typed)
{
        unsigned n_opening = 0;

        switch (typed->type) {
        case HL_ORDER:
                for (unsigned i = 0; i < typed->u.order.n; i++)
                        n_opening += !typed->u.order.orders[i].reduce_only;
                return n_opening == 0;
        case HL_MODIFY:
        case HL_BATCH_MODIFY:
                for (unsigned i = 0; i < typed->u.modify.n; i++)
                        n_opening += !typed->u.modify.modifies[i].order.reduce_only;
                return n_opening == 0;
        case HL_TWAP_ORDER: return typed->u.twap.reduce_only;
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID:
        case HL_UPDATE_LEVERAGE:
        case HL_UPDATE_ISOLATED_MARGIN:
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
        case HL_NOOP: return false;
        }
        never("type of an action");
}

enum compat_rule compat_action_rule(const char *type, const json_t *action,
                                    const struct hl_action *typed)
{
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                if (strcmp(rows[i].type, type) != 0)
                        continue;
                if (leads_in(rows[i].way, action))
                        return ACTION_FUNDS_IN;
                if (rows[i].rule == ACTION_OPENS && typed && only_reduces(typed))
                        return ACTION_REDUCES;
                return rows[i].rule;
        }
        return ACTION_NOT_OFFERED;
}

unsigned compat_action_items(const json_t *action)
{
        static const char *const lists[] = {"orders", "cancels", "modifies"};
        size_t n = 0;

        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
                n += json_array_size(json_object_get(action, lists[i]));
        return n ? (unsigned)n : 1;
}

/* --- as the mirror takes it --- */

static struct venue_order order_of(const struct hl_order *o)
{
        struct venue_order out = {
                .side = o->is_buy ? SIDE_BUY : SIDE_SELL,
                .kind = o->is_trigger ? ORDER_TRIGGER : ORDER_LIMIT,
                .tif = TIF_GTC,
                .price = o->price,
                .size = o->size,
                .reduce_only = o->reduce_only,
                .is_market = o->is_trigger && o->trigger_is_market,
                .trigger = o->tpsl == HL_TP ? TRIGGER_TAKE_PROFIT : TRIGGER_STOP_LOSS,
                .trigger_price = o->trigger_price,
                .cloid = o->cloid,
                .asset = o->asset,
        };

        switch (o->tif) {
        case HL_TIF_GTC: break;
        case HL_TIF_IOC: out.tif = TIF_IOC; break;
        case HL_TIF_ALO: out.tif = TIF_ALO; break;
        case HL_TIF_FRONTEND_MARKET:
                out.tif = TIF_IOC;
                out.is_market = true;
                break;
        }
        return out;
}

static bool mirror_orders(struct venue_action *out, const struct hl_action *typed)
{
        if (typed->u.order.n == 0 || typed->u.order.n > VENUE_ORDERS_MAX)
                return false;
        out->kind = VENUE_ORDER;
        out->asset = typed->u.order.orders[0].asset;
        out->u.order.own_assets = true;
        out->u.order.n = typed->u.order.n;
        out->u.order.legs_follow_parent = typed->u.order.grouping == HL_GROUP_NORMAL_TPSL;
        out->u.order.legs_of_position = typed->u.order.grouping == HL_GROUP_POSITION_TPSL;
        out->u.order.has_builder = typed->u.order.has_builder;
        out->u.order.builder = typed->u.order.builder;
        out->u.order.builder_fee_tenth_bp = typed->u.order.builder_fee;
        for (unsigned i = 0; i < typed->u.order.n; i++)
                out->u.order.order[i] = order_of(&typed->u.order.orders[i]);
        return true;
}

static bool mirror_cancels(struct venue_action *out, const struct hl_action *typed)
{
        unsigned n = typed->u.cancel.n;

        if (n == 0 || n > VENUE_CANCELS_MAX)
                return false;
        out->kind = VENUE_CANCEL;
        out->asset = typed->u.cancel.cancels[0].asset;
        out->u.cancel.n = n;
        for (unsigned i = 0; i < n; i++)
                out->u.cancel.cancel[i] = (struct venue_cancel){
                        .asset = typed->u.cancel.cancels[i].asset,
                        .by_cloid = typed->type == HL_CANCEL_BY_CLOID,
                        .oid = typed->u.cancel.cancels[i].oid,
                        .cloid = typed->u.cancel.cancels[i].cloid,
                };
        return true;
}

/* Of several, or of one that is named by its cloid, the mirror is told that something changed. */
static bool mirror_modify(struct venue_action *out, const struct hl_action *typed)
{
        const struct hl_modify *m = typed->u.modify.modifies;

        if (typed->u.modify.n != 1 || m->by_cloid)
                return false;
        out->kind = VENUE_MODIFY;
        out->asset = m->order.asset;
        out->u.order.n = 1;
        out->u.order.order[0] = order_of(&m->order);
        out->u.order.replaces = m->oid;
        out->u.order.always_place = typed->u.modify.always_place;
        return true;
}

bool compat_action_mirrored(struct venue_action *out, const struct hl_action *typed)
{
        *out = (struct venue_action){.kind = VENUE_ORDER};
        switch (typed->type) {
        case HL_ORDER: return mirror_orders(out, typed);
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID: return mirror_cancels(out, typed);
        case HL_BATCH_MODIFY: return mirror_modify(out, typed);
        case HL_UPDATE_LEVERAGE:
                out->kind = VENUE_SET_LEVERAGE;
                out->asset = typed->u.leverage.asset;
                out->u.leverage.mode = typed->u.leverage.is_cross ? MARGIN_CROSS : MARGIN_ISOLATED;
                out->u.leverage.leverage = typed->u.leverage.leverage;
                return true;
        case HL_UPDATE_ISOLATED_MARGIN:
                out->kind = VENUE_ADJUST_MARGIN;
                out->asset = typed->u.margin.asset;
                return num_muldiv(&out->u.margin.amount.v, typed->u.margin.ntli, NUM_MICRO, 1,
                                  NUM_NEAREST) == E_OK;
        case HL_MODIFY: /* its answer does not say what became of the order */
        case HL_SCHEDULE_CANCEL:
        case HL_TWAP_ORDER:
        case HL_TWAP_CANCEL:
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN:
        case HL_RESERVE_REQUEST_WEIGHT:
        case HL_AGENT_SET_ABSTRACTION:
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER:
        case HL_CREATE_SUB_ACCOUNT:
        case HL_SUB_ACCOUNT_MODIFY:
        case HL_SUB_ACCOUNT_TRANSFER:
        case HL_NOOP: return false;
        }
        never("type of an action");
}
