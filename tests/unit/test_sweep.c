/* sweep: which protective orders are orphans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/sweep.h"

static struct venue_position position;
static struct venue_account account;
static struct venue_open_order order[2];
static struct store_order known[2]; /* what the journal says of them */

static void setup_world(const char *symbol, int64_t size)
{
        position = (struct venue_position){.p.size = {size}};
        (void)memcpy(position.symbol, symbol, strlen(symbol) + 1);
        account = (struct venue_account){.n_positions = size ? 1 : 0, .position = &position};
        order[0] = (struct venue_open_order){.symbol = "BTC",
                                             .asset = 3,
                                             .side = SIDE_SELL,
                                             .oid = 11,
                                             .placed_at = 5000,
                                             .has_cloid = true,
                                             .reduce_only = true,
                                             .is_trigger = true,
                                             .trigger = TRIGGER_STOP_LOSS};
        known[0] = (struct store_order){.is_known = true, .role = "sl", .first = {{9}}};
        known[1] = (struct store_order){.is_known = false};
        order[1] = (struct venue_open_order){
                .symbol = "BTC", .asset = 3, .side = SIDE_BUY, .oid = 12, .placed_at = 9000};
}

static unsigned picked(size_t n)
{
        struct venue_action cancel;

        sweep_pick(&cancel, &account, order, known, n);
        if (cancel.u.cancel.n) {
                assert_int_equal(cancel.kind, VENUE_CANCEL);
                assert_int_equal(cancel.u.cancel.cancel[0].oid, 11);
                assert_int_equal(cancel.u.cancel.cancel[0].asset, 3);
        }
        return cancel.u.cancel.n;
}

static void an_order_without_its_position_is_one(void **state)
{
        (void)state;
        setup_world("BTC", 0);
        assert_int_equal(picked(1), 1);
        setup_world("ETH", 100);
        assert_int_equal(picked(1), 1);
        setup_world("BTC", -100); /* the next position, on the other side */
        assert_int_equal(picked(1), 1);
}

static void an_order_placed_elsewhere_is_left_alone(void **state)
{
        (void)state;
        setup_world("BTC", 0);
        order[0].has_cloid = false;
        assert_int_equal(picked(1), 0);
        /* By another client that names its orders too: it may be there ahead of an entry. */
        setup_world("BTC", 0);
        known[0].is_known = false;
        assert_int_equal(picked(1), 0);
}

/* However long ago: it may fill any time, and its legs are there for that. */
static void legs_whose_order_rests_are_none(void **state)
{
        (void)state;
        setup_world("BTC", 0);
        order[1].placed_at = 1;
        order[1].has_cloid = true;
        order[1].cloid = (struct cloid){{9}};
        assert_int_equal(picked(2), 0);
        order[1].cloid = (struct cloid){{8}}; /* another order */
        assert_int_equal(picked(2), 1);
        order[1].cloid =
                (struct cloid){{9}}; /* the other leg of a position's two, which wait for none */
        order[1].reduce_only = order[1].is_trigger = true;
        order[1].side = SIDE_SELL;
        assert_int_equal(picked(2), 1);
        order[1].reduce_only = false;
        (void)memcpy(known[0].role, "order", 6); /* it did not come with another */
        assert_int_equal(picked(2), 1);
}

static void what_still_protects_or_waits_is_none(void **state)
{
        (void)state;
        setup_world("BTC", 100);
        assert_int_equal(picked(1), 0);
        setup_world("BTC", 0);
        order[0].waits_for_parent = true;
        assert_int_equal(picked(1), 0);
        setup_world("BTC", 0);
        order[0].reduce_only = false;
        assert_int_equal(picked(1), 0);
        setup_world("BTC", 0);
        order[0].is_trigger = false;
        assert_int_equal(picked(1), 0);
}

static void legs_of_an_order_that_rests_are_none(void **state)
{
        (void)state;
        setup_world("BTC", 0);
        assert_int_equal(picked(2), 1); /* placed at another time */
        order[1].placed_at = 5000;
        assert_int_equal(picked(2), 0);
        order[1].side = SIDE_SELL; /* it would not open what the stop closes */
        assert_int_equal(picked(2), 1);
}

static void an_account_older_than_the_order_proves_nothing(void **state)
{
        (void)state;
        setup_world("BTC", 0);
        account.as_of = 4000;
        assert_int_equal(picked(1), 0);
        account.as_of = 5000;
        assert_int_equal(picked(1), 0);
        account.as_of = 5001;
        assert_int_equal(picked(1), 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_order_without_its_position_is_one),
                cmocka_unit_test(an_order_placed_elsewhere_is_left_alone),
                cmocka_unit_test(legs_whose_order_rests_are_none),
                cmocka_unit_test(what_still_protects_or_waits_is_none),
                cmocka_unit_test(legs_of_an_order_that_rests_are_none),
                cmocka_unit_test(an_account_older_than_the_order_proves_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
