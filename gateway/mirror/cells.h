/* cells: what each account has on the ladders, so that it can be found and replaced; private to mirror.
 * An account's thresholds and band edges are cells of 16 bytes in one sorted array: by market, within a
 * market the thresholds in the caller's order, then low and high. */
#ifndef MIRROR_CELLS_H
#define MIRROR_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mirror/ticks.h"

enum cell_kind { CELL_THRESHOLD, CELL_LOW, CELL_HIGH };

struct cell {
        int64_t price; /* as on the ladder */
        uint32_t market;
        uint8_t kind;
        uint8_t level;
        bool from_above;
        bool fresh; /* set during the present walk of its market: not told */
};

struct cells {
        uint32_t n, cap;
        struct cell cell[];
};

#define CELLS_PAGE  4096u
#define CELLS_PAGES (TICKS_ACCOUNTS_MAX / CELLS_PAGE)

struct cells_page {
        struct cells *cells[CELLS_PAGE];
};

/* All accounts. Zeroed: none. */
struct cells_book {
        struct cells_page *page[CELLS_PAGES];
        size_t bytes;
};

void cells_fini(struct cells_book *book);
/* Borrowed until the account's next resize; NULL where it has no cells. id < TICKS_ACCOUNTS_MAX. */
struct cells *cells_get(const struct cells_book *book, uint32_t id);
/* Asks for the cache line in which the account's array is found. */
void cells_fetch(const struct cells_book *book, uint32_t id);
/* Where the market's cells begin, or would. cells may be NULL. */
uint32_t cells_first(const struct cells *cells, uint32_t market);
/* Whether there is a cell of that market at that place, a threshold or a band's edge. */
bool cells_is(const struct cells *cells, uint32_t at, uint32_t market, bool threshold);
/* How many of them follow one another from there on. */
uint32_t cells_count(const struct cells *cells, uint32_t at, uint32_t market, bool threshold);
/* Makes room for n cells in the place of old ones, and returns them to be filled in; NULL when the
 * account has none left. */
struct cell *cells_resize(struct cells_book *book, uint32_t id, uint32_t at, uint32_t old,
                          uint32_t n);

#endif
