/* The margin arithmetic against an independent model in exact fractions, over random positions
 * (MARGIN_SEED sets the seed). */
#include "margin_model.h"
#include "risk/margin_account.h"
#include "risk/margin_reserve.h"
#include "risk/margin_target.h"

#define ROUNDS 20000

static void maintenance_adds_up_tier_by_tier(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_table table = model_any_table(&dice);
                struct usd value = {dice_between(&dice, 0, INT64_C(400000) * NUM_SCALE)}, got;
                struct rational want = model_maintenance(&table, rational_of(value.v));
                int64_t above =
                        (int64_t)rational_floor(rational_mul(want, rational_whole(NUM_SCALE)));
                bool lower, same;

                assert_int_equal(margin_maintenance(&got, &table, value), 0);
                assert_int_equal(rational_compare(rational_of(got.v), model_cut(want)), 0);
                /* decided on the exact figure, not on the cut one */
                assert_int_equal(margin_is_liquidatable(&lower, &table, value, (struct usd){above}),
                                 0);
                assert_int_equal(lower, rational_compare(rational_of(above), want) < 0);
                assert_int_equal(
                        margin_is_liquidatable(&same, &table, value, (struct usd){above + 1}), 0);
                assert_false(same);
        }
}

/* At a bound both tiers agree, and a step of the value moves maintenance by at most its highest rate. */
static void tiers_never_jump(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < 500; i++) {
                struct margin_table table = model_any_table(&dice);

                for (unsigned k = 1; k < table.n; k++) {
                        int64_t bound = table.tier[k].lower_bound.v;
                        int64_t last = -1;

                        for (int64_t v = bound - 500; v <= bound + 500; v += NUM_MICRO) {
                                struct usd m;

                                assert_int_equal(margin_maintenance(&m, &table, (struct usd){v}),
                                                 0);
                                if (last >= 0)
                                        assert_in_range(m.v - last, 0, NUM_MICRO);
                                last = m.v;
                        }
                }
        }
}

/* The first price, seen from the mark, at which the model liquidates: not there yet at price, there one
 * unit beyond. */
static void assert_by_meaning(const struct margin_position *p, const struct margin_cross *cross)
{
        struct margin_liquidation l;
        int side = model_side(p);

        assert_int_equal(margin_liquidation(&l, p, cross), 0);
        if (!l.exists) {
                /* a long never, a short at any price */
                assert_int_equal(model_is_liquidated(p, cross, (struct px){1}), side < 0);
                return;
        }
        if (l.price.v == INT64_MAX || l.price.v > INT64_C(100000000) * NUM_SCALE)
                return; /* farther than the model's numbers reach */
        assert_int_equal(l.tier, margin_tier_at(&p->tiers,
                                                (struct usd){(int64_t)rational_floor(
                                                        rational_mul(model_value_at(p, l.price),
                                                                     rational_whole(NUM_SCALE)))}));
        assert_false(model_is_liquidated(p, cross, l.price));
        if (l.price.v > side)
                assert_true(model_is_liquidated(p, cross, (struct px){l.price.v - side}));
}

static void isolated_prices_are_where_equity_meets_maintenance(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_position p = model_any_position(&dice, MARGIN_ISOLATED);

                assert_by_meaning(&p, NULL);
        }
}

static struct margin_cross any_cross(struct dice *dice, const struct margin_position *p)
{
        struct margin_cross cross = {.resting = {0}};

        assert_int_equal(margin_maintenance(&cross.maintenance, &p->tiers, p->value), 0);
        cross.maintenance.v += NUM_MICRO * dice_below(dice, 50000000000);
        cross.account_value.v =
                cross.maintenance.v + NUM_MICRO * dice_between(dice, -1000000, 400000000000);
        return cross;
}

static void cross_prices_are_where_equity_meets_maintenance(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_position p = model_any_position(&dice, MARGIN_CROSS);
                struct margin_cross cross = any_cross(&dice, &p);

                assert_by_meaning(&p, &cross);
        }
}

static void adding_margin_never_brings_liquidation_nearer(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_position p = model_any_position(&dice, MARGIN_ISOLATED), more = p;
                struct margin_cross cross = {.account_value.v = INT64_C(1000000000000)};
                struct margin_liquidation before, after;
                struct usd amount = {NUM_MICRO * dice_between(&dice, 1, 10000000000)};

                assert_int_equal(margin_apply_transfer(&more, &cross, amount), 0);
                assert_int_equal(margin_liquidation(&before, &p, NULL), 0);
                assert_int_equal(margin_liquidation(&after, &more, NULL), 0);
                if (p.size.v > 0 && after.exists) {
                        assert_true(before.exists);
                        assert_true(after.price.v <= before.price.v);
                }
                if (p.size.v < 0 && before.exists) {
                        assert_true(after.exists);
                        assert_true(after.price.v >= before.price.v);
                }
        }
}

/* The same distance from the entry, the other way: all figures that don't depend on the value at another
 * price are the same. */
static void long_and_short_mirror_each_other(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_position a = model_any_position(&dice, MARGIN_ISOLATED), b = a;
                int64_t collateral = a.raw_usd.v + model_side(&a) * a.entry_notional.v;
                struct margin_figures fa, fb;

                b.size.v = -a.size.v;
                b.value.v = 2 * a.entry_notional.v - a.value.v;
                b.raw_usd.v = collateral - model_side(&b) * b.entry_notional.v;
                assert_int_equal(margin_position_figures(&fa, &a, NULL), 0);
                assert_int_equal(margin_position_figures(&fb, &b, NULL), 0);
                assert_int_equal(fa.unrealized_pnl.v, fb.unrealized_pnl.v);
                assert_int_equal(fa.collateral.v, fb.collateral.v);
                assert_int_equal(fa.margin_used.v, fb.margin_used.v);
                assert_int_equal(fa.max_loss.v, fb.max_loss.v);
                assert_int_equal(fa.return_on_equity.v, fb.return_on_equity.v);
        }
}

/* What may be removed is exactly what the venue's rule leaves, and no unit more. */
static void removable_is_what_the_transfer_rule_leaves(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_position p = model_any_position(&dice, MARGIN_ISOLATED);
                struct margin_cross cross = {.account_value.v = INT64_C(500000000)};
                struct rational value = rational_of(p.value.v), left, stays;
                struct margin_figures f;

                assert_int_equal(margin_position_figures(&f, &p, &cross), 0);
                stays = rational_mul(value, rational(1, p.leverage < 10 ? p.leverage : 10));
                left = rational_sub(rational_of(f.margin_used.v), stays);
                if (left.n < 0)
                        left = rational_whole(0);
                assert_true(rational_compare(rational_of(f.removable.v), left) <= 0);
                assert_true(rational_compare(rational_of(f.removable.v + 2 * NUM_MICRO), left) > 0);
                assert_int_equal(f.addable.v, INT64_C(500000000));
        }
}

static void funding_is_paid_by_size_oracle_and_rate(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                enum margin_mode mode = dice_below(&dice, 2) ? MARGIN_CROSS : MARGIN_ISOLATED;
                struct margin_position p = model_any_position(&dice, mode), after = p;
                struct margin_cross cross = {.account_value.v = INT64_C(1000000000000)};
                struct rate rate = {dice_between(&dice, -40000000000, 40000000000)};
                struct px oracle;
                struct rational want, off;
                struct usd payment;

                assert_int_equal(
                        num_px_for(&oracle, p.value, (struct qty){num_abs(p.size.v)}, NUM_NEAREST),
                        0);
                assert_int_equal(margin_apply_funding(&after, &cross, oracle, rate, &payment), 0);
                want = rational_mul(
                        rational_of(-p.size.v),
                        rational_mul(rational_of(oracle.v), rational(rate.v, NUM_RATE_SCALE)));
                off = rational_sub(rational_of(payment.v), want);
                off.n = off.n < 0 ? -off.n : off.n;
                assert_true(rational_compare(off, rational(6, 10000000)) < 0);
                if (mode == MARGIN_ISOLATED)
                        assert_int_equal(after.raw_usd.v - p.raw_usd.v, payment.v);
                else
                        assert_int_equal(cross.account_value.v - INT64_C(1000000000000), payment.v);
                assert_int_equal(payment.v % NUM_MICRO, 0);
        }
}

/* Each side reserves what it opens, at its average price, over the leverage. */
static void resting_orders_reserve_what_they_open(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct margin_resting resting = {0};
                struct qty held = {dice_between(&dice, -500, 500) * NUM_SCALE / 100};
                struct rational size[2] = {{0, 1}, {0, 1}}, notional[2] = {{0, 1}, {0, 1}}, want;
                unsigned leverage = (unsigned)dice_between(&dice, 1, 40), doubts;
                struct usd got;

                for (int64_t n = dice_below(&dice, 5); n > 0; n--) {
                        int side = (int)dice_below(&dice, 2);
                        struct qty q = {dice_between(&dice, 1, 300) * NUM_SCALE / 100};
                        struct px price = {dice_between(&dice, 1, 9000) * NUM_SCALE / 10};

                        assert_int_equal(margin_reserve_add(&resting, side == 0, q, price), 0);
                        size[side] = rational_add(size[side], rational_of(q.v));
                        notional[side] =
                                rational_add(notional[side],
                                             rational_mul(rational_of(q.v), rational_of(price.v)));
                }
                assert_int_equal(margin_reserve_needed(&got, &doubts, &resting, held, leverage), 0);
                want = rational_whole(0);
                for (int side = 0; side < 2; side++) {
                        struct rational closes =
                                rational_of((side == 0) == (held.v < 0) ? num_abs(held.v) : 0);

                        if (rational_compare(size[side], closes) <= 0)
                                continue;
                        want = rational_add(
                                want,
                                rational_mul(rational_mul(notional[side], rational(1, leverage)),
                                             rational_mul(rational_sub(size[side], closes),
                                                          rational(size[side].d, size[side].n))));
                }
                assert_true(rational_compare(rational_of(got.v), want) >= 0);
                assert_true(rational_compare(rational_of(got.v - 3 * NUM_MICRO), want) < 0);
        }
}

static void a_measured_reserve(void **state)
{
        struct margin_resting resting = {0};
        struct usd got;
        unsigned doubts = 1;

        (void)state;
        /* 128.40 at 5x held 25.68 back */
        assert_int_equal(margin_reserve_add(&resting, true, (struct qty){NUM_SCALE},
                                            (struct px){INT64_C(12840000000)}),
                         0);
        assert_int_equal(margin_reserve_needed(&got, &doubts, &resting, (struct qty){0}, 5), 0);
        assert_int_equal(got.v, INT64_C(2568000000));
        assert_int_equal(doubts, 0);
        /* it closes a short, and then nothing; it reaches beyond half a short, and nobody knows */
        assert_int_equal(
                margin_reserve_needed(&got, &doubts, &resting, (struct qty){-NUM_SCALE}, 5), 0);
        assert_int_equal(got.v, 0);
        assert_int_equal(doubts, 0);
        assert_int_equal(
                margin_reserve_needed(&got, &doubts, &resting, (struct qty){-NUM_SCALE / 2}, 5), 0);
        assert_int_equal(got.v, INT64_C(1284000000));
        assert_int_equal(doubts, MARGIN_DOUBT_RESTING);
        assert_int_equal(margin_reserve_needed(&got, &doubts, &resting, (struct qty){0}, 0),
                         E_INVALID);
        assert_int_equal(margin_reserve_add(&resting, true, (struct qty){0}, (struct px){1}),
                         E_INVALID);
        assert_int_equal(margin_reserve_add(&resting, true, (struct qty){1}, (struct px){0}),
                         E_INVALID);
        assert_int_equal(
                margin_reserve_add(&resting, true, (struct qty){INT64_MAX}, (struct px){INT64_MAX}),
                E_RANGE);
}

/* ---- Fills, against a ledger ---- */

/* A round of fills whose sizes divide evenly, so that every share is exact. */
struct ledger {
        struct rational cash, size, entry; /* entry: notional of what is open */
};

static struct rational absolute(struct rational a)
{
        return a.n < 0 ? rational_negate(a) : a;
}

static void ledger_fill(struct ledger *l, struct rational size, struct rational price,
                        struct rational fee)
{
        struct rational value = rational_mul(size, price), after = rational_add(l->size, size);

        l->cash = rational_sub(rational_sub(l->cash, value), fee);
        if (l->size.n == 0 || (l->size.n < 0) == (size.n < 0))
                l->entry = rational_add(l->entry, absolute(value));
        else if (after.n == 0 || (after.n < 0) == (l->size.n < 0))
                l->entry =
                        rational_mul(l->entry, rational_mul(after, rational(l->size.d, l->size.n)));
        else
                l->entry = absolute(rational_mul(after, price));
        l->size = after;
}

static bool within_micros(struct rational a, struct rational b, int micros)
{
        return rational_compare(absolute(rational_sub(a, b)), rational(micros, 1000000)) <= 0;
}

/* Cash changes by what was paid and by the fee; the entry is what is still open of what was paid. In a
 * cross account all of it shows in its value; isolated, in the sum of both balances. */
static void fills_are_booked_as_a_ledger_would(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < 2000; i++) {
                enum margin_mode mode = i % 2 ? MARGIN_CROSS : MARGIN_ISOLATED;
                struct margin_cross cross = {.account_value.v = INT64_C(1000000) * NUM_SCALE};
                struct margin_position p = {.mode = mode,
                                            .leverage = (unsigned)dice_between(&dice, 1, 3),
                                            .tiers = model_any_table(&dice)};
                struct ledger l = {rational_of(cross.account_value.v), {0, 1}, {0, 1}};
                struct rational worth, side;

                for (int k = 0; k < 6; k++) {
                        struct margin_fill fill = {
                                .size.v = dice_between(&dice, -20, 20) * NUM_SCALE / 10,
                                .price.v = dice_between(&dice, 990, 1010) * NUM_SCALE / 10,
                                .fee.v = dice_between(&dice, -20, 40) * NUM_MICRO * 1000};
                        struct px mark = {dice_between(&dice, 990, 1010) * NUM_SCALE / 10};

                        if (!fill.size.v)
                                continue;
                        assert_int_equal(margin_apply_fill(&p, &cross, &fill, mark, NULL), 0);
                        ledger_fill(&l, rational_of(fill.size.v), rational_of(fill.price.v),
                                    rational_of(fill.fee.v));
                        side = rational_mul(rational_of(p.size.v), rational_of(mark.v));
                        worth = mode == MARGIN_CROSS
                                        ? rational_sub(rational_of(cross.account_value.v), side)
                                        : rational_add(rational_of(cross.account_value.v),
                                                       rational_of(p.raw_usd.v));
                        assert_int_equal(rational_compare(rational_of(p.size.v), l.size), 0);
                        assert_int_equal(rational_compare(worth, l.cash), 0);
                        assert_true(within_micros(rational_of(p.entry_notional.v), l.entry, 6));
                        assert_int_equal(rational_compare(rational_of(p.value.v), absolute(side)),
                                         0);
                }
        }
}

/* Closing a part of an isolated position leaves the liquidation price of the rest where it was, but for
 * the fee, which brings it nearer. */
static void a_partial_close_keeps_the_liquidation_price(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < 5000; i++) {
                struct margin_position p = model_any_position(&dice, MARGIN_ISOLATED), rest = p;
                struct margin_cross cross = {.account_value.v = NUM_SCALE};
                struct margin_fill fill = {.size.v = -p.size.v / 10000 / 4 * 10000};
                struct margin_liquidation before, after;
                struct rational moved, allowed;
                struct px mark;

                p.tiers.n = rest.tiers.n = 1; /* another tier may be right for less */
                assert_int_equal(
                        num_px_for(&mark, p.value, (struct qty){num_abs(p.size.v)}, NUM_NEAREST),
                        0);
                mark.v -= mark.v % 100;
                fill.price = mark;
                /* nothing is released by a position that owes more than it is worth */
                if (!fill.size.v || num_abs(p.size.v) < NUM_SCALE ||
                    p.raw_usd.v + model_side(&p) * p.value.v <= p.value.v / 1000)
                        continue;
                assert_int_equal(margin_liquidation(&before, &p, NULL), 0);
                assert_int_equal(margin_apply_fill(&rest, &cross, &fill, mark, NULL), 0);
                assert_int_equal(margin_liquidation(&after, &rest, NULL), 0);
                assert_int_equal(before.exists, after.exists);
                /* a unit of the price apart, and what cutting money does to it */
                moved = rational_mul(rational_of(before.price.v - after.price.v),
                                     rational_of(num_abs(rest.size.v)));
                allowed = rational_add(
                        rational(60, 1000000),
                        rational_mul(rational_of(2), rational_of(num_abs(rest.size.v))));
                assert_true(rational_compare(absolute(moved), allowed) <= 0);
                rest = p;
                fill.fee.v = NUM_SCALE / 100;
                assert_int_equal(margin_apply_fill(&rest, &cross, &fill, mark, NULL), 0);
                assert_int_equal(margin_liquidation(&before, &rest, NULL), 0);
                if (before.exists && after.exists)
                        assert_true(p.size.v > 0 ? before.price.v >= after.price.v
                                                 : before.price.v <= after.price.v);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(maintenance_adds_up_tier_by_tier),
                cmocka_unit_test(tiers_never_jump),
                cmocka_unit_test(isolated_prices_are_where_equity_meets_maintenance),
                cmocka_unit_test(cross_prices_are_where_equity_meets_maintenance),
                cmocka_unit_test(adding_margin_never_brings_liquidation_nearer),
                cmocka_unit_test(long_and_short_mirror_each_other),
                cmocka_unit_test(removable_is_what_the_transfer_rule_leaves),
                cmocka_unit_test(funding_is_paid_by_size_oracle_and_rate),
                cmocka_unit_test(resting_orders_reserve_what_they_open),
                cmocka_unit_test(a_measured_reserve),
                cmocka_unit_test(fills_are_booked_as_a_ledger_would),
                cmocka_unit_test(a_partial_close_keeps_the_liquidation_price),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
