#include "edge/httpd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "edge/conn.h"
#include "edge/conn_upgrade.h"
#include "edge/conn_ws.h"
#include "edge/http_target.h"
#include "edge/listener.h"
#include "edge/lws_include.h"
#include "edge/ws_deflate.h"

#define SWEEP_MS     50
#define SWEEP_MAX    256
#define REQUESTS_MAX (1U << 18)
#define PEERS_MAX    (1U << 18)
#define FDS_LEFT     32    /* of the process's descriptors, for everything but connections */
#define NEVER_S      86400 /* for the library's own limits; ours are shorter */

/* ---- deadlines ---- */

/* Thousands that came together expire together: a part of them now, others are waiting, too. */
static void sweep_list(struct list *front, int64_t now)
{
        for (int i = 0; i < SWEEP_MAX && !list_empty(front); i++) {
                struct conn *conn = list_entry(front->next, struct conn, at);

                if (conn->until > now)
                        break;
                conn_expired(conn);
        }
}

static void sweep_listener(struct httpd_listener *listener, int64_t now)
{
        for (int state = 0; state < CONN_DOOMED; state++)
                sweep_list(&listener->conns[state], now);
        list_each_safe (it, &listener->conns[CONN_UPGRADING])
                conn_upgrade_again(list_entry(it, struct conn, at));
}

static void on_sweep(void *cookie)
{
        struct httpd *httpd = cookie;
        int64_t now = clock_mono_ms(loop_clock(httpd->loop));

        list_each (it, &httpd->listeners)
                sweep_listener(list_entry(it, struct httpd_listener, at), now);
}

/* ---- life ---- */

/* Much of what the library calls an error is a stranger's doing. */
static void on_log(int level, const char *line)
{
        size_t len = strcspn(line, "\n");
        char text[256];

        (void)level;
        (void)text_copy(text, len < sizeof(text) ? len + 1 : sizeof(text), line);
        log_event(LOG_DEBUG, "libwebsockets", "says", text, NULL);
}

static int fd_limit(void)
{
        struct rlimit limit;

        must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
        return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int)limit.rlim_cur - FDS_LEFT;
}

struct httpd *httpd_new(struct loop *loop)
{
        static const lws_retry_bo_t no_pings = {0};
        struct httpd *httpd = xcalloc(1, sizeof(*httpd));
        void *loops[1] = {loop_native(loop)};
        struct lws_context_creation_info info = {
                .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                           LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
                .foreign_loops = loops,
                .port = CONTEXT_PORT_NO_LISTEN,
                .max_http_header_data = HEAD_MAX_BYTES,
                .timeout_secs = NEVER_S,
                .retry_and_idle_policy = &no_pings,
        };

        lws_set_log_level(LLL_ERR, on_log);
        httpd->loop = loop;
        httpd->date_second = -1;
        httpd->fd_limit = fd_limit();
        list_init(&httpd->listeners);
        list_init(&httpd->doomed);
        list_init(&httpd->to_flush);
        httpd->deflate = ws_deflate_new();
        httpd->lws = lws_create_context(&info);
        if (!httpd->lws)
                log_event(LOG_ERROR, "libwebsockets can't use libev", "hint",
                          "is its plug-in installed? Debian: libwebsockets-evlib-ev", NULL);
        must(httpd->lws != NULL);
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
        /* Closes every connection, each with its last callback. libev's watchers end with them, so
         * the library needs no second call here, as it does on loops that close later. */
        lws_context_destroy(httpd->lws);
        while (!list_empty(&httpd->listeners)) {
                struct list *first = httpd->listeners.next;

                list_remove(first);
                listener_free(list_entry(first, struct httpd_listener, at));
        }
        handle_table_free(httpd->requests);
        handle_table_free(httpd->peers);
        ws_deflate_free(httpd->deflate);
        loop_free_later(httpd->loop, free, httpd); /* what is doomed in this turn still names it */
}

struct httpd_listener *httpd_listen(struct httpd *httpd, const struct httpd_listen_options *options,
                                    struct err *err)
{
        return listener_open(httpd, options, err);
}

uint16_t httpd_port(const struct httpd_listener *listener)
{
        return listener_port(listener);
}

void httpd_stop_listener(struct httpd *httpd, struct httpd_listener *listener)
{
        struct list *idle = &listener->conns[CONN_IDLE];

        must(listener->httpd == httpd);
        listener->is_draining = true;
        list_each_safe (it, idle) {
                struct conn *conn = list_entry(it, struct conn, at);

                if (!conn_http_has_begun(conn))
                        conn_doom(conn, "draining");
        }
}

void httpd_stop_accepting(struct httpd *httpd)
{
        list_each (it, &httpd->listeners)
                httpd_stop_listener(httpd, list_entry(it, struct httpd_listener, at));
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
        enum head_field field = head_field_find(name);

        must(field !=
             HEAD_PUBLIC_COUNT); /* a name that the header file does not list is a mistake */
        return head_value(request->internal, field);
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
                conn_doom(conn, "aborted by the handler");
}

enum errc httpd_ws_send(struct httpd *httpd, struct handle peer, const void *text, size_t len)
{
        struct conn *conn = handle_get(httpd->peers, peer);

        return conn ? conn_ws_send(conn, text, len) : E_NOT_FOUND;
}

enum errc httpd_ws_share(struct httpd *httpd, struct handle peer, struct httpd_frame *frame)
{
        struct conn *conn = handle_get(httpd->peers, peer);

        return conn ? conn_ws_share(conn, frame) : E_NOT_FOUND;
}

size_t httpd_ws_queued(const struct httpd *httpd, struct handle peer)
{
        const struct conn *conn = handle_get(httpd->peers, peer);

        return conn ? conn_ws_queued(conn) : 0;
}

void httpd_ws_close(struct httpd *httpd, struct handle peer, uint16_t code, const char *reason)
{
        struct conn *conn = handle_get(httpd->peers, peer);

        if (conn)
                conn_ws_close(conn, code, reason);
}
