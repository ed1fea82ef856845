/* brand: what an operator's brand is and permits. Read from branding/<id>/brand.yaml, checked whole,
 * immutable once loaded; replaced as a set on reload and reference counted meanwhile. */
#ifndef BRAND_BRAND_H
#define BRAND_BRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/num.h"
#include "risk/margin.h"

#define BRAND_ID_MAX      32
#define BRAND_HOSTS_MAX   8
#define BRAND_ORIGINS_MAX 16
#define BRAND_CHAINS_MAX  8
#define BRAND_MARKETS_MAX 512
#define BRAND_REGIONS_MAX 256
#define BRAND_BANDS_MAX   3 /* as many as are watched, over all brands */
#define BRAND_HOOKS_MAX   4

#define BRAND_WEBHOOK_SECRET_MIN 16 /* characters */
#define BRAND_WEBHOOK_SECRET_MAX 256

struct brand_leverage_cap {
        char symbol[32];
        unsigned max_leverage;
};
struct brand_link {
        char label[48];
        char url[256];
};

/* Who is told of the alerts of a brand's traders: posts of JSON, signed with the secret in the file. */
struct brand_webhook {
        char url[256];
        char secret_file[512]; /* joined with the brand's folder */
};

/* What a refusal of the pre-check is for this brand. */
enum brand_rule_action { RULE_REFUSE, RULE_WARN };

/* Who signs: an agent whose key is kept here, or the trader, every action. */
enum brand_keys { BRAND_KEYS_AGENT, BRAND_KEYS_NONE };

struct brand {
        char id[BRAND_ID_MAX]; /* folder name: [a-z0-9-] */
        char name[64];
        char tagline[160];
        unsigned n_hosts;
        char host[BRAND_HOSTS_MAX][256]; /* lower case, without port; the first is canonical */
        bool tls; /* whether the public scheme is https (own TLS or a proxy in front) */
        struct {
                char primary[16], background[16], text[16], accent[16]; /* "#rrggbb" */
                char mode[8];                                           /* dark, light */
                char font[64];
        } theme;
        char logo_file[256]; /* relative to the brand's folder; SVG or PNG */
        uint8_t *logo;       /* its bytes; owned */
        size_t logo_len;
        char logo_type[32];
        unsigned n_links;
        struct brand_link link[8];
        enum margin_mode default_margin_mode;
        bool allow_isolated, allow_cross;
        bool all_markets;
        unsigned n_markets;
        char (*market)[32];    /* symbols offered, or "dex:*", unless all_markets; owned */
        unsigned max_leverage; /* cap for every market; 0: the market's own */
        unsigned default_leverage;
        unsigned n_caps;
        struct brand_leverage_cap *cap; /* owned */
        bool has_min_liquidation_distance;
        struct rate min_liquidation_distance;
        enum brand_rule_action on_liquidation_too_close, on_stop_beyond_liquidation;
        enum brand_rule_action on_insufficient_margin, on_margin_not_removable;
        struct rate default_slippage; /* of market orders */
        struct rate max_slippage;
        bool has_builder;
        struct addr builder;
        unsigned builder_fee_tenth_bp; /* what is charged; 0: left out */
        char terms_version[32];
        char terms_url[256];
        bool terms_required;
        unsigned n_origins;
        char origin[BRAND_ORIGINS_MAX][256]; /* exact origins for CORS */
        unsigned n_chains;
        uint64_t chain[BRAND_CHAINS_MAX]; /* accepted in sign-in and typed data; first is default */
        char statement[160];              /* of the sign-in message */
        unsigned n_bands;
        struct rate band[BRAND_BANDS_MAX]; /* liquidation distances that alert, falling */
        struct rate drift_threshold;       /* of equity: a drift above it alerts */
        unsigned n_webhooks;
        struct brand_webhook webhook[BRAND_HOOKS_MAX];
        enum brand_keys keys;
        bool compat_info, compat_exchange,
                compat_ws; /* the venue's own wire on the brand's hosts */
        unsigned
                compat_weight; /* a minute, for each network address: of questions, and of actions */
        unsigned requests_per_minute; /* per session; public routes per network address */
        char region_header
                [16]; /* in which a trusted proxy names the country; "": no region policy */
        unsigned n_regions;
        char region[BRAND_REGIONS_MAX][3]; /* countries where nothing may be opened */
        bool region_fail_closed;           /* a country that is not known counts as one of them */
        char blocked_file[256]; /* addresses that are not served; relative to the folder */
        size_t n_blocked;
        struct addr *blocked; /* its addresses, sorted; owned */
};

bool brand_offers(const struct brand *brand, const char *symbol);
bool brand_allows_mode(const struct brand *brand, enum margin_mode mode);
/* min(brand's cap for the symbol or in general, market_max). */
unsigned brand_max_leverage(const struct brand *brand, const char *symbol, unsigned market_max);
bool brand_allows_origin(const struct brand *brand, const char *origin);
bool brand_allows_chain(const struct brand *brand, uint64_t chain_id);

enum brand_region { BRAND_REGION_OPEN, BRAND_REGION_BLOCKED, BRAND_REGION_UNKNOWN };
/* country as a trusted proxy names it, "" where none does. What is not two letters, and "XX", is not
 * known; where the brand does not fail closed, that is open. */
enum brand_region brand_region_of(const struct brand *brand, const char *country);
bool brand_blocks_address(const struct brand *brand, const struct addr *address);
void brand_free(struct brand *brand); /* accepts NULL */

/* All brands of a configuration. */
struct brand_set {
        unsigned refs;
        size_t n;
        struct brand **brand; /* owned */
};
struct brand_set *brand_set_ref(struct brand_set *set);
void brand_set_unref(struct brand_set *set); /* accepts NULL */
/* By Host (without port, lower case); NULL when no brand has it. */
const struct brand *brand_by_host(const struct brand_set *set, const char *host);
const struct brand *brand_by_id(const struct brand_set *set, const char *id);

#endif
