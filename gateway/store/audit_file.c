#include "store/audit_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/store.h"

#define BUSY_TIMEOUT_MS 5000
#define PATH_BYTES_MAX  4096
#define VALUE_BYTES_MAX (1 << 20) /* above any that was ever written: nothing larger is loaded */

struct audit_file {
        sqlite3 *conn;
};

static enum errc sql_failed(const struct audit_file *file, const char *what, struct err *err)
{
        return err_set(err, E_CONFIG, "%s: %s", what, sqlite3_errmsg(file->conn));
}

static enum errc read_int(const struct audit_file *file, const char *sql, int64_t *out,
                          struct err *err)
{
        sqlite3_stmt *q = NULL;
        enum errc rc = E_OK;

        *out = 0;
        if (sqlite3_prepare_v2(file->conn, sql, -1, &q, NULL) || sqlite3_step(q) != SQLITE_ROW)
                rc = sql_failed(file, "the file can't be read as a database", err);
        else
                *out = sqlite3_column_int64(q, 0);
        sqlite3_finalize(q);
        return rc;
}

/* --- opening --- */

/* A copy that lies where nothing can be written: SQLite wants to make a file beside a database in WAL
 * mode. Where no log lies beside it, it is complete as it is. */
static enum errc open_fixed(struct audit_file *file, const char *path, struct err *err)
{
        char wal[PATH_BYTES_MAX + 8];
        struct stat st;
        struct buf uri;
        int failed;

        buf_init(&uri, 3 * PATH_BYTES_MAX + 64);
        buf_puts(&uri, "file:");
        for (const char *p = path; *p; p++)
                if (*p == '%' || *p == '?' || *p == '#')
                        buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
                else
                        buf_putc(&uri, *p);
        buf_puts(&uri, "?immutable=1");
        (void)snprintf(wal, sizeof wal, "%s-wal", path);
        failed = buf_check(&uri) || (stat(wal, &st) == 0 && st.st_size > 0);
        if (!failed) {
                sqlite3_close(file->conn);
                file->conn = NULL;
                failed = sqlite3_open_v2(
                        buf_cstr(&uri), &file->conn,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
        }
        buf_fini(&uri);
        return failed ? sql_failed(file, path, err) : E_OK;
}

static enum errc set_up(struct audit_file *file, struct err *err)
{
        static const char pragmas[] = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;"
                                      " PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;";

        sqlite3_busy_timeout(file->conn, BUSY_TIMEOUT_MS);
        sqlite3_limit(file->conn, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
        sqlite3_db_config(file->conn, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        if (sqlite3_exec(file->conn, pragmas, NULL, NULL, NULL))
                return sql_failed(file, "settings", err);
        return E_OK;
}

/* A view of that name could show records that are nowhere. */
static enum errc check_schema(struct audit_file *file, struct err *err)
{
        int64_t id = 0, n = 0;
        enum errc rc = read_int(file, "PRAGMA application_id", &id, err);

        if (!rc && id != DB_APPLICATION_ID)
                rc = err_set(err, E_CONFIG, "The file is not a gateway's database.");
        if (!rc)
                rc = read_int(file,
                              "SELECT count(*) FROM sqlite_schema WHERE name = 'audit' AND"
                              " type = 'table' AND rootpage > 0 AND sql NOT LIKE '%WITHOUT ROWID%'",
                              &n, err);
        if (!rc && n != 1)
                rc = err_set(err, E_CONFIG, "The database has no audit log.");
        return rc;
}

struct audit_file *audit_file_open(const char *path, struct err *err)
{
        struct audit_file *file = xcalloc(1, sizeof *file);
        enum errc rc = E_OK;
        int64_t version;

        if (strlen(path) >= PATH_BYTES_MAX)
                rc = err_set(err, E_CONFIG, "The path is too long.");
        else if (access(path, R_OK))
                rc = err_set(err, E_CONFIG, "%s can't be read.", path);
        else if (sqlite3_open_v2(path, &file->conn, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                                 NULL))
                rc = sql_failed(file, path, err);
        if (!rc && read_int(file, "PRAGMA user_version", &version, err)) {
                int code = sqlite3_errcode(file->conn);

                rc = E_CONFIG;
                if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) {
                        *err = (struct err){.code = E_OK};
                        rc = open_fixed(file, path, err);
                }
        }
        if (!rc)
                rc = set_up(file, err);
        if (!rc)
                rc = check_schema(file, err);
        if (rc) {
                audit_file_close(file);
                file = NULL;
        }
        return file;
}

void audit_file_close(struct audit_file *file)
{
        if (!file)
                return;
        must(sqlite3_close(file->conn) == SQLITE_OK);
        free(file);
}

/* --- reading --- */

static bool take_text(struct audit_text *out, sqlite3_stmt *q, int i)
{
        if (sqlite3_column_type(q, i) != SQLITE_TEXT)
                return false;
        out->s = (const char *)sqlite3_column_text(q, i);
        out->len = (size_t)sqlite3_column_bytes(q, i);
        return out->s && out->len <= STORE_BLOB_MAX;
}

static bool take_int(int64_t *out, sqlite3_stmt *q, int i)
{
        *out = sqlite3_column_int64(q, i);
        return sqlite3_column_type(q, i) == SQLITE_INTEGER;
}

static bool take_hash(struct hash32 *out, sqlite3_stmt *q, int i)
{
        if (sqlite3_column_type(q, i) != SQLITE_BLOB ||
            (size_t)sqlite3_column_bytes(q, i) != sizeof out->b)
                return false;
        memcpy(out->b, sqlite3_column_blob(q, i), sizeof out->b);
        return true;
}

/* Whatever can be read is: a broken record is named by its brand and number. */
static void take_record(struct audit_record *r, sqlite3_stmt *q)
{
        bool ok = take_text(&r->brand, q, 0);

        ok = take_int(&r->seq, q, 1) && ok;
        ok = take_int(&r->at, q, 2) && ok;
        ok = take_text(&r->actor, q, 3) && ok;
        ok = take_text(&r->action, q, 4) && ok;
        ok = take_text(&r->detail, q, 5) && ok;
        ok = take_hash(&r->prev, q, 6) && ok;
        ok = take_hash(&r->hash, q, 7) && ok;
        r->is_malformed = !ok;
}

enum errc audit_file_each(struct audit_file *file, audit_file_fn *each, void *cookie,
                          struct err *err)
{
        /* By the table itself: an index could be made to tell another order. */
        static const char sql[] = "SELECT brand, seq, at, actor, action, detail, prev_hash, hash"
                                  " FROM audit NOT INDEXED ORDER BY rowid";
        sqlite3_stmt *q = NULL;
        enum errc rc = E_OK;
        int code;

        if (sqlite3_prepare_v2(file->conn, sql, -1, &q, NULL)) {
                rc = sql_failed(file, "the audit log", err);
                goto done;
        }
        while ((code = sqlite3_step(q)) == SQLITE_ROW) {
                struct audit_record record = {.seq = 0};

                take_record(&record, q);
                if (!each(cookie, &record))
                        goto done;
        }
        if (code != SQLITE_DONE)
                rc = sql_failed(file, "the audit log", err);
done:
        sqlite3_finalize(q);
        return rc;
}

/* --- judging --- */

struct verifying {
        struct audit_verdict *verdict;
        struct audit_chain *chain;
        const char *brand;
};

static bool is_asked(const struct verifying *v, const struct audit_record *record)
{
        if (!v->brand || !record->brand.s) /* without a brand it may be any's */
                return true;
        return record->brand.len == strlen(v->brand) &&
               memcmp(record->brand.s, v->brand, record->brand.len) == 0;
}

static bool verify_one(void *cookie, const struct audit_record *record)
{
        struct verifying *v = cookie;
        struct audit_verdict *verdict = v->verdict;

        if (!is_asked(v, record))
                return true;
        verdict->records++;
        verdict->fault = audit_chain_add(v->chain, record);
        if (!verdict->fault)
                return true;
        if (record->brand.s && record->brand.len < sizeof verdict->brand)
                memcpy(verdict->brand, record->brand.s, record->brand.len);
        verdict->seq = record->seq;
        return false;
}

enum errc audit_file_verify(struct audit_file *file, struct audit_verdict *verdict,
                            struct audit_chain *chain, const char *brand, struct err *err)
{
        struct verifying v = {.verdict = verdict, .chain = chain, .brand = brand};
        struct audit_head missing;
        int64_t guards = 0;
        enum errc rc;

        *verdict = (struct audit_verdict){.fault = AUDIT_WHOLE};
        rc = audit_file_each(file, verify_one, &v, err);
        if (rc || verdict->fault)
                return rc;
        verdict->fault = audit_chain_end(chain, &missing);
        if (verdict->fault) {
                memcpy(verdict->brand, missing.brand, sizeof verdict->brand);
                verdict->seq = missing.seq;
                return E_OK;
        }
        rc = read_int(file,
                      "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name ="
                      " 'audit' AND sql NOT LIKE '%WHEN%' AND ((name = 'audit_no_update' AND sql "
                      "LIKE '%BEFORE UPDATE ON"
                      " audit%RAISE(ABORT,%') OR (name = 'audit_no_delete' AND sql LIKE '%BEFORE"
                      " DELETE ON audit%RAISE(ABORT,%'))",
                      &guards, err);
        if (!rc && guards != 2)
                verdict->fault = AUDIT_UNGUARDED;
        return rc;
}
