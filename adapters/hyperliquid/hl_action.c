/* hl_action: the walk. The order of the calls here is the order that is hashed; see the field tables
 * of the venue's exchange endpoint. Fields that are unset are left out: the venue re-encodes what it
 * parsed, and a key it would not write changes the signer. */
#include "adapters/hyperliquid/hl_action.h"

#include <string.h>

#include "base/attr.h"
#include "sign/keccak.h"

const char *hl_action_type_name(enum hl_action_type type)
{
        switch (type) {
        case HL_ORDER: return "order";
        case HL_CANCEL: return "cancel";
        case HL_CANCEL_BY_CLOID: return "cancelByCloid";
        case HL_UPDATE_LEVERAGE: return "updateLeverage";
        case HL_UPDATE_ISOLATED_MARGIN: return "updateIsolatedMargin";
        case HL_MODIFY: return "modify";
        case HL_BATCH_MODIFY: return "batchModify";
        case HL_SCHEDULE_CANCEL: return "scheduleCancel";
        case HL_TWAP_ORDER: return "twapOrder";
        case HL_TWAP_CANCEL: return "twapCancel";
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN: return "topUpIsolatedOnlyMargin";
        case HL_RESERVE_REQUEST_WEIGHT: return "reserveRequestWeight";
        case HL_AGENT_SET_ABSTRACTION: return "agentSetAbstraction";
        case HL_SET_REFERRER: return "setReferrer";
        case HL_REGISTER_REFERRER: return "registerReferrer";
        case HL_CREATE_SUB_ACCOUNT: return "createSubAccount";
        case HL_SUB_ACCOUNT_MODIFY: return "subAccountModify";
        case HL_SUB_ACCOUNT_TRANSFER: return "subAccountTransfer";
        case HL_NOOP: return "noop";
        }
        must(false && "an action type of the enum");
}

static const char *tif_name(enum hl_tif tif)
{
        switch (tif) {
        case HL_TIF_GTC: return "Gtc";
        case HL_TIF_IOC: return "Ioc";
        case HL_TIF_ALO: return "Alo";
        case HL_TIF_FRONTEND_MARKET: return "FrontendMarket";
        }
        must(false && "a time in force of the enum");
}

static const char *grouping_name(enum hl_grouping grouping)
{
        switch (grouping) {
        case HL_GROUP_NA: return "na";
        case HL_GROUP_NORMAL_TPSL: return "normalTpsl";
        case HL_GROUP_POSITION_TPSL: return "positionTpsl";
        }
        must(false && "a grouping of the enum");
}

static void text(struct hl_emit *emit, const char *key, const char *value)
{
        emit->key(emit, key);
        emit->text(emit, value, strlen(value));
}

static void uint_field(struct hl_emit *emit, const char *key, uint64_t value)
{
        emit->key(emit, key);
        emit->uint(emit, value);
}

static void bool_field(struct hl_emit *emit, const char *key, bool value)
{
        emit->key(emit, key);
        emit->boolean(emit, value);
}

static void px_field(struct hl_emit *emit, const char *key, struct px value)
{
        char s[NUM_STR_MAX];

        text(emit, key, num_print_px(s, value));
}

static void cloid_field(struct hl_emit *emit, const char *key, const struct cloid *value)
{
        char s[CLOID_STR_MAX];

        text(emit, key, hex_print_cloid(s, value));
}

static void walk_order_kind(const struct hl_order *order, struct hl_emit *emit)
{
        emit->key(emit, "t");
        emit->map(emit, 1);
        if (order->is_trigger) {
                emit->key(emit, "trigger");
                emit->map(emit, 3);
                bool_field(emit, "isMarket", order->trigger_is_market);
                px_field(emit, "triggerPx", order->trigger_price);
                text(emit, "tpsl", order->tpsl == HL_TP ? "tp" : "sl");
        } else {
                emit->key(emit, "limit");
                emit->map(emit, 1);
                text(emit, "tif", tif_name(order->tif));
        }
        emit->end(emit);
        emit->end(emit);
}

static void walk_order(const struct hl_order *order, struct hl_emit *emit)
{
        char size[NUM_STR_MAX];

        emit->map(emit, order->has_cloid ? 7 : 6);
        uint_field(emit, "a", order->asset);
        bool_field(emit, "b", order->is_buy);
        px_field(emit, "p", order->price);
        text(emit, "s", num_print_qty(size, order->size));
        bool_field(emit, "r", order->reduce_only);
        walk_order_kind(order, emit);
        if (order->has_cloid)
                cloid_field(emit, "c", &order->cloid);
        emit->end(emit);
}

static void walk_orders(const struct hl_action *action, struct hl_emit *emit)
{
        char builder[ADDR_STR_MAX];

        emit->key(emit, "orders");
        emit->array(emit, action->u.order.n);
        for (unsigned i = 0; i < action->u.order.n; i++)
                walk_order(&action->u.order.orders[i], emit);
        emit->end(emit);
        if (action->u.order.has_priority) {
                emit->key(emit, "grouping");
                emit->map(emit, 1);
                uint_field(emit, "p", action->u.order.priority);
                emit->end(emit);
        } else {
                text(emit, "grouping", grouping_name(action->u.order.grouping));
        }
        if (!action->u.order.has_builder)
                return;
        emit->key(emit, "builder");
        emit->map(emit, 2);
        text(emit, "b", hex_print_addr(builder, &action->u.order.builder));
        uint_field(emit, "f", action->u.order.builder_fee);
        emit->end(emit);
}

static void walk_cancels(const struct hl_action *action, struct hl_emit *emit)
{
        emit->key(emit, "cancels");
        emit->array(emit, action->u.cancel.n);
        for (unsigned i = 0; i < action->u.cancel.n; i++) {
                const struct hl_cancel *cancel = &action->u.cancel.cancels[i];

                emit->map(emit, 2);
                if (action->type == HL_CANCEL) {
                        uint_field(emit, "a", cancel->asset);
                        uint_field(emit, "o", cancel->oid);
                } else {
                        uint_field(emit, "asset", cancel->asset);
                        cloid_field(emit, "cloid", &cancel->cloid);
                }
                emit->end(emit);
        }
        emit->end(emit);
        if (action->u.cancel.fast)
                bool_field(emit, "f", true);
}

static void walk_modify_fields(const struct hl_modify *modify, struct hl_emit *emit)
{
        if (modify->by_cloid)
                cloid_field(emit, "oid", &modify->cloid);
        else
                uint_field(emit, "oid", modify->oid);
        emit->key(emit, "order");
        walk_order(&modify->order, emit);
}

static void walk_modifies(const struct hl_action *action, struct hl_emit *emit)
{
        if (action->type == HL_MODIFY) {
                must(action->u.modify.n == 1);
                walk_modify_fields(&action->u.modify.modifies[0], emit);
        } else {
                emit->key(emit, "modifies");
                emit->array(emit, action->u.modify.n);
                for (unsigned i = 0; i < action->u.modify.n; i++) {
                        emit->map(emit, 2);
                        walk_modify_fields(&action->u.modify.modifies[i], emit);
                        emit->end(emit);
                }
                emit->end(emit);
        }
        if (action->u.modify.always_place)
                bool_field(emit, "a", true);
}

static void addr_field(struct hl_emit *emit, const char *key, const struct addr *value)
{
        char s[ADDR_STR_MAX];

        text(emit, key, hex_print_addr(s, value));
}

static void text_field(struct hl_emit *emit, const char *key, const struct hl_text *value)
{
        emit->key(emit, key);
        emit->text(emit, value->s, value->len);
}

static void walk_twap_details(const struct hl_twap *twap, struct hl_emit *emit)
{
        emit->key(emit, "details");
        emit->map(emit, 2);
        emit->key(emit, "t");
        if (twap->has_trigger) {
                emit->map(emit, 2);
                px_field(emit, "p", twap->trigger_price);
                bool_field(emit, "a", twap->trigger_is_above);
                emit->end(emit);
        } else {
                emit->null(emit);
        }
        if (twap->has_stop) {
                px_field(emit, "s", twap->stop_price);
        } else {
                emit->key(emit, "s");
                emit->null(emit);
        }
        emit->end(emit);
}

static void walk_twap(const struct hl_twap *twap, struct hl_emit *emit)
{
        char size[NUM_STR_MAX];

        emit->key(emit, "twap");
        emit->map(emit, 6);
        uint_field(emit, "a", twap->asset);
        bool_field(emit, "b", twap->is_buy);
        text(emit, "s", num_print_qty(size, twap->size));
        bool_field(emit, "r", twap->reduce_only);
        uint_field(emit, "m", twap->minutes);
        bool_field(emit, "t", twap->randomize);
        emit->end(emit);
        if (twap->has_details)
                walk_twap_details(twap, emit);
}

/* What the action's one text is called. */
static const char *word_key(enum hl_action_type type)
{
        if (type == HL_AGENT_SET_ABSTRACTION)
                return "abstraction";
        return type == HL_CREATE_SUB_ACCOUNT ? "name" : "code";
}

static void walk_reserve(const struct hl_action *action, struct hl_emit *emit)
{
        uint_field(emit, "weight", action->u.reserve.weight);
        if (action->u.reserve.has_destination)
                addr_field(emit, "destination", &action->u.reserve.destination);
}

static void walk_top_up(const struct hl_action *action, struct hl_emit *emit)
{
        char leverage[NUM_STR_MAX];

        uint_field(emit, "asset", action->u.top_up.asset);
        text(emit, "leverage", num_print(leverage, action->u.top_up.leverage, NUM_DECIMALS, 0));
}

/* Pairs in the action's own map, "type" included. */
static unsigned pairs_of(const struct hl_action *action)
{
        switch (action->type) {
        case HL_ORDER: return action->u.order.has_builder ? 4 : 3;
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID: return action->u.cancel.fast ? 3 : 2;
        case HL_UPDATE_LEVERAGE:
        case HL_UPDATE_ISOLATED_MARGIN: return 4;
        case HL_MODIFY: return action->u.modify.always_place ? 4 : 3;
        case HL_BATCH_MODIFY: return action->u.modify.always_place ? 3 : 2;
        case HL_SCHEDULE_CANCEL: return action->u.schedule.has_time ? 2 : 1;
        case HL_TWAP_ORDER: return action->u.twap.has_details ? 3 : 2;
        case HL_RESERVE_REQUEST_WEIGHT: return action->u.reserve.has_destination ? 3 : 2;
        case HL_TWAP_CANCEL:
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN:
        case HL_SUB_ACCOUNT_MODIFY: return 3;
        case HL_AGENT_SET_ABSTRACTION:
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER:
        case HL_CREATE_SUB_ACCOUNT: return 2;
        case HL_SUB_ACCOUNT_TRANSFER: return 4;
        case HL_NOOP: return 1;
        }
        must(false && "an action type of the enum");
}

static void walk_fields(const struct hl_action *action, struct hl_emit *emit)
{
        switch (action->type) {
        case HL_ORDER: walk_orders(action, emit); return;
        case HL_CANCEL:
        case HL_CANCEL_BY_CLOID: walk_cancels(action, emit); return;
        case HL_UPDATE_LEVERAGE:
                uint_field(emit, "asset", action->u.leverage.asset);
                bool_field(emit, "isCross", action->u.leverage.is_cross);
                uint_field(emit, "leverage", action->u.leverage.leverage);
                return;
        case HL_UPDATE_ISOLATED_MARGIN:
                uint_field(emit, "asset", action->u.margin.asset);
                bool_field(emit, "isBuy", action->u.margin.is_buy);
                emit->key(emit, "ntli");
                emit->sint(emit, action->u.margin.ntli);
                return;
        case HL_MODIFY:
        case HL_BATCH_MODIFY: walk_modifies(action, emit); return;
        case HL_SCHEDULE_CANCEL:
                if (!action->u.schedule.has_time)
                        return;
                emit->key(emit, "time");
                emit->sint(emit, action->u.schedule.time_ms);
                return;
        case HL_TWAP_ORDER: walk_twap(&action->u.twap, emit); return;
        case HL_TWAP_CANCEL:
                uint_field(emit, "a", action->u.twap_cancel.asset);
                uint_field(emit, "t", action->u.twap_cancel.id);
                return;
        case HL_TOP_UP_ISOLATED_ONLY_MARGIN: walk_top_up(action, emit); return;
        case HL_RESERVE_REQUEST_WEIGHT: walk_reserve(action, emit); return;
        case HL_AGENT_SET_ABSTRACTION:
        case HL_SET_REFERRER:
        case HL_REGISTER_REFERRER:
        case HL_CREATE_SUB_ACCOUNT:
                text_field(emit, word_key(action->type), &action->u.word);
                return;
        case HL_SUB_ACCOUNT_MODIFY:
                addr_field(emit, "subAccountUser", &action->u.sub_modify.user);
                text_field(emit, "name", &action->u.sub_modify.name);
                return;
        case HL_SUB_ACCOUNT_TRANSFER:
                addr_field(emit, "subAccountUser", &action->u.sub_transfer.user);
                bool_field(emit, "isDeposit", action->u.sub_transfer.is_deposit);
                uint_field(emit, "usd", action->u.sub_transfer.usd);
                return;
        case HL_NOOP: return;
        }
        must(false && "an action type of the enum");
}

void hl_action_walk(const struct hl_action *action, struct hl_emit *emit)
{
        emit->map(emit, pairs_of(action));
        text(emit, "type", hl_action_type_name(action->type));
        walk_fields(action, emit);
        emit->end(emit);
}

static void hash_be64(struct keccak *k, uint64_t v)
{
        uint8_t b[8];

        for (unsigned i = 0; i < 8; i++)
                b[i] = (uint8_t)(v >> (56 - 8 * i));
        keccak_update(k, b, sizeof b);
}

void hl_action_hash(struct hash32 *out, const void *msgpack, size_t len,
                    const struct hl_envelope *envelope)
{
        static const uint8_t zero = 0;
        static const uint8_t one = 1;
        struct keccak k;

        keccak_init(&k);
        keccak_update(&k, msgpack, len);
        hash_be64(&k, envelope->nonce);
        if (envelope->has_vault) {
                keccak_update(&k, &one, 1);
                keccak_update(&k, envelope->vault.b, sizeof envelope->vault.b);
        } else {
                keccak_update(&k, &zero, 1);
        }
        if (envelope->has_expires_after) { /* no marker when unset */
                keccak_update(&k, &zero, 1);
                hash_be64(&k, envelope->expires_after);
        }
        keccak_final(&k, out);
}
