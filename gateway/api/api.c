#include "api/api.h"

#include <stdlib.h>
#include <string.h>

#include "alerts/alerts.h"
#include "api/accounts.h"
#include "api/acting.h"
#include "api/agent_watch.h"
#include "api/api_keys.h"
#include "api/audited.h"
#include "api/call.h"
#include "api/candles.h"
#include "api/dead_man.h"
#include "api/door.h"
#include "api/guards.h"
#include "api/mirrored.h"
#include "api/forwarded.h"
#include "api/idempotency.h"
#include "api/own.h"
#include "api/turnstile.h"
#include "api/prepare.h"
#include "api/recovery.h"
#include "api/route.h"
#include "api/series.h"
#include "api/snapshots.h"
#include "api/state.h"
#include "api/sweep.h"
#include "api/transfers.h"
#include "base/log.h"
#include "base/mem.h"
#include "brand/config.h"

#define LIMIT_WINDOW_MS   60000
#define LIMIT_KEYS_MAX    65536
#define PUBLIC_PER_MINUTE 1200 /* cost units per network address */

/* Opens, or on first use makes and wraps, the key of one brand. */
static enum errc open_brand_key(struct api *api, const char *brand, struct err *err)
{
        struct vault_sealed wrapped;
        struct vault_brand *key;
        size_t len = 0;
        enum errc rc;

        if (map_get(api->brand_keys, brand, strlen(brand)))
                return E_OK;
        rc = store_brand_key_load(api->o.store, brand, wrapped.b, sizeof wrapped.b, &len);
        if (rc == E_NOT_FOUND) {
                rc = vault_brand_create(api->o.vault, &wrapped, brand);
                if (!rc)
                        rc = store_brand_key_save(api->o.store, brand, wrapped.b, sizeof wrapped.b);
                len = sizeof wrapped.b;
        }
        if (rc || len != sizeof wrapped.b)
                return err_set(err, rc ? rc : E_CRYPTO, "The key of brand %s can't be read.",
                               brand);
        key = vault_brand_open(api->o.vault, brand, &wrapped, err);
        if (!key)
                return err_set(err, E_CRYPTO, "The key of brand %s does not open.", brand);
        map_put(api->brand_keys, brand, strlen(brand), key);
        return E_OK;
}

static void free_limit(void *value)
{
        limit_free(value);
}

static struct map *limits_for(const struct brand_set *set)
{
        struct map *limits = map_new();

        for (size_t i = 0; i < set->n; i++) {
                const struct brand *b = set->brand[i];
                limit_free(map_put(
                        limits, b->id, strlen(b->id),
                        limit_new(b->requests_per_minute, LIMIT_WINDOW_MS, LIMIT_KEYS_MAX)));
        }
        return limits;
}

enum errc api_reload(struct api *api, const struct config *config, struct err *err)
{
        for (size_t i = 0; i < config->brands->n; i++) {
                enum errc rc = open_brand_key(api, config->brands->brand[i]->id, err);
                if (rc)
                        return rc;
        }
        if (alerts_configure(api->o.alerts, config->brands, err))
                return E_CONFIG;
        brand_set_unref(api->brands);
        api->brands = brand_set_ref(config->brands);
        map_free(api->session_limits, free_limit);
        api->session_limits = limits_for(config->brands);
        api->is_paper = config->paper.enabled;
        api->deposit = config->venue.deposit;
        api->trusted.n = config->n_trusted_proxies;
        memcpy(api->trusted.address, config->trusted_proxy, sizeof api->trusted.address);
        return E_OK;
}

struct api *api_new(const struct api_options *options, const struct config *config, struct err *err)
{
        struct api *api = xcalloc(1, sizeof *api);

        api->o = *options;
        api->brand_keys = map_new();
        api->accounts = accounts_new(api);
        api->audited = audited_new(api);
        api->turnstile = turnstile_new(options->loop);
        api->snapshots = snapshots_new(api);
        api->sweep = sweep_new(api);
        api->prepare = prepare_new(api);
        api->transfers = transfers_new(api);
        api->series = series_new(api);
        api->candles = candles_new(api);
        api->keys = api_keys_new(api);
        api->acting = acting_new(api);
        api->idempotency = idempotency_new(api);
        api->own = own_new(api);
        api->room = mirrored_room_new();
        api->guards = guards_new(api);
        api->dead_men = dead_man_new(api);
        api->agent_watch = agent_watch_new(api);
        api->recovery = recovery_new(api);
        api->public_limit = limit_new(PUBLIC_PER_MINUTE, LIMIT_WINDOW_MS, LIMIT_KEYS_MAX);
        if (api_reload(api, config, err)) {
                api_free(api);
                return NULL;
        }
        audited_act(api, "gateway_started", "{\"version\":\"" PERPGATE_VERSION "\"}");
        return api;
}

void api_free(struct api *api)
{
        if (!api)
                return;
        must(api->open_calls == 0);
        free(api->openapi);
        free(api->asyncapi);
        recovery_free(api->recovery);
        prepare_free(api->prepare);
        transfers_free(api->transfers);
        api_keys_free(api->keys);
        acting_free(api->acting);
        idempotency_free(api->idempotency);
        guards_free(api->guards);
        own_free(api->own);
        dead_man_free(api->dead_men);
        agent_watch_free(api->agent_watch);
        mirrored_room_free(api->room);
        series_free(api->series);
        candles_free(api->candles);
        snapshots_free(api->snapshots);
        sweep_free(api->sweep);
        turnstile_free(api->turnstile);
        accounts_free(api->accounts);
        audited_free(api->audited);
        limit_free(api->public_limit);
        if (api->session_limits)
                map_free(api->session_limits, free_limit);
        map_free(api->brand_keys, NULL);
        brand_set_unref(api->brands);
        free(api);
}

void api_drain(struct api *api)
{
        api->draining = true;
        audited_act(api, "drain_began", "{}");
}

unsigned api_open_runs(const struct api *api)
{
        return api->open_runs;
}

unsigned api_open_calls(const struct api *api)
{
        return api->open_calls;
}

void api_stream(struct api *api, struct stream_hub *hub)
{
        own_register(api->own, hub);
}

void api_end(struct api *api)
{
        api->ended = true;
        own_end(api->own);
}

void api_note(struct api *api, const char *action, const char *detail)
{
        audited_act(api, action, detail);
}

void api_flush(struct api *api)
{
        audited_flush(api->audited);
}

/* --- from a request to its handler --- */

static void preflight(struct api *api, const struct httpd_request *request,
                      const struct brand *brand)
{
        const char *origin = httpd_header(request, "origin");
        char allowed[64];
        struct httpd_header_pair pair[6];
        size_t n = 0;

        route_allowed(request->path, allowed, sizeof allowed);
        pair[n++] = (struct httpd_header_pair){"Allow", allowed};
        pair[n++] = (struct httpd_header_pair){"Vary", "Origin"};
        if (brand && origin[0] && brand_allows_origin(brand, origin)) {
                pair[n++] = (struct httpd_header_pair){"Access-Control-Allow-Origin", origin};
                pair[n++] = (struct httpd_header_pair){"Access-Control-Allow-Methods", allowed};
                pair[n++] = (struct httpd_header_pair){
                        "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, Idempotency-Key, X-Request-Id, "
                        "X-Sub-Account"};
                pair[n++] = (struct httpd_header_pair){"Access-Control-Max-Age", "600"};
        }
        httpd_reply(api->o.httpd, request->handle, 204, NULL, pair, n, NULL, 0);
}

static struct inbound inbound_of(const struct httpd_request *request, const char *client,
                                 const char *country)
{
        return (struct inbound){
                .handle = request->handle,
                .method = request->method,
                .path = request->path,
                .query = request->query,
                .body = request->body,
                .body_len = request->body_len,
                .peer = request->peer,
                .client = client,
                .country = country,
                .request_id = request->request_id,
                .origin = httpd_header(request, "origin"),
                .accept = httpd_header(request, "accept"),
                .content_type = httpd_header(request, "content-type"),
                .key = httpd_header(request, "idempotency-key"),
                .authorization = httpd_header(request, "authorization"),
                .api_key = httpd_header(request, "x-api-key"),
                .timestamp = httpd_header(request, "x-api-timestamp"),
                .signature = httpd_header(request, "x-api-signature"),
                .window = httpd_header(request, "x-api-window"),
                .sub_account = httpd_header(request, "x-sub-account"),
        };
}

void api_handle(void *cookie, const struct httpd_request *request)
{
        struct api *api = cookie;
        struct door_place place = {.brand = brand_by_host(api->brands, request->host)};
        struct err err = {.code = E_OK};
        char client[FORWARDED_ADDRESS_MAX];
        struct inbound in;

        if (request->method == METHOD_OPTIONS) {
                preflight(api, request, place.brand);
                return;
        }
        forwarded_client(client, request->peer, httpd_header(request, "x-forwarded-for"),
                         &api->trusted);
        in = inbound_of(request, client, door_country(api, request, place.brand));
        if (door_find(api, &place, &in, &err))
                call_refuse(api, &in, place.brand, &place.limit, &err);
        else
                door_enter(door_call(api, &place, &in), &place, &in);
}
