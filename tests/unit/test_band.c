/* Bands of cross accounts: worked numbers, and that nothing is ever missed inside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "mirror/band.h"
#include "mirror/ticks.h"

#define USD(n)     ((struct usd){(n)*NUM_SCALE})
#define PX(n)      ((struct px){(n)*NUM_SCALE})
#define QTY(n)     ((struct qty){(n)*NUM_SCALE})
#define PERCENT(n) ((struct rate){(n)*NUM_RATE_SCALE / 100})

static const struct margin_table flat = {.n = 1, .tier = {{.max_leverage = 50}}};
static const struct margin_table stepped = {
        .n = 3,
        .tier = {{{0}, 40}, {{10000 * NUM_SCALE}, 20}, {{40000 * NUM_SCALE}, 3}},
};
static const struct margin_table two = {
        .n = 2,
        .tier = {{{0}, 10}, {{30000 * NUM_SCALE}, 5}},
};

static const struct band_levels usual = {
        .n = 7,
        .level = {{BAND_DISTANCE, {0}},
                  {BAND_DISTANCE, {5 * NUM_RATE_SCALE / 100}},
                  {BAND_DISTANCE, {10 * NUM_RATE_SCALE / 100}},
                  {BAND_DISTANCE, {11 * NUM_RATE_SCALE / 100}},
                  {BAND_DISTANCE, {20 * NUM_RATE_SCALE / 100}},
                  {BAND_COVER, {5 * NUM_RATE_SCALE / 100}},
                  {BAND_COVER, {20 * NUM_RATE_SCALE / 100}}},
};

static const struct band_levels liquidation = {.n = 1};

/* A long of 10 at 100 with 50x: maintenance 1 percent, 10; value 1000. With cash -800 the account is
 * worth 200, 190 above maintenance, so a fall of 19 percent uses that up. */
static void one_long_in_numbers(void **state)
{
        struct band_position position = {QTY(10), PX(100), &flat};
        struct band_account account;
        struct band_edges edges;

        (void)state;
        assert_int_equal(band_look(&account, &edges, USD(-800), &position, 1, &liquidation), 0);
        assert_int_equal(account.value.v, USD(200).v);
        assert_int_equal(account.maintenance.v, USD(10).v);
        assert_int_equal(edges.value.v, USD(1000).v);
        assert_int_equal(edges.maintenance.v, USD(10).v);
        assert_int_equal(account.reached, 0);
        assert_true(edges.low.v > PX(81).v && edges.low.v < PX(81).v + 200);
        assert_int_equal(edges.high.v, INT64_MAX);
}

/* Shorts the other way: 1.01 of its value per 1 of the mark. */
static void one_short_in_numbers(void **state)
{
        struct band_position position = {QTY(-10), PX(100), &flat};
        struct band_account account;
        struct band_edges edges;

        (void)state;
        assert_int_equal(band_look(&account, &edges, USD(1200), &position, 1, &liquidation), 0);
        assert_int_equal(account.value.v, USD(200).v);
        assert_int_equal(edges.low.v, 0);
        assert_true(edges.high.v < PX(100).v + PX(19).v * 100 / 101);
        assert_true(edges.high.v > PX(100).v + PX(19).v * 100 / 101 - 200);
}

static void a_reached_level_opens_the_other_edge(void **state)
{
        struct band_position position = {QTY(10), PX(100), &flat};
        struct band_account account;
        struct band_edges edges;

        (void)state;
        /* Worth 8, maintenance 10: to be liquidated until the mark is 0.2 percent up at least. */
        assert_int_equal(band_look(&account, &edges, USD(-992), &position, 1, &liquidation), 0);
        assert_int_equal(account.reached, 1);
        assert_int_equal(edges.reached, 1);
        assert_int_equal(edges.low.v, 0);
        assert_true(edges.high.v < PX(100).v + PX(1).v / 5);
        assert_true(edges.high.v > PX(100).v + PX(1).v / 5 - 200);
}

static void equity_at_maintenance_is_the_border(void **state)
{
        struct band_position position = {QTY(10), PX(100), &flat};
        struct band_account account;
        struct band_edges edges;

        (void)state;
        assert_int_equal(band_look(&account, &edges, USD(-990), &position, 1, &liquidation), 0);
        assert_int_equal(account.reached, 0);
        assert_int_equal(edges.low.v, PX(100).v); /* any fall is looked at */
        assert_int_equal(edges.high.v, INT64_MAX);
        assert_int_equal(band_look(&account, &edges, (struct usd){USD(-990).v - 1}, &position, 1,
                                   &liquidation),
                         0);
        assert_int_equal(account.reached, 1);
        assert_int_equal(edges.low.v, 0);
        assert_int_equal(edges.high.v, PX(100).v);
}

/* The room is shared: two equal longs get half each. */
static void the_room_is_shared(void **state)
{
        struct band_position position[2] = {{QTY(10), PX(100), &flat}, {QTY(1000), PX(1), &flat}};
        struct band_account account;
        struct band_edges edges[2];

        (void)state;
        assert_int_equal(band_look(&account, edges, USD(-1780), position, 2, &liquidation), 0);
        assert_int_equal(account.value.v, USD(220).v);
        assert_true(edges[0].low.v > PX(90).v && edges[0].low.v < PX(90).v + 200);
        assert_true(edges[1].low.v > PX(9).v / 10 && edges[1].low.v < PX(9).v / 10 + 200);
}

static void what_is_no_account_is_refused(void **state)
{
        struct band_position good = {QTY(10), PX(100), &flat};
        struct band_position bad[] = {
                {QTY(0), PX(100), &flat},
                {{INT64_MIN}, PX(100), &flat},
                {QTY(10), PX(0), &flat},
                {QTY(10), {-1}, &flat},
                {QTY(10), PX(100), &(struct margin_table){.n = 0}},
        };
        struct band_levels levels = {.n = BAND_LEVELS_MAX + 1};
        struct band_account account;
        struct band_edges edges;

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                assert_int_equal(band_look(&account, &edges, USD(0), &bad[i], 1, &usual),
                                 E_INVALID);
                assert_int_equal(edges.low.v, bad[i].mark.v);
                assert_int_equal(edges.high.v, bad[i].mark.v);
        }
        assert_int_equal(band_look(&account, &edges, USD(0), &good, 1, &levels), E_INVALID);
        levels = (struct band_levels){.n = 1, .level = {{BAND_COVER, PERCENT(101)}}};
        assert_int_equal(band_look(&account, &edges, USD(0), &good, 1, &levels), E_INVALID);
        levels = (struct band_levels){
                .n = 3,
                .level = {{BAND_DISTANCE, PERCENT(5)},
                          {BAND_COVER, PERCENT(9)},
                          {BAND_DISTANCE, PERCENT(4)}},
        };
        assert_int_equal(band_look(&account, &edges, USD(0), &good, 1, &levels), E_INVALID);
        levels.level[0].at.v = -1;
        assert_int_equal(band_look(&account, &edges, USD(0), &good, 1, &levels), E_INVALID);
}

static void numbers_at_their_limits(void **state)
{
        struct band_position huge[2] = {{{INT64_MAX}, {NUM_SCALE}, &flat},
                                        {{INT64_MAX}, {NUM_SCALE}, &flat}};
        struct band_position dust = {{1}, {1}, &flat};
        struct band_account account;
        struct band_edges edges[2];

        (void)state;
        assert_int_equal(band_look(&account, edges, USD(0), huge, 1, &usual), 0);
        assert_int_equal(account.reached, 0);
        assert_int_equal(band_look(&account, edges, USD(0), huge, 2, &usual), E_RANGE);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(edges[i].low.v, NUM_SCALE);
                assert_int_equal(edges[i].high.v, NUM_SCALE);
        }
        huge[0].mark.v = INT64_MAX;
        assert_int_equal(band_look(&account, edges, USD(0), huge, 1, &usual), E_RANGE);
        assert_int_equal(band_look(&account, edges, (struct usd){INT64_MAX}, &dust, 1, &usual), 0);
        assert_int_equal(edges[0].low.v, 0);
        assert_int_equal(band_look(&account, edges, (struct usd){-INT64_MAX}, &dust, 1, &usual), 0);
        assert_int_equal(account.reached, 0x7f);
        assert_int_equal(band_look(&account, NULL, USD(7), NULL, 0, &usual), 0);
        assert_int_equal(account.value.v, USD(7).v);
}

static void an_isolated_threshold_is_where_the_distance_comes_to_it(void **state)
{
        struct px at;

        (void)state;
        assert_int_equal(band_threshold(&at, PX(80), true, PERCENT(20)), 0);
        assert_int_equal(at.v, PX(100).v);
        assert_int_equal(band_threshold(&at, PX(120), false, PERCENT(20)), 0);
        assert_int_equal(at.v, PX(100).v);
        assert_int_equal(band_threshold(&at, PX(80), true, PERCENT(0)), 0);
        assert_int_equal(at.v, PX(80).v);
        assert_int_equal(band_threshold(&at, (struct px){10}, true, PERCENT(5)), 0);
        assert_int_equal(at.v, 10); /* 10.52: at 11 the distance is larger */
        assert_int_equal(band_threshold(&at, (struct px){10}, false, PERCENT(5)), 0);
        assert_int_equal(at.v, 10); /* 9.52: at 9 the distance is larger */
        assert_int_equal(band_threshold(&at, (struct px){INT64_MAX}, true, PERCENT(5)), 0);
        assert_int_equal(at.v, INT64_MAX);
        assert_int_equal(band_threshold(&at, PX(80), true, PERCENT(100)), E_INVALID);
        assert_int_equal(band_threshold(&at, PX(80), true, PERCENT(-1)), E_INVALID);
        assert_int_equal(band_threshold(&at, PX(0), true, PERCENT(5)), E_INVALID);
}

/* --- random walks --- */

#define MARKETS  6
#define ACCOUNTS 24

struct holder {
        struct usd cash;
        size_t n;
        uint32_t market[MARKETS];
        struct band_position position[MARKETS];
        struct band_edges edges[MARKETS]; /* of the last look */
        struct band_account account;
};

struct world {
        struct dice dice;
        struct ticks *ticks;
        int64_t mark[MARKETS]; /* 0: none */
        struct holder holder[ACCOUNTS];
};

static enum errc recompute(struct world *w, const struct holder *holder,
                           struct band_account *account, struct band_edges *edges)
{
        struct band_position position[MARKETS];

        for (size_t i = 0; i < holder->n; i++) {
                position[i] = holder->position[i];
                position[i].mark.v = w->mark[holder->market[i]];
        }
        return band_look(account, edges, holder->cash, position, holder->n, &usual);
}

static void look(void *cookie, uint32_t id)
{
        struct world *w = cookie;
        struct holder *holder = &w->holder[id];

        assert_int_equal(recompute(w, holder, &holder->account, holder->edges), 0);
        for (size_t i = 0; i < holder->n; i++) {
                assert_true(holder->edges[i].low.v <= w->mark[holder->market[i]]);
                assert_true(holder->edges[i].high.v >= w->mark[holder->market[i]]);
                ticks_set_band(w->ticks, id, holder->market[i], true, holder->edges[i].low,
                               holder->edges[i].high);
        }
}

static void crossed(void *cookie, uint32_t account, uint32_t market, uint8_t level, bool reached)
{
        (void)cookie, (void)account, (void)market, (void)level, (void)reached;
        fail_msg("there are no thresholds");
}

/* Each level as risk/margin.h's figures have it, where they are not within rounding of it. */
static void check_figures(const struct holder *holder, const struct band_account *account,
                          const struct band_edges *edges)
{
        struct margin_cross cross = {.account_value = account->value,
                                     .maintenance = account->maintenance};

        for (size_t i = 0; i < holder->n; i++) {
                bool is_out = account->value.v < account->maintenance.v;
                struct margin_figures figures;
                struct margin_position position = {
                        .size = holder->position[i].size,
                        .value = edges[i].value,
                        .entry_notional = edges[i].value,
                        .mode = MARGIN_CROSS,
                        .leverage = 1,
                        .tiers = *holder->position[i].tiers,
                };

                if (margin_position_figures(&figures, &position, &cross))
                        continue;
                for (unsigned k = 0; k < usual.n; k++) {
                        int64_t apart = figures.distance.v - usual.level[k].at.v;
                        bool want = is_out || (figures.has_distance && apart < 0);

                        if (usual.level[k].kind != BAND_DISTANCE ||
                            (!is_out && num_abs(apart) < NUM_RATE_SCALE / 100000))
                                continue;
                        assert_int_equal(edges[i].reached >> k & 1, want);
                }
        }
        for (unsigned k = 0; k < usual.n; k++) {
                num_wide need = (num_wide)account->maintenance.v *
                                (NUM_RATE_SCALE + usual.level[k].at.v) / NUM_RATE_SCALE;

                if (usual.level[k].kind == BAND_COVER)
                        assert_int_equal(account->reached >> k & 1, account->value.v < need);
        }
}

static void check_nothing_missed(struct world *w)
{
        for (size_t i = 0; i < ACCOUNTS; i++) {
                const struct holder *holder = &w->holder[i];
                struct band_edges edges[MARKETS];
                struct band_account account;

                assert_int_equal(recompute(w, holder, &account, edges), 0);
                assert_int_equal(account.reached, holder->account.reached);
                for (size_t k = 0; k < holder->n; k++)
                        assert_int_equal(edges[k].reached, holder->edges[k].reached);
                check_figures(holder, &account, edges);
        }
}

/* An account over a few markets, worth from just less than its maintenance to as much as it holds. */
static void deal(struct world *w, struct holder *holder)
{
        static const struct margin_table *const table[] = {&flat, &stepped, &two};
        int64_t gross = 0, net = 0;

        holder->n = 0;
        for (uint32_t market = 0; market < MARKETS; market++) {
                int64_t value = dice_between(&w->dice, 10, 60000) * NUM_SCALE;
                int64_t sign = dice_between(&w->dice, 0, 1) ? 1 : -1;
                struct qty size;

                if (holder->n && dice_between(&w->dice, 0, 1))
                        continue;
                assert_int_equal(num_qty_for(&size, (struct usd){value},
                                             (struct px){w->mark[market]}, NUM_UP),
                                 0);
                size.v *= sign;
                holder->market[holder->n] = market;
                holder->position[holder->n++] = (struct band_position){
                        size, {w->mark[market]}, table[dice_between(&w->dice, 0, 2)]};
                gross += value;
                net += sign * value;
        }
        holder->cash.v = gross / 100 * dice_between(&w->dice, 1, 60) - net;
}

/* One step of the market as a whole, and of some of its marks each on its own. */
static void step(struct world *w, int64_t size)
{
        int64_t common = dice_between(&w->dice, -size, size);

        if (!dice_between(&w->dice, 0, 300))
                common *= 40;
        for (uint32_t market = 0; market < MARKETS; market++) {
                int64_t move = common + dice_between(&w->dice, -size, size);
                int64_t to = w->mark[market];

                if (!dice_between(&w->dice, 0, 2))
                        continue;
                to += (int64_t)((num_wide)to * move / 1000000);
                w->mark[market] = to > 1000 ? to : 1000;
                ticks_mark(w->ticks, market, (struct px){w->mark[market]});
                check_nothing_missed(w);
        }
}

static void nothing_is_missed_inside_the_bands(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        struct ticks_hooks hooks = {.crossed = crossed, .look = look, .cookie = w};
        struct ticks_stats stats = {0};
        uint64_t marks = 0, looks = 0;

        (void)state;
        assert_non_null(w);
        w->dice = dice_new();
        for (unsigned round = 0; round < 12; round++) {
                w->ticks = ticks_new(MARKETS, &hooks);
                for (uint32_t market = 0; market < MARKETS; market++) {
                        w->mark[market] = NUM_SCALE * dice_between(&w->dice, 1, 9) *
                                          num_pow10((unsigned)market) / 1000 * 100;
                        ticks_mark(w->ticks, market, (struct px){w->mark[market]});
                }
                for (uint32_t i = 0; i < ACCOUNTS; i++) {
                        deal(w, &w->holder[i]);
                        look(w, i);
                }
                for (unsigned i = 0; i < 250; i++)
                        step(w, (int64_t[]){50, 500, 5000}[round % 3]);
                ticks_stats(w->ticks, &stats);
                marks += stats.marks;
                looks += stats.looks;
                ticks_free(w->ticks);
        }
        /* The bands are worth something: far fewer looks than accounts times marks. */
        print_message("%llu marks, %llu looks\n", (unsigned long long)marks,
                      (unsigned long long)looks);
        assert_true(looks < marks * ACCOUNTS / 8);
        free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_long_in_numbers),
                cmocka_unit_test(one_short_in_numbers),
                cmocka_unit_test(a_reached_level_opens_the_other_edge),
                cmocka_unit_test(equity_at_maintenance_is_the_border),
                cmocka_unit_test(the_room_is_shared),
                cmocka_unit_test(what_is_no_account_is_refused),
                cmocka_unit_test(numbers_at_their_limits),
                cmocka_unit_test(an_isolated_threshold_is_where_the_distance_comes_to_it),
                cmocka_unit_test(nothing_is_missed_inside_the_bands),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
