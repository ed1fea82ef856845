#include "mirror/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define GROWS_BY 4u /* cells: a cache line */

struct cells *cells_get(const struct cells_book *book, uint32_t id)
{
        const struct cells_page *page;

        must(id < TICKS_ACCOUNTS_MAX);
        page = book->page[id / CELLS_PAGE];
        return page ? page->cells[id % CELLS_PAGE] : NULL;
}

void cells_fetch(const struct cells_book *book, uint32_t id)
{
        const struct cells_page *page;

        must(id < TICKS_ACCOUNTS_MAX);
        page = book->page[id / CELLS_PAGE];
        if (page)
                __builtin_prefetch(&page->cells[id % CELLS_PAGE]);
}

uint32_t cells_first(const struct cells *cells, uint32_t market)
{
        uint32_t low = 0, high = cells ? cells->n : 0;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (cells->cell[middle].market < market)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool cells_is(const struct cells *cells, uint32_t at, uint32_t market, bool threshold)
{
        return cells && at < cells->n && cells->cell[at].market == market &&
               (cells->cell[at].kind == CELL_THRESHOLD) == threshold;
}

uint32_t cells_count(const struct cells *cells, uint32_t at, uint32_t market, bool threshold)
{
        uint32_t n = 0;

        while (cells_is(cells, at + n, market, threshold))
                n++;
        return n;
}

static struct cells **slot_of(struct cells_book *book, uint32_t id)
{
        struct cells_page **page;

        must(id < TICKS_ACCOUNTS_MAX);
        page = &book->page[id / CELLS_PAGE];
        if (!*page) {
                *page = xcalloc(1, sizeof **page);
                book->bytes += sizeof **page;
        }
        return &(*page)->cells[id % CELLS_PAGE];
}

static size_t size_of(uint32_t cap)
{
        return sizeof(struct cells) + cap * sizeof(struct cell);
}

/* Gives the account's array another capacity; contents stay as far as they fit. */
static void set_capacity(struct cells_book *book, struct cells **slot, uint32_t cap)
{
        struct cells *cells = *slot;

        if (cap == (cells ? cells->cap : 0))
                return;
        book->bytes -= cells ? size_of(cells->cap) : 0;
        if (!cap) {
                free(cells);
                *slot = NULL;
                return;
        }
        book->bytes += size_of(cap);
        *slot = xrealloc(cells, size_of(cap));
        if (!cells)
                (*slot)->n = 0;
        (*slot)->cap = cap;
}

static void move_tail(struct cells *cells, uint32_t from, uint32_t to)
{
        memmove(cells->cell + to, cells->cell + from, (cells->n - from) * sizeof *cells->cell);
}

struct cell *cells_resize(struct cells_book *book, uint32_t id, uint32_t at, uint32_t old,
                          uint32_t n)
{
        struct cells **slot = slot_of(book, id);
        uint32_t total = (*slot ? (*slot)->n : 0) - old + n;

        if (n < old)
                move_tail(*slot, at + old, at + n);
        set_capacity(book, slot, (total + GROWS_BY - 1) / GROWS_BY * GROWS_BY);
        if (!*slot)
                return NULL;
        if (n > old)
                move_tail(*slot, at + old, at + n);
        (*slot)->n = total;
        return (*slot)->cell + at;
}

void cells_fini(struct cells_book *book)
{
        for (unsigned i = 0; i < CELLS_PAGES; i++) {
                for (unsigned k = 0; book->page[i] && k < CELLS_PAGE; k++)
                        free(book->page[i]->cells[k]);
                free(book->page[i]);
        }
        *book = (struct cells_book){0};
}
