/* Taking over happens once, whatever is interrupted: the reserve has a generation, which the database
 * notes (mark reserve_merged) in the transaction that takes it over. A reserve of a generation that is
 * noted is empty, also when emptying it has failed; the next one written has the number after it. */
#include "store/store_reserve.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/store_intent_rows.h"

#define PAGE_BYTES    4096
#define BALLAST_PAGES 1024 /* some 2,000 closes */

struct store_reserve {
        struct db *db;
        int64_t merged;     /* the generation that the database has taken over */
        int64_t generation; /* of what is in the file */
        uint64_t n_records; /* not taken over yet; 0: nothing to see */
        unsigned free_pages;
        bool is_broken; /* a write failed: not before it was emptied */
};

static enum errc read_int(struct db *db, const char *sql, int64_t *out)
{
        sqlite3_stmt *q = db_query(db, sql);
        enum errc rc = db_step(db, q);

        if (rc)
                return rc == E_NOT_FOUND ? E_STORE_DOWN : rc;
        *out = db_get_int(q, 0);
        db_reset(q);
        return E_OK;
}

/* Pages that a large row has taken are free for others once it is gone, and stay in the file; deleting it
 * passes through the journal, whose space stays as well. */
static enum errc allocate(struct store_reserve *reserve)
{
        struct db *db = reserve->db;
        int64_t n_free = 0;
        enum errc rc;

        rc = read_int(db, "PRAGMA freelist_count", &n_free);
        if (!rc && n_free < BALLAST_PAGES / 2 && reserve->n_records == 0) {
                rc = db_exec(db, "BEGIN IMMEDIATE");
                if (!rc)
                        rc = db_exec(db, "CREATE TABLE IF NOT EXISTS ballast (fill BLOB)");
                if (!rc)
                        rc = db_exec(db, "INSERT INTO ballast VALUES (zeroblob(4194304))");
                if (!rc)
                        rc = db_exec(db, "COMMIT");
                if (!rc)
                        rc = db_exec(db, "DROP TABLE ballast");
                if (db_in_transaction(db) && db_exec(db, "ROLLBACK"))
                        return E_STORE_DOWN;
        }
        return rc;
}

static void count_free(struct store_reserve *reserve)
{
        int64_t n = 0;

        if (read_int(reserve->db, "PRAGMA freelist_count", &n) == E_OK)
                reserve->free_pages = (unsigned)n;
}

/* Empties it, which also makes it fit for writing again. */
static enum errc empty(struct store_reserve *reserve)
{
        struct db *db = reserve->db;
        enum errc rc = db_exec(db, "BEGIN IMMEDIATE");

        if (!rc)
                rc = db_empty(db);
        if (!rc)
                rc = db_mark_set(db, "reserve_generation", reserve->merged + 1);
        if (!rc)
                rc = db_exec(db, "COMMIT");
        if (db_in_transaction(db) && db_exec(db, "ROLLBACK"))
                rc = E_STORE_DOWN;
        reserve->is_broken = rc != E_OK;
        if (!rc)
                reserve->generation = reserve->merged + 1;
        count_free(reserve);
        return rc;
}

static enum errc look(struct store_reserve *reserve, struct db *main)
{
        int64_t n = 0;
        enum errc rc = db_mark_get(main, "reserve_merged", &reserve->merged);

        if (!rc)
                rc = db_mark_get(reserve->db, "reserve_generation", &reserve->generation);
        if (!rc && reserve->generation > reserve->merged)
                rc = read_int(reserve->db, "SELECT count(*) FROM intent", &n);
        else if (!rc)
                rc = empty(reserve);
        reserve->n_records = (uint64_t)n;
        return rc;
}

struct store_reserve *store_reserve_open(const char *file, struct db *main, struct err *err)
{
        struct store_reserve *reserve = xcalloc(1, sizeof *reserve);
        char path[PATH_MAX];

        if (snprintf(path, sizeof path, "%s-reserve", file) >= (int)sizeof path)
                (void)err_set(err, E_CONFIG, "store: the path is too long");
        else
                reserve->db = db_open_beside(path, err);
        if (reserve->db && (look(reserve, main) || allocate(reserve) || db_cap(reserve->db)))
                (void)err_set(err, E_STORE_DOWN, "store: %s can't be allocated", path);
        if (err->code) {
                store_reserve_close(reserve);
                return NULL;
        }
        count_free(reserve);
        return reserve;
}

void store_reserve_close(struct store_reserve *reserve)
{
        if (!reserve)
                return;
        db_close(reserve->db);
        free(reserve);
}

struct db *store_reserve_view(const struct store_reserve *reserve)
{
        return reserve && reserve->n_records ? reserve->db : NULL;
}

uint64_t store_reserve_records(const struct store_reserve *reserve)
{
        return reserve ? reserve->n_records : 0;
}

unsigned store_reserve_pages_free(const struct store_reserve *reserve)
{
        return reserve ? reserve->free_pages : 0;
}

/* --- writing --- */

struct db *store_reserve_begin(struct store_reserve *reserve)
{
        if (!reserve)
                return NULL;
        /* Pages that could not be written are not what memory says: read from the disk. */
        if (db_is_suspect(reserve->db) && db_reopen(reserve->db))
                return NULL;
        if (reserve->generation <= reserve->merged && empty(reserve))
                return NULL;
        if (reserve->is_broken || db_exec(reserve->db, "BEGIN IMMEDIATE"))
                return NULL;
        return reserve->db;
}

enum errc store_reserve_end(struct store_reserve *reserve, unsigned n_records)
{
        enum errc rc = db_exec(reserve->db, "COMMIT");

        if (db_in_transaction(reserve->db) && db_exec(reserve->db, "ROLLBACK"))
                rc = E_STORE_DOWN;
        if (rc)
                return rc;
        db_say_works(reserve->db);
        reserve->n_records += n_records;
        count_free(reserve);
        return E_OK;
}

/* --- taking over --- */

/* An intent that the database refuses is undone alone, is told, and does not keep the rest from being taken
 * over. A node of a later epoch knows better in any case. */
static enum errc put(struct db *main, const struct store_intent *intent)
{
        enum errc rc;

        if (db_exec(main, "SAVEPOINT merge"))
                return E_STORE_DOWN;
        rc = store_intent_rows_update(main, intent);
        if (rc == E_NOT_FOUND)
                rc = store_intent_rows_insert(main, intent);
        if (rc == E_STORE_DOWN || (rc && db_exec(main, "ROLLBACK TO merge")))
                return E_STORE_DOWN;
        if (rc)
                log_event(LOG_ERROR, "intent not taken over from the reserve", "kind", intent->kind,
                          "state", intent_state_name(intent->state), "code", err_constant(rc),
                          NULL);
        return db_exec(main, "RELEASE merge") ? E_STORE_DOWN : E_OK;
}

static enum errc merge_one(struct db *from, struct db *main, int64_t number)
{
        struct store_intent intent = {.request = NULL};
        enum errc rc = store_intent_rows_load(from, number, &intent);

        if (rc)
                return E_STORE_DOWN;
        rc = put(main, &intent);
        store_intent_rows_fini(&intent);
        return rc;
}

enum errc store_reserve_merge(struct store_reserve *reserve, struct db *main)
{
        struct db *from = store_reserve_view(reserve);
        int64_t last = 0, number = 0;
        enum errc rc;

        if (!from)
                return E_OK;
        rc = read_int(from, "SELECT coalesce(max(number), 0) FROM intent", &last);
        for (number = 1; !rc && number <= last; number++)
                rc = merge_one(from, main, number);
        if (!rc)
                rc = db_mark_set(main, "reserve_merged", reserve->generation);
        return rc;
}

void store_reserve_merged(struct store_reserve *reserve)
{
        if (!store_reserve_view(reserve))
                return;
        log_event(LOG_INFO, "store took over what was recorded in the reserve", "records",
                  log_int((long long)reserve->n_records), NULL);
        reserve->merged = reserve->generation;
        reserve->n_records = 0;
        if (empty(reserve))
                log_event(LOG_ERROR, "the store's reserve can't be emptied", NULL);
}
