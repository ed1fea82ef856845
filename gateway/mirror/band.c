#include "mirror/band.h"

#define ONE NUM_RATE_SCALE

/* What rounding can move a gap by, in 1e-8 dollars, per position: twice (at the look and later) two
 * maintenance figures cut to 0.000001 and doubled by a cover of 1, and the last unit of values. */
#define SLOP_POSITION (2 * (2 * NUM_MICRO + 4))
#define SLOP_ACCOUNT  8

/* Down: how much a gap may shrink, and up: grow, before a level changes. */
struct room {
        num_wide down, up;
};
#define ROOM_ANY ((num_wide)INT64_MAX)

static bool is_long(const struct band_position *position)
{
        return position->size.v > 0;
}

static enum errc levels_check(struct rate *largest, const struct band_levels *levels)
{
        int64_t last = 0; /* of the distance kind */

        largest->v = 0;
        if (levels->n > BAND_LEVELS_MAX)
                return E_INVALID;
        for (unsigned i = 0; i < levels->n; i++) {
                int64_t at = levels->level[i].at.v;

                if (at < 0 || at > ONE)
                        return E_INVALID;
                if (levels->level[i].kind == BAND_DISTANCE && at < last)
                        return E_INVALID;
                if (levels->level[i].kind == BAND_DISTANCE)
                        last = at;
                if (at > largest->v)
                        largest->v = at;
        }
        return 0;
}

/* Values the positions and sums them up. */
static enum errc sum_up(struct band_account *out, struct band_edges *edges, struct usd cash,
                        const struct band_position *position, size_t n)
{
        enum errc rc = 0;

        *out = (struct band_account){.value = cash};
        for (size_t i = 0; i < n; i++) {
                struct qty size = {is_long(&position[i]) ? position[i].size.v
                                                         : -position[i].size.v};

                rc = num_notional(&edges[i].value, position[i].mark, size, NUM_DOWN);
                if (rc)
                        break;
                rc = margin_maintenance(&edges[i].maintenance, position[i].tiers, edges[i].value);
                if (rc)
                        break;
                rc = is_long(&position[i]) ? num_usd_add(&out->value, out->value, edges[i].value)
                                           : num_usd_sub(&out->value, out->value, edges[i].value);
                if (rc)
                        break;
                rc = num_usd_add(&out->maintenance, out->maintenance, edges[i].maintenance);
                if (rc)
                        break;
        }
        return rc;
}

/* Takes a level's gap into account; true where the level is reached. */
static bool take_gap(struct room *room, num_wide gap)
{
        num_wide may = gap < 0 ? -gap - 1 : gap;
        num_wide *side = gap < 0 ? &room->up : &room->down;

        if (may >= ROOM_ANY)
                may = ROOM_ANY - 1;
        if (may < *side)
                *side = may;
        return gap < 0;
}

/* The gap of one position's distance level. */
static enum errc distance_gap(num_wide *gap, const struct band_edges *edges,
                              const struct band_account *account,
                              const struct band_position *position, struct rate distance)
{
        num_wide shift = (num_wide)edges->value.v * distance.v / ONE;
        num_wide there = edges->value.v + (is_long(position) ? -shift : shift);
        struct usd maintenance = edges->maintenance;
        enum errc rc = E_RANGE;

        if (there > INT64_MAX)
                goto done;
        rc = 0;
        if (shift)
                rc = margin_maintenance(&maintenance, position->tiers,
                                        (struct usd){(int64_t)there});
        *gap = (num_wide)account->value.v - shift - account->maintenance.v + edges->maintenance.v -
               maintenance.v;
done:
        return rc;
}

/* From the largest distance down: below one that is not reached, none is, and their gaps are larger. */
static enum errc take_distances(struct room *room, struct band_edges *edges,
                                const struct band_account *account,
                                const struct band_position *position,
                                const struct band_levels *levels)
{
        bool reached = true;
        enum errc rc = 0;

        for (unsigned i = levels->n; i-- > 0 && reached;) {
                num_wide gap = 0;

                if (levels->level[i].kind != BAND_DISTANCE)
                        continue;
                rc = distance_gap(&gap, edges, account, position, levels->level[i].at);
                if (rc)
                        break;
                reached = take_gap(room, gap);
                edges->reached |= (uint32_t)reached << i;
        }
        return rc;
}

static void take_covers(struct room *room, struct band_account *account,
                        const struct band_levels *levels)
{
        for (unsigned i = 0; i < levels->n; i++) {
                num_wide more = (num_wide)account->maintenance.v * levels->level[i].at.v / ONE;

                if (levels->level[i].kind == BAND_COVER &&
                    take_gap(room, (num_wide)account->value.v - account->maintenance.v - more))
                        account->reached |= UINT32_C(1) << i;
        }
}

/* W of the formula, in 1e-8 dollars, rounded up. */
static num_wide weight_of(const struct band_edges *edges, const struct band_position *position,
                          size_t n, struct rate largest)
{
        num_wide sum = 0;

        for (size_t i = 0; i < n; i++) {
                const struct margin_table *tiers = position[i].tiers;
                int64_t rate = ONE / (2 * (int64_t)tiers->tier[tiers->n - 1].max_leverage) + 1;
                num_wide fastest = ONE;

                if (!is_long(&position[i]))
                        fastest = (num_wide)(ONE + largest.v) * (ONE + rate) / ONE + 1;
                sum += ((num_wide)edges[i].value.v + 1) * fastest / ONE + 1;
        }
        return sum;
}

/* How far a mark may go with its share of the room. */
static num_wide travel(struct px mark, num_wide room, num_wide weight)
{
        if (room == ROOM_ANY)
                return ROOM_ANY;
        return room > 0 ? mark.v * room / weight : 0;
}

static void set_edges(struct band_edges *edges, const struct band_position *position,
                      const struct room *room, num_wide weight)
{
        num_wide down = travel(position->mark, room->down, weight);
        num_wide up = travel(position->mark, room->up, weight);
        num_wide below = is_long(position) ? down : up;
        num_wide above = is_long(position) ? up : down;

        edges->low.v = below < position->mark.v ? position->mark.v - (int64_t)below : 0;
        edges->high.v = above < INT64_MAX - position->mark.v ? position->mark.v + (int64_t)above
                                                             : INT64_MAX;
}

static void shrink(num_wide *room, size_t n)
{
        if (*room != ROOM_ANY)
                *room -= (num_wide)n * SLOP_POSITION + SLOP_ACCOUNT;
}

enum errc band_look(struct band_account *out, struct band_edges *edges, struct usd cash,
                    const struct band_position *position, size_t n,
                    const struct band_levels *levels)
{
        struct room room = {ROOM_ANY, ROOM_ANY};
        struct rate largest;
        num_wide weight;
        enum errc rc = E_INVALID;

        *out = (struct band_account){.value = cash};
        for (size_t i = 0; i < n; i++)
                edges[i] = (struct band_edges){.low = position[i].mark, .high = position[i].mark};
        for (size_t i = 0; i < n; i++)
                if (position[i].mark.v <= 0 || !position[i].size.v ||
                    position[i].size.v == INT64_MIN)
                        goto done;
        rc = levels_check(&largest, levels);
        if (rc)
                goto done;
        rc = sum_up(out, edges, cash, position, n);
        if (rc)
                goto done;
        for (size_t i = 0; i < n; i++) {
                rc = take_distances(&room, &edges[i], out, &position[i], levels);
                if (rc)
                        goto done;
                out->reached |= edges[i].reached;
        }
        take_covers(&room, out, levels);
        shrink(&room.down, n);
        shrink(&room.up, n);
        weight = weight_of(edges, position, n, largest);
        for (size_t i = 0; i < n; i++)
                set_edges(&edges[i], &position[i], &room, weight);
done:
        return rc;
}

enum errc band_threshold(struct px *out, struct px liquidation, bool for_long, struct rate distance)
{
        enum errc rc = E_INVALID;

        if (distance.v < 0 || distance.v >= ONE || liquidation.v <= 0)
                goto done;
        rc = for_long ? num_muldiv(&out->v, liquidation.v, ONE, ONE - distance.v, NUM_DOWN)
                      : num_muldiv(&out->v, liquidation.v, ONE, ONE + distance.v, NUM_UP);
        if (rc == E_RANGE) {
                out->v = INT64_MAX;
                rc = 0;
        }
done:
        return rc;
}
