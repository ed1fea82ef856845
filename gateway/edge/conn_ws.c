#include <stdio.h>
#include <string.h>

#include "edge/conn.h"
#include "edge/utf8.h"
#include "edge/ws_frame.h"

#define REASON_MAX 120 /* with the code, a close frame's reason is at most 123 bytes */

static uint8_t *in_bytes(const struct conn *conn)
{
        return conn->in.data + conn->in.off;
}

static void put_frame(struct conn *conn, enum ws_opcode opcode, const void *data, size_t len)
{
        uint8_t head[WS_HEAD_MAX];
        size_t head_len = ws_frame_head(head, opcode, len);

        conn_bytes_reserve(&conn->out, head_len + len);
        conn_bytes_put(&conn->out, head, head_len);
        conn_bytes_put(&conn->out, data, len);
        conn_flush_later(conn);
}

/* ---- upgrade ---- */

/* The error whose row has this status, so that a refused upgrade has a code like any refusal. */
static enum errc code_for(int status)
{
        switch (status) {
        case 401: return E_UNAUTHORIZED;
        case 403: return E_FORBIDDEN;
        case 404: return E_NOT_FOUND;
        case 429: return E_RATE_LIMITED;
        case 451: return E_REGION_BLOCKED;
        case 503: return E_DRAINING;
        default: return status >= 500 ? E_INTERNAL : E_INVALID;
        }
}

static bool may_upgrade(struct conn *conn, char accept[WS_ACCEPT_SIZE])
{
        const struct httpd_listen_options *o = &conn->listener->options;
        const struct http_head *head = &conn->head;
        const char *data = (const char *)in_bytes(conn);
        const struct http_span *key = &head->value[HTTP_SEC_WEBSOCKET_KEY];
        const struct http_span *version = &head->value[HTTP_SEC_WEBSOCKET_VERSION];
        struct httpd_request request;
        int status;

        if (head->method != METHOD_GET || !head->is_http_1_1) {
                conn_http_refuse(conn, E_INVALID, 400,
                                 "A WebSocket starts with GET over HTTP/1.1.");
                return false;
        }
        if (strcmp(http_parse_text(head, data, *version), "13") != 0) {
                conn_http_refuse(conn, E_INVALID, 426, "The WebSocket version spoken here is 13.");
                return false;
        }
        if (!ws_frame_accept(accept, http_parse_text(head, data, *key), key->len)) {
                conn_http_refuse(conn, E_INVALID, 400, "The Sec-WebSocket-Key is not valid.");
                return false;
        }
        if (conn->httpd->is_draining) {
                conn_http_refuse(conn, E_DRAINING, 503, err_text(E_DRAINING));
                return false;
        }
        conn_http_view(conn, &request);
        request.internal = &(struct conn_view){head, data};
        status = o->ws->upgrade ? o->ws->upgrade(o->cookie, &request) : 403;
        if (status != 0)
                conn_http_refuse(conn, code_for(status), status, err_text(code_for(status)));
        return status == 0;
}

void conn_ws_start(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct httpd *httpd = conn->httpd;
        char accept[WS_ACCEPT_SIZE];
        char answer[192];
        int n;

        if (!may_upgrade(conn, accept))
                return;
        conn->ws_peer = handle_put(httpd->peers, conn);
        if (conn->ws_peer.generation == 0) {
                conn_http_refuse(conn, E_DRAINING, 503, "Too many WebSockets are open.");
                return;
        }
        n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nX-Request-Id: %s\r\n\r\n",
                     accept, conn->request_id);
        must(n > 0 && (size_t)n < sizeof(answer));
        conn_bytes_put(&conn->out, answer, (size_t)n);
        conn_bytes_skip(&conn->in, conn->head_len);
        conn_set_state(conn, CONN_WS);
        httpd->stats.ws_opened++;
        conn_flush_later(conn);
        if (o->ws->opened)
                o->ws->opened(o->cookie, conn->ws_peer, conn->peer);
        if (conn_bytes_left(&conn->in) > 0)
                conn_ws_process(conn);
}

/* ---- endings ---- */

void conn_ws_gone(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct handle peer = conn->ws_peer;

        if (peer.generation == 0)
                return;
        conn->ws_peer = (struct handle){0};
        (void)handle_take(conn->httpd->peers, peer);
        if (o->ws->closed)
                o->ws->closed(o->cookie, peer);
}

void conn_ws_close(struct conn *conn, uint16_t code, const char *reason)
{
        uint8_t payload[2 + REASON_MAX];
        size_t len = strlen(reason);

        if (conn->state == CONN_WS_CLOSING)
                return;
        if (len > REASON_MAX)
                len = REASON_MAX;
        while (len > 0 && !utf8_valid(reason, len)) /* a cut may have split a character */
                len--;
        payload[0] = (uint8_t)(code >> 8);
        payload[1] = (uint8_t)code;
        memcpy(payload + 2, reason, len);
        put_frame(conn, WS_CLOSE, payload, 2 + len);
        conn_set_state(conn, CONN_WS_CLOSING);
}

/* The peer broke the protocol: nothing more of it is read. */
static void fail(struct conn *conn, uint16_t code, const char *why)
{
        conn->ws_heard_close = true;
        conn_ws_close(conn, code, why);
}

void conn_ws_sent(struct conn *conn)
{
        if (!conn->ws_heard_close)
                return; /* the peer's own close frame is still to come */
        conn_ws_gone(conn);
        conn_linger(conn);
}

static void on_close_frame(struct conn *conn, const uint8_t *payload, size_t len)
{
        uint16_t code = WS_CLOSE_NORMAL;

        conn->ws_heard_close = true;
        if (conn->state == CONN_WS_CLOSING) {
                if (conn_bytes_left(&conn->out) == 0)
                        conn_ws_sent(conn);
                return;
        }
        if (len >= 2)
                code = (uint16_t)(payload[0] << 8 | payload[1]);
        if (len == 1 || !ws_frame_close_code_fits(code))
                conn_ws_close(conn, WS_CLOSE_BROKEN, "the close code is not valid");
        else if (len > 2 && !utf8_valid(payload + 2, len - 2))
                conn_ws_close(conn, WS_CLOSE_UTF8, "the close reason is not valid UTF-8");
        else
                conn_ws_close(conn, code, "");
}

/* ---- input ---- */

static void hand_over(struct conn *conn, char *text, size_t len)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        char after = text[len];

        if (!utf8_valid(text, len)) {
                fail(conn, WS_CLOSE_UTF8, "the message is not valid UTF-8");
                return;
        }
        text[len] = '\0';
        if (o->ws->message)
                o->ws->message(o->cookie, conn->ws_peer, text, len);
        text[len] = after;
}

static void on_fragment(struct conn *conn, const struct ws_frame *frame, const uint8_t *payload)
{
        char empty[1] = "";

        conn->is_in_message = !frame->is_last;
        buf_put(&conn->message, payload, (size_t)frame->len);
        must(buf_check(&conn->message) == E_OK); /* the cap was looked at with the frame's head */
        if (!frame->is_last)
                return;
        (void)buf_cstr(&conn->message); /* makes room for the NUL */
        hand_over(conn, conn->message.data ? (char *)conn->message.data : empty, conn->message.len);
        buf_fini(&conn->message);
}

static void on_frame(struct conn *conn, const struct ws_frame *frame, uint8_t *payload)
{
        size_t len = (size_t)frame->len;

        switch (frame->opcode) {
        case WS_TEXT:
                if (frame->is_last)
                        hand_over(conn, (char *)payload, len);
                else
                        on_fragment(conn, frame, payload);
                break;
        case WS_CONTINUATION: on_fragment(conn, frame, payload); break;
        case WS_CLOSE: on_close_frame(conn, payload, len); break;
        case WS_PING:
                /* One that pings without reading would grow the queue. */
                if (conn_bytes_left(&conn->out) + WS_HEAD_MAX + len >
                    conn->listener->options.ws_max_queue_bytes)
                        fail(conn, WS_CLOSE_LATER, "too much is queued");
                else
                        put_frame(conn, WS_PONG, payload, len);
                break;
        case WS_PONG:
        case WS_BINARY: break; /* check_frame refuses binary ones */
        }
}

/* What the frame's head tells already, before its payload is waited for. */
static bool check_frame(struct conn *conn, const struct ws_frame *frame)
{
        size_t cap = conn->listener->options.ws_max_message_bytes;

        if (frame->opcode == WS_BINARY) {
                fail(conn, WS_CLOSE_TYPE, "only text is accepted");
                return false;
        }
        if (frame->opcode == WS_TEXT && conn->is_in_message) {
                fail(conn, WS_CLOSE_BROKEN, "a message began inside another");
                return false;
        }
        if (frame->opcode == WS_CONTINUATION && !conn->is_in_message) {
                fail(conn, WS_CLOSE_BROKEN, "a continuation of nothing");
                return false;
        }
        if ((frame->opcode == WS_TEXT || frame->opcode == WS_CONTINUATION) &&
            (frame->len > cap || conn->message.len > cap - frame->len)) {
                fail(conn, WS_CLOSE_TOOBIG, "the message is too big");
                return false;
        }
        return true;
}

/* One frame; true when there may be another. */
static bool process_one(struct conn *conn)
{
        struct ws_frame frame;
        const char *why = NULL;
        size_t have = conn_bytes_left(&conn->in);

        switch (ws_frame_parse(&frame, in_bytes(conn), have, &why)) {
        case WS_HEAD_PARTIAL: return false;
        case WS_HEAD_BROKEN: fail(conn, WS_CLOSE_BROKEN, why); return false;
        case WS_HEAD_WHOLE: break;
        }
        /* While our close frame is out, only the peer's own matters. */
        if (conn->state != CONN_WS_CLOSING && !check_frame(conn, &frame))
                return false;
        if (frame.len > conn->listener->options.ws_max_message_bytes &&
            frame.len > WS_CONTROL_MAX) {
                conn->ws_heard_close = true; /* too long to wait for */
                return false;
        }
        if (have - frame.head_len < frame.len)
                return false;
        ws_frame_unmask(in_bytes(conn) + frame.head_len, (size_t)frame.len, frame.mask);
        if (conn->state != CONN_WS_CLOSING || frame.opcode == WS_CLOSE)
                on_frame(conn, &frame, in_bytes(conn) + frame.head_len);
        if (conn->state == CONN_CLOSED || conn->state == CONN_LINGERING)
                return false;
        conn_bytes_skip(&conn->in, frame.head_len + (size_t)frame.len);
        return true;
}

void conn_ws_process(struct conn *conn)
{
        if (conn->state == CONN_WS || conn->state == CONN_WS_PINGED)
                conn_set_state(conn, CONN_WS); /* heard from */
        while (!conn->ws_heard_close && conn_bytes_left(&conn->in) > 0 && process_one(conn))
                ;
        if (conn->ws_heard_close && conn->state != CONN_CLOSED)
                conn_bytes_skip(&conn->in, conn_bytes_left(&conn->in));
}

/* ---- output ---- */

enum errc conn_ws_send(struct conn *conn, const void *text, size_t len)
{
        size_t max = conn->listener->options.ws_max_queue_bytes;
        size_t queued = conn_bytes_left(&conn->out);

        if (conn->state == CONN_WS_CLOSING)
                return E_NOT_FOUND;
        if (len > max || queued + WS_HEAD_MAX > max - len)
                return E_LIMIT;
        put_frame(conn, WS_TEXT, text, len);
        return E_OK;
}

void conn_ws_ping(struct conn *conn)
{
        put_frame(conn, WS_PING, NULL, 0);
        conn_set_state(conn, CONN_WS_PINGED);
}
