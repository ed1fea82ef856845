/* store_keys: a key is kept for a day, then free, then swept, a bounded number at a time; and since when the
 * store knows every key. */
#include "store_rig.h"

#include "store/store_keys.h"

#define DAY STORE_KEY_KEPT_MS
#define T0  INT64_C(1700000000000)

struct told {
        struct reply reply;
        struct store_keys keys;
};

static void on_keys(void *cookie, enum errc rc, const struct store_keys *keys)
{
        struct told *told = cookie;

        rig_count(&told->reply, rc);
        if (!rc)
                told->keys = *keys;
}

static struct store_keys tend(struct rig *rig, int64_t now)
{
        struct told told = {.reply = {0}};

        store_keys_tend(rig->store, now, on_keys, &told);
        rig_wait(rig, &told.reply, 1);
        assert_int_equal(told.reply.rc, E_OK);
        return told.keys;
}

static enum errc by_live_key(struct rig *rig, struct reply *reply, const char *key, int64_t now)
{
        struct addr account = rig_addr(1);

        *reply = (struct reply){0};
        store_intent_by_live_key(rig->store, BRAND_A, &account, key, now, rig_on_intent, reply);
        rig_wait(rig, reply, 1);
        return reply->rc;
}

static struct store_intent intent_at(unsigned tag, int64_t at, const char *key)
{
        struct store_intent in = rig_intent(tag);

        in.created_at = in.updated_at = at;
        text_copy(in.idempotency_key, sizeof in.idempotency_key, key);
        return in;
}

static void a_key_is_kept_for_a_day_and_then_free(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = intent_at(1, T0, "k"), again = intent_at(2, T0 + DAY - 1, "k");
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(by_live_key(rig, &reply, "k", T0), E_OK);
        assert_int_equal(by_live_key(rig, &reply, "k", T0 + DAY - 1), E_OK);
        assert_int_equal(by_live_key(rig, &reply, "k", T0 + DAY), E_NOT_FOUND);
        assert_int_equal(rig_insert(rig, &again), E_EXISTS);
        again.created_at = again.updated_at = T0 + DAY; /* not swept, and free all the same */
        assert_int_equal(rig_insert(rig, &again), E_OK);
        assert_int_equal(by_live_key(rig, &reply, "k", T0 + DAY + 1), E_OK);
        assert_memory_equal(&reply.intent.id, &again.id, sizeof again.id);
        /* The sweep of the first leaves the second one's name. */
        assert_int_equal(tend(rig, T0 + DAY + 1).n_freed, 0);
        assert_int_equal(by_live_key(rig, &reply, "k", T0 + DAY + 1), E_OK);
}

static void old_keys_are_swept_a_few_at_a_time(void **state)
{
        struct rig *rig = *state;
        const unsigned n = STORE_KEYS_AT_ONCE + 40;
        struct store_keys keys;
        struct reply reply;
        char key[32];

        for (unsigned i = 1; i <= n; i++) {
                struct store_intent in = rig_intent(i);
                in.created_at = T0 + i;
                snprintf(key, sizeof key, "key-%u", i);
                text_copy(in.idempotency_key, sizeof in.idempotency_key, i % 2 ? key : "");
                assert_int_equal(rig_insert(rig, &in), E_OK);
        }
        keys = tend(rig, T0 + DAY); /* the first is not a day old yet */
        assert_int_equal(keys.n_freed, 0);
        assert_false(keys.is_more);
        keys = tend(rig, T0 + DAY + 7);
        assert_int_equal(keys.n_freed, 4); /* 1, 3, 5, 7 */
        assert_int_equal(rig_by_key(rig, &reply, "key-7"), E_NOT_FOUND);
        assert_int_equal(rig_by_key(rig, &reply, "key-9"), E_OK);
        keys = tend(rig, T0 + 2 * DAY);
        assert_true(keys.is_more);
        assert_int_equal(keys.n_freed, STORE_KEYS_AT_ONCE / 2);
        keys = tend(rig, T0 + 2 * DAY);
        assert_false(keys.is_more);
        snprintf(key, sizeof key, "key-%u", n - 1);
        assert_int_equal(rig_by_key(rig, &reply, key), E_NOT_FOUND);
        /* What they named is still there. */
        struct addr account = rig_addr(1);
        struct cloid id = rig_cloid(7);
        reply = (struct reply){0};
        store_intent_by_cloid(rig->store, BRAND_A, &account, &id, rig_on_intent, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
}

static void the_gateways_own_keys_stay(void **state)
{
        struct rig *rig = *state;
        struct store_intent own = intent_at(1, T0, "k"), theirs = intent_at(2, T0, "k");
        struct reply reply;

        own.is_own_key = true;
        assert_int_equal(rig_insert(rig, &own), E_OK);
        assert_int_equal(by_live_key(rig, &reply, "k", T0 + 1), E_NOT_FOUND);
        assert_int_equal(rig_insert(rig, &theirs), E_OK); /* a trader's is another */
        assert_int_equal(tend(rig, T0 + 9 * DAY).n_freed, 1);
        assert_int_equal(rig_by_key(rig, &reply, "k"), E_OK);
        assert_memory_equal(&reply.intent.id, &own.id, sizeof own.id);
        own = intent_at(3, T0 + 9 * DAY, "k");
        own.is_own_key = true;
        assert_int_equal(rig_insert(rig, &own), E_EXISTS);
}

static void a_store_says_since_when_it_knows_every_key(void **state)
{
        struct rig *rig = *state;

        assert_int_equal(tend(rig, T0).known_since, T0); /* it is new */
        assert_int_equal(tend(rig, T0 + STORE_KEYS_GAP_MS).known_since, T0);
        assert_int_equal(tend(rig, T0 + 2 * STORE_KEYS_GAP_MS).known_since, T0);
        /* Not seen in use for a while: it may have been put back from a copy. */
        assert_int_equal(tend(rig, T0 + 3 * STORE_KEYS_GAP_MS + 1).known_since,
                         T0 + 3 * STORE_KEYS_GAP_MS + 1);
        /* A clock that was set back is no gap. */
        assert_int_equal(tend(rig, T0 + 10).known_since, T0 + 3 * STORE_KEYS_GAP_MS + 1);
}

static void a_store_of_an_older_program_knows_all_of_them(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(tend(rig, T0).known_since, 0);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(a_key_is_kept_for_a_day_and_then_free),
                RIG(old_keys_are_swept_a_few_at_a_time),
                RIG(the_gateways_own_keys_stay),
                RIG(a_store_says_since_when_it_knows_every_key),
                RIG(a_store_of_an_older_program_knows_all_of_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
