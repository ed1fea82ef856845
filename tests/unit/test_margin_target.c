/* How much margin leads to a liquidation price or a leverage: the inverse of what test_margin.c tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "risk/margin_target.h"

static struct usd usd(const char *s)
{
        struct usd u = {0};

        assert_int_equal(num_parse_usd(&u, s, strlen(s)), 0);
        return u;
}

static struct px px(const char *s)
{
        struct px p = {0};

        assert_int_equal(num_parse_px(&p, s, strlen(s)), 0);
        return p;
}

static void assert_usd(struct usd got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_usd(buf, got), want);
}

/* 0.25 at 60000, 10x: 1500 of collateral, raw -13500; 40x in the one tier. */
static struct margin_position example(void)
{
        return (struct margin_position){
                .size = {25000000},
                .value = usd("15000"),
                .entry_notional = usd("15000"),
                .mode = MARGIN_ISOLATED,
                .leverage = 10,
                .raw_usd = usd("-13500"),
                .tiers = {.n = 1, .tier = {{.max_leverage = 40}}},
        };
}

static struct px liquidation(const struct margin_position *p, struct usd amount, bool *exists)
{
        struct margin_position after = *p;
        struct margin_liquidation l;

        assert_int_equal(num_usd_add(&after.raw_usd, p->raw_usd, amount), 0);
        assert_int_equal(margin_liquidation(&l, &after, NULL), 0);
        *exists = l.exists;
        return l.price;
}

static bool reached(const struct margin_position *p, struct usd amount, struct px target)
{
        bool exists;
        struct px price = liquidation(p, amount, &exists);

        if (p->size.v > 0)
                return !exists || price.v <= target.v;
        return exists && price.v >= target.v;
}

static void worked_numbers(void **state)
{
        struct margin_position p = example();
        struct usd amount;

        (void)state;
        /* raw = -(0.25 * 50000 * (1 - 1/80)) = -12343.75 */
        assert_int_equal(margin_target_liquidation(&amount, &p, px("50000")), 0);
        assert_usd(amount, "1156.25");
        /* raw = -(0.25 * 54000 * 79/80) = -13331.25 */
        assert_int_equal(margin_target_liquidation(&amount, &p, px("54000")), 0);
        assert_usd(amount, "168.75");
        /* further from being safe: 0.25 * 55000 * 79/80 = 13578.125 */
        assert_int_equal(margin_target_liquidation(&amount, &p, px("55000")), 0);
        assert_usd(amount, "-78.125");
        /* 15000 / 5 = 3000 of equity */
        assert_int_equal(margin_target_leverage(&amount, &p, px("5")), 0);
        assert_usd(amount, "1500");
        assert_int_equal(margin_target_leverage(&amount, &p, px("10")), 0);
        assert_usd(amount, "0");
        assert_int_equal(margin_target_leverage(&amount, &p, px("12")), 0);
        assert_usd(amount, "-250");
        /* 15000 / 7 = 2142.857142857...: rounded so that it is reached */
        assert_int_equal(margin_target_leverage(&amount, &p, px("7")), 0);
        assert_usd(amount, "642.857143");
        /* 15000 / 11 = 1363.636363...: a little less is removed */
        assert_int_equal(margin_target_leverage(&amount, &p, px("11")), 0);
        assert_usd(amount, "-136.363636");
}

static void what_has_no_target_is_refused(void **state)
{
        struct margin_position p = example();
        struct usd amount;

        (void)state;
        assert_int_equal(margin_target_liquidation(&amount, &p, px("0")), E_INVALID);
        assert_int_equal(margin_target_leverage(&amount, &p, px("0")), E_INVALID);
        p.mode = MARGIN_CROSS;
        assert_int_equal(margin_target_liquidation(&amount, &p, px("50000")), E_INVALID);
        assert_int_equal(margin_target_leverage(&amount, &p, px("5")), E_INVALID);
        p = example();
        p.size.v = 0;
        assert_int_equal(margin_target_liquidation(&amount, &p, px("50000")), E_INVALID);
        p = example();
        p.value.v = INT64_MAX / 2;
        assert_int_equal(margin_target_leverage(&amount, &p, (struct px){1}), E_RANGE);
}

static uint64_t seed;

static int64_t random_below(int64_t n)
{
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (int64_t)((seed >> 20) % (uint64_t)n);
}

static struct margin_position random_position(void)
{
        struct margin_position p = {.mode = MARGIN_ISOLATED, .leverage = 10};
        struct px mark = {(1 + random_below(20000000)) * 100000};

        p.tiers = (struct margin_table){
                .n = 3, .tier = {{.max_leverage = 50}, {usd("10000"), 25}, {usd("50000"), 10}}};
        p.size.v = (1 + random_below(1000000)) * 1000;
        assert_int_equal(num_notional(&p.value, mark, p.size, NUM_NEAREST), 0);
        p.entry_notional = p.value;
        if (random_below(2))
                p.size.v = -p.size.v;
        p.raw_usd.v = (p.size.v < 0 ? p.value.v : -p.value.v) + p.value.v / 8;
        return p;
}

/* The amount found reaches the target, and one unit less does not. */
static void it_is_the_inverse_of_the_liquidation_price(void **state)
{
        unsigned n = 0;

        (void)state;
        seed = (uint64_t)time(NULL);
        print_message("seed %llu\n", (unsigned long long)seed);
        for (int i = 0; i < 20000; i++) {
                struct margin_position p = random_position();
                struct usd given = {num_to_step(random_below(p.value.v / 4 + 1) - p.value.v / 16,
                                                NUM_MICRO, NUM_DOWN)};
                struct usd amount, less;
                bool exists;
                struct px target = liquidation(&p, given, &exists);

                if (!exists || target.v <= 0)
                        continue;
                n++;
                if (margin_target_liquidation(&amount, &p, target))
                        fail_msg("no amount leads to %lld (size %lld, value %lld)",
                                 (long long)target.v, (long long)p.size.v, (long long)p.value.v);
                assert_int_equal(amount.v % NUM_MICRO, 0);
                less.v = amount.v - NUM_MICRO;
                if (!reached(&p, amount, target) || reached(&p, less, target) || amount.v > given.v)
                        fail_msg("%lld for %lld, given %lld (size %lld, value %lld)",
                                 (long long)amount.v, (long long)target.v, (long long)given.v,
                                 (long long)p.size.v, (long long)p.value.v);
        }
        assert_true(n > 5000);
}

static void it_is_the_inverse_of_the_leverage(void **state)
{
        (void)state;
        for (int i = 0; i < 20000; i++) {
                struct margin_position p = random_position();
                struct px leverage = {NUM_SCALE / 2 + random_below(50 * NUM_SCALE)};
                num_wide side = p.size.v < 0 ? -1 : 1;
                num_wide equity, need = (num_wide)p.value.v * NUM_SCALE;
                struct usd amount;

                assert_int_equal(margin_target_leverage(&amount, &p, leverage), 0);
                assert_int_equal(amount.v % NUM_MICRO, 0);
                equity = (num_wide)p.raw_usd.v + side * p.value.v + amount.v;
                assert_true(equity * leverage.v >= need);
                assert_true((equity - NUM_MICRO) * leverage.v < need);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(worked_numbers),
                cmocka_unit_test(what_has_no_target_is_refused),
                cmocka_unit_test(it_is_the_inverse_of_the_liquidation_price),
                cmocka_unit_test(it_is_the_inverse_of_the_leverage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
