/* hl_venue: Hyperliquid behind venue.h: mainnet, testnet, or any base URL. This header is private to
 * the adapter, except for hl_venue_open, which adapters/registry.c calls. Loop thread only. */
#ifndef HL_VENUE_H
#define HL_VENUE_H

#include "adapters/hyperliquid/hl_meta.h"
#include "adapters/hyperliquid/hl_rest.h"
#include "adapters/venue.h"
#include "loop/loop.h"

struct hl_venue {
        struct venue venue; /* first: a struct venue * is a struct hl_venue * */
        struct loop *loop;
        struct hl_rest *rest;
        struct hl_universe *universe; /* NULL until the first answer */
        struct loop_timer *poll_timer;
        struct venue_caps caps;
        bool is_mainnet;
        int64_t order_deadline_ms;
        int64_t read_deadline_ms;
        int64_t markets_every_ms;
        bool poll_in_flight;
        unsigned failed_polls; /* in a row */
        struct venue_status status;
        uint64_t unknown_texts; /* error texts that hl_err.def does not know */
        uint64_t bad_answers;   /* info answers that were not understood */
};

struct venue *hl_venue_open(struct loop *loop, const struct venue_options *options,
                            struct err *err);

struct hl_venue *hl_venue_of(struct venue *venue);
const struct hl_venue *hl_venue_of_const(const struct venue *venue);

#endif
