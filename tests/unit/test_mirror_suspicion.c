/* What differs for no reason known yet: what explains it, and when nothing can any more. */
#include "mirror_script.h"

static void gap_since(struct script *s, const char *symbol, int64_t since, int64_t at)
{
        struct feed_topic t = {.kind = FEED_TRADES};

        snprintf(t.symbol, sizeof t.symbol, "%s", symbol);
        mirror_gap(s->mirror, &t, since, at);
}

/* A long of 10 is 15 in the next state, and no trade was told. */
static void read_more(struct script *s, int64_t at)
{
        struct sheet more = sheet_of("949");

        hold(&more, "AA", "15", "100.66666666", "100", 10, "-1359.255", 20);
        deliver(s, &more, at);
        assert_int_equal(stats_of(s).suspicions, 1);
        look(s, at);
        assert_true(s->view.doubts & DOUBT_GAP);
}

static void a_silence_that_is_told_later_explains(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        mirror_tick(s->mirror, T0 + 15000); /* no answer yet: it stays open */
        assert_int_equal(stats_of(s).suspicions, 1);
        gap_since(s, "BB", T0 + 4000, T0 + 15000); /* another market's */
        assert_int_equal(stats_of(s).suspicions, 1);
        gap_since(s, "AA", T0 + 4000, T0 + 15000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_GAP][FIELD_SIZE], 1);
        assert_int_equal(stats_of(s).wrong_ms_max, 4000);
        assert_int_equal(s->n_drift, 0);
}

static void a_silence_of_after_it_does_not(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        gap_since(s, "AA", T0 + 6000, T0 + 15000);
        mirror_tick(s->mirror, T0 + 15000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
        assert_int_equal(s->n_drift, 1);
}

static void an_answer_of_too_early_proves_nothing(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        prove(s, T0 + 5999);
        assert_int_equal(stats_of(s).suspicions, 1);
        prove(s, T0 + 6000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

static void without_any_answer_it_ends_too(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        mirror_tick(s->mirror, T0 + 94999);
        assert_int_equal(stats_of(s).suspicions, 1);
        mirror_tick(s->mirror, T0 + 95000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

static void a_part_of_the_trades_is_not_enough(void **state)
{
        struct script *s = *state;

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        take(s, "AA", "2", "102", 1, T0 + 2000);
        assert_int_equal(stats_of(s).suspicions, 1);
        take(s, "BB", "1", "10", 2, T0 + 2000); /* of another market: no part of it */
        assert_int_equal(stats_of(s).suspicions, 1);
        take(s, "AA", "3", "102", 3, T0 + 2100);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_SIZE], 1);
        prove(s, T0 + 9000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
}

static void a_market_not_held_before_may_have_a_gap_too(void **state)
{
        struct script *s = *state;
        struct sheet both = sheet_of("992");

        read_long(s, T0 + 1000);
        gap_since(s, "BB", T0 + 2000, T0 + 2000);
        hold(&both, "AA", "10", "100", "100", 10, "-900", 20);
        hold(&both, "BB", "5", "10", "10", 5, "-40", 10);
        deliver(s, &both, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_GAP][FIELD_SIZE], 1);
}

/* The mark was there and back between two looks: nobody was told, and no trade names him. */
static void what_goes_whole_without_a_trade_was_taken(void **state)
{
        struct script *s = *state;
        struct sheet left = sheet_of("1000");

        read_long(s, T0 + 1000);
        deliver(s, &left, T0 + 3000);
        mark(s, "AA", "92", T0 + 3100); /* told only now */
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 1);
        assert_false(s->liquidated.is_certain);
        expect(s->liquidated.size, "10");
        expect(s->liquidated.lost, "100");
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LIQUIDATION][FIELD_SIZE], 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
}

static void at_marks_where_nobody_is_taken_it_is_drift(void **state)
{
        struct script *s = *state;
        struct sheet left = sheet_of("1000");

        read_long(s, T0 + 1000);
        deliver(s, &left, T0 + 3000);
        mark(s, "AA", "97", T0 + 3100);
        prove(s, T0 + 4000);
        assert_int_equal(s->n_liquidated, 0);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 1);
}

static void an_account_that_goes_takes_its_suspicions_along(void **state)
{
        struct script *s = *state;
        struct addr user = who(1);

        read_long(s, T0 + 1000);
        read_more(s, T0 + 5000);
        mirror_unwatch(s->mirror, &user, "");
        assert_int_equal(stats_of(s).suspicions, 0);
        prove(s, T0 + 9000);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_SIZE], 0);
}

/* ---- orders ---- */

static void list_one(struct script *s, uint64_t oid, int64_t at)
{
        struct mirror_reading reading = {at, at};
        struct addr user = who(1);
        struct venue_open_order one = {.side = SIDE_BUY,
                                       .price = {num("90")},
                                       .size = {num("1")},
                                       .original_size = {num("1")},
                                       .oid = oid,
                                       .reduce_only = true};

        snprintf(one.symbol, sizeof one.symbol, "AA");
        mirror_orders(s->mirror, &user, "", &reading, &one, oid ? 1 : 0);
}

static void orders_topic(struct script *s, int64_t live_at)
{
        struct feed_topic t = {.kind = FEED_USER_ORDERS, .user = who(1)};

        mirror_live(s->mirror, &t, live_at);
}

static void an_order_that_a_list_tells_first_waits_for_its_word(void **state)
{
        struct script *s = *state;
        struct addr user = who(1);
        struct venue_order_status status = {
                .found = true,
                .status_at = T0 + 2900,
                .order = {.side = SIDE_BUY, .price = {num("90")}, .size = {num("1")}, .oid = 7}};

        read_long(s, T0 + 1000);
        orders_topic(s, T0 + 1000);
        list_one(s, 0, T0 + 1500);
        list_one(s, 7, T0 + 3000);
        assert_int_equal(stats_of(s).suspicions, 1);
        snprintf(status.order.symbol, sizeof status.order.symbol, "AA");
        snprintf(status.status, sizeof status.status, "open");
        mirror_order_status(s->mirror, &user, &status, T0 + 3100);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_ORDERS], 1);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_ORDERS], 0);
}

/* The list shows what is left of it before its fill is told. */
static void an_order_that_was_filled_waits_for_its_fill(void **state)
{
        struct script *s = *state;
        struct mirror_reading reading = {T0 + 3000, T0 + 3000};
        struct addr user = who(1);
        struct venue_open_order left = {.symbol = "AA",
                                        .side = SIDE_BUY,
                                        .price = {num("90")},
                                        .size = {num("0.4")},
                                        .original_size = {num("1")},
                                        .oid = 7};

        read_long(s, T0 + 1000);
        orders_topic(s, T0 + 1000);
        list_one(s, 7, T0 + 1500);
        mirror_orders(s->mirror, &user, "", &reading, &left, 1);
        assert_int_equal(stats_of(s).suspicions, 1);
        own_fill(s, "AA", "0.6", "90", "0", 1, T0 + 2900);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_ORDERS], 1);
}

static void push_one(struct script *s, uint64_t oid, const char *size, int64_t at)
{
        struct mirror_reading reading = {0, at};
        struct addr user = who(1);
        struct venue_open_order one = {.symbol = "AA",
                                       .side = SIDE_BUY,
                                       .price = {num("90")},
                                       .size = {num(size)},
                                       .original_size = {num("1")},
                                       .oid = oid};

        mirror_orders(s->mirror, &user, "", &reading, &one, oid ? 1 : 0);
}

/* Pushed lists that waited: the first is of before the order was placed, its word came before either. */
static void lists_that_come_late_take_each_other_back(void **state)
{
        struct script *s = *state;
        struct addr user = who(1);
        struct venue_order_status gone = {.found = true,
                                          .status_at = T0 + 18900,
                                          .status = "canceled",
                                          .order = {.symbol = "AA",
                                                    .side = SIDE_BUY,
                                                    .price = {num("90")},
                                                    .size = {num("1")},
                                                    .oid = 7}};

        read_long(s, T0 + 1000);
        orders_topic(s, T0 + 1000);
        list_one(s, 7, T0 + 1500);
        push_one(s, 0, "1", T0 + 9000);
        assert_int_equal(stats_of(s).suspicions, 1);
        push_one(s, 7, "1", T0 + 9020);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_ORDERS], 1);
        /* One that went comes, and goes again. */
        mirror_order_status(s->mirror, &user, &gone, T0 + 19000);
        push_one(s, 7, "1", T0 + 29000);
        assert_int_equal(stats_of(s).suspicions, 1);
        push_one(s, 0, "1", T0 + 29020);
        assert_int_equal(stats_of(s).suspicions, 0);
}

/* Another size is not what it was. */
static void a_list_that_tells_a_third_thing_takes_nothing_back(void **state)
{
        struct script *s = *state;
        struct mirror_reading reading = {T0 + 5000, T0 + 5000};
        struct addr user = who(1);
        struct venue_open_order other = {.symbol = "AA",
                                         .side = SIDE_BUY,
                                         .price = {num("90")},
                                         .size = {num("0.3")},
                                         .original_size = {num("1")},
                                         .oid = 7};

        read_long(s, T0 + 1000);
        orders_topic(s, T0 + 1000);
        list_one(s, 7, T0 + 1500);
        list_one(s, 0, T0 + 3000);
        assert_int_equal(stats_of(s).suspicions, 1);
        mirror_orders(s->mirror, &user, "", &reading, &other, 1);
        assert_int_equal(stats_of(s).suspicions, 2);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_LATE][FIELD_ORDERS], 0);
}

static void an_order_that_nobody_tells_of_is_drift(void **state)
{
        struct script *s = *state;
        struct feed_topic t = {.kind = FEED_USER_ORDERS, .user = who(1)};

        read_long(s, T0 + 1000);
        orders_topic(s, T0 + 1000);
        list_one(s, 0, T0 + 1500);
        list_one(s, 7, T0 + 3000);
        mirror_proven(s->mirror, &t, T0 + 4000);
        mirror_tick(s->mirror, T0 + 4100);
        assert_int_equal(stats_of(s).drift_unexplained[FIELD_ORDERS], 1);
        /* The silence of a topic, told later, would have explained it. */
        list_one(s, 0, T0 + 5000);
        assert_int_equal(stats_of(s).suspicions, 1);
        mirror_gap(s->mirror, &t, T0 + 4000, T0 + 9000);
        assert_int_equal(stats_of(s).suspicions, 0);
        assert_int_equal(stats_of(s).drift_cause[CAUSE_GAP][FIELD_ORDERS], 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, script_setup, script_teardown)
        const struct CMUnitTest tests[] = {
                T(a_silence_that_is_told_later_explains),
                T(a_silence_of_after_it_does_not),
                T(an_answer_of_too_early_proves_nothing),
                T(without_any_answer_it_ends_too),
                T(a_part_of_the_trades_is_not_enough),
                T(a_market_not_held_before_may_have_a_gap_too),
                T(what_goes_whole_without_a_trade_was_taken),
                T(at_marks_where_nobody_is_taken_it_is_drift),
                T(an_account_that_goes_takes_its_suspicions_along),
                T(an_order_that_a_list_tells_first_waits_for_its_word),
                T(an_order_that_was_filled_waits_for_its_fill),
                T(lists_that_come_late_take_each_other_back),
                T(a_list_that_tells_a_third_thing_takes_nothing_back),
                T(an_order_that_nobody_tells_of_is_drift),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
