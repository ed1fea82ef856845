/* limit: token buckets, their headers, and the bounded table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "auth/limit.h"

static void a_bucket_empties_and_fills_evenly(void **state)
{
        struct limit *limit = limit_new(10, 10000, 100);
        struct limit_state s;

        (void)state;
        for (unsigned i = 0; i < 10; i++) {
                assert_true(limit_take(limit, "a", 1, 5000, &s));
                assert_int_equal(s.limit, 10);
                assert_int_equal(s.remaining, 9 - i);
                assert_int_equal(s.reset_s, i + 1);
                assert_int_equal(s.retry_after_s, 0);
        }
        assert_false(limit_take(limit, "a", 1, 5000, &s));
        assert_int_equal(s.remaining, 0);
        assert_int_equal(s.retry_after_s, 1);
        assert_int_equal(s.reset_s, 10);
        assert_false(limit_take(limit, "a", 1, 5999, &s)); /* refused ones cost nothing */
        assert_true(limit_take(limit, "a", 1, 6000, &s));
        assert_false(limit_take(limit, "a", 1, 6000, &s));
        assert_true(limit_take(limit, "a", 10, 16000, &s));
        assert_int_equal(s.remaining, 0);
        limit_free(limit);
}

static void nothing_is_rounded_away(void **state)
{
        struct limit *limit = limit_new(7, 1000, 100); /* 1/7 s is not a whole millisecond */
        unsigned n = 0;

        (void)state;
        assert_true(limit_take(limit, "a", 7, 0, NULL));
        for (int64_t t = 1; t <= 100000; t++)
                n += limit_take(limit, "a", 1, t, NULL);
        assert_int_equal(n, 700);
        limit_free(limit);
}

static void a_long_pause_fills_no_more_than_the_bucket(void **state)
{
        struct limit *limit = limit_new(UINT32_MAX, INT64_C(31) * 86400000, 2);
        struct limit_state s;

        (void)state;
        assert_true(limit_take(limit, "a", UINT32_MAX, 0, &s));
        assert_false(limit_take(limit, "a", UINT32_MAX, 1, &s));
        assert_true(limit_take(limit, "a", UINT32_MAX, INT64_MAX, &s));
        assert_int_equal(s.remaining, 0);
        limit_free(limit);
        limit = limit_new(3, 1000, 2);
        assert_true(limit_take(limit, "a", 2, 0, &s));
        assert_true(limit_take(limit, "a", 1, 999, &s)); /* 1 + 2.997, cut to 3 */
        assert_int_equal(s.remaining, 2);
        assert_false(limit_take(limit, "a", 3, 999, &s));
        limit_free(limit);
}

static void costs_are_whole_or_nothing(void **state)
{
        struct limit *limit = limit_new(10, 1000, 100);
        struct limit_state s;

        (void)state;
        assert_true(limit_take(limit, "a", 8, 0, &s));
        assert_false(limit_take(limit, "a", 3, 0, &s));
        assert_int_equal(s.remaining, 2);
        assert_true(limit_take(limit, "a", 2, 0, &s));
        assert_true(limit_take(limit, "a", 0, 0, &s));   /* free */
        assert_false(limit_take(limit, "b", 11, 0, &s)); /* never possible */
        assert_int_equal(s.remaining, 10);
        assert_true(s.retry_after_s >= 1);
        limit_free(limit);
}

static void keys_do_not_share(void **state)
{
        struct limit *limit = limit_new(1, 1000, 100);

        (void)state;
        assert_true(limit_take(limit, "a", 1, 0, NULL));
        assert_true(limit_take(limit, "b", 1, 0, NULL));
        assert_true(limit_take(limit, "", 1, 0, NULL));
        assert_false(limit_take(limit, "a", 1, 0, NULL));
        assert_false(limit_take(limit, "", 1, 0, NULL));
        limit_free(limit);
}

static void time_that_runs_back_gives_nothing(void **state)
{
        struct limit *limit = limit_new(2, 1000, 100);

        (void)state;
        assert_true(limit_take(limit, "a", 2, 10000, NULL));
        assert_false(limit_take(limit, "a", 1, 0, NULL));
        assert_false(limit_take(limit, "a", 1, 10499, NULL));
        assert_true(limit_take(limit, "a", 1, 10500, NULL));
        limit_free(limit);
}

static void the_longest_idle_is_forgotten(void **state)
{
        struct limit *limit = limit_new(1, 1000000, 3);

        (void)state;
        assert_true(limit_take(limit, "a", 1, 0, NULL));
        assert_true(limit_take(limit, "b", 1, 1, NULL));
        assert_true(limit_take(limit, "c", 1, 2, NULL));
        assert_false(limit_take(limit, "a", 1, 3, NULL)); /* a is in use */
        assert_true(limit_take(limit, "d", 1, 4, NULL));  /* b goes */
        assert_false(limit_take(limit, "a", 1, 5, NULL));
        assert_false(limit_take(limit, "c", 1, 5, NULL));
        assert_false(limit_take(limit, "d", 1, 5, NULL));
        assert_true(limit_take(limit, "b", 1, 5, NULL)); /* starts anew; a goes */
        for (unsigned i = 0; i < 1000; i++) {
                char key[16];
                snprintf(key, sizeof key, "k%u", i);
                assert_true(limit_take(limit, key, 1, 6, NULL));
        }
        limit_free(limit);
}

static void a_network_is_an_address_or_a_64(void **state)
{
        char a[LIMIT_NETWORK_MAX], b[LIMIT_NETWORK_MAX];

        (void)state;
        limit_network(a, "192.0.2.7");
        assert_string_equal(a, "192.0.2.7");
        limit_network(a, "2001:db8:1:2:3:4:5:6");
        limit_network(b, "2001:db8:1:2:ffff::1");
        assert_string_equal(a, b);
        limit_network(b, "2001:db8:1:3::1");
        assert_string_not_equal(a, b);
        limit_network(a, "::ffff:192.0.2.7");
        limit_network(b, "::ffff:192.0.2.8");
        assert_string_not_equal(a, b);
        limit_network(a, "not an address");
        assert_string_equal(a, "not an address");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_bucket_empties_and_fills_evenly),
                cmocka_unit_test(nothing_is_rounded_away),
                cmocka_unit_test(a_long_pause_fills_no_more_than_the_bucket),
                cmocka_unit_test(costs_are_whole_or_nothing),
                cmocka_unit_test(keys_do_not_share),
                cmocka_unit_test(time_that_runs_back_gives_nothing),
                cmocka_unit_test(the_longest_idle_is_forgotten),
                cmocka_unit_test(a_network_is_an_address_or_a_64),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
