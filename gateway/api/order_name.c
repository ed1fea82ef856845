#include "api/order_name.h"

#include <string.h>

enum errc order_name_parse(struct order_name *name, const char *s)
{
        int64_t n = 0;

        *name = (struct order_name){.by_cloid = false};
        if (hex_parse_cloid(&name->cloid, s, strlen(s)) == E_OK) {
                name->by_cloid = true;
                return E_OK;
        }
        if (num_parse(&n, s, strlen(s), 0, NUM_REFUSE) || n <= 0)
                return E_NOT_FOUND;
        name->oid = (uint64_t)n;
        return E_OK;
}

char *order_name_print(char *buf, const struct venue_open_order *order)
{
        return order->has_cloid ? hex_print_cloid(buf, &order->cloid)
                                : num_print(buf, (int64_t)order->oid, 0, 0);
}
