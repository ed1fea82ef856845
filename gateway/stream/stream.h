/* stream: channels of live data, as those see them who fill them. A channel has one subject ("book" of
 * BTC; "orders" of one account) and is opened for its first reader. Its source says when a snapshot can
 * be had, what changed, and what may be missing; the hub numbers, encodes once, keeps a ring for those
 * who come back, and sees to it that no reader misses anything unknowingly.
 * Loop thread only. */
#ifndef STREAM_STREAM_H
#define STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hex.h"

struct stream_hub;
struct stream_channel;

#define STREAM_BRAND_MAX    32
#define STREAM_SYMBOL_MAX   32
#define STREAM_INTERVAL_MAX 4

enum stream_kind {
        STREAM_STATE, /* the newest replaces what came before: a slow reader gets a snapshot instead */
        STREAM_EVENTS /* nothing may be left out: a reader too slow for it is closed, and resumes */
};

/* What a channel is about. Members that its name does not need are zero. */
struct stream_subject {
        char brand[STREAM_BRAND_MAX]; /* "" where brands share it */
        char symbol[STREAM_SYMBOL_MAX];
        char interval[STREAM_INTERVAL_MAX];
        struct addr account; /* whose money it is about */
        struct addr owner;   /* the wallet that signed in: account's, unless it acts for another */
        bool is_sub_account;
};

/* Who fills the channels of one name. No function of it may call back into the hub, but for open,
 * which may call stream_set_cookie and stream_ready. */
struct stream_source {
        const char *name;
        enum stream_kind kind;
        bool is_private;
        bool by_symbol, by_interval; /* what a subscription names; private ones are by account */
        bool by_brand;               /* every brand has its own */
        /* The first reader came: start filling, and call stream_ready as soon as a snapshot can be had.
         * E_NOT_FOUND, E_INVALID, E_LIMIT and the like refuse it, with err in words for the reader; then
         * nothing is kept. */
        enum errc (*open)(void *cookie, struct stream_channel *channel,
                          const struct stream_subject *subject, struct err *err);
        /* Nobody has wanted it for a while, or the hub ends: forget the channel. */
        void (*close)(void *cookie, struct stream_channel *channel);
        /* Prints `data` of the newest whole state: all that was told by stream_update is in it. False: it
         * can't be had now, stream_ready is called when it can. */
        bool (*snapshot)(void *cookie, struct stream_channel *channel, struct buf *out);
        void *cookie;
};

/* At start, once for each name. source is copied; its name is borrowed. */
void stream_register(struct stream_hub *hub, const struct stream_source *source);

/* The source's own state of a channel. */
void stream_set_cookie(struct stream_channel *channel, void *cookie);
void *stream_cookie(const struct stream_channel *channel);
const struct stream_subject *stream_subject(const struct stream_channel *channel);
/* Whether anybody listens at the moment. Where nobody does, a source of STATE may save the work of an
 * update and call stream_renew in its place. */
bool stream_is_heard(const struct stream_channel *channel);

/* A snapshot can be had from now on: whoever waits for one gets it. */
void stream_ready(struct stream_channel *channel);
/* `data` of an update, JSON. `at` is when it was so, wall ms. Without effect on readers who still wait
 * for their snapshot. */
void stream_update(struct stream_channel *channel, int64_t at, const char *data, size_t len);
/* What came after `since` (wall ms, 0: unknown) may be missing. A snapshot follows with the next
 * stream_ready. A second gap before that is not told. */
void stream_gap(struct stream_channel *channel, int64_t at, int64_t since);
/* STATE: all is different, without anything being lost: everybody gets a new snapshot, at once or with
 * the next stream_ready. */
void stream_renew(struct stream_channel *channel);
/* There is no such thing any more: readers are told err, the channel is closed later as if left. Whoever
 * wants it then opens it anew. */
void stream_end(struct stream_channel *channel, const struct err *err);

#endif
