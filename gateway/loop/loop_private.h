/* loop_private: the body of struct loop, for the files of this folder. */
#ifndef LOOP_LOOP_PRIVATE_H
#define LOOP_LOOP_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "loop/ev_include.h"
#include "loop/loop.h"

struct loop_call {
        void (*fn)(void *arg);
        void *arg;
};

/* A growing array of calls, in order. */
struct loop_calls {
        struct loop_call *call;
        size_t n;
        size_t cap;
};

struct loop {
        struct ev_loop *ev;
        ev_async wake;
        ev_prepare after_turn;
        ev_timer turn_limit;
        pthread_mutex_t lock;     /* guards posted */
        struct loop_calls posted; /* from any thread */
        struct loop_calls later;  /* what loop_free_later holds */
        unsigned n_open;          /* timers, signals and watches not yet freed */
};

#endif
