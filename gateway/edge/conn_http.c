#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/conn.h"
#include "edge/conn_upgrade.h"
#include "edge/http_target.h"
#include "edge/lws_include.h"
#include "edge/taken.h"

#define PROBLEM_MAX_BYTES 2048
#define FIRST_WRITE_BYTES 65536 /* head and body leave in one write up to here */
#define HEAD_MIN_BYTES    18    /* "PUT / HTTP/1.0" and its ends of line */
#define PIECE_BYTES       16384 /* what a socket that is writeable takes whole */

bool conn_http_has_begun(const struct conn *conn)
{
        return lws_hdr_total_length(conn->lws, WSI_TOKEN_GET_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_POST_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_PUT_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_PATCH_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_DELETE_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_OPTIONS_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_HEAD_URI) > 0;
}

void conn_http_dropped(struct conn *conn)
{
        head_fini(&conn->head);
        buf_fini(&conn->body);
        conn->spoilt = NULL; /* it pointed into what the library keeps of the request */
}

/* ---- answers: the text ---- */

/* A header that would end its line early could forge the rest of the answer. */
static bool header_fits(const struct httpd_header_pair *pair)
{
        for (const char *c = pair->name; *c; c++)
                if (http_target_is_control(*c) || *c == ':' || *c == ' ')
                        return false;
        for (const char *c = pair->value; *c; c++)
                if (http_target_is_control(*c) && *c != '\t')
                        return false;
        return pair->name[0] != '\0';
}

static const char *date_now(struct httpd *httpd)
{
        int64_t now = clock_wall_ms(loop_clock(httpd->loop));

        if (now / 1000 != httpd->date_second) {
                httpd->date_second = now / 1000;
                http_date(httpd->date, now);
        }
        return httpd->date;
}

static void put_head(struct conn *conn, int status, const char *content_type, size_t body_len)
{
        struct buf *out = &conn->out;

        buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n", status,
                   http_reason(status), date_now(conn->httpd), conn->request_id);
        if (status != 204 && status != 304)
                buf_printf(out, "Content-Length: %zu\r\n", body_len);
        if (content_type && content_type[0]) {
                struct httpd_header_pair pair = {"Content-Type", content_type};

                must(header_fits(&pair));
                buf_printf(out, "Content-Type: %s\r\n", content_type);
        }
        if (conn->closes_after)
                buf_puts(out, "Connection: close\r\n");
}

static void put_header(struct conn *conn, const struct httpd_header_pair *pair)
{
        if (!header_fits(pair)) {
                log_event(LOG_ERROR, "answer header dropped", "request", conn->request_id, "name",
                          pair->name, NULL);
                return;
        }
        buf_puts(&conn->out, pair->name);
        buf_puts(&conn->out, ": ");
        buf_puts(&conn->out, pair->value);
        buf_puts(&conn->out, "\r\n");
}

/* ---- answers: on their way ---- */

/* What was read so far: see is_pipelined_body. */
static void mark_taken(struct conn *conn)
{
        conn->knows_taken = taken_bytes(lws_get_socket_fd(conn->lws), &conn->taken);
}

int conn_http_forget(struct conn *conn)
{
        if (lws_http_transaction_completed(conn->lws))
                return -1;
        lws_set_timeout(conn->lws, NO_PENDING_TIMEOUT, 0);
        return 0;
}

/* The answer is with the kernel. Not zero: to be closed. */
static int answered(struct conn *conn)
{
        buf_fini(&conn->out);
        conn->out_off = 0;
        conn_drop_watch(conn);
        if (conn->closes_after) {
                conn_linger(conn);
                return 0;
        }
        conn_set_state(conn, CONN_IDLE);
        conn->has_answered = true;
        if (!conn->knows_taken)
                mark_taken(conn);
        if (conn_http_forget(conn))
                return -1;
        conn_resume_reads(conn);
        return 0;
}

/* Gives lws the next piece. Not zero: to be closed. */
static int write_piece(struct conn *conn, size_t max)
{
        size_t left = conn->out.len - conn->out_off;
        size_t len = left < max ? left : max;

        if (lws_write(conn->lws, conn->out.data + conn->out_off, len, LWS_WRITE_HTTP) < 0)
                return -1;
        conn->out_off += len;
        if (conn->out_off < conn->out.len)
                return 0;
        if (!lws_partial_buffered(conn->lws))
                return answered(conn);
        /* The rest is the library's to send; it calls back as writeable after. */
        conn_drop_watch(conn);
        conn_resume_reads(conn);
        return 0;
}

static void on_socket_writable(void *cookie, bool readable, bool writable)
{
        struct conn *conn = cookie;

        (void)readable;
        if (!writable || conn->state != CONN_WRITING)
                return;
        conn_set_state(conn, CONN_WRITING); /* a reader that takes bytes gets more time */
        if (write_piece(conn, PIECE_BYTES))
                conn_doom(conn, "the peer is gone");
}

/* Sends what fits at once. A longer answer goes on as the socket takes it: watched by us, with
 * reading paused, because the library would spin on bytes that a peer sends meanwhile. */
static int begin_writing(struct conn *conn)
{
        mark_taken(conn); /* cheapest now, when the peer has no reason to send */
        if (write_piece(conn, FIRST_WRITE_BYTES))
                return -1;
        if (conn->state != CONN_WRITING)
                return 0;
        conn->knows_taken = false; /* the library may read before the rest is out */
        if (conn->out_off == conn->out.len)
                return 0;
        conn_pause_reads(conn);
        conn->watch = watch_new(conn->httpd->loop, lws_get_socket_fd(conn->lws), on_socket_writable,
                                conn);
        watch_set(conn->watch, false, true);
        return 0;
}

/* Comes unasked, too. */
int conn_http_writeable(struct conn *conn)
{
        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state == CONN_WRITING && conn->out.len > 0 && conn->out_off == conn->out.len)
                return answered(conn);
        return 0;
}

void conn_http_reply(struct conn *conn, int status, const char *content_type,
                     const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                     size_t body_len)
{
        bool has_body = status != 204 && status != 304;

        must(status >= 200 && status <= 599);
        if (conn->listener->is_draining)
                conn->closes_after = true;
        (void)handle_take(conn->httpd->requests, conn->request);
        conn->request = (struct handle){0};
        buf_init(&conn->out, SIZE_MAX / 8);
        put_head(conn, status, content_type, has_body ? body_len : 0);
        for (size_t i = 0; i < n_headers; i++)
                put_header(conn, &headers[i]);
        buf_puts(&conn->out, "\r\n");
        if (has_body && conn->head.method != METHOD_HEAD)
                buf_put(&conn->out, body, body_len);
        must(buf_check(&conn->out) == E_OK);
        conn_set_state(conn, CONN_WRITING);
        /* From inside the handler, the library's callback goes on with it when that returns. */
        if (!conn->is_delivering && begin_writing(conn))
                conn_doom(conn, "the peer is gone");
}

/* ---- requests ---- */

static void make_id(struct conn *conn)
{
        struct httpd *httpd = conn->httpd;
        const char *sent = head_value(&conn->head, HEAD_X_REQUEST_ID);

        if (head_request_id_fits(sent, strlen(sent))) {
                (void)text_copy(conn->request_id, sizeof(conn->request_id), sent);
                return;
        }
        (void)snprintf(conn->request_id, sizeof(conn->request_id), "%016" PRIx64 "-%" PRIx64,
                       httpd->id_prefix, ++httpd->n_ids);
}

/* Answers with a problem document and ends the connection: where the request ends is not certain any
 * more. */
static int refuse(struct conn *conn, enum errc code, int status, const char *detail)
{
        static const struct httpd_header_pair version = {"Sec-WebSocket-Version", "13"};
        struct buf body;

        buf_init(&body, PROBLEM_MAX_BYTES);
        buf_printf(&body,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",",
                   http_reason(status), status, err_wire(code));
        buf_printf(&body, "\"retryable\":%s,\"detail\":", err_retryable(code) ? "true" : "false");
        buf_put_json(&body, detail, strlen(detail));
        buf_printf(&body, ",\"requestId\":\"%s\"}", conn->request_id);
        must(buf_check(&body) == E_OK);
        conn->httpd->stats.refused++;
        conn->closes_after = true;
        conn_http_reply(conn, status, "application/problem+json", &version, status == 426 ? 1 : 0,
                        body.data, body.len);
        buf_fini(&body);
        return conn->state == CONN_DOOMED ? -1 : 0;
}

void conn_http_view(struct conn *conn, struct httpd_request *request)
{
        *request = (struct httpd_request){
                .method = conn->head.method,
                .path = head_path(&conn->head),
                .query = head_query(&conn->head),
                .host = head_value(&conn->head, HEAD_HOST),
                .body = buf_cstr(&conn->body),
                .body_len = conn->body.len,
                .received_until = clock_mono_ms(loop_clock(conn->httpd->loop)),
                .internal = &conn->head,
        };
        (void)text_copy(request->peer, sizeof(request->peer), conn->peer);
        (void)text_copy(request->request_id, sizeof(request->request_id), conn->request_id);
}

/* Hands the whole request to the handler. */
static int deliver(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        struct httpd_request request;

        lws_set_timeout(conn->lws, NO_PENDING_TIMEOUT, 0);
        conn->request = handle_put(conn->httpd->requests, conn);
        if (conn->request.generation == 0)
                return refuse(conn, E_DRAINING, 503, "Too many requests are open.");
        conn_set_state(conn, CONN_WAITING);
        conn->httpd->stats.requests++;
        conn_http_view(conn, &request);
        request.handle = conn->request;
        conn->is_delivering = true;
        o->handler(o->cookie, &request);
        conn->is_delivering = false;
        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state == CONN_WRITING)
                return begin_writing(conn);
        conn_pause_reads(conn); /* the library would spin on what comes meanwhile */
        return 0;
}

enum errc conn_http_code_for(int status)
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

static int say_continue(struct conn *conn)
{
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        unsigned char copy[sizeof(text)];

        memcpy(copy, text, sizeof(text));
        return lws_write(conn->lws, copy, sizeof(text) - 1, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

/* Whether lws expects a body after the head it has just read. */
static bool expects_body(const struct conn *conn)
{
        char length[32];

        if (lws_hdr_total_length(conn->lws, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
                return lws_hdr_copy(conn->lws, length, sizeof(length),
                                    WSI_TOKEN_HTTP_CONTENT_LENGTH) != 1 ||
                       length[0] != '0';
        return lws_hdr_total_length(conn->lws, WSI_TOKEN_POST_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_PUT_URI) > 0 ||
               lws_hdr_total_length(conn->lws, WSI_TOKEN_PATCH_URI) > 0;
}

/* A request that was read together with the one before it comes from a buffer of the library's. When
 * such a request has a body, the library starts over at its request line, calls that the body, and
 * then never returns, or uses memory that it has freed. So the connection must end before it looks
 * for the body. It came from there when less than a head was read since the last answer. */
static bool is_pipelined_body(struct conn *conn)
{
        uint64_t taken = 0;

        if (!conn->has_answered || !expects_body(conn))
                return false;
        return !conn->knows_taken || !taken_bytes(lws_get_socket_fd(conn->lws), &taken) ||
               taken < conn->taken + HEAD_MIN_BYTES;
}

/* The library would frame the messages itself, answer a refusal with nothing, and hang up on what it
 * does not know. With the name spoilt, every upgrade is an ordinary request to it. */
void conn_http_spoil(struct conn *conn, char *upgrade)
{
        conn->spoilt = upgrade;
        conn->spoilt_was = *upgrade;
        *upgrade = '-';
}

/* Others are ordinary requests, as HTTP allows a server to treat them. */
static bool is_upgrade(const struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;

        if (!conn->head.wants_upgrade || !o->ws)
                return false;
        for (unsigned i = 0; i < o->n_ws_paths; i++)
                if (strcmp(o->ws_paths[i], head_path(&conn->head)) == 0)
                        return true;
        return false;
}

static int upgrade(struct conn *conn)
{
        const char *why = NULL;
        int status = conn_upgrade_check(conn, &why);

        if (status)
                return refuse(conn, conn_http_code_for(status), status, why);
        return conn_upgrade_accept(conn);
}

int conn_http_begin(struct conn *conn)
{
        bool is_pipelined;
        const char *why = NULL;
        enum errc rc;

        if (conn->spoilt)
                *conn->spoilt = conn->spoilt_was;
        conn->spoilt = NULL;
        if (conn->state != CONN_READING && conn->state != CONN_IDLE)
                return -1;
        lws_set_timeout(conn->lws, NO_PENDING_TIMEOUT, 0);
        is_pipelined = is_pipelined_body(conn);
        if (conn->state == CONN_IDLE)
                conn_set_state(conn, CONN_READING);
        conn->closes_after = false;
        head_fini(&conn->head);
        rc = head_read(&conn->head, conn->lws, &why);
        make_id(conn);
        if (is_pipelined) {
                (void)refuse(conn, E_SYNTAX, 400, "A request with a body can't be pipelined.");
                return -1;
        }
        if (rc)
                return refuse(conn, rc, err_http_status(rc), why);
        conn->closes_after = conn->head.wants_close;
        if (is_upgrade(conn))
                return upgrade(conn);
        if (conn->head.body_len > conn->listener->options.max_body_bytes)
                return refuse(conn, E_TOO_LARGE, 413, err_text(E_TOO_LARGE));
        buf_fini(&conn->body);
        buf_init(&conn->body, (size_t)conn->head.body_len + 1);
        if (conn->head.body_len == 0)
                return deliver(conn); /* the library announces no end of an empty body but POST's */
        return conn->head.wants_continue ? say_continue(conn) : 0;
}

int conn_http_body(struct conn *conn, const void *data, size_t len)
{
        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state != CONN_READING || len == 0)
                return 0; /* of an empty body, or of a request that was refused */
        if (conn->body.len + len > conn->head.body_len)
                return -1;
        buf_put(&conn->body, data, len);
        return 0;
}

/* Comes again when the peer goes on sending. */
int conn_http_body_whole(struct conn *conn)
{
        if (conn->state == CONN_DOOMED)
                return -1;
        if (conn->state != CONN_READING || conn->head.body_len == 0 ||
            conn->body.len != conn->head.body_len)
                return 0;
        return deliver(conn);
}
