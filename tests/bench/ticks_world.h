/* ticks_world: the accounts, markets and marks that bench_ticks measures with; the same for the same
 * seed. Each account holds two isolated and three cross positions in markets of which some are much
 * more popular than others, at leverages from 1 to 40, some of them close to liquidation. */
#ifndef BENCH_TICKS_WORLD_H
#define BENCH_TICKS_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "risk/margin.h"

#define WORLD_MARKETS  200u
#define WORLD_ISOLATED 2u
#define WORLD_CROSS    3u

struct world_market {
        struct px mark; /* the present one; whoever measures moves it */
        const struct margin_table *tiers;
        int64_t volatility; /* of one mark to the next, 1e-9 */
};

struct world_position {
        struct qty size;
        struct usd entry; /* notional at entry */
        uint32_t market;
        uint32_t leverage;
};

struct world_account {
        struct world_position isolated[WORLD_ISOLATED], cross[WORLD_CROSS];
        struct usd raw[WORLD_ISOLATED]; /* the isolated positions' own cash */
        struct usd cash;                /* the cross account's, without the positions' values */
        uint8_t isolated_reached[WORLD_ISOLATED], cross_reached; /* of whoever measures */
};

struct world_mark {
        uint32_t market;
        struct px price;
};

struct world {
        uint64_t state; /* of the random numbers */
        struct world_market market[WORLD_MARKETS];
        size_t n;
        struct world_account *account;
};

void world_init(struct world *world, size_t accounts, uint64_t seed);
void world_fini(struct world *world);
/* n marks, each market's one after another: a second's worth per round. Random walks whose common part
 * makes for half of their variance. The caller frees them. */
struct world_mark *world_marks(struct world *world, size_t n);

#endif
