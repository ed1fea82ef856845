/* store: a copy that is put back. */
#include "backup_rig.h"

#include <sys/wait.h>

#include "journal/nonce.h"

static void on_loaded(void *cookie, enum errc rc)
{
        rig_count(cookie, rc);
}

/* The nonce that the ledger gives next, at this time. */
static uint64_t next_nonce(struct rig *rig, int64_t now)
{
        struct addr signer = rig_addr(2);
        struct clock_manual clock;
        struct reply reply = {0};
        uint64_t first = 0;

        clock_manual_init(&clock, now);
        struct nonce_ledger *ledger = nonce_ledger_new(rig->store, &clock.clock);
        nonce_ledger_load(ledger, &signer, on_loaded, &reply);
        rig_wait(rig, &reply, 1);
        assert_int_equal(reply.rc, E_OK);
        assert_int_equal(nonce_ledger_take(ledger, &signer, 1, &first), E_OK);
        nonce_ledger_free(ledger);
        return first;
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
        /* Above what was signed since the copy, also if the clock is behind now. */
        assert_true(next_nonce(b->rig, NOW - 1000) > (uint64_t)NOW);

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

static void tamper(const char *file, const char *sql)
{
        sqlite3 *conn = NULL;
        char *why = NULL;

        assert_int_equal(sqlite3_open(file, &conn), SQLITE_OK);
        if (sqlite3_exec(conn, sql, NULL, NULL, &why))
                fail_msg("%s", why);
        assert_int_equal(sqlite3_close(conn), SQLITE_OK);
}

static void an_audit_log_that_is_not_whole_is_told(void **state)
{
        struct bench *b = *state;
        struct store_restore_options options = {
                .file = b->rig->file, .without_sum = true, .broken_audit = true, .now = NOW + 1000};
        struct store_backup_status status, unguarded;
        struct store_restore_result result;
        struct reply reply = {0};
        struct err err;

        insert_many(b, 0, 10);
        for (int i = 0; i < 3; i++)
                store_audit(b->rig->store, BRAND_A, "operator", "noted", "{}", NOW, rig_on_done,
                            &reply);
        rig_wait(b->rig, &reply, 3);
        open_backup(b, 0, 0, FAST);
        status = make(b, "one.db");
        unguarded = make(b, "unguarded.db");
        close_both(b);
        assert_int_equal(restore(b->rig, status.file, &result, &err), E_OK);
        assert_string_equal(result.audit_fault, "");

        tamper(unguarded.file, "DROP TRIGGER audit_no_delete");
        expect_refused(b, unguarded.file, true, "audit log is not whole");
        tamper(status.file, "DROP TRIGGER audit_no_update;"
                            "UPDATE audit SET detail = '{\"x\":1}' WHERE seq = 2");
        expect_refused(b, status.file, true, "record 2 of " BRAND_A);
        rig_open(b->rig); /* what is there is as it was */
        expect_intents(b->rig, 0, 10);
        close_both(b);
        options.backup = status.file;
        assert_int_equal(store_restore(&options, &result, &err), E_OK);
        assert_non_null(strstr(result.audit_fault, "record 2 of " BRAND_A));
        assert_int_equal(count_files(b->rig->folder, ".restoring"), 0);
        rig_open(b->rig);
        expect_intents(b->rig, 0, 10);
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
        const struct CMUnitTest tests[] = {
                BENCH(what_is_put_back_is_safe_to_go_on_with),
                BENCH(what_the_reserve_holds_is_not_lost_by_it),
                BENCH(what_is_not_sound_is_not_put_back),
                BENCH(an_audit_log_that_is_not_whole_is_told),
                BENCH(a_damaged_store_is_replaced_and_kept),
                BENCH(into_an_empty_folder_it_goes_too),
                BENCH(a_kill_leaves_one_of_the_two),
        };

        fault_install();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
