/* Scripted histories: what the mirror shows after states, trades, fills and funding. */
#include "mirror_script.h"

static void an_account_is_not_shown_before_it_was_read(void **state)
{
        struct script *s = *state;

        assert_int_equal(look_at(s, 1, "", T0), E_NOT_FOUND);
        assert_int_equal(look_at(s, 2, "", T0), E_NOT_FOUND);
        assert_false(is_ready(s, "AA", T0));
        /* What happens before the first state is in it, or comes on top. */
        take(s, "AA", "1", "100", 1, T0 + 10);
        take(s, "AA", "2", "100", 2, T0 + 30);
        read_long(s, T0 + 20);
        look(s, T0 + 40);
        expect(held(s, "AA")->p.size, "12");
}

static void a_state_is_shown_as_the_venue_said_it(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        look(s, T0 + 2000);
        assert_int_equal(s->view.account.n_positions, 1);
        expect(held(s, "AA")->p.size, "10");
        expect(held(s, "AA")->entry, "100");
        expect(held(s, "AA")->margin_used, "100");
        /* 900 / (10 * 0.975) */
        assert_string_equal(held(s, "AA")->liquidation_px, "92.3076923077");
        assert_int_equal(s->trust[0].source, SOURCE_VENUE);
        expect(s->view.account.account_value, "1100");
        expect(s->view.account.withdrawable, "1000");
        expect(s->view.account.total_raw_usd, "100");
        assert_int_equal(s->view.as_of, T0 + 1000);
        assert_int_equal(s->view.doubts, 0);
        assert_true(is_ready(s, "AA", T0 + 2000));
        assert_false(is_ready(s, "AA", T0 + 700000));
}

static void the_mark_moves_what_depends_on_it(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        mark(s, "AA", "105", T0 + 2000);
        look(s, T0 + 2000);
        expect(held(s, "AA")->unrealized_pnl, "50");
        expect(s->view.account.account_value, "1150");
        assert_string_equal(held(s, "AA")->liquidation_px, "92.3076923077");
        assert_int_equal(s->view.total.source, SOURCE_EXACT);
}

/* A hedge loses on one side what it gains on the other: it is never judged on half of a frame. */
static void marks_of_one_frame_are_judged_together(void **state)
{
        struct script *s = *state;
        struct feed_context row[] = {
                {.symbol = "AA", .mark = {num("80")}, .oracle = {num("80")}},
                {.symbol = "BB", .mark = {num("8")}, .oracle = {num("8")}},
        };
        struct sheet sheet = sheet_of("4000");

        hold(&sheet, "AA", "100", "100", "100", 5, "", 20);
        hold(&sheet, "BB", "-1000", "10", "10", 5, "", 10);
        deliver(s, &sheet, T0 + 1000);
        no_orders(s, T0 + 1000);
        mirror_contexts(s->mirror, row, 2, T0 + 2000);
        assert_int_equal(s->n_crossed, 0);
        assert_int_equal(stats_of(s).looks, 1);
        look(s, T0 + 2000);
        expect(s->view.account.account_value, "4000");

        mark(s, "AA", "100", T0 + 3000);
        mark(s, "BB", "10", T0 + 3000);
        assert_int_equal(s->n_crossed, 0);
        mark(s, "AA", "80", T0 + 4000);
        assert_int_equal(s->n_crossed, 1);
        assert_true(s->crossed[0].reached && s->crossed[0].is_cross);
}

static void a_trade_is_an_estimate_until_its_fill_is_told(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        take(s, "AA", "5", "102", 11, T0 + 2000);
        look(s, T0 + 2000);
        expect(held(s, "AA")->p.size, "15");
        expect(held(s, "AA")->p.entry_notional, "1510");
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        assert_string_not_equal(s->trust[0].reason, "");
        assert_int_equal(s->n_fills, 1);
        expect(s->fill.size_after, "15");
        assert_false(is_ready(s, "AA", T0 + 2000));
        /* The fee was 0.3, not the 0.255 that the rates gave. */
        own_fill(s, "AA", "5", "102", "0.3", 11, T0 + 2000);
        look(s, T0 + 2100);
        assert_int_equal(s->trust[0].source, SOURCE_EXACT);
        expect(held(s, "AA")->p.size, "15");
        /* -900 + 51 - 510 - 0.3 */
        expect(held(s, "AA")->p.raw_usd, "-1359.3");
        expect(s->view.account.cross.account_value, "949");
        assert_int_equal(s->n_fills, 1);
}

static void a_trade_counts_once_however_it_comes(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        own_fill(s, "AA", "5", "102", "0.3", 11, T0 + 2000);
        take(s, "AA", "5", "102", 11, T0 + 2000);
        take(s, "AA", "5", "102", 11, T0 + 2000);
        own_fill(s, "AA", "5", "102", "0.3", 11, T0 + 2000);
        look(s, T0 + 2100);
        expect(held(s, "AA")->p.size, "15");
        assert_int_equal(s->n_fills, 1);
        assert_true(stats_of(s).trades_seen_before >= 2);
        /* Also when the state that holds it has come. */
        struct sheet sheet = sheet_of("949");
        hold(&sheet, "AA", "15", "100.66666666", "100", 10, "-1359.3", 20);
        deliver(s, &sheet, T0 + 5000);
        take(s, "AA", "5", "102", 11, T0 + 2000);
        take(s, "AA", "5", "102", 12, T0 + 2000); /* never seen, but older than the state */
        look(s, T0 + 6000);
        expect(held(s, "AA")->p.size, "15");
        assert_int_equal(stats_of(s).trades_old, 1);
}

static void an_older_state_changes_nothing(void **state)
{
        struct script *s = *state;
        struct sheet old = sheet_of("5");

        read_long(s, T0 + 5000);
        deliver(s, &old, T0 + 4000);
        look(s, T0 + 6000);
        expect(held(s, "AA")->p.size, "10");
        assert_int_equal(stats_of(s).states_stale, 1);
}

static void a_state_of_before_a_trade_keeps_the_trade(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        take(s, "AA", "5", "102", 11, T0 + 3000);
        read_long(s, T0 + 2000);
        look(s, T0 + 4000);
        expect(held(s, "AA")->p.size, "15");
        for (unsigned i = 0; i < MIRROR_FIELDS; i++)
                assert_int_equal(stats_of(s).drift_unexplained[i], 0);
}

static void trades_in_any_order_lead_to_the_same(void **state)
{
        struct script *s = *state;
        struct venue_position first;

        read_long(s, T0 + 1000);
        take(s, "AA", "5", "110", 1, T0 + 2000);
        take(s, "AA", "-20", "120", 2, T0 + 3000);
        take(s, "AA", "2", "90", 3, T0 + 4000);
        look(s, T0 + 5000);
        first = *held(s, "AA");
        expect(first.p.size, "-3");
        script_teardown(state);
        script_setup(state);
        read_long(s, T0 + 1000);
        take(s, "AA", "2", "90", 3, T0 + 4000);
        take(s, "AA", "-20", "120", 2, T0 + 3000);
        take(s, "AA", "5", "110", 1, T0 + 2000);
        look(s, T0 + 5000);
        assert_memory_equal(&held(s, "AA")->p.size, &first.p.size, sizeof first.p.size);
        assert_int_equal(held(s, "AA")->p.raw_usd.v, first.p.raw_usd.v);
        assert_int_equal(held(s, "AA")->p.entry_notional.v, first.p.entry_notional.v);
}

static void a_flip_opens_on_the_markets_present_tiers(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        set_market(s, "AA", 0, 5, "", 0, T0 + 1500);
        look(s, T0 + 1600);
        assert_int_equal(s->position[0].p.tiers.tier[0].max_leverage, 20);
        assert_true(s->view.doubts & DOUBT_RERATED);
        take(s, "AA", "-15", "100", 1, T0 + 2000);
        look(s, T0 + 2000);
        expect(held(s, "AA")->p.size, "-5");
        assert_int_equal(s->position[0].p.tiers.tier[0].max_leverage, 5);
        assert_false(s->view.doubts & DOUBT_RERATED);
}

static void the_next_price_tells_which_tiers_a_position_follows(void **state)
{
        struct script *s = *state;
        struct sheet kept = sheet_of("1000"), moved = sheet_of("1000");

        read_long(s, T0 + 1000);
        /* A second tier that the position does not reach: max leverage alone can't tell. */
        set_market(s, "AA", 0, 20, "1010", 2, T0 + 1500);
        look(s, T0 + 1600);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        hold(&kept, "AA", "10", "100", "100", 10, "-900", 20);
        deliver(s, &kept, T0 + 2000);
        look(s, T0 + 2000);
        assert_int_equal(s->trust[0].source, SOURCE_VENUE);
        assert_int_equal(s->position[0].p.tiers.n, 1);
        /* Re-rated to 10x, and the venue's price says that it follows. */
        set_market(s, "AA", 0, 10, "", 0, T0 + 2500);
        hold(&moved, "AA", "10", "100", "100", 10, "-900", 10);
        deliver(s, &moved, T0 + 3000);
        look(s, T0 + 3000);
        assert_int_equal(s->position[0].p.tiers.tier[0].max_leverage, 10);
        assert_string_equal(held(s, "AA")->liquidation_px, "94.7368421053");
        assert_int_equal(s->trust[0].source, SOURCE_VENUE);
}

static uint64_t unexplained(const struct script *s)
{
        struct mirror_stats stats = stats_of(s);
        uint64_t n = 0;

        for (unsigned i = 0; i < MIRROR_FIELDS; i++)
                n += stats.drift_unexplained[i];
        return n;
}

/* A market that trades before its tiers have come: a position that opens there, also by going through zero,
 * has none that anybody knows. */
static void what_opens_where_no_tiers_are_known_is_in_doubt(void **state)
{
        struct script *s = *state;
        struct sheet before = sheet_of("1000"), after = sheet_of("1299.85");

        mark(s, "CC", "100", T0);
        trades_topic(s, "CC", true, T0);
        hold(&before, "CC", "1", "100", "100", 10, "", 10);
        deliver(s, &before, T0 + 1000);
        look(s, T0 + 1000);
        assert_false(s->view.doubts & DOUBT_TIERS);
        take(s, "CC", "-3", "100", 1, T0 + 2000);
        own_fill(s, "CC", "-3", "100", "0.15", 1, T0 + 2000);
        look(s, T0 + 2000);
        expect(held(s, "CC")->p.size, "-2");
        assert_true(s->view.doubts & DOUBT_TIERS);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        hold(&after, "CC", "-2", "100", "100", 10, "", 10);
        deliver(s, &after, T0 + 3000);
        prove(s, T0 + 103000);
        assert_int_equal(unexplained(s), 0);
        look(s, T0 + 3000);
        assert_false(s->view.doubts & DOUBT_TIERS);
        assert_int_equal(s->trust[0].source, SOURCE_VENUE);
        /* The same where nothing was held. */
        take(s, "CC", "2", "100", 2, T0 + 4000);
        take(s, "CC", "1", "100", 3, T0 + 5000);
        look(s, T0 + 5000);
        expect(held(s, "CC")->p.size, "1");
        assert_true(s->view.doubts & DOUBT_TIERS);
        /* Once they have come what opens has them. */
        take(s, "CC", "-1", "100", 4, T0 + 6000);
        set_market(s, "CC", 2, 10, "", 0, T0 + 6000);
        take(s, "CC", "1", "100", 5, T0 + 7000);
        look(s, T0 + 7000);
        assert_int_equal(s->position[0].p.tiers.tier[0].max_leverage, 10);
        assert_false(s->view.doubts & DOUBT_TIERS);
}

static void dust_and_huge_sizes_break_nothing(void **state)
{
        struct script *s = *state;
        struct sheet cure = sheet_of("1000");

        read_long(s, T0 + 1000);
        take(s, "AA", "0.00000001", "100", 1, T0 + 1100);
        take(s, "AA", "90000000000", "90000000000", 2, T0 + 1200);
        take(s, "AA", "90000000000", "0.00000001", 3, T0 + 1300);
        take(s, "AA", "90000000000", "0.00000001", 4, T0 + 1400);
        assert_true(stats_of(s).refused > 0);
        (void)look_at(s, 1, "", T0 + 1500);
        hold(&cure, "AA", "10", "100", "100", 10, "-900", 20);
        deliver(s, &cure, T0 + 2000);
        look(s, T0 + 2000);
        expect(held(s, "AA")->p.size, "10");
        assert_int_equal(s->view.doubts & ~(uint32_t)DOUBT_ORDERS, 0);
        take(s, "AA", "-10", "100", 5, T0 + 2100);
        look(s, T0 + 2100);
        assert_int_equal(s->view.account.n_positions, 0);
}

static void equity_below_zero_is_shown(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("-1500");

        hold(&sheet, "AA", "10", "120", "100", 10, "", 20);
        deliver(s, &sheet, T0 + 1000);
        look(s, T0 + 1000);
        expect(s->view.account.account_value, "-500");
        expect(s->view.account.withdrawable, "0");
}

static void what_contradicts_itself_is_counted(void **state)
{
        struct script *s = *state;
        struct sheet twice = sheet_of("1000"), foreign = sheet_of("1000");
        struct feed_trade self = trade_of("AA", 1, 1, true, "1", "100", 1, T0 + 2000);
        struct feed_trade unknown = trade_of("ZZ", 1, 2, true, "1", "100", 2, T0 + 2000);
        struct feed_trade nobody = trade_of("AA", 7, 8, true, "1", "100", 3, T0 + 2000);
        struct feed_trade zero = trade_of("AA", 1, 8, true, "0", "100", 4, T0 + 2000);

        read_long(s, T0 + 1000);
        hold(&twice, "AA", "1", "100", "100", 10, "-90", 20);
        hold(&twice, "AA", "2", "100", "100", 10, "-90", 20);
        deliver(s, &twice, T0 + 1500);
        hold(&foreign, "dex:AA", "1", "100", "100", 10, "-90", 20);
        deliver(s, &foreign, T0 + 1600);
        assert_int_equal(stats_of(s).refused, 2);
        mirror_trades(s->mirror, &self, 1, T0 + 2000);
        mirror_trades(s->mirror, &unknown, 1, T0 + 2000);
        mirror_trades(s->mirror, &zero, 1, T0 + 2000);
        assert_int_equal(stats_of(s).refused, 5);
        mirror_trades(s->mirror, &nobody, 1, T0 + 2000);
        assert_int_equal(stats_of(s).refused, 5);
        look(s, T0 + 2000);
        expect(held(s, "AA")->p.size, "10");
        assert_false(is_ready(s, "AA", T0 + 2000));
        read_long(s, T0 + 3000);
        no_orders(s, T0 + 3000);
        assert_true(is_ready(s, "AA", T0 + 3000));
}

static void dexes_are_accounts_of_their_own(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("50");
        struct addr user = who(1);

        assert_int_equal(mirror_watch(s->mirror, &user, "xyz"), E_OK);
        assert_int_equal(mirror_watch(s->mirror, &user, "a-name-that-is-too-long"), E_INVALID);
        read_long(s, T0 + 1000);
        /* A market nobody announced: taken from the state. */
        hold(&sheet, "xyz:GOLD", "1", "4000", "4000", 10, "", 10);
        deliver_to(s, 1, "xyz", &sheet, T0 + 1000, T0 + 1000, T0 + 1000);
        take(s, "AA", "1", "100", 1, T0 + 2000);
        take(s, "xyz:GOLD", "1", "4000", 1, T0 + 2000);
        assert_int_equal(look_at(s, 1, "xyz", T0 + 2000), E_OK);
        expect(held(s, "xyz:GOLD")->p.size, "2");
        look(s, T0 + 2000);
        expect(held(s, "AA")->p.size, "11");
        mirror_unwatch(s->mirror, &user, "xyz");
        assert_int_equal(look_at(s, 1, "xyz", T0 + 2000), E_NOT_FOUND);
        assert_true(mirror_watches(s->mirror, &user, ""));
}

static void a_room_too_small_is_an_error(void **state)
{
        struct script *s = *state;
        struct mirror_view view = {.position = s->position, .position_max = 0};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        assert_int_equal(mirror_view(s->mirror, &user, "", T0 + 1000, &view), E_LIMIT);
}

static void a_feeds_events_come_to_their_accounts(void **state)
{
        struct script *s = *state;
        struct feed_topic trades = {.kind = FEED_TRADES, .symbol = "AA"};
        struct feed_topic own = {.kind = FEED_USER_FILLS, .user = who(1)};
        struct feed_trade row = trade_of("AA", 1, 9, true, "1", "100", 1, T0 + 2000);
        struct feed_context context = {
                .symbol = "AA", .mark = {num("101")}, .oracle = {num("101")}};
        struct venue_fill fill = {.symbol = "AA",
                                  .side = SIDE_SELL,
                                  .price = {num("100")},
                                  .size = {num("3")},
                                  .at = T0 + 2500,
                                  .tid = 2};
        struct feed_event e = {.topic = &trades, .at = T0 + 2000, .n = 1};

        read_long(s, T0 + 1000);
        e.kind = FEED_TRADE_ROWS;
        e.u.trade = &row;
        mirror_event(s->mirror, &e);
        e.kind = FEED_CONTEXT_ROWS;
        e.u.context = &context;
        mirror_event(s->mirror, &e);
        e.kind = FEED_FILL_ROWS;
        e.topic = &own;
        e.u.fill = &fill;
        mirror_event(s->mirror, &e);
        look(s, T0 + 3000);
        expect(held(s, "AA")->p.size, "8");
        expect(held(s, "AA")->p.value, "808");
        /* What comes again with a new subscription is known. */
        e.is_snapshot = true;
        mirror_event(s->mirror, &e);
        e.kind = FEED_GAP;
        e.topic = &trades;
        mirror_event(s->mirror, &e);
        look(s, T0 + 3000);
        expect(held(s, "AA")->p.size, "8");
        assert_true(s->view.doubts & DOUBT_GAP);
        /* The account's own fills name everything, once a state was asked for under them. */
        e.kind = FEED_LIVE;
        e.topic = &own;
        mirror_event(s->mirror, &e);
        read_long(s, T0 + 4000);
        look(s, T0 + 4000);
        assert_false(s->view.doubts & DOUBT_GAP);
}

static void figures_are_told_by_field(void **state)
{
        struct script *s = *state;
        struct sheet wrong = sheet_of("1000");
        struct buf out;

        read_long(s, T0 + 1000);
        hold(&wrong, "AA", "10", "100", "100", 10, "-950", 20);
        deliver(s, &wrong, T0 + 9000);
        prove(s, T0 + 10000);
        buf_init(&out, 65536);
        mirror_metrics(s->mirror, &out);
        assert_int_equal(buf_check(&out), E_OK);
        assert_non_null(strstr(
                buf_cstr(&out),
                "perpgate_mirror_drift_total{field=\"isolated_cash\",explained=\"no\"} 1\n"));
        assert_non_null(strstr(
                buf_cstr(&out),
                "perpgate_mirror_drift_causes_total{field=\"isolated_cash\",cause=\"none\"} 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_mirror_drifted 1\n"));
        assert_non_null(strstr(buf_cstr(&out), "perpgate_mirror_accounts 1\n"));
        buf_fini(&out);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(an_account_is_not_shown_before_it_was_read),
                T(a_state_is_shown_as_the_venue_said_it),
                T(the_mark_moves_what_depends_on_it),
                T(marks_of_one_frame_are_judged_together),
                T(a_trade_is_an_estimate_until_its_fill_is_told),
                T(a_trade_counts_once_however_it_comes),
                T(an_older_state_changes_nothing),
                T(a_state_of_before_a_trade_keeps_the_trade),
                T(trades_in_any_order_lead_to_the_same),
                T(a_flip_opens_on_the_markets_present_tiers),
                T(the_next_price_tells_which_tiers_a_position_follows),
                T(what_opens_where_no_tiers_are_known_is_in_doubt),
                T(dust_and_huge_sizes_break_nothing),
                T(equity_below_zero_is_shown),
                T(what_contradicts_itself_is_counted),
                T(dexes_are_accounts_of_their_own),
                T(a_room_too_small_is_an_error),
                T(a_feeds_events_come_to_their_accounts),
                T(figures_are_told_by_field),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
