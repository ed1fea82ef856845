/* store: the list of intents that are not final, which recovery reads. */
#include "store_rig.h"

struct listing {
        struct reply done;
        unsigned n;
        int64_t last_created_at;
};

static void on_open_intent(void *cookie, enum errc rc, const struct store_intent *intent)
{
        struct listing *listing = cookie;

        assert_int_equal(rc, E_OK);
        assert_int_equal(listing->done.n, 0);
        assert_true(intent->created_at >= listing->last_created_at); /* oldest first */
        assert_true(intent->state != INTENT_DONE && intent->state != INTENT_REJECTED);
        assert_int_equal(intent->n_steps, 1);
        assert_string_equal(intent->request, "{\"symbol\":\"BTC\"}");
        listing->last_created_at = intent->created_at;
        listing->n++;
}

static void on_listed(void *cookie, enum errc rc)
{
        rig_count(&((struct listing *)cookie)->done, rc);
}

static void expect_open(struct rig *rig, unsigned n)
{
        struct listing listing = {0};

        store_intent_open(rig->store, on_open_intent, on_listed, &listing);
        rig_wait(rig, &listing.done, 1);
        assert_int_equal(listing.done.rc, E_OK);
        assert_int_equal(listing.n, n);
}

static void open_intents_are_listed_once_each_oldest_first(void **state)
{
        struct rig *rig = *state;
        static const enum intent_state states[] = {INTENT_RESERVED, INTENT_SENT, INTENT_DONE,
                                                   INTENT_REJECTED, INTENT_UNKNOWN};
        struct reply reply = {0};
        unsigned n = 500; /* several pages, with equal times across their borders */

        expect_open(rig, 0);
        for (unsigned i = 0; i < n; i++) {
                struct store_intent in = rig_intent((i * 211) % n);
                in.created_at = 1000 + (i * 211) % n / 7;
                in.state = states[i % 5];
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(rig, &reply, n);
        assert_int_equal(reply.n_ok, n);
        rig_reopen(rig);
        expect_open(rig, n / 5 * 3);
}

static void an_update_opens_and_closes(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), other = rig_intent(2);

        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_insert(rig, &other), E_OK);
        in.state = INTENT_SENT;
        assert_int_equal(rig_update(rig, &in), E_OK);
        expect_open(rig, 2);
        in.state = INTENT_DONE;
        assert_int_equal(rig_update(rig, &in), E_OK);
        expect_open(rig, 1);
        assert_int_equal(rig_update(rig, &in), E_OK);
        in.state = INTENT_UNKNOWN;
        assert_int_equal(rig_update(rig, &in), E_OK);
        expect_open(rig, 2);
        in.state = other.state = INTENT_REJECTED;
        in.created_at = 1; /* not what an update changes */
        assert_int_equal(rig_update(rig, &in), E_OK);
        assert_int_equal(rig_update(rig, &other), E_OK);
        expect_open(rig, 0);
}

static void exactly_one_page_ends_too(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};

        for (unsigned i = 0; i < 64; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(rig, &reply, 64);
        expect_open(rig, 64);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(open_intents_are_listed_once_each_oldest_first),
                RIG(an_update_opens_and_closes),
                RIG(exactly_one_page_ends_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
