/* Scripted histories: liquidations, told, likely and taken over. */
#include "mirror_script.h"

static void a_liquidation_tells_what_was_lost(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1000");

        read_long(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        assert_true(s->n_crossed > 0);
        take(s, "AA", "-10", "91.5", 1, T0 + 2100);
        mirror_liquidated(s->mirror, &word, T0 + 2200);
        look(s, T0 + 2300);
        assert_true(s->view.doubts & DOUBT_LIQUIDATED);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "10");
        assert_true(s->liquidated.is_isolated && s->liquidated.is_certain);
        /* 100 of margin, less what the sale at 91.5 let back: 15 less the fee of 0.4575. */
        expect(s->liquidated.lost, "85.4575");
        expect(s->liquidated.kept, "1000");
        deliver(s, &left, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
}

/* Nobody told: the account has no subscription. */
static void a_position_taken_with_its_margin_is_no_drift(void **state)
{
        struct script *s = *state;
        struct sheet left = sheet_of("1000");

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        assert_true(s->liquidated.is_certain); /* nothing else takes a position so */
        expect(s->liquidated.size, "10");
        expect(s->liquidated.lost, "100");
        expect(s->liquidated.kept, "1000");
        deliver(s, &left, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        assert_int_equal(stats_of(s).drift_explained[FIELD_SIZE], 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
        assert_int_equal(s->n_drift, 0);
        assert_true(is_ready(s, "", T0 + 4000));
}

static void a_cross_account_taken_whole_is_no_drift(void **state)
{
        struct script *s = *state;
        struct sheet had = sheet_of("-800"), left = sheet_of("0");

        hold(&had, "AA", "10", "100", "100", 10, "", 20);
        hold(&had, "BB", "-5", "10", "10", 5, "", 10);
        deliver(s, &had, T0 + 1000);
        no_orders(s, T0 + 1000);
        mark(s, "AA", "85", T0 + 2000);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 2);
        assert_true(s->liquidated.is_certain && !s->liquidated.is_isolated);
        deliver(s, &left, T0 + 4000);
        assert_int_equal(stats_of(s).drift_explained[FIELD_SIZE], 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
        assert_int_equal(s->n_drift, 0);
}

static void what_else_is_wrong_beside_a_liquidation_is_drift(void **state)
{
        struct script *s = *state;
        struct sheet had = sheet_of("1000"), left = sheet_of("1000");

        hold(&had, "AA", "10", "100", "100", 10, "-900", 20);
        hold(&had, "BB", "5", "10", "10", 5, "-40", 10);
        deliver(s, &had, T0 + 1000);
        no_orders(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        hold(&left, "BB", "6", "10", "10", 5, "-48", 10);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "10");
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

/* Its margin came back: it was closed by somebody, and no trade was told of it. */
static void a_position_gone_beyond_its_price_is_suspected(void **state)
{
        struct script *s = *state;
        struct sheet left = sheet_of("1010");

        read_long(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        assert_false(s->liquidated.is_certain);
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

static void a_position_still_beyond_its_price_stays_suspected(void **state)
{
        struct script *s = *state;
        struct sheet left = sheet_of("1000"), again = sheet_of("1000");

        read_long(s, T0 + 1000);
        no_orders(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        look(s, T0 + 2100);
        assert_true(s->view.doubts & DOUBT_LIQUIDATED);
        assert_int_equal(s->trust[0].source, SOURCE_ESTIMATE);
        assert_false(is_ready(s, "AA", T0 + 2100));
        read_long(s, T0 + 3000);
        assert_int_equal(s->n_liquidated, 0);
        assert_true(is_ready(s, "AA", T0 + 3000));
        deliver(s, &left, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        assert_int_equal(stats_of(s).drift_explained[FIELD_SIZE], 1);
        /* Asked for before the mark came there: it says nothing yet. */
        mark(s, "AA", "100", T0 + 4100);
        read_long(s, T0 + 5000);
        mark(s, "AA", "92", T0 + 6000);
        hold(&again, "AA", "10", "100", "100", 10, "-900", 20);
        deliver_to(s, 1, "", &again, T0 + 5900, T0 + 5900, T0 + 6100);
        mark(s, "AA", "100", T0 + 6200);
        deliver(s, &left, T0 + 7000);
        assert_int_equal(s->n_liquidated, 2);
        /* Back within it and there when read after: nothing was liquidated. */
        read_long(s, T0 + 8000);
        mark(s, "AA", "92", T0 + 9000);
        mark(s, "AA", "100", T0 + 9100);
        read_long(s, T0 + 10000);
        deliver(s, &left, T0 + 11000);
        assert_int_equal(s->n_liquidated, 2);
}

static void what_is_left_of_a_position_is_not_lost(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1000");

        read_long(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        mirror_liquidated(s->mirror, &word, T0 + 2200);
        /* A fifth sold at 92: 16 of the margin are gone, the rest stays with what is left. */
        hold(&left, "AA", "8", "100", "92", 10, "-716", 20);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "2");
        expect(s->liquidated.lost, "16");
}

static void what_our_own_order_closed_is_not_liquidated(void **state)
{
        struct script *s = *state;
        struct venue_action sell = order_action(true, "10", "90", TIF_IOC);
        struct sheet left = sheet_of("1019.54");
        uint64_t ticket;

        read_long(s, T0 + 1000);
        mark(s, "AA", "92", T0 + 2000);
        ticket = send(s, &sell, T0 + 2100);
        tell(s, ticket, ITEM_FILLED, "10", "92", 77, T0 + 2300);
        take(s, "AA", "-10", "92", 1, T0 + 2200);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 0);
        look(s, T0 + 3000);
        assert_int_equal(s->view.account.n_positions, 0);
}

/* By the rule of a standard account it would be gone long since. */
static void a_pooled_account_is_not_suspected(void **state)
{
        struct script *s = *state;
        struct sheet had = sheet_of("-1000"), less = sheet_of("-500");
        struct addr user = who(1);

        mirror_pool(s->mirror, &user, mirror_pool_from("unified"), T0 + 500);
        hold(&had, "AA", "10", "100", "100", 10, "", 20);
        deliver(s, &had, T0 + 1000);
        mark(s, "AA", "99", T0 + 2000);
        look(s, T0 + 2000);
        assert_false(s->view.doubts & DOUBT_LIQUIDATED);
        hold(&less, "AA", "5", "100", "99", 10, "", 20);
        deliver(s, &less, T0 + 3000);
        assert_int_equal(s->n_liquidated, 0);
}

/* ---- the word comes last ---- */

static struct venue_fill liquidating_fill(const char *size, const char *price, int64_t at)
{
        struct venue_fill f = {.symbol = "AA",
                               .side = SIDE_SELL,
                               .price = {num(price)},
                               .size = {num(size)},
                               .at = at,
                               .tid = 1,
                               .oid = 7,
                               .is_taker = true,
                               .direction = "Liquidated Isolated Long"};

        return f;
}

static void expect_told(struct script *s, const char *lost)
{
        assert_int_equal(s->n_liquidated, 1);
        assert_true(s->liquidated.is_certain && s->liquidated.is_isolated);
        expect(s->liquidated.size, "10");
        expect(s->liquidated.lost, lost);
}

/* The sale is told, a state is read, and only then comes the word. */
static void a_state_between_the_sale_and_the_word_loses_nothing(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1014.5425");

        read_long(s, T0 + 1000);
        take(s, "AA", "-10", "91.5", 1, T0 + 2100);
        deliver(s, &left, T0 + 2200);
        assert_int_equal(s->n_liquidated, 0);
        mirror_liquidated(s->mirror, &word, T0 + 2300);
        expect_told(s, "85.4575");
        expect(s->liquidated.kept, "1014.5425");
        deliver(s, &left, T0 + 3000);
        mirror_liquidated(s->mirror, &word, T0 + 3100);
        deliver(s, &left, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
}

/* The state comes before the sale is told. */
static void a_state_before_the_sale_and_the_word_loses_nothing(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1014.5425");

        read_long(s, T0 + 1000);
        deliver(s, &left, T0 + 2200);
        take(s, "AA", "-10", "91.5", 1, T0 + 2100);
        mirror_liquidated(s->mirror, &word, T0 + 2300);
        expect_told(s, "85.4575");
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
}

static void the_accounts_own_fill_is_word_enough(void **state)
{
        struct script *s = *state;
        struct addr user = who(1);
        struct venue_fill fill = liquidating_fill("10", "91.5", T0 + 2100);
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1014.5425");

        read_long(s, T0 + 1000);
        take(s, "AA", "-10", "91.5", 1, T0 + 2100);
        deliver(s, &left, T0 + 2200);
        mirror_fills(s->mirror, &user, &fill, 1, false, T0 + 2300);
        expect_told(s, "85.4575");
        mirror_liquidated(s->mirror, &word, T0 + 2400);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
}

/* Bought a moment before, and not read since. */
static void a_position_opened_just_before_is_told(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet empty = sheet_of("1100"), left = sheet_of("1000");
        struct mirror_reading reading = {T0 + 900, T0 + 900};
        struct addr user = who(1);

        mirror_setting(s->mirror, &user, "AA", &reading, MARGIN_ISOLATED, 10);
        deliver(s, &empty, T0 + 1000);
        take(s, "AA", "10", "100", 1, T0 + 2000);
        mirror_liquidated(s->mirror, &word, T0 + 2200);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 1);
        expect(s->liquidated.size, "10");
}

static void what_we_closed_is_not_told_by_a_later_word(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct venue_action sell = order_action(true, "10", "90", TIF_IOC);
        struct sheet left = sheet_of("1019.54");

        read_long(s, T0 + 1000);
        tell(s, send(s, &sell, T0 + 2000), ITEM_FILLED, "10", "92", 77, T0 + 2100);
        take(s, "AA", "-10", "92", 1, T0 + 2100);
        deliver(s, &left, T0 + 2200);
        mirror_liquidated(s->mirror, &word, T0 + 2300);
        deliver(s, &left, T0 + 3000);
        assert_int_equal(s->n_liquidated, 0);
}

static void a_word_of_much_later_is_of_something_else(void **state)
{
        struct script *s = *state;
        struct feed_liquidation word = {.user = who(1)};
        struct sheet left = sheet_of("1014.5425");

        read_long(s, T0 + 1000);
        take(s, "AA", "-10", "91.5", 1, T0 + 2100);
        deliver(s, &left, T0 + 2200);
        mirror_liquidated(s->mirror, &word, T0 + 12200);
        deliver(s, &left, T0 + 13000);
        assert_int_equal(s->n_liquidated, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(a_liquidation_tells_what_was_lost),
                T(a_position_taken_with_its_margin_is_no_drift),
                T(a_cross_account_taken_whole_is_no_drift),
                T(what_else_is_wrong_beside_a_liquidation_is_drift),
                T(a_position_gone_beyond_its_price_is_suspected),
                T(a_position_still_beyond_its_price_stays_suspected),
                T(what_is_left_of_a_position_is_not_lost),
                T(what_our_own_order_closed_is_not_liquidated),
                T(a_pooled_account_is_not_suspected),
                T(a_state_between_the_sale_and_the_word_loses_nothing),
                T(a_state_before_the_sale_and_the_word_loses_nothing),
                T(the_accounts_own_fill_is_word_enough),
                T(a_position_opened_just_before_is_told),
                T(what_we_closed_is_not_told_by_a_later_word),
                T(a_word_of_much_later_is_of_something_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
