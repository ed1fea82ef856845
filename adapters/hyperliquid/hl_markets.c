#include "adapters/hyperliquid/hl_markets.h"

#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "base/attr.h"

int hl_markets_dex(const struct hl_markets *markets, const char *name)
{
        for (unsigned i = 0; markets && i < markets->n; i++)
                if (strcmp(markets->dex[i].name, name) == 0)
                        return (int)i;
        return name[0] ? -1 : 0;
}

/* Whose a name is: what stands before the colon. */
static int dex_of(const struct hl_markets *markets, const char *coin)
{
        const char *colon = strchr(coin, ':');
        size_t len = colon ? (size_t)(colon - coin) : 0;

        if (!colon)
                return 0;
        for (unsigned i = 1; markets && i < markets->n; i++)
                if (strlen(markets->dex[i].name) == len &&
                    memcmp(markets->dex[i].name, coin, len) == 0)
                        return (int)i;
        return -1;
}

bool hl_markets_has(const struct hl_markets *markets, const char *coin)
{
        int dex = dex_of(markets, coin);

        return dex == 0 ? hl_parse_is_perp(coin) : dex > 0;
}

bool hl_markets_is_in(const struct hl_markets *markets, const char *dex, const char *coin)
{
        return hl_markets_has(markets, coin) &&
               dex_of(markets, coin) == hl_markets_dex(markets, dex);
}

const struct hl_universe *hl_markets_universe(const struct hl_markets *markets, const char *coin)
{
        int dex = dex_of(markets, coin);

        return markets && dex >= 0 ? markets->dex[dex].universe : NULL;
}

const struct market *hl_markets_find(const struct hl_markets *markets, const char *symbol)
{
        return hl_meta_find(hl_markets_universe(markets, symbol), symbol);
}

const struct market *hl_markets_by_asset(const struct hl_markets *markets, uint32_t asset)
{
        for (unsigned i = 0; markets && i < markets->n; i++) {
                const struct hl_universe *u = markets->dex[i].universe;

                if (u && asset >= u->first_asset && asset - u->first_asset < u->n)
                        return &u->market[asset - u->first_asset];
        }
        return NULL;
}

size_t hl_markets_count(const struct hl_markets *markets)
{
        size_t n = 0;

        for (unsigned i = 0; markets && i < markets->n; i++)
                n += markets->dex[i].universe ? markets->dex[i].universe->n : 0;
        return n;
}

const struct market *hl_markets_at(const struct hl_markets *markets, size_t i)
{
        for (unsigned d = 0; markets && d < markets->n; d++) {
                const struct hl_universe *u = markets->dex[d].universe;

                if (u && i < u->n)
                        return &u->market[i];
                i -= u ? u->n : 0;
        }
        must(false && "a market below the count");
        return NULL;
}

void hl_markets_name_collateral(const struct hl_markets *markets, struct venue_account *account)
{
        int dex = hl_markets_dex(markets, account->dex);
        const struct hl_universe *u = markets && dex >= 0 ? markets->dex[dex].universe : NULL;

        if (u)
                memcpy(account->collateral, u->collateral, sizeof account->collateral);
}

size_t hl_markets_pick_orders(const struct hl_markets *markets, const char *dex,
                              struct venue_open_order *orders, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++)
                if (hl_markets_is_in(markets, dex, orders[i].symbol))
                        orders[kept++] = orders[i];
        return kept;
}
