/* guard: what it decides, checked against what the move leads to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guard/guard.h"

#define USD(n)     ((struct usd){INT64_C(n) * NUM_SCALE})
#define PERCENT(n) ((struct rate){NUM_RATE_SCALE / 100 * (n)})

static const struct guard_rule rule = {
        .min_distance = {NUM_RATE_SCALE / 10},
        .top_up = {100 * NUM_SCALE},
        .max_total = {250 * NUM_SCALE},
        .has_take_back = true,
        .take_back_above = {NUM_RATE_SCALE / 5},
};

/* One unit of the base asset, 10x at most, opened at entry with so much collateral. */
static struct margin_position position(bool is_long, int64_t entry, int64_t mark, int64_t margin)
{
        struct margin_position p = {
                .size = {is_long ? NUM_SCALE : -NUM_SCALE},
                .value = {mark * NUM_SCALE},
                .entry_notional = {entry * NUM_SCALE},
                .mode = MARGIN_ISOLATED,
                .leverage = 5,
                .raw_usd = {(margin - (is_long ? entry : -entry)) * NUM_SCALE},
                .tiers = {.n = 1, .tier = {{.max_leverage = 10}}},
        };

        return p;
}

static struct guard_decision decide(const struct margin_position *p, struct px mark, int64_t added,
                                    int64_t free_usd)
{
        struct guard_decision d;

        assert_int_equal(guard_decide(&d, &rule, p, mark, (struct usd){added * NUM_SCALE},
                                      (struct usd){free_usd * NUM_SCALE}),
                         E_OK);
        return d;
}

static struct px px(int64_t n)
{
        return (struct px){n * NUM_SCALE};
}

static void a_near_liquidation_gets_margin(void **state)
{
        struct margin_position p = position(true, 1000, 1000, 100);
        struct guard_decision d = decide(&p, px(1000), 0, 1000);

        (void)state;
        /* Long of 1000 with 100: P = 900 / 0.95 = 947.37, 5.3% away. */
        assert_int_equal(d.move, GUARD_ADD);
        assert_int_equal(d.amount.v, USD(100).v);
        assert_int_equal(d.liquidation.v, INT64_C(94736842106));
        d = decide(&p, px(1000), 200, 1000);
        assert_int_equal(d.move, GUARD_ADD);
        assert_int_equal(d.amount.v, USD(50).v); /* what is left of the total */
        d = decide(&p, px(1000), 250, 1000);
        assert_int_equal(d.move, GUARD_EXHAUSTED);
        d = decide(&p, px(1000), 0, 30);
        assert_int_equal(d.amount.v, USD(30).v);
        d = decide(&p, px(1000), 0, 0);
        assert_int_equal(d.move, GUARD_NO_MONEY);
        assert_int_equal(d.amount.v, 0);
}

static void in_between_it_rests(void **state)
{
        struct margin_position p = position(true, 1000, 1000, 200);
        struct guard_decision d = decide(&p, px(1000), 100, 1000);

        (void)state;
        /* P = 800 / 0.95 = 842.1: 15.8% away. */
        assert_int_equal(d.move, GUARD_REST);
        assert_int_equal(d.amount.v, 0);
}

static void what_was_added_comes_back(void **state)
{
        struct margin_position p = position(true, 1000, 1300, 300), after;
        struct guard_decision d = decide(&p, px(1300), 100, 0);
        struct margin_figures f;

        (void)state;
        assert_int_equal(d.move, GUARD_TAKE_BACK);
        assert_int_equal(d.amount.v, USD(100).v); /* never more than was added */
        after = p;
        after.raw_usd.v -= d.amount.v;
        assert_int_equal(margin_position_figures(&f, &after, NULL), E_OK);
        assert_true(f.distance.v >= rule.take_back_above.v);
        assert_int_equal(decide(&p, px(1300), 0, 0).move, GUARD_REST);
        p = position(false, 1000, 700, 300);
        assert_int_equal(decide(&p, px(700), 100, 0).move, GUARD_TAKE_BACK);
}

static void nothing_is_taken_that_must_stay(void **state)
{
        struct guard_rule greedy = rule;
        struct margin_position p = position(true, 1000, 1300, 100);
        struct guard_decision d;

        (void)state;
        /* 400 of equity behind 1300: 260 must stay for 5x, so 140 are removable. */
        greedy.take_back_above = (struct rate){NUM_RATE_SCALE / 5};
        greedy.max_total = USD(5000);
        assert_int_equal(guard_decide(&d, &greedy, &p, px(1300), USD(1000), USD(0)), E_OK);
        assert_true(d.move == GUARD_REST || d.amount.v <= USD(140).v);
        p.mode = MARGIN_CROSS;
        assert_int_equal(guard_decide(&d, &greedy, &p, px(1300), USD(1000), USD(0)), E_INVALID);
        p.mode = MARGIN_ISOLATED;
        p.size.v = 0;
        assert_int_equal(guard_decide(&d, &greedy, &p, px(1300), USD(1000), USD(0)), E_INVALID);
}

/* Whatever the market does, no more than the total is in the position, every move is whole, a removal
 * leaves the distance asked for, and an addition widens it. */
static void every_move_keeps_its_promise(void **state)
{
        unsigned seed = 20260104;

        (void)state;
        print_message("seed %u\n", seed);
        srand(seed);
        for (int round = 0; round < 300; round++) {
                bool is_long = rand() % 2;
                int64_t mark = 1000, added = 0;
                struct margin_position p = position(is_long, 1000, 1000, 120 + rand() % 300);
                for (int step = 0; step < 60; step++) {
                        struct margin_figures before, after;
                        struct guard_decision d;
                        mark += rand() % 61 - 30;
                        p.value.v = mark * NUM_SCALE;
                        if (p.raw_usd.v + (is_long ? p.value.v : -p.value.v) <= p.value.v / 20)
                                break; /* liquidated */
                        assert_int_equal(guard_decide(&d, &rule, &p, px(mark), (struct usd){added},
                                                      (struct usd){rand() % 300 * NUM_SCALE + 7}),
                                         E_OK);
                        if (d.move != GUARD_ADD && d.move != GUARD_TAKE_BACK) {
                                assert_int_equal(d.amount.v, 0);
                                continue;
                        }
                        assert_true(d.amount.v > 0);
                        assert_int_equal(d.amount.v % NUM_MICRO, 0);
                        assert_int_equal(margin_position_figures(&before, &p, NULL), E_OK);
                        added += d.move == GUARD_ADD ? d.amount.v : -d.amount.v;
                        p.raw_usd.v += d.move == GUARD_ADD ? d.amount.v : -d.amount.v;
                        assert_true(added >= 0 && added <= rule.max_total.v);
                        assert_int_equal(margin_position_figures(&after, &p, NULL), E_OK);
                        if (d.move == GUARD_TAKE_BACK)
                                assert_true(after.distance.v >= rule.take_back_above.v);
                        else
                                assert_true(!after.has_distance ||
                                            after.distance.v > before.distance.v);
                }
        }
}

static void a_wrong_rule_names_its_fields(void **state)
{
        struct guard_rule bad = {.min_distance = PERCENT(10),
                                 .top_up = {50},
                                 .max_total = {20},
                                 .has_take_back = true,
                                 .take_back_above = PERCENT(5)};
        struct err err = {.code = E_OK};

        (void)state;
        assert_int_equal(guard_rule_check(&rule, &err), E_OK);
        assert_int_equal(guard_rule_check(&bad, &err), E_INVALID);
        assert_int_equal(err.n_fields, 5);
        assert_string_equal(err.field[0].path, "topUp");
        assert_string_equal(err.field[4].path, "takeBackAbove");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_near_liquidation_gets_margin),
                cmocka_unit_test(in_between_it_rests),
                cmocka_unit_test(what_was_added_comes_back),
                cmocka_unit_test(nothing_is_taken_that_must_stay),
                cmocka_unit_test(every_move_keeps_its_promise),
                cmocka_unit_test(a_wrong_rule_names_its_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
