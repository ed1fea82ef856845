#include "edge/conn_upgrade.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "edge/conn.h"
#include "edge/conn_io.h"
#include "edge/conn_ws.h"
#include "edge/httpd_frame.h"
#include "edge/lws_include.h"
#include "edge/ws_deflate.h"

#define ANSWER_MAX  512
#define SHA1_BYTES  20
#define ACCEPT_LEN  28 /* of their base64 */
#define ACCEPT_SIZE 40 /* the library wants more room than it uses */
#define WAITS_MAX   20 /* sweeps */

int conn_upgrade_check(struct conn *conn, const char **why)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct httpd_request request;
        int status;

        *why = "";
        if (conn->head.method != METHOD_GET || !conn->head.is_http_1_1 || conn->head.body_len > 0)
                *why = "A WebSocket starts with GET over HTTP/1.1, without a body.";
        else if (!head_websocket_key_fits(head_value(&conn->head, HEAD_SEC_WEBSOCKET_KEY)))
                *why = "The Sec-WebSocket-Key is not valid.";
        else if (conn->head.seen[HEAD_SEC_WEBSOCKET_PROTOCOL])
                *why = "No WebSocket subprotocol is spoken here.";
        if (strcmp(head_value(&conn->head, HEAD_SEC_WEBSOCKET_VERSION), "13") != 0) {
                *why = "The WebSocket version spoken here is 13.";
                return 426;
        }
        if (**why)
                return 400;
        *why = err_text(E_DRAINING);
        if (conn->listener->is_draining)
                return 503;
        conn_http_view(conn, &request);
        status = o->ws->upgrade ? o->ws->upgrade(o->cookie, &request) : 403;
        *why = err_text(conn_http_code_for(status));
        return status;
}

/* ---- the answer ---- */

/* RFC 6455, section 4.2.2, 5.4 */
static void accept_of(char out[ACCEPT_SIZE], const char *key)
{
        static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        char text[24 + sizeof(guid)];
        unsigned char hash[SHA1_BYTES];

        must(strlen(key) == 24);
        memcpy(text, key, 24);
        memcpy(text + 24, guid, sizeof(guid));
        lws_SHA1((const unsigned char *)text, sizeof(text) - 1, hash);
        must(lws_b64_encode_string((const char *)hash, sizeof(hash), out, ACCEPT_SIZE) ==
             ACCEPT_LEN);
}

static void answer(struct conn *conn, bool deflates)
{
        char accept[ACCEPT_SIZE];
        struct buf text;

        accept_of(accept, head_value(&conn->head, HEAD_SEC_WEBSOCKET_KEY));
        buf_init(&text, ANSWER_MAX);
        buf_puts(&text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\n");
        buf_printf(&text, "Sec-WebSocket-Accept: %s\r\nX-Request-Id: %s\r\n", accept,
                   conn->request_id);
        if (deflates)
                buf_puts(&text, "Sec-WebSocket-Extensions: " WS_DEFLATE_ANSWER "\r\n");
        buf_puts(&text, "\r\n");
        must(buf_check(&text) == E_OK);
        ws_queue_push(&conn->ws->queue,
                      httpd_frame_make(HTTPD_FRAME_VERBATIM, text.data, text.len));
        buf_fini(&text);
}

/* ---- the connection changes hands ---- */

static void on_ready(void *cookie, bool readable, bool writable)
{
        struct conn *conn = cookie;

        if (conn->state == CONN_DOOMED)
                return;
        if (conn->state == CONN_UPGRADING) {
                conn_upgrade_again(conn);
                return;
        }
        if (readable)
                conn_ws_in_ready(conn);
        if (writable && conn->ws && conn->state != CONN_DOOMED)
                conn_ws_out_flush(conn);
}

static void open_peer(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct conn_ws *ws = conn->ws;
        struct httpd_request request;
        bool deflates;

        conn->head = ws->head;
        ws->head = (struct head){0};
        deflates = o->ws_deflate &&
                   ws_deflate_is_offered(head_value(&conn->head, HEAD_SEC_WEBSOCKET_EXTENSIONS));
        ws->peer = handle_put(conn->httpd->peers, conn);
        if (ws->peer.generation == 0) {
                conn_doom(conn, "there are too many WebSockets");
                return;
        }
        ws_parser_init(&ws->parser, deflates);
        ws->queue.takes_packed = deflates;
        buf_init(&ws->message, o->ws_max_message_bytes);
        conn_pause_reads(conn);
        conn_io_begin(conn);
        answer(conn, deflates);
        conn_set_state(conn, CONN_WS);
        watch_set(conn->watch, true, false);
        if (conn_io_has_more(conn))
                watch_poke(conn->watch);
        conn_ws_out_wake(conn);
        conn->httpd->stats.ws_opened++;
        conn->httpd->stats.ws_open++;
        conn_http_view(conn, &request);
        if (o->ws->opened)
                o->ws->opened(o->cookie, ws->peer, &request);
        head_fini(&conn->head);
}

/* The library may have read more than the request, and shows nobody what it holds. A client must not
 * send before it has its answer (RFC 6455, section 4.1): so whatever the library holds is no frame of
 * an honest client, and it gets the time to choke on it and close. While anybody's bytes wait there,
 * nobody can tell whose; but not for ever. */
void conn_upgrade_again(struct conn *conn)
{
        struct lws_context *lws = conn->httpd->lws;
        struct lws_pollfd ready = {
                .fd = lws_get_socket_fd(conn->lws), .events = LWS_POLLOUT, .revents = LWS_POLLOUT};

        watch_set(conn->watch, false, false);
        /* After an answer, the library looks at nothing before it has seen room to write. */
        if (lws_service_fd(lws, &ready) < 0 || !conn->ws)
                return;
        if (lws_service_adjust_timeout(lws, 1, 0) == 0 && conn->ws->n_waits++ < WAITS_MAX)
                return;
        open_peer(conn);
}

int conn_upgrade_accept(struct conn *conn)
{
        struct conn_ws *ws = xcalloc(1, sizeof(*ws));

        ws->head = conn->head; /* the library drops what belongs to the request */
        conn->head = (struct head){0};
        conn->ws = ws;
        conn_set_state(conn, CONN_UPGRADING);
        if (conn_http_forget(conn))
                return -1;
        conn->watch = watch_new(conn->httpd->loop, lws_get_socket_fd(conn->lws), on_ready, conn);
        watch_set(conn->watch, false, true);
        return 0;
}
