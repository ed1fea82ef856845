/* The adapter's dexes over real sockets: read beside the first, each on its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hl_fixture.h"

#define MARKET(name)                                                                               \
        "{\"name\":\"" name "\",\"szDecimals\":3,\"maxLeverage\":10,\"marginTableId\":10}"

static const struct market *find(const char *symbol)
{
        return venue->ops->market_by_symbol(venue, symbol);
}

static bool has_dex(void)
{
        return find("xyz:A") != NULL;
}

static bool has_no_dex(void)
{
        return find("xyz:A") == NULL;
}

static bool has_second(void)
{
        return find("xyz:B") != NULL;
}

static bool dex_is_gone(void)
{
        struct venue_dex dex;

        venue->ops->dex_at(venue, 2, &dex);
        return dex.is_gone;
}

static unsigned meta_seen, lists_seen, dex_seen;

static bool five_more_of_the_first(void)
{
        return hl_server_count(&hl_server.n_meta) >= meta_seen + 5;
}

static bool three_more_of_the_dex(void)
{
        return hl_server_count(&hl_server.n_dex_meta) >= dex_seen + 3;
}

static bool two_more_lists(void)
{
        return hl_server_count(&hl_server.n_dexes) >= lists_seen + 2;
}

/* Opens with abc and xyz; the list has both, but only xyz is what is asked about. */
static void open_every(int64_t markets_every_ms, const char *markets, unsigned n)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        o.markets_every_ms = markets_every_ms;
        hl_server_answer_dex(markets, n, 7);
        o.n_dexes = 2;
        (void)snprintf(o.dex[0], sizeof o.dex[0], "none");
        (void)snprintf(o.dex[1], sizeof o.dex[1], "xyz");
        hl_fixture_reopen(&o);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
}

static void open_with_dexes(const char *markets, unsigned n)
{
        open_every(1, markets, n);
}

static void a_dex_is_read_beside_the_first(void **state)
{
        struct venue_dex dex;
        const struct market *m;

        (void)state;
        open_with_dexes(MARKET("xyz:A") "," MARKET("xyz:B"), 2);
        assert_true(hl_fixture_turn_until(has_dex));
        m = find("xyz:B");
        assert_int_equal(m->asset, 120001);
        assert_string_equal(m->collateral, "USDX");
        assert_int_equal(m->fee_share.v, NUM_RATE_SCALE * 3 / 2);
        assert_true(m->context_at > 0 && m->mark.v == 400 * NUM_SCALE);
        assert_int_equal(venue->ops->market_count(venue), 5);
        assert_ptr_equal(venue->ops->market_at(venue, 4), m);
        assert_int_equal(venue->ops->dex_count(venue), 3);
        venue->ops->dex_at(venue, 0, &dex);
        assert_string_equal(dex.name, "");
        assert_string_equal(dex.collateral, "USDC");
        venue->ops->dex_at(venue, 1, &dex);
        assert_true(dex.is_gone && dex.n_markets == 0 && !dex.collateral[0]);
        venue->ops->dex_at(venue, 2, &dex);
        assert_string_equal(dex.collateral, "USDX");
        assert_string_equal(dex.token, "USDX:0x77");
        assert_true(!dex.is_gone && dex.n_markets == 2);
}

static void a_dex_that_cant_be_read_leaves_the_others(void **state)
{
        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        hl_server_set(&hl_server.dex_meta_mode, HTTP_502);
        meta_seen = hl_server_count(&hl_server.n_meta);
        dex_seen = hl_server_count(&hl_server.n_dex_meta);
        assert_true(hl_fixture_turn_until(five_more_of_the_first));
        assert_true(hl_fixture_turn_until(three_more_of_the_dex));
        assert_int_equal(hl_fixture_health(), VENUE_UP);
        assert_non_null(find("BTC"));
        assert_non_null(find("xyz:A")); /* as it was read last */
        /* Markets of another dex are no better than none. */
        hl_server_set(&hl_server.dex_meta_mode, GOOD);
        hl_server_answer_dex(MARKET("abc:A"), 1, 7);
        dex_seen = hl_server_count(&hl_server.n_dex_meta);
        assert_true(hl_fixture_turn_until(three_more_of_the_dex));
        assert_null(find("abc:A"));
        assert_non_null(find("xyz:A"));
        /* And what is well again is taken. */
        hl_server_answer_dex(MARKET("xyz:A") "," MARKET("xyz:B"), 2, 7);
        assert_true(hl_fixture_turn_until(has_second));
}

static void the_first_may_fail_alone(void **state)
{
        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        hl_server_set(&hl_server.meta_mode, HTTP_502);
        hl_server_answer_dex(MARKET("xyz:A") "," MARKET("xyz:B"), 2, 7);
        assert_true(hl_fixture_turn_until(has_second));
}

static uint64_t universes(void)
{
        struct venue_status status;

        venue->ops->status(venue, &status);
        return status.universes;
}

/* By this others learn that there are markets to look at: those of each dex, whenever they come, and not
 * the prices in between. */
static void universes_of_every_dex_are_counted(void **state)
{
        (void)state;
        open_every(3600000, MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        assert_int_equal(universes(), 2);
        meta_seen = hl_server_count(&hl_server.n_meta);
        dex_seen = hl_server_count(&hl_server.n_dex_meta);
        assert_true(hl_fixture_turn_until(five_more_of_the_first));
        assert_true(hl_fixture_turn_until(three_more_of_the_dex));
        assert_int_equal(universes(), 2);
        hl_server_answer_dex(MARKET("xyz:A") "," MARKET("xyz:B"), 2, 7);
        assert_true(hl_fixture_turn_until(has_second));
        assert_int_equal(universes(), 3);
}

static void a_dex_that_goes_away_is_dropped(void **state)
{
        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        assert_false(dex_is_gone());
        hl_server_answer_dexes("[null,{\"name\":\"abc\"}]");
        assert_true(hl_fixture_turn_until(has_no_dex));
        assert_true(dex_is_gone());
        assert_non_null(find("BTC"));
        assert_int_equal(hl_fixture_health(), VENUE_UP);
        /* Back at another place it is another dex: its ids are not what they were. */
        hl_server_answer_dexes("[null,{\"name\":\"xyz\"}]");
        assert_true(hl_fixture_turn_until(has_dex));
        assert_int_equal(find("xyz:A")->asset, 110000);
}

static void a_list_that_cant_be_read_changes_nothing(void **state)
{
        static const char *const bad[] = {"{}", "[null,{\"name\":\"xyz\"},{\"name\":\"xyz\"}]",
                                          "[null,{\"name\":\"xyz\",\"deployerFeeScale\":\"x\"}]"};

        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                hl_server_answer_dexes(bad[i]);
                lists_seen = hl_server_count(&hl_server.n_dexes);
                assert_true(hl_fixture_turn_until(two_more_lists));
                assert_non_null(find("xyz:A"));
                assert_false(dex_is_gone());
        }
        hl_server_set(&hl_server.dexes_mode, RUBBISH);
        dex_seen = hl_server_count(&hl_server.n_dex_meta);
        /* Lists that fail don't keep the dex from being read. */
        assert_true(hl_fixture_turn_until(three_more_of_the_dex));
        assert_non_null(find("xyz:A"));
}

static void a_collateral_without_a_name_is_not_traded(void **state)
{
        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        hl_server_answer_dex(MARKET("xyz:A") "," MARKET("xyz:B"), 2, 8);
        dex_seen = hl_server_count(&hl_server.n_dex_meta);
        assert_true(hl_fixture_turn_until(three_more_of_the_dex));
        assert_null(find("xyz:B"));
}

/* ---- Reads name the dex ---- */

static unsigned n_read;

static void on_account(void *cookie, const struct err *err, struct venue_account *account)
{
        assert_int_equal(err->code, E_OK);
        assert_string_equal(account->dex, cookie);
        assert_string_equal(account->collateral, account->dex[0] ? "USDX" : "USDC");
        n_read++;
}

static void on_orders(void *cookie, const struct err *err, const struct venue_open_order *orders,
                      size_t n)
{
        (void)cookie;
        (void)orders;
        assert_true(err->code == E_OK && n == 0);
        n_read++;
}

static bool has_read(void)
{
        return n_read > 0;
}

static void expect_body(const char *what, bool is_there)
{
        bool found;

        n_read = 0;
        assert_true(hl_fixture_turn_until(has_read));
        pthread_mutex_lock(&hl_server.lock);
        found = strstr(hl_server.info_body, what) != NULL;
        pthread_mutex_unlock(&hl_server.lock);
        assert_int_equal(found, is_there);
}

static void reads_name_their_dex(void **state)
{
        static const struct addr user = {.b = {[19] = 0xee}};
        static char first[] = "", xyz[] = "xyz";

        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        venue->ops->read_account(venue, &user, "xyz", on_account, xyz);
        expect_body("\"dex\":\"xyz\"", true);
        venue->ops->read_open_orders(venue, &user, "xyz", on_orders, NULL);
        expect_body("\"dex\":\"xyz\"", true);
        venue->ops->read_account(venue, &user, "", on_account, first);
        expect_body("dex", false);
        venue->ops->read_open_orders(venue, &user, "", on_orders, NULL);
        expect_body("dex", false);
}

#define ORDER(coin, oid)                                                                           \
        "{\"coin\":\"" coin "\",\"side\":\"B\",\"limitPx\":\"1.0\",\"sz\":\"1.0\",\"oid\":" oid    \
        ",\"timestamp\":1,\"origSz\":\"1.0\"}"
#define SUMS                                                                                       \
        "{\"accountValue\":\"9.0\",\"totalNtlPos\":\"0.0\",\"totalRawUsd\":\"9.0\","               \
        "\"totalMarginUsed\":\"0.0\"}"
#define STATE(coin)                                                                                \
        "{\"marginSummary\":" SUMS ",\"crossMarginSummary\":" SUMS                                 \
        ",\"crossMaintenanceMarginUsed\":\"0.0\",\"withdrawable\":\"9.0\",\"time\":3,"             \
        "\"assetPositions\":[{\"position\":{\"coin\":\"" coin                                      \
        "\",\"szi\":\"1.0\",\"leverage\":{\"type\":\"cross\",\"value\":5},\"entryPx\":\"400.0\","  \
        "\"positionValue\":\"400.0\",\"unrealizedPnl\":\"0.0\",\"returnOnEquity\":\"0.0\","        \
        "\"liquidationPx\":null,\"marginUsed\":\"80.0\",\"maxLeverage\":10,\"cumFunding\":{"       \
        "\"sinceOpen\":\"0.0\"}}}]}"

static uint64_t oids;

static void on_oids(void *cookie, const struct err *err, const struct venue_open_order *orders,
                    size_t n)
{
        (void)cookie;
        assert_int_equal(err->code, E_OK);
        for (size_t i = 0; i < n; i++)
                oids = 10 * oids + orders[i].oid;
        n_read++;
}

static enum errc account_code;
static unsigned n_positions;

static void on_code(void *cookie, const struct err *err, struct venue_account *account)
{
        (void)cookie;
        account_code = err->code;
        n_positions = account->n_positions;
        n_read++;
}

/* Whatever the venue makes of the question: what is told as one dex's is that dex's. */
static void answers_for_another_dex_are_not_taken(void **state)
{
        static const struct addr user = {.b = {[19] = 0xee}};
        static const struct {
                const char *dex;
                uint64_t oids;
                enum errc code;
        } rows[] = {{"", 14, E_VENUE_UNAVAILABLE}, {"xyz", 2, E_OK}};

        (void)state;
        open_with_dexes(MARKET("xyz:A"), 1);
        assert_true(hl_fixture_turn_until(has_dex));
        for (size_t i = 0; i < 2; i++) {
                hl_server_answer_info("[" ORDER("BTC", "1") "," ORDER("xyz:A", "2") "," ORDER(
                        "nope:A", "3") "," ORDER("ETH", "4") "]");
                n_read = 0;
                oids = 0;
                venue->ops->read_open_orders(venue, &user, rows[i].dex, on_oids, NULL);
                assert_true(hl_fixture_turn_until(has_read));
                assert_int_equal(oids, rows[i].oids);
                hl_server_answer_info(STATE("xyz:A"));
                n_read = 0;
                venue->ops->read_account(venue, &user, rows[i].dex, on_code, NULL);
                assert_true(hl_fixture_turn_until(has_read));
                assert_int_equal(account_code, rows[i].code);
                assert_int_equal(n_positions, rows[i].code ? 0 : 1);
        }
}

static void odd_names_are_not_opened(void **state)
{
        static const char *const odd[] = {"", "x", "XYZ", "x\"z", "toolong"};
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);

        (void)state;
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
                struct err err = {0};

                o.n_dexes = 1;
                (void)snprintf(o.dex[0], sizeof o.dex[0], "%s", odd[i]);
                assert_null(venue_open(loop, &o, &err));
                assert_int_equal(err.code, E_CONFIG);
        }
        o.n_dexes = VENUE_DEXES_MAX + 1;
        assert_null(venue_open(loop, &o, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(a_dex_is_read_beside_the_first),
                HL_TEST(a_dex_that_cant_be_read_leaves_the_others),
                HL_TEST(the_first_may_fail_alone),
                HL_TEST(universes_of_every_dex_are_counted),
                HL_TEST(a_dex_that_goes_away_is_dropped),
                HL_TEST(a_list_that_cant_be_read_changes_nothing),
                HL_TEST(a_collateral_without_a_name_is_not_traded),
                HL_TEST(reads_name_their_dex),
                HL_TEST(answers_for_another_dex_are_not_taken),
                HL_TEST(odd_names_are_not_opened),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
