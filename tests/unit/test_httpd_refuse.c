/* What is refused before a handler sees it, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge_rig.h"

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

/* For what the library itself takes amiss: it ends the connection, with a short answer of its own or
 * none. No handler is called, and nothing is waited for beyond the deadline. */
static void expect_unserved(struct rig *rig, const char *text, size_t len)
{
        struct client c = rig_client(rig);
        unsigned n_before = rig->n_requests;

        client_send(&c, text, len);
        if (!client_wait_end(&c))
                fail_msg("not closed after: %.60s", text);
        if (c.len > 0 && strncmp(c.got, "HTTP/1.1 4", 10) != 0 && strncmp(c.got, "HTTP/1.0 4", 10))
                fail_msg("for: %.60s\ngot: %.200s", text, c.got);
        assert_int_equal(rig->n_requests, n_before);
        client_close(&c);
}

static void test_bad_targets_are_refused(void **state)
{
        static const char *const bad[] = {
                "/a\\b",      "/a%5cb",    "/a%7fb", "/a%c0%af",    "/a\x01",
                "/a\x7f",     "/a#b",      "/a%23b", "/a+b",        "/a%20b",
                "/a&b",       "/a;b",      "/a%0db", "/a?x=%0d%0a", "/a?x=1&x=2",
                "/a?x=1&%78", "/a?x=%01y", "/%ff",   "/a?x=1;x=2",  "/%00abc",
        };
        /* Of these the library does not call back at all. */
        static const char *const unserved[] = {
                "/a%00b", "/a%",    "/a%2",       "/a%zz",  "a",        "*",
                "",       "/a%0ab", "http://h/a", "/a?x=%", "/a?x=%00",
        };
        struct rig *rig = *state;
        char text[256];

        rig->options.request_deadline_ms = 300; /* some look unfinished */
        rig_listen(rig);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", bad[i]);
                refuse(rig, text, 400);
        }
        assert_int_equal(rig_stats(rig).refused, sizeof(bad) / sizeof(bad[0]));
        for (size_t i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++) {
                snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", unserved[i]);
                expect_unserved(rig, text, strlen(text));
        }
        assert_int_equal(rig_stats(rig).requests, 0);
}

/* The library resolves dot segments and repeated slashes before anybody sees them; what must hold is
 * that no handler ever sees one, however it was written. */
static void test_dot_segments_are_resolved(void **state)
{
        static const char *const pairs[][2] = {
                {"/../etc/passwd", "/etc/passwd"},
                {"/a/../b", "/b"},
                {"/a/./b", "/a/b"},
                {"/a/..", "/"},
                {"/a/.", "/a/"},
                {"/%2e%2e/x", "/x"},
                {"/a/%2E%2e", "/"},
                {"/a%2f..%2fb", "/b"},
                {"/a//b", "/a/b"},
                {"//a", "/a"},
                {"/a%2f/b", "/a/b"},
                {"/../../..", "/"},
                {"/a/b/c/../../d", "/a/d"},
                {"/%00", "/"},
                {"/a/..?x=1", "/x=1"}, /* it takes the '?' too */
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
        static const char *const bad[] = {
                "GET / HTTP/1.1\r\n\r\n",                       /* no Host */
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", /* two */
                "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a:99999999\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n",
                "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
                "GET / http/1.1\r\nHost: a\r\n\r\n",
                "GET /\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: x\x01\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\n\r\n",
                /* The library takes pieces of request lines from among the headers. */
                "GET / HTTP/1.1\r\nHost: a\r\nHTTP/1.1 x\r\n\r\n",
                /* Blanks before the colon of what tells where a request ends */
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length : 5\r\n\r\n",
        };
        static const char *const unserved[] = {
                "GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", /* looks unfinished */
                "GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n", /* this, too */
                "GET / HTTP/1.1\r\nHost: a\r\nPOST /b HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nPOST /b\r\n\r\n",
                "GET\r\nHost: a\r\n\r\n",
                "\x16\x03\x01\x02\r\n\r\n", /* TLS on a plain port */
                "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
                "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: tls\r\n\r\n",
        };
        struct rig *rig = *state;

        rig->options.request_deadline_ms = 300;
        rig_listen(rig);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                refuse(rig, bad[i], 400);
        for (size_t i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++)
                expect_unserved(rig, unserved[i], strlen(unserved[i]));
}

/* The library is lenient with these, and their meaning is not in doubt. */
static void test_odd_heads_that_are_served(void **state)
{
        static const char with_nul[] = "GET / HTTP/1.1\r\nHost: a\r\nQ-A: b\0c\r\n\r\n";
        static const char *const odd[] = {
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "get / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\nHost: a\r\n\r\n", /* bare LF */
                "GET / HTTP/1.1\r\nHost: a\r\nQ-A: b\nQ-B: c\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nQ-A: b\rc\r\n\r\n", /* bare CR */
                "GET / HTTP/1.1\r\nHost: a\r\nQ-A : b\r\n\r\n",   /* blank before colon */
                "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
                /* An upgrade to HTTP/2, which a server may ignore */
                ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                 "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
        };
        struct rig *rig = *state;

        rig_listen(rig);
        for (size_t i = 0; i <= sizeof(odd) / sizeof(odd[0]); i++) {
                struct client c = rig_client(rig);

                if (i < sizeof(odd) / sizeof(odd[0]))
                        client_puts(&c, odd[i]);
                else
                        client_send(&c, with_nul, sizeof(with_nul) - 1);
                if (!client_wait_text(&c, "GET / 0\n"))
                        fail_msg("%zu: %s", i, c.got);
                client_close(&c);
        }
}

/* The library would begin the second body at its own request line, and never end. */
static void test_pipelined_bodies_are_refused(void **state)
{
        struct rig *rig = *state;
        struct client c;

        rig_listen(rig);
        c = rig_client(rig);
        client_puts(&c, "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                        "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello, world");
        assert_true(client_wait_end(&c));
        assert_non_null(strstr(c.got, "GET /one 0\n"));
        assert_non_null(strstr(c.got, "HTTP/1.1 400 "));
        assert_int_equal(rig->n_requests, 1);
        client_close(&c);
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
        expect_unserved(rig, text, (size_t)n + len); /* the library hangs up */
        at = (size_t)snprintf(text, 64, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < 1500; i++)
                at += (size_t)snprintf(text + at, 64, "Q%d: v\r\n", i);
        at += (size_t)snprintf(text + at, 64, "\r\n");
        expect_unserved(rig, text, at);
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_bad_targets_are_refused),
                T(test_dot_segments_are_resolved),
                T(test_bad_heads_are_refused),
                T(test_odd_heads_that_are_served),
                T(test_pipelined_bodies_are_refused),
                T(test_body_lengths),
                T(test_body_at_the_cap_and_refusal_while_it_still_comes),
                T(test_too_large_headers),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
