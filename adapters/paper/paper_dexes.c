#include <string.h>

#include "adapters/paper/jot.h"
#include "adapters/paper/paper_universe.h"
#include "base/attr.h"
#include "base/mem.h"

/* Perps dexes: the venue's own and one as a builder deploys them (HIP-3), with its own collateral and
 * a market of each kind: cross allowed, isolated only, and isolated with margin that stays. */

#define META_MAX (16u << 20)

static const char deployed[] = "2025-11-23T17:37:10.033211662";

/* USDX stands for any quote token other than USDC; it exists here alone. */
const struct paper_token paper_dexes_token[PAPER_TOKENS] = {
        {"USDC", 8, "0x6d1e7cde53ba9467b783cb7c530ce054", "0xeb62eee3685fc4c43992febcd9e75443"},
        {"USDX", 2, "0x70617065722075736478000000000001", "0x70617065722075736478000000000001"},
};

/* clang-format off */
static const struct {
        const char *name;
        unsigned sz_decimals, max_leverage, table;
        const char *price;
        enum paper_margin_mode mode;
        bool is_growing;
} builtin[] = {
        {"xyz:XYZ100", 4, 30, 60, "24980.0", PAPER_MARGIN_NORMAL,   true},
        {"xyz:TSLA",   3, 10, 10, "411.2",   PAPER_MARGIN_STRICT,   true},
        {"xyz:GOLD",   4, 20, 20, "4960.5",  PAPER_MARGIN_NO_CROSS, false},
        {"xyz:NVDA",   3, 20, 20, "186.45",  PAPER_MARGIN_NORMAL,   false},
};
/* clang-format on */
#define N_BUILTIN    (sizeof(builtin) / sizeof(builtin[0]))
#define SPLIT_TABLE  60  /* 30x, from 5,000,000 on 15x */
#define GROWTH_SHARE 100 /* thousandths */

size_t paper_dexes_n_markets(void)
{
        return N_BUILTIN;
}

size_t paper_dexes_n_tables(void)
{
        return 1;
}

int paper_dexes_find(const struct paper_universe *u, const char *name)
{
        for (unsigned i = 0; i < u->n_dexes; i++)
                if (!strcmp(u->dex[i].name, name))
                        return (int)i;
        return -1;
}

int paper_dexes_by_token(const struct paper_universe *u, unsigned token)
{
        for (unsigned i = 0; i < u->n_dexes; i++)
                if (u->dex[i].token == token)
                        return (int)i;
        return -1;
}

/* What the dex makes of a fee, in thousandths: with its deployer's scale s, 1 + s below one and 2s
 * from there on. Rebates take no part in it. */
static unsigned fee_share(const struct paper_dex *dex)
{
        return dex->fee_scale < 1000 ? 1000 + dex->fee_scale : 2 * dex->fee_scale;
}

static void add_market(struct paper_universe *u, unsigned dex, size_t row)
{
        size_t i = u->n++;
        struct engine_market_spec *spec = &u->spec[i];
        unsigned growth = builtin[row].is_growing ? GROWTH_SHARE : 1000;

        (void)text_copy(spec->name, sizeof(spec->name), builtin[row].name);
        spec->sz_decimals = builtin[row].sz_decimals;
        spec->max_leverage = builtin[row].max_leverage;
        spec->margin_table_id = builtin[row].table;
        spec->dex = dex;
        spec->id = PAPER_DEX_ID(dex) + u->dex[dex].n++;
        spec->fee_share = fee_share(&u->dex[dex]) * growth / 1000;
        spec->rebate_share = growth;
        spec->open_interest_cap = u->dex[dex].oi_cap;
        u->is_growing[i] = builtin[row].is_growing;
        paper_universe_set_mode(u, i, builtin[row].mode);
        must(paper_universe_table(u, &spec->tiers, dex, builtin[row].table) == E_OK);
        must(num_parse_px(&u->start[i], builtin[row].price, strlen(builtin[row].price)) == E_OK);
}

void paper_dexes_add(struct paper_universe *u)
{
        unsigned d = u->n_dexes++;
        struct margin_table *table = &u->table[u->n_tables];

        u->dex[d] = (struct paper_dex){
                .name = "xyz",
                .full_name = "XYZ",
                .first = (uint32_t)u->n,
                .token = 1,
                .fee_scale = 1000,
                .oi_cap = {INT64_C(100000000) * NUM_SCALE},
                .deployed = deployed,
        };
        memcpy(u->dex[d].deployer.b, "paper deployer", 14);
        u->table_id[u->n_tables] = SPLIT_TABLE;
        u->table_dex[u->n_tables++] = d;
        table->n = 2;
        table->tier[0].max_leverage = 30;
        table->tier[1].max_leverage = 15;
        table->tier[1].lower_bound.v = INT64_C(5000000) * NUM_SCALE;
        for (size_t row = 0; row < N_BUILTIN; row++)
                add_market(u, d, row);
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void show_market(struct buf *out, const struct paper_universe *u, uint32_t asset)
{
        const struct engine_market_spec *spec = &u->spec[asset];
        enum paper_margin_mode mode = u->margin_mode[asset];

        jot_object(out, NULL);
        jot_uint(out, "szDecimals", spec->sz_decimals);
        jot_text(out, "name", spec->name);
        jot_uint(out, "maxLeverage", spec->max_leverage);
        jot_uint(out, "marginTableId", spec->margin_table_id);
        if (mode != PAPER_MARGIN_NORMAL) {
                jot_bool(out, "onlyIsolated", true);
                jot_text(out, "marginMode",
                         mode == PAPER_MARGIN_STRICT ? "strictIsolated" : "noCross");
        }
        if (u->is_growing[asset]) {
                jot_text(out, "growthMode", "enabled");
                jot_text(out, "lastGrowthModeChangeTime", deployed);
        }
        if (spec->is_delisted)
                jot_bool(out, "isDelisted", true);
        jot_end_object(out);
}

void paper_dexes_render(struct paper_universe *u)
{
        for (unsigned d = 0; d < u->n_dexes; d++) {
                struct paper_dex *dex = &u->dex[d];
                struct buf out;

                buf_init(&out, META_MAX);
                jot_object(&out, NULL);
                jot_array(&out, "universe");
                for (uint32_t i = dex->first; i < dex->first + dex->n; i++)
                        show_market(&out, u, i);
                jot_end_array(&out);
                jot_array(&out, "marginTables");
                for (size_t i = 0; i < u->n_tables; i++) {
                        if (u->table_dex[i] != d)
                                continue;
                        jot_array(&out, NULL);
                        jot_uint(&out, NULL, u->table_id[i]);
                        paper_universe_show_table(&out, NULL, &u->table[i]);
                        jot_end_array(&out);
                }
                jot_end_array(&out);
                jot_uint(&out, "collateralToken", dex->token);
                jot_end_object(&out);
                must(buf_check(&out) == E_OK);
                dex->meta_json = xstrdup(buf_cstr(&out));
                buf_fini(&out);
        }
}

/* [[coin, value]] of every market. */
static void show_each(struct buf *out, const char *key, const struct paper_universe *u,
                      const struct paper_dex *dex, const char *value)
{
        jot_array(out, key);
        for (uint32_t i = dex->first; i < dex->first + dex->n; i++) {
                jot_array(out, NULL);
                jot_text(out, NULL, u->spec[i].name);
                jot_text(out, NULL, value);
                jot_end_array(out);
        }
        jot_end_array(out);
}

void paper_dexes_show(struct buf *out, const struct paper_universe *u, unsigned d)
{
        const struct paper_dex *dex = &u->dex[d];
        char cap[NUM_STR_MAX], scale[NUM_STR_MAX];

        if (d == 0) {
                jot_null(out, NULL);
                return;
        }
        jot_object(out, NULL);
        jot_text(out, "name", dex->name);
        jot_text(out, "fullName", dex->full_name);
        jot_addr(out, "deployer", &dex->deployer);
        jot_null(out, "oracleUpdater");
        jot_null(out, "feeRecipient");
        show_each(out, "assetToStreamingOiCap", u, dex, num_print(cap, dex->oi_cap.v, 8, 1));
        jot_raw(out, "subDeployers", "[]");
        jot_text(out, "deployerFeeScale", num_print(scale, dex->fee_scale, 3, 1));
        jot_text(out, "lastDeployerFeeScaleChangeTime", dex->deployed);
        show_each(out, "assetToFundingMultiplier", u, dex, "1.0");
        show_each(out, "assetToFundingInterestRate", u, dex, "0.0");
        jot_end_object(out);
}

void paper_dexes_show_tokens(struct buf *out, const struct paper_universe *u, bool is_mainnet)
{
        jot_array(out, "tokens");
        for (unsigned i = 0; i < PAPER_TOKENS; i++) {
                const struct paper_token *token = &paper_dexes_token[i];

                if (paper_dexes_by_token(u, i) < 0)
                        continue;
                jot_object(out, NULL);
                jot_text(out, "name", token->name);
                jot_uint(out, "szDecimals", token->sz_decimals);
                jot_int(out, "weiDecimals", 8);
                jot_uint(out, "index", i);
                jot_text(out, "tokenId", is_mainnet ? token->mainnet_id : token->testnet_id);
                jot_bool(out, "isCanonical", i == 0);
                jot_null(out, "evmContract");
                jot_null(out, "fullName");
                jot_text(out, "deployerTradingFeeShare", "0.0");
                jot_end_object(out);
        }
        jot_end_array(out);
}
