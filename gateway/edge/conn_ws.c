#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/conn.h"
#include "edge/httpd_frame.h"
#include "edge/lws_include.h"
#include "edge/utf8.h"

#define REASON_MAX   120 /* with the code, a close frame's reason is at most 123 bytes */
#define FRAME_COST   10  /* at most so many bytes a frame has beside its payload */
#define CLOSE_NORMAL 1000
#define CLOSE_BROKEN 1002
#define CLOSE_TYPE   1003
#define CLOSE_UTF8   1007
#define CLOSE_TOOBIG 1009

_Static_assert(HTTPD_FRAME_PRE >= LWS_PRE, "the library writes its head before the text");

/* A frame that waits for the peer to take it. */
struct waiting {
        struct list at;
        struct httpd_frame *frame;
};

/* ---- upgrade ---- */

/* Keeps the reason why an upgrade is refused, for the answer. 0: it is not. */
static int refuse(struct conn *conn, int status, const char *why)
{
        conn->refused_upgrade = status;
        conn->refused_why = why;
        return status;
}

/* 0, or the status to refuse with. */
static int check_upgrade(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct httpd_request request;
        int status;

        if (conn->head.method != METHOD_GET || !conn->head.is_http_1_1)
                return refuse(conn, 400, "A WebSocket starts with GET over HTTP/1.1.");
        if (strcmp(head_value(&conn->head, HEAD_SEC_WEBSOCKET_VERSION), "13") != 0)
                return refuse(conn, 426, "The WebSocket version spoken here is 13.");
        if (!head_websocket_key_fits(head_value(&conn->head, HEAD_SEC_WEBSOCKET_KEY)))
                return refuse(conn, 400, "The Sec-WebSocket-Key is not valid.");
        /* The library would hang up without a word. */
        if (conn->head.seen[HEAD_SEC_WEBSOCKET_PROTOCOL])
                return refuse(conn, 400, "No WebSocket subprotocol is spoken here.");
        if (conn->listener->is_draining)
                return refuse(conn, 503, err_text(E_DRAINING));
        conn_http_view(conn, &request);
        status = o->ws->upgrade ? o->ws->upgrade(o->cookie, &request) : 403;
        return status ? refuse(conn, status, err_text(conn_http_code_for(status))) : 0;
}

static bool is_ws_path(const struct httpd_listen_options *o, const char *path)
{
        for (unsigned i = 0; i < o->n_ws_paths; i++)
                if (strcmp(o->ws_paths[i], path) == 0)
                        return true;
        return false;
}

/* The library asks before it upgrades, with the name of the protocol in its own buffer, and reads it
 * again after. To spoil the name leaves an ordinary request: the one way to ignore an upgrade, as
 * HTTP allows, and to refuse one with an answer that arrives. */
int conn_ws_confirm(struct conn *conn, char *upgrade)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        const char *why = NULL;
        bool is_ours;

        /* A protocol it does not know, the library has refused before it asks; upgrade is gone. */
        if (conn->state == CONN_DOOMED || lws_hdr_total_length(conn->lws, WSI_TOKEN_UPGRADE) == 0)
                return -1;
        head_fini(&conn->head);
        is_ours = head_read(&conn->head, conn->lws, &why) == E_OK && conn->head.wants_upgrade &&
                  o->ws && is_ws_path(o, head_path(&conn->head));
        conn_http_make_id(conn);
        if (is_ours && check_upgrade(conn) == 0)
                return 0;
        upgrade[0] = '-';
        return 0;
}

int conn_ws_opened(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct httpd_request request;

        lws_set_timeout(conn->lws, NO_PENDING_TIMEOUT, 0);
        if (conn->state == CONN_DOOMED)
                return -1;
        conn->ws_peer = handle_put(conn->httpd->peers, conn);
        if (conn->ws_peer.generation == 0)
                return -1;
        buf_init(&conn->message, o->ws_max_message_bytes);
        conn_set_state(conn, CONN_WS);
        conn->httpd->stats.ws_opened++;
        conn_http_view(conn, &request);
        if (o->ws->opened)
                o->ws->opened(o->cookie, conn->ws_peer, &request);
        conn_http_dropped(conn);
        return 0;
}

/* ---- endings ---- */

static struct httpd_frame *take_frame(struct conn *conn)
{
        struct waiting *waiting;
        struct httpd_frame *frame;

        if (list_empty(&conn->ws_queue))
                return NULL;
        waiting = list_entry(conn->ws_queue.next, struct waiting, at);
        list_remove(&waiting->at);
        frame = waiting->frame;
        free(waiting);
        conn->ws_queued_bytes -= frame->len + FRAME_COST;
        conn->ws_queued_frames--;
        return frame;
}

void conn_ws_gone(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct handle peer = conn->ws_peer;
        struct httpd_frame *frame;

        while ((frame = take_frame(conn)))
                httpd_frame_drop(frame);
        buf_fini(&conn->message);
        if (peer.generation == 0)
                return;
        conn->ws_peer = (struct handle){0};
        (void)handle_take(conn->httpd->peers, peer);
        if (o->ws->closed)
                o->ws->closed(o->cookie, peer);
}

void conn_ws_close(struct conn *conn, uint16_t code, const char *reason)
{
        size_t len = strlen(reason);

        if (conn->state != CONN_WS && conn->state != CONN_WS_PINGED)
                return;
        if (len > REASON_MAX)
                len = REASON_MAX;
        while (len > 0 && !utf8_valid(reason, len)) /* a cut may have split a character */
                len--;
        memcpy(conn->close_reason, reason, len);
        conn->close_reason[len] = '\0';
        conn->close_code = code;
        conn_set_state(conn, CONN_WS_CLOSING);
        (void)lws_callback_on_writable(conn->lws);
}

/* Has the library close with code: what a callback then returns. */
static int end(struct conn *conn, uint16_t code, const char *why)
{
        conn_set_state(conn, CONN_WS_ENDING);
        lws_close_reason(conn->lws, code, (unsigned char *)(uintptr_t)why, strlen(why));
        return -1;
}

int conn_ws_peer_closes(struct conn *conn, const uint8_t *payload, size_t len)
{
        if (conn->state == CONN_DOOMED)
                return -1;
        if (len == 0)
                return end(conn, CLOSE_NORMAL, "");
        if (len == 1)
                return end(conn, CLOSE_BROKEN, "the close code is not valid");
        if (len > 2 && !utf8_valid(payload + 2, len - 2))
                return end(conn, CLOSE_UTF8, "the close reason is not valid UTF-8");
        conn_set_state(conn, CONN_WS_ENDING);
        return 0; /* the library checks the code, and echoes the frame */
}

/* ---- input ---- */

void conn_ws_heard(struct conn *conn)
{
        if (conn->state == CONN_WS || conn->state == CONN_WS_PINGED)
                conn_set_state(conn, CONN_WS);
}

static int hand_over(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        const char *text = buf_cstr(&conn->message);

        if (!utf8_valid(text, conn->message.len))
                return end(conn, CLOSE_UTF8, "the message is not valid UTF-8");
        if (o->ws->message)
                o->ws->message(o->cookie, conn->ws_peer, text, conn->message.len);
        buf_fini(&conn->message);
        buf_init(&conn->message, o->ws_max_message_bytes);
        return conn->state == CONN_DOOMED ? -1 : 0;
}

/* Messages come in pieces of at most 4 KB, whatever their frames were. */
int conn_ws_receive(struct conn *conn, const char *data, size_t len)
{
        size_t cap = conn->listener->options.ws_max_message_bytes;
        size_t left = lws_remaining_packet_payload(conn->lws);

        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state != CONN_WS && conn->state != CONN_WS_PINGED)
                return 0; /* while our close frame is on its way, only the peer's own matters */
        conn_set_state(conn, CONN_WS);
        if (lws_frame_is_binary(conn->lws))
                return end(conn, CLOSE_TYPE, "only text is accepted");
        if (len > cap || left > cap - len || conn->message.len > cap - len - left)
                return end(conn, CLOSE_TOOBIG, "the message is too big");
        if (len > 0)
                buf_put(&conn->message, data, len);
        must(buf_check(&conn->message) == E_OK);
        return lws_is_final_fragment(conn->lws) ? hand_over(conn) : 0;
}

/* ---- output ---- */

/* E_OK when a message of len bytes may be queued. */
static enum errc admit(struct conn *conn, size_t len)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        size_t max = o->ws_max_queue_bytes;

        if (conn->state != CONN_WS && conn->state != CONN_WS_PINGED)
                return E_NOT_FOUND;
        if (len <= max && conn->ws_queued_bytes + FRAME_COST <= max - len &&
            (o->ws_max_queue_frames == 0 || conn->ws_queued_frames < o->ws_max_queue_frames))
                return E_OK;
        conn->wants_drained = true;
        return E_LIMIT;
}

/* Takes the reference. */
static void queue(struct conn *conn, struct httpd_frame *frame)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct waiting *waiting = xmalloc(sizeof(*waiting));

        waiting->frame = frame;
        list_push_back(&conn->ws_queue, &waiting->at);
        conn->ws_queued_bytes += frame->len + FRAME_COST;
        conn->ws_queued_frames++;
        if (conn->ws_queued_bytes > o->ws_max_queue_bytes / 2 ||
            (o->ws_max_queue_frames > 0 && conn->ws_queued_frames > o->ws_max_queue_frames / 2))
                conn->wants_drained = true;
        (void)lws_callback_on_writable(conn->lws);
}

enum errc conn_ws_send(struct conn *conn, const void *text, size_t len)
{
        enum errc rc = admit(conn, len);

        if (!rc)
                queue(conn, httpd_frame_new(text, len));
        return rc;
}

enum errc conn_ws_share(struct conn *conn, struct httpd_frame *frame)
{
        enum errc rc = admit(conn, frame->len);

        if (!rc)
                queue(conn, httpd_frame_hold(frame));
        return rc;
}

static void tell_drained(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;

        if (!conn->wants_drained || conn->ws_queued_bytes > o->ws_max_queue_bytes / 4 ||
            (o->ws_max_queue_frames > 0 && conn->ws_queued_frames > o->ws_max_queue_frames / 4) ||
            (conn->state != CONN_WS && conn->state != CONN_WS_PINGED))
                return;
        conn->wants_drained = false;
        if (o->ws->drained)
                o->ws->drained(o->cookie, conn->ws_peer);
}

void conn_ws_ping(struct conn *conn)
{
        conn->wants_ping = true;
        conn_set_state(conn, CONN_WS_PINGED);
        (void)lws_callback_on_writable(conn->lws);
}

/* The library tells of a pong only when it has a payload. */
static int write_ping(struct conn *conn)
{
        unsigned char room[LWS_PRE + 1];

        conn->wants_ping = false;
        room[LWS_PRE] = 'p';
        return lws_write(conn->lws, room + LWS_PRE, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
}

static int write_message(struct conn *conn)
{
        struct httpd_frame *frame = take_frame(conn);
        int n = lws_write(conn->lws, frame->bytes + HTTPD_FRAME_PRE, frame->len, LWS_WRITE_TEXT);

        httpd_frame_drop(frame);
        if (n < 0)
                return -1;
        tell_drained(conn);
        return conn->state == CONN_DOOMED ? -1 : 0;
}

/* One write a time, as the library wants it. It takes a message whole and calls back when the
 * kernel has it; so what waits for a peer is the queue and one message. */
int conn_ws_writeable(struct conn *conn)
{
        int rc = 0;

        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state == CONN_WS_ENDING)
                return 0;
        if (conn->wants_ping)
                rc = write_ping(conn);
        else if (!list_empty(&conn->ws_queue))
                rc = write_message(conn);
        else if (conn->state == CONN_WS_CLOSING && conn->close_code) {
                lws_close_reason(conn->lws, conn->close_code, (unsigned char *)conn->close_reason,
                                 strlen(conn->close_reason));
                conn->close_code = 0;
                return -1;
        }
        if (!rc &&
            (conn->wants_ping || !list_empty(&conn->ws_queue) || conn->state == CONN_WS_CLOSING))
                (void)lws_callback_on_writable(conn->lws);
        return rc;
}
