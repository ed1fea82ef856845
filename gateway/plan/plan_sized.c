/* An order sized by what may be lost at its stop. The arithmetic is risk/size.h; here it meets the book,
 * the brand's bounds and the order's own plan, which has the last word on what the order leads to. */
#include <string.h>

#include "base/mem.h"
#include "plan/plan_build.h"
#include "risk/fee.h"

struct sizing {
        const struct plan_sized_request *r;
        struct plan_sized *out;
        struct plan_build b; /* of the order, for the stages' own prices and fees */
        struct size_request ask;
        int64_t lot;
};

/* ---- what is asked ---- */

static enum errc check_flat(const struct sizing *s)
{
        const struct venue_position *held =
                plan_read_held(s->b.in->account, s->b.in->market->symbol);
        char size[NUM_STR_MAX];

        if (!held)
                return 0;
        err_field(s->b.err, E_INVALID, "symbol",
                  "a %s position of %s %s is open: only a new position is sized by its risk",
                  held->p.size.v > 0 ? "long" : "short",
                  num_print_qty(size, (struct qty){num_abs(held->p.size.v)}), held->symbol);
        err_hint(s->b.err, "close it first, or preview an order that adds to it");
        return E_INVALID;
}

static enum errc check_prices(const struct sizing *s)
{
        const struct plan_inputs *in = s->b.in;
        enum errc rc = 0;

        if (s->r->has_entry)
                rc = in->rules->check_price(in->market, s->r->entry, "entryPrice", s->b.err);
        if (!rc)
                rc = in->rules->check_price(in->market, s->r->stop, "stopPrice", s->b.err);
        return rc;
}

/* A share of the equity is cut: never more than asked for. */
static enum errc risk_of(struct sizing *s)
{
        const struct plan_sized_request *r = s->r;
        struct usd equity = s->b.in->account->account_value;
        char text[NUM_STR_MAX];
        enum errc rc = 0;

        s->out->equity = equity;
        s->out->risk = r->risk;
        if (!r->has_percent)
                return 0;
        if (equity.v <= 0)
                return err_set(s->b.err, E_MARGIN,
                               "The account's equity is %s: there is nothing "
                               "to risk a part of.",
                               plan_say_usd(text, equity));
        rc = num_muldiv(&s->out->risk.v, equity.v, r->percent.v, 100 * NUM_SCALE, NUM_DOWN);
        s->out->risk.v = num_to_step(s->out->risk.v, NUM_MICRO, NUM_DOWN);
        return rc;
}

static void put_order(struct sizing *s)
{
        const struct plan_sized_request *r = s->r;

        s->out->order = (struct plan_order_request){
                .side = r->side,
                .type = r->has_entry ? ORDER_TYPE_LIMIT : ORDER_TYPE_MARKET,
                .sizing = SIZING_SIZE,
                .has_price = r->has_entry,
                .price = r->entry,
                .has_mode = true,
                .mode = MARGIN_ISOLATED,
                .has_leverage = true,
                .stop_loss = {.present = true, .trigger_price = r->stop},
        };
        (void)text_copy(s->out->order.symbol, sizeof s->out->order.symbol, s->b.in->market->symbol);
}

/* ---- what the mathematics needs ---- */

/* The brand's least distance, counted from the mark, as a part of the stop: the further of both holds. */
static enum errc buffer_of(struct rate *out, const struct sizing *s)
{
        const struct plan_policy *policy = s->b.in->policy;
        bool is_long = s->r->side == SIDE_BUY;
        int64_t stop = s->r->stop.v, nearest, buffer;
        enum errc rc = 0;

        *out = s->r->buffer;
        if (!policy->has_min_distance)
                goto done;
        rc = num_muldiv(&nearest, s->b.in->market->mark.v,
                        NUM_RATE_SCALE + (is_long ? -1 : 1) * policy->min_distance.v,
                        NUM_RATE_SCALE, is_long ? NUM_DOWN : NUM_UP);
        if (rc)
                goto done;
        nearest = is_long ? stop - nearest : nearest - stop;
        if (nearest <= 0)
                goto done;
        rc = num_muldiv(&buffer, nearest, NUM_RATE_SCALE, stop, NUM_UP);
        if (!rc && buffer > out->v)
                out->v = buffer;
done:
        return rc;
}

static enum errc put_ask(struct sizing *s)
{
        const struct plan_inputs *in = s->b.in;
        const struct plan_policy *policy = in->policy;
        struct rate entry_fee, stop_fee;
        enum errc rc;

        rc = plan_risk_entry_rate(&entry_fee, &s->b);
        if (!rc)
                rc = plan_risk_fee_rate(&stop_fee, in->market, in->fees->taker);
        if (rc)
                return rc;
        s->ask = (struct size_request){
                .is_long = s->r->side == SIDE_BUY,
                .stop = s->r->stop,
                .risk = s->out->risk,
                .entry_fee = entry_fee,
                .stop_fee = stop_fee,
                .size_decimals = in->market->size_decimals,
                .tiers = in->market->tiers,
                .max_leverage = in->market->max_leverage,
                .min_value = in->caps->min_order_value,
        };
        if (policy->max_leverage < s->ask.max_leverage)
                s->ask.max_leverage = policy->max_leverage;
        if (policy->has_builder)
                s->ask.builder_fee = fee_builder_rate(policy->builder_fee_tenth_bp);
        s->lot = num_pow10(NUM_DECIMALS - in->market->size_decimals);
        return buffer_of(&s->ask.buffer, s);
}

/* ---- the size ---- */

/* What size by risk says where a size of that many lots sets the entry. */
static enum errc try_lots(enum size_refusal *refusal, struct sizing *s, int64_t lots)
{
        struct plan_price_walk walk;
        enum errc rc;

        rc = plan_size_average(&s->ask.entry, &walk, &s->b, (struct qty){lots * s->lot});
        if (!rc)
                *refusal = size_by_risk(&s->out->size, &s->ask);
        return rc;
}

/* The more is bought, the worse its average price, and the less the risk buys at that price: the largest
 * size that its own price allows. */
static enum errc choose_lots(enum size_refusal *refusal, struct sizing *s)
{
        int64_t low = 1, high;
        enum errc rc;

        rc = try_lots(refusal, s, 1);
        if (rc || (*refusal && *refusal != SIZE_TOO_SMALL))
                return rc;
        high = s->out->size.size.v / s->lot;
        while (low < high) {
                int64_t middle = low + (high - low + 1) / 2;

                rc = try_lots(refusal, s, middle);
                if (rc)
                        return rc;
                if (s->out->size.size.v / s->lot >= middle)
                        low = middle;
                else
                        high = middle - 1;
        }
        s->ask.max_size.v = low * s->lot;
        return try_lots(refusal, s, low);
}

static enum errc refuse_small(const struct sizing *s)
{
        char risk[NUM_STR_MAX], value[NUM_STR_MAX], min[NUM_STR_MAX], least[NUM_STR_MAX];

        err_field(s->b.err, E_TOO_SMALL, plan_sized_field(s->r),
                  "%s at risk buys a position of %s, the minimum is %s: that risks %s",
                  plan_say_usd(risk, s->out->risk), plan_say_usd(value, s->out->size.notional),
                  plan_say_usd(min, s->ask.min_value),
                  plan_say_usd(least, s->out->size.least_risk));
        err_hint(s->b.err, "at least %s", least);
        return E_TOO_SMALL;
}

static enum errc refuse(const struct sizing *s, enum size_refusal refusal)
{
        char stop[NUM_STR_MAX], entry[NUM_STR_MAX], buffer[NUM_STR_MAX];
        struct err *err = s->b.err;

        num_print_px(stop, s->ask.stop);
        num_print_px(entry, s->ask.entry);
        switch (refusal) {
        case SIZE_FITS: return 0;
        case SIZE_STOP_SIDE:
                return err_field(err, E_INVALID, "stopPrice", "%s must be %s the entry %s", stop,
                                 s->ask.is_long ? "below" : "above", entry);
        case SIZE_TOO_SMALL: return refuse_small(s);
        case SIZE_BUFFER:
                return err_field(err, E_LIQ_TOO_CLOSE, "liquidationBuffer",
                                 "no price lies %s%% beyond the stop %s",
                                 plan_say_percent(buffer, s->ask.buffer), stop);
        case SIZE_INPUT:
        case SIZE_NO_LOSS:
        case SIZE_TOO_LARGE:
        case SIZE_COLLATERAL: break;
        }
        return err_field(err, size_refusal_code(refusal), plan_sized_field(s->r), "%s",
                         size_refusal_text(refusal));
}

/* ---- leverage: the order's own plan says where it is liquidated ---- */

/* Whole leverage whose own margin is what is needed at least, within the tier of the position's value at
 * the higher of entry and mark. */
static enum errc first_leverage(unsigned *out, const struct sizing *s)
{
        struct px price = s->b.in->market->mark;
        struct usd value;
        int64_t most;
        enum errc rc;

        if (s->ask.entry.v > price.v)
                price = s->ask.entry;
        rc = num_notional(&value, price, s->out->size.size, NUM_UP);
        if (rc)
                goto done;
        most = margin_max_leverage(&s->ask.tiers, value);
        if (most > s->ask.max_leverage)
                most = s->ask.max_leverage;
        if (s->out->size.required.v > 0 && s->out->size.notional.v / s->out->size.required.v < most)
                most = s->out->size.notional.v / s->out->size.required.v;
        *out = most > 1 ? (unsigned)most : 1;
done:
        return rc;
}

static bool is_far_enough(const struct sizing *s)
{
        const struct plan_risk *risk = &s->b.plan->risk;
        struct px target = s->out->size.target;

        if (!risk->has_liquidation)
                return true;
        return s->ask.is_long ? risk->liquidation_price.v <= target.v
                              : risk->liquidation_price.v >= target.v;
}

static enum errc refuse_far(const struct sizing *s)
{
        char target[NUM_STR_MAX], needed[NUM_STR_MAX], notional[NUM_STR_MAX];

        err_field(s->b.err, E_LIQ_TOO_CLOSE, "stopPrice",
                  "with the whole value of %s as margin the liquidation price would be %s, and "
                  "%s or beyond is needed, for which %s would be",
                  plan_say_usd(notional, s->out->size.notional), s->b.plan->risk.liquidation_text,
                  num_print_px(target, s->out->size.target),
                  plan_say_usd(needed, s->out->size.required));
        err_hint(s->b.err, "a nearer stop or a smaller buffer");
        return E_LIQ_TOO_CLOSE;
}

/* Refusals that a lower leverage may lift. */
static bool is_too_near(enum errc rc)
{
        return rc == E_LIQ_TOO_CLOSE || rc == E_STOP_BEYOND_LIQ;
}

static enum errc choose_leverage(struct sizing *s, const struct cloid cloids[3])
{
        struct plan_order_request *order = &s->out->order;
        enum errc rc;

        order->size = s->out->size.size;
        rc = first_leverage(&order->leverage, s);
        for (; (!rc || is_too_near(rc)) && order->leverage; order->leverage--) {
                *s->b.err = (struct err){.code = E_OK};
                rc = plan_order_build(s->b.plan, order, s->b.in, cloids, s->b.err);
                if (!rc && is_far_enough(s))
                        return 0;
        }
        if (rc && !is_too_near(rc))
                return rc;
        *s->b.err = (struct err){.code = E_OK};
        return refuse_far(s);
}

/* ---- in all ---- */

static enum errc fees_of(struct plan_sized *out, const struct sizing *s)
{
        struct usd notional;
        enum errc rc;

        out->entry_venue_fee = s->b.plan->risk.venue_fee;
        out->entry_builder_fee = s->b.plan->risk.builder_fee;
        rc = num_notional(&notional, s->ask.stop, out->size.size, NUM_UP);
        if (!rc)
                rc = fee_part(&out->stop_venue_fee, notional, s->ask.stop_fee);
        if (!rc)
                rc = fee_part(&out->stop_builder_fee, notional, s->ask.builder_fee);
        return rc;
}

static enum errc prepare(struct sizing *s)
{
        enum errc rc;

        rc = plan_read_prices(s->b.in->market, s->b.err);
        if (!rc)
                rc = check_flat(s);
        if (!rc)
                rc = check_prices(s);
        if (!rc)
                rc = risk_of(s);
        if (rc)
                return rc;
        put_order(s);
        plan_start(s->b.plan, s->b.in->market);
        rc = plan_price_set(&s->b);
        return rc ? rc : put_ask(s);
}

/* The order's fields by the names they were asked for with. */
static void rename_fields(const struct plan_sized_request *r, struct err *err)
{
        static const char *const names[][2] = {{"price", "entryPrice"},
                                               {"stopLoss.triggerPrice", "stopPrice"}};

        for (unsigned i = 0; i < err->n_fields; i++) {
                char *path = err->field[i].path;

                for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
                        if (strcmp(path, names[k][0]) == 0)
                                (void)text_copy(path, sizeof err->field[i].path, names[k][1]);
                if (strcmp(path, "size") == 0)
                        (void)text_copy(path, sizeof err->field[i].path, plan_sized_field(r));
        }
}

const char *plan_sized_field(const struct plan_sized_request *request)
{
        return request->has_percent ? "riskPercent" : "riskAmount";
}

enum errc plan_sized_build(struct plan *plan, struct plan_sized *out,
                           const struct plan_sized_request *request, const struct plan_inputs *in,
                           const struct cloid cloids[3], struct err *err)
{
        struct sizing s = {.r = request,
                           .out = out,
                           .b = {.plan = plan, .request = &out->order, .in = in, .err = err}};
        enum size_refusal refusal = SIZE_FITS;
        enum errc rc;

        must(in->account && in->setting && in->fees);
        *out = (struct plan_sized){.risk = request->risk};
        rc = prepare(&s);
        if (!rc)
                rc = choose_lots(&refusal, &s);
        if (!rc)
                rc = refuse(&s, refusal);
        if (!rc)
                rc = choose_leverage(&s, cloids);
        if (!rc)
                rc = fees_of(out, &s);
        out->entry = s.ask.entry;
        if (rc == E_RANGE)
                rc = err_field(err, E_INVALID, plan_sized_field(request),
                               "is too large or too small to be calculated with");
        if (rc)
                rename_fields(request, err);
        return rc;
}
