/* order_answers: what the answers to the gateway's own actions say of orders, for order_watch. What an answer
 * leaves open is asked. Pure. */
#ifndef API_ORDER_ANSWERS_H
#define API_ORDER_ANSWERS_H

#include "api/order_watch.h"

/* venue names the markets. */
void order_answers_take(struct order_watch *watch, const struct venue *venue,
                        const struct venue_action *action, const struct venue_outcome *outcome,
                        int64_t now);

#endif
