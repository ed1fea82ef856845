/* Slow peers, idle ones, too many of them, and the drain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge_rig.h"

#define GET_ROOT "GET / HTTP/1.1\r\nHost: a.localhost\r\n\r\n"

static int setup(void **state)
{
        struct rig *rig = malloc(sizeof(*rig));

        rig_init(rig);
        *state = rig;
        return 0;
}

static int teardown(void **state)
{
        struct rig *rig = *state;

        rig_fini(rig);
        free(rig);
        return 0;
}

static void test_slow_client_is_closed(void **state)
{
        struct rig *rig = *state;
        struct client silent;
        struct client slow;
        struct client slow_body;

        rig->options.request_deadline_ms = 150;
        rig_listen(rig);
        silent = rig_client(rig);
        slow = rig_client(rig);
        slow_body = rig_client(rig);
        client_puts(&slow_body, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
        /* Bytes that keep coming do not move the deadline. */
        client_puts(&slow, "GET / HTTP/1.1\r\nQ: ");
        while (client_poll(&slow)) {
                client_puts(&slow, "y");
                for (int i = 0; i < 4; i++)
                        loop_turn(rig->loop, 5);
        }
        assert_true(client_wait_end(&silent));
        assert_true(client_wait_end(&slow_body));
        assert_int_equal(silent.len, 0);
        assert_int_equal(rig_stats(rig).slow_closed, 3);
        assert_int_equal(rig->n_requests, 0);
        client_close(&silent);
        client_close(&slow);
        client_close(&slow_body);
}

static void test_idle_connection_is_closed(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig->options.idle_keep_alive_ms = 60;
        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, GET_ROOT);
        assert_true(client_wait_end(&c));
        assert_non_null(strstr(c.got, "GET / 0\n"));
        assert_int_equal(rig_stats(rig).slow_closed, 0);
        client_close(&c);
}

static void test_reader_that_stops_is_closed(void **state)
{
        struct rig *rig = *state;
        struct client c;
        int small = 4096;
        int64_t until = client_now() + CLIENT_PATIENCE_MS;

        rig->options.request_deadline_ms = 150;
        rig_listen(rig);
        c = rig_client(rig);
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        for (int i = 0; i < 8; i++)
                client_puts(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        while (rig_stats(rig).slow_closed == 0 && client_now() < until)
                loop_turn(rig->loop, 5);
        assert_int_equal(rig_stats(rig).slow_closed, 1);
        client_close(&c);
}

static void test_connection_caps(void **state)
{
        struct rig *rig = *state;
        struct client a;
        struct client b;
        struct client over;

        rig->options.max_connections_per_address = 2;
        rig_listen(rig);
        a = rig_client(rig);
        b = rig_client(rig);
        client_puts(&a, GET_ROOT);
        client_puts(&b, GET_ROOT);
        assert_true(client_wait_text(&a, "GET / 0\n"));
        assert_true(client_wait_text(&b, "GET / 0\n"));
        over = rig_client(rig);
        assert_true(client_wait_end(&over));
        assert_int_equal(rig_stats(rig).over_limit, 1);
        client_close(&over);
        client_close(&a); /* its place is free again */
        for (int i = 0; i < 5; i++)
                loop_turn(rig->loop, 1);
        over = rig_client(rig);
        client_puts(&over, GET_ROOT);
        assert_true(client_wait_text(&over, "GET / 0\n"));
        client_close(&over);
        client_close(&b);
}

static void test_total_cap(void **state)
{
        struct rig *rig = *state;
        struct client a;
        struct client over;

        rig->options.max_connections = 1;
        rig_listen(rig);
        a = rig_client(rig);
        client_puts(&a, GET_ROOT);
        assert_true(client_wait_text(&a, "GET / 0\n"));
        over = rig_client(rig);
        assert_true(client_wait_end(&over));
        assert_int_equal(rig_stats(rig).over_limit, 1);
        assert_int_equal(rig_stats(rig).connections, 1);
        client_close(&over);
        client_close(&a);
}

static void test_draining(void **state)
{
        struct rig *rig = *state;
        struct client idle;
        struct client busy;
        struct client late;

        rig_listen(rig);
        idle = rig_client(rig);
        busy = rig_client(rig);
        client_puts(&idle, GET_ROOT);
        assert_true(client_wait_text(&idle, "GET / 0\n"));
        client_puts(&busy, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        httpd_stop_accepting(rig->httpd);
        late = rig_client(rig);
        assert_true(client_wait_end(&late));
        assert_true(client_wait_end(&idle));
        httpd_reply(rig->httpd, rig->held[0], 200, "text/plain", NULL, 0, "done", 4);
        assert_true(client_wait_end(&busy));
        assert_non_null(strstr(busy.got, "done"));
        assert_non_null(strstr(busy.got, "Connection: close"));
        client_close(&idle);
        client_close(&busy);
        client_close(&late);
}

static void test_draining_one_listener(void **state)
{
        struct rig *rig = *state;
        struct httpd_listener *other;
        struct client idle;
        struct client late;
        struct client c;

        rig_listen(rig);
        other = rig->listener;
        rig_listen(rig); /* a second one, with the same handler */
        c = rig_client(rig);
        idle = client_open(rig->loop, httpd_port(other));
        client_puts(&idle, GET_ROOT);
        assert_true(client_wait_text(&idle, "GET / 0\n"));
        httpd_stop_listener(rig->httpd, other);
        assert_true(client_wait_end(&idle));
        late = client_open(rig->loop, httpd_port(other));
        assert_true(client_wait_end(&late));
        client_puts(&c, GET_ROOT); /* the other goes on */
        assert_true(client_wait_text(&c, "GET / 0\n"));
        assert_null(strstr(c.got, "Connection: close"));
        client_close(&idle);
        client_close(&late);
        client_close(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_slow_client_is_closed),
                T(test_idle_connection_is_closed),
                T(test_reader_that_stops_is_closed),
                T(test_connection_caps),
                T(test_total_cap),
                T(test_draining),
                T(test_draining_one_listener),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
