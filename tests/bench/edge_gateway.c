/* The gateway's edge as a bench's server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/httpd.h"
#include "loop/loop.h"
#include "loop/watch.h"

#include "edge_server.h"

struct gateway {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct handle *peer;
        unsigned n_peers, cap;
        unsigned n_published;
        struct edge_server server;
        int control;
};

static uint16_t port(void *cookie)
{
        struct gateway *g = cookie;

        return httpd_port(g->listener);
}

static unsigned peers(void *cookie)
{
        struct gateway *g = cookie;

        return g->n_peers;
}

static void publish(void *cookie, unsigned n_frames)
{
        struct gateway *g = cookie;
        char text[EDGE_FRAME_BYTES];

        for (unsigned i = 0; i < n_frames; i++) {
                struct httpd_frame *frame;

                edge_server_text(text, g->n_published++);
                frame = httpd_frame_new(text, sizeof(text));
                for (unsigned k = 0; k < g->n_peers; k++)
                        must(httpd_ws_share(g->httpd, g->peer[k], frame) == E_OK);
                httpd_frame_drop(frame);
        }
}

static void quit(void *cookie)
{
        struct gateway *g = cookie;

        loop_stop(g->loop);
}

static int upgrade(void *cookie, const struct httpd_request *request)
{
        (void)cookie;
        (void)request;
        return 0;
}

static void opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct gateway *g = cookie;

        (void)request;
        if (g->n_peers == g->cap) {
                g->cap = g->cap ? g->cap * 2 : 64;
                g->peer = xrealloc(g->peer, g->cap * sizeof(*g->peer));
        }
        g->peer[g->n_peers++] = peer;
}

static void closed(void *cookie, struct handle peer)
{
        struct gateway *g = cookie;

        for (unsigned i = 0; i < g->n_peers; i++) {
                if (g->peer[i].slot != peer.slot)
                        continue;
                g->peer[i] = g->peer[--g->n_peers];
                return;
        }
}

static void answer(void *cookie, const struct httpd_request *request)
{
        struct gateway *g = cookie;
        char body[EDGE_ANSWER];

        memset(body, 'x', sizeof(body));
        httpd_reply(g->httpd, request->handle, 200, "text/plain", NULL, 0, body, sizeof(body));
}

static void on_control(void *cookie, bool readable, bool writable)
{
        struct gateway *g = cookie;

        (void)writable;
        if (readable)
                edge_server_obey(&g->server, g->control);
}

void edge_gateway_serve(int control, bool deflates)
{
        static const char *const paths[] = {"/ws"};
        static const struct httpd_ws_ops ops = {
                .upgrade = upgrade, .opened = opened, .closed = closed};
        struct gateway g = {.control = control, .loop = loop_new()};
        struct httpd_listen_options options = {
                .address = "127.0.0.1",
                .max_body_bytes = 65536,
                .max_connections = 100000,
                .request_deadline_ms = 60000,
                .idle_keep_alive_ms = 600000,
                .handler = answer,
                .ws = &ops,
                .ws_paths = paths,
                .n_ws_paths = 1,
                .ws_max_message_bytes = 65536,
                .ws_max_queue_bytes = 4U << 20,
                .ws_ping_ms = 600000,
                .ws_idle_ms = 900000,
                .ws_deflate = deflates,
                .cookie = &g,
        };
        struct err err = {.code = E_OK};
        struct watch *watch;

        g.server = (struct edge_server){port, peers, publish, quit, &g};
        g.httpd = httpd_new(g.loop);
        g.listener = httpd_listen(g.httpd, &options, &err);
        if (!g.listener) {
                fprintf(stderr, "bench_edge: %s\n", err.detail);
                exit(1);
        }
        watch = watch_new(g.loop, control, on_control, &g);
        watch_set(watch, true, false);
        loop_run(g.loop);
        watch_free(watch);
        httpd_free(g.httpd);
        loop_free(g.loop);
        free(g.peer);
}
