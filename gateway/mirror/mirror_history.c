/* The venue's own list of fills, asked for when nothing that was told explains a difference: a state shows what
 * the state before had, and all fills between the two. */
#include <string.h>

#include "mirror/mirror_core.h"

struct list_of_fills {
        const struct venue_fill *row;
        size_t n;
        int64_t from, until; /* of the two states */
};

/* Of the states' own milliseconds a fill may be of before or of after. */
enum edge { EDGE_FIRST = 1, EDGE_LAST = 2, EDGES = 4 };

static bool is_between(const struct list_of_fills *list, const struct venue_fill *fill,
                       unsigned edges)
{
        if (fill->at == list->from)
                return edges & EDGE_FIRST;
        if (fill->at == list->until)
                return edges & EDGE_LAST;
        return fill->at > list->from && fill->at < list->until;
}

struct sum {
        num_wide size;
        unsigned n;
};

/* What was filled: all of it, and what nobody told. */
static void add_up(const struct list_of_fills *list, const struct mirror_place *place,
                   unsigned edges, struct sum *all, struct sum *untold)
{
        *all = *untold = (struct sum){0};
        for (size_t i = 0; i < list->n; i++) {
                const struct venue_fill *fill = &list->row[i];
                bool buys = fill->side == SIDE_BUY;
                num_wide size = buys ? fill->size.v : -(num_wide)fill->size.v;

                if (strcmp(fill->symbol, place->symbol) != 0 || !is_between(list, fill, edges))
                        continue;
                all->size += size;
                all->n++;
                if (mirror_trade_seen(place, fill->tid, buys))
                        continue;
                untold->size += size;
                untold->n++;
        }
}

/* The fills make the size, to the last lot: all of them what it changed by since the state before, or those that
 * nobody told what is missing. (The list lacks fills of TWAP orders, which trades told.) Margin of a position
 * that is otherwise the same is moved by none. */
static bool is_made(const struct list_of_fills *list, const struct mirror *mirror,
                    const struct drift_row *row)
{
        struct sum all, untold;

        if (row->is_of_margin)
                return true;
        for (unsigned edges = 0; edges < EDGES; edges++) {
                add_up(list, &mirror->place[row->market], edges, &all, &untold);
                if ((all.n && all.size == row->whole) || (untold.n && untold.size == row->size))
                        return true;
        }
        return false;
}

static bool is_of(const struct venue_fill *fill, const char *direction)
{
        return !strncmp(fill->direction, direction, strlen(direction));
}

/* What of the market was liquidated, as a position with the margin that was lost with it. */
static bool liquidated(const struct list_of_fills *list, const char *symbol,
                       struct shadow_position *out)
{
        num_wide size = 0, lost = 0;

        for (size_t i = 0; i < list->n; i++) {
                const struct venue_fill *fill = &list->row[i];

                if (strcmp(fill->symbol, symbol) != 0 || !is_of(fill, "Liquidated") ||
                    !is_between(list, fill, EDGE_FIRST | EDGE_LAST))
                        continue;
                out->mode = is_of(fill, "Liquidated Isolated") ? MARGIN_ISOLATED : MARGIN_CROSS;
                size += fill->side == SIDE_BUY ? -(num_wide)fill->size.v : fill->size.v;
                lost -= fill->closed_pnl.v;
        }
        if (!size || size > INT64_MAX || size < -INT64_MAX || lost > INT64_MAX || lost < -INT64_MAX)
                return false;
        out->size.v = (int64_t)size;
        out->raw_usd.v = (int64_t)lost;
        return true;
}

/* True where any of it was. */
static bool tell_liquidated(struct mirror *mirror, struct suspicion *one,
                            const struct list_of_fills *list)
{
        bool is_any = false;

        for (uint32_t i = 0; i < one->n_rows; i++) {
                uint32_t market = one->row[i].market;
                const struct shadow_position *had = shadow_position(&one->had, market);
                struct shadow_position taken = {.market = market};

                if (!liquidated(list, mirror->place[market].symbol, &taken))
                        continue;
                is_any = true;
                /* All of it as it was known: its margin is what went. */
                if (had && had->size.v == taken.size.v && had->mode == taken.mode)
                        taken = *had;
                mirror_liquidation_tell(mirror, one->shadow, &taken, true, one->until);
        }
        return is_any;
}

void mirror_history(struct mirror *mirror, const struct addr *user, const char *dex, int64_t from,
                    int64_t until, const struct venue_fill *rows, size_t n)
{
        struct list_of_fills list = {rows, n, from, until};
        struct shadow *s = mirror_shadow_named(mirror, user, dex);

        for (struct suspicion *one = s ? s->suspicion : NULL, *next; one; one = next) {
                bool is_all = true;

                next = one->next;
                if (!one->history_at || one->venue_from != from || one->venue_until != until)
                        continue;
                for (uint32_t i = 0; i < one->n_rows && is_all; i++)
                        is_all = is_made(&list, mirror, &one->row[i]);
                one->is_answered = true;
                if (is_all)
                        suspicion_explain(mirror, one,
                                          tell_liquidated(mirror, one, &list) ? CAUSE_LIQUIDATION
                                                                              : CAUSE_ASKED);
        }
}
