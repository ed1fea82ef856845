#include "edge/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define READ_ROOM_BYTES     2048   /* at least so much is asked for */
#define READ_TURN_BYTES     262144 /* then others get their turn */
#define KEPT_BYTES          4096   /* a larger buffer is not kept while it is empty */
#define LINGER_MS           1000
#define WS_CLOSE_TIMEOUT_MS 3000

/* ---- buffers ---- */

size_t conn_bytes_left(const struct conn_bytes *bytes)
{
        return bytes->len - bytes->off;
}

void conn_bytes_reserve(struct conn_bytes *bytes, size_t len)
{
        size_t cap;

        if (bytes->cap - bytes->len >= len)
                return;
        if (bytes->off > 0) {
                memmove(bytes->data, bytes->data + bytes->off, conn_bytes_left(bytes));
                bytes->len -= bytes->off;
                bytes->off = 0;
                if (bytes->cap - bytes->len >= len)
                        return;
        }
        cap = bytes->cap ? bytes->cap : KEPT_BYTES;
        while (cap - bytes->len < len)
                cap *= 2;
        bytes->data = xrealloc(bytes->data, cap);
        bytes->cap = cap;
}

void conn_bytes_put(struct conn_bytes *bytes, const void *data, size_t len)
{
        if (len == 0)
                return;
        conn_bytes_reserve(bytes, len);
        memcpy(bytes->data + bytes->len, data, len);
        bytes->len += len;
}

void conn_bytes_skip(struct conn_bytes *bytes, size_t len)
{
        must(len <= conn_bytes_left(bytes));
        bytes->off += len;
        if (bytes->off < bytes->len)
                return;
        bytes->off = 0;
        bytes->len = 0;
        if (bytes->cap <= KEPT_BYTES)
                return;
        free(bytes->data);
        *bytes = (struct conn_bytes){0};
}

/* ---- states ---- */

/* How long a connection may stay in state; 0: as long as it likes. */
static int64_t limit_ms(const struct conn *conn, enum conn_state state)
{
        const struct httpd_listen_options *o = &conn->listener->options;

        switch (state) {
        case CONN_READING:
        case CONN_WRITING: return o->request_deadline_ms;
        case CONN_IDLE: return o->idle_keep_alive_ms;
        case CONN_LINGERING: return LINGER_MS;
        case CONN_WS:
        case CONN_WS_PINGED: return (o->ws_idle_ms + 1) / 2;
        case CONN_WS_CLOSING: return WS_CLOSE_TIMEOUT_MS;
        case CONN_WAITING:
        case CONN_CLOSED:
        case CONN_STATES: return 0;
        }
        return 0;
}

void conn_set_state(struct conn *conn, enum conn_state state)
{
        int64_t limit = limit_ms(conn, state);

        must(conn->state != CONN_CLOSED || state == CONN_CLOSED);
        conn->state = state;
        conn->until = limit > 0 ? clock_mono_ms(loop_clock(conn->httpd->loop)) + limit : INT64_MAX;
        list_remove(&conn->at);
        list_push_back(&conn->listener->conns[state], &conn->at);
}

static bool wants_read(const struct conn *conn)
{
        if (conn->peer_ended)
                return false;
        switch (conn->state) {
        case CONN_READING:
        case CONN_IDLE:
        case CONN_LINGERING:
        case CONN_WS:
        case CONN_WS_PINGED:
        case CONN_WS_CLOSING: return true;
        case CONN_WAITING:
        case CONN_WRITING:
        case CONN_CLOSED:
        case CONN_STATES: return false;
        }
        return false;
}

static void update_watch(struct conn *conn)
{
        bool has_output = conn_bytes_left(&conn->out) > 0;

        if (conn->state == CONN_CLOSED)
                return;
        watch_set(conn->watch,
                  (wants_read(conn) && !conn->stream.read_wants_write) ||
                          conn->stream.write_wants_read,
                  (has_output && !conn->stream.write_wants_read) || conn->stream.read_wants_write);
}

static void destroy(void *object)
{
        struct conn *conn = object;

        buf_fini(&conn->message);
        free(conn->in.data);
        free(conn->out.data);
        free(conn);
}

void conn_close(struct conn *conn, const char *reason)
{
        struct httpd *httpd = conn->httpd;

        if (conn->state == CONN_CLOSED)
                return;
        log_event(LOG_DEBUG, "connection closed", "peer", conn->peer, "reason", reason, NULL);
        conn_set_state(conn, CONN_CLOSED);
        list_remove(&conn->at);
        list_remove(&conn->unflushed_at);
        (void)handle_take(httpd->requests, conn->request);
        watch_free(conn->watch);
        conn->watch = NULL;
        stream_close(&conn->stream);
        gate_leave(conn->listener->gate, &conn->gate_key);
        conn->listener->n_conns--;
        conn_ws_gone(conn);
        loop_free_later(httpd->loop, destroy, conn);
}

void conn_linger(struct conn *conn)
{
        if (conn->peer_ended) {
                conn_close(conn, "done");
                return;
        }
        stream_end(&conn->stream);
        conn_set_state(conn, CONN_LINGERING);
        update_watch(conn);
}

void conn_expired(struct conn *conn)
{
        switch (conn->state) {
        case CONN_READING:
                conn->httpd->stats.slow_closed++;
                conn_close(conn, "the request was not whole in time");
                break;
        case CONN_WRITING:
                conn->httpd->stats.slow_closed++;
                conn_close(conn, "the answer was not taken in time");
                break;
        case CONN_IDLE: conn_close(conn, "idle"); break;
        case CONN_LINGERING: conn_close(conn, "done"); break;
        case CONN_WS: conn_ws_ping(conn); break;
        case CONN_WS_PINGED: conn_close(conn, "the WebSocket was silent"); break;
        case CONN_WS_CLOSING: conn_close(conn, "no answer to the close frame"); break;
        case CONN_WAITING:
        case CONN_CLOSED:
        case CONN_STATES: must(0 && "a state without a deadline"); break;
        }
}

/* ---- output ---- */

static void all_sent(struct conn *conn)
{
        switch (conn->state) {
        case CONN_WRITING: conn_http_sent(conn); break;
        case CONN_WS_CLOSING: conn_ws_sent(conn); break;
        case CONN_READING:
        case CONN_IDLE:
        case CONN_WAITING:
        case CONN_LINGERING:
        case CONN_WS:
        case CONN_WS_PINGED:
        case CONN_CLOSED:
        case CONN_STATES: break;
        }
}

void conn_flush(struct conn *conn)
{
        bool had_output = conn_bytes_left(&conn->out) > 0;
        bool progressed = false;

        while (conn_bytes_left(&conn->out) > 0) {
                size_t n = 0;
                enum stream_result result =
                        stream_write(&conn->stream, conn->out.data + conn->out.off,
                                     conn_bytes_left(&conn->out), &n);

                if (result == STREAM_AGAIN)
                        break;
                if (result != STREAM_DONE) {
                        conn_close(conn, "the peer is gone");
                        return;
                }
                conn_bytes_skip(&conn->out, n);
                progressed = true;
        }
        if (had_output && conn_bytes_left(&conn->out) == 0)
                all_sent(conn);
        else if (progressed && conn->state == CONN_WRITING)
                conn_set_state(conn, CONN_WRITING); /* a reader that takes bytes gets more time */
        update_watch(conn);
}

static void flush_due(void *object)
{
        struct httpd *httpd = object;

        httpd->flush_is_due = false;
        while (!list_empty(&httpd->unflushed)) {
                struct conn *conn = list_entry(httpd->unflushed.next, struct conn, unflushed_at);

                list_remove(&conn->unflushed_at);
                conn_flush(conn);
        }
}

void conn_flush_later(struct conn *conn)
{
        struct httpd *httpd = conn->httpd;

        list_remove(&conn->unflushed_at);
        list_push_back(&httpd->unflushed, &conn->unflushed_at);
        if (httpd->flush_is_due)
                return;
        httpd->flush_is_due = true;
        loop_free_later(httpd->loop, flush_due, httpd);
}

/* ---- input ---- */

static void process(struct conn *conn)
{
        switch (conn->state) {
        case CONN_READING:
        case CONN_IDLE: conn_http_process(conn); break;
        case CONN_WS:
        case CONN_WS_PINGED:
        case CONN_WS_CLOSING: conn_ws_process(conn); break;
        case CONN_LINGERING: conn_bytes_skip(&conn->in, conn_bytes_left(&conn->in)); break;
        case CONN_WAITING:
        case CONN_WRITING:
        case CONN_CLOSED:
        case CONN_STATES: break;
        }
}

static void peer_ended(struct conn *conn)
{
        conn->peer_ended = true;
        /* A request that is with the handler, or an answer under way, is still finished: the peer
         * may have ended its own side only. */
        if (conn->state != CONN_WAITING && conn->state != CONN_WRITING)
                conn_close(conn, "the peer closed");
}

/* Reads at most a turn's worth. */
static void receive(struct conn *conn)
{
        size_t total = 0;

        while (wants_read(conn) && total < READ_TURN_BYTES) {
                enum stream_result result;
                size_t room;
                size_t n = 0;

                conn_bytes_reserve(&conn->in, READ_ROOM_BYTES);
                room = conn->in.cap - conn->in.len - 1; /* the last byte is for a NUL */
                result = stream_read(&conn->stream, conn->in.data + conn->in.len, room, &n);
                if (result == STREAM_AGAIN)
                        break;
                if (result == STREAM_END) {
                        peer_ended(conn);
                        break;
                }
                if (result == STREAM_FAILED) {
                        conn_close(conn, "the connection broke");
                        break;
                }
                conn->in.len += n;
                total += n;
                process(conn);
                if (n < room && !conn->stream.ssl)
                        break; /* the socket is empty: spares a call that would say so */
        }
}

static void on_ready(void *cookie, bool readable, bool writable)
{
        struct conn *conn = cookie;

        if (writable || conn->stream.write_wants_read)
                conn_flush(conn);
        if (readable && conn_bytes_left(&conn->in) > 0)
                process(conn);
        if (readable || conn->stream.read_wants_write)
                receive(conn);
        if (conn->peer_ended && (conn->state == CONN_IDLE || conn->state == CONN_READING))
                conn_close(conn, "the peer closed");
        if (conn->state == CONN_CLOSED)
                return;
        if (wants_read(conn) && stream_pending(&conn->stream))
                watch_poke(conn->watch);
        update_watch(conn);
}

void conn_process_later(struct conn *conn)
{
        watch_poke(conn->watch);
}

void conn_accept(struct httpd_listener *listener, int fd, const char *peer,
                 const struct gate_key *key)
{
        struct conn *conn = xcalloc(1, sizeof(*conn));

        conn->httpd = listener->httpd;
        conn->listener = listener;
        conn->gate_key = *key;
        (void)text_copy(conn->peer, sizeof(conn->peer), peer);
        list_init(&conn->at);
        list_init(&conn->unflushed_at);
        buf_init(&conn->message, listener->options.ws_max_message_bytes);
        stream_open(&conn->stream, fd, listener->tls);
        conn->watch = watch_new(conn->httpd->loop, fd, on_ready, conn);
        listener->n_conns++;
        conn_set_state(conn, CONN_READING);
        update_watch(conn);
}
