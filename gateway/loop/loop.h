/* loop: the single-threaded event loop (libev). Everything the gateway owns lives on its thread.
 * Nothing blocks here; slow work goes to loop/worker.h and comes back through loop_post. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"

struct loop;
struct loop_timer;
struct loop_signal;

struct loop *loop_new(void); /* aborts when the kernel gives no loop */
/* Runs what loop_free_later still holds, closes the loop and frees it. Every timer, signal, client
 * and server must be closed before. Accepts NULL. */
void loop_free(struct loop *loop);
void loop_run(struct loop *loop);  /* until loop_stop */
void loop_stop(struct loop *loop); /* loop thread only */
/* Runs at most one turn, waiting up to max_wait_ms for something to happen: tests and shutdown. */
void loop_turn(struct loop *loop, int64_t max_wait_ms);
const struct clock *loop_clock(struct loop *loop); /* wall and monotonic; borrowed */
void *loop_native(struct loop *loop);              /* struct ev_loop *, for edge and http_client */

/* The one call that is safe from another thread: runs fn(arg) on the loop thread, in order per
 * caller. Never fires before it returns. */
void loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);
/* Runs fn(object) when this turn is over, because a callback of the same turn may still name it. */
void loop_free_later(struct loop *loop, void (*fn)(void *object), void *object);

/* Fires once after delay_ms, or every repeat_ms from then on when repeat_ms > 0. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *cookie), void *cookie);
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void loop_timer_stop(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* accepts NULL; safe in its own callback */

struct loop_signal *loop_signal_new(struct loop *loop, int signo, void (*fn)(void *cookie),
                                    void *cookie);
void loop_signal_free(struct loop_signal *signal); /* accepts NULL */

#endif
