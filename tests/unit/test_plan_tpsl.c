/* plan: take-profit and stop-loss of a position. */
#include "plan_world.h"

static const struct cloid ids[2] = {{{1}}, {{2}}};

static struct venue_open_order old(enum trigger_kind kind, uint64_t oid)
{
        struct venue_open_order o = {
                .symbol = "BTC",
                .asset = 7,
                .side = SIDE_SELL,
                .oid = oid,
                .reduce_only = true,
                .is_trigger = true,
                .trigger = kind,
        };

        return o;
}

static struct plan_leg leg(const char *trigger, const char *price)
{
        struct plan_leg l = {.present = true, .trigger_price = px(trigger)};

        if (price) {
                l.has_price = true;
                l.price = px(price);
        }
        return l;
}

static enum errc build(struct world *w, const struct plan_tpsl *request)
{
        memset(&w->err, 0, sizeof w->err);
        return plan_tpsl_build(&w->plan, &w->in, request, ids, &w->err);
}

static void new_ones_stand_before_old_ones_go(void **state)
{
        struct plan_tpsl request = {.take_profit = leg("60000", NULL),
                                    .stop_loss = leg("47000", "46900")};
        const struct venue_order *o;
        struct world w;

        (void)state;
        world_init(&w);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.order[0] = old(TRIGGER_STOP_LOSS, 11);
        w.order[1] = old(TRIGGER_TAKE_PROFIT, 12);
        w.in.n_open_orders = 2;
        assert_int_equal(build(&w, &request), 0);
        assert_int_equal(w.plan.n_steps, 3);
        assert_int_equal(w.plan.order_step, 0);
        assert_true(w.plan.step[0].action.u.order.legs_of_position);
        assert_int_equal(w.plan.step[0].action.u.order.n, 2);
        o = w.plan.step[0].action.u.order.order;
        assert_true(o[0].is_market && o[0].reduce_only && o[0].side == SIDE_SELL);
        assert_px(o[0].trigger_price, "60000");
        assert_px(o[0].price, "54000"); /* a tenth below the trigger */
        assert_qty(o[0].size, "0.2");
        assert_false(o[1].is_market);
        assert_px(o[1].price, "46900");
        assert_int_equal(w.plan.step[1].action.kind, VENUE_CANCEL);
        assert_int_equal(w.plan.step[1].action.u.cancel.cancel[0].oid, 12);
        assert_int_equal(w.plan.step[2].action.u.cancel.cancel[0].oid, 11);
        plan_tpsl_keep_old(&w.plan, TRIGGER_STOP_LOSS);
        assert_int_equal(w.plan.step[1].status, STEP_PENDING);
        assert_int_equal(w.plan.step[2].status, STEP_SKIPPED);
}

static void what_is_not_named_stays(void **state)
{
        struct plan_tpsl request = {.drop_take_profit = true};
        struct world w;

        (void)state;
        world_init(&w);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.order[0] = old(TRIGGER_STOP_LOSS, 11);
        w.order[1] = old(TRIGGER_TAKE_PROFIT, 12);
        w.in.n_open_orders = 2;
        assert_int_equal(build(&w, &request), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.order_step, -1);
        assert_int_equal(w.plan.step[0].action.u.cancel.n, 1);
        assert_int_equal(w.plan.step[0].action.u.cancel.cancel[0].oid, 12);
}

static void only_what_protects_this_position_is_cancelled(void **state)
{
        struct plan_tpsl request = {.drop_stop_loss = true};
        struct world w;

        (void)state;
        world_init(&w);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.order[0] = old(TRIGGER_STOP_LOSS, 11);
        w.order[0].side = SIDE_BUY;
        w.order[1] = old(TRIGGER_STOP_LOSS, 12);
        w.order[1].waits_for_parent = true;
        w.in.n_open_orders = 2;
        assert_int_equal(build(&w, &request), 0);
        assert_int_equal(w.plan.n_steps, 0);
        w.order[0] = old(TRIGGER_STOP_LOSS, 11);
        memcpy(w.order[0].symbol, "ETH", 4);
        assert_int_equal(build(&w, &request), 0);
        assert_int_equal(w.plan.n_steps, 0);
}

static void refused(struct world *w, struct plan_leg tp, struct plan_leg sl, enum errc code,
                    const char *field)
{
        struct plan_tpsl request = {.take_profit = tp, .stop_loss = sl};

        assert_int_equal(build(w, &request), code);
        assert_int_equal(w->err.code, code);
        if (field)
                assert_field(w, field);
}

static void each_refusal_names_its_field(void **state)
{
        static const struct plan_leg none;
        struct world w;

        (void)state;
        world_init(&w);
        refused(&w, leg("60000", NULL), none, E_NOT_FOUND, NULL);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        refused(&w, leg("49000", NULL), none, E_INVALID, "takeProfit.triggerPrice");
        assert_says(&w, "mark price 50000");
        refused(&w, none, leg("51000", NULL), E_INVALID, "stopLoss.triggerPrice");
        refused(&w, none, leg("45000", NULL), E_STOP_BEYOND_LIQ, "stopLoss.triggerPrice");
        refused(&w, none, leg("47000.05", NULL), E_TICK, "stopLoss.triggerPrice");
        refused(&w, leg("60000", "59000.05"), none, E_TICK, "takeProfit.price");
        w.policy.warn_stop = true;
        {
                struct plan_tpsl request = {.stop_loss = leg("45000", NULL)};
                assert_int_equal(build(&w, &request), 0);
                assert_true(has_warning(&w, "stop_beyond_liquidation"));
        }
        world_init(&w);
        world_hold(&w, "-0.2", MARGIN_ISOLATED);
        refused(&w, leg("51000", NULL), none, E_INVALID, "takeProfit.triggerPrice");
        refused(&w, none, leg("55000", NULL), E_STOP_BEYOND_LIQ, "stopLoss.triggerPrice");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(new_ones_stand_before_old_ones_go),
                cmocka_unit_test(what_is_not_named_stays),
                cmocka_unit_test(only_what_protects_this_position_is_cancelled),
                cmocka_unit_test(each_refusal_names_its_field),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
