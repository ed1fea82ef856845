/* Scripted histories: funding charged here, corrected, confirmed. */
#include "mirror_script.h"

static void funding_is_charged_at_the_hour_and_corrected(void **state)
{
        struct script *s = *state;
        struct venue_payment paid = {
                .symbol = "AA", .amount = {num("-0.012")}, .size = {num("10")}};
        struct addr user = who(1);
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mark(s, "BB", "10", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        mirror_funding(s->mirror, hour, hour + 200);
        look(s, hour + 200);
        /* 10 * 100 * 0.00001 */
        expect(held(s, "AA")->p.raw_usd, "-900.01");
        expect(held(s, "AA")->funding_since_open, "0.01");
        assert_int_equal(s->n_funding, 1);
        assert_false(s->funding.is_exact);
        assert_true(s->view.doubts & DOUBT_FUNDING);
        paid.at = hour + 40;
        mirror_payments(s->mirror, &user, &paid, 1, hour + 300);
        mirror_payments(s->mirror, &user, &paid, 1, hour + 300);
        look(s, hour + 300);
        expect(held(s, "AA")->p.raw_usd, "-900.012");
        assert_int_equal(s->n_funding, 1);
        assert_false(s->view.doubts & DOUBT_FUNDING);
        mirror_funding(s->mirror, hour, hour + 400);
        look(s, hour + 400);
        expect(held(s, "AA")->p.raw_usd, "-900.012");
}

static void a_state_of_just_after_the_hour_tells_whether_it_was_charged(void **state)
{
        struct script *s = *state;
        struct sheet not_yet = sheet_of("1000"), charged = sheet_of("1000");
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        hold(&not_yet, "AA", "10", "100", "100", 10, "-900", 20);
        deliver(s, &not_yet, hour + 500);
        look(s, hour + 600);
        expect(held(s, "AA")->p.raw_usd, "-900.01");
        hold(&charged, "AA", "10", "100", "100", 10, "-900.01", 20)->funding_since_open.v =
                num("0.01");
        deliver(s, &charged, hour + 900);
        look(s, hour + 1000);
        expect(held(s, "AA")->p.raw_usd, "-900.01");
        assert_false(s->view.doubts & DOUBT_FUNDING);
        mirror_funding(s->mirror, hour, hour + 1100);
        look(s, hour + 1100);
        expect(held(s, "AA")->p.raw_usd, "-900.01");
}

/* Closed and opened again where nobody told: what was charged here was another position's. */
static void funding_is_not_charged_on_a_position_that_took_the_place(void **state)
{
        struct script *s = *state;
        struct sheet had = sheet_of("1000"), opened = sheet_of("990"), later = sheet_of("990");
        struct sheet same = sheet_of("990");
        int64_t hour = T0 + 3600000;
        struct mirror_need need;

        hold(&had, "AA", "10", "100", "100", 10, "", 20)->funding_since_open.v = num("0.05");
        deliver(s, &had, T0 + 1000);
        no_orders(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        look(s, hour + 200);
        expect(held(s, "AA")->funding_since_open, "0.06");
        hold(&opened, "AA", "10", "101", "100", 10, "", 20);
        deliver(s, &opened, hour + 5000);
        look(s, hour + 5100);
        expect(held(s, "AA")->funding_since_open, "0");
        expect(s->view.account.cross.account_value, "1990");
        assert_string_equal(held(s, "AA")->liquidation_px, opened.position[0].liquidation_px);
        /* Whether that one is still to be charged shows when the hour's time is over. */
        assert_true(s->view.doubts & DOUBT_FUNDING);
        /* That it is another one is read again soon, and told by nobody. */
        assert_true(mirror_next_need(s->mirror, hour + 10000, &need));
        prove(s, hour + 10000);
        hold(&same, "AA", "10", "101", "100", 10, "", 20);
        deliver(s, &same, hour + 11000);
        assert_true(stats_of(s).drift_unexplained[FIELD_ENTRY] == 1);
        assert_false(mirror_next_need(s->mirror, hour + 121999, &need));
        assert_true(mirror_next_need(s->mirror, hour + 122000, &need));
        assert_int_equal(need.rank, RANK_VERIFY);
        hold(&later, "AA", "10", "101", "100", 10, "", 20);
        deliver(s, &later, hour + 123000);
        look(s, hour + 123000);
        assert_false(s->view.doubts & DOUBT_FUNDING);
        expect(s->view.account.cross.account_value, "1990");
}

static void late_trade(struct script *s, const char *size, uint64_t tid, int64_t at, int64_t now)
{
        bool sells = size[0] == '-';
        struct feed_trade t = trade_of("AA", sells ? 99 : 1, sells ? 1 : 99, !sells, size + sells,
                                       "100", tid, at);

        mirror_trades(s->mirror, &t, 1, now);
}

static void funding_follows_a_fill_of_before_the_hour_that_came_after_it(void **state)
{
        struct script *s = *state;
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        late_trade(s, "-6", 1, hour - 500, hour + 300);
        look(s, hour + 300);
        expect(held(s, "AA")->p.size, "4");
        expect(held(s, "AA")->funding_since_open, "0.004");
        assert_int_equal(s->n_funding, 1);
        late_trade(s, "-1", 2, hour + 50, hour + 400);
        late_trade(s, "-4", 3, hour - 400, hour + 500);
        look(s, hour + 500);
        expect(held(s, "AA")->p.size, "-1");
        expect(held(s, "AA")->funding_since_open, "0");
        assert_int_equal(s->n_funding, 1);
}

static void a_position_that_came_to_be_known_after_the_hour_is_charged(void **state)
{
        struct script *s = *state;
        struct sheet nothing = sheet_of("1000");
        int64_t hour = T0 + 3600000;

        deliver(s, &nothing, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        assert_int_equal(s->n_funding, 0);
        late_trade(s, "5", 1, hour - 500, hour + 300);
        look(s, hour + 300);
        expect(held(s, "AA")->funding_since_open, "0.005");
        assert_int_equal(s->n_funding, 1);
}

static void funding_that_is_neither_charged_nor_not_is_the_venues(void **state)
{
        struct script *s = *state;
        struct sheet other = sheet_of("1000");
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        mark(s, "AA", "100", hour - 1000);
        mirror_funding(s->mirror, hour, hour + 100);
        hold(&other, "AA", "10", "100", "100", 10, "-900.003", 20)->funding_since_open.v =
                num("0.003");
        deliver(s, &other, hour + 5000);
        look(s, hour + 5000);
        expect(held(s, "AA")->p.raw_usd, "-900.003");
        expect(held(s, "AA")->funding_since_open, "0.003");
        assert_true(s->view.doubts & DOUBT_FUNDING);
}

/* A state that comes before the hour is charged here has the charge in it: no drift. */
static void an_hour_not_charged_yet_explains_its_funding_alone(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("1000");
        struct mirror_stats stats;

        read_long(s, T0 - 5000);
        hold(&sheet, "AA", "10", "100", "100", 10, "-900.01", 20);
        sheet.position[0].funding_since_open.v = num("0.01");
        deliver(s, &sheet, T0 + 1000);
        mirror_stats(s->mirror, &stats);
        assert_int_equal(stats.drift_explained[FIELD_FUNDING], 1);
        assert_int_equal(stats.drift_unexplained[FIELD_FUNDING], 0);
        /* Within the same hour it is drift. */
        sheet = sheet_of("1000");
        hold(&sheet, "AA", "10", "100", "100", 10, "-900.02", 20);
        sheet.position[0].funding_since_open.v = num("0.02");
        deliver(s, &sheet, T0 + 2000);
        prove(s, T0 + 3000);
        mirror_stats(s->mirror, &stats);
        assert_int_equal(stats.drift_unexplained[FIELD_FUNDING], 1);
}

/* A venue whose clock is behind is not asked again and again. */
static void a_state_of_the_hour_is_not_followed_by_another_at_once(void **state)
{
        struct script *s = *state;
        struct sheet same = sheet_of("1000");
        int64_t hour = T0 + 3600000;
        struct mirror_need need;

        read_long(s, hour + 50);
        mirror_funding(s->mirror, hour, hour + 100);
        look(s, hour + 100);
        assert_true(s->view.doubts & DOUBT_FUNDING);
        assert_true(mirror_next_need(s->mirror, hour + 122000, &need));
        hold(&same, "AA", "10", "100", "100", 10, "-900", 20);
        deliver_to(s, 1, "", &same, hour + 119999, hour + 122000, hour + 122100);
        look(s, hour + 122100);
        assert_true(s->view.doubts & DOUBT_FUNDING);
        assert_false(mirror_next_need(s->mirror, hour + 127099, &need));
        assert_true(mirror_next_need(s->mirror, hour + 127100, &need));
}

static void read_funded(struct script *s, const char *raw, const char *funding, int64_t at)
{
        struct sheet sheet = sheet_of("1000");

        hold(&sheet, "AA", "10", "100", "100", 10, raw, 20)->funding_since_open.v = num(funding);
        deliver(s, &sheet, at);
}

/* The venue charges a while after the hour: a state of just after it may lack the charge, the next one has it. */
static void a_charge_between_two_states_of_after_the_hour_is_the_hours(void **state)
{
        struct script *s = *state;
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        read_funded(s, "-900", "0", hour + 74);
        read_funded(s, "-900.01", "0.01", hour + 635);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_FUNDING][FIELD_FUNDING], 1);
        /* It is not charged again here, nor in doubt. */
        mark(s, "AA", "100", hour + 14000);
        mirror_funding(s->mirror, hour, hour + 15000);
        look(s, hour + 15000);
        expect(held(s, "AA")->p.raw_usd, "-900.01");
        assert_false(s->view.doubts & DOUBT_FUNDING);
}

static void an_hour_charges_once(void **state)
{
        struct script *s = *state;
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        read_funded(s, "-900", "0", hour + 74);
        read_funded(s, "-900.01", "0.01", hour + 635);
        read_funded(s, "-900.02", "0.02", hour + 900);
        assert_int_equal(stats_of(s).suspicions, 1);
}

static void nor_does_it_charge_much_later(void **state)
{
        struct script *s = *state;
        int64_t hour = T0 + 3600000;

        read_long(s, T0 + 1000);
        read_funded(s, "-900", "0", hour + 120000);
        read_funded(s, "-900.01", "0.01", hour + 121000);
        assert_int_equal(stats_of(s).suspicions, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(funding_is_charged_at_the_hour_and_corrected),
                T(an_hour_not_charged_yet_explains_its_funding_alone),
                T(a_state_of_just_after_the_hour_tells_whether_it_was_charged),
                T(funding_is_not_charged_on_a_position_that_took_the_place),
                T(funding_follows_a_fill_of_before_the_hour_that_came_after_it),
                T(a_position_that_came_to_be_known_after_the_hour_is_charged),
                T(funding_that_is_neither_charged_nor_not_is_the_venues),
                T(a_state_of_the_hour_is_not_followed_by_another_at_once),
                T(a_charge_between_two_states_of_after_the_hour_is_the_hours),
                T(an_hour_charges_once),
                T(nor_does_it_charge_much_later),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
