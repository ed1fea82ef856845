#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/conn.h"

#define PROBLEM_MAX_BYTES 2048

static char *in_text(const struct conn *conn)
{
        return (char *)conn->in.data + conn->in.off;
}

/* ---- answers ---- */

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

static void put_text(struct conn_bytes *out, const char *text)
{
        conn_bytes_put(out, text, strlen(text));
}

static void put_head(struct conn *conn, int status, const char *content_type, size_t body_len)
{
        char line[192];
        bool has_body = status != 204 && status != 304;
        int n;

        n = snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Request-Id: %s\r\n",
                     status, http_reason(status), date_now(conn->httpd), conn->request_id);
        must(n > 0 && (size_t)n < sizeof(line));
        conn_bytes_put(&conn->out, line, (size_t)n);
        if (has_body) {
                n = snprintf(line, sizeof(line), "Content-Length: %zu\r\n", body_len);
                must(n > 0 && (size_t)n < sizeof(line));
                conn_bytes_put(&conn->out, line, (size_t)n);
        }
        if (content_type && content_type[0]) {
                struct httpd_header_pair pair = {"Content-Type", content_type};

                must(header_fits(&pair));
                put_text(&conn->out, "Content-Type: ");
                put_text(&conn->out, content_type);
                put_text(&conn->out, "\r\n");
        }
        if (conn->closes_after)
                put_text(&conn->out, "Connection: close\r\n");
}

void conn_http_reply(struct conn *conn, int status, const char *content_type,
                     const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                     size_t body_len)
{
        bool has_body = status != 204 && status != 304;

        must(status >= 200 && status <= 599);
        if (conn->httpd->is_draining)
                conn->closes_after = true;
        (void)handle_take(conn->httpd->requests, conn->request);
        conn->request = (struct handle){0};
        put_head(conn, status, content_type, has_body ? body_len : 0);
        for (size_t i = 0; i < n_headers; i++) {
                if (!header_fits(&headers[i])) {
                        log_event(LOG_ERROR, "answer header dropped", "request", conn->request_id,
                                  "name", headers[i].name, NULL);
                        continue;
                }
                put_text(&conn->out, headers[i].name);
                put_text(&conn->out, ": ");
                put_text(&conn->out, headers[i].value);
                put_text(&conn->out, "\r\n");
        }
        put_text(&conn->out, "\r\n");
        if (has_body && conn->head.method != METHOD_HEAD)
                conn_bytes_put(&conn->out, body, body_len);
        conn_set_state(conn, CONN_WRITING);
        conn_flush(conn);
}

void conn_http_sent(struct conn *conn)
{
        if (conn->closes_after || (conn->peer_ended && conn_bytes_left(&conn->in) == 0)) {
                conn_linger(conn);
                return;
        }
        conn_set_state(conn, CONN_IDLE);
        /* Not from here: this may be inside another connection's handler. */
        if (!conn->is_processing && (conn->peer_ended || conn_bytes_left(&conn->in) > 0))
                conn_process_later(conn);
}

static void make_request_id(struct conn *conn)
{
        struct httpd *httpd = conn->httpd;
        const struct http_span *sent = &conn->head.value[HTTP_X_REQUEST_ID];
        const char *text = http_parse_text(&conn->head, in_text(conn), *sent);

        if (http_parse_request_id_fits(text, sent->len)) {
                (void)text_copy(conn->request_id, sizeof(conn->request_id), text);
                return;
        }
        (void)snprintf(conn->request_id, sizeof(conn->request_id), "%016" PRIx64 "-%" PRIx64,
                       httpd->id_prefix, ++httpd->n_ids);
}

void conn_http_refuse(struct conn *conn, enum errc code, int status, const char *detail)
{
        static const struct httpd_header_pair version = {"Sec-WebSocket-Version", "13"};
        struct buf body;

        if (!conn->request_id[0])
                make_request_id(conn);
        buf_init(&body, PROBLEM_MAX_BYTES);
        buf_printf(&body,
                   "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",",
                   http_reason(status), status, err_wire(code));
        buf_printf(&body, "\"retryable\":%s,\"detail\":", err_retryable(code) ? "true" : "false");
        buf_put_json(&body, detail, strlen(detail));
        buf_printf(&body, ",\"requestId\":\"%s\"}", conn->request_id);
        must(buf_check(&body) == E_OK);
        conn->httpd->stats.refused++;
        conn->closes_after = true; /* where this request ends is not certain any more */
        conn_bytes_skip(&conn->in, conn_bytes_left(&conn->in));
        conn_http_reply(conn, status, "application/problem+json", &version, status == 426 ? 1 : 0,
                        body.data, body.len);
        buf_fini(&body);
}

/* ---- requests ---- */

void conn_http_view(struct conn *conn, struct httpd_request *request)
{
        const struct http_head *head = &conn->head;
        const char *data = in_text(conn);

        *request = (struct httpd_request){
                .method = head->method,
                .path = http_parse_text(head, data, head->path),
                .query = http_parse_text(head, data, head->query),
                .host = http_parse_text(head, data, head->value[HTTP_HOST]),
                .body = head->body_len ? data + conn->head_len : "",
                .body_len = (size_t)head->body_len,
                .received_until = clock_mono_ms(loop_clock(conn->httpd->loop)),
        };
        (void)text_copy(request->peer, sizeof(request->peer), conn->peer);
        (void)text_copy(request->request_id, sizeof(request->request_id), conn->request_id);
}

/* Hands the whole request at the start of conn->in to the handler. */
static void deliver(struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;
        size_t whole = conn->head_len + (size_t)conn->head.body_len;
        char *end = in_text(conn) + whole;
        char after = *end; /* a pipelined request may start here */
        struct conn_view view = {&conn->head, in_text(conn)};
        struct httpd_request request;

        conn->request = handle_put(conn->httpd->requests, conn);
        if (conn->request.generation == 0) {
                conn_http_refuse(conn, E_DRAINING, 503, "Too many requests are open.");
                return;
        }
        conn_set_state(conn, CONN_WAITING);
        conn->httpd->stats.requests++;
        *end = '\0';
        conn_http_view(conn, &request);
        request.handle = conn->request;
        request.internal = &view;
        o->handler(o->cookie, &request);
        *end = after;
        conn_bytes_skip(&conn->in, whole);
        conn->head_len = 0;
        conn->scanned = 0;
        conn->said_continue = false;
}

static bool is_upgrade(const struct conn *conn)
{
        const struct httpd_listen_options *o = &conn->listener->options;

        return o->ws && o->ws_path && conn->head.wants_upgrade &&
               strcmp(http_parse_text(&conn->head, in_text(conn), conn->head.path), o->ws_path) ==
                       0;
}

/* Takes the head off the input. False when it is not whole, or was refused. */
static bool take_head(struct conn *conn)
{
        const char *why = NULL;
        enum errc rc;

        /* RFC 9112 asks to forgive empty lines before a request line. */
        while (conn_bytes_left(&conn->in) >= 2 && memcmp(in_text(conn), "\r\n", 2) == 0) {
                conn_bytes_skip(&conn->in, 2);
                conn->scanned = 0;
        }
        conn->request_id[0] = '\0';
        conn->closes_after = false;
        conn->head_len =
                http_parse_head_len(in_text(conn), conn_bytes_left(&conn->in), &conn->scanned);
        if (conn->head_len == 0 && conn_bytes_left(&conn->in) <= HTTP_HEAD_MAX_BYTES)
                return false;
        if (conn->head_len == 0) {
                conn->head = (struct http_head){0};
                rc = E_HEADERS_TOO_LARGE;
                why = err_text(rc);
        } else {
                rc = http_parse_head(&conn->head, in_text(conn), conn->head_len, &why);
        }
        if (!rc && conn->head.body_len > conn->listener->options.max_body_bytes) {
                rc = E_TOO_LARGE;
                why = err_text(rc);
        }
        if (rc) {
                conn_http_refuse(conn, rc, err_http_status(rc), why);
                return false;
        }
        make_request_id(conn);
        conn->closes_after = conn->head.wants_close;
        return true;
}

static void say_continue(struct conn *conn)
{
        if (!conn->head.wants_continue || conn->said_continue)
                return;
        conn->said_continue = true;
        put_text(&conn->out, "HTTP/1.1 100 Continue\r\n\r\n");
        conn_flush(conn);
}

/* One request; true when there may be another. */
static bool process_one(struct conn *conn)
{
        if (conn->state == CONN_IDLE)
                conn_set_state(conn, CONN_READING);
        if (conn->head_len == 0 && !take_head(conn))
                return false;
        if (is_upgrade(conn)) {
                conn_ws_start(conn);
                return false;
        }
        if (conn_bytes_left(&conn->in) < conn->head_len + conn->head.body_len) {
                say_continue(conn);
                return false;
        }
        deliver(conn);
        return conn->state == CONN_IDLE;
}

void conn_http_process(struct conn *conn)
{
        must(!conn->is_processing);
        conn->is_processing = true;
        while (conn_bytes_left(&conn->in) > 0 && process_one(conn))
                ;
        conn->is_processing = false;
}
