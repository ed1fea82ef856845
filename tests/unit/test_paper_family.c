/* Accounts on the paper venue: sub-accounts and who trades for them, modes, referrals, budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

#define NOBODY "0x00000000000000000000000000000000000000aa"
#define RESTS                                                                                      \
        "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"50000\",\"s\":\"0.01\","      \
        "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}"

static int open_with(void **state, bool is_ungated)
{
        struct paper_options options = {
                .seed = 7, .is_mainnet = true, .is_still = true, .is_ungated = is_ungated};
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, &options);
        paper_fixture_price(f, "BTC", "60000");
        *state = f;
        return 0;
}

static int setup(void **state)
{
        return open_with(state, true);
}

static int setup_gated(void **state)
{
        return open_with(state, false);
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        return w;
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

static void expect_ok(json_t *answer)
{
        assert_string_equal(paper_fixture_refusal(answer), "");
        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
}

static void expect_refusal(json_t *answer, const char *text)
{
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

static json_t *ask(struct paper_fixture *f, const char *user, const char *type)
{
        return paper_fixture_info(f, "{\"type\":\"%s\",\"user\":\"%s\"}", type, user);
}

static void expect_answer(struct paper_fixture *f, const char *user, const char *type,
                          const char *path, const char *text)
{
        json_t *answer = ask(f, user, type);

        expect_text(answer, path, text);
        json_decref(answer);
}

/* The new sub-account's address, in out. */
static void create_sub(struct paper_fixture *f, const struct paper_wallet *w, const char *name,
                       char out[ADDR_STR_MAX])
{
        json_t *answer = paper_fixture_act(f, w, NULL,
                                           "{\"type\":\"createSubAccount\",\"name\":\"%s\"}", name);

        expect_text(answer, "response.type", "createSubAccount");
        assert_int_equal(strlen(paper_fixture_text(answer, "response.data")), 42);
        (void)snprintf(out, ADDR_STR_MAX, "%s", paper_fixture_text(answer, "response.data"));
        json_decref(answer);
}

static json_t *move(struct paper_fixture *f, const struct paper_wallet *w, const char *sub,
                    bool is_deposit, long long usd)
{
        return paper_fixture_act(f, w, NULL,
                                 "{\"type\":\"subAccountTransfer\",\"subAccountUser\":\"%s\","
                                 "\"isDeposit\":%s,\"usd\":%lld}",
                                 sub, is_deposit ? "true" : "false", usd);
}

static json_t *approve(struct paper_fixture *f, const struct paper_wallet *w, const char *agent,
                       const char *name)
{
        return paper_fixture_user_act(
                f, w, "nonce",
                "\"type\":\"approveAgent\",\"agentAddress\":\"%s\",\"agentName\":\"%s\"", agent,
                name);
}

/* ---- Sub-accounts ---------------------------------------------------------------------------- */

static void test_volume_gate(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);

        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"createSubAccount\",\"name\":\"one\"}"),
                "Cannot create sub-accounts until enough volume traded. Required: $100000. "
                "Traded: $0.");
        expect_refusal(paper_fixture_act(f, &w, NULL, "{\"type\":\"scheduleCancel\",\"time\":%lld}",
                                         (long long)paper_fixture_nonce(f) + 60000),
                       "Cannot set scheduled cancel time until enough volume traded. Required: "
                       "$1000000. Traded: $0.");
        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"registerReferrer\",\"code\":\"ABC\"}"),
                "Cannot generate referral code until enough volume traded.");
}

static void test_sub_account_is_made_and_paid(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2);
        char sub[ADDR_STR_MAX], text[200];
        json_t *list;

        list = ask(f, w.hex, "subAccounts");
        assert_true(json_is_null(list));
        json_decref(list);
        create_sub(f, &w, "hedge", sub);
        expect_answer(f, sub, "userRole", "role", "subAccount");
        expect_answer(f, sub, "userRole", "data.master", w.hex);
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"createSubAccount\",\"name\":\"hedge\"}"),
                       "Sub-account name is already in use.");
        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"createSubAccount\",\"name\":\"\"}"),
                "Sub-account name must have 1 to 16 characters.");
        expect_ok(move(f, &w, sub, true, 4000000000));
        expect_answer(f, w.hex, "clearinghouseState", "marginSummary.accountValue", "6000.0");
        expect_answer(f, sub, "clearinghouseState", "marginSummary.accountValue", "4000.0");
        expect_refusal(move(f, &w, sub, true, 7000000000), "Insufficient balance for withdrawal");
        expect_ok(move(f, &w, sub, false, 1000000000));
        expect_answer(f, sub, "userNonFundingLedgerUpdates", "0.delta.type", "subAccountTransfer");
        expect_answer(f, sub, "userNonFundingLedgerUpdates", "1.delta.destination", w.hex);
        (void)snprintf(text, sizeof(text), "Invalid sub-account transfer from %s to %s", other.hex,
                       sub);
        expect_refusal(move(f, &other, sub, true, 1000000), text);
        expect_ok(paper_fixture_act(
                f, &w, NULL,
                "{\"type\":\"subAccountModify\",\"subAccountUser\":\"%s\",\"name\":\"arb\"}", sub));
        list = ask(f, w.hex, "subAccounts2");
        expect_text(list, "0.name", "arb");
        expect_text(list, "0.subAccountUser", sub);
        expect_text(list, "0.dexToClearinghouseState.0.1.marginSummary.accountValue", "3000.0");
        assert_null(paper_fixture_at(list, "0.abstraction"));
        json_decref(list);
        expect_answer(f, w.hex, "subAccounts", "0.clearinghouseState.withdrawable", "3000.0");
}

static void test_trading_for_a_sub_account(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), agent = paper_fixture_wallet(f, 2),
                            other = trader(f, 3);
        struct paper_sending for_sub = {.nonce = 0};
        char sub[ADDR_STR_MAX], text[100];
        json_t *orders;

        create_sub(f, &w, "one", sub);
        expect_ok(move(f, &w, sub, true, 4000000000));
        for_sub.vault = sub;
        expect_ok(paper_fixture_act(f, &w, &for_sub, RESTS));
        expect_ok(approve(f, &w, agent.hex, "bot"));
        expect_ok(paper_fixture_act(f, &agent, &for_sub, RESTS));
        orders = ask(f, sub, "openOrders");
        assert_int_equal(json_array_size(orders), 2);
        json_decref(orders);
        orders = ask(f, w.hex, "openOrders");
        assert_int_equal(json_array_size(orders), 0);
        json_decref(orders);
        (void)snprintf(text, sizeof(text), "Vault not registered: %s", sub);
        expect_refusal(paper_fixture_act(f, &other, &for_sub, RESTS), text);
        /* The sub-account's actions count for itself. */
        orders = ask(f, sub, "userRateLimit");
        assert_int_equal(json_integer_value(json_object_get(orders, "nRequestsUsed")), 2);
        json_decref(orders);
        expect_refusal(paper_fixture_act(f, &w, &for_sub,
                                         "{\"type\":\"createSubAccount\",\"name\":\"deep\"}"),
                       "Vault may not perform this action");
}

static void test_agent_slots_grow_with_sub_accounts(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char sub[ADDR_STR_MAX], name[8];

        create_sub(f, &w, "one", sub);
        for (unsigned i = 0; i < 6; i++) {
                struct paper_wallet agent = paper_fixture_wallet(f, 10 + i);
                json_t *answer;

                (void)snprintf(name, sizeof(name), "a%u", i);
                answer = approve(f, &w, agent.hex, name);
                if (i < 5)
                        expect_ok(answer);
                else
                        expect_refusal(answer, "Too many extra agents for cumulative volume "
                                               "traded. Current limit is 5");
        }
        /* Expired ones make room. */
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":%lld}",
                                       31 * 86400000LL));
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":%lld}",
                                       31 * 86400000LL));
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":%lld}",
                                       31 * 86400000LL));
        expect_ok(approve(f, &w, paper_fixture_wallet(f, 20).hex, "a5"));
}

/* An account without money has no agents any more; money later doesn't bring them back. */
static void test_agents_go_with_the_money(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), agent = paper_fixture_wallet(f, 2),
                            other = trader(f, 3);
        char sub[ADDR_STR_MAX], text[120];

        create_sub(f, &w, "one", sub);
        expect_ok(move(f, &w, sub, true, 100000000));
        expect_ok(approve(f, &w, agent.hex, "bot"));
        expect_ok(paper_fixture_user_act(
                f, &w, "time", "\"type\":\"usdSend\",\"destination\":\"%s\",\"amount\":\"9900\"",
                other.hex));
        expect_ok(paper_fixture_act(f, &agent, NULL, "{\"type\":\"noop\"}"));
        expect_ok(move(f, &w, sub, false, 100000000));
        expect_ok(paper_fixture_user_act(
                f, &w, "time", "\"type\":\"usdSend\",\"destination\":\"%s\",\"amount\":\"100\"",
                other.hex));
        (void)snprintf(text, sizeof(text), "Must deposit before performing actions. User: %s",
                       w.hex);
        expect_refusal(paper_fixture_act(f, &agent, NULL, "{\"type\":\"noop\"}"), text);
        paper_fixture_faucet(f, &w, "100");
        expect_refusal(paper_fixture_act(f, &agent, NULL, "{\"type\":\"noop\"}"), text);
        expect_refusal(approve(f, &w, agent.hex, "bot"), "Extra agent already used.");
        expect_ok(approve(f, &w, paper_fixture_wallet(f, 4).hex, "bot"));
}

/* ---- Modes ----------------------------------------------------------------------------------- */

static json_t *class_transfer(struct paper_fixture *f, const struct paper_wallet *w,
                              const char *amount, bool to_perp)
{
        return paper_fixture_user_act(
                f, w, "nonce", "\"type\":\"usdClassTransfer\",\"amount\":\"%s\",\"toPerp\":%s",
                amount, to_perp ? "true" : "false");
}

static void test_unified_account(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);

        expect_answer(f, w.hex, "userAbstraction", "", "disabled");
        expect_ok(class_transfer(f, &w, "2500", false));
        expect_answer(f, w.hex, "spotClearinghouseState", "balances.0.total", "2500.0");
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"agentSetAbstraction\",\"abstraction\":\"u\"}"));
        expect_answer(f, w.hex, "userAbstraction", "", "unifiedAccount");
        expect_answer(f, w.hex, "spotClearinghouseState", "balances.0.total", "10000.0");
        expect_answer(f, w.hex, "spotClearinghouseState", "balances.0.hold", "0.0");
        expect_refusal(class_transfer(f, &w, "1", false),
                       "Action disabled when unified account is active");
        expect_ok(paper_fixture_act(f, &w, NULL, RESTS));
        expect_answer(f, w.hex, "spotClearinghouseState", "balances.0.hold", "25.0");
        expect_ok(paper_fixture_user_act(f, &w, "nonce",
                                         "\"type\":\"userSetAbstraction\",\"user\":\"%s\","
                                         "\"abstraction\":\"disabled\"",
                                         w.hex));
        expect_answer(f, w.hex, "userAbstraction", "", "disabled");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"agentSetAbstraction\",\"abstraction\":"
                                         "\"unifiedAccount\"}"),
                       "Invalid abstraction");
        expect_refusal(paper_fixture_user_act(f, &w, "nonce",
                                              "\"type\":\"userSetAbstraction\",\"user\":\"%s\","
                                              "\"abstraction\":\"unifiedAccount\"",
                                              NOBODY),
                       "Invalid abstraction");
}

static void test_class_transfer_of_a_sub_account(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        char sub[ADDR_STR_MAX], amount[100];

        create_sub(f, &w, "one", sub);
        expect_ok(move(f, &w, sub, true, 100000000));
        (void)snprintf(amount, sizeof(amount), "40 subaccount:%s", sub);
        expect_ok(class_transfer(f, &w, amount, false));
        expect_answer(f, sub, "spotClearinghouseState", "balances.0.total", "40.0");
        expect_answer(f, sub, "clearinghouseState", "withdrawable", "60.0");
        expect_refusal(class_transfer(f, &w, "1 subaccount:" NOBODY, false), "Invalid send");
}

/* ---- Referrals and budgets ------------------------------------------------------------------- */

static void test_referral(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2);
        json_t *fees;

        expect_refusal(
                paper_fixture_act(f, &other, NULL, "{\"type\":\"setReferrer\",\"code\":\"PERP\"}"),
                "Referral code not registered");
        expect_answer(f, w.hex, "referral", "referrerState.stage", "needToCreateCode");
        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"registerReferrer\",\"code\":\"A B\"}"),
                "Referral code must have 1 to 20 letters and digits.");
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"registerReferrer\",\"code\":\"PERP\"}"));
        expect_answer(f, w.hex, "referral", "referrerState.data.code", "PERP");
        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"setReferrer\",\"code\":\"PERP\"}"),
                "Cannot self-refer.");
        expect_ok(
                paper_fixture_act(f, &other, NULL, "{\"type\":\"setReferrer\",\"code\":\"PERP\"}"));
        expect_refusal(
                paper_fixture_act(f, &other, NULL, "{\"type\":\"setReferrer\",\"code\":\"PERP\"}"),
                "Referrer already set.");
        expect_answer(f, other.hex, "referral", "referredBy.referrer", w.hex);
        fees = ask(f, other.hex, "userFees");
        expect_text(fees, "activeReferralDiscount", "0.04");
        expect_text(fees, "userCrossRate", "0.00045");
        json_decref(fees);
        /* 0.1 at 60001: 6000.1 * 0.000432 = 2.592044, rounded up to whole 0.000001. */
        json_decref(paper_fixture_act(
                f, &other, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"61000\",\"s\":\"0.1\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}],\"grouping\":\"na\"}"));
        expect_answer(f, other.hex, "userFills", "0.fee", "2.592044");
}

static void test_reserved_weight(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        json_t *limits;

        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"reserveRequestWeight\",\"weight\":2000}"));
        expect_answer(f, w.hex, "clearinghouseState", "withdrawable", "9999.0");
        limits = ask(f, w.hex, "userRateLimit");
        assert_int_equal(json_integer_value(json_object_get(limits, "nRequestsUsed")), 0);
        assert_int_equal(json_integer_value(json_object_get(limits, "nRequestsSurplus")), 1999);
        assert_int_equal(json_integer_value(json_object_get(limits, "nRequestsCap")), 10000);
        json_decref(limits);
        expect_refusal(
                paper_fixture_act(f, &w, NULL, "{\"type\":\"reserveRequestWeight\",\"weight\":0}"),
                "Invalid weight");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"reserveRequestWeight\",\"weight\":30000000}"),
                       "Insufficient balance for withdrawal");
        expect_refusal(paper_fixture_act(f, &w, NULL,
                                         "{\"type\":\"reserveRequestWeight\",\"weight\":1,"
                                         "\"destination\":\"" NOBODY "\"}"),
                       "Destination user does not exist.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_volume_gate, setup_gated, teardown),
                cmocka_unit_test_setup_teardown(test_sub_account_is_made_and_paid, setup, teardown),
                cmocka_unit_test_setup_teardown(test_trading_for_a_sub_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_slots_grow_with_sub_accounts, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_agents_go_with_the_money, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unified_account, setup, teardown),
                cmocka_unit_test_setup_teardown(test_class_transfer_of_a_sub_account, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_referral, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reserved_weight, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
