/* Who may act at the paper venue, and when: signers, nonces, agents, builders, transfers. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "paper_fixture.h"

#define ORDER                                                                                      \
        "{\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":\"1000\",\"s\":\"0.1\","        \
        "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}"
#define NOOP "{\"type\":\"noop\"}"

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

/* A funded wallet. */
static struct paper_wallet trader(struct paper_fixture *f, unsigned n)
{
        struct paper_wallet w = paper_fixture_wallet(f, n);

        paper_fixture_faucet(f, &w, "10000");
        return w;
}

static void expect_ok(json_t *answer)
{
        if (!paper_fixture_is_ok(answer))
                fail_msg("refused: %s", paper_fixture_refusal(answer));
        json_decref(answer);
}

static void expect_refusal(json_t *answer, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
static void expect_refusal(json_t *answer, const char *fmt, ...)
{
        char text[256];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, args);
        va_end(args);
        assert_string_equal(paper_fixture_refusal(answer), text);
        json_decref(answer);
}

static json_t *send_body(struct paper_fixture *f, const char *body)
{
        return paper_fixture_post(f, "/exchange", 200, "%s", body);
}

static json_t *approve(struct paper_fixture *f, const struct paper_wallet *w, const char *agent,
                       const char *name)
{
        return paper_fixture_user_act(
                f, w, "nonce",
                "\"type\":\"approveAgent\",\"agentAddress\":\"%s\",\"agentName\":\"%s\"", agent,
                name);
}

static json_t *approve_fee(struct paper_fixture *f, const struct paper_wallet *w,
                           const char *builder, const char *percent)
{
        return paper_fixture_user_act(
                f, w, "nonce",
                "\"type\":\"approveBuilderFee\",\"maxFeeRate\":\"%s\",\"builder\":\"%s\"", percent,
                builder);
}

/* ---- Signers --------------------------------------------------------------------------------- */

static void test_stranger_is_named(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = paper_fixture_wallet(f, 1);

        expect_refusal(paper_fixture_act(f, &w, NULL, ORDER),
                       "User or API Wallet %s does not exist.", w.hex);
        expect_refusal(approve(f, &w, "0x00000000000000000000000000000000000000aa", "bot"),
                       "Must deposit before performing actions. User: %s", w.hex);
}

static void test_signature_forms(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_sending unpadded = {.is_unpadded = true};
        unsigned n_short = 0;

        for (int i = 0; i < 300 && n_short < 2; i++) {
                char *body = paper_fixture_sign(f, &w, NOOP, &unpadded);
                const char *r = strstr(body, "\"r\":\"");

                /* Sent only where leaving zeros out changed something. */
                if (strcspn(r + 5, "\"") < 66) {
                        expect_ok(send_body(f, body));
                        n_short++;
                }
                free(body);
        }
        assert_true(n_short > 0);
        expect_refusal(send_body(f, "{\"action\":" NOOP ",\"nonce\":1,\"signature\":{\"r\":\"0x0\","
                                    "\"s\":\"0x1\",\"v\":27}}"),
                       "Unable to recover signer.");
}

/* The venue hashes its own rendering, so these recover to somebody else. */
static void test_other_rendering_is_a_stranger(void **state)
{
        static const char *const odd[] = {
                "{\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":\"1000.0\",\"s\":\"0."
                "1\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}],\"grouping\":\"na\"}",
                "{\"grouping\":\"na\",\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":"
                "\"1000\",\"s\":\"0.1\",\"r\":false,\"t\":{\"limit\":{\"tif\":\"Gtc\"}}}]}",
        };
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_sending as_received = {.as_received = true};

        for (size_t i = 0; i < 2; i++) {
                json_t *answer = paper_fixture_act(f, &w, &as_received, "%s", odd[i]);

                assert_non_null(strstr(paper_fixture_refusal(answer), "does not exist."));
                assert_null(strstr(paper_fixture_refusal(answer), w.hex));
                json_decref(answer);
                /* Signed the venue's way, the same bytes are fine. */
                expect_ok(paper_fixture_act(f, &w, NULL, "%s", odd[i]));
        }
}

static void test_other_network(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        struct paper_sending other = {.other_network = true};
        json_t *answer = paper_fixture_act(f, &w, &other, ORDER);

        assert_non_null(strstr(paper_fixture_refusal(answer), "does not exist."));
        json_decref(answer);
        f->is_mainnet = false;
        expect_refusal(approve(f, &w, "0x00000000000000000000000000000000000000aa", "bot"),
                       "Invalid chain: this venue is Mainnet.");
}

static void test_vault_and_expiry(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        uint64_t nonce = paper_fixture_nonce(f);
        struct paper_sending vault = {.vault = "0x00000000000000000000000000000000000000aa"};
        struct paper_sending late = {.nonce = nonce, .expires_after = nonce - 60000};
        struct paper_sending timely = {.nonce = nonce, .expires_after = nonce + 60000};

        expect_refusal(paper_fixture_act(f, &w, &vault, ORDER), "Vault not registered: %s",
                       vault.vault);
        expect_refusal(paper_fixture_act(f, &w, &late, ORDER), "Action already expired");
        /* The refusal left the nonce unused. */
        expect_ok(paper_fixture_act(f, &w, &timely, ORDER));
}

/* ---- Nonces ---------------------------------------------------------------------------------- */

static void test_nonce_is_used_once(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 2);
        struct paper_sending same = {.nonce = paper_fixture_nonce(f)};
        char *body = paper_fixture_sign(f, &w, ORDER, &same);

        expect_ok(send_body(f, body));
        expect_refusal(send_body(f, body), "Invalid nonce: duplicate nonce %" PRIu64, same.nonce);
        expect_refusal(paper_fixture_act(f, &w, &same, NOOP),
                       "Invalid nonce: duplicate nonce %" PRIu64, same.nonce);
        /* Nonces belong to the signer. */
        expect_ok(paper_fixture_act(f, &other, &same, NOOP));
        free(body);
}

static void test_nonces_need_not_grow(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        uint64_t base = paper_fixture_nonce(f) - 100000;

        for (uint64_t i = 0; i < 100; i++) {
                /* 37 is coprime to 100: every one of them once, out of order. */
                struct paper_sending s = {.nonce = base + 10 + i * 37 % 100 * 2};

                expect_ok(paper_fixture_act(f, &w, &s, NOOP));
        }
        /* 100 are kept: base + 10 is the lowest, and below it nothing is taken any more. */
        expect_refusal(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = base + 9}, NOOP),
                       "Invalid nonce: nonce too low %" PRIu64 " < %" PRIu64, base + 9, base + 10);
        expect_ok(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = base + 11}, NOOP));
        /* The lowest left the set. It is still refused, as too low. */
        expect_refusal(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = base + 10}, NOOP),
                       "Invalid nonce: nonce too low %" PRIu64 " < %" PRIu64, base + 10, base + 11);
        expect_refusal(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = base + 12}, NOOP),
                       "Invalid nonce: duplicate nonce %" PRIu64, base + 12);
}

static void test_nonce_window(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1);
        uint64_t now = paper_fixture_nonce(f), day = 86400000;
        json_t *low = paper_fixture_act(
                f, &w, &(struct paper_sending){.nonce = now - 2 * day - 60000}, NOOP);
        json_t *high =
                paper_fixture_act(f, &w, &(struct paper_sending){.nonce = now + day + 60000}, NOOP);

        assert_non_null(strstr(paper_fixture_refusal(low), "Invalid nonce: nonce too low"));
        assert_non_null(strstr(paper_fixture_refusal(high), "Invalid nonce: nonce too high"));
        json_decref(low);
        json_decref(high);
        expect_ok(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = now - 2 * day + 60000},
                                    NOOP));
        expect_ok(paper_fixture_act(f, &w, &(struct paper_sending){.nonce = now + day - 60000},
                                    NOOP));
}

/* ---- Agents ---------------------------------------------------------------------------------- */

static void test_agent_acts_for_its_master(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), agent = paper_fixture_wallet(f, 2);
        json_t *orders, *role, *list;

        expect_ok(approve(f, &w, agent.hex, "bot"));
        expect_ok(paper_fixture_act(f, &agent, NULL, ORDER));
        orders = paper_fixture_info(f, "{\"type\":\"openOrders\",\"user\":\"%s\"}", w.hex);
        role = paper_fixture_info(f, "{\"type\":\"userRole\",\"user\":\"%s\"}", agent.hex);
        list = paper_fixture_info(f, "{\"type\":\"extraAgents\",\"user\":\"%s\"}", w.hex);
        assert_int_equal(json_array_size(orders), 1);
        assert_string_equal(paper_fixture_text(role, "role"), "agent");
        assert_string_equal(paper_fixture_text(role, "data.user"), w.hex);
        assert_string_equal(paper_fixture_text(list, "0.name"), "bot");
        assert_string_equal(paper_fixture_text(list, "0.address"), agent.hex);
        json_decref(orders);
        json_decref(role);
        json_decref(list);
        /* Money moves by the master's own signature only. */
        expect_refusal(paper_fixture_user_act(f, &agent, "time",
                                              "\"type\":\"usdSend\",\"destination\":\"%s\","
                                              "\"amount\":\"1\"",
                                              agent.hex),
                       "Must deposit before performing actions. User: %s", agent.hex);
}

static void test_agent_is_replaced_by_name(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), other = trader(f, 5);
        struct paper_wallet first = paper_fixture_wallet(f, 2), second = paper_fixture_wallet(f, 3);

        expect_ok(approve(f, &w, first.hex, ""));
        expect_ok(approve(f, &w, second.hex, ""));
        expect_refusal(paper_fixture_act(f, &first, NULL, NOOP),
                       "Must deposit before performing actions. User: %s", w.hex);
        expect_ok(paper_fixture_act(f, &second, NULL, NOOP));
        /* An address is approved once, ever, by anybody; and an account is no agent. */
        expect_refusal(approve(f, &w, first.hex, "again"), "Extra agent already used.");
        expect_refusal(approve(f, &other, second.hex, ""), "Extra agent already used.");
        expect_refusal(approve(f, &w, other.hex, ""), "Extra agent already used.");
}

static void test_agent_slots_and_removal(void **state)
{
        static const char zero[] = "0x0000000000000000000000000000000000000000";
        static const char *const names[] = {"a", "b", "c"};
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), b = paper_fixture_wallet(f, 11);

        for (unsigned i = 0; i < 3; i++)
                expect_ok(approve(f, &w, paper_fixture_wallet(f, 10 + i).hex, names[i]));
        expect_refusal(approve(f, &w, paper_fixture_wallet(f, 20).hex, "d"),
                       "Too many extra agents for cumulative volume traded. Current limit is 3");
        expect_ok(approve(f, &w, paper_fixture_wallet(f, 21).hex, ""));
        expect_ok(approve(f, &w, zero, "b"));
        expect_refusal(paper_fixture_act(f, &b, NULL, NOOP),
                       "Must deposit before performing actions. User: %s", w.hex);
        expect_refusal(approve(f, &w, paper_fixture_wallet(f, 22).hex, "d"),
                       "User has pending agent removal");
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":5000}"));
        expect_ok(approve(f, &w, paper_fixture_wallet(f, 22).hex, "d"));
        expect_refusal(approve(f, &w, paper_fixture_wallet(f, 23).hex, "seventeen letters"),
                       "Agent name is too long.");
}

static void test_agent_expires(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), agent = paper_fixture_wallet(f, 2);
        int64_t now = (int64_t)paper_fixture_nonce(f), day = 86400000;
        char name[64];

        (void)snprintf(name, sizeof(name), "bot valid_until %" PRId64, now - 1000);
        expect_refusal(approve(f, &w, agent.hex, name), "Agent valid_until already expired.");
        (void)snprintf(name, sizeof(name), "bot valid_until %" PRId64, now + 181 * day);
        expect_refusal(approve(f, &w, agent.hex, name), "Agent valid_until already expired.");
        (void)snprintf(name, sizeof(name), "bot valid_until %" PRId64, now + 3600000);
        expect_ok(approve(f, &w, agent.hex, name));
        expect_ok(paper_fixture_act(f, &agent, NULL, NOOP));
        json_decref(paper_fixture_post(f, "/paper/clock", 200, "{\"advanceMs\":3700000}"));
        expect_refusal(paper_fixture_act(f, &agent, NULL, NOOP),
                       "User or API Wallet %s does not exist.", agent.hex);
        expect_ok(paper_fixture_act(f, &w, NULL, NOOP));
}

/* ---- Builders -------------------------------------------------------------------------------- */

static json_t *order_with_builder(struct paper_fixture *f, const struct paper_wallet *w,
                                  const char *builder, unsigned fee)
{
        return paper_fixture_act(
                f, w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":1,\"b\":true,\"p\":\"2100\","
                "\"s\":\"1\",\"r\":false,\"t\":{\"limit\":{\"tif\":\"Ioc\"}}}],"
                "\"grouping\":\"na\",\"builder\":{\"b\":\"%s\",\"f\":%u}}",
                builder, fee);
}

static void test_builder_needs_money_and_approval(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), builder = paper_fixture_wallet(f, 2);
        json_t *number;

        paper_fixture_price(f, "ETH", "2000");
        paper_fixture_faucet(f, &builder, "99.99");
        expect_refusal(approve_fee(f, &w, builder.hex, "0.05%"),
                       "Builder has insufficient balance to be approved.");
        paper_fixture_faucet(f, &builder, "0.01");
        expect_refusal(order_with_builder(f, &w, builder.hex, 0),
                       "Builder fee has not been approved.");
        expect_ok(approve_fee(f, &w, builder.hex, "0.05%"));
        number = paper_fixture_info(
                f, "{\"type\":\"maxBuilderFee\",\"user\":\"%s\",\"builder\":\"%s\"}", w.hex,
                builder.hex);
        assert_int_equal(json_integer_value(number), 50);
        json_decref(number);
        expect_refusal(order_with_builder(f, &w, builder.hex, 51),
                       "Builder fee has not been approved.");
        expect_ok(order_with_builder(f, &w, builder.hex, 50));
        expect_ok(approve_fee(f, &w, builder.hex, "0%"));
        expect_refusal(order_with_builder(f, &w, builder.hex, 1),
                       "Builder fee has not been approved.");
        expect_ok(order_with_builder(f, &w, builder.hex, 0));
        /* Above the cap of perps, whatever was approved. */
        expect_ok(approve_fee(f, &w, builder.hex, "1%"));
        expect_refusal(order_with_builder(f, &w, builder.hex, 101),
                       "Builder fee has not been approved.");
}

static void test_builder_percentages(void **state)
{
        static const char *const bad[] = {"1.001%", "0.1", "-0.1%", "%", "0.0001%", "1e-1%"};
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), builder = trader(f, 2);

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                expect_refusal(approve_fee(f, &w, builder.hex, bad[i]), "Percentage is invalid.");
        for (unsigned i = 0; i < 10; i++)
                expect_ok(approve_fee(f, &w, trader(f, 30 + i).hex, "0.001%"));
        expect_refusal(approve_fee(f, &w, builder.hex, "0.001%"),
                       "Too many approved builders. Current limit is 10");
}

static void test_builder_fee_is_charged(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), builder = trader(f, 2);
        json_t *fills;

        paper_fixture_price(f, "ETH", "2000");
        expect_ok(approve_fee(f, &w, builder.hex, "0.1%"));
        expect_ok(order_with_builder(f, &w, builder.hex, 10));
        fills = paper_fixture_info(f, "{\"type\":\"userFills\",\"user\":\"%s\"}", w.hex);
        /* 1 ETH at 2000.1: a basis point to the builder, 4.5 to the venue, both in fee. */
        assert_string_equal(paper_fixture_text(fills, "0.px"), "2000.1");
        assert_string_equal(paper_fixture_text(fills, "0.builderFee"), "0.20001");
        assert_string_equal(paper_fixture_text(fills, "0.fee"), "1.100055");
        json_decref(fills);
}

/* ---- Transfers ------------------------------------------------------------------------------- */

static json_t *usd_send(struct paper_fixture *f, const struct paper_wallet *w, const char *to,
                        const char *amount)
{
        return paper_fixture_user_act(
                f, w, "time", "\"type\":\"usdSend\",\"destination\":\"%s\",\"amount\":\"%s\"", to,
                amount);
}

static void expect_withdrawable(struct paper_fixture *f, const struct paper_wallet *w,
                                const char *usd)
{
        json_t *account =
                paper_fixture_info(f, "{\"type\":\"clearinghouseState\",\"user\":\"%s\"}", w->hex);

        assert_string_equal(paper_fixture_text(account, "withdrawable"), usd);
        json_decref(account);
}

static void test_transfers(void **state)
{
        struct paper_fixture *f = *state;
        struct paper_wallet w = trader(f, 1), to = paper_fixture_wallet(f, 2);

        expect_ok(usd_send(f, &w, to.hex, "100.5"));
        expect_withdrawable(f, &w, "9899.5");
        expect_withdrawable(f, &to, "100.5");
        expect_refusal(usd_send(f, &w, to.hex, "9899.500001"),
                       "Insufficient balance for withdrawal");
        expect_refusal(usd_send(f, &w, to.hex, "0"), "Invalid send");
        expect_refusal(usd_send(f, &w, w.hex, "1"), "Cannot self-transfer.");
        expect_ok(paper_fixture_user_act(
                f, &w, "time", "\"type\":\"withdraw3\",\"destination\":\"%s\",\"amount\":\"20\"",
                w.hex));
        expect_withdrawable(f, &w, "9879.5");
        expect_ok(paper_fixture_user_act(
                f, &w, "nonce",
                "\"type\":\"usdClassTransfer\",\"amount\":\"79.5\",\"toPerp\":false"));
        expect_withdrawable(f, &w, "9800.0");
        expect_refusal(
                paper_fixture_user_act(
                        f, &w, "nonce",
                        "\"type\":\"usdClassTransfer\",\"amount\":\"79.500001\",\"toPerp\":true"),
                "Insufficient balance for token transfer");
        expect_ok(paper_fixture_user_act(
                f, &w, "nonce",
                "\"type\":\"usdClassTransfer\",\"amount\":\"79.5\",\"toPerp\":true"));
        expect_withdrawable(f, &w, "9879.5");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_stranger_is_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signature_forms, setup, teardown),
                cmocka_unit_test_setup_teardown(test_other_rendering_is_a_stranger, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_other_network, setup, teardown),
                cmocka_unit_test_setup_teardown(test_vault_and_expiry, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonce_is_used_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonces_need_not_grow, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nonce_window, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_acts_for_its_master, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_is_replaced_by_name, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_slots_and_removal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_agent_expires, setup, teardown),
                cmocka_unit_test_setup_teardown(test_builder_needs_money_and_approval, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(test_builder_percentages, setup, teardown),
                cmocka_unit_test_setup_teardown(test_builder_fee_is_charged, setup, teardown),
                cmocka_unit_test_setup_teardown(test_transfers, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
