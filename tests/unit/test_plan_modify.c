/* plan: another price, size or trigger for an order that stands. */
#include "plan_world.h"

#include "base/mem.h"

static const struct cloid fresh = {{9}};

/* A bid of 0.1 at 49000, 0.04 of it filled. */
static struct venue_open_order bid(void)
{
        struct venue_open_order old = {
                .symbol = "BTC",
                .asset = 7,
                .side = SIDE_BUY,
                .price = px("49000"),
                .size = qty("0.06"),
                .original_size = qty("0.1"),
                .oid = 77,
                .has_cloid = true,
                .tif = "Gtc",
        };

        return old;
}

static struct venue_open_order stop(const char *trigger, bool at_market)
{
        struct venue_open_order old = bid();

        old.side = SIDE_SELL;
        old.size = old.original_size = qty("0.2");
        old.reduce_only = old.is_trigger = true;
        old.trigger_is_market = at_market;
        old.trigger = TRIGGER_STOP_LOSS;
        old.trigger_price = px(trigger);
        old.tif[0] = '\0';
        return old;
}

static enum errc modify(struct world *w, const struct venue_open_order *old,
                        const struct plan_change *change)
{
        memset(&w->err, 0, sizeof w->err);
        return plan_modify_build(&w->plan, &w->in, old, change, &fresh, &w->err);
}

static void what_is_not_changed_stays(void **state)
{
        struct plan_change change = {.has_price = true, .price = px("48000")};
        struct venue_open_order old = bid();
        const struct venue_order *o;
        struct world w;

        (void)state;
        world_init(&w);
        assert_int_equal(modify(&w, &old, &change), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.step[0].action.kind, VENUE_MODIFY);
        assert_string_equal(w.plan.step[0].name, "modify");
        o = &w.plan.step[0].action.u.order.order[0];
        assert_px(o->price, "48000");
        assert_qty(o->size, "0.06"); /* what had not filled */
        assert_int_equal(o->side, SIDE_BUY);
        assert_int_equal(o->tif, TIF_ALO);
        assert_false(o->reduce_only);
        assert_memory_equal(&o->cloid, &fresh, sizeof fresh);
        assert_int_equal(w.plan.step[0].action.u.order.replaces, 77);
        assert_false(w.plan.step[0].action.u.order.always_place);
        assert_true(has_warning(&w, "becomes_post_only"));
        assert_usd(w.plan.risk.margin_required, "288");
}

/* A modification names no builder: the venue takes no fee for one, and none is shown. */
static void no_builder_is_paid_or_shown(void **state)
{
        struct plan_change change = {.has_price = true, .price = px("48000")};
        struct venue_open_order old = bid();
        struct world w;

        (void)state;
        world_init(&w);
        w.policy.has_builder = true;
        w.policy.builder_fee_tenth_bp = 50;
        assert_int_equal(modify(&w, &old, &change), 0);
        assert_false(w.plan.step[0].action.u.order.has_builder);
        assert_usd(w.plan.risk.builder_fee, "0");
}

static void a_post_only_order_stays_one_without_a_word(void **state)
{
        struct plan_change change = {.has_size = true, .size = qty("0.01")};
        struct venue_open_order old = bid();
        struct world w;

        (void)state;
        world_init(&w);
        text_copy(old.tif, sizeof old.tif, "Alo");
        assert_int_equal(modify(&w, &old, &change), 0);
        assert_qty(w.plan.step[0].action.u.order.order[0].size, "0.01");
        assert_false(has_warning(&w, "becomes_post_only"));
}

static void no_leverage_changes_even_where_the_brand_prefers_another_mode(void **state)
{
        struct plan_change change = {.has_price = true, .price = px("48000")};
        struct venue_open_order old = bid();
        struct world w;

        (void)state;
        world_init(&w);
        w.setting = (struct venue_setting){.mode = MARGIN_CROSS, .leverage = 4};
        w.order[0] = bid(); /* another order in the way of any change of mode */
        w.in.n_open_orders = 1;
        assert_int_equal(modify(&w, &old, &change), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.risk.mode, MARGIN_CROSS);
        assert_int_equal(w.plan.risk.leverage, 4);
}

static void triggers_are_replaced_whatever_became_of_the_old_one(void **state)
{
        struct plan_change change = {.has_trigger = true, .trigger_price = px("47000")};
        struct venue_open_order old = stop("46000", true);
        const struct venue_order *o;
        struct world w;

        (void)state;
        world_init(&w);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        assert_int_equal(modify(&w, &old, &change), 0);
        assert_true(w.plan.step[0].action.u.order.always_place);
        o = &w.plan.step[0].action.u.order.order[0];
        assert_true(o->reduce_only && o->is_market && o->kind == ORDER_TRIGGER);
        assert_px(o->trigger_price, "47000");
        assert_px(o->price, "42300"); /* a tenth below the new trigger */
}

static void refused(struct world *w, const struct venue_open_order *old,
                    const struct plan_change *change, enum errc code, const char *field)
{
        assert_int_equal(modify(w, old, change), code);
        assert_int_equal(w->err.code, code);
        if (field)
                assert_field(w, field);
}

static void each_refusal_names_its_field(void **state)
{
        struct plan_change nothing = {.has_price = false};
        struct plan_change trigger = {.has_trigger = true, .trigger_price = px("47000")};
        struct plan_change price = {.has_price = true, .price = px("47000")};
        struct plan_change off_tick = {.has_price = true, .price = px("47000.05")};
        struct plan_change off_lot = {.has_size = true, .size = qty("0.000001")};
        struct plan_change small = {.has_size = true, .size = qty("0.0001")};
        struct plan_change large = {.has_size = true, .size = qty("2")};
        struct plan_change beyond = {.has_trigger = true, .trigger_price = px("45000")};
        struct venue_open_order plain = bid();
        struct venue_open_order at_market = stop("46000", true);
        struct venue_open_order bound = stop("46000", true);
        struct world w;

        (void)state;
        world_init(&w);
        refused(&w, &plain, &nothing, E_INVALID, NULL);
        refused(&w, &plain, &trigger, E_INVALID, "triggerPrice");
        refused(&w, &plain, &off_tick, E_TICK, "price");
        refused(&w, &plain, &off_lot, E_LOT, "size");
        refused(&w, &plain, &small, E_TOO_SMALL, "size");
        refused(&w, &plain, &large, E_MARGIN, NULL);
        refused(&w, &at_market, &price, E_INVALID, "price");
        refused(&w, &at_market, &trigger, E_REDUCE_ONLY, NULL); /* nothing is held */
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        refused(&w, &at_market, &beyond, E_STOP_BEYOND_LIQ, "triggerPrice");
        bound.is_position_tpsl = true;
        refused(&w, &bound, &trigger, E_INVALID, NULL);
        assert_string_equal(w.err.hint, "PUT /v1/positions/BTC/tpsl");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_not_changed_stays),
                cmocka_unit_test(no_builder_is_paid_or_shown),
                cmocka_unit_test(a_post_only_order_stays_one_without_a_word),
                cmocka_unit_test(no_leverage_changes_even_where_the_brand_prefers_another_mode),
                cmocka_unit_test(triggers_are_replaced_whatever_became_of_the_old_one),
                cmocka_unit_test(each_refusal_names_its_field),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
