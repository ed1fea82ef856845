/* Differences that nothing explains: the venue is asked for what was filled, and its answer explains them, or
 * does not. */
#include "mirror_script.h"

static struct venue_fill fill_of(const char *symbol, const char *size, const char *direction,
                                 int64_t at)
{
        bool sells = size[0] == '-';
        struct venue_fill f = {.side = sells ? SIDE_SELL : SIDE_BUY,
                               .price = {num("100")},
                               .size = {num(size + sells)},
                               .closed_pnl = {num("-30")},
                               .at = at,
                               .tid = 1};

        snprintf(f.symbol, sizeof f.symbol, "%s", symbol);
        snprintf(f.direction, sizeof f.direction, "%s", direction);
        return f;
}

static void answer(struct script *s, const struct venue_fill *rows, size_t n)
{
        struct addr user = who(1);

        mirror_history(s->mirror, &user, "", s->unexplained_from, s->unexplained_until, rows, n);
}

/* A long of 10 is `size` in a state at T0 + 5000, or gone (""), with cash; the trade of it was never told, and the
 * venue is asked for it. */
static void ask(struct script *s, const char *size, const char *cash)
{
        struct sheet sheet = sheet_of(cash);

        read_long(s, T0 + 1000);
        if (size[0])
                hold(&sheet, "AA", size, "100", "100", 10, "-900", 20);
        deliver(s, &sheet, T0 + 5000);
        prove(s, T0 + 7000);
        assert_int_equal(s->n_unexplained, 1);
        assert_int_equal(s->unexplained_from, T0 + 1000);
        assert_int_equal(s->unexplained_until, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 1);
}

static void expect_cause(struct script *s, enum mirror_cause cause)
{
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[cause][FIELD_SIZE], 1);
        prove(s, T0 + 99000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], cause == CAUSE_NONE);
}

static void fills_that_make_the_size_explain_it(void **state)
{
        struct script *s = *state;
        struct venue_fill two[2] = {fill_of("AA", "7", "Open Long", T0 + 2000),
                                    fill_of("AA", "-2", "Close Long", T0 + 3000)};

        ask(s, "15", "1000");
        answer(s, two, 2);
        expect_cause(s, CAUSE_ASKED);
}

static void fills_that_do_not_leave_it_unexplained(void **state)
{
        struct script *s = *state;
        struct venue_fill two[2] = {fill_of("AA", "4", "Open Long", T0 + 2000),
                                    fill_of("BB", "1", "Open Long", T0 + 3000)};

        ask(s, "15", "1000");
        answer(s, two, 2);
        assert_int_equal(stats_of(s).suspicions, 1);
        mirror_tick(s->mirror, T0 + 7200);
        expect_cause(s, CAUSE_NONE);
        assert_int_equal(s->n_unexplained, 1);
}

static void without_an_answer_it_ends_too(void **state)
{
        struct script *s = *state;

        ask(s, "15", "1000");
        mirror_tick(s->mirror, T0 + 96999);
        assert_int_equal(stats_of(s).suspicions, 1);
        mirror_tick(s->mirror, T0 + 97000);
        expect_cause(s, CAUSE_NONE);
}

/* A question may be lost, or its answer. */
static void it_is_asked_again_until_an_answer_comes(void **state)
{
        struct script *s = *state;
        struct venue_fill one = fill_of("AA", "5", "Open Long", T0 + 2000);

        ask(s, "15", "1000");
        mirror_tick(s->mirror, T0 + 11999);
        assert_int_equal(s->n_unexplained, 1);
        mirror_tick(s->mirror, T0 + 12000);
        assert_int_equal(s->n_unexplained, 2);
        answer(s, &one, 1);
        expect_cause(s, CAUSE_ASKED);
        mirror_tick(s->mirror, T0 + 20000);
        assert_int_equal(s->n_unexplained, 2);
}

static void an_answer_about_other_times_says_nothing(void **state)
{
        struct script *s = *state;
        struct venue_fill one = fill_of("AA", "5", "Open Long", T0 + 2000);
        struct addr user = who(1);

        ask(s, "15", "1000");
        mirror_history(s->mirror, &user, "", T0 + 1001, T0 + 5000, &one, 1);
        assert_int_equal(stats_of(s).suspicions, 1);
}

/* Of the states' own milliseconds: before them or after. */
static void fills_of_the_states_own_moments_may_count_or_not(void **state)
{
        struct script *s = *state;
        struct venue_fill three[3] = {fill_of("AA", "3", "Open Long", T0 + 1000),
                                      fill_of("AA", "2", "Open Long", T0 + 2000),
                                      fill_of("AA", "50", "Open Long", T0 + 5000)};

        ask(s, "15", "1000");
        answer(s, three, 3);
        expect_cause(s, CAUSE_ASKED);
}

/* A trade that was told in time is in the list as well. */
static void what_was_told_counts_too(void **state)
{
        struct script *s = *state;
        struct sheet more = sheet_of("1000");
        struct venue_fill two[2] = {fill_of("AA", "2", "Open Long", T0 + 2000),
                                    fill_of("AA", "3", "Open Long", T0 + 3000)};

        read_long(s, T0 + 1000);
        own_fill(s, "AA", "2", "100", "0", 1, T0 + 2000);
        hold(&more, "AA", "15", "100", "100", 10, "-1350", 20);
        deliver(s, &more, T0 + 5000);
        prove(s, T0 + 7000);
        assert_int_equal(s->n_unexplained, 1);
        answer(s, two, 2);
        expect_cause(s, CAUSE_ASKED);
}

/* The list lacks fills of TWAP orders; the feed told those. */
static void what_was_told_may_be_missing_in_the_list(void **state)
{
        struct script *s = *state;
        struct sheet more = sheet_of("1000");
        struct venue_fill one = fill_of("AA", "3", "Open Long", T0 + 3000);

        read_long(s, T0 + 1000);
        own_fill(s, "AA", "2", "100", "0", 99, T0 + 2000);
        hold(&more, "AA", "15", "100", "100", 10, "-1350", 20);
        deliver(s, &more, T0 + 5000);
        prove(s, T0 + 7000);
        assert_int_equal(s->n_unexplained, 1);
        answer(s, &one, 1);
        expect_cause(s, CAUSE_ASKED);
}

/* Money that came meanwhile looks like margin that came back. */
static void a_liquidation_beside_a_deposit_is_told(void **state)
{
        struct script *s = *state;
        struct venue_fill one = fill_of("AA", "-10", "Liquidated Isolated Long", T0 + 2000);

        ask(s, "", "1026.1");
        assert_int_equal(s->n_liquidated, 0);
        answer(s, &one, 1);
        expect_cause(s, CAUSE_LIQUIDATION);
        assert_int_equal(s->n_liquidated, 1);
        assert_true(s->liquidated.is_certain && s->liquidated.is_isolated);
        expect(s->liquidated.size, "10");
        expect(s->liquidated.lost, "100");
}

/* Bought more, untold, and then liquidated: what was lost is what the venue says of it. */
static void a_liquidation_of_more_than_was_known_is_told(void **state)
{
        struct script *s = *state;
        struct venue_fill two[2] = {fill_of("AA", "5", "Open Long", T0 + 2000),
                                    fill_of("AA", "-15", "Liquidated Isolated Long", T0 + 3000)};

        ask(s, "", "950");
        answer(s, two, 2);
        expect_cause(s, CAUSE_LIQUIDATION);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "15");
        expect(s->liquidated.lost, "30");
}

static void what_the_feed_explains_is_not_asked_for(void **state)
{
        struct script *s = *state;
        struct sheet more = sheet_of("1000");

        read_long(s, T0 + 1000);
        hold(&more, "AA", "15", "100", "100", 10, "-1400", 20);
        deliver(s, &more, T0 + 5000);
        take(s, "AA", "5", "100", 1, T0 + 3000);
        prove(s, T0 + 7000);
        assert_int_equal(s->n_unexplained, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_SIZE], 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup_asking, script_teardown)
        const struct CMUnitTest tests[] = {
                T(fills_that_make_the_size_explain_it),
                T(fills_that_do_not_leave_it_unexplained),
                T(without_an_answer_it_ends_too),
                T(it_is_asked_again_until_an_answer_comes),
                T(an_answer_about_other_times_says_nothing),
                T(fills_of_the_states_own_moments_may_count_or_not),
                T(what_was_told_counts_too),
                T(what_was_told_may_be_missing_in_the_list),
                T(a_liquidation_beside_a_deposit_is_told),
                T(a_liquidation_of_more_than_was_known_is_told),
                T(what_the_feed_explains_is_not_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
