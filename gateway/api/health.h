/* health: is the gateway ready, and how fresh is what it knows. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include <stdbool.h>

#include "base/buf.h"

struct api;

/* Appends the readiness document; true when store, venue and feed are usable and nothing drains. */
bool health_print(struct api *api, struct buf *out);

#endif
