/* Peers that misbehave: what they get is bounded, and the others notice nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ws_rig.h"

#define LAZY  60
#define CROWD 150 /* two descriptors each, of the 1024 that a process may have */

static void turns(struct rig *rig, unsigned n)
{
        while (n--)
                loop_turn(rig->loop, 1);
}

static bool wait_open(struct rig *rig, uint64_t n)
{
        int64_t until = client_now() + 3 * CLIENT_PATIENCE_MS;

        while (rig_stats(rig).ws_open != n && client_now() < until)
                loop_turn(rig->loop, 5);
        return rig_stats(rig).ws_open == n;
}

static void expect_echo(struct client *c, const char *text)
{
        char want[128];
        size_t n = (size_t)snprintf(want, sizeof(want), "\x81%c%s", (int)strlen(text), text);

        client_forget(c);
        send_text(c, text);
        assert_true(client_wait_len(c, n));
        assert_memory_equal(c->got, want, n);
}

/* They fill up to their bound and no further; who reads gets everything; pings find them out. */
static void test_peers_that_never_read(void **state)
{
        struct rig *rig = *state;
        struct client crowd[LAZY], reader;
        struct handle peer[LAZY], reading;
        struct httpd_frame *frame;
        unsigned n_refused = 0, n_sent = 0, n_pings;
        int64_t until;
        int small = 4096;
        char *text = malloc(60000);

        memset(text, 'x', 60000);
        rig->options.max_connections = 2 * LAZY;
        rig->options.ws_ping_ms = 4000;
        rig->options.ws_idle_ms = 12000;
        rig_listen(rig);
        for (unsigned i = 0; i < LAZY; i++) {
                crowd[i] = upgraded(rig);
                (void)setsockopt(crowd[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
                peer[i] = rig->peer;
        }
        reader = upgraded(rig);
        reading = rig->peer;
        frame = httpd_frame_new(text, 60000);
        until = client_now() + 3 * CLIENT_PATIENCE_MS;
        while (n_refused < LAZY && client_now() < until) {
                n_refused = 0;
                for (unsigned i = 0; i < LAZY; i++) {
                        n_refused += httpd_ws_share(rig->httpd, peer[i], frame) != E_OK;
                        assert_true(httpd_ws_queued(rig->httpd, peer[i]) <=
                                    rig->options.ws_max_queue_bytes);
                }
                client_forget(&reader);
                send_frame(&reader, 0x8a, "", 0); /* a sign of life */
                assert_int_equal(httpd_ws_share(rig->httpd, reading, frame), E_OK);
                assert_true(client_wait_len(&reader, 60004));
                n_sent++;
        }
        assert_true(n_refused == LAZY && n_sent > 3);
        httpd_frame_drop(frame);
        client_forget(&reader);
        for (n_pings = 0; n_pings < 20 && rig_stats(rig).ws_open > 1;) { /* who answers stays */
                assert_true(client_wait_text(&reader, "\x89\x01p"));
                client_forget(&reader);
                send_frame(&reader, 0x8a, "p", 1);
                n_pings++;
        }
        assert_int_equal(rig_stats(rig).ws_open, 1);
        assert_int_equal(rig->n_closed, LAZY);
        expect_echo(&reader, "still here");
        for (unsigned i = 0; i < LAZY; i++)
                client_close(&crowd[i]);
        client_close(&reader);
        free(text);
}

/* All at once, three times; a third of them leave in the middle of the handshake, as a crowd does that presses
 * reload. */
static void test_a_crowd_comes_back_at_once(void **state)
{
        struct rig *rig = *state;
        struct client crowd[CROWD], other;

        rig->options.max_connections = 2 * CROWD;
        rig_listen(rig);
        other = upgraded(rig);
        for (int round = 0; round < 3; round++) {
                for (unsigned i = 0; i < CROWD; i++) {
                        crowd[i] = rig_client(rig);
                        (void)!write(crowd[i].fd, UPGRADE, i % 3 ? sizeof(UPGRADE) - 1 : 60);
                }
                expect_echo(&other, "me too");
                for (unsigned i = 0; i < CROWD; i++)
                        if (i % 3 == 0)
                                client_close(&crowd[i]);
                for (unsigned i = 0; i < CROWD; i++)
                        if (i % 3)
                                assert_true(client_wait_text(&crowd[i], "\r\n\r\n"));
                assert_true(wait_open(rig, 1 + CROWD - CROWD / 3));
                expect_echo(&crowd[1], "back again");
                for (unsigned i = 0; i < CROWD; i++) {
                        struct linger reset = {.l_onoff = 1};

                        if (i % 3 == 1) /* gone with a reset */
                                (void)setsockopt(crowd[i].fd, SOL_SOCKET, SO_LINGER, &reset,
                                                 sizeof(reset));
                        if (i % 3)
                                client_close(&crowd[i]);
                }
                assert_true(wait_open(rig, 1));
        }
        assert_int_equal(rig_stats(rig).over_limit, 0);
        expect_echo(&other, "unmoved");
        client_close(&other);
}

/* Writes what the socket takes of a ring of frames, from *at on, and never reads. */
static void pour(struct client *c, const char *frames, size_t len, size_t *at)
{
        for (int i = 0; i < 8; i++) {
                ssize_t n = send(c->fd, frames + *at, len - *at, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                *at = (*at + (size_t)n) % len;
        }
}

static void mute(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct rig *rig = cookie;

        if (len == 1) /* the flood */
                rig->n_messages++;
        else
                assert_int_equal(httpd_ws_send(rig->httpd, peer, text, len), E_OK);
}

static void test_floods(void **state)
{
        static const struct httpd_ws_ops ops = {on_upgrade, on_opened, mute, on_closed, NULL};
        static const char message[] = "\x81\x81\0\0\0\0f";
        static const char ping[] = "\x89\x84\0\0\0\0ping";
        struct rig *rig = *state;
        struct client flood[2], other;
        struct handle peer[2];
        char *frames[2] = {malloc(65536), malloc(65536)};
        size_t len[2] = {0, 0}, at[2] = {0, 0};

        for (; len[0] + sizeof(message) <= 65536; len[0] += sizeof(message) - 1)
                memcpy(frames[0] + len[0], message, sizeof(message) - 1);
        for (; len[1] + sizeof(ping) <= 65536; len[1] += sizeof(ping) - 1)
                memcpy(frames[1] + len[1], ping, sizeof(ping) - 1);
        rig->options.ws = &ops;
        rig_listen(rig);
        for (int i = 0; i < 2; i++) {
                flood[i] = upgraded(rig);
                peer[i] = rig->peer;
        }
        other = upgraded(rig);
        for (unsigned i = 0; i < 60; i++)
                for (int k = 0; k < 2; k++) {
                        pour(&flood[k], frames[k], len[k], &at[k]);
                        if (i % 10 == 9)
                                expect_echo(&other, "meanwhile");
                        turns(rig, 1);
                        /* Of many pings that wait, one is answered. */
                        assert_true(httpd_ws_queued(rig->httpd, peer[k]) < 65536);
                }
        assert_int_equal(rig->n_closed, 0); /* what to do about it is the handler's decision */
        assert_true(rig->n_messages > 1000);
        for (int k = 0; k < 2; k++)
                client_close(&flood[k]);
        assert_true(client_wait_count(rig->loop, &rig->n_closed, 2));
        expect_echo(&other, "quiet now");
        client_close(&other);
        free(frames[0]);
        free(frames[1]);
}

/* In the middle of a head, a payload, a message, and with a close frame half sent. */
static void test_leaving_in_the_middle(void **state)
{
        static const struct {
                const char *bytes;
                size_t len;
        } all[] = {
                {"\x81", 1},
                {"\x81\xfe\x01", 3},
                {"\x81\x85\0\0\0\0he", 8},
                {"\x01\x85\0\0\0\0hello", 11},
                {"\x88\x82\0\0\0\0\x03", 7},
                {"\x89\x85\0\0\0\0he", 8},
        };
        struct rig *rig = *state;
        unsigned n = 0;

        rig_listen(rig);
        for (int how = 0; how < 3; how++)
                for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                        struct client c = upgraded(rig);
                        struct linger reset = {.l_onoff = 1};

                        client_send(&c, all[i].bytes, all[i].len);
                        turns(rig, 2);
                        if (how == 1)
                                (void)setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &reset,
                                                 sizeof(reset));
                        if (how == 2)
                                (void)(httpd_ws_send(rig->httpd, rig->peer, "unread", 6) == E_OK);
                        client_close(&c);
                        assert_true(client_wait_count(rig->loop, &rig->n_closed, ++n));
                }
        assert_int_equal(rig_stats(rig).ws_open, 0);
        assert_int_equal(rig->n_messages, 0);
}

/* A message in pieces of one byte, and in more pieces than it has bytes. */
static void test_crumbs(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig->options.ws_max_message_bytes = 1000;
        rig_listen(rig);
        c = upgraded(rig);
        send_frame(&c, 0x01, "", 0);
        for (int i = 0; i < 3000; i++)
                send_frame(&c, 0x00, "a", i % 3 == 0);
        send_frame(&c, 0x80, "", 0);
        assert_true(client_wait_count(rig->loop, &rig->n_messages, 1));
        assert_int_equal(rig->last_message_len, 1000);
        client_close(&c);
        c = upgraded(rig);
        send_frame(&c, 0x01, "a", 1);
        for (int i = 0; i < 1000 && !c.ended; i++) {
                send_frame(&c, 0x00, "a", 1);
                (void)client_poll(&c);
        }
        expect_close(&c, 1009);
        client_close(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ws_setup, ws_teardown)
        const struct CMUnitTest tests[] = {
                T(test_peers_that_never_read),
                T(test_a_crowd_comes_back_at_once),
                T(test_floods),
                T(test_leaving_in_the_middle),
                T(test_crumbs),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
