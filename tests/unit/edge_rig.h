/* edge_rig: one httpd with a handler that says what it was given, for the tests of edge. */
#ifndef TESTS_EDGE_RIG_H
#define TESTS_EDGE_RIG_H

#include "base/mem.h"
#include "edge/httpd.h"

#include "edge_client.h"

#define RIG_BIG (8U << 20) /* more than the kernel takes at once */

struct rig {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct httpd_listen_options options;
        unsigned n_requests;
        struct handle held[8]; /* of GET /later */
        unsigned n_held;
        size_t last_body_len;
        char last_body[256];
        char last_host[256];
        char last_query[1024];
        char last_header[2048]; /* x-forwarded-for */
        char last_param[64];    /* the query's "name" */
        bool has_param;
        /* WebSocket */
        unsigned n_opened;
        char opened_path[64];
        unsigned n_drained;
        unsigned n_messages;
        unsigned n_closed;
        struct handle peer;
        size_t last_message_len;
        int upgrade_status;
};

static inline void rig_answer_big(struct rig *rig, struct handle handle)
{
        char *big = malloc(RIG_BIG);

        for (size_t i = 0; i < RIG_BIG; i++)
                big[i] = (char)('a' + i % 23);
        httpd_reply(rig->httpd, handle, 200, "text/plain", NULL, 0, big, RIG_BIG);
        free(big);
}

/* "METHOD path body_len" */
static inline void rig_answer(struct rig *rig, const struct httpd_request *request)
{
        const struct httpd_header_pair extra[] = {{"X-Extra", "yes"}};
        char text[2048];
        int n = snprintf(text, sizeof(text), "%s %s %zu\n", http_method_name(request->method),
                         request->path, request->body_len);

        httpd_reply(rig->httpd, request->handle, 200, "text/plain", extra, 1, text, (size_t)n);
}

static inline void rig_handler(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        rig->n_requests++;
        rig->last_body_len = request->body_len;
        if (strlen(request->body) != request->body_len &&
            !memchr(request->body, 0, request->body_len))
                abort(); /* the body must be NUL-terminated */
        (void)text_copy(rig->last_body, sizeof(rig->last_body), request->body);
        (void)text_copy(rig->last_host, sizeof(rig->last_host), request->host);
        (void)text_copy(rig->last_query, sizeof(rig->last_query), request->query);
        (void)text_copy(rig->last_header, sizeof(rig->last_header),
                        httpd_header(request, "x-forwarded-for"));
        rig->has_param = httpd_query(request, "name", rig->last_param, sizeof(rig->last_param));
        if (strcmp(request->path, "/later") == 0)
                rig->held[rig->n_held++ % 8] = request->handle;
        else if (strcmp(request->path, "/big") == 0)
                rig_answer_big(rig, request->handle);
        else if (strcmp(request->path, "/abort") == 0)
                httpd_abort(rig->httpd, request->handle);
        else
                rig_answer(rig, request);
}

/* Defaults that a test may change before rig_listen. */
static inline void rig_init(struct rig *rig)
{
        memset(rig, 0, sizeof(*rig));
        rig->loop = loop_new();
        rig->httpd = httpd_new(rig->loop);
        rig->options = (struct httpd_listen_options){
                .address = "127.0.0.1",
                .max_body_bytes = 65536,
                .max_connections = 100,
                .request_deadline_ms = 15000,
                .idle_keep_alive_ms = 15000,
                .handler = rig_handler,
                .cookie = rig,
        };
}

static inline void rig_listen(struct rig *rig)
{
        struct err err = {0};

        rig->listener = httpd_listen(rig->httpd, &rig->options, &err);
        if (!rig->listener) {
                fprintf(stderr, "%s\n", err.detail);
                abort();
        }
}

static inline void rig_fini(struct rig *rig)
{
        httpd_free(rig->httpd);
        loop_free(rig->loop); /* checks that nothing was left open */
}

static inline struct client rig_client(struct rig *rig)
{
        return client_open(rig->loop, httpd_port(rig->listener));
}

static inline struct httpd_stats rig_stats(struct rig *rig)
{
        struct httpd_stats stats;

        httpd_stats(rig->httpd, &stats);
        return stats;
}

#endif
