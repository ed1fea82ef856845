/* order_page, order_told: pages of orders and the cursors between them; what an answer says of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/order_page.h"
#include "api/order_told.h"
#include "base/mem.h"

static struct venue_order_status row(int64_t at, uint64_t oid, const char *status)
{
        struct venue_order_status s = {.found = true, .status_at = at, .order = {.oid = oid}};

        text_copy(s.status, sizeof s.status, status);
        return s;
}

static void the_latest_state_of_each_is_left_newest_first(void **state)
{
        struct venue_order_status rows[] = {row(5, 1, "open"),   row(9, 1, "filled"),
                                            row(9, 3, "open"),   row(7, 2, "open"),
                                            row(8, 2, "filled"), row(1, 4, "open")};

        (void)state;
        assert_int_equal(order_page_tidy(rows, 0), 0);
        assert_int_equal(order_page_tidy(rows, 6), 4);
        assert_int_equal(rows[0].order.oid, 3); /* of one time, the higher number first */
        assert_int_equal(rows[1].order.oid, 1);
        assert_string_equal(rows[1].status, "filled");
        assert_int_equal(rows[2].order.oid, 2);
        assert_int_equal(rows[3].order.oid, 4);
}

static void a_page_goes_on_behind_the_last_one_shown(void **state)
{
        struct venue_order_status rows[] = {row(9, 3, ""), row(9, 1, ""), row(8, 2, "")};

        (void)state;
        assert_int_equal(order_page_behind(rows, 3, &(struct order_place){10, 1}), 0);
        assert_int_equal(order_page_behind(rows, 3, &(struct order_place){9, 3}), 1);
        assert_int_equal(order_page_behind(rows, 3, &(struct order_place){9, 2}),
                         1); /* it is gone */
        assert_int_equal(order_page_behind(rows, 3, &(struct order_place){9, 1}), 2);
        assert_int_equal(order_page_behind(rows, 3, &(struct order_place){8, 2}), 3);
        assert_int_equal(order_page_behind(rows, 0, &(struct order_place){8, 2}), 0);
}

static void a_cursor_is_of_its_list(void **state)
{
        static const char *const bad[] = {"",         "x",        "bzE6",
                                          "cDE6LTI",  "bzo6MQ",   "bzE6MjM0NTY3ODkwMTIzNDU2Nzg5MDE",
                                          "bzE6Mg==", "bzE6Mg\n", "AAAAAAAA"};
        struct order_place place = {1700000000123, 18000000000000}, back;
        char cursor[ORDER_CURSOR_MAX];

        (void)state;
        order_page_print_cursor(cursor, ORDER_LIST_OPEN, &place);
        assert_int_equal(order_page_parse_cursor(&back, ORDER_LIST_OPEN, cursor), E_OK);
        assert_int_equal(back.at, place.at);
        assert_int_equal(back.oid, place.oid);
        assert_int_equal(order_page_parse_cursor(&back, ORDER_LIST_PAST, cursor), E_INVALID);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(order_page_parse_cursor(&back, ORDER_LIST_OPEN, bad[i]),
                                 E_INVALID);
}

static void told(const char *answer, const char *id, bool is_refused, const char *message)
{
        struct order_told out;

        order_told_read(&out, answer, id);
        assert_int_equal(out.is_refused, is_refused);
        assert_string_equal(out.venue_message, message);
}

static void an_answer_tells_of_its_orders(void **state)
{
        static const char order[] =
                "{\"id\":\"0xa\",\"status\":\"resting\",\"legs\":[{\"id\":\"0xb\",\"status\":"
                "\"rejected\",\"detail\":\"No.\"},{\"id\":\"0xc\",\"status\":\"triggerPending\"}]}";
        static const char problem[] = "{\"status\":422,\"venueMessage\":\"Too "
                                      "small.\",\"id\":\"0xa\",\"orderStatus\":\"rejected\"}";
        static const char of_batch[] = "{\"id\":\"0xa\",\"status\":\"rejected\",\"error\":"
                                       "{\"status\":422,\"venueMessage\":\"Too small.\"}}";

        (void)state;
        told(order, "0xa", false, "");
        told(order, "0xb", true, "No.");
        told(order, "0xc", false, "");
        told(order, "0xd", false, "");
        told(problem, "0xa", true, "Too small.");
        told(of_batch, "0xa", true, "Too small.");
        told("{\"id\":1,\"legs\":{},\"status\":[]}", "0xa", false, "");
        told("[]", "0xa", false, "");
        told("{", "0xa", false, "");
        told(NULL, "0xa", false, "");
}

static void an_end_is_told_with_its_size(void **state)
{
        static const char order[] = "{\"id\":\"0xa\",\"status\":\"filled\",\"filledSize\":\"0.02\","
                                    "\"legs\":[{\"id\":\"0xb\",\"status\":\"filled\"}]}";
        struct order_told out;

        (void)state;
        order_told_read(&out, order, "0xa");
        assert_true(out.is_filled);
        assert_string_equal(out.filled_size, "0.02");
        order_told_read(&out, order, "0xb"); /* of a leg no size is told */
        assert_false(out.is_filled);
        order_told_read(&out,
                        "{\"id\":\"0xa\",\"status\":\"partiallyFilled\","
                        "\"filledSize\":\"0.02\"}",
                        "0xa");
        assert_false(out.is_filled);
        order_told_read(&out, "{\"id\":\"0xa\",\"status\":\"filled\",\"filledSize\":2}", "0xa");
        assert_false(out.is_filled);
        order_told_read(&out,
                        "{\"id\":\"0xa\",\"status\":\"filled\",\"filledSize\":"
                        "\"1111111111111111111111111111111111111111111111111111111111111111\"}",
                        "0xa");
        assert_false(out.is_filled);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_latest_state_of_each_is_left_newest_first),
                cmocka_unit_test(a_page_goes_on_behind_the_last_one_shown),
                cmocka_unit_test(a_cursor_is_of_its_list),
                cmocka_unit_test(an_answer_tells_of_its_orders),
                cmocka_unit_test(an_end_is_told_with_its_size),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
