/* What risk/ says a fill, an hour's funding, a transfer and resting orders will do is what the paper
 * venue's books hold afterwards, to the last unit: over random trades (PREVIEW_SEED sets the seed). */
#include "test_engine_kit.h"

#include "rational.h"
#include "risk/margin_reserve.h"
#include "risk/show.h"

#define TRADES 400
#define TAKER  450000000 /* 0.00045 */

struct world {
        struct kit *kit;
        struct dice dice;
        struct margin_position p;
        struct margin_cross cross;
};

static const uint32_t traded[] = {BTC, ETH, TIERED};
static const int64_t step[N_MARKETS] = {
        [BTC] = NUM_SCALE, [ETH] = NUM_SCALE / 10, [TIERED] = NUM_SCALE / 1000};
static const int64_t lot[N_MARKETS] = {[BTC] = 1000, [ETH] = 10000, [TIERED] = NUM_SCALE / 10};

/* Alice's books before: a flat market as it is set. */
static void look(struct world *w, uint32_t asset, unsigned leverage, bool is_cross)
{
        struct engine_account account = kit_account(w->kit, ALICE);
        struct engine_market_spec spec[N_MARKETS];

        memset(spec, 0, sizeof spec);
        kit_markets(spec);
        w->cross = account.cross;
        w->p = kit_position(w->kit, ALICE, asset).p;
        if (!w->p.size.v)
                w->p = (struct margin_position){.mode = is_cross ? MARGIN_CROSS : MARGIN_ISOLATED,
                                                .leverage = leverage,
                                                .tiers = spec[asset].tiers};
}

static void assert_same_books(struct world *w, uint32_t asset)
{
        struct engine_account account = kit_account(w->kit, ALICE);
        struct margin_position is = kit_position(w->kit, ALICE, asset).p;
        struct addr alice = kit_addr(ALICE);
        struct margin_liquidation l;
        char ours[NUM_STR_MAX], theirs[NUM_STR_MAX];

        assert_int_equal(is.size.v, w->p.size.v);
        assert_int_equal(account.cross.account_value.v, w->cross.account_value.v);
        assert_int_equal(account.cross.maintenance.v, w->cross.maintenance.v);
        assert_int_equal(account.cross.margin_used.v, w->cross.margin_used.v);
        assert_int_equal(account.cross.notional.v, w->cross.notional.v);
        if (!is.size.v)
                return;
        assert_int_equal(is.value.v, w->p.value.v);
        assert_int_equal(is.entry_notional.v, w->p.entry_notional.v);
        assert_int_equal(is.raw_usd.v, w->p.raw_usd.v);
        assert_int_equal(margin_liquidation(&l, &w->p, &w->cross), 0);
        assert_int_equal(engine_liquidation_text(w->kit->engine, &alice, asset, theirs),
                         show_liquidation(ours, &l) != NULL);
        if (l.exists)
                assert_string_equal(ours, theirs);
}

/* Charged on the fill's notional, rounded up to 0.000001. */
static struct usd taker_fee(struct px price, struct qty size)
{
        struct rational fee =
                rational_mul(rational_mul(rational_of(price.v), rational_of(num_abs(size.v))),
                             rational(TAKER, NUM_RATE_SCALE));

        return (struct usd){-(int64_t)rational_floor(
                                    rational_negate(rational_mul(fee, rational_whole(1000000)))) *
                            NUM_MICRO};
}

static void trade(struct world *w, uint32_t asset, struct px mark, struct qty size, struct px price)
{
        struct margin_fill fill = {.size = size, .price = price, .fee = taker_fee(price, size)};
        char p[NUM_STR_MAX], q[NUM_STR_MAX];
        struct qty amount = {num_abs(size.v)};

        num_print_px(p, price);
        num_print_qty(q, amount);
        (void)kit_limit(w->kit, HOUSE, asset, size.v < 0, p, q, ENGINE_GTC);
        assert_int_equal(margin_apply_fill(&w->p, &w->cross, &fill, mark, NULL), 0);
        assert_int_equal(kit_limit(w->kit, ALICE, asset, size.v > 0, p, q, ENGINE_IOC).status,
                         ENGINE_FILLED);
}

static struct px near_mark(struct world *w, uint32_t asset)
{
        static const int64_t middle[N_MARKETS] = {[BTC] = 60000, [ETH] = 30000, [TIERED] = 10000};
        int64_t at = middle[asset];

        return (struct px){(at + dice_between(&w->dice, -at / 200, at / 200)) * step[asset]};
}

static void fills_do_what_was_said(void **state)
{
        struct world w = {.kit = *state, .dice = dice_new("PREVIEW_SEED")};
        unsigned flips = 0, closes = 0;

        for (int i = 0; i < TRADES; i++) {
                uint32_t asset = traded[dice_below(&w.dice, 3)];
                unsigned leverage = (unsigned)dice_between(&w.dice, 2, 10);
                bool is_cross = dice_below(&w.dice, 2) != 0;
                struct px mark = near_mark(&w, asset), price = near_mark(&w, asset);
                struct qty size = {dice_between(&w.dice, 1, 20) *
                                   (mark.v > NUM_SCALE * 1000 ? 100 : 20) * lot[asset]};
                char text[NUM_STR_MAX];

                kit_mark(w.kit, asset, num_print_px(text, mark));
                if (!kit_position(w.kit, ALICE, asset).p.size.v)
                        assert_true(kit_leverage(w.kit, ALICE, asset, is_cross, leverage));
                look(&w, asset, leverage, is_cross);
                if (w.p.size.v && dice_below(&w.dice, 6) == 0)
                        size.v = num_abs(w.p.size.v); /* all of it */
                else if (w.p.size.v && dice_below(&w.dice, 3) == 0)
                        size.v += num_abs(w.p.size.v); /* and over */
                if (w.p.size.v > 0 || (!w.p.size.v && dice_below(&w.dice, 2)))
                        size.v = -size.v;
                flips += w.p.size.v && num_abs(size.v) > num_abs(w.p.size.v);
                closes += w.p.size.v && size.v == -w.p.size.v;
                trade(&w, asset, mark, size, price);
                assert_same_books(&w, asset);
        }
        assert_true(flips > 10 && closes > 10);
}

static void increases_do_what_was_said(void **state)
{
        struct world w = {.kit = *state, .dice = dice_new("PREVIEW_SEED")};

        for (int i = 0; i < 60; i++) {
                uint32_t asset = traded[i % 3];
                bool is_cross = (i / 3) % 2 != 0;
                struct px mark = near_mark(&w, asset), price = near_mark(&w, asset);
                struct qty size = {dice_between(&w.dice, 2, 6) * 20 * lot[asset]};
                char text[NUM_STR_MAX];

                kit_mark(w.kit, asset, num_print_px(text, mark));
                if (!kit_position(w.kit, ALICE, asset).p.size.v)
                        assert_true(kit_leverage(w.kit, ALICE, asset, is_cross, 5));
                look(&w, asset, 5, is_cross);
                if (asset == ETH)
                        size.v = -size.v;
                trade(&w, asset, mark, size, price);
                assert_same_books(&w, asset);
        }
}

static void funding_and_transfers_do_what_was_said(void **state)
{
        struct world w = {.kit = *state, .dice = dice_new("PREVIEW_SEED")};

        for (int i = 0; i < 200; i++) {
                uint32_t asset = traded[i % 3];
                bool is_cross = asset == ETH;
                struct px mark = near_mark(&w, asset);
                struct rate hourly = {dice_between(&w.dice, -100000000, 100000000)};
                char text[NUM_STR_MAX];

                kit_mark(w.kit, asset, num_print_px(text, mark));
                if (!kit_position(w.kit, ALICE, asset).p.size.v) {
                        assert_true(kit_leverage(w.kit, ALICE, asset, is_cross, 3));
                        look(&w, asset, 3, is_cross);
                        trade(&w, asset, mark, (struct qty){(i % 2 ? 777 : -777) * lot[asset]},
                              mark);
                }
                look(&w, asset, 3, is_cross);
                assert_int_equal(margin_apply_funding(&w.p, &w.cross, mark, hourly, NULL), 0);
                engine_pay_funding(w.kit->engine, asset, hourly, ++w.kit->at);
                assert_same_books(&w, asset);
                if (is_cross)
                        continue;
                assert_int_equal(
                        margin_apply_transfer(&w.p, &w.cross, (struct usd){1234567 * NUM_MICRO}),
                        0);
                assert_true(kit_margin(w.kit, ALICE, asset, 1234567));
                assert_same_books(&w, asset);
        }
}

static void resting_orders_reserve_what_was_said(void **state)
{
        struct world w = {.kit = *state, .dice = dice_new("PREVIEW_SEED")};
        struct margin_resting resting = {0};

        assert_true(kit_leverage(w.kit, ALICE, ETH, true, 7));
        look(&w, ETH, 7, true);
        trade(&w, ETH, px("3000"), (struct qty){NUM_SCALE / 10}, px("3000"));
        for (int i = 0; i < 40; i++) {
                bool is_buy = dice_below(&w.dice, 2) != 0;
                struct px price = {(is_buy ? 29000 - dice_below(&w.dice, 900)
                                           : 31000 + dice_below(&w.dice, 900)) *
                                   step[ETH]};
                struct qty size = {dice_between(&w.dice, 40, 300) * lot[ETH]};
                char p[NUM_STR_MAX], q[NUM_STR_MAX];
                struct usd needed;
                unsigned doubts;

                assert_int_equal(margin_reserve_add(&resting, is_buy, size, price), 0);
                assert_int_equal(kit_limit(w.kit, ALICE, ETH, is_buy, num_print_px(p, price),
                                           num_print_qty(q, size), ENGINE_GTC)
                                         .status,
                                 ENGINE_RESTING);
                assert_int_equal(
                        margin_reserve_needed(&needed, &doubts, &resting, w.p.size, w.p.leverage),
                        0);
                assert_int_equal(kit_account(w.kit, ALICE).cross.resting.v, needed.v);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(fills_do_what_was_said, kit_setup, kit_teardown),
                cmocka_unit_test_setup_teardown(increases_do_what_was_said, kit_setup,
                                                kit_teardown),
                cmocka_unit_test_setup_teardown(funding_and_transfers_do_what_was_said, kit_setup,
                                                kit_teardown),
                cmocka_unit_test_setup_teardown(resting_orders_reserve_what_was_said, kit_setup,
                                                kit_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
