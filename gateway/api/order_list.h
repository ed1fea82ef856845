/* order_list: GET /v1/orders: those that are open, or those that are over, by page. */
#ifndef API_ORDER_LIST_H
#define API_ORDER_LIST_H

struct call;

void order_list_answer(struct call *call);

#endif
