/* The engine's state as bytes: what is in it, and what is refused. That a loaded engine goes on as
 * the saved one would have is test_engine_property's. */
#include <stdlib.h>

#include "test_engine_saved.h"

/* Positions in both modes, resting orders at one level, a group that waits, a bracket with siblings,
 * triggers, cloids used twice, ended orders, builders. */
static void make_history(struct kit *kit)
{
        struct engine_order_request group[3], pair[2], one;
        struct engine_order_result result[3];
        struct addr alice = kit_addr(ALICE), bob = kit_addr(BOB);

        assert_true(kit_leverage(kit, ALICE, ETH, false, 5));
        (void)kit_sell(kit, BOB, BTC, "60000", "0.05");
        (void)kit_sell(kit, BOB, ETH, "3000", "1");
        (void)kit_buy(kit, ALICE, BTC, "60000", "0.03");
        (void)kit_buy(kit, ALICE, ETH, "3000", "0.7");
        (void)kit_buy(kit, CAROL, BTC, "59000", "0.01");
        (void)kit_buy(kit, BOB, BTC, "59000", "0.01");
        (void)kit_buy(kit, ALICE, BTC, "58000", "0.01");
        group[0] = kit_request(BTC, true, "58500", "0.01");
        group[1] = kit_trigger(BTC, false, "tp", "70000", "69000", "0.01");
        group[2] = kit_trigger(BTC, false, "sl", "50000", "49000", "0.01");
        assert_true(kit_place(kit, ALICE, group, 3, ENGINE_NORMAL_TPSL, result));
        assert_int_equal(result[1].status, ENGINE_WAITING_FOR_FILL);
        pair[0] = kit_trigger(ETH, false, "tp", "3500", "3400", "0");
        pair[1] = kit_trigger(ETH, false, "sl", "2500", "2400", "0");
        assert_true(kit_place(kit, ALICE, pair, 2, ENGINE_POSITION_TPSL, result));
        assert_int_equal(result[0].status, ENGINE_WAITING_FOR_TRIGGER);
        one = kit_request(ETH, true, "2900", "0.1");
        one.has_cloid = true;
        one.cloid.b[0] = 7;
        assert_true(engine_place(kit->engine, &alice, &one, 1, ENGINE_NA, &bob, 10, result,
                                 kit->err, ++kit->at));
        (void)kit_cancel(kit, ALICE, ETH, result[0].oid);
        assert_true(engine_place(kit->engine, &alice, &one, 1, ENGINE_NA, &bob, 10, result,
                                 kit->err, ++kit->at));
        assert_true(kit_margin(kit, ALICE, ETH, 5000000));
        engine_pay_funding(kit->engine, BTC, (struct rate){12345678}, ++kit->at);
}

static void test_reads_are_the_same(void **state)
{
        struct kit *kit = *state, other = *kit;
        struct engine_account before, after;
        struct engine_setting set[2];
        struct addr alice = kit_addr(ALICE);
        struct cloid cloid = {{7}};
        const struct engine_order *order;
        struct engine_level level[2];
        struct buf bytes;

        make_history(kit);
        saved_write(kit->engine, &bytes);
        other.n_events = other.n_fills = other.n_books = 0;
        other.engine = saved_read(&other, bytes.data, bytes.len, NULL);
        assert_non_null(other.engine);
        assert_int_equal(other.n_events + other.n_fills + other.n_books, 0); /* nothing was told */
        before = kit_account(kit, ALICE);
        after = kit_account(&other, ALICE);
        assert_int_equal(after.n_positions, 2);
        assert_int_equal(before.account_value.v, after.account_value.v);
        assert_int_equal(before.cross.resting.v, after.cross.resting.v);
        assert_true(after.cross.resting.v > 0);
        assert_int_equal(before.cross_raw_usd.v, after.cross_raw_usd.v);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(before.position[i].p.entry_notional.v,
                                 after.position[i].p.entry_notional.v);
                assert_int_equal(before.position[i].p.raw_usd.v, after.position[i].p.raw_usd.v);
                assert_int_equal(before.position[i].funding_all_time.v,
                                 after.position[i].funding_all_time.v);
        }
        engine_setting(kit->engine, &alice, ETH, &set[0]);
        engine_setting(other.engine, &alice, ETH, &set[1]);
        assert_int_equal(set[1].leverage, 5);
        assert_int_equal(set[1].mode, MARGIN_ISOLATED);
        assert_int_equal(set[0].available[0].v, set[1].available[0].v);
        order = engine_order_by_cloid(other.engine, &alice, &cloid);
        assert_non_null(order);
        assert_string_equal(order->status, "open"); /* the later of the two */
        assert_int_equal(order->builder_fee, 10);
        assert_int_equal(engine_book(other.engine, BTC, 0, level, 2), 2);
        kit_expect(level[0].price.v, "59000");
        assert_int_equal(level[0].n_orders, 2);
        assert_int_equal(engine_open_interest(other.engine, BTC).v,
                         engine_open_interest(kit->engine, BTC).v);
        engine_free(other.engine);
        buf_fini(&bytes);
}

/* Both go on alike: who was first at a level is first, groups and siblings still know each other. */
static void test_goes_on_alike(void **state)
{
        struct kit *kit = *state, *other = calloc(1, sizeof *other);
        struct addr carol = kit_addr(CAROL);
        struct buf bytes[2];

        make_history(kit);
        *other = *kit;
        saved_write(kit->engine, &bytes[0]);
        other->engine = saved_read(other, bytes[0].data, bytes[0].len, NULL);
        buf_fini(&bytes[0]);
        assert_non_null(other->engine);
        for (int i = 0; i < 2; i++) {
                struct kit *k = i ? other : kit;

                k->n_fills = 0;
                (void)kit_sell(k, HOUSE, BTC, "58500", "0.03"); /* Carol, Bob, then the parent */
                assert_true(hex_addr_equal(&k->fill[1].user, &carol));
                (void)kit_buy(k, HOUSE, ETH, "3500", "2");
                kit_mark(k, ETH, "3600"); /* a take-profit fires, its sibling ends */
                kit_mark(k, BTC, "49000");
                saved_write(k->engine, &bytes[i]);
        }
        assert_int_equal(kit->n_fills, other->n_fills);
        assert_true(kit->n_fills >= 6);
        assert_int_equal(bytes[0].len, bytes[1].len);
        assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].len);
        engine_free(other->engine);
        free(other);
        buf_fini(&bytes[0]);
        buf_fini(&bytes[1]);
}

static void test_cut_short(void **state)
{
        struct kit *kit = *state;
        struct buf bytes;

        make_history(kit);
        saved_write(kit->engine, &bytes);
        for (size_t len = 0; len < bytes.len; len += len < 600 ? 1 : 7)
                assert_null(saved_read(kit, bytes.data, len, NULL));
        buf_putc(&bytes, 'x');
        assert_null(saved_read(kit, bytes.data, bytes.len, NULL));
        buf_fini(&bytes);
}

/* Without the checksum that guards the file: every byte changed in turn is refused, or means another
 * state that is saved as the same bytes. */
static void test_every_byte_changed(void **state)
{
        struct kit *kit = *state;
        struct buf bytes, again;
        size_t n_refused = 0;

        make_history(kit);
        saved_write(kit->engine, &bytes);
        for (size_t i = 0; i < bytes.len; i++) {
                struct engine *engine;
                uint8_t was = bytes.data[i];

                bytes.data[i] = (uint8_t)(was ^ (1u << (i % 8)));
                engine = saved_read(kit, bytes.data, bytes.len, NULL);
                if (engine) {
                        saved_write(engine, &again);
                        assert_int_equal(again.len, bytes.len);
                        assert_memory_equal(again.data, bytes.data, bytes.len);
                        buf_fini(&again);
                } else {
                        n_refused++;
                }
                engine_free(engine);
                bytes.data[i] = was;
        }
        assert_true(n_refused > bytes.len / 8);
        buf_fini(&bytes);
}

static void test_other_markets(void **state)
{
        struct kit *kit = *state;
        struct engine_market_spec spec[N_MARKETS];
        struct archive archive;
        struct err err = {.code = E_OK};
        struct buf bytes;

        saved_write(kit->engine, &bytes);
        for (int i = 0; i < 3; i++) {
                kit_markets(spec);
                if (i == 0)
                        snprintf(spec[ETH].name, sizeof spec[ETH].name, "ETC");
                if (i == 1)
                        spec[BTC].sz_decimals = 4;
                archive_read(&archive, bytes.data, bytes.len);
                assert_null(engine_state_load(spec, i == 2 ? N_MARKETS - 1 : N_MARKETS, NULL,
                                              &archive));
                memset(&err, 0, sizeof err);
                assert_int_equal(archive_finish(&archive, &err), E_SYNTAX);
                assert_string_equal(err.detail, "it was saved with other markets");
        }
        buf_fini(&bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                KIT_TEST(test_reads_are_the_same), KIT_TEST(test_goes_on_alike),
                KIT_TEST(test_cut_short),          KIT_TEST(test_every_byte_changed),
                KIT_TEST(test_other_markets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
