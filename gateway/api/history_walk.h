/* history_walk: which windows of the past to read next. Pure.
 * A venue answers a window whole, or with its newest rows, or with its oldest: then the newest,
 * which come first here, are missing. The walk goes back from the end and knows at every moment down to
 * where nothing is missing any more (floor). */
#ifndef API_HISTORY_WALK_H
#define API_HISTORY_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/venue.h"

struct history_walk {
        int64_t start, end; /* of the whole way: [start, end) */
        int64_t floor;      /* everything in [floor, end) has been read */
        int64_t from;       /* the window to read next is [from, floor) */
};

void history_walk_begin(struct history_walk *walk, int64_t start, int64_t end);
bool history_walk_is_done(const struct history_walk *walk);
/* Takes note of the answer to [from, floor); true when its rows at or above the new floor are part
 * of a known stretch, false when they must be forgotten, as newer ones are missing. */
bool history_walk_take(struct history_walk *walk, const struct venue_span *span);

#endif
