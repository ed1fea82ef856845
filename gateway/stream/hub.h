/* hub: hands what sources tell (stream/stream.h) to whoever subscribed, such that a reader always either
 * has the newest state or knows that it has not: frames of a channel are numbered without a hole within
 * an epoch, and only a snapshot may jump.
 * A frame is encoded once, however many take it. A reader whose queue is above half its bound gets no
 * more of STATE, and the newest snapshot once it has drained; EVENTS it gets while there is room, then
 * from the channel's ring, and where it lags behind by half a ring, or for too long, it is closed with
 * 4408: what it has not got is then still there to be resumed.
 * It does no I/O: frames leave through struct hub_wire. Loop thread only. */
#ifndef STREAM_HUB_H
#define STREAM_HUB_H

#include "base/clock.h"
#include "base/handle.h"
#include "stream/stream.h"

struct httpd_frame;
struct hub_reader;

#define HUB_CLOSE_SLOW 4408

/* How frames reach a peer. None of these calls back before it has returned. */
struct hub_wire {
        struct httpd_frame *(*make)(const void *text, size_t len); /* one reference */
        struct httpd_frame *(*hold)(struct httpd_frame *frame);
        void (*drop)(struct httpd_frame *frame);
        /* Queues it for the peer, holding it by itself. E_LIMIT: no room; E_NOT_FOUND: gone. */
        enum errc (*share)(void *cookie, struct handle peer, struct httpd_frame *frame);
        size_t (*queued)(void *cookie, struct handle peer); /* bytes */
        void (*close)(void *cookie, struct handle peer, uint16_t code, const char *reason);
        void *cookie;
};

/* Every bound in one place. 0 stands for the default, given here. */
struct hub_options {
        struct hub_wire wire;
        const struct clock *clock; /* borrowed */
        /* A problem document for err, as members of a frame show it. */
        void (*problem)(struct buf *out, const struct err *err);
        size_t queue_bytes;       /* of a reader, as its wire has it: 1 MiB */
        unsigned channels;        /* in all: 20,000 */
        unsigned subscriptions;   /* of a reader: 100 */
        unsigned ring_frames;     /* of a channel: 512 */
        size_t ring_bytes;        /* of a channel: 256 KiB */
        size_t rings_bytes;       /* of all channels: 128 MiB */
        int64_t linger_ms;        /* STATE, after its last reader: 10,000 */
        int64_t events_linger_ms; /* EVENTS: 300,000 */
        int64_t lag_ms;           /* how long a reader may lag behind EVENTS: 20,000 */
};

struct stream_hub *hub_new(const struct hub_options *options);
/* Closes every channel at its source. All readers have left. Accepts NULL. */
void hub_free(struct stream_hub *hub);
/* About once a second: ends what nobody wants any more, and readers who lag for too long. */
void hub_tick(struct stream_hub *hub);

/* The source of a name, NULL where there is none. Borrowed. */
const struct stream_source *hub_source(const struct stream_hub *hub, const char *name);

struct hub_reader *hub_join(struct stream_hub *hub, struct handle peer);
void hub_leave(struct hub_reader *reader); /* its subscriptions end; accepts NULL */
/* The peer's queue has drained: what it missed follows. */
void hub_drained(struct hub_reader *reader);

/* Where a reader was when it lost the channel. */
struct hub_place {
        char epoch[17];
        uint64_t seq;
};
/* The reader gets "subscribed" with id (JSON of it, NULL: none), and then what it missed, where `from`
 * (or NULL) is still in the ring, or a snapshot, now or as soon as there is one. Subscribing to what it
 * has already begins anew. Refusals are returned and not told: E_NOT_FOUND (no such channel),
 * E_RATE_LIMITED (too many), and those of the source. */
MUST_USE enum errc hub_subscribe(struct hub_reader *reader, const char *name,
                                 const struct stream_subject *subject, const char *id,
                                 const struct hub_place *from, struct err *err);
/* Tells "unsubscribed". E_NOT_FOUND: it was not. */
MUST_USE enum errc hub_unsubscribe(struct hub_reader *reader, const char *name,
                                   const struct stream_subject *subject, const char *id);
/* Ends those subscriptions of a reader that may stay no longer, telling an error for each. why answers
 * E_OK for those that may, else fills err. */
void hub_review(struct hub_reader *reader,
                enum errc (*why)(void *cookie, const struct stream_source *source,
                                 const struct stream_subject *subject, struct err *err),
                void *cookie);
unsigned hub_subscriptions(const struct hub_reader *reader);
/* A frame to this reader alone, such as an answer. One that finds no room closes the peer with 4408. */
void hub_say(struct hub_reader *reader, const char *text, size_t len);

struct hub_stats {
        unsigned readers, subscriptions, channels, channels_idle;
        size_t rings_bytes;
        uint64_t encoded, delivered, conflated, snapshots, gaps;
        uint64_t resumed, resumed_by_snapshot, closed_slow, refused_full;
};
void hub_stats(const struct stream_hub *hub, struct hub_stats *out);

#endif
