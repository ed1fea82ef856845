/* A whole account: what is known of it, what follows, and what is in doubt; the sums against exact
 * fractions (MARGIN_SEED sets the seed). */
#include <string.h>

#include "margin_model.h"
#include "risk/margin_account.h"
#include "risk/margin_rating.h"
#include "risk/show.h"

#define HELD_MAX 8

struct fixture {
        struct margin_holding h[HELD_MAX];
        struct margin_account a;
};

static struct margin_holding holding(struct margin_position p)
{
        return (struct margin_holding){
                .p = p, .has_value = true, .has_entry = true, .has_raw_usd = true};
}

static void any_account(struct fixture *f, struct dice *dice)
{
        *f = (struct fixture){.a = {.pool = MARGIN_POOL_STANDARD,
                                    .holding = f->h,
                                    .is_complete = true,
                                    .has_cash = true,
                                    .has_resting = true}};
        f->a.n = (size_t)dice_below(dice, HELD_MAX + 1);
        f->a.cash.v = dice_between(dice, -1000000, 3000000) * NUM_SCALE;
        f->a.resting.v = dice_below(dice, 1000) * NUM_SCALE;
        for (size_t i = 0; i < f->a.n; i++)
                f->h[i] = holding(model_any_position(dice, dice_below(dice, 2) ? MARGIN_CROSS
                                                                               : MARGIN_ISOLATED));
}

static struct rational signed_of(const struct margin_position *p)
{
        struct rational v = rational_of(p->value.v);

        return p->size.v < 0 ? rational_negate(v) : v;
}

static void assert_money(const struct margin_money *got, struct rational want)
{
        assert_true(got->known);
        assert_int_equal(rational_compare(rational_of(got->v.v), want), 0);
}

static void sums_add_up(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < 5000; i++) {
                struct rational value, cross, used = {0, 1}, kept = {0, 1}, ntl = {0, 1}, leaves;
                struct rational cross_used = {0, 1};
                struct margin_sums s;
                struct fixture f;

                any_account(&f, &dice);
                value = cross = rational_of(f.a.cash.v);
                for (size_t k = 0; k < f.a.n; k++) {
                        const struct margin_position *p = &f.h[k].p;
                        struct rational own = rational_add(rational_of(p->raw_usd.v), signed_of(p));

                        if (p->mode == MARGIN_CROSS) {
                                own = model_cut(rational_mul(rational_of(p->value.v),
                                                             rational(1, p->leverage)));
                                cross = rational_add(cross, signed_of(p));
                                value = rational_add(value, signed_of(p));
                                cross_used = rational_add(cross_used, own);
                                ntl = rational_add(ntl, rational_of(p->value.v));
                                kept = rational_add(kept,
                                                    model_cut(model_maintenance(
                                                            &p->tiers, rational_of(p->value.v))));
                        } else {
                                value = rational_add(value, own);
                        }
                        used = rational_add(used, own);
                }
                assert_int_equal(margin_account_sums(&s, &f.a), 0);
                assert_money(&s.account_value, value);
                assert_money(&s.cross_account_value, cross);
                assert_money(&s.margin_used, used);
                assert_money(&s.maintenance, kept);
                cross_used = rational_add(cross_used, rational_of(f.a.resting.v));
                ntl = model_cut(rational_mul(ntl, rational(1, 10)));
                leaves = rational_sub(cross,
                                      rational_compare(cross_used, ntl) > 0 ? cross_used : ntl);
                assert_money(&s.withdrawable, leaves.n > 0 ? leaves : rational_whole(0));
                assert_int_equal(s.withdrawable.doubts | s.account_value.doubts |
                                         s.maintenance.doubts | s.equity.doubts,
                                 0);
        }
}

/* The same figures as margin_position_figures gives from the account's sums. */
static void positions_agree_with_the_single_ones(void **state)
{
        struct dice dice = dice_new("MARGIN_SEED");

        (void)state;
        for (int i = 0; i < 2000; i++) {
                struct margin_sums s;
                struct fixture f;

                any_account(&f, &dice);
                assert_int_equal(margin_account_sums(&s, &f.a), 0);
                for (size_t k = 0; k < f.a.n; k++) {
                        struct margin_cross cross = {.account_value = s.cross_account_value.v,
                                                     .maintenance = s.maintenance.v};
                        struct margin_holding_figures got;
                        struct margin_figures want;

                        assert_int_equal(margin_account_holding(&got, &f.a, &s, k), 0);
                        assert_int_equal(margin_position_figures(&want, &f.h[k].p, &cross), 0);
                        assert_int_equal(got.unrealized_pnl.v.v, want.unrealized_pnl.v);
                        assert_int_equal(got.margin_used.v.v, want.margin_used.v);
                        assert_int_equal(got.maintenance.v.v, want.maintenance.v);
                        assert_int_equal(got.return_on_equity.v.v, want.return_on_equity.v);
                        assert_true(got.liquidation.known);
                        assert_int_equal(got.liquidation.v.exists, want.liquidation.exists);
                        assert_int_equal(got.liquidation.v.price.v, want.liquidation.price.v);
                }
        }
}

/* A cross long: 4.5 of value 377667 at 10x in a 40x market. */
static void one_long(struct fixture *f)
{
        struct margin_position p = {.mode = MARGIN_CROSS,
                                    .leverage = 10,
                                    .size.v = 450000000,
                                    .value.v = INT64_C(37766700000000),
                                    .entry_notional.v = INT64_C(36578269349300),
                                    .tiers = {1, {{{0}, 40}}}};

        *f = (struct fixture){.a = {.pool = MARGIN_POOL_STANDARD,
                                    .n = 1,
                                    .holding = f->h,
                                    .is_complete = true,
                                    .has_cash = true,
                                    .has_resting = true,
                                    .cash.v = INT64_C(-33941430000000)}};
        f->h[0] = holding(p);
}

static void liquidation_is(const struct fixture *f, const char *want, unsigned doubts)
{
        struct margin_holding_figures got;
        struct margin_sums s;
        char buf[NUM_STR_MAX];

        assert_int_equal(margin_account_sums(&s, &f->a), 0);
        assert_int_equal(margin_account_holding(&got, &f->a, &s, 0), 0);
        assert_int_equal(got.liquidation.doubts, doubts);
        assert_int_equal(got.liquidation.known, want != NULL);
        if (want)
                assert_string_equal(show_liquidation(buf, &got.liquidation.v), want);
}

static void a_unified_account_stands_on_its_spot_balance(void **state)
{
        struct margin_holding_figures got;
        struct margin_sums s;
        struct fixture f;

        (void)state;
        one_long(&f);
        liquidation_is(&f, "76380.1518987342", 0);
        f.a.pool = MARGIN_POOL_UNIFIED;
        liquidation_is(&f, NULL, MARGIN_DOUBT_SPOT);
        /* 377667 - 46599.6136 is owed: over 4.5 * (1 - 1/80) */
        f.a.has_spot = true;
        f.a.spot_total.v = INT64_C(4659961360000);
        f.a.spot_hold.v = INT64_C(3776670000000);
        liquidation_is(&f, "74501.8028466948", MARGIN_DOUBT_DEXES);
        f.a.has_other_dexes = true;
        liquidation_is(&f, "74501.8028466948", 0);
        /* what another dex needs and holds apart is not there for this position */
        f.a.other_maintenance.v = INT64_C(500000000000);
        f.a.other_isolated.v = INT64_C(334696136000);
        liquidation_is(&f, "76380.1626464135", 0);
        /* its own sums stay what the perpetual account says; money leaves by the spot balance */
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_int_equal(s.cross_account_value.v.v, INT64_C(3825270000000));
        assert_false(s.withdrawable.known);
        assert_int_equal(s.withdrawable.doubts, MARGIN_DOUBT_SPOT);
        /* enough of it, and there is no price */
        f.a.spot_total.v = INT64_C(90000000000000);
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_int_equal(margin_account_holding(&got, &f.a, &s, 0), 0);
        assert_true(got.liquidation.known);
        assert_false(got.liquidation.v.exists);
}

/* A balance that holds nothing back for the positions is beside what they stand on. */
static void a_spot_balance_without_hold_adds_up(void **state)
{
        struct fixture f;

        (void)state;
        one_long(&f);
        f.a.pool = MARGIN_POOL_UNIFIED;
        f.a.has_spot = f.a.has_other_dexes = true;
        f.a.spot_total.v = INT64_C(834691360000);
        liquidation_is(&f, "74501.8028466948", MARGIN_DOUBT_SPOT);
        f.a.spot_total.v = INT64_C(4659961360000);
        f.a.spot_hold.v = INT64_C(1888335000000);
        liquidation_is(&f, "74501.8028466948", 0);
        f.a.spot_hold.v--;
        liquidation_is(&f, "65893.6003150492", MARGIN_DOUBT_SPOT);
}

static void an_isolated_position_takes_from_the_unified_balance(void **state)
{
        struct margin_sums s;
        struct fixture f;

        (void)state;
        one_long(&f);
        f.a.pool = MARGIN_POOL_UNIFIED;
        f.a.has_spot = f.a.has_other_dexes = true;
        f.a.spot_total.v = f.a.spot_hold.v = INT64_C(5000000000000);
        f.h[1] = f.h[0];
        f.h[1].p.mode = MARGIN_ISOLATED;
        f.h[1].p.raw_usd.v = -f.h[1].p.value.v + INT64_C(1000000000000);
        f.a.n = 2;
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_int_equal(s.equity.v.v, INT64_C(4000000000000));
        f.h[1].has_raw_usd = false;
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_false(s.equity.known);
        assert_false(s.margin_used.known);
        assert_true(s.cross_account_value.known);
}

static void other_modes_are_not_guessed(void **state)
{
        struct fixture f;

        (void)state;
        one_long(&f);
        f.a.pool = MARGIN_POOL_UNKNOWN;
        liquidation_is(&f, "76380.1518987342", MARGIN_DOUBT_MODE);
        f.a.pool = MARGIN_POOL_PORTFOLIO;
        f.a.has_spot = true;
        liquidation_is(&f, NULL, MARGIN_DOUBT_PORTFOLIO);
        f.h[0].p.mode = MARGIN_ISOLATED;
        f.h[0].p.raw_usd.v = INT64_C(-33941430000000);
        liquidation_is(&f, "76380.1518987342", 0);
}

static void a_cut_list_tells_its_positions_only(void **state)
{
        struct margin_sums s;
        struct fixture f;

        (void)state;
        one_long(&f);
        f.a.is_complete = false;
        f.a.has_cross = true;
        f.a.account_value.v = INT64_C(3825270000000);
        f.a.maintenance.v = INT64_C(472083750000);
        liquidation_is(&f, "76380.1518987342", 0);
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_true(s.cross_account_value.known && s.maintenance.known);
        assert_false(s.account_value.known || s.margin_used.known || s.withdrawable.known ||
                     s.free.known);
        assert_int_equal(s.withdrawable.doubts, MARGIN_DOUBT_LIST);
        f.a.has_cross = false;
        liquidation_is(&f, NULL, MARGIN_DOUBT_LIST);
}

static void doubts_are_inherited(void **state)
{
        struct margin_holding_figures got;
        struct margin_sums s;
        struct fixture f;

        (void)state;
        one_long(&f);
        f.h[0].tier_doubts = MARGIN_DOUBT_RATING;
        f.h[0].entry_doubts = MARGIN_DOUBT_ENTRY;
        f.a.doubts = MARGIN_DOUBT_STALE;
        f.a.has_resting = false;
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_int_equal(s.maintenance.doubts, MARGIN_DOUBT_RATING | MARGIN_DOUBT_STALE);
        assert_int_equal(s.account_value.doubts, MARGIN_DOUBT_STALE);
        assert_int_equal(s.withdrawable.doubts, MARGIN_DOUBT_RESTING | MARGIN_DOUBT_STALE);
        assert_int_equal(margin_account_holding(&got, &f.a, &s, 0), 0);
        assert_int_equal(got.unrealized_pnl.doubts, MARGIN_DOUBT_ENTRY | MARGIN_DOUBT_STALE);
        assert_int_equal(got.return_on_equity.doubts, MARGIN_DOUBT_ENTRY | MARGIN_DOUBT_STALE);
        assert_int_equal(got.liquidation.doubts, MARGIN_DOUBT_RATING | MARGIN_DOUBT_STALE);
        /* and what is missing stays away, figure by figure */
        f.h[0].has_entry = false;
        f.h[0].p.tiers.n = 0;
        assert_int_equal(margin_account_sums(&s, &f.a), 0);
        assert_false(s.maintenance.known);
        assert_true(s.account_value.known && s.margin_used.known);
        assert_int_equal(margin_account_holding(&got, &f.a, &s, 0), 0);
        assert_false(got.unrealized_pnl.known || got.return_on_equity.known ||
                     got.liquidation.known || got.maintenance.known);
        assert_true(got.margin_used.known);
        assert_true(got.liquidation.doubts & MARGIN_DOUBT_INPUT);
        for (unsigned bit = 1; bit <= MARGIN_DOUBT_LAST; bit <<= 1) {
                assert_true(strlen(margin_doubt_name((enum margin_doubt)bit)) > 3);
                assert_true(strlen(margin_doubt_text((enum margin_doubt)bit)) > 10);
        }
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
        struct margin_sums s;
        struct fixture f;

        (void)state;
        one_long(&f);
        f.a.cash.v = INT64_MAX - 5;
        assert_int_equal(margin_account_sums(&s, &f.a), E_RANGE);
        one_long(&f);
        f.h[0].p.tiers.tier[0].max_leverage = 0;
        assert_int_equal(margin_account_sums(&s, &f.a), E_INVALID);
}

/* ---- Kept tiers ---- */

static void positions_keep_the_tiers_they_were_opened_with(void **state)
{
        static const struct margin_table now = {
                2, {{{0}, 40}, {{INT64_C(150000000) * NUM_SCALE}, 20}}};
        static const struct margin_table now3 = {1, {{{0}, 3}}};
        static const struct {
                const struct margin_table *present;
                unsigned own;
                int64_t value;
                bool first_dex;
                unsigned doubts, n, leverage;
        } row[] = {
                {&now, 40, 1000, true, 0, 2, 40},
                {&now, 20, 150000000, true, 0, 2, 40},
                /* the first tier's leverage, where the value is in the second: an older table */
                {&now, 40, 150000000, true, MARGIN_DOUBT_RATING, 1, 40},
                {&now, 20, 149999999, true, MARGIN_DOUBT_RATING, 1, 20},
                {&now, 50, 1000, true, 0, 1, 50},
                {&now3, 10, 1000, true, MARGIN_DOUBT_RATING, 2, 10},
                {&now3, 5, 1000, true, MARGIN_DOUBT_RATING, 1, 5},
                {&now3, 10, 1000, false, MARGIN_DOUBT_RATING, 1, 10},
                {&now3, 50, 1000, false, MARGIN_DOUBT_RATING, 1, 50},
                {NULL, 20, 1000, false, MARGIN_DOUBT_MARKET, 1, 20},
                {NULL, 50, 1000, true, MARGIN_DOUBT_MARKET, 1, 50},
                {&now, 0, 1000, true, MARGIN_DOUBT_INPUT, 2, 40},
                {NULL, 0, 1000, true, MARGIN_DOUBT_INPUT, 0, 0},
        };

        (void)state;
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                struct margin_rating in = {.present = row[i].present,
                                           .own_leverage = row[i].own,
                                           .value.v = row[i].value * NUM_SCALE,
                                           .is_first_dex = row[i].first_dex};
                struct margin_table out;

                assert_int_equal(margin_rating_find(&out, &in), row[i].doubts);
                assert_int_equal(out.n, row[i].n);
                assert_int_equal(out.tier[0].max_leverage, row[i].leverage);
                if (out.n)
                        assert_int_equal(margin_table_check(&out), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sums_add_up),
                cmocka_unit_test(positions_agree_with_the_single_ones),
                cmocka_unit_test(a_unified_account_stands_on_its_spot_balance),
                cmocka_unit_test(a_spot_balance_without_hold_adds_up),
                cmocka_unit_test(an_isolated_position_takes_from_the_unified_balance),
                cmocka_unit_test(other_modes_are_not_guessed),
                cmocka_unit_test(a_cut_list_tells_its_positions_only),
                cmocka_unit_test(doubts_are_inherited),
                cmocka_unit_test(numbers_that_do_not_fit_are_refused),
                cmocka_unit_test(positions_keep_the_tiers_they_were_opened_with),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
