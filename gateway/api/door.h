/* door: what every request passes before its handler, whichever way it came: limits, route, brand, body,
 * Idempotency-Key, account, session or API key, and on through acting.h, idempotency.h and admit.h to the
 * handler. Loop thread only. */
#ifndef API_DOOR_H
#define API_DOOR_H

#include "api/call.h"
#include "api/inbound.h"

/* A request's route and brand, before it is a call. */
struct door_place {
        const struct route *route; /* NULL: none */
        const struct brand *brand; /* NULL: none is served there */
        char param[CALL_PARAM_MAX];
        char network[LIMIT_NETWORK_MAX]; /* whose allowance it draws on */
        struct limit_state limit;
};

/* Fills place (brand is given) and takes the request's public cost. The refusal in err, where there is one, has been
 * counted. */
MUST_USE enum errc door_find(struct api *api, struct door_place *place, const struct inbound *in,
                             struct err *err);
/* The call of a request that door_find let through. */
struct call *door_call(struct api *api, const struct door_place *place, const struct inbound *in);
/* Finds out who asks, and goes on to the handler, or answers. */
void door_enter(struct call *call, const struct door_place *place, const struct inbound *in);
/* The same for a call that knows who asks: session and account are set. */
void door_go(struct call *call);

/* The country that a request comes from, for inbound.country; "" where no trusted proxy says it. */
const char *door_country(const struct api *api, const struct httpd_request *request,
                         const struct brand *brand);

#endif
