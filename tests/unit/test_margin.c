/* The venue's margin arithmetic: the worked numbers of its documentation and of measured accounts,
 * then properties over random positions (the seed is printed; MARGIN_SEED sets it). */
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

static struct px px(const char *s)
{
        struct px p = {0};

        assert_int_equal(num_parse_px(&p, s, strlen(s)), 0);
        return p;
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

/* ---- fills ---- */

static void fill(struct margin_position *p, struct margin_cross *c, const char *size,
                 const char *price, const char *fee, const char *mark, const char *realized)
{
        struct margin_fill f = {qty(size), px(price), usd(fee)};
        struct usd got = {0};

        assert_int_equal(margin_apply_fill(p, c, &f, px(mark), &got), 0);
        assert_usd(got, realized);
}

static void isolated_life(void **state)
{
        struct margin_cross c = {.account_value = usd("5000")};
        struct margin_position p = isolated("0", "0", "0", "0", 10, btc());
        struct margin_liquidation before, after;

        (void)state;
        /* open 0.2 at 50000: margin 1000 leaves the balance, the fee leaves the margin */
        fill(&p, &c, "0.2", "50000", "4.5", "50000", "0");
        assert_usd(c.account_value, "4000");
        assert_usd(p.raw_usd, "-9004.5");
        assert_usd(p.value, "10000");
        /* add 0.1 at 51000: 510 more */
        fill(&p, &c, "0.1", "51000", "2.295", "51000", "0");
        assert_usd(c.account_value, "3490");
        assert_usd(p.entry_notional, "15100");
        assert_usd(p.raw_usd, "-13596.795");
        /* transfer in and out */
        assert_int_equal(margin_apply_transfer(&p, &c, usd("500")), 0);
        assert_usd(p.raw_usd, "-13096.795");
        assert_usd(c.account_value, "2990");
        assert_int_equal(margin_apply_transfer(&p, &c, usd("-200")), 0);
        assert_usd(p.raw_usd, "-13296.795");
        /* close a third without fee: the rest keeps its liquidation price */
        before = liquidation(&p, NULL);
        fill(&p, &c, "-0.1", "52000", "0", "52000", "166.66666667");
        after = liquidation(&p, NULL);
        assert_true(before.price.v - after.price.v < 1000 && after.price.v - before.price.v < 1000);
        assert_usd(p.raw_usd, "-8864.53");
        /* 2303.205 / 3 = 767.735 released */
        assert_usd(c.account_value, "3957.735");
        /* close the rest: everything comes back less the fee */
        fill(&p, &c, "-0.2", "52000", "4.68", "52000", "333.33333333");
        assert_int_equal(p.size.v, 0);
        assert_usd(p.raw_usd, "0");
        assert_usd(p.entry_notional, "0");
        assert_usd(c.account_value, "5488.525"); /* 5000 + 500 - 11.475 */
}

static void isolated_loss_stops_at_its_margin(void **state)
{
        struct margin_cross c = {.account_value = usd("5000")};
        struct margin_position p = isolated("0", "0", "0", "0", 10, btc());

        (void)state;
        fill(&p, &c, "0.2", "50000", "0", "50000", "0");
        fill(&p, &c, "-0.2", "40000", "0", "40000", "-2000");
        assert_usd(c.account_value, "4000");
}

static void flip_closes_then_opens(void **state)
{
        struct margin_cross c = {.account_value = usd("5000")};
        struct margin_position p = isolated("0", "0", "0", "0", 10, btc());

        (void)state;
        fill(&p, &c, "0.1", "50000", "0", "50000", "0");
        /* sell 0.3 at 51000, fee 3: 1 on the close, 2 on the short of 0.2 with margin 1020 */
        fill(&p, &c, "-0.3", "51000", "3", "51000", "100");
        assert_usd(c.account_value, "4079"); /* 5000 + 100 - 1 - 1020 */
        assert_int_equal(p.size.v, qty("-0.2").v);
        assert_usd(p.entry_notional, "10200");
        assert_usd(p.raw_usd, "11218"); /* 1020 + 10200 - 2 */
}

static void cross_fills_move_the_sums(void **state)
{
        /* another position is inside the sums: they must keep it */
        struct margin_cross c = {
                .account_value = usd("10000"),
                .maintenance = usd("600"),
                .margin_used = usd("3000"),
                .notional = usd("30000"),
        };
        struct margin_position p = {.mode = MARGIN_CROSS, .leverage = 20, .tiers = btc()};

        (void)state;
        fill(&p, &c, "1", "60000", "27", "60000", "0");
        assert_usd(c.account_value, "9973");
        assert_usd(c.maintenance, "1350");
        assert_usd(c.margin_used, "6000");
        assert_usd(c.notional, "90000");
        fill(&p, &c, "-0.5", "61000", "0", "61000", "500");
        assert_usd(c.account_value, "10973");
        assert_usd(c.maintenance, "981.25");
        assert_usd(c.margin_used, "4525");
        assert_usd(c.notional, "60500");
        fill(&p, &c, "-0.5", "61000", "0", "61000", "500");
        assert_usd(c.account_value, "10973");
        assert_usd(c.maintenance, "600");
        assert_usd(c.margin_used, "3000");
        assert_usd(c.notional, "30000");
}

static void a_refused_fill_changes_nothing(void **state)
{
        struct margin_cross c = {.account_value = usd("5000")}, c_before = c;
        struct margin_position p = isolated("1", "100", "100", "-90", 10, btc()), before = p;
        struct margin_fill f = {{0}, px("1"), {0}};

        (void)state;
        assert_int_not_equal(margin_apply_fill(&p, &c, &f, px("1"), NULL), 0);
        f.size.v = INT64_MAX;
        f.price.v = INT64_MAX;
        assert_int_not_equal(margin_apply_fill(&p, &c, &f, px("1"), NULL), 0);
        f = (struct margin_fill){qty("1"), px("100"), {INT64_MAX}};
        p.raw_usd.v = before.raw_usd.v = -INT64_MAX + 10;
        assert_int_not_equal(margin_apply_fill(&p, &c, &f, px("1"), NULL), 0);
        assert_memory_equal(&p, &before, sizeof p);
        assert_memory_equal(&c, &c_before, sizeof c);
        p.mode = MARGIN_CROSS;
        assert_int_not_equal(margin_apply_transfer(&p, &c, usd("1")), 0);
}

/* ---- properties ---- */

static uint64_t rng;

static int64_t pick(int64_t low, int64_t high)
{
        rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return low + (int64_t)((rng >> 20) % (uint64_t)(high - low + 1));
}

static void seed(void)
{
        const char *from_env = getenv("MARGIN_SEED");

        rng = from_env ? strtoull(from_env, NULL, 10) : 20250307;
        print_message("seed %llu\n", (unsigned long long)rng);
}

static struct margin_table random_table(void)
{
        struct margin_table t = {.n = (unsigned)pick(1, 3)};
        int64_t leverage = pick(3, 50);
        int64_t bound = 0;

        for (unsigned k = 0; k < t.n; k++) {
                t.tier[k].lower_bound.v = bound * NUM_SCALE;
                t.tier[k].max_leverage = (unsigned)leverage;
                bound += pick(1, 5000000);
                leverage = pick(1, leverage);
        }
        return t;
}

/* Whole units, so that value = size * price is exact at 1e-8 for every price. */
static struct margin_position random_isolated(void)
{
        int64_t units = pick(1, 1000);
        int64_t price = pick(1, 100000) * NUM_SCALE;
        int side = pick(0, 1) ? 1 : -1;
        struct margin_position p = {
                .mode = MARGIN_ISOLATED,
                .leverage = (unsigned)pick(1, 50),
                .size.v = side * units * NUM_SCALE,
                .value.v = units * price,
                .entry_notional.v = units * price,
                .tiers = random_table(),
        };
        int64_t collateral = p.value.v / pick(1, 60);

        p.raw_usd.v = collateral / NUM_MICRO * NUM_MICRO - side * p.value.v;
        return p;
}

static bool liquidatable_at(const struct margin_position *p, int64_t price)
{
        int64_t value = num_abs(p->size.v) / NUM_SCALE * price;
        int64_t equity = p->raw_usd.v + (p->size.v < 0 ? -value : value);
        bool yes = false;

        assert_int_equal(
                margin_is_liquidatable(&yes, &p->tiers, (struct usd){value}, (struct usd){equity}),
                0);
        return yes;
}

/* The price found is where the condition turns, to the last unit of 1e-8. */
static void the_price_is_where_the_condition_turns(void **state)
{
        (void)state;
        seed();
        for (int i = 0; i < 20000; i++) {
                struct margin_position p = random_isolated();
                struct margin_liquidation l = liquidation(&p, NULL);
                int64_t beyond = p.size.v < 0 ? 1 : -1;

                if (!l.exists) {
                        assert_true(p.size.v > 0 && p.raw_usd.v >= 0);
                        continue;
                }
                assert_false(liquidatable_at(&p, l.price.v));
                assert_true(liquidatable_at(&p, l.price.v + beyond));
        }
}

static void more_margin_never_brings_liquidation_nearer(void **state)
{
        (void)state;
        seed();
        for (int i = 0; i < 5000; i++) {
                struct margin_position p = random_isolated();
                struct margin_cross c = {.account_value = usd("100000000")};
                struct margin_liquidation before = liquidation(&p, NULL), after;

                assert_int_equal(
                        margin_apply_transfer(&p, &c, (struct usd){pick(1, 1000000) * NUM_MICRO}),
                        0);
                after = liquidation(&p, NULL);
                if (p.size.v > 0)
                        assert_true(!after.exists ||
                                    (before.exists && after.price.v <= before.price.v));
                else
                        assert_true(before.exists && after.exists &&
                                    after.price.v >= before.price.v);
        }
}

/* Money is neither made nor lost by fills that cover themselves: balance + isolated equity changes
 * by the difference of fill price and mark, less the fee. */
static void fills_keep_the_money_together(void **state)
{
        (void)state;
        seed();
        for (int i = 0; i < 5000; i++) {
                struct margin_cross c = {.account_value = usd("1000000000")};
                struct margin_position p = {.leverage = (unsigned)pick(1, 50), .tiers = btc()};
                int64_t cash = c.account_value.v;

                p.mode = pick(0, 1) ? MARGIN_CROSS : MARGIN_ISOLATED;
                for (int n = 0; n < 6; n++) {
                        int64_t price = pick(50000, 50100);
                        struct margin_fill f = {{pick(-50, 50) * 100000},
                                                {price * NUM_SCALE},
                                                {pick(0, 50) * NUM_MICRO}};
                        struct px mark = {price * NUM_SCALE};
                        int64_t total;

                        if (!f.size.v)
                                continue;
                        assert_int_equal(margin_apply_fill(&p, &c, &f, mark, NULL), 0);
                        cash -= f.size.v * price + f.fee.v;
                        total = cash + p.size.v * price;
                        if (p.mode == MARGIN_ISOLATED)
                                total -= p.raw_usd.v + p.size.v * price;
                        assert_true(c.account_value.v == total);
                }
        }
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
                cmocka_unit_test(isolated_life),
                cmocka_unit_test(isolated_loss_stops_at_its_margin),
                cmocka_unit_test(flip_closes_then_opens),
                cmocka_unit_test(cross_fills_move_the_sums),
                cmocka_unit_test(a_refused_fill_changes_nothing),
                cmocka_unit_test(the_price_is_where_the_condition_turns),
                cmocka_unit_test(more_margin_never_brings_liquidation_nearer),
                cmocka_unit_test(fills_keep_the_money_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
