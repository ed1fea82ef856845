#include "adapters/paper/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/paper/follow.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

#define WRITE_MS    1000
#define PENDING_MAX (8u << 20)
#define PENDING     (1u << 20)

struct record {
        struct follow *follow;
        struct loop_timer *timer;
        struct record_options options;
        struct buf pending;
        int fd; /* -1: none, or given up */
        size_t n_lines;
        int64_t last_at;
        bool is_failed;
};

static void give_up(struct record *r, const char *reason)
{
        if (r->is_failed)
                return;
        r->is_failed = true;
        log_event(LOG_ERROR, "recording failed", "reason", reason, NULL);
        if (r->options.failed)
                r->options.failed(r->options.cookie);
}

static void write_pending(struct record *r)
{
        size_t done = 0;

        while (!r->is_failed && done < r->pending.len) {
                ssize_t n = write(r->fd, r->pending.data + done, r->pending.len - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        give_up(r, strerror(errno));
                else
                        done += (size_t)n;
        }
        buf_reset(&r->pending);
}

static void on_timer(void *cookie)
{
        write_pending(cookie);
}

/* The wall clock may step back; a recording's time does not. */
static void on_event(void *cookie, const struct recording_event *event)
{
        struct recording_event e = *event;
        struct record *r = cookie;

        if (e.at < r->last_at)
                e.at = r->last_at;
        r->last_at = e.at;
        recording_print(&r->pending, &e);
        r->n_lines++;
        if (r->pending.len >= PENDING)
                write_pending(r);
}

struct record *record_open(struct loop *loop, const struct record_options *options, struct err *err)
{
        struct record *r = xcalloc(1, sizeof(*r));
        struct follow_options follow = {
                .url = options->url,
                .coins = options->coins,
                .n_coins = options->n_coins,
                .event = on_event,
                .cookie = r,
        };

        r->options = *options;
        buf_init(&r->pending, PENDING_MAX);
        r->timer = loop_timer_new(loop, on_timer, r);
        r->last_at = clock_wall_ms(loop_clock(loop));
        r->fd = -1;
        r->follow = follow_open(loop, &follow, err);
        if (!r->follow)
                goto failed;
        r->fd = open(options->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (r->fd < 0) {
                (void)err_set(err, E_CONFIG, "%s: %s", options->file, strerror(errno));
                goto failed;
        }
        recording_print_header(&r->pending, options->url, r->last_at);
        loop_timer_start(r->timer, WRITE_MS, WRITE_MS);
        return r;
failed:
        must(record_close(r, NULL) == E_OK); /* nothing was written */
        return NULL;
}

size_t record_lines(const struct record *r)
{
        return r->n_lines;
}

enum errc record_close(struct record *r, size_t *n_lines)
{
        enum errc rc;

        if (!r)
                return E_OK;
        follow_close(r->follow);
        loop_timer_free(r->timer);
        if (r->fd >= 0)
                write_pending(r);
        if (r->fd >= 0 && (fsync(r->fd) | close(r->fd)))
                r->is_failed = true;
        rc = r->is_failed ? E_IO : E_OK;
        if (n_lines)
                *n_lines = r->n_lines;
        buf_fini(&r->pending);
        free(r);
        return rc;
}
