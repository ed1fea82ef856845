/* store: batches: one commit for many operations, each of which stands or falls alone. */
#include "store_rig.h"

#include <sqlite3.h>

#include "store/store_op.h" /* to hold the store's thread until a batch is complete */

/* Holds the store's thread, and gives it something to hold on to: what is submitted until
 * store_op_unlock is one batch. */
static void hold(struct rig *rig)
{
        store_op_lock(rig->store);
        store_session_delete(rig->store, (const uint8_t[32]){0}, NULL, NULL);
}

static void on_account(void *cookie, enum errc rc, const struct store_account *account)
{
        (void)account;
        rig_count(cookie, rc);
}

static void expect_account(struct rig *rig, unsigned tag, enum errc rc)
{
        struct addr address = rig_addr(tag);
        struct reply reply = {0};

        store_account_get(rig->store, BRAND_A, &address, on_account, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, rc);
}

static void on_nonce(void *cookie, enum errc rc, uint64_t highest, uint64_t next)
{
        struct reply *reply = cookie;

        (void)next;
        rig_count(reply, rc);
        reply->highest = highest;
}

static void many_operations_share_one_commit(void **state)
{
        struct rig *rig = *state;
        struct store_stats before, after;
        struct reply reply = {0};

        store_stats(rig->store, &before);
        store_op_lock(rig->store); /* the thread takes what is there once we let go */
        for (unsigned i = 0; i < 100; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        store_op_unlock(rig->store);
        rig_wait(rig, &reply, 100);
        assert_int_equal(reply.n_ok, 100);
        store_stats(rig->store, &after);
        assert_int_equal(after.operations - before.operations, 100);
        assert_in_range(after.commits - before.commits, 1, 2);
        assert_int_equal(after.failures, 0);
        assert_int_equal(after.queued, 0);
}

static void one_bad_operation_does_not_sink_its_batch(void **state)
{
        struct rig *rig = *state;
        struct store_intent good = rig_intent(1), twin = rig_intent(2), last = rig_intent(3);
        struct reply replies[3] = {0}, reply;

        text_copy(twin.idempotency_key, sizeof twin.idempotency_key, good.idempotency_key);
        store_op_lock(rig->store);
        store_intent_insert(rig->store, &good, rig_on_done, &replies[0]);
        store_intent_insert(rig->store, &twin, rig_on_done, &replies[1]);
        store_intent_insert(rig->store, &last, rig_on_done, &replies[2]);
        store_op_unlock(rig->store);
        rig_wait(rig, &replies[2], 1);
        assert_int_equal(replies[0].rc, E_OK);
        assert_int_equal(replies[1].rc, E_EXISTS);
        assert_int_equal(replies[2].rc, E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_memory_equal(&reply.intent.id, &good.id, sizeof good.id);
        assert_int_equal(rig_by_key(rig, &reply, "key-3"), E_OK);
}

static void on_nothing(void *cookie, enum errc rc, const struct store_intent *intent)
{
        (void)intent;
        rig_count(cookie, rc);
}

/* An intent all of whose names are its own, but whose nonce is used: refused after it has changed
 * rows. */
static struct store_intent refused_late(unsigned tag, const struct store_intent *used)
{
        struct store_intent in = rig_intent(tag);

        in.n_steps = 2;
        in.step[0].nonce = 8000 + tag;
        in.step[1] = in.step[0];
        in.step[1].nonce = used->step[0].nonce;
        return in;
}

static void what_a_refused_operation_changed_is_undone(void **state)
{
        struct rig *rig = *state;
        struct store_intent good[3] = {rig_intent(1), rig_intent(2), rig_intent(3)};
        struct store_intent bad[2] = {refused_late(11, &good[0]), refused_late(12, &good[0])};
        struct store_account a = {.brand = BRAND_A,
                                  .address = rig_addr(1),
                                  .has_agent = true,
                                  .agent = rig_addr(1001),
                                  .agent_sealed_len = 73};
        struct store_account thief = a;
        struct reply oks = {0}, bads = {0}, theft = {0}, gone = {0}, reply = {0};

        thief.address = rig_addr(2); /* with the same agent */
        hold(rig);
        store_intent_insert(rig->store, &good[0], rig_on_done, &oks);
        store_account_put(rig->store, &a, rig_on_done, &oks);
        store_audit(rig->store, BRAND_A, "ops", "one", "", 1, rig_on_done, &oks);
        good[0].state = INTENT_DONE;
        store_intent_update(rig->store, &good[0], rig_on_done, &oks);
        store_intent_insert(rig->store, &bad[0], rig_on_done, &bads);
        store_intent_by_key(rig->store, BRAND_A, &bad[0].account, "key-11", on_nothing, &gone);
        store_intent_insert(rig->store, &good[1], rig_on_done, &oks);
        store_intent_insert(rig->store, &bad[1], rig_on_done, &bads);
        store_account_put(rig->store, &thief, rig_on_done, &theft);
        store_audit(rig->store, BRAND_A, "ops", "two", "", 2, rig_on_done, &oks);
        store_intent_insert(rig->store, &good[2], rig_on_done, &oks);
        store_op_unlock(rig->store);
        rig_wait(rig, &oks, 7);
        assert_int_equal(oks.n_ok, 7);
        assert_int_equal(bads.n, 2);
        assert_int_equal(bads.rc, E_INTERNAL);
        assert_int_equal(theft.rc, E_EXISTS);
        assert_int_equal(gone.rc, E_NOT_FOUND);

        rig_reopen(rig);
        for (unsigned i = 0; i < 3; i++)
                assert_int_equal(rig_by_key(rig, &reply, good[i].idempotency_key), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_int_equal(reply.intent.state, INTENT_DONE);
        expect_account(rig, 1, E_OK);
        expect_account(rig, 2, E_NOT_FOUND);
        reply = (struct reply){0};
        store_nonce_get(rig->store, &bad[0].signer, 0, on_nonce, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.highest, 5003);
        for (unsigned i = 0; i < 2; i++) { /* none of its names and nonces is taken */
                assert_int_equal(rig_by_key(rig, &reply, bad[i].idempotency_key), E_NOT_FOUND);
                bad[i].n_steps = 1;
                assert_int_equal(rig_insert(rig, &bad[i]), E_OK);
        }
}

static void an_audit_chain_survives_anothers_refusal(void **state)
{
        struct rig *rig = *state;
        struct store_intent good = rig_intent(1), bad = refused_late(2, &good);
        struct reply oks = {0}, bads = {0};
        struct db *db;
        sqlite3_stmt *q;

        hold(rig);
        store_intent_insert(rig->store, &good, rig_on_done, &oks);
        store_audit(rig->store, BRAND_A, "ops", "one", "", 1, rig_on_done, &oks);
        store_intent_insert(rig->store, &bad, rig_on_done, &bads);
        store_audit(rig->store, BRAND_A, "ops", "two", "", 2, rig_on_done, &oks);
        store_op_unlock(rig->store);
        rig_wait(rig, &oks, 3);
        assert_int_equal(oks.n_ok, 3);
        assert_int_equal(bads.rc, E_INTERNAL);
        db = store_op_lock(rig->store);
        q = db_query(db, "SELECT b.prev_hash = a.hash, (SELECT count(*) FROM audit)"
                         " FROM audit a JOIN audit b ON b.seq = 2 WHERE a.seq = 1");
        assert_int_equal(db_step(db, q), E_OK);
        assert_int_equal(db_get_int(q, 0), 1);
        assert_int_equal(db_get_int(q, 1), 3); /* that of the intent, in its transaction, too */
        db_reset(q);
        store_op_unlock(rig->store);
}

/* More than the page cache holds and than one write takes, with a refusal at its end. */
static void a_commit_of_any_size_is_whole(void **state)
{
        struct rig *rig = *state;
        unsigned n = 100;
        char *text = xcalloc(1, STORE_BLOB_MAX + 1);
        struct store_intent in, bad = rig_intent(1000);
        struct reply oks = {0}, bads = {0}, reply;

        for (size_t i = 0; i < STORE_BLOB_MAX; i++)
                text[i] = (char)('a' + i % 26);
        hold(rig);
        for (unsigned i = 0; i < n; i++) {
                in = rig_intent(i);
                in.request = text + i;
                store_intent_insert(rig->store, &in, rig_on_done, &oks);
        }
        bad.step[0].nonce = in.step[0].nonce;
        store_intent_insert(rig->store, &bad, rig_on_done, &bads);
        store_op_unlock(rig->store);
        rig_wait(rig, &oks, n);
        rig_wait(rig, &bads, 1);
        assert_int_equal(oks.n_ok, n);
        assert_int_equal(bads.rc, E_INTERNAL);
        rig_reopen(rig);
        for (unsigned i = 0; i < n; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
                assert_memory_equal(reply.request, text + i, sizeof reply.request - 1);
        }
        assert_int_equal(rig_by_key(rig, &reply, "key-1000"), E_NOT_FOUND);
        free(text);
}

static void closing_finishes_what_is_queued(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0}, found;

        for (unsigned i = 0; i < 50; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        rig_reopen(rig);
        assert_int_equal(reply.n, 50);
        assert_int_equal(reply.n_ok, 50);
        assert_int_equal(rig_by_key(rig, &found, "key-49"), E_OK);
}

static void a_full_mailbox_refuses_and_still_answers(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};
        unsigned n = 9000;

        store_op_lock(rig->store);
        for (unsigned i = 0; i < n; i++)
                store_session_delete(rig->store, (const uint8_t[32]){0}, rig_on_done, &reply);
        assert_int_equal(reply.n, 0);
        store_op_unlock(rig->store);
        rig_wait(rig, &reply, n);
        assert_true(reply.n_down > 0);
        assert_int_equal(reply.n_ok + reply.n_down, n);
        assert_true(store_is_up(rig->store)); /* busy is not down */
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(many_operations_share_one_commit),
                RIG(one_bad_operation_does_not_sink_its_batch),
                RIG(what_a_refused_operation_changed_is_undone),
                RIG(an_audit_chain_survives_anothers_refusal),
                RIG(a_commit_of_any_size_is_whole),
                RIG(closing_finishes_what_is_queued),
                RIG(a_full_mailbox_refuses_and_still_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
