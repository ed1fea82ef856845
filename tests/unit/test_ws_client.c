/* The outbound WebSocket, against this project's own listener and against sockets that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "loop/ws_client_url.h"
#include "ws_client_rig.h"

/* ---- Tests --------------------------------------------------------------------------------- */

static void test_talks(void **state)
{
        struct rig *rig = *state;
        char *big = malloc(MESSAGE + 1);

        memset(big, 'x', MESSAGE + 1);
        serve(rig, 0, false);
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", NULL);
        assert_int_equal(ws_client_send(rig->client, "early", 5), E_NOT_FOUND);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_string_equal(rig->host, "127.0.0.1");
        assert_int_equal(ws_client_send(rig->client, "hello", 5), E_OK);
        assert_true(wait_for(rig, &rig->n_heard, 1));
        assert_string_equal(rig->heard, "hello");
        assert_int_equal(ws_client_send(rig->client, big, MESSAGE), E_OK);
        assert_int_equal(ws_client_send(rig->client, "behind it", 9), E_OK);
        assert_true(wait_for(rig, &rig->n_heard, 3));
        assert_string_equal(rig->heard, "behind it");
        assert_int_equal(rig->n_closed, 0);
        free(big);
}

static void test_name(void **state)
{
        struct rig *rig = *state;

        serve(rig, 0, false);
        connect_to(rig, "ws://localhost", httpd_port(rig->listener), "/ws?x=1", NULL);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_string_equal(rig->host, "localhost");
}

static void test_queue_is_bounded(void **state)
{
        struct rig *rig = *state;
        char *big = calloc(1, QUEUE + 1);

        memset(big, 'x', QUEUE);
        rig->is_mute = true;
        serve(rig, 0, false);
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", NULL);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_int_equal(ws_client_send(rig->client, big, QUEUE + 1), E_LIMIT);
        assert_int_equal(ws_client_send(rig->client, big, QUEUE - 10), E_OK);
        assert_int_equal(ws_client_send(rig->client, "12345678901", 11), E_LIMIT);
        assert_int_equal(ws_client_send(rig->client, "1234567890", 10), E_OK);
        assert_true(wait_for(rig, &rig->n_said, 2));
        assert_int_equal(rig->said_len, 10);
        assert_int_equal(ws_client_send(rig->client, big, QUEUE), E_OK); /* there is room again */
        assert_true(wait_for(rig, &rig->n_said, 3));
        free(big);
}

static void test_message_too_long(void **state)
{
        struct rig *rig = *state;
        char *big = malloc(MESSAGE + 1);

        memset(big, 'x', MESSAGE + 1);
        serve(rig, 0, false);
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", NULL);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, big, MESSAGE + 1), E_OK);
        assert_true(wait_for(rig, &rig->n_closed, 1));
        assert_string_equal(rig->reason, "the peer sent a message that is too long");
        assert_int_equal(rig->n_heard, 0);
        assert_true(wait_for(rig, &rig->n_opened, 2));
        free(big);
}

static void test_comes_back(void **state)
{
        struct rig *rig = *state;
        uint16_t port;

        serve(rig, 0, false);
        port = httpd_port(rig->listener);
        connect_to(rig, "ws://127.0.0.1", port, "/ws", NULL);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        httpd_ws_close(rig->httpd, rig->peer, 4001, "go away");
        assert_true(wait_for(rig, &rig->n_closed, 1));
        assert_string_equal(rig->reason, "the peer closed it: 4001 go away");
        assert_int_equal(ws_client_send(rig->client, "x", 1), E_NOT_FOUND);
        assert_true(wait_for(rig, &rig->n_opened, 2));
        ws_client_restart(rig->client, "a test wants it");
        assert_true(wait_for(rig, &rig->n_closed, 2));
        assert_string_equal(rig->reason, "a test wants it");
        assert_true(wait_for(rig, &rig->n_opened, 3));
        httpd_free(rig->httpd); /* nobody there for a while */
        rig->httpd = NULL;
        assert_true(wait_for(rig, &rig->n_closed, 5));
        assert_int_equal(rig->n_opened, 3);
        serve(rig, port, false);
        assert_true(wait_for(rig, &rig->n_opened, 4));
        assert_int_equal(ws_client_send(rig->client, "still", 5), E_OK);
        assert_true(wait_for(rig, &rig->n_heard, 1));
}

static unsigned n_allowed, n_asked;

static bool may_connect(void *cookie)
{
        (void)cookie;
        n_asked++;
        return n_allowed > 0 && n_allowed--;
}

static void test_may_connect(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);

        serve(rig, 0, false);
        n_allowed = n_asked = 0;
        options.may_connect = may_connect;
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &n_asked, 3));
        assert_int_equal(rig->n_opened + rig->n_closed, 0); /* not being allowed is no failure */
        n_allowed = 1;
        assert_true(wait_for(rig, &rig->n_opened, 1));
        httpd_ws_close(rig->httpd, rig->peer, 4001, "go away");
        n_asked = 0;
        assert_true(wait_for(rig, &n_asked, 3));
        assert_int_equal(rig->n_opened, 1);
        assert_int_equal(rig->n_peers, 1);
        assert_int_equal(rig->n_closed, 1);
}

static void test_refused(void **state)
{
        struct rig *rig = *state;

        serve(rig, 0, false);
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/other", NULL);
        assert_true(wait_for(rig, &rig->n_closed, 3)); /* it goes on trying */
        assert_int_equal(rig->n_opened, 0);
        assert_true(rig->reason[0] != '\0');
}

static void test_unknown_name(void **state)
{
        struct rig *rig = *state;

        connect_to(rig, "ws://nobody.invalid", 1, "/ws", NULL);
        assert_true(wait_for(rig, &rig->n_closed, 2));
        assert_non_null(strstr(rig->reason, "the name has no address"));
}

/* A peer that accepts and then says nothing. */
static void test_no_handshake(void **state)
{
        struct rig *rig = *state;
        struct sockaddr_in address = {.sin_family = AF_INET};
        struct ws_client_options options = plain(rig);
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 10), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        options.connect_ms = 100;
        connect_to(rig, "ws://127.0.0.1", ntohs(address.sin_port), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_closed, 2));
        assert_string_equal(rig->reason, "the peer took too long to answer");
        assert_int_equal(rig->n_opened, 0);
        (void)close(fd);
}

static void test_pings(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);

        serve(rig, 0, false);
        options.ping_text = "{\"method\":\"ping\"}";
        options.ping_ms = 40;
        options.idle_ms = 5000;
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_heard, 3));
        assert_string_equal(rig->said, "{\"method\":\"ping\"}");
        assert_int_equal(rig->n_closed, 0);
}

/* The library's own pings are answered by pongs, which count as life; without any, silence ends it. */
static void test_silence(void **state)
{
        struct rig *rig = *state;
        struct ws_client_options options = plain(rig);
        int64_t until;

        serve(rig, 0, false);
        options.ping_ms = 50;
        options.idle_ms = 2000;
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_opened, 1));
        until = clock_mono_ms(loop_clock(rig->loop)) + 3000;
        while (clock_mono_ms(loop_clock(rig->loop)) < until)
                loop_turn(rig->loop, 20);
        assert_int_equal(rig->n_closed, 0);
        ws_client_free(rig->client);
        rig->n_opened = rig->n_closed = 0;
        options.ping_ms = 60000;
        options.idle_ms = 60;
        connect_to(rig, "ws://127.0.0.1", httpd_port(rig->listener), "/ws", &options);
        assert_true(wait_for(rig, &rig->n_closed, 1));
        assert_string_equal(rig->reason, "nothing came for too long");
}

static void test_freed_at_any_time(void **state)
{
        struct rig *rig = *state;

        serve(rig, 0, false);
        for (int turns = 0; turns < 12; turns++) {
                connect_to(rig, "ws://localhost", httpd_port(rig->listener), "/ws", NULL);
                for (int i = 0; i < turns; i++)
                        loop_turn(rig->loop, 2);
                ws_client_free(rig->client);
                rig->n_opened = rig->n_closed = 0;
        }
        for (int i = 0; i < 20; i++)
                loop_turn(rig->loop, 2);
        assert_int_equal(rig->n_opened + rig->n_closed, 0);
        rig->client = NULL;
}

/* ---- URLs ---------------------------------------------------------------------------------- */

static void test_urls(void **state)
{
        static const char *const bad[] = {
                "",           "http://a/",   "ws:/a",        "ws://",      "ws:///ws",
                "ws://a:0/",  "ws://a:/",    "ws://a:65536", "ws://a:1x/", "ws://u@a/",
                "ws://a b/",  "ws://a/ b",   "ws://a/#x",    "ws://[::1/", "ws://[::g]/",
                "ws://a\\b/", "ws://a/\x7f", "ws://[]/",     "WS://a/",    "ws://[::1]x/",
        };
        struct ws_client_url url;
        struct err err;
        char text[1200] = "ws://a/";

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                memset(&err, 0, sizeof(err));
                if (ws_client_url_parse(&url, bad[i], &err) != E_CONFIG)
                        fail_msg("%s was taken", bad[i]);
                assert_true(err.detail[0] != '\0');
        }
        memset(text + 7, 'p', 600);
        assert_int_equal(ws_client_url_parse(&url, text, NULL), E_CONFIG);
        assert_int_equal(ws_client_url_parse(&url, "wss://api.example.org/ws?a=b", NULL), E_OK);
        assert_true(url.is_tls);
        assert_string_equal(url.host, "api.example.org");
        assert_string_equal(url.authority, "api.example.org");
        assert_string_equal(url.path, "/ws?a=b");
        assert_int_equal(url.port, 443);
        assert_int_equal(ws_client_url_parse(&url, "ws://[::1]:3001", NULL), E_OK);
        assert_string_equal(url.host, "::1");
        assert_string_equal(url.authority, "[::1]:3001");
        assert_string_equal(url.path, "/");
        assert_int_equal(url.port, 3001);
        assert_int_equal(ws_client_url_parse(&url, "ws://a?q", NULL), E_OK);
        assert_string_equal(url.path, "/?q");
        assert_int_equal(url.port, 80);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(test_talks),
                T(test_name),
                T(test_queue_is_bounded),
                T(test_message_too_long),
                T(test_comes_back),
                T(test_may_connect),
                T(test_refused),
                T(test_unknown_name),
                T(test_no_handshake),
                T(test_pings),
                T(test_silence),
                T(test_freed_at_any_time),
                cmocka_unit_test(test_urls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
