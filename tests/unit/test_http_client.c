#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "loop/http_client.h"

#include "http_script.h"

struct outcome {
        unsigned n;
        struct http_answer answer;
        char body[64];
        char content_type[64];
        unsigned *order; /* appends its id there */
        unsigned *n_order;
        unsigned id;
};

struct world {
        struct loop *loop;
        struct server server;
        struct http_client *client;
        struct http_client_options options;
};

/* ---- asking ---- */

static void on_done(void *cookie, const struct http_answer *answer)
{
        struct outcome *out = cookie;

        out->n++;
        out->answer = *answer;
        assert_int_equal(answer->body[answer->body_len], '\0');
        (void)text_copy(out->body, sizeof(out->body), answer->body);
        (void)text_copy(out->content_type, sizeof(out->content_type), answer->content_type);
        if (out->order)
                out->order[(*out->n_order)++] = out->id;
}

static void post_to(struct world *w, uint16_t port, const char *path, int64_t deadline_ms,
                    bool urgent, struct outcome *out)
{
        char url[128];
        unsigned n = out->n;

        snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", (unsigned)port, path);
        http_client_post(w->client, url, "{\"q\":1}", 7, deadline_ms, urgent, on_done, out);
        assert_int_equal(out->n, n); /* never before it has returned */
}

static void post(struct world *w, const char *path, struct outcome *out)
{
        post_to(w, w->server.port, path, CLIENT_PATIENCE_MS, false, out);
}

static struct outcome ask(struct world *w, const char *path)
{
        struct outcome out = {0};

        post(w, path, &out);
        assert_true(client_wait_count(w->loop, &out.n, 1));
        for (int i = 0; i < 3; i++)
                loop_turn(w->loop, 0);
        assert_int_equal(out.n, 1); /* exactly once */
        return out;
}

static void expect_unanswered(const struct outcome *out, enum http_result result)
{
        if (out->answer.result != result)
                fail_msg("result %d, wanted %d: %s", (int)out->answer.result, (int)result,
                         out->answer.reason);
        assert_int_equal(out->answer.status, 0);
        assert_int_equal(out->answer.body_len, 0);
        assert_true(out->answer.reason[0] != '\0');
}

static int setup(void **state)
{
        struct world *w = xcalloc(1, sizeof(*w));

        w->loop = loop_new();
        server_open(&w->server, w->loop);
        w->options = (struct http_client_options){
                .max_in_flight = 4, .max_waiting = 8, .max_body_bytes = 100000};
        w->client = http_client_new(w->loop, &w->options);
        *state = w;
        return 0;
}

static void reopen(struct world *w)
{
        http_client_free(w->client);
        w->client = http_client_new(w->loop, &w->options);
}

static int teardown(void **state)
{
        struct world *w = *state;

        http_client_free(w->client);
        server_close(&w->server);
        loop_free(w->loop);
        free(w);
        return 0;
}

/* ---- tests ---- */

static void test_answered(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "/ok");

        assert_int_equal(out.answer.result, HTTP_ANSWERED);
        assert_int_equal(out.answer.status, 200);
        assert_string_equal(out.body, "{\"ok\":true}");
        assert_string_equal(out.content_type, "application/json");
        assert_int_equal(out.answer.retry_after_ms, -1);
        assert_string_equal(w->server.last_body, "{\"q\":1}");
        assert_non_null(strstr(w->server.last_head, "POST /ok HTTP/1.1\r\n"));
        assert_non_null(strstr(w->server.last_head, "Content-Type: application/json\r\n"));
        assert_null(strcasestr(w->server.last_head, "Expect"));
        out = ask(w, "/chunked");
        assert_string_equal(out.body, "abc");
        out = ask(w, "/nothing");
        assert_int_equal(out.answer.status, 204);
        assert_string_equal(out.body, "");
        assert_string_equal(out.content_type, "");
        assert_int_equal(w->server.n_conns, 1); /* kept alive throughout */
}

/* A handle that served one method serves the other whole. */
static void test_get_and_post_alternate(void **state)
{
        struct world *w = *state;

        for (int i = 0; i < 3; i++) {
                struct outcome out = {0};
                char url[128];

                snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", (unsigned)w->server.port);
                http_client_get(w->client, url, CLIENT_PATIENCE_MS, on_done, &out);
                assert_int_equal(out.n, 0);
                assert_true(client_wait_count(w->loop, &out.n, 1));
                assert_string_equal(out.body, "{\"ok\":true}");
                assert_non_null(strstr(w->server.last_head, "GET /ok HTTP/1.1\r\n"));
                assert_null(strcasestr(w->server.last_head, "Content-Length"));
                assert_string_equal(w->server.last_body, "");
                out = ask(w, "/ok");
                assert_non_null(strstr(w->server.last_head, "POST /ok HTTP/1.1\r\n"));
                assert_string_equal(w->server.last_body, "{\"q\":1}");
        }
}

static void test_statuses_are_answers(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "/busy");

        assert_int_equal(out.answer.result, HTTP_ANSWERED);
        assert_int_equal(out.answer.status, 429);
        assert_int_equal(out.answer.retry_after_ms, 7000);
        out = ask(w, "/busydate");
        assert_int_equal(out.answer.status, 503);
        assert_int_equal(out.answer.retry_after_ms, -1);
        out = ask(w, "/redirect"); /* not followed */
        assert_int_equal(out.answer.status, 302);
        assert_string_equal(w->server.paths, "/busy/busydate/redirect");
}

static void test_large_body_is_sent_without_asking_first(void **state)
{
        struct world *w = *state;
        struct outcome out = {0};
        char *body = xcalloc(1, 60001);
        char url[64];

        memset(body, 'b', 60000);
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", (unsigned)w->server.port);
        http_client_post(w->client, url, body, 60000, CLIENT_PATIENCE_MS, false, on_done, &out);
        free(body); /* it was copied */
        assert_true(client_wait_count(w->loop, &out.n, 1));
        assert_int_equal(out.answer.status, 200);
        assert_null(strcasestr(w->server.last_head, "Expect"));
}

static void test_refused_port_is_not_sent(void **state)
{
        struct world *w = *state;
        struct outcome out = {0};
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, but nobody listens */

        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        post_to(w, ntohs(at.sin_port), "/ok", CLIENT_PATIENCE_MS, true, &out);
        assert_true(client_wait_count(w->loop, &out.n, 1));
        expect_unanswered(&out, HTTP_NOT_SENT);
        close(fd);
}

static void test_bad_names_and_urls_are_not_sent(void **state)
{
        static const char *const urls[] = {"http://name.invalid/",
                                           "ftp://127.0.0.1/",
                                           "no url",
                                           "http://user:secret@127.0.0.1/",
                                           "",
                                           "file:///etc/hostname"};
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
                struct outcome out = {0};

                http_client_post(w->client, urls[i], "", 0, CLIENT_PATIENCE_MS, false, on_done,
                                 &out);
                assert_true(client_wait_count(w->loop, &out.n, 1));
                expect_unanswered(&out, HTTP_NOT_SENT);
        }
}

static void test_a_connection_that_does_not_stand_is_not_sent(void **state)
{
        struct world *w = *state;
        struct outcome out = {0};
        char url[64];

        /* The server speaks no TLS, so the handshake never ends. */
        w->server.held = NULL;
        watch_set(w->server.watch, false, false);
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/ok", (unsigned)w->server.port);
        http_client_post(w->client, url, "{}", 2, 100, true, on_done, &out);
        assert_true(client_wait_count(w->loop, &out.n, 1));
        expect_unanswered(&out, HTTP_NOT_SENT);
        assert_int_equal(w->server.n_requests, 0);
}

static void test_no_whole_answer_is_unknown(void **state)
{
        static const char *const paths[] = {"/close",    "/rubbish", "/partial",
                                            "/cutchunk", "/big",     "/manyheaders"};
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                struct outcome out = ask(w, paths[i]);

                expect_unanswered(&out, HTTP_UNKNOWN);
                assert_int_equal(w->server.n_requests, i + 1);
        }
}

static void test_silent_server_is_unknown(void **state)
{
        struct world *w = *state;
        struct outcome out = {0};

        post_to(w, w->server.port, "/hold", 100, true, &out);
        assert_true(client_wait_count(w->loop, &out.n, 1));
        expect_unanswered(&out, HTTP_UNKNOWN);
        assert_int_equal(w->server.n_requests, 1);
        assert_int_equal(http_client_in_flight(w->client), 0);
        out = ask(w, "/ok"); /* the late answer could not be mistaken for this one's */
        assert_int_equal(out.answer.status, 200);
        assert_int_equal(w->server.n_conns, 2);
}

static void test_reused_connection_that_dies_does_not_send_twice(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "/once");

        assert_int_equal(out.answer.status, 200);
        out = ask(w, "/once"); /* the server takes it whole, then closes */
        expect_unanswered(&out, HTTP_UNKNOWN);
        assert_int_equal(w->server.n_requests, 2);
        assert_string_equal(w->server.paths, "/once/once");
        out = ask(w, "/ok");
        assert_int_equal(out.answer.status, 200);
        assert_int_equal(w->server.n_requests, 3);
}

static void test_idle_connection_closed_by_the_server_is_replaced(void **state)
{
        struct world *w = *state;
        struct outcome out = ask(w, "/ok");

        hang_up(w->server.conns[0]);
        for (int i = 0; i < 3; i++)
                loop_turn(w->loop, 1);
        out = ask(w, "/ok"); /* seen before anything was sent: no reason to fail */
        assert_int_equal(out.answer.result, HTTP_ANSWERED);
        assert_int_equal(w->server.n_conns, 2);
}

static void test_deadline_in_the_queue_is_not_sent(void **state)
{
        struct world *w = *state;
        struct outcome held = {0};
        struct outcome late = {0};
        struct outcome already = {0};

        w->options.max_in_flight = 1;
        reopen(w);
        post(w, "/hold", &held);
        post_to(w, w->server.port, "/ok", 50, true, &late);
        post_to(w, w->server.port, "/ok", 0, true, &already);
        assert_int_equal(http_client_in_flight(w->client), 1);
        assert_true(client_wait_count(w->loop, &late.n, 1));
        assert_true(client_wait_count(w->loop, &already.n, 1));
        expect_unanswered(&late, HTTP_NOT_SENT);
        expect_unanswered(&already, HTTP_NOT_SENT);
        assert_int_equal(held.n, 0);
        assert_int_equal(w->server.n_requests, 1);
        say(w->server.held, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_true(client_wait_count(w->loop, &held.n, 1));
        assert_int_equal(held.answer.status, 200);
}

static void test_urgent_requests_pass_others_and_the_queue_is_bounded(void **state)
{
        struct world *w = *state;
        struct outcome held = {0};
        struct outcome out[6] = {0};
        struct outcome over = {0};
        unsigned order[8];
        unsigned n_order = 0;

        w->options.max_in_flight = 1;
        w->options.max_waiting = 6;
        reopen(w);
        post(w, "/hold", &held);
        for (unsigned i = 0; i < 6; i++) {
                out[i].id = i;
                out[i].order = order;
                out[i].n_order = &n_order;
                post_to(w, w->server.port, "/ok", CLIENT_PATIENCE_MS, i >= 4, &out[i]);
        }
        post_to(w, w->server.port, "/ok", CLIENT_PATIENCE_MS, true, &over);
        assert_true(client_wait_count(w->loop, &over.n, 1));
        expect_unanswered(&over, HTTP_NOT_SENT);
        assert_int_equal(n_order, 0);
        assert_true(client_wait_count(w->loop, &w->server.n_requests, 1));
        say(w->server.held, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        assert_true(client_wait_count(w->loop, &n_order, 6));
        assert_int_equal(order[0], 4);
        assert_int_equal(order[1], 5);
        for (unsigned i = 0; i < 4; i++)
                assert_int_equal(order[2 + i], i);
        assert_int_equal(w->server.n_conns, 1);
}

struct chain {
        struct world *w;
        unsigned n;
        unsigned left;
};

static void post_again(void *cookie, const struct http_answer *answer)
{
        struct chain *chain = cookie;
        char url[64];

        assert_int_equal(answer->status, 200);
        chain->n++;
        if (--chain->left == 0)
                return;
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", (unsigned)chain->w->server.port);
        http_client_post(chain->w->client, url, "", 0, CLIENT_PATIENCE_MS, true, post_again, chain);
}

static void test_posting_from_a_callback(void **state)
{
        struct chain chain = {*state, 0, 200};
        char url[64];

        snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", (unsigned)chain.w->server.port);
        http_client_post(chain.w->client, url, "", 0, CLIENT_PATIENCE_MS, true, post_again, &chain);
        assert_true(client_wait_count(chain.w->loop, &chain.n, 200));
        assert_int_equal(chain.w->server.n_conns, 1);
}

static void test_free_ends_everything(void **state)
{
        struct world *w = *state;
        struct outcome sent = {0};
        struct outcome waiting = {0};
        struct outcome refused = {0};

        w->options.max_in_flight = 1;
        w->options.max_waiting = 1;
        reopen(w);
        post(w, "/hold", &sent);
        assert_true(client_wait_count(w->loop, &w->server.n_requests, 1));
        post(w, "/ok", &waiting);
        post(w, "/ok", &refused);
        http_client_free(w->client);
        w->client = NULL;
        assert_int_equal(sent.n, 1);
        assert_int_equal(waiting.n, 1);
        assert_int_equal(refused.n, 1);
        expect_unanswered(&sent, HTTP_UNKNOWN);
        expect_unanswered(&waiting, HTTP_NOT_SENT);
        expect_unanswered(&refused, HTTP_NOT_SENT);
}

static void test_egress_address(void **state)
{
        struct world *w = *state;
        struct outcome out;

        w->options.interface_address = "127.0.0.1";
        reopen(w);
        out = ask(w, "/ok");
        assert_int_equal(out.answer.status, 200);
        w->options.interface_address = "192.0.2.1"; /* not ours */
        reopen(w);
        out = ask(w, "/ok");
        expect_unanswered(&out, HTTP_NOT_SENT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_answered),
                T(test_get_and_post_alternate),
                T(test_statuses_are_answers),
                T(test_large_body_is_sent_without_asking_first),
                T(test_refused_port_is_not_sent),
                T(test_bad_names_and_urls_are_not_sent),
                T(test_a_connection_that_does_not_stand_is_not_sent),
                T(test_no_whole_answer_is_unknown),
                T(test_silent_server_is_unknown),
                T(test_reused_connection_that_dies_does_not_send_twice),
                T(test_idle_connection_closed_by_the_server_is_replaced),
                T(test_deadline_in_the_queue_is_not_sent),
                T(test_urgent_requests_pass_others_and_the_queue_is_bounded),
                T(test_posting_from_a_callback),
                T(test_free_ends_everything),
                T(test_egress_address),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
