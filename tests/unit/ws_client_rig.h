/* ws_client_rig: an outbound WebSocket and a listener that echoes, on one loop. Include after cmocka. */
#ifndef TESTS_WS_CLIENT_RIG_H
#define TESTS_WS_CLIENT_RIG_H

#include <unistd.h>

#include "base/mem.h"
#include "edge/httpd.h"
#include "loop/ws_client.h"

#define WAIT_MS 10000
#define MESSAGE 100000
#define QUEUE   200000

struct rig {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct ws_client *client;
        char folder[64], cert[96], key[96];
        /* the server's side */
        struct handle peer;
        unsigned n_peers, n_left, n_said;
        char said[256];
        size_t said_len;
        bool is_mute;
        char host[128];
        /* the client's side */
        unsigned n_opened, n_closed, n_heard;
        size_t heard_len;
        char heard[256], reason[200];
};

/* ---- The server ---------------------------------------------------------------------------- */

static inline void server_handler(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        httpd_reply(rig->httpd, request->handle, 404, "text/plain", NULL, 0, "no", 2);
}

static inline int server_upgrade(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        (void)text_copy(rig->host, sizeof(rig->host), request->host);
        return 0;
}

static inline void server_opened(void *cookie, struct handle peer,
                                 const struct httpd_request *request)
{
        struct rig *rig = cookie;

        (void)request;
        rig->peer = peer;
        rig->n_peers++;
}

static inline void server_message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct rig *rig = cookie;

        rig->n_said++;
        rig->said_len = len;
        (void)text_copy(rig->said, sizeof(rig->said), text);
        if (!rig->is_mute)
                assert_int_equal(httpd_ws_send(rig->httpd, peer, text, len), E_OK);
}

static inline void server_closed(void *cookie, struct handle peer)
{
        struct rig *rig = cookie;

        (void)peer;
        rig->n_left++;
}

static inline void serve(struct rig *rig, uint16_t port, bool is_tls)
{
        static const char *const paths[] = {"/ws"};
        static const struct httpd_ws_ops ops = {.upgrade = server_upgrade,
                                                .opened = server_opened,
                                                .message = server_message,
                                                .closed = server_closed};
        struct httpd_listen_options options = {
                .address = "127.0.0.1",
                .port = port,
                .max_body_bytes = 1000,
                .max_connections = 20,
                .request_deadline_ms = 5000,
                .idle_keep_alive_ms = 5000,
                .tls_cert_file = is_tls ? rig->cert : NULL,
                .tls_key_file = is_tls ? rig->key : NULL,
                .handler = server_handler,
                .ws = &ops,
                .ws_paths = paths,
                .n_ws_paths = 1,
                .ws_max_message_bytes = 2 * MESSAGE,
                .ws_max_queue_bytes = 8 * MESSAGE,
                .cookie = rig,
        };
        struct err err = {.code = E_OK};

        rig->httpd = httpd_new(rig->loop);
        rig->listener = httpd_listen(rig->httpd, &options, &err);
        if (!rig->listener)
                fail_msg("%s", err.detail);
}

/* ---- The client ---------------------------------------------------------------------------- */

static inline void client_opened(void *cookie)
{
        struct rig *rig = cookie;

        rig->n_opened++;
}

static inline void client_message(void *cookie, const char *text, size_t len)
{
        struct rig *rig = cookie;

        assert_int_equal(text[len], '\0');
        rig->n_heard++;
        rig->heard_len = len;
        (void)text_copy(rig->heard, sizeof(rig->heard), text);
}

static inline void client_closed(void *cookie, const char *reason)
{
        struct rig *rig = cookie;

        rig->n_closed++;
        (void)text_copy(rig->reason, sizeof(rig->reason), reason);
}

static inline struct ws_client_options plain(struct rig *rig)
{
        return (struct ws_client_options){
                .max_message_bytes = MESSAGE,
                .max_queue_bytes = QUEUE,
                .backoff_min_ms = 20,
                .backoff_max_ms = 100,
                .opened = client_opened,
                .message = client_message,
                .closed = client_closed,
                .cookie = rig,
        };
}

static inline void connect_to(struct rig *rig, const char *origin, unsigned port, const char *path,
                              const struct ws_client_options *options)
{
        struct ws_client_options o = options ? *options : plain(rig);
        struct err err = {.code = E_OK};
        char url[128];

        (void)snprintf(url, sizeof(url), "%s:%u%s", origin, port, path);
        o.url = url;
        rig->client = ws_client_new(rig->loop, &o, &err);
        if (!rig->client)
                fail_msg("%s", err.detail);
        assert_int_equal(rig->n_opened + rig->n_closed, 0); /* never from inside */
}

static inline bool wait_for(struct rig *rig, const unsigned *count, unsigned n)
{
        int64_t until = clock_mono_ms(loop_clock(rig->loop)) + WAIT_MS;

        while (*count < n && clock_mono_ms(loop_clock(rig->loop)) < until)
                loop_turn(rig->loop, 20);
        return *count >= n;
}

static inline int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        rig->loop = loop_new();
        *state = rig;
        return 0;
}

static inline int teardown(void **state)
{
        struct rig *rig = *state;

        ws_client_free(rig->client);
        if (rig->httpd)
                httpd_free(rig->httpd);
        loop_free(rig->loop);
        if (rig->folder[0]) {
                (void)unlink(rig->cert);
                (void)unlink(rig->key);
                (void)rmdir(rig->folder);
        }
        free(rig);
        return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
