/* store_intent_parts: an intent's steps and orders as the bytes that migrations/001_initial.sql
 * describes. */
#ifndef STORE_STORE_INTENT_PARTS_H
#define STORE_STORE_INTENT_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

#define STORE_STEP_BYTES  65
#define STORE_ORDER_BYTES 32

struct store_intent_parts {
        uint8_t steps[INTENT_STEPS_MAX * STORE_STEP_BYTES];
        uint8_t orders[INTENT_ORDERS_MAX * STORE_ORDER_BYTES];
        size_t steps_len, orders_len;
};

/* E_RANGE for a number above INT64_MAX. */
MUST_USE enum errc store_intent_parts_pack(struct store_intent_parts *out,
                                           const struct store_intent *in);
/* Fill n_steps and step, n_orders and order. E_STORE_DOWN for bytes that pack did not make. */
MUST_USE enum errc store_intent_parts_steps(struct store_intent *out, const uint8_t *bytes,
                                            size_t len);
MUST_USE enum errc store_intent_parts_orders(struct store_intent *out, const uint8_t *bytes,
                                             size_t len);

#endif
