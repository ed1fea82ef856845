/* Size by risk against the model in exact fractions, and worked numbers. SIZE_SEED sets the seed. */
#include <string.h>

#include "margin_model.h"
#include "risk/fee.h"
#include "risk/size.h"

#define ROUNDS 20000

static struct usd usd(const char *s)
{
        struct usd u = {0};

        assert_int_equal(num_parse_usd(&u, s, strlen(s)), 0);
        return u;
}

static struct px px(const char *s)
{
        return (struct px){usd(s).v};
}

static struct rate rate(const char *s)
{
        struct rate r = {0};

        assert_int_equal(num_parse_rate(&r, s, strlen(s)), 0);
        return r;
}

static void assert_units(int64_t got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_usd(buf, (struct usd){got}), want);
}

/* Bitcoin: long at 60000, out at 59000. */
static struct size_request btc_long(void)
{
        return (struct size_request){
                .is_long = true,
                .entry = px("60000"),
                .stop = px("59000"),
                .risk = usd("1000"),
                .size_decimals = 5,
                .tiers = {2, {{{0}, 40}, {{INT64_C(150000000) * NUM_SCALE}, 20}}},
                .max_leverage = 40,
                .min_value = usd("10"),
        };
}

static void without_fees_the_risk_is_the_distance(void **state)
{
        struct size_request r = btc_long();
        struct size_result s;

        (void)state;
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        assert_units(s.size.v, "1");
        assert_units(s.loss.v, "1000");
        assert_units(s.notional.v, "60000");
        assert_units(s.target.v, "59000");
        /* 59000 * (1 - 1/80) = 58262.5 of the 60000 is borrowed at most */
        assert_units(s.required.v, "1737.5");
        /* 60000 / 1737.5 is 34.5 */
        assert_int_equal(s.leverage, 35);
        assert_units(s.margin.v, "1737.5");
        assert_true(s.liquidation.exists);
        assert_units(s.liquidation.price.v, "59000");
}

static void no_more_than_is_there_at_the_price(void **state)
{
        struct size_request r = btc_long();
        struct size_result s;

        (void)state;
        r.max_size.v = NUM_SCALE / 4;
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        assert_units(s.size.v, "0.25");
        assert_units(s.loss.v, "250");
        assert_units(s.required.v, "434.375");
        r.max_size.v = NUM_SCALE * 2; /* the risk buys less */
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        assert_units(s.size.v, "1");
}

static void fees_and_buffer_are_part_of_it(void **state)
{
        struct size_request r = btc_long();
        struct size_result s;

        (void)state;
        r.entry_fee = rate("0.00045");
        r.stop_fee = rate("0.00045");
        r.builder_fee = rate("0.0001");
        r.buffer = rate("0.01");
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        /* a unit loses 1000 + 119000 * 0.00055 = 1065.45: 0.938570.. of it */
        assert_units(s.size.v, "0.93857");
        assert_units(s.loss.v, "999.999407");
        assert_units(s.entry_fees.v, "30.97281");
        assert_units(s.target.v, "58410");
        assert_true(s.liquidation.price.v <= s.target.v);
        assert_true(s.margin.v >= s.required.v);
}

static void a_far_stop_needs_no_more_than_the_leverage_takes(void **state)
{
        struct size_request r = btc_long();
        struct size_result s;

        (void)state;
        r.max_leverage = 5;
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        assert_int_equal(s.leverage, 5);
        assert_units(s.margin.v, "12000");
        assert_units(s.required.v, "1737.5");
        /* and a short far from its stop */
        r = btc_long();
        r.is_long = false;
        r.stop = px("90000");
        r.risk = usd("60000");
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        assert_units(s.size.v, "2");
        assert_int_equal(s.leverage, 2);
        /* 180000 * (1 + 1/80) - 120000 */
        assert_units(s.margin.v, "62250");
}

static void refusals_say_why(void **state)
{
        struct size_request r = btc_long();
        struct size_result s;

        (void)state;
        r.stop = px("60000");
        assert_int_equal(size_by_risk(&s, &r), SIZE_STOP_SIDE);
        r.is_long = false;
        r.stop = px("59999");
        assert_int_equal(size_by_risk(&s, &r), SIZE_STOP_SIDE);
        r = btc_long();
        r.risk = usd("0.1");
        assert_int_equal(size_by_risk(&s, &r), SIZE_TOO_SMALL);
        /* 10 / 60000 rounds up to 0.00017, which loses 0.17 */
        assert_units(s.least_risk.v, "0.17");
        r.risk = s.least_risk;
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        r = btc_long();
        r.buffer = rate("1");
        assert_int_equal(size_by_risk(&s, &r), SIZE_BUFFER);
        r = btc_long();
        r.has_free = true;
        r.free = usd("1737.499999");
        assert_int_equal(size_by_risk(&s, &r), SIZE_COLLATERAL);
        assert_units(s.margin.v, "1737.5");
        r.free = usd("1737.5");
        assert_int_equal(size_by_risk(&s, &r), SIZE_FITS);
        r = btc_long();
        r.stop = px("59999.99999999");
        r.entry_fee = rate("-0.001");
        assert_int_equal(size_by_risk(&s, &r), SIZE_NO_LOSS);
        r.entry_fee = rate("0");
        r.risk = usd("90000000000");
        assert_int_equal(size_by_risk(&s, &r), SIZE_TOO_LARGE);
}

/* Charges up, rebates down, to 0.000001. */
static void fees_are_rounded_against_the_trader(void **state)
{
        struct usd fee;

        (void)state;
        assert_int_equal(fee_part(&fee, usd("100.01"), rate("0.00045")), 0);
        assert_units(fee.v, "0.045005"); /* 0.0450045 */
        assert_int_equal(fee_part(&fee, usd("100.01"), rate("-0.00001")), 0);
        assert_units(fee.v, "-0.001"); /* -0.0010001 */
        assert_int_equal(fee_part(&fee, usd("20000"), fee_builder_rate(25)), 0);
        assert_units(fee.v, "5");
        assert_int_equal(fee_part(&fee, (struct usd){INT64_MAX}, (struct rate){INT64_MAX}),
                         E_RANGE);
}

static void bad_input_is_refused(void **state)
{
        struct size_request bad[11];
        struct size_result s;

        (void)state;
        for (size_t i = 0; i < 11; i++)
                bad[i] = btc_long();
        bad[0].entry.v = 0;
        bad[1].stop.v = -1;
        bad[2].risk.v = 0;
        bad[3].max_leverage = 0;
        bad[4].size_decimals = 9;
        bad[5].buffer.v = -1;
        bad[6].builder_fee.v = -1;
        bad[7].entry_fee.v = NUM_RATE_SCALE;
        bad[8].tiers.n = 0;
        bad[9].min_value.v = -1;
        bad[10].stop_fee.v = INT64_MIN + 1;
        for (size_t i = 0; i < 11; i++)
                assert_int_equal(size_by_risk(&s, &bad[i]), SIZE_INPUT);
        for (int refusal = SIZE_INPUT; refusal <= SIZE_COLLATERAL; refusal++) {
                assert_int_not_equal(size_refusal_code((enum size_refusal)refusal), E_OK);
                assert_true(strlen(size_refusal_text((enum size_refusal)refusal)) > 10);
        }
        assert_int_equal(size_refusal_code(SIZE_FITS), E_OK);
}

/* ---- The model ---- */

static struct rational model_loss(const struct size_request *r, struct qty size)
{
        struct rational entry = rational_of(r->entry.v), stop = rational_of(r->stop.v);
        struct rational entry_rate =
                rational((num_wide)r->entry_fee.v + r->builder_fee.v, NUM_RATE_SCALE);
        struct rational stop_rate =
                rational((num_wide)r->stop_fee.v + r->builder_fee.v, NUM_RATE_SCALE);
        struct rational distance =
                r->is_long ? rational_sub(entry, stop) : rational_sub(stop, entry);
        struct rational unit = rational_add(distance, rational_add(rational_mul(entry, entry_rate),
                                                                   rational_mul(stop, stop_rate)));

        return rational_mul(rational_of(size.v), unit);
}

static struct size_request any_request(struct dice *dice)
{
        static const int64_t magnitude[] = {100000, 10000000, 1000000000, 100000000000};
        struct margin_position p = model_any_position(dice, MARGIN_ISOLATED);
        int64_t scale = magnitude[dice_below(dice, 4)];
        struct size_request r = {
                .is_long = dice_below(dice, 2) != 0,
                .risk.v = dice_between(dice, 1000000, INT64_C(1000000000000)),
                .entry_fee.v = dice_between(dice, -30, 450) * 1000000,
                .stop_fee.v = dice_between(dice, 100, 450) * 1000000,
                .builder_fee.v = dice_between(dice, 0, 100) * 10000000,
                .buffer.v = dice_between(dice, 0, 50) * INT64_C(1000000000),
                .size_decimals = (unsigned)dice_between(dice, 0, 5),
                .tiers = p.tiers,
                .max_leverage = (unsigned)dice_between(dice, 1, 50),
                .min_value.v = INT64_C(1000000000),
        };

        r.entry.v = dice_between(dice, scale, 50 * scale);
        r.entry.v -= r.entry.v % 100;
        r.stop.v = r.entry.v / 1000 * dice_between(dice, 1, 300);
        r.stop.v -= r.stop.v % 100;
        r.stop.v = r.is_long ? r.entry.v - r.stop.v : r.entry.v + r.stop.v;
        return r;
}

/* As the position stands after the entry, with that margin: liquidated at the target or beyond it? */
static bool model_holds(const struct size_request *r, const struct size_result *s, int64_t margin)
{
        struct margin_position p = {.mode = MARGIN_ISOLATED, .tiers = r->tiers};
        struct px inside = {s->target.v + (r->is_long ? 1 : -1)};

        p.size.v = r->is_long ? s->size.v : -s->size.v;
        p.raw_usd.v = margin - s->entry_fees.v + (r->is_long ? -s->notional.v : s->notional.v);
        return !model_is_liquidated(&p, NULL, inside) && !model_is_liquidated(&p, NULL, s->target);
}

static void check_margin(const struct size_request *r, const struct size_result *s)
{
        unsigned most = margin_max_leverage(&r->tiers, s->notional);
        struct rational own = rational_mul(rational_of(s->notional.v), rational(1, s->leverage));

        assert_true(s->leverage >= 1 && s->leverage <= most && s->leverage <= r->max_leverage);
        assert_true(s->margin.v >= s->required.v);
        assert_true(rational_compare(rational_of(s->margin.v), own) >= 0);
        assert_true(model_holds(r, s, s->margin.v));
        /* a unit less of what the target needs would be too little */
        if (s->required.v > NUM_MICRO) {
                assert_true(model_holds(r, s, s->required.v));
                assert_false(model_holds(r, s, s->required.v - 2 * NUM_MICRO));
        }
        /* one less of leverage would take more than is needed */
        if (s->leverage > 1 && s->margin.v == s->required.v)
                assert_true(rational_compare(rational_mul(rational_of(s->notional.v),
                                                          rational(1, s->leverage - 1)),
                                             rational_of(s->required.v)) > 0);
}

static void sizes_are_exact_to_the_lot(void **state)
{
        struct dice dice = dice_new("SIZE_SEED");
        unsigned fitted = 0;

        (void)state;
        for (int i = 0; i < ROUNDS; i++) {
                struct size_request r = any_request(&dice);
                int64_t lot = num_pow10(NUM_DECIMALS - r.size_decimals);
                struct rational risk = rational_of(r.risk.v);
                struct size_result s;
                enum size_refusal refusal = size_by_risk(&s, &r);

                assert_true(refusal == SIZE_FITS || refusal == SIZE_TOO_SMALL);
                assert_int_equal(s.size.v % lot, 0);
                assert_true(rational_compare(model_loss(&r, s.size), risk) <= 0);
                assert_true(rational_compare(model_loss(&r, (struct qty){s.size.v + lot}), risk) >
                            0);
                assert_true(rational_compare(rational_of(s.loss.v), model_loss(&r, s.size)) >= 0);
                assert_true(rational_compare(rational_of(s.loss.v - NUM_MICRO),
                                             model_loss(&r, s.size)) < 0);
                if (refusal != SIZE_FITS || s.notional.v > INT64_C(2000000) * NUM_SCALE)
                        continue;
                check_margin(&r, &s);
                fitted++;
        }
        assert_true(fitted > ROUNDS / 10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(without_fees_the_risk_is_the_distance),
                cmocka_unit_test(no_more_than_is_there_at_the_price),
                cmocka_unit_test(fees_and_buffer_are_part_of_it),
                cmocka_unit_test(a_far_stop_needs_no_more_than_the_leverage_takes),
                cmocka_unit_test(refusals_say_why),
                cmocka_unit_test(fees_are_rounded_against_the_trader),
                cmocka_unit_test(bad_input_is_refused),
                cmocka_unit_test(sizes_are_exact_to_the_lot),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
