/* Who is read next, who gets a subscription, what crossings are told, and what an account weighs. */
#include <stdlib.h>

#include "mirror_script.h"

static bool next(struct script *s, int64_t now, struct mirror_need *need)
{
        return mirror_next_need(s->mirror, now, need);
}

static void watch(struct script *s, unsigned user)
{
        struct addr addr = who(user);

        assert_int_equal(mirror_watch(s->mirror, &addr, ""), E_OK);
        mirror_pool(s->mirror, &addr, MARGIN_POOL_STANDARD, T0);
}

static void read_of(struct script *s, unsigned user, const char *raw, int64_t at)
{
        struct sheet sheet = sheet_of("1000");

        if (raw)
                hold(&sheet, "AA", "10", "100", "100", 10, raw, 20);
        deliver_to(s, user, "", &sheet, at, at, at);
}

static void the_most_urgent_comes_first(void **state)
{
        struct script *s = *state;
        struct feed_trade trade = trade_of("AA", 2, 99, true, "1", "100", 1, T0 + 2000);
        struct addr waiting = who(6), attended = who(5);
        static const unsigned order[] = {6, 2, 4, 5, 3};
        struct mirror_need need;
        int64_t late = T0 + 10000000;

        for (unsigned user = 2; user <= 7; user++)
                watch(s, user);
        read_of(s, 1, NULL, T0 + 1000);   /* flat: not at all */
        read_of(s, 2, "-900", T0 + 1000); /* a fill to verify */
        read_of(s, 3, "-500", T0 + 1000); /* held: the sweep */
        read_of(s, 4, "-940", T0 + 1000); /* near liquidation */
        read_of(s, 5, NULL, T0 + 1000);   /* a socket */
        read_of(s, 6, NULL, T0 + 1000);   /* somebody waits */
        read_of(s, 7, NULL, T0 + 1000);
        mirror_trades(s->mirror, &trade, 1, T0 + 2000);
        mirror_attend(s->mirror, &attended, 1, T0 + 2000);
        mirror_want(s->mirror, &waiting, "", T0 + 2000);
        for (size_t i = 0; i < 5; i++) {
                struct addr expected = who(order[i]);

                assert_true(next(s, late, &need));
                assert_memory_equal(&need.user, &expected, sizeof expected);
        }
        assert_false(next(s, late, &need));
}

static void fills_are_verified_together_after_a_while(void **state)
{
        struct script *s = *state;
        struct mirror_need need;

        read_long(s, T0 + 1000);
        take(s, "AA", "1", "100", 1, T0 + 2000);
        take(s, "AA", "1", "100", 2, T0 + 4000);
        assert_false(next(s, T0 + 6999, &need));
        assert_true(next(s, T0 + 7000, &need));
        assert_int_equal(need.rank, RANK_VERIFY);
        /* Taken: not told again, until it fails or has been away for long. */
        assert_false(next(s, T0 + 8000, &need));
        mirror_read_failed(s->mirror, &need.user, "", T0 + 8000);
        assert_false(next(s, T0 + 9999, &need));
        assert_true(next(s, T0 + 10000, &need));
        mirror_read_failed(s->mirror, &need.user, "", T0 + 10000);
        assert_false(next(s, T0 + 13999, &need));
        assert_true(next(s, T0 + 14000, &need));
        assert_false(next(s, T0 + 43999, &need));
        assert_true(next(s, T0 + 44000, &need));
}

static void who_may_have_missed_something_is_found(void **state)
{
        struct script *s = *state;
        struct mirror_need need;

        watch(s, 2);
        read_of(s, 1, "-500", T0 + 1000);
        read_of(s, 2, NULL, T0 + 1000);
        trades_topic(s, "AA", false, T0 + 2000);
        trades_topic(s, "AA", true, T0 + 3000);
        assert_false(next(s, T0 + 3000, &need));
        mirror_tick(s->mirror, T0 + 3000);
        assert_true(next(s, T0 + 3000, &need));
        assert_int_equal(need.rank, RANK_GAP);
        assert_int_equal(need.user.b[19], 1);
        assert_false(next(s, T0 + 3000, &need));
        read_of(s, 1, "-500", T0 + 4000);
        assert_int_equal(stats_of(s).due[RANK_SWEEP], 1);
}

static void the_order_of_needs_is_right_for_many(void **state)
{
        struct script *s = *state;
        struct mirror_need need;
        int64_t last = 0;
        unsigned n = 0;

        for (unsigned user = 2; user < 2000; user++) {
                watch(s, user);
                read_of(s, user, "-500", T0 + 1000 + (user * 7919) % 2003);
        }
        for (unsigned user = 2; user < 2000; user += 3) {
                struct addr addr = who(user);

                mirror_unwatch(s->mirror, &addr, "");
        }
        mirror_read_failed(s->mirror, &(struct addr){{1}}, "", T0);
        while (next(s, T0 + 100000000, &need)) {
                if (need.rank == RANK_SWEEP && need.due_at) {
                        assert_true(need.due_at >= last);
                        last = need.due_at;
                }
                n++;
        }
        assert_int_equal(n, 1 + 1998 - 666);
}

static void subscriptions_go_to_those_with_most_at_stake(void **state)
{
        struct script *s = *state;
        struct addr out[4], attended = who(4);

        for (unsigned user = 2; user <= 30; user++) {
                watch(s, user);
                read_of(s, user, user == 7 ? "-940" : "-500", T0 + 1000);
        }
        mirror_attend(s->mirror, &attended, 1, T0 + 1000);
        assert_int_equal(mirror_user_slots(s->mirror, T0 + 2000, out, 4), 4);
        assert_int_equal(out[0].b[19], 7);
        assert_int_equal(out[1].b[19], 4);
        for (size_t i = 1; i < 4; i++)
                for (size_t k = 0; k < i; k++)
                        assert_false(hex_addr_equal(&out[i], &out[k]));
        assert_int_equal(mirror_user_slots(s->mirror, T0 + 2000, out, 0), 0);
}

static void a_band_is_told_once_each_way(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("1000");

        /* Liquidated at 750 / (10 * 0.975) = 76.923: 20 percent from 96.15 on. */
        hold(&sheet, "AA", "10", "100", "100", 4, "-750", 20);
        deliver(s, &sheet, T0 + 1000);
        assert_int_equal(s->n_crossed, 0);
        mark(s, "AA", "96.2", T0 + 1100);
        assert_int_equal(s->n_crossed, 0);
        mark(s, "AA", "96.1", T0 + 1200);
        assert_int_equal(s->n_crossed, 1);
        assert_true(s->crossed[0].reached);
        assert_int_equal(s->crossed[0].level, LEVEL_BAND);
        assert_int_equal(s->crossed[0].band.v, NUM_RATE_SCALE / 5);
        assert_false(s->crossed[0].is_cross);
        /* Back within the hysteresis (21 percent: 97.37): nothing. */
        mark(s, "AA", "97", T0 + 1300);
        mark(s, "AA", "96", T0 + 1400);
        assert_int_equal(s->n_crossed, 1);
        mark(s, "AA", "97.5", T0 + 1500);
        assert_int_equal(s->n_crossed, 2);
        assert_false(s->crossed[1].reached);
        /* Through all of them at once, in order. */
        mark(s, "AA", "76", T0 + 1600);
        assert_int_equal(s->n_crossed, 6);
        assert_int_equal(s->crossed[2].level, LEVEL_BAND);
        assert_int_equal(s->crossed[3].level, LEVEL_BAND + 1);
        assert_int_equal(s->crossed[4].level, LEVEL_BAND + 2);
        assert_int_equal(s->crossed[5].level, LEVEL_LIQUIDATION);
        assert_int_equal(s->crossed[5].distance.v, 0);
}

static void a_cross_account_is_told_as_a_whole(void **state)
{
        struct script *s = *state;
        struct sheet sheet = sheet_of("-500");

        /* Liquidated by AA at about 41.5, were BB to stand still. */
        hold(&sheet, "AA", "10", "100", "100", 10, "", 20);
        hold(&sheet, "BB", "10", "10", "10", 10, "", 10);
        deliver(s, &sheet, T0 + 1000);
        assert_int_equal(s->n_crossed, 0);
        for (int price = 99; price >= 41; price--) {
                char text[16];

                snprintf(text, sizeof text, "%d", price);
                mark(s, "AA", text, T0 + 2000 - price);
        }
        assert_int_equal(s->n_crossed, 4);
        for (unsigned i = 0; i < 4; i++) {
                assert_true(s->crossed[i].is_cross && s->crossed[i].reached);
                assert_string_equal(s->crossed[i].symbol, "AA");
        }
        assert_int_equal(s->crossed[3].level, LEVEL_LIQUIDATION);
        mark(s, "AA", "100", T0 + 3000);
        assert_int_equal(s->n_crossed, 8);
        assert_false(s->crossed[7].reached);
}

static void margin_that_is_added_leaves_the_band(void **state)
{
        struct script *s = *state;
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct venue_outcome outcome = {.result = VENUE_DONE};
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        assert_int_equal(s->n_crossed, 2); /* 7.7 percent: two bands at once */
        margin.u.margin.amount.v = num("500");
        mirror_outcome(s->mirror, mirror_sent(s->mirror, &user, &margin, T0 + 2000), &outcome,
                       T0 + 2100);
        assert_int_equal(s->n_crossed, 4);
        assert_false(s->crossed[3].reached);
        assert_int_equal(s->crossed[3].level, LEVEL_BAND);
}

static void an_account_with_three_positions_is_small(void **state)
{
        struct script *s = *state;
        struct mirror_stats stats;
        size_t each;

        set_market(s, "CC", 2, 10, "", 0, T0);
        mark(s, "CC", "5", T0);
        for (unsigned i = 0; i < 100000; i++) {
                struct addr user = {{(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1}};
                struct mirror_reading reading = {T0 + 1000, T0 + 1000};
                struct sheet sheet = sheet_of("1000");

                hold(&sheet, "AA", "10", "100", "100", 10, "-900", 20);
                hold(&sheet, "BB", "-10", "10", "10", 10, "", 10);
                hold(&sheet, "CC", "10", "5", "5", 10, "", 10);
                sheet.account.as_of = T0 + 1000;
                sheet.account.position = sheet.position;
                assert_int_equal(mirror_watch(s->mirror, &user, ""), E_OK);
                mirror_state(s->mirror, &user, "", &reading, &sheet.account);
        }
        stats = stats_of(s);
        assert_int_equal(stats.accounts, 100001);
        assert_int_equal(stats.positions, 300000);
        each = stats.bytes / stats.accounts;
        printf("  %zu bytes an account of three positions\n", each);
        assert_true(each < 2048);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(the_most_urgent_comes_first),
                T(fills_are_verified_together_after_a_while),
                T(who_may_have_missed_something_is_found),
                T(the_order_of_needs_is_right_for_many),
                T(subscriptions_go_to_those_with_most_at_stake),
                T(a_band_is_told_once_each_way),
                T(a_cross_account_is_told_as_a_whole),
                T(margin_that_is_added_leaves_the_band),
                T(an_account_with_three_positions_is_small),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
