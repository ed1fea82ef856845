#include "test_engine_kit.h"

static void open_position(struct kit *kit, unsigned user, uint32_t asset, bool is_buy,
                          bool is_cross, unsigned leverage, const char *price, const char *size)
{
        assert_true(kit_leverage(kit, user, asset, is_cross, leverage));
        (void)kit_limit(kit, HOUSE, asset, !is_buy, price, size, ENGINE_GTC);
        assert_int_equal(kit_limit(kit, user, asset, is_buy, price, size, ENGINE_IOC).status,
                         ENGINE_FILLED);
        kit->n_fills = 0;
        kit->n_events = 0;
}

static void expect_backstop_holds(struct kit *kit, uint32_t asset, const char *size)
{
        struct engine_account account;
        struct addr backstop;
        int64_t held = 0;

        engine_backstop(kit->engine, &backstop);
        engine_account(kit->engine, &backstop, &account);
        for (size_t i = 0; i < account.n_positions; i++)
                if (account.position[i].asset == asset)
                        held = account.position[i].p.size.v;
        kit_expect(held, size);
}

/* 600 of margin for 0.1 BTC: a gap far beyond the liquidation price costs exactly these. */
static void gap(struct kit *kit, bool is_buy, const char *mark, const char *held)
{
        uint64_t stop, other;

        open_position(kit, ALICE, BTC, is_buy, false, 10, "60000", "0.1");
        stop = kit_limit(kit, ALICE, BTC, is_buy, "60000", "0.01", ENGINE_GTC).oid;
        other = kit_buy(kit, ALICE, ETH, "2900", "1").oid;
        kit_mark(kit, BTC, mark);
        kit_expect(kit_account(kit, ALICE).account_value.v, "9400");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
        expect_backstop_holds(kit, BTC, held);
        kit_expect_status(kit, ALICE, stop, "liquidatedCanceled");
        kit_expect_status(kit, ALICE, other, "open");
        assert_int_equal(kit->n_liquidations, 1);
        assert_int_equal(kit->liquidation.mode, MARGIN_ISOLATED);
        assert_int_equal(kit->liquidation.n, 1);
        assert_int_equal(kit->liquidation.asset[0], BTC);
        kit_expect(kit->liquidation.size[0], held);
        assert_int_equal(kit->n_fills, 2);
        assert_true(kit->fill[0].is_liquidation && kit->fill[0].liquidation_is_backstop);
        assert_int_equal(kit->fill[0].liquidated_user.b[19], ALICE);
        assert_string_equal(kit->fill[0].direction,
                            is_buy ? "Liquidated Isolated Long" : "Liquidated Isolated Short");
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_gap_costs_a_long_its_margin(void **state)
{
        gap(*state, true, "50000", "0.1");
}

static void test_gap_costs_a_short_its_margin(void **state)
{
        gap(*state, false, "70000", "-0.1");
}

static void test_small_gap_is_lost_too(void **state)
{
        /* equity 27.3 of 67.875 needed: below two thirds, and nothing returns */
        gap(*state, true, "54300", "0.1");
}

static void test_isolated_goes_to_the_book(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 10, "60000", "0.1");
        (void)kit_buy(kit, HOUSE, BTC, "54590", "1");
        kit_mark(kit, BTC, "54720");
        assert_int_equal(kit->n_liquidations, 0);
        kit_mark(kit, BTC, "54600");
        /* -5402.7 + 5459 - 2.45655 returns */
        kit_expect(kit_account(kit, ALICE).account_value.v, "9453.84345");
        assert_int_equal(kit->n_liquidations, 1);
        kit_expect(kit->liquidation.account_value, "57.3");
        kit_expect(kit->liquidation.notional, "5460");
        assert_true(kit->fill[0].is_liquidation && !kit->fill[0].liquidation_is_backstop);
        assert_string_equal(kit->fill[0].direction, "Close Long");
        kit_expect(kit->fill[0].liquidation_mark.v, "54600");
        expect_backstop_holds(kit, BTC, "0");
}

static void test_waits_for_takers_above_two_thirds(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 10, "60000", "0.1");
        kit_mark(kit, BTC, "54600");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.1");
        assert_int_equal(kit->n_liquidations, 0);
        (void)kit_buy(kit, HOUSE, BTC, "54590", "0.06");
        engine_tick(kit->engine, ++kit->at);
        /* 57.3 - 0.6 - 1.47393 stay with the rest, which is sound again */
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.04");
        kit_expect(kit_account(kit, ALICE).total_margin_used.v, "55.22607");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "9400");
        kit_expect(kit->liquidation.size[0], "0.06");
        (void)kit_buy(kit, HOUSE, BTC, "54590", "0.06");
        engine_tick(kit->engine, ++kit->at);
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.04");
        assert_int_equal(kit->n_liquidations, 1);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_large_isolated_goes_in_parts(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 40, "60000", "4");
        (void)kit_buy(kit, HOUSE, BTC, "59190", "20");
        /* 5892 of margin; at 59250 there are 2892 for 2962.5 needed */
        kit_mark(kit, BTC, "59250");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "3.2");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "4000");
        kit_mark(kit, BTC, "59000");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
        assert_true(kit_account(kit, ALICE).account_value.v > kit_num("4000"));
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_bids_beyond_bankruptcy_are_not_taken(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 10, "60000", "0.1");
        (void)kit_buy(kit, BOB, BTC, "30000", "0.1");
        kit_mark(kit, BTC, "54000");
        kit_expect(kit_account(kit, ALICE).account_value.v, "9400");
        kit_expect(kit_position(kit, BOB, BTC).p.size.v, "0");
        expect_backstop_holds(kit, BTC, "0.1");
}

static void test_boundary_is_exact(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 10, "60000", "0.1");
        /* raw becomes -5332.5: equity 67.5 at 54000, and maintenance 67.5 */
        assert_true(kit_margin(kit, ALICE, BTC, 70200000));
        (void)kit_buy(kit, HOUSE, BTC, "53990", "1");
        kit_mark(kit, BTC, "54000");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.1");
        kit_mark(kit, BTC, "53999");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
}

static void test_large_position_goes_in_parts(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, true, 40, "60000", "4");
        kit_expect(kit_account(kit, ALICE).account_value.v, "9892");
        (void)kit_buy(kit, HOUSE, BTC, "58190", "1");
        (void)kit_buy(kit, HOUSE, BTC, "57990", "10");
        kit_mark(kit, BTC, "58200");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "3.2");
        kit_expect(kit_account(kit, ALICE).account_value.v, "2663.0516");
        kit_expect(kit->liquidation.size[0], "0.8");
        /* within the cooldown the rest goes whole */
        kit->at += 10000;
        kit_mark(kit, BTC, "58000");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
        assert_int_equal(kit->liquidation.mode, MARGIN_CROSS);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_part_again_after_the_cooldown(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, true, 40, "60000", "4");
        (void)kit_buy(kit, HOUSE, BTC, "58190", "20");
        kit_mark(kit, BTC, "58200");
        kit->at += 31000;
        kit_mark(kit, BTC, "58080");
        /* a fifth of 3.2 */
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "2.56");
}

static void test_cross_backstop_takes_cross_and_leaves_isolated(void **state)
{
        struct kit *kit = *state;
        uint64_t resting, stop;
        struct engine_order_request r;

        open_position(kit, ALICE, ETH, true, false, 10, "3000", "1");
        open_position(kit, ALICE, BTC, true, true, 40, "60000", "3");
        open_position(kit, ALICE, TIERED, false, true, 10, "10", "100");
        resting = kit_buy(kit, ALICE, BTC, "50000", "0.001").oid;
        r = kit_trigger(ETH, false, "sl", "2800", "2700", "1");
        stop = kit_one(kit, ALICE, r).oid;
        kit_mark(kit, BTC, "57000");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 1);
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "0");
        kit_expect(kit_account(kit, ALICE).account_value.v, "298.65");
        kit_expect(kit_position(kit, ALICE, ETH).p.size.v, "1");
        kit_expect_status(kit, ALICE, resting, "liquidatedCanceled");
        kit_expect_status(kit, ALICE, stop, "open");
        expect_backstop_holds(kit, BTC, "3");
        expect_backstop_holds(kit, TIERED, "-100");
        assert_int_equal(kit->liquidation.n, 2);
        assert_int_equal(kit->n_liquidations, 1);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_negative_cross_ends_at_zero(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, true, 40, "60000", "4");
        kit_mark(kit, BTC, "50000");
        kit_expect(kit_account(kit, ALICE).account_value.v, "0");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_cross_goes_to_the_book_largest_first(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, TIERED, true, true, 10, "10", "100");
        open_position(kit, ALICE, BTC, true, true, 40, "60000", "1.6");
        (void)kit_buy(kit, HOUSE, BTC, "54440", "5");
        (void)kit_buy(kit, HOUSE, TIERED, "9.9", "500");
        kit_mark(kit, BTC, "54450");
        /* The larger was enough: the account is sound without it. */
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
        kit_expect(kit_position(kit, ALICE, TIERED).p.size.v, "100");
        assert_int_equal(kit->liquidation.n, 1);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_isolated_profit_does_not_save_cross(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, ETH, true, false, 10, "3000", "20");
        open_position(kit, ALICE, BTC, true, true, 40, "60000", "2");
        kit_mark(kit, ETH, "4000");
        kit_mark(kit, BTC, "57500");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
        kit_expect(kit_position(kit, ALICE, ETH).p.size.v, "20");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "0");
}

static void test_funding_can_liquidate(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, false, 40, "60000", "0.1");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "1");
        /* 147.3 back 6000; 75 are needed, 120 are paid */
        engine_pay_funding(kit->engine, BTC, (struct rate){20000000000}, ++kit->at);
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
        assert_int_equal(kit->n_liquidations, 1);
        kit_expect(kit_money(kit, CAROL), "30000");
}

static void test_house_is_never_liquidated(void **state)
{
        struct kit *kit = *state;

        open_position(kit, ALICE, BTC, true, true, 20, "60000", "1");
        kit_mark(kit, BTC, "90000");
        kit_expect(kit_position(kit, HOUSE, BTC).p.size.v, "-1");
        assert_int_equal(kit->n_liquidations, 0);
        assert_true(kit_account(kit, HOUSE).account_value.v < 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_gap_costs_a_long_its_margin),
                KIT_TEST(test_gap_costs_a_short_its_margin),
                KIT_TEST(test_small_gap_is_lost_too),
                KIT_TEST(test_isolated_goes_to_the_book),
                KIT_TEST(test_waits_for_takers_above_two_thirds),
                KIT_TEST(test_large_isolated_goes_in_parts),
                KIT_TEST(test_bids_beyond_bankruptcy_are_not_taken),
                KIT_TEST(test_boundary_is_exact),
                KIT_TEST(test_large_position_goes_in_parts),
                KIT_TEST(test_part_again_after_the_cooldown),
                KIT_TEST(test_cross_backstop_takes_cross_and_leaves_isolated),
                KIT_TEST(test_negative_cross_ends_at_zero),
                KIT_TEST(test_cross_goes_to_the_book_largest_first),
                KIT_TEST(test_isolated_profit_does_not_save_cross),
                KIT_TEST(test_funding_can_liquidate),
                KIT_TEST(test_house_is_never_liquidated),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
