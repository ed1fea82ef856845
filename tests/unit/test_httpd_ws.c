#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ws_rig.h"

static void test_echo(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = upgraded(rig);
        assert_int_equal(rig->n_opened, 1);
        send_text(&c, "h\xc3\xa9llo");
        assert_true(client_wait_len(&c, 8));
        assert_memory_equal(c.got, "\x81\x06h\xc3\xa9llo", 8);
        client_forget(&c);
        send_text(&c, "");
        assert_true(client_wait_len(&c, 2));
        assert_memory_equal(c.got, "\x81\x00", 2);
        client_close(&c);
        assert_true(client_wait_count(rig->loop, &rig->n_closed, 1));
        assert_int_equal(rig_stats(rig).ws_opened, 1);
}

/* Who sends before the answer (RFC 6455, section 4.1, forbids it) is cut off: the library has read
 * those bytes, and shows them to nobody. */
static void test_talking_before_the_answer(void **state)
{
        static const char *const early[] = {"\x81\x82\0\0\0\0hi", "\x01\x82\0\0\0\0hi",
                                            "\x89\x82\0\0\0\0hi",
                                            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"};
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
                struct client c = rig_client(rig);
                char text[1024];
                size_t n = (size_t)snprintf(text, sizeof(text), "%s", UPGRADE);
                size_t more = i < 3 ? 8 : strlen(early[i]);

                memcpy(text + n, early[i], more);
                client_send(&c, text, n + more);
                assert_true(client_wait_end(&c));
                assert_null(strstr(c.got, "101"));
                client_close(&c);
        }
        assert_int_equal(rig->n_opened, 0);
        assert_int_equal(rig->n_requests, 0);
}

static void test_lengths_byte_by_byte_and_whole(void **state)
{
        static const size_t lens[] = {1, 125, 126, 127, 4095, 65535, 65536, 100000};
        struct rig *rig = *state;
        struct client c;
        char *text = malloc(100001);

        rig_listen(rig);
        c = upgraded(rig);
        memset(text, 'z', 100001);
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
                size_t head = lens[i] < 126 ? 2 : lens[i] < 65536 ? 4 : 10;

                client_forget(&c);
                send_frame(&c, 0x81, text, lens[i]);
                assert_true(client_wait_len(&c, head + lens[i]));
                assert_int_equal(rig->last_message_len, lens[i]);
                assert_int_equal(c.got[head + lens[i] - 1], 'z');
        }
        client_forget(&c);
        for (size_t i = 0; i < 8; i++) {
                client_send(&c, &"\x81\x82\0\0\0\0ab"[i], 1);
                loop_turn(rig->loop, 1);
        }
        assert_true(client_wait_len(&c, 4));
        assert_memory_equal(c.got,
                            "\x81\x02"
                            "ab",
                            4);
        free(text);
        client_close(&c);
}

static void test_fragments(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = upgraded(rig);
        send_frame(&c, 0x01, "a\xe2\x82", 3); /* a character split over the fragments */
        send_frame(&c, 0x89, "p", 1);         /* a ping in between */
        send_frame(&c, 0x00, "", 0);
        send_frame(&c, 0x80, "\xac z", 3);
        assert_true(client_wait_len(&c, 3 + 2 + 6));
        assert_memory_equal(c.got,
                            "\x8a\x01p\x81\x06"
                            "a\xe2\x82\xac z",
                            11);
        assert_int_equal(rig->n_messages, 1);
        client_forget(&c);
        send_frame(&c, 0x01, "", 0); /* an empty one in two */
        send_frame(&c, 0x80, "", 0);
        assert_true(client_wait_len(&c, 2));
        assert_int_equal(rig->n_messages, 2);
        assert_int_equal(rig->last_message_len, 0);
        client_close(&c);
}

struct broken {
        unsigned first;
        const char *payload;
        size_t len;
        unsigned code;
};

static void test_broken_frames(void **state)
{
        static const struct broken all[] = {
                {0x82, "x", 1, 1003}, /* binary */
                {0x02, "x", 1, 1003},
                {0x81, "\xc3(", 2, 1007},        /* bad UTF-8 */
                {0x81, "\xc0\xaf", 2, 1007},     /* overlong */
                {0x81, "\xed\xa0\x80", 3, 1007}, /* a surrogate */
                {0x81, "\xf4\x90\x80\x80", 4, 1007},
                {0x81, "ab\xe2\x82", 4, 1007}, /* cut short */
                {0xc1, "x", 1, 1002},          /* reserved bits */
                {0x83, "x", 1, 1002},          /* unknown opcodes */
                {0x8b, "x", 1, 1002},
                {0x80, "x", 1, 1002},        /* a continuation of nothing */
                {0x09, "x", 1, 1002},        /* a control frame in fragments */
                {0x88, "\x03", 1, 1002},     /* half a close code */
                {0x88, "\x03\xed", 2, 1002}, /* 1005 may not be sent */
                {0x88, "\x00\x01", 2, 1002},
                {0x88, "\x03\xe8\xff", 3, 1007},
                {0x88, "\x03\xe8", 2, 1000}, /* and in order */
                {0x88, "\x0f\xa0why", 5, 4000},
                {0x88, "", 0, 1000},
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                struct client c = upgraded(rig);
                unsigned n_closed = rig->n_closed;

                send_frame(&c, all[i].first, all[i].payload, all[i].len);
                expect_close(&c, all[i].code);
                assert_int_equal(rig->n_closed, n_closed + 1);
                assert_int_equal(rig->n_messages, 0);
                client_close(&c);
        }
}

static void test_long_control_and_nested_messages(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char ping[126] = {0};

        rig_listen(rig);
        c = upgraded(rig);
        send_frame(&c, 0x89, ping, sizeof(ping));
        expect_close(&c, 1002);
        client_close(&c);
        c = upgraded(rig); /* a new message inside another */
        send_frame(&c, 0x01, "a", 1);
        send_frame(&c, 0x81, "b", 1);
        expect_close(&c, 1002);
        client_close(&c);
        assert_int_equal(rig->n_messages, 0);
}

static void test_unmasked_frames_and_long_lengths(void **state)
{
        static const struct {
                const char *bytes;
                size_t len;
        } all[] = {
                {"\x81\x01x", 3}, /* not masked */
                {"\x81\x00", 2},
                {"\x89\x00", 2},
                {"\x88\x02\x03\xe8", 4},
                {"\x81\xfe\0\x01\0\0\0\0y", 9}, /* one byte, in the long form */
                {"\x81\xfe\0\x7d\0\0\0\0y", 9},
                {"\x81\xff\0\0\0\0\0\0\xff\xff\0\0\0\0y", 15},
                {"\x81\xff\x80\0\0\0\0\0\0\1\0\0\0\0y", 15}, /* 2^63 and more */
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                struct client c = upgraded(rig);

                client_send(&c, all[i].bytes, all[i].len);
                expect_close(&c, 1002);
                client_close(&c);
        }
        assert_int_equal(rig->n_messages, 0);
}

static void test_too_big(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char *text = malloc(60000);

        memset(text, 'x', 60000);
        rig_listen(rig);
        c = upgraded(rig); /* 100,001 bytes announced: refused with the first of them */
        client_send(&c, "\x81\xff\0\0\0\0\0\x01\x86\xa1\0\0\0\0x", 15);
        expect_close(&c, 1009);
        client_close(&c);
        c = upgraded(rig); /* 2^63 - 1 */
        client_send(&c, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15);
        expect_close(&c, 1009);
        client_close(&c);
        c = upgraded(rig); /* 2^63 */
        client_send(&c, "\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0x", 15);
        assert_true(client_wait_end(&c));
        client_close(&c);
        c = upgraded(rig);
        send_frame(&c, 0x01, text, 60000);
        send_frame(&c, 0x80, text, 60000);
        expect_close(&c, 1009);
        client_close(&c);
        assert_int_equal(rig->n_messages, 0);
        free(text);
}

static void test_server_closes(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = upgraded(rig);
        send_text(&c, "close me");
        assert_true(client_wait_len(&c, 4 + 11));
        assert_memory_equal(c.got,
                            "\x88\x0d\x0f\xa1"
                            "as you wish",
                            15);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "x", 1), E_NOT_FOUND);
        send_text(&c, "late"); /* dropped: only the close frame matters now */
        send_frame(&c, 0x88, "\x0f\xa1", 2);
        assert_true(client_wait_end(&c));
        assert_int_equal(rig->n_messages, 1);
        assert_int_equal(rig->n_closed, 1);
        client_close(&c);
}

static void test_server_closes_and_the_peer_does_not_answer(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char long_reason[300];

        memset(long_reason, 'r', sizeof(long_reason));
        memcpy(long_reason + sizeof(long_reason) - 1, "", 1);
        rig_listen(rig);
        c = upgraded(rig);
        httpd_ws_close(rig->httpd, rig->peer, 1001, long_reason);
        httpd_ws_close(rig->httpd, rig->peer, 1001, "again");
        assert_int_equal(rig->n_closed, 0); /* never from inside */
        expect_close(&c, 1001);
        assert_int_equal(rig->n_closed, 1);
        client_close(&c);
}

static void test_paths(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /v1/ws?brand=acme HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        assert_true(client_wait_text(&c, "\r\n\r\n"));
        assert_int_equal(strncmp(c.got, "HTTP/1.1 101 ", 13), 0);
        assert_true(client_wait_count(rig->loop, &rig->n_opened, 1));
        assert_string_equal(rig->opened_path, "/v1/ws");
        assert_string_equal(rig->last_query, "brand=acme");
        client_close(&c);
}

static void test_silent_peer_is_pinged_then_closed(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig->options.ws_ping_ms = 100;
        rig->options.ws_idle_ms = 200;
        rig_listen(rig);
        c = upgraded(rig);
        assert_true(client_wait_len(&c, 3));
        assert_memory_equal(c.got, "\x89\x01p", 3);
        send_frame(&c, 0x8a, "p", 1); /* the pong counts as a sign of life */
        assert_true(client_wait_len(&c, 6));
        assert_memory_equal(c.got, "\x89\x01p\x89\x01p", 6);
        assert_int_equal(rig->n_closed, 0);
        assert_true(client_wait_end(&c));
        assert_int_equal(rig->n_closed, 1);
        client_close(&c);
}

static void expect_status(struct rig *rig, const char *text, int status)
{
        struct client c = rig_client(rig);
        char want[32];

        client_puts(&c, text);
        assert_true(client_wait_text(&c, "\r\n\r\n"));
        snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
        if (strncmp(c.got, want, strlen(want)) != 0)
                fail_msg("wanted %d, got %s", status, c.got);
        assert_int_equal(rig->n_opened, 0);
        client_close(&c);
}

static void test_refused_upgrades(void **state)
{
        struct rig *rig = *state;

        rig_listen(rig);
        /* Another path: an ordinary request, as HTTP allows a server to treat it. */
        expect_status(
                rig,
                "GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                200);
        assert_int_equal(rig->n_requests, 1);
        expect_status(rig, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", 200); /* no upgrade asked for */
        expect_status(rig,
                      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 8\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                      426);
        expect_status(rig,
                      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n",
                      400);
        expect_status(rig,
                      "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n",
                      400);
        expect_status(
                rig,
                "POST /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Content-Length: 0\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                400);
        rig->upgrade_status = 403;
        expect_status(rig, UPGRADE, 403);
        rig->upgrade_status = 503;
        expect_status(rig, UPGRADE, 503);
        httpd_stop_accepting(rig->httpd);
}

static void test_open_peers_at_the_end(void **state)
{
        struct rig *rig = *state;
        struct client a;
        struct client b;

        rig_listen(rig);
        a = upgraded(rig);
        b = upgraded(rig);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "unsent", 6), E_OK);
        client_close(&a);
        client_close(&b); /* teardown checks that closed() came for both */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ws_setup, ws_teardown)
        const struct CMUnitTest tests[] = {
                T(test_echo),
                T(test_talking_before_the_answer),
                T(test_lengths_byte_by_byte_and_whole),
                T(test_fragments),
                T(test_broken_frames),
                T(test_long_control_and_nested_messages),
                T(test_unmasked_frames_and_long_lengths),
                T(test_too_big),
                T(test_server_closes),
                T(test_server_closes_and_the_peer_does_not_answer),
                T(test_paths),
                T(test_silent_peer_is_pinged_then_closed),
                T(test_refused_upgrades),
                T(test_open_peers_at_the_end),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
