/* http_script: an HTTP server on the loop under test that does with a request what its path says:
 * answer, hang up, send rubbish, hold it. Include after cmocka. */
#ifndef TESTS_HTTP_SCRIPT_H
#define TESTS_HTTP_SCRIPT_H

#include <strings.h>

#include "base/mem.h"
#include "loop/watch.h"

#include "edge_client.h"

#define CONNS_MAX 32

struct server;

struct server_conn {
        struct server *server;
        struct watch *watch;
        int fd;
        char in[70000];
        size_t len;
        unsigned n_requests;
};

struct server {
        struct loop *loop;
        struct watch *watch;
        int fd;
        uint16_t port;
        struct server_conn *conns[CONNS_MAX];
        unsigned n_conns;
        unsigned n_requests;
        char last_head[4096];
        char last_body[256];
        char paths[256];          /* of all requests, in order */
        struct server_conn *held; /* by /hold, until answered */
};

static inline void say(struct server_conn *conn, const char *text)
{
        assert_int_equal(send(conn->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void hang_up(struct server_conn *conn)
{
        watch_free(conn->watch);
        conn->watch = NULL;
        close(conn->fd);
        conn->fd = -1;
}

static inline void say_big(struct server_conn *conn)
{
        static char body[150000];
        char head[128];
        size_t done = 0;

        memset(body, 'x', sizeof(body));
        snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                 sizeof(body));
        say(conn, head);
        while (done < sizeof(body)) {
                ssize_t n = send(conn->fd, body + done, sizeof(body) - done, MSG_NOSIGNAL);

                if (n <= 0)
                        break;
                done += (size_t)n;
        }
}

static inline void act(struct server_conn *conn, const char *path)
{
        static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 11\r\n\r\n{\"ok\":true}";

        if (strcmp(path, "/ok") == 0)
                say(conn, ok);
        else if (strcmp(path, "/close") == 0)
                hang_up(conn);
        else if (strcmp(path, "/once") == 0 && conn->n_requests == 1)
                say(conn, ok);
        else if (strcmp(path, "/once") == 0)
                hang_up(conn);
        else if (strcmp(path, "/hold") == 0)
                conn->server->held = conn;
        else if (strcmp(path, "/rubbish") == 0)
                say(conn, "\x01\x02 this is no HTTP\r\n\r\n");
        else if (strcmp(path, "/big") == 0)
                say_big(conn);
        else if (strcmp(path, "/manyheaders") == 0) {
                say(conn, "HTTP/1.1 200 OK\r\n");
                for (int i = 0; i < 1500; i++)
                        say(conn, "X-Filler: 0123456789012345678901234567890123456789\r\n");
                say(conn, "Content-Length: 0\r\n\r\n");
        } else if (strcmp(path, "/partial") == 0) {
                say(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
                hang_up(conn);
        } else if (strcmp(path, "/chunked") == 0)
                say(conn,
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        else if (strcmp(path, "/cutchunk") == 0) {
                say(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
                hang_up(conn);
        } else if (strcmp(path, "/redirect") == 0)
                say(conn, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
        else if (strcmp(path, "/busy") == 0)
                say(conn, "HTTP/1.1 429 Too Many\r\nretry-after:  7 \r\nContent-Length: 0\r\n\r\n");
        else if (strcmp(path, "/busydate") == 0)
                say(conn, "HTTP/1.1 503 No\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                          "Content-Length: 0\r\n\r\n");
        else
                say(conn, "HTTP/1.1 204 No Content\r\n\r\n");
}

/* Takes one whole request off conn->in; false when there is none. */
static inline bool take_request(struct server_conn *conn)
{
        struct server *server = conn->server;
        char *end = memmem(conn->in, conn->len, "\r\n\r\n", 4);
        char *length;
        size_t head_len;
        size_t body_len;
        char path[64] = "";
        const char *at;

        if (!end)
                return false;
        head_len = (size_t)(end - conn->in) + 4;
        (void)text_copy(server->last_head, sizeof(server->last_head), "");
        memcpy(server->last_head, conn->in, head_len);
        server->last_head[head_len] = '\0';
        length = strcasestr(server->last_head, "\r\nContent-Length: ");
        assert_true(length || strncmp(server->last_head, "GET ", 4) == 0);
        body_len = length ? strtoul(length + 18, NULL, 10) : 0;
        if (conn->len < head_len + body_len)
                return false;
        at = strchr(server->last_head, ' ') + 1;
        memcpy(path, at, strcspn(at, " "));
        (void)text_copy(server->last_body, sizeof(server->last_body), "");
        if (body_len < sizeof(server->last_body)) {
                memcpy(server->last_body, conn->in + head_len, body_len);
                server->last_body[body_len] = '\0';
        }
        conn->len -= head_len + body_len;
        memmove(conn->in, conn->in + head_len + body_len, conn->len);
        conn->n_requests++;
        server->n_requests++;
        if (strlen(server->paths) + strlen(path) < sizeof(server->paths) - 1)
                strcat(server->paths, path);
        act(conn, path);
        return true;
}

static inline void on_server_readable(void *cookie, bool readable, bool writable)
{
        struct server_conn *conn = cookie;
        ssize_t n =
                recv(conn->fd, conn->in + conn->len, sizeof(conn->in) - conn->len, MSG_DONTWAIT);

        (void)readable;
        (void)writable;
        if (n < 0 && errno == EAGAIN)
                return;
        if (n <= 0) {
                hang_up(conn);
                return;
        }
        conn->len += (size_t)n;
        while (conn->fd >= 0 && take_request(conn))
                ;
}

static inline void on_server_accept(void *cookie, bool readable, bool writable)
{
        struct server *server = cookie;
        int fd = accept(server->fd, NULL, NULL);
        struct server_conn *conn;

        (void)readable;
        (void)writable;
        if (fd < 0)
                return;
        assert_true(server->n_conns < CONNS_MAX);
        conn = xcalloc(1, sizeof(*conn));
        server->conns[server->n_conns++] = conn;
        conn->server = server;
        conn->fd = fd;
        conn->watch = watch_new(server->loop, fd, on_server_readable, conn);
        watch_set(conn->watch, true, false);
}

static inline void server_open(struct server *server, struct loop *loop)
{
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t len = sizeof(at);

        server->loop = loop;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(server->fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(server->fd, 64), 0);
        assert_int_equal(getsockname(server->fd, (struct sockaddr *)&at, &len), 0);
        server->port = ntohs(at.sin_port);
        server->watch = watch_new(loop, server->fd, on_server_accept, server);
        watch_set(server->watch, true, false);
}

static inline void server_close(struct server *server)
{
        for (unsigned i = 0; i < server->n_conns; i++) {
                if (server->conns[i]->fd >= 0)
                        hang_up(server->conns[i]);
                free(server->conns[i]);
        }
        watch_free(server->watch);
        close(server->fd);
}

#endif
