#include "edge/conn_ws.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "edge/conn.h"
#include "edge/httpd_frame.h"
#include "edge/utf8.h"
#include "edge/ws_deflate.h"

#define REASON_MAX 120 /* with the code, a close frame's reason is at most 123 bytes */

bool conn_ws_is_open(const struct conn *conn)
{
        return conn->state == CONN_WS || conn->state == CONN_WS_PINGED;
}

/* ---- sending ---- */

/* E_OK when len more bytes may be queued. */
static enum errc admit(struct conn *conn, size_t len)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct ws_queue *queue = &conn->ws->queue;

        if (len <= o->ws_max_queue_bytes && queue->bytes <= o->ws_max_queue_bytes - len &&
            (o->ws_max_queue_frames == 0 || queue->n < o->ws_max_queue_frames))
                return E_OK;
        conn->ws->wants_drained = true;
        return E_LIMIT;
}

enum errc conn_ws_share(struct conn *conn, struct httpd_frame *frame)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct ws_queue *queue;
        enum errc rc;
        size_t len;

        if (!conn_ws_is_open(conn))
                return E_NOT_FOUND;
        queue = &conn->ws->queue;
        if (queue->takes_packed)
                httpd_frame_settle(frame, conn->httpd->deflate);
        (void)httpd_frame_bytes(frame, queue->takes_packed, &len);
        rc = admit(conn, len);
        if (rc)
                return rc;
        ws_queue_push(queue, httpd_frame_hold(frame));
        if (queue->bytes > o->ws_max_queue_bytes / 2 ||
            (o->ws_max_queue_frames > 0 && queue->n > o->ws_max_queue_frames / 2))
                conn->ws->wants_drained = true;
        conn_ws_out_wake(conn);
        return E_OK;
}

enum errc conn_ws_send(struct conn *conn, const void *text, size_t len)
{
        struct httpd_frame *frame;
        enum errc rc;

        if (!conn_ws_is_open(conn))
                return E_NOT_FOUND;
        if (len > conn->listener->options.ws_max_queue_bytes)
                return admit(conn, len);
        frame = httpd_frame_new(text, len);
        rc = conn_ws_share(conn, frame);
        httpd_frame_drop(frame);
        return rc;
}

size_t conn_ws_queued(const struct conn *conn)
{
        return conn->ws->queue.bytes;
}

void conn_ws_ping(struct conn *conn)
{
        conn->ws->wants_ping = true;
        conn_set_state(conn, CONN_WS_PINGED);
        conn_ws_out_wake(conn);
}

/* ---- endings ---- */

/* code 0: without one, as the peer closed. */
static struct httpd_frame *close_frame(uint16_t code, const char *reason)
{
        uint8_t payload[2 + REASON_MAX];
        size_t len = strlen(reason);

        if (len > REASON_MAX)
                len = REASON_MAX;
        while (len > 0 && !utf8_valid(reason, len)) /* a cut may have split a character */
                len--;
        payload[0] = (uint8_t)(code >> 8);
        payload[1] = (uint8_t)code;
        memcpy(payload + 2, reason, len);
        return httpd_frame_make(HTTPD_FRAME_CLOSE, payload, code ? 2 + len : 0);
}

void conn_ws_close(struct conn *conn, uint16_t code, const char *reason)
{
        if (!conn_ws_is_open(conn))
                return;
        ws_queue_push(&conn->ws->queue, close_frame(code, reason));
        conn_set_state(conn, CONN_WS_CLOSING);
        conn_ws_out_wake(conn);
}

void conn_ws_end(struct conn *conn, uint16_t code, const char *why)
{
        struct ws_queue *queue = &conn->ws->queue;
        bool has_closed = conn->state == CONN_WS_CLOSING && queue->n == queue->n_fixed;

        ws_queue_keep_fixed(queue);
        if (!has_closed) /* else our own close frame is out, or on its way */
                ws_queue_push(queue, close_frame(code, why));
        conn_set_state(conn, CONN_WS_ENDING);
        watch_set(conn->watch, false, conn->ws->is_blocked); /* nothing more is read */
        conn_ws_out_wake(conn);
}

void conn_ws_gone(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct conn_ws *ws = conn->ws;

        if (!ws)
                return;
        conn->ws = NULL;
        list_remove(&conn->flush_at);
        head_fini(&ws->head);
        buf_fini(&ws->message);
        ws_queue_fini(&ws->queue);
        httpd_frame_drop(ws->pong);
        if (handle_take(conn->httpd->peers, ws->peer)) {
                conn->httpd->stats.ws_open--;
                if (o->ws->closed)
                        o->ws->closed(o->cookie, ws->peer);
        }
        free(ws);
}
