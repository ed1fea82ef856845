#include <stdio.h>

#include "adapters/paper/engine_internal.h"

static struct ladder *opposite(const struct order *order)
{
        return &order->slot->listing->book[order->pub.is_buy ? 1 : 0];
}

static bool crosses(const struct order *order, struct px price)
{
        if (order->pub.tif == ENGINE_LIQUIDATION_MARKET)
                return true;
        return order->pub.is_buy ? price.v <= order->pub.price.v : price.v >= order->pub.price.v;
}

static void part_filled(struct engine *engine, struct order *order, struct qty size)
{
        order->filled.v += size.v;
        engine_order_shrink(engine, order, size);
        if (!order->pub.size.v)
                engine_order_end(engine, order, END_FILLED);
        else if (order->state == ORDER_BOOK)
                engine_order_tell(engine, order, "open");
}

static void trade(struct engine *engine, struct order *taker, struct order *maker, struct qty size,
                  const struct liquidation *liquidation)
{
        struct listing *listing = taker->slot->listing;
        struct slot *taker_slot = taker->slot;
        struct slot *maker_slot = maker->slot;
        struct px price = maker->pub.price;
        uint64_t tid = engine_fill_next_tid(engine);
        struct side took = {.order = taker, .slot = taker_slot, .is_taker = true};
        struct side made = {.order = maker, .slot = maker_slot};
        const struct addr *buyer = &taker->pub.user;
        const struct addr *seller = &maker->pub.user;
        struct engine_fill taken, given;

        took.size = signed_size(taker->pub.is_buy, size.v);
        made.size = signed_size(maker->pub.is_buy, size.v);
        engine_fill_book(engine, &took, price, tid, liquidation, &taken);
        engine_fill_book(engine, &made, price, tid, liquidation, &given);
        listing->last = price;
        if (!taken.is_buy) {
                buyer = &given.user;
                seller = &taken.user;
        }
        if (engine->sink.trade)
                engine->sink.trade(engine->sink.cookie, &taken, buyer, seller);
        part_filled(engine, maker, size);
        part_filled(engine, taker, size);
        engine_order_reconcile(engine, maker_slot);
        engine_order_reconcile(engine, taker_slot);
}

/* A reduce-only order is for the position at most. What exceeds it is dropped, not cancelled. */
static void cut_to_position(struct engine *engine, struct order *order)
{
        int64_t whole = num_abs(order->slot->p.size.v);

        if (order->pub.reduce_only && order->pub.size.v > whole)
                engine_order_shrink(engine, order, (struct qty){order->pub.size.v - whole});
}

void engine_match_run(struct engine *engine, struct order *taker,
                      const struct liquidation *liquidation, struct match *out)
{
        struct level *level;

        *out = (struct match){0};
        cut_to_position(engine, taker);
        while (taker->state == ORDER_TAKING && (level = engine_book_best(opposite(taker)))) {
                struct order *maker = list_entry(level->orders.next, struct order, in_level);
                struct qty size =
                        taker->pub.size.v < maker->pub.size.v ? taker->pub.size : maker->pub.size;
                struct px price = level->price;

                if (!crosses(taker, price))
                        break;
                if (maker->account == taker->account) {
                        engine_order_end(engine, maker, END_SELF_TRADE);
                        continue;
                }
                if (!engine_fill_allowed(engine, maker, size, price, false)) {
                        engine_order_end(engine, maker, END_MARGIN);
                        continue;
                }
                out->is_short_margin = !engine_fill_allowed(engine, taker, size, price, true);
                if (out->is_short_margin)
                        break;
                trade(engine, taker, maker, size, liquidation);
                out->filled.v += size.v;
                out->notional += (num_wide)price.v * size.v;
        }
}

static void post_only_text(const struct engine *engine, const struct order *order,
                           char text[ENGINE_TEXT_MAX])
{
        const struct listing *listing = order->slot->listing;
        const struct level *best[2] = {engine_book_best(&listing->book[0]),
                                       engine_book_best(&listing->book[1])};
        char price[2][NUM_STR_MAX] = {"", ""};
        char words[ENGINE_TEXT_MAX];

        for (int side = 0; side < 2; side++)
                if (best[side])
                        num_print_px(price[side], best[side]->price);
        snprintf(words, sizeof words,
                 "Post only order would have immediately matched, bbo was %.40s@%.40s.", price[0],
                 price[1]);
        engine_check_text(engine, text, words, listing->asset);
}

/* What did not fill of an immediate order ends, with a text when nothing filled. */
static bool lapse(struct engine *engine, struct order *order, bool was_empty,
                  const struct match *match, char text[ENGINE_TEXT_MAX])
{
        bool is_market = order->pub.tif == ENGINE_FRONTEND_MARKET && was_empty;
        uint32_t asset = order->slot->listing->asset;

        if (match->filled.v) {
                engine_order_end(engine, order, match->is_short_margin ? END_MARGIN : END_CANCELED);
                return true;
        }
        if (match->is_short_margin) {
                engine_check_text(engine, text, "Insufficient margin to place order.", asset);
                engine_order_end(engine, order, END_MARGIN_REJECTED);
        } else if (is_market) {
                engine_check_text(engine, text, "No liquidity available for market order.", asset);
                engine_order_end(engine, order, END_NO_LIQUIDITY_REJECTED);
        } else {
                engine_check_text(engine, text,
                                  "Order could not immediately match against any resting orders.",
                                  asset);
                engine_order_end(engine, order, END_IOC_REJECTED);
        }
        return false;
}

bool engine_match_execute(struct engine *engine, struct order *order, struct match *out,
                          char text[ENGINE_TEXT_MAX])
{
        struct level *best = engine_book_best(opposite(order));
        bool was_empty = !best;

        *out = (struct match){0};
        text[0] = '\0';
        if (order->pub.tif == ENGINE_ALO && best && crosses(order, best->price)) {
                post_only_text(engine, order, text);
                engine_order_end(engine, order, END_ALO_REJECTED);
                return false;
        }
        engine_match_run(engine, order, NULL, out);
        if (order->state == ORDER_DONE)
                return true;
        if (out->is_short_margin)
                return lapse(engine, order, was_empty, out, text);
        switch (order->pub.tif) {
        case ENGINE_IOC:
        case ENGINE_FRONTEND_MARKET:
        case ENGINE_LIQUIDATION_MARKET: return lapse(engine, order, was_empty, out, text);
        case ENGINE_GTC:
        case ENGINE_ALO: break;
        }
        engine_order_rest(engine, order);
        engine_order_reconcile(engine, order->slot);
        return true;
}
