/* handlers: one declaration per row of route.def. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

struct call;

#define ROUTE(method, path, auth, risk, body, cost, handler) void handler(struct call *call);
#include "api/route.def"
#undef ROUTE

#endif
