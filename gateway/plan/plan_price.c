/* Prices of an order: what is written into it, and what it is expected to fill at. */
#include "plan/plan_build.h"

struct rate plan_price_trigger_slippage(const struct plan_policy *policy)
{
        struct rate slippage = {PLAN_TRIGGER_SLIPPAGE};

        if (policy->max_slippage.v > 0 && policy->max_slippage.v < slippage.v)
                slippage = policy->max_slippage;
        return slippage;
}

enum errc plan_price_worst(struct px *out, const struct plan_inputs *in, enum side side,
                           struct px from, struct rate slippage)
{
        int64_t factor = NUM_RATE_SCALE;
        enum errc rc;

        factor += side == SIDE_BUY ? slippage.v : -slippage.v;
        rc = num_muldiv(&out->v, from.v, factor, NUM_RATE_SCALE,
                        side == SIDE_BUY ? NUM_DOWN : NUM_UP);
        if (rc)
                goto done;
        rc = in->rules->round_price(in->market, out, side == SIDE_BUY ? NUM_DOWN : NUM_UP);
        if (rc)
                goto done;
        rc = out->v > 0 ? 0 : E_RANGE;
done:
        return rc;
}

static enum errc market_price(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        const struct market *m = b->in->market;
        struct rate slippage = r->has_slippage ? r->slippage : b->in->policy->default_slippage;

        b->reference = m->has_mid && m->mid.v > 0 ? m->mid : m->mark;
        b->plan->expected_price = b->reference;
        return plan_price_worst(&b->plan->price, b->in, r->side, b->reference, slippage);
}

static enum errc trigger_price(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        struct rate slippage =
                r->has_slippage ? r->slippage : plan_price_trigger_slippage(b->in->policy);

        b->reference = r->trigger_price;
        b->plan->expected_price = b->reference;
        return plan_price_worst(&b->plan->price, b->in, r->side, b->reference, slippage);
}

enum errc plan_price_set(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;

        switch (r->type) {
        case ORDER_TYPE_MARKET: return market_price(b);
        case ORDER_TYPE_STOP_MARKET:
        case ORDER_TYPE_TAKE_PROFIT_MARKET: return trigger_price(b);
        case ORDER_TYPE_LIMIT:
        case ORDER_TYPE_STOP_LIMIT:
        case ORDER_TYPE_TAKE_PROFIT_LIMIT: break;
        }
        b->reference = r->price;
        b->plan->price = r->price;
        b->plan->expected_price = r->price;
        return 0;
}

/* Takes from one level what both bounds leave. */
static enum errc take(struct plan_price_walk *walk, const struct venue_level *level,
                      struct qty max_size, struct usd max_cost)
{
        struct qty size = {max_size.v - walk->size.v};
        struct usd cost;
        struct qty affordable;
        enum errc rc;

        if (size.v > level->size.v)
                size = level->size;
        rc = num_qty_for(&affordable, (struct usd){max_cost.v - walk->cost.v}, level->price,
                         NUM_DOWN);
        if (rc == E_RANGE) /* more than any size */
                affordable.v = INT64_MAX;
        if (size.v > affordable.v)
                size = affordable;
        rc = num_notional(&cost, level->price, size, NUM_UP);
        if (rc)
                goto done;
        rc = num_usd_add(&walk->cost, walk->cost, cost);
        if (rc)
                goto done;
        rc = num_add(&walk->size.v, walk->size.v, size.v);
done:
        return rc;
}

enum errc plan_price_walk(struct plan_price_walk *out, const struct venue_book *book,
                          enum side side, struct px worst, struct qty max_size, struct usd max_cost)
{
        unsigned levels = side == SIDE_BUY ? 1 : 0;
        enum errc rc = 0;

        *out = (struct plan_price_walk){0};
        for (unsigned i = 0; i < book->n[levels] && i < VENUE_LEVELS_MAX && !rc; i++) {
                const struct venue_level *level = &book->level[levels][i];

                if (level->price.v <= 0 || level->size.v <= 0)
                        continue;
                if (!out->best.v)
                        out->best = level->price;
                if (side == SIDE_BUY ? level->price.v > worst.v : level->price.v < worst.v)
                        break;
                if (out->size.v >= max_size.v || out->cost.v >= max_cost.v)
                        break;
                rc = take(out, level, max_size, max_cost);
        }
        return rc;
}
