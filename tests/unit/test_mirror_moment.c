/* What a state of the very millisecond of a trade holds, and what was changed elsewhere, at once with
 * something else. */
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

/* A pushed state has our change, the next has another: that one is not ours. */
static void leverage_changed_elsewhere_after_a_push_confirmed_ours(void **state)
{
        struct script *s = *state;
        struct sheet ours = long_of("10", 5, "-900"), theirs = long_of("10", 10, "-900");

        read_long(s, T0 + 1000);
        set_leverage(s, 5, T0 + 2000);
        deliver_to(s, 1, "", &ours, T0 + 2100, 0, T0 + 2100);
        deliver_to(s, 1, "", &theirs, T0 + 2200, 0, T0 + 2200);
        look(s, T0 + 2200);
        assert_int_equal(held(s, "AA")->p.leverage, 10);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_LEVERAGE], 1);
}

static void a_push_of_before_our_change_does_not_undo_it(void **state)
{
        struct script *s = *state;
        struct sheet before = long_of("10", 10, "-900");

        read_long(s, T0 + 1000);
        set_leverage(s, 3, T0 + 2000);
        set_leverage(s, 5, T0 + 2010);
        deliver_to(s, 1, "", &before, T0 + 2100, 0, T0 + 2100);
        look(s, T0 + 2100);
        assert_int_equal(held(s, "AA")->p.leverage, 5);
}

/* ---- money ---- */

static struct sheet long_with(const char *cash, const char *size, const char *raw)
{
        struct sheet sheet = sheet_of(cash);

        hold(&sheet, "AA", size, "100", "100", 10, raw, 20);
        return sheet;
}

static void margin_added_elsewhere_beside_a_transfer(void **state)
{
        struct script *s = *state;
        struct sheet moved = long_with("949.28", "10", "-888.14");

        read_long(s, T0 + 1000);
        deliver(s, &moved, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_ISOLATED_CASH], 1);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_CROSS_CASH], 1);
}

static void margin_from_nowhere_is_suspected(void **state)
{
        struct script *s = *state;
        struct sheet moved = long_with("1000", "10", "-888.14");

        read_long(s, T0 + 1000);
        deliver(s, &moved, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 1);
        prove(s, T0 + 9000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_ISOLATED_CASH], 1);
}

/* Leverage of ours that a push of before it has not moves no money. */
static void a_deposit_beside_leverage_of_ours(void **state)
{
        struct script *s = *state;
        struct sheet more = long_with("1229.49", "10", "-900");

        read_long(s, T0 + 1000);
        set_leverage(s, 2, T0 + 2000);
        deliver_to(s, 1, "", &more, T0 + 1990, 0, T0 + 2010);
        look(s, T0 + 2010);
        assert_int_equal(held(s, "AA")->p.leverage, 2);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_CROSS_CASH], 1);
}

static void add_margin(struct script *s, const char *amount, int64_t at)
{
        struct venue_action action = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};

        action.u.margin.amount.v = num(amount);
        done(s, send(s, &action, at), VENUE_DONE, at);
}

/* Margin of ours that a push has not yet: it stays, and what else came is not of it. */
static void a_deposit_beside_margin_of_ours(void **state)
{
        struct script *s = *state;
        struct sheet more = long_with("1229.49", "10", "-900");

        read_long(s, T0 + 1000);
        add_margin(s, "20", T0 + 2000);
        deliver_to(s, 1, "", &more, T0 + 1990, 0, T0 + 2010);
        look(s, T0 + 2010);
        expect(held(s, "AA")->p.raw_usd, "-880");
        expect(s->view.account.cross.account_value, "1209.49");
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_CROSS_CASH], 1);
}

static struct sheet both_of(const char *cash, const char *size, const char *raw_aa,
                            const char *raw_bb)
{
        struct sheet sheet = sheet_of(cash);

        if (size[0])
                hold(&sheet, "AA", size, "100", "100", 10, raw_aa, 20);
        hold(&sheet, "BB", "5", "10", "10", 5, raw_bb, 10);
        return sheet;
}

/* A trade that came late says nothing of margin that was moved on another position meanwhile. */
static void late_trades_beside_margin_moved_elsewhere(void **state)
{
        struct script *s = *state;
        struct sheet had = both_of("1000", "10", "-900", "-40");
        struct sheet more = both_of("940", "15", "-1350.25", "-30");

        deliver(s, &had, T0 + 1000);
        deliver(s, &more, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 1);
        take(s, "AA", "5", "100", 1, T0 + 3000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_SIZE], 1);
}

static void a_liquidation_beside_margin_moved_elsewhere(void **state)
{
        struct script *s = *state;
        struct sheet had = both_of("1000", "10", "-900", "-40");
        struct sheet left = both_of("990", "", "", "-30");

        deliver(s, &had, T0 + 1000);
        deliver(s, &left, T0 + 3000);
        mark(s, "AA", "92", T0 + 3100); /* told only now */
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "10");
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LIQUIDATION][FIELD_SIZE], 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
}

/* What came of the margin shows that it was closed: that is what is left when the other's is taken out. */
static void a_position_whose_margin_came_back_was_not_liquidated(void **state)
{
        struct script *s = *state;
        struct sheet had = both_of("1000", "10", "-900", "-40");
        struct sheet left = both_of("1000", "", "", "-30");

        deliver(s, &had, T0 + 1000);
        deliver(s, &left, T0 + 3000);
        mark(s, "AA", "92", T0 + 3100);
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 0);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

/* ---- what orders reserve ---- */

static struct venue_open_order order_of(uint64_t oid, int64_t placed_at)
{
        struct venue_open_order o = {.symbol = "AA",
                                     .side = SIDE_BUY,
                                     .oid = oid,
                                     .price = {num("90")},
                                     .size = {num("10")},
                                     .original_size = {num("10")},
                                     .placed_at = placed_at};

        return o;
}

static void list(struct script *s, const struct venue_open_order *orders, size_t n, int64_t at)
{
        struct mirror_reading reading = {at, at};
        struct addr user = who(1);

        mirror_orders(s->mirror, &user, "", &reading, orders, n);
}

static void set(struct script *s, const char *symbol, unsigned leverage, int64_t at)
{
        struct mirror_reading reading = {at, at};
        struct addr user = who(1);

        mirror_setting(s->mirror, &user, symbol, &reading, MARGIN_CROSS, leverage);
}

/* 1,000 in cash, of which so much is reserved. */
static void read_reserved(struct script *s, const char *reserved, int64_t at)
{
        struct sheet sheet = sheet_of("1000");

        sheet.account.cross.resting.v = num(reserved);
        deliver(s, &sheet, at);
}

static void a_setting_changed_elsewhere_makes_the_reserve_come_out(void **state)
{
        struct script *s = *state;
        struct venue_open_order one = order_of(5, T0);

        set(s, "AA", 10, T0 + 900);
        list(s, &one, 1, T0 + 1000);
        read_reserved(s, "90", T0 + 1000);
        list(s, &one, 1, T0 + 2000);
        read_reserved(s, "180", T0 + 2000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_WITHDRAWABLE], 1);
}

/* No leverage reserves so much: something else is wrong, unless the next list shows an order of before. */
static void reserve_that_no_leverage_explains(struct script *s)
{
        struct venue_open_order one = order_of(5, T0);

        set(s, "AA", 10, T0 + 900);
        list(s, &one, 1, T0 + 1000);
        read_reserved(s, "90", T0 + 1000);
        list(s, &one, 1, T0 + 2000);
        read_reserved(s, "171", T0 + 2000);
        assert_int_equal(stats_of(s).suspicions, 1);
        prove(s, T0 + 4000);
        assert_int_equal(stats_of(s).suspicions, 1); /* until a list tells */
}

static void a_list_that_is_the_same_leaves_it_unexplained(void **state)
{
        struct script *s = *state;
        struct venue_open_order two[2] = {order_of(5, T0), order_of(6, T0 + 2001)};

        reserve_that_no_leverage_explains(s);
        list(s, two, 2, T0 + 5000); /* placed after the state */
        prove(s, T0 + 5100);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_WITHDRAWABLE], 1);
}

static void an_order_placed_elsewhere_between_list_and_state_explains(void **state)
{
        struct script *s = *state;
        struct venue_open_order two[2] = {order_of(5, T0), order_of(6, T0 + 2000)};

        reserve_that_no_leverage_explains(s);
        list(s, two, 2, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_WITHDRAWABLE], 1);
        prove(s, T0 + 5100);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_WITHDRAWABLE], 0);
}

/* A state that was asked for when leverage was set may be of before or of after. */
static void leverage_set_while_the_state_was_asked_for_is_not_compared(void **state)
{
        struct script *s = *state;
        struct venue_action action = {.kind = VENUE_SET_LEVERAGE, .asset = 0};
        struct venue_open_order one = order_of(5, T0);

        set(s, "AA", 10, T0 + 900);
        list(s, &one, 1, T0 + 1000);
        read_reserved(s, "90", T0 + 1000);
        list(s, &one, 1, T0 + 2000);
        action.u.leverage.mode = MARGIN_CROSS;
        action.u.leverage.leverage = 7;
        done(s, send(s, &action, T0 + 2000), VENUE_DONE, T0 + 2000);
        read_reserved(s, "90", T0 + 2000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_ELSEWHERE][FIELD_WITHDRAWABLE], 0);
        prove(s, T0 + 4000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_WITHDRAWABLE], 0);
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
                T(leverage_changed_elsewhere_after_a_push_confirmed_ours),
                T(a_push_of_before_our_change_does_not_undo_it),
                T(margin_added_elsewhere_beside_a_transfer),
                T(a_deposit_beside_leverage_of_ours),
                T(a_deposit_beside_margin_of_ours),
                T(margin_from_nowhere_is_suspected),
                T(late_trades_beside_margin_moved_elsewhere),
                T(a_liquidation_beside_margin_moved_elsewhere),
                T(a_position_whose_margin_came_back_was_not_liquidated),
                T(a_setting_changed_elsewhere_makes_the_reserve_come_out),
                T(a_list_that_is_the_same_leaves_it_unexplained),
                T(an_order_placed_elsewhere_between_list_and_state_explains),
                T(leverage_set_while_the_state_was_asked_for_is_not_compared),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
