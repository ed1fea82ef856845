/* The store's thread: a batch of operations runs in one transaction. One that breaks a constraint does not
 * take the others along: most fail before they change anything, and where one has, the batch is rolled
 * back and those before it run again. From then on each write of that batch has a savepoint, so that
 * nobody makes it run a third time; savepoints for all would cost every batch what one in a thousand
 * needs. A failure of the database itself takes the whole batch, because SQLite may have rolled it back
 * already; what of it may go on in the reserve then does. */
#include "base/log.h"
#include "base/mem.h"
#include "store/store_impl.h"

void store_batch_begin(void *state)
{
        struct store *store = state;

        must(pthread_mutex_lock(&store->mutex) == 0);
        store->batch = NULL;
        store->batch_tail = &store->batch;
        store->in_transaction = false;
        store->has_savepoints = false;
        store->is_sunk = false;
}

enum errc store_batch_probe(struct db *db)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO probe (id, at) VALUES (1, ?1)"
                                       " ON CONFLICT (id) DO UPDATE SET at = excluded.at");

        db_bind_int(q, 1, clock_wall_ms(clock_system()));
        return db_run(db, q);
}

enum errc store_batch_come_back(struct store *store)
{
        struct db *db = store->db;
        enum errc rc = E_OK;

        if (db_is_suspect(db)) {
                rc = db_reopen(db);
                if (!rc)
                        atomic_fetch_add(&store->seen.reopened, 1);
        }
        if (!rc)
                rc = db_exec(db, "BEGIN IMMEDIATE");
        if (!rc)
                rc = store_reserve_merge(store->reserve, db);
        if (!rc)
                rc = store_batch_probe(db);
        if (!rc)
                rc = db_exec(db, "COMMIT");
        if (rc) {
                if (db_in_transaction(db) && db_exec(db, "ROLLBACK"))
                        log_event(LOG_ERROR, "store can't roll back", NULL);
                return E_STORE_DOWN;
        }
        store_reserve_merged(store->reserve);
        store->is_failing = false;
        db_say_works(db);
        return E_OK;
}

/* Reads alone need no transaction, so they work on a full disk too. */
static enum errc write_begin(struct store *store, struct store_op *op)
{
        if (!store->in_transaction) {
                if ((store->is_failing || db_is_suspect(store->db)) && store_batch_come_back(store))
                        return E_STORE_DOWN;
                if (db_exec(store->db, "BEGIN IMMEDIATE"))
                        return E_STORE_DOWN;
                store->in_transaction = true;
                op->is_commit = true;
        }
        if (store->has_savepoints && db_exec(store->db, "SAVEPOINT op"))
                return E_STORE_DOWN;
        return E_OK;
}

/* Rolls the batch back and runs the writes before op again. They do what they did, since an operation
 * depends on the database and its own input alone. */
static enum errc undo_by_replay(struct store *store, const struct store_op *op)
{
        if (db_exec(store->db, "ROLLBACK") || db_exec(store->db, "BEGIN IMMEDIATE"))
                return E_STORE_DOWN;
        for (struct store_op *done = store->batch; done != op; done = done->next) {
                if (done->writes && !done->rc && done->exec(done, store->db))
                        return E_STORE_DOWN;
        }
        store->has_savepoints = true;
        return E_OK;
}

/* Undoes what op has changed when rc is an error of its own. Returns the final rc. */
static enum errc write_end(struct store *store, const struct store_op *op, enum errc rc,
                           int64_t changes_before)
{
        if (rc == E_STORE_DOWN)
                return rc;
        if (store->has_savepoints) {
                if (rc && db_exec(store->db, "ROLLBACK TO op"))
                        return E_STORE_DOWN;
                if (db_exec(store->db, "RELEASE op"))
                        return E_STORE_DOWN;
        } else if (rc && db_total_changes(store->db) != changes_before) {
                if (undo_by_replay(store, op))
                        return E_STORE_DOWN;
        }
        return rc;
}

static enum errc run_read(struct store *store, struct store_op *op)
{
        struct db *reserve = op->reads_reserve ? store_reserve_view(store->reserve) : NULL;
        enum errc rc = E_NOT_FOUND;

        if (reserve)
                rc = op->exec(op, reserve);
        if (rc == E_NOT_FOUND || (!rc && op->reads_both))
                rc = op->exec(op, store->db);
        return rc;
}

static enum errc run_op(struct store *store, struct store_op *op)
{
        int64_t changes;
        enum errc rc;

        if (!op->writes)
                return run_read(store, op);
        rc = write_begin(store, op);
        if (rc)
                return rc;
        changes = db_total_changes(store->db);
        return write_end(store, op, op->exec(op, store->db), changes);
}

void store_batch_run(struct worker_job *job, void *state)
{
        struct store *store = state;
        struct store_op *op = (struct store_op *)(void *)job;

        *store->batch_tail = op;
        store->batch_tail = &op->next;
        op->next = NULL;
        if (store->is_sunk && op->writes) {
                op->rc = E_STORE_DOWN;
                return;
        }
        op->rc = run_op(store, op);
        op->in_transaction = store->in_transaction;
        if (op->rc == E_STORE_DOWN && (op->writes || store->in_transaction))
                store->is_sunk = true;
}

/* --- the batch on the reserve, where the database failed --- */

static enum errc run_in_reserve(struct store *store, struct store_op *op, struct db *reserve)
{
        enum errc rc;

        /* A reserve that is full ends its transaction by itself. */
        if (!db_in_transaction(reserve) || db_exec(reserve, "SAVEPOINT op"))
                return E_STORE_DOWN;
        rc = op->exec_reserve(op, reserve, store->db);
        if (rc && db_exec(reserve, "ROLLBACK TO op"))
                return E_STORE_DOWN;
        return db_exec(reserve, "RELEASE op") ? E_STORE_DOWN : rc;
}

static void keep_in_reserve(struct store *store)
{
        struct db *reserve = store_reserve_begin(store->reserve);
        unsigned n = 0;

        if (!reserve)
                return;
        for (struct store_op *op = store->batch; op; op = op->next) {
                if (!op->writes || !op->exec_reserve)
                        continue;
                op->rc = run_in_reserve(store, op, reserve);
                op->in_reserve = true;
                n += op->rc == E_OK;
        }
        if (store_reserve_end(store->reserve, n) == E_OK)
                return;
        for (struct store_op *op = store->batch; op; op = op->next) {
                if (op->in_reserve)
                        op->rc = E_STORE_DOWN;
        }
}

void store_batch_tell(struct store *store)
{
        atomic_store(&store->seen.reserve_records, store_reserve_records(store->reserve));
        atomic_store(&store->seen.reserve_pages, store_reserve_pages_free(store->reserve));
        atomic_store(&store->seen.log_frames, (unsigned)db_log_frames(store->db));
        atomic_store(&store->seen.is_full, db_is_full(store->db));
}

void store_batch_end(void *state)
{
        struct store *store = state;

        if (store->in_transaction && !store->is_sunk)
                store->is_sunk = db_exec(store->db, "COMMIT") != E_OK;
        if (db_in_transaction(store->db) && db_exec(store->db, "ROLLBACK"))
                log_event(LOG_ERROR, "store can't roll back", NULL);
        if (store->in_transaction && !store->is_sunk) {
                db_say_works(store->db);
                db_checkpoint_if_long(store->db);
        }
        /* A read that came after a write of the batch has seen what is now undone. */
        for (struct store_op *op = store->batch; op && store->is_sunk; op = op->next) {
                if (op->writes || op->in_transaction)
                        op->rc = E_STORE_DOWN;
        }
        if (store->is_sunk) {
                store->is_failing = true;
                keep_in_reserve(store);
        }
        for (struct store_op *op = store->batch; op; op = op->next) {
                if (op->after)
                        op->after(op, store->db);
        }
        store_batch_tell(store);
        store->batch = NULL;
        must(pthread_mutex_unlock(&store->mutex) == 0);
}
