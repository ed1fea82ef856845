#include "adapters/paper/paper_universe.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/jot.h"
#include "base/mem.h"

#define META_FILE_MAX  (16u << 20)
#define TABLES_MAX     256
#define SINGLE_TIER_ID 50 /* ids below mean one tier of that leverage */

/* Names, lots, leverage and margin tables as Hyperliquid had them in February 2026. */
struct builtin_market {
        const char *name;
        unsigned sz_decimals, max_leverage, margin_table_id;
        const char *price;
        enum paper_margin_mode mode;
        bool is_delisted;
};

/* clang-format off */
static const struct builtin_market builtin[] = {
        {"BTC", 5, 40, 56, "66383.0", PAPER_MARGIN_NORMAL, false},
        {"ETH", 4, 25, 55, "1920.0", PAPER_MARGIN_NORMAL, false},
        {"ATOM", 2, 5, 5, "1.8675", PAPER_MARGIN_NORMAL, false},
        {"MATIC", 1, 20, 20, "0.3754", PAPER_MARGIN_NORMAL, true},
        {"SOL", 2, 20, 54, "81.595", PAPER_MARGIN_NORMAL, false},
        {"AVAX", 2, 10, 52, "8.686", PAPER_MARGIN_NORMAL, false},
        {"BNB", 3, 10, 51, "635.25", PAPER_MARGIN_NORMAL, false},
        {"OP", 1, 10, 51, "0.18365", PAPER_MARGIN_NORMAL, false},
        {"LTC", 2, 10, 52, "52.45", PAPER_MARGIN_NORMAL, false},
        {"ARB", 1, 10, 51, "0.11145", PAPER_MARGIN_NORMAL, false},
        {"DOGE", 0, 10, 52, "0.093245", PAPER_MARGIN_NORMAL, false},
        {"SUI", 1, 10, 52, "0.94495", PAPER_MARGIN_NORMAL, false},
        {"kPEPE", 0, 10, 52, "0.003666", PAPER_MARGIN_NORMAL, false},
        {"LINK", 1, 10, 52, "8.2995", PAPER_MARGIN_NORMAL, false},
        {"GMX", 2, 3, 3, "5.98", PAPER_MARGIN_NORMAL, false},
        {"XRP", 0, 20, 53, "1.3735", PAPER_MARGIN_NORMAL, false},
        {"BCH", 3, 10, 52, "470.64", PAPER_MARGIN_NORMAL, false},
        {"APT", 2, 10, 52, "1.065", PAPER_MARGIN_NORMAL, false},
        {"AAVE", 2, 10, 52, "106.12", PAPER_MARGIN_NORMAL, false},
        {"WLD", 1, 10, 52, "0.37725", PAPER_MARGIN_NORMAL, false},
        {"TIA", 1, 10, 52, "0.32275", PAPER_MARGIN_NORMAL, false},
        {"ADA", 0, 10, 52, "0.2614", PAPER_MARGIN_NORMAL, false},
        {"TON", 1, 10, 51, "1.2945", PAPER_MARGIN_NORMAL, false},
        {"NEAR", 1, 10, 52, "1.0175", PAPER_MARGIN_NORMAL, false},
        {"kBONK", 0, 10, 52, "0.006075", PAPER_MARGIN_NORMAL, false},
        {"JUP", 0, 10, 51, "0.15995", PAPER_MARGIN_NORMAL, false},
        {"ONDO", 0, 10, 51, "0.24606", PAPER_MARGIN_NORMAL, false},
        {"ENA", 0, 10, 52, "0.11985", PAPER_MARGIN_NORMAL, false},
        {"HYPE", 2, 10, 52, "34.277", PAPER_MARGIN_NORMAL, false},
        {"FARTCOIN", 1, 10, 52, "0.19636", PAPER_MARGIN_NORMAL, false},
        {"TRUMP", 1, 10, 52, "3.3077", PAPER_MARGIN_NORMAL, false},
        {"PAXG", 3, 10, 51, "4901.7", PAPER_MARGIN_NORMAL, false},
        {"PUMP", 0, 10, 52, "0.002063", PAPER_MARGIN_NORMAL, false},
        {"SILVER", 2, 20, 20, "74.599", PAPER_MARGIN_NO_CROSS, false},
        {"MEGA", 0, 3, 3, "0.12285", PAPER_MARGIN_STRICT, false},
};

static const struct builtin_table {
        unsigned id;
        unsigned leverage, upper_leverage; /* upper: from bound on; 0: one tier */
        const char *bound;
} builtin_tables[] = {
        {50, 50,  0, "0"},
        {51, 10,  5, "3000000"},
        {52, 10,  5, "20000000"},
        {53, 20, 10, "40000000"},
        {54, 20, 10, "70000000"},
        {55, 25, 15, "100000000"},
        {56, 40, 20, "150000000"},
};
/* clang-format on */

#define N_BUILTIN        (sizeof(builtin) / sizeof(builtin[0]))
#define N_BUILTIN_TABLES (sizeof(builtin_tables) / sizeof(builtin_tables[0]))

static struct px builtin_price(const char *text)
{
        struct px price;

        must(num_parse_px(&price, text, strlen(text)) == E_OK);
        return price;
}

static struct px price_by_name(const char *name)
{
        for (size_t i = 0; i < N_BUILTIN; i++)
                if (!strcmp(builtin[i].name, name))
                        return builtin_price(builtin[i].price);
        return (struct px){NUM_SCALE};
}

static void allocate(struct paper_universe *u, size_t n, size_t n_tables)
{
        u->n = n;
        u->spec = xcalloc(n, sizeof(*u->spec));
        u->margin_mode = xcalloc(n, sizeof(*u->margin_mode));
        u->is_growing = xcalloc(n, sizeof(*u->is_growing));
        u->start = xcalloc(n, sizeof(*u->start));
        u->n_tables = n_tables;
        u->table = xcalloc(n_tables + 1, sizeof(*u->table));
        u->table_id = xcalloc(n_tables + 1, sizeof(*u->table_id));
        u->table_dex = xcalloc(n_tables + 1, sizeof(*u->table_dex));
        u->n_dexes = 1;
}

void paper_universe_fini(struct paper_universe *u)
{
        if (!u)
                return;
        free(u->spec);
        free(u->margin_mode);
        free(u->start);
        free(u->is_growing);
        free(u->table);
        free(u->table_id);
        free(u->table_dex);
        for (unsigned i = 0; i < u->n_dexes; i++)
                free(u->dex[i].meta_json);
        memset(u, 0, sizeof(*u));
}

int paper_universe_find(const struct paper_universe *u, const char *name)
{
        for (size_t i = 0; i < u->n; i++)
                if (!strcmp(u->spec[i].name, name))
                        return (int)i;
        return -1;
}

bool paper_universe_by_id(const struct paper_universe *u, uint32_t *asset, uint32_t id)
{
        for (unsigned d = 0; d < u->n_dexes; d++) {
                uint32_t first = d ? PAPER_DEX_ID(d) : 0;

                if (id >= first && id - first < u->dex[d].n) {
                        *asset = u->dex[d].first + id - first;
                        return true;
                }
        }
        return false;
}

enum errc paper_universe_table(const struct paper_universe *u, struct margin_table *out,
                               unsigned dex, uint64_t id)
{
        for (size_t i = 0; i < u->n_tables; i++) {
                if (u->table_id[i] == id && u->table_dex[i] == dex) {
                        *out = u->table[i];
                        return E_OK;
                }
        }
        if (id == 0 || id >= SINGLE_TIER_ID)
                return E_NOT_FOUND;
        memset(out, 0, sizeof(*out));
        out->n = 1;
        out->tier[0].max_leverage = (unsigned)id;
        return E_OK;
}

/* ---- The answer to "meta" ------------------------------------------------------------------ */

void paper_universe_show_table(struct buf *out, const char *key, const struct margin_table *table)
{
        char description[32] = "";

        if (table->n > 1)
                (void)snprintf(description, sizeof(description), "tiered %ux",
                               table->tier[0].max_leverage);
        jot_object(out, key);
        jot_text(out, "description", description);
        jot_array(out, "marginTiers");
        for (unsigned i = 0; i < table->n; i++) {
                jot_object(out, NULL);
                jot_usd(out, "lowerBound", table->tier[i].lower_bound);
                jot_uint(out, "maxLeverage", table->tier[i].max_leverage);
                jot_end_object(out);
        }
        jot_end_array(out);
        jot_end_object(out);
}

void paper_universe_set_mode(struct paper_universe *u, size_t i, enum paper_margin_mode mode)
{
        u->margin_mode[i] = mode;
        u->spec[i].only_isolated = mode != PAPER_MARGIN_NORMAL;
        u->spec[i].strict_isolated = mode == PAPER_MARGIN_STRICT;
}

void paper_universe_default(struct paper_universe *u)
{
        memset(u, 0, sizeof(*u));
        allocate(u, N_BUILTIN + paper_dexes_n_markets(), N_BUILTIN_TABLES + paper_dexes_n_tables());
        u->n = N_BUILTIN;
        u->n_tables = N_BUILTIN_TABLES;
        u->dex[0].n = N_BUILTIN;
        for (size_t i = 0; i < N_BUILTIN_TABLES; i++) {
                const struct builtin_table *from = &builtin_tables[i];
                struct margin_table *table = &u->table[i];

                u->table_id[i] = from->id;
                table->n = from->upper_leverage ? 2 : 1;
                table->tier[0].max_leverage = from->leverage;
                table->tier[1].max_leverage = from->upper_leverage;
                must(num_parse_usd(&table->tier[1].lower_bound, from->bound, strlen(from->bound)) ==
                     E_OK);
        }
        for (size_t i = 0; i < N_BUILTIN; i++) {
                struct engine_market_spec *spec = &u->spec[i];

                (void)text_copy(spec->name, sizeof(spec->name), builtin[i].name);
                spec->sz_decimals = builtin[i].sz_decimals;
                spec->max_leverage = builtin[i].max_leverage;
                spec->margin_table_id = builtin[i].margin_table_id;
                spec->is_delisted = builtin[i].is_delisted;
                paper_universe_set_mode(u, i, builtin[i].mode);
                must(paper_universe_table(u, &spec->tiers, 0, spec->margin_table_id) == E_OK);
                u->start[i] = builtin_price(builtin[i].price);
        }
        paper_dexes_add(u);
        paper_dexes_render(u);
}

/* ---- A captured universe ------------------------------------------------------------------- */

static enum errc small_uint(unsigned *out, const json_t *object, const char *key, unsigned max)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            json_integer_value(value) > (json_int_t)max)
                return E_SYNTAX;
        *out = (unsigned)json_integer_value(value);
        return E_OK;
}

static enum errc load_table(struct paper_universe *u, size_t i, const json_t *row, struct err *err)
{
        const json_t *id = json_array_get(row, 0);
        const json_t *tiers = json_object_get(json_array_get(row, 1), "marginTiers");
        struct margin_table *table = &u->table[i];

        if (!json_is_integer(id) || json_integer_value(id) <= 0 ||
            json_integer_value(id) > UINT_MAX || !json_array_size(tiers) ||
            json_array_size(tiers) > MARGIN_TIERS_MAX)
                return err_set(err, E_CONFIG,
                               "marginTables[%zu]: want [id, {marginTiers: [1..%d]}]", i,
                               MARGIN_TIERS_MAX);
        u->table_id[i] = (unsigned)json_integer_value(id);
        table->n = (unsigned)json_array_size(tiers);
        for (unsigned k = 0; k < table->n; k++) {
                const json_t *tier = json_array_get(tiers, k);
                const char *bound = json_string_value(json_object_get(tier, "lowerBound"));

                if (!bound || num_parse_usd(&table->tier[k].lower_bound, bound, strlen(bound)) ||
                    small_uint(&table->tier[k].max_leverage, tier, "maxLeverage", 1000))
                        return err_set(
                                err, E_CONFIG,
                                "marginTables[%zu]: tier %u needs lowerBound and maxLeverage", i,
                                k);
        }
        if (margin_table_check(table))
                return err_set(err, E_CONFIG, "marginTables[%zu]: the tiers are not in order", i);
        return E_OK;
}

/* Printable ASCII without quote and backslash: names stand in JSON and in error texts as they are. */
static bool name_is_plain(const char *name)
{
        size_t len = name ? strlen(name) : 0;

        if (len == 0 || len >= sizeof(((struct engine_market_spec *)0)->name))
                return false;
        for (size_t i = 0; i < len; i++)
                if (name[i] <= ' ' || name[i] > '~' || name[i] == '"' || name[i] == '\\')
                        return false;
        return true;
}

static enum paper_margin_mode read_mode(const json_t *row)
{
        const char *mode = json_string_value(json_object_get(row, "marginMode"));

        if (mode && !strcmp(mode, "strictIsolated"))
                return PAPER_MARGIN_STRICT;
        if ((mode && !strcmp(mode, "noCross")) ||
            json_is_true(json_object_get(row, "onlyIsolated")))
                return PAPER_MARGIN_NO_CROSS;
        return PAPER_MARGIN_NORMAL;
}

static enum errc load_market(struct paper_universe *u, size_t i, const json_t *row, struct err *err)
{
        struct engine_market_spec *spec = &u->spec[i];
        const char *name = json_string_value(json_object_get(row, "name"));

        if (!name_is_plain(name))
                return err_set(err, E_CONFIG, "universe[%zu]: name must be 1..31 plain characters",
                               i);
        if (paper_universe_find(u, name) >= 0)
                return err_set(err, E_CONFIG, "universe[%zu]: %s occurs twice", i, name);
        (void)text_copy(spec->name, sizeof(spec->name), name);
        if (small_uint(&spec->sz_decimals, row, "szDecimals", 6))
                return err_set(err, E_CONFIG, "universe[%zu] %s: szDecimals must be 0..6", i, name);
        if (small_uint(&spec->max_leverage, row, "maxLeverage", 1000) || spec->max_leverage == 0)
                return err_set(err, E_CONFIG, "universe[%zu] %s: maxLeverage must be 1..1000", i,
                               name);
        if (json_object_get(row, "marginTableId")) {
                if (small_uint(&spec->margin_table_id, row, "marginTableId", UINT_MAX) ||
                    paper_universe_table(u, &spec->tiers, 0, spec->margin_table_id))
                        return err_set(err, E_CONFIG,
                                       "universe[%zu] %s: marginTableId names no table", i, name);
        } else {
                spec->margin_table_id = spec->max_leverage;
                spec->tiers.n = 1;
                spec->tiers.tier[0].max_leverage = spec->max_leverage;
        }
        spec->is_delisted = json_is_true(json_object_get(row, "isDelisted"));
        paper_universe_set_mode(u, i, read_mode(row));
        return E_OK;
}

static bool read_price(struct px *out, const json_t *context, const char *key)
{
        const char *text = json_string_value(json_object_get(context, key));

        return text && !num_parse_px(out, text, strlen(text)) && out->v > 0 &&
               out->v < INT64_C(10000000) * NUM_SCALE;
}

static void load_price(struct paper_universe *u, size_t i, const json_t *context)
{
        if (!read_price(&u->start[i], context, "markPx") &&
            !read_price(&u->start[i], context, "oraclePx"))
                u->start[i] = price_by_name(u->spec[i].name);
}

static enum errc load_all(struct paper_universe *u, const json_t *root, struct err *err)
{
        const json_t *body = json_object_get(root, "data") ? json_object_get(root, "data") : root;
        const json_t *meta = json_is_array(body) ? json_array_get(body, 0) : body;
        const json_t *contexts = json_is_array(body) ? json_array_get(body, 1) : NULL;
        const json_t *markets = json_object_get(meta, "universe");
        const json_t *tables = json_object_get(meta, "marginTables");
        size_t n = json_array_size(markets), n_tables = json_array_size(tables);
        enum errc rc = E_OK;

        if (n == 0 || n > PAPER_MARKETS_MAX)
                return err_set(err, E_CONFIG, "universe: want 1..%d markets, found %zu",
                               PAPER_MARKETS_MAX, n);
        if (n_tables > TABLES_MAX)
                return err_set(err, E_CONFIG, "marginTables: want at most %d", TABLES_MAX);
        allocate(u, n, n_tables);
        u->dex[0].n = (uint32_t)n;
        for (size_t i = 0; i < n_tables && !rc; i++)
                rc = load_table(u, i, json_array_get(tables, i), err);
        for (size_t i = 0; i < n && !rc; i++) {
                rc = load_market(u, i, json_array_get(markets, i), err);
                if (!rc)
                        load_price(u, i, json_array_get(contexts, i));
        }
        return rc;
}

enum errc paper_universe_load(struct paper_universe *out, const char *file, struct err *err)
{
        enum errc rc = E_CONFIG;
        json_t *root = NULL;
        json_error_t at;
        char *text = NULL;
        size_t len = 0;
        FILE *stream = fopen(file, "re");

        memset(out, 0, sizeof(*out));
        if (!stream) {
                (void)err_set(err, E_CONFIG, "%s: can't be opened", file);
                goto done;
        }
        text = xmalloc(META_FILE_MAX + 1);
        len = fread(text, 1, META_FILE_MAX + 1, stream);
        if (ferror(stream) || len > META_FILE_MAX) {
                (void)err_set(err, E_CONFIG, "%s: can't be read, or is larger than %u bytes", file,
                              META_FILE_MAX);
                goto done;
        }
        root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
        if (!root) {
                (void)err_set(err, E_CONFIG, "%s:%d: %s", file, at.line, at.text);
                goto done;
        }
        rc = load_all(out, root, err);
        if (rc)
                paper_universe_fini(out);
        else
                paper_dexes_render(out);
done:
        json_decref(root);
        free(text);
        if (stream)
                (void)fclose(stream);
        return rc;
}
