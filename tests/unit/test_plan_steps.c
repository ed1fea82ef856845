/* Plans of one step (leverage, margin, close), the life of steps, settling the margin adjustment, and
 * properties of sizing over random requests (the seed is printed; PLAN_SEED sets it). */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan_world.h"

static struct world w;

static int fresh(void **state)
{
        (void)state;
        world_init(&w);
        return 0;
}

static enum errc set_leverage(enum margin_mode mode, unsigned leverage)
{
        memset(&w.err, 0, sizeof w.err);
        return plan_leverage_build(&w.plan, &w.in, mode, leverage, &w.err);
}

static enum errc move_margin(const char *amount)
{
        memset(&w.err, 0, sizeof w.err);
        return plan_margin_build(&w.plan, &w.in, usd(amount), &w.err);
}

/* ---- leverage ---- */

static void leverage_step_only_where_it_differs(void **state)
{
        (void)state;
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 10), 0);
        assert_int_equal(w.plan.n_steps, 0);
        assert_int_equal(set_leverage(MARGIN_CROSS, 20), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(w.plan.step[0].action.u.leverage.mode, MARGIN_CROSS);
        assert_int_equal(w.plan.step[0].action.u.leverage.leverage, 20);
        assert_int_equal(w.plan.order_step, -1);
        assert_int_equal(set_leverage(MARGIN_CROSS, 26), E_LEVERAGE);
        assert_int_equal(set_leverage(MARGIN_CROSS, 0), E_INVALID);
        w.market.cross_allowed = false;
        assert_int_equal(set_leverage(MARGIN_CROSS, 20), E_MARGIN_MODE);
}

static void lowering_needs_margin(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED); /* 1000 behind 10000 */
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 20), 0);
        assert_string_equal(w.plan.risk.liquidation_text, "45569.6202531646"); /* stays */
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 9), E_MARGIN);
        assert_field(&w, "leverage");
        assert_says(&w, "1000.00");
        w.position[0].p.raw_usd = usd("-8000");
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 5), 0);
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 4), E_MARGIN);
        fresh(NULL);
        world_hold(&w, "0.2", MARGIN_CROSS); /* 4000 free */
        assert_int_equal(set_leverage(MARGIN_CROSS, 2), 0);
        assert_int_equal(set_leverage(MARGIN_CROSS, 1), E_MARGIN);
        assert_says(&w, "9000.00");
        assert_says(&w, "4000.00");
}

static void mode_of_an_open_position_stays(void **state)
{
        (void)state;
        world_hold(&w, "-0.2", MARGIN_CROSS);
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 10), E_MARGIN_MODE);
        assert_says(&w, "short position of 0.2 BTC");
        fresh(NULL);
        w.in.n_open_orders = 2;
        snprintf(w.order[0].symbol, sizeof w.order[0].symbol, "BTC");
        snprintf(w.order[1].symbol, sizeof w.order[1].symbol, "BTC");
        assert_int_equal(set_leverage(MARGIN_CROSS, 10), E_MARGIN_MODE);
        assert_says(&w, "2 open orders");
        assert_int_equal(set_leverage(MARGIN_ISOLATED, 5), 0);
}

static void leverage_above_the_positions_tier(void **state)
{
        (void)state;
        w.account.cross.account_value = usd("100000000");
        world_hold(&w, "3000", MARGIN_CROSS); /* 150M: 20x at most */
        assert_int_equal(set_leverage(MARGIN_CROSS, 21), E_LEVERAGE);
        assert_int_equal(set_leverage(MARGIN_CROSS, 20), 0);
}

/* ---- margin ---- */

static void margin_goes_in(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        assert_int_equal(move_margin("500"), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_usd(w.plan.step[0].action.u.margin.amount, "500");
        /* 8500 / 0.1975 */
        assert_string_equal(w.plan.risk.liquidation_text, "43037.9746835443");
        assert_usd(w.plan.risk.max_loss, "1500");
        assert_int_equal(w.plan.risk.source, SOURCE_EXACT);
        assert_int_equal(move_margin("5000"), 0);
        assert_int_equal(move_margin("5000.000001"), E_MARGIN);
        assert_field(&w, "amount");
        assert_says(&w, "free is 5000.00");
        assert_int_equal(move_margin("0"), E_INVALID);
        assert_int_equal(move_margin("0.0000001"), E_INVALID);
}

static void margin_comes_out_down_to_the_requirement(void **state)
{
        (void)state;
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        assert_int_equal(move_margin("-1"), E_MARGIN_NOT_REMOVABLE);
        w.position[0].p.raw_usd = usd("-8500"); /* 1500 behind 10000 at 10x */
        assert_int_equal(move_margin("-200"), 0);
        /* 8700 / 0.1975 */
        assert_string_equal(w.plan.risk.liquidation_text, "44050.6329113924");
        assert_int_equal(move_margin("-500"), 0);
        assert_int_equal(move_margin("-500.000001"), E_MARGIN_NOT_REMOVABLE);
        assert_field(&w, "amount");
        assert_says(&w, "1000.00 must stay");
        assert_string_equal(w.err.hint, "at most 500.00 can be removed");
        w.position[0].p.leverage = 5; /* a fifth must stay now */
        assert_int_equal(move_margin("-1"), E_MARGIN_NOT_REMOVABLE);
        w.position[0].p.leverage = 40; /* a tenth, not a fortieth */
        assert_int_equal(move_margin("-500"), 0);
        assert_int_equal(move_margin("-501"), E_MARGIN_NOT_REMOVABLE);
        w.market.margin_removable = false;
        assert_int_equal(move_margin("-1"), E_MARGIN_NOT_REMOVABLE);
        assert_int_equal(move_margin("1"), 0);
}

static void margin_moves_only_on_an_isolated_position(void **state)
{
        (void)state;
        assert_int_equal(move_margin("1"), E_NOT_FOUND);
        world_hold(&w, "0.2", MARGIN_CROSS);
        assert_int_equal(move_margin("1"), E_INVALID);
        assert_says(&w, "cross");
}

/* ---- close ---- */

static enum errc close_position(const char *size, const char *slippage)
{
        memset(&w.err, 0, sizeof w.err);
        return plan_close_build(&w.plan, &w.in, "BTC", qty(size), rate(slippage), &world_cloids[0],
                                &w.err);
}

static void close_is_a_reduce_only_market_order(void **state)
{
        const struct venue_order *order = &w.plan.step[0].action.u.order.order[0];

        (void)state;
        assert_int_equal(close_position("0", "0"), E_NOT_FOUND);
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        assert_int_equal(close_position("0", "0"), 0);
        assert_int_equal(w.plan.n_steps, 1);
        assert_int_equal(order->side, SIDE_SELL);
        assert_true(order->reduce_only && order->is_market);
        assert_qty(order->size, "0.2");
        assert_px(order->price, "49500");
        assert_px(w.plan.expected_price, "49985"); /* 0.1 at 49990, 0.1 at 49980 */
        assert_usd(w.plan.risk.max_loss, "0");
        assert_int_equal(close_position("0.05", "0.002"), 0);
        assert_qty(order->size, "0.05");
        assert_px(order->price, "49900");
        assert_qty(w.plan.risk.size_after, "0.15");
        assert_int_equal(close_position("-1", "0"), E_INVALID);
        assert_int_equal(close_position("0.000001", "0"), E_LOT);
        world_hold(&w, "-0.2", MARGIN_CROSS);
        assert_int_equal(close_position("0", "0"), 0);
        assert_int_equal(order->side, SIDE_BUY);
        assert_px(order->price, "50500");
}

/* ---- steps ---- */

static void plan_margin_order(void)
{
        w.setting.leverage = 7; /* so that there is a leverage step */
        w.request.sizing = SIZING_MARGIN;
        w.request.amount = usd("1000");
        w.request.has_leverage = true;
        w.request.leverage = 10;
        assert_built(&w);
        assert_int_equal(w.plan.n_steps, 3);
}

static void run(unsigned i, enum step_status status)
{
        plan_step_set(&w.plan, i, STEP_SENT, NULL);
        plan_step_set(&w.plan, i, status, NULL);
}

static bool move_aborts(enum step_status from, enum step_status to)
{
        int status = 0;
        pid_t child;

        plan_margin_order();
        w.plan.step[0].status = from;
        fflush(NULL);
        child = fork();
        assert_true(child >= 0);
        if (!child) {
                signal(SIGABRT, SIG_DFL);
                (void)!freopen("/dev/null", "w", stderr);
                plan_step_set(&w.plan, 0, to, NULL);
                _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void only_legal_moves(void **state)
{
        static const bool legal[6][6] = {
                [STEP_PENDING] = {[STEP_SENT] = 1, [STEP_SKIPPED] = 1, [STEP_FAILED] = 1},
                [STEP_SENT] = {[STEP_DONE] = 1, [STEP_FAILED] = 1, [STEP_UNKNOWN] = 1},
                [STEP_UNKNOWN] = {[STEP_DONE] = 1, [STEP_FAILED] = 1},
        };

        (void)state;
        for (unsigned from = STEP_PENDING; from <= STEP_UNKNOWN; from++)
                for (unsigned to = STEP_PENDING; to <= STEP_UNKNOWN; to++)
                        assert_int_equal(move_aborts((enum step_status)from, (enum step_status)to),
                                         !legal[from][to]);
        assert_string_equal(step_status_name(STEP_PENDING), "pending");
        assert_string_equal(step_status_name(STEP_UNKNOWN), "unknown");
        assert_string_equal(risk_source_name(SOURCE_ESTIMATE), "estimate");
}

static void leverage_is_put_back_once(void **state)
{
        (void)state;
        plan_margin_order();
        assert_int_equal(plan_put_back(&w.plan), -1); /* not changed yet */
        run(0, STEP_DONE);
        run(1, STEP_FAILED);
        assert_int_equal(plan_put_back(&w.plan), 3);
        assert_true(w.plan.step[3].is_put_back);
        assert_int_equal(w.plan.step[3].action.u.leverage.mode, MARGIN_ISOLATED);
        assert_int_equal(w.plan.step[3].action.u.leverage.leverage, 7);
        assert_int_equal(w.plan.step[3].status, STEP_PENDING);
        assert_int_equal(plan_put_back(&w.plan), -1);
        plan_margin_order();
        run(0, STEP_FAILED);
        assert_int_equal(plan_put_back(&w.plan), -1);
        fresh(NULL);
        assert_built(&w); /* no leverage step at all */
        run(0, STEP_FAILED);
        assert_int_equal(plan_put_back(&w.plan), -1);
}

static const struct plan_step *adjusted(const char *filled)
{
        assert_int_equal(plan_adjust_after_fill(&w.plan, qty(filled), &w.account), 0);
        return &w.plan.step[2];
}

static void adjustment_tops_up_to_what_was_asked(void **state)
{
        const struct plan_step *step;

        (void)state;
        plan_margin_order();
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.position[0].p.raw_usd = usd("-9004.5"); /* the fee came out of the margin */
        step = adjusted("0.2");
        assert_int_equal(step->status, STEP_PENDING);
        assert_false(step->amount_pending);
        assert_usd(step->action.u.margin.amount, "4.5");
        /* half filled: half of what was asked */
        fresh(NULL);
        plan_margin_order();
        world_hold(&w, "0.1", MARGIN_ISOLATED);
        w.position[0].p.raw_usd = usd("-4502.25");
        step = adjusted("0.1");
        assert_usd(step->target_collateral, "500");
        assert_usd(step->action.u.margin.amount, "2.25");
}

static void adjustment_is_skipped_with_its_reason(void **state)
{
        const struct plan_step *step;

        (void)state;
        plan_margin_order();
        step = adjusted("0");
        assert_int_equal(step->status, STEP_SKIPPED);
        assert_false(step->amount_pending);
        assert_non_null(strstr(step->err.detail, "filled yet"));
        assert_int_equal(step->err.code, E_OK);
        plan_margin_order();
        step = adjusted("0.2"); /* closed again before it was read */
        assert_int_equal(step->status, STEP_SKIPPED);
        plan_margin_order();
        world_hold(&w, "0.2", MARGIN_ISOLATED); /* exactly 1000 */
        step = adjusted("0.2");
        assert_int_equal(step->status, STEP_SKIPPED);
        assert_non_null(strstr(step->err.detail, "nothing to move"));
        fresh(NULL);
        plan_margin_order();
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.position[0].p.raw_usd = usd("-8990"); /* took 1010: only 10 above the requirement */
        step = adjusted("0.2");
        assert_int_equal(step->status, STEP_PENDING);
        assert_usd(step->action.u.margin.amount, "-10");
        fresh(NULL);
        plan_margin_order();
        world_hold(&w, "0.2", MARGIN_ISOLATED);
        w.position[0].p.raw_usd = usd("-8990");
        w.position[0].p.value = usd("9900"); /* fell since: 910 left, 990 must stay */
        step = adjusted("0.2");
        assert_int_equal(step->status, STEP_SKIPPED);
        assert_non_null(strstr(step->err.detail, "requirement"));
        fresh(NULL);
        assert_built(&w);
        assert_int_equal(plan_adjust_after_fill(&w.plan, qty("0.2"), &w.account), 0);
}

static void adjustment_waits_for_no_other_s_fill(void **state)
{
        const char *const sizes[] = {"0.1", "0.3"}; /* read too early; another order filled too */

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                const struct plan_step *step;

                fresh(NULL);
                plan_margin_order();
                world_hold(&w, sizes[i], MARGIN_ISOLATED);
                step = adjusted("0.2");
                assert_int_equal(step->status, STEP_SKIPPED);
                assert_non_null(strstr(step->err.detail, "left as it is"));
        }
}

/* ---- properties ---- */

static uint64_t rng;

static int64_t pick(int64_t low, int64_t high)
{
        rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return low + (int64_t)((rng >> 20) % (uint64_t)(high - low + 1));
}

static void random_market(void)
{
        int64_t tick, price;

        world_init(&w);
        w.market.size_decimals = (unsigned)pick(0, 5);
        w.market.price_max_decimals = (unsigned)pick(0, 6 - w.market.size_decimals);
        tick = tick_of(&w.market);
        price = pick(1000, 99999) * tick;
        w.market.mark.v = price;
        w.market.mid.v = price + pick(-3, 3) * tick;
        for (unsigned i = 0; i < 2; i++) {
                w.book.level[0][i].price.v = w.market.mid.v - (i + 1) * pick(1, 5) * tick;
                w.book.level[1][i].price.v = w.market.mid.v + (i + 1) * pick(1, 5) * tick;
                w.book.level[0][i].size.v = pick(1, 5000) * lot_of(&w.market);
                w.book.level[1][i].size.v = pick(1, 5000) * lot_of(&w.market);
        }
        w.account.cross.account_value.v = pick(1, 100000000) * NUM_SCALE;
        w.setting.leverage = (unsigned)pick(1, 25);
}

static void random_request(void)
{
        struct plan_order_request *r = &w.request;
        int64_t tick = tick_of(&w.market);

        r->side = pick(0, 1) ? SIDE_BUY : SIDE_SELL;
        r->sizing = (enum plan_sizing)pick(SIZING_SIZE, SIZING_MARGIN);
        r->size.v = pick(1, 100000) * lot_of(&w.market);
        r->amount.v = pick(1, 10000000) * NUM_MICRO * pick(1, 1000);
        r->has_leverage = pick(0, 1);
        r->leverage = (unsigned)pick(1, 25);
        r->has_mode = pick(0, 1);
        r->mode = pick(0, 1) ? MARGIN_CROSS : MARGIN_ISOLATED;
        if (pick(0, 1)) {
                r->type = ORDER_TYPE_LIMIT;
                r->has_price = true;
                r->price.v = w.market.mark.v + pick(-500, 500) * tick;
        } else {
                r->has_slippage = pick(0, 1);
                r->slippage.v = pick(0, NUM_RATE_SCALE / 5);
        }
}

static void assert_within_slippage(void)
{
        const struct plan_order_request *r = &w.request;
        int64_t slippage = r->has_slippage ? r->slippage.v : w.policy.default_slippage.v;
        num_wide bound = (num_wide)w.market.mid.v * slippage;
        num_wide moved = (num_wide)(w.plan.price.v - w.market.mid.v) * NUM_RATE_SCALE;

        assert_true(r->side == SIDE_BUY ? moved <= bound : -moved <= bound);
}

static void assert_not_more_than_asked(void)
{
        const struct plan_order_request *r = &w.request;

        if (r->sizing == SIZING_NOTIONAL)
                assert_true(w.plan.notional.v <= r->amount.v);
        if (r->sizing == SIZING_MARGIN)
                assert_true(w.plan.notional.v <= r->amount.v * (int64_t)w.plan.risk.leverage);
        if (r->sizing == SIZING_SIZE)
                assert_true(w.plan.size.v == r->size.v);
}

static void what_is_planned_is_valid_and_not_more_than_asked(void **state)
{
        const char *from_env = getenv("PLAN_SEED");
        unsigned built = 0;

        (void)state;
        rng = from_env ? strtoull(from_env, NULL, 10) : 8812019;
        print_message("seed %llu\n", (unsigned long long)rng);
        for (int i = 0; i < 20000; i++) {
                random_market();
                random_request();
                if (world_build(&w)) {
                        /* A refusal is one of the public ones, in words. */
                        assert_string_not_equal(err_wire(w.err.code), "internal");
                        assert_true(w.err.detail[0] != '\0');
                        continue;
                }
                built++;
                assert_true(w.plan.size.v > 0 && w.plan.size.v % lot_of(&w.market) == 0);
                assert_true(w.plan.price.v > 0 && w.plan.price.v % tick_of(&w.market) == 0);
                assert_true(w.plan.notional.v >= w.caps.min_order_value.v);
                assert_not_more_than_asked();
                if (w.request.type == ORDER_TYPE_MARKET)
                        assert_within_slippage();
        }
        print_message("%u of 20000 built\n", built);
        assert_true(built > 2000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
        const struct CMUnitTest tests[] = {
                TEST(leverage_step_only_where_it_differs),
                TEST(lowering_needs_margin),
                TEST(mode_of_an_open_position_stays),
                TEST(leverage_above_the_positions_tier),
                TEST(margin_goes_in),
                TEST(margin_comes_out_down_to_the_requirement),
                TEST(margin_moves_only_on_an_isolated_position),
                TEST(close_is_a_reduce_only_market_order),
                TEST(only_legal_moves),
                TEST(leverage_is_put_back_once),
                TEST(adjustment_tops_up_to_what_was_asked),
                TEST(adjustment_is_skipped_with_its_reason),
                TEST(adjustment_waits_for_no_other_s_fill),
                TEST(what_is_planned_is_valid_and_not_more_than_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
