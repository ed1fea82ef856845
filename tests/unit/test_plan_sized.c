/* Sizing an order by its risk: exact to the lot, liquidated behind the stop, and the order's own plan
 * says the same. And what a brand may turn into a warning. */
#include <time.h>

#include "plan_world.h"

static struct world w;
static struct plan_sized_request ask;
static struct plan_sized sized;

static int fresh(void **state)
{
        (void)state;
        world_init(&w);
        w.account.account_value = usd("5000");
        ask = (struct plan_sized_request){
                .side = SIDE_BUY,
                .stop = px("48000"),
                .risk = usd("100"),
                .buffer = rate("0.01"),
        };
        return 0;
}

static void entry_at(const char *price)
{
        ask.has_entry = true;
        ask.entry = px(price);
}

static enum errc build(void)
{
        memset(&w.err, 0, sizeof w.err);
        return plan_sized_build(&w.plan, &sized, &ask, &w.in, world_cloids, &w.err);
}

static void assert_sized(void)
{
        enum errc rc = build();

        if (rc)
                fail_msg("refused: %s: %s", err_constant(rc), w.err.detail);
}

static void refused(enum errc code, const char *field)
{
        enum errc rc = build();

        if (rc != code)
                fail_msg("expected %s, got %s: %s", err_constant(code),
                         rc ? err_constant(rc) : "success", w.err.detail);
        assert_int_equal(w.err.code, code);
        if (field)
                assert_field(&w, field);
}

/* What is lost with that size, from the order's own plan: the price moves to the stop, four fees. */
static int64_t loss_of(struct qty size)
{
        struct usd in, out, fee;

        w.request = sized.order;
        w.request.size = size;
        assert_built(&w);
        assert_int_equal(num_notional(&in, w.plan.expected_price, size, NUM_NEAREST), 0);
        assert_int_equal(num_notional(&out, ask.stop, size, NUM_NEAREST), 0);
        assert_int_equal(num_usd_rate(&fee, out, w.fees.taker, NUM_UP), 0);
        fee.v += w.plan.risk.venue_fee.v + w.plan.risk.builder_fee.v;
        if (w.policy.has_builder)
                fee.v += out.v * w.policy.builder_fee_tenth_bp / 100000;
        return num_abs(in.v - out.v) + fee.v;
}

/* One lot more would lose more than is asked for; this size does not. */
static void assert_exact(void)
{
        struct qty more = {sized.size.size.v + lot_of(&w.market)};
        int64_t loss = loss_of(sized.size.size);

        assert_true(loss <= sized.risk.v + 4 * NUM_MICRO);
        assert_true(num_abs(loss - sized.size.loss.v) <= 4 * NUM_MICRO);
        if (more.v <= qty("5.1").v) /* what the book gives */
                assert_true(loss_of(more) > sized.risk.v - 4 * NUM_MICRO);
}

static bool is_behind(const struct plan_risk *risk, struct px bound)
{
        if (!risk->has_liquidation)
                return true;
        return ask.side == SIDE_BUY ? risk->liquidation_price.v <= bound.v
                                    : risk->liquidation_price.v >= bound.v;
}

/* The order is planned by itself to what was answered, and a step more of leverage would not do. */
static void assert_order_says_the_same(void)
{
        struct plan answered = w.plan;

        w.request = sized.order;
        assert_built(&w);
        assert_string_equal(w.plan.risk.liquidation_text, answered.risk.liquidation_text);
        assert_int_equal(w.plan.risk.leverage, answered.risk.leverage);
        assert_int_equal(w.plan.risk.margin_required.v, answered.risk.margin_required.v);
        assert_int_equal(w.plan.risk.distance.v, answered.risk.distance.v);
        assert_int_equal(w.plan.risk.venue_fee.v, answered.risk.venue_fee.v);
        assert_int_equal(w.plan.risk.builder_fee.v, answered.risk.builder_fee.v);
        assert_int_equal(w.plan.risk.n_warnings, answered.risk.n_warnings);
        assert_true(is_behind(&w.plan.risk, sized.size.target));
        w.request.leverage++;
        if (!world_build(&w))
                assert_false(is_behind(&w.plan.risk, sized.size.target));
        w.plan = answered;
}

/* Per unit 1000 + 49000 * 0.00015 + 48000 * 0.00045 = 1028.95 are lost; 100 buy 0.09718. Liquidated at
 * 47520 with 0.714273 + 0.09718 * (1480 + 47520 / 80) = 202.265593, which is 4761.82 / 23.5. */
static void a_limit_order_by_hand(void **state)
{
        (void)state;
        entry_at("49000");
        assert_sized();
        assert_qty(sized.size.size, "0.09718");
        assert_usd(sized.size.loss, "99.993361");
        assert_usd(sized.size.required, "202.265593");
        assert_px(sized.size.target, "47520");
        assert_px(sized.entry, "49000");
        assert_int_equal(sized.order.leverage, 23);
        assert_usd(w.plan.risk.margin_required, "207.035652");
        assert_usd(sized.entry_venue_fee, "0.714273");
        assert_usd(sized.stop_venue_fee, "2.099088");
        assert_int_equal(w.plan.risk.source, SOURCE_EXACT);
        assert_order_says_the_same();
        assert_exact();
}

static void a_market_order_walks_the_book(void **state)
{
        (void)state;
        ask.stop = px("49000");
        ask.risk = usd("500");
        assert_sized();
        assert_true(sized.size.size.v > qty("0.25").v); /* beyond the first level */
        assert_true(sized.entry.v > px("50000").v);
        assert_order_says_the_same();
        assert_exact();
}

static void a_limit_order_that_meets_the_book_pays_as_a_taker(void **state)
{
        (void)state;
        entry_at("50020");
        ask.stop = px("49000");
        ask.risk = usd("400");
        assert_sized();
        assert_true(sized.entry.v > px("50000").v && sized.entry.v < px("50020").v);
        assert_order_says_the_same();
        assert_exact();
}

static void builder_fee_is_part_of_the_loss(void **state)
{
        struct qty without;

        (void)state;
        entry_at("49000");
        assert_sized();
        without = sized.size.size;
        w.policy.has_builder = true;
        w.policy.builder_fee_tenth_bp = 100;
        assert_sized();
        assert_true(sized.size.size.v < without.v);
        assert_true(sized.entry_builder_fee.v > 0 && sized.stop_builder_fee.v > 0);
        assert_exact();
}

static void part_of_the_equity(void **state)
{
        (void)state;
        entry_at("49000");
        ask.has_percent = true;
        ask.percent = px("2");
        ask.risk.v = 0;
        assert_sized();
        assert_usd(sized.risk, "100");
        assert_qty(sized.size.size, "0.09718");
        w.account.account_value.v = 0;
        refused(E_MARGIN, NULL);
}

static void brand_bounds_hold(void **state)
{
        (void)state;
        ask.stop = px("49500");
        ask.risk = usd("50");
        w.policy.has_min_distance = true;
        w.policy.min_distance = rate("0.05");
        assert_sized();
        assert_true(w.plan.risk.distance.v >= w.policy.min_distance.v);
        assert_true(sized.size.target.v <= px("47500").v);
        assert_order_says_the_same();
        w.policy.max_leverage = 3;
        assert_sized();
        assert_int_equal(sized.order.leverage, 3);
        w.policy.allow_isolated = false;
        refused(E_MARGIN_MODE, NULL);
}

static void refusals(void **state)
{
        (void)state;
        ask.stop = px("50000");
        refused(E_INVALID, "stopPrice"); /* not below where it would be bought */
        ask.stop = px("48000.05");
        refused(E_TICK, "stopPrice");
        ask.stop = px("48000");
        entry_at("49000.05");
        refused(E_TICK, "entryPrice");
        entry_at("47000");
        refused(E_INVALID, "stopPrice");
        entry_at("49000");
        ask.risk = usd("0.2");
        refused(E_TOO_SMALL, "riskAmount");
        assert_says(&w, "0.21");
        ask.risk = usd("40000000");
        ask.stop = px("20000");
        refused(E_MARGIN, NULL);
        assert_says(&w, "free is 5000");
        ask.risk = usd("100");
        ask.buffer = rate("1");
        refused(E_LIQ_TOO_CLOSE, "liquidationBuffer");
        world_hold(&w, "-0.1", MARGIN_ISOLATED);
        refused(E_INVALID, "symbol");
        assert_says(&w, "short position of 0.1 BTC");
}

/* A short at 1x is liquidated below twice its entry: no whole leverage reaches beyond. */
static void a_stop_further_than_the_whole_value(void **state)
{
        (void)state;
        ask.side = SIDE_SELL;
        ask.stop = px("110000");
        refused(E_LIQ_TOO_CLOSE, "stopPrice");
        assert_says(&w, "111100");
        ask.stop = px("90000");
        assert_sized();
        assert_int_equal(sized.order.leverage, 1);
        assert_order_says_the_same();
}

static int64_t draw(int64_t low, int64_t high)
{
        return low + (int64_t)((uint64_t)random() % (uint64_t)(high - low + 1));
}

/* Anything that is asked for is exact, behind its stop and the same as its order, or refused. */
static void whatever_is_asked(void **state)
{
        unsigned seed = (unsigned)time(NULL), n_sized = 0;

        (void)state;
        print_message("seed %u\n", seed);
        srandom(seed);
        for (unsigned i = 0; i < 3000; i++) {
                int64_t sign = draw(0, 1) ? 1 : -1;

                (void)fresh(NULL);
                w.account.cross.account_value = w.account.account_value = usd("500000");
                ask.side = sign > 0 ? SIDE_BUY : SIDE_SELL;
                ask.stop.v = (500000 - sign * draw(100, 200000)) * tick_of(&w.market);
                if (draw(0, 1))
                        entry_at("49995.5");
                ask.risk.v = draw(100000, 4000000000) * NUM_MICRO;
                ask.buffer.v = draw(1, NUM_RATE_SCALE / 10);
                w.policy.max_leverage = (unsigned)draw(1, 40);
                w.policy.has_min_distance = draw(0, 1);
                w.policy.min_distance.v = draw(1, NUM_RATE_SCALE / 10);
                w.policy.has_builder = draw(0, 1);
                w.policy.builder_fee_tenth_bp = (unsigned)draw(1, 100);
                if (build()) {
                        assert_true(w.err.detail[0] != '\0');
                        continue;
                }
                n_sized++;
                if (w.plan.risk.has_distance && w.policy.has_min_distance)
                        assert_true(w.plan.risk.distance.v >= w.policy.min_distance.v);
                if (sized.order.leverage < w.policy.max_leverage)
                        assert_order_says_the_same();
                assert_exact();
        }
        assert_true(n_sized > 1000);
}

/* ---- rules that a brand may turn into warnings ---- */

static enum errc move_margin(const char *amount)
{
        memset(&w.err, 0, sizeof w.err);
        return plan_margin_build(&w.plan, &w.in, usd(amount), &w.err);
}

static void insufficient_margin_may_warn(void **state)
{
        (void)state;
        w.request.size = qty("2");
        w.request.has_leverage = true;
        w.request.leverage = 10;
        assert_refused(&w, E_MARGIN, NULL);
        w.policy.warn_margin = true;
        assert_built(&w);
        assert_true(has_warning(&w, "insufficient_margin"));
        world_hold(&w, "0.1", MARGIN_ISOLATED);
        assert_int_equal(move_margin("5000.000001"), 0);
        assert_true(has_warning(&w, "insufficient_margin"));
        assert_int_equal(move_margin("10"), 0);
        assert_false(has_warning(&w, "insufficient_margin"));
}

static void removal_may_warn(void **state)
{
        (void)state;
        world_hold(&w, "0.1", MARGIN_ISOLATED); /* 500 behind 5000: all of it must stay */
        assert_int_equal(move_margin("-1"), E_MARGIN_NOT_REMOVABLE);
        w.policy.warn_removal = true;
        assert_int_equal(move_margin("-1"), 0);
        assert_true(has_warning(&w, "margin_not_removable"));
        /* Not where it could never come out otherwise. */
        w.market.margin_removable = false;
        assert_int_equal(move_margin("-1"), E_MARGIN_NOT_REMOVABLE);
        w.market.margin_removable = true;
        assert_int_equal(move_margin("-490"), E_LIQ_TOO_CLOSE); /* at once */
}

/* 1500 behind 5000 at 10x: 1000 can go. Liquidated at (5000 - 1500) / 0.09875 = 35443; with 700 less at
 * 42531, 14.9% from the mark. */
static void what_is_removed_brings_nearer(void **state)
{
        (void)state;
        world_hold(&w, "0.1", MARGIN_ISOLATED);
        w.position[0].p.raw_usd.v += usd("1000").v;
        w.policy.has_min_distance = true;
        w.policy.min_distance = rate("0.15");
        assert_int_equal(move_margin("-600"), 0);
        assert_int_equal(move_margin("-700"), E_LIQ_TOO_CLOSE);
        assert_says(&w, "14.9");
        w.policy.warn_distance = true;
        assert_int_equal(move_margin("-700"), 0);
        assert_true(has_warning(&w, "liquidation_too_close"));
        assert_int_equal(move_margin("700"), 0);
        assert_int_equal(w.plan.risk.n_warnings, 0);
}

static void a_stop_stays_before_liquidation(void **state)
{
        (void)state;
        world_hold(&w, "0.1", MARGIN_ISOLATED);
        w.position[0].p.raw_usd.v += usd("1000").v;
        for (unsigned i = 0; i < 2; i++)
                w.order[i] = (struct venue_open_order){.symbol = "BTC",
                                                       .side = SIDE_SELL,
                                                       .reduce_only = true,
                                                       .is_trigger = true,
                                                       .trigger = TRIGGER_STOP_LOSS,
                                                       .trigger_price = px("40000")};
        w.in.n_open_orders = 1;
        assert_int_equal(move_margin("-100"), 0);
        assert_int_equal(move_margin("-700"), E_STOP_BEYOND_LIQ);
        assert_says(&w, "40000");
        w.order[1].trigger_price = px("45000"); /* another one guards still */
        w.in.n_open_orders = 2;
        assert_int_equal(move_margin("-700"), 0);
        w.in.n_open_orders = 1;
        w.policy.warn_stop = true;
        assert_int_equal(move_margin("-700"), 0);
        assert_true(has_warning(&w, "stop_beyond_liquidation"));
        /* One that was beyond before is not this request's doing. */
        w.policy.warn_stop = false;
        w.order[0].trigger_price = px("30000");
        assert_int_equal(move_margin("-700"), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, fresh)
        const struct CMUnitTest tests[] = {
                TEST(a_limit_order_by_hand),
                TEST(a_market_order_walks_the_book),
                TEST(a_limit_order_that_meets_the_book_pays_as_a_taker),
                TEST(builder_fee_is_part_of_the_loss),
                TEST(part_of_the_equity),
                TEST(brand_bounds_hold),
                TEST(refusals),
                TEST(a_stop_further_than_the_whole_value),
                TEST(whatever_is_asked),
                TEST(insufficient_margin_may_warn),
                TEST(removal_may_warn),
                TEST(what_is_removed_brings_nearer),
                TEST(a_stop_stays_before_liquidation),
        };
#undef TEST
        return cmocka_run_group_tests(tests, NULL, NULL);
}
