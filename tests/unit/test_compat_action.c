/* compat_action: what a signed action is to the gateway, and what the mirror is told of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compat/compat_action.h"

#define ORDER(reduce)                                                                              \
        "{\"a\":3,\"b\":true,\"p\":\"100\",\"s\":\"2\",\"r\":" reduce                              \
        ",\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}"

/* An action, loaded; typed where it has a typed form. */
struct loaded {
        json_t *json;
        struct hl_owned_action *owned;
};

static struct loaded load(const char *text)
{
        struct loaded l = {.json = hl_raw_load(text, strlen(text), NULL)};
        const char *type = hl_raw_get_text(l.json, "type", NULL);

        if (!type)
                fail_msg("not an action: %s", text);
        if (hl_raw_kind(type) == HL_RAW_TYPED && hl_raw_action(&l.owned, l.json, NULL))
                fail_msg("not a good action: %s", text);
        return l;
}

static void unload(struct loaded *l)
{
        hl_raw_action_free(l->owned);
        json_decref(l->json);
}

static void expect(const char *text, enum compat_rule rule)
{
        struct loaded l = load(text);
        enum compat_rule got = compat_action_rule(hl_raw_get_text(l.json, "type", NULL), l.json,
                                                  l.owned ? &l.owned->action : NULL);

        unload(&l);
        if (got != rule)
                fail_msg("%s: rule %d, expected %d", text, (int)got, (int)rule);
}

static void orders_open_unless_all_of_them_reduce(void **state)
{
        (void)state;
        expect("{\"type\":\"order\",\"orders\":[" ORDER("false") "],\"grouping\":\"na\"}",
               ACTION_OPENS);
        expect("{\"type\":\"order\",\"orders\":[" ORDER("true") "],\"grouping\":\"na\"}",
               ACTION_REDUCES);
        expect("{\"type\":\"order\",\"orders\":[" ORDER("true") "," ORDER(
                       "false") "],\"grouping\":\"na\"}",
               ACTION_OPENS);
        expect("{\"type\":\"modify\",\"oid\":1,\"order\":" ORDER("true") "}", ACTION_REDUCES);
        expect("{\"type\":\"batchModify\",\"modifies\":[{\"oid\":1,\"order\":" ORDER("false") "}]}",
               ACTION_OPENS);
        expect("{\"type\":\"twapOrder\",\"twap\":{\"a\":0,\"b\":true,\"s\":\"1\",\"r\":true,\"m\":"
               "5,"
               "\"t\":false}}",
               ACTION_REDUCES);
        expect("{\"type\":\"updateLeverage\",\"asset\":0,\"isCross\":true,\"leverage\":3}",
               ACTION_OPENS);
        expect("{\"type\":\"updateIsolatedMargin\",\"asset\":0,\"isBuy\":true,\"ntli\":1}",
               ACTION_OPENS);
}

static void leaving_is_never_opening(void **state)
{
        (void)state;
        expect("{\"type\":\"cancel\",\"cancels\":[{\"a\":0,\"o\":1}]}", ACTION_REDUCES);
        expect("{\"type\":\"scheduleCancel\"}", ACTION_REDUCES);
        expect("{\"type\":\"twapCancel\",\"a\":0,\"t\":1}", ACTION_REDUCES);
        expect("{\"type\":\"noop\"}", ACTION_REDUCES);
        expect("{\"type\":\"withdraw3\"}", ACTION_FREE);
        expect("{\"type\":\"usdClassTransfer\",\"toPerp\":false}", ACTION_FREE);
        expect("{\"type\":\"usdClassTransfer\",\"toPerp\":true}", ACTION_FUNDS_IN);
        expect("{\"type\":\"sendAsset\",\"sourceDex\":\"spot\",\"destinationDex\":\"\"}",
               ACTION_FUNDS_IN);
        expect("{\"type\":\"sendAsset\",\"sourceDex\":\"\",\"destinationDex\":\"spot\"}",
               ACTION_FREE);
        expect("{\"type\":\"subAccountTransfer\",\"subAccountUser\":"
               "\"0x1111111111111111111111111111111111111111\",\"isDeposit\":true,\"usd\":1}",
               ACTION_FUNDS_IN);
}

/* Whatever the venue knows has a rule here that somebody has chosen: these have none on purpose. */
static void what_traders_do_not_do_is_not_offered(void **state)
{
        static const char *const types[] = {
                "perpDeploy",  "spotDeploy",  "CValidatorAction", "borrowLend",
                "userOutcome", "createVault", "evmUserModify",    "nothing",
        };

        (void)state;
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
                assert_int_equal(compat_action_rule(types[i], NULL, NULL), ACTION_NOT_OFFERED);
}

static bool mirror(struct venue_action *out, const char *text)
{
        struct loaded l = load(text);
        bool is_mirrored = compat_action_mirrored(out, &l.owned->action);

        unload(&l);
        return is_mirrored;
}

static void the_mirror_is_told_what_is_done(void **state)
{
        struct venue_action a;

        (void)state;
        assert_true(mirror(&a, "{\"type\":\"order\",\"orders\":[" ORDER(
                                       "true") "],\"grouping\":\"na\",\"builder\":{\"b\":"
                                               "\"0x1111111111111111111111111111111111111111\","
                                               "\"f\":10}}"));
        assert_int_equal(a.kind, VENUE_ORDER);
        assert_int_equal(a.u.order.n, 1);
        assert_true(a.u.order.own_assets && a.u.order.has_builder);
        assert_int_equal(a.u.order.builder_fee_tenth_bp, 10);
        assert_int_equal(a.u.order.order[0].asset, 3);
        assert_int_equal(a.u.order.order[0].side, SIDE_BUY);
        assert_int_equal(a.u.order.order[0].tif, TIF_IOC);
        assert_true(a.u.order.order[0].reduce_only);
        assert_int_equal(a.u.order.order[0].price.v, 100 * NUM_SCALE);
        assert_true(mirror(&a, "{\"type\":\"updateIsolatedMargin\",\"asset\":1,\"isBuy\":true,"
                               "\"ntli\":-2500000}"));
        assert_int_equal(a.kind, VENUE_ADJUST_MARGIN);
        assert_int_equal(a.u.margin.amount.v, -NUM_SCALE * 5 / 2);
        assert_true(mirror(&a, "{\"type\":\"cancelByCloid\",\"cancels\":[{\"asset\":2,\"cloid\":"
                               "\"0x00000000000000000000000000000007\"}]}"));
        assert_int_equal(a.kind, VENUE_CANCEL);
        assert_true(a.u.cancel.cancel[0].by_cloid);
        assert_int_equal(a.u.cancel.cancel[0].cloid.b[15], 7);
        assert_true(
                mirror(&a, "{\"type\":\"batchModify\",\"modifies\":[{\"oid\":9,\"order\":" ORDER(
                                   "false") "}]}"));
        assert_int_equal(a.kind, VENUE_MODIFY);
        assert_int_equal(a.u.order.replaces, 9);
        /* What does not fit is not told in part. */
        assert_false(mirror(&a, "{\"type\":\"modify\",\"oid\":9,\"order\":" ORDER("false") "}"));
        assert_false(mirror(&a, "{\"type\":\"noop\"}"));
        assert_false(mirror(&a, "{\"type\":\"order\",\"orders\":[],\"grouping\":\"na\"}"));
        assert_false(mirror(&a, "{\"type\":\"updateIsolatedMargin\",\"asset\":1,\"isBuy\":true,"
                                "\"ntli\":9223372036854775807}"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(orders_open_unless_all_of_them_reduce),
                cmocka_unit_test(leaving_is_never_opening),
                cmocka_unit_test(what_traders_do_not_do_is_not_offered),
                cmocka_unit_test(the_mirror_is_told_what_is_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
