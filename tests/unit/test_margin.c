/* The venue's margin arithmetic: the worked numbers of its documentation and of measured accounts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "risk/margin.h"
#include "risk/show.h"

static struct usd usd(const char *s)
{
        struct usd u = {0};

        assert_int_equal(num_parse_usd(&u, s, strlen(s)), 0);
        return u;
}

static struct qty qty(const char *s)
{
        struct qty q = {0};

        assert_int_equal(num_parse_qty(&q, s, strlen(s)), 0);
        return q;
}

static void assert_usd(struct usd got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_usd(buf, got), want);
}

static void assert_px(struct px got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_px(buf, got), want);
}

static void assert_rate(struct rate got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_rate(buf, got), want);
}

static struct margin_table flat(unsigned leverage)
{
        return (struct margin_table){.n = 1, .tier = {{.max_leverage = leverage}}};
}

static struct margin_table two(unsigned first, const char *bound, unsigned second)
{
        return (struct margin_table){
                .n = 2,
                .tier = {{.max_leverage = first}, {usd(bound), second}},
        };
}

static struct margin_table btc(void)
{
        return two(40, "150000000", 20);
}

static struct margin_table testnet_btc(void)
{
        return (struct margin_table){
                .n = 3,
                .tier = {{.max_leverage = 40}, {usd("10000"), 25}, {usd("50000"), 10}},
        };
}

static struct margin_position isolated(const char *size, const char *value, const char *entry,
                                       const char *raw, unsigned leverage,
                                       struct margin_table tiers)
{
        return (struct margin_position){
                .size = qty(size),
                .value = usd(value),
                .entry_notional = usd(entry),
                .mode = MARGIN_ISOLATED,
                .leverage = leverage,
                .raw_usd = usd(raw),
                .tiers = tiers,
        };
}

static struct margin_liquidation liquidation(const struct margin_position *position,
                                             const struct margin_cross *cross)
{
        struct margin_liquidation out;

        assert_int_equal(margin_liquidation(&out, position, cross), 0);
        return out;
}

static void assert_shown(const struct margin_liquidation *l, const char *want)
{
        char buf[NUM_STR_MAX];
        const char *shown = show_liquidation(buf, l);

        if (!want) {
                assert_null(shown);
                assert_string_equal(buf, "");
                return;
        }
        assert_non_null(shown);
        assert_string_equal(shown, want);
}

static struct usd maintenance(const struct margin_table *table, const char *value)
{
        struct usd out;

        assert_int_equal(margin_maintenance(&out, table, usd(value)), 0);
        return out;
}

/* ---- tables and maintenance ---- */

static void tables_are_checked(void **state)
{
        struct margin_table t = btc();

        (void)state;
        assert_int_equal(margin_table_check(&t), 0);
        t.n = 0;
        assert_int_not_equal(margin_table_check(&t), 0);
        t.n = MARGIN_TIERS_MAX + 1;
        assert_int_not_equal(margin_table_check(&t), 0);
        t = btc();
        t.tier[0].lower_bound = usd("1");
        assert_int_not_equal(margin_table_check(&t), 0);
        t = two(40, "0", 20);
        assert_int_not_equal(margin_table_check(&t), 0);
        t = two(20, "100", 40);
        assert_int_not_equal(margin_table_check(&t), 0);
        t = two(20, "100", 20);
        assert_int_equal(margin_table_check(&t), 0);
        t = flat(0);
        assert_int_not_equal(margin_table_check(&t), 0);
        t = flat(1000);
        assert_int_equal(margin_table_check(&t), 0);
        t = flat(1001);
        assert_int_not_equal(margin_table_check(&t), 0);
        /* 2 * 997 * 991 * 983 * 977 * 971 is beyond 1e12. */
        t = (struct margin_table){
                .n = 5, .tier = {{{0}, 997}, {{1}, 991}, {{2}, 983}, {{3}, 977}, {{4}, 971}}};
        assert_int_not_equal(margin_table_check(&t), 0);
}

static void maintenance_follows_the_documented_tables(void **state)
{
        struct margin_table t = btc();

        (void)state;
        assert_usd(maintenance(&t, "0"), "0");
        assert_usd(maintenance(&t, "60000"), "750");
        assert_usd(maintenance(&t, "149999999"), "1874999.9875");
        assert_usd(maintenance(&t, "150000000"), "1875000");
        assert_usd(maintenance(&t, "180000000"), "2625000"); /* 4.5M - 1.875M */
        t = testnet_btc();
        /* measured account: 0.02 * 12073.655 - 75 */
        assert_usd(maintenance(&t, "12073.655"), "166.4731");
        assert_usd(maintenance(&t, "100000"), "3425"); /* 5000 - 1575 */
        t = two(25, "100000000", 15);
        /* 200M / 30 - 1,333,333.33.. = 5,333,333.33.., cut */
        assert_usd(maintenance(&t, "200000000"), "5333333.333333");
        t = flat(3);
        assert_usd(maintenance(&t, "1"), "0.166666"); /* 1/6, cut and not rounded */
}

static void maintenance_is_continuous_at_every_bound(void **state)
{
        struct margin_table tables[] = {btc(), testnet_btc(), two(25, "100000000", 15),
                                        two(10, "3000000", 5)};

        (void)state;
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
                for (unsigned k = 1; k < tables[i].n; k++) {
                        struct usd at = tables[i].tier[k].lower_bound;
                        struct usd below = {at.v - NUM_MICRO};
                        struct usd m_at, m_below;

                        assert_int_equal(margin_tier_at(&tables[i], at), k);
                        assert_int_equal(margin_tier_at(&tables[i], below), k - 1);
                        assert_int_equal(margin_maintenance(&m_at, &tables[i], at), 0);
                        assert_int_equal(margin_maintenance(&m_below, &tables[i], below), 0);
                        assert_true(m_at.v >= m_below.v);
                        assert_true(m_at.v - m_below.v <= NUM_MICRO);
                        assert_int_equal(margin_max_leverage(&tables[i], at),
                                         tables[i].tier[k].max_leverage);
                }
        }
}

static void liquidation_is_decided_on_the_exact_figure(void **state)
{
        struct margin_table t = flat(3); /* maintenance of 1 is 0.1666.. */
        bool yes = false;

        (void)state;
        assert_int_equal(margin_is_liquidatable(&yes, &t, usd("1"), usd("0.16666666")), 0);
        assert_true(yes);
        assert_int_equal(margin_is_liquidatable(&yes, &t, usd("1"), usd("0.16666667")), 0);
        assert_false(yes);
        t = flat(5);
        assert_int_equal(margin_is_liquidatable(&yes, &t, usd("1"), usd("0.1")), 0);
        assert_false(yes); /* equal is not below */
        assert_int_not_equal(margin_is_liquidatable(&yes, &t, usd("-1"), usd("0.1")), 0);
}

/* ---- liquidation price ---- */

static void documented_sample_position(void **state)
{
        struct margin_position p =
                isolated("0.0335", "100.02765", "100.04105", "-95.059824", 20, flat(50));
        struct margin_figures f;
        char buf[NUM_STR_MAX];

        (void)state;
        assert_int_equal(margin_position_figures(&f, &p, NULL), 0);
        assert_usd(f.unrealized_pnl, "-0.0134");
        assert_usd(f.margin_used, "4.967826");
        assert_usd(f.collateral, "4.981226");
        assert_usd(f.max_loss, "4.981226");
        assert_string_equal(show_rate10(buf, f.return_on_equity), "-0.0026789003");
        /* 95.059824 / (0.0335 * 0.99) = 2866.26937..., up for a long */
        assert_px(f.liquidation.price, "2866.26938038");
        assert_shown(&f.liquidation, "2866.2693803709");
        assert_true(f.has_distance);
        /* (2985.9 - 2866.2693804) / 2985.9 */
        assert_int_equal(f.distance.v / 1000000, 40065); /* 0.040065.. */
        assert_usd(f.removable, "0");                    /* 4.967826 - 10.002765 */
}

static void one_tier_isolated(void **state)
{
        struct margin_position p = isolated("0.002", "120", "120", "-103.731933", 10, flat(40));
        struct margin_liquidation l = liquidation(&p, NULL);

        (void)state;
        assert_int_equal(l.price.v / 1000000, 5252249); /* 52522.49.. */
        p.raw_usd = usd("-83.731933");
        l = liquidation(&p, NULL);
        assert_int_equal(l.price.v / 10000, 423959154); /* 42395.9154.. */
        /* 10x long 0.25 BTC at 60000: 13500 / (0.25 * 0.9875) */
        p = isolated("0.25", "15000", "15000", "-13500", 10, btc());
        l = liquidation(&p, NULL);
        assert_px(l.price, "54683.5443038");
        assert_shown(&l, "54683.5443037975");
        /* and its mirror: short, raw 16500: 16500 / (0.25 * 1.0125) = 65185.185185.. */
        p = isolated("-0.25", "15000", "15000", "16500", 10, btc());
        l = liquidation(&p, NULL);
        assert_px(l.price, "65185.18518518");
        assert_shown(&l, "65185.1851851852");
}

static void tier_at_the_liquidation_price_counts(void **state)
{
        struct margin_position p =
                isolated("3000", "180000000", "180000000", "-171000000", 20, btc());
        struct margin_liquidation l = liquidation(&p, NULL);

        (void)state;
        assert_int_equal(l.tier, 1);
        assert_px(l.price, "57820.51282052"); /* 169.125M / (3000 * 0.975), up */
        p = isolated("-2400", "144000000", "144000000", "153000000", 16, btc());
        l = liquidation(&p, NULL);
        assert_int_equal(l.tier, 1);
        assert_px(l.price, "62957.31707317"); /* 154.875M / (2400 * 1.025), down */
        assert_int_equal(l.tier_leverage, 20);
        assert_true(l.cash_micro == (num_wide)154875000000000);
}

static void no_positive_price_is_none(void **state)
{
        struct margin_position p = isolated("1", "100", "100", "0", 1, flat(10));
        struct margin_liquidation l = liquidation(&p, NULL);

        (void)state;
        assert_false(l.exists);
        assert_shown(&l, NULL);
        p.raw_usd = usd("5"); /* more cash than the position costs */
        l = liquidation(&p, NULL);
        assert_false(l.exists);
        p = isolated("-1", "100", "100", "-5", 1, flat(10));
        l = liquidation(&p, NULL);
        assert_false(l.exists);
        memset(&p, 0, sizeof p); /* no position: no table is needed either */
        l = liquidation(&p, NULL);
        assert_false(l.exists);
}

static void cross_moves_one_mark(void **state)
{
        struct margin_cross cross = {
                .account_value = usd("10000"),
                .maintenance = usd("1350"),
                .margin_used = usd("9000"),
                .notional = usd("90000"),
        };
        struct margin_position p = {
                .size = qty("1"),
                .value = usd("60000"),
                .entry_notional = usd("60000"),
                .mode = MARGIN_CROSS,
                .leverage = 10,
                .tiers = btc(),
        };
        struct margin_liquidation l = liquidation(&p, &cross);
        struct margin_figures f;

        (void)state;
        assert_px(l.price, "51240.50632912"); /* 60000 - 8650 / 0.9875 */
        assert_int_equal(margin_position_figures(&f, &p, &cross), 0);
        assert_usd(f.margin_used, "6000");
        assert_usd(f.max_loss, "10000");
        assert_usd(f.removable, "0");
        assert_rate(f.effective_leverage, "6");
        assert_int_not_equal(margin_position_figures(&f, &p, NULL), 0);
        p.size = qty("-10");
        p.value = usd("30000");
        p.tiers = two(25, "100000000", 15);
        l = liquidation(&p, &cross);
        assert_px(l.price, "3848.03921568"); /* 3000 + 8650 / 10 / 1.02, down */
}

static void shown_price_keeps_one_decimal_and_ten_at_most(void **state)
{
        struct margin_position p = isolated("1", "100", "100", "-90", 10, flat(5));
        struct margin_liquidation l = liquidation(&p, NULL);
        char buf[NUM_STR_MAX];

        (void)state;
        assert_shown(&l, "100.0"); /* 90 / 0.9 */
        assert_string_equal(show_usd(buf, usd("2000")), "2000.0");
        assert_string_equal(show_usd(buf, usd("0.000001")), "0.000001");
        assert_string_equal(show_rate10(buf, (struct rate){0}), "0.0");
        /* 0.00000000005 rounds away from zero at ten decimals */
        assert_string_equal(show_rate10(buf, (struct rate){50}), "0.0000000001");
        assert_string_equal(show_rate10(buf, (struct rate){-49}), "0.0");
}

static void dust_in_a_large_account_has_the_largest_price(void **state)
{
        struct margin_cross cross = {.account_value = usd("3000000"), .maintenance = usd("0.0075")};
        struct margin_position p = {
                .size = qty("-0.00001"),
                .value = usd("0.6"),
                .entry_notional = usd("0.6"),
                .mode = MARGIN_CROSS,
                .leverage = 10,
                .tiers = flat(40),
        };
        struct margin_liquidation l = liquidation(&p, &cross);

        (void)state;
        assert_true(l.exists);
        assert_true(l.price.v == INT64_MAX);
        assert_shown(&l, "296296355555.5555419922");
}

static void overflow_is_refused(void **state)
{
        struct margin_position p = isolated("1", "100", "100", "-90", 10, flat(10));
        struct margin_figures f;
        struct margin_liquidation l;

        (void)state;
        p.raw_usd.v = INT64_MAX;
        assert_int_equal(margin_position_figures(&f, &p, NULL), E_RANGE);
        p.size.v = INT64_MIN;
        assert_int_equal(margin_liquidation(&l, &p, NULL), E_RANGE);
        p.size.v = INT64_MAX;
        p.raw_usd.v = -INT64_MAX;
        assert_int_equal(margin_liquidation(&l, &p, NULL), 0);
        assert_true(l.exists);
        p.leverage = 0;
        assert_int_not_equal(margin_position_figures(&f, &p, NULL), 0);
}

/* ---- removable, free, withdrawable ---- */

static void transfer_requirement_and_removable(void **state)
{
        struct margin_position p = isolated("0.25", "15000", "15000", "-13000", 10, btc());
        struct margin_figures f;
        struct usd need;

        (void)state;
        assert_int_equal(margin_transfer_requirement(&need, usd("10000"), 5), 0);
        assert_usd(need, "2000");
        assert_int_equal(margin_transfer_requirement(&need, usd("10000"), 20), 0);
        assert_usd(need, "1000"); /* ten percent dominates above 10x */
        assert_int_equal(margin_transfer_requirement(&need, usd("10"), 3), 0);
        assert_usd(need, "3.333334");
        assert_int_not_equal(margin_transfer_requirement(&need, usd("10"), 0), 0);
        assert_int_equal(margin_position_figures(&f, &p, NULL), 0);
        assert_usd(f.margin_used, "2000");
        assert_usd(f.removable, "500");
        assert_rate(f.effective_leverage, "7.5");
        p.leverage = 20; /* opened with exactly N / 20: nothing removable */
        p.raw_usd = usd("-14250");
        assert_int_equal(margin_position_figures(&f, &p, NULL), 0);
        assert_usd(f.removable, "0");
}

static void withdrawable_matches_measured_accounts(void **state)
{
        struct margin_cross c = {
                .account_value = usd("929.919372"),
                .margin_used = usd("100"),
                .notional = usd("5873.49"),
        };
        struct usd out;

        (void)state;
        assert_int_equal(margin_withdrawable(&out, &c), 0);
        assert_usd(out, "342.570372");
        c = (struct margin_cross){
                .account_value = usd("1008998.241837"),
                .margin_used = usd("503510.150066"),
                .notional = usd("10070203.001339"),
        };
        assert_int_equal(margin_withdrawable(&out, &c), 0);
        assert_usd(out, "1977.941704");
        c.resting = usd("600000");
        assert_int_equal(margin_withdrawable(&out, &c), 0);
        assert_usd(out, "0");
        assert_int_equal(margin_free(&out, &c), 0);
        assert_usd(out, "0");
        c.resting = usd("5000");
        assert_int_equal(margin_free(&out, &c), 0);
        assert_usd(out, "500488.091771");
}

static void initial_margin_rounds_as_told(void **state)
{
        struct usd out;

        (void)state;
        assert_int_equal(margin_initial(&out, usd("10"), 3, NUM_DOWN), 0);
        assert_usd(out, "3.33333333");
        assert_int_equal(margin_initial(&out, usd("10"), 3, NUM_UP), 0);
        assert_usd(out, "3.33333334");
        assert_int_not_equal(margin_initial(&out, usd("10"), 0, NUM_UP), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tables_are_checked),
                cmocka_unit_test(maintenance_follows_the_documented_tables),
                cmocka_unit_test(maintenance_is_continuous_at_every_bound),
                cmocka_unit_test(liquidation_is_decided_on_the_exact_figure),
                cmocka_unit_test(documented_sample_position),
                cmocka_unit_test(one_tier_isolated),
                cmocka_unit_test(tier_at_the_liquidation_price_counts),
                cmocka_unit_test(no_positive_price_is_none),
                cmocka_unit_test(cross_moves_one_mark),
                cmocka_unit_test(shown_price_keeps_one_decimal_and_ten_at_most),
                cmocka_unit_test(dust_in_a_large_account_has_the_largest_price),
                cmocka_unit_test(overflow_is_refused),
                cmocka_unit_test(transfer_requirement_and_removable),
                cmocka_unit_test(withdrawable_matches_measured_accounts),
                cmocka_unit_test(initial_margin_rounds_as_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
