#include "base/attr.h"
#include "base/buf.h"
#include "edge/conn.h"
#include "edge/conn_io.h"
#include "edge/conn_ws.h"
#include "edge/httpd_frame.h"
#include "edge/utf8.h"
#include "edge/ws_deflate.h"

#define PACKED_BYTES 2048 /* of one read; each may become a thousand */

#define CLOSE_NORMAL 1000
#define CLOSE_BROKEN 1002
#define CLOSE_TYPE   1003
#define CLOSE_UTF8   1007
#define CLOSE_TOOBIG 1009

/* ---- messages ---- */

static void deliver(struct conn *conn, struct buf *message)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        const char *text = buf_cstr(message);

        if (!utf8_valid(text, message->len))
                conn_ws_end(conn, CLOSE_UTF8, "the message is not valid UTF-8");
        else if (o->ws->message)
                o->ws->message(o->cookie, conn->ws->peer, text, message->len);
}

static void deliver_packed(struct conn *conn, const struct buf *packed)
{
        struct buf message;
        enum errc rc;

        buf_init(&message, packed->max);
        rc = ws_deflate_unpack(conn->httpd->deflate, &message, packed->data, packed->len);
        if (rc == E_TOO_LARGE)
                conn_ws_end(conn, CLOSE_TOOBIG, "the message is too big");
        else if (rc)
                conn_ws_end(conn, CLOSE_UTF8, "the message can't be decompressed");
        else
                deliver(conn, &message);
        buf_fini(&message);
}

static void on_message(struct conn *conn)
{
        struct conn_ws *ws = conn->ws;

        if (conn_ws_is_open(
                    conn)) { /* else, while our close frame is on its way, only theirs matters */
                if (ws->parser.is_packed)
                        deliver_packed(conn, &ws->message);
                else
                        deliver(conn, &ws->message);
        }
        buf_fini(&ws->message);
}

/* ---- control frames ---- */

static void on_ping(struct conn *conn)
{
        struct conn_ws *ws = conn->ws;

        if (!conn_ws_is_open(conn))
                return;
        httpd_frame_drop(ws->pong);
        ws->pong = httpd_frame_make(HTTPD_FRAME_PONG, ws->parser.control, ws->parser.n_control);
        conn_ws_out_wake(conn);
}

/* RFC 6455, section 7.4: what may be sent in a close frame. */
static bool code_fits(unsigned code)
{
        return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
               (code >= 3000 && code <= 4999);
}

/* Echoes the code. */
static void on_close(struct conn *conn)
{
        const struct ws_parser *p = &conn->ws->parser;
        unsigned code = p->n_control >= 2 ? (unsigned)p->control[0] << 8 | p->control[1] : 0;

        if (p->n_control == 0)
                conn_ws_end(conn, CLOSE_NORMAL, "");
        else if (p->n_control == 1 || !code_fits(code))
                conn_ws_end(conn, CLOSE_BROKEN, "the close code is not valid");
        else if (!utf8_valid(p->control + 2, (size_t)p->n_control - 2))
                conn_ws_end(conn, CLOSE_UTF8, "the close reason is not valid UTF-8");
        else
                conn_ws_end(conn, (uint16_t)code, "");
}

/* ---- input ---- */

static void handle(struct conn *conn, enum ws_parser_result result)
{
        const char *complaint = conn->ws->parser.complaint;

        switch (result) {
        case WS_PARSER_MESSAGE: on_message(conn); break;
        case WS_PARSER_PING: on_ping(conn); break;
        case WS_PARSER_CLOSE: on_close(conn); break;
        case WS_PARSER_BROKEN: conn_ws_end(conn, CLOSE_BROKEN, complaint); break;
        case WS_PARSER_BINARY: conn_ws_end(conn, CLOSE_TYPE, complaint); break;
        case WS_PARSER_TOO_BIG: conn_ws_end(conn, CLOSE_TOOBIG, complaint); break;
        case WS_PARSER_PONG:
        case WS_PARSER_MORE: break;
        }
}

/* One read a turn, so that a peer that floods us does not keep the others waiting. */
void conn_ws_in_ready(struct conn *conn)
{
        struct conn_ws *ws = conn->ws;
        enum ws_parser_result result = WS_PARSER_PONG;
        uint8_t *data = conn->httpd->scratch;
        ssize_t n;
        size_t len;

        if (conn->state == CONN_WS_ENDING)
                return;
        n = conn_io_read(conn, data,
                         ws->parser.takes_packed ? PACKED_BYTES : sizeof(conn->httpd->scratch));
        if (n < 0) {
                conn_doom(conn, "the peer is gone");
                return;
        }
        if (n > 0 && conn_ws_is_open(conn))
                conn_set_state(conn, CONN_WS);
        len = (size_t)n;
        while (result != WS_PARSER_MORE && conn->state != CONN_DOOMED &&
               conn->state != CONN_WS_ENDING) {
                result = ws_parser_next(&ws->parser, &ws->message, &data, &len);
                handle(conn, result);
        }
        if (conn->state != CONN_DOOMED && conn->state != CONN_WS_ENDING && conn_io_has_more(conn))
                watch_poke(conn->watch);
}
