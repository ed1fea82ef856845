/* Why not a WebSocket library's HTTP server: libwebsockets rewrites a request target before anybody
 * sees it ("//", "/../", "+" and percent-encoding are gone, so they can be neither refused nor
 * signed), joins repeated headers, and closes without an answer where this gateway owes a problem
 * document; and it sends one frame a write, where a fan-out wants all frames of a turn in one. */
#include "edge/httpd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "edge/conn.h"

#define SWEEP_MS       50
#define ACCEPTS_A_TURN 64
#define BACKLOG        1024
#define REQUESTS_MAX   (1U << 18)
#define PEERS_MAX      (1U << 18)

/* ---- accepting ---- */

static void count_over_limit(struct httpd *httpd, int fd)
{
        httpd->stats.over_limit++;
        (void)close(fd);
}

static void admit(struct httpd_listener *listener, int fd, const struct sockaddr_storage *address)
{
        struct httpd *httpd = listener->httpd;
        char peer[INET6_ADDRSTRLEN] = "";
        struct gate_key key;
        const void *at = (const char *)address +
                         (address->ss_family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                                        : offsetof(struct sockaddr_in6, sin6_addr));
        int one = 1;

        if (httpd->is_draining) {
                (void)close(fd);
                return;
        }
        gate_key_from(&key, address);
        if (listener->n_conns >= listener->options.max_connections ||
            !gate_enter(listener->gate, &key)) {
                count_over_limit(httpd, fd);
                return;
        }
        must(inet_ntop(address->ss_family, at, peer, sizeof(peer)) != NULL);
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        httpd->stats.connections++;
        conn_accept(listener, fd, peer, &key);
}

static void on_acceptable(void *cookie, bool readable, bool writable)
{
        struct httpd_listener *listener = cookie;
        struct httpd *httpd = listener->httpd;

        (void)readable;
        (void)writable;
        for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
                struct sockaddr_storage address;
                socklen_t len = sizeof(address);
                int fd = accept4(listener->fd, (struct sockaddr *)&address, &len,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                        httpd->is_out_of_files = false;
                        admit(listener, fd, &address);
                        continue;
                }
                if (errno == EINTR || errno == ECONNABORTED)
                        continue;
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        if (!httpd->is_out_of_files)
                                log_event(LOG_ERROR, "no descriptors left to accept with", NULL);
                        httpd->is_out_of_files = true;
                        watch_set(listener->watch, false, false); /* the sweep tries again */
                }
                return;
        }
}

/* ---- deadlines ---- */

static void sweep_listener(struct httpd_listener *listener, int64_t now)
{
        if (listener->watch)
                watch_set(listener->watch, true, false);
        for (int state = 0; state < CONN_CLOSED; state++) {
                struct list *front = &listener->conns[state];

                while (!list_empty(front)) {
                        struct conn *conn = list_entry(front->next, struct conn, at);

                        if (conn->until > now)
                                break;
                        conn_expired(conn);
                }
        }
}

static void on_sweep(void *cookie)
{
        struct httpd *httpd = cookie;
        int64_t now = clock_mono_ms(loop_clock(httpd->loop));

        list_each (it, &httpd->listeners)
                sweep_listener(list_entry(it, struct httpd_listener, at), now);
}

/* ---- listeners ---- */

static bool parse_address(const struct httpd_listen_options *o, struct sockaddr_storage *out,
                          socklen_t *len)
{
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(o->port)};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(o->port)};

        if (inet_pton(AF_INET, o->address, &v4.sin_addr) == 1) {
                memcpy(out, &v4, sizeof(v4));
                *len = sizeof(v4);
                return true;
        }
        if (inet_pton(AF_INET6, o->address, &v6.sin6_addr) == 1) {
                memcpy(out, &v6, sizeof(v6));
                *len = sizeof(v6);
                return true;
        }
        return false;
}

static int bind_socket(const struct httpd_listen_options *o, uint16_t *port, struct err *err)
{
        struct sockaddr_storage address = {0};
        socklen_t len = 0;
        int one = 1;
        int fd = -1;

        if (!parse_address(o, &address, &len)) {
                err_set(err, E_CONFIG, "%s is not a numeric address.", o->address);
                goto failed;
        }
        fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                goto no_socket;
        if (address.ss_family == AF_INET6)
                (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
            bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) != 0)
                goto no_socket;
        *port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                   : ((struct sockaddr_in6 *)&address)->sin6_port);
        return fd;
no_socket:
        err_set(err, E_IO, "Can't listen on %s port %u: %s.", o->address, (unsigned)o->port,
                strerror(errno));
failed:
        if (fd >= 0)
                (void)close(fd);
        return -1;
}

static char *copy_or_null(const char *s)
{
        return s ? xstrdup(s) : NULL;
}

static void free_const(const char *owned)
{
        free((void *)(uintptr_t)owned);
}

static void listener_free(struct httpd_listener *listener)
{
        watch_free(listener->watch);
        if (listener->fd >= 0)
                (void)close(listener->fd);
        stream_tls_free(listener->tls);
        gate_free(listener->gate);
        free_const(listener->options.address);
        free_const(listener->options.tls_cert_file);
        free_const(listener->options.tls_key_file);
        free_const(listener->options.ws_path);
        free(listener);
}

struct httpd_listener *httpd_listen(struct httpd *httpd, const struct httpd_listen_options *options,
                                    struct err *err)
{
        struct stream_tls *tls = NULL;
        struct httpd_listener *listener;
        uint16_t port = 0;
        int fd;

        must(options->handler != NULL && options->max_connections > 0);
        must(!options->ws || (options->ws_path && options->ws_max_message_bytes > 0));
        if (options->tls_cert_file || options->tls_key_file) {
                if (!options->tls_cert_file || !options->tls_key_file) {
                        err_set(err, E_CONFIG, "TLS needs a certificate file and a key file.");
                        return NULL;
                }
                tls = stream_tls_new(options->tls_cert_file, options->tls_key_file, err);
                if (!tls)
                        return NULL;
        }
        fd = bind_socket(options, &port, err);
        if (fd < 0) {
                stream_tls_free(tls);
                return NULL;
        }
        listener = xcalloc(1, sizeof(*listener));
        listener->httpd = httpd;
        listener->options = *options;
        listener->options.address = xstrdup(options->address);
        listener->options.tls_cert_file = copy_or_null(options->tls_cert_file);
        listener->options.tls_key_file = copy_or_null(options->tls_key_file);
        listener->options.ws_path = copy_or_null(options->ws_path);
        listener->fd = fd;
        listener->port = port;
        listener->tls = tls;
        listener->gate = gate_new(options->max_connections_per_address);
        for (int state = 0; state < CONN_STATES; state++)
                list_init(&listener->conns[state]);
        listener->watch = watch_new(httpd->loop, fd, on_acceptable, listener);
        watch_set(listener->watch, true, false);
        list_push_back(&httpd->listeners, &listener->at);
        return listener;
}

uint16_t httpd_port(const struct httpd_listener *listener)
{
        return listener->port;
}

/* ---- life ---- */

struct httpd *httpd_new(struct loop *loop)
{
        struct httpd *httpd = xcalloc(1, sizeof(*httpd));

        httpd->loop = loop;
        httpd->date_second = -1;
        list_init(&httpd->listeners);
        list_init(&httpd->unflushed);
        httpd->requests = handle_table_new(REQUESTS_MAX);
        httpd->peers = handle_table_new(PEERS_MAX);
        secret_random(&httpd->id_prefix, sizeof(httpd->id_prefix));
        httpd->sweep = loop_timer_new(loop, on_sweep, httpd);
        loop_timer_start(httpd->sweep, SWEEP_MS, SWEEP_MS);
        return httpd;
}

void httpd_free(struct httpd *httpd)
{
        if (!httpd)
                return;
        loop_timer_free(httpd->sweep);
        list_each (it, &httpd->listeners) {
                struct httpd_listener *listener = list_entry(it, struct httpd_listener, at);

                for (int state = 0; state < CONN_CLOSED; state++)
                        while (!list_empty(&listener->conns[state]))
                                conn_close(list_entry(listener->conns[state].next, struct conn, at),
                                           "the server ends");
        }
        while (!list_empty(&httpd->listeners)) {
                struct list *first = httpd->listeners.next;

                list_remove(first);
                listener_free(list_entry(first, struct httpd_listener, at));
        }
        handle_table_free(httpd->requests);
        handle_table_free(httpd->peers);
        loop_free_later(httpd->loop, free, httpd); /* a flush of this turn may still name it */
}

void httpd_stop_accepting(struct httpd *httpd)
{
        httpd->is_draining = true;
        list_each (it, &httpd->listeners) {
                struct httpd_listener *listener = list_entry(it, struct httpd_listener, at);
                struct list *idle = &listener->conns[CONN_IDLE];

                while (!list_empty(idle))
                        conn_close(list_entry(idle->next, struct conn, at), "draining");
        }
}

unsigned httpd_requests_open(const struct httpd *httpd)
{
        return handle_count(httpd->requests);
}

void httpd_stats(const struct httpd *httpd, struct httpd_stats *out)
{
        *out = httpd->stats;
}

/* ---- what handlers call ---- */

const char *httpd_header(const struct httpd_request *request, const char *name)
{
        const struct conn_view *view = request->internal;
        enum http_header id = http_parse_header_find(name);

        must(id != HTTP_PUBLIC_COUNT); /* a name that the header file does not list is a mistake */
        return http_parse_text(view->head, view->data, view->head->value[id]);
}

bool httpd_query(const struct httpd_request *request, const char *name, char *out, size_t cap)
{
        return http_target_query(request->query, name, out, cap);
}

void httpd_reply(struct httpd *httpd, struct handle request, int status, const char *content_type,
                 const struct httpd_header_pair *headers, size_t n_headers, const void *body,
                 size_t body_len)
{
        struct conn *conn = handle_get(httpd->requests, request);

        if (conn)
                conn_http_reply(conn, status, content_type, headers, n_headers, body, body_len);
}

void httpd_abort(struct httpd *httpd, struct handle request)
{
        struct conn *conn = handle_get(httpd->requests, request);

        if (conn)
                conn_close(conn, "aborted by the handler");
}

enum errc httpd_ws_send(struct httpd *httpd, struct handle peer, const void *text, size_t len)
{
        struct conn *conn = handle_get(httpd->peers, peer);

        return conn ? conn_ws_send(conn, text, len) : E_NOT_FOUND;
}

void httpd_ws_close(struct httpd *httpd, struct handle peer, uint16_t code, const char *reason)
{
        struct conn *conn = handle_get(httpd->peers, peer);

        if (conn)
                conn_ws_close(conn, code, reason);
}
