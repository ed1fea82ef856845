#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ws_rig.h"

static void test_queue_is_bounded(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char *text = malloc(90000);
        unsigned n_sent = 0;
        enum errc rc = E_OK;
        int small = 4096;

        memset(text, 'q', 90000);
        rig_listen(rig);
        c = upgraded(rig);
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 200001), E_LIMIT);
        /* Within one turn nothing is written, so the bound shows at once. */
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_OK);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_OK);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_LIMIT);
        for (; n_sent < 1000 && !rc; n_sent++) { /* until the kernel takes no more */
                rc = httpd_ws_send(rig->httpd, rig->peer, text, 90000);
                loop_turn(rig->loop, 1);
        }
        assert_int_equal(rc, E_LIMIT);
        assert_int_equal(rig->n_closed, 0); /* what happens then is the caller's decision */
        /* Everything that was taken arrives whole. */
        assert_true(client_wait_len(&c, (size_t)(n_sent - 1 + 2) * 90010 - 90010));
        assert_int_equal(c.got[0], (char)0x81);
        client_close(&c);
        free(text);
}

/* Refusals are told about once there is room, and so is a queue that was half full. */
static void test_room_again_is_told(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char *text = malloc(90000);

        memset(text, 'q', 90000);
        rig_listen(rig);
        c = upgraded(rig);
        assert_int_equal(httpd_ws_queued(rig->httpd, rig->peer), 0);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_OK);
        assert_true(client_wait_len(&c, 90010));
        assert_int_equal(rig->n_drained, 0); /* it was never above half */
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_OK);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 90000), E_OK);
        assert_in_range(httpd_ws_queued(rig->httpd, rig->peer), 180000, 180020);
        assert_int_equal(rig->n_drained, 0); /* never from inside */
        assert_true(client_wait_len(&c, 3 * 90010));
        assert_true(client_wait_count(rig->loop, &rig->n_drained, 1));
        assert_int_equal(httpd_ws_queued(rig->httpd, rig->peer), 0);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 200001), E_LIMIT);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "x", 1), E_OK);
        assert_true(client_wait_count(rig->loop, &rig->n_drained, 2));
        assert_int_equal(rig->n_drained, 2);
        client_close(&c);
        free(text);
}

static void test_queued_frames_are_counted(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig->options.ws_max_queue_frames = 3;
        rig_listen(rig);
        c = upgraded(rig);
        for (int i = 0; i < 3; i++)
                assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "x", 1), E_OK);
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "x", 1), E_LIMIT);
        assert_true(client_wait_len(&c, 9));
        assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, "x", 1), E_OK);
        assert_true(client_wait_len(&c, 12));
        client_close(&c);
}

static void test_a_frame_is_shared(void **state)
{
        struct rig *rig = *state;
        struct httpd_frame *frame = httpd_frame_new("shared", 6);
        struct handle peer[2];
        struct client a, b;

        rig_listen(rig);
        a = upgraded(rig);
        peer[0] = rig->peer;
        b = upgraded(rig);
        peer[1] = rig->peer;
        for (int i = 0; i < 2; i++)
                for (int k = 0; k < 2; k++)
                        assert_int_equal(httpd_ws_share(rig->httpd, peer[k], frame), E_OK);
        assert_ptr_equal(httpd_frame_hold(frame), frame);
        httpd_frame_drop(frame);
        httpd_frame_drop(frame); /* what waits keeps it */
        assert_true(client_wait_len(&a, 16));
        assert_true(client_wait_len(&b, 16));
        assert_memory_equal(a.got, "\x81\x06shared\x81\x06shared", 16);
        assert_memory_equal(b.got, "\x81\x06shared\x81\x06shared", 16);
        client_close(&a);
        assert_true(client_wait_count(rig->loop, &rig->n_closed, 1));
        frame = httpd_frame_new("", 0);
        assert_int_equal(httpd_ws_share(rig->httpd, peer[0], frame), E_NOT_FOUND);
        assert_int_equal(httpd_ws_share(rig->httpd, peer[1], frame), E_OK);
        httpd_frame_drop(frame);
        httpd_frame_drop(NULL);
        assert_true(client_wait_len(&b, 18));
        client_close(&b);
}

static void test_many_frames_in_one_turn_arrive_whole(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = upgraded(rig);
        for (int i = 0; i < 1000; i++) {
                char text[8];

                snprintf(text, sizeof(text), "%06d", i);
                assert_int_equal(httpd_ws_send(rig->httpd, rig->peer, text, 6), E_OK);
        }
        assert_true(client_wait_len(&c, 8000));
        for (int i = 0; i < 1000; i++) {
                char text[16];

                snprintf(text, sizeof(text), "\x81\x06%06d", i);
                assert_memory_equal(c.got + 8 * i, text, 8);
        }
        client_close(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ws_setup, ws_teardown)
        const struct CMUnitTest tests[] = {
                T(test_queue_is_bounded),
                T(test_room_again_is_told),
                T(test_queued_frames_are_counted),
                T(test_a_frame_is_shared),
                T(test_many_frames_in_one_turn_arrive_whole),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
