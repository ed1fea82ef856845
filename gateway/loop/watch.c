#include "loop/watch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/ev_include.h"
#include "loop/loop_private.h"

struct watch {
        ev_io io;
        struct loop *loop;
        watch_ready *ready;
        void *cookie;
        int events;
        bool is_poked;
};

EV_QUIET_BEGIN
static void on_io(struct ev_loop *ev, ev_io *io, int revents)
{
        struct watch *watch = io->data;

        (void)ev;
        watch->is_poked = false;
        watch->ready(watch->cookie, (revents & (EV_READ | EV_ERROR)) != 0,
                     (revents & EV_WRITE) != 0);
}

struct watch *watch_new(struct loop *loop, int fd, watch_ready *ready, void *cookie)
{
        struct watch *watch = xcalloc(1, sizeof(*watch));

        watch->loop = loop;
        watch->ready = ready;
        watch->cookie = cookie;
        ev_io_init(&watch->io, on_io, fd, 0);
        watch->io.data = watch;
        loop->n_open++;
        return watch;
}

void watch_set(struct watch *watch, bool want_read, bool want_write)
{
        int events = (want_read ? EV_READ : 0) | (want_write ? EV_WRITE : 0);

        if (events == watch->events)
                return;
        watch->events = events;
        ev_io_stop(watch->loop->ev, &watch->io);
        ev_io_modify(&watch->io, events);
        if (events)
                ev_io_start(watch->loop->ev, &watch->io);
        if (watch->is_poked) /* stopping has dropped it */
                ev_feed_event(watch->loop->ev, &watch->io, EV_READ);
}

void watch_poke(struct watch *watch)
{
        watch->is_poked = true;
        ev_feed_event(watch->loop->ev, &watch->io, EV_READ);
}

void watch_free(struct watch *watch)
{
        if (!watch)
                return;
        ev_io_stop(watch->loop->ev, &watch->io);
        watch->loop->n_open--;
        free(watch);
}
EV_QUIET_END
