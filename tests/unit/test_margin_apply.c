/* Fills and transfers on positions, and properties of the margin arithmetic over random positions (the
 * seed is printed; MARGIN_SEED sets it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "risk/margin.h"

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
        fill(&p, &c, "-0.1", "52000", "0", "52000", "166.666667");
        after = liquidation(&p, NULL);
        assert_true(before.price.v - after.price.v < 1000 && after.price.v - before.price.v < 1000);
        assert_usd(p.raw_usd, "-8864.53");
        assert_usd(p.entry_notional, "10066.666667"); /* of 15100, in millionths */
        /* 2303.205 / 3 = 767.735 released */
        assert_usd(c.account_value, "3957.735");
        /* close the rest: everything comes back less the fee */
        fill(&p, &c, "-0.2", "52000", "4.68", "52000", "333.333333");
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
