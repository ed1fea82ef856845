/* store: kills, full disks, and files that must not be opened. */
#include "store_rig.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "store/migration.h"
#include "store/store_op.h"

/* --- a kill: what was acknowledged is there --- */

/* In the child: inserts intents without end and writes a byte for each that was acknowledged. */
struct writer {
        struct rig *rig;
        int pipe;
        unsigned tag;
};

static void insert_next(void *cookie, enum errc rc)
{
        struct writer *writer = cookie;
        struct store_intent in;

        if (rc || (writer->tag > 0 && write(writer->pipe, "k", 1) != 1))
                _exit(3);
        in = rig_intent(writer->tag++);
        store_intent_insert(writer->rig->store, &in, insert_next, writer);
}

static void run_writer(struct rig *rig, int pipe)
{
        struct rig child = *rig;
        struct writer writer = {.rig = &child, .pipe = pipe};
        struct err err = {0};

        child.loop = loop_new();
        child.store = store_open(child.loop, child.file, &err);
        if (!child.store)
                _exit(2);
        insert_next(&writer, E_OK);
        for (;;)
                loop_turn(child.loop, 1000);
}

static void nothing_acknowledged_is_lost_in_a_kill(void **state)
{
        struct rig *rig = *state;
        unsigned acknowledged = 0, i;
        struct reply reply;
        int ends[2], status;
        char byte;

        store_close(rig->store);
        rig->store = NULL;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                run_writer(rig, ends[1]);
        close(ends[1]);
        while (acknowledged < 40 && read(ends[0], &byte, 1) == 1)
                acknowledged++;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while (read(ends[0], &byte, 1) == 1)
                acknowledged++;
        close(ends[0]);

        rig_open(rig); /* the lock died with its owner */
        assert_true(acknowledged >= 40);
        for (i = 0; i < acknowledged; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
                assert_int_equal(reply.intent.n_steps, 1);
                assert_int_equal(reply.intent.n_orders, 1);
        }
}

/* --- a disk that takes no more --- */

static void set_file_limit(rlim_t bytes)
{
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int faults_setup(void **state)
{
        signal(SIGXFSZ, SIG_IGN); /* a write above the limit fails instead */
        return rig_setup(state);
}

static int faults_teardown(void **state)
{
        set_file_limit(RLIM_INFINITY);
        return rig_teardown(state);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
        struct rig *rig = *state;
        struct store_intent first = rig_intent(1), in;
        struct reply reply = {0}, found;
        struct store_stats stats;

        assert_int_equal(rig_insert(rig, &first), E_OK);
        assert_true(store_is_up(rig->store));

        set_file_limit(1);
        store_op_lock(rig->store);
        for (unsigned i = 2; i < 12; i++) {
                in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        store_op_unlock(rig->store);
        rig_wait(rig, &reply, 10);
        assert_int_equal(reply.n_down, 10);
        assert_false(store_is_up(rig->store));
        store_stats(rig->store, &stats);
        assert_true(stats.failures >= 10);

        in = rig_intent(12);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        assert_int_equal(rig_by_key(rig, &found, "key-1"), E_OK); /* reading goes on */

        set_file_limit(RLIM_INFINITY);
        for (int i = 0; i < 200 && !store_is_up(rig->store); i++)
                loop_turn(rig->loop, 100); /* its own probe finds out */
        assert_true(store_is_up(rig->store));
        assert_int_equal(rig_by_key(rig, &found, "key-2"), E_NOT_FOUND); /* none half written */
        in = rig_intent(2);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        rig_reopen(rig);
        assert_int_equal(rig_by_key(rig, &found, "key-1"), E_OK);
        assert_int_equal(rig_by_key(rig, &found, "key-2"), E_OK);
        assert_int_equal(rig_by_key(rig, &found, "key-12"), E_NOT_FOUND);
}

static void a_write_that_works_ends_the_outage_at_once(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);

        set_file_limit(1);
        assert_int_equal(rig_insert(rig, &in), E_STORE_DOWN);
        assert_false(store_is_up(rig->store));
        set_file_limit(RLIM_INFINITY);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_true(store_is_up(rig->store));
}

static void a_read_of_what_was_undone_is_not_answered(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply written = {0}, found = {0};

        set_file_limit(1);
        store_op_lock(rig->store);
        store_intent_insert(rig->store, &in, rig_on_done, &written);
        store_intent_by_key(rig->store, in.brand, &in.account, in.idempotency_key, rig_on_intent,
                            &found);
        store_op_unlock(rig->store);
        rig_wait(rig, &found, 1);
        assert_int_equal(written.rc, E_STORE_DOWN);
        /* In the same batch it fails with it; in the next it finds nothing. Never the intent. */
        assert_true(found.rc == E_STORE_DOWN || found.rc == E_NOT_FOUND);
}

static void closing_while_the_disk_is_full_answers_all(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};

        set_file_limit(1);
        for (unsigned i = 0; i < 20; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        store_close(rig->store);
        rig->store = NULL;
        assert_int_equal(reply.n, 20);
        assert_int_equal(reply.n_down, 20);
}

/* --- opening --- */

static void expect_refused(struct rig *rig, const char *file, const char *word)
{
        struct err err = {0};

        assert_null(store_open(rig->loop, file, &err));
        assert_int_equal(err.code, E_CONFIG);
        if (!strstr(err.detail, word))
                fail_msg("\"%s\" does not say \"%s\"", err.detail, word);
}

static void execute(struct rig *rig, const char *sql)
{
        sqlite3 *conn = NULL;
        char *message = NULL;

        assert_int_equal(sqlite3_open(rig->file, &conn), SQLITE_OK);
        if (sqlite3_exec(conn, sql, NULL, NULL, &message))
                fail_msg("%s", message);
        sqlite3_close(conn);
}

static void close_store(struct rig *rig)
{
        store_close(rig->store);
        rig->store = NULL;
}

static void fill_file(const char *file, size_t n)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        for (size_t i = 0; i < n; i++)
                fputc('x', f);
        assert_int_equal(fclose(f), 0);
}

static void a_second_gateway_is_kept_out(void **state)
{
        struct rig *rig = *state;

        expect_refused(rig, rig->file, "in use by another gateway");
        rig_reopen(rig);
}

static void a_newer_schema_is_refused(void **state)
{
        struct rig *rig = *state;

        close_store(rig);
        execute(rig, "PRAGMA user_version = 4711");
        expect_refused(rig, rig->file, "schema version 4711");
        execute(rig, "PRAGMA user_version = -1");
        expect_refused(rig, rig->file, "damaged");
}

static void files_that_are_not_ours_are_refused(void **state)
{
        struct rig *rig = *state;
        char path[400];

        close_store(rig);
        fill_file(rig->file, 8192);
        expect_refused(rig, rig->file, "not a database");
        fill_file(rig->file, 10);
        expect_refused(rig, rig->file, "not a database");
        fill_file(rig->file, 0);
        execute(rig, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)");
        expect_refused(rig, rig->file, "another program");
        fill_file(rig->file, 0); /* empty is fresh */
        rig_remove(rig, "-wal");
        rig_reopen(rig);

        expect_refused(rig, rig->folder, "irectory");
        snprintf(path, sizeof path, "%s/none/gateway.db", rig->folder);
        expect_refused(rig, path, "No such file");
        snprintf(path, sizeof path, "%s-lock", rig->folder);
        unlink(path);
}

static void the_file_is_its_owners_alone(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct stat st;
        char wal[400];

        assert_int_equal(stat(rig->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        snprintf(wal, sizeof wal, "%s-wal", rig->file);
        assert_int_equal(stat(wal, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        close_store(rig);
        assert_int_equal(chmod(rig->file, 0644), 0);
        rig_open(rig);
        assert_int_equal(stat(rig->file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
}

static void on_older_account(void *cookie, enum errc rc, const struct store_account *account)
{
        static const struct addr nobody;

        rig_count(cookie, rc);
        assert_int_equal(rc, E_OK);
        assert_int_equal(account->builder_fee_tenth_bp, 25);
        assert_memory_equal(&account->builder, &nobody, sizeof nobody); /* it was not noted */
}

static void an_older_schema_is_brought_up_to_date(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};
        struct db *db;
        sqlite3_stmt *q;

        close_store(rig);
        rig_remove(rig, "");
        execute(rig, migration_table[0].sql);
        execute(rig, "PRAGMA application_id = 0x70677465; PRAGMA user_version = 1;"
                     "INSERT INTO brand_key VALUES ('meridian', x'0102');"
                     "INSERT INTO account VALUES ('meridian', zeroblob(20), '1', 5, 6, 7, 25)");
        rig_open(rig);
        store_audit(rig->store, BRAND_A, "ops", "note", "x", 1, rig_on_done, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        db = store_op_lock(rig->store);
        assert_int_equal(db_exec(db, "DELETE FROM audit"), E_INVALID); /* what version 2 brought */
        q = db_query(db, "PRAGMA user_version");
        assert_int_equal(db_step(db, q), E_OK);
        assert_int_equal(db_get_int(q, 0), migration_count);
        db_reset(q);
        store_op_unlock(rig->store);
        uint8_t key[4];
        size_t len = 0;
        assert_int_equal(store_brand_key_load(rig->store, BRAND_A, key, sizeof key, &len), E_OK);
        assert_int_equal(len, 2);
        store_account_get(rig->store, BRAND_A, &(struct addr){{0}}, on_older_account, &reply);
        rig_wait(rig, &reply, 2);
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void **state)
{
        struct rig *rig = *state;

        close_store(rig);
        rig_remove(rig, "");
        /* Claims to be fresh, but has a table that the first migration makes after others. */
        execute(rig, "PRAGMA application_id = 0x70677465; CREATE TABLE probe (id)");
        expect_refused(rig, rig->file, "001_initial.sql");
        execute(rig, "CREATE TABLE brand_key (a)"); /* so it is not there */
}

static void memory_is_enough_for_a_test(void **state)
{
        struct rig *rig = *state;
        struct store_intent in = rig_intent(1);
        struct reply reply;
        struct err err = {0};

        close_store(rig);
        rig->store = store_open(rig->loop, ":memory:", &err);
        assert_non_null(rig->store);
        assert_int_equal(rig_insert(rig, &in), E_OK);
        assert_int_equal(rig_by_key(rig, &reply, "key-1"), E_OK);
}

/* Overwrites the head of every page from the 25th on. */
static void damage(const char *file)
{
        FILE *f = fopen(file, "r+");

        assert_non_null(f);
        assert_int_equal(fseek(f, 0, SEEK_END), 0);
        long size = ftell(f);
        assert_true(size > 4096L * 41);
        for (long at = 4096L * 40; at < size; at += 4096) {
                assert_int_equal(fseek(f, at, SEEK_SET), 0);
                for (int i = 0; i < 200; i++)
                        fputc(0xa5, f);
        }
        assert_int_equal(fclose(f), 0);
}

static void a_damaged_page_is_an_error_not_a_crash(void **state)
{
        struct rig *rig = *state;
        struct reply reply = {0};
        unsigned n_bad = 0;

        for (unsigned i = 0; i < 300; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(rig->store, &in, rig_on_done, &reply);
        }
        close_store(rig); /* moves the log into the file */
        assert_int_equal(reply.n_ok, 300);
        damage(rig->file);
        rig_open(rig);
        for (unsigned i = 0; i < 300; i++) {
                char key[32];
                snprintf(key, sizeof key, "key-%u", i);
                enum errc rc = rig_by_key(rig, &reply, key);
                assert_true(rc == E_OK || rc == E_NOT_FOUND || rc == E_STORE_DOWN);
                n_bad += rc == E_STORE_DOWN;
        }
        assert_true(n_bad > 0);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, faults_setup, faults_teardown)
        const struct CMUnitTest tests[] = {
                RIG(nothing_acknowledged_is_lost_in_a_kill),
                RIG(a_full_disk_refuses_and_recovers),
                RIG(a_write_that_works_ends_the_outage_at_once),
                RIG(a_read_of_what_was_undone_is_not_answered),
                RIG(closing_while_the_disk_is_full_answers_all),
                RIG(a_second_gateway_is_kept_out),
                RIG(a_newer_schema_is_refused),
                RIG(files_that_are_not_ours_are_refused),
                RIG(the_file_is_its_owners_alone),
                RIG(an_older_schema_is_brought_up_to_date),
                RIG(a_migration_that_fails_leaves_the_file_as_it_was),
                RIG(memory_is_enough_for_a_test),
                RIG(a_damaged_page_is_an_error_not_a_crash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
