/* What a mark tells of, in order, case by case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mirror/ticks.h"

/* Everything told, one after another: "account/market/level+" or "-", and "account?" for a look. */
struct rig {
        struct ticks *ticks;
        char told[1024];
        void (*react)(struct rig *rig, uint32_t account);
};

static void note(struct rig *rig, const char *text)
{
        size_t len = strlen(rig->told);

        assert_true(len + strlen(text) + 2 < sizeof rig->told);
        snprintf(rig->told + len, sizeof rig->told - len, "%s%s", len ? " " : "", text);
}

static void crossed(void *cookie, uint32_t account, uint32_t market, uint8_t level, bool reached)
{
        struct rig *rig = cookie;
        char text[64];

        snprintf(text, sizeof text, "%u/%u/%u%c", account, market, level, reached ? '+' : '-');
        note(rig, text);
        if (rig->react)
                rig->react(rig, account);
}

static void look(void *cookie, uint32_t account)
{
        struct rig *rig = cookie;
        char text[32];

        snprintf(text, sizeof text, "%u?", account);
        note(rig, text);
        if (rig->react)
                rig->react(rig, account);
}

static int setup(void **state)
{
        static struct rig rig;
        struct ticks_hooks hooks = {.crossed = crossed, .look = look, .cookie = &rig};

        rig = (struct rig){.ticks = ticks_new(3, &hooks)};
        *state = &rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;

        ticks_free(rig->ticks);
        return 0;
}

static void mark(struct rig *rig, uint32_t market, int64_t price, const char *told)
{
        rig->told[0] = 0;
        ticks_mark(rig->ticks, market, (struct px){price});
        assert_string_equal(rig->told, told);
}

static void set(struct rig *rig, uint32_t account, uint32_t market, const char *sides,
                const int64_t *price)
{
        struct ticks_threshold threshold[TICKS_LEVELS_MAX];
        size_t n = strlen(sides);

        for (size_t i = 0; i < n; i++)
                threshold[i] = (struct ticks_threshold){{price[i]}, sides[i] == 'L', (uint8_t)i};
        assert_int_equal(ticks_set_position(rig->ticks, account, market, threshold, n), 0);
}

static void band(struct rig *rig, uint32_t account, uint32_t market, int64_t low, int64_t high)
{
        ticks_set_band(rig->ticks, account, market, true, (struct px){low}, (struct px){high});
}

static void a_long_is_reached_from_above(void **state)
{
        set(*state, 1, 0, "LLL", (int64_t[]){50, 55, 60});
        mark(*state, 0, 100, "");
        mark(*state, 0, 61, "");
        mark(*state, 0, 60, "1/0/2+");
        mark(*state, 0, 60, "");
        mark(*state, 0, 55, "1/0/1+");
        mark(*state, 0, 56, "1/0/1-");
        mark(*state, 0, 1, "1/0/1+ 1/0/0+");
        mark(*state, 0, INT64_MAX, "1/0/0- 1/0/1- 1/0/2-");
}

static void a_short_is_reached_from_below(void **state)
{
        set(*state, 1, 0, "SSS", (int64_t[]){150, 145, 140});
        mark(*state, 0, 100, "");
        mark(*state, 0, 139, "");
        mark(*state, 0, 140, "1/0/2+");
        mark(*state, 0, 139, "1/0/2-");
        mark(*state, 0, 200, "1/0/2+ 1/0/1+ 1/0/0+");
        mark(*state, 0, 145, "1/0/0-");
        mark(*state, 0, 144, "1/0/1-");
}

static void equal_prices_are_all_told(void **state)
{
        mark(*state, 0, 100, "");
        for (uint32_t account = 0; account < 3; account++)
                set(*state, account, 0, "LS", (int64_t[]){90, 110});
        mark(*state, 0, 90, "2/0/0+ 1/0/0+ 0/0/0+");
        mark(*state, 0, 110, "0/0/0- 1/0/0- 2/0/0- 0/0/1+ 1/0/1+ 2/0/1+");
        mark(*state, 1, 90, "");
}

static void the_first_mark_tells_what_it_reaches(void **state)
{
        set(*state, 1, 0, "LLS", (int64_t[]){100, 90, 100});
        set(*state, 2, 0, "LSS", (int64_t[]){110, 95, 90});
        band(*state, 3, 0, 100, 100);
        band(*state, 4, 0, 101, 200);
        band(*state, 5, 0, 50, 99);
        mark(*state, 0, 100, "2/0/0+ 1/0/0+ 2/0/2+ 2/0/1+ 1/0/2+ 4? 5?");
}

static void marks_of_nothing_are_ignored(void **state)
{
        set(*state, 1, 0, "L", (int64_t[]){50});
        mark(*state, 0, 100, "");
        mark(*state, 0, 0, "");
        mark(*state, 0, -5, "");
        mark(*state, 0, 50, "1/0/0+");
}

static void what_is_set_is_taken_as_it_is(void **state)
{
        mark(*state, 0, 100, "");
        set(*state, 1, 0, "L", (int64_t[]){120}); /* reached already */
        mark(*state, 0, 100, "");
        mark(*state, 0, 121, "1/0/0-");
        set(*state, 1, 0, "LL", (int64_t[]){120, 110});
        set(*state, 1, 0, "L", (int64_t[]){110});
        mark(*state, 0, 115, "");
        mark(*state, 0, 110, "1/0/0+");
        set(*state, 1, 0, "", NULL);
        mark(*state, 0, 200, "");
}

static void bad_thresholds_change_nothing(void **state)
{
        struct rig *rig = *state;
        struct ticks_threshold threshold[TICKS_LEVELS_MAX + 1] = {{{10}, true, 0}};

        set(rig, 1, 0, "L", (int64_t[]){50});
        assert_int_equal(ticks_set_position(rig->ticks, 1, 0, threshold, TICKS_LEVELS_MAX + 1),
                         E_INVALID);
        threshold[1].price.v = -1;
        assert_int_equal(ticks_set_position(rig->ticks, 1, 0, threshold, 2), E_INVALID);
        mark(rig, 0, 100, "");
        mark(rig, 0, 50, "1/0/0+");
}

static void a_band_is_left_at_both_ends(void **state)
{
        mark(*state, 0, 100, "");
        band(*state, 1, 0, 90, 110);
        mark(*state, 0, 90, "");
        mark(*state, 0, 110, "");
        mark(*state, 0, 89, "1?");
        mark(*state, 0, 89, "1?"); /* it still does not hold the mark */
        mark(*state, 0, 111, "1?");
        mark(*state, 0, 100, "");
        band(*state, 1, 0, 0, INT64_MAX);
        mark(*state, 0, 1, "");
        mark(*state, 0, INT64_MAX, "");
        band(*state, 1, 0, 60, 50); /* holds nothing: told once, each time */
        mark(*state, 0, 55, "1?");
        mark(*state, 0, 55, "1?");
        ticks_set_band(((struct rig *)*state)->ticks, 1, 0, false, (struct px){0}, (struct px){0});
        mark(*state, 0, 1, "");
}

static void other_markets_are_not_concerned(void **state)
{
        band(*state, 1, 0, 90, 110);
        band(*state, 1, 1, 9, 11);
        set(*state, 1, 2, "L", (int64_t[]){90});
        mark(*state, 0, 100, "");
        mark(*state, 1, 10, "");
        mark(*state, 2, 100, "");
        mark(*state, 1, 12, "1?");
        mark(*state, 0, 80, "1?");
        mark(*state, 2, 80, "1/2/0+");
}

static void renew_position(struct rig *rig, uint32_t account)
{
        set(rig, account, 0, "LLL", (int64_t[]){60, 55, 50});
}

static void a_position_that_a_hook_replaces_is_told_no_more(void **state)
{
        struct rig *rig = *state;

        set(rig, 1, 0, "LLL", (int64_t[]){60, 55, 50});
        set(rig, 2, 0, "L", (int64_t[]){52});
        mark(rig, 0, 100, "");
        rig->react = renew_position;
        mark(rig, 0, 40, "1/0/0+ 2/0/0+");
        rig->react = NULL;
        mark(rig, 0, 100, "1/0/2- 2/0/2- 1/0/1- 2/0/1- 1/0/0- 2/0/0-");
}

static void drop(struct rig *rig, uint32_t account)
{
        ticks_drop_account(rig->ticks, account);
}

static void a_hook_may_drop_the_account(void **state)
{
        struct rig *rig = *state;
        struct ticks_stats stats;

        set(rig, 1, 0, "LL", (int64_t[]){60, 50});
        set(rig, 2, 0, "L", (int64_t[]){55});
        band(rig, 1, 0, 90, 110);
        band(rig, 3, 0, 90, 110);
        band(rig, 3, 1, 90, 110);
        mark(rig, 0, 100, "");
        rig->react = drop;
        mark(rig, 0, 40, "1/0/0+ 2/0/0+ 3?");
        rig->react = NULL;
        mark(rig, 0, 100, "");
        mark(rig, 1, 1, "");
        ticks_stats(rig->ticks, &stats);
        assert_int_equal(stats.thresholds, 0);
        assert_int_equal(stats.bands, 0);
        assert_int_equal(stats.crossed, 2);
        assert_int_equal(stats.looks, 1);
        assert_int_equal(stats.marks, 4);
}

static void move_band(struct rig *rig, uint32_t account)
{
        band(rig, account, 0, 35, 45);
        if (account == 1)
                band(rig, 2, 0, 35, 45);
}

static void a_band_set_around_the_mark_needs_no_look(void **state)
{
        struct rig *rig = *state;

        band(rig, 1, 0, 90, 110);
        band(rig, 2, 0, 90, 110);
        band(rig, 3, 0, 80, 110);
        set(rig, 3, 0, "L", (int64_t[]){60});
        mark(rig, 0, 100, "");
        rig->react = move_band;
        mark(rig, 0, 40, "3/0/0+ 1?");
        mark(rig, 0, 45, "");
}

static void move_both_bands(struct rig *rig, uint32_t account)
{
        ticks_set_bands(rig->ticks, account,
                        (struct ticks_band[]){{0, {30}, {70}}, {1, {30}, {70}}}, 2);
}

static void marks_that_come_together_are_told_together(void **state)
{
        struct rig *rig = *state;
        struct ticks_stats stats;

        band(rig, 1, 0, 90, 110);
        band(rig, 1, 1, 90, 110);
        set(rig, 2, 0, "L", (int64_t[]){80});
        set(rig, 3, 1, "S", (int64_t[]){120});
        mark(rig, 0, 100, "");
        mark(rig, 1, 100, "");
        rig->react = move_both_bands;
        rig->told[0] = 0;
        ticks_put(rig->ticks, 0, (struct px){150});
        ticks_put(rig->ticks, 1, (struct px){50});
        ticks_put(rig->ticks, 0, (struct px){50});
        ticks_put(rig->ticks, 2, (struct px){0});
        assert_string_equal(rig->told, "");
        ticks_tell(rig->ticks);
        /* Both bands were left and one look set both; the mark at 150 was never told. */
        assert_string_equal(rig->told, "2/0/0+ 1?");
        ticks_tell(rig->ticks);
        assert_string_equal(rig->told, "2/0/0+ 1?");
        ticks_stats(rig->ticks, &stats);
        assert_int_equal(stats.looks, 1);
        assert_int_equal(stats.marks, 5);
}

/* What is set between a mark and its telling counts from the new mark on. */
static void what_is_set_before_the_telling_is_not_told(void **state)
{
        struct rig *rig = *state;

        mark(rig, 0, 100, "");
        rig->told[0] = 0;
        band(rig, 2, 0, 90, 110);
        ticks_put(rig->ticks, 0, (struct px){50});
        set(rig, 1, 0, "L", (int64_t[]){80});
        band(rig, 2, 0, 40, 60);
        ticks_tell(rig->ticks);
        assert_string_equal(rig->told, "");
        mark(rig, 0, 90, "1/0/0- 2?");
}

/* A look that renews a position does not make its next crossing silent. */
static void a_position_set_in_a_look_is_told_later(void **state)
{
        struct rig *rig = *state;

        band(rig, 1, 0, 90, 110);
        mark(rig, 0, 100, "");
        rig->react = renew_position;
        mark(rig, 0, 80, "1?");
        rig->react = NULL;
        band(rig, 1, 0, 0, INT64_MAX);
        mark(rig, 0, 59, "1/0/0+");
}

static void delist(struct rig *rig, uint32_t account)
{
        (void)account;
        ticks_drop_market(rig->ticks, 0);
}

static void a_delisted_market_is_forgotten(void **state)
{
        struct rig *rig = *state;
        struct ticks_stats stats;

        mark(rig, 0, 100, "");
        set(rig, 1, 0, "L", (int64_t[]){90});
        set(rig, 1, 1, "L", (int64_t[]){90});
        band(rig, TICKS_ACCOUNTS_MAX - 1, 0, 0, INT64_MAX);
        band(rig, 2, 0, 90, INT64_MAX);
        ticks_drop_market(rig->ticks, 0);
        ticks_stats(rig->ticks, &stats);
        assert_int_equal(stats.thresholds, 1);
        assert_int_equal(stats.bands, 0);
        mark(rig, 0, 50, "");
        mark(rig, 1, 50, "1/1/0+");
        /* Also in the middle of a walk; the next mark is a first one again. */
        set(rig, 1, 0, "L", (int64_t[]){40});
        set(rig, 2, 0, "L", (int64_t[]){39});
        rig->react = delist;
        mark(rig, 0, 30, "1/0/0+");
        rig->react = NULL;
        set(rig, 1, 0, "LL", (int64_t[]){40, 20});
        mark(rig, 0, 30, "1/0/0+");
}

static void ids_at_their_limits(void **state)
{
        struct rig *rig = *state;

        set(rig, TICKS_ACCOUNTS_MAX - 1, 2, "LLLLSSSS",
            (int64_t[]){0, 1, 2, 3, INT64_MAX, INT64_MAX - 1, 10, 9});
        set(rig, 0, 2, "L", (int64_t[]){INT64_MAX});
        mark(rig, 2, 5, "0/2/0+");
        mark(rig, 2, 2, "16777215/2/3+ 16777215/2/2+");
        mark(rig, 2, INT64_MAX,
             "16777215/2/2- 16777215/2/3- 16777215/2/7+ 16777215/2/6+ 16777215/2/5+ 16777215/2/4+");
        ticks_drop_account(rig->ticks, TICKS_ACCOUNTS_MAX - 1);
        ticks_drop_account(rig->ticks, TICKS_ACCOUNTS_MAX - 2);
        mark(rig, 2, 1, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_long_is_reached_from_above, setup, teardown),
                cmocka_unit_test_setup_teardown(a_short_is_reached_from_below, setup, teardown),
                cmocka_unit_test_setup_teardown(equal_prices_are_all_told, setup, teardown),
                cmocka_unit_test_setup_teardown(the_first_mark_tells_what_it_reaches, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(marks_of_nothing_are_ignored, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_set_is_taken_as_it_is, setup, teardown),
                cmocka_unit_test_setup_teardown(bad_thresholds_change_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(a_band_is_left_at_both_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(other_markets_are_not_concerned, setup, teardown),
                cmocka_unit_test_setup_teardown(a_position_that_a_hook_replaces_is_told_no_more,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(a_hook_may_drop_the_account, setup, teardown),
                cmocka_unit_test_setup_teardown(a_band_set_around_the_mark_needs_no_look, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(marks_that_come_together_are_told_together, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(what_is_set_before_the_telling_is_not_told, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_position_set_in_a_look_is_told_later, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_delisted_market_is_forgotten, setup, teardown),
                cmocka_unit_test_setup_teardown(ids_at_their_limits, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
