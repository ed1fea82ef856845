/* venue_options: what a venue is opened with. Part of venue.h. */
#ifndef VENUE_OPTIONS_H
#define VENUE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/market.h"

#define VENUE_EGRESS_MAX  16
#define VENUE_ADDRESS_MAX 46 /* a numeric address as text */

struct venue_options {
        const char *kind;     /* "hyperliquid" */
        const char *base_url; /* e.g. "https://api.hyperliquid.xyz", no trailing slash */
        bool is_mainnet;      /* which network signatures name */
        unsigned n_egress;    /* local addresses to connect from; 0: the system's choice */
        char egress[VENUE_EGRESS_MAX][VENUE_ADDRESS_MAX];
        const char *ca_file;        /* or NULL */
        unsigned weight_per_minute; /* budget of each egress address */
        unsigned order_reserve;     /* part of it that reads may not touch */
        /* A node beside the venue, for poll_*. */
        const char *node_url;       /* such as "http://127.0.0.1:3001", or NULL */
        int64_t node_max_lag_ms;    /* behind more than this it is left alone */
        unsigned accounts_per_read; /* it takes so many in one batchClearinghouseStates; 0: none */
        int64_t order_deadline_ms, read_deadline_ms;
        int64_t contexts_every_ms, markets_every_ms;
        unsigned max_in_flight; /* of each egress address */
        unsigned n_dexes;       /* beside the first */
        char dex[VENUE_DEXES_MAX][DEX_NAME_MAX];
};

#endif
