#include "api/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/audited.h"
#include "api/idempotency.h"
#include "api/inbound.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/route.h"
#include "api/schema.h"
#include "base/log.h"
#include "base/mem.h"

#define REPLY_MAX_BYTES (4u << 20)
#define HEADERS_MAX     16
#define DAY_MS          INT64_C(86400000)

struct header_set {
        struct httpd_header_pair pair[HEADERS_MAX];
        size_t n;
        char limit[16], remaining[16], reset[16], retry[16];
};

static void add(struct header_set *set, const char *name, const char *value)
{
        must(set->n < HEADERS_MAX);
        set->pair[set->n++] = (struct httpd_header_pair){name, value};
}

static void add_limits(struct header_set *set, const struct limit_state *limit, int status)
{
        if (!limit || limit->limit == 0)
                return;
        snprintf(set->limit, sizeof set->limit, "%u", limit->limit);
        snprintf(set->remaining, sizeof set->remaining, "%u", limit->remaining);
        snprintf(set->reset, sizeof set->reset, "%u", limit->reset_s);
        add(set, "RateLimit-Limit", set->limit);
        add(set, "RateLimit-Remaining", set->remaining);
        add(set, "RateLimit-Reset", set->reset);
        if (status == 429 || status == 503) {
                unsigned wait = limit->retry_after_s ? limit->retry_after_s : 1;
                snprintf(set->retry, sizeof set->retry, "%u", wait);
                add(set, "Retry-After", set->retry);
        }
}

static void add_cors(struct header_set *set, const struct brand *brand, const char *origin)
{
        add(set, "Vary", "Origin");
        if (!brand || !origin[0] || !brand_allows_origin(brand, origin))
                return;
        add(set, "Access-Control-Allow-Origin", origin);
        add(set, "Access-Control-Expose-Headers",
            "X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, "
            "Idempotent-Replayed, X-Next-Cursor, X-Stale-Since");
}

/* Nothing of ours may be sniffed, framed or kept by a shared cache. */
static void add_common(struct header_set *set)
{
        add(set, "X-Content-Type-Options", "nosniff");
        add(set, "Cache-Control", "no-store");
}

/* Decoded ?symbol=, where it fits. */
static void take_symbol(struct call *call)
{
        const struct httpd_request target = {.query = call->query};

        if (!httpd_query(&target, "symbol", call->symbol_query, sizeof call->symbol_query))
                call->symbol_query[0] = '\0';
}

struct call *call_new(struct api *api, const struct inbound *in, const struct route *route,
                      struct brand_set *brands, const struct brand *brand, const char *param)
{
        struct call *call = xcalloc(1, sizeof *call);

        call->api = api;
        api->open_calls++;
        call->request = in->handle;
        call->route = route;
        call->brands = brands ? brand_set_ref(brands) : NULL;
        call->brand = brand;
        text_copy(call->request_id, sizeof call->request_id, in->request_id);
        text_copy(call->peer, sizeof call->peer, in->peer);
        text_copy(call->origin, sizeof call->origin, in->origin);
        text_copy(call->client, sizeof call->client, in->client);
        text_copy(call->accept, sizeof call->accept, in->accept);
        call->path = xstrdup(in->path);
        call->query = xstrdup(in->query);
        text_copy(call->param, sizeof call->param, param);
        take_symbol(call);
        call->has_query = in->query[0] != '\0';
        call->body = xstrndup(in->body, in->body_len);
        call->body_len = in->body_len;
        call->started_mono_ms = clock_mono_ms(api->o.clock);
        call->key_day = state_now(api) / DAY_MS;
        return call;
}

struct call *call_internal(struct api *api, const char *brand, const struct addr *wallet,
                           const struct addr *account, enum http_method method, const char *route,
                           const char *param)
{
        const struct brand *b = brand_by_id(api->brands, brand);
        struct call *call;

        if (!b)
                return NULL;
        call = xcalloc(1, sizeof *call);
        call->api = api;
        api->open_calls++;
        call->route = route_by_pattern(method, route);
        call->brands = brand_set_ref(api->brands);
        call->brand = b;
        call->region = BRAND_REGION_OPEN;
        text_copy(call->request_id, sizeof call->request_id, "gateway");
        call->path = xstrdup(route);
        call->query = xstrdup("");
        call->body = xstrdup("");
        must(text_copy(call->param, sizeof call->param, param));
        call->has_session = true;
        call->session.address = *wallet;
        call->account = *account;
        call->for_sub_account = memcmp(account, wallet, sizeof *wallet) != 0;
        call->started_mono_ms = clock_mono_ms(api->o.clock);
        return call;
}

void call_problem_code(char out[CALL_CODE_MAX], const char *body)
{
        json_t *problem = json_loads(body, 0, NULL);
        const char *code = json_string_value(json_object_get(problem, "code"));

        if (!code || !text_copy(out, CALL_CODE_MAX, code))
                out[0] = '\0';
        json_decref(problem);
}

static void call_free(struct call *call)
{
        if (call->is_keyed)
                idempotency_leave(call);
        call->api->open_calls--;
        brand_set_unref(call->brands);
        json_decref(call->json);
        free(call->body);
        free(call->path);
        free(call->query);
        free(call);
}

static void count(struct api *api, const struct route *route, const char *brand, int status,
                  int64_t ms)
{
        char labels[160];

        snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\",code=\"%d\",brand=\"%s\"",
                 route ? route->path : "none", route ? http_method_name(route->method) : "", status,
                 brand);
        metrics_add(api->o.metrics, "perpgate_http_requests_total", labels, 1,
                    "Requests answered, by route and status.");
        metrics_observe_ms(api->o.metrics, "perpgate_http_request_duration_ms", "", ms,
                           "Time from a whole request to its answer.");
}

void call_reply_raw(struct call *call, int status, const char *content_type, const void *body,
                    size_t len, const struct httpd_header_pair *extra, size_t n_extra)
{
        struct api *api = call->api;
        struct header_set set = {.n = 0};

        if (call->answered) {
                char *text = xstrndup(body, len); /* what was printed has no end */
                call->answered(call->answered_cookie, status, text);
                free(text);
                call_free(call);
                return;
        }
        if (call->told) {
                call->told(call->told_cookie, status, content_type, body, len, call->replayed);
                count(api, call->route, call->brand->id, status,
                      clock_mono_ms(api->o.clock) - call->started_mono_ms);
                call_free(call);
                return;
        }
        add_common(&set);
        add_limits(&set, &call->limit, status);
        add_cors(&set, call->brand, call->origin);
        if (call->replayed)
                add(&set, "Idempotent-Replayed", "true");
        for (size_t i = 0; i < n_extra; i++)
                add(&set, extra[i].name, extra[i].value);
        httpd_reply(api->o.httpd, call->request, status, content_type, set.pair, set.n, body, len);
        count(api, call->route, call->brand ? call->brand->id : "", status,
              clock_mono_ms(api->o.clock) - call->started_mono_ms);
        call_free(call);
}

void call_reply(struct call *call, int status, struct buf *body)
{
        /* An answer that outgrew its bound is a bug of ours, not something to send in part. */
        must(buf_check(body) == E_OK);
        call_reply_raw(call, status, "application/json", body->data, body->len, NULL, 0);
        buf_fini(body);
}

void call_fail_with(struct call *call, const struct err *err, const char *more)
{
        struct buf body;

        if (err->code == E_INTERNAL || err_http_status(err->code) == 500)
                log_event(LOG_ERROR, "request failed", "request", call->request_id, "code",
                          err_constant(err->code), "detail", err->detail, NULL);
        audited_refusal(call, err);
        buf_init(&body, REPLY_MAX_BYTES);
        problem_print(&body, err, call->request_id, more);
        call_reply_raw(call, err_http_status(err->code), "application/problem+json", body.data,
                       body.len, NULL, 0);
        buf_fini(&body);
}

void call_fail(struct call *call, const struct err *err)
{
        call_fail_with(call, err, "");
}

void call_fail_code(struct call *call, enum errc code)
{
        struct err err = {.code = code};

        call_fail(call, &err);
}

void call_refuse(struct api *api, const struct inbound *in, const struct brand *brand,
                 const struct limit_state *limit, const struct err *err)
{
        struct header_set set = {.n = 0};
        int status = err_http_status(err->code);
        char allowed[64];
        struct buf body;

        buf_init(&body, REPLY_MAX_BYTES);
        problem_print(&body, err, in->request_id, "");
        add_common(&set);
        add_limits(&set, limit, status);
        if (err->code == E_METHOD) {
                route_allowed(in->path, allowed, sizeof allowed);
                add(&set, "Allow", allowed);
        }
        add_cors(&set, brand, in->origin);
        httpd_reply(api->o.httpd, in->handle, status, "application/problem+json", set.pair, set.n,
                    body.data, body.len);
        count(api, NULL, brand ? brand->id : "", status, 0);
        buf_fini(&body);
}

const json_t *call_json(struct call *call, struct err *err)
{
        json_error_t why;

        if (!call->json)
                call->json = call->body_len ? json_loadb(call->body, call->body_len,
                                                         JSON_REJECT_DUPLICATES, &why)
                                            : json_object();
        if (!call->json) {
                (void)err_set(err, E_SYNTAX, "The body is not valid JSON: %s (line %d, column %d).",
                              why.text, why.line, why.column);
                return NULL;
        }
        if (!json_is_object(call->json)) {
                (void)err_set(err, E_SYNTAX, "The body must be a JSON object.");
                return NULL;
        }
        return call->json;
}

enum errc call_fields(struct call *call, void *out, const struct field *fields, size_t n,
                      struct err *err)
{
        const json_t *json = call_json(call, err);

        return json ? schema_read(out, json, fields, n, err) : err->code;
}

enum errc call_query(struct call *call, void *out, const struct field *fields, size_t n,
                     struct err *err)
{
        return query_read(out, call->query, fields, n, err);
}
