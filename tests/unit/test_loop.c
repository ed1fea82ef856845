#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/loop.h"
#include "loop/watch.h"
#include "loop/worker.h"

#include "edge_client.h"

struct seen {
        struct loop *loop;
        struct loop_timer *timer;
        unsigned n;
        unsigned order[64];
        unsigned id;
        struct seen *shared;
};

static void count(void *cookie)
{
        struct seen *seen = cookie;

        seen->n++;
}

static void note_id(void *cookie)
{
        struct seen *seen = cookie;

        seen->shared->order[seen->shared->n++] = seen->id;
}

static void test_timer_fires_once_in_order(void **state)
{
        struct loop *loop = loop_new();
        struct seen shared = {0};
        struct seen late = {.id = 2, .shared = &shared};
        struct seen soon = {.id = 1, .shared = &shared};
        struct loop_timer *a = loop_timer_new(loop, note_id, &late);
        struct loop_timer *b = loop_timer_new(loop, note_id, &soon);

        (void)state;
        loop_timer_start(a, 30, 0);
        loop_timer_start(b, 1, 0);
        assert_true(client_wait_count(loop, &shared.n, 2));
        assert_int_equal(shared.order[0], 1);
        assert_int_equal(shared.order[1], 2);
        for (int i = 0; i < 5; i++)
                loop_turn(loop, 1);
        assert_int_equal(shared.n, 2);
        loop_timer_free(a);
        loop_timer_free(b);
        loop_free(loop);
}

static void stop_at_three(void *cookie)
{
        struct seen *seen = cookie;

        if (++seen->n < 3)
                return;
        loop_timer_free(seen->timer); /* in its own callback */
        seen->timer = NULL;
        loop_stop(seen->loop);
}

static void test_repeating_timer_freed_in_its_callback(void **state)
{
        struct seen seen = {.loop = loop_new()};

        (void)state;
        seen.timer = loop_timer_new(seen.loop, stop_at_three, &seen);
        loop_timer_start(seen.timer, 0, 1);
        loop_run(seen.loop);
        assert_int_equal(seen.n, 3);
        loop_free(seen.loop);
}

static void test_stopped_timer_is_silent(void **state)
{
        struct loop *loop = loop_new();
        struct seen stopped = {0};
        struct seen other = {0};
        struct loop_timer *a = loop_timer_new(loop, count, &stopped);
        struct loop_timer *b = loop_timer_new(loop, count, &other);

        (void)state;
        loop_timer_start(a, 1, 0);
        loop_timer_start(b, 5, 0);
        loop_timer_stop(a);
        assert_true(client_wait_count(loop, &other.n, 1));
        assert_int_equal(stopped.n, 0);
        loop_timer_free(a);
        loop_timer_free(b);
        loop_timer_free(NULL);
        loop_free(loop);
}

static void test_turn_does_not_wait_longer_than_asked(void **state)
{
        struct loop *loop = loop_new();

        (void)state;
        loop_turn(loop, 0); /* with nothing to do, both must return */
        loop_turn(loop, 1);
        loop_free(loop);
}

struct poster {
        struct loop *loop;
        struct seen shared;
        struct seen posts[50];
};

static void *post_all(void *arg)
{
        struct poster *p = arg;

        for (unsigned i = 0; i < 50; i++)
                loop_post(p->loop, note_id, &p->posts[i]);
        return NULL;
}

static void test_posts_from_a_thread_arrive_in_order(void **state)
{
        struct poster p = {.loop = loop_new()};
        pthread_t thread;

        (void)state;
        for (unsigned i = 0; i < 50; i++)
                p.posts[i] = (struct seen){.id = i, .shared = &p.shared};
        assert_int_equal(pthread_create(&thread, NULL, post_all, &p), 0);
        assert_true(client_wait_count(p.loop, &p.shared.n, 50));
        pthread_join(thread, NULL);
        for (unsigned i = 0; i < 50; i++)
                assert_int_equal(p.shared.order[i], i);
        loop_free(p.loop);
}

static void test_post_never_fires_inside(void **state)
{
        struct seen seen = {.loop = loop_new()};

        (void)state;
        loop_post(seen.loop, count, &seen);
        assert_int_equal(seen.n, 0);
        loop_turn(seen.loop, 100);
        assert_int_equal(seen.n, 1);
        loop_post(seen.loop, count, &seen);
        loop_free(seen.loop); /* delivers what is left */
        assert_int_equal(seen.n, 2);
}

static void later_then_check(void *cookie)
{
        struct seen *seen = cookie;

        loop_free_later(seen->loop, count, seen);
        seen->order[0] = seen->n; /* must still be 0: the turn is not over */
        seen->id = 1;
}

static void test_free_later_runs_after_the_turn(void **state)
{
        struct seen seen = {.loop = loop_new()};

        (void)state;
        seen.order[0] = 99;
        loop_post(seen.loop, later_then_check, &seen);
        assert_true(client_wait_count(seen.loop, &seen.id, 1));
        assert_int_equal(seen.order[0], 0);
        loop_turn(seen.loop, 0);
        assert_int_equal(seen.n, 1);
        loop_free_later(seen.loop, free, malloc(16)); /* loop_free must run it, or ASan tells */
        loop_free(seen.loop);
        loop_free(NULL);
}

static void test_signal(void **state)
{
        struct loop *loop = loop_new();
        struct seen seen = {0};
        struct loop_signal *sig = loop_signal_new(loop, SIGUSR1, count, &seen);

        (void)state;
        kill(getpid(), SIGUSR1);
        assert_true(client_wait_count(loop, &seen.n, 1));
        loop_signal_free(sig);
        loop_signal_free(NULL);
        loop_free(loop);
}

struct watched {
        struct watch *watch;
        unsigned n_readable;
        unsigned n_writable;
        int fd;
};

static void on_watched(void *cookie, bool readable, bool writable)
{
        struct watched *w = cookie;
        char c;

        w->n_readable += readable;
        w->n_writable += writable;
        if (readable)
                (void)!read(w->fd, &c, 1);
}

static void test_watch(void **state)
{
        struct loop *loop = loop_new();
        struct watched w = {0};
        int fds[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        w.fd = fds[0];
        w.watch = watch_new(loop, fds[0], on_watched, &w);
        assert_int_equal(write(fds[1], "ab", 2), 2);
        loop_turn(loop, 1);
        assert_int_equal(w.n_readable, 0); /* not asked for yet */
        watch_set(w.watch, true, false);
        assert_true(client_wait_count(loop, &w.n_readable, 2)); /* level-triggered */
        assert_int_equal(w.n_writable, 0);
        watch_set(w.watch, false, true);
        assert_true(client_wait_count(loop, &w.n_writable, 1));
        watch_poke(w.watch);
        watch_set(w.watch, true, false); /* must not drop the poke */
        assert_true(client_wait_count(loop, &w.n_readable, 3));
        watch_free(w.watch);
        watch_free(NULL);
        close(fds[0]);
        close(fds[1]);
        loop_free(loop);
}

/* ---- worker ---- */

struct job {
        struct worker_job job;
        struct shop *shop;
        unsigned id;
};

struct shop {
        struct loop *loop;
        struct worker *worker;
        pthread_mutex_t gate; /* held by the test to keep the worker busy */
        atomic_uint n_batches;
        atomic_uint n_open_batches;
        atomic_uint n_run;
        atomic_uint largest_batch;
        unsigned in_batch; /* worker thread only */
        unsigned n_done;
        unsigned done_order[300];
        bool free_in_done;
};

static void batch_begin(void *state)
{
        struct shop *shop = state;

        shop->in_batch = 0;
        shop->n_batches++;
        shop->n_open_batches++;
}

static void batch_end(void *state)
{
        struct shop *shop = state;

        if (shop->in_batch > shop->largest_batch)
                shop->largest_batch = shop->in_batch;
        shop->n_open_batches--;
}

static void run_job(struct worker_job *job, void *state)
{
        struct shop *shop = state;

        (void)job;
        pthread_mutex_lock(&shop->gate);
        pthread_mutex_unlock(&shop->gate);
        shop->in_batch++;
        shop->n_run++;
}

static void job_done(struct worker_job *wj)
{
        struct job *job = (struct job *)wj;
        struct shop *shop = job->shop;

        shop->done_order[shop->n_done++] = job->id;
        if (shop->free_in_done) {
                shop->free_in_done = false;
                worker_free(shop->worker);
                shop->worker = NULL;
        }
}

static void shop_open(struct shop *shop, unsigned max_queued, unsigned max_batch)
{
        struct worker_options o = {.name = "a name that is longer than the kernel keeps",
                                   .state = shop,
                                   .batch_begin = batch_begin,
                                   .batch_end = batch_end,
                                   .max_queued = max_queued,
                                   .max_batch = max_batch};

        memset(shop, 0, sizeof(*shop));
        pthread_mutex_init(&shop->gate, NULL);
        shop->loop = loop_new();
        shop->worker = worker_new(shop->loop, &o);
}

static struct job *jobs_new(struct shop *shop, unsigned n)
{
        struct job *jobs = calloc(n, sizeof(*jobs));

        for (unsigned i = 0; i < n; i++)
                jobs[i] = (struct job){{NULL, run_job, job_done}, shop, i};
        return jobs;
}

static void test_worker_runs_and_delivers_in_order(void **state)
{
        struct shop shop;
        struct job *jobs;

        (void)state;
        shop_open(&shop, 300, 16);
        jobs = jobs_new(&shop, 200);
        pthread_mutex_lock(&shop.gate);
        for (unsigned i = 0; i < 200; i++)
                assert_int_equal(worker_submit(shop.worker, &jobs[i].job), E_OK);
        assert_int_equal(shop.n_done, 0);
        pthread_mutex_unlock(&shop.gate);
        assert_true(client_wait_count(shop.loop, &shop.n_done, 200));
        for (unsigned i = 0; i < 200; i++)
                assert_int_equal(shop.done_order[i], i);
        assert_true(shop.n_batches >= 13 && shop.n_batches <= 200);
        assert_true(shop.largest_batch > 1 && shop.largest_batch <= 16);
        assert_int_equal(worker_queued(shop.worker), 0);
        worker_free(shop.worker);
        loop_free(shop.loop);
        free(jobs);
}

static void test_worker_mailbox_is_bounded(void **state)
{
        struct shop shop;
        struct job *jobs;
        unsigned n_taken = 0;
        unsigned i;

        (void)state;
        shop_open(&shop, 4, 1);
        jobs = jobs_new(&shop, 10);
        pthread_mutex_lock(&shop.gate);
        /* At most one is being run; four wait; a later one must be refused. */
        for (i = 0; i < 10; i++) {
                if (worker_submit(shop.worker, &jobs[i].job) != E_OK)
                        break;
                n_taken++;
        }
        assert_true(n_taken == 4 || n_taken == 5);
        assert_true(worker_queued(shop.worker) <= 4);
        pthread_mutex_unlock(&shop.gate);
        assert_true(client_wait_count(shop.loop, &shop.n_done, n_taken));
        for (int k = 0; k < 5; k++)
                loop_turn(shop.loop, 1);
        assert_int_equal(shop.n_done, n_taken); /* the refused one was not called */
        worker_free(shop.worker);
        loop_free(shop.loop);
        free(jobs);
}

static void test_worker_free_finishes_and_delivers(void **state)
{
        struct shop shop;
        struct job *jobs;

        (void)state;
        shop_open(&shop, 100, 8);
        jobs = jobs_new(&shop, 50);
        for (unsigned i = 0; i < 50; i++)
                assert_int_equal(worker_submit(shop.worker, &jobs[i].job), E_OK);
        worker_free(shop.worker); /* no turn of the loop in between */
        assert_int_equal(shop.n_done, 50);
        assert_int_equal(shop.n_run, 50);
        assert_int_equal(shop.n_open_batches, 0);
        loop_free(shop.loop);
        assert_int_equal(shop.n_done, 50);
        free(jobs);
        worker_free(NULL);
}

static void test_worker_freed_by_a_done(void **state)
{
        struct shop shop;
        struct job *jobs;

        (void)state;
        shop_open(&shop, 100, 8);
        shop.free_in_done = true;
        jobs = jobs_new(&shop, 50);
        for (unsigned i = 0; i < 50; i++)
                assert_int_equal(worker_submit(shop.worker, &jobs[i].job), E_OK);
        assert_true(client_wait_count(shop.loop, &shop.n_done, 50));
        assert_null(shop.worker);
        loop_free(shop.loop);
        free(jobs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_timer_fires_once_in_order),
                cmocka_unit_test(test_repeating_timer_freed_in_its_callback),
                cmocka_unit_test(test_stopped_timer_is_silent),
                cmocka_unit_test(test_turn_does_not_wait_longer_than_asked),
                cmocka_unit_test(test_posts_from_a_thread_arrive_in_order),
                cmocka_unit_test(test_post_never_fires_inside),
                cmocka_unit_test(test_free_later_runs_after_the_turn),
                cmocka_unit_test(test_signal),
                cmocka_unit_test(test_watch),
                cmocka_unit_test(test_worker_runs_and_delivers_in_order),
                cmocka_unit_test(test_worker_mailbox_is_bounded),
                cmocka_unit_test(test_worker_free_finishes_and_delivers),
                cmocka_unit_test(test_worker_freed_by_a_done),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
