#include "edge/ws_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "edge/httpd_frame.h"

#define CAP_FIRST 8
#define CAP_KEPT  16 /* more is given back when the queue is empty */

static struct httpd_frame **slot(const struct ws_queue *q, uint32_t i)
{
        return &q->ring[(q->first + i) & (q->cap - 1)];
}

static size_t size_of(const struct ws_queue *q, uint32_t i)
{
        size_t len;

        (void)httpd_frame_bytes(*slot(q, i), q->takes_packed, &len);
        return len;
}

static void make_room(struct ws_queue *q)
{
        uint32_t cap = q->cap ? q->cap * 2 : CAP_FIRST;
        struct httpd_frame **ring;

        if (q->n < q->cap)
                return;
        must(cap > q->cap);
        ring = xmalloc(cap * sizeof(struct httpd_frame *));
        for (uint32_t i = 0; i < q->n; i++)
                ring[i] = *slot(q, i);
        free(q->ring);
        q->ring = ring;
        q->cap = cap;
        q->first = 0;
}

static void give_back(struct ws_queue *q)
{
        if (q->n > 0 || q->cap <= CAP_KEPT)
                return;
        free(q->ring);
        q->ring = NULL;
        q->cap = 0;
        q->first = 0;
}

void ws_queue_fini(struct ws_queue *q)
{
        for (uint32_t i = 0; i < q->n; i++)
                httpd_frame_drop(*slot(q, i));
        free(q->ring);
        memset(q, 0, sizeof(*q));
}

void ws_queue_push(struct ws_queue *q, struct httpd_frame *frame)
{
        make_room(q);
        *slot(q, q->n++) = frame;
        q->bytes += size_of(q, q->n - 1);
}

void ws_queue_push_first(struct ws_queue *q, struct httpd_frame *frame)
{
        make_room(q);
        for (uint32_t i = q->n; i > q->n_fixed; i--)
                *slot(q, i) = *slot(q, i - 1);
        *slot(q, q->n_fixed) = frame;
        q->n++;
        q->bytes += size_of(q, q->n_fixed);
}

void ws_queue_keep_fixed(struct ws_queue *q)
{
        while (q->n > q->n_fixed) {
                q->bytes -= size_of(q, q->n - 1);
                httpd_frame_drop(*slot(q, --q->n));
        }
        give_back(q);
}

int ws_queue_gather(const struct ws_queue *q, struct iovec *iov, int max, size_t max_bytes)
{
        size_t skip = q->sent;
        int n = 0;

        for (uint32_t i = 0; i < q->n && n < max && max_bytes > 0; i++) {
                size_t len;
                const uint8_t *bytes = httpd_frame_bytes(*slot(q, i), q->takes_packed, &len);

                len -= skip;
                iov[n].iov_base = (void *)(uintptr_t)(bytes + skip);
                iov[n].iov_len = len < max_bytes ? len : max_bytes;
                max_bytes -= iov[n++].iov_len;
                skip = 0;
        }
        return n;
}

void ws_queue_sent(struct ws_queue *q, size_t n)
{
        must(n <= q->bytes);
        q->bytes -= n;
        q->sent += n;
        while (q->n > 0 && q->sent >= size_of(q, 0)) {
                q->sent -= size_of(q, 0);
                httpd_frame_drop(*slot(q, 0));
                q->first = (q->first + 1) & (q->cap - 1);
                q->n--;
        }
        q->n_fixed = q->sent > 0 ? 1 : 0;
        give_back(q);
}

void ws_queue_promised(struct ws_queue *q, size_t n)
{
        size_t covered = 0;
        uint32_t i = 0;

        for (; i < q->n && covered < q->sent + n; i++)
                covered += size_of(q, i);
        q->n_fixed = i;
}
