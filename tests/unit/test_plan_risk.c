/* Planning an order: size and value, reduce-only, mode and leverage, and every refusal both ways. Figures
 * are worked out by hand in the comments. */
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

/* ---- size and value ---- */

static void minimum_value(void **state)
{
        (void)state;
        limit_at("50000");
        w.request.size = qty("0.0002"); /* 10 */
        assert_built(&w);
        w.request.size = qty("0.00019");
        assert_refused(&w, E_TOO_SMALL, "size");
        assert_says(&w, "0.0002");
        assert_string_equal(w.err.hint, "at least 0.0002");
        by_notional("10.49");
        assert_built(&w);
        by_notional("0.4"); /* less than a lot */
        assert_refused(&w, E_TOO_SMALL, "notional");
        by_margin("0.01");
        assert_refused(&w, E_TOO_SMALL, "margin");
        assert_string_equal(w.err.hint, "at least 1"); /* 10 at 10x */
}

static void closing_everything_may_be_small(void **state)
{
        (void)state;
        world_hold(&w, "0.0001", MARGIN_CROSS);
        w.request.side = SIDE_SELL;
        w.request.size = qty("0.0001");
        w.request.reduce_only = true;
        assert_built(&w);
        w.request.size = qty("0.00009");
        assert_refused(&w, E_TOO_SMALL, "size");
        w.request.reduce_only = false;
        w.request.size = qty("0.0001");
        assert_built(&w);
}

static void market_order_without_liquidity_says_so(void **state)
{
        (void)state;
        w.request.size = qty("6"); /* the book holds 5.25 */
        w.account.cross.account_value = usd("50000");
        assert_built(&w);
        assert_true(has_warning(&w, "partial_fill_likely"));
        w.request.size = qty("0.3");
        w.request.has_slippage = true;
        w.request.slippage = rate("0"); /* only the first level is within it */
        assert_built(&w);
        assert_px(w.plan.price, "50000");
        assert_true(has_warning(&w, "partial_fill_likely"));
        w.request.size = qty("0.25"); /* all of it at the worst price itself */
        assert_built(&w);
        assert_false(has_warning(&w, "partial_fill_likely"));
        w.in.book = NULL;
        assert_built(&w);
        assert_false(has_warning(&w, "partial_fill_likely"));
        assert_px(w.plan.expected_price, "50000");
}

static void worst_price_never_exceeds_slippage(void **state)
{
        (void)state;
        w.request.has_slippage = true;
        w.request.slippage = rate("0.000003"); /* 0.15: off tick */
        assert_built(&w);
        assert_px(w.plan.price, "50000.1");
        w.request.side = SIDE_SELL;
        assert_built(&w);
        assert_px(w.plan.price, "49999.9");
}

/* ---- reduce-only ---- */

static void reduce_only(void **state)
{
        (void)state;
        w.request.reduce_only = true;
        assert_refused(&w, E_REDUCE_ONLY, NULL);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        assert_refused(&w, E_REDUCE_ONLY, "side"); /* a buy on a long */
        w.request.side = SIDE_SELL;
        assert_built(&w);
        assert_false(has_warning(&w, "reduce_only_cut"));
        assert_qty(w.plan.risk.size_after, "0");
        assert_false(w.plan.risk.has_liquidation);
        w.request.size = qty("0.3");
        assert_built(&w);
        assert_true(has_warning(&w, "reduce_only_cut"));
        assert_qty(w.plan.risk.size_after, "0");
        assert_usd(w.plan.risk.venue_fee, "4.49865"); /* 0.2 at the book's average for 0.3 */
        by_margin("100");
        assert_refused(&w, E_INVALID, "margin");
}

static void reducing_ignores_what_the_brand_offers_now(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_CROSS);
        w.policy.allow_cross = false;
        w.policy.max_leverage = 3;
        w.request.side = SIDE_SELL;
        w.request.reduce_only = true;
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 1);
        w.request.has_leverage = true;
        w.request.leverage = 2;
        assert_refused(&w, E_INVALID, "leverage");
        w.request.has_leverage = false;
        w.request.reduce_only = false;
        w.request.side = SIDE_BUY;
        assert_refused(&w, E_MARGIN_MODE, "marginMode"); /* adding to it is another matter */
}

/* ---- mode and leverage ---- */

static void default_mode_is_the_brands(void **state)
{
        (void)state;
        w.setting.mode = MARGIN_CROSS;
        w.setting.leverage = 20;
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 2);
        assert_int_equal(w.plan.step[0].action.u.leverage.mode, MARGIN_ISOLATED);
        assert_int_equal(w.plan.step[0].action.u.leverage.leverage, 5); /* the default */
        assert_true(w.plan.leverage_changed);
        assert_int_equal(w.plan.mode_before, MARGIN_CROSS);
        assert_int_equal(w.plan.leverage_before, 20);
        w.policy.allow_isolated = false; /* the other one, then */
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.risk.mode, MARGIN_CROSS);
        assert_int_equal(w.plan.risk.leverage, 20);
        w.policy.allow_cross = false;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
}

static void modes_that_are_not_allowed(void **state)
{
        (void)state;
        w.request.has_mode = true;
        w.request.mode = MARGIN_CROSS;
        assert_built(&w);
        w.market.cross_allowed = false;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
        assert_says(&w, "isolated margin only");
        w.market.cross_allowed = true;
        w.caps.has_cross = false;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
        w.caps.has_cross = true;
        w.policy.allow_cross = false;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
        w.request.mode = MARGIN_ISOLATED;
        w.policy.allow_isolated = false;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
}

static void mode_stays_while_something_is_open(void **state)
{
        (void)state;
        world_hold(&w, "0.01", MARGIN_CROSS);
        assert_built(&w);
        assert_int_equal(w.plan.risk.mode, MARGIN_CROSS); /* the position's, not the default */
        w.request.has_mode = true;
        w.request.mode = MARGIN_ISOLATED;
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
        assert_says(&w, "long position of 0.01 BTC");
        fresh(NULL);
        w.request.has_mode = true;
        w.request.mode = MARGIN_CROSS;
        w.in.n_open_orders = 1;
        snprintf(w.order[0].symbol, sizeof w.order[0].symbol, "BTC");
        assert_refused(&w, E_MARGIN_MODE, "marginMode");
        assert_says(&w, "1 open order");
        snprintf(w.order[0].symbol, sizeof w.order[0].symbol, "ETH");
        assert_built(&w);
}

static void leverage_is_capped_or_refused(void **state)
{
        (void)state;
        w.request.has_leverage = true;
        w.request.leverage = 25;
        assert_built(&w);
        assert_int_equal(w.plan.step[0].action.u.leverage.leverage, 25);
        w.request.leverage = 26;
        assert_refused(&w, E_LEVERAGE, "leverage");
        assert_says(&w, "25");
        w.request.leverage = 41;
        assert_refused(&w, E_LEVERAGE, "leverage");
        assert_says(&w, "40");
        w.request.leverage = 0;
        assert_refused(&w, E_INVALID, "leverage");
        w.request.has_leverage = false;
        w.setting.leverage = 30; /* more than is offered here now */
        assert_built(&w);
        assert_int_equal(w.plan.risk.leverage, 25);
        assert_true(has_warning(&w, "leverage_capped"));
}

static void tier_bounds_the_leverage(void **state)
{
        (void)state;
        w.account.cross.account_value = usd("100000000");
        limit_at("50000");
        w.request.size = qty("3000"); /* 150M: 20x */
        w.request.has_leverage = true;
        w.request.leverage = 25;
        assert_refused(&w, E_LEVERAGE, "leverage");
        assert_string_equal(w.err.hint, "at most 20 for this size");
        w.request.size = qty("2999.9");
        assert_built(&w);
        w.request.has_leverage = false;
        w.setting.leverage = 25;
        by_margin("7000000"); /* 175M at 25x, so 140M at 20x */
        assert_built(&w);
        assert_int_equal(w.plan.risk.leverage, 20);
        assert_qty(w.plan.size, "2800");
        assert_true(has_warning(&w, "leverage_capped"));
}

/* ---- refusals with numbers ---- */

static void insufficient_margin(void **state)
{
        (void)state;
        limit_at("50000"); /* meets the ask: taker */
        w.request.size = qty("1");
        assert_refused(&w, E_MARGIN, NULL);
        assert_says(&w, "needs 5022.50");
        assert_says(&w, "free is 5000.00");
        w.account.cross.account_value = usd("5022.5");
        assert_built(&w);
        w.account.cross.account_value = usd("5022.499999");
        assert_refused(&w, E_MARGIN, NULL);
        w.request.has_mode = true;
        w.request.mode = MARGIN_CROSS;
        w.request.has_leverage = true;
        w.request.leverage = 10;
        assert_refused(&w, E_MARGIN, NULL);
        w.account.cross.account_value = usd("5022.5");
        assert_built(&w);
}

static void resting_orders_hold_margin(void **state)
{
        (void)state;
        limit_at("50000");
        w.request.size = qty("0.9"); /* 4500 + 20.25 */
        assert_built(&w);
        w.in.n_open_orders = 1;
        w.order[0] = (struct venue_open_order){
                .symbol = "BTC", .side = SIDE_BUY, .price = px("48000"), .size = qty("0.1")};
        assert_refused(&w, E_MARGIN, NULL); /* 480 are held */
        assert_says(&w, "free is 4520.00");
        w.order[0].reduce_only = true;
        assert_built(&w);
        w.order[0].reduce_only = false;
        snprintf(w.order[0].symbol, sizeof w.order[0].symbol, "ETH");
        assert_built(&w);
        assert_true(has_warning(&w, "resting_margin_unknown"));
        world_hold(&w, "0.2", MARGIN_CROSS); /* 1000 of 5000 are in use */
        w.request.size = qty("0.79");        /* 3950 + 17.775 */
        snprintf(w.order[0].symbol, sizeof w.order[0].symbol, "BTC");
        w.order[0].side = SIDE_SELL; /* against the position: holds nothing */
        assert_built(&w);
        w.order[0].side = SIDE_BUY;
        assert_refused(&w, E_MARGIN, NULL);
}

static void closing_needs_no_margin_and_a_flip_uses_what_it_frees(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_CROSS);
        w.account.cross.account_value = usd("1000"); /* nothing is free */
        w.request.side = SIDE_SELL;
        limit_at("50000");
        assert_built(&w);
        w.request.size = qty("0.39"); /* -0.19 needs 950, and 8.775 of fees in all */
        assert_built(&w);
        assert_qty(w.plan.risk.size_after, "-0.19");
        w.request.size = qty("0.4");
        assert_refused(&w, E_MARGIN, NULL);
}

static void liquidation_too_close(void **state)
{
        (void)state;
        by_margin("1000");
        w.policy.has_min_distance = true;
        w.policy.min_distance = rate("0.0887");
        assert_refused(&w, E_LIQ_TOO_CLOSE, NULL);
        assert_says(&w, "45569.62025317");
        assert_says(&w, "8.87%");
        w.policy.min_distance = rate("0.0886");
        assert_built(&w);
        w.policy.min_distance = rate("0.0887");
        w.policy.warn_distance = true;
        assert_built(&w);
        assert_true(has_warning(&w, "liquidation_too_close"));
        fresh(NULL);
        world_hold(&w, "0.4", MARGIN_ISOLATED);
        w.policy.has_min_distance = true;
        w.policy.min_distance = rate("0.5");
        w.request.side = SIDE_SELL;
        assert_built(&w); /* reducing is never refused for it */
}

static void a_position_beyond_its_liquidation_is_never_opened(void **state)
{
        (void)state;
        /* a limit far above the mark, 20x, no book: liquidation near 57700, the mark is 50000 */
        limit_at("60000");
        w.in.book = NULL;
        w.request.has_leverage = true;
        w.request.leverage = 20;
        w.policy.warn_distance = true;
        assert_refused(&w, E_LIQ_TOO_CLOSE, NULL);
        assert_says(&w, "at once");
}

/* What a limit order meets is foretold at the prices it meets; an alo order never meets anything. */
static void a_limit_that_meets_the_book_is_an_estimate(void **state)
{
        (void)state;
        limit_at("50020"); /* of 0.4: 0.25 at 50000, the rest rests at 50020: 50007.5 on average */
        w.request.sizing = SIZING_SIZE;
        w.request.size = qty("0.4");
        assert_built(&w);
        assert_int_equal(w.plan.expected_price.v, px("50007.5").v);
        assert_int_equal(w.plan.risk.source, SOURCE_ESTIMATE);
        assert_true(has_warning(&w, "fill_price_estimated"));
        w.request.has_tif = true;
        w.request.tif = TIF_ALO;
        assert_built(&w);
        assert_int_equal(w.plan.expected_price.v, px("50020").v);
        assert_int_equal(w.plan.risk.source, SOURCE_EXACT);
        w.request.has_tif = false;
        limit_at("49999");
        w.request.sizing = SIZING_SIZE;
        w.request.size = qty("0.4");
        assert_built(&w);
        assert_int_equal(w.plan.expected_price.v, px("49999").v);
        assert_int_equal(w.plan.risk.source, SOURCE_EXACT);
}

static void stop_beyond_liquidation(void **state)
{
        (void)state;
        by_margin("1000"); /* liquidation at 45569.62 */
        w.request.stop_loss = (struct plan_leg){true, px("45569.6"), false, {0}};
        assert_refused(&w, E_STOP_BEYOND_LIQ, "stopLoss.triggerPrice");
        assert_says(&w, "45569.6");
        w.request.stop_loss.trigger_price = px("45569.7");
        assert_built(&w);
        w.request.stop_loss.trigger_price = px("45000");
        w.policy.warn_stop = true;
        assert_built(&w);
        assert_true(has_warning(&w, "stop_beyond_liquidation"));
        w.policy.warn_stop = false;
        w.request.side = SIDE_SELL;
        limit_at("50000"); /* 54320.98 */
        w.request.stop_loss.trigger_price = px("54321");
        assert_refused(&w, E_STOP_BEYOND_LIQ, "stopLoss.triggerPrice");
        w.request.stop_loss.trigger_price = px("54320.9");
        assert_built(&w);
}

static void stop_order_guards_the_open_position(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED); /* liquidation at 45569.62 */
        trigger(ORDER_TYPE_STOP_MARKET, SIDE_SELL, "45000");
        assert_refused(&w, E_STOP_BEYOND_LIQ, "triggerPrice");
        w.request.trigger_price = px("46000");
        assert_built(&w);
        world_hold(&w, "-0.2", MARGIN_ISOLATED);
        trigger(ORDER_TYPE_STOP_MARKET, SIDE_BUY, "54400");
        assert_refused(&w, E_STOP_BEYOND_LIQ, "triggerPrice");
        w.request.trigger_price = px("54300");
        assert_built(&w);
}

static void adding_margin_by_order_keeps_what_is_there(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED); /* collateral 1000 */
        by_margin("500");
        limit_at("50000");
        assert_built(&w);
        assert_usd(w.plan.collateral_before, "1000");
        assert_usd(w.plan.step[w.plan.adjust_step].target_collateral, "1500");
        assert_usd(w.plan.risk.max_loss, "1500");
        assert_qty(w.plan.risk.size_after, "0.3");
        /* raw = 1500 - 15000: 13500 / (0.3 * 0.9875) */
        assert_string_equal(w.plan.risk.liquidation_text, "45569.6202531646");
        w.position[0].tiers_known = false;
        assert_built(&w);
        assert_int_equal(w.plan.risk.source, SOURCE_ESTIMATE);
        assert_true(has_warning(&w, "margin_tiers_unknown"));
        w.request.side = SIDE_SELL;
        assert_refused(&w, E_INVALID, "margin"); /* against the position */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
        const struct CMUnitTest tests[] = {
                TEST(minimum_value),
                TEST(closing_everything_may_be_small),
                TEST(market_order_without_liquidity_says_so),
                TEST(worst_price_never_exceeds_slippage),
                TEST(reduce_only),
                TEST(reducing_ignores_what_the_brand_offers_now),
                TEST(default_mode_is_the_brands),
                TEST(modes_that_are_not_allowed),
                TEST(mode_stays_while_something_is_open),
                TEST(leverage_is_capped_or_refused),
                TEST(tier_bounds_the_leverage),
                TEST(insufficient_margin),
                TEST(resting_orders_hold_margin),
                TEST(closing_needs_no_margin_and_a_flip_uses_what_it_frees),
                TEST(liquidation_too_close),
                TEST(a_position_beyond_its_liquidation_is_never_opened),
                TEST(a_limit_that_meets_the_book_is_an_estimate),
                TEST(stop_beyond_liquidation),
                TEST(stop_order_guards_the_open_position),
                TEST(adding_margin_by_order_keeps_what_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
