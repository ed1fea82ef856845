/* A listener of the edge for clients of other makes: echoes what it is told over a WebSocket at /ws, but for
 *     send N BYTES    N messages of so many bytes each, "NUMBER:" and digits; as fast as they are taken
 *     close CODE      closes with it
 * Prints its port. With a certificate and a key it speaks TLS. Ends with its input.
 *
 * Usage: edge_echo [CERTIFICATE KEY] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/httpd.h"
#include "loop/loop.h"
#include "loop/watch.h"

#define PEERS       16
#define QUEUE_BYTES 400000

struct job {
        struct handle peer;
        unsigned long next, n, bytes;
};

struct echo {
        struct loop *loop;
        struct httpd *httpd;
        struct job job[PEERS];
};

static struct job *job_of(struct echo *e, struct handle peer)
{
        for (unsigned i = 0; i < PEERS; i++)
                if (e->job[i].peer.slot == peer.slot &&
                    e->job[i].peer.generation == peer.generation)
                        return &e->job[i];
        return NULL;
}

/* Until the queue is full; drained goes on with it. */
static void go_on(struct echo *e, struct job *job)
{
        char *text = xmalloc(job->bytes + 32);

        while (job->next < job->n) {
                int n = snprintf(text, 32, "%lu:", job->next);

                for (size_t i = (size_t)n; i < job->bytes; i++)
                        text[i] = (char)('0' + (i * i + job->next) % 10);
                if (httpd_ws_send(e->httpd, job->peer, text, job->bytes))
                        break;
                job->next++;
        }
        free(text);
}

static int upgrade(void *cookie, const struct httpd_request *request)
{
        static const struct handle none;
        struct echo *e = cookie;

        (void)request;
        return job_of(e, none) ? 0 : 503;
}

static void opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        static const struct handle none;
        struct job *job = job_of(cookie, none);

        (void)request;
        must(job != NULL);
        *job = (struct job){.peer = peer};
}

static void message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct echo *e = cookie;
        struct job *job = job_of(e, peer);
        char *end;

        must(job != NULL);
        if (strncmp(text, "send ", 5) == 0) {
                job->next = 0;
                job->n = strtoul(text + 5, &end, 10);
                job->bytes = strtoul(end, NULL, 10);
                go_on(e, job);
        } else if (strncmp(text, "close ", 6) == 0) {
                httpd_ws_close(e->httpd, peer, (uint16_t)strtoul(text + 6, NULL, 10),
                               "as you wish");
        } else if (httpd_ws_send(e->httpd, peer, text, len)) {
                httpd_ws_close(e->httpd, peer, 1013, "too much at once");
        }
}

static void drained(void *cookie, struct handle peer)
{
        struct job *job = job_of(cookie, peer);

        must(job != NULL);
        go_on(cookie, job);
}

static void closed(void *cookie, struct handle peer)
{
        struct job *job = job_of(cookie, peer);

        must(job != NULL);
        *job = (struct job){.n = 0};
}

static void answer(void *cookie, const struct httpd_request *request)
{
        struct echo *e = cookie;

        httpd_reply(e->httpd, request->handle, 404, "text/plain", NULL, 0, "no", 2);
}

static void on_input(void *cookie, bool readable, bool writable)
{
        struct echo *e = cookie;
        char c;

        (void)writable;
        if (readable && read(STDIN_FILENO, &c, 1) <= 0)
                loop_stop(e->loop);
}

int main(int argc, char **argv)
{
        static const char *const paths[] = {"/ws"};
        static const struct httpd_ws_ops ops = {upgrade, opened, message, closed, drained};
        struct echo e = {.loop = loop_new()};
        struct httpd_listen_options options = {
                .address = "127.0.0.1",
                .max_body_bytes = 1000,
                .max_connections = PEERS,
                .request_deadline_ms = 10000,
                .idle_keep_alive_ms = 10000,
                .tls_cert_file = argc > 2 ? argv[1] : NULL,
                .tls_key_file = argc > 2 ? argv[2] : NULL,
                .handler = answer,
                .ws = &ops,
                .ws_paths = paths,
                .n_ws_paths = 1,
                .ws_max_message_bytes = 100000,
                .ws_max_queue_bytes = QUEUE_BYTES,
                .ws_deflate = true,
                .cookie = &e,
        };
        struct err err = {.code = E_OK};
        struct httpd_listener *listener;
        struct watch *input;

        e.httpd = httpd_new(e.loop);
        listener = httpd_listen(e.httpd, &options, &err);
        if (!listener) {
                fprintf(stderr, "edge_echo: %s\n", err.detail);
                return 1;
        }
        printf("%u\n", (unsigned)httpd_port(listener));
        (void)fflush(stdout);
        input = watch_new(e.loop, STDIN_FILENO, on_input, &e);
        watch_set(input, true, false);
        loop_run(e.loop);
        watch_free(input);
        httpd_free(e.httpd);
        loop_free(e.loop);
        return 0;
}
