#include "store/db.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/db_backup.h"
#include "store/db_impl.h"

static void note_cause(struct db *db)
{
        int code = sqlite3_extended_errcode(db->conn);

        db->is_full = (code & 0xff) == SQLITE_FULL;
        db_note_sync(db, code);
}

static void say_fails(struct db *db, const char *what)
{
        note_cause(db);
        if (db->is_failing)
                return;
        db->is_failing = true;
        log_event(LOG_ERROR, "store fails", "file", db->file ? db->file : "", "cause", what, "code",
                  log_int(sqlite3_extended_errcode(db->conn)), NULL);
}

void db_say_works(struct db *db)
{
        if (!db->is_failing)
                return;
        db->is_failing = false;
        log_event(LOG_INFO, "store works again", "file", db->file ? db->file : "", NULL);
}

sqlite3_stmt *db_query(struct db *db, const char *sql)
{
        sqlite3_stmt *stmt = map_get(db->stmts, &sql, sizeof sql);

        if (stmt) {
                sqlite3_reset(stmt); /* repeats the last run's error, which has been dealt with */
                sqlite3_clear_bindings(stmt);
                return stmt;
        }
        if (!db->conn)
                return NULL;
        if (sqlite3_prepare_v3(db->conn, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL)) {
                say_fails(db, sqlite3_errmsg(db->conn));
                return NULL;
        }
        must(!map_put(db->stmts, &sql, sizeof sql, stmt));
        return stmt;
}

/* A bind fails only for an index that the statement does not have or a value above SQLite's own
 * limits, which are far above ours. */
void db_bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
        if (!stmt)
                return;
        must(sqlite3_bind_text(stmt, i, text, -1, SQLITE_STATIC) == SQLITE_OK);
}

void db_bind_bytes(sqlite3_stmt *stmt, int i, const void *data, size_t len)
{
        if (!stmt)
                return;
        must(sqlite3_bind_blob64(stmt, i, data, len, SQLITE_STATIC) == SQLITE_OK);
}

void db_bind_int(sqlite3_stmt *stmt, int i, int64_t v)
{
        if (!stmt)
                return;
        must(sqlite3_bind_int64(stmt, i, v) == SQLITE_OK);
}

enum errc db_bind_u64(sqlite3_stmt *stmt, int i, uint64_t v)
{
        if (v > INT64_MAX)
                return E_RANGE;
        db_bind_int(stmt, i, (int64_t)v);
        return E_OK;
}

static enum errc constraint(int extended)
{
        switch (extended) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY: return E_EXISTS;
        default: return E_INVALID;
        }
}

enum errc db_step(struct db *db, sqlite3_stmt *stmt)
{
        if (!stmt)
                return E_STORE_DOWN;

        int code = sqlite3_step(stmt);
        if (code == SQLITE_ROW)
                return E_OK;
        if (code == SQLITE_DONE) {
                sqlite3_reset(stmt);
                return E_NOT_FOUND;
        }
        enum errc rc = E_STORE_DOWN;
        if ((code & 0xff) == SQLITE_CONSTRAINT)
                rc = constraint(sqlite3_extended_errcode(db->conn));
        else
                say_fails(db, sqlite3_errmsg(db->conn));
        sqlite3_reset(stmt);
        return rc;
}

enum errc db_run(struct db *db, sqlite3_stmt *stmt)
{
        enum errc rc = db_step(db, stmt);

        while (rc == E_OK)
                rc = db_step(db, stmt);
        return rc == E_NOT_FOUND ? E_OK : rc;
}

enum errc db_exec(struct db *db, const char *sql)
{
        return db_run(db, db_query(db, sql));
}

void db_reset(sqlite3_stmt *stmt)
{
        sqlite3_reset(stmt);
}

int db_changes(const struct db *db)
{
        return sqlite3_changes(db->conn);
}

int64_t db_total_changes(const struct db *db)
{
        return db->conn ? sqlite3_total_changes64(db->conn) : 0;
}

bool db_in_transaction(const struct db *db)
{
        return db->conn && !sqlite3_get_autocommit(db->conn);
}

enum errc db_get_text(struct db *db, sqlite3_stmt *stmt, int i, char *out, size_t cap)
{
        const char *text = (const char *)sqlite3_column_text(stmt, i);
        size_t len = text ? (size_t)sqlite3_column_bytes(stmt, i) : 0;

        if (len >= cap || (len && strlen(text) != len)) {
                say_fails(db, "a text in the database does not fit");
                return E_STORE_DOWN;
        }
        if (len)
                memcpy(out, text, len);
        out[len] = '\0';
        return E_OK;
}

enum errc db_get_bytes(struct db *db, sqlite3_stmt *stmt, int i, void *out, size_t len)
{
        const void *data = sqlite3_column_blob(stmt, i);

        if (!data || (size_t)sqlite3_column_bytes(stmt, i) != len) {
                say_fails(db, "bytes in the database have the wrong length");
                return E_STORE_DOWN;
        }
        memcpy(out, data, len);
        return E_OK;
}

int64_t db_get_int(sqlite3_stmt *stmt, int i)
{
        return sqlite3_column_int64(stmt, i);
}

uint64_t db_get_u64(sqlite3_stmt *stmt, int i)
{
        int64_t v = sqlite3_column_int64(stmt, i);

        return v > 0 ? (uint64_t)v : 0;
}

static void finalize(void *stmt)
{
        sqlite3_finalize(stmt);
}

void db_close(struct db *db)
{
        if (!db)
                return;
        db_backup_end(db);
        map_free(db->stmts, finalize);
        must(sqlite3_close(db->conn) == SQLITE_OK);
        if (db->lock_fd >= 0)
                close(db->lock_fd);
        free(db->file);
        free(db);
}
