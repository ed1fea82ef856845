/* feed: what a venue tells by itself, over its sockets: one upstream subscription per topic, however
 * many inside the gateway want it. A feed connects, subscribes again after every loss, keeps within
 * the venue's limits, and judges silence topic by topic: a topic that says nothing for longer than it
 * should on a live socket is subscribed to anew.
 * What may have been missed is always told: FEED_GAP names a topic and since when; FEED_LIVE says that
 * it is whole from now on. Between the two nothing of that topic can be trusted to be complete. A topic
 * that says nothing may have nothing to say, or be cut off unnoticed: feed_prove finds out which.
 * Loop thread only; no callback before the call that caused it has returned. */
#ifndef ADAPTERS_FEED_H
#define ADAPTERS_FEED_H

#include "adapters/venue.h"

struct feed;

enum feed_kind {
        FEED_CONTEXTS,    /* marks, oracles, funding of all markets of all dexes */
        FEED_TRADES,      /* by market: public trades with both users */
        FEED_USER_FILLS,  /* by user */
        FEED_USER_EVENTS, /* by user: funding charged, liquidations */
        FEED_USER_STATE,  /* by user: whole account states, every few seconds, all dexes */
        FEED_USER_ORDERS, /* by user: open orders, whole, and what becomes of each */
        FEED_BOOK,        /* by market: the whole book, each time */
        FEED_BBO,         /* by market: the best bid and ask, when they change */
        FEED_CANDLES,     /* by market and interval: the candle that goes on, and each new one */
        FEED_VERBATIM, /* whatever the venue offers, in its own words and unread: its own subscription */
};
#define FEED_KINDS 10

#define FEED_DETAIL_MAX 192

struct feed_topic {
        enum feed_kind kind;
        char symbol[SYMBOL_MAX]; /* "" where the kind is not by market */
        struct addr user;        /* zero where the kind is not by user */
        /* FEED_CANDLES: the interval, "1m" ... "1M". FEED_VERBATIM: the subscription as feed_verbatim
         * writes it, which names market and user by itself. Else "". */
        char detail[FEED_DETAIL_MAX];
};

/* A public trade as the mirror needs it. users[0] buys, users[1] sells. */
struct feed_trade {
        char symbol[SYMBOL_MAX];
        struct venue_trade trade;
        struct addr users[2];
        bool is_past; /* came with the subscription: may have been seen before, may be old */
};
struct feed_context {
        char symbol[SYMBOL_MAX];
        struct px mark, oracle, mid;
        bool has_mid;
        struct rate funding;
        struct qty open_interest;
};
struct feed_liquidation {
        uint64_t lid;
        struct addr user;
        struct usd notional, account_value;
};
struct feed_bbo {
        char symbol[SYMBOL_MAX];
        int64_t as_of;
        bool has[2]; /* 0: bid, 1: ask */
        struct venue_level best[2];
};

enum feed_event_kind {
        FEED_LIVE,   /* subscribed, and data since */
        FEED_GAP,    /* what came after `since` may be missing */
        FEED_PROVEN, /* all that the venue had told of it up to `since` has come */
        FEED_CONTEXT_ROWS,
        FEED_TRADE_ROWS,
        FEED_FILL_ROWS, /* is_snapshot: past fills, newest of them */
        FEED_PAYMENT_ROWS,
        FEED_LIQUIDATED,
        FEED_ACCOUNT,
        FEED_ORDERS,       /* all open orders of the user on one dex */
        FEED_ORDER_STATUS, /* one order changed; not told for all users where they are many */
        FEED_BOOK_WHOLE,
        FEED_BBO_ROW,
        FEED_CANDLE_ROW,
        FEED_FRAME, /* of a verbatim topic: raw */
};
/* Borrowed for the callback. */
struct feed_event {
        enum feed_event_kind kind;
        const struct feed_topic *topic;
        int64_t at;       /* wall ms: when it was received */
        int64_t since;    /* wall ms; FEED_GAP: when it was last known to be whole, 0: never */
        bool is_snapshot; /* came with the subscription: may have been seen before */
        char dex[16];     /* FEED_ACCOUNT, FEED_ORDERS: "" the first */
        size_t n;
        /* The "data" of the venue's frame exactly as received, of books, trades, bbo, candles, contexts and
         * verbatim topics; NULL elsewhere, and with all but one of the events of one frame. */
        const char *raw;
        size_t raw_len;
        union {
                const struct feed_context *context;
                const struct feed_trade *trade;
                const struct venue_fill *fill;
                const struct venue_payment *payment;
                const struct feed_liquidation *liquidation;
                struct venue_account *account; /* may be moved out of */
                const struct venue_open_order *order;
                const struct venue_order_status *status;
                const struct venue_book *book;
                const struct feed_bbo *bbo;
                const struct venue_candle *candle;
        } u;
};

/* 0 stands for the venue's own figure, given here. */
struct feed_limits {
        unsigned connections;         /* 10 */
        unsigned connects_per_minute; /* 30 */
        unsigned subscriptions;       /* 1,000, over all connections */
        unsigned users;               /* 10 distinct ones, over all connections */
        unsigned messages_per_minute; /* 2,000 sent */
        int64_t silent_ms
                [FEED_KINDS]; /* after which a topic that should speak is subscribed anew; 0:
                                          the kind's default; -1: it may be silent for ever */
        int64_t linger_ms; /* 3,000: a market's topic that nobody wants any more is kept so long; -1: not */
        int64_t answer_ms; /* 10,000: a subscription that is not answered by then is made anew, a
                              connection that does not answer at all too */
};
struct feed_options {
        const char *url;     /* ws:// or wss:// of the venue's socket */
        const char *ca_file; /* or NULL */
        unsigned n_egress;   /* local addresses to connect from; 0: the system's choice */
        const char (*egress)[VENUE_ADDRESS_MAX];
        struct feed_limits limits; /* of each of them */
        const struct venue *venue; /* whose markets name what arrives; borrowed */
        void (*event)(void *cookie, const struct feed_event *event);
        void *cookie;
};

/* Opens without connecting: the first wanted topic does. NULL with err (E_CONFIG). */
struct feed *feed_open(struct loop *loop, const struct feed_options *options, struct err *err);
/* No callback after it; may be called from one; before the venue is closed. Accepts NULL. */
void feed_close(struct feed *feed);
/* Counts who wants a topic; subscribes for the first, leaves after the last. Who comes later to a book, best
 * prices, candles or a verbatim state that is live is told the newest again, is_snapshot. E_LIMIT where the venue's
 * limits have no room (users above all): nothing is kept then. Contexts come before users, users
 * before trades, trades before the rest where there is not room for all at once: the newest then make room,
 * with a FEED_GAP. E_INVALID for a topic that does not name what its kind is by. May be called from a
 * callback, as may feed_drop. */
MUST_USE enum errc feed_want(struct feed *feed, const struct feed_topic *topic);
void feed_drop(struct feed *feed, const struct feed_topic *topic);
/* The verbatim topic of a subscription as a client writes it ({"type": ..., ...}): the same for all ways to
 * write the same. E_INVALID: the venue has no such subscription. */
MUST_USE enum errc feed_verbatim(const struct feed *feed, struct feed_topic *out, const char *json,
                                 size_t len);
/* Whether the topic is whole now, and since when; for health and freshness per topic. */
struct feed_topic_state {
        bool is_wanted, is_live;
        int64_t live_since, heard_at, proven_at; /* wall ms, 0: never */
        /* Why it is not live: E_NOT_FOUND: the venue refuses it; E_LIMIT: there is no room for it now,
         * it comes back by itself when there is; else E_OK. FEED_GAP told it. */
        enum errc refusal;
};
void feed_topic_state(const struct feed *feed, const struct feed_topic *topic,
                      struct feed_topic_state *out);
unsigned feed_user_slots_left(const struct feed *feed);
/* Asks every connection whether it still speaks; as often as wanted, since it is done about once a second
 * at most. What is live then is told FEED_PROVEN; where no answer comes in answer_ms, FEED_GAP. */
void feed_prove(struct feed *feed);
/* Appends metrics in text exposition format. */
void feed_metrics(const struct feed *feed, struct buf *out);

#endif
