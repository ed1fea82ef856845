#include "base/attr.h"
#include "edge/conn.h"
#include "edge/conn_io.h"
#include "edge/conn_ws.h"
#include "edge/httpd_frame.h"

#define FLUSH_BYTES 65536 /* of one peer in one turn; others are waiting, too */

/* What answers the peer or asks for it goes before all that is queued, but not into a frame that has
 * begun. */
static void queue_control(struct conn_ws *ws)
{
        if (ws->wants_ping)
                ws_queue_push_first(&ws->queue, httpd_frame_make(HTTPD_FRAME_PING, "p", 1));
        ws->wants_ping = false;
        if (ws->pong)
                ws_queue_push_first(&ws->queue, ws->pong);
        ws->pong = NULL;
}

static void tell_drained(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct conn_ws *ws = conn->ws;

        if (!ws->wants_drained || !conn_ws_is_open(conn) ||
            ws->queue.bytes > o->ws_max_queue_bytes / 4 ||
            (o->ws_max_queue_frames > 0 && ws->queue.n > o->ws_max_queue_frames / 4))
                return;
        ws->wants_drained = false;
        if (o->ws->drained)
                o->ws->drained(o->cookie, ws->peer);
}

void conn_ws_out_flush(struct conn *conn)
{
        struct conn_ws *ws = conn->ws;

        list_remove(&conn->flush_at);
        if (conn->state == CONN_DOOMED)
                return;
        if (conn_ws_is_open(conn))
                queue_control(ws);
        if (ws->queue.n > 0 && !conn_io_write(conn, &ws->queue, FLUSH_BYTES)) {
                conn_doom(conn, "the peer is gone");
                return;
        }
        ws->is_blocked = ws->queue.n > 0;
        watch_set(conn->watch, conn->state != CONN_WS_ENDING, ws->is_blocked);
        if (conn->state == CONN_WS_ENDING && !ws->is_blocked) {
                conn_ws_gone(conn);
                conn_linger(conn);
                return;
        }
        tell_drained(conn);
}

static void flush_all(void *object)
{
        struct httpd *httpd = object;

        httpd->flush_is_due = false;
        httpd->is_flushing = true;
        while (!list_empty(&httpd->to_flush))
                conn_ws_out_flush(list_entry(httpd->to_flush.next, struct conn, flush_at));
        httpd->is_flushing = false;
}

/* What is queued while others are flushed waits for the next turn: else a peer that reads as fast as
 * it is written to would keep the loop for itself. */
void conn_ws_out_wake(struct conn *conn)
{
        struct httpd *httpd = conn->httpd;

        if (conn->ws->is_blocked)
                return;
        if (httpd->is_flushing) {
                conn->ws->is_blocked = true;
                watch_set(conn->watch, conn->state != CONN_WS_ENDING, true);
                return;
        }
        list_remove(&conn->flush_at);
        list_push_back(&httpd->to_flush, &conn->flush_at);
        if (httpd->flush_is_due)
                return;
        httpd->flush_is_due = true;
        loop_free_later(httpd->loop, flush_all, httpd);
}
