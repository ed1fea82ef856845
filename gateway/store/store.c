/* The loop's side of the store: operations are submitted, refused where the mailbox is full, and finished. */
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "store/store_impl.h"

#define MAX_QUEUED    8192
#define MAX_BATCH     256
#define PROBE_EACH_MS 500

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
        store->down_since = is_down ? clock_wall_ms(loop_clock(store->loop)) : 0;
        if (is_down && !store->is_closing)
                loop_timer_start(store->probe_timer, PROBE_EACH_MS, PROBE_EACH_MS);
        else
                loop_timer_stop(store->probe_timer);
}

static void job_done(struct worker_job *job)
{
        struct store_op *op = (struct store_op *)(void *)job;
        struct store *store = op->store;

        if (op->rc == E_STORE_DOWN || op->in_reserve)
                set_down(store, true);
        else if (op->writes)
                set_down(store, false);
        if (op->is_commit && op->rc != E_STORE_DOWN && !op->in_reserve)
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
        op->job.run = store_batch_run;
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
        (void)op;
        return store_batch_probe(db);
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

/* What an earlier run recorded in the reserve belongs to the database before anybody reads it. Without a
 * reserve, as when the disk has no room for one, the store works, and stops all at once when it fails. */
static enum errc open_reserve(struct store *store, const char *file, struct err *err)
{
        struct err why = {.code = E_OK};

        if (strcmp(file, ":memory:") == 0)
                return E_OK;
        store->reserve = store_reserve_open(file, store->db, &why);
        if (!store->reserve)
                log_event(LOG_ERROR, "store has no reserve", "cause", why.detail, NULL);
        if (!store_reserve_view(store->reserve))
                return E_OK;
        if (store_batch_come_back(store))
                return err_set(err, E_CONFIG,
                               "store: what was recorded while it failed can't be taken over: is "
                               "the disk full?");
        return E_OK;
}

struct store *store_open(struct loop *loop, const char *file, struct err *err)
{
        struct db *db = db_open(file, err);

        if (!db)
                return NULL;
        struct store *store = xcalloc(1, sizeof *store);
        store->loop = loop;
        store->db = db;
        if (open_reserve(store, file, err)) {
                store_reserve_close(store->reserve);
                db_close(db);
                free(store);
                return NULL;
        }
        store_batch_tell(store);
        store->refused_tail = &store->refused;
        store->refused_timer = loop_timer_new(loop, finish_refused, store);
        store->probe_timer = loop_timer_new(loop, probe, store);
        must(pthread_mutex_init(&store->mutex, NULL) == 0);

        struct worker_options options = {
                .name = "store",
                .state = store,
                .batch_begin = store_batch_begin,
                .batch_end = store_batch_end,
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
        store_reserve_close(store->reserve);
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
        out->reserve_records = atomic_load(&store->seen.reserve_records);
        out->reserve_pages = atomic_load(&store->seen.reserve_pages);
        out->reopened = atomic_load(&store->seen.reopened);
        out->log_frames = atomic_load(&store->seen.log_frames);
        out->down_since = store->down_since;
}

const char *store_down_reason(const struct store *store)
{
        if (!store->is_down)
                return NULL;
        if (atomic_load(&store->seen.is_full))
                return "The disk is full: orders that open risk are refused.";
        return "The disk fails: orders that open risk are refused.";
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
