#include "test_engine_kit.h"

static void test_fees_by_role_and_builder(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request r = kit_request(BTC, true, "60000", "0.01");
        struct engine_order_result result;
        struct addr alice = kit_addr(ALICE);
        struct addr carol = kit_addr(CAROL);
        struct addr bob = kit_addr(BOB);

        engine_set_fees(kit->engine, &bob, (struct rate){450000000},
                        (struct rate){-10000000}); /* -0.00001 */
        (void)kit_sell(kit, BOB, BTC, "60000", "0.01");
        r.tif = ENGINE_IOC;
        assert_true(engine_place(kit->engine, &alice, &r, 1, ENGINE_NA, &carol, 15, &result,
                                 kit->err, ++kit->at));
        /* 600 * 0.00045 = 0.27; 1.5 bp of 600 = 0.09 */
        kit_expect(kit->fill[0].fee.v, "0.36");
        kit_expect(kit->fill[0].builder_fee.v, "0.09");
        kit_expect(kit->fill[1].fee.v, "-0.006");
        kit_expect(kit_account(kit, ALICE).account_value.v, "9999.64");
        kit_expect(kit_account(kit, BOB).account_value.v, "10000.006");
        kit_expect(kit_account(kit, CAROL).account_value.v, "10000.09");
        kit_expect(engine_collected_fees(kit->engine).v, "0.264");
}

static void test_fees_are_whole_micro_dollars(void **state)
{
        struct kit *kit = *state;
        struct addr bob = kit_addr(BOB);

        engine_set_fees(kit->engine, &bob, (struct rate){450000000}, (struct rate){-10000000});
        (void)kit_sell(kit, BOB, ETH, "3001", "0.0041");
        (void)kit_buy(kit, ALICE, ETH, "3001", "0.0041");
        /* 12.3041 * 0.00045 = 0.005536845, up; 12.3041 * 0.00001 = 0.000123041, down */
        kit_expect(kit->fill[0].fee.v, "0.005537");
        kit_expect(kit->fill[1].fee.v, "-0.000123");
}

static void count(void *cookie, const struct engine_order *order)
{
        size_t *n = cookie;

        (void)order;
        ++*n;
}

static void expect_older(void *cookie, const struct engine_order *order)
{
        uint64_t *last = cookie;

        assert_true(order->oid < *last);
        *last = order->oid;
}

static void count_fills(void *cookie, const struct engine_fill *fill)
{
        size_t *n = cookie;

        (void)fill;
        ++*n;
}

static void test_history_is_bounded(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct engine_order_request named = kit_request(BTC, true, "59000", "0.001");
        struct engine_order_result r = {.status = ENGINE_RESTING};
        uint64_t first;
        size_t n = 0;

        named.has_cloid = true;
        first = kit_one(kit, ALICE, named).oid;
        assert_string_equal(kit_cancel(kit, ALICE, BTC, first), "");
        for (int i = 0; i < 2000; i++) {
                uint64_t oid = kit_buy(kit, ALICE, BTC, "59000", "0.001").oid;

                assert_string_equal(kit_cancel(kit, ALICE, BTC, oid), "");
        }
        assert_null(engine_order_by_oid(kit->engine, &alice, first));
        assert_null(engine_order_by_cloid(kit->engine, &alice, &named.cloid));
        engine_orders(kit->engine, &alice, false, count, &n);
        assert_int_equal(n, 2000);
        for (n = 0; r.status == ENGINE_RESTING; n++)
                r = kit_buy(kit, ALICE, BTC, "59000", "0.0002");
        assert_string_equal(r.error, "Too many open orders. asset=0");
        assert_int_equal(n, 1001);
}

static void test_fills_are_bounded(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct rate taker, maker;
        size_t n = 0;

        for (int i = 0; i < 2010; i++) {
                (void)kit_limit(kit, HOUSE, BTC, i % 2, "60000", "0.001", ENGINE_GTC);
                (void)kit_limit(kit, ALICE, BTC, !(i % 2), "60000", "0.001", ENGINE_IOC);
        }
        engine_fills(kit->engine, &alice, count_fills, &n);
        assert_int_equal(n, 2000);
        engine_fees(kit->engine, &alice, &taker, &maker);
        assert_int_equal(taker.v, 450000000);
        assert_int_equal(maker.v, 150000000);
        assert_int_equal(engine_market_count(kit->engine), N_MARKETS);
        assert_null(engine_market(kit->engine, N_MARKETS));
}

static void test_reads_of_orders_and_fills(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct addr nobody = kit_addr(77);
        size_t open = 0;
        size_t all = 0;
        size_t fills = 0;
        size_t none = 0;
        uint64_t last = UINT64_MAX;

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.01");
        (void)kit_buy(kit, ALICE, BTC, "60000", "0.01");
        (void)kit_buy(kit, ALICE, BTC, "59000", "0.01");
        (void)kit_buy(kit, ALICE, BTC, "59001", "0.01");
        engine_orders(kit->engine, &alice, true, count, &open);
        engine_orders(kit->engine, &alice, false, count, &all);
        engine_fills(kit->engine, &alice, count_fills, &fills);
        engine_orders(kit->engine, &nobody, false, count, &none);
        engine_fills(kit->engine, &nobody, count_fills, &none);
        engine_orders(kit->engine, &alice, true, expect_older, &last);
        assert_int_equal(open, 2);
        assert_int_equal(all, 3);
        assert_int_equal(fills, 1);
        assert_int_equal(none, 0);
        assert_false(engine_account_exists(kit->engine, &nobody));
        assert_int_equal(kit_account(kit, 77).account_value.v, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_fees_by_role_and_builder),
                KIT_TEST(test_fees_are_whole_micro_dollars),
                KIT_TEST(test_history_is_bounded),
                KIT_TEST(test_fills_are_bounded),
                KIT_TEST(test_reads_of_orders_and_fills),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
