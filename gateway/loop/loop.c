#include "loop/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "base/mem.h"
#include "loop/ev_include.h"
#include "loop/loop_private.h"

struct loop_timer {
        ev_timer timer;
        struct loop *loop;
        void (*fn)(void *cookie);
        void *cookie;
};

struct loop_signal {
        ev_signal signal;
        struct loop *loop;
        void (*fn)(void *cookie);
        void *cookie;
};

static void calls_add(struct loop_calls *calls, void (*fn)(void *arg), void *arg)
{
        if (calls->n == calls->cap) {
                calls->cap = calls->cap ? calls->cap * 2 : 16;
                calls->call = xrealloc(calls->call, calls->cap * sizeof(*calls->call));
        }
        calls->call[calls->n++] = (struct loop_call){fn, arg};
}

/* Runs what is there, also what is added meanwhile. The array is taken first, because a call may
 * add to it. */
static void run_later(struct loop *loop)
{
        while (loop->later.n) {
                struct loop_calls batch = loop->later;

                loop->later = (struct loop_calls){0};
                for (size_t i = 0; i < batch.n; i++)
                        batch.call[i].fn(batch.call[i].arg);
                if (loop->later.call) {
                        free(batch.call);
                        continue;
                }
                batch.n = 0;
                loop->later = batch; /* keeps the memory for the next turn */
        }
}

/* One batch only: a call that posts again must not starve the sockets. */
static bool run_posted(struct loop *loop)
{
        struct loop_calls batch;

        pthread_mutex_lock(&loop->lock);
        batch = loop->posted;
        loop->posted = (struct loop_calls){0};
        pthread_mutex_unlock(&loop->lock);
        for (size_t i = 0; i < batch.n; i++)
                batch.call[i].fn(batch.call[i].arg);
        free(batch.call);
        return batch.n > 0;
}

EV_QUIET_BEGIN
static void on_wake(struct ev_loop *ev, ev_async *wake, int revents)
{
        (void)ev;
        (void)revents;
        run_posted(wake->data);
}

static void on_after_turn(struct ev_loop *ev, ev_prepare *prepare, int revents)
{
        (void)ev;
        (void)revents;
        run_later(prepare->data);
}

static void on_turn_limit(struct ev_loop *ev, ev_timer *timer, int revents)
{
        (void)ev;
        (void)timer;
        (void)revents;
}

struct loop *loop_new(void)
{
        struct loop *loop = xcalloc(1, sizeof(*loop));

        /* A peer that closes while we write must give an error, not a signal. */
        must(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        must(pthread_mutex_init(&loop->lock, NULL) == 0);
        loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
        must(loop->ev != NULL);
        ev_async_init(&loop->wake, on_wake);
        loop->wake.data = loop;
        ev_async_start(loop->ev, &loop->wake);
        ev_prepare_init(&loop->after_turn, on_after_turn);
        loop->after_turn.data = loop;
        ev_prepare_start(loop->ev, &loop->after_turn);
        ev_timer_init(&loop->turn_limit, on_turn_limit, 0., 0.);
        return loop;
}

void loop_free(struct loop *loop)
{
        if (!loop)
                return;
        do
                run_later(loop);
        while (run_posted(loop));
        must(loop->n_open == 0);
        ev_async_stop(loop->ev, &loop->wake);
        ev_prepare_stop(loop->ev, &loop->after_turn);
        ev_loop_destroy(loop->ev);
        pthread_mutex_destroy(&loop->lock);
        free(loop->later.call);
        free(loop->posted.call);
        free(loop);
}

void loop_run(struct loop *loop)
{
        ev_run(loop->ev, 0);
        run_later(loop);
}

void loop_stop(struct loop *loop)
{
        ev_break(loop->ev, EVBREAK_ALL);
}

void loop_turn(struct loop *loop, int64_t max_wait_ms)
{
        if (max_wait_ms > 0) {
                ev_now_update(loop->ev);
                ev_timer_set(&loop->turn_limit, (double)max_wait_ms / 1000., 0.);
                ev_timer_start(loop->ev, &loop->turn_limit);
                ev_run(loop->ev, EVRUN_ONCE);
                ev_timer_stop(loop->ev, &loop->turn_limit);
        } else {
                ev_run(loop->ev, EVRUN_NOWAIT);
        }
        run_later(loop);
}

const struct clock *loop_clock(struct loop *loop)
{
        (void)loop;
        return clock_system();
}

void *loop_native(struct loop *loop)
{
        return loop->ev;
}

void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
        pthread_mutex_lock(&loop->lock);
        calls_add(&loop->posted, fn, arg);
        pthread_mutex_unlock(&loop->lock);
        ev_async_send(loop->ev, &loop->wake);
}

void loop_free_later(struct loop *loop, void (*fn)(void *object), void *object)
{
        calls_add(&loop->later, fn, object);
}

static void on_timer(struct ev_loop *ev, ev_timer *t, int revents)
{
        struct loop_timer *timer = t->data;

        (void)ev;
        (void)revents;
        timer->fn(timer->cookie); /* may free timer */
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *cookie), void *cookie)
{
        struct loop_timer *timer = xcalloc(1, sizeof(*timer));

        timer->loop = loop;
        timer->fn = fn;
        timer->cookie = cookie;
        ev_timer_init(&timer->timer, on_timer, 0., 0.);
        timer->timer.data = timer;
        loop->n_open++;
        return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
        ev_timer_stop(timer->loop->ev, &timer->timer);
        /* Without this the delay would count from the start of the turn and fire early. */
        ev_now_update(timer->loop->ev);
        ev_timer_set(&timer->timer, (double)(delay_ms > 0 ? delay_ms : 0) / 1000.,
                     (double)(repeat_ms > 0 ? repeat_ms : 0) / 1000.);
        ev_timer_start(timer->loop->ev, &timer->timer);
}

void loop_timer_stop(struct loop_timer *timer)
{
        ev_timer_stop(timer->loop->ev, &timer->timer);
}

void loop_timer_free(struct loop_timer *timer)
{
        if (!timer)
                return;
        ev_timer_stop(timer->loop->ev, &timer->timer);
        timer->loop->n_open--;
        free(timer);
}

static void on_signal(struct ev_loop *ev, ev_signal *s, int revents)
{
        struct loop_signal *sig = s->data;

        (void)ev;
        (void)revents;
        sig->fn(sig->cookie);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signo, void (*fn)(void *cookie),
                                    void *cookie)
{
        struct loop_signal *sig = xcalloc(1, sizeof(*sig));

        sig->loop = loop;
        sig->fn = fn;
        sig->cookie = cookie;
        ev_signal_init(&sig->signal, on_signal, signo);
        sig->signal.data = sig;
        ev_signal_start(loop->ev, &sig->signal);
        loop->n_open++;
        return sig;
}

void loop_signal_free(struct loop_signal *sig)
{
        if (!sig)
                return;
        ev_signal_stop(sig->loop->ev, &sig->signal);
        sig->loop->n_open--;
        free(sig);
}
EV_QUIET_END
