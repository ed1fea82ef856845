#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ws_paths.h"

/* A part that notes what it was told. */
struct part {
        int refuses;
        unsigned opened, messages, closed, drained;
        struct handle peer;
};

static int upgrade(void *cookie, const struct httpd_request *request)
{
        (void)request;
        return ((struct part *)cookie)->refuses;
}

static void opened(void *cookie, struct handle peer, const struct httpd_request *request)
{
        struct part *part = cookie;

        (void)request;
        part->opened++;
        part->peer = peer;
}

static void message(void *cookie, struct handle peer, const char *text, size_t len)
{
        struct part *part = cookie;

        assert_int_equal(peer.slot, part->peer.slot);
        assert_int_equal(strlen(text), len);
        part->messages++;
}

static void closed(void *cookie, struct handle peer)
{
        (void)peer;
        ((struct part *)cookie)->closed++;
}

static void drained(void *cookie, struct handle peer)
{
        (void)peer;
        ((struct part *)cookie)->drained++;
}

static const struct httpd_ws_ops full = {upgrade, opened, message, closed, drained};
static const struct httpd_ws_ops bare = {.upgrade = NULL};

static void handler(void *cookie, const struct httpd_request *request)
{
        (void)request;
        ++*(unsigned *)cookie;
}

static void each_part_hears_its_own(void **state)
{
        struct part a = {.refuses = 0}, b = {.refuses = 503};
        const struct httpd_request at_a = {.path = "/a"}, at_b = {.path = "/b"};
        const struct handle one = {1, 1}, two = {2, 1};
        struct httpd_listen_options o = {.port = 1};
        struct ws_paths *paths;
        unsigned handled = 0;

        (void)state;
        paths = ws_paths_new(handler, &handled);
        ws_paths_add(paths, "/a", &full, &a);
        ws_paths_add(paths, "/b", &full, &b);
        ws_paths_add(paths, "/c", &bare, NULL);
        ws_paths_listen(paths, &o);
        assert_int_equal(o.n_ws_paths, 3);
        assert_string_equal(o.ws_paths[1], "/b");
        assert_int_equal(o.port, 1);
        o.handler(o.cookie, &at_a);
        assert_int_equal(handled, 1);

        assert_int_equal(o.ws->upgrade(o.cookie, &at_a), 0);
        assert_int_equal(o.ws->upgrade(o.cookie, &at_b), 503);
        assert_int_equal(o.ws->upgrade(o.cookie, &(struct httpd_request){.path = "/c"}), 403);
        o.ws->opened(o.cookie, one, &at_a);
        o.ws->opened(o.cookie, two, &at_b);
        o.ws->message(o.cookie, two, "x", 1);
        o.ws->drained(o.cookie, one);
        o.ws->closed(o.cookie, two);
        /* Nobody is there any more. */
        o.ws->message(o.cookie, two, "x", 1);
        o.ws->closed(o.cookie, two);
        assert_int_equal(a.opened + b.opened, 2);
        assert_int_equal(a.messages, 0);
        assert_int_equal(b.messages, 1);
        assert_int_equal(a.drained, 1);
        assert_int_equal(b.drained, 0);
        assert_int_equal(b.closed, 1);
        o.ws->closed(o.cookie, one);
        assert_int_equal(a.closed, 1);
        ws_paths_free(paths);
        ws_paths_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_part_hears_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
