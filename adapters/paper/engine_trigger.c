#include "adapters/paper/engine_internal.h"

/* The order nearest to firing, when the mark has reached it. */
static struct order *next(const struct listing *listing)
{
        for (int above = 0; above < 2; above++) {
                const struct level *level = engine_book_best(&listing->trigger[above]);

                if (!level)
                        continue;
                if (above ? level->price.v <= listing->mark.v : level->price.v >= listing->mark.v)
                        return list_entry(level->orders.next, struct order, in_level);
        }
        return NULL;
}

/* A fired order is an ordinary one: an immediate order bounded by its price, or a limit order. */
static void fire(struct engine *engine, struct order *order)
{
        int64_t position = order->slot->p.size.v;
        struct match match;
        char text[ENGINE_TEXT_MAX];

        engine_order_take(engine, order);
        engine_order_tell(engine, order, "triggered");
        /* Whatever changes a position ends the triggers that no longer reduce it. */
        must(position && order->pub.is_buy == (position < 0));
        order->pub.tif = order->pub.trigger_is_market ? ENGINE_IOC : ENGINE_GTC;
        (void)engine_match_execute(engine, order, &match, text);
}

void engine_trigger_run(struct engine *engine, struct listing *listing)
{
        struct order *order;

        while (listing->mark.v && (order = next(listing)))
                fire(engine, order);
}
