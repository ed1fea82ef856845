/* Random histories against a model that scans everything. Hooks change things in the middle of a walk;
 * the model knows the mark from the first moment of it, as ticks.h promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "mirror/ticks.h"

#define ACCOUNTS 60
#define MARKETS  5
#define PASSED   (ACCOUNTS * TICKS_LEVELS_MAX)

struct holding {
        size_t n;
        struct ticks_threshold threshold[TICKS_LEVELS_MAX];
        bool has_band;
        int64_t low, high;
        bool renewed;  /* its thresholds were set during this walk */
        bool due;      /* is to be looked at, since this mark left its band */
        bool rebanded; /* its band was set during this walk's looks */
        bool loose; /* its band was set during a walk of several markets: it may be told or not */
};

struct passed {
        uint32_t account, market;
        size_t index;
        int64_t flip; /* the price below which it flips */
        bool reached;
};

struct world {
        struct ticks *ticks;
        struct dice dice;
        struct holding holding[ACCOUNTS][MARKETS];
        int64_t mark[MARKETS];
        /* The present walk. */
        bool walking, looking;
        size_t n_put;
        uint32_t put[MARKETS]; /* in the order of their marks */
        size_t told[ACCOUNTS]; /* looks */
        struct passed passed[MARKETS * PASSED];
        size_t n_passed, next;
};

/* Ids far apart, the largest included, so that account pages are not all the first. */
static uint32_t id_of(size_t account)
{
        return account + 1 == ACCOUNTS ? TICKS_ACCOUNTS_MAX - 1 : (uint32_t)(account * 1500);
}

static size_t account_of(uint32_t id)
{
        return id == TICKS_ACCOUNTS_MAX - 1 ? ACCOUNTS - 1 : id / 1500;
}

static int64_t random_price(struct world *w)
{
        switch (dice_between(&w->dice, 0, 40)) {
        case 0: return 0;
        case 1: return INT64_MAX;
        case 2: return INT64_MAX - 1;
        default: return dice_between(&w->dice, 1, 60);
        }
}

static bool is_walked(const struct world *w, uint32_t market)
{
        for (size_t i = 0; w->walking && i < w->n_put; i++)
                if (w->put[i] == market)
                        return true;
        return false;
}

static void set_position(struct world *w, size_t account, uint32_t market)
{
        struct holding *holding = &w->holding[account][market];

        if (holding->n && !dice_between(&w->dice, 0, 3)) {
                /* The same again, or a part of it: what a hook of the mirror does most. */
                holding->n = (size_t)dice_between(&w->dice, 1, (int64_t)holding->n);
        } else {
                holding->n = (size_t)dice_between(&w->dice, 0, TICKS_LEVELS_MAX);
                for (size_t i = 0; i < holding->n; i++)
                        holding->threshold[i] =
                                (struct ticks_threshold){{random_price(w)},
                                                         dice_between(&w->dice, 0, 1) != 0,
                                                         (uint8_t)dice_between(&w->dice, 0, 255)};
        }
        holding->renewed = is_walked(w, market);
        assert_int_equal(ticks_set_position(w->ticks, id_of(account), market, holding->threshold,
                                            holding->n),
                         0);
}

static void set_band(struct world *w, size_t account, uint32_t market)
{
        struct holding *holding = &w->holding[account][market];
        int64_t around = w->mark[market] && w->mark[market] < 100 ? w->mark[market] : 30;

        holding->has_band = dice_between(&w->dice, 0, 9) > 0;
        holding->low = dice_between(&w->dice, 0, 3) ? around - dice_between(&w->dice, -1, 8)
                                                    : random_price(w);
        holding->high = dice_between(&w->dice, 0, 3) ? around + dice_between(&w->dice, -1, 8)
                                                     : random_price(w);
        if (holding->low < 0)
                holding->low = 0;
        if (w->looking && is_walked(w, market))
                holding->rebanded = true;
        holding->loose = w->walking && w->n_put > 1;
        ticks_set_band(w->ticks, id_of(account), market, holding->has_band,
                       (struct px){holding->low}, (struct px){holding->high});
}

static void forget(struct world *w, struct holding *holding, bool in_walk)
{
        bool due = holding->due;

        *holding = (struct holding){
                .due = due,
                .renewed = in_walk,
                .rebanded = in_walk && w->looking,
        };
}

static void drop_account(struct world *w, size_t account)
{
        for (uint32_t market = 0; market < MARKETS; market++)
                forget(w, &w->holding[account][market], is_walked(w, market));
        ticks_drop_account(w->ticks, id_of(account));
}

static void drop_market(struct world *w, uint32_t market)
{
        for (size_t account = 0; account < ACCOUNTS; account++)
                forget(w, &w->holding[account][market], is_walked(w, market));
        w->mark[market] = 0;
        ticks_drop_market(w->ticks, market);
}

static void change_something(struct world *w, size_t account)
{
        uint32_t market = (uint32_t)dice_between(&w->dice, 0, MARKETS - 1);

        if (w->walking && dice_between(&w->dice, 0, 1))
                market = w->put[dice_between(&w->dice, 0, (int64_t)w->n_put - 1)];
        switch (dice_between(&w->dice, 0, 60)) {
        case 0: drop_account(w, account); break;
        case 1: dice_between(&w->dice, 0, 9) ? (void)0 : drop_market(w, market); break;
        default:
                if (dice_between(&w->dice, 0, 1))
                        set_position(w, account, market);
                else
                        set_band(w, account, market);
        }
}

/* What a hook does: nothing, or changes of its own account, or of any. */
static void react(struct world *w, size_t account)
{
        for (int64_t n = dice_between(&w->dice, -2, 3); n > 0; n--)
                change_something(w, dice_between(&w->dice, 0, 3)
                                            ? account
                                            : (size_t)dice_between(&w->dice, 0, ACCOUNTS - 1));
}

static void skip_renewed(struct world *w)
{
        while (w->next < w->n_passed &&
               w->holding[w->passed[w->next].account][w->passed[w->next].market].renewed)
                w->next++;
}

static void crossed(void *cookie, uint32_t id, uint32_t market, uint8_t level, bool reached)
{
        struct world *w = cookie;
        const struct passed *passed;
        const struct holding *holding;

        assert_false(w->looking);
        skip_renewed(w);
        assert_true(w->next < w->n_passed);
        passed = &w->passed[w->next++];
        assert_int_equal(market, passed->market);
        holding = &w->holding[passed->account][market];
        assert_int_equal(id, id_of(passed->account));
        assert_int_equal(level, holding->threshold[passed->index].level);
        assert_int_equal(reached, passed->reached);
        react(w, passed->account);
}

static bool has_left(const struct holding *holding, int64_t mark)
{
        return holding->has_band && (mark < holding->low || mark > holding->high);
}

static int64_t walked_mark[MARKETS]; /* of the walk, also where a hook delists the market */

/* The walk has come to the looks: whose band does not hold the mark is due now. */
static void begin_looks(struct world *w)
{
        skip_renewed(w);
        assert_int_equal(w->next, w->n_passed);
        w->looking = true;
        memset(w->told, 0, sizeof w->told);
        for (size_t account = 0; account < ACCOUNTS; account++)
                for (size_t i = 0; i < w->n_put; i++) {
                        struct holding *holding = &w->holding[account][w->put[i]];

                        holding->due = has_left(holding, walked_mark[w->put[i]]);
                        holding->rebanded = false;
                }
}

/* For one market exactly once; for several at most once each, and not for those whose band holds by now. */
static void look(void *cookie, uint32_t id)
{
        struct world *w = cookie;
        size_t account = account_of(id), due = 0, left = 0;

        if (!w->looking)
                begin_looks(w);
        for (size_t i = 0; i < w->n_put; i++) {
                const struct holding *holding = &w->holding[account][w->put[i]];

                due += holding->due;
                left += holding->due && has_left(holding, walked_mark[w->put[i]]);
        }
        assert_true(left > 0);
        w->told[account]++;
        assert_true(w->told[account] <= due);
        react(w, account);
}

static bool is_reached(const struct ticks_threshold *threshold, int64_t mark)
{
        if (!mark)
                return false;
        return threshold->from_above ? mark <= threshold->price.v : mark >= threshold->price.v;
}

static int by_passing(const void *left, const void *right)
{
        const struct passed *a = left, *b = right;

        if (a->flip != b->flip)
                return a->flip < b->flip ? -1 : 1;
        if (a->account != b->account)
                return a->account < b->account ? -1 : 1;
        return a->index < b->index ? -1 : a->index > b->index;
}

static int by_passing_down(const void *left, const void *right)
{
        return -by_passing(left, right);
}

/* Collects what changes between the marks; of one side only, or of both. */
static void collect(struct world *w, uint32_t market, int64_t old, int64_t mark, bool longs,
                    bool shorts)
{
        size_t first = w->n_passed;
        bool down = old ? mark < old : longs;

        for (uint32_t account = 0; account < ACCOUNTS; account++) {
                const struct holding *holding = &w->holding[account][market];

                for (size_t i = 0; i < holding->n; i++) {
                        const struct ticks_threshold *threshold = &holding->threshold[i];
                        bool now = is_reached(threshold, mark);

                        if (now == is_reached(threshold, old) ||
                            !(threshold->from_above ? longs : shorts))
                                continue;
                        w->passed[w->n_passed++] =
                                (struct passed){account, market, i,
                                                threshold->price.v - !threshold->from_above, now};
                }
        }
        qsort(w->passed + first, w->n_passed - first, sizeof *w->passed,
              down ? by_passing_down : by_passing);
}

static int64_t next_mark(struct world *w, uint32_t market)
{
        int64_t at = w->mark[market];

        if (!at || at > 100 || !dice_between(&w->dice, 0, 9))
                at = random_price(w);
        else
                at += dice_between(&w->dice, -3, 3);
        return at > 0 ? at : 1;
}

/* A mark, or one of each of several markets at once. */
static void mark(struct world *w, size_t n)
{
        uint32_t first = (uint32_t)dice_between(&w->dice, 0, MARKETS - 1);

        w->n_passed = w->next = 0;
        w->n_put = n;
        for (size_t i = 0; i < n; i++) {
                uint32_t market = w->put[i] = (first + (uint32_t)i) % MARKETS;
                int64_t old = w->mark[market], price = next_mark(w, market);

                if (old) {
                        collect(w, market, old, price, true, true);
                } else {
                        collect(w, market, old, price, true, false);
                        collect(w, market, old, price, false, true);
                }
                /* Of two marks of one market before anything is told, the first is nobody's. */
                if (!dice_between(&w->dice, 0, 9))
                        ticks_put(w->ticks, market, (struct px){next_mark(w, market)});
                w->mark[market] = walked_mark[market] = price;
                ticks_put(w->ticks, market, (struct px){price});
        }
        w->walking = true;
        w->looking = false;
        ticks_tell(w->ticks);
        if (!w->looking)
                begin_looks(w);
        for (size_t account = 0; account < ACCOUNTS; account++)
                for (uint32_t market = 0; market < MARKETS; market++) {
                        struct holding *holding = &w->holding[account][market];

                        assert_true(!holding->due || w->told[account] || holding->rebanded ||
                                    holding->loose);
                        holding->due = holding->renewed = holding->rebanded = false;
                        holding->loose = false;
                }
        w->walking = false;
}

static void check_stats(const struct world *w)
{
        size_t thresholds = 0, bands = 0;
        struct ticks_stats stats;

        for (size_t account = 0; account < ACCOUNTS; account++)
                for (size_t market = 0; market < MARKETS; market++) {
                        thresholds += w->holding[account][market].n;
                        bands += w->holding[account][market].has_band;
                }
        ticks_stats(w->ticks, &stats);
        assert_int_equal(stats.thresholds, thresholds);
        assert_int_equal(stats.bands, bands);
}

static void tells_what_a_full_scan_finds(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        struct ticks_hooks hooks = {.crossed = crossed, .look = look, .cookie = w};
        struct ticks_stats stats;

        (void)state;
        assert_non_null(w);
        w->dice = dice_new();
        w->ticks = ticks_new(MARKETS, &hooks);
        for (unsigned step = 0; step < 60000; step++) {
                if (dice_between(&w->dice, 0, 1))
                        mark(w, dice_between(&w->dice, 0, 2)
                                        ? 1
                                        : (size_t)dice_between(&w->dice, 2, MARKETS));
                else
                        change_something(w, (size_t)dice_between(&w->dice, 0, ACCOUNTS - 1));
                if (step % 16 == 0)
                        check_stats(w);
        }
        ticks_stats(w->ticks, &stats);
        assert_true(stats.crossed > 10000 && stats.looks > 1000);
        for (size_t account = 0; account < ACCOUNTS; account++)
                drop_account(w, account);
        check_stats(w);
        ticks_free(w->ticks);
        free(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tells_what_a_full_scan_finds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
