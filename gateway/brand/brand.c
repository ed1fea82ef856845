#include "brand/brand.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

static int by_symbol(const void *key, const void *item)
{
        return strcmp(key, item);
}

/* The loader sorts the markets. */
static bool is_listed(const struct brand *brand, const char *symbol)
{
        return brand->n_markets > 0 &&
               bsearch(symbol, brand->market, brand->n_markets, sizeof *brand->market, by_symbol);
}

/* "xyz:*" stands for every market of the dex xyz. */
static bool offers_dex(const struct brand *brand, const char *symbol)
{
        const char *colon = strchr(symbol, ':');
        char pattern[sizeof *brand->market];
        size_t len = colon ? (size_t)(colon - symbol) + 1 : 0;

        if (!colon || len + 2 > sizeof pattern)
                return false;
        memcpy(pattern, symbol, len);
        memcpy(pattern + len, "*", 2);
        return is_listed(brand, pattern);
}

bool brand_offers(const struct brand *brand, const char *symbol)
{
        if (brand->all_markets)
                return true;
        return is_listed(brand, symbol) || offers_dex(brand, symbol);
}

bool brand_allows_mode(const struct brand *brand, enum margin_mode mode)
{
        switch (mode) {
        case MARGIN_ISOLATED: return brand->allow_isolated;
        case MARGIN_CROSS: return brand->allow_cross;
        }
        return false;
}

unsigned brand_max_leverage(const struct brand *brand, const char *symbol, unsigned market_max)
{
        unsigned cap = brand->max_leverage;

        for (unsigned i = 0; i < brand->n_caps; i++)
                if (strcmp(brand->cap[i].symbol, symbol) == 0)
                        cap = brand->cap[i].max_leverage;
        return cap > 0 && cap < market_max ? cap : market_max;
}

bool brand_allows_origin(const struct brand *brand, const char *origin)
{
        for (unsigned i = 0; i < brand->n_origins; i++)
                if (strcmp(brand->origin[i], origin) == 0)
                        return true;
        return false;
}

bool brand_allows_chain(const struct brand *brand, uint64_t chain_id)
{
        for (unsigned i = 0; i < brand->n_chains; i++)
                if (brand->chain[i] == chain_id)
                        return true;
        return false;
}

static char upper(char c)
{
        return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_letter(char c)
{
        return c >= 'A' && c <= 'Z';
}

enum brand_region brand_region_of(const struct brand *brand, const char *country)
{
        char code[3] = "";

        if (!brand->region_header[0])
                return BRAND_REGION_OPEN;
        if (strlen(country) == 2) {
                code[0] = upper(country[0]);
                code[1] = upper(country[1]);
        }
        /* "T1" stands for an anonymising network, "XX" for a country that could not be told. */
        if (!is_letter(code[0]) || !is_letter(code[1]) || strcmp(code, "XX") == 0)
                return brand->region_fail_closed ? BRAND_REGION_UNKNOWN : BRAND_REGION_OPEN;
        for (unsigned i = 0; i < brand->n_regions; i++)
                if (strcmp(brand->region[i], code) == 0)
                        return BRAND_REGION_BLOCKED;
        return BRAND_REGION_OPEN;
}

static int by_bytes(const void *key, const void *item)
{
        return memcmp(key, item, sizeof(struct addr));
}

/* The loader sorts the addresses. */
bool brand_blocks_address(const struct brand *brand, const struct addr *address)
{
        if (brand->n_blocked == 0)
                return false;
        return bsearch(address, brand->blocked, brand->n_blocked, sizeof *brand->blocked, by_bytes);
}

void brand_free(struct brand *brand)
{
        if (!brand)
                return;
        free(brand->logo);
        free(brand->market);
        free(brand->cap);
        free(brand->blocked);
        free(brand);
}

struct brand_set *brand_set_ref(struct brand_set *set)
{
        must(set->refs > 0 && set->refs < UINT32_MAX);
        set->refs++;
        return set;
}

void brand_set_unref(struct brand_set *set)
{
        if (!set)
                return;
        must(set->refs > 0);
        if (--set->refs > 0)
                return;
        for (size_t i = 0; i < set->n; i++)
                brand_free(set->brand[i]);
        free(set->brand);
        free(set);
}

static bool has_host(const struct brand *brand, const char *host)
{
        for (unsigned i = 0; i < brand->n_hosts; i++)
                if (strcmp(brand->host[i], host) == 0)
                        return true;
        return false;
}

const struct brand *brand_by_host(const struct brand_set *set, const char *host)
{
        for (size_t i = 0; i < set->n; i++)
                if (has_host(set->brand[i], host))
                        return set->brand[i];
        return NULL;
}

const struct brand *brand_by_id(const struct brand_set *set, const char *id)
{
        for (size_t i = 0; i < set->n; i++)
                if (strcmp(set->brand[i]->id, id) == 0)
                        return set->brand[i];
        return NULL;
}
