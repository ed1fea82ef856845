/* hl_meta: a dex's universe: its markets with their rules and margin tables, and their latest
 * contexts. Source: "metaAndAssetCtxs". A universe is checked whole; a bad one is an error and the
 * caller keeps the one it has. Pure but for the time passed in. */
#ifndef HL_META_H
#define HL_META_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/hyperliquid/hl_dexes.h"
#include "adapters/venue.h"
#include "base/map.h"

#define HL_META_MARKETS_MAX 2000

struct hl_universe {
        size_t n;
        struct market
                *market; /* owned; asset id = position + first_asset, delisted ones included */
        uint32_t first_asset;
        char collateral[COLLATERAL_MAX];
        char token[COLLATERAL_MAX + 40]; /* "name:id"; "" in the first dex */
        struct map *by_symbol;
};

/* The universe of dex, or of the first one where that is NULL. NULL with err (E_VENUE_UNAVAILABLE) when
 * anything in meta is not as it must be. A builder's dex has markets that begin with its name only. */
struct hl_universe *hl_meta_parse(const json_t *meta, const struct hl_dex_facts *dex,
                                  struct err *err);
/* The same of metadata that others kept, cut or old: markets that can't be read, or whose margin table
 * is missing, are left out, and collateral is whatever it is. For reading figures, never for trading.
 * NULL when there is no universe at all. */
struct hl_universe *hl_meta_read(const json_t *meta);
void hl_meta_free(struct hl_universe *universe); /* accepts NULL */

/* NULL when there is none; universe may be NULL. */
const struct market *hl_meta_find(const struct hl_universe *universe, const char *symbol);

/* Sets the contexts, one per market in the universe's order. A context that can't be read leaves its
 * market without one (context_at 0). E_VENUE_UNAVAILABLE, and nothing changed, when the list does
 * not fit the universe. */
MUST_USE enum errc hl_meta_contexts(struct hl_universe *universe, const json_t *contexts,
                                    int64_t wall_ms, struct err *err);

#endif
