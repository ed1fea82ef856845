/* hl_budget: the request weight of one egress address. The venue counts weight per minute; what was
 * spent in the last 60 seconds is kept by the second, so that no minute, wherever it begins, holds
 * more than the limit. Reads leave a reserve untouched that only orders may use. Pure. */
#ifndef HL_BUDGET_H
#define HL_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define HL_BUDGET_SLOTS 61 /* one second each; the oldest may be partly inside the minute */

struct hl_budget {
        unsigned per_minute;
        unsigned order_reserve;
        int64_t second; /* monotonic, of the newest slot */
        unsigned spent[HL_BUDGET_SLOTS];
        unsigned total;
        int64_t reads_held_until; /* the venue said 429 */
        unsigned holds;           /* in a row */
};

void hl_budget_init(struct hl_budget *budget, unsigned per_minute, unsigned order_reserve,
                    int64_t mono_ms);
/* Takes weight, or answers how many milliseconds to wait at least before it may be there. A weight
 * above the whole limit is taken when nothing else was spent. 0: taken. */
MUST_USE int64_t hl_budget_take(struct hl_budget *budget, unsigned weight, bool is_order,
                                int64_t mono_ms);
/* The same for the whole limit, without taking it. */
MUST_USE int64_t hl_budget_wait(struct hl_budget *budget, unsigned weight, int64_t mono_ms);
/* Weight that was spent without being asked for: long answers cost more. */
void hl_budget_charge(struct hl_budget *budget, unsigned weight, int64_t mono_ms);
/* The venue answered 429: reads pause for retry_after_ms, or, when that is negative, for one second,
 * then two, and so on up to 32, until an answer comes. What was under way when the pause began is refused
 * with it and counts once. */
void hl_budget_hold(struct hl_budget *budget, int64_t retry_after_ms, int64_t mono_ms);
void hl_budget_answered(struct hl_budget *budget); /* something other than 429 */
unsigned hl_budget_left(struct hl_budget *budget, int64_t mono_ms);

#endif
