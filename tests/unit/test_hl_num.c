/* hl_num: price and size rules: the documented examples, and at random that what rounding gives is
 * valid and nearest, checked by walking the ladder and by an independent rule on the digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_decimal.h"
#include "adapters/hyperliquid/hl_num.h"

static struct px px(const char *s)
{
        struct px p;

        assert_int_equal(num_parse_px(&p, s, strlen(s)), 0);
        return p;
}

static void price_decimals_follow_the_size(void **state)
{
        (void)state;
        assert_int_equal(hl_num_price_decimals(HL_PERP, 0), 6);
        assert_int_equal(hl_num_price_decimals(HL_PERP, 5), 1);
        assert_int_equal(hl_num_price_decimals(HL_PERP, 7), 0);
        assert_int_equal(hl_num_price_decimals(HL_SPOT, 2), 6);
}

static void documented_prices(void **state)
{
        static const struct {
                const char *price;
                unsigned max_decimals;
                bool valid;
        } cases[] = {
                {"123456", 6, true},      {"12345.6", 6, false},   {"1234.5", 6, true},
                {"1234.56", 6, false},    {"0.001234", 6, true},   {"0.0012345", 6, false},
                {"0.01234", 5, true},     {"0.012345", 5, false},  {"0.0001234", 8, true},
                {"0.0001234", 6, false},  {"100000", 1, true},     {"100000.5", 6, false},
                {"99999", 0, true},       {"0", 6, false},         {"-1", 6, false},
                {"92233720368", 0, true}, {"0.00000001", 8, true}, {"0.5", 0, false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                if (hl_num_price_is_valid(px(cases[i].price), cases[i].max_decimals) !=
                    cases[i].valid)
                        fail_msg("%s with %u decimals", cases[i].price, cases[i].max_decimals);
        }
}

static void rounding_goes_where_it_is_told(void **state)
{
        static const struct {
                const char *price;
                unsigned max_decimals;
                const char *down, *up, *nearest;
        } cases[] = {
                {"12345.6", 6, "12345", "12346", "12346"},
                {"123456.4", 6, "123456", "123457", "123456"},
                {"9999.96", 6, "9999.9", "10000", "10000"},
                {"0.99999999", 4, "0.9999", "1", "1"},
                {"1.5", 6, "1.5", "1.5", "1.5"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                struct px down = px(cases[i].price);
                struct px up = down;
                struct px nearest = down;

                assert_int_equal(hl_num_round_price(&down, cases[i].max_decimals, NUM_DOWN), 0);
                assert_int_equal(hl_num_round_price(&up, cases[i].max_decimals, NUM_UP), 0);
                assert_int_equal(hl_num_round_price(&nearest, cases[i].max_decimals, NUM_NEAREST),
                                 0);
                assert_int_equal(down.v, px(cases[i].down).v);
                assert_int_equal(up.v, px(cases[i].up).v);
                assert_int_equal(nearest.v, px(cases[i].nearest).v);
        }
}

static void what_can_not_be_rounded_stays(void **state)
{
        struct px tiny = px("0.0000004");
        struct px huge = {INT64_MAX};
        struct px negative = {-1};
        struct qty none = {0};

        (void)state;
        assert_int_equal(hl_num_round_price(&tiny, 6, NUM_DOWN), E_RANGE);
        assert_int_equal(hl_num_round_price(&tiny, 6, NUM_NEAREST), E_RANGE);
        assert_int_equal(tiny.v, px("0.0000004").v);
        assert_int_equal(hl_num_round_price(&tiny, 6, NUM_UP), 0);
        assert_int_equal(tiny.v, px("0.000001").v);
        assert_int_equal(hl_num_round_price(&huge, 6, NUM_UP), E_RANGE);
        assert_int_equal(huge.v, INT64_MAX);
        assert_int_equal(hl_num_round_price(&negative, 6, NUM_UP), E_RANGE);
        assert_int_equal(hl_num_round_size(&none, 3, NUM_UP), E_RANGE);
}

static int64_t random_value(void)
{
        uint64_t v = (uint64_t)random() << 32 ^ (uint64_t)random() << 16 ^ (uint64_t)random();

        v >>= (unsigned)random() % 60;
        v &= INT64_MAX >> 1;
        return v == 0 ? 1 : (int64_t)v;
}

static void random_neighbours_are_valid_and_nearest(void **state)
{
        unsigned seed = (unsigned)time(NULL);

        (void)state;
        print_message("seed %u\n", seed);
        srandom(seed);
        for (unsigned i = 0; i < 200000; i++) {
                struct px p = {random_value()};
                unsigned decimals = (unsigned)random() % 9;
                struct px down = p;
                struct px up = p;
                struct px nearest = p;
                char s[NUM_STR_MAX];
                bool valid = hl_num_price_is_valid(p, decimals);

                /* The rule on the printed digits is written apart from the ladder. */
                num_print_px(s, p);
                assert_int_equal(hl_decimal_price_is_valid(s, strlen(s), decimals), valid);
                assert_int_equal(hl_num_round_price(&up, decimals, NUM_UP), 0);
                assert_true(hl_num_price_is_valid(up, decimals) && up.v >= p.v);
                if (hl_num_round_price(&down, decimals, NUM_DOWN))
                        continue; /* nothing valid below */
                assert_true(hl_num_price_is_valid(down, decimals) && down.v <= p.v);
                assert_int_equal(valid, down.v == up.v);
                assert_int_equal(hl_num_round_price(&nearest, decimals, NUM_NEAREST), 0);
                assert_true(nearest.v == (up.v - p.v <= p.v - down.v ? up.v : down.v));
                if (up.v > down.v + 1) { /* and nothing valid between */
                        struct px between = {down.v + 1 + random() % (up.v - down.v - 1)};

                        assert_false(hl_num_price_is_valid(between, decimals));
                }
        }
}

static void sizes_have_one_step(void **state)
{
        struct qty q = {123456789}; /* 1.23456789 */
        struct qty down = q;

        (void)state;
        assert_true(hl_num_size_is_valid(q, 8));
        assert_false(hl_num_size_is_valid(q, 7));
        assert_int_equal(hl_num_round_size(&down, 3, NUM_DOWN), 0);
        assert_int_equal(down.v, 123400000);
        assert_int_equal(hl_num_round_size(&q, 3, NUM_UP), 0);
        assert_int_equal(q.v, 123500000);
        assert_true(hl_num_size_is_valid(q, 3));
        assert_false(hl_num_size_is_valid((struct qty){0}, 3));
        assert_false(hl_num_size_is_valid((struct qty){-100000}, 3));
}

static void decimals_refuse_what_is_no_number(void **state)
{
        static const char *const bad[] = {"",     "-",   ".",    "-.",     "1e", "1e+", "e5",
                                          "1..2", "NaN", "0x10", "1e1000", "+1", "1,5", "--1"};
        char out[HL_DECIMAL_STR_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                assert_int_equal(hl_decimal_wire(out, bad[i], strlen(bad[i])), E_SYNTAX);
                assert_int_equal(hl_decimal_size(out, bad[i], strlen(bad[i]), 2), E_SYNTAX);
                assert_false(hl_decimal_price_is_valid(bad[i], strlen(bad[i]), 6));
        }
}

static void decimals_round_half_to_even(void **state)
{
        char out[HL_DECIMAL_STR_MAX];

        (void)state;
        assert_int_equal(hl_decimal_nearest(out, "0.125", 5, 2), 0);
        assert_string_equal(out, "0.12");
        assert_int_equal(hl_decimal_nearest(out, "0.375", 5, 2), 0);
        assert_string_equal(out, "0.38");
        assert_int_equal(hl_decimal_nearest(out, "-99.999", 7, 2), 0);
        assert_string_equal(out, "-100");
        assert_int_equal(hl_decimal_wire(out, "1.0000000000009", 15), 0);
        assert_string_equal(out, "1");
        assert_int_equal(hl_decimal_wire(out, "0.9999999999991", 15), 0);
        assert_string_equal(out, "1");
        assert_int_equal(hl_decimal_wire(out, "0.999999999998", 14), E_RANGE);
        assert_int_equal(hl_decimal_wire(out, "9e59", 4), 0);
        assert_int_equal(strlen(out), 60);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(price_decimals_follow_the_size),
                cmocka_unit_test(documented_prices),
                cmocka_unit_test(rounding_goes_where_it_is_told),
                cmocka_unit_test(what_can_not_be_rounded_stays),
                cmocka_unit_test(random_neighbours_are_valid_and_nearest),
                cmocka_unit_test(sizes_have_one_step),
                cmocka_unit_test(decimals_refuse_what_is_no_number),
                cmocka_unit_test(decimals_round_half_to_even),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
