/* num: exact parsing, printing and rounding. The random test checks every rounding against its
 * definition (which multiple, how far), not against another division routine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/num.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

struct parse_case {
        const char *text;
        unsigned decimals;
        enum num_excess excess;
        enum errc rc;
        int64_t v;
};

static const struct parse_case parse_cases[] = {
        {"0", 8, NUM_REFUSE, E_OK, 0},
        {"-0", 8, NUM_REFUSE, E_OK, 0},
        {"0.0", 8, NUM_REFUSE, E_OK, 0},
        {"1", 8, NUM_REFUSE, E_OK, 100000000},
        {"-1", 8, NUM_REFUSE, E_OK, -100000000},
        {"0.00000001", 8, NUM_REFUSE, E_OK, 1},
        {"-0.00000001", 8, NUM_REFUSE, E_OK, -1},
        {"123.456", 8, NUM_REFUSE, E_OK, 12345600000},
        {"10", 0, NUM_REFUSE, E_OK, 10},
        {"10.0", 0, NUM_REFUSE, E_OK, 10},
        {"1.000000000000000000", 18, NUM_REFUSE, E_OK, 1000000000000000000},
        {"9.223372036854775807", 18, NUM_REFUSE, E_OK, INT64_MAX},
        {"-9.223372036854775808", 18, NUM_REFUSE, E_OK, INT64_MIN},
        {"9.223372036854775808", 18, NUM_REFUSE, E_RANGE, 0},
        {"-9.223372036854775809", 18, NUM_REFUSE, E_RANGE, 0},
        {"92233720368.54775807", 8, NUM_REFUSE, E_OK, INT64_MAX},
        {"92233720368.54775808", 8, NUM_REFUSE, E_RANGE, 0},
        {"-92233720368.54775808", 8, NUM_REFUSE, E_OK, INT64_MIN},
        {"9223372036854775807", 0, NUM_REFUSE, E_OK, INT64_MAX},
        {"9223372036854775808", 0, NUM_REFUSE, E_RANGE, 0},
        {"-9223372036854775808", 0, NUM_REFUSE, E_OK, INT64_MIN},
        {"100000000000", 8, NUM_REFUSE, E_RANGE, 0},
        /* Far more digits than any accumulator holds: no wrapping back into range. */
        {"340282366920938463463374607431768211457", 0, NUM_REFUSE, E_RANGE, 0},
        {"34028236692093846346337460743176821145600000000000000000001", 8, NUM_REFUSE, E_RANGE, 0},
        {"18446744073709551616", 0, NUM_REFUSE, E_RANGE, 0},
        /* Surplus decimals. */
        {"0.000000010", 8, NUM_REFUSE, E_OK, 1},
        {"0.00000001000000000000000000000000000000000000000000000", 8, NUM_REFUSE, E_OK, 1},
        {"0.000000001", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"0.000000010000000001", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1.5", 0, NUM_REFUSE, E_SYNTAX, 0},
        {"0.000000014", 8, NUM_ROUND, E_OK, 1},
        {"0.0000000149999999999", 8, NUM_ROUND, E_OK, 1},
        {"0.000000015", 8, NUM_ROUND, E_OK, 2},
        {"-0.000000015", 8, NUM_ROUND, E_OK, -2},
        {"-0.000000004", 8, NUM_ROUND, E_OK, 0},
        {"0.999999999", 8, NUM_ROUND, E_OK, 100000000},
        {"1.4", 0, NUM_ROUND, E_OK, 1},
        {"1.5", 0, NUM_ROUND, E_OK, 2},
        {"9223372036854775807.4", 0, NUM_ROUND, E_OK, INT64_MAX},
        {"9223372036854775807.5", 0, NUM_ROUND, E_RANGE, 0},
        {"-9223372036854775808.4", 0, NUM_ROUND, E_OK, INT64_MIN},
        {"-9223372036854775808.5", 0, NUM_ROUND, E_RANGE, 0},
        /* Not numbers. */
        {"", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"-", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"--1", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"+1", 8, NUM_REFUSE, E_SYNTAX, 0},
        {".", 8, NUM_REFUSE, E_SYNTAX, 0},
        {".5", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"-.5", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"5.", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1.2.3", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1..2", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1.-2", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1e5", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1E5", 8, NUM_ROUND, E_SYNTAX, 0},
        {"1,5", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"0x10", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"NaN", 8, NUM_ROUND, E_SYNTAX, 0},
        {"inf", 8, NUM_ROUND, E_SYNTAX, 0},
        {" 1", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1 ", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1\n", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"1_000", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"00", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"007", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"-01", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"00.5", 8, NUM_REFUSE, E_SYNTAX, 0},
        /* Wrong and too large at once is wrong. */
        {"99999999999999999999999x", 8, NUM_REFUSE, E_SYNTAX, 0},
        {"99999999999999999999999.000000001", 8, NUM_REFUSE, E_SYNTAX, 0},
};

static void parses_decimals_and_nothing_else(void **state)
{
        (void)state;
        for (size_t i = 0; i < COUNT(parse_cases); i++) {
                const struct parse_case *c = &parse_cases[i];
                int64_t v = 77;
                enum errc rc = num_parse(&v, c->text, strlen(c->text), c->decimals, c->excess);
                if (rc != c->rc || (!rc && v != c->v))
                        fail_msg("\"%s\": got %s, %lld", c->text, err_constant(rc), (long long)v);
        }
}

static void parsing_reads_only_len_bytes(void **state)
{
        int64_t v;

        (void)state;
        assert_int_equal(num_parse(&v, "12345", 2, 0, NUM_REFUSE), E_OK);
        assert_int_equal(v, 12);
        assert_int_equal(num_parse(&v, "1.5", 2, 8, NUM_REFUSE), E_SYNTAX);
        assert_int_equal(num_parse(&v, NULL, 0, 8, NUM_REFUSE), E_SYNTAX);
        /* A NUL inside is a byte like any other that is no digit. */
        assert_int_equal(num_parse(&v, "1\0002", 3, 8, NUM_REFUSE), E_SYNTAX);
}

static void typed_parsers_have_their_scale(void **state)
{
        struct px p;
        struct qty q;
        struct usd u;
        struct rate r;

        (void)state;
        assert_int_equal(num_parse_px(&p, "1.5", 3), E_OK);
        assert_int_equal(p.v, 150000000);
        assert_int_equal(num_parse_qty(&q, "-2", 2), E_OK);
        assert_int_equal(q.v, -200000000);
        assert_int_equal(num_parse_usd(&u, "0.01", 4), E_OK);
        assert_int_equal(u.v, 1000000);
        assert_int_equal(num_parse_rate(&r, "0.0000125", 9), E_OK);
        assert_int_equal(r.v, 12500000);
        assert_int_equal(num_parse_rate(&r, "0.0000000000001", 15), E_SYNTAX);
}

static void micro_rounds_to_the_venues_unit(void **state)
{
        static const struct {
                const char *text;
                enum errc rc;
                int64_t v;
        } cases[] = {
                {"1.0", E_OK, 100000000},
                {"0.0000004", E_OK, 0},
                {"0.0000005", E_OK, 100},
                {"-0.0000005", E_OK, -100},
                {"1999.9999999999998", E_OK, 200000000000},
                {"92233720368.547758", E_OK, INT64_MAX - 7},
                {"92233720368.547759", E_RANGE, 0},
                {"-92233720368.547758", E_OK, INT64_MIN + 8},
                {"-92233720368.547759", E_RANGE, 0},
                {"nan", E_SYNTAX, 0},
                {"", E_SYNTAX, 0},
        };

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                struct usd u = {0};
                assert_int_equal(num_parse_micro(&u, cases[i].text), cases[i].rc);
                if (cases[i].rc)
                        continue;
                assert_int_equal(u.v, cases[i].v);
                assert_int_equal(u.v % NUM_MICRO, 0);
        }
}

static void prints_the_shortest_form(void **state)
{
        static const struct {
                int64_t v;
                unsigned decimals, min_decimals;
                const char *text;
        } cases[] = {
                {0, 8, 0, "0"},
                {0, 8, 2, "0.00"},
                {0, 0, 0, "0"},
                {1, 8, 0, "0.00000001"},
                {-1, 8, 0, "-0.00000001"},
                {100000000, 8, 0, "1"},
                {-150000000, 8, 0, "-1.5"},
                {200000000000, 8, 1, "2000.0"},
                {200012000000, 8, 1, "2000.12"},
                {10, 0, 0, "10"},
                {10, 0, 2, "10.00"},
                {15, 1, 4, "1.5000"},
                {INT64_MAX, 8, 0, "92233720368.54775807"},
                {INT64_MIN, 8, 0, "-92233720368.54775808"},
                {INT64_MIN, 0, 0, "-9223372036854775808"},
                {INT64_MIN, 0, 18, "-9223372036854775808.000000000000000000"},
                {INT64_MIN, 18, 0, "-9.223372036854775808"},
                {INT64_MAX, 18, 18, "9.223372036854775807"},
        };
        char buf[NUM_STR_MAX];

        (void)state;
        for (size_t i = 0; i < COUNT(cases); i++) {
                char *text = num_print(buf, cases[i].v, cases[i].decimals, cases[i].min_decimals);
                assert_ptr_equal(text, buf);
                assert_string_equal(text, cases[i].text);
        }
        assert_string_equal(num_print_rate(buf, (struct rate){12500000}), "0.0000125");
        assert_string_equal(num_print_px(buf, (struct px){6400050000000}), "64000.5");
        assert_string_equal(num_print_qty(buf, (struct qty){-25000000}), "-0.25");
        assert_string_equal(num_print_usd(buf, (struct usd){1}), "0.00000001");
}

static int64_t muldiv(int64_t a, int64_t b, int64_t c, enum num_round round)
{
        int64_t v;

        assert_int_equal(num_muldiv(&v, a, b, c, round), E_OK);
        return v;
}

static void rounding_mirrors_around_zero(void **state)
{
        (void)state;
        assert_int_equal(muldiv(7, 1, 2, NUM_DOWN), 3);
        assert_int_equal(muldiv(-7, 1, 2, NUM_DOWN), -3);
        assert_int_equal(muldiv(7, -1, 2, NUM_UP), -4);
        assert_int_equal(muldiv(7, 1, -2, NUM_UP), -4);
        assert_int_equal(muldiv(7, 1, 2, NUM_UP), 4);
        assert_int_equal(muldiv(5, 1, 2, NUM_NEAREST), 3);
        assert_int_equal(muldiv(-5, 1, 2, NUM_NEAREST), -3);
        assert_int_equal(muldiv(7, 1, 3, NUM_NEAREST), 2);
        assert_int_equal(muldiv(8, 1, 3, NUM_NEAREST), 3);
        assert_int_equal(muldiv(-7, 1, 3, NUM_NEAREST), -2);
        assert_int_equal(muldiv(1, 1, 3, NUM_NEAREST), 0);
        assert_int_equal(muldiv(0, 5, -3, NUM_UP), 0);
        assert_int_equal(muldiv(6, 1, 3, NUM_UP), 2);
}

static void extremes_of_division(void **state)
{
        int64_t v = 0;

        (void)state;
        assert_int_equal(muldiv(INT64_MIN, INT64_MIN, INT64_MIN, NUM_DOWN), INT64_MIN);
        assert_int_equal(muldiv(INT64_MIN, 1, 1, NUM_UP), INT64_MIN);
        assert_int_equal(muldiv(INT64_MAX, INT64_MAX, INT64_MAX, NUM_NEAREST), INT64_MAX);
        assert_int_equal(num_muldiv(&v, INT64_MIN, 1, -1, NUM_DOWN), E_RANGE);
        assert_int_equal(num_muldiv(&v, INT64_MIN, -1, 1, NUM_DOWN), E_RANGE);
        assert_int_equal(num_muldiv(&v, INT64_MAX, 2, 1, NUM_DOWN), E_RANGE);
        assert_int_equal(num_muldiv(&v, INT64_MIN, INT64_MIN, 1, NUM_DOWN), E_RANGE);

        /* (2^63 - 1/2) and its like: the rounding itself leaves the range. */
        num_wide edge = (num_wide)INT64_MAX * 2 + 1;
        assert_int_equal(num_div_wide(&v, edge, 2, NUM_DOWN), E_OK);
        assert_int_equal(v, INT64_MAX);
        assert_int_equal(num_div_wide(&v, edge, 2, NUM_NEAREST), E_RANGE);
        assert_int_equal(num_div_wide(&v, -edge, 2, NUM_NEAREST), E_OK);
        assert_int_equal(v, INT64_MIN);

        num_wide wide_max = (num_wide)INT64_MAX << 64 | UINT64_MAX;
        num_wide wide_min = -wide_max - 1;
        assert_int_equal(num_div_wide(&v, wide_min, -1, NUM_DOWN), E_RANGE);
        assert_int_equal(num_div_wide(&v, wide_min, wide_min, NUM_UP), E_OK);
        assert_int_equal(v, 1);
        assert_int_equal(num_div_wide(&v, wide_max, wide_min, NUM_DOWN), E_OK);
        assert_int_equal(v, 0);
        assert_int_equal(num_div_wide(&v, wide_max, wide_min, NUM_NEAREST), E_OK);
        assert_int_equal(v, -1);
        assert_int_equal(num_div_wide(&v, 1, wide_min, NUM_UP), E_OK);
        assert_int_equal(v, -1);
}

static void sums_refuse_to_wrap(void **state)
{
        struct usd u;
        int64_t v = 5;

        (void)state;
        assert_int_equal(num_add(&v, INT64_MAX, 1), E_RANGE);
        assert_int_equal(num_add(&v, INT64_MIN, -1), E_RANGE);
        assert_int_equal(num_sub(&v, INT64_MIN, 1), E_RANGE);
        assert_int_equal(num_sub(&v, 0, INT64_MIN), E_RANGE);
        assert_int_equal(v, 5); /* untouched by a failure */
        assert_int_equal(num_sub(&v, -1, INT64_MIN), E_OK);
        assert_int_equal(v, INT64_MAX);
        assert_int_equal(num_usd_add(&u, (struct usd){2}, (struct usd){3}), E_OK);
        assert_int_equal(u.v, 5);
        assert_int_equal(num_usd_sub(&u, (struct usd){2}, (struct usd){3}), E_OK);
        assert_int_equal(u.v, -1);
        assert_int_equal(num_usd_add(&u, (struct usd){INT64_MAX}, (struct usd){1}), E_RANGE);
}

static void typed_arithmetic(void **state)
{
        const struct px p = {6400050000000}; /* 64000.5 */
        struct usd u;
        struct qty q;
        struct px back;
        struct rate r;

        (void)state;
        assert_int_equal(num_notional(&u, p, (struct qty){-25000000}, NUM_DOWN), E_OK);
        assert_int_equal(u.v, -1600012500000);
        assert_int_equal(num_notional(&u, (struct px){1}, (struct qty){1}, NUM_DOWN), E_OK);
        assert_int_equal(u.v, 0);
        assert_int_equal(num_notional(&u, (struct px){1}, (struct qty){1}, NUM_UP), E_OK);
        assert_int_equal(u.v, 1);
        assert_int_equal(
                num_notional(&u, (struct px){INT64_MAX}, (struct qty){200000000}, NUM_DOWN),
                E_RANGE);

        assert_int_equal(num_qty_for(&q, (struct usd){1600012500000}, p, NUM_DOWN), E_OK);
        assert_int_equal(q.v, 25000000);
        assert_int_equal(num_qty_for(&q, (struct usd){1}, (struct px){0}, NUM_DOWN), E_RANGE);
        assert_int_equal(
                num_px_for(&back, (struct usd){-1600012500000}, (struct qty){-25000000}, NUM_UP),
                E_OK);
        assert_int_equal(back.v, p.v);
        assert_int_equal(num_px_for(&back, (struct usd){1}, (struct qty){0}, NUM_UP), E_RANGE);

        /* 0.045 % of 1000 */
        assert_int_equal(
                num_usd_rate(&u, (struct usd){100000000000}, (struct rate){450000000}, NUM_UP),
                E_OK);
        assert_int_equal(u.v, 45000000);
        assert_int_equal(num_ratio(&r, 1, 3, NUM_DOWN), E_OK);
        assert_int_equal(r.v, 333333333333);
        assert_int_equal(num_ratio(&r, -2, 3, NUM_NEAREST), E_OK);
        assert_int_equal(r.v, -666666666667);
        assert_int_equal(num_ratio(&r, INT64_MAX, 1, NUM_NEAREST), E_RANGE);
}

static void steps(void **state)
{
        (void)state;
        assert_int_equal(num_to_step(17, 5, NUM_DOWN), 15);
        assert_int_equal(num_to_step(17, 5, NUM_UP), 20);
        assert_int_equal(num_to_step(17, 5, NUM_NEAREST), 15);
        assert_int_equal(num_to_step(18, 5, NUM_NEAREST), 20);
        assert_int_equal(num_to_step(-17, 5, NUM_DOWN), -15);
        assert_int_equal(num_to_step(-17, 5, NUM_UP), -20);
        assert_int_equal(num_to_step(5, 10, NUM_NEAREST), 10);
        assert_int_equal(num_to_step(-5, 10, NUM_NEAREST), -10);
        assert_int_equal(num_to_step(20, 5, NUM_UP), 20);
        assert_int_equal(num_to_step(0, 5, NUM_UP), 0);
        assert_int_equal(num_to_step(INT64_MAX, 10, NUM_UP), INT64_MAX - 7);
        assert_int_equal(num_to_step(INT64_MIN, 10, NUM_UP), INT64_MIN + 8);
        assert_int_equal(num_to_step(INT64_MIN, 1, NUM_UP), INT64_MIN);
        assert_int_equal(num_to_step(INT64_MIN, INT64_MAX, NUM_DOWN), -INT64_MAX);
        assert_int_equal(num_abs(-5), 5);
        assert_int_equal(num_abs(INT64_MAX), INT64_MAX);
        assert_int_equal(num_pow10(0), 1);
        assert_int_equal(num_pow10(18), 1000000000000000000);
}

/* Random numbers of every magnitude, since uniform ones are nearly all huge. */
static uint64_t random_state;

static uint64_t next_random(void)
{
        random_state ^= random_state << 13;
        random_state ^= random_state >> 7;
        random_state ^= random_state << 17;
        return random_state;
}

static int64_t random_number(void)
{
        return (int64_t)next_random() >> (next_random() % 64);
}

static num_wide wide_abs(num_wide v)
{
        return v < 0 ? -v : v;
}

/* What each direction promises about the error v * c - a * b, with no division used. */
static void check_rounding(int64_t a, int64_t b, int64_t c, enum num_round round)
{
        num_wide product = (num_wide)a * b;
        int64_t v;

        if (num_muldiv(&v, a, b, c, round)) {
                /* Only where the exact quotient is out of range, or on its edge. */
                assert_true(wide_abs(product) >= (num_wide)INT64_MAX * wide_abs(c));
                return;
        }
        num_wide error = wide_abs((num_wide)v * c) - wide_abs(product);
        num_wide step = wide_abs(c);
        int signs_agree = v == 0 || (v < 0) == ((product < 0) != (c < 0));
        int holds = 0;
        switch (round) {
        case NUM_DOWN: holds = error <= 0 && -error < step; break;
        case NUM_UP: holds = error >= 0 && error < step; break;
        case NUM_NEAREST: holds = 2 * error <= step && -2 * error < step; break;
        }
        if (!holds || !signs_agree)
                fail_msg("%lld * %lld / %lld, direction %d: got %lld", (long long)a, (long long)b,
                         (long long)c, (int)round, (long long)v);
}

static void random_rounding_and_round_trips(void **state)
{
        const char *given = getenv("TEST_SEED");
        char buf[NUM_STR_MAX];
        int64_t back;

        (void)state;
        random_state = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
        random_state += random_state == 0;
        print_message("TEST_SEED=%llu\n", (unsigned long long)random_state);
        for (int i = 0; i < 200000; i++) {
                int64_t a = random_number(), b = random_number(), c = random_number();
                unsigned decimals = (unsigned)(next_random() % 19);
                unsigned min_decimals = (unsigned)(next_random() % 19);
                if (c == 0)
                        c = 1;
                for (int round = NUM_DOWN; round <= NUM_NEAREST; round++)
                        check_rounding(a, b, c, (enum num_round)round);
                num_print(buf, a, decimals, min_decimals);
                assert_true(strlen(buf) < NUM_STR_MAX);
                assert_int_equal(num_parse(&back, buf, strlen(buf), decimals, NUM_REFUSE), E_OK);
                assert_int_equal(back, a);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parses_decimals_and_nothing_else),
                cmocka_unit_test(parsing_reads_only_len_bytes),
                cmocka_unit_test(typed_parsers_have_their_scale),
                cmocka_unit_test(micro_rounds_to_the_venues_unit),
                cmocka_unit_test(prints_the_shortest_form),
                cmocka_unit_test(rounding_mirrors_around_zero),
                cmocka_unit_test(extremes_of_division),
                cmocka_unit_test(sums_refuse_to_wrap),
                cmocka_unit_test(typed_arithmetic),
                cmocka_unit_test(steps),
                cmocka_unit_test(random_rounding_and_round_trips),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
