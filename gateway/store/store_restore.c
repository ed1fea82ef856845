#include "store/store_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/audit_file.h"
#include "store/db.h"
#include "store/db_backup.h"
#include "store/store_backup.h"
#include "store/store_op.h"

/* How far nonces may have run ahead of the clock: several in a millisecond, and a clock that was a
 * little fast. The venue takes them up to a day ahead. */
#define NONCE_LEAD_MS 60000
#define BRANDS_MAX    1024

struct restore {
        const struct store_restore_options *o;
        struct store_restore_result *result;
        char copy[512];
        struct loop *loop;
        struct store *store; /* on the copy */
        unsigned n_told;
        enum errc told_rc;
};

static enum errc failed(struct err *err, const char *what)
{
        return err_set(err, E_IO, "%s: %s", what, strerror(errno));
}

/* --- the copy --- */

static enum errc copy_bytes(int from, int to, const char *name, struct err *err)
{
        char *chunk = xmalloc(1u << 16);
        enum errc rc = E_OK;
        ssize_t n;

        while (!rc && (n = read(from, chunk, 1u << 16)) != 0)
                if (n < 0 || write(to, chunk, (size_t)n) != n)
                        rc = failed(err, name);
        free(chunk);
        if (!rc && fsync(to))
                rc = failed(err, name);
        return rc;
}

static enum errc copy_file(const struct restore *r, struct err *err)
{
        enum errc rc = E_OK;
        int from, to = -1;

        (void)!unlink(r->copy); /* of a restore that was interrupted */
        from = open(r->o->backup, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (from < 0)
                return failed(err, r->o->backup);
        to = open(r->copy, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        rc = to < 0 ? failed(err, r->copy) : copy_bytes(from, to, r->copy, err);
        close(from);
        if (to >= 0)
                close(to);
        return rc;
}

/* Of the copy, which is what will be used. */
static enum errc check_sum(const struct restore *r, struct err *err)
{
        char path[600], wanted[65] = "", sum[65];
        int64_t bytes;
        ssize_t n;
        int fd;

        if (r->o->without_sum)
                return E_OK;
        snprintf(path, sizeof path, "%s.sha256", r->o->backup);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return failed(err, path);
        n = read(fd, wanted, 64);
        close(fd);
        if (n != 64)
                return err_set(err, E_CONFIG, "%s holds no checksum", path);
        if (store_backup_sum(r->copy, sum, &bytes, err))
                return E_IO;
        if (strcmp(sum, wanted) != 0)
                return err_set(err, E_CONFIG, "%s is not what it was: its checksum differs",
                               r->o->backup);
        return E_OK;
}

/* --- preparing it --- */

static enum errc read_int(struct db *db, const char *sql, int64_t *out)
{
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc = db_step(db, q);

        if (rc)
                return rc;
        *out = db_get_int(q, 0);
        db_reset(q);
        return E_OK;
}

static enum errc raise_nonces(struct db *db, int64_t floor)
{
        sqlite3_stmt *q = db_query(db, "UPDATE signer_highest SET nonce = ?1 WHERE nonce < ?1");
        enum errc rc;

        db_bind_int(q, 1, floor);
        rc = db_run(db, q);
        if (rc)
                return rc;
        /* A signer that has a key here and no nonce yet may have had one since. */
        q = db_query(db, "INSERT INTO signer_highest (signer, nonce)"
                         " SELECT agent, ?1 FROM agent WHERE retired_at IS NULL"
                         " ON CONFLICT (signer) DO NOTHING");
        db_bind_int(q, 1, floor);
        return db_run(db, q);
}

static enum errc prepare_rows(struct restore *r, struct db *db)
{
        struct store_restore_result *result = r->result;
        int64_t n_sessions = 0, n_keys = 0;
        enum errc rc = read_int(db, "SELECT count(*) FROM session", &n_sessions);

        if (!rc)
                rc = read_int(db, "SELECT count(*) FROM api_key", &n_keys);
        if (!rc)
                rc = read_int(db,
                              "SELECT max((SELECT coalesce(max(created_at), 0) FROM intent),"
                              " (SELECT coalesce(max(at), 0) FROM audit))",
                              &result->made_at);
        if (!rc)
                rc = db_exec(db, "BEGIN IMMEDIATE");
        if (!rc)
                rc = db_exec(db, "DELETE FROM session");
        if (!rc)
                rc = raise_nonces(db, r->o->now + NONCE_LEAD_MS);
        /* Keys that were used since the copy was made are not known here. */
        if (!rc)
                rc = db_exec(db, "UPDATE key_watch SET seen_at = 0");
        /* What the reserve of the store that is replaced has not given up yet is taken over at the start. */
        if (!rc)
                rc = db_mark_set(db, "reserve_merged", 0);
        if (!rc)
                rc = db_mark_set(db, "restored_at", r->o->now);
        if (!rc)
                rc = db_mark_set(db, "restored_from", result->made_at);
        if (!rc)
                rc = db_exec(db, "COMMIT");
        result->sessions = (unsigned)n_sessions;
        result->api_keys = (unsigned)n_keys;
        return rc;
}

static void told(void *cookie, enum errc rc)
{
        struct restore *r = cookie;

        r->n_told++;
        if (rc)
                r->told_rc = rc;
}

/* The log says where it has a gap, and how long that may be. */
static enum errc tell_audit(struct restore *r)
{
        char(*brand)[STORE_BRAND_MAX] = xcalloc(BRANDS_MAX, sizeof *brand);
        char detail[160];
        unsigned n = 0;
        enum errc rc = store_brand_key_list(r->store, brand, BRANDS_MAX, &n);

        snprintf(detail, sizeof detail, "{\"restoredAt\":%lld,\"newestRecord\":%lld}",
                 (long long)r->o->now, (long long)r->result->made_at);
        for (unsigned i = 0; !rc && i < n; i++)
                store_audit(r->store, brand[i], "operator", "store.restored", detail, r->o->now,
                            told, r);
        while (!rc && r->n_told < n)
                loop_turn(r->loop, 100);
        free(brand);
        return rc ? rc : r->told_rc;
}

static void remove_side_files(const char *file)
{
        static const char *const suffixes[] = {"-lock", "-wal", "-shm", "-reserve",
                                               "-reserve-journal"};
        char path[600];

        for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
                snprintf(path, sizeof path, "%s%s", file, suffixes[i]);
                (void)!unlink(path);
        }
}

/* Opening brings the schema up to date; closing leaves one file, without a log. */
static enum errc prepare(struct restore *r, struct err *err)
{
        enum errc rc;

        r->loop = loop_new();
        r->store = store_open(r->loop, r->copy, err);
        rc = r->store ? E_OK : err->code;
        if (!rc) {
                rc = prepare_rows(r, store_op_lock(r->store));
                store_op_unlock(r->store);
        }
        if (!rc)
                rc = tell_audit(r);
        if (rc && !err->code)
                (void)err_set(err, rc, "%s can't be written", r->copy);
        store_close(r->store);
        loop_free(r->loop);
        remove_side_files(r->copy);
        return rc;
}

/* As it will be used: what an older schema lacks is there by now. */
static enum errc check_audit(struct restore *r, struct err *err)
{
        struct audit_file *file = audit_file_open(r->copy, err);
        struct audit_chain *chain = audit_chain_new();
        struct audit_verdict v;
        enum errc rc = file ? audit_file_verify(file, &v, chain, NULL, err) : err->code;

        audit_chain_free(chain);
        audit_file_close(file);
        remove_side_files(r->copy);
        if (rc || !v.fault)
                return rc;
        snprintf(r->result->audit_fault, sizeof r->result->audit_fault, "record %lld of %s: %s",
                 (long long)v.seq, v.brand[0] ? v.brand : "?", audit_chain_fault_text(v.fault));
        if (r->o->broken_audit)
                return E_OK;
        return err_set(err, E_CONFIG, "%s: the audit log is not whole: %s", r->o->backup,
                       r->result->audit_fault);
}

/* --- putting it in place --- */

/* Moved with it: beside what takes its place, a log or a journal of another database would be played into
 * it. */
static enum errc move_side_file(const struct restore *r, const char *suffix, struct err *err)
{
        char from[600], to[600];

        snprintf(from, sizeof from, "%s%s", r->o->file, suffix);
        snprintf(to, sizeof to, "%s%s", r->result->aside, suffix);
        if (rename(from, to) && errno != ENOENT)
                return failed(err, from);
        return E_OK;
}

/* What was there is made one file where it can be read, so that a single rename replaces it. */
static enum errc set_aside(struct restore *r, struct err *err)
{
        struct store_restore_result *result = r->result;
        const char *file = r->o->file;
        time_t seconds = (time_t)(r->o->now / 1000);
        struct err damaged = {.code = E_OK};
        char stamp[32], shm[600];
        struct tm utc;
        enum errc rc;

        if (access(file, F_OK))
                return E_OK;
        if (db_backup_fold(file, &damaged))
                log_event(LOG_WARN, "the store that is replaced can't be read", "cause",
                          damaged.detail, NULL);
        must(gmtime_r(&seconds, &utc) != NULL);
        must(strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc) > 0);
        snprintf(result->aside, sizeof result->aside, "%s.replaced-%s.%03dZ", file, stamp,
                 (int)(r->o->now % 1000));
        if (link(file, result->aside))
                return failed(err, result->aside);
        rc = move_side_file(r, "-wal", err);
        if (!rc)
                rc = move_side_file(r, "-journal", err);
        snprintf(shm, sizeof shm, "%s-shm", file);
        (void)!unlink(shm);
        return rc;
}

static enum errc sync_folder_of(const char *file, struct err *err)
{
        char path[512];
        enum errc rc = E_OK;
        int fd;

        (void)text_copy(path, sizeof path, file);
        fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fsync(fd))
                rc = failed(err, file);
        if (fd >= 0)
                close(fd);
        return rc;
}

static enum errc sync_file(const char *file, struct err *err)
{
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        enum errc rc = E_OK;

        if (fd < 0 || fsync(fd))
                rc = failed(err, file);
        if (fd >= 0)
                close(fd);
        return rc;
}

static enum errc put_in_place(struct restore *r, struct err *err)
{
        enum errc rc = sync_file(r->copy, err);

        if (!rc)
                rc = set_aside(r, err);
        if (!rc && rename(r->copy, r->o->file))
                rc = failed(err, r->o->file);
        return rc ? rc : sync_folder_of(r->o->file, err);
}

enum errc store_restore(const struct store_restore_options *options,
                        struct store_restore_result *result, struct err *err)
{
        struct restore r = {.o = options, .result = result};
        int lock = db_lock(options->file, err);
        enum errc rc = E_OK;

        *result = (struct store_restore_result){.version = 0};
        if (lock < 0)
                return E_CONFIG;
        if (snprintf(r.copy, sizeof r.copy, "%s.restoring", options->file) >= 400)
                rc = err_set(err, E_CONFIG, "%s: the path is too long", options->file);
        if (!rc)
                rc = copy_file(&r, err);
        if (!rc)
                rc = check_sum(&r, err);
        if (!rc)
                rc = db_backup_check(r.copy, &result->version, err);
        if (!rc)
                rc = prepare(&r, err);
        if (!rc)
                rc = check_audit(&r, err);
        if (!rc)
                rc = put_in_place(&r, err);
        if (rc)
                (void)!unlink(r.copy);
        close(lock);
        return rc;
}
