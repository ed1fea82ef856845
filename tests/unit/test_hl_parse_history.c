/* hl_parse_history: candles, funding, ledger, agents and allowances, as documented and as recorded. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"

static json_t *load(const char *text)
{
        json_t *json = hl_raw_load(text, strlen(text), NULL);

        assert_non_null(json);
        return json;
}

#define ORDER(oid)                                                                                 \
        "{\"coin\":\"BTC\",\"side\":\"B\",\"limitPx\":\"60000.0\",\"sz\":\"0.1\",\"oid\":" oid     \
        ",\"timestamp\":1,\"origSz\":\"0.3\"}"

/* One order's status, however long, must not hide the account's other orders. */
static void a_long_status_is_no_reason_to_refuse_a_list(void **state)
{
        json_t *rows = load("[{\"order\":" ORDER(
                "9") ",\"status\":"
                     "\"positionIncreaseAtOpenInterestCapRejected\",\"statusTimestamp\":77},"
                     "{\"order\":" ORDER("10") ",\"status\":\"aaaaaaaaaaaaaaaaaaaaaaaaaa"
                                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                               "aaaaaaaaaaaaaaaaaaaaaaaa\","
                                               "\"statusTimestamp\":78}]");
        struct venue_order_status *list;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_orders_past(&list, &n, rows, NULL, NULL), 0);
        assert_int_equal(n, 2);
        assert_string_equal(list[0].status, "positionIncreaseAtOpenInterestCapRejected");
        assert_int_equal(strlen(list[1].status), VENUE_STATUS_MAX - 1);
        assert_int_equal(list[1].status_at, 78);
        free(list);
        json_decref(rows);
}

static void candles_are_read(void **state)
{
        json_t *answer =
                load("[{\"t\":60000,\"T\":119999,\"s\":\"BTC\",\"i\":\"1m\",\"o\":\"1.5\","
                     "\"c\":\"1.6\",\"h\":\"2\",\"l\":\"1\",\"v\":\"520665683000.0\",\"n\":7}]");
        struct venue_candle *candles;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_history_candles(&candles, &n, answer, NULL), E_OK);
        assert_int_equal(n, 1);
        assert_int_equal(candles[0].open_at, 60000);
        assert_int_equal(candles[0].high.v, 2 * NUM_SCALE);
        assert_string_equal(candles[0].volume, "520665683000.0"); /* above what a qty holds */
        assert_int_equal(candles[0].trades, 7);
        free(candles);
        json_object_set_new(json_array_get(answer, 0), "o", json_integer(1));
        assert_int_equal(hl_parse_history_candles(&candles, &n, answer, NULL), E_VENUE_UNAVAILABLE);
        assert_null(candles);
        json_decref(answer);
}

static void spans_tell_what_is_missing(void **state)
{
        json_t *up = load("[{\"time\":5},{\"time\":7},{\"time\":9}]");
        json_t *down = load("[{\"time\":9},{\"time\":7},{\"time\":5}]");
        json_t *none = load("[]");
        json_t *bad = load("[{\"time\":\"5\"}]");
        struct venue_span span;

        (void)state;
        assert_int_equal(hl_parse_history_span(&span, up, 4), E_OK);
        assert_int_equal(span.part, VENUE_WHOLE);
        assert_true(span.oldest_at == 5 && span.newest_at == 9);
        assert_int_equal(hl_parse_history_span(&span, up, 3), E_OK);
        assert_int_equal(span.part, VENUE_NEWER_MISSING);
        assert_int_equal(hl_parse_history_span(&span, down, 3), E_OK);
        assert_int_equal(span.part, VENUE_OLDER_MISSING);
        assert_int_equal(hl_parse_history_span(&span, none, 3), E_OK);
        assert_true(span.part == VENUE_WHOLE && span.oldest_at == 0);
        assert_int_equal(hl_parse_history_span(&span, bad, 3), E_SYNTAX);
        json_decref(up);
        json_decref(down);
        json_decref(none);
        json_decref(bad);
}

static void payments_are_read(void **state)
{
        json_t *answer = load(
                "[{\"time\":5,\"hash\":\"0x0\",\"delta\":{\"type\":\"funding\",\"coin\":\"ETH\","
                "\"usdc\":\"-3.625312\",\"szi\":\"49.1477\",\"fundingRate\":\"0.0000417\","
                "\"nSamples\":null}},"
                "{\"time\":6,\"hash\":\"0x0\",\"delta\":{\"type\":\"funding\",\"coin\":\"xyz:A\"}}"
                "]");
        struct venue_payment *payments;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_history_payments(&payments, &n, answer, NULL, NULL), E_OK);
        assert_int_equal(n, 1);
        assert_string_equal(payments[0].symbol, "ETH");
        assert_int_equal(payments[0].amount.v, -362531200);
        assert_int_equal(payments[0].rate.v, 41700000);
        free(payments);
        json_decref(answer);
}

/* A row's place in a list is told by its market: one without a name has none. */
static void payments_of_no_market_are_refused(void **state)
{
        json_t *answer = load("[{\"time\":5,\"delta\":{\"coin\":\"\",\"usdc\":\"1\",\"szi\":\"1\","
                              "\"fundingRate\":\"0\"}}]");
        struct venue_payment *payments;
        struct err err = {0};
        size_t n;

        (void)state;
        assert_int_not_equal(hl_parse_history_payments(&payments, &n, answer, NULL, &err), E_OK);
        assert_int_equal(n, 0);
        json_decref(answer);
}

#define ME    "\"0x00000000000000000000000000000000000000aa\""
#define OTHER "\"0x00000000000000000000000000000000000000bb\""

static void ledger_amounts_have_the_accounts_sign(void **state)
{
        static const struct {
                const char *delta, *amount, *token, *fee;
                bool has_peer;
        } cases[] = {
                {"{\"type\":\"deposit\",\"usdc\":\"10.0\"}", "10.0", "USDC", "", false},
                {"{\"type\":\"withdraw\",\"usdc\":\"9.5\",\"nonce\":1,\"fee\":\"1.0\"}", "-9.5",
                 "USDC", "1.0", false},
                {"{\"type\":\"internalTransfer\",\"usdc\":\"1\",\"user\":" ME
                 ",\"destination\":" OTHER ",\"fee\":\"0.1\"}",
                 "-1", "USDC", "0.1", true},
                {"{\"type\":\"internalTransfer\",\"usdc\":\"1\",\"user\":" OTHER
                 ",\"destination\":" ME ",\"fee\":\"0\"}",
                 "1", "USDC", "0", true},
                {"{\"type\":\"accountClassTransfer\",\"usdc\":\"2\",\"toPerp\":true}", "2", "USDC",
                 "", false},
                {"{\"type\":\"accountClassTransfer\",\"usdc\":\"2\",\"toPerp\":false}", "-2",
                 "USDC", "", false},
                {"{\"type\":\"spotTransfer\",\"token\":\"MAX\",\"amount\":\"320121396989123.5\","
                 "\"user\":" OTHER ",\"destination\":" ME ",\"fee\":\"0.0\"}",
                 "320121396989123.5", "MAX", "0.0", true},
                {"{\"type\":\"vaultDistribution\",\"usdc\":\"-3\"}", "-3", "USDC", "", false},
                {"{\"type\":\"liquidation\",\"accountValue\":\"0\"}", "", "", "", false},
                {"{\"type\":\"somethingNew\",\"usdc\":5}", "", "", "", false},
        };
        const struct addr me = {.b = {[19] = 0xaa}};
        struct venue_ledger_row *rows;
        char text[512];
        size_t n;

        (void)state;
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
                snprintf(text, sizeof text, "[{\"time\":1,\"hash\":\"0x12\",\"delta\":%s}]",
                         cases[i].delta);
                json_t *answer = load(text);
                assert_int_equal(hl_parse_ledger(&rows, &n, answer, &me, NULL), E_OK);
                assert_int_equal(n, 1);
                assert_string_equal(rows[0].amount, cases[i].amount);
                assert_string_equal(rows[0].token, cases[i].token);
                assert_string_equal(rows[0].fee, cases[i].fee);
                assert_int_equal(rows[0].has_peer, cases[i].has_peer);
                if (rows[0].has_peer)
                        assert_int_equal(rows[0].peer.b[19], 0xbb);
                free(rows);
                json_decref(answer);
        }
}

static void bad_ledgers_are_refused(void **state)
{
        static const char *const bad[] = {
                "{}",
                "[{\"time\":1,\"hash\":\"0x12\"}]",
                "[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\"}}]",
                "[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":5}}]",
                ("[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"1e9\"}}"
                 "]"),
                "[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"=1\"}}]",
                "[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"1.\"}}]",
                "[{\"time\":1,\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"-\"}}]",
                "[{\"hash\":\"0x12\",\"delta\":{\"type\":\"deposit\",\"usdc\":\"1\"}}]",
        };
        const struct addr me = {.b = {[19] = 0xaa}};
        struct venue_ledger_row *rows;
        size_t n;

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_t *answer = load(bad[i]);
                struct err err = {0};
                assert_int_equal(hl_parse_ledger(&rows, &n, answer, &me, &err),
                                 E_VENUE_UNAVAILABLE);
                assert_null(rows);
                json_decref(answer);
        }
}

static void live_agents_are_listed(void **state)
{
        json_t *answer = load("[{\"name\":\"a\",\"address\":" ME ",\"validUntil\":1000},"
                              "{\"name\":\"b\",\"address\":" OTHER ",\"validUntil\":999},"
                              "{\"name\":\"c\",\"address\":" OTHER ",\"validUntil\":null}]");
        struct venue_agent *agents;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_history_agents(&agents, &n, answer, 999, NULL), E_OK);
        assert_int_equal(n, 2);
        assert_string_equal(agents[0].name, "a");
        assert_int_equal(agents[0].valid_until, 1000);
        assert_string_equal(agents[1].name, "c");
        assert_int_equal(agents[1].valid_until, 0);
        free(agents);
        json_decref(answer);
}

/* Parses one recorded answer; 1 when it was one that is parsed here. */
static size_t check(const char *file, const json_t *item)
{
        const json_t *request = json_object_get(item, "request");
        const json_t *answer = json_object_get(item, "response");
        const char *type = json_string_value(json_object_get(request, "type"));
        struct venue_allowance allowance;
        struct err err = {0};
        struct addr user = {{0}};
        void *rows = NULL;
        size_t n = 0;
        enum errc rc;

        if (!type || !answer)
                return 0;
        (void)!hl_raw_get_addr(&user, request, "user");
        if (strcmp(type, "candleSnapshot") == 0)
                rc = hl_parse_history_candles((struct venue_candle **)&rows, &n, answer, &err);
        else if (strcmp(type, "fundingHistory") == 0)
                rc = hl_parse_history_rates((struct venue_funding_rate **)&rows, &n, answer, &err);
        else if (strcmp(type, "userFunding") == 0)
                rc = hl_parse_history_payments((struct venue_payment **)&rows, &n, answer, NULL,
                                               &err);
        else if (strcmp(type, "userNonFundingLedgerUpdates") == 0)
                rc = hl_parse_ledger((struct venue_ledger_row **)&rows, &n, answer, &user, &err);
        else if (strcmp(type, "extraAgents") == 0)
                rc = hl_parse_history_agents((struct venue_agent **)&rows, &n, answer, 0, &err);
        else if (strcmp(type, "userRateLimit") == 0)
                rc = hl_parse_history_allowance(&allowance, answer, &err);
        else
                return 0;
        free(rows);
        if (rc)
                fail_msg("%s: %s", file, err.detail);
        return 1;
}

static void recorded_answers_are_read(void **state)
{
        struct dirent *entry;
        size_t checked = 0;
        DIR *dir = opendir(SHARED_DIR "/captures/info");

        (void)state;
        if (!dir) {
                print_message("no captures\n");
                skip();
        }
        while ((entry = readdir(dir))) {
                char path[600];
                if (entry->d_name[0] == '.' || strstr(entry->d_name, "edited"))
                        continue;
                (void)snprintf(path, sizeof path, SHARED_DIR "/captures/info/%s", entry->d_name);
                json_t *root = json_load_file(path, 0, NULL);
                const json_t *data = json_object_get(root, "data");
                for (size_t i = 0; i < json_array_size(data); i++)
                        checked += check(entry->d_name, json_array_get(data, i));
                json_decref(root);
        }
        (void)closedir(dir);
        print_message("%zu recorded answers\n", checked);
        assert_true(checked >= 6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(candles_are_read),
                cmocka_unit_test(spans_tell_what_is_missing),
                cmocka_unit_test(payments_are_read),
                cmocka_unit_test(payments_of_no_market_are_refused),
                cmocka_unit_test(ledger_amounts_have_the_accounts_sign),
                cmocka_unit_test(bad_ledgers_are_refused),
                cmocka_unit_test(live_agents_are_listed),
                cmocka_unit_test(recorded_answers_are_read),
                cmocka_unit_test(a_long_status_is_no_reason_to_refuse_a_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
