/* store: after a failed sync the file is read anew before it is trusted; the log stays bounded. */
#include "fault_vfs.h"
#include "store_rig.h"

static int setup(void **state)
{
        fault_clear();
        return rig_setup(state);
}

static int teardown(void **state)
{
        fault_clear();
        return rig_teardown(state);
}

static struct store_intent closing(unsigned tag)
{
        struct store_intent in = rig_intent(tag);

        text_copy(in.kind, sizeof in.kind, "close");
        in.client_id[0] = '\0';
        in.reduces_risk = true;
        return in;
}

static void wait_until_up(struct rig *rig)
{
        for (int i = 0; i < 300 && !store_is_up(rig->store); i++)
                loop_turn(rig->loop, 100);
        assert_true(store_is_up(rig->store));
}

static void a_failed_sync_reads_the_file_anew(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1), lost = rig_intent(2), close = closing(3);
        struct store_stats stats;
        struct reply reply;

        assert_int_equal(rig_insert(rig, &in), E_OK);
        fault_set("gateway.db-wal", NULL, SQLITE_OK, SQLITE_IOERR_FSYNC);
        assert_int_equal(rig_insert(rig, &lost), E_STORE_DOWN);
        assert_false(store_is_up(rig->store));
        assert_non_null(strstr(store_down_reason(rig->store), "fails"));
        assert_true(fault_count() > 0);
        assert_int_equal(rig_insert(rig, &close), E_OK); /* the reserve is another file */
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        fault_clear();
        wait_until_up(rig);
        store_stats(rig->store, &stats);
        assert_true(stats.reopened >= 1);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-3"), E_OK);
        /* What was told to have failed does not come back from the log. */
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_NOT_FOUND);
        assert_int_equal(rig_insert(rig, &lost), E_OK);
        rig_reopen(rig);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-2"), E_OK);
}

static void it_is_not_up_while_syncs_fail(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);

        fault_set("gateway.db-wal", NULL, SQLITE_OK, SQLITE_IOERR_FSYNC);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        for (int i = 0; i < 4; i++) {
                assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
                assert_false(store_is_up(rig->store));
        }
        fault_clear();
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_true(store_is_up(rig->store));
}

/* A disk that drops what it had acknowledged: the log is shorter than what was promised. */
static void commits_that_went_missing_are_not_passed_over(void **state)
{
        struct rig *rig = *state;
        struct store_intent in;
        char wal[400];

        for (unsigned i = 0; i < 20; i++) {
                in = rig_intent(i);
                assert_int_equal(rig_insert(rig, &in), E_OK);
        }
        fault_set("gateway.db-wal", NULL, SQLITE_OK, SQLITE_IOERR_FSYNC);
        in = rig_intent(30);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        snprintf(wal, sizeof wal, "%s-wal", rig->file);
        assert_int_equal(truncate(wal, 4096), 0);
        fault_clear();
        for (int i = 0; i < 3; i++) {
                assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
                assert_false(store_is_up(rig->store));
        }
}

static void both_failing_refuses_all(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = closing(1);
        struct reply reply;

        fault_set("gateway.db", NULL, SQLITE_OK, SQLITE_IOERR_FSYNC);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        fault_clear();
        wait_until_up(rig);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_NOT_FOUND);
        in = closing(2);
        assert_int_equal(rig_insert(rig, &in), E_OK);
}

/* --- the log --- */

static void the_log_stays_bounded(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};
        struct store_stats stats;
        unsigned most = 0;
        struct stat st;
        char wal[400];

        for (unsigned i = 0; i < 6000; i++) {
                struct store_intent in = rig_intent(i);
                in.id.b[5] = (uint8_t)(i >> 8), in.id.b[6] = (uint8_t)i;
                in.id.b[0] = (uint8_t)(i * 37);
                in.order[0].cloid = in.id;
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
                if (i % 64)
                        continue;
                rig_wait(rig, &reply, i + 1);
                store_stats(rig->store, &stats);
                if (stats.log_frames > most)
                        most = stats.log_frames;
        }
        rig_wait(rig, &reply, 6000);
        assert_int_equal(reply.n_ok, 6000);
        assert_true(most < 6000);
        snprintf(wal, sizeof wal, "%s-wal", rig->file);
        assert_int_equal(stat(wal, &st), 0);
        assert_true(st.st_size < 64 << 20);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                RIG(a_failed_sync_reads_the_file_anew),
                RIG(it_is_not_up_while_syncs_fail),
                RIG(commits_that_went_missing_are_not_passed_over),
                RIG(both_failing_refuses_all),
                RIG(the_log_stays_bounded),
        };

        fault_install();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
