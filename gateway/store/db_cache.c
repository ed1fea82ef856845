#include "store/db_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/db_impl.h"

static const char pragmas[] = "PRAGMA journal_mode = WAL;"
                              "PRAGMA synchronous = NORMAL;"
                              "PRAGMA journal_size_limit = 16777216;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA cell_size_check = ON;"
                              "PRAGMA trusted_schema = OFF;";

static enum errc failed(struct db *db, const char *what, struct err *err)
{
        return err_set(err, E_CONFIG, "%s: %s", what, sqlite3_errmsg(db->conn));
}

/* For its owner alone, before SQLite would make it with the process's umask. */
static enum errc own_file(const char *file, struct err *err)
{
        int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return err_set(err, E_CONFIG, "%s: %s", file, strerror(errno));
        close(fd);
        return E_OK;
}

static enum errc run(struct db *db, const char *sql, const char *what, struct err *err)
{
        return sqlite3_exec(db->conn, sql, NULL, NULL, NULL) ? failed(db, what, err) : E_OK;
}

static enum errc read_version(struct db *db, int *version, struct err *err)
{
        sqlite3_stmt *stmt = NULL;
        enum errc rc = E_OK;

        if (sqlite3_prepare_v2(db->conn, "PRAGMA user_version", -1, &stmt, NULL) ||
            sqlite3_step(stmt) != SQLITE_ROW)
                rc = failed(db, "user_version", err);
        else
                *version = sqlite3_column_int(stmt, 0);
        sqlite3_finalize(stmt);
        return rc;
}

static enum errc make_schema(struct db *db, const char *schema, int version, struct err *err)
{
        char stamp[64];
        enum errc rc = run(db, "BEGIN IMMEDIATE", "schema", err);

        snprintf(stamp, sizeof stamp, "PRAGMA user_version = %d", version);
        if (!rc)
                rc = run(db, schema, "schema", err);
        if (!rc)
                rc = run(db, stamp, "schema", err);
        if (!rc)
                rc = run(db, "COMMIT", "schema", err);
        return rc;
}

static struct db *open_once(const char *file, const char *schema, int version, struct err *err)
{
        struct db *db = xcalloc(1, sizeof *db);
        bool in_memory = strcmp(file, ":memory:") == 0;
        int flags =
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (in_memory ? SQLITE_OPEN_CREATE : 0);
        int found = 0;
        enum errc rc = in_memory ? E_OK : own_file(file, err);

        db->lock_fd = -1;
        db->stmts = map_new();
        if (!rc && sqlite3_open_v2(file, &db->conn, flags, NULL))
                rc = failed(db, file, err);
        if (!rc) {
                sqlite3_extended_result_codes(db->conn, 1);
                rc = run(db, pragmas, "settings", err);
        }
        if (!rc)
                rc = read_version(db, &found, err);
        if (!rc && !found)
                rc = make_schema(db, schema, version, err);
        else if (!rc && found != version)
                rc = err_set(err, E_CONFIG, "%s: version %d", file, found);
        if (rc) {
                db_close(db);
                db = NULL;
        }
        return db;
}

struct db *db_cache_open(const char *file, const char *schema, int version, struct err *err)
{
        struct db *db = open_once(file, schema, version, err);

        if (db)
                return db;
        log_event(LOG_WARN, "cache is begun anew", "file", file, "why", err->detail, NULL);
        *err = (struct err){.code = E_OK};
        db_cache_delete(file);
        return open_once(file, schema, version, err);
}

bool db_cache_is_damaged(const struct db *db)
{
        int code = sqlite3_errcode(db->conn) & 0xff;

        return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

void db_cache_delete(const char *file)
{
        static const char *const ends[] = {"", "-wal", "-shm"};
        char path[PATH_MAX];

        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
                int n = snprintf(path, sizeof path, "%s%s", file, ends[i]);
                if (n > 0 && (size_t)n < sizeof path)
                        (void)unlink(path);
        }
}
