/* Polls of accounts: to a node while it keeps up, many in one request where it takes that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hl_fixture.h"

#define USERS 20

struct seen {
        unsigned n, n_failed, n_late;
        int64_t value;
};

static struct seen accounts, orders;
static unsigned n_wanted;

static void on_account(void *cookie, const struct err *err, struct venue_account *account)
{
        struct seen *seen = cookie;

        seen->n++;
        seen->n_failed += err->code != E_OK;
        seen->n_late += account->may_be_late;
        seen->value = account->account_value.v;
}

static void on_orders(void *cookie, const struct err *err, const struct venue_open_order *list,
                      size_t n)
{
        struct seen *seen = cookie;

        (void)list;
        seen->n++;
        seen->n_failed += err->code != E_OK;
        assert_int_equal(n, 0);
}

static struct addr user_of(unsigned i)
{
        return (struct addr){{1, [18] = (uint8_t)(i >> 8), [19] = (uint8_t)i}};
}

static bool all_told(void)
{
        return accounts.n + orders.n >= n_wanted;
}

static bool may_poll_freely(void)
{
        struct venue_budget budget;

        venue->ops->budget(venue, &budget);
        return budget.free_polls > 0;
}

static bool may_not_poll_freely(void)
{
        return !may_poll_freely();
}

static bool was_judged(void)
{
        return hl_server_count(&hl_server.n_status) >= 3;
}

static unsigned long node_failures(void)
{
        static const char name[] = "node_requests_total{result=\"failed\"} ";
        struct buf out;
        const char *at;
        unsigned long n;

        buf_init(&out, 65536);
        venue->ops->metrics(venue, &out);
        at = strstr(buf_cstr(&out), name);
        assert_non_null(at);
        n = strtoul(at + sizeof name - 1, NULL, 10);
        buf_fini(&out);
        return n;
}

static void open_with_node(unsigned accounts_per_read)
{
        char url[64], node_url[80];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)snprintf(node_url, sizeof node_url, "%s/node", url);
        o.node_url = node_url;
        o.node_max_lag_ms = 2000;
        o.accounts_per_read = accounts_per_read;
        hl_fixture_reopen(&o);
        memset(&accounts, 0, sizeof accounts);
        memset(&orders, 0, sizeof orders);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
}

static void poll_users(unsigned n)
{
        n_wanted = accounts.n + orders.n + n;
        for (unsigned i = 0; i < n; i++) {
                struct addr user = user_of(i);

                venue->ops->poll_account(venue, &user, "", on_account, &accounts);
        }
        assert_true(hl_fixture_turn_until(all_told));
}

static void poll_orders(void)
{
        struct addr user = user_of(1);

        n_wanted = accounts.n + orders.n + 1;
        venue->ops->poll_open_orders(venue, &user, "", on_orders, &orders);
        assert_true(hl_fixture_turn_until(all_told));
}

static void without_a_node_the_venue_is_polled(void **state)
{
        struct venue_budget budget;

        (void)state;
        memset(&accounts, 0, sizeof accounts);
        venue->ops->budget(venue, &budget);
        assert_int_equal(budget.free_polls, 0);
        assert_int_equal(budget.polls_late_ms, 0);
        poll_users(1);
        assert_int_equal(accounts.value, 9 * NUM_SCALE);
        assert_int_equal(accounts.n_late, 0);
}

static void a_node_that_keeps_up_is_polled(void **state)
{
        struct venue_budget before, after;

        (void)state;
        open_with_node(0);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        venue->ops->budget(venue, &before);
        assert_true(before.polls_late_ms >= 2000);
        poll_users(USERS);
        poll_orders();
        assert_int_equal(accounts.n_failed + orders.n_failed, 0);
        assert_int_equal(accounts.n_late, USERS);
        assert_int_equal(accounts.value, 8 * NUM_SCALE);
        assert_int_equal(hl_server_count(&hl_server.n_node), USERS + 1);
        assert_int_equal(hl_server_count(&hl_server.n_info), 0);
        /* What decides an order is still read at the venue. */
        n_wanted = accounts.n + orders.n + 1;
        venue->ops->read_account(venue, &(struct addr){{2}}, "", on_account, &accounts);
        assert_true(hl_fixture_turn_until(all_told));
        assert_int_equal(accounts.value, 9 * NUM_SCALE);
        assert_int_equal(accounts.n_late, USERS);
        venue->ops->budget(venue, &after);
        assert_true(after.weight_left <= before.weight_left);
}

static void a_node_that_lags_is_left_alone(void **state)
{
        (void)state;
        hl_server_set_lag(2600);
        open_with_node(0);
        assert_true(hl_fixture_turn_until(was_judged));
        assert_false(may_poll_freely());
        poll_users(2);
        assert_int_equal(accounts.value, 9 * NUM_SCALE);
        hl_server_set_lag(0);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        poll_users(2);
        assert_int_equal(accounts.value, 8 * NUM_SCALE);
        hl_server_set_lag(60000);
        assert_true(hl_fixture_turn_until(may_not_poll_freely));
}

static void a_status_that_says_nothing_is_no_status(void **state)
{
        static const enum server_mode modes[] = {HTTP_502, HTTP_422, RUBBISH, HANG_UP, SILENT};

        (void)state;
        open_with_node(0);
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
                hl_server_set(&hl_server.status_mode, GOOD);
                assert_true(hl_fixture_turn_until(may_poll_freely));
                hl_server_set(&hl_server.status_mode, modes[i]);
                assert_true(hl_fixture_turn_until(may_not_poll_freely));
        }
}

/* Callers need the venue's weight: what the node failed is not asked there at once. */
static void what_the_node_fails_fails(void **state)
{
        static const enum server_mode modes[] = {HTTP_502, HTTP_429, RUBBISH, HANG_UP};

        (void)state;
        open_with_node(0);
        for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
                assert_true(hl_fixture_turn_until(may_poll_freely));
                hl_server_set(&hl_server.node_mode, modes[i]);
                poll_users(1);
                assert_int_equal(accounts.n_failed, i + 1);
                assert_int_equal(node_failures(), i + 1);
                hl_server_set(&hl_server.node_mode, GOOD);
        }
        assert_int_equal(hl_server_count(&hl_server.n_info), 0);
}

static void a_node_without_orders_is_asked_for_accounts(void **state)
{
        (void)state;
        open_with_node(0);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        hl_server_set(&hl_server.node_mode, HTTP_422);
        poll_orders();
        assert_int_equal(orders.n_failed, 1);
        assert_int_equal(node_failures(), 0);
        hl_server_set(&hl_server.node_mode, GOOD);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        poll_orders();
        assert_int_equal(orders.n_failed, 1);
        assert_int_equal(hl_server_count(&hl_server.n_info), 1);
        poll_users(1);
        assert_int_equal(accounts.value, 8 * NUM_SCALE);
}

static void accounts_go_together(void **state)
{
        (void)state;
        open_with_node(8);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        poll_users(USERS);
        assert_int_equal(accounts.n_failed, 0);
        assert_int_equal(accounts.n_late, USERS);
        assert_int_equal(accounts.value, 8 * NUM_SCALE);
        assert_int_equal(hl_server_count(&hl_server.n_batch), 3);
        assert_non_null(strstr(hl_server.node_body, "\"type\":\"batchClearinghouseStates\""));
        assert_null(strstr(hl_server.node_body, "\"dex\""));
        /* The same account twice goes twice. */
        n_wanted = accounts.n + 2;
        for (int i = 0; i < 2; i++)
                venue->ops->poll_account(venue, &(struct addr){{2}}, "", on_account, &accounts);
        assert_true(hl_fixture_turn_until(all_told));
        assert_int_equal(accounts.n_failed, 0);
        assert_int_equal(hl_server_count(&hl_server.n_batch), 5);
}

#define ONE_STATE                                                                                  \
        "{\"marginSummary\":{\"accountValue\":\"7.0\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":"    \
        "\"7.0\",\"totalMarginUsed\":\"0.0\"},\"crossMarginSummary\":{\"accountValue\":\"7.0\","   \
        "\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"7.0\",\"totalMarginUsed\":\"0.0\"},"            \
        "\"crossMaintenanceMarginUsed\":\"0.0\",\"withdrawable\":\"7.0\",\"time\":3,"              \
        "\"assetPositions\":[]}"

static void batches_are_read_strictly(void **state)
{
        static const struct {
                const char *answer;
                unsigned n_failed; /* of two */
        } cases[] = {
                {"[" ONE_STATE "," ONE_STATE "]", 0},
                {"[" ONE_STATE ",null]", 1},
                {"[null,7]", 2},
                {"[" ONE_STATE "]", 2}, /* which of the two? */
                {"{\"successful_states\":[],\"failed_wallets\":[]}", 2},
                {"{\"successful_states\":[["
                 "\"0x0100000000000000000000000000000000000001\"," ONE_STATE "]]}",
                 1},
                {"{\"successful_states\":[["
                 "\"0x0100000000000000000000000000000000000001\"," ONE_STATE
                 "],[\"0x0100000000000000000000000000000000000001\"," ONE_STATE "]]}",
                 1},
                {"{\"successful_states\":[["
                 "\"0x0900000000000000000000000000000000000001\"," ONE_STATE "],[7,8],9]}",
                 2},
                {"{\"successful_states\":7}", 2},
                {"null", 2},
                {"[]", 2},
        };

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                open_with_node(8);
                assert_true(hl_fixture_turn_until(may_poll_freely));
                hl_server_answer_batch(cases[i].answer);
                poll_users(2);
                if (accounts.n_failed != cases[i].n_failed)
                        fail_msg("%s: %u failed", cases[i].answer, accounts.n_failed);
                assert_int_equal(accounts.n, 2);
        }
}

static void closing_tells_those_that_wait(void **state)
{
        (void)state;
        open_with_node(8);
        assert_true(hl_fixture_turn_until(may_poll_freely));
        for (unsigned i = 0; i < USERS; i++) {
                struct addr user = user_of(i);

                venue->ops->poll_account(venue, &user, "", on_account, &accounts);
        }
        assert_int_equal(accounts.n, 0);
        venue->ops->close(venue);
        venue = NULL;
        assert_int_equal(accounts.n, USERS);
        assert_int_equal(accounts.n_failed, USERS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(without_a_node_the_venue_is_polled),
                HL_TEST(a_node_that_keeps_up_is_polled),
                HL_TEST(a_node_that_lags_is_left_alone),
                HL_TEST(a_status_that_says_nothing_is_no_status),
                HL_TEST(what_the_node_fails_fails),
                HL_TEST(a_node_without_orders_is_asked_for_accounts),
                HL_TEST(accounts_go_together),
                HL_TEST(batches_are_read_strictly),
                HL_TEST(closing_tells_those_that_wait),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
