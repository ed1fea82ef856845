/* paper_ws: WebSocket peers and their subscriptions. A subscription is in two lists: its peer's and
 * its type's, so that an event finds its readers without asking every peer. */
#ifndef PAPER_WS_H
#define PAPER_WS_H

#include "adapters/paper/wire.h"

enum paper_sub_type {
        PAPER_SUB_ALL_MIDS,
        PAPER_SUB_L2_BOOK,
        PAPER_SUB_TRADES,
        PAPER_SUB_BBO,
        PAPER_SUB_CANDLE,
        PAPER_SUB_ACTIVE_ASSET_CTX,
        PAPER_SUB_ACTIVE_ASSET_DATA,
        PAPER_SUB_ASSET_CTXS,
        PAPER_SUB_ALL_DEXS_ASSET_CTXS,
        PAPER_SUB_SPOT_ASSET_CTXS,
        PAPER_SUB_FAST_ASSET_CTXS,
        PAPER_SUB_OUTCOME_META_UPDATES,
        PAPER_SUB_ORDER_UPDATES,
        PAPER_SUB_USER_EVENTS,
        PAPER_SUB_USER_FILLS,
        PAPER_SUB_USER_FUNDINGS,
        PAPER_SUB_LEDGER_UPDATES,
        PAPER_SUB_HISTORICAL_ORDERS,
        PAPER_SUB_CLEARINGHOUSE_STATE,
        PAPER_SUB_ALL_DEXS_CLEARINGHOUSE_STATE,
        PAPER_SUB_OPEN_ORDERS,
        PAPER_SUB_SPOT_STATE,
        PAPER_SUB_WEB_DATA3,
        PAPER_SUB_NOTIFICATION,
        PAPER_SUB_TWAP_STATES,
        PAPER_SUB_TWAP_SLICE_FILLS,
        PAPER_SUB_TWAP_HISTORY,
        PAPER_SUB_TYPES,
};

struct paper_peer;

struct paper_sub {
        struct list in_peer, in_type;
        struct paper_peer *peer;
        enum paper_sub_type type;
        uint32_t asset;
        unsigned dex;
        struct addr user;
        int interval;
        struct paper_grid grid;
};

struct paper_peer {
        struct list in_ws;
        struct handle handle;
        struct list subs;
        unsigned n_subs;
        bool is_silent; /* it hears nothing more: a fault, or about to be closed */
        bool is_late;
        bool has_held;
        struct buf held; /* a frame that the next one overtakes: a fault */
        char address[46];
};

struct paper_ws {
        struct paper *p;
        struct list peers; /* oldest first */
        size_t n_peers;
        struct map *by_handle; /* struct handle -> struct paper_peer */
        struct list by_type[PAPER_SUB_TYPES];
};

/* Sends one frame to a peer; a peer that does not keep up hears nothing more and is closed by
 * paper_ws_close_late. */
void paper_ws_send(struct paper *p, struct paper_peer *peer, const struct buf *frame);

/* Keeps a copy of the frame behind the next one; false: one is held already. */
bool paper_ws_hold(struct paper_peer *peer, const struct buf *frame);
/* Sends what is held. */
void paper_ws_let_go(struct paper *p, struct paper_peer *peer);

/* At every tick: ends peers that were too slow, and lets go of what is still held. */
void paper_ws_close_late(struct paper *p);

/* Sends one event; twice, or behind the next one, where a fault asks for that. */
void paper_feed_push(struct paper *p, struct paper_sub *sub, const struct buf *frame);
/* paper_feed_notes: notifications, and orders that ended through no cancel of their owner's. */
void paper_feed_notes_flush(struct paper *p);
/* paper_feed_twap: slices' fills and changes of TWAPs. */
void paper_feed_twap_flush(struct paper *p);
/* paper_feed_fast: marks and mids of all markets: the whole as frame data, and the changes. */
void paper_feed_fast_whole(struct paper *p, struct buf *out);
void paper_feed_fast_tick(struct paper *p);

/* paper_feed: what a new subscription gets at once. */
void paper_feed_first(struct paper *p, struct paper_sub *sub);

#endif
