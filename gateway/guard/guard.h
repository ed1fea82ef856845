/* guard: when a margin guard moves margin, and how much. A guard watches one isolated position: it adds
 * top_up when the liquidation distance falls below min_distance, never more than max_total in all, and
 * takes back what it added when the position has moved in the trader's favour. Pure and exact. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stdbool.h>

#include "base/err.h"
#include "base/num.h"
#include "risk/margin.h"

/* As the trader set it. Amounts are whole 0.000001 of the market's collateral. */
struct guard_rule {
        struct rate min_distance; /* > 0, < 1 */
        struct usd top_up;        /* > 0: added at a time */
        struct usd max_total;     /* >= top_up: the most that is in the position at a time */
        bool has_take_back;
        struct rate take_back_above; /* > min_distance */
};
/* E_INVALID, with every offending field of the API by its name in err. */
MUST_USE enum errc guard_rule_check(const struct guard_rule *rule, struct err *err);

enum guard_move { GUARD_REST, GUARD_ADD, GUARD_TAKE_BACK, GUARD_EXHAUSTED, GUARD_NO_MONEY };
const char *guard_move_name(enum guard_move move); /* "added", "takenBack", "exhausted", ... */

struct guard_decision {
        enum guard_move move;
        struct usd amount; /* ADD: > 0; TAKE_BACK: > 0, to be removed */
        struct rate distance;
        struct px mark, liquidation;
};
/* What to do now. position: isolated and open, valued at mark; added: what the guard has put in and not
 * taken back, whole 0.000001; free: what the account could add. EXHAUSTED: below min_distance with nothing
 * left of max_total; NO_MONEY: with less than an addition would need. An addition is top_up, or what is
 * left of max_total, or what is free when that is less, never below GUARD_LEAST. What is taken back
 * leaves the distance at take_back_above or more, and is top_up or more, or all that was added.
 * E_INVALID for a position that is not isolated or not open, E_RANGE. */
#define GUARD_LEAST (INT64_C(10000) * NUM_MICRO) /* 0.01: less is not worth an action */
MUST_USE enum errc guard_decide(struct guard_decision *out, const struct guard_rule *rule,
                                const struct margin_position *position, struct px mark,
                                struct usd added, struct usd free);

#endif
