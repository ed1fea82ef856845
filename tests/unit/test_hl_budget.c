/* hl_budget: no minute, wherever it begins, holds more weight than allowed; reads leave the reserve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_budget.h"

static void reads_leave_the_reserve(void **state)
{
        struct hl_budget b;

        (void)state;
        hl_budget_init(&b, 100, 30, 5000);
        assert_int_equal(hl_budget_take(&b, 60, false, 5000), 0);
        assert_true(hl_budget_take(&b, 20, false, 5000) > 0);
        assert_int_equal(hl_budget_take(&b, 10, false, 5000), 0);
        assert_true(hl_budget_take(&b, 1, false, 5000) > 0);
        assert_int_equal(hl_budget_take(&b, 30, true, 5000), 0);
        assert_true(hl_budget_take(&b, 1, true, 5000) > 0);
        assert_int_equal(hl_budget_left(&b, 5000), 0);
}

static void what_was_spent_comes_back_after_a_minute(void **state)
{
        struct hl_budget b;
        int64_t wait;

        (void)state;
        hl_budget_init(&b, 100, 0, 0);
        assert_int_equal(hl_budget_take(&b, 100, true, 999), 0);
        wait = hl_budget_take(&b, 1, true, 1000);
        assert_in_range(wait, 59999, 60000);
        assert_true(hl_budget_take(&b, 1, true, 60998) > 0);
        assert_int_equal(hl_budget_take(&b, 100, true, 1000 + wait), 0);
        assert_int_equal(hl_budget_take(&b, 100, true, 10000000), 0); /* long idle */
}

static void a_request_above_the_limit_goes_alone(void **state)
{
        struct hl_budget b;

        (void)state;
        hl_budget_init(&b, 10, 5, 0);
        assert_int_equal(hl_budget_take(&b, 60, false, 0), 0);
        assert_true(hl_budget_take(&b, 60, false, 0) > 60000);
        assert_int_equal(hl_budget_take(&b, 60, false, 61000), 0);
}

static void a_429_holds_reads_and_not_orders(void **state)
{
        struct hl_budget b;

        (void)state;
        hl_budget_init(&b, 1000, 0, 0);
        hl_budget_hold(&b, -1, 0);
        assert_int_equal(hl_budget_take(&b, 1, false, 400), 600);
        assert_int_equal(hl_budget_take(&b, 1, true, 400), 0);
        hl_budget_hold(&b, -1, 1000);
        assert_int_equal(hl_budget_take(&b, 1, false, 1000), 2000);
        hl_budget_hold(&b, 10000, 1000);
        assert_int_equal(hl_budget_take(&b, 1, false, 1000), 10000);
        for (int i = 0; i < 50; i++)
                hl_budget_hold(&b, -1, 1000);
        assert_in_range(hl_budget_take(&b, 1, false, 1000), 1, 60000);
        hl_budget_answered(&b);
        hl_budget_hold(&b, -1, 100000);
        assert_int_equal(hl_budget_take(&b, 1, false, 100000), 1000);
}

static void what_is_refused_together_holds_once(void **state)
{
        struct hl_budget b;

        (void)state;
        hl_budget_init(&b, 1000, 0, 0);
        for (int i = 0; i < 40; i++)
                hl_budget_hold(&b, -1, i);
        assert_int_equal(hl_budget_take(&b, 1, false, 100), 900);
        for (int i = 0; i < 40; i++)
                hl_budget_hold(&b, -1, 1000 + i);
        assert_int_equal(hl_budget_take(&b, 1, false, 1100), 1900);
}

static void random_minutes_stay_within_the_limit(void **state)
{
        enum { N = 20000, LIMIT = 200 };
        static struct {
                int64_t at;
                unsigned weight;
        } taken[N];
        unsigned seed = (unsigned)time(NULL);
        struct hl_budget b;
        int64_t now = 0;
        size_t n = 0;
        size_t first = 0;
        unsigned sum = 0;

        (void)state;
        print_message("seed %u\n", seed);
        srandom(seed);
        hl_budget_init(&b, LIMIT, 50, now);
        for (int i = 0; i < N; i++) {
                unsigned weight = 1 + (unsigned)random() % 40;
                int64_t wait = hl_budget_take(&b, weight, random() % 2, now);

                if (wait == 0) {
                        taken[n].at = now;
                        taken[n++].weight = weight;
                        sum += weight;
                        for (; taken[first].at <= now - 60000; first++)
                                sum -= taken[first].weight;
                        assert_true(sum <= LIMIT);
                }
                now += random() % 3 ? random() % 2000 : wait;
        }
        assert_true(n > N / 20);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_leave_the_reserve),
                cmocka_unit_test(what_was_spent_comes_back_after_a_minute),
                cmocka_unit_test(a_request_above_the_limit_goes_alone),
                cmocka_unit_test(a_429_holds_reads_and_not_orders),
                cmocka_unit_test(what_is_refused_together_holds_once),
                cmocka_unit_test(random_minutes_stay_within_the_limit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
