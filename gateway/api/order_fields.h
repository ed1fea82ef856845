/* order_fields: the fields of an order request, as the API takes them. */
#ifndef API_ORDER_FIELDS_H
#define API_ORDER_FIELDS_H

#include <jansson.h>

#include "plan/plan.h"

/* Reads and checks the fields on their own; what depends on market and brand is plan_order_check's.
 * E_INVALID with every offending field. */
MUST_USE enum errc order_fields_read(struct plan_order_request *out, const json_t *json,
                                     struct err *err);

#endif
