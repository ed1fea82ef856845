/* hl_markets: the markets of all dexes: the first, and those of builders that the gateway is to trade
 * on. Found by symbol, by asset id, or one after another. A value; universes are owned by the venue. */
#ifndef HL_MARKETS_H
#define HL_MARKETS_H

#include "adapters/hyperliquid/hl_meta.h"

struct hl_markets {
        unsigned n; /* dexes; dex[0] is the first, whose name is "" */
        struct {
                char name[DEX_NAME_MAX];
                struct hl_universe *universe; /* NULL until read, and when it is gone */
        } dex[1 + VENUE_DEXES_MAX];
};

/* All accept markets NULL, which is the first dex, not read. */
const struct market *hl_markets_find(const struct hl_markets *markets, const char *symbol);
const struct market *hl_markets_by_asset(const struct hl_markets *markets, uint32_t asset);
size_t hl_markets_count(const struct hl_markets *markets);
const struct market *hl_markets_at(const struct hl_markets *markets, size_t i); /* i < count */
/* Of the dex that a name is of; NULL when that is not ours, or not read. */
const struct hl_universe *hl_markets_universe(const struct hl_markets *markets, const char *coin);
/* By name; -1 when it is none of ours. */
int hl_markets_dex(const struct hl_markets *markets, const char *name);
/* A perp of that dex, by its name; "" is the first. */
bool hl_markets_is_in(const struct hl_markets *markets, const char *dex, const char *coin);
/* A perp of one of our dexes, by its name: not spot, outcome or another dex's. */
bool hl_markets_has(const struct hl_markets *markets, const char *coin);
/* Sets the collateral of the account's dex; "" while its markets are not known. */
void hl_markets_name_collateral(const struct hl_markets *markets, struct venue_account *account);
/* Leaves the orders of the dex, in their order; how many. */
size_t hl_markets_pick_orders(const struct hl_markets *markets, const char *dex,
                              struct venue_open_order *orders, size_t n);

#endif
