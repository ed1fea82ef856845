#include "edge/conn.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/conn_ws.h"
#include "edge/lws_include.h"

#define LINGER_MS           1000
#define WS_CLOSE_TIMEOUT_MS 3000
#define WS_END_MS           1000

/* ---- states ---- */

static bool pings(const struct httpd_listen_options *o)
{
        return o->ws_ping_ms > 0 && (o->ws_idle_ms == 0 || o->ws_ping_ms < o->ws_idle_ms);
}

/* How long a connection may stay in state; 0: as long as it likes. */
static int64_t limit_ms(const struct conn *conn, enum conn_state state)
{
        const struct httpd_listen_options *o = &conn->listener->options;

        switch (state) {
        case CONN_READING:
        case CONN_UPGRADING:
        case CONN_WRITING: return o->request_deadline_ms;
        case CONN_IDLE: return o->idle_keep_alive_ms;
        case CONN_LINGERING: return LINGER_MS;
        case CONN_WS: return pings(o) ? o->ws_ping_ms : o->ws_idle_ms;
        case CONN_WS_PINGED: return o->ws_idle_ms > 0 ? o->ws_idle_ms - o->ws_ping_ms : 0;
        case CONN_WS_CLOSING: return WS_CLOSE_TIMEOUT_MS;
        case CONN_WS_ENDING: return WS_END_MS;
        case CONN_WAITING:
        case CONN_DOOMED:
        case CONN_STATES: return 0;
        }
        return 0;
}

void conn_set_state(struct conn *conn, enum conn_state state)
{
        int64_t limit = limit_ms(conn, state);

        must(conn->state != CONN_DOOMED || state == CONN_DOOMED);
        conn->state = state;
        conn->until = limit > 0 ? clock_mono_ms(loop_clock(conn->httpd->loop)) + limit : INT64_MAX;
        list_remove(&conn->at);
        list_push_back(&conn->listener->conns[state], &conn->at);
}

/* A head that has begun to arrive on a kept-alive connection gets the time of a request. */
static void idle_expired(struct conn *conn)
{
        if (conn_http_has_begun(conn))
                conn_set_state(conn, CONN_READING);
        else
                conn_doom(conn, "idle");
}

/* What the peer has said may wait unread, where we were late ourselves. */
static void silent(struct conn *conn)
{
        int64_t until = conn->until;

        conn_ws_in_ready(conn);
        if (conn_ws_is_open(conn) && conn->until == until)
                conn_doom(conn, "the WebSocket was silent");
}

void conn_expired(struct conn *conn)
{
        switch (conn->state) {
        case CONN_READING:
                conn->httpd->stats.slow_closed++;
                conn_doom(conn, "the request was not whole in time");
                break;
        case CONN_WRITING:
                conn->httpd->stats.slow_closed++;
                conn_doom(conn, "the answer was not taken in time");
                break;
        case CONN_IDLE: idle_expired(conn); break;
        case CONN_LINGERING: conn_doom(conn, "done"); break;
        case CONN_UPGRADING: conn_doom(conn, "the upgrade took too long"); break;
        case CONN_WS:
                if (pings(&conn->listener->options))
                        conn_ws_ping(conn);
                else
                        silent(conn);
                break;
        case CONN_WS_PINGED: silent(conn); break;
        case CONN_WS_CLOSING: conn_doom(conn, "no answer to the close frame"); break;
        case CONN_WS_ENDING: conn_doom(conn, "the WebSocket was closed"); break;
        case CONN_WAITING:
        case CONN_DOOMED:
        case CONN_STATES: must(0 && "a state without a deadline"); break;
        }
}

/* ---- reading, or not ---- */

/* While reads are paused the library also calls nobody back for writing: whoever has something to
 * send meanwhile has to watch the socket itself. */
void conn_pause_reads(struct conn *conn)
{
        if (!conn->reads_are_paused)
                (void)lws_rx_flow_control(conn->lws, 0);
        conn->reads_are_paused = true;
}

void conn_resume_reads(struct conn *conn)
{
        if (conn->reads_are_paused)
                (void)lws_rx_flow_control(conn->lws, 1);
        conn->reads_are_paused = false;
}

void conn_drop_watch(struct conn *conn)
{
        watch_free(conn->watch);
        conn->watch = NULL;
}

static void on_lingering(void *cookie, bool readable, bool writable)
{
        struct conn *conn = cookie;
        char discarded[4096];
        ssize_t n;

        (void)readable;
        (void)writable;
        n = recv(lws_get_socket_fd(conn->lws), discarded, sizeof(discarded), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                conn_doom(conn, "done");
}

void conn_linger(struct conn *conn)
{
        conn_set_state(conn, CONN_LINGERING);
        conn_pause_reads(conn);
        conn_drop_watch(conn);
        (void)shutdown(lws_get_socket_fd(conn->lws), SHUT_WR);
        conn->watch =
                watch_new(conn->httpd->loop, lws_get_socket_fd(conn->lws), on_lingering, conn);
        watch_set(conn->watch, true, false);
}

/* ---- the end ---- */

/* The library does not close while it holds bytes that the peer does not take; so the socket is
 * broken first, and its next write fails. */
static void kill_now(struct conn *conn)
{
        list_remove(&conn->doomed_at);
        conn_drop_watch(conn);
        if (lws_partial_buffered(conn->lws)) {
                conn_resume_reads(conn);
                (void)shutdown(lws_get_socket_fd(conn->lws), SHUT_RDWR);
                (void)lws_callback_on_writable(conn->lws);
                return;
        }
        lws_set_timeout(conn->lws, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

static void kill_doomed(void *object)
{
        struct httpd *httpd = object;

        httpd->doom_is_due = false;
        while (!list_empty(&httpd->doomed))
                kill_now(list_entry(httpd->doomed.next, struct conn, doomed_at));
}

void conn_doom(struct conn *conn, const char *reason)
{
        struct httpd *httpd = conn->httpd;

        if (conn->state == CONN_DOOMED)
                return;
        log_event(LOG_DEBUG, "connection closed", "peer", conn->peer, "reason", reason, NULL);
        conn_set_state(conn, CONN_DOOMED);
        (void)handle_take(httpd->requests, conn->request);
        conn->request = (struct handle){0};
        list_push_back(&httpd->doomed, &conn->doomed_at);
        if (httpd->doom_is_due)
                return;
        httpd->doom_is_due = true;
        loop_free_later(httpd->loop, kill_doomed, httpd);
}

void conn_destroyed(struct conn *conn)
{
        struct httpd_listener *listener = conn->listener;

        conn_drop_watch(conn);
        list_remove(&conn->at);
        list_remove(&conn->doomed_at);
        (void)handle_take(conn->httpd->requests, conn->request);
        conn_http_dropped(conn);
        buf_fini(&conn->out);
        gate_leave(listener->gate, &conn->gate_key);
        listener->n_conns--;
        if (listener->newborn == conn)
                listener->newborn = NULL;
        conn_ws_gone(conn);
        loop_free_later(conn->httpd->loop, free, conn); /* callers up the stack still borrow it */
}

/* ---- the beginning ---- */

static bool peer_of(int fd, struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN])
{
        socklen_t len = sizeof(*address);
        const void *at;

        if (getpeername(fd, (struct sockaddr *)address, &len) != 0)
                return false;
        at = (const char *)address + (address->ss_family == AF_INET
                                              ? offsetof(struct sockaddr_in, sin_addr)
                                              : offsetof(struct sockaddr_in6, sin6_addr));
        return inet_ntop(address->ss_family, at, text, INET6_ADDRSTRLEN) != NULL;
}

bool conn_admit(struct httpd_listener *listener, int fd)
{
        struct httpd *httpd = listener->httpd;
        struct sockaddr_storage address = {0};
        char peer[INET6_ADDRSTRLEN];
        struct gate_key key;
        struct conn *conn;

        if (listener->is_draining || !peer_of(fd, &address, peer))
                return false;
        gate_key_from(&key, &address);
        if (fd >= httpd->fd_limit || listener->n_conns >= listener->options.max_connections ||
            !gate_enter(listener->gate, &key)) {
                httpd->stats.over_limit++;
                return false;
        }
        must(listener->newborn == NULL);
        conn = xcalloc(1, sizeof(*conn));
        conn->httpd = httpd;
        conn->listener = listener;
        conn->gate_key = key;
        (void)text_copy(conn->peer, sizeof(conn->peer), peer);
        list_init(&conn->at);
        list_init(&conn->doomed_at);
        list_init(&conn->flush_at);
        listener->newborn = conn;
        listener->n_conns++;
        httpd->stats.connections++;
        return true;
}

/* Right after conn_admit, in the same call of the library: it accepts one at a time. */
void conn_created(struct httpd_listener *listener, struct lws *lws)
{
        struct conn *conn = listener->newborn;

        must(conn != NULL && conn->lws == NULL);
        conn->lws = lws;
        conn_set_state(conn, CONN_READING);
}
