#include "store/candle_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "loop/worker.h"
#include "store/candle_store_impl.h"
#include "store/db_cache.h"

#define VERSION    1
#define QUEUED_MAX 4096

static const char schema[] =
        "CREATE TABLE series (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, interval TEXT NOT NULL,"
        " written_at INTEGER NOT NULL, rows INTEGER NOT NULL DEFAULT 0,"
        " UNIQUE (symbol, interval));"
        "CREATE INDEX series_written ON series (written_at);"
        "CREATE TABLE candle (series INTEGER NOT NULL, open_at INTEGER NOT NULL,"
        " close_at INTEGER NOT NULL, open INTEGER NOT NULL, high INTEGER NOT NULL,"
        " low INTEGER NOT NULL, close INTEGER NOT NULL, volume TEXT NOT NULL,"
        " trades INTEGER NOT NULL, PRIMARY KEY (series, open_at)) WITHOUT ROWID;"
        "CREATE TABLE span (series INTEGER NOT NULL, start INTEGER NOT NULL,"
        " stop INTEGER NOT NULL, PRIMARY KEY (series, start)) WITHOUT ROWID;";

struct candle_store {
        struct loop *loop;
        struct worker *worker;
        /* The thread's. */
        struct db *db; /* NULL: it can't be opened */
        char *file;
        size_t max_rows;
};

struct job {
        struct worker_job job;
        struct candle_store *store;
        char symbol[CANDLE_STORE_NAME_MAX], interval[CANDLE_STORE_NAME_MAX];
        struct candle_span window; /* of a write: its span */
        int64_t now;
        enum errc rc;
        struct candle_row *row; /* owned */
        size_t n, limit;
        struct candle_slice slice;
        candle_store_fn *done;
        void *cookie;
};

static struct job *job_of(struct worker_job *job)
{
        return (struct job *)(void *)job;
}

/* --- on the thread --- */

/* A damaged file is worth nothing and holds nothing that is lost for good. */
static void start_over_if_damaged(struct candle_store *store)
{
        struct err err = {.code = E_OK};

        if (!store->db || !db_cache_is_damaged(store->db))
                return;
        log_event(LOG_WARN, "candles are begun anew", "file", store->file, NULL);
        db_close(store->db);
        db_cache_delete(store->file);
        store->db = db_cache_open(store->file, schema, VERSION, &err);
}

static void run_read(struct worker_job *worker_job, void *state)
{
        struct job *job = job_of(worker_job);
        struct candle_store *store = state;
        struct candle_store_query q = {.series = {job->symbol, job->interval},
                                       .window = job->window,
                                       .row = job->row,
                                       .limit = job->limit};

        job->rc = store->db ? candle_store_impl_read(store->db, &q, &job->slice) : E_STORE_DOWN;
        job->slice.row = job->row;
        if (job->rc)
                start_over_if_damaged(store);
}

static void run_write(struct worker_job *worker_job, void *state)
{
        struct job *job = job_of(worker_job);
        struct candle_store *store = state;
        struct candle_store_change c = {.series = {job->symbol, job->interval},
                                        .span = job->window,
                                        .row = job->row,
                                        .n = job->n,
                                        .now = job->now,
                                        .max_rows = store->max_rows};

        job->rc = store->db ? candle_store_impl_write(store->db, &c) : E_STORE_DOWN;
        if (job->rc)
                start_over_if_damaged(store);
}

/* --- on the loop --- */

static void finish(struct job *job)
{
        if (job->done)
                job->done(job->cookie, job->rc, job->rc ? NULL : &job->slice);
        free(job->row);
        free(job);
}

static void job_done(struct worker_job *job)
{
        finish(job_of(job));
}

static void finish_posted(void *arg)
{
        finish(arg);
}

static struct job *job_new(struct candle_store *store, const struct candle_series *series,
                           const struct candle_span *window)
{
        struct job *job = xcalloc(1, sizeof *job);

        job->store = store;
        job->window = *window;
        job->job.done = job_done;
        must(text_copy(job->symbol, sizeof job->symbol, series->symbol));
        must(text_copy(job->interval, sizeof job->interval, series->interval));
        return job;
}

static void submit(struct job *job)
{
        if (worker_submit(job->store->worker, &job->job) == E_OK)
                return;
        job->rc = E_STORE_DOWN;
        loop_post(job->store->loop, finish_posted, job);
}

void candle_store_read(struct candle_store *store, const struct candle_series *series,
                       const struct candle_span *window, size_t limit, candle_store_fn *done,
                       void *cookie)
{
        struct job *job = job_new(store, series, window);

        must(limit > 0);
        job->job.run = run_read;
        job->limit = limit;
        job->row = xcalloc(limit, sizeof *job->row);
        job->done = done;
        job->cookie = cookie;
        submit(job);
}

void candle_store_write(struct candle_store *store, const struct candle_series *series,
                        const struct candle_span *span, const struct candle_row *row, size_t n,
                        int64_t now)
{
        struct job *job = job_new(store, series, span);

        must(span->start < span->end);
        job->job.run = run_write;
        job->now = now;
        job->n = n;
        job->row = xcalloc(n + 1, sizeof *row);
        if (n)
                memcpy(job->row, row, n * sizeof *row);
        submit(job);
}

struct candle_store *candle_store_open(struct loop *loop, const char *file, size_t max_rows,
                                       struct err *err)
{
        struct candle_store *store = xcalloc(1, sizeof *store);
        struct worker_options options = {
                .name = "candles", .state = store, .max_queued = QUEUED_MAX, .max_batch = 16};

        store->loop = loop;
        store->max_rows = max_rows;
        store->db = db_cache_open(file, schema, VERSION, err);
        if (!store->db) {
                free(store);
                return NULL;
        }
        store->file = xstrdup(file);
        store->worker = worker_new(loop, &options);
        return store;
}

void candle_store_close(struct candle_store *store)
{
        if (!store)
                return;
        worker_free(store->worker);
        db_close(store->db);
        free(store->file);
        free(store);
}
