/* Scripted histories: what the gateway itself did, gaps, drift. */
#include "mirror_script.h"

static void an_outcome_and_its_trades_count_once(void **state)
{
        struct script *s = *state;
        struct venue_action buy = order_action(false, "5", "103", TIF_IOC);
        uint64_t ticket;

        read_long(s, T0 + 1000);
        ticket = send(s, &buy, T0 + 2000);
        tell(s, ticket, ITEM_FILLED, "5", "102", 77, T0 + 2300);
        look(s, T0 + 2300);
        expect(held(s, "AA")->p.size, "15");
        assert_int_equal(s->fill.oid, 77);
        /* The trades come piece by piece, at their own prices. */
        take(s, "AA", "2", "101.5", 1, T0 + 2100);
        take(s, "AA", "3", "102.333333", 2, T0 + 2100);
        look(s, T0 + 2400);
        expect(held(s, "AA")->p.size, "15");
        assert_int_equal(s->n_fills, 1);
        expect(held(s, "AA")->p.entry_notional, "1509.999999");
        /* One more is somebody's else. */
        take(s, "AA", "1", "102", 3, T0 + 2500);
        look(s, T0 + 2500);
        expect(held(s, "AA")->p.size, "16");
        assert_int_equal(s->n_fills, 2);
}

static void trades_before_the_outcome_count_once(void **state)
{
        struct script *s = *state;
        struct venue_action sell = order_action(true, "5", "99", TIF_IOC);
        uint64_t ticket;

        read_long(s, T0 + 1000);
        ticket = send(s, &sell, T0 + 2000);
        take(s, "AA", "-2", "100", 1, T0 + 2100);
        tell(s, ticket, ITEM_FILLED, "5", "100", 77, T0 + 2300);
        take(s, "AA", "-3", "100", 2, T0 + 2100);
        look(s, T0 + 2400);
        expect(held(s, "AA")->p.size, "5");
        /* And the same once more tells nothing. */
        tell(s, ticket, ITEM_FILLED, "5", "100", 77, T0 + 2500);
        look(s, T0 + 2500);
        expect(held(s, "AA")->p.size, "5");
}

static void a_state_in_between_leaves_a_doubt_and_no_guess(void **state)
{
        struct script *s = *state;
        struct venue_action buy = order_action(false, "5", "103", TIF_IOC);
        struct sheet after = sheet_of("949");
        struct mirror_need need;
        uint64_t ticket;

        read_long(s, T0 + 1000);
        ticket = send(s, &buy, T0 + 2000);
        hold(&after, "AA", "15", "100.66666666", "100", 10, "-1359.255", 20);
        deliver(s, &after, T0 + 2200);
        tell(s, ticket, ITEM_FILLED, "5", "102", 77, T0 + 2300);
        look(s, T0 + 2400);
        expect(held(s, "AA")->p.size, "15");
        assert_true(s->view.doubts & DOUBT_FILL);
        assert_false(is_ready(s, "AA", T0 + 2400));
        assert_true(mirror_next_need(s->mirror, T0 + 2400, &need));
        assert_int_equal(need.rank, RANK_VERIFY);
        assert_true(need.parts & PART_STATE);
}

static void a_state_asked_for_before_an_outcome_does_not_undo_it(void **state)
{
        struct script *s = *state;
        struct venue_action buy = order_action(false, "5", "103", TIF_IOC);
        struct sheet before = sheet_of("1000"), holds = sheet_of("949");
        uint64_t ticket;

        read_long(s, T0 + 1000);
        ticket = send(s, &buy, T0 + 2000);
        tell(s, ticket, ITEM_FILLED, "5", "102", 77, T0 + 2300);
        /* Asked for before, and without the fill: it stays on top. */
        hold(&before, "AA", "10", "100", "100", 10, "-900", 20);
        deliver_to(s, 1, "", &before, T0 + 2050, T0 + 1990, T0 + 2400);
        look(s, T0 + 2400);
        expect(held(s, "AA")->p.size, "15");
        /* Asked for before, and with it: it counts once. */
        hold(&holds, "AA", "15", "100.66666666", "100", 10, "-1359.255", 20);
        deliver_to(s, 1, "", &holds, T0 + 2150, T0 + 1995, T0 + 2500);
        look(s, T0 + 2500);
        expect(held(s, "AA")->p.size, "15");
}

static void margin_and_leverage_of_ours_are_exact(void **state)
{
        struct script *s = *state;
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct venue_action leverage = {.kind = VENUE_SET_LEVERAGE, .asset = 0};
        uint64_t ticket;

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        margin.u.margin.amount.v = num("50");
        leverage.u.leverage.mode = MARGIN_ISOLATED;
        leverage.u.leverage.leverage = 5;
        ticket = send(s, &margin, T0 + 2000);
        look(s, T0 + 2100);
        assert_true(s->view.doubts & DOUBT_OUTCOME);
        done(s, ticket, VENUE_DONE, T0 + 2200);
        done(s, send(s, &leverage, T0 + 2300), VENUE_DONE, T0 + 2400);
        look(s, T0 + 2500);
        expect(held(s, "AA")->p.raw_usd, "-850");
        expect(s->view.account.cross.account_value, "950");
        assert_int_equal(held(s, "AA")->p.leverage, 5);
        assert_int_equal(s->trust[0].source, SOURCE_EXACT);
        /* A refusal changes nothing. */
        done(s, send(s, &margin, T0 + 2600), VENUE_REFUSED, T0 + 2700);
        look(s, T0 + 2700);
        expect(held(s, "AA")->p.raw_usd, "-850");
        assert_true(is_ready(s, "AA", T0 + 2700));
}

/* A close shares margin out: whether that had the edit in it is for the venue to say. */
static void an_edit_and_a_fill_that_cross_leave_a_doubt(void **state)
{
        struct script *s = *state;
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct sheet is = sheet_of("1030");
        uint64_t ticket;

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        margin.u.margin.amount.v = num("50");
        own_fill(s, "AA", "1", "100", "0", 1, T0 + 1100);
        done(s, send(s, &margin, T0 + 4000), VENUE_DONE, T0 + 4200);
        own_fill(s, "AA", "1", "100", "0", 2, T0 + 6300);
        look(s, T0 + 6300);
        assert_false(s->view.doubts & DOUBT_FILL);
        assert_true(is_ready(s, "", T0 + 6300));
        ticket = send(s, &margin, T0 + 10000);
        own_fill(s, "AA", "-6", "100", "0", 3, T0 + 10100);
        done(s, ticket, VENUE_DONE, T0 + 10200);
        look(s, T0 + 10200);
        assert_true(s->view.doubts & DOUBT_FILL);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        /* The venue took the edit first, and paid half of it out again. */
        hold(&is, "AA", "6", "100", "100", 10, "-490", 20);
        deliver(s, &is, T0 + 12000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_ISOLATED_CASH], 0);
        assert_int_equal(stats_of(s).drift_explained[FIELD_ISOLATED_CASH], 1);
        look(s, T0 + 12000);
        assert_false(s->view.doubts & DOUBT_FILL);
        /* The same with the fill told last. */
        done(s, send(s, &margin, T0 + 20000), VENUE_DONE, T0 + 20200);
        own_fill(s, "AA", "-3", "100", "0", 4, T0 + 20100);
        look(s, T0 + 20300);
        assert_true(s->view.doubts & DOUBT_FILL);
}

static void what_is_set_later_does_not_move_the_margin_of_an_opening(void **state)
{
        struct script *s = *state;
        struct venue_action leverage = {.kind = VENUE_SET_LEVERAGE, .asset = 0};
        struct sheet nothing = sheet_of("1000");

        deliver(s, &nothing, T0 + 1000);
        leverage.u.leverage.mode = MARGIN_ISOLATED;
        leverage.u.leverage.leverage = 5;
        done(s, send(s, &leverage, T0 + 2000), VENUE_DONE, T0 + 2100);
        take(s, "AA", "10", "100", 1, T0 + 6000);
        leverage.u.leverage.leverage = 10;
        done(s, send(s, &leverage, T0 + 9000), VENUE_DONE, T0 + 9100);
        own_fill(s, "AA", "10", "100", "1", 1, T0 + 6000);
        look(s, T0 + 9200);
        expect(held(s, "AA")->p.raw_usd, "-801");
        expect(s->view.account.cross.account_value, "800");
        assert_int_equal(held(s, "AA")->p.leverage, 10);
}

static void an_unknown_outcome_is_a_doubt_until_read_after_it(void **state)
{
        struct script *s = *state;
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct sheet early = sheet_of("1000");

        read_long(s, T0 + 1000);
        margin.u.margin.amount.v = num("50");
        done(s, send(s, &margin, T0 + 2000), VENUE_UNKNOWN, T0 + 5000);
        hold(&early, "AA", "10", "100", "100", 10, "-900", 20);
        deliver_to(s, 1, "", &early, T0 + 4900, T0 + 4900, T0 + 5100);
        look(s, T0 + 5200);
        assert_true(s->view.doubts & DOUBT_OUTCOME);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        read_long(s, T0 + 6000);
        look(s, T0 + 6000);
        assert_false(s->view.doubts & DOUBT_OUTCOME);
}

static void a_gap_is_closed_by_a_read_after_it(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        trades_topic(s, "BB", false, T0 + 1500);
        assert_true(is_ready(s, "AA", T0 + 4000)); /* it holds nothing there */
        trades_topic(s, "AA", false, T0 + 2000);
        look(s, T0 + 4000);
        assert_true(s->view.doubts & DOUBT_GAP);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        assert_false(is_ready(s, "AA", T0 + 4000));
        trades_topic(s, "AA", true, T0 + 5000);
        assert_false(is_ready(s, "AA", T0 + 5000));
        read_long(s, T0 + 4900); /* of before it was whole again */
        look(s, T0 + 5100);
        assert_true(s->view.doubts & DOUBT_GAP);
        read_long(s, T0 + 6000);
        look(s, T0 + 6000);
        assert_false(s->view.doubts & DOUBT_GAP);
        assert_true(is_ready(s, "AA", T0 + 6000));
}

static void stale_prices_and_pooled_collateral_make_estimates(void **state)
{
        struct script *s = *state;
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        look(s, T0 + 14000);
        assert_int_equal(s->view.total.source, SOURCE_EXACT);
        look(s, T0 + 16000);
        assert_true(s->view.doubts & DOUBT_CONTEXT);
        assert_int_equal(s->view.total.source, SOURCE_ESTIMATE);
        assert_false(is_ready(s, "AA", T0 + 16000));
        mark(s, "AA", "100", T0 + 16000);
        look(s, T0 + 16000);
        assert_int_equal(s->view.total.source, SOURCE_EXACT);
        mirror_pool(s->mirror, &user, mirror_pool_from("unified"), T0 + 17000);
        look(s, T0 + 17000);
        assert_true(s->view.doubts & DOUBT_POOLED);
        assert_int_equal(s->view.total.source, SOURCE_ESTIMATE);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
}

static void a_pooled_position_shows_what_the_venue_said_last(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("1000");
        struct addr user = who(1);
        struct venue_position *p;

        mirror_pool(s->mirror, &user, mirror_pool_from("unified"), T0 + 500);
        p = hold(&sheet, "AA", "10", "100", "100", 10, "", 20);
        snprintf(p->liquidation_px, sizeof p->liquidation_px, "%s", "55.5");
        deliver(s, &sheet, T0 + 1000);
        no_orders(s, T0 + 1000);
        look(s, T0 + 1000);
        assert_string_equal(held(s, "AA")->liquidation_px, "55.5");
        assert_int_equal(s->trust[0].source, SOURCE_VENUE);
        assert_int_equal(s->view.total.source, SOURCE_ESTIMATE);
        mark(s, "AA", "98", T0 + 2000);
        look(s, T0 + 2000);
        assert_string_equal(held(s, "AA")->liquidation_px, "55.5");
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        assert_string_equal(s->trust[0].reason, mirror_doubt_text(DOUBT_POOLED));
}

static void what_was_done_elsewhere_is_no_drift(void **state)
{
        struct script *s = *state;
        struct sheet deposit = sheet_of("5000"), margin = sheet_of("4900"), mode = sheet_of("4900");

        read_long(s, T0 + 1000);
        hold(&deposit, "AA", "10", "100", "100", 10, "-900", 20);
        deliver(s, &deposit, T0 + 2000);
        hold(&margin, "AA", "10", "100", "100", 10, "-800", 20);
        deliver(s, &margin, T0 + 3000);
        hold(&mode, "AA", "10", "100", "100", 5, "-800", 20);
        deliver(s, &mode, T0 + 4000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_CROSS_CASH], 0);
        assert_int_equal(stats_of(s).drift_explained[FIELD_CROSS_CASH], 2);
        assert_int_equal(stats_of(s).drift_explained[FIELD_ISOLATED_CASH], 1);
        assert_int_equal(stats_of(s).drift_explained[FIELD_LEVERAGE], 1);
        assert_int_equal(s->n_drift, 0);
        look(s, T0 + 4000);
        expect(held(s, "AA")->p.raw_usd, "-800");
}

static void what_has_no_reason_is_drift_until_it_comes_out_clean(void **state)
{
        struct script *s = *state;
        struct sheet wrong = sheet_of("1000"), again = sheet_of("1000");

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        hold(&wrong, "AA", "10", "100", "100", 10, "-950", 20);
        deliver(s, &wrong, T0 + 9000);
        assert_int_equal(s->n_drift, 0); /* its reason may still come */
        assert_false(is_ready(s, "AA", T0 + 9000 + 2500));
        assert_true(mirror_wants_proof(s->mirror, T0 + 10000));
        prove(s, T0 + 10000);
        assert_false(mirror_wants_proof(s->mirror, T0 + 10000));
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_ISOLATED_CASH], 1);
        assert_int_equal(s->n_drift, 1);
        assert_true(s->drift.is_drifted);
        expect(s->drift.amount, "50");
        assert_int_equal(s->drift.wrong_from, T0 + 1000);
        look(s, T0 + 10000);
        expect(held(s, "AA")->p.raw_usd, "-950");
        assert_true(s->view.is_drifted);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        assert_false(is_ready(s, "AA", T0 + 10000));
        hold(&again, "AA", "10", "100", "100", 10, "-950", 20);
        deliver(s, &again, T0 + 12000);
        assert_int_equal(s->n_drift, 2);
        assert_false(s->drift.is_drifted);
        assert_int_equal(stats_of(s).wrong_ms_max, 11000);
        assert_int_equal(stats_of(s).drifted_now, 0);
        assert_true(is_ready(s, "AA", T0 + 12000));
}

static void a_late_trade_explains_a_size(void **state)
{
        struct script *s = *state;
        struct sheet ahead = sheet_of("949"), same = sheet_of("949");
        struct sheet next = sheet_of("949"), last = sheet_of("949");

        read_long(s, T0 + 1000);
        hold(&ahead, "AA", "15", "100.66666666", "100", 10, "-1359.255", 20);
        deliver(s, &ahead, T0 + 5000);
        take(s, "AA", "5", "102", 1, T0 + 4900);
        look(s, T0 + 5100);
        expect(held(s, "AA")->p.size, "15");
        assert_int_equal(stats_of(s).drift_explained[FIELD_SIZE], 1);
        /* So near to the state the trade leaves a doubt, which the next one ends. */
        hold(&same, "AA", "15", "100.66666666", "100", 10, "-1359.255", 20);
        deliver(s, &same, T0 + 12000);
        hold(&next, "AA", "16", "100.66666666", "100", 10, "-1459.255", 20);
        deliver(s, &next, T0 + 20000);
        assert_int_equal(s->n_drift, 0);
        hold(&last, "AA", "16", "100.66666666", "100", 10, "-1459.255", 20);
        prove(s, T0 + 21000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
        deliver(s, &last, T0 + 26000);
        assert_int_equal(s->n_drift, 2); /* told, and clean again */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(an_outcome_and_its_trades_count_once),
                T(trades_before_the_outcome_count_once),
                T(a_state_in_between_leaves_a_doubt_and_no_guess),
                T(a_state_asked_for_before_an_outcome_does_not_undo_it),
                T(margin_and_leverage_of_ours_are_exact),
                T(an_edit_and_a_fill_that_cross_leave_a_doubt),
                T(what_is_set_later_does_not_move_the_margin_of_an_opening),
                T(an_unknown_outcome_is_a_doubt_until_read_after_it),
                T(a_gap_is_closed_by_a_read_after_it),
                T(stale_prices_and_pooled_collateral_make_estimates),
                T(a_pooled_position_shows_what_the_venue_said_last),
                T(what_was_done_elsewhere_is_no_drift),
                T(what_has_no_reason_is_drift_until_it_comes_out_clean),
                T(a_late_trade_explains_a_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
