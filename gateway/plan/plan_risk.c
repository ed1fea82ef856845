/* The account as it will be when the order has filled, and the refusals that follow from it. */
#include "base/mem.h"
#include "plan/plan_build.h"
#include "risk/fee.h"
#include "risk/show.h"

static struct usd collateral_of(const struct margin_position *position)
{
        num_wide entry = position->entry_notional.v;
        num_wide v = position->raw_usd.v + (position->size.v < 0 ? -entry : entry);

        if (!position->size.v || v > INT64_MAX || v < INT64_MIN)
                v = 0;
        return (struct usd){num_to_step((int64_t)v, NUM_MICRO, NUM_DOWN)};
}

enum errc plan_risk_fill(struct plan *plan, const struct margin_position *position,
                         const struct margin_cross *cross)
{
        struct plan_risk *risk = &plan->risk;
        struct margin_figures f = {0};
        enum errc rc = 0;

        risk->mode = position->mode;
        risk->leverage = position->leverage;
        risk->size_after = position->size;
        plan->position_after = *position;
        plan->cross_after = *cross;
        if (position->size.v)
                rc = margin_position_figures(&f, position, cross);
        if (rc)
                goto done;
        risk->effective_leverage = f.effective_leverage;
        risk->has_liquidation = f.liquidation.exists;
        risk->liquidation_price = f.liquidation.price;
        (void)show_liquidation(risk->liquidation_text, &f.liquidation);
        risk->has_distance = f.has_distance;
        risk->distance = f.distance;
        risk->max_loss = f.max_loss;
        risk->maintenance = f.maintenance;
done:
        return rc;
}

void plan_risk_note_tiers(struct plan_risk *risk, const struct venue_position *held)
{
        if (!held || held->tiers_known || !risk->size_after.v)
                return;
        risk->source = SOURCE_ESTIMATE;
        plan_say_warning(risk, "margin_tiers_unknown",
                         "The position follows margin tiers that the market no longer has; its "
                         "liquidation price is an estimate.");
}

/* ---- fees ---- */

/* Whether a limit order would meet the book at once. */
static bool crosses(const struct plan_build *b)
{
        const struct plan_order_request *r = b->request;
        const struct venue_book *book = b->in->book;
        unsigned opposite = r->side == SIDE_BUY ? 1 : 0;
        struct px best = b->in->market->has_mid ? b->in->market->mid : b->in->market->mark;

        if (book && book->n[opposite])
                best = book->level[opposite][0].price;
        return r->side == SIDE_BUY ? r->price.v >= best.v : r->price.v <= best.v;
}

static bool is_maker(const struct plan_build *b)
{
        const struct plan_order_request *r = b->request;

        if (r->type != ORDER_TYPE_LIMIT || (r->has_tif && r->tif == TIF_IOC))
                return false;
        return (r->has_tif && r->tif == TIF_ALO) || !crosses(b);
}

enum errc plan_risk_fee_rate(struct rate *out, const struct market *m, struct rate rate)
{
        return num_muldiv(&out->v, rate.v, rate.v < 0 ? m->rebate_share.v : m->fee_share.v,
                          NUM_RATE_SCALE, rate.v < 0 ? NUM_DOWN : NUM_UP);
}

enum errc plan_risk_entry_rate(struct rate *out, const struct plan_build *b)
{
        return plan_risk_fee_rate(out, b->in->market,
                                  is_maker(b) ? b->in->fees->maker : b->in->fees->taker);
}

static enum errc fill_fees(struct plan_build *b)
{
        struct rate rate;
        const struct plan_policy *policy = b->in->policy;
        struct plan_risk *risk = &b->plan->risk;
        struct usd notional;
        enum errc rc;

        rc = plan_risk_entry_rate(&rate, b);
        if (rc)
                goto done;
        rc = num_notional(&notional, b->plan->expected_price, b->fills, NUM_UP);
        if (rc)
                goto done;
        rc = fee_part(&risk->venue_fee, notional, rate);
        if (rc || !policy->has_builder)
                goto done;
        rc = fee_part(&risk->builder_fee, notional, fee_builder_rate(policy->builder_fee_tenth_bp));
done:
        return rc;
}

/* ---- the account after ---- */

static enum errc apply(struct plan_build *b, struct qty size, struct usd fee)
{
        struct margin_fill fill = {size, b->plan->expected_price, fee};

        if (b->request->side == SIDE_SELL)
                fill.size.v = -fill.size.v;
        return margin_apply_fill(&b->position, &b->cross, &fill, b->in->market->mark, NULL);
}

/* Margin, fees and what the adjustment adds against what is free; decided before the fill. */
static enum errc check_margin(struct plan_build *b, struct usd fee)
{
        struct usd need = b->plan->risk.margin_required;
        char a[NUM_STR_MAX], c[NUM_STR_MAX], m[NUM_STR_MAX], f[NUM_STR_MAX];
        struct usd has;
        enum errc rc;

        if (need.v < b->initial.v)
                need = b->initial;
        rc = num_usd_add(&need, need, fee);
        if (rc)
                goto done;
        rc = margin_free(&has, &b->cross);
        if (rc || need.v <= has.v)
                goto done;
        if (b->in->policy->warn_margin) {
                plan_say_warning(&b->plan->risk, err_wire(E_MARGIN),
                                 "The order needs %s %s, free is %s.", plan_say_usd(a, need),
                                 b->in->market->collateral, plan_say_usd(c, has));
                goto done;
        }
        rc = err_set(b->err, E_MARGIN, "The order needs %s %s (margin %s, fees %s), free is %s.",
                     plan_say_usd(a, need), b->in->market->collateral,
                     plan_say_usd(m, b->plan->risk.margin_required), plan_say_usd(f, fee),
                     plan_say_usd(c, has));
        err_hint(b->err, "a smaller order, a higher leverage or a deposit of %s %s",
                 plan_say_usd(a, (struct usd){need.v - has.v}), b->in->market->collateral);
done:
        return rc;
}

static enum errc initial_margin(struct plan_build *b)
{
        struct usd notional;
        enum errc rc;

        rc = num_notional(&notional, b->plan->expected_price, b->opens, NUM_NEAREST);
        if (rc)
                goto done;
        rc = margin_initial(&b->initial, notional, b->leverage, NUM_DOWN);
        if (rc)
                goto done;
        b->initial.v = num_to_step(b->initial.v, NUM_MICRO, NUM_DOWN);
done:
        return rc;
}

/* The part that opens or adds. In isolated mode the collateral is what was there, plus what the
 * order takes: the margin asked for, or notional / leverage. */
static enum errc apply_opening(struct plan_build *b, struct usd fee)
{
        struct plan *plan = b->plan;
        bool is_isolated = b->mode == MARGIN_ISOLATED;
        struct usd target, amount;
        enum errc rc;

        rc = initial_margin(b);
        if (rc)
                goto done;
        plan->risk.margin_required = plan->adjust_step >= 0 ? plan->margin_asked : b->initial;
        plan->collateral_before = is_isolated ? collateral_of(&b->position) : (struct usd){0};
        rc = num_usd_add(&target, plan->collateral_before, plan->risk.margin_required);
        if (rc)
                goto done;
        rc = check_margin(b, fee);
        if (rc)
                goto done;
        rc = apply(b, b->opens, fee);
        if (rc || plan->adjust_step < 0)
                goto done;
        plan->step[plan->adjust_step].target_collateral = target;
        rc = num_usd_sub(&amount, target, collateral_of(&b->position));
        if (rc)
                goto done;
        rc = margin_apply_transfer(&b->position, &b->cross, amount);
done:
        return rc;
}

static enum errc apply_order(struct plan_build *b)
{
        struct usd fee, closing_fee = {0};
        struct qty closes = {b->fills.v - b->opens.v};
        enum errc rc;

        rc = num_usd_add(&fee, b->plan->risk.venue_fee, b->plan->risk.builder_fee);
        if (rc)
                goto done;
        if (closes.v) {
                rc = num_muldiv(&closing_fee.v, fee.v, closes.v, b->fills.v, NUM_NEAREST);
                if (rc)
                        goto done;
                closing_fee.v = num_to_step(closing_fee.v, NUM_MICRO, NUM_NEAREST);
                rc = apply(b, closes, closing_fee);
                if (rc)
                        goto done;
        }
        if (b->opens.v)
                rc = apply_opening(b, (struct usd){fee.v - closing_fee.v});
done:
        return rc;
}

/* ---- refusals ---- */

static bool is_beyond(struct px price, const struct margin_liquidation *liquidation)
{
        if (!liquidation->exists)
                return false;
        return liquidation->size.v > 0 ? price.v <= liquidation->price.v
                                       : price.v >= liquidation->price.v;
}

/* A position that would be liquidated at the present mark is never made, whatever the policy. */
enum errc plan_risk_check_distance(struct plan_build *b,
                                   const struct margin_liquidation *liquidation)
{
        const struct plan_policy *policy = b->in->policy;
        struct plan_risk *risk = &b->plan->risk;
        bool at_once = is_beyond(b->in->market->mark, liquidation);
        char price[NUM_STR_MAX], mark[NUM_STR_MAX], has[NUM_STR_MAX], min[NUM_STR_MAX];
        struct err said = {0};

        if (!liquidation->exists)
                return 0;
        if (!at_once && (!policy->has_min_distance || risk->distance.v >= policy->min_distance.v))
                return 0;
        num_print_px(price, liquidation->price);
        num_print_px(mark, b->in->market->mark);
        if (at_once) {
                err_set(&said, E_LIQ_TOO_CLOSE,
                        "The position would be liquidated at once: its liquidation price %s is on "
                        "the far side of the mark %s.",
                        price, mark);
        } else {
                err_set(&said, E_LIQ_TOO_CLOSE,
                        "The liquidation price %s would be %s%% from the mark %s; at least %s%% is "
                        "required here.",
                        price, plan_say_percent(has, risk->distance), mark,
                        plan_say_percent(min, policy->min_distance));
                if (policy->warn_distance) {
                        plan_say_warning(risk, err_wire(E_LIQ_TOO_CLOSE), "%s", said.detail);
                        return 0;
                }
        }
        err_set(b->err, E_LIQ_TOO_CLOSE, "%s", said.detail);
        err_hint(b->err, "a lower leverage or more margin");
        return E_LIQ_TOO_CLOSE;
}

static enum errc check_stop(struct plan_build *b, const char *field, struct px trigger,
                            const struct margin_liquidation *liquidation)
{
        char stop[NUM_STR_MAX], price[NUM_STR_MAX];
        bool is_long = liquidation->size.v > 0;

        if (!is_beyond(trigger, liquidation))
                return 0;
        num_print_px(stop, trigger);
        num_print_px(price, liquidation->price);
        if (b->in->policy->warn_stop) {
                plan_say_warning(&b->plan->risk, err_wire(E_STOP_BEYOND_LIQ),
                                 "The stop at %s is beyond the liquidation price %s.", stop, price);
                return 0;
        }
        err_field(b->err, E_STOP_BEYOND_LIQ, field,
                  "%s is beyond the liquidation price %s: the position would be liquidated first",
                  stop, price);
        err_hint(b->err, "%s %s", is_long ? "above" : "below", price);
        return E_STOP_BEYOND_LIQ;
}

enum errc plan_risk_check_stop(struct plan_build *b, const char *field, struct px trigger)
{
        struct margin_liquidation now;
        enum errc rc;

        rc = margin_liquidation(&now, &b->held->p, &b->in->account->cross);
        if (!rc)
                rc = check_stop(b, field, trigger, &now);
        return rc;
}

static enum errc refuse_stop_lost(struct plan_build *b, struct px trigger,
                                  const struct margin_liquidation *liquidation)
{
        char stop[NUM_STR_MAX], price[NUM_STR_MAX];

        num_print_px(stop, trigger);
        num_print_px(price, liquidation->price);
        if (b->in->policy->warn_stop) {
                plan_say_warning(&b->plan->risk, err_wire(E_STOP_BEYOND_LIQ),
                                 "The liquidation price would be %s, before the stop at %s.", price,
                                 stop);
                return 0;
        }
        err_field(b->err, E_STOP_BEYOND_LIQ, "amount",
                  "brings the liquidation price to %s, before the stop at %s", price, stop);
        err_hint(b->err, "take out less, or move the stop %s %s first",
                 liquidation->size.v > 0 ? "above" : "below", price);
        return E_STOP_BEYOND_LIQ;
}

enum errc plan_risk_check_standing_stops(struct plan_build *b,
                                         const struct margin_liquidation *liquidation)
{
        const struct venue_open_order *lost = NULL;
        struct margin_liquidation now;
        enum errc rc;

        rc = margin_liquidation(&now, &b->held->p, &b->in->account->cross);
        for (size_t i = 0; !rc && i < b->in->n_open_orders; i++) {
                const struct venue_open_order *o = &b->in->open_orders[i];

                if (!plan_tpsl_protects(o, b->held) || o->trigger != TRIGGER_STOP_LOSS ||
                    is_beyond(o->trigger_price, &now))
                        continue;
                if (!is_beyond(o->trigger_price, liquidation))
                        return 0;
                lost = o;
        }
        return rc || !lost ? rc : refuse_stop_lost(b, lost->trigger_price, liquidation);
}

/* A stop order guards the position that is there; a stop-loss leg the one that will be. */
static enum errc check_stops(struct plan_build *b, const struct margin_liquidation *after)
{
        const struct plan_order_request *r = b->request;
        bool is_stop = r->type == ORDER_TYPE_STOP_MARKET || r->type == ORDER_TYPE_STOP_LIMIT;
        enum errc rc = 0;

        if (is_stop && b->held)
                rc = plan_risk_check_stop(b, "triggerPrice", r->trigger_price);
        if (!rc && r->stop_loss.present)
                rc = check_stop(b, "stopLoss.triggerPrice", r->stop_loss.trigger_price, after);
        return rc;
}

static enum errc check_result(struct plan_build *b)
{
        struct margin_liquidation after;
        enum errc rc;

        rc = margin_liquidation(&after, &b->position, &b->cross);
        if (!rc && b->opens.v)
                rc = plan_risk_check_distance(b, &after);
        if (!rc)
                rc = check_stops(b, &after);
        return rc;
}

static void note_source(struct plan_build *b)
{
        struct plan_risk *risk = &b->plan->risk;
        char price[NUM_STR_MAX];

        plan_risk_note_tiers(risk, b->held);
        if (b->request->type == ORDER_TYPE_LIMIT && !b->meets_book)
                return;
        risk->source = SOURCE_ESTIMATE;
        plan_say_warning(risk, "fill_price_estimated",
                         "The fill is expected at %s on average; the figures follow from it.",
                         num_print_px(price, b->plan->expected_price));
}

enum errc plan_risk_order(struct plan_build *b)
{
        struct plan_risk *risk = &b->plan->risk;
        unsigned unknown;
        enum errc rc;

        rc = plan_read_cross(&b->cross, &unknown, b->in);
        if (rc)
                goto done;
        if (unknown && b->opens.v)
                plan_say_warning(risk, "resting_margin_unknown",
                                 "What %u open order%s on other markets reserve%s is not counted.",
                                 unknown, unknown == 1 ? "" : "s", unknown == 1 ? "s" : "");
        b->position = plan_read_position(b->in, b->held);
        b->position.mode = b->mode;
        rc = plan_setting_apply(&b->position, &b->cross, b->leverage, b->err);
        if (rc)
                goto done;
        rc = fill_fees(b);
        if (rc)
                goto done;
        rc = apply_order(b);
        if (rc)
                goto done;
        rc = plan_risk_fill(b->plan, &b->position, &b->cross);
        if (rc)
                goto done;
        /* The fee comes out of the collateral just taken: it is part of what can be lost. */
        if (b->opens.v && b->mode == MARGIN_ISOLATED)
                rc = num_usd_add(&risk->max_loss, b->plan->collateral_before,
                                 risk->margin_required);
        if (rc)
                goto done;
        note_source(b);
        rc = check_result(b);
done:
        return rc;
}
