/* order_status: the venue's words for what became of an order, as ours. Pure. */
#ifndef API_ORDER_STATUS_H
#define API_ORDER_STATUS_H

#include <stdbool.h>

#include "adapters/venue.h"

/* False where the venue's word is none that we know: then nothing is said about the order. */
MUST_USE bool order_status_read(enum venue_item_status *out, const struct venue_order_status *s);
/* The API's word: resting, partiallyFilled, filled, triggerPending, cancelled, rejected, unknown. */
const char *order_status_word(const struct venue_order_status *s);

#endif
