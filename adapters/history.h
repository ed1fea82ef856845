/* history: what an account or a market has been through, as a venue tells it. Values of venue.h. */
#ifndef ADAPTERS_HISTORY_H
#define ADAPTERS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/market.h"
#include "base/hex.h"
#include "base/num.h"

struct venue_candle {
        int64_t open_at, close_at;
        struct px open, high, low, close;
        char volume[NUM_STR_MAX]; /* in the base asset; may be above what a qty holds */
        uint64_t trades;
};
struct venue_funding_rate {
        int64_t at;
        struct rate rate, premium;
};
struct venue_payment { /* funding, as charged to one position */
        char symbol[SYMBOL_MAX];
        int64_t at;
        struct usd amount;          /* < 0: paid */
        char token[COLLATERAL_MAX]; /* what amount is counted in; "" not known */
        struct qty size;            /* of the position */
        struct rate rate;
};
/* Money in and out other than by trading and funding. Amounts are the venue's decimals: tokens other
 * than the collateral may be above what a usd holds. */
struct venue_ledger_row {
        int64_t at;
        char hash[HASH_STR_MAX];
        char type[40];            /* the venue's word */
        char amount[NUM_STR_MAX]; /* > 0: received; "" where the row moves none */
        char token[16];
        char fee[NUM_STR_MAX]; /* "" none */
        bool has_peer;         /* who sent or received */
        struct addr peer;
};
/* Which part of the window asked for an answer holds. */
enum venue_part {
        VENUE_WHOLE,
        VENUE_OLDER_MISSING, /* there may be more at or before oldest_at */
        VENUE_NEWER_MISSING, /* there may be more at or after newest_at */
};
struct venue_span {
        enum venue_part part;
        int64_t oldest_at, newest_at; /* of what the venue answered; 0, 0: nothing */
};

#endif
