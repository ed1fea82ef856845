/* candles: what may be kept as final, and until when nothing is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/venue.h"
#include "api/candles.h"

#define MINUTE INT64_C(60000)
#define HOUR   (60 * MINUTE)
#define T      INT64_C(1790000040000) /* a minute begins */

/* n candles of a minute, the last of which opens at T. */
static void fill(struct venue_candle *candle, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                candle[i] = (struct venue_candle){.open_at = T - (int64_t)(n - 1 - i) * MINUTE};
                candle[i].close_at = candle[i].open_at + MINUTE - 1;
        }
}

static void expect(const struct venue_candle *candle, size_t n, int64_t end, int64_t now,
                   size_t n_final, int64_t until)
{
        int64_t told = -1;

        assert_int_equal(candles_final(&told, candle, n, end, now), n_final);
        assert_int_equal(told, until);
}

static void the_open_one_is_not_final(void **state)
{
        struct venue_candle candle[3];

        (void)state;
        fill(candle, 3);
        expect(candle, 3, T + MINUTE, T + 30000, 2, T);
        /* A trade of the one before may still be told. */
        expect(candle, 3, T + MINUTE, T + 5000, 1, T - MINUTE);
        expect(candle, 3, T + MINUTE, T + 9998, 1, T - MINUTE);
        expect(candle, 3, T + MINUTE, T + 9999, 2, T);
}

/* Our clock may be ahead: what it takes for closed may be open at the venue. */
static void what_none_follows_is_final_after_an_hour(void **state)
{
        struct venue_candle candle[3];

        (void)state;
        fill(candle, 3);
        expect(candle, 3, T + 2 * HOUR, T + 5 * MINUTE, 2, T);
        expect(candle, 3, T + 2 * HOUR, T + MINUTE - 2 + HOUR, 2, T);
        expect(candle, 3, T + 2 * HOUR, T + MINUTE - 1 + HOUR, 3, T + MINUTE - 1);
        expect(candle, 3, T + 2 * HOUR, T + 3 * HOUR, 3, T + 2 * HOUR);
}

static void a_venue_that_is_ahead_makes_nothing_final(void **state)
{
        struct venue_candle candle[3];

        (void)state;
        fill(candle, 3);
        expect(candle, 3, T + MINUTE, T - 2 * MINUTE, 0, T - 2 * MINUTE);
        expect(candle, 3, T + MINUTE, T - HOUR, 0, T - 2 * MINUTE);
}

static void what_is_known_ends_with_the_window(void **state)
{
        struct venue_candle candle[3];

        (void)state;
        fill(candle, 3);
        expect(candle, 3, T - 90000, T + 10 * HOUR, 3, T - 90000);
        expect(candle, 0, T, T + 10 * HOUR, 0, T);
        expect(candle, 0, T, T + 60000, 0, T + 60000 - HOUR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_open_one_is_not_final),
                cmocka_unit_test(what_none_follows_is_final_after_an_hour),
                cmocka_unit_test(a_venue_that_is_ahead_makes_nothing_final),
                cmocka_unit_test(what_is_known_ends_with_the_window),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
