/* risk_states, as a program: each line is answered with its id, whatever it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"

#define LINES_MAX 16

#define META                                                                                       \
        "{\"universe\":[{\"name\":\"BTC\",\"szDecimals\":5,\"maxLeverage\":40,"                    \
        "\"marginTableId\":56},{\"name\":\"OLD\",\"szDecimals\":1,\"maxLeverage\":3,"              \
        "\"marginTableId\":3,\"isDelisted\":true},{\"name\":\"LOST\",\"szDecimals\":1,"            \
        "\"maxLeverage\":10,\"marginTableId\":77}],\"marginTables\":[[56,{\"description\":\"\","   \
        "\"marginTiers\":[{\"lowerBound\":\"0.0\",\"maxLeverage\":40},{\"lowerBound\":"            \
        "\"150000000.0\",\"maxLeverage\":20}]}]],\"collateralToken\":0}"
#define CROSS "\"leverage\":{\"type\":\"cross\",\"value\":10}"
/* 4.5 of value 377667, all of it cross */
#define LONG                                                                                       \
        "{\"type\":\"oneWay\",\"position\":{\"coin\":\"BTC\",\"szi\":\"4.5\",\"entryPx\":"         \
        "\"81285.0\"," CROSS ",\"positionValue\":\"377667.0\",\"maxLeverage\":40}}"
#define RAW(sum)                                                                                   \
        "\"marginSummary\":{\"totalRawUsd\":\"" sum "\"},\"crossMarginSummary\":{"                 \
        "\"totalRawUsd\":\"" sum "\"}"
#define STATE "{\"assetPositions\":[" LONG "]," RAW("-339414.3") "}"

static json_t *answer[LINES_MAX];

/* Runs the program over lines; answer[i] is what it said to the i-th. */
static void run(const char *option, const char *const *line, size_t n)
{
        char path[] = "/tmp/risk_states_XXXXXX", command[1024], *text = NULL;
        int fd = mkstemp(path);
        FILE *in = fdopen(fd, "w"), *out;
        size_t cap = 0, got = 0;

        assert_non_null(in);
        for (size_t i = 0; i < n; i++)
                fprintf(in, "%s\n", line[i]);
        fclose(in);
        snprintf(command, sizeof command, RISK_STATES " %s < %s", option, path);
        out = popen(command, "r");
        assert_non_null(out);
        while (got < LINES_MAX && getline(&text, &cap, out) > 0)
                answer[got++] = json_loads(text, 0, NULL);
        free(text);
        assert_int_equal(pclose(out), 0);
        (void)remove(path);
        assert_int_equal(got, n);
}

static void forget(size_t n)
{
        for (size_t i = 0; i < n; i++)
                json_decref(answer[i]);
}

static void run_one(const char *option, const char *line)
{
        run(option, &line, 1);
}

static void expect(const json_t *object, const char *key, const char *want)
{
        const json_t *value = json_object_get(object, key);

        if (!want) {
                assert_true(json_is_null(value));
                return;
        }
        assert_non_null(json_string_value(value));
        assert_string_equal(json_string_value(value), want);
}

static const json_t *position(size_t i, size_t k)
{
        return json_array_get(json_object_get(answer[i], "positions"), k);
}

static const char *reason(const json_t *object, const char *key)
{
        const json_t *why = json_object_get(json_object_get(object, "reasons"), key);
        const char *s = json_string_value(json_array_get(why, 0));

        return s ? s : "";
}

static void a_complete_list_tells_everything(void **state)
{
        (void)state;
        run_one("", "{\"id\":7,\"meta\":" META ",\"state\":" STATE "}");
        assert_int_equal(json_object_size(answer[0]), 7);
        assert_int_equal(json_integer_value(json_object_get(answer[0], "id")), 7);
        expect(answer[0], "accountValue", "38252.7");
        expect(answer[0], "crossAccountValue", "38252.7");
        expect(answer[0], "totalMarginUsed", "37766.7");
        expect(answer[0], "crossMaintenanceMarginUsed", "4720.8375");
        expect(answer[0], "withdrawable", "486.0");
        assert_int_equal(json_object_size(position(0, 0)), 5);
        expect(position(0, 0), "coin", "BTC");
        expect(position(0, 0), "liquidationPx", "76380.1518987342");
        expect(position(0, 0), "marginUsed", "37766.7");
        expect(position(0, 0), "unrealizedPnl", "11884.5");
        expect(position(0, 0), "returnOnEquity", "0.3249061943");
        forget(1);
}

static void a_cut_list_tells_its_positions(void **state)
{
        (void)state;
        run_one("--reasons",
                "{\"id\":\"a\",\"meta\":[" META ",[]],\"state\":{\"assetPositions\":[" LONG
                "],\"crossMarginSummary\":{\"accountValue\":\"38252.7\"},"
                "\"crossMaintenanceMarginUsed\":\"4720.8375\"}}");
        expect(answer[0], "id", "a");
        expect(answer[0], "accountValue", NULL);
        expect(answer[0], "crossAccountValue", "38252.7");
        expect(answer[0], "totalMarginUsed", NULL);
        expect(answer[0], "withdrawable", NULL);
        assert_string_equal(reason(answer[0], "withdrawable"), "positionsIncomplete");
        expect(position(0, 0), "liquidationPx", "76380.1518987342");
        assert_string_equal(reason(position(0, 0), "unrealizedPnl"), "entryCut");
        forget(1);
}

static void modes_and_spot_balances_count(void **state)
{
#define LINE(more) "{\"id\":1,\"meta\":" META ",\"state\":" STATE "," more "}"
        static const char *const line[] = {
                LINE("\"mode\":\"default\""),
                LINE("\"mode\":\"unifiedAccount\""),
                LINE("\"mode\":\"unifiedAccount\",\"spot\":{\"balances\":[{\"coin\":\"USDH\","
                     "\"token\":360,\"total\":\"9.0\",\"hold\":\"0.0\"},{\"coin\":\"USDC\","
                     "\"token\":0,\"total\":\"46599.6136\",\"hold\":\"37766.7\"}]}"),
                LINE("\"mode\":\"portfolioMargin\",\"spot\":{\"balances\":[]}"),
                LINE("\"mode\":\"unifiedAccount\",\"spot\":{\"balances\":7}"),
                LINE("\"mode\":\"unifiedAccount\",\"spot\":null"),
        };

        (void)state;
        run("--reasons", line, 6);
        expect(position(0, 0), "liquidationPx", "76380.1518987342");
        assert_string_equal(reason(position(0, 0), "liquidationPx"), "");
        expect(position(1, 0), "liquidationPx", NULL);
        assert_string_equal(reason(position(1, 0), "liquidationPx"), "spotUnknown");
        expect(answer[1], "withdrawable", NULL);
        expect(answer[1], "accountValue", "38252.7");
        expect(position(2, 0), "liquidationPx", "74501.8028466948");
        assert_string_equal(reason(position(2, 0), "liquidationPx"), "otherDexsUnknown");
        expect(position(3, 0), "liquidationPx", NULL);
        assert_string_equal(reason(position(3, 0), "liquidationPx"), "portfolioMargin");
        assert_non_null(json_object_get(answer[4], "error"));
        expect(position(5, 0), "liquidationPx", NULL);
        forget(6);
}

static void markets_may_be_old_lost_or_of_another_dex(void **state)
{
#define HELD(coin, size, value, max)                                                               \
        "{\"position\":{\"coin\":\"" coin "\",\"szi\":\"" size "\",\"entryPx\":\"1.0\"," CROSS     \
        ",\"positionValue\":\"" value "\"" max "}}"
        static const char *const line[] = {
                "{\"id\":1,\"meta\":" META
                ",\"state\":{\"assetPositions\":[" HELD("OLD", "-10.0", "10.0", ",\"maxLeverage\":10") "," HELD(
                        "LOST", "-10.0", "10.0",
                        ",\"maxLeverage\":10") "," HELD("xyz:GOLD", "-10.0", "10.0",
                                                        ",\"maxLeverage\":"
                                                        "20") "]," RAW("100.0") "}}",
                "{\"id\":2,\"state\":{\"assetPositions\":[" HELD("BTC", "-10.0", "10.0",
                                                                 "") "]," RAW("100.0") "}}",
                "{\"id\":3,\"meta\":{\"universe\":[{\"name\":\"BTC\",\"szDecimals\":5}]},"
                "\"state\":{\"assetPositions\":[" HELD("BTC", "5338683.7000000002", "10.0",
                                                       ",\"maxLeverage\":40") "]," RAW("1.0") "}}",
        };

        (void)state;
        run("--reasons", line, 3);
        /* re-rated, not listed, another dex's: by the position's own leverage, and said so */
        assert_string_equal(reason(position(0, 0), "liquidationPx"), "modeUnknown");
        expect(answer[0], "crossMaintenanceMarginUsed", "1.25");
        assert_string_equal(reason(answer[0], "crossMaintenanceMarginUsed"), "tiersGuessed");
        expect(position(0, 0), "liquidationPx", "7.5476190476");
        expect(position(0, 2), "liquidationPx", "7.7073170732");
        /* nothing says what it follows: no figure that needs it, all others */
        expect(answer[1], "crossMaintenanceMarginUsed", NULL);
        expect(position(1, 0), "liquidationPx", NULL);
        expect(answer[1], "totalMarginUsed", "1.0");
        /* a size printed from a binary double; no price */
        expect(position(2, 0), "liquidationPx", NULL);
        expect(answer[2], "accountValue", "11.0");
        forget(3);
}

static void isolated_positions_have_their_own_cash(void **state)
{
        (void)state;
        run_one("", "{\"id\":1,\"meta\":" META
                    ",\"state\":{\"assetPositions\":[{\"position\":{\"coin\":\"BTC\",\"szi\":"
                    "\"0.00347\",\"entryPx\":\"62000.0\",\"leverage\":{\"type\":\"isolated\","
                    "\"value\":20,\"rawUsd\":\"-213.037712\"},\"positionValue\":\"217.17342\","
                    "\"maxLeverage\":40}}],\"marginSummary\":{\"totalRawUsd\":\"-113.037712\"},"
                    "\"crossMarginSummary\":{\"totalRawUsd\":\"100.0\"}}}");
        expect(answer[0], "accountValue", "104.135708");
        expect(answer[0], "crossAccountValue", "100.0");
        expect(answer[0], "totalMarginUsed", "4.135708");
        expect(answer[0], "crossMaintenanceMarginUsed", "0.0");
        expect(answer[0], "withdrawable", "100.0");
        expect(position(0, 0), "liquidationPx", "62171.2944953124");
        expect(position(0, 0), "marginUsed", "4.135708");
        forget(1);
}

static void odd_lines_are_answered_and_the_next_is_read(void **state)
{
        static const char *const line[] = {
                "{\"id\":1",
                "[]",
                "7",
                "{\"id\":{\"a\":[1]}}",
                "{\"id\":null,\"meta\":" META ",\"state\":{}}",
                "{\"id\":\"x\",\"meta\":7,\"state\":{\"assetPositions\":[{\"position\":{}}]}}",
                "{\"id\":\"x\",\"state\":{\"assetPositions\":[{\"position\":{\"coin\":\"BTC\","
                "\"szi\":\"1e5\"}}]}}",
                "{\"id\":\"x\",\"state\":{\"assetPositions\":[{\"position\":{\"coin\":\"BTC\","
                "\"szi\":\"1.0\",\"positionValue\":\"-1.0\"}}]}}",
                "{\"id\":\"x\",\"state\":{\"assetPositions\":{}}}",
                "{\"id\":\"x\",\"id\":\"y\",\"state\":{\"assetPositions\":[]}}",
                "{\"id\":\"x\",\"state\":{\"assetPositions\":[" LONG "]," RAW("92233720368.0") "}}",
                "{\"id\":\"ok\",\"state\":{\"assetPositions\":[]}}",
                "{\"id\":\"ok\",\"meta\":" META
                ",\"state\":{\"assetPositions\":[]," RAW("0.0") "}}",
        };
        size_t n = sizeof line / sizeof line[0];

        (void)state;
        run("", line, n);
        for (size_t i = 0; i + 2 < n; i++) {
                assert_non_null(json_string_value(json_object_get(answer[i], "error")));
                assert_non_null(json_object_get(answer[i], "id"));
                assert_int_equal(json_object_size(answer[i]), 2);
        }
        assert_int_equal(json_array_size(json_object_get(json_object_get(answer[3], "id"), "a")),
                         1);
        expect(answer[6], "id", "x");
        expect(answer[n - 2], "accountValue", NULL);
        expect(answer[n - 1], "accountValue", "0.0");
        expect(answer[n - 1], "withdrawable", "0.0");
        forget(n);
}

/* Metadata of megabytes, in each line. */
static void long_lines_are_read(void **state)
{
        static const char head[] =
                "{\"id\":1,\"state\":" STATE ",\"meta\":" META ",\"spot\":null,\"pad\":\"";
        size_t pad = (size_t)6 * 1024 * 1024;
        char *line = xmalloc(sizeof head + pad + 3);

        (void)state;
        memcpy(line, head, sizeof head - 1);
        memset(line + sizeof head - 1, 'x', pad);
        memcpy(line + sizeof head - 1 + pad, "\"}", 3);
        run_one("", line);
        expect(position(0, 0), "liquidationPx", "76380.1518987342");
        forget(1);
        free(line);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_complete_list_tells_everything),
                cmocka_unit_test(a_cut_list_tells_its_positions),
                cmocka_unit_test(modes_and_spot_balances_count),
                cmocka_unit_test(markets_may_be_old_lost_or_of_another_dex),
                cmocka_unit_test(isolated_positions_have_their_own_cash),
                cmocka_unit_test(odd_lines_are_answered_and_the_next_is_read),
                cmocka_unit_test(long_lines_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
