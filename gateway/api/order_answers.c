#include "api/order_answers.h"

#include "base/mem.h"

static const char *symbol_of(const struct venue *venue, uint32_t asset)
{
        size_t n = venue->ops->market_count(venue);

        for (size_t i = 0; i < n; i++) {
                const struct market *m = venue->ops->market_at(venue, i);
                if (m->asset == asset)
                        return m->symbol;
        }
        return "";
}

static const char *tif_of(const struct venue_order *order)
{
        if (order->kind == ORDER_TRIGGER)
                return "Gtc";
        switch (order->tif) {
        case TIF_GTC: return "Gtc";
        case TIF_IOC: return "Ioc";
        case TIF_ALO: return "Alo";
        }
        never("time in force");
}

/* As it was asked for, in the words of what is told of orders. */
static struct venue_open_order as_placed(const struct venue *venue,
                                         const struct venue_action *action, unsigned i, int64_t now)
{
        const struct venue_order *order = &action->u.order.order[i];
        uint32_t asset = action->u.order.own_assets ? order->asset : action->asset;
        struct venue_open_order placed = {
                .asset = asset,
                .side = order->side,
                .price = order->price,
                .size = order->size,
                .original_size = order->size,
                .placed_at = now,
                .has_cloid = true,
                .cloid = order->cloid,
                .reduce_only = order->reduce_only,
                .is_trigger = order->kind == ORDER_TRIGGER,
                .trigger_is_market = order->is_market,
                .trigger = order->trigger,
                .trigger_price = order->trigger_price,
        };

        must(text_copy(placed.symbol, sizeof placed.symbol, symbol_of(venue, asset)));
        must(text_copy(placed.tif, sizeof placed.tif, tif_of(order)));
        return placed;
}

static void placed(struct order_watch *watch, const struct venue *venue,
                   const struct venue_action *action, const struct venue_outcome *outcome,
                   int64_t now)
{
        const bool is_modify = action->kind == VENUE_MODIFY;

        if (is_modify && outcome->n_items && outcome->item[0].status != ITEM_REFUSED)
                order_watch_cancelled(watch, action->u.order.replaces, NULL, now);
        else if (is_modify)
                order_watch_ask(watch, action->u.order.replaces, NULL, now);
        for (unsigned i = 0; i < action->u.order.n; i++) {
                struct venue_open_order order = as_placed(venue, action, i, now);

                if (i < outcome->n_items && order.symbol[0])
                        order_watch_answer(watch, &order, &outcome->item[i], now);
                else
                        order_watch_ask(watch, 0, &order.cloid, now);
        }
}

static void cancelled(struct order_watch *watch, const struct venue_action *action,
                      const struct venue_outcome *outcome, int64_t now)
{
        for (unsigned i = 0; i < action->u.cancel.n; i++) {
                const struct venue_cancel *c = &action->u.cancel.cancel[i];
                uint64_t oid = c->by_cloid ? 0 : c->oid;
                bool is_done = i < outcome->n_items && outcome->item[i].status != ITEM_REFUSED;

                if (is_done)
                        order_watch_cancelled(watch, oid, &c->cloid, now);
                else
                        order_watch_ask(watch, oid, &c->cloid, now);
        }
}

void order_answers_take(struct order_watch *watch, const struct venue *venue,
                        const struct venue_action *action, const struct venue_outcome *outcome,
                        int64_t now)
{
        static const struct venue_outcome nothing = {.result = VENUE_UNKNOWN};
        const struct venue_outcome *told = outcome->result == VENUE_DONE ? outcome : &nothing;

        if (outcome->result == VENUE_REFUSED)
                return;
        switch (action->kind) {
        case VENUE_ORDER:
        case VENUE_MODIFY: placed(watch, venue, action, told, now); return;
        case VENUE_CANCEL: cancelled(watch, action, told, now); return;
        case VENUE_SCHEDULE_CANCEL:
        case VENUE_SET_LEVERAGE:
        case VENUE_ADJUST_MARGIN:
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_FUND_SUB_ACCOUNT: return;
        }
}
