/* The admin listener: health, readiness, metrics. Apart from the public one, on loopback by default. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/admin.h"
#include "api/admin_store.h"
#include "api/health.h"
#include "api/out.h"
#include "api/recovery.h"
#include "api/sockets.h"
#include "api/state.h"
#include "base/log.h"
#include "base/mem.h"
#include "keeper/keeper.h"
#include "store/store_audit.h"

static void reply(struct api *api, const struct httpd_request *request, int status,
                  const char *type, struct buf *body)
{
        must(buf_check(body) == E_OK);
        httpd_reply(api->o.httpd, request->handle, status, type, NULL, 0, body->data, body->len);
        buf_fini(body);
}

static void gauges(struct api *api)
{
        struct httpd_stats http;

        httpd_stats(api->o.httpd, &http);
        admin_store_gauges(api);
        metrics_set(api->o.metrics, "perpgate_http_connections", "", (int64_t)http.connections,
                    "Connections accepted since start.");
        metrics_set(api->o.metrics, "perpgate_http_refused", "", (int64_t)http.refused,
                    "Requests refused before they reached a route.");
        metrics_set(api->o.metrics, "perpgate_http_slow_closed", "", (int64_t)http.slow_closed,
                    "Connections closed because a request came too slowly.");
        metrics_set(api->o.metrics, "perpgate_http_websockets_open", "", (int64_t)http.ws_open,
                    "WebSockets open now.");
        metrics_set(api->o.metrics, "perpgate_actions_open", "", api->open_runs,
                    "Signed requests under way.");
        metrics_set(api->o.metrics, "perpgate_build_info", "version=\"" PERPGATE_VERSION "\"", 1,
                    "The running version.");
}

static void print_metrics(struct api *api, struct buf *body)
{
        gauges(api);
        metrics_print(api->o.metrics, body);
        api->o.venue->ops->metrics(api->o.venue, body);
        keeper_metrics(api->o.keeper, body);
        recovery_metrics(api->recovery, body);
        sockets_metrics(api->sockets, body);
}

/* --- where the audit log's chains end --- */

struct heads_asked {
        struct api *api;
        struct handle request;
};

static void heads_read(void *cookie, enum errc rc, const struct audit_head *heads, size_t n)
{
        struct heads_asked *asked = cookie;
        struct buf body;

        buf_init(&body, 8u << 20);
        buf_puts(&body, rc ? "{\"error\":\"the store is down\"" : "{\"heads\":[");
        for (size_t i = 0; i < n; i++) {
                char hash[HASH_STR_MAX];

                hex_encode(hash, heads[i].hash.b, sizeof heads[i].hash.b);
                buf_puts(&body, i ? ",{" : "{");
                out_text(&body, "brand", heads[i].brand);
                out_int(&body, "seq", heads[i].seq);
                out_int(&body, "at", heads[i].at);
                out_text(&body, "hash", hash);
                out_text(&body, "head",
                         log_fmt("%s:%" PRId64 ":%s", heads[i].brand, heads[i].seq, hash));
                buf_putc(&body, '}');
        }
        buf_puts(&body, rc ? "}" : "]}");
        must(buf_check(&body) == E_OK);
        httpd_reply(asked->api->o.httpd, asked->request, rc ? 503 : 200, "application/json", NULL,
                    0, body.data, body.len);
        buf_fini(&body);
        free(asked);
}

static void tell_heads(struct api *api, const struct httpd_request *request)
{
        struct heads_asked *asked = xcalloc(1, sizeof *asked);

        asked->api = api;
        asked->request = request->handle;
        store_audit_heads(api->o.store, heads_read, asked);
}

void admin_handle(void *cookie, const struct httpd_request *request)
{
        struct api *api = cookie;
        struct buf body;

        if (admin_store_handle(api, request))
                return;
        buf_init(&body, 8u << 20);
        if (request->method != METHOD_GET && request->method != METHOD_HEAD) {
                buf_puts(&body, "GET only\n");
                reply(api, request, 405, "text/plain", &body);
        } else if (strcmp(request->path, "/healthz") == 0) {
                buf_puts(&body, "{\"status\":\"ok\"}");
                reply(api, request, 200, "application/json", &body);
        } else if (strcmp(request->path, "/readyz") == 0) {
                bool ready = health_print(api, &body);
                reply(api, request, ready ? 200 : 503, "application/json", &body);
        } else if (strcmp(request->path, "/audit/head") == 0) {
                buf_fini(&body);
                tell_heads(api, request);
        } else if (strcmp(request->path, "/metrics") == 0) {
                print_metrics(api, &body);
                reply(api, request, 200, "text/plain; version=0.0.4", &body);
        } else {
                buf_puts(&body, "/healthz /readyz /metrics /audit/head /backup\n");
                reply(api, request, 404, "text/plain", &body);
        }
}
