#include "api/door.h"

#include <string.h>
#include <strings.h>

#include "api/acting.h"
#include "api/api_keys.h"
#include "api/audited.h"
#include "api/idempotency.h"
#include "api/route.h"
#include "base/mem.h"
#include "keeper/keeper.h"

/* A token or a key that is not at hand costs a read of the store, whoever made it up. */
#define UNKNOWN_COST 1

/* Whoever signs in is mirrored from then on. */
static void enter(struct call *call)
{
        if (call->has_session)
                keeper_watch(call->api->o.keeper, call->brand->id, &call->account);
        idempotency_enter(call);
}

void door_go(struct call *call)
{
        struct api *api = call->api;
        char key[ADDR_STR_MAX];
        struct limit *limit;

        if (call->has_session) {
                limit = map_get(api->session_limits, call->brand->id, strlen(call->brand->id));
                /* By account: signing in again gives nobody a second allowance. */
                hex_print_addr(key, &call->session.address);
                if (limit && !limit_take(limit, key, call->route->cost, call->started_mono_ms,
                                         &call->limit)) {
                        call_fail_code(call, E_RATE_LIMITED);
                        return;
                }
        }
        if (call->for_sub_account) {
                acting_enter(call, enter);
                return;
        }
        call->account = call->session.address;
        enter(call);
}

static void session_checked(void *cookie, enum errc rc, const struct auth_session *session)
{
        struct call *call = cookie;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        call->has_session = true;
        call->session = *session;
        door_go(call);
}

static void key_checked(struct call *call, const struct err *err)
{
        if (err->code)
                call_fail(call, err);
        else
                door_go(call);
}

static enum errc check_key(const char *key, struct err *err)
{
        size_t n = strlen(key);
        bool fits = n < CALL_KEY_MAX;

        for (size_t i = 0; i < n && fits; i++)
                fits = key[i] >= 0x21 && key[i] <= 0x7e;
        if (fits)
                return E_OK;
        return err_field(err, E_INVALID, "Idempotency-Key",
                         "must be 1 to %d printable characters without blanks", CALL_KEY_MAX - 1);
}

static enum errc check_body(const struct route *route, const struct inbound *in, struct err *err)
{
        const char *type = in->content_type;

        if (in->body_len == 0)
                return E_OK;
        if (route->max_body_bytes == 0)
                return err_set(err, E_INVALID, "This route takes no body.");
        if (in->body_len > route->max_body_bytes)
                return err_set(err, E_TOO_LARGE, "This route takes at most %zu bytes.",
                               route->max_body_bytes);
        if (strncasecmp(type, "application/json", 16) != 0 ||
            (type[16] && type[16] != ';' && type[16] != ' '))
                return err_set(err, E_MEDIA_TYPE, "Send the body as application/json.");
        return E_OK;
}

const char *door_country(const struct api *api, const struct httpd_request *request,
                         const struct brand *brand)
{
        if (!brand || !brand->region_header[0] || !forwarded_trusts(&api->trusted, request->peer))
                return "";
        return httpd_header(request, brand->region_header);
}

static enum brand_region region_of(const struct brand *brand, const char *country)
{
        if (!brand || !brand->region_header[0])
                return BRAND_REGION_OPEN;
        return brand_region_of(brand, country);
}

/* What a request costs whoever sends it, before it is known whose session it names. */
static unsigned public_cost(const struct route *route)
{
        if (!route)
                return 1;
        return route_is_private(route) ? 0 : route->cost;
}

enum errc door_find(struct api *api, struct door_place *place, const struct inbound *in,
                    struct err *err)
{
        enum errc why;

        limit_network(place->network, in->client);
        place->route = route_find(in->method, in->path, place->param, sizeof place->param, &why);
        if (!limit_take(api->public_limit, place->network, public_cost(place->route),
                        clock_mono_ms(api->o.clock), &place->limit))
                (void)err_set(err, E_RATE_LIMITED, "%s", err_text(E_RATE_LIMITED));
        else if (!place->route)
                (void)err_set(err, why, "%s", err_text(why));
        else if (!place->brand && place->route->auth != ROUTE_ANY_HOST)
                (void)err_set(err, E_NOT_FOUND, "No brand is served under this host name.");
        else if (check_body(place->route, in, err) == E_OK)
                (void)check_key(in->key, err);
        if (err->code)
                audited_stranger(api, place->brand, place->route, err);
        return err->code;
}

struct call *door_call(struct api *api, const struct door_place *place, const struct inbound *in)
{
        struct call *call = call_new(api, in, place->route, place->brand ? api->brands : NULL,
                                     place->brand, place->param);

        must(text_copy(call->key, sizeof call->key, in->key));
        call->limit = place->limit;
        call->region = region_of(place->brand, in->country);
        return call;
}

static bool may_read(struct call *call, const char *network)
{
        return limit_take(call->api->public_limit, network, UNKNOWN_COST,
                          clock_mono_ms(call->api->o.clock), &call->limit);
}

static void enter_signed(struct call *call, const char *network, const struct inbound *in)
{
        if (api_keys_needs_read(call->api->keys, in) && !may_read(call, network))
                call_fail_code(call, E_RATE_LIMITED);
        else
                api_keys_check(call, in, key_checked);
}

static void enter_session(struct call *call, const char *network, const struct inbound *in)
{
        struct auth *auth = call->api->o.auth;

        if (auth_check_cached(auth, call->brand->id, in->authorization, &call->session)) {
                call->has_session = true;
                door_go(call);
        } else if (!may_read(call, network)) {
                call_fail_code(call, E_RATE_LIMITED);
        } else {
                auth_check(auth, call->brand->id, in->authorization, session_checked, call);
        }
}

void door_enter(struct call *call, const struct door_place *place, const struct inbound *in)
{
        struct err err = {.code = E_OK};
        bool is_private = route_is_private(call->route);

        if (is_private && acting_take(call, in, &err))
                call_fail(call, &err);
        else if (!is_private)
                door_go(call);
        else if (api_keys_used(in))
                enter_signed(call, place->network, in);
        else
                enter_session(call, place->network, in);
}
