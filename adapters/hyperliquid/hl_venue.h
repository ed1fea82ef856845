/* hl_venue: Hyperliquid behind venue.h: mainnet, testnet, or any base URL. This header is private to
 * the adapter, except for hl_venue_open, which adapters/registry.c calls. Loop thread only. */
#ifndef HL_VENUE_H
#define HL_VENUE_H

#include "adapters/hyperliquid/hl_markets.h"
#include "adapters/hyperliquid/hl_node.h"
#include "adapters/hyperliquid/hl_rest.h"
#include "adapters/venue.h"
#include "base/list.h"
#include "loop/loop.h"

struct hl_venue {
        struct venue venue; /* first: a struct venue * is a struct hl_venue * */
        struct loop *loop;
        struct hl_rest *rest;
        struct hl_node *node;     /* NULL: none */
        struct list polls;        /* that wait to be sent to it together */
        struct loop_timer *flush; /* sends them */
        unsigned accounts_per_read;
        bool node_lacks_orders;
        struct hl_markets markets;
        struct loop_timer *poll_timer; /* NULL once closing */
        struct venue_caps caps;
        bool is_mainnet;
        int64_t order_deadline_ms;
        int64_t read_deadline_ms;
        int64_t markets_every_ms;
        bool poll_in_flight;
        unsigned failed_polls;             /* of the first dex, in a row */
        struct {                           /* by place in markets */
                struct hl_dex_facts facts; /* index 0: not listed */
                int64_t markets_at, contexts_at;
                bool was_judged, is_up;
                char *raw; /* the newest answer, as it came; owned, NULL while there is none */
                size_t raw_len, meta_at, meta_len; /* where its first part is */
        } dex[1 + VENUE_DEXES_MAX];
        struct hl_tokens *tokens; /* NULL until read */
        int64_t listed_at, tokens_at;
        bool dex_in_flight, asks_lists;
        enum hl_rest_kind asked; /* by the request in flight for the other dexes */
        unsigned turn;           /* whose it is */
        struct venue_status status;
        uint64_t unknown_texts;    /* error texts that hl_err.def does not know */
        uint64_t bad_answers;      /* info answers that were not understood */
        uint64_t unknown_statuses; /* of orders: words that plan/order_life.c does not know */
};

struct venue *hl_venue_open(struct loop *loop, const struct venue_options *options,
                            struct err *err);

/* Counts an order's status that is not known here, and tells of the first ones. */
void hl_venue_note_status(uint64_t *count, const struct venue_order_status *status);

struct hl_venue *hl_venue_of(struct venue *venue);
const struct hl_venue *hl_venue_of_const(const struct venue *venue);

#endif
