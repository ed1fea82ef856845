/* The addresses that requests leave from, and their budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_egress.h"
#include "hl_fixture.h"

static const char three[][VENUE_ADDRESS_MAX] = {"127.0.0.2", "127.0.0.3", "127.0.0.4"};

static struct hl_egress *egress;

static struct hl_egress *open_on(const char (*address)[VENUE_ADDRESS_MAX], unsigned n)
{
        struct hl_egress_options options = {
                .n_addresses = n,
                .address = address,
                .weight_per_minute = 100,
                .order_reserve = 40,
        };

        return hl_egress_new(loop, &options);
}

static int open_three(void **state)
{
        (void)state;
        loop = loop_new();
        egress = open_on(three, 3);
        return 0;
}

static int close_three(void **state)
{
        (void)state;
        hl_egress_end(egress);
        hl_egress_free(egress);
        loop_free(loop);
        return 0;
}

/* The address it left from, or -1 where there is no weight. */
static int take(enum hl_egress_use use, unsigned weight, uint32_t hash, uint32_t tried)
{
        struct hl_egress_ask ask = {use, weight, hash, tried};
        unsigned address;
        int64_t wait;

        if (hl_egress_take(egress, &address, &wait, &ask))
                return (int)address;
        assert_true(wait > 0 && wait <= 61000);
        return -1;
}

/* What is refused or fails does so for longer than the test takes. */
static void end(unsigned address, enum http_result result, long status)
{
        struct http_answer answer = {.result = result, .status = status, .retry_after_ms = 50000};

        for (int i = 0; i < (result == HTTP_ANSWERED ? 1 : 8); i++)
                hl_egress_ended(egress, address, &answer);
}

static void equal_reads_leave_from_one_address(void **state)
{
        (void)state;
        for (uint32_t hash = 0; hash < 9; hash++)
                for (int i = 0; i < 3; i++)
                        assert_int_equal(take(HL_EGRESS_READ, 2, hash, 0), hash % 3);
}

static void each_address_has_its_own_weight(void **state)
{
        struct venue_budget budget;
        unsigned n[3] = {0};

        (void)state;
        hl_egress_budget(egress, &budget);
        assert_int_equal(budget.n_addresses, 3);
        assert_int_equal(budget.weight_per_minute, 300);
        assert_int_equal(budget.order_reserve, 120);
        assert_int_equal(budget.weight_left, 300);
        /* All for one address: the others help, each up to its reserve. */
        for (int i = 0; i < 9; i++)
                n[take(HL_EGRESS_READ, 20, 1, 0)]++;
        assert_int_equal(n[0], 3);
        assert_int_equal(n[1], 3);
        assert_int_equal(n[2], 3);
        assert_int_equal(take(HL_EGRESS_READ, 20, 1, 0), -1);
        hl_egress_budget(egress, &budget);
        assert_int_equal(budget.weight_left, 120);
        /* The reserves are the orders', from any of them. */
        memset(n, 0, sizeof n);
        for (int i = 0; i < 120; i++)
                n[take(HL_EGRESS_ORDER, 1, 1, 0)]++;
        for (int i = 0; i < 3; i++)
                assert_int_equal(n[i], 40);
        assert_int_equal(take(HL_EGRESS_ORDER, 1, 1, 0), -1);
}

static void the_past_has_a_part_of_each(void **state)
{
        int n = 0;

        (void)state;
        while (take(HL_EGRESS_PAST, 20, 0, 0) >= 0)
                n++;
        assert_int_equal(n, 6); /* 41 of 60, three times */
        assert_int_equal(take(HL_EGRESS_READ, 20, 0, 0), 0);
}

static void a_refused_address_rests_from_reads_alone(void **state)
{
        (void)state;
        end(0, HTTP_ANSWERED, 429);
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0), 1);
        assert_true(hl_egress_has_other(egress, 0x6));
        /* Orders go elsewhere too, while there is an elsewhere. */
        assert_int_not_equal(take(HL_EGRESS_ORDER, 1, 0, 0), 0);
        assert_int_equal(take(HL_EGRESS_ORDER, 1, 0, 0x6), 0);
        end(1, HTTP_ANSWERED, 429);
        end(2, HTTP_ANSWERED, 429);
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0), -1);
        assert_true(take(HL_EGRESS_ORDER, 1, 0, 0) >= 0);
}

static void an_address_that_fails_rests(void **state)
{
        struct venue_budget budget;

        (void)state;
        end(0, HTTP_NOT_SENT, 0);
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0), 1);
        for (int i = 0; i < 9; i++)
                assert_int_not_equal(take(HL_EGRESS_ORDER, 1, 0, 0), 0);
        hl_egress_budget(egress, &budget);
        assert_int_equal(budget.n_addresses, 2);
        assert_int_equal(budget.weight_per_minute, 200);
        assert_false(hl_egress_has_other(egress, 0x6));
        /* When all fail it is not the address. */
        end(1, HTTP_NOT_SENT, 0);
        end(2, HTTP_UNKNOWN, 0);
        assert_false(hl_egress_has_other(egress, 0));
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0), 0);
        hl_egress_budget(egress, &budget);
        assert_int_equal(budget.n_addresses, 3);
        end(0, HTTP_ANSWERED, 200);
        assert_int_equal(take(HL_EGRESS_READ, 2, 1, 0), 0);
}

static void one_that_was_tried_is_not_tried_again(void **state)
{
        (void)state;
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0x1), 1);
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0x3), 2);
        assert_int_equal(take(HL_EGRESS_ORDER, 1, 0, 0x5), 1);
        assert_int_equal(take(HL_EGRESS_READ, 2, 0, 0x7), 0); /* all were: anew */
}

static void addresses_of_one_prefix_share(void **state)
{
        static const char v6[][VENUE_ADDRESS_MAX] = {"2001:db8::1", "2001:db8:0:0:1::2",
                                                     "2001:db8:0:1::1"};
        struct venue_budget budget;
        struct hl_egress *before = egress;

        (void)state;
        assert_true(hl_egress_share("10.0.0.1", "10.0.0.1"));
        assert_false(hl_egress_share("10.0.0.1", "10.0.0.2"));
        assert_true(hl_egress_share(v6[0], v6[1]));
        assert_false(hl_egress_share(v6[0], v6[2]));
        assert_false(hl_egress_share("::ffff:10.0.0.1", "::ffff:10.0.0.2"));
        egress = open_on(v6, 3);
        hl_egress_budget(egress, &budget);
        assert_int_equal(budget.n_addresses, 2);
        assert_int_equal(budget.weight_per_minute, 200);
        assert_int_equal(take(HL_EGRESS_READ, 60, 0, 0), 0);
        assert_int_equal(take(HL_EGRESS_READ, 60, 1, 0), 2); /* not 1: it shares */
        hl_egress_end(egress);
        hl_egress_free(egress);
        egress = before;
}

static bool says(const struct buf *out, const char *line)
{
        return strstr((const char *)out->data, line) != NULL;
}

static void metrics_name_the_addresses(void **state)
{
        struct buf out;

        (void)state;
        buf_init(&out, 65536);
        end((unsigned)take(HL_EGRESS_READ, 20, 1, 0), HTTP_ANSWERED, 200);
        end(2, HTTP_NOT_SENT, 0);
        hl_egress_metrics(egress, &out);
        (void)buf_cstr(&out);
        assert_true(says(&out, "perpgate_venue_weight_left 180\n"));
        assert_true(says(&out, "egress_weight_left{address=\"127.0.0.3\"} 80\n"));
        assert_true(says(&out, "egress_up{address=\"127.0.0.4\"} 0\n"));
        assert_true(says(&out, "requests_total{address=\"127.0.0.3\",result=\"sent\"} 1\n"));
        assert_true(says(&out, "requests_total{address=\"127.0.0.4\",result=\"failed\"} 8\n"));
        buf_fini(&out);
}

/* ---- Over the network ---- */

static unsigned n_answers, n_failures;

static void on_fees(void *cookie, const struct err *err, const struct venue_fees *fees)
{
        (void)cookie;
        (void)fees;
        n_answers++;
        n_failures += err->code != E_OK;
}

static bool all_answered(void)
{
        return n_answers == 20;
}

static void open_from(const char (*address)[VENUE_ADDRESS_MAX], unsigned n)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        o.n_egress = n;
        memcpy(o.egress, address, n * sizeof *address);
        hl_fixture_reopen(&o);
        n_answers = n_failures = 0;
}

static void ask_twenty(void)
{
        struct addr user = {{1}};

        for (uint8_t i = 0; i < 20; i++) {
                user.b[19] = i;
                venue->ops->read_fees(venue, &user, on_fees, NULL);
        }
        assert_true(hl_fixture_turn_until(all_answered));
}

/* Nothing left it: whoever asked does not notice. */
static void an_address_nobody_has_costs_nothing(void **state)
{
        static const char one_bad[][VENUE_ADDRESS_MAX] = {"203.0.113.77", "127.0.0.2"};
        struct buf out;

        (void)state;
        open_from(one_bad, 2);
        ask_twenty();
        assert_int_equal(n_failures, 0);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
        buf_init(&out, 65536);
        venue->ops->metrics(venue, &out);
        (void)buf_cstr(&out);
        assert_false(says(&out, "{address=\"203.0.113.77\",result=\"sent\"} 0\n"));
        assert_false(says(&out, "{address=\"203.0.113.77\",result=\"failed\"} 0\n"));
        assert_true(says(&out, "{address=\"127.0.0.2\",result=\"failed\"} 0\n"));
        buf_fini(&out);
}

static void with_no_address_left_the_reason_is_told(void **state)
{
        static const char bad[][VENUE_ADDRESS_MAX] = {"203.0.113.77", "203.0.113.78"};

        (void)state;
        open_from(bad, 2);
        ask_twenty();
        assert_int_equal(n_failures, 20);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_three, close_three)
        const struct CMUnitTest tests[] = {
                T(equal_reads_leave_from_one_address),
                T(each_address_has_its_own_weight),
                T(the_past_has_a_part_of_each),
                T(a_refused_address_rests_from_reads_alone),
                T(an_address_that_fails_rests),
                T(one_that_was_tried_is_not_tried_again),
                T(addresses_of_one_prefix_share),
                T(metrics_name_the_addresses),
                HL_TEST(an_address_nobody_has_costs_nothing),
                HL_TEST(with_no_address_left_the_reason_is_told),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
