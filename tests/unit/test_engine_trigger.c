#include "test_engine_kit.h"

/* Alice long 0.1 BTC at 60000. */
static void open_long(struct kit *kit)
{
        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.1");
        assert_int_equal(kit_limit(kit, ALICE, BTC, true, "60000", "0.1", ENGINE_IOC).status,
                         ENGINE_FILLED);
}

static void test_wrong_side_is_refused(void **state)
{
        static const struct {
                bool is_buy;
                const char *kind, *trigger;
                bool is_accepted;
        } row[] = {
                {false, "sl", "59999", true},  {false, "sl", "60000", false},
                {false, "sl", "60001", false}, {false, "tp", "60001", true},
                {false, "tp", "60000", false}, {true, "tp", "59999", true},
                {true, "tp", "60001", false},  {true, "sl", "60001", true},
                {true, "sl", "59999", false},
        };
        struct kit *kit = *state;

        open_long(kit);
        (void)kit_buy(kit, HOUSE, BTC, "60000", "0.1");
        (void)kit_limit(kit, BOB, BTC, false, "60000", "0.1", ENGINE_IOC);
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                struct engine_order_request r = kit_trigger(BTC, row[i].is_buy, row[i].kind,
                                                            row[i].trigger, "60000", "0.1");
                struct engine_order_result result = kit_one(kit, row[i].is_buy ? BOB : ALICE, r);

                if (row[i].is_accepted) {
                        assert_int_equal(result.status, ENGINE_WAITING_FOR_TRIGGER);
                } else {
                        assert_string_equal(result.error, "Invalid TP/SL price. asset=0");
                        kit_expect_status(kit, row[i].is_buy ? BOB : ALICE, result.oid,
                                          "badTriggerPxRejected");
                }
        }
}

static void test_trigger_price_obeys_the_tick(void **state)
{
        struct kit *kit = *state;

        open_long(kit);
        assert_string_equal(
                kit_one(kit, ALICE, kit_trigger(BTC, false, "sl", "59000.5", "58000", "0.1")).error,
                "Price must be divisible by tick size. asset=0");
        assert_string_equal(
                kit_one(kit, BOB, kit_trigger(BTC, false, "sl", "59000", "58000", "0.1")).error,
                "Reduce only order would increase position. asset=0");
}

static void test_stop_fires_on_the_mark(void **state)
{
        struct kit *kit = *state;
        uint64_t oid;

        open_long(kit);
        oid = kit_one(kit, ALICE, kit_trigger(BTC, false, "sl", "59000", "58000", "0.2")).oid;
        (void)kit_buy(kit, HOUSE, BTC, "58900", "1");
        kit_mark(kit, BTC, "59001");
        kit_expect_status(kit, ALICE, oid, "open");
        kit->n_events = 0;
        kit_mark(kit, BTC, "59000");
        kit_expect_status(kit, ALICE, oid, "filled");
        assert_string_equal(kit->event[0].status, "triggered");
        assert_true(kit->event[0].oid == oid);
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
        assert_string_equal(kit->fill[kit->n_fills - 2].direction, "Close Long");
        kit_expect(kit->fill[kit->n_fills - 2].closed_pnl.v, "-110");
}

static void test_stop_market_keeps_to_its_worst_price(void **state)
{
        struct kit *kit = *state;
        uint64_t oid;

        open_long(kit);
        oid = kit_one(kit, ALICE, kit_trigger(BTC, false, "sl", "59000", "58500", "0.1")).oid;
        (void)kit_buy(kit, HOUSE, BTC, "58499", "1");
        kit_mark(kit, BTC, "58900");
        kit_expect_status(kit, ALICE, oid, "iocCancelRejected");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.1");
}

static void test_trigger_limit_rests(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request r = kit_trigger(BTC, false, "tp", "61000", "61500", "0.1");
        uint64_t oid;

        open_long(kit);
        r.trigger_is_market = false;
        oid = kit_one(kit, ALICE, r).oid;
        kit_mark(kit, BTC, "60999");
        kit->n_events = 0;
        kit_mark(kit, BTC, "61000");
        assert_string_equal(kit->event[0].status, "triggered");
        kit_expect_status(kit, ALICE, oid, "open");
        (void)kit_buy(kit, HOUSE, BTC, "61500", "0.1");
        kit_expect_status(kit, ALICE, oid, "filled");
}

static void test_closing_the_position_ends_its_triggers(void **state)
{
        struct kit *kit = *state;
        uint64_t oid;

        open_long(kit);
        oid = kit_one(kit, ALICE, kit_trigger(BTC, false, "sl", "59000", "58000", "0.1")).oid;
        (void)kit_buy(kit, HOUSE, BTC, "60000", "1");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.1", ENGINE_IOC);
        kit_expect_status(kit, ALICE, oid, "reduceOnlyCanceled");
}

/* A parent and its take-profit at 63000 and stop at 58000. */
static void place_group(struct kit *kit, const char *price, enum engine_tif tif,
                        struct engine_order_result result[3])
{
        struct engine_order_request order[3] = {
                kit_request(BTC, true, price, "0.1"),
                kit_trigger(BTC, false, "tp", "63000", "60000", "0.1"),
                kit_trigger(BTC, false, "sl", "58000", "55000", "0.1"),
        };

        order[0].tif = tif;
        assert_true(kit_place(kit, ALICE, order, 3, ENGINE_NORMAL_TPSL, result));
}

static void test_children_wait_for_the_parent(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];
        uint64_t oid;

        place_group(kit, "59000", ENGINE_GTC, r);
        oid = r[0].oid;
        assert_int_equal(r[0].status, ENGINE_RESTING);
        assert_int_equal(r[1].status, ENGINE_WAITING_FOR_FILL);
        assert_int_equal(r[2].status, ENGINE_WAITING_FOR_FILL);
        assert_true(kit_find(kit, ALICE, oid + 1)->parent_oid == oid);
        assert_true(kit_find(kit, ALICE, oid + 2)->parent_oid == oid);
        assert_true(kit_find(kit, ALICE, oid + 1)->is_take_profit);
        kit_mark(kit, BTC, "58500");
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.1", ENGINE_GTC);
        kit_expect_status(kit, ALICE, oid, "filled");
        assert_true(kit_find(kit, ALICE, oid + 1)->parent_oid == 0);
        (void)kit_buy(kit, HOUSE, BTC, "63100", "0.1");
        kit_mark(kit, BTC, "63100");
        kit_expect_status(kit, ALICE, oid + 1, "filled");
        kit_expect_status(kit, ALICE, oid + 2, "siblingFilledCanceled");
        assert_int_equal(kit_account(kit, ALICE).n_positions, 0);
}

static void test_children_of_a_filled_parent_wait_for_the_trigger(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        (void)kit_sell(kit, HOUSE, BTC, "60000", "0.1");
        place_group(kit, "61000", ENGINE_IOC, r);
        assert_int_equal(r[0].status, ENGINE_FILLED);
        assert_int_equal(r[1].status, ENGINE_WAITING_FOR_TRIGGER);
        assert_int_equal(r[2].status, ENGINE_WAITING_FOR_TRIGGER);
        assert_true(r[2].oid == r[0].oid + 2);
        (void)kit_buy(kit, HOUSE, BTC, "57900", "0.1");
        kit_mark(kit, BTC, "57950");
        kit_expect_status(kit, ALICE, r[2].oid, "filled");
        kit_expect_status(kit, ALICE, r[1].oid, "siblingFilledCanceled");
}

static void test_passed_trigger_of_a_child_fires_with_time(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        place_group(kit, "59000", ENGINE_GTC, r);
        (void)kit_buy(kit, HOUSE, BTC, "57400", "1");
        kit_mark(kit, BTC, "57500");
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.1", ENGINE_IOC);
        kit_expect_status(kit, ALICE, r[2].oid, "open");
        engine_tick(kit->engine, ++kit->at);
        kit_expect_status(kit, ALICE, r[2].oid, "filled");
}

static void test_refused_parent_refuses_its_children(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        place_group(kit, "60000", ENGINE_IOC, r);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(r[i].status, ENGINE_ERROR);
                assert_string_equal(
                        r[i].error,
                        "Order could not immediately match against any resting orders. asset=0");
        }
        kit_expect_status(kit, ALICE, r[1].oid, "canceled");
        place_group(kit, "60000.5", ENGINE_GTC, r);
        assert_string_equal(r[2].error, "Price must be divisible by tick size. asset=0");
}

static void test_wrong_child_is_refused_alone(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        kit_mark(kit, BTC, "57000");
        place_group(kit, "56000", ENGINE_GTC, r);
        assert_int_equal(r[0].status, ENGINE_RESTING);
        assert_int_equal(r[1].status, ENGINE_WAITING_FOR_FILL);
        assert_string_equal(r[2].error, "Invalid TP/SL price. asset=0");
}

static void test_cancelled_parent_takes_its_children(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        place_group(kit, "59000", ENGINE_GTC, r);
        assert_string_equal(kit_cancel(kit, ALICE, BTC, r[0].oid), "");
        kit_expect_status(kit, ALICE, r[1].oid, "canceled");
        kit_expect_status(kit, ALICE, r[2].oid, "canceled");
        place_group(kit, "59000", ENGINE_GTC, r);
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.04", ENGINE_IOC);
        kit_expect_status(kit, ALICE, r[0].oid, "open");
        kit_expect_status(kit, ALICE, r[1].oid, "open");
        assert_string_equal(kit_cancel(kit, ALICE, BTC, r[0].oid), "");
        kit_expect_status(kit, ALICE, r[1].oid, "canceled");
        kit_expect(kit_position(kit, ALICE, BTC).p.size.v, "0.04");
}

static void test_child_can_be_cancelled_alone(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result r[3];

        place_group(kit, "59000", ENGINE_GTC, r);
        assert_string_equal(kit_cancel(kit, ALICE, BTC, r[1].oid), "");
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.1", ENGINE_IOC);
        kit_expect_status(kit, ALICE, r[0].oid, "filled");
        kit_expect_status(kit, ALICE, r[2].oid, "open");
        (void)kit_buy(kit, HOUSE, BTC, "58000", "0.1");
        kit_mark(kit, BTC, "58000");
        kit_expect_status(kit, ALICE, r[2].oid, "filled");
        kit_expect_status(kit, ALICE, r[1].oid, "canceled");
}

static void test_parent_short_of_margin_leaves_its_children(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request order[2] = {
                kit_request(BTC, true, "59000", "2.4"),
                kit_trigger(BTC, false, "sl", "58000", "55000", "2.4"),
        };
        struct engine_order_result r[2];

        (void)kit_sell(kit, HOUSE, ETH, "3000", "10");
        (void)kit_buy(kit, ALICE, ETH, "3000", "10");
        assert_true(kit_place(kit, ALICE, order, 2, ENGINE_NORMAL_TPSL, r));
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.1", ENGINE_IOC);
        kit_mark(kit, ETH, "2750");
        (void)kit_limit(kit, HOUSE, BTC, false, "59000", "0.1", ENGINE_IOC);
        kit_expect_status(kit, ALICE, r[0].oid, "marginCanceled");
        kit_expect_status(kit, ALICE, r[1].oid, "open");
        assert_true(kit_find(kit, ALICE, r[1].oid)->parent_oid == 0);
}

static void test_position_tpsl_follows_the_position(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request order[2] = {
                kit_trigger(BTC, false, "tp", "63000", "60000", "0"),
                kit_trigger(BTC, false, "sl", "58000", "55000", "0"),
        };
        struct engine_order_result r[2];

        assert_true(kit_place(kit, ALICE, order, 2, ENGINE_POSITION_TPSL, r));
        assert_string_equal(r[0].error, "Reduce only order would increase position. asset=0");
        open_long(kit);
        assert_true(kit_place(kit, ALICE, order, 2, ENGINE_POSITION_TPSL, r));
        assert_int_equal(r[0].status, ENGINE_WAITING_FOR_TRIGGER);
        assert_true(kit_find(kit, ALICE, r[1].oid)->is_position_tpsl);
        kit_expect(kit_find(kit, ALICE, r[0].oid)->size.v, "0.1");
        open_long(kit);
        kit_expect(kit_find(kit, ALICE, r[0].oid)->size.v, "0.2");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "0.15");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.15", ENGINE_IOC);
        kit_expect(kit_find(kit, ALICE, r[1].oid)->size.v, "0.05");
        (void)kit_buy(kit, HOUSE, BTC, "57900", "1");
        kit_mark(kit, BTC, "57900");
        kit_expect_status(kit, ALICE, r[1].oid, "filled");
        kit_expect_status(kit, ALICE, r[0].oid, "siblingFilledCanceled");
}

static void test_partial_position_tpsl_only_shrinks(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request order = kit_trigger(BTC, false, "sl", "58000", "55000", "0.06");
        struct engine_order_result r;

        open_long(kit);
        assert_true(kit_place(kit, ALICE, &order, 1, ENGINE_POSITION_TPSL, &r));
        open_long(kit);
        kit_expect(kit_find(kit, ALICE, r.oid)->size.v, "0.06");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "0.16");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.16", ENGINE_IOC);
        kit_expect(kit_find(kit, ALICE, r.oid)->size.v, "0.04");
        (void)kit_buy(kit, HOUSE, BTC, "60000", "0.04");
        (void)kit_limit(kit, ALICE, BTC, false, "60000", "0.04", ENGINE_IOC);
        kit_expect_status(kit, ALICE, r.oid, "reduceOnlyCanceled");
}

static void test_shapes_of_groups(void **state)
{
        struct kit *kit = *state;
        struct engine_order_request tp = kit_trigger(BTC, false, "tp", "63000", "60000", "0.1");
        struct engine_order_request sl = kit_trigger(BTC, false, "sl", "58000", "55000", "0.1");
        struct engine_order_request parent = kit_request(BTC, true, "59000", "0.1");
        struct engine_order_request other = kit_trigger(ETH, false, "sl", "2800", "2700", "1");
        const struct engine_order_request bad[][3] = {
                {parent, parent, sl}, {tp, tp, sl}, {parent, tp, tp}, {parent, tp, other}};
        struct engine_order_result r[4];

        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
                assert_false(kit_place(kit, ALICE, bad[i], 3, ENGINE_NORMAL_TPSL, r));
                assert_string_equal(kit->err, "Unexpected number of trigger orders");
        }
        assert_false(kit_place(kit, ALICE, bad[0], 3, ENGINE_POSITION_TPSL, r));
        assert_false(kit_place(kit, ALICE, bad[0], 1, ENGINE_POSITION_TPSL, r));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_wrong_side_is_refused),
                KIT_TEST(test_trigger_price_obeys_the_tick),
                KIT_TEST(test_stop_fires_on_the_mark),
                KIT_TEST(test_stop_market_keeps_to_its_worst_price),
                KIT_TEST(test_trigger_limit_rests),
                KIT_TEST(test_closing_the_position_ends_its_triggers),
                KIT_TEST(test_children_wait_for_the_parent),
                KIT_TEST(test_children_of_a_filled_parent_wait_for_the_trigger),
                KIT_TEST(test_passed_trigger_of_a_child_fires_with_time),
                KIT_TEST(test_refused_parent_refuses_its_children),
                KIT_TEST(test_wrong_child_is_refused_alone),
                KIT_TEST(test_cancelled_parent_takes_its_children),
                KIT_TEST(test_child_can_be_cancelled_alone),
                KIT_TEST(test_parent_short_of_margin_leaves_its_children),
                KIT_TEST(test_position_tpsl_follows_the_position),
                KIT_TEST(test_partial_position_tpsl_only_shrinks),
                KIT_TEST(test_shapes_of_groups),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
