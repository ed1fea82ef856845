/* Planning an order: what a request becomes, and which fields go together. Figures are worked out by
 * hand in the comments. */
#include "plan_world.h"

static struct world w;

static int fresh(void **state)
{
        (void)state;
        world_init(&w);
        return 0;
}

static void limit_at(const char *price)
{
        w.request.type = ORDER_TYPE_LIMIT;
        w.request.has_price = true;
        w.request.price = px(price);
}

static void by_margin(const char *amount)
{
        w.request.sizing = SIZING_MARGIN;
        w.request.amount = usd(amount);
}

static void by_notional(const char *amount)
{
        w.request.sizing = SIZING_NOTIONAL;
        w.request.amount = usd(amount);
}

static void trigger(enum order_type type, enum side side, const char *price)
{
        w.request.type = type;
        w.request.side = side;
        w.request.reduce_only = true;
        w.request.has_trigger = true;
        w.request.trigger_price = px(price);
}

static const struct venue_order *order_at(unsigned i)
{
        return &w.plan.step[w.plan.order_step].action.u.order.order[i];
}

/* ---- the story's order ---- */

static void margin_order_in_isolated_mode(void **state)
{
        (void)state;
        by_margin("1000"); /* 10x: notional 10000 */
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 2); /* the setting is 10x isolated already */
        assert_int_equal(w.plan.order_step, 0);
        assert_int_equal(w.plan.adjust_step, 1);
        assert_qty(w.plan.size, "0.2");
        assert_px(w.plan.expected_price, "50000");
        assert_px(w.plan.price, "50500"); /* 1 percent */
        assert_usd(w.plan.notional, "10000");
        assert_usd(w.plan.risk.venue_fee, "4.5");
        assert_usd(w.plan.risk.margin_required, "1000");
        assert_usd(w.plan.risk.max_loss, "1000");
        assert_usd(w.plan.risk.maintenance, "125");
        /* raw = 1000 - 10000: 9000 / (0.2 * 0.9875) */
        assert_string_equal(w.plan.risk.liquidation_text, "45569.6202531646");
        assert_int_equal(w.plan.risk.distance.v / 1000000000, 88); /* 0.0886.. */
        assert_int_equal(w.plan.risk.effective_leverage.v, 10 * NUM_RATE_SCALE);
        assert_int_equal(w.plan.risk.source, SOURCE_ESTIMATE);
        assert_true(has_warning(&w, "fill_price_estimated"));
        assert_usd(w.plan.step[1].target_collateral, "1000");
        assert_true(w.plan.step[1].amount_pending);
        assert_string_equal(w.plan.step[1].name, "adjustMargin");
        assert_true(order_at(0)->is_market);
        assert_int_equal(order_at(0)->tif, TIF_IOC);
        assert_int_equal(w.plan.step[0].action.asset, 7);
}

static void margin_order_walks_the_book(void **state)
{
        (void)state;
        by_margin("3000");
        assert_built(&w);
        /* 30000: 0.25 at 50000, then 17500 / 50040 = 0.349720.., cut to the lot */
        assert_qty(w.plan.size, "0.59972");
        assert_usd(w.plan.notional, "29999.98879999"); /* 29999.9888, its average cut at 1e-8 */
        assert_px(w.plan.expected_price, "50023.32555192");
        assert_false(has_warning(&w, "partial_fill_likely"));
}

static void margin_order_in_cross_mode_only_sizes(void **state)
{
        (void)state;
        by_margin("1000");
        w.request.has_mode = true;
        w.request.mode = MARGIN_CROSS;
        w.request.has_leverage = true;
        w.request.leverage = 10;
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 2);
        assert_int_equal(w.plan.step[0].action.kind, VENUE_SET_LEVERAGE);
        assert_int_equal(w.plan.step[0].action.u.leverage.mode, MARGIN_CROSS);
        assert_int_equal(w.plan.order_step, 1);
        assert_int_equal(w.plan.adjust_step, -1);
        assert_qty(w.plan.size, "0.2");
        assert_usd(w.plan.risk.margin_required, "1000");
        assert_usd(w.plan.risk.max_loss, "4995.5"); /* the account, its fee paid */
        /* cash 4995.5 - 10000: 5004.5 / 0.1975 */
        assert_string_equal(w.plan.risk.liquidation_text, "25339.2405063291");
}

static void notional_limit_order_is_exact(void **state)
{
        (void)state;
        by_notional("1000.37");
        limit_at("40000");
        assert_built(&w);
        assert_qty(w.plan.size, "0.025"); /* 0.02500925, cut */
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.risk.source, SOURCE_EXACT);
        assert_int_equal(w.plan.risk.n_warnings, 0);
        assert_usd(w.plan.risk.venue_fee, "0.15"); /* rests below the ask: maker */
        assert_usd(w.plan.risk.margin_required, "100");
        assert_usd(w.plan.risk.max_loss, "100");
        /* raw = 100 - 0.15 - 1000: 900.15 / (0.025 * 0.9875) */
        assert_string_equal(w.plan.risk.liquidation_text, "36461.7721518987");
}

static void short_mirrors_long(void **state)
{
        (void)state;
        by_margin("1000");
        w.request.side = SIDE_SELL;
        limit_at("50000");
        assert_built(&w);
        assert_qty(w.plan.risk.size_after, "-0.2");
        /* 11000 / (0.2 * 1.0125) */
        assert_string_equal(w.plan.risk.liquidation_text, "54320.987654321");
}

static void builder_fee_is_on_the_order_and_shown(void **state)
{
        (void)state;
        w.policy.has_builder = true;
        w.policy.builder.b[0] = 9;
        w.policy.builder_fee_tenth_bp = 25; /* 2.5 basis points of 10000 */
        assert_built(&w);
        assert_true(w.plan.step[0].action.u.order.has_builder);
        assert_int_equal(w.plan.step[0].action.u.order.builder_fee_tenth_bp, 25);
        assert_usd(w.plan.risk.builder_fee, "2.5");
        w.policy.builder_fee_tenth_bp = 0;
        assert_built(&w);
        assert_false(w.plan.step[0].action.u.order.has_builder);
        assert_usd(w.plan.risk.builder_fee, "0");
}

static void maker_rebate_is_a_negative_fee(void **state)
{
        (void)state;
        limit_at("40000");
        w.fees.maker = rate("-0.00003");
        w.request.has_tif = true;
        w.request.tif = TIF_ALO;
        assert_built(&w);
        assert_usd(w.plan.risk.venue_fee, "-0.24"); /* 8000 * 0.00003 */
}

/* ---- combinations of fields ---- */

static void fields_that_do_not_go_together(void **state)
{
        (void)state;
        w.request.has_price = true;
        w.request.price = px("50000");
        assert_refused(&w, E_INVALID, "price"); /* a market order has none */
        w.request.type = ORDER_TYPE_LIMIT;
        assert_built(&w);
        w.request.price = px("0");
        assert_refused(&w, E_INVALID, "price");
        w.request.has_price = false;
        assert_refused(&w, E_INVALID, "price");
        limit_at("50000");
        w.request.has_slippage = true;
        w.request.slippage = rate("0.01");
        assert_refused(&w, E_INVALID, "slippage");
        fresh(NULL);
        w.request.has_tif = true;
        w.request.tif = TIF_GTC;
        assert_refused(&w, E_INVALID, "timeInForce");
        w.request.tif = TIF_IOC;
        assert_built(&w);
        w.request.has_trigger = true;
        w.request.trigger_price = px("51000");
        assert_refused(&w, E_INVALID, "triggerPrice");
}

static void slippage_is_bounded(void **state)
{
        (void)state;
        w.request.has_slippage = true;
        w.request.slippage = rate("0.2");
        assert_built(&w);
        w.request.slippage = rate("0.200000000001");
        assert_refused(&w, E_INVALID, "slippage");
        w.request.slippage = rate("-0.01");
        assert_refused(&w, E_INVALID, "slippage");
        w.policy.max_slippage = rate("2");
        w.request.slippage = rate("1");
        assert_refused(&w, E_INVALID, "slippage");
}

static void sizes_and_amounts_are_positive(void **state)
{
        (void)state;
        w.request.size = qty("0");
        assert_refused(&w, E_INVALID, "size");
        w.request.size = qty("-1");
        assert_refused(&w, E_INVALID, "size");
        by_notional("0");
        assert_refused(&w, E_INVALID, "notional");
        by_margin("-5");
        assert_refused(&w, E_INVALID, "margin");
        by_margin("100.0000001");
        assert_refused(&w, E_INVALID, "margin");
        w.request.sizing = SIZING_POSITION;
        assert_refused(&w, E_INVALID, "reduceOnly");
        by_notional("90000000000");
        assert_int_not_equal(world_build(&w), 0);
        assert_int_not_equal(w.err.code, E_RANGE);
        by_margin("90000000000");
        assert_refused(&w, E_INVALID, "margin"); /* times 10 does not fit */
}

static void tick_and_lot_are_exact(void **state)
{
        (void)state;
        limit_at("50000.1");
        assert_built(&w);
        limit_at("50000.15");
        assert_refused(&w, E_TICK, "price");
        limit_at("50000");
        w.request.size = qty("0.200001");
        assert_refused(&w, E_LOT, "size");
        w.request.size = qty("0.2");
        w.request.stop_loss = (struct plan_leg){true, px("47000.05"), false, {0}};
        assert_refused(&w, E_TICK, "stopLoss.triggerPrice");
        w.request.stop_loss = (struct plan_leg){true, px("47000"), true, px("46000.05")};
        assert_refused(&w, E_TICK, "stopLoss.price");
}

static void markets_must_be_live(void **state)
{
        (void)state;
        w.market.is_delisted = true;
        assert_refused(&w, E_MARKET_NOT_OFFERED, NULL);
        w.market.is_delisted = false;
        w.market.context_at = 0;
        assert_refused(&w, E_VENUE_UNAVAILABLE, NULL);
        assert_int_equal(plan_order_check(&w.request, NULL, &w.policy, &w.caps, &world_rules, NULL),
                         E_MARKET_NOT_OFFERED);
}

/* ---- triggers and legs ---- */

static void triggers_lie_on_their_side_of_the_mark(void **state)
{
        static const struct {
                enum order_type type;
                enum side side;
                const char *good, *bad, *held;
        } cases[] = {
                {ORDER_TYPE_STOP_MARKET, SIDE_SELL, "49000", "51000", "0.2"},
                {ORDER_TYPE_STOP_MARKET, SIDE_BUY, "51000", "49000", "-0.2"},
                {ORDER_TYPE_TAKE_PROFIT_MARKET, SIDE_SELL, "51000", "49000", "0.2"},
                {ORDER_TYPE_TAKE_PROFIT_MARKET, SIDE_BUY, "49000", "51000", "-0.2"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                world_init(&w);
                world_hold(&w, cases[i].held, MARGIN_ISOLATED);
                trigger(cases[i].type, cases[i].side, cases[i].good);
                assert_built(&w);
                assert_int_equal(order_at(0)->kind, ORDER_TRIGGER);
                assert_true(order_at(0)->reduce_only && order_at(0)->is_market);
                w.request.trigger_price = px(cases[i].bad);
                assert_refused(&w, E_INVALID, "triggerPrice");
                w.request.trigger_price = px("50000");
                assert_refused(&w, E_INVALID, "triggerPrice");
        }
}

static void trigger_orders_only_reduce(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        trigger(ORDER_TYPE_STOP_MARKET, SIDE_SELL, "49000");
        assert_built(&w);
        assert_px(w.plan.price, "44100"); /* a tenth below the trigger */
        assert_int_equal(order_at(0)->trigger, TRIGGER_STOP_LOSS);
        w.request.reduce_only = false;
        assert_refused(&w, E_INVALID, "reduceOnly");
        assert_true(w.err.hint[0] != '\0');
        w.request.reduce_only = true;
        w.request.has_tif = true;
        assert_refused(&w, E_INVALID, "timeInForce");
        w.request.has_tif = false;
        w.request.type = ORDER_TYPE_STOP_LIMIT;
        assert_refused(&w, E_INVALID, "price");
        w.request.has_price = true;
        w.request.price = px("48900");
        assert_built(&w);
        assert_false(order_at(0)->is_market);
        assert_px(order_at(0)->price, "48900");
        w.request.has_trigger = false;
        assert_refused(&w, E_INVALID, "triggerPrice");
}

static void policy_bounds_trigger_slippage(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.policy.max_slippage = rate("0.05");
        trigger(ORDER_TYPE_STOP_MARKET, SIDE_SELL, "49000");
        assert_built(&w);
        assert_px(w.plan.price, "46550");
}

static void legs_follow_their_parent(void **state)
{
        (void)state;
        by_margin("1000");
        w.request.take_profit = (struct plan_leg){true, px("55000"), false, {0}};
        w.request.stop_loss = (struct plan_leg){true, px("46000"), true, px("45900")};
        assert_built(&w);
        assert_int_equal(w.plan.step[0].action.u.order.n, 3);
        assert_true(w.plan.step[0].action.u.order.legs_follow_parent);
        assert_int_equal(order_at(1)->trigger, TRIGGER_TAKE_PROFIT);
        assert_int_equal(order_at(1)->side, SIDE_SELL);
        assert_true(order_at(1)->reduce_only && order_at(1)->is_market);
        assert_px(order_at(1)->price, "49500");
        assert_int_equal(order_at(1)->cloid.b[0], 2);
        assert_int_equal(order_at(2)->trigger, TRIGGER_STOP_LOSS);
        assert_px(order_at(2)->price, "45900");
        assert_false(order_at(2)->is_market);
        assert_qty(order_at(2)->size, "0.2");
        assert_int_equal(order_at(2)->cloid.b[0], 3);
}

static void legs_lie_on_their_side_of_the_entry(void **state)
{
        (void)state;
        limit_at("49000");
        w.request.take_profit = (struct plan_leg){true, px("49500"), false, {0}};
        assert_built(&w); /* above the entry, though below the mark */
        w.request.take_profit.trigger_price = px("49000");
        assert_refused(&w, E_INVALID, "takeProfit.triggerPrice");
        w.request.take_profit.present = false;
        w.request.stop_loss = (struct plan_leg){true, px("49500"), false, {0}};
        assert_refused(&w, E_INVALID, "stopLoss.triggerPrice");
        fresh(NULL);
        w.request.side = SIDE_SELL;
        w.request.stop_loss = (struct plan_leg){true, px("51000"), false, {0}};
        assert_built(&w);
        assert_px(order_at(1)->price, "56100");
        w.request.stop_loss.trigger_price = px("49000");
        assert_refused(&w, E_INVALID, "stopLoss.triggerPrice");
        w.request.stop_loss.trigger_price = px("0");
        assert_refused(&w, E_INVALID, "stopLoss.triggerPrice");
}

static void legs_need_an_order_that_opens(void **state)
{
        (void)state;
        world_hold(&w, "0.5", MARGIN_ISOLATED);
        w.request.take_profit = (struct plan_leg){true, px("45000"), false, {0}};
        w.request.side = SIDE_SELL;
        assert_refused(&w, E_INVALID, "takeProfit"); /* 0.2 of 0.5 is only closed */
        w.request.reduce_only = true;
        assert_refused(&w, E_INVALID, "takeProfit");
        fresh(NULL);
        w.caps.orders_per_action = 1;
        w.request.stop_loss = (struct plan_leg){true, px("48000"), false, {0}};
        assert_refused(&w, E_INVALID, "stopLoss");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
        const struct CMUnitTest tests[] = {
                TEST(margin_order_in_isolated_mode),
                TEST(margin_order_walks_the_book),
                TEST(margin_order_in_cross_mode_only_sizes),
                TEST(notional_limit_order_is_exact),
                TEST(short_mirrors_long),
                TEST(builder_fee_is_on_the_order_and_shown),
                TEST(maker_rebate_is_a_negative_fee),
                TEST(fields_that_do_not_go_together),
                TEST(slippage_is_bounded),
                TEST(sizes_and_amounts_are_positive),
                TEST(tick_and_lot_are_exact),
                TEST(markets_must_be_live),
                TEST(triggers_lie_on_their_side_of_the_mark),
                TEST(trigger_orders_only_reduce),
                TEST(policy_bounds_trigger_slippage),
                TEST(legs_follow_their_parent),
                TEST(legs_lie_on_their_side_of_the_entry),
                TEST(legs_need_an_order_that_opens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
