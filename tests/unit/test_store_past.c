/* store_past: orders of which only the venue knew are kept as long as they count. */
#include "store_rig.h"

#include "store/store_keys.h"
#include "store/store_past.h"

#define T0 INT64_C(1700000000000)

struct told {
        struct reply reply;
        bool is_partial;
        size_t n;
        struct store_past_order order[STORE_PAST_MAX];
};

static void on_past(void *cookie, enum errc rc, const struct store_past *past)
{
        struct told *told = cookie;

        rig_count(&told->reply, rc);
        if (rc)
                return;
        told->is_partial = past->is_partial;
        told->n = past->n;
        memcpy(told->order, past->order, past->n * sizeof *past->order);
}

static void on_done(void *cookie, enum errc rc)
{
        rig_count(cookie, rc);
}

static enum errc put(struct rig *rig, unsigned account, int64_t known_since, size_t n,
                     bool is_partial)
{
        static struct store_past_order order[STORE_PAST_MAX + 1];
        struct store_past past = {.account = rig_addr(account),
                                  .known_since = known_since,
                                  .is_partial = is_partial,
                                  .n = n,
                                  .order = order};
        struct reply reply = {0};

        for (unsigned i = 0; i < n; i++)
                order[i] = (struct store_past_order){rig_cloid(i), T0 + i};
        store_past_put(rig->store, &past, on_done, &reply);
        rig_wait(rig, &reply, 1);
        return reply.rc;
}

static enum errc get(struct rig *rig, struct told *told, unsigned account, int64_t known_since)
{
        struct addr who = rig_addr(account);

        *told = (struct told){.n = 0};
        store_past_get(rig->store, &who, known_since, on_past, told);
        rig_wait(rig, &told->reply, 1);
        return told->reply.rc;
}

static void on_keys(void *cookie, enum errc rc, const struct store_keys *keys)
{
        struct told *told = cookie;

        rig_count(&told->reply, rc);
        if (!rc)
                told->order[0].placed_at = keys->known_since;
}

static int64_t tend(struct rig *rig, int64_t now)
{
        struct told told = {.n = 0};

        store_keys_tend(rig->store, now, on_keys, &told);
        rig_wait(rig, &told.reply, 1);
        assert_int_equal(told.reply.rc, E_OK);
        return told.order[0].placed_at;
}

static void what_was_put_is_there_after_a_restart(void **state)
{
        struct rig *rig = *state;
        struct told told;

        assert_int_equal(get(rig, &told, 1, T0), E_NOT_FOUND);
        assert_int_equal(put(rig, 1, T0, 3, true), E_OK);
        rig_reopen(rig);
        assert_int_equal(get(rig, &told, 1, T0), E_OK);
        assert_true(told.is_partial);
        assert_int_equal(told.n, 3);
        for (unsigned i = 0; i < 3; i++) {
                struct cloid id = rig_cloid(i);
                assert_memory_equal(&told.order[i].cloid, &id, sizeof id);
                assert_int_equal(told.order[i].placed_at, T0 + i);
        }
        assert_int_equal(get(rig, &told, 2, T0), E_NOT_FOUND);
        assert_int_equal(get(rig, &told, 1, T0 + 1), E_NOT_FOUND);
}

static void the_last_one_counts(void **state)
{
        struct rig *rig = *state;
        struct told told;

        assert_int_equal(put(rig, 1, T0, 3, true), E_OK);
        assert_int_equal(put(rig, 1, T0 + 5, 0, false), E_OK);
        assert_int_equal(get(rig, &told, 1, T0), E_NOT_FOUND);
        assert_int_equal(get(rig, &told, 1, T0 + 5), E_OK);
        assert_false(told.is_partial);
        assert_int_equal(told.n, 0);
}

static void as_many_as_the_venue_lists_fit(void **state)
{
        struct rig *rig = *state;
        struct told told;

        assert_int_equal(put(rig, 1, T0, STORE_PAST_MAX + 1, false), E_TOO_LARGE);
        assert_int_equal(get(rig, &told, 1, T0), E_NOT_FOUND);
        assert_int_equal(put(rig, 1, T0, STORE_PAST_MAX, false), E_OK);
        assert_int_equal(get(rig, &told, 1, T0), E_OK);
        assert_int_equal(told.n, STORE_PAST_MAX);
        assert_int_equal(told.order[STORE_PAST_MAX - 1].placed_at, T0 + STORE_PAST_MAX - 1);
}

static void what_counts_no_more_is_removed_bit_by_bit(void **state)
{
        struct rig *rig = *state;
        int64_t known_since = tend(rig, T0), other = known_since - 1;
        struct told told;

        for (unsigned i = 0; i < STORE_PAST_AT_ONCE + 1; i++)
                assert_int_equal(put(rig, i, other, 1, false), E_OK);
        assert_int_equal(put(rig, 1000, known_since, 1, false), E_OK);
        assert_int_equal(tend(rig, T0 + 1), known_since);
        for (unsigned i = 0, n = 0; i < STORE_PAST_AT_ONCE + 1; i++) {
                n += get(rig, &told, i, other) == E_OK;
                assert_true(n <= 1);
        }
        (void)tend(rig, T0 + 2);
        for (unsigned i = 0; i < STORE_PAST_AT_ONCE + 1; i++)
                assert_int_equal(get(rig, &told, i, other), E_NOT_FOUND);
        assert_int_equal(get(rig, &told, 1000, known_since), E_OK);
}

static void a_day_later_none_counts(void **state)
{
        struct rig *rig = *state;
        int64_t known_since = tend(rig, T0);
        struct told told;

        assert_int_equal(put(rig, 1, known_since, 1, false), E_OK);
        for (int64_t t = T0; t < known_since + STORE_KEY_KEPT_MS; t += STORE_KEYS_GAP_MS)
                assert_int_equal(tend(rig, t), known_since);
        assert_int_equal(get(rig, &told, 1, known_since), E_OK);
        (void)tend(rig, known_since + STORE_KEY_KEPT_MS);
        assert_int_equal(get(rig, &told, 1, known_since), E_NOT_FOUND);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(what_was_put_is_there_after_a_restart, rig_setup,
                                                rig_teardown),
                cmocka_unit_test_setup_teardown(the_last_one_counts, rig_setup, rig_teardown),
                cmocka_unit_test_setup_teardown(as_many_as_the_venue_lists_fit, rig_setup,
                                                rig_teardown),
                cmocka_unit_test_setup_teardown(what_counts_no_more_is_removed_bit_by_bit,
                                                rig_setup, rig_teardown),
                cmocka_unit_test_setup_teardown(a_day_later_none_counts, rig_setup, rig_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
