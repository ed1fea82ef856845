#include "adapters/hyperliquid/hl_meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_num.h"
#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define SINGLE_TIER_BELOW 50 /* such ids need no table: one tier, max leverage = id */
#define LEVERAGE_MAX      1000
#define GROWTH_SHARE      (NUM_RATE_SCALE / 10)
#define DEX_ASSETS        10000 /* ids that a builder's dex takes */
#define DEX_FIRST_ASSET   100000

static enum errc bad(struct err *err, const char *what, const char *name)
{
        return err_set(err, E_VENUE_UNAVAILABLE, "The venue's market data is not usable: %s (%s).",
                       what, name);
}

static enum errc small_uint(unsigned *out, const json_t *object, const char *key, unsigned max)
{
        uint64_t v;

        if (hl_raw_get_uint(&v, object, key) || v > max)
                return E_SYNTAX;
        *out = (unsigned)v;
        return E_OK;
}

/* ---- Margin tables ---- */

static enum errc parse_tiers(struct margin_table *out, const json_t *table)
{
        const json_t *tiers = json_object_get(table, "marginTiers");
        size_t n = json_array_size(tiers);

        *out = (struct margin_table){0};
        if (!json_is_array(tiers) || n == 0 || n > MARGIN_TIERS_MAX)
                return E_SYNTAX;
        for (size_t i = 0; i < n; i++) {
                const json_t *tier = json_array_get(tiers, i);

                if (hl_parse_usd(&out->tier[i].lower_bound, tier, "lowerBound") ||
                    small_uint(&out->tier[i].max_leverage, tier, "maxLeverage", LEVERAGE_MAX))
                        return E_SYNTAX;
        }
        out->n = (unsigned)n;
        return margin_table_check(out);
}

/* The table [id, {..}] with that id; NULL if it is not listed. */
static const json_t *find_table(const json_t *tables, uint64_t id)
{
        for (size_t i = 0; i < json_array_size(tables); i++) {
                const json_t *row = json_array_get(tables, i);
                uint64_t row_id;

                if (hl_raw_uint(&row_id, json_array_get(row, 0)) == E_OK && row_id == id)
                        return json_array_get(row, 1);
        }
        return NULL;
}

static enum errc parse_table(struct market *m, const json_t *entry, const json_t *tables,
                             struct err *err)
{
        uint64_t id = m->max_leverage; /* older answers name no table: a single tier */
        const json_t *table;

        if (!hl_raw_is_absent(entry, "marginTableId") &&
            hl_raw_get_uint(&id, entry, "marginTableId"))
                return bad(err, "margin table id", m->symbol);
        table = find_table(tables, id);
        if (table)
                return parse_tiers(&m->tiers, table) ? bad(err, "margin table", m->symbol) : E_OK;
        if (!hl_raw_is_absent(entry, "marginTableId") && id >= SINGLE_TIER_BELOW)
                return bad(err, "margin table missing", m->symbol);
        m->tiers = (struct margin_table){.n = 1, .tier[0].max_leverage = (unsigned)id};
        return margin_table_check(&m->tiers) ? bad(err, "margin table id", m->symbol) : E_OK;
}

/* ---- Markets ---- */

/* marginMode says it; onlyIsolated alone is the older way to say strictIsolated. An unknown mode is
 * taken as the strictest. */
static enum errc parse_margin_mode(struct market *m, const json_t *entry, struct err *err)
{
        const char *mode = hl_raw_get_text(entry, "marginMode", NULL);
        bool only_isolated = false;

        if (!hl_raw_is_absent(entry, "onlyIsolated") &&
            hl_raw_get_bool(&only_isolated, entry, "onlyIsolated"))
                return bad(err, "onlyIsolated", m->symbol);
        if (!mode && !hl_raw_is_absent(entry, "marginMode"))
                return bad(err, "marginMode", m->symbol);
        m->cross_allowed = !mode && !only_isolated;
        m->margin_removable = m->cross_allowed || (mode && strcmp(mode, "noCross") == 0);
        return E_OK;
}

/* A market in growth mode charges and pays a tenth. */
static enum errc parse_growth(struct market *m, const json_t *entry, struct err *err)
{
        const char *mode = hl_raw_get_text(entry, "growthMode", NULL);

        if (!mode && !hl_raw_is_absent(entry, "growthMode"))
                return bad(err, "growthMode", m->symbol);
        m->fee_share.v = m->rebate_share.v =
                mode && strcmp(mode, "enabled") == 0 ? GROWTH_SHARE : NUM_RATE_SCALE;
        return E_OK;
}

static enum errc parse_market(struct market *m, const json_t *entry, const json_t *tables,
                              struct err *err)
{
        size_t len = 0;
        const char *name = hl_raw_get_text(entry, "name", &len);

        if (!name || len == 0 || !text_copy(m->symbol, sizeof m->symbol, name))
                return bad(err, "market name", name ? name : "none");
        if (small_uint(&m->size_decimals, entry, "szDecimals", NUM_DECIMALS))
                return bad(err, "size decimals", m->symbol);
        if (small_uint(&m->max_leverage, entry, "maxLeverage", LEVERAGE_MAX) ||
            m->max_leverage == 0)
                return bad(err, "max leverage", m->symbol);
        if (!hl_raw_is_absent(entry, "isDelisted") &&
            hl_raw_get_bool(&m->is_delisted, entry, "isDelisted"))
                return bad(err, "isDelisted", m->symbol);
        m->price_max_decimals = hl_num_price_decimals(HL_PERP, m->size_decimals);
        if (parse_growth(m, entry, err))
                return E_VENUE_UNAVAILABLE;
        if (parse_margin_mode(m, entry, err))
                return E_VENUE_UNAVAILABLE;
        return parse_table(m, entry, tables, err);
}

/* Token 0 is USDC; the names of those of builders' dexes come from the spot metadata. */
static enum errc parse_collateral(struct hl_universe *u, const json_t *meta,
                                  const struct hl_dex_facts *dex, struct err *err)
{
        const struct hl_token *found;
        uint64_t token = 0;

        if (!hl_raw_is_absent(meta, "collateralToken") &&
            hl_raw_get_uint(&token, meta, "collateralToken"))
                return bad(err, "collateral token", "not a number");
        if (!dex && token == 0) {
                must(text_copy(u->collateral, sizeof u->collateral, "USDC"));
                return E_OK;
        }
        found = dex ? hl_dexes_token(dex->tokens, token) : NULL;
        if (!found)
                return bad(err, "collateral token", "not known");
        memcpy(u->collateral, found->name, sizeof u->collateral);
        (void)snprintf(u->token, sizeof u->token, "%s:%s", found->name, found->id);
        return E_OK;
}

/* Names of the first dex have no colon, those of another are "dex:name": a market that lay about its
 * dex would be traded with another one's money. */
static bool name_fits(const struct market *m, const struct hl_dex_facts *dex)
{
        size_t len = dex ? strlen(dex->name) : 0;

        if (!dex)
                return !strchr(m->symbol, ':');
        return strncmp(m->symbol, dex->name, len) == 0 && m->symbol[len] == ':' &&
               m->symbol[len + 1] != '\0';
}

/* A fee is a deployer's too: with its scale s the trader pays 1 + s of the venue's rate, from one on
 * twice s. Rebates take no part in it. */
static enum errc set_dex(struct market *m, const struct hl_dex_facts *dex)
{
        int64_t scale = dex->fee_scale.v;
        int64_t share = scale < NUM_RATE_SCALE ? NUM_RATE_SCALE + scale : 2 * scale;

        (void)text_copy(m->dex, sizeof m->dex, dex->name);
        return num_muldiv(&m->fee_share.v, m->fee_share.v, share, NUM_RATE_SCALE, NUM_UP);
}

static enum errc add_market(struct hl_universe *u, const json_t *entry, const json_t *tables,
                            const struct hl_dex_facts *dex, struct err *err)
{
        struct market *m = &u->market[u->n];
        enum errc rc = parse_market(m, entry, tables, err);

        if (rc)
                return rc;
        m->asset = u->first_asset + (uint32_t)u->n;
        memcpy(m->collateral, u->collateral, sizeof m->collateral);
        if (!name_fits(m, dex))
                return bad(err, "market name of another dex", m->symbol);
        if (dex && set_dex(m, dex))
                return bad(err, "fee scale", m->symbol);
        if (map_put(u->by_symbol, m->symbol, strlen(m->symbol), m))
                return bad(err, "two markets of one name", m->symbol);
        return E_OK;
}

struct hl_universe *hl_meta_parse(const json_t *meta, const struct hl_dex_facts *dex,
                                  struct err *err)
{
        const json_t *entries = json_object_get(meta, "universe");
        const json_t *tables = json_object_get(meta, "marginTables");
        size_t n = json_array_size(entries);
        struct hl_universe *u = NULL;
        enum errc rc;

        if (!json_is_array(entries) || n == 0 || n > HL_META_MARKETS_MAX) {
                (void)bad(err, "universe", "not a list of markets");
                return NULL;
        }
        u = xcalloc(1, sizeof *u);
        u->market = xcalloc(n, sizeof *u->market);
        u->by_symbol = map_new();
        if (dex)
                u->first_asset = DEX_FIRST_ASSET + DEX_ASSETS * (uint32_t)dex->index;
        rc = parse_collateral(u, meta, dex, err);
        for (; u->n < n && !rc; u->n++)
                rc = add_market(u, json_array_get(entries, u->n), tables, dex, err);
        if (rc) {
                hl_meta_free(u);
                u = NULL;
        }
        return u;
}

struct hl_universe *hl_meta_read(const json_t *meta)
{
        const json_t *entries = json_object_get(meta, "universe");
        const json_t *tables = json_object_get(meta, "marginTables");
        size_t n = json_array_size(entries);
        struct hl_universe *u;

        if (!json_is_array(entries) || n > HL_META_MARKETS_MAX)
                return NULL;
        u = xcalloc(1, sizeof *u);
        u->market = xcalloc(n + 1, sizeof *u->market);
        u->by_symbol = map_new();
        for (size_t i = 0; i < n; i++) {
                struct market *m = &u->market[u->n];

                *m = (struct market){.asset = (uint32_t)i};
                if (parse_market(m, json_array_get(entries, i), tables, NULL) ||
                    hl_meta_find(u, m->symbol))
                        continue;
                (void)map_put(u->by_symbol, m->symbol, strlen(m->symbol), m);
                u->n++;
        }
        return u;
}

void hl_meta_free(struct hl_universe *universe)
{
        if (!universe)
                return;
        map_free(universe->by_symbol, NULL);
        free(universe->market);
        free(universe);
}

const struct market *hl_meta_find(const struct hl_universe *universe, const char *symbol)
{
        return universe ? map_get(universe->by_symbol, symbol, strlen(symbol)) : NULL;
}

/* ---- Contexts ---- */

static void parse_context(struct market *m, const json_t *context, int64_t wall_ms)
{
        m->context_at = 0;
        m->has_mid = !hl_raw_is_absent(context, "midPx");
        if (hl_parse_px_rounded(&m->mark, context, "markPx") ||
            hl_parse_px_rounded(&m->oracle, context, "oraclePx") ||
            hl_parse_px_rounded(&m->previous_day, context, "prevDayPx") ||
            hl_parse_rate(&m->funding, context, "funding") ||
            hl_parse_usd(&m->day_volume, context, "dayNtlVlm") ||
            hl_parse_qty_rounded(&m->open_interest, context, "openInterest"))
                return;
        if (m->has_mid && hl_parse_px_rounded(&m->mid, context, "midPx"))
                return;
        if (m->mark.v <= 0 || m->oracle.v <= 0)
                return;
        m->context_at = wall_ms;
}

enum errc hl_meta_contexts(struct hl_universe *universe, const json_t *contexts, int64_t wall_ms,
                           struct err *err)
{
        char counts[64];

        if (!json_is_array(contexts) || json_array_size(contexts) != universe->n) {
                (void)snprintf(counts, sizeof counts, "%zu for %zu markets",
                               json_array_size(contexts), universe->n);
                return bad(err, "contexts", counts);
        }
        for (size_t i = 0; i < universe->n; i++)
                parse_context(&universe->market[i], json_array_get(contexts, i), wall_ms);
        return E_OK;
}
