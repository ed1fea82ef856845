/* Opening a database: who may read it, who else has it, which schema it holds. */
#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "store/db_impl.h"
#include "store/migration.h"

#define BUSY_TIMEOUT_MS 5000

/* Makes the folder's entry for a new file last through a power cut. */
static enum errc sync_folder(const char *file, struct err *err)
{
        char folder[PATH_MAX];
        const char *slash = strrchr(file, '/');
        size_t len = slash ? (size_t)(slash - file) : 0;

        if (len >= sizeof folder)
                return err_set(err, E_CONFIG, "store: the path is too long");
        memcpy(folder, file, len);
        folder[len] = '\0';

        int fd = open(slash ? (len ? folder : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return err_set(err, E_CONFIG, "store: folder of %s: %s", file, strerror(errno));
        int failed = fsync(fd);
        close(fd);
        if (failed)
                return err_set(err, E_CONFIG, "store: folder of %s: %s", file, strerror(errno));
        return E_OK;
}

/* Creates the file for its owner alone before SQLite would with the process's umask; its WAL takes
 * over the mode. It holds sealed keys and session hashes, so a wider mode is narrowed. */
static enum errc own_file(const char *file, struct err *err)
{
        enum errc rc = E_OK;
        struct stat st;
        int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);

        if (fd < 0)
                return err_set(err, E_CONFIG, "store: %s: %s", file, strerror(errno));
        if (fstat(fd, &st))
                rc = err_set(err, E_CONFIG, "store: %s: %s", file, strerror(errno));
        else if (!S_ISREG(st.st_mode))
                rc = err_set(err, E_CONFIG, "store: %s is not a regular file", file);
        else if ((st.st_mode & 0777) != 0600 && fchmod(fd, 0600))
                rc = err_set(err, E_CONFIG,
                             "store: %s: others may read it, and its mode can't be "
                             "set to 0600: %s",
                             file, strerror(errno));
        close(fd);
        return rc ? rc : sync_folder(file, err);
}

/* Two gateways on one file would hand out the same nonces. The lock lies beside the database, so
 * that backup tools can still read it. */
int db_lock(const char *file, struct err *err)
{
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s-lock", file);
        int fd;

        if (n < 0 || (size_t)n >= sizeof path) {
                (void)err_set(err, E_CONFIG, "store: the path is too long");
                return -1;
        }
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0) {
                (void)err_set(err, E_CONFIG, "store: %s: %s", path, strerror(errno));
        } else if (flock(fd, LOCK_EX | LOCK_NB)) {
                (void)err_set(err, E_CONFIG, "store: %s is in use by another gateway", file);
                close(fd);
                fd = -1;
        }
        return fd;
}

static enum errc sql_failed(struct db *db, const char *what, struct err *err)
{
        return err_set(err, E_CONFIG, "store: %s: %s", what, sqlite3_errmsg(db->conn));
}

static enum errc run(struct db *db, const char *sql, const char *what, struct err *err)
{
        if (sqlite3_exec(db->conn, sql, NULL, NULL, NULL))
                return sql_failed(db, what, err);
        return E_OK;
}

static enum errc read_int(struct db *db, const char *sql, int64_t *out, struct err *err)
{
        sqlite3_stmt *stmt = NULL;
        enum errc rc = E_OK;

        if (sqlite3_prepare_v2(db->conn, sql, -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW)
                rc = sql_failed(db, sql, err);
        else
                *out = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return rc;
}

static enum errc set_up_connection(struct db *db, struct err *err)
{
        static const char pragmas[] = "PRAGMA synchronous = FULL;"
                                      "PRAGMA journal_size_limit = 67108864;"
                                      "PRAGMA foreign_keys = ON;"
                                      "PRAGMA secure_delete = ON;" /* an erased key is gone */
                                      "PRAGMA temp_store = MEMORY;"
                                      "PRAGMA cell_size_check = ON;"
                                      "PRAGMA trusted_schema = OFF;";
        /* Beside the first: its journal is kept at the size it once had, so that a commit needs no space. */
        bool is_beside = db->file && db->lock_fd < 0;
        const char *journal =
                is_beside ? "PRAGMA journal_mode = PERSIST" : "PRAGMA journal_mode = WAL";
        const char *wanted = is_beside ? "persist" : db->file ? "wal" : "memory";
        sqlite3_stmt *stmt = NULL;
        enum errc rc;

        sqlite3_extended_result_codes(db->conn, 1);
        sqlite3_busy_timeout(db->conn, BUSY_TIMEOUT_MS);
        /* The first statement that reads the file: a file of another kind is found out here. */
        if (sqlite3_prepare_v2(db->conn, journal, -1, &stmt, NULL) ||
            sqlite3_step(stmt) != SQLITE_ROW) {
                rc = sql_failed(db, "can't be read as a database", err);
                goto done;
        }
        const char *mode = (const char *)sqlite3_column_text(stmt, 0);
        if (!mode || strcmp(mode, wanted) != 0) {
                rc = err_set(err, E_CONFIG, "store: the file system can't hold a write-ahead log");
                goto done;
        }
        sqlite3_finalize(stmt);
        stmt = NULL;
        rc = run(db, pragmas, "settings", err);
        if (!rc && is_beside)
                rc = run(db, "PRAGMA journal_size_limit = -1; PRAGMA foreign_keys = OFF;",
                         "settings", err);
        else if (!rc)
                db_watch_log(db);
done:
        sqlite3_finalize(stmt);
        return rc;
}

/* 0 for a fresh file, and nothing but one of ours otherwise. */
static enum errc read_version(struct db *db, int64_t *version, struct err *err)
{
        int64_t id = 0, n_tables = 0;
        enum errc rc;

        rc = read_int(db, "PRAGMA user_version", version, err);
        if (!rc)
                rc = read_int(db, "PRAGMA application_id", &id, err);
        if (!rc)
                rc = read_int(db, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
        if (rc)
                return rc;
        if (id != DB_APPLICATION_ID && (id || *version || n_tables))
                return err_set(err, E_CONFIG, "store: the file is the database of another program");
        if (*version > (int64_t)migration_count)
                return err_set(err, E_CONFIG,
                               "store: the database has schema version %lld, this program knows "
                               "versions up to %u: run the newer program or restore a backup",
                               (long long)*version, migration_count);
        if (*version < 0)
                return err_set(err, E_CONFIG, "store: the database's schema version is damaged");
        return E_OK;
}

/* Each step in a transaction of its own, its version number included. */
static enum errc migrate_one(struct db *db, unsigned i, struct err *err)
{
        const struct migration *m = &migration_table[i];
        char stamp[96];
        enum errc rc;

        snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %u;",
                 DB_APPLICATION_ID, i + 1);
        rc = run(db, "BEGIN IMMEDIATE", m->name, err);
        if (!rc)
                rc = run(db, m->sql, m->name, err);
        if (!rc)
                rc = run(db, stamp, m->name, err);
        if (!rc)
                rc = run(db, "COMMIT", m->name, err);
        if (rc && !sqlite3_get_autocommit(db->conn))
                sqlite3_exec(db->conn, "ROLLBACK", NULL, NULL, NULL);
        return rc;
}

static enum errc migrate(struct db *db, struct err *err)
{
        int64_t version = 0;
        enum errc rc = read_version(db, &version, err);

        for (unsigned i = (unsigned)version; !rc && i < migration_count; i++)
                rc = migrate_one(db, i, err);
        /* After this no statement can corrupt the file on purpose. */
        if (!rc)
                sqlite3_db_config(db->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        return rc;
}

/* SQLite's count of its memory costs a lock per allocation and nobody reads it. The setting is the
 * process's; it is refused, without harm, once SQLite is in use. */
static void stop_counting_memory(void)
{
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum errc db_connect(struct db *db, struct err *err)
{
        const char *file = db->file ? db->file : ":memory:";
        int flags =
                SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (db->file ? 0 : SQLITE_OPEN_CREATE);
        enum errc rc = E_OK;

        if (sqlite3_open_v2(file, &db->conn, flags, NULL))
                rc = sql_failed(db, file, err);
        if (!rc)
                rc = set_up_connection(db, err);
        if (!rc)
                rc = migrate(db, err);
        if (!rc && db->is_capped && db_cap(db))
                rc = sql_failed(db, "max_page_count", err);
        return rc;
}

static struct db *open_file(const char *file, bool with_lock, struct err *err)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct db *db = xcalloc(1, sizeof *db);
        enum errc rc = E_OK;

        must(pthread_once(&once, stop_counting_memory) == 0);
        db->lock_fd = -1;
        db->stmts = map_new();
        if (strcmp(file, ":memory:") != 0) {
                db->file = xstrdup(file);
                /* The lock first: to close any descriptor of a database that this process has open
                 * elsewhere would drop that connection's locks. */
                if (with_lock) {
                        db->lock_fd = db_lock(file, err);
                        rc = db->lock_fd < 0 ? E_CONFIG : E_OK;
                }
                if (!rc)
                        rc = own_file(file, err);
        }
        if (!rc)
                rc = db_connect(db, err);
        if (rc) {
                db_close(db);
                db = NULL;
        }
        return db;
}

struct db *db_open(const char *file, struct err *err)
{
        return open_file(file, true, err);
}

struct db *db_open_beside(const char *file, struct err *err)
{
        return open_file(file, false, err);
}
