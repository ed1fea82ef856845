/* order_name: how a trader names an order: by our id ("0x" and 32 digits) or the venue's number. */
#ifndef API_ORDER_NAME_H
#define API_ORDER_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/venue.h"

struct order_name {
        bool by_cloid;
        struct cloid cloid;
        uint64_t oid;
};

/* E_NOT_FOUND for what no order is called. */
MUST_USE enum errc order_name_parse(struct order_name *name, const char *s);
/* The order's name for its trader: our id where it has one. Returns buf, of CALL_PARAM_MAX bytes. */
char *order_name_print(char *buf, const struct venue_open_order *order);

#endif
