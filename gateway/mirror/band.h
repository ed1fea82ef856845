/* band: how far marks may move before anything that matters of a cross account can change, so that
 * until then nobody has to look at it again. Pure: no I/O, no clock, no memory of its own.
 *
 * A level is reached where a gap, in dollars, is below zero. With E the account's value, M the sum of
 * maintenance, v a position's value and side +1 or -1:
 *
 *     distance b, of one position:  E - b v - M', M' being M with that position at v (1 - side b);
 *                                   below zero where its liquidation distance is less than b, and
 *                                   with b = 0 where the account is to be liquidated
 *     cover c, of the account:      E - (1 + c) M
 *
 * No gap moves faster than K v for each position's relative move: K = 1 for a long, since
 * maintenance takes back part of what it gains; K = (1 + b)(1 + m) for a short, b being the largest
 * level and m the last tier's maintenance rate. A long's gain never shrinks a gap, nor does a short's
 * when its mark falls. So with
 *
 *     D = the smallest gap of a level that is not reached,  U = the same of those that are, negated,
 *     W = sum of K v over the positions,
 *
 * every mark may at once move by the part D / W of itself against its position, and by U / W in its
 * favour: all of them together then use up the gap at most, whatever each of them does inside its band.
 * Where nothing is reached U is unlimited, and a band has one edge only. What the cuts to 0.000001 can
 * add is taken off D and U. */
#ifndef MIRROR_BAND_H
#define MIRROR_BAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/num.h"
#include "risk/margin.h"

#define BAND_LEVELS_MAX 16

enum band_kind { BAND_DISTANCE, BAND_COVER };

struct band_level {
        enum band_kind kind;
        struct rate at; /* 0..1; a level for coming back (hysteresis) is one more level */
};
struct band_levels {
        unsigned n; /* those of the distance kind in rising order */
        struct band_level level[BAND_LEVELS_MAX];
};

struct band_position {
        struct qty size; /* signed, not 0 */
        struct px mark;  /* > 0 */
        const struct margin_table *tiers;
};

/* What a look finds out about one position. */
struct band_edges {
        struct usd value, maintenance;
        uint32_t reached;    /* bit i: level i, of the distance kind */
        struct px low, high; /* for ticks_set_band */
};
/* And about the account. */
struct band_account {
        struct usd value, maintenance;
        uint32_t
                reached; /* bit i: level i, of the cover kind, or of the distance kind at any position */
};

/* Looks at a cross account: cash is its value without the positions' signed values. edges has a row
 * per position. E_INVALID for a size, mark, table or level that is none; E_RANGE. With an error each
 * low and high is the mark itself: look again with the next one. */
MUST_USE enum errc band_look(struct band_account *out, struct band_edges *edges, struct usd cash,
                             const struct band_position *position, size_t n,
                             const struct band_levels *levels);

/* The mark at which an isolated position's liquidation distance comes to the level: at or below it for
 * a long, at or above for a short. With a level of 0 the liquidation price itself. E_INVALID unless
 * 0 <= distance < 1 and liquidation > 0; a price beyond what px holds is the largest px. */
MUST_USE enum errc band_threshold(struct px *out, struct px liquidation, bool for_long,
                                  struct rate distance);

#endif
