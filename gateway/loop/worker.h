/* worker: one thread with a bounded mailbox, for work that blocks (commits, name lookup). A job's
 * run() is called on the worker's thread, its done() on the loop's. */
#ifndef LOOP_WORKER_H
#define LOOP_WORKER_H

#include "base/err.h"
#include "loop/loop.h"

struct worker;

/* Embed in a larger struct; the caller owns it and must keep it until done(). */
struct worker_job {
        struct worker_job *next; /* the worker's */
        void (*run)(struct worker_job *job, void *worker_state);
        void (*done)(struct worker_job *job);
};

/* batch_begin and batch_end (may be NULL) bracket every group of jobs taken from the mailbox at
 * once, on the worker's thread: this is where group commit happens. done() of a job is posted only
 * after its batch_end has returned. */
struct worker_options {
        const char *name;
        void *state; /* passed to run and the batch hooks */
        void (*batch_begin)(void *state);
        void (*batch_end)(void *state);
        unsigned max_queued; /* worker_submit refuses above this */
        unsigned max_batch;
};

struct worker *worker_new(struct loop *loop, const struct worker_options *options);
/* Takes no more jobs, finishes those queued, joins the thread. done() callbacks not yet delivered
 * are delivered before this returns. Accepts NULL. */
void worker_free(struct worker *worker);
/* E_LIMIT when the mailbox is full: the job is not taken and neither callback is called. */
MUST_USE enum errc worker_submit(struct worker *worker, struct worker_job *job);
unsigned worker_queued(const struct worker *worker);

#endif
