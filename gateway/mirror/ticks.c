/* A threshold is kept as the price just below its flip: a long's at p flips between p and p + 1, a
 * short's between p - 1 and p. Then every kind flips when the mark passes from "at most" to "above",
 * and a mark that goes from a to b passes exactly the keys in [min(a, b), max(a, b)). */
#include "mirror/ticks_core.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct market *ticks_market(const struct ticks *ticks, uint32_t id)
{
        must(id < ticks->markets);
        return &ticks->market[id];
}

void ticks_list_add(struct ticks_list *list, struct ticks_key key)
{
        if (list->n == list->cap) {
                list->cap = list->cap ? 2 * list->cap : 64;
                list->key = xrealloc(list->key, list->cap * sizeof *list->key);
        }
        list->key[list->n++] = key;
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
        struct ladder_key key = {cell->price, ticks_tag(account, index, cell)};

        if (!is_open(cell))
                ladder_take(ladder_of(market, cell), key);
}

static void cell_enter(struct market *market, uint32_t account, uint32_t index,
                       const struct cell *cell)
{
        struct ladder_key key = {cell->price, ticks_tag(account, index, cell)};
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
        struct market *market = n ? ticks_market(ticks, with->market) : NULL;
        uint32_t keeps = 0; /* bit i: cell i stays as it is */
        struct cell *cell;

        for (uint32_t i = 0; i < old; i++) {
                cell = &account->cell[at + i];
                if (i < n && cell->price == with[i].price && cell->level == with[i].level &&
                    cell->from_above == with[i].from_above)
                        keeps |= UINT32_C(1) << i;
                else
                        cell_leave(ticks_market(ticks, cell->market), id, i, cell);
        }
        cell = cells_resize(&ticks->book, id, at, old, n);
        for (uint32_t i = 0; i < n; i++) {
                cell[i] = with[i];
                if (!(keeps >> i & 1))
                        cell_enter(market, id, i, &with[i]);
        }
        if (n && with->fresh)
                ticks_list_add(&ticks->renewed,
                               (struct ticks_key){with->market, 0, ticks_tag(id, 0, with)});
}

/* Asks for the cache lines that the cell's entering or leaving will work on. */
static void cell_fetch(const struct ticks *ticks, uint32_t account, const struct cell *cell)
{
        struct ladder_key key = {cell->price, ticks_tag(account, 0, cell)};

        if (!is_open(cell))
                ladder_fetch(ladder_of(ticks_market(ticks, cell->market), cell), key);
}

/* A band that holds no mark is left on one side by each: nobody is told twice. */
static void edges_of(struct cell edge[2], uint32_t market, struct px low, struct px high)
{
        edge[0] = (struct cell){.price = low.v > 0 ? low.v : 0, .market = market, .kind = CELL_LOW};
        edge[1] = (struct cell){.price = high.v, .market = market, .kind = CELL_HIGH};
        if (edge[1].price < edge[0].price)
                edge[1].price = edge[0].price - 1;
}

/* --- setting --- */

enum errc ticks_set_position(struct ticks *ticks, uint32_t account, uint32_t market,
                             const struct ticks_threshold *threshold, size_t n)
{
        bool fresh = ticks_market(ticks, market)->is_put;
        struct cells *cells = cells_get(&ticks->book, account);
        struct cell with[TICKS_LEVELS_MAX];
        enum errc rc = E_INVALID;
        uint32_t at, old;

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
        struct cell with[2];
        uint32_t at = cells_first(cells, market);
        uint32_t old;

        (void)ticks_market(ticks, market);
        edges_of(with, market, low, high);
        at += cells_count(cells, at, market, true);
        old = cells_count(cells, at, market, false);
        if (old || has)
                cells_replace(ticks, account, at, old, with, has ? 2 : 0);
        ticks->stats.bands += (size_t)has - old / 2;
}

void ticks_set_bands(struct ticks *ticks, uint32_t account, const struct ticks_band *band, size_t n)
{
        /* Places far apart: asked for all at once, they come in the time of one. */
        for (size_t i = 0; i < n; i++) {
                struct cell edge[2];

                edges_of(edge, band[i].market, band[i].low, band[i].high);
                for (unsigned k = 0; k < 2; k++)
                        cell_fetch(ticks, account, &edge[k]);
        }
        for (size_t i = 0; i < n; i++)
                ticks_set_band(ticks, account, band[i].market, true, band[i].low, band[i].high);
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
        struct market *market = ticks_market(ticks, id);
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

/* --- life --- */

struct ticks *ticks_new(unsigned markets_max, const struct ticks_hooks *hooks)
{
        struct ticks *ticks = xcalloc(1, sizeof *ticks);

        ticks->hooks = *hooks;
        ticks->markets = markets_max;
        ticks->market = xcalloc(markets_max, sizeof *ticks->market);
        ticks->put = xcalloc(markets_max, sizeof *ticks->put);
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
        free(ticks->put);
        free(ticks->market);
        free(ticks);
}

void ticks_stats(const struct ticks *ticks, struct ticks_stats *out)
{
        *out = ticks->stats;
        out->bytes = sizeof *ticks + ticks->book.bytes;
        out->bytes += ticks->markets * (sizeof *ticks->market + sizeof *ticks->put);
        out->bytes += (ticks->pending.cap + ticks->renewed.cap) * sizeof *ticks->pending.key;
        for (unsigned i = 0; i < ticks->markets; i++)
                out->bytes += ladder_bytes(&ticks->market[i].threshold) +
                              ladder_bytes(&ticks->market[i].low) +
                              ladder_bytes(&ticks->market[i].high);
}
