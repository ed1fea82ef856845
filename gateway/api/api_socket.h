/* api_socket: operations that come as frames of a socket. Each passes the very same checks as over HTTP (route,
 * limits, risk label, region, terms, scopes, Idempotency-Key, drain, audit) and ends in a callback instead of
 * an answer. Who asks is found out once, by api_socket_auth, and asked for again at each operation: a session
 * that has ended, or a key that was deleted, does nothing more. Loop thread only. */
#ifndef API_API_SOCKET_H
#define API_API_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/auth.h"
#include "brand/brand.h"
#include "edge/httpd.h"

struct api;

#define API_SOCKET_PATH        "/v1/ws" /* what an API key signs, with GET, to be known on a socket */
#define API_SOCKET_COUNTRY_MAX 8

/* Where a socket comes from. A value, taken from the upgrade's request. */
struct api_socket_peer {
        char brand[BRAND_ID_MAX];
        char peer[46];   /* who is connected */
        char client[46]; /* whose socket it is: peer, or whom a trusted proxy names */
        char country[API_SOCKET_COUNTRY_MAX];
};
/* E_NOT_FOUND: no brand is served under the request's host. */
MUST_USE enum errc api_socket_peer(struct api_socket_peer *out, struct api *api,
                                   const struct httpd_request *request);

/* Who asks. A value. */
struct api_socket_who {
        struct auth_session session; /* of the wallet; expires_at 0: it does not (a key's) */
        bool has_key;                /* it stands for an API key */
        bool may_read, may_trade;
        struct addr account; /* the wallet, or a sub-account of it */
        bool for_sub_account;
};

struct api_socket_request {
        const struct api_socket_peer *from;
        const struct api_socket_who *who; /* NULL: nobody has signed in */
        enum http_method method;
        const char *path;  /* decoded; "/v1/orders" */
        const char *query; /* percent-encoded, without '?'; NULL: none */
        const char *body;  /* JSON; NULL: none */
        size_t body_len;
        const char *idempotency_key; /* NULL: none */
};

/* status and body are what HTTP would have answered; body is borrowed for the call. Fires once, never before the
 * function that takes it has returned, and whether or not the socket is still there: what was begun goes on. */
typedef void api_socket_fn(void *cookie, int status, const char *content_type, const char *body,
                           size_t len, bool replayed);
/* Everything in request is copied. */
void api_socket_call(struct api *api, const struct api_socket_request *request, api_socket_fn *done,
                     void *cookie);

/* A session's token, or a key and its signature over timestamp, "GET" and API_SOCKET_PATH; with a sub-account, as for
 * a request with X-Sub-Account, a newline and its address are signed after it. NULL: not sent. */
struct api_socket_credentials {
        const char *token;
        const char *api_key, *timestamp, *signature, *window;
        const char *sub_account;
};
/* who is NULL where it is refused; then status and body (a problem document) say why. */
typedef void api_socket_auth_fn(void *cookie, const struct api_socket_who *who, int status,
                                const char *body, size_t len);
void api_socket_auth(struct api *api, const struct api_socket_peer *from,
                     const struct api_socket_credentials *credentials, api_socket_auth_fn *done,
                     void *cookie);
/* Whether whoever has signed in still is who he was: nothing is counted, nobody is asked but the store. */
void api_socket_recheck(struct api *api, const struct api_socket_peer *from,
                        const struct api_socket_who *who, api_socket_auth_fn *done, void *cookie);

#endif
