/* Dexes in the engine: balances, margin, liquidation, fees and figures of one never touch another. */
#include <stdlib.h>

#include "adapters/paper/archive.h"
#include "test_engine_kit.h"

/* FIRST is the first dex's; the others are of dex 1: one of each margin mode. */
enum { FIRST, NORMAL, ISOLATED, STAYS, N_DEX_MARKETS };

static void markets(struct engine_market_spec spec[N_DEX_MARKETS])
{
        static const char *const names[] = {"BTC", "xyz:A", "xyz:B", "xyz:C"};

        for (uint32_t i = 0; i < N_DEX_MARKETS; i++) {
                spec[i] = (struct engine_market_spec){.sz_decimals = 3, .max_leverage = 20};
                snprintf(spec[i].name, sizeof spec[i].name, "%s", names[i]);
                spec[i].tiers.n = 1;
                spec[i].tiers.tier[0].max_leverage = 20;
                if (i == FIRST)
                        continue;
                spec[i].dex = 1;
                spec[i].id = 110000 + i - NORMAL;
                spec[i].only_isolated = i != NORMAL;
                spec[i].strict_isolated = i == STAYS;
        }
        spec[NORMAL].fee_share = 200;
        spec[NORMAL].rebate_share = 100;
        spec[STAYS].open_interest_cap.v = 300 * NUM_SCALE;
}

static void fund(struct kit *kit, unsigned user, unsigned dex, const char *amount)
{
        struct addr a = kit_addr(user);

        engine_dex_deposit(kit->engine, &a, dex, (struct usd){kit_num(amount)}, ++kit->at);
}

static struct engine_account account_in(struct kit *kit, unsigned user, unsigned dex)
{
        struct engine_account account;
        struct addr a = kit_addr(user);

        engine_dex_account(kit->engine, &a, dex, &account);
        return account;
}

/* Alice has 1000 in each dex, the house quotes nothing by itself. */
static int setup(void **state)
{
        static struct kit kit;
        struct engine_market_spec spec[N_DEX_MARKETS];
        struct engine_sink sink = kit_sink(&kit);
        struct addr house = kit_addr(HOUSE);

        memset(&kit, 0, sizeof kit);
        kit.at = INT64_C(1700000000000);
        markets(spec);
        kit.engine = engine_new(spec, N_DEX_MARKETS, &sink);
        engine_set_house(kit.engine, &house);
        for (uint32_t i = 0; i < N_DEX_MARKETS; i++)
                kit_mark(&kit, i, "100");
        fund(&kit, ALICE, 0, "1000");
        fund(&kit, ALICE, 1, "1000");
        *state = &kit;
        return 0;
}

/* The user trades with the house at the price. */
static struct engine_order_result deal(struct kit *kit, unsigned user, uint32_t asset, bool is_buy,
                                       const char *price, const char *size)
{
        (void)kit_limit(kit, HOUSE, asset, !is_buy, price, size, ENGINE_GTC);
        return kit_limit(kit, user, asset, is_buy, price, size, ENGINE_IOC);
}

static void expect_filled(struct engine_order_result result)
{
        assert_string_equal(result.error, "");
        assert_int_equal(result.status, ENGINE_FILLED);
}

/* Deposits are what balances and fees add up to, in each dex. */
static void expect_money_kept(struct kit *kit)
{
        for (unsigned dex = 0; dex < 2; dex++) {
                struct engine_account account;
                struct addr backstop;
                int64_t sum = engine_dex_collected_fees(kit->engine, dex).v;

                engine_backstop(kit->engine, &backstop);
                engine_dex_account(kit->engine, &backstop, dex, &account);
                sum += account.account_value.v;
                for (unsigned user = HOUSE; user <= CAROL; user++)
                        sum += account_in(kit, user, dex).account_value.v;
                assert_true(sum == engine_dex_deposited(kit->engine, dex).v);
        }
}

static void test_balances_are_apart(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result result;

        fund(kit, BOB, 1, "50");
        assert_true(engine_account_exists(kit->engine, &(struct addr){{[19] = BOB}}));
        result = deal(kit, BOB, FIRST, true, "100", "1");
        assert_string_equal(result.error, "Insufficient margin to place order. asset=0");
        result = deal(kit, BOB, NORMAL, true, "100", "11");
        assert_string_equal(result.error, "Insufficient margin to place order. asset=110000");
        expect_filled(deal(kit, BOB, NORMAL, true, "100", "5"));
        kit_expect(account_in(kit, BOB, 0).account_value.v, "0");
        assert_int_equal(account_in(kit, BOB, 0).n_positions, 0);
        assert_int_equal(account_in(kit, BOB, 1).n_positions, 1);
        assert_int_equal(account_in(kit, BOB, 1).position->asset, NORMAL);
        kit_expect(account_in(kit, BOB, 1).total_notional.v, "500");
        kit_expect(account_in(kit, BOB, 7).account_value.v, "0"); /* no such dex */
        expect_money_kept(kit);
}

static void test_withdrawals_look_at_one_dex(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);

        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "90"));
        assert_false(engine_dex_withdraw(kit->engine, &alice, 1, (struct usd){kit_num("500")}, 1));
        assert_true(engine_dex_withdraw(kit->engine, &alice, 0, (struct usd){kit_num("1000")}, 1));
        assert_false(engine_withdraw(kit->engine, &alice, (struct usd){kit_num("0.000001")}, 1));
        assert_false(engine_dex_withdraw(kit->engine, &alice, 2, (struct usd){NUM_SCALE}, 1));
        kit_expect(engine_dex_deposited(kit->engine, 0).v, "0");
        kit_expect(engine_dex_deposited(kit->engine, 1).v, "1000");
        assert_true(engine_dex_is_used(kit->engine, &alice));
        expect_money_kept(kit);
}

/* What rests, stands and is free in one dex stays as it is while the other is liquidated. */
static void test_liquidation_stays_in_its_dex(void **state)
{
        struct kit *kit = *state;
        struct engine_account before, after;
        char price[2][NUM_STR_MAX];
        struct addr alice = kit_addr(ALICE);
        uint64_t resting[2];

        expect_filled(deal(kit, ALICE, FIRST, true, "100", "20"));
        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "150"));
        resting[0] = kit_buy(kit, ALICE, FIRST, "90", "1").oid;
        resting[1] = kit_buy(kit, ALICE, NORMAL, "90", "1").oid;
        before = account_in(kit, ALICE, 0);
        (void)engine_liquidation_text(kit->engine, &alice, FIRST, price[0]);
        (void)kit_limit(kit, HOUSE, NORMAL, true, "95", "150", ENGINE_GTC);
        kit_mark(kit, NORMAL, "95");
        assert_int_equal(kit->n_liquidations, 1);
        assert_int_equal(kit->liquidation.mode, MARGIN_CROSS);
        assert_int_equal(kit->liquidation.n, 1);
        assert_int_equal(kit->liquidation.asset[0], NORMAL);
        assert_int_equal(account_in(kit, ALICE, 1).n_positions, 0);
        kit_expect_status(kit, ALICE, resting[1], "liquidatedCanceled");
        kit_expect_status(kit, ALICE, resting[0], "open");
        after = account_in(kit, ALICE, 0);
        assert_true(before.account_value.v == after.account_value.v);
        assert_true(before.withdrawable.v == after.withdrawable.v);
        (void)engine_liquidation_text(kit->engine, &alice, FIRST, price[1]);
        assert_string_equal(price[0], price[1]);
        expect_money_kept(kit);
}

static void test_backstop_takes_one_dex(void **state)
{
        struct kit *kit = *state;
        struct engine_account taken;
        struct addr backstop;

        expect_filled(deal(kit, ALICE, FIRST, true, "100", "20"));
        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "150"));
        kit_mark(kit, NORMAL, "92"); /* nobody buys: below two thirds, the backstop does */
        assert_int_equal(account_in(kit, ALICE, 1).n_positions, 0);
        kit_expect(account_in(kit, ALICE, 1).account_value.v, "0");
        assert_int_equal(account_in(kit, ALICE, 0).n_positions, 1);
        engine_backstop(kit->engine, &backstop);
        engine_dex_account(kit->engine, &backstop, 1, &taken);
        assert_int_equal(taken.n_positions, 1);
        engine_dex_account(kit->engine, &backstop, 0, &taken);
        assert_int_equal(taken.n_positions, 0);
        kit_expect(taken.account_value.v, "0");
        expect_money_kept(kit);
}

static void test_margin_modes(void **state)
{
        static const char cross[] = "Cross margin is not allowed for this asset.";
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE);
        struct engine_setting setting;

        for (uint32_t asset = ISOLATED; asset <= STAYS; asset++) {
                assert_false(kit_leverage(kit, ALICE, asset, true, 5));
                assert_string_equal(kit->err, cross);
                engine_setting(kit->engine, &alice, asset, &setting);
                assert_int_equal(setting.mode, MARGIN_ISOLATED);
                /* Of the dex, not of both; the second less what the first took. */
                kit_expect(setting.available[0].v, asset == ISOLATED ? "1000" : "860");
                assert_true(kit_leverage(kit, ALICE, asset, false, 5));
                expect_filled(deal(kit, ALICE, asset, true, "100", "2"));
                assert_true(kit_margin(kit, ALICE, asset, 100000000));
        }
        assert_true(kit_leverage(kit, ALICE, NORMAL, true, 5));
        assert_true(kit_margin(kit, ALICE, ISOLATED, -90000000));
        assert_false(kit_margin(kit, ALICE, STAYS, -1));
        assert_string_equal(kit->err, "Cannot remove isolated margin for this asset. To remove "
                                      "margin, reduce the position.");
        assert_false(kit_margin(kit, ALICE, ISOLATED, INT64_C(900000000)));
        assert_string_equal(kit->err,
                            "Account does not have sufficient margin available for increase.");
        kit_expect(account_in(kit, ALICE, 0).account_value.v, "1000");
        expect_money_kept(kit);
}

static void test_fees_by_market(void **state)
{
        struct kit *kit = *state;
        struct addr alice = kit_addr(ALICE), bob = kit_addr(BOB);

        expect_filled(deal(kit, ALICE, FIRST, true, "100", "10"));
        kit_expect(engine_collected_fees(kit->engine).v, "0.45");
        kit_expect(engine_dex_collected_fees(kit->engine, 1).v, "0");
        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "10"));
        kit_expect(engine_dex_collected_fees(kit->engine, 1).v, "0.09"); /* 0.2 of it */
        /* A rebate has a share of its own: 0.1 of 0.00002 on 1000. */
        fund(kit, BOB, 1, "1000");
        engine_set_fees(kit->engine, &bob, (struct rate){450000000}, (struct rate){-20000000});
        (void)kit_sell(kit, BOB, NORMAL, "100", "10");
        expect_filled(kit_limit(kit, ALICE, NORMAL, true, "100", "10", ENGINE_IOC));
        kit_expect(engine_dex_collected_fees(kit->engine, 1).v, "0.178");
        /* A builder's part comes in the dex's token. */
        assert_false(engine_dex_is_used(kit->engine, &(struct addr){{[19] = CAROL}}));
        fund(kit, CAROL, 0, "1");
        {
                struct addr carol = kit_addr(CAROL);
                struct engine_order_request request = kit_request(NORMAL, true, "100", "1");
                struct engine_order_result result;

                (void)kit_limit(kit, HOUSE, NORMAL, false, "100", "1", ENGINE_GTC);
                assert_true(engine_place(kit->engine, &alice, &request, 1, ENGINE_NA, &carol, 100,
                                         &result, kit->err, ++kit->at));
                kit_expect(account_in(kit, CAROL, 1).account_value.v, "0.1");
                kit_expect(account_in(kit, CAROL, 0).account_value.v, "1");
        }
        expect_money_kept(kit);
}

static void test_funding_is_paid_in_the_dex(void **state)
{
        struct kit *kit = *state;

        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "10"));
        engine_pay_funding(kit->engine, NORMAL, (struct rate){NUM_RATE_SCALE / 1000}, ++kit->at);
        kit_expect(account_in(kit, ALICE, 0).account_value.v, "1000");
        kit_expect(account_in(kit, ALICE, 1).account_value.v, "998.91");
        expect_money_kept(kit);
}

static void test_open_interest_is_capped(void **state)
{
        struct kit *kit = *state;
        struct engine_order_result result;

        assert_true(kit_leverage(kit, ALICE, STAYS, false, 2));
        assert_false(engine_dex_is_capped(kit->engine, STAYS));
        expect_filled(deal(kit, ALICE, STAYS, true, "100", "3"));
        assert_true(engine_dex_is_capped(kit->engine, STAYS));
        result = kit_buy(kit, ALICE, STAYS, "100", "1");
        assert_string_equal(result.error,
                            "Order would increase open interest while open interest is capped "
                            "asset=110002");
        expect_filled(deal(kit, ALICE, STAYS, false, "100", "3")); /* closing is always possible */
        assert_false(engine_dex_is_capped(kit->engine, STAYS));
}

/* ---- As bytes -------------------------------------------------------------------------------- */

static void save(const struct engine *engine, struct buf *out)
{
        struct archive archive;

        buf_init(out, 1u << 20);
        archive_write(&archive, out);
        engine_state_save(engine, &archive);
        assert_int_equal(archive_finish(&archive, NULL), E_OK);
}

static struct engine *load(const struct buf *bytes, const struct engine_market_spec *spec)
{
        struct archive archive;

        archive_read(&archive, bytes->data, bytes->len);
        return engine_state_load(spec, N_DEX_MARKETS, NULL, &archive);
}

static void test_state_keeps_dexes(void **state)
{
        struct kit *kit = *state;
        struct engine_market_spec spec[N_DEX_MARKETS];
        struct engine *other;
        struct buf first, second;

        expect_filled(deal(kit, ALICE, FIRST, true, "100", "20"));
        expect_filled(deal(kit, ALICE, NORMAL, true, "100", "30"));
        expect_filled(deal(kit, ALICE, STAYS, false, "100", "1"));
        (void)kit_buy(kit, ALICE, NORMAL, "90", "1");
        save(kit->engine, &first);
        markets(spec);
        other = load(&first, spec);
        assert_non_null(other);
        save(other, &second);
        assert_int_equal(first.len, second.len);
        assert_memory_equal(first.data, second.data, first.len);
        engine_free(kit->engine);
        kit->engine = other;
        expect_money_kept(kit);
        kit_mark(kit, NORMAL, "60");
        assert_int_equal(account_in(kit, ALICE, 0).n_positions, 1);
        /* Markets that went to another dex, or got another id or fee, are other markets. */
        for (int what = 0; what < 4; what++) {
                markets(spec);
                if (what == 0)
                        spec[NORMAL].dex = 2;
                if (what == 1)
                        spec[NORMAL].id++;
                if (what == 2)
                        spec[NORMAL].fee_share = 300;
                if (what == 3)
                        spec[STAYS].open_interest_cap.v++;
                assert_null(load(&first, spec));
        }
        buf_fini(&first);
        buf_fini(&second);
}

#define DEX_TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                DEX_TEST(test_balances_are_apart),
                DEX_TEST(test_withdrawals_look_at_one_dex),
                DEX_TEST(test_liquidation_stays_in_its_dex),
                DEX_TEST(test_backstop_takes_one_dex),
                DEX_TEST(test_margin_modes),
                DEX_TEST(test_fees_by_market),
                DEX_TEST(test_funding_is_paid_in_the_dex),
                DEX_TEST(test_open_interest_is_capped),
                DEX_TEST(test_state_keeps_dexes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
