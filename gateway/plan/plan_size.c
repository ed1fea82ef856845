/* The size of an order, the average price it is expected at, and the venue's minimum value. */
#include "plan/plan_build.h"

static int64_t lot_of(const struct market *m)
{
        must(m->size_decimals <= NUM_DECIMALS);
        return num_pow10(NUM_DECIMALS - m->size_decimals);
}

/* The smallest valid size whose value at the price reaches the minimum. */
static enum errc smallest_size(struct qty *out, struct usd *value, const struct plan_build *b)
{
        struct px price = b->plan->expected_price;
        int64_t lot = lot_of(b->in->market);
        enum errc rc;

        rc = num_qty_for(out, b->in->caps->min_order_value, price, NUM_UP);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, lot, NUM_UP);
        if (!out->v)
                out->v = lot;
        rc = num_notional(value, price, *out, NUM_UP);
done:
        return rc;
}

static enum errc too_small(const struct plan_build *b, struct usd value)
{
        char size_text[NUM_STR_MAX], value_text[NUM_STR_MAX], min[NUM_STR_MAX], has[NUM_STR_MAX];
        const char *field = plan_say_sizing(b->request->sizing);
        struct qty size;
        struct usd least, shown;
        enum errc rc;

        rc = smallest_size(&size, &least, b);
        if (rc)
                return rc;
        shown = least;
        if (b->request->sizing == SIZING_MARGIN) {
                rc = margin_initial(&shown, least, b->leverage, NUM_UP);
                if (rc)
                        return rc;
        }
        err_field(b->err, E_TOO_SMALL, field,
                  "the order is worth %s, the minimum is %s: the smallest size is %s (%s)",
                  plan_say_usd(has, value), plan_say_usd(min, b->in->caps->min_order_value),
                  num_print_qty(size_text, size), plan_say_usd(value_text, least));
        if (b->request->sizing == SIZING_SIZE || b->request->sizing == SIZING_POSITION)
                err_hint(b->err, "at least %s", num_print_qty(size_text, size));
        else
                err_hint(b->err, "at least %s", num_print_usd(value_text, shown));
        return E_TOO_SMALL;
}

/* Whether the order may fill against the book that was read. */
static bool may_take(const struct plan_build *b)
{
        const struct plan_order_request *r = b->request;

        if (!b->in->book)
                return false;
        return r->type == ORDER_TYPE_MARKET ||
               (r->type == ORDER_TYPE_LIMIT && !(r->has_tif && r->tif == TIF_ALO));
}

/* What the money buys: through the book as far as it meets it, the rest at a price that can't make it
 * worth more than asked. */
static enum errc size_for_money(struct qty *out, const struct plan_build *b, struct usd money)
{
        struct plan_price_walk walk = {0};
        struct px rest_price = b->reference;
        struct qty rest = {0};
        enum errc rc = 0;

        if (may_take(b)) {
                rc = plan_price_walk(&walk, b->in->book, b->request->side, b->plan->price,
                                     (struct qty){INT64_MAX}, money);
                if (rc)
                        goto done;
        }
        if (b->plan->price.v > rest_price.v)
                rest_price = b->plan->price;
        if (walk.best.v > rest_price.v)
                rest_price = walk.best;
        if (b->request->type == ORDER_TYPE_LIMIT)
                rest_price = b->plan->price; /* where it rests, and fills */
        if (money.v > walk.cost.v)
                rc = num_qty_for(&rest, (struct usd){money.v - walk.cost.v}, rest_price, NUM_DOWN);
        if (rc)
                goto done;
        rc = num_add(&out->v, walk.size.v, rest.v);
        if (rc)
                goto done;
        out->v = num_to_step(out->v, lot_of(b->in->market), NUM_DOWN);
done:
        return rc;
}

static enum errc choose_size(struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        struct usd money = r->amount;
        enum errc rc = 0;

        switch (r->sizing) {
        case SIZING_SIZE: b->plan->size = r->size; return 0;
        case SIZING_POSITION: b->plan->size.v = num_abs(b->held->p.size.v); return 0;
        case SIZING_MARGIN: rc = num_muldiv(&money.v, r->amount.v, b->leverage, 1, NUM_DOWN); break;
        case SIZING_NOTIONAL: break;
        }
        if (!rc)
                rc = size_for_money(&b->plan->size, b, money);
        if (!rc && !b->plan->size.v)
                rc = too_small(b, money);
        return rc;
}

/* A limit order takes what the book gives up to its price; what is left of it rests at its price. */
enum errc plan_size_average(struct px *out, struct plan_price_walk *walk,
                            const struct plan_build *b, struct qty size)
{
        struct usd cost, resting = {0};
        enum errc rc = 0;

        *walk = (struct plan_price_walk){0};
        *out = b->reference;
        if (!may_take(b))
                goto done;
        rc = plan_price_walk(walk, b->in->book, b->request->side, b->plan->price, size,
                             (struct usd){INT64_MAX});
        if (rc || !walk->size.v)
                goto done;
        if (b->request->type == ORDER_TYPE_LIMIT)
                rc = num_notional(&resting, b->plan->price, (struct qty){size.v - walk->size.v},
                                  NUM_DOWN);
        else
                size = walk->size;
        if (!rc)
                rc = num_usd_add(&cost, walk->cost, resting);
        if (!rc)
                rc = num_px_for(out, cost, size, NUM_DOWN);
done:
        return rc;
}

/* What the book does not give now can't fill now. */
static enum errc expect_price(struct plan_build *b)
{
        bool is_market = b->request->type == ORDER_TYPE_MARKET;
        struct plan_price_walk walk;
        char gives[NUM_STR_MAX], size[NUM_STR_MAX], worst[NUM_STR_MAX];
        enum errc rc;

        rc = plan_size_average(&b->plan->expected_price, &walk, b, b->fills);
        if (rc)
                goto done;
        b->meets_book = !is_market && walk.size.v;
        if (is_market && b->in->book && walk.size.v < b->fills.v)
                plan_say_warning(&b->plan->risk, "partial_fill_likely",
                                 "The book holds %s of %s up to the worst price %s.",
                                 num_print_qty(gives, walk.size), num_print_qty(size, b->fills),
                                 num_print_px(worst, b->plan->price));
done:
        return rc;
}

/* Reduce-only orders fill at most what is held, and only on its other side. */
static enum errc cut_to_held(struct plan_build *b, int64_t held)
{
        bool is_buy = b->request->side == SIDE_BUY;
        char size[NUM_STR_MAX], whole[NUM_STR_MAX];

        if ((held < 0) != is_buy)
                return err_field(b->err, E_REDUCE_ONLY, "side",
                                 "a reduce-only %s can't reduce the %s position of %s",
                                 is_buy ? "buy" : "sell", held > 0 ? "long" : "short",
                                 num_print_qty(whole, (struct qty){num_abs(held)}));
        if (b->fills.v > num_abs(held)) {
                b->fills.v = num_abs(held);
                plan_say_warning(&b->plan->risk, "reduce_only_cut",
                                 "The size %s is more than the position: %s can fill.",
                                 num_print_qty(size, b->plan->size),
                                 num_print_qty(whole, b->fills));
        }
        return 0;
}

/* How much of the order closes and how much opens. */
static enum errc split(struct plan_build *b)
{
        int64_t held = b->held ? b->held->p.size.v : 0;
        int side = b->request->side == SIDE_BUY ? 1 : -1;
        bool is_opposite = held && (held < 0) == (side > 0);
        int64_t closes = 0;
        enum errc rc = 0;

        b->fills = b->plan->size;
        if (b->request->reduce_only)
                rc = cut_to_held(b, held);
        if (rc)
                goto done;
        if (is_opposite)
                closes = b->fills.v < num_abs(held) ? b->fills.v : num_abs(held);
        b->opens.v = b->fills.v - closes;
        rc = num_add(&b->plan->risk.size_after.v, held, side * b->fills.v);
done:
        return rc;
}

/* Orders that close the whole position may be worth less than the minimum. */
static enum errc check_value(struct plan_build *b)
{
        bool closes_all = b->held && !b->plan->risk.size_after.v;
        enum errc rc;

        rc = num_notional(&b->plan->notional, b->plan->expected_price, b->plan->size, NUM_DOWN);
        if (rc)
                goto done;
        if (!closes_all && b->plan->notional.v < b->in->caps->min_order_value.v)
                rc = too_small(b, b->plan->notional);
done:
        return rc;
}

enum errc plan_size_set(struct plan_build *b)
{
        enum errc rc;

        rc = choose_size(b);
        if (rc)
                goto done;
        rc = split(b);
        if (rc)
                goto done;
        rc = expect_price(b);
        if (rc)
                goto done;
        rc = check_value(b);
done:
        return rc;
}
