/* order_told: what the answer that was given, as the journal keeps it, says of one order of a request:
 * the order itself, one of its legs, or one of a batch. Pure. */
#ifndef API_ORDER_TOLD_H
#define API_ORDER_TOLD_H

#include <stdbool.h>

#include "base/num.h"

struct order_told {
        bool is_refused;
        bool is_filled;                /* as far as it could be: an end */
        char filled_size[NUM_STR_MAX]; /* then */
        char venue_message[192];       /* "" where the venue said nothing */
};

/* answer may be NULL: nothing is told of an order without one, or that it does not name. */
void order_told_read(struct order_told *out, const char *answer, const char *id);

#endif
