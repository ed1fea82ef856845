/* Money between the dexs, spot and accounts of the paper venue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

#define USDC "USDC:0x6d1e7cde53ba9467b783cb7c530ce054"
#define USDX "USDX:0x70617065722075736478000000000001"

enum { XYZ100 = 110000 };

static int setup(void **state)
{
        struct paper_fixture *f = calloc(1, sizeof(*f));

        paper_fixture_open(f, NULL);
        paper_fixture_price(f, "BTC", "60000");
        paper_fixture_price(f, "xyz:XYZ100", "25000");
        paper_fixture_price(f, "xyz:TSLA", "400");
        paper_fixture_price(f, "xyz:GOLD", "5000");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        paper_fixture_close(*state);
        free(*state);
        return 0;
}

static void expect_text(const json_t *value, const char *path, const char *text)
{
        if (strcmp(paper_fixture_text(value, path), text) != 0)
                fail_msg("%s is %s, not %s", path, paper_fixture_text(value, path), text);
}

static void expect_ok(json_t *answer)
{
        assert_string_equal(paper_fixture_refusal(answer), "");
        json_decref(answer);
}

static void expect_refusal(json_t *answer, const char *text)
{
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

static void give(struct paper_fixture *f, const struct paper_wallet *w, const char *amount,
                 const char *where)
{
        json_decref(paper_fixture_post(f, "/paper/faucet", 200,
                                       "{\"user\":\"%s\",\"amount\":\"%s\"%s}", w->hex, amount,
                                       where));
}

/* 10,000 USDC in the first dex and 5,000 USDX in the other. */
static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        give(f, &w, "5000", ",\"dex\":\"xyz\"");
        return w;
}

static json_t *order(struct paper_fixture *f, const struct paper_wallet *w, unsigned asset,
                     const char *price, const char *size, const char *tif)
{
        return paper_fixture_act(
                f, w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":%u,\"b\":true,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                asset, price, size, tif);
}

static void expect_status(json_t *answer, const char *path, const char *text)
{
        expect_text(answer, path, text);
        json_decref(answer);
}

static void expect_state(struct paper_fixture *f, const struct paper_wallet *w, const char *dex,
                         const char *path, const char *text)
{
        json_t *answer = paper_fixture_info(
                f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\",\"dex\":\"%s\"}", w->hex, dex);

        expect_status(answer, path, text);
}

static void expect_spot(struct paper_fixture *f, const struct paper_wallet *w, const char *path,
                        const char *text)
{
        expect_status(paper_fixture_info(f, "{\"type\":\"spotClearinghouseState\",\"user\":\"%s\"}",
                                         w->hex),
                      path, text);
}

static json_t *send_asset(struct paper_fixture *f, const struct paper_wallet *w, const char *to,
                          const char *from, const char *dex, const char *token, const char *amount)
{
        return paper_fixture_user_act(f, w, "nonce",
                                      "\"type\":\"sendAsset\",\"destination\":\"%s\","
                                      "\"sourceDex\":\"%s\",\"destinationDex\":\"%s\","
                                      "\"token\":\"%s\",\"amount\":\"%s\",\"fromSubAccount\":\"\"",
                                      to, from, dex, token, amount);
}

static json_t *agent_send(struct paper_fixture *f, const struct paper_wallet *w, const char *to,
                          const char *from, const char *dex, const char *amount)
{
        struct paper_sending sending = {.nonce = paper_fixture_nonce(f)};

        return paper_fixture_act(f, w, &sending,
                                 "{\"type\":\"agentSendAsset\",\"destination\":\"%s\","
                                 "\"sourceDex\":\"%s\",\"destinationDex\":\"%s\",\"token\":\"%s\","
                                 "\"amount\":\"%s\",\"fromSubAccount\":\"\",\"nonce\":%llu}",
                                 to, from, dex, USDX, amount, (unsigned long long)sending.nonce);
}

static void test_money_moves(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2),
                            agent = paper_fixture_wallet(f, 3);
        json_t *rows;

        expect_ok(send_asset(f, &w, w.hex, "xyz", "spot", USDX, "1000"));
        expect_spot(f, &w, "balances.0.coin", "USDX");
        expect_spot(f, &w, "balances.0.total", "1000.0");
        expect_state(f, &w, "xyz", "marginSummary.accountValue", "4000.0");
        expect_ok(send_asset(f, &w, w.hex, "spot", "xyz", USDX, "400.000001"));
        expect_state(f, &w, "xyz", "marginSummary.accountValue", "4400.000001");
        expect_ok(send_asset(f, &w, w.hex, "", "spot", USDC, "10"));
        expect_ok(send_asset(f, &w, other.hex, "xyz", "xyz", "USDX", "1"));
        expect_state(f, &other, "xyz", "marginSummary.accountValue", "5001.0");
        /* A dex takes its own collateral alone. */
        expect_refusal(send_asset(f, &w, w.hex, "", "xyz", USDC, "1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "", USDX, "1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "nope", USDX, "1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "spot", USDX, "1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "xyz", "USDX:0x00", "1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "xyz", USDX, "0.0000001"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "xyz", USDX, "-1"), "Invalid send");
        expect_refusal(send_asset(f, &w, w.hex, "spot", "xyz", USDX, "600"),
                       "Insufficient balance for token transfer");
        expect_refusal(send_asset(f, &w, w.hex, "xyz", "spot", USDX, "4400"),
                       "Insufficient balance for token transfer");
        json_decref(paper_fixture_user_act(f, &w, "nonce",
                                           "\"type\":\"approveAgent\",\"agentAddress\":\"%s\","
                                           "\"agentName\":\"\"",
                                           agent.hex));
        expect_ok(agent_send(f, &agent, w.hex, "xyz", "spot", "5"));
        expect_refusal(agent_send(f, &agent, other.hex, "xyz", "xyz", "5"),
                       "Agent can only send asset to same user or their sub-accounts.");
        rows = paper_fixture_info(f, "{\"type\":\"userNonFundingLedgerUpdates\",\"user\":\"%s\"}",
                                  w.hex);
        expect_text(rows, "2.delta.type", "send");
        expect_text(rows, "2.delta.sourceDex", "xyz");
        expect_text(rows, "2.delta.destinationDex", "spot");
        expect_text(rows, "2.delta.token", "USDX");
        assert_int_equal(json_array_size(rows), 7);
        json_decref(rows);
}

static void test_faucet(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);

        give(f, &w, "7", ",\"token\":\"USDX\"");
        expect_spot(f, &w, "balances.0.total", "7.0");
        give(f, &w, "7", ",\"token\":\"USDC\"");
        expect_state(f, &w, "", "withdrawable", "10007.0");
        give(f, &w, "7", ",\"dex\":\"xyz\",\"token\":\"USDX\"");
        expect_state(f, &w, "xyz", "withdrawable", "5007.0");
        json_decref(paper_fixture_post(
                f, "/paper/faucet", 400,
                "{\"user\":\"%s\",\"amount\":\"1\",\"dex\":\"xyz\",\"token\":\"USDC\"}", w.hex));
        json_decref(paper_fixture_post(f, "/paper/faucet", 400,
                                       "{\"user\":\"%s\",\"amount\":\"1\",\"token\":\"NOPE\"}",
                                       w.hex));
        json_decref(paper_fixture_post(f, "/paper/faucet", 400,
                                       "{\"user\":\"%s\",\"amount\":\"1\",\"dex\":1}", w.hex));
}

static void test_unified_by_token(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);

        give(f, &w, "7", ",\"token\":\"USDX\"");
        expect_ok(paper_fixture_act(f, &w, NULL,
                                    "{\"type\":\"agentSetAbstraction\",\"abstraction\":\"u\"}"));
        expect_spot(f, &w, "balances.1.coin", "USDX");
        expect_spot(f, &w, "balances.1.total", "5007.0");
        give(f, &w, "1", ",\"token\":\"USDX\"");
        expect_spot(f, &w, "balances.1.total", "5008.0");
        expect_spot(f, &w, "tokenToAvailableAfterMaintenance.1.1", "5008.0");
        expect_refusal(send_asset(f, &w, w.hex, "xyz", "spot", USDX, "1"),
                       "Action disabled when unified account is active");
        expect_status(order(f, &w, XYZ100, "25100", "0.01", "Ioc"),
                      "response.data.statuses.0.filled.totalSz", "0.01");
}

#define SEND_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                SEND_TEST(test_money_moves),
                SEND_TEST(test_faucet),
                SEND_TEST(test_unified_by_token),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
