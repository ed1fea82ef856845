#include "adapters/hyperliquid/hl_node.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

#define LOOK_MS          1000
#define LOOK_DEADLINE_MS 1000
#define KNOWN_MS         (LOOK_MS + LOOK_DEADLINE_MS) /* what a look found holds so long */
#define WAITING_MAX      512
#define ANSWER_MAX_BYTES (32 * 1024 * 1024) /* a thousand accounts */

struct hl_node {
        struct loop *loop;
        struct http_client *http;
        struct loop_timer *look;
        char *url;
        int64_t max_lag_ms;
        bool is_looking, was_fresh, was_judged;
        int64_t fresh_until; /* monotonic */
        int64_t lag_ms;      /* at the last look */
        uint64_t requests, failed;
};

static int64_t now(const struct hl_node *node)
{
        return clock_mono_ms(loop_clock(node->loop));
}

/* ---- Looking ---- */

static void judge(struct hl_node *node, bool is_fresh, const char *reason)
{
        node->fresh_until = is_fresh ? now(node) + KNOWN_MS : 0;
        if (node->was_judged && node->was_fresh == is_fresh)
                return;
        node->was_judged = true;
        node->was_fresh = is_fresh;
        log_event(is_fresh ? LOG_INFO : LOG_WARN, is_fresh ? "node is used" : "node is not used",
                  "lagMs", log_int(node->lag_ms), "reason", reason, NULL);
}

static void take_status(struct hl_node *node, const struct http_answer *answer)
{
        json_t *root = hl_raw_load(answer->body, answer->body_len, NULL);
        int64_t at;

        if (hl_raw_get_int(&at, root, "time") || at <= 0) {
                judge(node, false, "its status was not understood");
        } else {
                node->lag_ms = clock_wall_ms(loop_clock(node->loop)) - at;
                if (node->lag_ms > node->max_lag_ms)
                        judge(node, false, "it lags behind");
                else
                        judge(node, true, "");
        }
        json_decref(root);
}

static void on_status(void *cookie, const struct http_answer *answer)
{
        struct hl_node *node = cookie;

        node->is_looking = false;
        if (answer->result != HTTP_ANSWERED)
                judge(node, false, answer->reason);
        else if (answer->status != 200)
                judge(node, false, "it does not answer its status");
        else
                take_status(node, answer);
}

static void on_look(void *cookie)
{
        static const char body[] = "{\"type\":\"exchangeStatus\"}";
        struct hl_node *node = cookie;

        if (node->is_looking)
                return; /* it has a deadline of its own */
        node->is_looking = true;
        http_client_post(node->http, node->url, body, sizeof body - 1, LOOK_DEADLINE_MS, true,
                         on_status, node);
}

bool hl_node_is_fresh(const struct hl_node *node)
{
        return node && node->fresh_until > now(node);
}

int64_t hl_node_lag_ms(const struct hl_node *node)
{
        return node->max_lag_ms + KNOWN_MS;
}

/* ---- Using ---- */

void hl_node_post(struct hl_node *node, const void *body, size_t body_len, int64_t deadline_ms,
                  http_client_done *done, void *cookie)
{
        node->requests++;
        http_client_post(node->http, node->url, body, body_len, deadline_ms, false, done, cookie);
}

void hl_node_fail(struct hl_node *node, const char *reason)
{
        node->failed++;
        judge(node, false, reason);
}

void hl_node_metrics(const struct hl_node *node, struct buf *out)
{
        buf_printf(out,
                   "# HELP perpgate_venue_node_up 1 while the node keeps up with the venue.\n"
                   "# TYPE perpgate_venue_node_up gauge\n"
                   "perpgate_venue_node_up %d\n"
                   "# HELP perpgate_venue_node_lag_ms How far behind it was at the last look.\n"
                   "# TYPE perpgate_venue_node_lag_ms gauge\n"
                   "perpgate_venue_node_lag_ms %lld\n"
                   "# HELP perpgate_venue_node_requests_total Requests to the node.\n"
                   "# TYPE perpgate_venue_node_requests_total counter\n"
                   "perpgate_venue_node_requests_total{result=\"sent\"} %llu\n"
                   "perpgate_venue_node_requests_total{result=\"failed\"} %llu\n",
                   hl_node_is_fresh(node), (long long)node->lag_ms,
                   (unsigned long long)node->requests, (unsigned long long)node->failed);
}

/* ---- Life ---- */

struct hl_node *hl_node_new(struct loop *loop, const struct hl_node_options *options)
{
        static const char path[] = "/info";
        struct hl_node *node = xcalloc(1, sizeof *node);
        size_t len = strlen(options->info_url);
        struct http_client_options http = {
                .max_in_flight = HL_NODE_IN_FLIGHT,
                .max_waiting = WAITING_MAX,
                .max_body_bytes = ANSWER_MAX_BYTES,
                .ca_file = options->ca_file,
        };

        node->loop = loop;
        node->max_lag_ms = options->max_lag_ms;
        node->url = xmalloc(len + sizeof path);
        memcpy(node->url, options->info_url, len);
        memcpy(node->url + len, path, sizeof path);
        node->http = http_client_new(loop, &http);
        node->look = loop_timer_new(loop, on_look, node);
        loop_timer_start(node->look, 0, LOOK_MS);
        return node;
}

void hl_node_end(struct hl_node *node)
{
        if (!node)
                return;
        loop_timer_free(node->look);
        node->look = NULL;
        node->was_judged = true; /* an end is no news */
        node->was_fresh = false;
        http_client_free(node->http);
        node->http = NULL;
}

void hl_node_free(struct hl_node *node)
{
        if (!node)
                return;
        free(node->url);
        free(node);
}
