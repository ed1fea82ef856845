/* hl_meta: universes and contexts, documented, captured and bad; and an account's settings and fees. */
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

/* ---- Universe ---- */

#define META(markets)                                                                              \
        "{\"universe\":[" markets "],\"marginTables\":[[56,{\"description\":\"tiered 40x\","       \
        "\"marginTiers\":[{\"lowerBound\":\"0.0\",\"maxLeverage\":40},"                            \
        "{\"lowerBound\":\"150000000.0\",\"maxLeverage\":20}]}]],\"collateralToken\":0}"
#define BTC "{\"name\":\"BTC\",\"szDecimals\":5,\"maxLeverage\":40,\"marginTableId\":56}"

static void universe_is_read(void **state)
{
        json_t *meta = load(META(
                BTC ",{\"name\":\"OLD\",\"szDecimals\":1,\"maxLeverage\":20,\"marginTableId\":20,"
                    "\"isDelisted\":true},"
                    "{\"name\":\"STRICT\",\"szDecimals\":0,\"maxLeverage\":3,\"marginTableId\":3,"
                    "\"onlyIsolated\":true,\"marginMode\":\"strictIsolated\"},"
                    "{\"name\":\"NOCROSS\",\"szDecimals\":2,\"maxLeverage\":10,"
                    "\"marginTableId\":10,\"onlyIsolated\":true,\"marginMode\":\"noCross\"},"
                    "{\"name\":\"OLDER\",\"szDecimals\":2,\"maxLeverage\":5,"
                    "\"onlyIsolated\":true}"));
        struct hl_universe *u = hl_meta_parse(meta, NULL, NULL);
        const struct market *m;

        (void)state;
        assert_non_null(u);
        assert_int_equal(u->n, 5);
        m = hl_meta_find(u, "BTC");
        assert_non_null(m);
        assert_int_equal(m->asset, 0);
        assert_int_equal(m->size_decimals, 5);
        assert_int_equal(m->price_max_decimals, 1);
        assert_int_equal(m->max_leverage, 40);
        assert_int_equal(m->tiers.n, 2);
        assert_int_equal(m->tiers.tier[1].lower_bound.v, 150000000 * NUM_SCALE);
        assert_true(m->cross_allowed && m->margin_removable && !m->is_delisted);
        assert_string_equal(m->collateral, "USDC");
        m = hl_meta_find(u, "OLD");
        assert_true(m->is_delisted && m->asset == 1 && m->tiers.n == 1);
        assert_int_equal(m->tiers.tier[0].max_leverage, 20);
        m = hl_meta_find(u, "STRICT");
        assert_true(!m->cross_allowed && !m->margin_removable);
        m = hl_meta_find(u, "NOCROSS");
        assert_true(!m->cross_allowed && m->margin_removable);
        m = hl_meta_find(u, "OLDER");
        assert_true(!m->cross_allowed && !m->margin_removable);
        assert_int_equal(m->tiers.tier[0].max_leverage, 5);
        assert_null(hl_meta_find(u, "btc"));
        assert_null(hl_meta_find(NULL, "BTC"));
        hl_meta_free(u);
        json_decref(meta);
}

static void bad_universes_are_refused(void **state)
{
        static const char *const bad[] = {
                "null",
                "{}",
                "{\"universe\":[]}",
                "{\"universe\":5}",
                META("{}"),
                META(BTC "," BTC),
                META("{\"name\":\"\",\"szDecimals\":5,\"maxLeverage\":40}"),
                META("{\"name\":\"A\",\"szDecimals\":9,\"maxLeverage\":40}"),
                META("{\"name\":\"A\",\"szDecimals\":\"5\",\"maxLeverage\":40}"),
                META("{\"name\":\"A\",\"szDecimals\":5,\"maxLeverage\":0}"),
                META("{\"name\":\"A\",\"szDecimals\":5}"),
                META("{\"name\":\"A\",\"szDecimals\":5,\"maxLeverage\":40,\"marginTableId\":57}"),
                META("{\"name\":\"A\",\"szDecimals\":5,\"maxLeverage\":40,\"marginTableId\":0}"),
                META("{\"name\":\"A\",\"szDecimals\":5,\"maxLeverage\":4,\"isDelisted\":1}"),
                META("{\"name\":\"A234567890123456789012345678901234\",\"szDecimals\":5,"
                     "\"maxLeverage\":4}"),
                "{\"universe\":[" BTC "],\"marginTables\":[[56,{\"marginTiers\":[]}]]}",
                "{\"universe\":[" BTC "],\"marginTables\":[[56,{\"marginTiers\":[{\"lowerBound\":"
                "\"5\",\"maxLeverage\":40}]}]]}",
                "{\"universe\":[" BTC "],\"marginTables\":[],\"collateralToken\":235}",
        };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_t *meta = load(bad[i]);
                struct err err = {0};
                struct hl_universe *u = hl_meta_parse(meta, NULL, &err);

                if (u)
                        fail_msg("accepted: %s", bad[i]);
                assert_int_equal(err.code, E_VENUE_UNAVAILABLE);
                json_decref(meta);
        }
}

#define CONTEXT(mid)                                                                               \
        "{\"funding\":\"-0.000003688\",\"openInterest\":\"22727.7826600001\",\"prevDayPx\":"       \
        "\"69557.0\",\"dayNtlVlm\":\"12377419030.3486595154\",\"premium\":null,\"oraclePx\":"      \
        "\"66383.0\",\"markPx\":\"66344.0\",\"midPx\":" mid ",\"impactPxs\":null}"

static void contexts_are_read(void **state)
{
        json_t *meta = load(META(BTC));
        json_t *good = load("[" CONTEXT("\"66371.5\"") "]");
        json_t *bare = load("[" CONTEXT("null") "]");
        json_t *rubbish = load("[{\"markPx\":\"x\"}]");
        json_t *two = load("[{},{}]");
        struct hl_universe *u = hl_meta_parse(meta, NULL, NULL);
        const struct market *m;

        (void)state;
        assert_non_null(u);
        m = &u->market[0];
        assert_int_equal(m->context_at, 0);
        assert_int_equal(hl_meta_contexts(u, good, 99, NULL), 0);
        assert_int_equal(m->context_at, 99);
        assert_int_equal(m->mark.v, 66344 * NUM_SCALE);
        assert_int_equal(m->oracle.v, 66383 * NUM_SCALE);
        assert_true(m->has_mid && m->mid.v == 66371 * NUM_SCALE + NUM_SCALE / 2);
        assert_int_equal(m->funding.v, -3688000);
        assert_int_equal(m->open_interest.v, INT64_C(2272778266000));
        assert_int_equal(hl_meta_contexts(u, bare, 100, NULL), 0);
        assert_false(m->has_mid);
        assert_int_equal(hl_meta_contexts(u, two, 101, NULL), E_VENUE_UNAVAILABLE);
        assert_int_equal(m->context_at, 100);
        assert_int_equal(hl_meta_contexts(u, rubbish, 102, NULL), 0);
        assert_int_equal(m->context_at, 0);
        hl_meta_free(u);
        json_decref(meta);
        json_decref(good);
        json_decref(bare);
        json_decref(rubbish);
        json_decref(two);
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

static void captured_universes_are_read(void **state)
{
        static const struct {
                const char *path;
                size_t n;
        } files[] = {
                {"meta/rust-sdk--2025-06-25--e1302efe.json", 199},
                {"meta/sonirico--2025-12-13--2d5fff61.json", 223},
                {"meta/sonirico--2026-02-06--2a44a47f.json", 228},
                {"meta/sonirico--testnet-2025-08-23--7b934a04.json", 184},
                {"meta/tripwire--2026-09-17.json", 82},
                {"meta/bytex--2026-09-25.json", 6},
        };

        (void)state;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
                bool has_contexts = false;
                struct hl_universe *u = captured_universe(files[i].path, &has_contexts);

                if (!u)
                        skip_without_captures();
                assert_int_equal(u->n, files[i].n);
                for (size_t k = 0; has_contexts && k < u->n; k++)
                        assert_true(u->market[k].context_at == 1);
                hl_meta_free(u);
        }
}

static void settings_and_fees_are_read(void **state)
{
        json_t *s = load("{\"user\":\"0x\",\"coin\":\"BTC\",\"leverage\":{\"type\":\"cross\","
                         "\"value\":20},\"maxTradeSzs\":[\"1\",\"2\"],\"availableToTrade\":["
                         "\"100.5\",\"200.25\"],\"markPx\":\"60000.0\"}");
        json_t *f = load("{\"userCrossRate\":\"0.00045\",\"userAddRate\":\"-0.00001\","
                         "\"activeReferralDiscount\":\"0.04\"}");
        struct venue_setting setting;
        struct venue_fees fees;

        (void)state;
        assert_int_equal(hl_parse_account_setting(&setting, s, NULL), 0);
        assert_int_equal(setting.mode, MARGIN_CROSS);
        assert_int_equal(setting.leverage, 20);
        assert_int_equal(setting.available[SIDE_SELL].v, 20025000000);
        json_object_set_new(s, "availableToTrade", load("[\"1\"]"));
        assert_int_equal(hl_parse_account_setting(&setting, s, NULL), E_VENUE_UNAVAILABLE);
        assert_int_equal(hl_parse_account_fees(&fees, f, NULL), 0);
        assert_int_equal(fees.taker.v, 432000000); /* 0.00045 * 0.96 */
        assert_int_equal(fees.maker.v, -10000000); /* a rebate stays */
        json_object_set_new(f, "activeReferralDiscount", json_string("1.5"));
        assert_int_equal(hl_parse_account_fees(&fees, f, NULL), E_VENUE_UNAVAILABLE);
        json_decref(s);
        json_decref(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(universe_is_read),
                cmocka_unit_test(bad_universes_are_refused),
                cmocka_unit_test(contexts_are_read),
                cmocka_unit_test(captured_universes_are_read),
                cmocka_unit_test(settings_and_fees_are_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
