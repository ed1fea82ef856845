#include "brand/brand_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "brand/check.h"
#include "brand/yaml_read.h"

#define PERCENT    (NUM_RATE_SCALE / 100)
#define EXPECT_URL "an http:// or https:// URL"

#define AT(member) YAML_FIELD_AT(brand_reading, brand.member)

static const char *const mode_words[] = {"isolated", "cross", NULL};
static const char *const action_words[] = {"refuse", "warn", NULL};
static const char *const keys_words[] = {"agent", "none", NULL};
_Static_assert(MARGIN_ISOLATED == 0 && MARGIN_CROSS == 1, "order of mode_words");
_Static_assert(RULE_REFUSE == 0 && RULE_WARN == 1, "order of action_words");

static void item_path(char *out, size_t cap, const char *path, size_t i)
{
        snprintf(out, cap, "%s[%zu]", path, i);
}

/* A list of texts, all by one row, into an array of elements of row->size bytes. Returns how many;
 * those that do not fit the row are told and left out. */
static unsigned read_texts(struct problem_sink *sink, const char *path,
                           const struct yaml_node *node, const struct yaml_field *row, void *array,
                           size_t max, unsigned *lines)
{
        unsigned n = 0;

        if (!node || !yaml_read_is_list(sink, path, node, max))
                return 0;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], row,
                                     (char *)array + n * row->size))
                        continue;
                if (lines)
                        lines[n] = node->child[i]->line;
                n++;
        }
        return n;
}

static void read_hosts(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct brand *)NULL)->host[0],
                .min = 1,
                .accepts = check_host,
                .expected = "a host name in lower case without port",
        };
        struct brand_reading *r = object;

        r->brand.n_hosts =
                read_texts(sink, path, node, &row, r->brand.host, BRAND_HOSTS_MAX, r->host_line);
        if (node->kind == NODE_LIST && node->n == 0)
                problem_add(sink, node->line, "%s: expected at least one host", path);
}

static void read_links(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       void *object)
{
        static const struct yaml_field fields[] = {
                {.key = "label",
                 .type = FIELD_TEXT,
                 .required = true,
                 .min = 1,
                 YAML_FIELD_AT(brand_link, label)},
                {.key = "url",
                 .type = FIELD_TEXT,
                 .required = true,
                 .min = 1,
                 YAML_FIELD_AT(brand_link, url),
                 .accepts = check_url,
                 .expected = EXPECT_URL},
                {0},
        };
        struct brand *b = &((struct brand_reading *)object)->brand;

        if (!node || !yaml_read_is_list(sink, path, node, sizeof b->link / sizeof *b->link))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                item_path(item, sizeof item, path, i);
                yaml_read_map(sink, item, node->child[i], node->child[i]->line, fields,
                              &b->link[i]);
        }
        b->n_links = (unsigned)node->n;
}

/* Both where the key is absent. */
static void read_modes(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       void *object)
{
        struct brand *b = &((struct brand_reading *)object)->brand;
        static const struct yaml_field row = {
                .type = FIELD_WORD, .size = sizeof(unsigned), .words = mode_words};

        b->allow_isolated = b->allow_cross = !node;
        if (!node || !yaml_read_is_list(sink, path, node, 2))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                unsigned mode = 0;
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], &row, &mode))
                        continue;
                bool *allow = mode == MARGIN_ISOLATED ? &b->allow_isolated : &b->allow_cross;
                if (*allow)
                        problem_add(sink, node->child[i]->line, "%s: expected each mode once",
                                    item);
                *allow = true;
        }
        if (node->n == 0)
                problem_add(sink, node->line, "%s: expected isolated, cross or both", path);
}

static int by_symbol(const void *a, const void *b)
{
        return strcmp(a, b);
}

static const struct yaml_field symbol_row = {
        .type = FIELD_TEXT,
        .size = sizeof((struct brand *)NULL)->market[0],
        .min = 1,
        .accepts = check_symbol,
        .expected = "a market's symbol, such as BTC",
};

static const struct yaml_field market_row = {
        .type = FIELD_TEXT,
        .size = sizeof((struct brand *)NULL)->market[0],
        .min = 1,
        .accepts = check_market,
        .expected = "a market's symbol, such as BTC, or all of a dex, such as xyz:*",
};

/* "all", or a list, which is kept sorted for the look-up. */
static void read_markets(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                         void *object)
{
        struct brand *b = &((struct brand_reading *)object)->brand;

        b->all_markets = !node || (node->kind == NODE_SCALAR && strcmp(node->text, "all") == 0);
        if (b->all_markets || node->kind == NODE_BAD)
                return;
        if (node->kind != NODE_LIST || node->n == 0 || node->n > BRAND_MARKETS_MAX) {
                problem_add(sink, node->line, "%s: expected all, or a list of 1 to %d symbols",
                            path, BRAND_MARKETS_MAX);
                return;
        }
        b->market = xcalloc(node->n, sizeof *b->market);
        b->n_markets =
                read_texts(sink, path, node, &market_row, b->market, BRAND_MARKETS_MAX, NULL);
        qsort(b->market, b->n_markets, sizeof *b->market, by_symbol);
        for (unsigned i = 1; i < b->n_markets; i++)
                if (strcmp(b->market[i - 1], b->market[i]) == 0)
                        problem_add(sink, node->line,
                                    "%s: expected each symbol once, found %s twice", path,
                                    b->market[i]);
}

static void read_caps(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                      void *object)
{
        static const struct yaml_field row = {.type = FIELD_UINT,
                                              .min = 1,
                                              .max = BRAND_LEVERAGE_MAX,
                                              YAML_FIELD_AT(brand_leverage_cap, max_leverage)};
        struct brand *b = &((struct brand_reading *)object)->brand;

        if (!node || !yaml_read_is_map(sink, path, node, BRAND_MARKETS_MAX))
                return;
        b->cap = xcalloc(node->n ? node->n : 1, sizeof *b->cap);
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                struct brand_leverage_cap *cap = &b->cap[b->n_caps];
                if (node->key[i]->kind != NODE_SCALAR)
                        continue;
                snprintf(item, sizeof item, "%s.%.60s", path, node->key[i]->text);
                if (yaml_read_value(sink, item, node->key[i], &symbol_row, cap->symbol) &&
                    yaml_read_value(sink, item, node->child[i], &row, cap))
                        b->n_caps++;
        }
}

static void read_min_distance(struct problem_sink *sink, const char *path,
                              const struct yaml_node *node, void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_RATE, .min = 1, .max = 50 * PERCENT, AT(min_liquidation_distance)};
        struct brand_reading *r = object;

        if (node)
                r->brand.has_min_liquidation_distance =
                        yaml_read_value(sink, path, node, &row, object);
}

static void read_origins(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                         void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct brand *)NULL)->origin[0],
                .min = 1,
                .accepts = check_origin,
                .expected =
                        "an origin: http:// or https://, a lower-case host, and a port where it "
                        "is not the scheme's own, nothing behind",
        };
        struct brand *b = &((struct brand_reading *)object)->brand;

        b->n_origins = read_texts(sink, path, node, &row, b->origin, BRAND_ORIGINS_MAX, NULL);
}

/* Ethereum's chain where the key is absent. */
static void read_chains(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                        void *object)
{
        static const struct yaml_field row = {.type = FIELD_UINT,
                                              .size = sizeof(uint64_t),
                                              .min = 1,
                                              .max = INT64_C(9007199254740991)};
        struct brand *b = &((struct brand_reading *)object)->brand;

        if (!node) {
                b->chain[b->n_chains++] = 1;
                return;
        }
        if (!yaml_read_is_list(sink, path, node, BRAND_CHAINS_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                uint64_t id = 0;
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], &row, &id))
                        continue;
                if (brand_allows_chain(b, id))
                        problem_add(sink, node->child[i]->line, "%s: expected each chain once",
                                    item);
                b->chain[b->n_chains++] = id;
        }
        if (node->n == 0)
                problem_add(sink, node->line, "%s: expected at least one chain id", path);
}

static void read_regions(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                         void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_TEXT,
                .size = sizeof((struct brand *)NULL)->region[0],
                .min = 1,
                .accepts = check_country,
                .expected = "a country's two capital letters (ISO 3166)",
        };
        struct brand *b = &((struct brand_reading *)object)->brand;

        b->n_regions = read_texts(sink, path, node, &row, b->region, BRAND_REGIONS_MAX, NULL);
}

/* Falling, so that each is a step nearer to liquidation. */
static void read_bands(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                       void *object)
{
        static const struct yaml_field row = {
                .type = FIELD_RATE, .size = sizeof(struct rate), .min = 1, .max = 90 * PERCENT};
        struct brand *b = &((struct brand_reading *)object)->brand;

        if (!node) {
                b->band[b->n_bands++].v = 20 * PERCENT;
                b->band[b->n_bands++].v = 10 * PERCENT;
                b->band[b->n_bands++].v = 5 * PERCENT;
                return;
        }
        if (!yaml_read_is_list(sink, path, node, BRAND_BANDS_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                struct rate band = {0};
                item_path(item, sizeof item, path, i);
                if (!yaml_read_value(sink, item, node->child[i], &row, &band))
                        continue;
                if (b->n_bands > 0 && band.v >= b->band[b->n_bands - 1].v)
                        problem_add(sink, node->child[i]->line,
                                    "%s: expected less than the one before", item);
                b->band[b->n_bands++] = band;
        }
}

static void read_webhooks(struct problem_sink *sink, const char *path, const struct yaml_node *node,
                          void *object)
{
        static const struct yaml_field fields[] = {
                {.key = "url",
                 .type = FIELD_TEXT,
                 .required = true,
                 .min = 1,
                 YAML_FIELD_AT(brand_webhook, url),
                 .accepts = check_url,
                 .expected = EXPECT_URL},
                {.key = "secretFile",
                 .type = FIELD_TEXT,
                 .required = true,
                 .min = 1,
                 .max = 255,
                 YAML_FIELD_AT(brand_webhook, secret_file)},
                {0},
        };
        struct brand_reading *r = object;
        struct brand *b = &r->brand;

        if (!node || !yaml_read_is_list(sink, path, node, BRAND_HOOKS_MAX))
                return;
        for (size_t i = 0; i < node->n; i++) {
                char item[160];
                item_path(item, sizeof item, path, i);
                r->webhook_line[i] = node->child[i]->line;
                yaml_read_map(sink, item, node->child[i], node->child[i]->line, fields,
                              &b->webhook[i]);
                for (size_t j = 0; j < i; j++)
                        if (strcmp(b->webhook[j].url, b->webhook[i].url) == 0)
                                problem_add(sink, node->child[i]->line,
                                            "%s: expected each URL once", item);
        }
        b->n_webhooks = (unsigned)node->n;
}

static bool is_region_header(const char *text)
{
        return strcmp(text, "cf-ipcountry") == 0 || strcmp(text, "x-country") == 0;
}

static bool is_look(const char *text)
{
        return strcmp(text, "dark") == 0 || strcmp(text, "light") == 0;
}

/* clang-format off */
#define COLOUR .type = FIELD_TEXT, .accepts = check_colour, .expected = "a colour, \"#rrggbb\""
static const struct yaml_field theme_fields[] = {
        {.key = "primary", COLOUR, .required = true, AT(theme.primary)},
        {.key = "background", COLOUR, .required = true, AT(theme.background)},
        {.key = "text", COLOUR, .required = true, AT(theme.text)},
        {.key = "accent", COLOUR, .required = true, AT(theme.accent)},
        {.key = "mode", .type = FIELD_TEXT, .fallback = "dark", AT(theme.mode),
         .accepts = is_look, .expected = "dark or light"},
        {.key = "font", .type = FIELD_TEXT, .fallback = "system-ui", AT(theme.font), .min = 1,
         .accepts = check_font, .expected = "font names: letters, digits, ' ', ',' and '-'"},
        {0},
};
static const struct yaml_field margin_fields[] = {
        {.key = "defaultMode", .type = FIELD_WORD, .words = mode_words, .fallback = "isolated",
         AT(default_margin_mode)},
        {.key = "modes", .type = FIELD_CUSTOM, .read = read_modes},
        {.key = "minLiquidationDistance", .type = FIELD_CUSTOM, .read = read_min_distance},
        {.key = "onLiquidationTooClose", .type = FIELD_WORD, .words = action_words,
         .fallback = "refuse", AT(on_liquidation_too_close)},
        {.key = "onStopBeyondLiquidation", .type = FIELD_WORD, .words = action_words,
         .fallback = "refuse", AT(on_stop_beyond_liquidation)},
        {.key = "onInsufficientMargin", .type = FIELD_WORD, .words = action_words,
         .fallback = "refuse", AT(on_insufficient_margin)},
        {.key = "onMarginNotRemovable", .type = FIELD_WORD, .words = action_words,
         .fallback = "refuse", AT(on_margin_not_removable)},
        {0},
};
static const struct yaml_field leverage_fields[] = {
        {.key = "max", .type = FIELD_UINT, .min = 1, .max = BRAND_LEVERAGE_MAX, AT(max_leverage)},
        {.key = "default", .type = FIELD_UINT, .min = 1, .max = BRAND_LEVERAGE_MAX,
         .fallback = "1", AT(default_leverage)},
        {.key = "caps", .type = FIELD_CUSTOM, .read = read_caps},
        {0},
};
static const struct yaml_field slippage_fields[] = {
        {.key = "default", .type = FIELD_RATE, .min = 1, .max = 50 * PERCENT, .fallback = "0.01",
         AT(default_slippage)},
        {.key = "max", .type = FIELD_RATE, .min = 1, .max = 50 * PERCENT, .fallback = "0.05",
         AT(max_slippage)},
        {0},
};
static const struct yaml_field builder_fields[] = {
        {.key = "address", .type = FIELD_TEXT, YAML_FIELD_AT(brand_reading, builder_address)},
        {.key = "feeTenthBp", .type = FIELD_UINT, .max = BRAND_BUILDER_FEE_MAX, .fallback = "0",
         AT(builder_fee_tenth_bp)},
        {0},
};
static const struct yaml_field terms_fields[] = {
        {.key = "version", .type = FIELD_TEXT, AT(terms_version)},
        {.key = "url", .type = FIELD_TEXT, AT(terms_url), .accepts = check_url,
         .expected = EXPECT_URL},
        {.key = "required", .type = FIELD_BOOL, .fallback = "false", AT(terms_required)},
        {0},
};
static const struct yaml_field sign_in_fields[] = {
        {.key = "chains", .type = FIELD_CUSTOM, .read = read_chains},
        {.key = "statement", .type = FIELD_TEXT, AT(statement), .accepts = check_statement,
         .expected = "letters, digits, spaces and -._~:/?#[]@!$&'()*+,;="},
        {0},
};
static const struct yaml_field region_fields[] = {
        {.key = "header", .type = FIELD_TEXT, .min = 1, AT(region_header),
         .accepts = is_region_header, .expected = "cf-ipcountry or x-country"},
        {.key = "blocked", .type = FIELD_CUSTOM, .read = read_regions},
        {.key = "failClosed", .type = FIELD_BOOL, .fallback = "true", AT(region_fail_closed)},
        {0},
};
static const struct yaml_field address_fields[] = {
        {.key = "blockedFile", .type = FIELD_TEXT, .min = 1, AT(blocked_file)},
        {0},
};
static const struct yaml_field alert_fields[] = {
        {.key = "liquidationDistances", .type = FIELD_CUSTOM, .read = read_bands},
        {.key = "drift", .type = FIELD_RATE, .min = 1, .max = 50 * PERCENT, .fallback = "0.001",
         AT(drift_threshold)},
        {.key = "webhooks", .type = FIELD_CUSTOM, .read = read_webhooks},
        {0},
};
static const struct yaml_field compat_fields[] = {
        {.key = "info", .type = FIELD_BOOL, .fallback = "true", AT(compat_info)},
        {.key = "exchange", .type = FIELD_BOOL, .fallback = "true", AT(compat_exchange)},
        {.key = "ws", .type = FIELD_BOOL, .fallback = "true", AT(compat_ws)},
        {.key = "weightPerMinute", .type = FIELD_UINT, .min = 60, .max = 10000000,
         .fallback = "1200", AT(compat_weight)},
        {0},
};
static const struct yaml_field brand_fields[] = {
        {.key = "name", .type = FIELD_TEXT, .required = true, .min = 1, AT(name)},
        {.key = "tagline", .type = FIELD_TEXT, AT(tagline)},
        {.key = "hosts", .type = FIELD_CUSTOM, .required = true, .read = read_hosts},
        {.key = "tls", .type = FIELD_BOOL, .fallback = "true", AT(tls)},
        {.key = "theme", .type = FIELD_MAP, .required = true, .fields = theme_fields},
        {.key = "logo", .type = FIELD_TEXT, AT(logo_file), .accepts = check_plain_path,
         .expected = "a path inside the brand's folder"},
        {.key = "links", .type = FIELD_CUSTOM, .read = read_links},
        {.key = "margin", .type = FIELD_MAP, .fields = margin_fields},
        {.key = "markets", .type = FIELD_CUSTOM, .read = read_markets},
        {.key = "leverage", .type = FIELD_MAP, .fields = leverage_fields},
        {.key = "slippage", .type = FIELD_MAP, .fields = slippage_fields},
        {.key = "builder", .type = FIELD_MAP, .fields = builder_fields},
        {.key = "terms", .type = FIELD_MAP, .fields = terms_fields},
        {.key = "regions", .type = FIELD_MAP, .fields = region_fields},
        {.key = "addresses", .type = FIELD_MAP, .fields = address_fields},
        {.key = "alerts", .type = FIELD_MAP, .fields = alert_fields},
        {.key = "keys", .type = FIELD_WORD, .words = keys_words, .fallback = "agent",
         AT(keys)},
        {.key = "compat", .type = FIELD_MAP, .fields = compat_fields},
        {.key = "corsOrigins", .type = FIELD_CUSTOM, .read = read_origins},
        {.key = "signIn", .type = FIELD_MAP, .fields = sign_in_fields},
        {.key = "requestsPerMinute", .type = FIELD_UINT, .min = 1, .max = 1000000,
         .fallback = "600", AT(requests_per_minute)},
        {0},
};
/* clang-format on */

void brand_read(struct problem_sink *sink, const struct yaml_node *root,
                struct brand_reading *reading)
{
        yaml_read_map(sink, "", root, 1, brand_fields, reading);
}
