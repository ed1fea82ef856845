/* order_watch: every change of an order is told once and in order, whatever is heard of it and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/order_watch.h"
#include "base/mem.h"

#define LOT 100
#define T0  1000000

static struct order_watch *watch;

static int setup(void **state)
{
        (void)state;
        watch = order_watch_new();
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        order_watch_free(watch);
        return 0;
}

static struct venue_open_order bid(uint64_t oid, int64_t left)
{
        struct venue_open_order o = {.symbol = "BTC",
                                     .side = SIDE_BUY,
                                     .price = {900},
                                     .size = {left},
                                     .original_size = {10 * LOT},
                                     .oid = oid,
                                     .placed_at = T0 + (int64_t)oid,
                                     .tif = "Gtc"};

        return o;
}

static struct venue_order_status word(uint64_t oid, const char *text, int64_t left, int64_t at)
{
        struct venue_order_status s = {.found = true, .status_at = at, .order = bid(oid, left)};

        assert_true(text_copy(s.status, sizeof s.status, text));
        return s;
}

static void hear(uint64_t oid, const char *text, int64_t left, int64_t at)
{
        struct venue_order_status s = word(oid, text, left, at);

        order_watch_status(watch, &s, at);
}

static void begin_empty(void)
{
        order_watch_list(watch, "", T0, NULL, 0, T0);
        order_watch_begin(watch, T0);
}

/* The next change is this one. */
static void next_is(uint64_t oid, const char *text, int64_t filled)
{
        struct order_watch_row row;
        bool is_named;

        assert_true(order_watch_first_change(watch, &row, &is_named));
        assert_int_equal(row.status.order.oid, oid);
        assert_string_equal(row.word, text);
        assert_int_equal(row.status.order.original_size.v - row.status.order.size.v, filled);
        order_watch_pop_change(watch);
}

static void no_more(void)
{
        struct order_watch_row row;
        bool is_named;

        assert_false(order_watch_first_change(watch, &row, &is_named));
}

static uint64_t question(int64_t now)
{
        struct order_watch_question q;

        return order_watch_next_question(watch, now, &q) ? q.oid : 0;
}

static void answer(uint64_t oid, const struct venue_order_status *status, int64_t now)
{
        const struct order_watch_question q = {.oid = oid};

        order_watch_answered(watch, &q, status, now);
}

static void what_stood_is_no_change(void **state)
{
        const struct venue_open_order rows[] = {bid(1, 10 * LOT), bid(2, 4 * LOT)};
        struct order_watch_row out[4];

        (void)state;
        order_watch_list(watch, "", T0, rows, 2, T0);
        order_watch_begin(watch, T0);
        no_more();
        assert_int_equal(order_watch_open(watch, out, 4), 2);
        assert_int_equal(out[0].status.order.oid, 2); /* newest first */
        assert_string_equal(out[0].word, "partiallyFilled");
        assert_string_equal(out[1].word, "resting");
        /* What ended before is told by nobody's being late. */
        hear(7, "canceled", 10 * LOT, T0 - 5001);
        no_more();
        hear(8, "canceled", 10 * LOT, T0 + 5);
        next_is(8, "cancelled", 0);
}

static void each_change_is_told_once(void **state)
{
        (void)state;
        begin_empty();
        for (int i = 0; i < 2; i++)
                hear(1, "open", 10 * LOT, T0 + 1);
        hear(1, "open", 7 * LOT, T0 + 2);
        hear(1, "open", 10 * LOT, T0 + 1);
        hear(1, "filled", 0, T0 + 3);
        hear(1, "open", 7 * LOT, T0 + 2);
        hear(1, "filled", 0, T0 + 3);
        next_is(1, "resting", 0);
        next_is(1, "partiallyFilled", 3 * LOT);
        next_is(1, "filled", 10 * LOT);
        no_more();
        assert_int_equal(order_watch_count(watch), 0);
}

static void an_answer_and_a_word_of_the_same_are_one(void **state)
{
        struct venue_open_order order = bid(0, 10 * LOT);
        struct venue_item item = {.status = ITEM_RESTING, .oid = 5};

        (void)state;
        begin_empty();
        order_watch_answer(watch, &order, &item, T0 + 1);
        hear(5, "open", 10 * LOT, T0 + 2);
        next_is(5, "resting", 0);
        order_watch_cancelled(watch, 5, NULL, T0 + 3);
        hear(5, "canceled", 10 * LOT, T0 + 4);
        next_is(5, "cancelled", 0);
        no_more();
        /* The other way round. */
        hear(6, "open", 10 * LOT, T0 + 5);
        hear(6, "canceled", 10 * LOT, T0 + 6);
        item.oid = 6;
        order_watch_answer(watch, &order, &item, T0 + 7);
        order_watch_cancelled(watch, 6, NULL, T0 + 8);
        next_is(6, "resting", 0);
        next_is(6, "cancelled", 0);
        no_more();
}

/* The cancel was answered; that it had been filled in part is told by the look that follows. */
static void a_cancel_s_fills_are_asked(void **state)
{
        struct venue_order_status s = word(5, "canceled", 8 * LOT, T0 + 4);

        (void)state;
        begin_empty();
        hear(5, "open", 10 * LOT, T0 + 2);
        order_watch_cancelled(watch, 5, NULL, T0 + 5);
        next_is(5, "resting", 0);
        next_is(5, "cancelled", 0);
        assert_int_equal(question(T0 + 5), 5);
        answer(5, &s, T0 + 6);
        next_is(5, "cancelled", 2 * LOT);
        assert_int_equal(question(INT64_MAX / 2), 0);
}

static void one_that_left_the_list_is_asked_until_it_is_told(void **state)
{
        struct venue_order_status gone = word(1, "marginCanceled", 10 * LOT, T0 + 50);
        struct venue_order_status open = word(1, "open", 10 * LOT, T0 + 1);
        struct order_watch_row row;
        bool is_named;

        (void)state;
        begin_empty();
        hear(1, "open", 10 * LOT, T0 + 1);
        next_is(1, "resting", 0);
        order_watch_list(watch, "", T0 + 1, NULL, 0, T0 + 2); /* asked before it was known */
        order_watch_list(watch, "xyz", T0 + 60, NULL, 0, T0 + 60);
        assert_int_equal(question(T0 + 60), 0);
        order_watch_list(watch, "", T0 + 60, NULL, 0, T0 + 61);
        assert_int_equal(question(T0 + 61), 1);
        assert_int_equal(question(T0 + 61), 0); /* it is on its way */
        answer(1, NULL, T0 + 62);
        assert_int_equal(question(T0 + 62), 0);
        assert_true(order_watch_is_asking(watch));
        assert_int_equal(question(T0 + 10000), 1);
        answer(1, &open, T0 + 10000); /* the list and the look don't agree: once more */
        no_more();
        assert_int_equal(question(T0 + 20000), 1);
        answer(1, &gone, T0 + 20000);
        assert_true(order_watch_first_change(watch, &row, &is_named));
        assert_true(is_named && row.is_over);
        assert_string_equal(row.status.status, "marginCanceled");
        next_is(1, "cancelled", 0);
        assert_false(order_watch_is_asking(watch));
}

static void one_that_the_venue_forgot_is_told_as_unknown(void **state)
{
        const struct venue_order_status nothing = {.found = false};
        int64_t now = T0 + 60;

        (void)state;
        begin_empty();
        hear(1, "open", 10 * LOT, T0 + 1);
        next_is(1, "resting", 0);
        order_watch_list(watch, "", now, NULL, 0, now);
        for (int i = 0; i < 20 && order_watch_is_asking(watch); i++) {
                now += 60000;
                assert_int_equal(question(now), 1);
                answer(1, &nothing, now);
        }
        next_is(1, "unknown", 0);
        no_more();
        assert_int_equal(order_watch_count(watch), 0);
        assert_false(order_watch_is_asking(watch));
}

static void a_trade_asks_whose_order_it_was(void **state)
{
        struct venue_order_status s = word(2, "filled", 0, T0 + 10);

        (void)state;
        begin_empty();
        hear(1, "open", 10 * LOT, T0 + 1);
        hear(2, "open", 10 * LOT, T0 + 1);
        next_is(1, "resting", 0);
        next_is(2, "resting", 0);
        order_watch_cancelled(watch, 1, NULL, T0 + 2);
        next_is(1, "cancelled", 0);
        assert_int_equal(question(T0 + 2), 1);
        assert_false(order_watch_traded(watch, "ETH", SIDE_BUY, (struct px){900}, T0 + 3));
        assert_false(order_watch_traded(watch, "BTC", SIDE_SELL, (struct px){900}, T0 + 3));
        assert_false(order_watch_traded(watch, "BTC", SIDE_BUY, (struct px){901}, T0 + 3));
        assert_true(order_watch_traded(watch, "BTC", SIDE_BUY, (struct px){900}, T0 + 3));
        assert_int_equal(question(T0 + 1000), 2);
        /* It traded once more while it was looked up: the answer may be older. */
        assert_true(order_watch_traded(watch, "BTC", SIDE_BUY, (struct px){900}, T0 + 1001));
        s = word(2, "open", 6 * LOT, T0 + 9);
        answer(2, &s, T0 + 1002);
        next_is(2, "partiallyFilled", 4 * LOT);
        assert_int_equal(question(T0 + 5000), 2);
        s = word(2, "filled", 0, T0 + 10);
        answer(2, &s, T0 + 5000);
        next_is(2, "filled", 10 * LOT);
        /* 1 was asked for once, and again since it may have been its fill. */
        s = word(1, "canceled", 10 * LOT, T0 + 2);
        answer(1, &s, T0 + 5001);
        assert_int_equal(question(T0 + 9000), 1);
        answer(1, &s, T0 + 9000);
        no_more();
        assert_false(order_watch_is_asking(watch));
}

static void a_leg_without_a_number_is_asked_by_its_name(void **state)
{
        struct venue_open_order leg = bid(0, 10 * LOT);
        struct venue_item item = {.status = ITEM_WAITING_PARENT};
        struct order_watch_question q;
        struct venue_order_status s = word(9, "open", 10 * LOT, T0 + 3);

        (void)state;
        begin_empty();
        leg.has_cloid = s.order.has_cloid = true;
        leg.cloid = s.order.cloid = (struct cloid){{7}};
        leg.is_trigger = s.order.is_trigger = true;
        order_watch_answer(watch, &leg, &item, T0 + 1);
        assert_true(order_watch_next_question(watch, T0 + 1000, &q));
        assert_int_equal(q.oid, 0);
        assert_true(hex_cloid_equal(&q.cloid, &leg.cloid));
        order_watch_answered(watch, &q, &s, T0 + 1000);
        next_is(9, "triggerPending", 0);
        s = word(9, "triggered", 10 * LOT, T0 + 2000);
        order_watch_status(watch, &s, T0 + 2000);
        next_is(9, "resting", 0);
        /* An older list has it as it was. */
        leg.oid = 9;
        order_watch_list(watch, "", T0 + 1500, &leg, 1, T0 + 2001);
        no_more();
}

static void names_are_asked_once(void **state)
{
        struct venue_order_status s = word(3, "open", 10 * LOT, T0 + 3);
        struct order_watch_row row;
        struct cloid out[4];
        bool is_named = true;

        (void)state;
        begin_empty();
        s.order.has_cloid = true;
        s.order.cloid = (struct cloid){{3}};
        order_watch_status(watch, &s, T0 + 3);
        assert_true(order_watch_first_change(watch, &row, &is_named));
        assert_false(is_named);
        assert_int_equal(order_watch_unnamed(watch, out, 4), 1);
        assert_int_equal(order_watch_unnamed(watch, out + 1, 3), 0);
        assert_true(order_watch_wants_names(watch));
        order_watch_name(watch, &out[0], "mine");
        assert_false(order_watch_wants_names(watch));
        assert_true(order_watch_first_change(watch, &row, &is_named));
        assert_true(is_named);
        assert_string_equal(row.name, "mine");
}

static void old_words_of_forgotten_orders_are_none(void **state)
{
        (void)state;
        begin_empty();
        for (uint64_t i = 1; i <= ORDER_WATCH_OVER + 8; i++) {
                hear(i, "open", 10 * LOT, T0 + (int64_t)i);
                hear(i, "canceled", 10 * LOT, T0 + (int64_t)i);
                next_is(i, "resting", 0);
                next_is(i, "cancelled", 0);
        }
        hear(1, "open", 10 * LOT, T0 + 1);
        hear(1, "canceled", 10 * LOT, T0 + 1);
        no_more();
}

static void too_much_at_once_is_told_as_lost(void **state)
{
        (void)state;
        begin_empty();
        for (uint64_t i = 1; i <= ORDER_WATCH_CHANGES; i++)
                hear(i, "open", 10 * LOT, T0 + (int64_t)i);
        assert_false(order_watch_is_lost(watch));
        hear(ORDER_WATCH_CHANGES + 1, "open", 10 * LOT, T0 + 5000);
        assert_true(order_watch_is_lost(watch));
        order_watch_begin(watch, T0 + 6000);
        assert_false(order_watch_is_lost(watch));
        no_more();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_stood_is_no_change, setup, teardown),
                cmocka_unit_test_setup_teardown(each_change_is_told_once, setup, teardown),
                cmocka_unit_test_setup_teardown(an_answer_and_a_word_of_the_same_are_one, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_cancel_s_fills_are_asked, setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_left_the_list_is_asked_until_it_is_told,
                                                setup, teardown),
                cmocka_unit_test_setup_teardown(one_that_the_venue_forgot_is_told_as_unknown, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_trade_asks_whose_order_it_was, setup, teardown),
                cmocka_unit_test_setup_teardown(a_leg_without_a_number_is_asked_by_its_name, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(names_are_asked_once, setup, teardown),
                cmocka_unit_test_setup_teardown(old_words_of_forgotten_orders_are_none, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(too_much_at_once_is_told_as_lost, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
