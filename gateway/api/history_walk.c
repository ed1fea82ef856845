#include "api/history_walk.h"

void history_walk_begin(struct history_walk *walk, int64_t start, int64_t end)
{
        *walk = (struct history_walk){.start = start, .end = end, .floor = end, .from = start};
}

bool history_walk_is_done(const struct history_walk *walk)
{
        return walk->floor <= walk->start;
}

static int64_t at_least(int64_t value, int64_t bound)
{
        return value < bound ? bound : value;
}

bool history_walk_take(struct history_walk *walk, const struct venue_span *span)
{
        int64_t length = walk->floor - walk->from;

        switch (span->part) {
        case VENUE_WHOLE:
                walk->floor = walk->from;
                /* What was short enough this time may be longer next time. */
                walk->from =
                        at_least(length > walk->floor / 4 ? walk->start : walk->floor - 4 * length,
                                 walk->start);
                return true;
        case VENUE_OLDER_MISSING:
                /* Of the oldest millisecond there may be more, unless there is nothing newer. */
                walk->floor =
                        span->oldest_at + 1 < walk->floor ? span->oldest_at + 1 : span->oldest_at;
                walk->from = walk->start;
                return true;
        case VENUE_NEWER_MISSING:
                if (span->newest_at <= walk->from) { /* so dense that no window is short enough */
                        walk->floor = walk->from;
                        walk->from = walk->start;
                        return true;
                }
                /* Half of what so many rows took here, counted from the end. */
                length = (span->newest_at - span->oldest_at) / 2;
                walk->from = at_least(walk->floor - (length > 0 ? length : 1), span->newest_at);
                if (walk->from >= walk->floor)
                        walk->from = walk->floor - 1;
                return false;
        }
        return false;
}
