/* route: the table of routes and how a path finds its row. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "edge/httpd.h"

struct call;

/* SESSION: a session or an API key with the scope that the label asks for, for the wallet's own account
 * or a sub-account of it; OWNER: the same, but about the wallet alone; WALLET: a session only, likewise. */
enum route_auth { ROUTE_PUBLIC, ROUTE_ANY_HOST, ROUTE_SESSION, ROUTE_OWNER, ROUTE_WALLET };
enum route_risk { ROUTE_READS, ROUTE_OPENS_RISK, ROUTE_REDUCES_RISK, ROUTE_MOVES_FUNDS };

struct route {
        enum http_method method;
        const char *path; /* "/v1/orders/{id}" */
        enum route_auth auth;
        enum route_risk risk;
        size_t max_body_bytes;
        unsigned cost; /* of the request, in the caller's limit */
        void (*handler)(struct call *call);
};

/* Whether it takes somebody who has signed in. */
bool route_is_private(const struct route *route);
/* The row for method and path; its {parameter} is written to param (cap bytes). NULL with *why:
 * E_NOT_FOUND, or E_METHOD when the path exists under another method. */
const struct route *route_find(enum http_method method, const char *path, char *param, size_t cap,
                               enum errc *why);
/* The methods a path answers, as for Allow: "GET, POST"; "" when it is no route. */
void route_allowed(const char *path, char *out, size_t cap);
/* The row with exactly this pattern, which must exist. */
const struct route *route_by_pattern(enum http_method method, const char *pattern);
size_t route_count(void);
const struct route *route_at(size_t i);

#endif
