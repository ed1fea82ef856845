/* A threshold is kept as the price just below its flip: a long's at p flips between p and p + 1, a
 * short's between p - 1 and p. Then every kind flips when the mark passes from "at most" to "above",
 * and a mark that goes from a to b passes exactly the keys in [min(a, b), max(a, b)). */
#include "mirror/ticks.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/cells.h"
#include "mirror/ladder.h"

#define LIST_KEPT 4096u /* longer scratch lists are given back after the mark */

struct market {
        struct ladder threshold, low, high;
        int64_t mark; /* 0: none yet */
        /* Marks from .. to pass nothing and leave no band: the cursor's two neighbours. */
        int64_t quiet_from, quiet_to;
};

/* What a walk works through while hooks change the ladders. */
struct list {
        struct ladder_key *key;
        size_t n, cap;
};

struct ticks {
        struct ticks_hooks hooks;
        unsigned markets;
        struct market *market;
        struct cells_book book;
        bool walking;
        uint32_t walked;
        struct list pending, renewed;
        struct ticks_stats stats; /* all but bytes */
};

/* --- who a key belongs to --- */

static uint64_t tag_of(uint32_t account, size_t index, const struct cell *cell)
{
        return (uint64_t)account << 32 | (uint64_t)index << 16 | (uint64_t)cell->level << 8 |
               (uint64_t)cell->from_above;
}

static uint32_t tag_account(uint64_t tag)
{
        return (uint32_t)(tag >> 32);
}

static uint32_t tag_index(uint64_t tag)
{
        return (uint32_t)(tag >> 16 & 0xff);
}

static void list_add(struct list *list, struct ladder_key key)
{
        if (list->n == list->cap) {
                list->cap = list->cap ? 2 * list->cap : 64;
                list->key = xrealloc(list->key, list->cap * sizeof *list->key);
        }
        list->key[list->n++] = key;
}

static void list_clear(struct list *list)
{
        list->n = 0;
        if (list->cap <= LIST_KEPT)
                return;
        free(list->key);
        *list = (struct list){0};
}

static void list_reverse(struct list *list, size_t from)
{
        for (size_t to = list->n; to > from + 1; from++) {
                struct ladder_key key = list->key[from];

                list->key[from] = list->key[--to];
                list->key[to] = key;
        }
}

static struct market *market_get(const struct ticks *ticks, uint32_t id)
{
        must(id < ticks->markets);
        return &ticks->market[id];
}

/* --- cells and ladders --- */

static struct ladder *ladder_of(struct market *market, const struct cell *cell)
{
        if (cell->kind == CELL_LOW)
                return &market->low;
        return cell->kind == CELL_HIGH ? &market->high : &market->threshold;
}

/* An edge that no mark leaves is in no ladder. */
static bool is_open(const struct cell *cell)
{
        return (cell->kind == CELL_LOW && cell->price == 0) ||
               (cell->kind == CELL_HIGH && cell->price == INT64_MAX);
}

static void cell_leave(struct market *market, uint32_t account, uint32_t index,
                       const struct cell *cell)
{
        struct ladder_key key = {cell->price, tag_of(account, index, cell)};

        if (!is_open(cell))
                ladder_take(ladder_of(market, cell), key);
}

static void cell_enter(struct market *market, uint32_t account, uint32_t index,
                       const struct cell *cell)
{
        struct ladder_key key = {cell->price, tag_of(account, index, cell)};
        bool is_upper = cell->kind == CELL_HIGH ||
                        (cell->kind == CELL_THRESHOLD && cell->price >= market->mark);

        if (is_open(cell))
                return;
        ladder_add(ladder_of(market, cell), key);
        if (is_upper && cell->price < market->quiet_to)
                market->quiet_to = cell->price;
        if (!is_upper && cell->price >= market->quiet_from)
                market->quiet_from = cell->price + (cell->kind == CELL_THRESHOLD);
}

/* Puts n cells in the place of old ones. Ladders see only what differs. */
static void cells_replace(struct ticks *ticks, uint32_t id, uint32_t at, uint32_t old,
                          const struct cell *with, uint32_t n)
{
        struct cells *account = cells_get(&ticks->book, id);
        struct market *market = n ? market_get(ticks, with->market) : NULL;
        uint32_t keeps = 0; /* bit i: cell i stays as it is */
        struct cell *cell;

        for (uint32_t i = 0; i < old; i++) {
                cell = &account->cell[at + i];
                if (i < n && cell->price == with[i].price && cell->level == with[i].level &&
                    cell->from_above == with[i].from_above)
                        keeps |= UINT32_C(1) << i;
                else
                        cell_leave(market_get(ticks, cell->market), id, i, cell);
        }
        cell = cells_resize(&ticks->book, id, at, old, n);
        for (uint32_t i = 0; i < n; i++) {
                cell[i] = with[i];
                if (!(keeps >> i & 1))
                        cell_enter(market, id, i, &with[i]);
        }
        if (n && with->fresh)
                list_add(&ticks->renewed, (struct ladder_key){0, tag_of(id, 0, with)});
}

/* --- setting --- */

enum errc ticks_set_position(struct ticks *ticks, uint32_t account, uint32_t market,
                             const struct ticks_threshold *threshold, size_t n)
{
        bool fresh = ticks->walking && market == ticks->walked;
        struct cells *cells = cells_get(&ticks->book, account);
        struct cell with[TICKS_LEVELS_MAX];
        enum errc rc = E_INVALID;
        uint32_t at, old;

        (void)market_get(ticks, market);
        if (n > TICKS_LEVELS_MAX)
                goto done;
        for (size_t i = 0; i < n; i++) {
                if (threshold[i].price.v < 0)
                        goto done;
                with[i] = (struct cell){
                        .price = threshold[i].price.v - !threshold[i].from_above,
                        .market = market,
                        .kind = CELL_THRESHOLD,
                        .level = threshold[i].level,
                        .from_above = threshold[i].from_above,
                        .fresh = fresh,
                };
        }
        rc = 0;
        at = cells_first(cells, market);
        old = cells_count(cells, at, market, true);
        if (old || n)
                cells_replace(ticks, account, at, old, with, (uint32_t)n);
        ticks->stats.thresholds += n - old;
done:
        return rc;
}

void ticks_set_band(struct ticks *ticks, uint32_t account, uint32_t market, bool has, struct px low,
                    struct px high)
{
        struct cells *cells = cells_get(&ticks->book, account);
        struct cell with[2] = {
                {.price = low.v > 0 ? low.v : 0, .market = market, .kind = CELL_LOW},
                {.price = high.v, .market = market, .kind = CELL_HIGH},
        };
        uint32_t at = cells_first(cells, market);
        uint32_t old;

        (void)market_get(ticks, market);
        at += cells_count(cells, at, market, true);
        old = cells_count(cells, at, market, false);
        if (old || has)
                cells_replace(ticks, account, at, old, with, has ? 2 : 0);
        ticks->stats.bands += (size_t)has - old / 2;
}

/* Forgets what the account holds in the market. */
static void drop_holding(struct ticks *ticks, uint32_t id, uint32_t market)
{
        must(!ticks_set_position(ticks, id, market, NULL, 0));
        ticks_set_band(ticks, id, market, false, (struct px){0}, (struct px){0});
}

void ticks_drop_account(struct ticks *ticks, uint32_t id)
{
        struct cells *account;

        for (account = cells_get(&ticks->book, id); account; account = cells_get(&ticks->book, id))
                drop_holding(ticks, id, account->cell[account->n - 1].market);
}

void ticks_drop_market(struct ticks *ticks, uint32_t id)
{
        struct market *market = market_get(ticks, id);
        struct ladder *ladder[] = {&market->threshold, &market->low, &market->high};
        struct ladder_key key;

        /* By account, since a band without edges is on no ladder. */
        for (uint32_t i = 0; i < TICKS_ACCOUNTS_MAX; i++) {
                if (!ticks->book.page[i / CELLS_PAGE])
                        i += CELLS_PAGE - 1;
                else if (cells_get(&ticks->book, i))
                        drop_holding(ticks, i, id);
        }
        for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++)
                must(!ladder_from(ladder[i], &key, INT64_MIN));
        market->mark = 0;
}

/* --- a mark --- */

struct gather {
        struct list *list;
        bool only, from_above; /* only: those of one direction */
};

static void gather_key(void *cookie, struct ladder_key key)
{
        struct gather *gather = cookie;

        if (!gather->only || (key.tag & 1) == gather->from_above)
                list_add(gather->list, key);
}

/* Everything between the marks, in the order from old to mark. */
static void gather_passed(struct ticks *ticks, const struct market *market, int64_t old)
{
        struct gather gather = {.list = &ticks->pending};

        if (old < market->mark)
                ladder_each(&market->threshold, old, market->mark - 1, gather_key, &gather);
        if (old > market->mark) {
                ladder_each(&market->threshold, market->mark, old - 1, gather_key, &gather);
                list_reverse(&ticks->pending, 0);
        }
}

/* What the first mark reaches: as if it came from above to longs, and from below to shorts. */
static void gather_reached(struct ticks *ticks, const struct market *market)
{
        struct gather gather = {.list = &ticks->pending, .only = true, .from_above = true};

        ladder_each(&market->threshold, market->mark, INT64_MAX, gather_key, &gather);
        list_reverse(&ticks->pending, 0);
        gather.from_above = false;
        ladder_each(&market->threshold, INT64_MIN, market->mark - 1, gather_key, &gather);
}

/* Tells of one crossing, unless a hook has replaced the position since. */
static void tell_crossed(struct ticks *ticks, uint32_t id, int64_t mark, struct ladder_key key)
{
        uint32_t account = tag_account(key.tag);
        const struct cells *cells = cells_get(&ticks->book, account);
        uint32_t at = cells_first(cells, id) + tag_index(key.tag);
        const struct cell *cell;

        if (!cells_is(cells, at, id, true))
                return;
        cell = &cells->cell[at];
        if (cell->fresh)
                return;
        ticks->stats.crossed++;
        ticks->hooks.crossed(ticks->hooks.cookie, account, id, cell->level,
                             cell->from_above == (mark <= key.price));
}

static void walk_crossed(struct ticks *ticks, uint32_t id, int64_t old)
{
        const struct market *market = market_get(ticks, id);
        int64_t mark = market->mark;

        if (old)
                gather_passed(ticks, market, old);
        else
                gather_reached(ticks, market);
        for (size_t i = 0; i < ticks->pending.n; i++)
                tell_crossed(ticks, id, mark, ticks->pending.key[i]);
        list_clear(&ticks->pending);
}

/* The walk is over: what hooks have set is like everything else. */
static void forget_renewed(struct ticks *ticks, uint32_t id)
{
        for (size_t i = 0; i < ticks->renewed.n; i++) {
                struct cells *cells =
                        cells_get(&ticks->book, tag_account(ticks->renewed.key[i].tag));
                uint32_t at = cells_first(cells, id);

                for (; cells_is(cells, at, id, true); at++)
                        cells->cell[at].fresh = false;
        }
        list_clear(&ticks->renewed);
}

/* Which of the account's edges in the market the mark has left; low first where it is both. */
static bool has_left(const struct ticks *ticks, uint32_t account, uint32_t id, int64_t mark,
                     enum cell_kind *kind)
{
        const struct cells *cells = cells_get(&ticks->book, account);
        uint32_t at = cells_first(cells, id);

        at += cells_count(cells, at, id, true);
        if (!cells_is(cells, at, id, false))
                return false;
        *kind = mark < cells->cell[at].price ? CELL_LOW : CELL_HIGH;
        return *kind == CELL_LOW || mark > cells->cell[at + 1].price;
}

static void walk_looks(struct ticks *ticks, uint32_t id, int64_t mark)
{
        const struct market *market = market_get(ticks, id);
        struct gather gather = {.list = &ticks->pending};
        enum cell_kind kind;
        size_t n;

        if (mark < INT64_MAX)
                ladder_each(&market->low, mark + 1, INT64_MAX, gather_key, &gather);
        n = ticks->pending.n;
        ladder_each(&market->high, INT64_MIN, mark - 1, gather_key, &gather);
        /* A band that holds no mark at all has left on both sides: told by its low edge. */
        for (size_t i = ticks->pending.n; i-- > n;)
                if (!has_left(ticks, tag_account(ticks->pending.key[i].tag), id, mark, &kind) ||
                    kind == CELL_LOW)
                        ticks->pending.key[i] = ticks->pending.key[--ticks->pending.n];
        for (size_t i = 0; i < ticks->pending.n; i++) {
                uint32_t account = tag_account(ticks->pending.key[i].tag);

                if (!has_left(ticks, account, id, mark, &kind))
                        continue;
                ticks->stats.looks++;
                ticks->hooks.look(ticks->hooks.cookie, account);
        }
        list_clear(&ticks->pending);
}

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

void ticks_mark(struct ticks *ticks, uint32_t id, struct px mark)
{
        struct market *market = market_get(ticks, id);
        int64_t old = market->mark;

        must(!ticks->walking);
        if (mark.v <= 0)
                return;
        ticks->stats.marks++;
        market->mark = mark.v;
        if (old && mark.v >= market->quiet_from && mark.v <= market->quiet_to)
                return;
        ticks->walking = true;
        ticks->walked = id;
        walk_crossed(ticks, id, old);
        walk_looks(ticks, id, mark.v);
        forget_renewed(ticks, id);
        ticks->walking = false;
        find_quiet(market);
}

/* --- life --- */

struct ticks *ticks_new(unsigned markets_max, const struct ticks_hooks *hooks)
{
        struct ticks *ticks = xcalloc(1, sizeof *ticks);

        ticks->hooks = *hooks;
        ticks->markets = markets_max;
        ticks->market = xcalloc(markets_max, sizeof *ticks->market);
        return ticks;
}

void ticks_free(struct ticks *ticks)
{
        if (!ticks)
                return;
        for (unsigned i = 0; i < ticks->markets; i++) {
                ladder_fini(&ticks->market[i].threshold);
                ladder_fini(&ticks->market[i].low);
                ladder_fini(&ticks->market[i].high);
        }
        cells_fini(&ticks->book);
        free(ticks->pending.key);
        free(ticks->renewed.key);
        free(ticks->market);
        free(ticks);
}

void ticks_stats(const struct ticks *ticks, struct ticks_stats *out)
{
        *out = ticks->stats;
        out->bytes = sizeof *ticks + ticks->markets * sizeof *ticks->market + ticks->book.bytes;
        out->bytes += (ticks->pending.cap + ticks->renewed.cap) * sizeof *ticks->pending.key;
        for (unsigned i = 0; i < ticks->markets; i++)
                out->bytes += ladder_bytes(&ticks->market[i].threshold) +
                              ladder_bytes(&ticks->market[i].low) +
                              ladder_bytes(&ticks->market[i].high);
}
