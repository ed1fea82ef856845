/* What the paper venue has nothing of, and says so: info requests whose answer is the same for
 * everybody, and actions that exist at the venue but are not offered here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static void expect(const json_t *answer, const char *name, const char *json)
{
        char *text = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);

        if (!text || strcmp(text, json) != 0)
                fail_msg("%s answers %s, not %s", name, text ? text : "nothing", json);
        free(text);
}

static void expect_status(struct paper_fixture *f, int status, const char *body)
{
        struct paper_reply reply = paper_fixture_http(f, "POST", "/info", body, 10000);

        if (reply.status != status)
                fail_msg("%s: %d, not %d", body, reply.status, status);
        paper_fixture_reply_fini(&reply);
}

static void markets_have_nothing_of_these(void **state)
{
        static const char *const types[] = {"perpsAtOpenInterestCap", "perpCategories",
                                            "perpConciseAnnotations", "vaultSummaries",
                                            "liquidatable"};
        struct paper_fixture *f = *state;

        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                json_t *answer = paper_fixture_info(f, "{\"type\":\"%s\"}", types[i]);

                expect(answer, types[i], "[]");
                json_decref(answer);
        }
}

static void accounts_have_nothing_of_these(void **state)
{
        static const struct {
                const char *type, *answer;
        } cases[] = {
                {"userDexAbstraction", "null"},
                {"isVip", "false"},
                {"delegations", "[]"},
                {"delegatorHistory", "[]"},
                {"delegatorRewards", "[]"},
                {"userVaultEquities", "[]"},
                {"delegatorSummary",
                 "{\"delegated\":\"0.0\",\"undelegated\":\"0.0\",\"totalPendingWithdrawal\":"
                 "\"0.0\",\"nPendingWithdrawals\":0}"},
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        char nobody[64];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                json_t *answer = paper_fixture_info(f, "{\"type\":\"%s\",\"user\":\"%s\"}",
                                                    cases[i].type, w.hex);

                expect(answer, cases[i].type, cases[i].answer);
                json_decref(answer);
                /* Nobody in particular has no answer. */
                (void)snprintf(nobody, sizeof(nobody), "{\"type\":\"%s\"}", cases[i].type);
                expect_status(f, 422, nobody);
        }
}

/* A table that is listed, one that its id implies, and one that is neither. */
static void margin_tables_are_shown(void **state)
{
        struct paper_fixture *f = *state;
        json_t *listed = paper_fixture_info(f, "{\"type\":\"marginTable\",\"id\":56}");
        json_t *implied = paper_fixture_info(f, "{\"type\":\"marginTable\",\"id\":3}");

        assert_int_equal(json_array_size(json_object_get(listed, "marginTiers")), 2);
        assert_int_equal(json_integer_value(paper_fixture_at(listed, "marginTiers.0.maxLeverage")),
                         40);
        assert_int_equal(json_array_size(json_object_get(implied, "marginTiers")), 1);
        assert_int_equal(json_integer_value(paper_fixture_at(implied, "marginTiers.0.maxLeverage")),
                         3);
        assert_string_equal(paper_fixture_text(implied, "marginTiers.0.lowerBound"), "0.0");
        json_decref(listed);
        json_decref(implied);
        expect_status(f, 500, "{\"type\":\"marginTable\",\"id\":99}");
        expect_status(f, 422, "{\"type\":\"marginTable\"}");
}

static void largest_market_orders_fall_with_leverage(void **state)
{
        struct paper_fixture *f = *state;
        json_t *rows = paper_fixture_info(f, "{\"type\":\"maxMarketOrderNtls\"}");
        json_int_t last = 1000;

        assert_true(json_array_size(rows) > 1);
        for (size_t i = 0; i < json_array_size(rows); i++) {
                const json_t *row = json_array_get(rows, i);

                assert_true(json_integer_value(json_array_get(row, 0)) < last);
                assert_true(json_is_string(json_array_get(row, 1)));
                last = json_integer_value(json_array_get(row, 0));
        }
        json_decref(rows);
}

/* Refused by name, whoever signed well, and never as if the action were unknown. */
static void what_is_not_offered_is_refused_by_name(void **state)
{
        static const char *const types[] = {
                "agentEnableDexAbstraction",
                "claimRewards",
                "setDisplayName",
                "createVault",
                "vaultModify",
                "vaultDistribute",
                "evmUserModify",
                "spotUser",
                "borrowLend",
                "userOutcome",
                "gossipPriorityBid",
                "hip3LiquidatorTransfer",
                "validatorL1Stream",
                "authorizeAqav2Role",
                "finalizeEvmContract",
                "CSignerAction",
                "CValidatorAction",
                "perpDeploy",
                "spotDeploy",
                "outcomeDeploy",
                "activateOutcomeDeployer",
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        char text[128];

        paper_fixture_faucet(f, &w, "1000");
        for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
                json_t *answer = paper_fixture_act(f, &w, NULL, "{\"type\":\"%s\"}", types[i]);

                (void)snprintf(text, sizeof(text), "This venue does not offer %s.", types[i]);
                assert_string_equal(paper_fixture_refusal(answer), text);
                json_decref(answer);
        }
}

static void no_vault_is_registered(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);
        char text[128];
        json_t *answer;

        paper_fixture_faucet(f, &w, "1000");
        answer = paper_fixture_act(f, &w, NULL,
                                   "{\"type\":\"vaultTransfer\",\"vaultAddress\":\"%s\","
                                   "\"isDeposit\":true,\"usd\":1}",
                                   w.hex);
        (void)snprintf(text, sizeof(text), "Vault not registered: %s", w.hex);
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

/* User-signed: the digest is checked first, so each has its own fields. */
static void what_users_sign_is_refused_by_name_too(void **state)
{
        static const struct {
                const char *time_field, *action;
        } cases[] = {
                {"nonce", "\"type\":\"cDeposit\",\"wei\":1"},
                {"nonce", "\"type\":\"cWithdraw\",\"wei\":1"},
                {"nonce", "\"type\":\"tokenDelegate\",\"wei\":1,\"isUndelegate\":false,"
                          "\"validator\":\"0x00000000000000000000000000000000000000aa\""},
                {"nonce", "\"type\":\"userDexAbstraction\",\"enabled\":true,"
                          "\"user\":\"0x00000000000000000000000000000000000000aa\""},
                {"nonce", "\"type\":\"userPortfolioMargin\",\"enabled\":true,"
                          "\"user\":\"0x00000000000000000000000000000000000000aa\""},
                {"nonce", "\"type\":\"linkStakingUser\",\"isFinalize\":false,"
                          "\"user\":\"0x00000000000000000000000000000000000000aa\""},
                {"nonce", "\"type\":\"stakingLinkDisableTradingUser\","
                          "\"tradingUser\":\"0x00000000000000000000000000000000000000aa\""},
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);

        paper_fixture_faucet(f, &w, "1000");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                json_t *answer =
                        paper_fixture_user_act(f, &w, cases[i].time_field, "%s", cases[i].action);
                const char *refusal = paper_fixture_refusal(answer);
                const char *name = strchr(cases[i].action, ':') + 2;
                size_t len = strcspn(name, "\"");

                assert_int_equal(strncmp(refusal, "This venue does not offer ", 26), 0);
                assert_int_equal(strncmp(refusal + 26, name, len), 0);
                assert_string_equal(refusal + 26 + len, ".");
                json_decref(answer);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(markets_have_nothing_of_these),
                TEST(accounts_have_nothing_of_these),
                TEST(margin_tables_are_shown),
                TEST(largest_market_orders_fall_with_leverage),
                TEST(what_is_not_offered_is_refused_by_name),
                TEST(no_vault_is_registered),
                TEST(what_users_sign_is_refused_by_name_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
