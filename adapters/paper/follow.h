/* follow: subscribes to the public channels of a Hyperliquid-speaking socket that make a market
 * (l2Book, trades, activeAssetCtx of each coin) and hands them on as events of recording.h. Follows the
 * socket through reconnects: what came before a connection was lost is followed by a gap. Trades that
 * were over when a subscription began are left out. Loop thread only. */
#ifndef PAPER_FOLLOW_H
#define PAPER_FOLLOW_H

#include <stddef.h>

#include "adapters/paper/recording.h"
#include "base/err.h"
#include "loop/loop.h"

struct follow;

struct follow_options {
        const char *url;          /* ws:// or wss:// */
        const char *const *coins; /* copied */
        size_t n_coins;
        /* event is borrowed for the call; its time is this machine's. Must not close the follow. */
        void (*event)(void *cookie, const struct recording_event *event);
        void *cookie;
        int64_t backoff_ms; /* first wait before connecting again; 0: the client's default */
};

#define FOLLOW_COINS_MAX 300 /* three subscriptions each; the venue allows 1,000 a socket */

/* NULL with err where the URL or the coins can't be used. Connecting goes on by itself. */
struct follow *follow_open(struct loop *loop, const struct follow_options *options,
                           struct err *err);
void follow_close(struct follow *follow); /* accepts NULL; no event after it */

/* The socket says nothing that is of use: a new connection. */
void follow_restart(struct follow *follow);

struct follow_stats {
        uint64_t n_events, n_gaps, n_unread; /* unread: frames that made no sense */
        bool is_open;
};
void follow_stats(const struct follow *follow, struct follow_stats *out);

#endif
