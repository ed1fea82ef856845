/* The adapter's markets, rules and health over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "hl_fixture.h"
#include "sign/eip712.h"

static bool is_degraded(void)
{
        return hl_fixture_health() == VENUE_DEGRADED;
}

static bool is_down(void)
{
        return hl_fixture_health() == VENUE_DOWN;
}

/* ---- Markets ---- */

static unsigned meta_seen;

static bool two_more_polls(void)
{
        return hl_server_count(&hl_server.n_meta) >= meta_seen + 2;
}

static void a_bad_universe_replaces_nothing(void **state)
{
        (void)state;
        assert_int_equal(venue->ops->market_count(venue), 3);
        hl_server_set(&hl_server.meta_mode, BAD_META);
        meta_seen = hl_server_count(&hl_server.n_meta);
        assert_true(hl_fixture_turn_until(two_more_polls));
        assert_true(hl_fixture_turn_until(is_down));
        assert_int_equal(venue->ops->market_count(venue), 3);
        assert_non_null(venue->ops->market_by_symbol(venue, "ETH"));
        hl_server_set(&hl_server.meta_mode, GOOD);
        assert_true(hl_fixture_turn_until(hl_fixture_is_up));
}

static void a_failed_poll_degrades_first(void **state)
{
        struct venue_status status;

        (void)state;
        hl_server_set(&hl_server.meta_mode, HTTP_502);
        assert_true(hl_fixture_turn_until(is_degraded));
        venue->ops->status(venue, &status);
        assert_true(status.reason[0] != '\0');
        assert_true(status.contexts_at > 0);
        assert_true(hl_fixture_turn_until(is_down));
}

static void markets_carry_rules_and_context(void **state)
{
        const struct market *m = venue->ops->market_by_symbol(venue, "BTC");
        struct px p = {6000050 * (NUM_SCALE / 100)};

        (void)state;
        assert_int_equal(m->mark.v, 60000 * NUM_SCALE);
        assert_true(m->context_at > 0 && m->has_mid);
        assert_int_equal(venue->ops->round_price(m, &p, NUM_UP), 0);
        assert_int_equal(p.v, 60001 * NUM_SCALE);
        m = venue->ops->market_by_symbol(venue, "ISO");
        assert_false(m->cross_allowed || m->margin_removable);
        assert_null(venue->ops->market_by_symbol(venue, "NONE"));
        assert_ptr_equal(venue->ops->market_at(venue, 2), m);
        assert_string_equal(venue->ops->caps(venue)->network, "Testnet");
}

static struct venue_action limit_order(const char *price, const char *size)
{
        struct venue_action a = {.kind = VENUE_ORDER, .asset = 0, .u.order.n = 1};
        struct venue_order *o = &a.u.order.order[0];

        o->side = SIDE_BUY;
        o->tif = TIF_GTC;
        assert_int_equal(num_parse_px(&o->price, price, strlen(price)), 0);
        assert_int_equal(num_parse_qty(&o->size, size, strlen(size)), 0);
        o->cloid.b[15] = 1;
        return a;
}

/* ---- Compiling ---- */

static enum errc compile_code(const struct venue_action *action, struct err *err)
{
        struct venue_compiled compiled;
        enum errc rc;

        *err = (struct err){0};
        rc = venue->ops->compile(venue, &compiled, action, NULL, 1, 0, err);
        venue_compiled_fini(&compiled);
        return rc;
}

static void invalid_values_name_the_nearest(void **state)
{
        struct venue_action a = limit_order("60000.5", "0.25");
        struct err err;

        (void)state;
        assert_int_equal(compile_code(&a, &err), E_TICK);
        assert_string_equal(err.hint, "The nearest valid prices are 60000 and 60001.");
        assert_string_equal(err.field[0].path, "price");
        a = limit_order("60000", "0.000001");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        assert_string_equal(err.hint, "The nearest valid size is 0.00001.");
        a = limit_order("60000", "0");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        a = limit_order("60000", "1.0000001");
        assert_int_equal(compile_code(&a, &err), E_LOT);
        assert_string_equal(err.hint, "The nearest valid sizes are 1 and 1.00001.");
}

static void impossible_actions_are_refused(void **state)
{
        struct venue_action lever = {
                .kind = VENUE_SET_LEVERAGE, .asset = 2, .u.leverage = {MARGIN_CROSS, 2}};
        struct venue_action margin = {.kind = VENUE_ADJUST_MARGIN, .asset = 0};
        struct venue_action order = limit_order("60000", "1");
        struct venue_action mixed = {.kind = VENUE_CANCEL, .u.cancel.n = 2};
        struct err err;

        (void)state;
        assert_int_equal(compile_code(&lever, &err), E_MARGIN_MODE);
        lever.u.leverage.mode = MARGIN_ISOLATED;
        lever.u.leverage.leverage = 4;
        assert_int_equal(compile_code(&lever, &err), E_LEVERAGE);
        lever.u.leverage.leverage = 0;
        assert_int_equal(compile_code(&lever, &err), E_LEVERAGE);
        lever.asset = 3;
        assert_int_equal(compile_code(&lever, &err), E_MARKET_NOT_OFFERED);
        assert_int_equal(compile_code(&margin, &err), E_INVALID);
        margin.u.margin.amount.v = 150; /* 1.5 millionths */
        assert_int_equal(compile_code(&margin, &err), E_INVALID);
        margin.asset = 2;
        margin.u.margin.amount.v = -NUM_SCALE;
        assert_int_equal(compile_code(&margin, &err), E_MARGIN_NOT_REMOVABLE);
        order.u.order.n = 0;
        assert_int_equal(compile_code(&order, &err), E_INVALID);
        order.u.order.n = 1;
        order.u.order.has_builder = true;
        order.u.order.builder_fee_tenth_bp = 101;
        assert_int_equal(compile_code(&order, &err), E_INVALID);
        mixed.u.cancel.cancel[1].by_cloid = true;
        assert_int_equal(compile_code(&mixed, &err), E_INVALID);
}

static void a_builder_without_a_fee_is_left_out(void **state)
{
        struct venue_action a = limit_order("60000", "1");
        struct venue_compiled compiled;

        (void)state;
        a.u.order.has_builder = true;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, NULL, 1, 0, NULL), 0);
        assert_null(strstr(buf_cstr(&compiled.body), "builder"));
        venue_compiled_fini(&compiled);
}

static void a_modification_says_what_it_replaces(void **state)
{
        struct venue_action a = limit_order("60000", "1");
        struct venue_compiled compiled;
        struct err err;

        (void)state;
        a.kind = VENUE_MODIFY;
        assert_int_equal(compile_code(&a, &err), E_INVALID); /* nothing to replace */
        a.u.order.replaces = 77;
        a.u.order.order[0].tif = TIF_ALO;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, NULL, 1, 0, NULL), 0);
        assert_string_equal(
                buf_cstr(&compiled.body),
                "{\"type\":\"batchModify\",\"modifies\":[{\"oid\":77,\"order\":{\"a\":0,"
                "\"b\":true,\"p\":\"60000\",\"s\":\"1\",\"r\":false,\"t\":{\"limit\":"
                "{\"tif\":\"Alo\"}},\"c\":\"0x00000000000000000000000000000001\"}}]}");
        assert_int_equal(compiled.n_items, 1);
        venue_compiled_fini(&compiled);
        a.u.order.order[0].tif = TIF_IOC; /* never without always_place */
        assert_int_equal(compile_code(&a, &err), E_INVALID);
        a.u.order.always_place = true;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, NULL, 1, 0, NULL), 0);
        assert_non_null(strstr(buf_cstr(&compiled.body), "\"a\":true}"));
        venue_compiled_fini(&compiled);
}

/* The digest is that of the typed data: domain, type and members are those a wallet would hash. */
static void a_plan_can_be_signed_by_its_trader(void **state)
{
        struct venue_action a = limit_order("60000", "1");
        struct eip712_domain domain = {.name = "Exchange", .version = "1", .chain_id = 1337};
        struct eip712_field fields[2] = {
                {.name = "source",
                 .solidity_type = "string",
                 .type = EIP712_STRING,
                 .data = "b",
                 .len = 1},
                {.name = "connectionId", .solidity_type = "bytes32", .type = EIP712_BYTES32},
        };
        struct venue_compiled compiled;
        struct eip712_result result;
        char id[HASH_STR_MAX];
        struct buf typed;

        (void)state;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, NULL, 7, 99, NULL), 0);
        fields[1].bytes32 = compiled.content;
        assert_int_equal(eip712_hash(&result, &domain, "Agent", fields, 2), 0);
        assert_memory_equal(&result.digest, &compiled.digest, sizeof compiled.digest);
        buf_init(&typed, 4096);
        venue->ops->signing_data(venue, &typed, &compiled);
        assert_non_null(strstr(buf_cstr(&typed), hex_print_hash(id, &compiled.content)));
        assert_non_null(strstr(buf_cstr(&typed), "\"source\":\"b\""));
        assert_non_null(strstr(buf_cstr(&typed), "\"chainId\":1337"));
        buf_fini(&typed);
        venue_compiled_fini(&compiled);
}

/* Money out: what a wallet is shown is what is posted. */
static void withdrawals_are_shown_as_they_are_sent(void **state)
{
        struct venue_approval a = {.kind = APPROVE_WITHDRAWAL,
                                   .chain_id = 1,
                                   .nonce = 1700000000000,
                                   .amount = {1050000000},
                                   .destination = {{[19] = 0xd1}}};
        struct hash32 digest;
        struct buf typed;

        (void)state;
        buf_init(&typed, 4096);
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), 0);
        assert_non_null(strstr(buf_cstr(&typed), "\"amount\":\"10.5\",\"time\":1700000000000"));
        assert_non_null(strstr(buf_cstr(&typed),
                               "\"destination\":\"0x00000000000000000000000000000000000000d1\""));
        buf_reset(&typed);
        a.amount.v = 1; /* less than the venue's unit */
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), E_INVALID);
        a.amount.v = 0;
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), E_INVALID);
        a.kind = APPROVE_CLASS_TRANSFER;
        a.amount.v = NUM_SCALE;
        a.to_perps = true;
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), 0);
        assert_non_null(strstr(buf_cstr(&typed), "\"toPerp\":true"));
        (void)text_copy(a.dex, sizeof a.dex, "xyz");
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), E_INVALID);
        (void)text_copy(a.token, sizeof a.token, "USDX:0x77");
        buf_reset(&typed);
        assert_int_equal(venue->ops->approval_prepare(venue, &typed, &digest, &a), 0);
        assert_non_null(strstr(buf_cstr(&typed),
                               "\"sourceDex\":\"spot\",\"destinationDex\":\"xyz\","
                               "\"token\":\"USDX:0x77\",\"amount\":\"1\","
                               "\"fromSubAccount\":\"\""));
        buf_fini(&typed);
}

static void orders_of_one_action_may_name_their_own_markets(void **state)
{
        struct venue_action a = limit_order("60000", "1");
        struct venue_compiled compiled;
        struct err err;

        (void)state;
        a.u.order.n = 2;
        a.u.order.order[1] = a.u.order.order[0];
        a.u.order.order[1].asset = 1;
        a.u.order.own_assets = true;
        assert_int_equal(venue->ops->compile(venue, &compiled, &a, NULL, 1, 0, NULL), 0);
        assert_non_null(strstr(buf_cstr(&compiled.body), "\"a\":0,"));
        assert_non_null(strstr(buf_cstr(&compiled.body), "\"a\":1,"));
        venue_compiled_fini(&compiled);
        a.u.order.order[1].asset = 99;
        assert_int_equal(compile_code(&a, &err), E_MARKET_NOT_OFFERED);
}

static void bad_options_are_refused(void **state)
{
        char url[64];
        struct venue_options o = hl_fixture_options(url, sizeof url);
        struct err err = {0};

        (void)state;
        o.kind = "nasdaq";
        assert_null(venue_open(loop, &o, &err));
        assert_int_equal(err.code, E_CONFIG);
        o = hl_fixture_options(url, sizeof url);
        o.base_url = "ftp://x";
        assert_null(venue_open(loop, &o, NULL));
        o.base_url = "http://x/";
        assert_null(venue_open(loop, &o, NULL));
        o.base_url = NULL;
        assert_null(venue_open(loop, &o, NULL));
        o = hl_fixture_options(url, sizeof url);
        o.order_reserve = o.weight_per_minute;
        assert_null(venue_open(loop, &o, NULL));
        o = hl_fixture_options(url, sizeof url);
        o.order_deadline_ms = 0;
        assert_null(venue_open(loop, &o, NULL));
        o = hl_fixture_options(url, sizeof url);
        o.contexts_every_ms = 0;
        assert_null(venue_open(loop, &o, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                HL_TEST(a_bad_universe_replaces_nothing),
                HL_TEST(a_failed_poll_degrades_first),
                HL_TEST(markets_carry_rules_and_context),
                HL_TEST(invalid_values_name_the_nearest),
                HL_TEST(impossible_actions_are_refused),
                HL_TEST(a_builder_without_a_fee_is_left_out),
                HL_TEST(a_modification_says_what_it_replaces),
                HL_TEST(a_plan_can_be_signed_by_its_trader),
                HL_TEST(withdrawals_are_shown_as_they_are_sent),
                HL_TEST(orders_of_one_action_may_name_their_own_markets),
                HL_TEST(bad_options_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
