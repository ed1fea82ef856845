/* market: a market and the dex it is of, as a venue describes them. Values. */
#ifndef MARKET_H
#define MARKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "risk/margin.h"

#define SYMBOL_MAX      32
#define COLLATERAL_MAX  16
#define DEX_NAME_MAX    8 /* with its end */
#define VENUE_DEXES_MAX 8 /* beside the first */

/* A market, as the venue describes it and its latest context. Borrowed from the venue until the
 * next turn; copy what must last. */
struct market {
        char symbol[SYMBOL_MAX];
        char dex[DEX_NAME_MAX];          /* whose account its positions are in; "": the first */
        char collateral[COLLATERAL_MAX]; /* "USDC": what its money is counted in */
        uint32_t asset;                  /* the venue's id; venue-internal, never on our wire */
        unsigned size_decimals;
        unsigned price_max_decimals; /* and at most 5 significant figures unless an integer */
        unsigned max_leverage;
        struct margin_table tiers;
        bool cross_allowed;
        bool margin_removable;
        bool is_delisted;
        struct rate fee_share,
                rebate_share; /* of the account's rates: what is charged, what is paid */
        /* Context; valid when context_at > 0 (wall ms). */
        int64_t context_at;
        struct px mark, oracle, mid, previous_day;
        bool has_mid;
        struct rate funding; /* hourly, a long pays when positive */
        struct qty open_interest;
        struct usd day_volume;
};

/* A perp dex: markets with one collateral, and an account of each trader's own. */
struct venue_dex {
        char name[DEX_NAME_MAX];         /* "": the first; symbols of others begin with "name:" */
        char collateral[COLLATERAL_MAX]; /* "" while its markets are not known */
        char token[64];                  /* the collateral, as transfers name it; "" not known */
        size_t n_markets;
        bool is_gone; /* the venue has none of this name: there is nothing to read */
};

#endif
