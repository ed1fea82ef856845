/* store: dead man's switches, which orders a key asked for, and that what is written is audited with it. */
#include "store/store_dead_man.h"
#include "store/store_op.h"
#include "store_rig.h"

struct rows {
        unsigned n_calls;
        enum errc rc;
        size_t n;
        struct store_dead_man row[8];
};

static void on_rows(void *cookie, enum errc rc, const struct store_dead_man *rows, size_t n)
{
        struct rows *seen = cookie;

        seen->n_calls++;
        seen->rc = rc;
        seen->n = n;
        assert_true(n <= 8);
        for (size_t i = 0; i < n; i++)
                seen->row[i] = rows[i];
}

static void read_all(struct rig *rig, struct rows *seen)
{
        memset(seen, 0, sizeof *seen);
        store_dead_man_all(rig->store, on_rows, seen);
        for (int i = 0; i < 500 && !seen->n_calls; i++)
                loop_turn(rig->loop, 100);
        assert_int_equal(seen->n_calls, 1);
        assert_int_equal(seen->rc, E_OK);
}

static struct store_dead_man row_of(unsigned tag, bool has_key)
{
        struct store_dead_man row = {.account = rig_addr(tag),
                                     .wallet = rig_addr(tag + 1),
                                     .has_key = has_key,
                                     .timeout_ms = 5000,
                                     .armed_at = 100,
                                     .deadline = 5100,
                                     .may_be_set = true};

        assert_true(text_copy(row.brand, sizeof row.brand, BRAND_A));
        if (has_key)
                memset(row.key, 7, sizeof row.key);
        return row;
}

static void put(struct rig *rig, const struct store_dead_man *row, const char *action)
{
        struct reply reply = {0};

        store_dead_man_put(rig->store, row, action, 1, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
}

static int64_t count(struct rig *rig, const char *sql)
{
        struct db *db = store_op_lock(rig->store);
        sqlite3_stmt *q = db_query(db, sql);
        int64_t n;

        assert_int_equal(db_step(db, q), E_OK);
        n = db_get_int(q, 0);
        db_reset(q);
        store_op_unlock(rig->store);
        return n;
}
#define AUDITED(action) "SELECT count(*) FROM audit WHERE action = '" action "'"

static void a_switch_comes_back_as_it_was_put(void **state)
{
        struct rig *rig = *state;
        struct store_dead_man own = row_of(1, false), keyed = row_of(1, true);
        struct rows seen;

        keyed.deadline = 9000;
        put(rig, &own, "dead_man_armed");
        put(rig, &keyed, "dead_man_armed");
        own.deadline = 6000; /* the same one, armed anew */
        put(rig, &own, NULL);
        rig_reopen(rig);
        read_all(rig, &seen);
        assert_int_equal(seen.n, 2);
        assert_memory_equal(&seen.row[0].account, &own.account, sizeof own.account);
        assert_memory_equal(&seen.row[0].wallet, &own.wallet, sizeof own.wallet);
        assert_false(seen.row[0].has_key);
        assert_int_equal(seen.row[0].deadline, 6000);
        assert_int_equal(seen.row[0].timeout_ms, 5000);
        assert_true(seen.row[0].may_be_set);
        assert_true(seen.row[1].has_key);
        assert_memory_equal(seen.row[1].key, keyed.key, sizeof keyed.key);
        assert_int_equal(seen.row[1].deadline, 9000);
        assert_int_equal(count(rig, AUDITED("dead_man_armed")), 2);
}

static void one_that_says_nothing_any_more_is_gone(void **state)
{
        struct rig *rig = *state;
        struct store_dead_man row = row_of(1, false);
        struct rows seen;

        put(rig, &row, NULL);
        row.deadline = row.timeout_ms = 0;
        put(rig, &row, "dead_man_disarmed"); /* the venue may still have its timer */
        read_all(rig, &seen);
        assert_int_equal(seen.n, 1);
        row.may_be_set = false;
        put(rig, &row, NULL);
        read_all(rig, &seen);
        assert_int_equal(seen.n, 0);
        row.fired_at = 7; /* what it did is kept */
        put(rig, &row, NULL);
        read_all(rig, &seen);
        assert_int_equal(seen.n, 1);
        assert_int_equal(seen.row[0].fired_at, 7);
        assert_int_equal(count(rig, AUDITED("dead_man_disarmed")), 1);
}

struct whose {
        unsigned n_calls;
        enum errc rc;
        size_t n;
        bool mine[4];
};

static void on_mine(void *cookie, enum errc rc, const bool *mine, size_t n)
{
        struct whose *seen = cookie;

        seen->n_calls++;
        seen->rc = rc;
        seen->n = n;
        memcpy(seen->mine, mine, n * sizeof *mine);
}

static struct whose ask(struct rig *rig, const struct addr *account, const uint8_t *key, int64_t at,
                        const struct cloid *cloids, size_t n)
{
        struct whose seen = {0};

        store_dead_man_mine(rig->store, BRAND_A, account, key, at, cloids, n, on_mine, &seen);
        for (int i = 0; i < 500 && !seen.n_calls; i++)
                loop_turn(rig->loop, 100);
        assert_int_equal(seen.n_calls, 1);
        assert_int_equal(seen.rc, E_OK);
        return seen;
}

static void an_order_is_its_keys(void **state)
{
        struct rig *rig = *state;
        struct store_intent own = rig_intent(1), keyed = rig_intent(2);
        uint8_t key[16] = {9}, other[16] = {8};
        struct cloid cloids[3];
        struct whose seen;

        keyed.has_key = true;
        memcpy(keyed.key, key, sizeof key);
        keyed.created_at = 1000;
        assert_int_equal(rig_insert(rig, &own), E_OK);
        assert_int_equal(rig_insert(rig, &keyed), E_OK);
        cloids[0] = own.id;
        cloids[1] = keyed.id;
        cloids[2] = rig_cloid(999);
        seen = ask(rig, &keyed.account, key, INT64_MAX, cloids, 3);
        assert_int_equal(seen.n, 3);
        assert_false(seen.mine[0]);
        assert_true(seen.mine[1]);
        assert_false(seen.mine[2]);
        seen = ask(rig, &keyed.account, other, INT64_MAX, cloids, 3);
        assert_false(seen.mine[0] || seen.mine[1] || seen.mine[2]);
        seen = ask(rig, &keyed.account, key, 999, cloids, 3); /* asked for later */
        assert_false(seen.mine[1]);
        seen = ask(rig, &keyed.account, key, 1000, cloids, 3);
        assert_true(seen.mine[1]);
        seen = ask(rig, &keyed.account, NULL, INT64_MAX, cloids, 3);
        assert_true(seen.mine[1]);
        assert_false(seen.mine[2]);
        seen = ask(rig, &(struct addr){{0x77}}, key, INT64_MAX, cloids, 3);
        assert_false(seen.mine[1]);
        assert_int_equal(ask(rig, &keyed.account, key, 0, NULL, 0).n, 0);
}

static void what_is_signed_is_audited_once(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply reply = {0};

        in.n_steps = 2;
        in.step[0].nonce = 11;
        memset(&in.step[0].digest, 1, sizeof in.step[0].digest);
        in.step[1].nonce = 12; /* compiled later */
        memset(&in.step[1].digest, 0, sizeof in.step[1].digest);
        in.state = INTENT_RESERVED;
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(count(rig, AUDITED("signed")), 1);
        in.step[0].state = INTENT_DONE;
        store_intent_update(rig->store, &in, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(count(rig, AUDITED("signed")), 1);
        memset(&in.step[1].digest, 2, sizeof in.step[1].digest);
        store_intent_update(rig->store, &in, rig_on_done, &reply);
        rig_wait(rig, &reply, 2);
        assert_int_equal(count(rig, AUDITED("signed")), 2);
        in.state = INTENT_REJECTED;
        for (unsigned i = 3; i < 5; i++) {
                store_intent_update(rig->store, &in, rig_on_done, &reply);
                rig_wait(rig, &reply, i);
        }
        assert_int_equal(reply.n_ok, 4);
        assert_int_equal(count(rig, AUDITED("signed")), 2);
        assert_int_equal(count(rig, AUDITED("rejected")), 1);
        /* The same again is refused, and leaves no record. */
        assert_int_equal(rig_insert(rig, &in), E_EXISTS);
        assert_int_equal(count(rig, "SELECT count(*) FROM audit"), 3);
}

static void a_change_of_an_account_is_audited_and_nothing_else(void **state)
{
        struct rig *rig = *state;
        struct store_account a = {.address = rig_addr(1), .created_at = 1};
        struct reply reply = {0};
        unsigned n = 0;

        assert_true(text_copy(a.brand, sizeof a.brand, BRAND_A));
#define PUT()                                                                                      \
        do {                                                                                       \
                store_account_put(rig->store, &a, rig_on_done, &reply);                            \
                rig_wait(rig, &reply, ++n);                                                        \
                assert_int_equal(reply.rc, E_OK);                                                  \
        } while (0)
        PUT();
        assert_int_equal(count(rig, "SELECT count(*) FROM audit"), 0);
        a.has_agent = true;
        a.agent = rig_addr(50);
        a.agent_sealed_len = 4;
        PUT();
        a.agent_approved = true;
        PUT();
        PUT(); /* as it was */
        a.builder_fee_tenth_bp = 10;
        a.builder = rig_addr(60);
        PUT();
        a.builder_fee_tenth_bp = 0;
        PUT();
        a.terms_at = 5;
        PUT();
        a.has_agent = a.agent_approved = false;
        PUT();
        assert_int_equal(count(rig, AUDITED("agent_made")), 1);
        assert_int_equal(count(rig, AUDITED("agent_approved")), 1);
        assert_int_equal(count(rig, AUDITED("agent_retired")), 1);
        assert_int_equal(count(rig, AUDITED("builder_fee_approved")), 1);
        assert_int_equal(count(rig, AUDITED("builder_fee_gone")), 1);
        assert_int_equal(count(rig, AUDITED("terms_accepted")), 1);
        assert_int_equal(count(rig, "SELECT count(*) FROM audit"), 6);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
        const struct CMUnitTest tests[] = {
                RIG(a_switch_comes_back_as_it_was_put),
                RIG(one_that_says_nothing_any_more_is_gone),
                RIG(an_order_is_its_keys),
                RIG(what_is_signed_is_audited_once),
                RIG(a_change_of_an_account_is_audited_and_nothing_else),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
