/* What a state of the very millisecond of a trade holds, and leverage that was changed elsewhere. */
#include "mirror_script.h"

static struct sheet long_of(const char *size, unsigned leverage, const char *raw)
{
        struct sheet sheet = sheet_of("1000");

        hold(&sheet, "AA", size, "100", "100", leverage, raw, 20);
        return sheet;
}

static void expect_size(struct script *s, const char *size, int64_t now)
{
        look(s, now);
        assert_non_null(held(s, "AA"));
        expect(held(s, "AA")->p.size, size);
}

static void a_trade_of_the_states_moment_may_be_told_after_it(void **state)
{
        struct script *s = *state;
        struct sheet more = long_of("15", 10, "-1400");

        read_long(s, T0 + 1000);
        take(s, "AA", "5", "100", 1, T0 + 1000);
        look(s, T0 + 1000);
        assert_true(s->view.doubts & DOUBT_FILL);
        deliver(s, &more, T0 + 1001);
        expect_size(s, "15", T0 + 1001);
        assert_false(s->view.doubts & DOUBT_FILL);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FILL][FIELD_SIZE], 1);
}

static void a_state_of_the_same_moment_knows_no_more(void **state)
{
        struct script *s = *state;
        struct sheet more = long_of("15", 10, "-1400");

        read_long(s, T0 + 1000);
        take(s, "AA", "5", "100", 1, T0 + 1000);
        read_long(s, T0 + 1000);
        look(s, T0 + 1000);
        assert_true(s->view.doubts & DOUBT_FILL);
        deliver(s, &more, T0 + 1001);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FILL][FIELD_SIZE], 1);
}

static void a_trade_that_the_state_of_its_moment_lacks_is_kept(void **state)
{
        struct script *s = *state;
        struct sheet more = long_of("15", 10, "-1400.25");

        read_long(s, T0 + 500);
        take(s, "AA", "5", "100", 1, T0 + 1000);
        expect_size(s, "15", T0 + 1000);
        read_long(s, T0 + 1000);
        expect_size(s, "15", T0 + 1000);
        deliver(s, &more, T0 + 1001);
        expect_size(s, "15", T0 + 1001);
        assert_int_equal(stats_of(s).suspicions, 0);
}

static void a_trade_that_the_state_of_its_moment_holds_is_not_counted_twice(void **state)
{
        struct script *s = *state;
        struct sheet more = long_of("15", 10, "-1400.25");

        read_long(s, T0 + 500);
        take(s, "AA", "5", "100", 1, T0 + 1000);
        deliver(s, &more, T0 + 1000);
        expect_size(s, "15", T0 + 1000);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FILL][FIELD_SIZE], 0);
        assert_int_equal(stats_of(s).suspicions, 0);
}

/* Of three fills of one millisecond the state was made after the first. */
static void of_fills_of_one_moment_those_after_the_state_are_kept(void **state)
{
        struct script *s = *state;
        struct sheet first = long_of("12", 10, "-1100.1"), all = long_of("14", 10, "-1300.25");

        read_long(s, T0 + 500);
        take(s, "AA", "2", "100", 1, T0 + 1000);
        take(s, "AA", "3", "100", 2, T0 + 1000);
        take(s, "AA", "-1", "100", 3, T0 + 1000);
        deliver(s, &first, T0 + 1000);
        expect_size(s, "14", T0 + 1000);
        deliver(s, &all, T0 + 1001);
        expect_size(s, "14", T0 + 1001);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
        assert_int_equal(stats_of(s).suspicions, 0);
}

/* ---- leverage ---- */

static void leverage_changed_elsewhere_beside_funding_charged_here(void **state)
{
        struct script *s = *state;
        struct sheet changed = long_of("10", 7, "-900.01");
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        changed.position[0].funding_since_open.v = num("0.01");
        deliver(s, &changed, hour + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_LEVERAGE], 1);
}

/* The venue charged something else than was computed here, too: each has its own cause. */
static void leverage_changed_elsewhere_beside_other_funding(void **state)
{
        struct script *s = *state;
        struct sheet changed = long_of("10", 7, "-900.02");
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        changed.position[0].funding_since_open.v = num("0.02");
        deliver(s, &changed, hour + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_LEVERAGE], 1);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FUNDING][FIELD_FUNDING], 1);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FUNDING][FIELD_LEVERAGE], 0);
}

static void set_leverage(struct script *s, unsigned leverage, int64_t at)
{
        struct venue_action action = {.kind = VENUE_SET_LEVERAGE, .asset = 0};

        action.u.leverage.mode = MARGIN_ISOLATED;
        action.u.leverage.leverage = leverage;
        done(s, send(s, &action, at), VENUE_DONE, at);
}

static void leverage_changed_elsewhere_after_our_own_change(void **state)
{
        struct script *s = *state;
        struct sheet changed = long_of("10", 7, "-900");

        read_long(s, T0 + 1000);
        set_leverage(s, 5, T0 + 2000);
        deliver(s, &changed, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_LEVERAGE], 1);
}

/* What the position had before our own change is not somebody else's. */
static void our_own_change_that_is_not_there_is_suspected(void **state)
{
        struct script *s = *state;
        struct sheet same = long_of("10", 10, "-900");

        read_long(s, T0 + 1000);
        set_leverage(s, 5, T0 + 2000);
        deliver(s, &same, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 1);
        prove(s, T0 + 9000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_LEVERAGE], 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(a_trade_of_the_states_moment_may_be_told_after_it),
                T(a_state_of_the_same_moment_knows_no_more),
                T(a_trade_that_the_state_of_its_moment_lacks_is_kept),
                T(a_trade_that_the_state_of_its_moment_holds_is_not_counted_twice),
                T(of_fills_of_one_moment_those_after_the_state_are_kept),
                T(leverage_changed_elsewhere_beside_funding_charged_here),
                T(leverage_changed_elsewhere_beside_other_funding),
                T(leverage_changed_elsewhere_after_our_own_change),
                T(our_own_change_that_is_not_there_is_suspected),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
