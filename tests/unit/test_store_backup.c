/* store: copies while it is written to, and putting one back. */
#include "fault_vfs.h"
#include "store_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "store/db.h"
#include "store/db_backup.h"
#include "store/store_backup.h"
#include "store/store_op.h"
#include "store/store_restore.h"

#define NOW  INT64_C(1790000000000)
#define SLOW 204800 /* one page a step */
#define FAST 100000000

struct bench {
        struct rig *rig;
        struct store_backup *backup;
        char folder[280];
};

static void open_backup(struct bench *b, int64_t every_ms, unsigned keep, unsigned rate)
{
        struct store_backup_options options = {
                .folder = b->folder, .every_ms = every_ms, .keep = keep, .bytes_per_second = rate};

        b->backup = store_backup_new(b->rig->store, &options);
}

static int setup(void **state)
{
        struct bench *b = xcalloc(1, sizeof *b);
        void *rig;

        fault_clear();
        rig_setup(&rig);
        b->rig = rig;
        snprintf(b->folder, sizeof b->folder, "%s/backups", b->rig->folder);
        *state = b;
        return 0;
}

static void close_both(struct bench *b)
{
        store_close(b->rig->store);
        b->rig->store = NULL;
        store_backup_free(b->backup);
        b->backup = NULL;
}

static void remove_all(const char *folder)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        char path[600];

        while (dir && (entry = readdir(dir))) {
                snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
                if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
                        unlink(path);
        }
        if (dir)
                closedir(dir);
}

static int teardown(void **state)
{
        struct bench *b = *state;
        void *rig = b->rig;

        fault_clear();
        close_both(b);
        remove_all(b->folder);
        rmdir(b->folder);
        remove_all(b->rig->folder);
        rig_teardown(&rig);
        free(b);
        return 0;
}

static unsigned count_files(const char *folder, const char *suffix)
{
        DIR *dir = opendir(folder);
        struct dirent *entry;
        unsigned n = 0;

        while (dir && (entry = readdir(dir))) {
                size_t len = strlen(entry->d_name), end = strlen(suffix);
                n += len >= end && strcmp(entry->d_name + len - end, suffix) == 0;
        }
        if (dir)
                closedir(dir);
        return n;
}

static struct store_backup_status wait_backup(struct bench *b)
{
        struct store_backup_status status = {.state = BACKUP_RUNNING};

        for (int i = 0; i < 3000 && status.state == BACKUP_RUNNING; i++) {
                loop_turn(b->rig->loop, 20);
                store_backup_status(b->backup, &status);
        }
        return status;
}

static struct store_backup_status make(struct bench *b, const char *name)
{
        struct err err = {0};
        struct store_backup_status status;

        if (store_backup_start(b->backup, name, &err))
                fail_msg("%s", err.detail);
        status = wait_backup(b);
        if (status.state != BACKUP_DONE)
                fail_msg("%s", status.reason);
        return status;
}

static void insert_many(struct bench *b, unsigned from, unsigned to)
{
        struct reply reply = {0};

        for (unsigned i = from; i < to; i++) {
                struct store_intent in = rig_intent(i);
                store_intent_insert(b->rig->store, &in, rig_on_done, &reply);
        }
        rig_wait(b->rig, &reply, to - from);
        assert_int_equal(reply.n_ok, to - from);
}

static void expect_intents(struct rig *rig, unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++) {
                struct reply reply;
                char key[32];

                snprintf(key, sizeof key, "key-%u", i);
                assert_int_equal(rig_by_key(rig, &reply, key), E_OK);
        }
}

static enum errc restore(struct rig *rig, const char *backup, struct store_restore_result *result,
                         struct err *err)
{
        struct store_restore_options options = {.file = rig->file, .backup = backup, .now = NOW};

        *err = (struct err){0};
        return store_restore(&options, result, err);
}

/* --- copies --- */

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
        while (status.state == BACKUP_RUNNING && n < 20000) {
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
        static const char *const bad[] = {"",
                                          ".x",
                                          "../x",
                                          "a/b",
                                          "a b",
                                          "ä",
                                          "0123456789012345678901234567890123456789012345678901234"
                                          "567890123456789"};
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

/* --- putting one back --- */

static void on_nonce(void *cookie, enum errc rc, uint64_t highest)
{
        struct reply *reply = cookie;

        rig_count(reply, rc);
        reply->highest = highest;
}

static void on_session(void *cookie, enum errc rc, const struct store_session *session)
{
        (void)session;
        rig_count(cookie, rc);
}

static void what_is_put_back_is_safe_to_go_on_with(void **state)
{
        struct bench *b = *state;
        struct store_session session = {.brand = BRAND_A, .created_at = 1, .expires_at = NOW * 2};
        struct addr signer = rig_addr(2);
        struct store_backup_status status;
        struct store_restore_result result;
        struct reply reply = {0}, after = {0}, found;
        struct err err;

        insert_many(b, 0, 10);
        assert_int_equal(store_brand_key_save(b->rig->store, BRAND_A, (const uint8_t *)"k", 1),
                         E_OK);
        store_session_put(b->rig->store, &session, rig_on_done, &reply);
        rig_wait(b->rig, &reply, 1);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        insert_many(b, 10, 20); /* unknown to the copy */
        close_both(b);

        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        assert_int_equal(result.sessions, 1);
        assert_int_equal(access(result.aside, F_OK), 0);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 10);
        assert_int_equal(rig_by_key(b->rig, &found, "key-15"), E_NOT_FOUND);
        store_session_get(b->rig->store, session.token_hash, on_session, &after);
        rig_wait(b->rig, &after, 1);
        assert_int_equal(after.rc, E_NOT_FOUND);
        store_nonce_get(b->rig->store, &signer, on_nonce, &after);
        rig_wait(b->rig, &after, 2);
        assert_true(after.highest > (uint64_t)NOW); /* above what was signed since the copy */

        /* And what was there can be put back in its turn. */
        char aside[512];
        memcpy(aside, result.aside, sizeof aside);
        close_both(b);
        struct store_restore_options options = {
                .file = b->rig->file, .backup = aside, .without_sum = true, .now = NOW + 1000};
        assert_int_equal(store_restore(&options, &result, &err), E_OK);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 20);
}

static void what_the_reserve_holds_is_not_lost_by_it(void **state)
{
        struct bench *b = *state;
        struct store_intent close = rig_intent(50);
        struct store_backup_status status;
        struct store_restore_result result;
        struct err err;

        insert_many(b, 0, 10);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        fault_set("gateway.db", "-reserve", SQLITE_FULL, SQLITE_OK);
        close.reduces_risk = true;
        assert_int_equal(rig_insert(b->rig, &close), E_OK);
        close_both(b);
        fault_clear();
        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 10);
        expect_intents(b->rig, 50, 51);
}

static void overwrite(const char *file, long at, const char *bytes)
{
        FILE *f = fopen(file, "r+");

        assert_non_null(f);
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        fputs(bytes, f);
        assert_int_equal(fclose(f), 0);
}

static void expect_refused(struct bench *b, const char *backup, bool without_sum, const char *word)
{
        struct store_restore_options options = {
                .file = b->rig->file, .backup = backup, .without_sum = without_sum, .now = NOW};
        struct store_restore_result result;
        struct err err = {0};

        assert_int_not_equal(store_restore(&options, &result, &err), E_OK);
        if (!strstr(err.detail, word))
                fail_msg("\"%s\" does not say \"%s\"", err.detail, word);
}

static void what_is_not_sound_is_not_put_back(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status, newer, other;
        char missing[400];

        insert_many(b, 0, 100);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        newer = make(b, "newer.db");
        other = make(b, "other.db");
        expect_refused(b, status.file, false, "in use");
        close_both(b);

        snprintf(missing, sizeof missing, "%s/none.db", b->folder);
        expect_refused(b, missing, false, "No such file");
        overwrite(status.file, 4096 * 20 + 100, "rotten");
        expect_refused(b, status.file, false, "checksum");
        for (long at = 4096 * 5; at < 4096 * 40; at += 4096)
                overwrite(status.file, at, "rotten, and more than a little rotten");
        expect_refused(b, status.file, true, "malformed");
        overwrite(newer.file, 60, "\x7f\x7f"); /* user_version */
        expect_refused(b, newer.file, true, "schema version");
        overwrite(other.file, 68, "none"); /* application_id */
        expect_refused(b, other.file, true, "not a gateway's store");
        overwrite(other.file, 0, "something else entirely");
        expect_refused(b, other.file, true, "not a database");
        /* And what is there is as it was. */
        rig_open(b->rig);
        expect_intents(b->rig, 0, 100);
        assert_int_equal(count_files(b->rig->folder, ".restoring"), 0);
}

/* A store that can't be read is exactly what a backup is for. */
static void a_damaged_store_is_replaced_and_kept(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status;
        struct store_restore_result result;
        struct err err;

        insert_many(b, 0, 30);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        close_both(b);
        overwrite(b->rig->file, 0, "this was a database once");
        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        assert_int_equal(access(result.aside, F_OK), 0);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 30);
}

static void into_an_empty_folder_it_goes_too(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status;
        struct store_restore_result result;
        struct err err;

        insert_many(b, 0, 30);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        close_both(b);
        rig_remove(b->rig, "");
        rig_remove(b->rig, "-reserve");
        rig_remove(b->rig, "-reserve-journal");
        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        assert_string_equal(result.aside, "");
        rig_open(b->rig);
        expect_intents(b->rig, 0, 30);
}

/* Killed at any moment the store is the old one or the new one, whole. */
static void a_kill_leaves_one_of_the_two(void **state)
{
        struct bench *b = *state;
        struct store_backup_status status;
        struct reply reply;

        insert_many(b, 0, 30);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        insert_many(b, 30, 40);
        close_both(b);
        for (int after_us = 0; after_us < 60000; after_us += 4000) {
                int how;
                pid_t pid = fork();
                assert_true(pid >= 0);
                if (pid == 0) {
                        struct store_restore_result result;
                        struct err err;
                        _exit(restore(b->rig, status.file, &result, &err) ? 1 : 0);
                }
                usleep((useconds_t)after_us); /* no wait for an event: any moment is meant */
                kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, &how, 0), pid);
                rig_open(b->rig);
                expect_intents(b->rig, 0, 30);
                enum errc rc = rig_by_key(b->rig, &reply, "key-35");
                assert_true(rc == E_OK || rc == E_NOT_FOUND);
                store_close(b->rig->store);
                b->rig->store = NULL;
        }
}

int main(void)
{
#define BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        const struct CMUnitTest tests[] = {
                BENCH(a_copy_has_all_that_was_acknowledged_before),
                BENCH(a_copy_replaces_nothing),
                BENCH(a_file_that_appears_meanwhile_stays),
                BENCH(closing_leaves_no_half_copy),
                BENCH(a_full_disk_fails_the_copy_alone),
                BENCH(reading_anew_ends_the_copy),
                BENCH(a_schedule_makes_and_clears_away),
                BENCH(what_is_put_back_is_safe_to_go_on_with),
                BENCH(what_the_reserve_holds_is_not_lost_by_it),
                BENCH(what_is_not_sound_is_not_put_back),
                BENCH(a_damaged_store_is_replaced_and_kept),
                BENCH(into_an_empty_folder_it_goes_too),
                BENCH(a_kill_leaves_one_of_the_two),
        };

        fault_install();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
