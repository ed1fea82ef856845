#include "compat/compat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/door.h"
#include "api/inbound.h"
#include "base/mem.h"
#include "compat/compat_cache.h"
#include "compat/compat_impl.h"
#include "compat/compat_signer.h"

#define MINUTE_MS         60000
#define ADDRESSES_MAX     65536
#define INFO_BODY_MAX     8192
#define EXCHANGE_BODY_MAX 131072

const struct route compat_info_route = {METHOD_POST,   "/info", ROUTE_PUBLIC, ROUTE_READS,
                                        INFO_BODY_MAX, 1,       NULL};
const struct route compat_exchange_route = {
        METHOD_POST, "/exchange", ROUTE_PUBLIC, ROUTE_OPENS_RISK, EXCHANGE_BODY_MAX, 1, NULL};

/* --- limits --- */

/* As long as the brand's file grants so much. */
struct grant {
        unsigned weight;
        struct limit *limit[COMPAT_USES];
};

static void free_grant(void *value)
{
        struct grant *grant = value;

        for (int i = 0; grant && i < COMPAT_USES; i++)
                limit_free(grant->limit[i]);
        free(grant);
}

static struct grant *grant_of(struct compat *compat, const struct brand *brand)
{
        struct grant *grant = map_get(compat->limits, brand->id, strlen(brand->id));

        if (grant && grant->weight == brand->compat_weight)
                return grant;
        grant = xcalloc(1, sizeof *grant);
        grant->weight = brand->compat_weight;
        for (int i = 0; i < COMPAT_USES; i++)
                grant->limit[i] = limit_new(grant->weight, MINUTE_MS, ADDRESSES_MAX);
        free_grant(map_put(compat->limits, brand->id, strlen(brand->id), grant));
        return grant;
}

bool compat_take(struct call *call, struct compat *compat, enum compat_use use, unsigned weight)
{
        char network[LIMIT_NETWORK_MAX];

        limit_network(network, call->client);
        return limit_take(grant_of(compat, call->brand)->limit[use], network, weight,
                          clock_mono_ms(compat->api->o.clock), &call->limit);
}

bool compat_pay(struct call *call, struct compat *compat, enum compat_use use, unsigned weight)
{
        if (compat_take(call, compat, use, weight))
                return true;
        compat_text(call, 429, "Too many requests from this address.");
        return false;
}

/* --- life --- */

struct compat *compat_new(struct api *api)
{
        struct compat *compat = xcalloc(1, sizeof *compat);

        compat->api = api;
        compat->limits = map_new();
        compat->cache = compat_cache_new(compat);
        compat->signers = compat_signer_new(compat);
        return compat;
}

void compat_free(struct compat *compat)
{
        if (!compat)
                return;
        compat_signer_free(compat->signers);
        compat_cache_free(compat->cache);
        map_free(compat->limits, free_grant);
        free(compat);
}

/* --- answers --- */

void compat_text(struct call *call, int status, const char *text)
{
        call_reply_raw(call, status, "text/plain; charset=utf-8", text, strlen(text), NULL, 0);
}

void compat_no_answer(struct call *call, const struct err *err)
{
        char text[512];

        if (err->code == E_RATE_LIMITED)
                snprintf(text, sizeof text, "Too many requests: %s", err->detail);
        else if (err->code == E_OUTCOME_UNKNOWN)
                snprintf(text, sizeof text,
                         "The venue's answer was lost: it is not known whether the action took "
                         "effect. Ask for the order's status, or send the same bytes again, which "
                         "act once at most. (%s)",
                         err->detail);
        else
                snprintf(text, sizeof text, "The venue did not answer: %s",
                         err->detail[0] ? err->detail : err_text(err->code));
        if (err->code == E_RATE_LIMITED)
                compat_text(call, 429, text);
        else
                compat_text(call, err->code == E_OUTCOME_UNKNOWN ? 504 : 502, text);
}

void compat_count(struct compat *compat, const char *name, const char *label, const char *value,
                  const char *help)
{
        char labels[96];

        snprintf(labels, sizeof labels, "%s=\"%s\"", label, value);
        metrics_add(compat->api->o.metrics, name, labels, 1, help);
}

/* --- from a request to its handler --- */

static void preflight(const struct httpd_request *request, struct api *api,
                      const struct brand *brand)
{
        const char *origin = httpd_header(request, "origin");
        struct httpd_header_pair pair[6];
        size_t n = 0;

        pair[n++] = (struct httpd_header_pair){"Allow", "POST"};
        pair[n++] = (struct httpd_header_pair){"Vary", "Origin"};
        if (origin[0] && brand_allows_origin(brand, origin)) {
                pair[n++] = (struct httpd_header_pair){"Access-Control-Allow-Origin", origin};
                pair[n++] = (struct httpd_header_pair){"Access-Control-Allow-Methods", "POST"};
                pair[n++] =
                        (struct httpd_header_pair){"Access-Control-Allow-Headers", "Content-Type"};
                pair[n++] = (struct httpd_header_pair){"Access-Control-Max-Age", "600"};
        }
        httpd_reply(api->o.httpd, request->handle, 204, NULL, pair, n, NULL, 0);
}

static enum brand_region region_of(const struct api *api, const struct httpd_request *request,
                                   const struct brand *brand)
{
        if (!brand->region_header[0])
                return BRAND_REGION_OPEN;
        return brand_region_of(brand, door_country(api, request, brand));
}

static bool is_json(const struct httpd_request *request)
{
        const char *type = httpd_header(request, "content-type");

        return strncasecmp(type, "application/json", 16) == 0 &&
               (!type[16] || type[16] == ';' || type[16] == ' ');
}

static struct inbound read_inbound(const struct api *api, const struct httpd_request *request,
                                   char client[FORWARDED_ADDRESS_MAX])
{
        forwarded_client(client, request->peer, httpd_header(request, "x-forwarded-for"),
                         &api->trusted);
        return (struct inbound){
                .handle = request->handle,
                .method = request->method,
                .path = request->path,
                .query = request->query,
                .body = request->body,
                .body_len = request->body_len,
                .peer = request->peer,
                .client = client,
                .request_id = request->request_id,
                .origin = httpd_header(request, "origin"),
                .accept = "",
        };
}

static void enter(struct compat *compat, const struct httpd_request *request,
                  const struct brand *brand, const struct route *route)
{
        struct api *api = compat->api;
        char client[FORWARDED_ADDRESS_MAX];
        struct inbound in = read_inbound(api, request, client);
        struct call *call = call_new(api, &in, route, api->brands, brand, "");

        call->region = region_of(api, request, brand);
        if (request->method != METHOD_POST)
                compat_text(call, 405, "Method Not Allowed");
        else if (request->body_len > route->max_body_bytes)
                compat_text(call, 413, "The body is too large.");
        else if (!is_json(request))
                compat_text(call, 415, "Expected request with `Content-Type: application/json`");
        else
                compat_run(compat, call);
}

void compat_run(struct compat *compat, struct call *call)
{
        if (call->route == &compat_info_route)
                compat_info_run(compat, call);
        else
                compat_exchange_run(compat, call);
}

void compat_handle(void *cookie, const struct httpd_request *request)
{
        struct compat *compat = cookie;
        const struct brand *brand = brand_by_host(compat->api->brands, request->host);
        const struct route *route = NULL;

        if (brand && brand->compat_info && strcmp(request->path, compat_info_route.path) == 0)
                route = &compat_info_route;
        if (brand && brand->compat_exchange &&
            strcmp(request->path, compat_exchange_route.path) == 0)
                route = &compat_exchange_route;
        if (!route)
                api_handle(compat->api, request);
        else if (request->method == METHOD_OPTIONS)
                preflight(request, compat->api, brand);
        else
                enter(compat, request, brand, route);
}
