/* Requests and frames with random damage, over real sockets: whatever the library makes of them, a
 * handler sees only what it may, connections end, and the server goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge_rig.h"
#include "ws_rig.h"

#define ROUNDS 400

static uint64_t random_state;

static uint32_t next_random(uint32_t below)
{
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t)(random_state >> 33) % below;
}

/* Overwrites, drops and doubles a few bytes. */
static size_t damage(char *text, size_t len, size_t cap)
{
        static const char spice[] = "\r\n\t :;,&=%+/.?#\\\0\x7f\xff"
                                    "0aA-";
        unsigned n = 1 + next_random(4);

        while (n-- > 0 && len > 1) {
                size_t at = next_random((uint32_t)len);

                switch (next_random(3)) {
                case 0: text[at] = spice[next_random(sizeof(spice) - 1)]; break;
                case 1: memmove(text + at, text + at + 1, --len - at); break;
                default:
                        if (len < cap)
                                memmove(text + at + 1, text + at, len++ - at);
                        break;
                }
        }
        return len;
}

static void check_handler(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        assert_int_equal(request->path[0], '/');
        assert_null(strstr(request->path, "//"));
        assert_null(strstr(request->path, "/../"));
        assert_null(strpbrk(request->path, "\r\n\\"));
        assert_null(strpbrk(request->query, "\r\n "));
        assert_true(request->body_len <= rig->options.max_body_bytes);
        rig->n_requests++;
        if (next_random(4) == 0)
                rig->held[rig->n_held++ % 8] = request->handle;
        else
                httpd_reply(rig->httpd, request->handle, 200, "text/plain", NULL, 0, "ok", 2);
}

static void turn(struct rig *rig, unsigned n)
{
        while (n-- > 0)
                loop_turn(rig->loop, 0);
}

static void test_damaged_requests(void **state)
{
        static const char *const good[] = {
                "GET /v1/markets?symbol=BTC%2FUSDC&limit=10 HTTP/1.1\r\nHost: a.localhost\r\n"
                "X-Forwarded-For: 1.2.3.4\r\nX-Request-Id: abc\r\n\r\n",
                "POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                "Content-Length: 17\r\nIdempotency-Key: k\r\n\r\n{\"a\":[1,2,3,4,5]}",
                "GET /a/./b/../c HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
                "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                "PUT /three HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                "PATCH /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
                "3\r\n\r\nabc",
                "POST /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                UPGRADE "\x81\x85\0\0\0\0hello",
        };
        struct rig *rig = *state;

        rig->options.handler = check_handler;
        rig->options.request_deadline_ms = 100;
        rig_listen(rig);
        for (unsigned i = 0; i < ROUNDS; i++) {
                const char *from = good[next_random(sizeof(good) / sizeof(good[0]))];
                struct client c = rig_client(rig);
                char text[1024];
                size_t len = strlen(from) + (strstr(from, "\x81\x85") ? 9 : 0);
                size_t cut;

                memcpy(text, from, len);
                len = damage(text, len, sizeof(text));
                cut = next_random((uint32_t)len + 1);
                client_send(&c, text, cut);
                turn(rig, next_random(3));
                client_send(&c, text + cut, len - cut);
                turn(rig, next_random(6));
                if (next_random(3) == 0)
                        shutdown(c.fd, SHUT_WR);
                turn(rig, next_random(6));
                for (unsigned k = 0; k < 8; k++) /* late answers, stale handles too */
                        httpd_reply(rig->httpd, rig->held[k], 200, "text/plain", NULL, 0, "x", 1);
                if (next_random(3) == 0)
                        httpd_abort(rig->httpd, rig->held[next_random(8)]);
                client_close(&c);
        }
}

static void test_damaged_frames(void **state)
{
        struct rig *rig = *state;

        rig_listen(rig);
        for (unsigned i = 0; i < ROUNDS; i++) {
                static const char good[] = "\x01\x83\0\0\0\0abc\x89\x81\0\0\0\0p\x80\x82\0\0\0\0de"
                                           "\x81\xfe\0\x80\1\2\3\4";
                struct client c = upgraded(rig);
                char text[512];
                size_t len = sizeof(good) - 1 + 128;

                memset(text, 'q', sizeof(text));
                memcpy(text, good, sizeof(good) - 1);
                len = damage(text, len, sizeof(text));
                client_send(&c, text, len);
                turn(rig, next_random(6));
                client_close(&c);
        }
}

static int any_upgrade(void *cookie, const struct httpd_request *request)
{
        (void)cookie;
        (void)request;
        return 0;
}

static void any_opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        (void)peer;
        (void)request;
        rig->n_opened++;
}

static const struct httpd_ws_ops any_ops = {any_upgrade, any_opened, on_message, on_closed, NULL};

static int storm_setup(void **state)
{
        const char *seed = getenv("STORM_SEED");

        random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)client_now();
        print_message("seed %llu\n", (unsigned long long)random_state);
        must(ws_setup(state) == 0);
        ((struct rig *)*state)->options.ws = &any_ops;
        return 0;
}

static int storm_teardown(void **state)
{
        struct rig *rig = *state;
        struct client c = rig_client(rig);

        client_puts(&c, "GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        for (int64_t until = client_now() + CLIENT_PATIENCE_MS;
             client_poll(&c) && c.len == 0 && client_now() < until;) {
                loop_turn(rig->loop, 5);
                for (unsigned k = 0; k < 8; k++)
                        httpd_reply(rig->httpd, rig->held[k], 200, "text/plain", NULL, 0, "x", 1);
        }
        assert_int_equal(strncmp(c.got, "HTTP/1.1 200 ", 13), 0);
        client_close(&c);
        return ws_teardown(state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, storm_setup, storm_teardown)
        const struct CMUnitTest tests[] = {
                T(test_damaged_requests),
                T(test_damaged_frames),
        };
#undef T

        return cmocka_run_group_tests(tests, NULL, NULL);
}
