#include "store/db_backup.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/db_impl.h"
#include "store/migration.h"

/* The copy is worthless until it is whole, and synced then. */
static const char settings[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";

enum errc db_backup_start(struct db *db, const char *file, struct err *err)
{
        if (db->copy)
                return err_set(err, E_EXISTS, "another copy is being made");
        if (!db->conn)
                return err_set(err, E_IO, "the store can't be read");
        if (sqlite3_open_v2(file, &db->copy_conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                            NULL) == SQLITE_OK &&
            sqlite3_exec(db->copy_conn, settings, NULL, NULL, NULL) == SQLITE_OK)
                db->copy = sqlite3_backup_init(db->copy_conn, "main", db->conn, "main");
        if (db->copy)
                return E_OK;
        (void)err_set(err, E_IO, "%s: %s", file, sqlite3_errmsg(db->copy_conn));
        db_backup_end(db);
        return E_IO;
}

enum errc db_backup_step(struct db *db, int n_pages, bool *is_done, unsigned *n_pages_in_all,
                         unsigned *n_pages_left)
{
        int code;

        *is_done = false;
        if (!db->copy)
                return E_IO; /* the database was opened anew meanwhile */
        code = sqlite3_backup_step(db->copy, n_pages);
        *n_pages_in_all = (unsigned)sqlite3_backup_pagecount(db->copy);
        *n_pages_left = (unsigned)sqlite3_backup_remaining(db->copy);
        if (code == SQLITE_DONE)
                *is_done = true;
        else if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED)
                goto failed;
        return E_OK;
failed:
        db_backup_end(db);
        return E_IO;
}

void db_backup_end(struct db *db)
{
        if (db->copy)
                sqlite3_backup_finish(db->copy);
        db->copy = NULL;
        if (db->copy_conn)
                must(sqlite3_close(db->copy_conn) == SQLITE_OK);
        db->copy_conn = NULL;
}

/* --- reading it all --- */

static enum errc read_row(sqlite3 *conn, const char *sql, int64_t *n, char *text, size_t cap)
{
        sqlite3_stmt *q = NULL;
        enum errc rc = E_IO;
        int code = sqlite3_prepare_v2(conn, sql, -1, &q, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_step(q);
        if (code == SQLITE_ROW) {
                const char *value = (const char *)sqlite3_column_text(q, 0);
                *n = sqlite3_column_int64(q, 0);
                if (text)
                        (void)text_copy(text, cap, value ? value : "");
                rc = E_OK;
        } else if (code == SQLITE_DONE) {
                *n = 0;
                rc = E_NOT_FOUND;
        }
        sqlite3_finalize(q);
        return rc;
}

static enum errc check_kind(sqlite3 *conn, const char *file, int64_t *version, struct err *err)
{
        int64_t id = 0;

        if (read_row(conn, "PRAGMA application_id", &id, NULL, 0) ||
            read_row(conn, "PRAGMA user_version", version, NULL, 0))
                return err_set(err, E_IO, "%s: %s", file, sqlite3_errmsg(conn));
        if (id != DB_APPLICATION_ID)
                return err_set(err, E_IO, "%s is not a gateway's store", file);
        if (*version < 1 || *version > (int64_t)migration_count)
                return err_set(err, E_IO, "%s has schema version %lld, this program knows 1 to %u",
                               file, (long long)*version, migration_count);
        return E_OK;
}

static enum errc check_whole(sqlite3 *conn, const char *file, struct err *err)
{
        char told[160] = "";
        int64_t n;

        if (read_row(conn, "PRAGMA integrity_check(1)", &n, told, sizeof told))
                return err_set(err, E_IO, "%s: %s", file, sqlite3_errmsg(conn));
        if (strcmp(told, "ok") != 0)
                return err_set(err, E_IO, "%s is damaged: %s", file, told);
        if (read_row(conn, "PRAGMA foreign_key_check", &n, told, sizeof told) != E_NOT_FOUND)
                return err_set(err, E_IO, "%s is damaged: %s names rows that are missing", file,
                               told);
        return E_OK;
}

static enum errc open_folded(sqlite3 **conn, const char *file, struct err *err)
{
        static const char pragmas[] = "PRAGMA journal_mode = DELETE; PRAGMA temp_store = MEMORY;";
        int code = sqlite3_open_v2(file, conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

        if (code == SQLITE_OK)
                code = sqlite3_exec(*conn, pragmas, NULL, NULL, NULL);
        return code ? err_set(err, E_IO, "%s: %s", file, sqlite3_errmsg(*conn)) : E_OK;
}

enum errc db_backup_fold(const char *file, struct err *err)
{
        sqlite3 *conn = NULL;
        enum errc rc = open_folded(&conn, file, err);

        sqlite3_close(conn);
        return rc;
}

enum errc db_backup_check(const char *file, int64_t *version, struct err *err)
{
        sqlite3 *conn = NULL;
        int64_t found = 0;
        enum errc rc = open_folded(&conn, file, err);

        if (!rc)
                rc = check_kind(conn, file, &found, err);
        if (!rc)
                rc = check_whole(conn, file, err);
        if (version)
                *version = found;
        sqlite3_close(conn);
        return rc;
}
