#include "api/api_socket.h"

#include <stdlib.h>
#include <string.h>

#include "api/api_keys.h"
#include "api/door.h"
#include "api/problem.h"
#include "api/route.h"
#include "base/mem.h"
#include "base/secret.h"
#include "store/store_api_key.h"

#define PROBLEM_MAX    65536
#define REQUEST_ID_MAX 37

enum errc api_socket_peer(struct api_socket_peer *out, struct api *api,
                          const struct httpd_request *request)
{
        const struct brand *brand = brand_by_host(api->brands, request->host);
        const char *country;

        if (!brand)
                return E_NOT_FOUND;
        must(text_copy(out->brand, sizeof out->brand, brand->id));
        must(text_copy(out->peer, sizeof out->peer, request->peer));
        forwarded_client(out->client, request->peer, httpd_header(request, "x-forwarded-for"),
                         &api->trusted);
        country = door_country(api, request, brand);
        /* What does not fit is no country: not known, rather than cut to one. */
        if (!text_copy(out->country, sizeof out->country, country))
                must(text_copy(out->country, sizeof out->country, "XX"));
        return E_OK;
}

/* --- a frame as a request --- */

static const char *or_none(const char *text)
{
        return text ? text : "";
}

static void make_id(char out[REQUEST_ID_MAX])
{
        uint8_t bytes[16];

        secret_random(bytes, sizeof bytes);
        memcpy(out, "ws-", 3);
        hex_encode(out + 3, bytes, sizeof bytes);
}

static struct inbound inbound_from(const struct api_socket_peer *from, const char *request_id)
{
        return (struct inbound){
                .method = METHOD_GET,
                .path = API_SOCKET_PATH,
                .query = "",
                .body = "",
                .peer = from->peer,
                .client = from->client,
                .country = from->country,
                .request_id = request_id,
                .origin = "",
                .accept = "application/json",
                .content_type = "application/json",
                .key = "",
                .authorization = "",
                .api_key = "",
                .timestamp = "",
                .signature = "",
                .window = "",
                .sub_account = "",
        };
}

/* --- refused before it is a call --- */

struct refusal {
        struct api *api;
        api_socket_fn *done;
        void *cookie;
        int status;
        struct buf body;
};

static void refuse_now(void *arg)
{
        struct refusal *refusal = arg;

        refusal->api->open_calls--;
        refusal->done(refusal->cookie, refusal->status, "application/problem+json",
                      buf_cstr(&refusal->body), refusal->body.len, false);
        buf_fini(&refusal->body);
        free(refusal);
}

static void refuse_later(struct api *api, const struct err *err, const char *request_id,
                         api_socket_fn *done, void *cookie)
{
        struct refusal *refusal = xcalloc(1, sizeof *refusal);

        *refusal = (struct refusal){
                .api = api, .done = done, .cookie = cookie, .status = err_http_status(err->code)};
        buf_init(&refusal->body, PROBLEM_MAX);
        problem_print(&refusal->body, err, request_id, "");
        api->open_calls++; /* the api is not freed below it */
        loop_post(api->o.loop, refuse_now, refusal);
}

/* --- operations --- */

static void key_checked(struct call *call, const struct err *err)
{
        if (err->code)
                call_fail(call, err);
        else
                door_go(call);
}

static void session_checked(void *cookie, enum errc rc, const struct auth_session *session)
{
        struct call *call = cookie;

        if (rc) {
                call_fail_code(call, rc);
                return;
        }
        call->session = *session;
        door_go(call);
}

static void recheck_key(void *arg)
{
        api_keys_recheck(arg, key_checked);
}

static void go_unknown(void *arg)
{
        struct call *call = arg;

        if (route_is_private(call->route))
                call_fail_code(call, E_UNAUTHORIZED);
        else
                door_go(call);
}

/* Goes on in a later turn, with whoever has signed in. */
static void enter_known(struct call *call, const struct api_socket_who *who)
{
        struct api *api = call->api;

        if (!who) {
                loop_post(api->o.loop, go_unknown, call);
                return;
        }
        call->has_session = true;
        call->session = who->session;
        call->has_key = who->has_key;
        call->account = who->account;
        call->for_sub_account = who->for_sub_account;
        if (who->has_key)
                loop_post(api->o.loop, recheck_key, call);
        else
                auth_recheck(api->o.auth, call->brand->id, who->session.token_hash, session_checked,
                             call);
}

/* What the wallet alone may do is for no sub-account, as over HTTP. */
static enum errc check_account(const struct route *route, const struct api_socket_who *who,
                               struct err *err)
{
        if (!who || !route_is_private(route))
                return E_OK;
        if (who->for_sub_account && route->auth != ROUTE_SESSION)
                return err_set(err, E_INVALID,
                               "This is about the wallet itself, not about a sub-account.");
        if (who->has_key && route->auth == ROUTE_WALLET)
                return err_set(err, E_FORBIDDEN,
                               "This needs a session of the wallet; no API key may do it.");
        return E_OK;
}

void api_socket_call(struct api *api, const struct api_socket_request *request, api_socket_fn *done,
                     void *cookie)
{
        struct door_place place = {.brand = brand_by_id(api->brands, request->from->brand)};
        char request_id[REQUEST_ID_MAX];
        struct inbound in;
        struct err err = {.code = E_OK};
        struct call *call;

        make_id(request_id);
        in = inbound_from(request->from, request_id);
        in.method = request->method;
        in.path = request->path;
        in.query = or_none(request->query);
        in.body = or_none(request->body);
        in.body_len = request->body ? request->body_len : 0;
        in.key = or_none(request->idempotency_key);
        if (door_find(api, &place, &in, &err) || check_account(place.route, request->who, &err)) {
                refuse_later(api, &err, request_id, done, cookie);
                return;
        }
        call = door_call(api, &place, &in);
        call->told = done;
        call->told_cookie = cookie;
        enter_known(call, request->who);
}

/* --- who it is --- */

struct asking {
        struct api *api;
        api_socket_auth_fn *done;
        void *cookie;
        struct api_socket_who who;
        bool is_known;
        int status;
        struct buf body;
};

static void tell(void *arg)
{
        struct asking *asking = arg;

        asking->api->open_calls--;
        asking->done(asking->cookie, asking->is_known ? &asking->who : NULL, asking->status,
                     buf_cstr(&asking->body), asking->body.len);
        buf_fini(&asking->body);
        free(asking);
}

/* The checks may answer at once; who asks is told in a later turn. */
static void tell_later(void *cookie, int status, const char *content_type, const char *body,
                       size_t len, bool replayed)
{
        struct asking *asking = cookie;

        (void)content_type;
        (void)replayed;
        asking->status = status;
        buf_init(&asking->body, PROBLEM_MAX);
        buf_put(&asking->body, body, len);
        asking->api->open_calls++;
        loop_post(asking->api->o.loop, tell, asking);
}

/* Whoever came so far has passed what a request for the account passes. */
static void welcome(struct call *call)
{
        struct asking *asking = call->told_cookie;

        asking->who = (struct api_socket_who){
                .session = call->session,
                .has_key = call->has_key,
                .may_read = !call->has_key || (call->key_scopes & API_KEY_READ),
                .may_trade = !call->has_key || (call->key_scopes & API_KEY_TRADE),
                .account = call->account,
                .for_sub_account = call->for_sub_account,
        };
        asking->is_known = true;
        call_reply_raw(call, 200, "application/json", "{}", 2, NULL, 0);
}

/* Not in the table of routes: over HTTP there is nothing to be had here. */
static const struct route auth_route = {
        .method = METHOD_GET,
        .path = API_SOCKET_PATH,
        .auth = ROUTE_SESSION,
        .risk = ROUTE_READS,
        .cost = 1,
        .handler = welcome,
};
static const struct route recheck_route = {
        .method = METHOD_GET,
        .path = API_SOCKET_PATH,
        .auth = ROUTE_SESSION,
        .risk = ROUTE_READS,
        .cost = 0,
        .handler = welcome,
};

/* NULL: refused, since the brand is not served any more. */
static struct call *ask(struct api *api, struct door_place *place, const struct inbound *in,
                        const struct api_socket_peer *from, struct asking *asking)
{
        struct err err = {.code = E_OK};
        struct call *call;

        place->brand = brand_by_id(api->brands, from->brand);
        if (!place->brand) {
                (void)err_set(&err, E_NOT_FOUND, "The brand is not served any more.");
                refuse_later(api, &err, in->request_id, tell_later, asking);
                return NULL;
        }
        limit_network(place->network, in->client);
        call = door_call(api, place, in);
        call->any_scope = true;
        call->told = tell_later;
        call->told_cookie = asking;
        return call;
}

static struct asking *asking_new(struct api *api, api_socket_auth_fn *done, void *cookie)
{
        struct asking *asking = xcalloc(1, sizeof *asking);

        asking->api = api;
        asking->done = done;
        asking->cookie = cookie;
        return asking;
}

void api_socket_auth(struct api *api, const struct api_socket_peer *from,
                     const struct api_socket_credentials *credentials, api_socket_auth_fn *done,
                     void *cookie)
{
        struct door_place place = {.route = &auth_route};
        char request_id[REQUEST_ID_MAX];
        char authorization[7 + AUTH_TOKEN_MAX] = "Bearer ";
        struct inbound in;
        struct call *call;

        make_id(request_id);
        in = inbound_from(from, request_id);
        if (credentials->token) {
                /* What does not fit is no token either. */
                if (!text_copy(authorization + 7, AUTH_TOKEN_MAX, credentials->token))
                        authorization[7] = '\0';
                in.authorization = authorization;
        }
        in.api_key = or_none(credentials->api_key);
        in.timestamp = or_none(credentials->timestamp);
        in.signature = or_none(credentials->signature);
        in.window = or_none(credentials->window);
        in.sub_account = or_none(credentials->sub_account);
        call = ask(api, &place, &in, from, asking_new(api, done, cookie));
        if (call)
                door_enter(call, &place, &in);
        secret_wipe(authorization, sizeof authorization);
}

void api_socket_recheck(struct api *api, const struct api_socket_peer *from,
                        const struct api_socket_who *who, api_socket_auth_fn *done, void *cookie)
{
        struct door_place place = {.route = &recheck_route};
        char request_id[REQUEST_ID_MAX];
        struct inbound in;
        struct call *call;

        make_id(request_id);
        in = inbound_from(from, request_id);
        call = ask(api, &place, &in, from, asking_new(api, done, cookie));
        if (call)
                enter_known(call, who);
}
