/* What the disk is trusted with: the length of the log, and reading everything anew after a failure. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/db_backup.h"
#include "store/db_impl.h"

#define LONG_LOG_FRAMES 4000 /* a page that changes often is moved seldom */

/* --- the log --- */

/* SQLite's own checkpoints use the same hook and keep their failures to themselves. */
static int committed(void *cookie, sqlite3 *conn, const char *name, int n_frames)
{
        struct db *db = cookie;

        (void)conn;
        (void)name;
        db->log_frames = n_frames;
        return SQLITE_OK;
}

void db_watch_log(struct db *db)
{
        sqlite3_wal_hook(db->conn, committed, db);
}

enum errc db_cap(struct db *db)
{
        char sql[64];
        int64_t n = 0;
        sqlite3_stmt *q = db_query(db, "PRAGMA page_count");

        db->is_capped = true;
        if (db_step(db, q))
                return E_STORE_DOWN;
        n = db_get_int(q, 0);
        db_reset(q);
        snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)n);
        return sqlite3_exec(db->conn, sql, NULL, NULL, NULL) ? E_STORE_DOWN : E_OK;
}

static int checkpoint(struct db *db, int *n_log)
{
        int n_moved = 0, code;

        code = sqlite3_wal_checkpoint_v2(db->conn, NULL, SQLITE_CHECKPOINT_PASSIVE, n_log,
                                         &n_moved);
        /* All of it is in the database and synced: the next commit may begin the log anew. */
        if (code == SQLITE_OK && *n_log == n_moved)
                db->log_frames = 0;
        return code;
}

void db_checkpoint_if_long(struct db *db)
{
        int n_log = 0, code;

        if (!db->conn || db->log_frames < LONG_LOG_FRAMES)
                return;
        code = checkpoint(db, &n_log);
        if (code == SQLITE_OK)
                return;
        /* Nothing is lost: the log has it all, and grows until this works or the disk is full. */
        db_note_sync(db, code);
        if (db->is_failing)
                return;
        db->is_failing = true;
        log_event(LOG_ERROR, "store can't move its log into the database", "cause",
                  sqlite3_errstr(code), "frames", log_int(db->log_frames), NULL);
}

int db_log_frames(const struct db *db)
{
        return db->log_frames;
}

bool db_is_full(const struct db *db)
{
        return db->is_full;
}

/* --- after a failure --- */

void db_note_sync(struct db *db, int extended_code)
{
        switch (extended_code) {
        case SQLITE_IOERR_FSYNC:
        case SQLITE_IOERR_DIR_FSYNC:
        case SQLITE_IOERR_READ:
        case SQLITE_IOERR_SHORT_READ:
        case SQLITE_IOERR_SHMMAP: db->is_suspect = true; break;
        default: break;
        }
}

bool db_is_suspect(const struct db *db)
{
        return db->is_suspect && db->file;
}

/* Pages that could not be written are clean to the kernel, and may differ from the disk. */
static void forget_cached(const char *file, const char *suffix)
{
        char path[PATH_MAX];
        int fd;

        if (snprintf(path, sizeof path, "%s%s", file, suffix) >= (int)sizeof path)
                return;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
}

static void finalize(void *stmt)
{
        sqlite3_finalize(stmt);
}

static void disconnect(struct db *db)
{
        db_backup_end(db);
        map_free(db->stmts, finalize);
        db->stmts = map_new();
        if (!db->conn)
                return;
        /* Closing would move the log, from memory that can't be trusted. */
        sqlite3_db_config(db->conn, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        must(sqlite3_close(db->conn) == SQLITE_OK);
        db->conn = NULL;
}

/* Frames of commits that failed lie behind the last one that was acknowledged, perhaps whole: they would be
 * found again, though everybody was told that they were not written. */
static void cut_log(const struct db *db)
{
        enum { HEADER_BYTES = 32, FRAME_HEADER_BYTES = 24, PAGE_SIZE_AT = 8 };
        uint8_t head[HEADER_BYTES];
        char path[PATH_MAX];
        int fd;

        if (snprintf(path, sizeof path, "%s-wal", db->file) >= (int)sizeof path)
                return;
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return;
        if (pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head) {
                const uint8_t *p = head + PAGE_SIZE_AT;
                off_t page = (off_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
                off_t keep = HEADER_BYTES + db->log_frames * (FRAME_HEADER_BYTES + page);
                off_t size = lseek(fd, 0, SEEK_END);

                if (size > keep && (ftruncate(fd, db->log_frames ? keep : 0) || fsync(fd)))
                        log_event(LOG_WARN, "store's log can't be cut", "cause", strerror(errno),
                                  NULL);
        }
        close(fd);
}

/* The log was read anew, frame by frame, up to the last whole commit: none may be missing. Moving it is
 * the first test of the disk. */
static enum errc check_log(struct db *db, int acknowledged, struct err *err)
{
        int n_log = 0, code = checkpoint(db, &n_log);

        if (code)
                return err_set(err, E_STORE_DOWN, "%s", sqlite3_errstr(code));
        if (n_log >= 0 && n_log < acknowledged) /* -1: there is no such log */
                return err_set(err, E_STORE_DOWN,
                               "the log has %d pages of the %d that were acknowledged: the disk "
                               "has lost some",
                               n_log, acknowledged);
        return E_OK;
}

enum errc db_reopen(struct db *db)
{
        int acknowledged = db->log_frames;
        struct err err = {.code = E_OK};
        enum errc rc;

        disconnect(db);
        cut_log(db);
        forget_cached(db->file, "");
        forget_cached(db->file, "-wal");
        rc = db_connect(db, &err);
        if (rc)
                disconnect(db);
        else
                rc = check_log(db, acknowledged, &err);
        db->is_suspect = rc != E_OK;
        if (rc) {
                if (!db->is_failing)
                        log_event(LOG_ERROR, "store can't be read again", "cause", err.detail,
                                  NULL);
                db->is_failing = true;
                db->log_frames = acknowledged;
                return E_STORE_DOWN;
        }
        log_event(LOG_INFO, "store read again from the disk", NULL);
        return E_OK;
}

/* --- marks --- */

enum errc db_mark_get(struct db *db, const char *name, int64_t *value)
{
        sqlite3_stmt *q = db_query(db, "SELECT value FROM mark WHERE name = ?1");
        enum errc rc;

        *value = 0;
        db_bind_text(q, 1, name);
        rc = db_step(db, q);
        if (rc == E_NOT_FOUND)
                return E_OK;
        if (rc)
                return rc;
        *value = db_get_int(q, 0);
        db_reset(q);
        return E_OK;
}

enum errc db_mark_set(struct db *db, const char *name, int64_t value)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO mark (name, value) VALUES (?1, ?2)"
                                       " ON CONFLICT (name) DO UPDATE SET value = excluded.value");

        db_bind_text(q, 1, name);
        db_bind_int(q, 2, value);
        return db_run(db, q);
}

enum errc db_empty(struct db *db)
{
        static const char sql[] =
                "SELECT group_concat(statement, ';') FROM ("
                "SELECT iif(type = 'trigger', 'DROP TRIGGER \"', 'DELETE FROM \"') || name || '\"'"
                " AS statement FROM sqlite_schema WHERE type IN ('table', 'trigger')"
                " AND name NOT LIKE 'sqlite%' AND name <> 'mark' ORDER BY type DESC, name)";
        sqlite3_stmt *q = db_query(db, sql);
        char *statements;
        enum errc rc;

        if (db_step(db, q))
                return E_STORE_DOWN;
        statements = xstrdup((const char *)sqlite3_column_text(q, 0));
        db_reset(q);
        rc = sqlite3_exec(db->conn, statements, NULL, NULL, NULL) ? E_STORE_DOWN : E_OK;
        free(statements);
        return rc;
}
