/* The store's two sides. The loop's: operations are submitted, refused where the mailbox is full,
 * and finished. The thread's: a batch of operations runs in one transaction. One that breaks a
 * constraint does not take the others along: most fail before they change anything, and where one
 * has, the batch is rolled back and those before it run again. From then on each write of that batch
 * has a savepoint, so that nobody makes it run a third time; savepoints for all would cost every
 * batch what one in a thousand needs. A failure of the database itself takes the whole batch, because
 * SQLite may have rolled it back already. */
#include "store/store.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/store_op.h"

#define MAX_QUEUED    8192
#define MAX_BATCH     256
#define PROBE_EACH_MS 500

struct store {
        struct loop *loop;
        struct worker *worker;

        /* Loop thread. */
        struct store_op *refused; /* in order; finished by the timer */
        struct store_op **refused_tail;
        struct loop_timer *refused_timer;
        struct loop_timer *probe_timer;
        struct store_stats stats;
        bool is_down;
        bool probe_is_out;
        bool is_closing;

        /* Held by the store's thread during a batch, by start-up calls for a moment. */
        pthread_mutex_t mutex;
        struct db *db;

        /* Store's thread: the batch. */
        struct store_op *batch;
        struct store_op **batch_tail;
        bool in_transaction;
        bool has_savepoints; /* each write has one */
        bool is_sunk;        /* the database failed: nothing of this batch stands */
};

/* --- the store's thread --- */

static void batch_begin(void *state)
{
        struct store *store = state;

        must(pthread_mutex_lock(&store->mutex) == 0);
        store->batch = NULL;
        store->batch_tail = &store->batch;
        store->in_transaction = false;
        store->has_savepoints = false;
        store->is_sunk = false;
}

/* Reads alone need no transaction, so they work on a full disk too. */
static enum errc write_begin(struct store *store, struct store_op *op)
{
        if (!store->in_transaction) {
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

static enum errc run_op(struct store *store, struct store_op *op)
{
        int64_t changes;
        enum errc rc;

        if (!op->writes)
                return op->exec(op, store->db);
        rc = write_begin(store, op);
        if (rc)
                return rc;
        changes = db_total_changes(store->db);
        return write_end(store, op, op->exec(op, store->db), changes);
}

static void job_run(struct worker_job *job, void *state)
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
        if (op->rc == E_STORE_DOWN && store->in_transaction)
                store->is_sunk = true;
}

static void batch_end(void *state)
{
        struct store *store = state;

        if (store->in_transaction && !store->is_sunk)
                store->is_sunk = db_exec(store->db, "COMMIT") != E_OK;
        if (db_in_transaction(store->db) && db_exec(store->db, "ROLLBACK"))
                log_event(LOG_ERROR, "store can't roll back", NULL);
        if (store->in_transaction && !store->is_sunk)
                db_say_works(store->db);
        /* A read that came after a write of the batch has seen what is now undone. */
        for (struct store_op *op = store->batch; op && store->is_sunk; op = op->next) {
                if (op->writes || op->in_transaction)
                        op->rc = E_STORE_DOWN;
        }
        store->batch = NULL;
        must(pthread_mutex_unlock(&store->mutex) == 0);
}

/* --- the loop's side --- */

static void op_finish(struct store_op *op)
{
        op->store->stats.operations++;
        if (op->rc == E_STORE_DOWN)
                op->store->stats.failures++;
        op->finish(op);
        free(op);
}

static void set_down(struct store *store, bool is_down)
{
        if (store->is_down == is_down)
                return;
        store->is_down = is_down;
        if (is_down && !store->is_closing)
                loop_timer_start(store->probe_timer, PROBE_EACH_MS, PROBE_EACH_MS);
        else
                loop_timer_stop(store->probe_timer);
}

static void job_done(struct worker_job *job)
{
        struct store_op *op = (struct store_op *)(void *)job;
        struct store *store = op->store;

        if (op->rc == E_STORE_DOWN)
                set_down(store, true);
        else if (op->writes)
                set_down(store, false);
        if (op->is_commit && op->rc != E_STORE_DOWN)
                store->stats.commits++;
        op_finish(op);
}

static void refuse(struct store *store, struct store_op *op)
{
        op->next = NULL;
        *store->refused_tail = op;
        store->refused_tail = &op->next;
        if (!store->is_closing)
                loop_timer_start(store->refused_timer, 0, 0);
}

static void finish_refused(void *cookie)
{
        struct store *store = cookie;
        struct store_op *op = store->refused;

        /* What the callbacks submit is refused into a new list, for the next turn. */
        store->refused = NULL;
        store->refused_tail = &store->refused;
        while (op) {
                struct store_op *next = op->next;
                op_finish(op);
                op = next;
        }
}

void store_op_submit(struct store *store, struct store_op *op)
{
        op->store = store;
        op->job.run = job_run;
        op->job.done = job_done;
        if (op->rc) {
                refuse(store, op);
        } else if (store->is_closing || worker_submit(store->worker, &op->job)) {
                op->rc = E_STORE_DOWN;
                refuse(store, op);
        }
}

void store_op_finish_write(struct store_op *op)
{
        struct store_op_write *write = (struct store_op_write *)(void *)op;

        if (write->done)
                write->done(write->cookie, op->rc);
}

/* --- the probe: a small write, until one works --- */

static enum errc probe_exec(struct store_op *op, struct db *db)
{
        sqlite3_stmt *q = db_query(db, "INSERT INTO probe (id, at) VALUES (1, ?1)"
                                       " ON CONFLICT (id) DO UPDATE SET at = excluded.at");

        (void)op;
        db_bind_int(q, 1, clock_wall_ms(clock_system()));
        return db_run(db, q);
}

static void probe_finish(struct store_op *op)
{
        op->store->probe_is_out = false;
}

static void probe(void *cookie)
{
        struct store *store = cookie;

        if (store->probe_is_out)
                return;
        struct store_op *op = xcalloc(1, sizeof *op);
        op->writes = true;
        op->exec = probe_exec;
        op->finish = probe_finish;
        store->probe_is_out = true;
        store_op_submit(store, op);
}

/* --- life --- */

struct store *store_open(struct loop *loop, const char *file, struct err *err)
{
        struct db *db = db_open(file, err);

        if (!db)
                return NULL;
        struct store *store = xcalloc(1, sizeof *store);
        store->loop = loop;
        store->db = db;
        store->refused_tail = &store->refused;
        store->refused_timer = loop_timer_new(loop, finish_refused, store);
        store->probe_timer = loop_timer_new(loop, probe, store);
        must(pthread_mutex_init(&store->mutex, NULL) == 0);

        struct worker_options options = {
                .name = "store",
                .state = store,
                .batch_begin = batch_begin,
                .batch_end = batch_end,
                .max_queued = MAX_QUEUED,
                .max_batch = MAX_BATCH,
        };
        store->worker = worker_new(loop, &options);
        return store;
}

void store_close(struct store *store)
{
        if (!store)
                return;
        store->is_closing = true;
        worker_free(store->worker);
        while (store->refused)
                finish_refused(store);
        loop_timer_free(store->refused_timer);
        loop_timer_free(store->probe_timer);
        pthread_mutex_destroy(&store->mutex);
        db_close(store->db);
        free(store);
}

bool store_is_up(const struct store *store)
{
        return !store->is_down;
}

struct loop *store_loop(const struct store *store)
{
        return store->loop;
}

void store_stats(const struct store *store, struct store_stats *out)
{
        *out = store->stats;
        out->queued = worker_queued(store->worker);
}

struct db *store_op_lock(struct store *store)
{
        must(pthread_mutex_lock(&store->mutex) == 0);
        return store->db;
}

void store_op_unlock(struct store *store)
{
        must(pthread_mutex_unlock(&store->mutex) == 0);
}
