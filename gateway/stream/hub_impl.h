/* hub_impl: what the hub's files share. Private to gateway/stream. */
#ifndef STREAM_HUB_IMPL_H
#define STREAM_HUB_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "stream/hub.h"

#define HUB_SOURCES_MAX 32
#define HUB_FRAME_HEAD  256 /* what a frame has beside its data, at most */

struct hub_row {
        struct httpd_frame *frame;
        size_t len;
        uint64_t bytes_before; /* pushed in this channel before it */
};

struct stream_channel {
        struct stream_hub *hub;
        const struct stream_source *source;
        struct stream_subject subject;
        void *cookie;
        char epoch[17];
        uint64_t seq; /* of the newest frame */
        /* The newest n frames, by seq modulo cap. */
        struct hub_row *row;
        unsigned n, cap;
        size_t ring_bytes;
        uint64_t bytes;               /* pushed so far */
        struct httpd_frame *snapshot; /* of seq, or NULL: not printed since */
        bool is_ready, was_ready;
        bool is_oversized; /* it ends with the next tick, whoever comes meanwhile */
        bool in_gap;       /* told, and not mended yet */
        uint64_t gap_seq;  /* of the newest gap; 0: none */
        struct list subs;
        unsigned n_subs;
        struct list at; /* of idle channels, of those that ended; or none */
        int64_t idle_until;
};

struct hub_reader {
        struct stream_hub *hub;
        struct handle peer;
        struct list subs;
        unsigned n_subs;
        struct list at_lagging;
        bool is_lagging; /* something waits until it has drained */
        bool is_closed;  /* by the hub, and not gone yet */
};

struct hub_sub {
        struct hub_reader *reader;
        struct stream_channel *channel;
        struct list at_reader, at_channel;
        uint64_t sent;       /* seq of the last frame it got */
        bool has_base;       /* it had a snapshot, or resumed: updates mean something to it */
        bool needs_snapshot; /* as soon as there is one, and room */
        int64_t late_until;  /* EVENTS wait for room, and that long at most; 0: none wait */
};

struct stream_hub {
        struct hub_options o;
        struct stream_source source[HUB_SOURCES_MAX];
        unsigned n_sources;
        struct map *channels;  /* of name and subject */
        struct list idle[2];   /* by enum stream_kind: left by all, oldest first */
        struct list ended;     /* to be closed at the source with the next tick */
        struct list oversized; /* their snapshot is more than a frame may hold */
        struct list lagging;   /* readers */
        struct buf text;       /* of the frame being made */
        struct buf data;       /* of the snapshot being made */
        struct hub_stats stats;
};

/* ---- channels and rings: hub_channel.c ---- */

/* Finds or opens. NULL with err. */
struct stream_channel *hub_channel_get(struct stream_hub *hub, const struct stream_source *source,
                                       const struct stream_subject *subject, struct err *err);
struct stream_channel *hub_channel_find(struct stream_hub *hub, const struct stream_source *source,
                                        const struct stream_subject *subject);
/* The next frame, numbered. Takes the caller's reference. */
void hub_channel_push(struct stream_channel *channel, struct httpd_frame *frame, size_t len);
/* Of the frame numbered seq, NULL when the ring has it no more. Borrowed. */
struct hub_row *hub_channel_row(const struct stream_channel *channel, uint64_t seq);
void hub_channel_clear(struct stream_channel *channel); /* its ring and snapshot */
void hub_channel_forget_snapshot(struct stream_channel *channel);
void hub_channel_end(struct stream_channel *channel);  /* it is found no more */
void hub_channel_left(struct stream_channel *channel); /* by its last reader */
void hub_channel_sweep(struct stream_hub *hub);
void hub_channel_fini(struct stream_hub *hub);

/* ---- frames and whom they reach: hub_send.c ---- */

/* "type" and what names the channel, open for more members, in hub->text. */
struct buf *hub_send_begin(struct stream_channel *channel, const char *type, const char *id);
/* An update or a gap, from hub->text. NULL: it is larger than a frame may be. */
struct httpd_frame *hub_send_frame(struct stream_hub *hub, size_t *len);
size_t hub_send_frame_max(const struct stream_hub *hub);
/* A snapshot, numbered seq. NULL: it can't be had now, or is larger than a frame may be, which ends the
 * channel with the next tick. */
struct httpd_frame *hub_send_print(struct stream_channel *channel, uint64_t seq, size_t *len);
/* Sends what the subscription lacks, as far as there is room. */
void hub_send_pump(struct hub_sub *sub);
void hub_send_all(struct stream_channel *channel);
/* EVENTS: whether it lags behind by more than may be; then it is closed. */
void hub_send_judge(struct hub_sub *sub);
void hub_send_slow(struct hub_reader *reader);
void hub_send_text(struct hub_reader *reader, const struct buf *text);

void hub_drop_sub(struct hub_sub *sub);

#endif
