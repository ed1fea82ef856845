/* watch: tells when a descriptor can be read or written without blocking. Level-triggered: it
 * fires every turn for as long as it is true and asked for. Loop thread only. */
#ifndef LOOP_WATCH_H
#define LOOP_WATCH_H

#include <stdbool.h>

#include "loop/loop.h"

struct watch;

typedef void watch_ready(void *cookie, bool readable, bool writable);

/* Asks for nothing yet. The descriptor stays the caller's. */
struct watch *watch_new(struct loop *loop, int fd, watch_ready *ready, void *cookie);
/* Cheap when nothing changes. */
void watch_set(struct watch *watch, bool want_read, bool want_write);
/* Fires once as readable in this or the next turn, for bytes that are no longer in the kernel. */
void watch_poke(struct watch *watch);
/* Before the descriptor is closed. Safe in its own callback; accepts NULL. */
void watch_free(struct watch *watch);

#endif
