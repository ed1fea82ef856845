/* positions: an open position as GET /v1/positions shows it. */
#ifndef API_POSITIONS_H
#define API_POSITIONS_H

#include "base/buf.h"
#include "base/hex.h"

struct api;
struct gather_part;

/* Position i of the part, with its protective orders and the brand's guard. */
void positions_row(struct buf *out, const struct api *api, const char *brand,
                   const struct addr *account, const struct gather_part *part, unsigned i);

#endif
