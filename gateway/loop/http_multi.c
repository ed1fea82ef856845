#include "loop/http_multi.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/watch.h"

struct http_multi {
        CURLM *curl;
        struct loop *loop;
        struct loop_timer *timer;
        http_multi_ended *ended;
        void *cookie;
};

struct socket_watch {
        struct http_multi *multi;
        struct watch *watch;
        curl_socket_t fd;
};

/* After every socket action, timers included: else the last transfer to end is never reported. */
static void reap(struct http_multi *multi)
{
        CURLMsg *msg;
        int left;

        while ((msg = curl_multi_info_read(multi->curl, &left)))
                if (msg->msg == CURLMSG_DONE)
                        multi->ended(multi->cookie, msg->easy_handle, msg->data.result);
}

static void socket_action(struct http_multi *multi, curl_socket_t fd, int events)
{
        int running;

        must(curl_multi_socket_action(multi->curl, fd, events, &running) == CURLM_OK);
        reap(multi);
}

static void on_ready(void *cookie, bool readable, bool writable)
{
        const struct socket_watch *sw = cookie;

        socket_action(sw->multi, sw->fd,
                      (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
}

static void on_timer(void *cookie)
{
        socket_action(cookie, CURL_SOCKET_TIMEOUT, 0);
}

/* curl must not be called from here; 0 means the next turn. */
static int on_timer_change(CURLM *curl, long timeout_ms, void *cookie)
{
        struct http_multi *multi = cookie;

        (void)curl;
        if (timeout_ms < 0)
                loop_timer_stop(multi->timer);
        else
                loop_timer_start(multi->timer, timeout_ms, 0);
        return 0;
}

static int on_socket_change(CURL *easy, curl_socket_t fd, int what, void *cookie, void *assigned)
{
        struct http_multi *multi = cookie;
        struct socket_watch *sw = assigned;

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                if (!sw)
                        return 0;
                watch_free(sw->watch);
                /* on_ready may be on the stack with it */
                loop_free_later(multi->loop, free, sw);
                return 0;
        }
        if (!sw) {
                sw = xcalloc(1, sizeof(*sw));
                sw->multi = multi;
                sw->fd = fd;
                sw->watch = watch_new(multi->loop, fd, on_ready, sw);
                /* the one call that curl allows in this callback */
                must(curl_multi_assign(multi->curl, fd, sw) == CURLM_OK);
        }
        watch_set(sw->watch, what == CURL_POLL_IN || what == CURL_POLL_INOUT,
                  what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
        return 0;
}

struct http_multi *http_multi_open(struct loop *loop, unsigned max_connections,
                                   http_multi_ended *ended, void *cookie)
{
        struct http_multi *multi = xcalloc(1, sizeof(*multi));
        int bad = 0; /* or of CURLMcodes */

        multi->loop = loop;
        multi->ended = ended;
        multi->cookie = cookie;
        multi->timer = loop_timer_new(loop, on_timer, multi);
        multi->curl = curl_multi_init();
        must(multi->curl != NULL);
        bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket_change);
        bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
        bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer_change);
        bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
        bad |= (int)curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)max_connections);
        must(bad == 0);
        return multi;
}

void http_multi_close(struct http_multi *multi)
{
        if (!multi)
                return;
        must(curl_multi_cleanup(multi->curl) == CURLM_OK);
        loop_timer_free(multi->timer);
        free(multi);
}

void http_multi_add(struct http_multi *multi, CURL *easy)
{
        must(curl_multi_add_handle(multi->curl, easy) == CURLM_OK);
}

void http_multi_remove(struct http_multi *multi, CURL *easy)
{
        must(curl_multi_remove_handle(multi->curl, easy) == CURLM_OK);
}
