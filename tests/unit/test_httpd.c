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

static void test_answers(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c,
                    "POST /v1/orders?a=b&name=x%20y+z HTTP/1.1\r\nHOST: Alpha.Localhost:8080\r\n"
                    "X-Request-Id: my-id_1.2\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
        assert_true(client_wait_text(&c, "POST /v1/orders 7\n"));
        assert_int_equal(strncmp(c.got, "HTTP/1.1 200 OK\r\n", 17), 0);
        assert_non_null(strstr(c.got, "\r\nX-Request-Id: my-id_1.2\r\n"));
        assert_non_null(strstr(c.got, "\r\nContent-Length: 18\r\n"));
        assert_non_null(strstr(c.got, "\r\nX-Extra: yes\r\n"));
        assert_non_null(strstr(c.got, "\r\nDate: "));
        assert_null(strstr(c.got, "Connection: close"));
        assert_string_equal(rig->last_body, "{\"a\":1}");
        assert_string_equal(rig->last_host, "alpha.localhost");
        /* Encoded anew from what the library had decoded: the same parameters, one spelling. */
        assert_string_equal(rig->last_query, "a=b&name=x%20y%20z");
        assert_true(rig->has_param);
        assert_string_equal(rig->last_param, "x y z");
        assert_int_equal(httpd_requests_open(rig->httpd), 0);
        client_close(&c);
}

static void test_an_empty_query_is_none(void **state)
{
        static const char *const targets[] = {"/v1/orders?", "/v1/orders", "/v1/orders?a="};
        static const char *const queries[] = {"", "", "a="};
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < 3; i++) {
                struct client c = rig_client(rig);

                client_puts(&c, "GET ");
                client_puts(&c, targets[i]);
                client_puts(&c, " HTTP/1.1\r\nHost: a\r\n\r\n");
                assert_true(client_wait_text(&c, "GET /v1/orders 0\n"));
                assert_string_equal(rig->last_query, queries[i]);
                client_close(&c);
        }
}

static void test_query_values_that_do_not_fit_are_absent(void **state)
{
        struct rig *rig = *state;
        struct client c;
        char text[256];

        rig_listen(rig);
        c = rig_client(rig);
        for (int len = 62; len <= 65; len++) { /* the handler's room is 64 with the NUL */
                client_forget(&c);
                snprintf(text, sizeof(text), "GET /?x=1&name=%0*d HTTP/1.1\r\nHost: a\r\n\r\n", len,
                         7);
                client_puts(&c, text);
                assert_true(client_wait_text(&c, "GET / 0\n"));
                assert_int_equal(rig->has_param, len <= 63);
        }
        client_forget(&c);
        client_puts(&c, "GET /?%6Eame HTTP/1.1\r\nHost: a\r\n\r\n"); /* encoded, no value */
        assert_true(client_wait_text(&c, "GET / 0\n"));
        assert_true(rig->has_param);
        assert_string_equal(rig->last_param, "");
        client_close(&c);
}

static void test_request_ids_are_made_when_unfit(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\"b\r\n\r\n");
        assert_true(client_wait_text(&c, "GET / 0\n"));
        assert_non_null(strstr(c.got, "\r\nX-Request-Id: "));
        assert_null(strstr(c.got, "a\"b"));
        client_close(&c);
}

static void test_request_byte_by_byte(void **state)
{
        static const char text[] = "PUT /v1/x HTTP/1.1\r\nHost: a.localhost\r\n"
                                   "Content-Length: 5\r\n\r\nhello";
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        for (size_t i = 0; i < sizeof(text) - 1; i++) {
                assert_int_equal(rig->n_requests, 0);
                client_send(&c, text + i, 1);
                loop_turn(rig->loop, 1);
        }
        assert_true(client_wait_text(&c, "PUT /v1/x 5\n"));
        assert_string_equal(rig->last_body, "hello");
        client_close(&c);
}

static void test_pipelined_requests_are_answered_in_order(void **state)
{
        struct rig *rig = *state;
        struct client c;
        const char *at;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                        "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                        "DELETE /three HTTP/1.1\r\nHost: a\r\n\r\n"
                        "POST /four HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        for (int i = 0; i < 5; i++)
                loop_turn(rig->loop, 1);
        assert_int_equal(rig->n_requests, 2); /* the third waits for the second's answer */
        assert_int_equal(httpd_requests_open(rig->httpd), 1);
        httpd_reply(rig->httpd, rig->held[0], 202, "text/plain", NULL, 0, "later\n", 6);
        assert_int_equal(rig->n_requests, 2); /* never from inside httpd_reply */
        assert_true(client_wait_text(&c, "POST /four 0\n"));
        at = strstr(c.got, "POST /one 3\n");
        assert_non_null(at);
        at = strstr(at, "later\n");
        assert_non_null(at);
        assert_non_null(strstr(at, "DELETE /three 0\n"));
        assert_int_equal(client_occurrences(&c, "HTTP/1.1 "), 4);
        client_close(&c);
}

static void test_many_pipelined_requests(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        for (int i = 0; i < 500; i++)
                client_puts(&c, GET_ROOT);
        assert_true(client_wait_count(rig->loop, &rig->n_requests, 500));
        while (client_poll(&c) && client_occurrences(&c, "GET / 0\n") < 500)
                loop_turn(rig->loop, 5);
        assert_int_equal(client_occurrences(&c, "HTTP/1.1 200 OK"), 500);
        client_close(&c);
}

static void test_200_requests_on_one_connection(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        for (int i = 0; i < 200; i++) {
                client_forget(&c);
                client_puts(&c, GET_ROOT);
                assert_true(client_wait_text(&c, "GET / 0\n"));
        }
        assert_int_equal(rig_stats(rig).connections, 1);
        assert_int_equal(rig_stats(rig).requests, 200);
        client_close(&c);
}

static void test_head_and_options(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c,
                    "HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nOPTIONS /y HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_wait_text(&c, "OPTIONS /y 0\n"));
        assert_non_null(strstr(c.got, "Content-Length: 10\r\n")); /* of "HEAD /x 0\n" */
        assert_null(strstr(c.got, "HEAD /x 0\n"));
        client_close(&c);
}

static void test_connection_close_and_http_1_0(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /c HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n");
        assert_true(client_wait_end(&c));
        assert_non_null(strstr(c.got, "GET /c 0\n"));
        assert_non_null(strstr(c.got, "Connection: close\r\n"));
        client_close(&c);
        c = rig_client(rig);
        client_puts(&c, "GET /d HTTP/1.0\r\n\r\n");
        assert_true(client_wait_end(&c));
        assert_non_null(strstr(c.got, "GET /d 0\n"));
        client_close(&c);
}

static void test_expect_continue(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                        "Content-Length: 2\r\n\r\n");
        assert_true(client_wait_text(&c, "HTTP/1.1 100 Continue\r\n\r\n"));
        assert_int_equal(rig->n_requests, 0);
        client_puts(&c, "ok");
        assert_true(client_wait_text(&c, "POST /e 2\n"));
        assert_int_equal(client_occurrences(&c, "100 Continue"), 1);
        client_close(&c);
}

static void test_good_targets_are_decoded(void **state)
{
        static const char *const pairs[][2] = {
                {"/", "/"},
                {"/a/", "/a/"},
                {"/.well-known/x", "/.well-known/x"},
                {"/a..b/...", "/a..b/..."},
                {"/v1/markets/%40107", "/v1/markets/@107"},
                {"/caf%C3%A9", "/caf\xc3\xa9"},
                {"/\xc3\xa9", "/\xc3\xa9"}, /* as if it had been encoded */
                {"/a?..//%5c", "/a"},
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                struct client c = rig_client(rig);
                char text[256];

                snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", pairs[i][0]);
                client_puts(&c, text);
                snprintf(text, sizeof(text), "GET %s 0\n", pairs[i][1]);
                if (!client_wait_text(&c, text))
                        fail_msg("%s: %s", pairs[i][0], c.got);
                client_close(&c);
        }
}

static void test_list_headers_are_joined(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET / HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\nHost: a\r\n"
                        "x-forwarded-for:  2.2.2.2 \r\nX-FORWARDED-FOR:3.3.3.3\r\n\r\n");
        assert_true(client_wait_text(&c, "GET / 0\n"));
        assert_string_equal(rig->last_header, "1.1.1.1,2.2.2.2,3.3.3.3");
        assert_string_equal(rig->last_host, "a");
        client_close(&c);
}

static void test_half_closed_client_gets_its_answer(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        shutdown(c.fd, SHUT_WR);
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        for (int i = 0; i < 5; i++)
                loop_turn(rig->loop, 1);
        httpd_reply(rig->httpd, rig->held[0], 200, "text/plain", NULL, 0, "still", 5);
        assert_true(client_wait_end(&c));
        assert_non_null(strstr(c.got, "still"));
        client_close(&c);
}

static void test_answer_after_the_client_left(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        {
                struct linger hard = {.l_onoff = 1};

                setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        }
        client_close(&c);
        for (int i = 0; i < 5; i++)
                loop_turn(rig->loop, 1);
        httpd_reply(rig->httpd, rig->held[0], 200, "text/plain", NULL, 0, "x", 1);
        httpd_reply(rig->httpd, rig->held[0], 200, "text/plain", NULL, 0, "x", 1); /* twice */
        httpd_abort(rig->httpd, rig->held[0]);
        httpd_reply(rig->httpd, (struct handle){0}, 200, "text/plain", NULL, 0, "x", 1);
        assert_int_equal(httpd_requests_open(rig->httpd), 0);
        c = rig_client(rig); /* and the server goes on */
        client_puts(&c, GET_ROOT);
        assert_true(client_wait_text(&c, "GET / 0\n"));
        client_close(&c);
}

static void test_abort_closes_without_an_answer(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /abort HTTP/1.1\r\nHost: a\r\n\r\n" GET_ROOT);
        assert_true(client_wait_end(&c));
        assert_int_equal(c.len, 0);
        assert_int_equal(rig->n_requests, 1);
        client_close(&c);
}

static void test_unanswered_requests_at_the_end(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        assert_int_equal(httpd_requests_open(rig->httpd), 1);
        client_close(&c); /* teardown frees the server with the request open */
}

static void test_big_answer_to_a_slow_reader(void **state)
{
        struct rig *rig = *state;
        struct client c;
        const char *body;
        int small = 65536;

        rig_listen(rig);
        c = rig_client(rig);
        setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
        client_puts(&c, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n" GET_ROOT);
        for (int i = 0; i < 5; i++)
                loop_turn(rig->loop, 1);
        assert_int_equal(rig->n_requests, 1); /* the next waits until the answer is out */
        assert_true(client_wait_len(&c, RIG_BIG));
        assert_true(client_wait_text(&c, "GET / 0\n"));
        body = strstr(c.got, "\r\n\r\n");
        assert_non_null(body);
        body += 4;
        for (size_t i = 0; i < RIG_BIG; i++)
                if (body[i] != (char)('a' + i % 23))
                        fail_msg("byte %zu is wrong", i);
        assert_memory_equal(body + RIG_BIG, "HTTP/1.1 200", 12);
        client_close(&c);
}

static void count_only(void *cookie, const struct httpd_request *request)
{
        (void)request;
        ++*(unsigned *)cookie;
}

static void test_two_listeners_and_a_taken_port(void **state)
{
        struct rig *rig = *state;
        unsigned n_other = 0;
        struct httpd_listen_options other;
        struct httpd_listener *second;
        struct client c;
        struct err err = {0};

        rig_listen(rig);
        other = rig->options;
        other.handler = count_only;
        other.cookie = &n_other;
        second = httpd_listen(rig->httpd, &other, &err);
        assert_non_null(second);
        assert_int_not_equal(httpd_port(second), httpd_port(rig->listener));
        c = client_open(rig->loop, httpd_port(second));
        client_puts(&c, GET_ROOT);
        assert_true(client_wait_count(rig->loop, &n_other, 1));
        assert_int_equal(rig->n_requests, 0);
        client_close(&c);
        other.port = httpd_port(rig->listener);
        assert_null(httpd_listen(rig->httpd, &other, &err));
        assert_int_equal(err.code, E_IO);
        err = (struct err){0};
        other.port = 0;
        other.address = "localhost";
        assert_null(httpd_listen(rig->httpd, &other, &err));
        assert_int_equal(err.code, E_CONFIG);
        err = (struct err){0};
        other.address = "127.0.0.1";
        other.tls_cert_file = "/nonexistent.pem";
        other.tls_key_file = "/nonexistent.pem";
        assert_null(httpd_listen(rig->httpd, &other, &err));
        assert_int_equal(err.code, E_CONFIG);
}

static void test_forged_answer_header_is_dropped(void **state)
{
        const struct httpd_header_pair bad[] = {
                {"X-A", "b\r\nSet-Cookie: c"}, {"X B", "c"}, {"X-Good", "d"}};
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(client_wait_count(rig->loop, &rig->n_held, 1));
        httpd_reply(rig->httpd, rig->held[0], 204, NULL, bad, 3, "ignored", 7);
        assert_true(client_wait_text(&c, "\r\n\r\n"));
        assert_non_null(strstr(c.got, "HTTP/1.1 204 No Content\r\n"));
        assert_null(strstr(c.got, "Set-Cookie"));
        assert_null(strstr(c.got, "Content-Length"));
        assert_non_null(strstr(c.got, "X-Good: d\r\n"));
        assert_null(strstr(c.got, "ignored"));
        client_close(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_answers),
                T(test_an_empty_query_is_none),
                T(test_query_values_that_do_not_fit_are_absent),
                T(test_request_ids_are_made_when_unfit),
                T(test_request_byte_by_byte),
                T(test_pipelined_requests_are_answered_in_order),
                T(test_many_pipelined_requests),
                T(test_200_requests_on_one_connection),
                T(test_head_and_options),
                T(test_connection_close_and_http_1_0),
                T(test_expect_continue),
                T(test_good_targets_are_decoded),
                T(test_list_headers_are_joined),
                T(test_half_closed_client_gets_its_answer),
                T(test_answer_after_the_client_left),
                T(test_abort_closes_without_an_answer),
                T(test_unanswered_requests_at_the_end),
                T(test_big_answer_to_a_slow_reader),
                T(test_two_listeners_and_a_taken_port),
                T(test_forged_answer_header_is_dropped),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
