/* fill_log: each fill is told once, wherever and however often it is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/fill_log.h"
#include "base/mem.h"
#include "dice.h"

#define T0 INT64_C(1700000000000)

static struct fill_log *fills;

static int setup(void **state)
{
        (void)state;
        fills = fill_log_new();
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fill_log_free(fills);
        return 0;
}

static struct venue_fill fill(uint64_t tid, int64_t at)
{
        struct venue_fill f = {.symbol = "BTC",
                               .price = {5},
                               .size = {10},
                               .at = at,
                               .oid = tid / 4 + 1,
                               .tid = tid,
                               .direction = "Open Long",
                               .fee_token = "USDC"};

        return f;
}

static bool take(uint64_t tid, int64_t at)
{
        struct venue_fill f = fill(tid, at);

        return fill_log_take(fills, &f);
}

static void a_fill_is_news_once(void **state)
{
        struct venue_fill f = fill(1, T0);

        (void)state;
        assert_true(take(1, T0));
        assert_false(take(1, T0));
        assert_true(take(2, T0));
        /* A trade's number is unique together with its market and time. */
        (void)text_copy(f.symbol, sizeof f.symbol, "ETH");
        assert_true(fill_log_take(fills, &f));
        assert_true(take(1, T0 + 1));
        assert_int_equal(fill_log_count(fills), 4);
}

static void what_was_read_is_settled(void **state)
{
        (void)state;
        assert_int_equal(fill_log_from(fills), 0);
        assert_true(take(1, T0));
        fill_log_read(fills, T0);
        assert_int_equal(fill_log_from(fills), T0 - FILL_LOG_OVERLAP);
        assert_false(take(7, T0 - FILL_LOG_OVERLAP - 1)); /* of before: it was there to be read */
        assert_true(take(8, T0 - FILL_LOG_OVERLAP));      /* the venue's list may have lagged */
        fill_log_read(fills, T0 - 5);
        assert_int_equal(fill_log_from(fills), T0 - FILL_LOG_OVERLAP); /* it never goes back */
}

static void what_is_expected_is_forgotten_when_it_comes(void **state)
{
        unsigned mark;

        (void)state;
        assert_false(fill_log_is_expecting(fills));
        fill_log_expect(fills, 9, 0, (struct qty){0});
        assert_true(fill_log_is_expecting(fills));
        assert_true(take(8, T0));
        assert_true(fill_log_is_expecting(fills));
        assert_true(take(9, T0));
        assert_false(fill_log_is_expecting(fills));
        fill_log_expect(fills, 9, 0, (struct qty){0}); /* it is there */
        assert_false(fill_log_is_expecting(fills));
        /* Of order 5 (fills 16 to 19) 30 were told: two fills make 20. */
        assert_true(take(16, T0));
        fill_log_expect(fills, 0, 5, (struct qty){30});
        assert_true(take(17, T0));
        assert_true(fill_log_is_expecting(fills));
        assert_true(take(18, T0));
        assert_false(fill_log_is_expecting(fills));
        fill_log_expect_any(fills);
        fill_log_expect(fills, 99, 0, (struct qty){0});
        mark = fill_log_mark(fills);
        fill_log_expected_until(fills, 0, mark);
        assert_true(fill_log_is_expecting(fills));
        fill_log_expected_until(fills, mark, mark);
        assert_false(fill_log_is_expecting(fills));
        for (uint64_t i = 0; i < FILL_LOG_WAITING + 5; i++)
                fill_log_expect(fills, 1000 + i, 0, (struct qty){0});
        for (uint64_t i = 0; i < FILL_LOG_WAITING; i++)
                assert_true(take(1000 + i, T0));
        assert_true(fill_log_is_expecting(fills)); /* the rest is remembered as any */
}

static void the_newest_are_shown_newest_first(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 1u << 20);
        fill_log_print(fills, &out);
        assert_string_equal(buf_cstr(&out), "{\"data\":[],\"nextCursor\":null}");
        for (uint64_t i = 1; i <= FILL_LOG_NEWEST; i++)
                assert_true(take(i * 7 % 101, T0 + (int64_t)(i * 7 % 101)));
        buf_reset(&out);
        fill_log_print(fills, &out);
        assert_non_null(strstr(buf_cstr(&out), "{\"data\":[{\"id\":\"100\""));
        assert_non_null(strstr(buf_cstr(&out), "\"nextCursor\":null}"));
        assert_true(take(500, T0 + 500));
        assert_int_equal(fill_log_count(fills), FILL_LOG_NEWEST);
        buf_reset(&out);
        fill_log_print(fills, &out);
        assert_non_null(strstr(buf_cstr(&out), "{\"data\":[{\"id\":\"500\""));
        assert_null(strstr(buf_cstr(&out), "\"nextCursor\":null}"));
        buf_fini(&out);
}

/* Pushes are lost, doubled and late; reads come from time to time and lag. In the end all was told, once. */
static void nothing_is_lost_and_nothing_is_told_twice(void **state)
{
        enum { ALL = 4000 };
        struct dice dice = dice_new();
        unsigned char *told = xcalloc(ALL, 1);
        int64_t *at = xcalloc(ALL, sizeof *at);
        int64_t now = T0;
        unsigned n = 0;

        (void)state;
        while (n < ALL) {
                int64_t what = dice_between(&dice, 0, 9);
                unsigned lag = (unsigned)dice_between(&dice, 0, 5), first = n;
                int64_t newest = 0;

                if (what < 8) {
                        now += dice_between(&dice, 0, 4000);
                        at[n] = now;
                        if (dice_between(&dice, 0, 2))
                                told[n] += take(n + 1, now);
                        n++;
                        continue;
                }
                if (what == 8 && n > 10) { /* a late or doubled push */
                        unsigned i = n - (unsigned)dice_between(&dice, 1, 10);
                        told[i] += take(i + 1, at[i]);
                        continue;
                }
                /* A read: everything since, but for the last few. */
                while (first > 0 && at[first - 1] >= fill_log_from(fills))
                        first--;
                for (unsigned i = first; i + lag < n; i++) {
                        told[i] += take(i + 1, at[i]);
                        newest = at[i];
                }
                if (newest)
                        fill_log_read(fills, newest);
        }
        for (unsigned i = 0; i < n; i++)
                if (at[i] >= fill_log_from(fills))
                        told[i] += take(i + 1, at[i]);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(told[i], 1);
        free(told);
        free(at);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_fill_is_news_once, setup, teardown),
                cmocka_unit_test_setup_teardown(what_was_read_is_settled, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_expected_is_forgotten_when_it_comes, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(the_newest_are_shown_newest_first, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_is_lost_and_nothing_is_told_twice, setup,
                                                teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
