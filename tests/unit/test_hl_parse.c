/* hl_parse: the documented samples, the venue's own captured answers, and answers that
 * must be refused. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"

static json_t *load(const char *text)
{
        struct err err = {0};
        json_t *root = hl_raw_load(text, strlen(text), &err);

        if (!root)
                fail_msg("%s: %s", text, err.detail);
        return root;
}

/* The "data" of a captured file; NULL when the shared files are not here. */
static json_t *capture(const char *path)
{
        char full[600];
        FILE *in;
        char *text;
        size_t len;
        json_t *root;
        json_t *data;

        (void)snprintf(full, sizeof full, "%s/captures/%s", SHARED_DIR, path);
        in = fopen(full, "r");
        if (!in)
                return NULL;
        text = malloc(4 << 20);
        assert_non_null(text);
        len = fread(text, 1, 4 << 20, in);
        (void)fclose(in);
        root = hl_raw_load(text, len, NULL);
        free(text);
        assert_non_null(root);
        data = json_incref(json_object_get(root, "data"));
        json_decref(root);
        return data;
}

static void skip_without_captures(void)
{
        print_message("captures are not here: skipped\n");
        skip();
}

static struct hl_universe *captured_universe(const char *path, bool *has_contexts)
{
        json_t *data = capture(path);
        const json_t *meta = json_is_array(data) ? json_array_get(data, 0) : data;
        struct err err = {0};
        struct hl_universe *u;

        if (!data)
                return NULL;
        u = hl_meta_parse(meta, NULL, &err);
        if (!u)
                fail_msg("%s: %s", path, err.detail);
        *has_contexts = json_is_array(data);
        if (*has_contexts)
                assert_int_equal(hl_meta_contexts(u, json_array_get(data, 1), 1, NULL), 0);
        json_decref(data);
        return u;
}

/* ---- Accounts ---- */

/* The documentation's sample: one isolated ETH position. */
static const char documented_account[] =
        "{\"assetPositions\":[{\"position\":{\"coin\":\"ETH\",\"cumFunding\":{\"allTime\":"
        "\"514.085417\",\"sinceChange\":\"0.0\",\"sinceOpen\":\"0.0\"},\"entryPx\":\"2986.3\","
        "\"leverage\":{\"rawUsd\":\"-95.059824\",\"type\":\"isolated\",\"value\":20},"
        "\"liquidationPx\":\"2866.26936529\",\"marginUsed\":\"4.967826\",\"maxLeverage\":50,"
        "\"positionValue\":\"100.02765\",\"returnOnEquity\":\"-0.0026789\",\"szi\":\"0.0335\","
        "\"unrealizedPnl\":\"-0.0134\"},\"type\":\"oneWay\"}],\"crossMaintenanceMarginUsed\":"
        "\"0.0\",\"crossMarginSummary\":{\"accountValue\":\"13104.514502\",\"totalMarginUsed\":"
        "\"0.0\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"13104.514502\"},\"marginSummary\":{"
        "\"accountValue\":\"13109.482328\",\"totalMarginUsed\":\"4.967826\",\"totalNtlPos\":"
        "\"100.02765\",\"totalRawUsd\":\"13009.454678\"},\"time\":1708622398623,"
        "\"withdrawable\":\"13104.514502\"}";

static void documented_account_is_read(void **state)
{
        json_t *answer = load(documented_account);
        struct venue_account account;
        const struct venue_position *p;

        (void)state;
        assert_int_equal(hl_parse_account(&account, answer, NULL, NULL), 0);
        assert_int_equal(account.as_of, 1708622398623);
        assert_int_equal(account.account_value.v, INT64_C(1310948232800));
        assert_int_equal(account.cross.account_value.v, INT64_C(1310451450200));
        assert_int_equal(account.withdrawable.v, INT64_C(1310451450200));
        assert_int_equal(account.n_positions, 1);
        p = &account.position[0];
        assert_string_equal(p->symbol, "ETH");
        assert_int_equal(p->p.size.v, 3350000);
        assert_int_equal(p->p.mode, MARGIN_ISOLATED);
        assert_int_equal(p->p.leverage, 20);
        assert_int_equal(p->p.raw_usd.v, -9505982400);
        assert_int_equal(p->p.entry_notional.v, 10004105000); /* 0.0335 * 2986.3 */
        assert_string_equal(p->liquidation_px, "2866.26936529");
        assert_string_equal(p->return_on_equity, "-0.0026789");
        assert_int_equal(p->max_leverage, 50);
        assert_false(p->tiers_known);
        free(account.position);
        json_decref(answer);
}

/* Takes one thing out or spoils it, in a fresh copy each time. */
static void spoil(const char *what, const char *value)
{
        static const char *const at_position[] = {"coin",          "szi",           "leverage",
                                                  "positionValue", "unrealizedPnl", "marginUsed",
                                                  "maxLeverage",   "cumFunding",    "entryPx"};
        json_t *answer = load(documented_account);
        json_t *target = answer;
        struct venue_account account;
        struct err err = {0};

        for (size_t i = 0; i < sizeof at_position / sizeof *at_position; i++) {
                if (strcmp(what, at_position[i]) == 0)
                        target = json_object_get(
                                json_array_get(json_object_get(answer, "assetPositions"), 0),
                                "position");
        }
        assert_non_null(json_object_get(target, what));
        if (value)
                json_object_set_new(target, what, load(value));
        else
                json_object_del(target, what);
        if (hl_parse_account(&account, answer, NULL, &err) != E_VENUE_UNAVAILABLE)
                fail_msg("accepted %s = %s", what, value ? value : "absent");
        assert_null(account.position);
        json_decref(answer);
}

static void spoilt_accounts_are_refused(void **state)
{
        (void)state;
        spoil("marginSummary", NULL);
        spoil("crossMarginSummary", "{}");
        spoil("withdrawable", "5");
        spoil("withdrawable", "\"NaN\"");
        spoil("withdrawable", "\"1e5\"");
        spoil("withdrawable", "\"99999999999999\"");
        spoil("time", "\"1\"");
        spoil("time", "1.5");
        spoil("assetPositions", "{}");
        spoil("assetPositions", "[5]");
        spoil("assetPositions", "[{\"position\":null}]");
        spoil("coin", "\"A234567890123456789012345678901234\"");
        spoil("szi", "\"0.000000001\"");
        spoil("szi", "null");
        spoil("leverage", "{\"type\":\"isolated\",\"value\":20}");
        spoil("leverage", "{\"type\":\"other\",\"value\":20}");
        spoil("leverage", "{\"type\":\"cross\",\"value\":0}");
        spoil("leverage", "{\"type\":\"cross\",\"value\":-1}");
        spoil("positionValue", NULL);
        spoil("maxLeverage", "\"50\"");
        spoil("cumFunding", "{}");
        spoil("entryPx", "true");
}

static bool is_complete(const json_t *answer)
{
        return json_object_get(answer, "marginSummary") &&
               json_object_get(answer, "crossMarginSummary") &&
               json_object_get(answer, "crossMaintenanceMarginUsed") &&
               json_object_get(answer, "withdrawable") && json_object_get(answer, "time");
}

/* One captured account: what is read must add up the way the venue adds it. */
static void check_account(const char *name, const json_t *answer, const struct hl_markets *markets)
{
        struct venue_account account;
        struct err err = {0};

        if (hl_parse_account(&account, answer, markets, &err))
                fail_msg("%s: %s", name, err.detail);
        for (unsigned i = 0; i < account.n_positions; i++) {
                const struct venue_position *p = &account.position[i];
                int64_t side = p->p.size.v < 0 ? -1 : 1;

                assert_int_equal(p->unrealized_pnl.v,
                                 side * (p->p.value.v - p->p.entry_notional.v));
                if (p->p.mode == MARGIN_ISOLATED) /* the venue cuts each figure to 0.000001 */
                        assert_in_range(p->margin_used.v + 200 -
                                                (side * p->p.value.v + p->p.raw_usd.v),
                                        0, 400);
        }
        free(account.position);
}

static void captured_accounts_are_read(void **state)
{
        char path[600];
        bool has_contexts;
        struct hl_universe *u =
                captured_universe("meta/sonirico--2026-02-06--2a44a47f.json", &has_contexts);
        struct hl_markets markets = {.n = 1, .dex[0].universe = u};
        struct dirent *entry;
        size_t n = 0;
        DIR *dir;

        (void)state;
        if (!u)
                skip_without_captures();
        dir = opendir(SHARED_DIR "/captures/states");
        assert_non_null(dir);
        while ((entry = readdir(dir))) {
                json_t *answer;

                if (entry->d_name[0] == '.' || strstr(entry->d_name, "mock"))
                        continue;
                (void)snprintf(path, sizeof path, "states/%s", entry->d_name);
                answer = capture(path);
                if (is_complete(answer)) {
                        check_account(entry->d_name, answer, &markets);
                        n++;
                }
                json_decref(answer);
        }
        (void)closedir(dir);
        print_message("%zu captured accounts\n", n);
        assert_true(n >= 10);
        hl_meta_free(u);
}

/* ---- Orders ---- */

#define ORDER(oid, more)                                                                           \
        "{\"coin\":\"BTC\",\"side\":\"B\",\"limitPx\":\"60000.0\",\"sz\":\"0.1\",\"oid\":" oid     \
        ",\"timestamp\":1,\"origSz\":\"0.3\"" more "}"
#define STOP                                                                                       \
        ",\"isTrigger\":true,\"triggerPx\":\"55000.0\",\"orderType\":\"Stop Market\","             \
        "\"reduceOnly\":true,\"tif\":null,\"cloid\":\"0x000102030405060708090a0b0c0d0e0f\""

static void open_orders_are_flattened(void **state)
{
        json_t *answer = load("[" ORDER("7", STOP) "," ORDER(
                "5", ",\"tif\":\"Gtc\",\"children\":[" ORDER("7", STOP) "," ORDER(
                             "6", ",\"isTrigger\":true,\"triggerPx\":"
                                  "\"70000\",\"orderType\":\"Take Profit "
                                  "Limit\"") "]") ",{\"coin\":\"@107\"},{"
                                                  "\"coin\":\"PURR/USDC\"}]");
        struct venue_open_order *orders;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_orders(&orders, &n, answer, NULL, NULL), 0);
        assert_int_equal(n, 3);
        assert_int_equal(orders[0].oid, 7);
        assert_true(orders[0].is_trigger && orders[0].trigger_is_market && orders[0].reduce_only);
        assert_int_equal(orders[0].trigger, TRIGGER_STOP_LOSS);
        assert_true(orders[0].has_cloid && orders[0].cloid.b[15] == 15);
        assert_int_equal(orders[0].asset, UINT32_MAX);
        assert_int_equal(orders[1].oid, 5);
        assert_string_equal(orders[1].tif, "Gtc");
        assert_int_equal(orders[1].size.v, NUM_SCALE / 10);
        assert_int_equal(orders[2].trigger, TRIGGER_TAKE_PROFIT);
        assert_false(orders[2].trigger_is_market);
        free(orders);
        json_decref(answer);
}

static void bad_orders_are_refused(void **state)
{
        static const char *const bad[] = {
                "{}",
                "[5]",
                "[{}]",
                "[" ORDER("-1", "") "]",
                "[" ORDER("\"5\"", "") "]",
                "[" ORDER("5", ",\"isTrigger\":true") "]",
                "[" ORDER("5", ",\"isTrigger\":true,\"triggerPx\":\"1\",\"orderType\":\"Odd\"") "]",
                "[" ORDER("5", ",\"cloid\":\"0x12\"") "]",
                "[" ORDER("5", ",\"reduceOnly\":\"yes\"") "]",
                "[" ORDER(
                        "1",
                        ",\"children\":[" ORDER(
                                "2",
                                ",\"children\":[" ORDER(
                                        "3", ",\"children\":[" ORDER(
                                                     "4", ",\"children\":[" ORDER(
                                                                  "5", "") "]") "]") "]") "]") "]",
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_t *answer = load(bad[i]);
                struct venue_open_order *orders;
                size_t n;

                if (hl_parse_orders(&orders, &n, answer, NULL, NULL) != E_VENUE_UNAVAILABLE)
                        fail_msg("accepted: %s", bad[i]);
                assert_null(orders);
                json_decref(answer);
        }
}

static void statuses_are_read(void **state)
{
        json_t *known = load("{\"status\":\"order\",\"order\":{\"order\":" ORDER(
                "9", "") ",\"status\":\"marginCanceled\",\"statusTimestamp\":77}}");
        json_t *unknown = load("{\"status\":\"unknownOid\"}");
        json_t *odd = load("{\"status\":\"other\"}");
        struct venue_order_status status;

        (void)state;
        assert_int_equal(hl_parse_orders_status(&status, known, NULL, NULL), 0);
        assert_true(status.found);
        assert_string_equal(status.status, "marginCanceled");
        assert_int_equal(status.order.oid, 9);
        assert_int_equal(hl_parse_orders_status(&status, unknown, NULL, NULL), 0);
        assert_false(status.found);
        assert_int_equal(hl_parse_orders_status(&status, odd, NULL, NULL), E_VENUE_UNAVAILABLE);
        json_decref(known);
        json_decref(unknown);
        json_decref(odd);
}

/* ---- Fills, book, trades ---- */

static void fills_are_read(void **state)
{
        json_t *answer = load(
                "[{\"coin\":\"BTC\",\"px\":\"60000.0\",\"sz\":\"0.1\",\"side\":\"A\",\"time\":5,"
                "\"startPosition\":\"0.0\",\"dir\":\"Open Short\",\"closedPnl\":\"-1.5\","
                "\"oid\":1,\"crossed\":true,\"fee\":\"2.7\",\"builderFee\":\"0.6\",\"tid\":3},"
                "{\"coin\":\"@1\"}]");
        struct venue_fill *fills;
        size_t n;

        (void)state;
        assert_int_equal(hl_parse_fills(&fills, &n, answer, NULL, NULL), 0);
        assert_int_equal(n, 1);
        assert_int_equal(fills[0].side, SIDE_SELL);
        assert_int_equal(fills[0].closed_pnl.v, -150000000);
        assert_int_equal(fills[0].builder_fee.v, 60000000);
        assert_true(fills[0].is_taker && !fills[0].has_cloid);
        free(fills);
        json_object_set_new(json_array_get(answer, 0), "fee", json_integer(3));
        assert_int_equal(hl_parse_fills(&fills, &n, answer, NULL, NULL), E_VENUE_UNAVAILABLE);
        assert_null(fills);
        json_decref(answer);
}

static void books_are_read_in_order(void **state)
{
        json_t *good = load("{\"coin\":\"BTC\",\"time\":1,\"levels\":[[{\"px\":\"10\",\"sz\":\"1\","
                            "\"n\":2},{\"px\":\"9\",\"sz\":\"1\",\"n\":1}],[{\"px\":\"11\","
                            "\"sz\":\"1\",\"n\":1}]]}");
        static const char *const bad[] = {
                "null",
                "{\"coin\":\"BTC\",\"time\":1,\"levels\":[[]]}",
                "{\"coin\":\"BTC\",\"time\":1,\"levels\":[[{\"px\":\"9\",\"sz\":\"1\",\"n\":1},"
                "{\"px\":\"10\",\"sz\":\"1\",\"n\":1}],[]]}",
                "{\"coin\":\"BTC\",\"time\":1,\"levels\":[[],[{\"px\":\"0\",\"sz\":\"1\",\"n\":1}]]"
                "}",
                "{\"coin\":\"BTC\",\"time\":1,\"levels\":[[],[{\"px\":\"1\",\"sz\":\"-1\",\"n\":1}"
                "]]}",
        };
        struct venue_book book;

        (void)state;
        assert_int_equal(hl_parse_market_book(&book, good, NULL), 0);
        assert_int_equal(book.n[0], 2);
        assert_int_equal(book.n[1], 1);
        assert_int_equal(book.level[0][0].n_orders, 2);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_t *answer = load(bad[i]);

                assert_int_equal(hl_parse_market_book(&book, answer, NULL), E_VENUE_UNAVAILABLE);
                json_decref(answer);
        }
        json_decref(good);
}

/* The oldest recordings are from before the venue reported fees. */
static bool has_fees(const json_t *fills)
{
        for (size_t i = 0; i < json_array_size(fills); i++) {
                if (!json_object_get(json_array_get(fills, i), "fee"))
                        return false;
        }
        return true;
}

/* Parses one captured answer by its request's type; 1 when it was one that is parsed here. */
static size_t check_info(const char *file, const json_t *item)
{
        const json_t *request = json_object_get(item, "request");
        const json_t *answer = json_object_get(item, "response");
        const char *type = json_string_value(request);
        struct err err = {0};
        size_t n = 0;
        enum errc rc = E_OK;

        if (json_is_object(request))
                type = json_string_value(json_object_get(request, "type"));
        if (!type || !answer)
                return 0;
        if (strcmp(type, "frontendOpenOrders") == 0) {
                struct venue_open_order *orders;

                rc = hl_parse_orders(&orders, &n, answer, NULL, &err);
                free(orders);
        } else if (strncmp(type, "userFills", 9) == 0 && has_fees(answer)) {
                struct venue_fill *fills;

                rc = hl_parse_fills(&fills, &n, answer, NULL, &err);
                free(fills);
        } else if (strcmp(type, "l2Book") == 0 && json_object_get(answer, "time")) {
                struct venue_book book;

                rc = hl_parse_market_book(&book, answer, &err);
        } else if (strcmp(type, "clearinghouseState") == 0 && is_complete(answer)) {
                struct venue_account account;

                rc = hl_parse_account(&account, answer, NULL, &err);
                free(account.position);
        } else {
                return 0;
        }
        if (rc)
                fail_msg("%s: %s", file, err.detail);
        return 1;
}

static void captured_answers_are_read(void **state)
{
        struct dirent *entry;
        size_t n = 0;
        DIR *dir = opendir(SHARED_DIR "/captures/info");

        (void)state;
        if (!dir)
                skip_without_captures();
        while ((entry = readdir(dir))) {
                char path[600];
                json_t *data;

                if (entry->d_name[0] == '.' || strstr(entry->d_name, "edited"))
                        continue;
                (void)snprintf(path, sizeof path, "info/%s", entry->d_name);
                data = capture(path);
                for (size_t i = 0; i < json_array_size(data); i++)
                        n += check_info(entry->d_name, json_array_get(data, i));
                json_decref(data);
        }
        (void)closedir(dir);
        print_message("%zu captured answers\n", n);
        assert_true(n >= 6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(documented_account_is_read),
                cmocka_unit_test(spoilt_accounts_are_refused),
                cmocka_unit_test(captured_accounts_are_read),
                cmocka_unit_test(open_orders_are_flattened),
                cmocka_unit_test(bad_orders_are_refused),
                cmocka_unit_test(statuses_are_read),
                cmocka_unit_test(fills_are_read),
                cmocka_unit_test(books_are_read_in_order),
                cmocka_unit_test(captured_answers_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
