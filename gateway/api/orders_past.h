/* orders_past: orders that are over. */
#ifndef API_ORDERS_PAST_H
#define API_ORDERS_PAST_H

#include <stdbool.h>

struct call;

/* Takes GET /v1/orders where its query asks for more than open orders, or is not valid: then call is
 * answered, now or later. False: it is about open orders, and nothing was done. */
bool orders_past_take(struct call *call);

#endif
