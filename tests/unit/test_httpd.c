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

/* Sends text on a connection of its own; the answer must start with status, be a problem document of
 * code, and be the last thing on the connection. */
static void expect_refused(struct rig *rig, const char *text, size_t len, int status,
                           const char *code)
{
        struct client c = rig_client(rig);
        unsigned n_before = rig->n_requests;
        char want[64];

        client_send(&c, text, len);
        if (!client_wait_end(&c))
                fail_msg("not closed after: %.60s", text);
        snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
        if (strncmp(c.got, want, strlen(want)) != 0)
                fail_msg("wanted %d for: %.80s\ngot: %.200s", status, text, c.got);
        assert_non_null(strstr(c.got, "\r\nContent-Type: application/problem+json\r\n"));
        assert_non_null(strstr(c.got, "\r\nConnection: close\r\n"));
        assert_non_null(strstr(c.got, "\r\nX-Request-Id: "));
        if (!strstr(c.got, "\"requestId\":\""))
                fail_msg("for: %.120s\ngot: %s", text, c.got);
        assert_non_null(strstr(c.got, "\"retryable\":false"));
        snprintf(want, sizeof(want), "\"code\":\"%s\"", code);
        assert_non_null(strstr(c.got, want));
        snprintf(want, sizeof(want), "\"status\":%d", status);
        assert_non_null(strstr(c.got, want));
        assert_int_equal(client_occurrences(&c, "HTTP/1.1 "), 1);
        assert_int_equal(rig->n_requests, n_before);
        client_close(&c);
}

static void refuse(struct rig *rig, const char *text, int status)
{
        expect_refused(rig, text, strlen(text), status, "invalid_request");
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
        assert_string_equal(rig->last_query, "a=b&name=x%20y+z");
        assert_true(rig->has_param);
        assert_string_equal(rig->last_param, "x y z");
        assert_int_equal(httpd_requests_open(rig->httpd), 0);
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
        static const char text[] = "\r\nPUT /v1/x HTTP/1.1\r\nHost: a.localhost\r\n"
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

static void test_bad_targets_are_refused(void **state)
{
        static const char *const bad[] = {
                "/../etc/passwd", "/a/../b",    "/a/./b",      "/a/..",    "/a/.",
                "/%2e%2e/x",      "/a/%2E%2e",  "/a%2f..%2fb", "/a//b",    "//a",
                "/a%2f/b",        "/a\\b",      "/a%5cb",      "/a%00b",   "/a%0ab",
                "/a%7fb",         "/a%",        "/a%2",        "/a%zz",    "/a%c0%af",
                "/a\x01",         "/a\x7f",     "/\xc3\xa9",   "a",        "*",
                "http://h/a",     "/a#b",       "/a?x=%",      "/a?x=%00", "/a?x=%0d%0a",
                "/a?x=1&x=2",     "/a?x=1&%78", "/a?x\\y",
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                char text[256];

                snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", bad[i]);
                refuse(rig, text, 400);
        }
        assert_int_equal(rig_stats(rig).refused, sizeof(bad) / sizeof(bad[0]));
        assert_int_equal(rig_stats(rig).requests, 0);
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
                {"/a+b", "/a+b"},
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

static void test_bad_heads_are_refused(void **state)
{
        static const char with_nul[] = "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n";
        static const char *const bad[] = {
                "GET / HTTP/1.1\r\n\r\n",                       /* no Host */
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", /* two */
                "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a:99999999\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n", /* blank before colon */
                "GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\rc\r\n\r\n", /* bare CR */
                "GET / HTTP/1.1\nHost: a\r\n\r\n",                /* bare LF */
                "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\nX-B: c\r\n\r\n",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
                "GET / http/1.1\r\nHost: a\r\n\r\n",
                "GET /\r\nHost: a\r\n\r\n",
                "GET\r\nHost: a\r\n\r\n",
                "\x16\x03\x01\x02\r\n\r\n", /* TLS on a plain port */
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n",
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                refuse(rig, bad[i], 400);
        refuse(rig, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 405);
        refuse(rig, "get / HTTP/1.1\r\nHost: a\r\n\r\n", 405);
        expect_refused(rig, with_nul, sizeof(with_nul) - 1, 400, "invalid_request");
}

static void test_body_lengths(void **state)
{
        static const char *const bad[] = {"-5",
                                          "+5",
                                          "5,5",
                                          "5 5",
                                          "0x5",
                                          "5.0",
                                          "",
                                          "٥",
                                          "1e3",
                                          " ",
                                          "99999999999999999999"};
        struct rig *rig = *state;
        char text[256];

        rig->options.max_body_bytes = 100;
        rig_listen(rig);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                snprintf(text, sizeof(text),
                         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\nabcde", bad[i]);
                refuse(rig, text, 400);
        }
        refuse(rig, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
               400);
        refuse(rig, "POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411);
        refuse(rig, "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", 411);
        refuse(rig, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               411);
        refuse(rig, "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 411);
        refuse(rig,
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"
               "\r\n0\r\n\r\n",
               400);
        refuse(rig, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400);
        refuse(rig, "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400);
        snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n");
        expect_refused(rig, text, strlen(text), 413, "payload_too_large");
        snprintf(text, sizeof(text),
                 "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999999999\r\n\r\n");
        expect_refused(rig, text, strlen(text), 413, "payload_too_large");
}

static void test_body_at_the_cap_and_refusal_while_it_still_comes(void **state)
{
        struct rig *rig = *state;
        size_t len = 300000;
        char *body = malloc(len);
        char head[128];
        struct client c;

        memset(body, 'x', len);
        rig->options.max_body_bytes = len;
        rig_listen(rig);
        c = rig_client(rig);
        snprintf(head, sizeof(head), "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                 len);
        client_puts(&c, head);
        client_send(&c, body, len);
        assert_true(client_wait_text(&c, "POST /b 300000\n"));
        client_close(&c);
        /* The answer must survive that the peer is still sending. */
        c = rig_client(rig);
        snprintf(head, sizeof(head), "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                 len + 1);
        client_puts(&c, head);
        client_send(&c, body, len);
        assert_true(client_wait_end(&c));
        assert_int_equal(strncmp(c.got, "HTTP/1.1 413 ", 13), 0);
        client_close(&c);
        free(body);
}

static void test_too_large_headers(void **state)
{
        struct rig *rig = *state;
        size_t len = 20000;
        char *text = malloc(len + 64);
        int n = snprintf(text, 64, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ");
        size_t at;

        rig_listen(rig);
        memset(text + n, 'x', len);
        expect_refused(rig, text, (size_t)n + len, 431, "invalid_request");
        at = (size_t)snprintf(text, 64, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < 200; i++)
                at += (size_t)snprintf(text + at, 64, "X-H%d: v\r\n", i);
        at += (size_t)snprintf(text + at, 64, "\r\n");
        expect_refused(rig, text, at, 431, "invalid_request");
        /* One that is just not too large */
        {
                struct client c = rig_client(rig);

                n = snprintf(text, 64, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ");
                memset(text + n, 'x', len);
                memcpy(text + 16384 - 4, "\r\n\r\n", 4);
                client_send(&c, text, 16384);
                assert_true(client_wait_text(&c, "GET / 0\n"));
                client_close(&c);
        }
        free(text);
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
        client_puts(&slow, "GET / HTTP/1.1\r\n");
        while (client_poll(&slow)) {
                client_puts(&slow, "X: y\r\n");
                loop_turn(rig->loop, 10);
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
                T(test_request_ids_are_made_when_unfit),
                T(test_request_byte_by_byte),
                T(test_pipelined_requests_are_answered_in_order),
                T(test_many_pipelined_requests),
                T(test_200_requests_on_one_connection),
                T(test_head_and_options),
                T(test_connection_close_and_http_1_0),
                T(test_expect_continue),
                T(test_bad_targets_are_refused),
                T(test_good_targets_are_decoded),
                T(test_bad_heads_are_refused),
                T(test_body_lengths),
                T(test_body_at_the_cap_and_refusal_while_it_still_comes),
                T(test_too_large_headers),
                T(test_list_headers_are_joined),
                T(test_slow_client_is_closed),
                T(test_idle_connection_is_closed),
                T(test_half_closed_client_gets_its_answer),
                T(test_answer_after_the_client_left),
                T(test_abort_closes_without_an_answer),
                T(test_unanswered_requests_at_the_end),
                T(test_big_answer_to_a_slow_reader),
                T(test_reader_that_stops_is_closed),
                T(test_connection_caps),
                T(test_total_cap),
                T(test_draining),
                T(test_two_listeners_and_a_taken_port),
                T(test_forged_answer_header_is_dropped),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
