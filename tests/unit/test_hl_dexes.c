/* hl_dexes, hl_meta, hl_markets: dexes that builders deployed, their collateral, ids and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_compile.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"

static json_t *load(const char *text)
{
        struct err err = {0};
        json_t *root = hl_raw_load(text, strlen(text), &err);

        if (!root)
                fail_msg("%s: %s", text, err.detail);
        return root;
}

/* ---- The list of dexes ---- */

static enum errc find(struct hl_dex_facts *out, const char *list, const char *name)
{
        json_t *root = load(list);
        struct err err = {0};
        enum errc rc = hl_dexes_find(out, root, name, &err);

        assert_int_equal(rc, err.code);
        json_decref(root);
        return rc;
}

static void a_dex_is_found_by_its_place(void **state)
{
        static const char list[] =
                "[null,{\"name\":\"abc\"},{\"name\":\"xyz\",\"deployerFeeScale\":"
                "\"0.25\"},{\"name\":\"last\",\"deployerFeeScale\":\"1.0\"}]";
        struct hl_dex_facts dex;

        (void)state;
        assert_int_equal(find(&dex, list, "xyz"), E_OK);
        assert_int_equal(dex.index, 2);
        assert_int_equal(dex.fee_scale.v, NUM_RATE_SCALE / 4);
        assert_string_equal(dex.name, "xyz");
        assert_int_equal(find(&dex, list, "abc"), E_OK);
        assert_true(dex.index == 1 && dex.fee_scale.v == 0);
        assert_int_equal(find(&dex, list, "nope"), E_NOT_FOUND);
        assert_int_equal(dex.index, 0);
        assert_int_equal(find(&dex, list, ""), E_NOT_FOUND);
        assert_int_equal(find(&dex, list, "much too long"), E_NOT_FOUND);
        assert_int_equal(find(&dex, "[]", "xyz"), E_NOT_FOUND);
        assert_int_equal(find(&dex, "[{\"name\":\"xyz\"}]", "xyz"),
                         E_NOT_FOUND); /* the first has no name */
}

static void odd_rows_hide_nothing_but_themselves(void **state)
{
        static const char odd[] =
                "[null,5,{},{\"name\":7},{\"name\":\"\\u0001\"},{\"name\":\"a very long name "
                "indeed\"},"
                "{\"name\":\"bad\",\"deployerFeeScale\":\"-1\"},{\"name\":\"xyz\"}]";
        struct hl_dex_facts dex;

        (void)state;
        assert_int_equal(find(&dex, odd, "xyz"), E_OK);
        assert_int_equal(dex.index, 7);
        assert_int_equal(find(&dex, odd, "bad"), E_VENUE_UNAVAILABLE);
        assert_int_equal(find(&dex, "{}", "xyz"), E_VENUE_UNAVAILABLE);
        assert_int_equal(find(&dex, "[null,{\"name\":\"xyz\"},{\"name\":\"xyz\"}]", "xyz"),
                         E_VENUE_UNAVAILABLE);
        assert_int_equal(
                find(&dex, "[null,{\"name\":\"xyz\",\"deployerFeeScale\":\"1000\"}]", "xyz"),
                E_VENUE_UNAVAILABLE);
        assert_int_equal(find(&dex, "[null,{\"name\":\"xyz\",\"deployerFeeScale\":1}]", "xyz"),
                         E_VENUE_UNAVAILABLE);
}

static void a_huge_list_is_refused(void **state)
{
        json_t *list = json_array();
        struct hl_dex_facts dex;

        (void)state;
        (void)json_array_append_new(list, json_null());
        while (json_array_size(list) < HL_DEXES_MAX)
                (void)json_array_append_new(list, json_pack("{s:s}", "name", "abc"));
        assert_int_equal(hl_dexes_find(&dex, list, "xyz", NULL), E_NOT_FOUND);
        (void)json_array_append_new(list, json_pack("{s:s}", "name", "xyz"));
        assert_int_equal(hl_dexes_find(&dex, list, "xyz", NULL), E_VENUE_UNAVAILABLE);
        json_decref(list);
}

/* ---- Tokens ---- */

#define TOKEN(name, index) "{\"name\":\"" name "\",\"index\":" index ",\"tokenId\":\"0xab\"}"

static struct hl_tokens *tokens_of(const char *rows)
{
        char text[2048];
        json_t *root;
        struct hl_tokens *tokens;

        (void)snprintf(text, sizeof text, "{\"tokens\":[%s]}", rows);
        root = load(text);
        tokens = hl_dexes_tokens(root, NULL);
        assert_non_null(tokens);
        json_decref(root);
        return tokens;
}

static void tokens_are_told_apart(void **state)
{
        struct hl_tokens *tokens = tokens_of(
                TOKEN("USDC", "0") "," TOKEN("USDX", "7") "," TOKEN("TWIN", "8") "," TOKEN(
                        "TWIN", "9") "," TOKEN("USDC", "10") ",5,{},{\"name\":\"NOID\",\"index\":"
                                                             "11}," TOKEN("NAMELONGERTHANALL",
                                                                          "12") "," TOKEN("",
                                                                                          "13"));
        json_t *none = load("{\"tokens\":{}}");
        struct err err = {0};

        (void)state;
        assert_string_equal(hl_dexes_token(tokens, 7)->name, "USDX");
        assert_string_equal(hl_dexes_token(tokens, 7)->id, "0xab");
        /* A name that two tokens have is nobody's. */
        for (uint64_t i = 8; i <= 14; i++)
                assert_null(hl_dexes_token(tokens, i));
        assert_null(hl_dexes_token(tokens, 0));
        assert_null(hl_dexes_token(NULL, 0));
        hl_dexes_tokens_free(tokens);
        hl_dexes_tokens_free(NULL);
        assert_null(hl_dexes_tokens(none, &err));
        assert_int_equal(err.code, E_VENUE_UNAVAILABLE);
        json_decref(none);
        /* Nor may another token pass for USDC where the list leaves that out. */
        tokens = tokens_of(TOKEN("USDC", "10"));
        assert_null(hl_dexes_token(tokens, 10));
        hl_dexes_tokens_free(tokens);
}

/* ---- A dex's universe ---- */

#define UNIVERSE(markets, token)                                                                   \
        "{\"universe\":[" markets "],\"marginTables\":[[60,{\"marginTiers\":[{\"lowerBound\":"     \
        "\"0.0\",\"maxLeverage\":30},{\"lowerBound\":\"5000000.0\",\"maxLeverage\":15}]}]],"       \
        "\"collateralToken\":" token "}"
#define MARKET(name, more)                                                                         \
        "{\"name\":\"" name "\",\"szDecimals\":3,\"maxLeverage\":10,\"marginTableId\":10" more "}"

static struct hl_universe *universe_of(const char *text, const struct hl_dex_facts *dex)
{
        json_t *meta = load(text);
        struct err err = {0};
        struct hl_universe *u = hl_meta_parse(meta, dex, &err);

        assert_int_equal(err.code, u ? E_OK : E_VENUE_UNAVAILABLE);
        json_decref(meta);
        return u;
}

static const char kinds[] = UNIVERSE(
        "{\"name\":\"xyz:IDX\",\"szDecimals\":4,\"maxLeverage\":30,\"marginTableId\":60,"
        "\"growthMode\":\"enabled\"}," MARKET(
                "xyz:STRICT",
                ",\"marginMode\":\"strictIsolated\"") "," MARKET("xyz:NOCROSS",
                                                                 ",\"marginMode\":\"noCross\""),
        "7");

static void a_universe_carries_its_dex(void **state)
{
        struct hl_tokens *tokens = tokens_of(TOKEN("USDC", "0") "," TOKEN("USDX", "7"));
        struct hl_dex_facts dex = {
                .name = "xyz", .index = 2, .fee_scale = {NUM_RATE_SCALE / 2}, .tokens = tokens};
        struct hl_universe *u = universe_of(kinds, &dex);
        const struct market *m;

        (void)state;
        assert_non_null(u);
        assert_string_equal(u->collateral, "USDX");
        assert_string_equal(u->token, "USDX:0xab");
        m = hl_meta_find(u, "xyz:IDX");
        assert_int_equal(m->asset, 120000);
        assert_string_equal(m->dex, "xyz");
        assert_string_equal(m->collateral, "USDX");
        assert_true(m->cross_allowed && m->margin_removable && m->tiers.n == 2);
        assert_int_equal(m->price_max_decimals, 2);
        assert_int_equal(m->fee_share.v, NUM_RATE_SCALE / 10 * 3 / 2);
        assert_int_equal(m->rebate_share.v, NUM_RATE_SCALE / 10);
        m = hl_meta_find(u, "xyz:STRICT");
        assert_true(m->asset == 120001 && !m->cross_allowed && !m->margin_removable);
        assert_int_equal(m->fee_share.v, NUM_RATE_SCALE * 3 / 2);
        m = hl_meta_find(u, "xyz:NOCROSS");
        assert_true(m->asset == 120002 && !m->cross_allowed && m->margin_removable);
        hl_meta_free(u);
        /* From a scale of one on, both parts grow with it. */
        dex.fee_scale.v = NUM_RATE_SCALE;
        u = universe_of(kinds, &dex);
        assert_int_equal(hl_meta_find(u, "xyz:STRICT")->fee_share.v, 2 * NUM_RATE_SCALE);
        hl_meta_free(u);
        hl_dexes_tokens_free(tokens);
}

static void universes_of_others_are_refused(void **state)
{
        static const char *const bad[] = {
                UNIVERSE(MARKET("IDX", ""), "7"),
                UNIVERSE(MARKET("abc:IDX", ""), "7"),
                UNIVERSE(MARKET("xyz:", ""), "7"),
                UNIVERSE(MARKET("xyzIDX", ""), "7"),
                UNIVERSE(MARKET("xyz", ""), "7"),
                UNIVERSE(MARKET(":IDX", ""), "7"),
                UNIVERSE(MARKET("xy:IDX", ""), "7"),
                UNIVERSE(MARKET("XYZ:IDX", ""), "7"),
                UNIVERSE(MARKET("xyz:A", ""), "8"),
                UNIVERSE(MARKET("xyz:A", ""), "\"7\""),
                UNIVERSE(MARKET("xyz:A", ""), "-7"),
                UNIVERSE(MARKET("xyz:A", "") "," MARKET("xyz:A", ""), "7"),
                UNIVERSE(MARKET("xyz:A", ",\"growthMode\":5"), "7"),
                UNIVERSE("", "7"),
        };
        struct hl_tokens *tokens = tokens_of(TOKEN("USDC", "0") "," TOKEN("USDX", "7"));
        struct hl_dex_facts dex = {.name = "xyz", .index = 1, .tokens = tokens};

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                if (universe_of(bad[i], &dex))
                        fail_msg("accepted: %s", bad[i]);
        /* Nor does the first dex have markets of another, or another collateral. */
        assert_null(universe_of(UNIVERSE(MARKET("xyz:A", ""), "0"), NULL));
        assert_null(universe_of(UNIVERSE(MARKET("A", ""), "7"), NULL));
        dex.tokens = NULL;
        assert_null(universe_of(UNIVERSE(MARKET("xyz:A", ""), "7"), &dex));
        hl_dexes_tokens_free(tokens);
}

/* ---- All dexes together ---- */

struct world {
        struct hl_tokens *tokens;
        struct hl_markets markets;
};

static int setup(void **state)
{
        static struct world w;
        struct hl_dex_facts dex = {.name = "xyz", .index = 2};

        w.tokens = tokens_of(TOKEN("USDC", "0") "," TOKEN("USDX", "7"));
        dex.tokens = w.tokens;
        w.markets = (struct hl_markets){.n = 3, .dex[1].name = "abc", .dex[2].name = "xyz"};
        w.markets.dex[0].universe =
                universe_of(UNIVERSE(MARKET("BTC", "") "," MARKET("ETH", ""), "0"), NULL);
        w.markets.dex[2].universe = universe_of(kinds, &dex);
        *state = &w;
        return 0;
}

static int teardown(void **state)
{
        struct world *w = *state;

        for (unsigned i = 0; i < w->markets.n; i++)
                hl_meta_free(w->markets.dex[i].universe);
        hl_dexes_tokens_free(w->tokens);
        return 0;
}

static void markets_are_found(void **state)
{
        static const char *const none[] = {"",     "xyz",     "xyz:",     "xyz:BTC",
                                           "BTC:", "abc:IDX", "nope:IDX", ":IDX",
                                           "IDX",  "xyz:idx", "xy:IDX",   "xyzz:IDX"};
        struct world *w = *state;
        const struct hl_markets *all = &w->markets;

        assert_int_equal(hl_markets_count(all), 5);
        assert_string_equal(hl_markets_at(all, 1)->symbol, "ETH");
        assert_string_equal(hl_markets_at(all, 2)->symbol, "xyz:IDX");
        for (size_t i = 0; i < 5; i++) {
                const struct market *m = hl_markets_at(all, i);

                assert_ptr_equal(hl_markets_find(all, m->symbol), m);
                assert_ptr_equal(hl_markets_by_asset(all, m->asset), m);
                assert_true(hl_markets_has(all, m->symbol));
        }
        for (size_t i = 0; i < sizeof none / sizeof *none; i++)
                assert_null(hl_markets_find(all, none[i]));
        for (uint32_t id = 0; id < 200000; id++)
                assert_int_equal(hl_markets_by_asset(all, id) != NULL,
                                 id < 2 || (id >= 120000 && id < 120003));
        assert_null(hl_markets_by_asset(all, UINT32_MAX));
        assert_null(hl_markets_find(NULL, "BTC"));
        assert_null(hl_markets_by_asset(NULL, 0));
        assert_int_equal(hl_markets_count(NULL), 0);
}

static void names_of_ours_are_known(void **state)
{
        static const char *const others[] = {"@1", "PURR/USDC", "#7", "nope:A", ":A", "xyzz:A"};
        struct world *w = *state;

        assert_true(hl_markets_has(&w->markets, "NEW"));
        assert_true(hl_markets_has(&w->markets, "xyz:NEW"));
        assert_true(hl_markets_has(&w->markets, "abc:NEW"));
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
                assert_false(hl_markets_has(&w->markets, others[i]));
        assert_true(hl_markets_has(NULL, "BTC"));
        assert_false(hl_markets_has(NULL, "xyz:IDX"));
        assert_int_equal(hl_markets_dex(&w->markets, ""), 0);
        assert_int_equal(hl_markets_dex(&w->markets, "xyz"), 2);
        assert_int_equal(hl_markets_dex(&w->markets, "nope"), -1);
}

/* ---- What hangs on them ---- */

static enum errc compiled(const struct world *w, const struct venue_action *action,
                          const char *wants)
{
        struct venue_compiled out;
        struct err err = {0};
        enum errc rc = hl_compile(&out, action, &w->markets, false, NULL, 1, 0, &err);

        assert_int_equal(rc, err.code);
        if (!rc)
                assert_non_null(strstr(buf_cstr(&out.body), wants));
        venue_compiled_fini(&out);
        return rc;
}

static void actions_name_the_asset_and_keep_its_rules(void **state)
{
        struct venue_action lever = {
                .kind = VENUE_SET_LEVERAGE, .asset = 120000, .u.leverage = {MARGIN_CROSS, 30}};
        struct venue_action margin = {
                .kind = VENUE_ADJUST_MARGIN, .asset = 120002, .u.margin.amount = {-NUM_SCALE}};
        struct venue_action order = {.kind = VENUE_ORDER, .asset = 120001, .u.order.n = 1};

        assert_int_equal(compiled(*state, &lever, "\"asset\":120000"), E_OK);
        lever.asset = 120001;
        lever.u.leverage.leverage = 3;
        assert_int_equal(compiled(*state, &lever, ""), E_MARGIN_MODE);
        lever.asset = 120003;
        assert_int_equal(compiled(*state, &lever, ""), E_MARKET_NOT_OFFERED);
        lever.asset = 110000;
        assert_int_equal(compiled(*state, &lever, ""), E_MARKET_NOT_OFFERED);
        assert_int_equal(compiled(*state, &margin, "\"asset\":120002"), E_OK);
        margin.asset = 120001;
        assert_int_equal(compiled(*state, &margin, ""), E_MARGIN_NOT_REMOVABLE);
        order.u.order.order[0] =
                (struct venue_order){.price = {400 * NUM_SCALE}, .size = {NUM_SCALE / 1000}};
        assert_int_equal(compiled(*state, &order, "\"a\":120001"), E_OK);
        order.u.order.order[0].size.v = NUM_SCALE / 10000;
        assert_int_equal(compiled(*state, &order, ""), E_LOT);
}

#define FILL(coin, token)                                                                          \
        "{\"coin\":\"" coin "\",\"px\":\"400.0\",\"sz\":\"0.1\",\"side\":\"B\",\"time\":9,"        \
        "\"dir\":\"Open Long\",\"closedPnl\":\"0.0\",\"oid\":1,\"crossed\":true,\"fee\":\"2.7\","  \
        "\"tid\":3,\"feeToken\":\"" token "\"}"
#define PAID(coin)                                                                                 \
        "{\"time\":6,\"hash\":\"0x0\",\"delta\":{\"type\":\"funding\",\"coin\":\"" coin "\","      \
        "\"usdc\":\"-1.5\",\"szi\":\"1\",\"fundingRate\":\"0.1\"}}"

static void rows_of_our_dexes_are_kept_and_named(void **state)
{
        struct world *w = *state;
        json_t *fills = load("[" FILL("BTC", "USDC") "," FILL("xyz:IDX", "USDX") "," FILL(
                "nope:A", "USDZ") "," FILL("nope:A NAME THAT IS FAR TOO LONG TO BE KEPT",
                                           "USDZ") "]");
        json_t *paid = load(
                "[" PAID("ETH") "," PAID("xyz:IDX") "," PAID("xyz:OLD") "," PAID("nope:A") "]");
        struct venue_payment *payment;
        struct venue_fill *fill;
        size_t n;

        assert_int_equal(hl_parse_fills(&fill, &n, fills, &w->markets, NULL), E_OK);
        assert_int_equal(n, 2);
        assert_string_equal(fill[1].symbol, "xyz:IDX");
        assert_string_equal(fill[1].fee_token, "USDX");
        free(fill);
        assert_int_equal(hl_parse_fills(&fill, &n, fills, NULL, NULL), E_OK);
        assert_int_equal(n, 1);
        free(fill);
        assert_int_equal(hl_parse_history_payments(&payment, &n, paid, &w->markets, NULL), E_OK);
        assert_int_equal(n, 3);
        assert_string_equal(payment[0].token, "USDC");
        assert_string_equal(payment[1].token, "USDX");
        assert_string_equal(payment[2].token, ""); /* its market is not known: nothing is guessed */
        free(payment);
        json_decref(fills);
        json_decref(paid);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_dex_is_found_by_its_place),
                cmocka_unit_test(odd_rows_hide_nothing_but_themselves),
                cmocka_unit_test(a_huge_list_is_refused),
                cmocka_unit_test(tokens_are_told_apart),
                cmocka_unit_test(a_universe_carries_its_dex),
                cmocka_unit_test(universes_of_others_are_refused),
                cmocka_unit_test_setup_teardown(markets_are_found, setup, teardown),
                cmocka_unit_test_setup_teardown(names_of_ours_are_known, setup, teardown),
                cmocka_unit_test_setup_teardown(actions_name_the_asset_and_keep_its_rules, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(rows_of_our_dexes_are_kept_and_named, setup,
                                                teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
