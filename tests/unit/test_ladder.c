/* The ordered set against a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dice.h"
#include "mirror/ladder.h"

#define KEYS_MAX 20000

struct model {
        size_t n;
        struct ladder_key key[KEYS_MAX];
};

static int compare(struct ladder_key a, struct ladder_key b)
{
        if (a.price != b.price)
                return a.price < b.price ? -1 : 1;
        return a.tag < b.tag ? -1 : a.tag > b.tag;
}

static size_t rank_of(const struct model *m, struct ladder_key key)
{
        size_t low = 0, high = m->n;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (compare(m->key[middle], key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static bool model_add(struct model *m, struct ladder_key key)
{
        size_t at = rank_of(m, key);

        if (m->n == KEYS_MAX || (at < m->n && !compare(m->key[at], key)))
                return false;
        memmove(m->key + at + 1, m->key + at, (m->n - at) * sizeof key);
        m->key[at] = key;
        m->n++;
        return true;
}

static void model_take(struct model *m, size_t at)
{
        m->n--;
        memmove(m->key + at, m->key + at + 1, (m->n - at) * sizeof *m->key);
}

struct walk {
        const struct model *m;
        size_t at;
};

static void check_next(void *cookie, struct ladder_key key)
{
        struct walk *walk = cookie;

        assert_true(walk->at < walk->m->n);
        assert_int_equal(compare(walk->m->key[walk->at], key), 0);
        walk->at++;
}

static void check(const struct ladder *ladder, const struct model *m, int64_t from, int64_t to)
{
        size_t first = rank_of(m, (struct ladder_key){from, 0});
        size_t last = to == INT64_MAX ? m->n : rank_of(m, (struct ladder_key){to + 1, 0});
        struct walk walk = {m, first};
        struct ladder_key key;

        assert_int_equal(ladder->n, m->n);
        if (from <= to) {
                ladder_each(ladder, from, to, check_next, &walk);
                assert_int_equal(walk.at, last);
        }
        assert_int_equal(ladder_from(ladder, &key, from), first < m->n);
        if (first < m->n)
                assert_int_equal(compare(key, m->key[first]), 0);
        assert_int_equal(ladder_upto(ladder, &key, to), last > 0);
        if (last)
                assert_int_equal(compare(key, m->key[last - 1]), 0);
}

static struct ladder_key random_key(struct dice *dice, int64_t spread)
{
        static const int64_t corner[] = {INT64_MIN, -1, 0, INT64_MAX - 1, INT64_MAX};
        struct ladder_key key = {dice_between(dice, -spread, spread),
                                 (uint64_t)dice_between(dice, 0, 5)};

        if (!dice_between(dice, 0, 200)) {
                key.price = corner[dice_between(dice, 0, 4)];
                key.tag = dice_between(dice, 0, 1) ? UINT64_MAX : 0;
        }
        return key;
}

/* Grows and shrinks the set by turns, so that nodes split, balance and merge at every height. */
static void is_a_sorted_set(void **state)
{
        struct dice dice = dice_new();
        struct model *m = calloc(1, sizeof *m);
        struct ladder ladder = {0};

        (void)state;
        assert_non_null(m);
        for (unsigned step = 0; step < 120000; step++) {
                bool grows = step % 40000 < 24000;
                int64_t spread = step < 40000 ? 100000 : 1200;
                struct ladder_key key = random_key(&dice, spread);

                if (dice_between(&dice, 0, 9) < (grows ? 9 : 1)) {
                        if (model_add(m, key))
                                ladder_add(&ladder, key);
                } else if (m->n) {
                        size_t at = (size_t)dice_between(&dice, 0, (int64_t)m->n - 1);

                        ladder_take(&ladder, m->key[at]);
                        model_take(m, at);
                }
                if (step % 16 == 0)
                        check(&ladder, m, dice_between(&dice, -spread, spread),
                              dice_between(&dice, -spread, spread));
                if (step % 4000 == 0)
                        check(&ladder, m, INT64_MIN, INT64_MAX);
        }
        check(&ladder, m, INT64_MIN, INT64_MAX);
        while (m->n) {
                size_t at = (size_t)dice_between(&dice, 0, (int64_t)m->n - 1);

                ladder_take(&ladder, m->key[at]);
                model_take(m, at);
        }
        check(&ladder, m, INT64_MIN, INT64_MAX);
        assert_int_equal(ladder_bytes(&ladder), 0);
        ladder_fini(&ladder);
        free(m);
}

/* What keeps an entry small: nodes stay well filled, in rising, falling and random order. */
static void nodes_stay_filled(void **state)
{
        struct dice dice = dice_new();

        (void)state;
        for (unsigned order = 0; order < 3; order++) {
                struct ladder ladder = {0};

                for (int64_t i = 0; i < 50000; i++) {
                        int64_t price =
                                order ? (order == 1 ? i : -i) : (int64_t)(dice_roll(&dice) >> 2);

                        ladder_add(&ladder, (struct ladder_key){price, (uint64_t)i});
                }
                assert_true(ladder_bytes(&ladder) < 50000 * 16 * (order ? 3 : 2));
                ladder_fini(&ladder);
                assert_int_equal(ladder.n, 0);
        }
}

static void an_empty_one_has_nothing(void **state)
{
        struct ladder ladder = {0};
        struct ladder_key key;

        (void)state;
        assert_false(ladder_from(&ladder, &key, INT64_MIN));
        assert_false(ladder_upto(&ladder, &key, INT64_MAX));
        ladder_each(&ladder, INT64_MIN, INT64_MAX, check_next, NULL);
        ladder_fini(&ladder);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_a_sorted_set),
                cmocka_unit_test(nodes_stay_filled),
                cmocka_unit_test(an_empty_one_has_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
