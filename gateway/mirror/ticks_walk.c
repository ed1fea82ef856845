/* What marks pass and leave. The accounts concerned lie anywhere in memory: each one's parts are asked
 * for some steps before its turn, so that they are there when it comes. */
#include <stdlib.h>

#include "base/mem.h"
#include "mirror/ticks_core.h"

#define LIST_KEPT  4096u /* longer scratch lists are given back after the mark */
#define CACHE_LINE 64
#define AHEAD      2u /* turns from one step of fetching an account to the next, and to its own turn */
#define LEAD       (TICKS_FETCHES * AHEAD)

static void list_clear(struct ticks_list *list)
{
        list->n = 0;
        if (list->cap <= LIST_KEPT)
                return;
        free(list->key);
        *list = (struct ticks_list){0};
}

static void list_reverse(struct ticks_list *list, size_t from)
{
        for (size_t to = list->n; to > from + 1; from++) {
                struct ticks_key key = list->key[from];

                list->key[from] = list->key[--to];
                list->key[to] = key;
        }
}

/* --- ahead of time --- */

static void fetch_cells(const struct ticks *ticks, uint32_t account)
{
        const struct cells *cells = cells_get(&ticks->book, account);

        /* As many as five positions have, whatever its size is: that is not here yet. */
        for (unsigned at = 0; cells && at < 6 * CACHE_LINE; at += CACHE_LINE)
                __builtin_prefetch((const char *)cells + at, 1);
}

/* Each step needs what the one before has brought. */
static void fetch(const struct ticks *ticks, uint32_t account, unsigned step)
{
        if (step == 0)
                cells_fetch(&ticks->book, account);
        else if (step == 1)
                fetch_cells(ticks, account);
        if (ticks->hooks.fetch)
                ticks->hooks.fetch(ticks->hooks.cookie, account, step);
}

/* Goes through the pending list: key i's turn is at i + LEAD. */
static void walk(struct ticks *ticks,
                 void (*tell)(struct ticks *ticks, const struct ticks_key *key))
{
        struct ticks_list *list = &ticks->pending;

        for (size_t turn = 0; turn < list->n + LEAD; turn++) {
                for (unsigned step = 0; step < TICKS_FETCHES; step++) {
                        size_t at = turn - (size_t)step * AHEAD;

                        if (turn >= (size_t)step * AHEAD && at < list->n)
                                fetch(ticks, ticks_tag_account(list->key[at].tag), step);
                }
                if (turn >= LEAD)
                        tell(ticks, &list->key[turn - LEAD]);
        }
        list_clear(list);
}

/* --- crossings --- */

struct gather {
        struct ticks_list *list;
        uint32_t market;
        bool only, from_above; /* only: those of one direction */
};

static void gather_key(void *cookie, struct ladder_key key)
{
        struct gather *gather = cookie;

        if (!gather->only || ticks_tag_from_above(key.tag) == gather->from_above)
                ticks_list_add(gather->list,
                               (struct ticks_key){gather->market, key.price, key.tag});
}

/* Everything between the marks, in the order from the old one to the new one. */
static void gather_passed(struct gather *gather, const struct market *market)
{
        size_t first = gather->list->n;

        if (market->from < market->to)
                ladder_each(&market->threshold, market->from, market->to - 1, gather_key, gather);
        if (market->from > market->to) {
                ladder_each(&market->threshold, market->to, market->from - 1, gather_key, gather);
                list_reverse(gather->list, first);
        }
}

/* What the first mark reaches: as if it came from above to longs, and from below to shorts. */
static void gather_reached(struct gather *gather, const struct market *market)
{
        size_t first = gather->list->n;

        gather->only = true;
        gather->from_above = true;
        ladder_each(&market->threshold, market->to, INT64_MAX, gather_key, gather);
        list_reverse(gather->list, first);
        gather->from_above = false;
        ladder_each(&market->threshold, INT64_MIN, market->to - 1, gather_key, gather);
}

/* Tells of one crossing, unless a hook has replaced the position since. */
static void tell_crossed(struct ticks *ticks, const struct ticks_key *key)
{
        uint32_t account = ticks_tag_account(key->tag);
        const struct cells *cells = cells_get(&ticks->book, account);
        uint32_t at = cells_first(cells, key->market) + ticks_tag_index(key->tag);
        int64_t mark = ticks_market(ticks, key->market)->to;
        const struct cell *cell;

        if (!cells_is(cells, at, key->market, true))
                return;
        cell = &cells->cell[at];
        if (cell->fresh)
                return;
        ticks->stats.crossed++;
        ticks->hooks.crossed(ticks->hooks.cookie, account, key->market, cell->level,
                             cell->from_above == (mark <= key->price));
}

static void walk_crossed(struct ticks *ticks)
{
        for (unsigned i = 0; i < ticks->n_put; i++) {
                struct gather gather = {.list = &ticks->pending, .market = ticks->put[i]};
                const struct market *market = ticks_market(ticks, ticks->put[i]);

                if (market->from)
                        gather_passed(&gather, market);
                else
                        gather_reached(&gather, market);
        }
        walk(ticks, tell_crossed);
}

/* The walk is over: what hooks have set is like everything else. */
static void forget_renewed(struct ticks *ticks)
{
        for (size_t i = 0; i < ticks->renewed.n; i++) {
                const struct ticks_key *key = &ticks->renewed.key[i];
                struct cells *cells = cells_get(&ticks->book, ticks_tag_account(key->tag));
                uint32_t at = cells_first(cells, key->market);

                for (; cells_is(cells, at, key->market, true); at++)
                        cells->cell[at].fresh = false;
        }
        list_clear(&ticks->renewed);
}

/* --- looks --- */

/* Whether the mark is out of the band that the account has now. */
static bool has_left(const struct ticks *ticks, uint32_t account, uint32_t market, int64_t mark)
{
        const struct cells *cells = cells_get(&ticks->book, account);
        uint32_t at = cells_first(cells, market);

        at += cells_count(cells, at, market, true);
        return cells_is(cells, at, market, false) &&
               (mark < cells->cell[at].price || mark > cells->cell[at + 1].price);
}

static void tell_look(struct ticks *ticks, const struct ticks_key *key)
{
        uint32_t account = ticks_tag_account(key->tag);

        /* A look because of another market has set the band anew. */
        if (!has_left(ticks, account, key->market, ticks_market(ticks, key->market)->to))
                return;
        ticks->stats.looks++;
        ticks->hooks.look(ticks->hooks.cookie, account);
}

static void walk_looks(struct ticks *ticks)
{
        for (unsigned i = 0; i < ticks->n_put; i++) {
                struct gather gather = {.list = &ticks->pending, .market = ticks->put[i]};
                const struct market *market = ticks_market(ticks, ticks->put[i]);

                if (market->to < INT64_MAX)
                        ladder_each(&market->low, market->to + 1, INT64_MAX, gather_key, &gather);
                ladder_each(&market->high, INT64_MIN, market->to - 1, gather_key, &gather);
        }
        walk(ticks, tell_look);
}

/* --- a mark --- */

static void find_quiet(struct market *market)
{
        struct ladder_key key;

        market->quiet_from = 1;
        market->quiet_to = INT64_MAX;
        if (ladder_upto(&market->threshold, &key, market->mark - 1))
                market->quiet_from = key.price + 1;
        if (ladder_from(&market->threshold, &key, market->mark))
                market->quiet_to = key.price;
        if (ladder_upto(&market->low, &key, INT64_MAX) && key.price > market->quiet_from)
                market->quiet_from = key.price;
        if (ladder_from(&market->high, &key, INT64_MIN) && key.price < market->quiet_to)
                market->quiet_to = key.price;
}

void ticks_put(struct ticks *ticks, uint32_t id, struct px mark)
{
        struct market *market = ticks_market(ticks, id);
        int64_t old = market->mark;

        must(!ticks->walking);
        if (mark.v <= 0)
                return;
        ticks->stats.marks++;
        market->mark = market->to = mark.v;
        if (market->is_put || (old && mark.v >= market->quiet_from && mark.v <= market->quiet_to))
                return;
        market->is_put = true;
        market->from = old;
        ticks->put[ticks->n_put++] = id;
}

void ticks_tell(struct ticks *ticks)
{
        must(!ticks->walking);
        if (!ticks->n_put)
                return;
        ticks->walking = true;
        walk_crossed(ticks);
        walk_looks(ticks);
        forget_renewed(ticks);
        ticks->walking = false;
        for (unsigned i = 0; i < ticks->n_put; i++) {
                struct market *market = ticks_market(ticks, ticks->put[i]);

                market->is_put = false;
                find_quiet(market);
        }
        ticks->n_put = 0;
}

void ticks_mark(struct ticks *ticks, uint32_t market, struct px mark)
{
        ticks_put(ticks, market, mark);
        ticks_tell(ticks);
}
