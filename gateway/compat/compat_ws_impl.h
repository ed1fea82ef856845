/* compat_ws_impl: peers and channels of /ws. Private to gateway/compat. */
#ifndef COMPAT_WS_IMPL_H
#define COMPAT_WS_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "compat/compat_impl.h"
#include "compat/compat_ws.h"
#include "keeper/keeper.h"

#define COMPAT_WS_POSTS_MAX 100  /* of one peer, under way */
#define COMPAT_WS_SUBS_MAX  1000 /* of one peer */

struct compat_ws {
        struct compat *compat;
        struct httpd *httpd;
        size_t queue_bytes;
        struct map *by_handle; /* handle -> struct ws_peer */
        struct list peers;
        unsigned n_peers;
        struct limit *messages; /* by network address */
        struct map *channels;   /* canonical subscription -> struct ws_channel */
        struct list all;        /* of them */
        unsigned n_polled;
        struct keeper_tap *tap;
        struct loop_timer *tick;
        bool is_stopped, is_draining;
};

struct ws_peer {
        struct compat_ws *ws;
        struct handle handle;
        struct list in_ws;
        struct list subs;
        unsigned n_subs, n_posts;
        char brand[BRAND_ID_MAX];
        char client[FORWARDED_ADDRESS_MAX], network[LIMIT_NETWORK_MAX];
        char country[8];
        bool is_closing;
};

/* How frames of a channel stand to one another. */
enum ws_shape {
        WS_STATE,  /* each replaces the one before: a slow peer gets the newest */
        WS_EVENTS, /* each counts: a peer too slow for them is closed */
        WS_LOG,    /* the same, and the first is a snapshot: who comes later is told all again */
};

#define WS_LOG_MAX 256 /* frames of a log; of a longer one nobody can be told all again */

struct ws_channel {
        struct compat_ws *ws;
        struct list in_ws;
        struct feed_topic topic;
        const char *name; /* in its frames; static */
        enum ws_shape shape;
        struct addr user;
        bool has_user;
        struct list subs;
        struct httpd_frame *newest; /* WS_STATE */
        struct httpd_frame **log;   /* WS_LOG; owned */
        unsigned n_log;
        bool log_is_lost;
        bool is_live, was_live;
        int64_t cut_at; /* monotonic: not live since */
        /* Asked for by the gateway, where there is no subscription to be had. */
        bool is_polled, is_asked, is_gone;
        int64_t poll_at; /* monotonic */
};

struct ws_sub {
        struct list in_peer, in_channel;
        struct ws_peer *peer;
        struct ws_channel *channel;
        char *text;     /* as the client wrote it; owned */
        bool is_behind; /* the newest frame is due once there is room */
};

/* compat_ws.c: sends, or closes who can't take it. */
void compat_ws_say(struct ws_peer *peer, const struct buf *frame);
void compat_ws_error(struct ws_peer *peer, const char *text, const char *detail);
/* Of a subscription, as text: clients look for it among the words. */
#define COMPAT_WS_NO_ROOM ": there is no room for more users or channels now."
void compat_ws_refuse(struct ws_peer *peer, const char *subscription, const char *why);
void compat_ws_close(struct ws_peer *peer, uint16_t code, const char *reason);
/* Where the gateway ends, and nothing of the peer's is under way. */
void compat_ws_leave(struct ws_peer *peer);

/* compat_channel.c */
/* The channel of a subscription, opened where it is the first. NULL with why: E_INVALID, E_LIMIT. */
struct ws_channel *compat_channel_get(struct compat_ws *ws, const json_t *subscription,
                                      enum errc *why);
struct ws_channel *compat_channel_find(struct compat_ws *ws, const json_t *subscription);
void compat_channel_join(struct ws_channel *channel, struct ws_sub *sub);
/* Leaves, and frees the sub; a channel without subs is closed. */
void compat_channel_leave(struct ws_sub *sub);
/* What a peer missed while it was slow. */
void compat_channel_catch_up(struct ws_peer *peer);
/* A frame of the channel: data as the venue wrote it. */
void compat_channel_tell(struct ws_channel *channel, const char *data, size_t len);
void compat_channel_free(struct ws_channel *channel);
/* One that was freed while a question of it was under way, when the answer has come. */
void compat_channel_destroy(struct ws_channel *channel);
void compat_channel_event(void *ws, const struct feed_event *event); /* keeper_tap_fn */
/* Sends those home whose state has not been told for long. */
void compat_channel_tick(struct compat_ws *ws);

/* compat_poll.c */
/* Whether frames like the venue's can be made from its answers to questions. */
bool compat_poll_can(const struct ws_channel *channel);
void compat_poll_tick(struct compat_ws *ws);

/* compat_post.c: false: it is no post that can be read. */
bool compat_post(struct ws_peer *peer, const json_t *message, const char *text, size_t len);

#endif
