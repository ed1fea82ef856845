#include "loop/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

/* A first-in first-out chain of jobs. */
struct chain {
        struct worker_job *first;
        struct worker_job *last;
};

/* Finished jobs on their way to the loop. Counted, because a delivery may still be posted when the
 * worker is gone. */
struct outbox {
        pthread_mutex_t lock;
        struct chain finished;
        bool delivery_posted;
        unsigned refs; /* the worker, and the posted delivery */
};

struct worker {
        struct worker_options options;
        struct loop *loop;
        struct outbox *outbox;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct chain mailbox; /* guarded by lock, like the two below */
        unsigned queued;
        bool stopping;
};

static void chain_push(struct chain *chain, struct worker_job *job)
{
        job->next = NULL;
        if (chain->last)
                chain->last->next = job;
        else
                chain->first = job;
        chain->last = job;
}

static struct worker_job *chain_pop(struct chain *chain)
{
        struct worker_job *job = chain->first;

        if (!job)
                return NULL;
        chain->first = job->next;
        if (!chain->first)
                chain->last = NULL;
        job->next = NULL;
        return job;
}

static void chain_append(struct chain *to, struct chain *from)
{
        if (!from->first)
                return;
        if (to->last)
                to->last->next = from->first;
        else
                to->first = from->first;
        to->last = from->last;
        *from = (struct chain){0};
}

static void outbox_unref(struct outbox *outbox)
{
        bool last;

        pthread_mutex_lock(&outbox->lock);
        last = --outbox->refs == 0;
        pthread_mutex_unlock(&outbox->lock);
        if (!last)
                return;
        pthread_mutex_destroy(&outbox->lock);
        free(outbox);
}

/* Jobs leave the outbox one at a time, so that a done() that frees the worker finds the rest. */
static void outbox_drain(struct outbox *outbox)
{
        struct worker_job *job;

        do {
                pthread_mutex_lock(&outbox->lock);
                job = chain_pop(&outbox->finished);
                pthread_mutex_unlock(&outbox->lock);
                if (job)
                        job->done(job);
        } while (job);
}

static void deliver(void *arg)
{
        struct outbox *outbox = arg;

        pthread_mutex_lock(&outbox->lock);
        outbox->delivery_posted = false;
        pthread_mutex_unlock(&outbox->lock);
        outbox_drain(outbox);
        outbox_unref(outbox);
}

static void hand_over(struct worker *worker, struct chain *batch)
{
        struct outbox *outbox = worker->outbox;
        bool post;

        pthread_mutex_lock(&outbox->lock);
        chain_append(&outbox->finished, batch);
        post = !outbox->delivery_posted;
        if (post) {
                outbox->delivery_posted = true;
                outbox->refs++;
        }
        pthread_mutex_unlock(&outbox->lock);
        if (post)
                loop_post(worker->loop, deliver, outbox);
}

/* Waits for work. False when the worker is stopping and the mailbox is empty. */
static bool take_batch(struct worker *worker, struct chain *batch)
{
        unsigned n = 0;

        pthread_mutex_lock(&worker->lock);
        while (!worker->mailbox.first && !worker->stopping)
                pthread_cond_wait(&worker->changed, &worker->lock);
        while (worker->mailbox.first && n < worker->options.max_batch) {
                chain_push(batch, chain_pop(&worker->mailbox));
                n++;
        }
        worker->queued -= n;
        pthread_mutex_unlock(&worker->lock);
        return n > 0;
}

static void *thread_main(void *arg)
{
        struct worker *worker = arg;
        const struct worker_options *o = &worker->options;
        struct chain batch = {0};

        while (take_batch(worker, &batch)) {
                if (o->batch_begin)
                        o->batch_begin(o->state);
                for (struct worker_job *job = batch.first; job; job = job->next)
                        job->run(job, o->state);
                if (o->batch_end)
                        o->batch_end(o->state);
                hand_over(worker, &batch);
        }
        return NULL;
}

struct worker *worker_new(struct loop *loop, const struct worker_options *options)
{
        struct worker *worker = xcalloc(1, sizeof(*worker));
        sigset_t all;
        sigset_t before;
        char name[16]; /* what the kernel keeps of a thread's name */

        must(options->max_queued > 0 && options->max_batch > 0);
        worker->options = *options;
        worker->loop = loop;
        worker->outbox = xcalloc(1, sizeof(*worker->outbox));
        worker->outbox->refs = 1;
        must(pthread_mutex_init(&worker->outbox->lock, NULL) == 0);
        must(pthread_mutex_init(&worker->lock, NULL) == 0);
        must(pthread_cond_init(&worker->changed, NULL) == 0);
        /* Signals are the loop thread's. */
        sigfillset(&all);
        must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
        must(pthread_create(&worker->thread, NULL, thread_main, worker) == 0);
        must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
        (void)text_copy(name, sizeof(name), options->name);
        (void)pthread_setname_np(worker->thread, name);
        return worker;
}

void worker_free(struct worker *worker)
{
        if (!worker)
                return;
        pthread_mutex_lock(&worker->lock);
        worker->stopping = true;
        pthread_cond_signal(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
        must(pthread_join(worker->thread, NULL) == 0);
        outbox_drain(worker->outbox);
        outbox_unref(worker->outbox);
        pthread_cond_destroy(&worker->changed);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
}

enum errc worker_submit(struct worker *worker, struct worker_job *job)
{
        enum errc rc = E_LIMIT;

        pthread_mutex_lock(&worker->lock);
        if (worker->queued >= worker->options.max_queued || worker->stopping)
                goto done;
        chain_push(&worker->mailbox, job);
        worker->queued++;
        pthread_cond_signal(&worker->changed);
        rc = E_OK;
done:
        pthread_mutex_unlock(&worker->lock);
        return rc;
}

unsigned worker_queued(const struct worker *worker)
{
        /* The lock is not part of what const promises: nothing observable changes. */
        pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&worker->lock;
        unsigned queued;

        pthread_mutex_lock(lock);
        queued = worker->queued;
        pthread_mutex_unlock(lock);
        return queued;
}
