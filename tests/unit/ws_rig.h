/* ws_rig: edge_rig with WebSockets at /ws that echo, and a client's side of the framing. Include
 * after cmocka. */
#ifndef TESTS_WS_RIG_H
#define TESTS_WS_RIG_H

#include "edge_rig.h"

#define UPGRADE                                                                                    \
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" \
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
/* The answer to that key, from RFC 6455, section 1.3 */
#define ACCEPT "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

static inline int on_upgrade(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        assert_true(strcmp(request->path, "/ws") == 0 || strcmp(request->path, "/v1/ws") == 0);
        assert_string_equal(request->host, "a");
        (void)text_copy(rig->last_header, sizeof(rig->last_header),
                        httpd_header(request, "x-forwarded-for"));
        return rig->upgrade_status;
}

static inline void on_opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        assert_string_equal(request->peer, "127.0.0.1");
        assert_string_equal(request->host, "a");
        (void)text_copy(rig->opened_path, sizeof(rig->opened_path), request->path);
        (void)text_copy(rig->last_query, sizeof(rig->last_query), request->query);
        rig->peer = peer;
        rig->n_opened++;
}

/* Echoes, but for a few words that ask for something else. */
static inline void on_message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct rig *rig = cookie;

        rig->n_messages++;
        rig->last_message_len = len;
        assert_int_equal(text[len], '\0');
        (void)text_copy(rig->last_body, sizeof(rig->last_body), text);
        if (strcmp(text, "close me") == 0)
                httpd_ws_close(rig->httpd, peer, 4001, "as you wish");
        else
                assert_int_equal(httpd_ws_send(rig->httpd, peer, text, len), E_OK);
}

static inline void on_closed(void *cookie, struct handle peer)
{
        struct rig *rig = cookie;

        assert_int_equal(httpd_ws_send(rig->httpd, peer, "x", 1), E_NOT_FOUND);
        rig->n_closed++;
}

static inline void on_drained(void *cookie, struct handle peer)
{
        struct rig *rig = cookie;

        (void)peer;
        rig->n_drained++;
}

static const struct httpd_ws_ops ws_ops = {on_upgrade, on_opened, on_message, on_closed,
                                           on_drained};

static const char *const ws_paths[] = {"/ws", "/v1/ws"};

static inline int ws_setup(void **state)
{
        struct rig *rig = malloc(sizeof(*rig));

        rig_init(rig);
        rig->options.ws = &ws_ops;
        rig->options.ws_paths = ws_paths;
        rig->options.n_ws_paths = 2;
        rig->options.ws_max_message_bytes = 100000;
        rig->options.ws_max_queue_bytes = 200000;
        *state = rig;
        return 0;
}

static inline int ws_teardown(void **state)
{
        struct rig *rig = *state;

        rig_fini(rig);
        assert_int_equal(rig->n_opened, rig->n_closed); /* each exactly once */
        free(rig);
        return 0;
}

/* more: header lines, each with its end. What was answered stays in got. */
static inline struct client upgraded_with(struct rig *rig, const char *more)
{
        struct client c = rig_client(rig);

        client_send(&c, UPGRADE, sizeof(UPGRADE) - 3);
        client_puts(&c, more);
        client_puts(&c, "\r\n");
        assert_true(client_wait_text(&c, "\r\n\r\n"));
        assert_int_equal(strncmp(c.got, "HTTP/1.1 101 Switching Protocols\r\n", 34), 0);
        assert_non_null(strstr(c.got, ACCEPT));
        return c;
}

static inline struct client upgraded(struct rig *rig)
{
        struct client c = upgraded_with(rig, "");

        client_forget(&c);
        return c;
}

/* first: FIN, RSV and opcode bits. */
static inline void send_frame(struct client *c, unsigned first, const void *payload, size_t len)
{
        static const uint8_t mask[4] = {0x12, 0xf0, 0x07, 0xa9};
        uint8_t *frame = malloc(len + 14);
        size_t n = 2;

        frame[0] = (uint8_t)first;
        if (len < 126) {
                frame[1] = (uint8_t)(0x80 | len);
        } else if (len < 65536) {
                frame[1] = 0x80 | 126;
                frame[2] = (uint8_t)(len >> 8);
                frame[3] = (uint8_t)len;
                n = 4;
        } else {
                frame[1] = 0x80 | 127;
                for (int i = 0; i < 8; i++)
                        frame[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
                n = 10;
        }
        memcpy(frame + n, mask, 4);
        n += 4;
        for (size_t i = 0; i < len; i++)
                frame[n + i] = (uint8_t)(((const uint8_t *)payload)[i] ^ mask[i % 4]);
        client_send(c, frame, n + len);
        free(frame);
}

static inline void send_text(struct client *c, const char *text)
{
        send_frame(c, 0x81, text, strlen(text));
}

/* The close frame with code must be the last thing that comes, and the connection must end. */
static inline void expect_close(struct client *c, unsigned code)
{
        const uint8_t *p;
        size_t at = 0;

        assert_true(client_wait_end(c));
        p = (const uint8_t *)c->got;
        while (at + 2 <= c->len && (p[at] & 0x0f) != 8)
                at += 2 + (size_t)(p[at + 1] & 0x7f); /* short frames only */
        assert_true(at + 4 <= c->len);
        assert_int_equal(p[at], 0x88);
        assert_int_equal(p[at + 2] << 8 | p[at + 3], code);
        assert_int_equal(at + 2 + p[at + 1], c->len);
}

#endif
