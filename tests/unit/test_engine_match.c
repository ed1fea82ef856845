#include "test_engine_kit.h"

static void test_price_time_priority(void **state)
{
        struct kit *kit = *state;
        uint64_t first = kit_sell(kit, HOUSE, BTC, "60010", "0.01").oid;
        uint64_t second = kit_sell(kit, BOB, BTC, "60010", "0.01").oid;
        uint64_t best = kit_sell(kit, HOUSE, BTC, "60005", "0.01").oid;
        struct engine_order_result r;

        r = kit_limit(kit, ALICE, BTC, true, "60100", "0.025", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect(r.total_size.v, "0.025");
        /* (0.01 * 60005 + 0.015 * 60010) / 0.025 */
        kit_expect(r.average_price.v, "60008");
        kit_expect_status(kit, HOUSE, best, "filled");
        kit_expect_status(kit, HOUSE, first, "filled");
        kit_expect_status(kit, BOB, second, "open");
        kit_expect(kit_find(kit, BOB, second)->size.v, "0.005");
        kit_expect(kit_find(kit, BOB, second)->original_size.v, "0.01");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.025");
        kit_expect(kit_position(kit, BOB, BTC).p.size.v, "-0.005");
        kit_expect(engine_last_price(kit->engine, BTC).v, "60010");
        kit_expect(engine_open_interest(kit->engine, BTC).v, "0.025");
        assert_int_equal(kit->n_trades, 3);
        assert_int_equal(kit->n_fills, 6);
        assert_int_equal(kit->buyer.b[19], ALICE);
        assert_int_equal(kit->seller.b[19], BOB);
        assert_true(kit->fill[0].tid == kit->fill[1].tid);
        assert_true(kit->fill[0].tid != kit->fill[2].tid);
        assert_true(kit->fill[0].crossed && !kit->fill[1].crossed);
}

static void test_book_levels(void **state)
{
        struct kit *kit = *state;
        struct engine_level level[8];
        uint64_t oid;

        (void)kit_buy(kit, HOUSE, BTC, "59990", "1");
        oid = kit_buy(kit, HOUSE, BTC, "59995", "2").oid;
        (void)kit_buy(kit, HOUSE, BTC, "59990", "3");
        (void)kit_buy(kit, HOUSE, BTC, "59980", "4");
        assert_int_equal(engine_book(kit->engine, BTC, 0, level, 8), 3);
        kit_expect(level[0].price.v, "59995");
        kit_expect(level[1].size.v, "4");
        assert_int_equal(level[1].n_orders, 2);
        kit_expect(level[2].price.v, "59980");
        assert_int_equal(engine_book(kit->engine, BTC, 0, level, 1), 1);
        assert_string_equal(kit_cancel(kit, HOUSE, BTC, oid), "");
        assert_int_equal(engine_book(kit->engine, BTC, 0, level, 8), 2);
        kit_expect(level[0].price.v, "59990");
        assert_int_equal(engine_book(kit->engine, BTC, 1, level, 8), 0);
        assert_int_equal(engine_book(kit->engine, N_MARKETS, 0, level, 8), 0);
}

static void test_gtc_rests_with_what_remains(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.01");
        r = kit_buy(kit, ALICE, BTC, "60000", "0.03");
        assert_int_equal(r.status, ENGINE_RESTING);
        kit_expect(kit_find(kit, ALICE, r.oid)->size.v, "0.02");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.01");
        r = kit_limit(kit, BOB, BTC, false, "60000", "0.02", ENGINE_GTC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.03");
}

static void test_ioc(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        r = kit_limit(kit, ALICE, BTC, true, "60000", "0.01", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_ERROR);
        assert_string_equal(
                r.error, "Order could not immediately match against any resting orders. asset=0");
        kit_expect_status(kit, ALICE, r.oid, "iocCancelRejected");
        (void)kit_sell(kit, HOUSE, BTC, "60001", "0.01");
        r = kit_limit(kit, ALICE, BTC, true, "60000", "0.01", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_ERROR);
        r = kit_limit(kit, ALICE, BTC, true, "60001", "0.02", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect(r.total_size.v, "0.01");
        kit_expect_status(kit, ALICE, r.oid, "canceled");
        kit_expect(kit_find(kit, ALICE, r.oid)->size.v, "0.01");
}

static void test_market_on_empty_book(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        r = kit_limit(kit, ALICE, BTC, true, "63000", "0.01", ENGINE_FRONTEND_MARKET);
        assert_string_equal(r.error, "No liquidity available for market order. asset=0");
        kit_expect_status(kit, ALICE, r.oid, "marketOrderNoLiquidityRejected");
        (void)kit_sell(kit, HOUSE, BTC, "64000", "0.01");
        r = kit_limit(kit, ALICE, BTC, true, "63000", "0.01", ENGINE_FRONTEND_MARKET);
        assert_string_equal(
                r.error, "Order could not immediately match against any resting orders. asset=0");
}

static void test_post_only(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        (void)kit_sell(kit, HOUSE, BTC, "60001", "0.01");
        r = kit_limit(kit, ALICE, BTC, true, "60001", "0.01", ENGINE_ALO);
        assert_string_equal(
                r.error, "Post only order would have immediately matched, bbo was @60001. asset=0");
        kit_expect_status(kit, ALICE, r.oid, "badAloPxRejected");
        r = kit_limit(kit, ALICE, BTC, true, "60000", "0.01", ENGINE_ALO);
        assert_int_equal(r.status, ENGINE_RESTING);
        r = kit_limit(kit, BOB, BTC, false, "59999", "0.01", ENGINE_ALO);
        assert_string_equal(
                r.error,
                "Post only order would have immediately matched, bbo was 60000@60001. asset=0");
}

static void test_self_trade_cancels_resting(void **state)
{
        struct kit *kit = *state;
        uint64_t own = kit_sell(kit, ALICE, BTC, "60000", "0.01").oid;
        uint64_t other = kit_sell(kit, BOB, BTC, "60000", "0.01").oid;
        struct engine_order_result r;

        r = kit_limit(kit, ALICE, BTC, true, "60000", "0.01", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect_status(kit, ALICE, own, "selfTradeCanceled");
        kit_expect_status(kit, BOB, other, "filled");
        assert_int_equal(kit->n_trades, 1);
}

static void test_texts_of_refusals(void **state)
{
        static const struct {
                uint32_t asset;
                bool is_buy;
                const char *price, *size, *text;
        } row[] = {
                {BTC, true, "60000.5", "0.01", "Price must be divisible by tick size. asset=0"},
                {BTC, true, "60000.12", "0.01", "Price must be divisible by tick size. asset=0"},
                {ETH, true, "3000.1", "0.01", ""},
                {ETH, true, "3000.12", "0.01", "Price must be divisible by tick size. asset=1"},
                {BTC, true, "0", "0.01", "Order has invalid price. asset=0"},
                {BTC, true, "-1", "0.01", "Order has invalid price. asset=0"},
                {BTC, true, "60000", "0", "Order has zero size. asset=0"},
                {BTC, true, "60000", "-0.01", "Order has invalid size. asset=0"},
                {BTC, true, "60000", "0.000001", "Order has invalid size. asset=0"},
                {BTC, true, "60000", "90000000000", "Order has invalid size. asset=0"},
                {BTC, true, "60000", "0.00016", "Order must have minimum value of $10. asset=0"},
                {BTC, true, "60000", "0.00017", ""},
                {BTC, true, "60000", "100", "Insufficient margin to place order. asset=0"},
                {GONE, true, "1", "100", "Trading is halted. asset=3"},
                {N_MARKETS, true, "1", "100", "Order has invalid asset. asset=5"},
                {BTC, true, "11999", "0.01",
                 "Order price cannot be more than 80% away from the reference price asset=0"},
                {BTC, true, "12000", "0.01", ""},
                {BTC, false, "108001", "0.01",
                 "Order price cannot be more than 80% away from the reference price asset=0"},
                {BTC, false, "108000", "0.01", ""},
                {TIERED, true, "10", "1", ""},
                {TIERED, true, "10.12345", "1", "Price must be divisible by tick size. asset=4"},
        };
        struct kit *kit = *state;

        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                struct engine_order_result r = kit_limit(kit, ALICE, row[i].asset, row[i].is_buy,
                                                         row[i].price, row[i].size, ENGINE_GTC);

                assert_string_equal(r.error, row[i].text);
                if (!row[i].text[0])
                        assert_int_equal(r.status, ENGINE_RESTING);
        }
}

static void test_payload_is_refused_whole(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request order[2] = {
                kit_request(BTC, true, "60000", "0.01"),
                kit_trigger(BTC, false, "sl", "59000", "58000", "0.01"),
        };
        struct engine_order_result result[2];
        struct addr stranger = kit_addr(99);

        order[1].reduce_only = false;
        assert_false(kit_place(kit, ALICE, order, 2, ENGINE_NA, result));
        assert_string_equal(kit->err, "TP/SL orders must be reduce-only. asset=0");
        assert_false(kit_place(kit, ALICE, order, 0, ENGINE_NA, result));
        assert_true(strlen(kit->err) > 0);
        assert_false(kit_place(kit, ALICE, order, 1, ENGINE_NORMAL_TPSL, result));
        assert_string_equal(kit->err, "Unexpected number of trigger orders");
        assert_false(kit_place(kit, ALICE, order, 1, ENGINE_POSITION_TPSL, result));
        assert_string_equal(kit->err, "Unexpected number of trigger orders");
        order[0].tif = ENGINE_LIQUIDATION_MARKET;
        assert_false(kit_place(kit, ALICE, order, 1, ENGINE_NA, result));
        assert_int_equal(kit->n_events, 0);
        assert_false(engine_place(kit->engine, &stranger, order, 1, ENGINE_NA, NULL, 0, result,
                                  kit->err, 1));
        assert_string_equal(kit->err, "Must deposit before performing actions. User: "
                                      "0x0000000000000000000000000000000000000063");
}

static void test_no_orders_before_prices(void **state)
{
        struct kit *kit = *state;
        struct engine_market_spec spec[N_MARKETS];
        struct engine_order_request order = kit_request(BTC, true, "60000", "0.01");
        struct engine_order_result result;
        struct addr alice = kit_addr(ALICE);
        struct engine *young;

        kit_markets(spec);
        young = engine_new(spec, N_MARKETS, NULL);
        engine_deposit(young, &alice, (struct usd){kit_num("1000")}, 1);
        assert_false(
                engine_place(young, &alice, &order, 1, ENGINE_NA, NULL, 0, &result, kit->err, 2));
        engine_free(young);
        engine_free(NULL);
}

static void test_cancel(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request r = kit_request(BTC, true, "59000", "0.01");
        struct addr alice = kit_addr(ALICE);
        uint64_t oid;

        r.has_cloid = true;
        r.cloid.b[0] = 7;
        oid = kit_one(kit, ALICE, r).oid;
        assert_string_equal(kit_cancel(kit, BOB, BTC, oid),
                            "Order was never placed, already canceled, or filled. asset=0");
        assert_string_equal(kit_cancel(kit, ALICE, ETH, oid),
                            "Order was never placed, already canceled, or filled. asset=1");
        assert_non_null(engine_order_by_cloid(kit->engine, &alice, &r.cloid));
        engine_cancel_cloid(kit->engine, &alice, BTC, &r.cloid, kit->err, ++kit->at);
        assert_string_equal(kit->err, "");
        kit_expect_status(kit, ALICE, oid, "canceled");
        assert_string_equal(kit_cancel(kit, ALICE, BTC, oid),
                            "Order was never placed, already canceled, or filled. asset=0");
        assert_string_equal(kit_cancel(kit, ALICE, BTC, 123456),
                            "Order was never placed, already canceled, or filled. asset=0");
        r.cloid.b[0] = 8;
        assert_null(engine_order_by_cloid(kit->engine, &alice, &r.cloid));
        kit_expect(kit_account(kit, ALICE).withdrawable.v, "10000");
}

static struct engine_order_result reduce(struct kit *kit, unsigned user, bool is_buy,
                                         const char *price, const char *size, enum engine_tif tif)
{
        struct engine_order_request r = kit_request(BTC, is_buy, price, size);

        r.reduce_only = true;
        r.tif = tif;
        return kit_one(kit, user, r);
}

static void test_reduce_only_never_flips(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        r = reduce(kit, ALICE, false, "60000", "0.01", ENGINE_GTC);
        assert_string_equal(r.error, "Reduce only order would increase position. asset=0");
        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.02");
        (void)kit_buy(kit, ALICE, BTC, "60000", "0.02");
        (void)kit_buy(kit, HOUSE, BTC, "59990", "1");
        r = reduce(kit, ALICE, true, "60000", "0.01", ENGINE_GTC);
        assert_string_equal(r.error, "Reduce only order would increase position. asset=0");
        r = reduce(kit, ALICE, false, "59000", "0.5", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
        kit_expect(r.total_size.v, "0.02");
        kit_expect_status(kit, ALICE, r.oid, "filled");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
}

static void test_resting_reduce_only_follows_position(void **state)
{
        struct kit *kit = *state;
        uint64_t first, second;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.1");
        (void)kit_buy(kit, ALICE, BTC, "60000", "0.1");
        first = reduce(kit, ALICE, false, "61000", "0.04", ENGINE_GTC).oid;
        second = reduce(kit, ALICE, false, "62000", "0.05", ENGINE_GTC).oid;
        kit_expect_status(kit, ALICE, first, "open");
        (void)kit_buy(kit, HOUSE, BTC, "59990", "1");
        /* 0.07 remain: the two no longer fit, the earlier goes. */
        (void)kit_limit(kit, ALICE, BTC, false, "59000", "0.03", ENGINE_IOC);
        kit_expect_status(kit, ALICE, first, "reduceOnlyCanceled");
        kit_expect_status(kit, ALICE, second, "open");
        (void)kit_limit(kit, ALICE, BTC, false, "59000", "0.05", ENGINE_IOC);
        kit_expect(kit_find(kit, ALICE, second)->size.v, "0.02");
        kit_expect(kit_find(kit, ALICE, second)->original_size.v, "0.05");
        (void)kit_limit(kit, ALICE, BTC, false, "59000", "0.02", ENGINE_IOC);
        kit_expect_status(kit, ALICE, second, "reduceOnlyCanceled");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
}

static void test_second_reduce_only_ends_the_earlier(void **state)
{
        struct kit *kit = *state;
        uint64_t first, second;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.1");
        (void)kit_buy(kit, ALICE, BTC, "60000", "0.1");
        first = reduce(kit, ALICE, false, "61000", "0.06", ENGINE_GTC).oid;
        second = reduce(kit, ALICE, false, "62000", "0.3", ENGINE_GTC).oid;
        kit_expect_status(kit, ALICE, first, "reduceOnlyCanceled");
        kit_expect(kit_find(kit, ALICE, second)->size.v, "0.1");
}

static void test_minimum_does_not_bind_full_close(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "1");
        (void)kit_buy(kit, HOUSE, BTC, "59900", "1");
        (void)kit_limit(kit, ALICE, BTC, true, "60000", "0.0002", ENGINE_IOC);
        kit_mark(kit, BTC, "40000");
        (void)kit_buy(kit, HOUSE, BTC, "39990", "1");
        r = reduce(kit, ALICE, false, "39000", "0.0001", ENGINE_IOC);
        assert_string_equal(r.error, "Order must have minimum value of $10. asset=0");
        r = kit_limit(kit, ALICE, BTC, false, "39000", "0.0002", ENGINE_IOC);
        assert_int_equal(r.status, ENGINE_FILLED);
}

static void test_directions_and_profit(void **state)
{
        static const char *const words[] = {"Open Long",    "Open Long",  "Close Long",
                                            "Long > Short", "Open Short", "Close Short",
                                            "Short > Long"};
        static const struct {
                bool is_buy;
                const char *size, *start, *profit;
        } row[] = {
                {true, "0.01", "0", "0"},      {true, "0.01", "0.01", "0"},
                {false, "0.01", "0.02", "0"},  {false, "0.03", "0.01", "0"},
                {false, "0.01", "-0.02", "0"}, {true, "0.01", "-0.03", "0"},
                {true, "0.05", "-0.02", "0"},
        };
        struct kit *kit = *state;

        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                const struct engine_fill *fill;

                (void)kit_limit(kit, HOUSE, BTC, !row[i].is_buy, "60000", row[i].size, ENGINE_GTC);
                kit->n_fills = 0;
                (void)kit_limit(kit, ALICE, BTC, row[i].is_buy, "60000", row[i].size, ENGINE_IOC);
                fill = &kit->fill[0];
                assert_int_equal(kit->n_fills, 2);
                assert_string_equal(fill->direction, words[i]);
                kit_expect(fill->start_position.v, row[i].start);
                kit_expect(fill->closed_pnl.v, row[i].profit);
        }
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.03");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_price_time_priority),
                KIT_TEST(test_book_levels),
                KIT_TEST(test_gtc_rests_with_what_remains),
                KIT_TEST(test_ioc),
                KIT_TEST(test_market_on_empty_book),
                KIT_TEST(test_post_only),
                KIT_TEST(test_self_trade_cancels_resting),
                KIT_TEST(test_texts_of_refusals),
                KIT_TEST(test_payload_is_refused_whole),
                KIT_TEST(test_no_orders_before_prices),
                KIT_TEST(test_cancel),
                KIT_TEST(test_reduce_only_never_flips),
                KIT_TEST(test_resting_reduce_only_follows_position),
                KIT_TEST(test_second_reduce_only_ends_the_earlier),
                KIT_TEST(test_minimum_does_not_bind_full_close),
                KIT_TEST(test_directions_and_profit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
