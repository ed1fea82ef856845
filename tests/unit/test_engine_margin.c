#include "test_engine_kit.h"

static struct engine_setting setting(struct kit *kit, unsigned user, uint32_t asset)
{
        struct addr a = kit_addr(user);
        struct engine_setting s;

        engine_setting(kit->engine, &a, asset, &s);
        return s;
}

/* Alice opens a long against the house at the given mode and leverage. */
static void open_long(struct kit *kit, uint32_t asset, bool is_cross, unsigned leverage,
                      const char *price, const char *size)
{
        assert_true(kit_leverage(kit, ALICE, asset, is_cross, leverage));
        (void)kit_sell(kit, HOUSE, asset, price, size);
        assert_int_equal(kit_limit(kit, ALICE, asset, true, price, size, ENGINE_IOC).status,
                         ENGINE_FILLED);
}

static void test_default_settings(void **state)
{
        static const struct {
                uint32_t asset;
                enum margin_mode mode;
                unsigned leverage;
        } row[] = {{BTC, MARGIN_CROSS, 20},
                   {ETH, MARGIN_CROSS, 20},
                   {STRICT, MARGIN_ISOLATED, 3},
                   {TIERED, MARGIN_CROSS, 10}};
        struct kit *kit = *state;

        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                struct engine_setting s = setting(kit, ALICE, row[i].asset);

                assert_int_equal(s.mode, row[i].mode);
                assert_int_equal(s.leverage, row[i].leverage);
                kit_expect(s.available[0].v, "10000");
                kit_expect(setting(kit, 77, row[i].asset).available[1].v, "0");
                assert_int_equal(setting(kit, 77, row[i].asset).leverage, row[i].leverage);
        }
        kit_expect(setting(kit, ALICE, BTC).max_trade_size[0].v, "3.33333");
}

static void test_available_against_a_position(void **state)
{
        struct kit *kit = *state;
        struct engine_setting s;

        open_long(kit, BTC, true, 20, "60000", "0.1");
        /* value 6000, margin 300, fee 2.7 */
        s = setting(kit, ALICE, BTC);
        kit_expect(s.available[0].v, "9697.3");
        kit_expect(s.available[1].v, "10297.3");
        kit_expect(kit_account(kit, ALICE).cross.margin_used.v, "300");
}

static void test_available_against_an_isolated_position(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, false, 10, "60000", "0.1");
        kit_expect(setting(kit, ALICE, BTC).available[0].v, "9400");
        /* and 600 that the closed part never needs, and 597.3 that closing returns */
        kit_expect(setting(kit, ALICE, BTC).available[1].v, "10597.3");
        kit_expect(setting(kit, ALICE, BTC).max_trade_size[1].v, "1.76621");
        assert_int_equal(setting(kit, ALICE, N_MARKETS).leverage, 0);
}

static void test_position_value_is_bounded(void **state)
{
        struct kit *kit = *state;

        kit_fund(kit, BOB, "9000000000");
        kit_fund(kit, BOB, "9000000000");
        kit_expect(kit_account(kit, BOB).account_value.v, "9000010000");
        assert_true(kit_leverage(kit, BOB, ETH, true, 15));
        (void)kit_sell(kit, HOUSE, ETH, "3000", "300000");
        assert_int_equal(kit_buy(kit, BOB, ETH, "3000", "300000").status, ENGINE_FILLED);
        assert_string_equal(kit_buy(kit, BOB, ETH, "3000", "100000").error,
                            "Order would increase open interest while open interest is capped "
                            "asset=1");
}

static void test_isolated_opening_and_liquidation_price(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct engine_account account;
        struct engine_position p;
        char text[NUM_STR_MAX];

        assert_false(engine_liquidation_text(kit->engine, &alice, BTC, text));
        open_long(kit, BTC, false, 10, "60000", "0.01");
        p = kit_position(kit, ALICE, BTC);
        /* 60 of margin, 600 of cost, 0.27 of fee from the position's own cash */
        kit_expect(p.p.raw_usd.v, "-540.27");
        kit_expect(p.entry.v, "60000");
        account = kit_account(kit, ALICE);
        kit_expect(account.cross.account_value.v, "9940");
        kit_expect(account.account_value.v, "9999.73");
        kit_expect(account.total_raw_usd.v, "9399.73");
        kit_expect(account.total_margin_used.v, "59.73");
        assert_true(engine_liquidation_text(kit->engine, &alice, BTC, text));
        assert_string_equal(text, "54710.8860759494");
}

static void test_entry_is_cut_for_display(void **state)
{
        struct kit *kit = *state;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.01");
        (void)kit_sell(kit, HOUSE, BTC, "60001", "0.02");
        (void)kit_limit(kit, ALICE, BTC, true, "60001", "0.03", ENGINE_IOC);
        /* 1800.02 / 0.03 = 60000.666.. */
        kit_expect(kit_position(kit, ALICE, BTC).entry.v, "60000.6");
        kit_expect(kit_position(kit, ALICE, BTC).p.entry_notional.v, "1800.02");
}

static void test_leverage_refusals(void **state)
{
        struct kit *kit = *state;
        struct addr nobody = kit_addr(77);
        uint64_t oid;

        assert_false(kit_leverage(kit, ALICE, BTC, true, 0));
        assert_string_equal(kit->err, "Invalid leverage value");
        assert_false(kit_leverage(kit, ALICE, BTC, true, 41));
        assert_string_equal(kit->err, "Invalid leverage value");
        assert_false(kit_leverage(kit, ALICE, STRICT, true, 2));
        assert_string_equal(kit->err, "Cross margin is not allowed for this asset.");
        assert_false(kit_leverage(kit, ALICE, N_MARKETS, true, 2));
        assert_false(engine_update_leverage(kit->engine, &nobody, BTC, true, 2, kit->err, 1));
        assert_true(kit_leverage(kit, ALICE, BTC, true, 20));
        oid = kit_buy(kit, ALICE, BTC, "59000", "0.01").oid;
        assert_false(kit_leverage(kit, ALICE, BTC, false, 20));
        assert_string_equal(kit->err, "Cannot switch leverage type with open position.");
        assert_string_equal(kit_cancel(kit, ALICE, BTC, oid), "");
        assert_true(kit_leverage(kit, ALICE, BTC, false, 20));
        open_long(kit, BTC, false, 20, "60000", "0.01");
        assert_false(kit_leverage(kit, ALICE, BTC, true, 20));
        assert_string_equal(kit->err, "Cannot switch leverage type with open position.");
}

static void test_isolated_leverage_moves_no_money(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        char before[NUM_STR_MAX];
        char after[NUM_STR_MAX];

        open_long(kit, BTC, false, 10, "60000", "0.01");
        assert_true(engine_liquidation_text(kit->engine, &alice, BTC, before));
        assert_true(kit_leverage(kit, ALICE, BTC, false, 40));
        assert_true(kit_leverage(kit, ALICE, BTC, false, 11));
        assert_int_equal(kit_position(kit, ALICE, BTC).p.leverage, 11);
        kit_expect(kit_position(kit, ALICE, BTC).p.raw_usd.v, "-540.27");
        assert_true(engine_liquidation_text(kit->engine, &alice, BTC, after));
        assert_string_equal(before, after);
        /* 59.73 back it, 60 would be needed */
        assert_false(kit_leverage(kit, ALICE, BTC, false, 10));
        assert_string_equal(kit->err,
                            "Isolated position does not have sufficient margin available to "
                            "decrease leverage. To decrease leverage, add margin to the position.");
        assert_true(kit_margin(kit, ALICE, BTC, 270000));
        assert_true(kit_leverage(kit, ALICE, BTC, false, 10));
}

static void test_isolated_leverage_needs_no_cross_margin(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, false, 20, "60000", "3");
        assert_true(kit_margin(kit, ALICE, BTC, 900000000));
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "100");
        assert_true(kit_leverage(kit, ALICE, BTC, false, 19));
}

static void test_cross_leverage_needs_margin(void **state)
{
        struct kit *kit = *state;

        open_long(kit, ETH, true, 20, "3000", "50");
        assert_false(kit_leverage(kit, ALICE, ETH, true, 15));
        assert_string_equal(kit->err,
                            "Cross position does not have sufficient margin available to decrease "
                            "leverage. To decrease leverage, deposit more collateral.");
        assert_true(kit_leverage(kit, ALICE, ETH, true, 16));
        kit_expect(kit_account(kit, ALICE).cross.margin_used.v, "9375");
}

static void test_isolated_margin_refusals(void **state)
{
        struct kit *kit = *state;

        assert_false(kit_margin(kit, 77, BTC, 1));
        assert_string_equal(kit->err, "Unknown user while updating isolated margin.");
        assert_false(kit_margin(kit, ALICE, BTC, 0));
        assert_string_equal(kit->err, "Update to isolated margin cannot be zero.");
        assert_false(kit_margin(kit, ALICE, BTC, 1));
        assert_string_equal(kit->err, "Cannot update margin for empty position.");
        assert_false(kit_margin(kit, ALICE, N_MARKETS, 1));
        open_long(kit, ETH, true, 20, "3000", "1");
        assert_false(kit_margin(kit, ALICE, ETH, 1));
        assert_string_equal(kit->err, "Position does not use isolated margin.");
        open_long(kit, STRICT, false, 3, "1", "300");
        assert_false(kit_margin(kit, ALICE, STRICT, -1));
        assert_string_equal(kit->err, "Cannot remove isolated margin for this asset. To remove "
                                      "margin, reduce the position.");
        assert_true(kit_margin(kit, ALICE, STRICT, 1));
        assert_false(kit_margin(kit, ALICE, STRICT, INT64_MAX));
        assert_string_equal(kit->err,
                            "Account does not have sufficient margin available for increase.");
        assert_false(kit_margin(kit, ALICE, STRICT, INT64_MIN));
}

static void test_isolated_margin_bounds_are_exact(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, false, 10, "60000", "0.01");
        assert_false(kit_margin(kit, ALICE, BTC, 9940000001));
        assert_string_equal(kit->err,
                            "Account does not have sufficient margin available for increase.");
        assert_true(kit_margin(kit, ALICE, BTC, 9940000000));
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "0");
        /* 9999.73 back it, 60 must stay */
        assert_false(kit_margin(kit, ALICE, BTC, -9939730001));
        assert_string_equal(kit->err, "Position does not have sufficient margin for reduction.");
        assert_true(kit_margin(kit, ALICE, BTC, -9939730000));
        kit_expect(kit_account(kit, ALICE).total_margin_used.v, "60");
        kit_mark(kit, BTC, "60001");
        assert_false(kit_margin(kit, ALICE, BTC, -10000));
        assert_true(kit_margin(kit, ALICE, BTC, -9000));
}

static void test_ten_percent_stay_at_high_leverage(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, false, 40, "60000", "0.01");
        assert_false(kit_margin(kit, ALICE, BTC, -1));
        assert_true(kit_margin(kit, ALICE, BTC, 45270000));
        assert_false(kit_margin(kit, ALICE, BTC, -1));
        assert_true(kit_margin(kit, ALICE, BTC, 1));
        assert_true(kit_margin(kit, ALICE, BTC, -1));
}

static void test_resting_orders_reserve(void **state)
{
        struct kit *kit = *state;
        uint64_t oid = kit_buy(kit, ALICE, BTC, "59000", "0.01").oid;

        kit_expect(kit_account(kit, ALICE).cross.resting.v, "29.5");
        kit_expect(kit_account(kit, ALICE).withdrawable.v, "9970.5");
        assert_true(kit_leverage(kit, ALICE, BTC, true, 10));
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "59");
        assert_string_equal(kit_cancel(kit, ALICE, BTC, oid), "");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "0");
        open_long(kit, BTC, true, 10, "60000", "0.1");
        (void)kit_sell(kit, ALICE, BTC, "61000", "0.1");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "0");
        (void)kit_sell(kit, ALICE, BTC, "61000", "0.1");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "610");
        (void)kit_buy(kit, HOUSE, BTC, "61000", "0.05");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.05");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "610");
}

static void test_reserved_margin_is_not_free(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        /* 3.3 * 60000 / 20 = 9900, and 89.1 of fees */
        assert_int_equal(kit_buy(kit, ALICE, BTC, "59999", "3.3").status, ENGINE_RESTING);
        r = kit_buy(kit, ALICE, ETH, "2999", "1");
        assert_string_equal(r.error, "Insufficient margin to place order. asset=1");
        kit_expect_status(kit, ALICE, r.oid, "perpMarginRejected");
        assert_string_equal(kit_buy(kit, BOB, BTC, "59999", "3.332").error,
                            "Insufficient margin to place order. asset=0");
}

static void test_reserved_margin_serves_its_order(void **state)
{
        struct kit *kit = *state;
        uint64_t oid = kit_buy(kit, ALICE, BTC, "59999", "3.3").oid;

        (void)kit_sell(kit, HOUSE, BTC, "59999", "3.3");
        kit_expect_status(kit, ALICE, oid, "filled");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "0");
}

static void test_isolated_opening_at_a_bad_price(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        /* 160 of margin, and 400 lost at once */
        assert_true(kit_leverage(kit, ALICE, BTC, false, 40));
        (void)kit_sell(kit, HOUSE, BTC, "64000", "0.1");
        r = kit_limit(kit, ALICE, BTC, true, "64000", "0.1", ENGINE_IOC);
        assert_string_equal(r.error, "Insufficient margin to place order. asset=0");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
}

static void test_flip_uses_released_margin(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        open_long(kit, BTC, false, 20, "60000", "3");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "10");
        r = kit_limit(kit, ALICE, BTC, false, "60000", "7", ENGINE_IOC);
        assert_string_equal(r.error, "Insufficient margin to place order. asset=0");
        r = kit_limit(kit, ALICE, BTC, false, "60000", "6", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "-3");
}

static void test_tier_limit(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        r = kit_buy(kit, ALICE, TIERED, "9.9", "1011");
        assert_string_equal(r.error, "Order would cause position to exceed margin tier limit at "
                                     "current leverage asset=4");
        kit_expect_status(kit, ALICE, r.oid, "perpMaxPositionRejected");
        assert_int_equal(kit_buy(kit, ALICE, TIERED, "9.9", "1010").status, ENGINE_RESTING);
        open_long(kit, TIERED, true, 10, "10", "500");
        r = kit_buy(kit, ALICE, TIERED, "9.9", "600");
        assert_int_equal(r.status, ENGINE_ERROR);
        assert_true(kit_leverage(kit, ALICE, TIERED, true, 5));
        r = kit_buy(kit, ALICE, TIERED, "9.9", "600");
        assert_int_equal(r.status, ENGINE_RESTING);
}

static void test_tier_limit_binds_resting_orders(void **state)
{
        struct kit *kit = *state;
        uint64_t first = kit_buy(kit, ALICE, TIERED, "9.9", "600").oid;
        uint64_t second = kit_buy(kit, ALICE, TIERED, "9.9", "600").oid;

        (void)kit_sell(kit, HOUSE, TIERED, "9.9", "1200");
        kit_expect_status(kit, ALICE, first, "filled");
        kit_expect_status(kit, ALICE, second, "marginCanceled");
}

static void test_resting_side_is_checked_again(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;
        uint64_t alices;

        open_long(kit, ETH, true, 20, "3000", "10");
        alices = kit_buy(kit, ALICE, BTC, "59000", "2.4").oid;
        (void)kit_buy(kit, BOB, BTC, "58990", "0.1");
        kit_mark(kit, ETH, "2800");
        r = kit_limit(kit, HOUSE, BTC, false, "58000", "0.1", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect_status(kit, ALICE, alices, "marginCanceled");
        kit_expect(kit_position(kit, BOB, BTC).p.size.v, "0.1");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0");
        kit_expect(kit_account(kit, ALICE).cross.resting.v, "0");
}

static void test_isolated_close_never_costs_cross(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request r = kit_request(BTC, false, "50000", "0.1");
        struct engine_order_result result;

        open_long(kit, BTC, false, 10, "60000", "0.1");
        (void)kit_buy(kit, BOB, BTC, "50000", "0.1");
        r.reduce_only = true;
        r.tif = ENGINE_IOC;
        result = kit_one(kit, ALICE, r);
        assert_string_equal(result.error, "Insufficient margin to place order. asset=0");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "9400");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.1");
        /* nor by flipping it */
        (void)kit_buy(kit, BOB, BTC, "50000", "0.2");
        result = kit_limit(kit, ALICE, BTC, false, "50000", "0.2", ENGINE_IOC);
        assert_string_equal(result.error, "Insufficient margin to place order. asset=0");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "9400");
}

static void test_partial_isolated_close_releases_its_share(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, false, 10, "60000", "0.1");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "1");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.05", ENGINE_IOC);
        /* raw -5402.7, equity 597.3: half of it returns; the fee of 1.35 stays with the position */
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "9698.65");
        kit_expect(kit_account(kit, ALICE).total_margin_used.v, "297.3");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.05", ENGINE_IOC);
        kit_expect(kit_account(kit, ALICE).account_value.v, "9994.6");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
}

static void test_funding(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, true, 20, "60000", "0.25");
        open_long(kit, ETH, false, 10, "3000", "1");
        engine_pay_funding(kit->engine, BTC, (struct rate){12500000}, ++kit->at);
        assert_int_equal(kit->n_funding, 2);
        kit_expect(kit_position(kit, ALICE, BTC).funding_since_open.v, "0.1875");
        kit_expect(kit_account(kit, ALICE).cross.account_value.v, "9693.0625");
        engine_pay_funding(kit->engine, ETH, (struct rate){-12500000}, ++kit->at);
        kit_expect(kit_position(kit, ALICE, ETH).p.raw_usd.v, "-2701.3125");
        kit_expect(kit_position(kit, ALICE, ETH).funding_all_time.v, "-0.0375");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "0.25");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.1", ENGINE_IOC);
        kit_expect(kit_position(kit, ALICE, BTC).funding_since_change.v, "0");
        kit_expect(kit_position(kit, ALICE, BTC).funding_since_open.v, "0.1875");
        kit_expect(kit_money(kit, CAROL), "30000");
        engine_pay_funding(kit->engine, N_MARKETS, (struct rate){1}, ++kit->at);
}

static void test_withdrawal_leaves_the_transfer_requirement(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct addr nobody = kit_addr(77);

        /* 6000 of value at 20x: the tenth of it, 600, must stay of 9997.3 */
        open_long(kit, BTC, true, 20, "60000", "0.1");
        assert_false(engine_withdraw(kit->engine, &nobody, (struct usd){100}, ++kit->at));
        assert_false(engine_withdraw(kit->engine, &alice, (struct usd){0}, ++kit->at));
        assert_false(engine_withdraw(kit->engine, &alice, (struct usd){150}, ++kit->at));
        assert_false(engine_withdraw(kit->engine, &alice, (struct usd){kit_num("9397.300001")},
                                     ++kit->at));
        assert_true(
                engine_withdraw(kit->engine, &alice, (struct usd){kit_num("9397.3")}, ++kit->at));
        kit_expect(kit_account(kit, ALICE).account_value.v, "600");
}

static void test_unusable_prices_are_not_taken(void **state)
{
        struct kit *kit = *state;

        open_long(kit, BTC, true, 20, "60000", "0.25");
        kit_mark(kit, BTC, "0");
        kit_mark(kit, BTC, "-5");
        kit_mark(kit, BTC, "90000000000");
        kit_expect(engine_mark(kit->engine, BTC).v, "60000");
        kit_mark(kit, BTC, "60000.26");
        kit_expect(engine_mark(kit->engine, BTC).v, "60000.3");
        kit_expect(engine_oracle(kit->engine, BTC).v, "60000.3");
        kit_expect(engine_mark(kit->engine, N_MARKETS).v, "0");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_default_settings),
                KIT_TEST(test_available_against_a_position),
                KIT_TEST(test_available_against_an_isolated_position),
                KIT_TEST(test_position_value_is_bounded),
                KIT_TEST(test_isolated_opening_and_liquidation_price),
                KIT_TEST(test_entry_is_cut_for_display),
                KIT_TEST(test_leverage_refusals),
                KIT_TEST(test_isolated_leverage_moves_no_money),
                KIT_TEST(test_isolated_leverage_needs_no_cross_margin),
                KIT_TEST(test_cross_leverage_needs_margin),
                KIT_TEST(test_isolated_margin_refusals),
                KIT_TEST(test_isolated_margin_bounds_are_exact),
                KIT_TEST(test_ten_percent_stay_at_high_leverage),
                KIT_TEST(test_resting_orders_reserve),
                KIT_TEST(test_reserved_margin_is_not_free),
                KIT_TEST(test_reserved_margin_serves_its_order),
                KIT_TEST(test_isolated_opening_at_a_bad_price),
                KIT_TEST(test_flip_uses_released_margin),
                KIT_TEST(test_tier_limit),
                KIT_TEST(test_tier_limit_binds_resting_orders),
                KIT_TEST(test_resting_side_is_checked_again),
                KIT_TEST(test_isolated_close_never_costs_cross),
                KIT_TEST(test_partial_isolated_close_releases_its_share),
                KIT_TEST(test_funding),
                KIT_TEST(test_withdrawal_leaves_the_transfer_requirement),
                KIT_TEST(test_unusable_prices_are_not_taken),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
