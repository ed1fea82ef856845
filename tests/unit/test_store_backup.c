/* store: copies while it is written to. */
#include "backup_rig.h"

static void a_copy_has_all_that_was_acknowledged_before(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status = {.state = BACKUP_RUNNING};
        struct store_restore_result result;
        struct err err = {0};
        char sum[65];
        struct stat st;
        int64_t bytes;
        unsigned n = 300;

        insert_many(b, 0, n);
        open_backup(b, 0, 0, SLOW);
        assert_int_equal(store_backup_start(b->backup, NULL, &err), E_OK);
        assert_int_equal(store_backup_start(b->backup, NULL, &err), E_LIMIT);
        for (int i = 0; i < 20000 && status.state == BACKUP_RUNNING; i++) {
                insert_many(b, n, n + 3); /* orders go on, over pages copied and not yet copied */
                n += 3;
                loop_turn(b->rig->loop, 5);
                store_backup_status(b->backup, &status);
        }
        assert_int_equal(status.state, BACKUP_DONE);
        assert_true(status.pages > 10);
        assert_true(n > 310);
        assert_int_equal(stat(status.file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(store_backup_sum(status.file, sum, &bytes, &err), E_OK);
        assert_string_equal(sum, status.sha256);
        assert_int_equal(bytes, status.bytes);
        assert_int_equal(count_files(b->folder, ".partial"), 0);
        expect_intents(b->rig, 0, n);

        close_both(b);
        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 300);
        insert_many(b, n, n + 5);
}

static void a_copy_replaces_nothing(void **state)
{
        struct bench *b = *state;
        static const char *const bad[] = {
                "",
                ".x",
                "../x",
                "a/b",
                "a b",
                "ä",
                "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789"};
        struct err err = {0};

        open_backup(b, 0, 0, FAST);
        make(b, "one.db");
        assert_int_equal(store_backup_start(b->backup, "one.db", &err), E_EXISTS);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
                assert_int_equal(store_backup_start(b->backup, bad[i], &err), E_INVALID);
        make(b, "two.db");
        assert_int_equal(count_files(b->folder, ".db"), 2);
        assert_int_equal(count_files(b->folder, ".sha256"), 2);
}

static void a_file_that_appears_meanwhile_stays(void **state)
{
        struct bench *b = *state;
        struct err err = {0};
        char path[400];
        struct stat st;

        insert_many(b, 0, 50);
        open_backup(b, 0, 0, SLOW);
        assert_int_equal(store_backup_start(b->backup, "one.db", &err), E_OK);
        snprintf(path, sizeof path, "%s/one.db", b->folder);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(wait_backup(b).state, BACKUP_FAILED);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 0);
        assert_int_equal(count_files(b->folder, ".partial"), 0);
}

static void closing_leaves_no_half_copy(void **state)
{
        struct bench *b = *state;
        struct err err = {0};

        insert_many(b, 0, 200);
        open_backup(b, 0, 0, SLOW);
        assert_int_equal(store_backup_start(b->backup, "one.db", &err), E_OK);
        loop_turn(b->rig->loop, 50);
        close_both(b);
        assert_int_equal(count_files(b->folder, ".db"), 0);
        assert_int_equal(count_files(b->folder, ".partial"), 0);
}

static void a_full_disk_fails_the_copy_alone(void **state)
{
        struct bench *b = *state;
        struct err err = {0};

        insert_many(b, 0, 300);
        open_backup(b, 0, 0, FAST);
        fault_set(".partial", NULL, SQLITE_FULL, SQLITE_OK);
        assert_int_equal(store_backup_start(b->backup, "one.db", &err), E_OK);
        struct store_backup_status status = wait_backup(b);
        assert_int_equal(status.state, BACKUP_FAILED);
        assert_non_null(strstr(status.reason, "full"));
        assert_true(store_is_up(b->rig->store));
        insert_many(b, 300, 310);
        assert_int_equal(count_files(b->folder, ".partial"), 0);
        fault_clear();
        make(b, "one.db");
}

static void reading_anew_ends_the_copy(void **state)
{
        struct bench *b = *state;
        struct store_intent in = rig_intent(1000);
        struct err err = {0};

        insert_many(b, 0, 300);
        open_backup(b, 0, 0, SLOW);
        assert_int_equal(store_backup_start(b->backup, "one.db", &err), E_OK);
        for (int i = 0; i < 5; i++)
                loop_turn(b->rig->loop, 20);
        fault_set("gateway.db-wal", NULL, SQLITE_OK, SQLITE_IOERR_FSYNC);
        assert_int_equal(rig_insert(b->rig, &in), E_STORE_DOWN);
        fault_clear();
        assert_int_equal(rig_insert(b->rig, &in), E_OK);
        assert_int_equal(wait_backup(b).state, BACKUP_FAILED);
        make(b, "two.db");
}

static void a_schedule_makes_and_clears_away(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status = {.n_done = 0};

        open_backup(b, 1000, 2, FAST);
        for (int i = 0; i < 2000 && status.n_done < 4; i++) {
                loop_turn(b->rig->loop, 20);
                store_backup_status(b->backup, &status);
        }
        assert_true(status.n_done >= 4);
        wait_backup(b);
        assert_true(count_files(b->folder, "Z.db") <= 3);
        assert_true(count_files(b->folder, "Z.db") >= 2);
        assert_true(count_files(b->folder, ".sha256") <= 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                BENCH(a_copy_has_all_that_was_acknowledged_before),
                BENCH(a_copy_replaces_nothing),
                BENCH(a_file_that_appears_meanwhile_stays),
                BENCH(closing_leaves_no_half_copy),
                BENCH(a_full_disk_fails_the_copy_alone),
                BENCH(reading_anew_ends_the_copy),
                BENCH(a_schedule_makes_and_clears_away),
        };

        fault_install();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
