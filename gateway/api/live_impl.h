/* live_impl: what the files of live share. Private to gateway/api. */
#ifndef API_LIVE_IMPL_H
#define API_LIVE_IMPL_H

#include "api/live.h"
#include "api/state.h"
#include "base/list.h"
#include "keeper/keeper.h"

#define LIVE_DATA_MAX (512u << 10)

struct live_kind;

/* What the hub knows a kind by. */
struct live_source {
        struct live *live;
        const struct live_kind *kind;
};
#define LIVE_TOPIC_KINDS 4

struct live {
        struct api *api;
        struct stream_hub *hub;
        struct keeper_tap *tap;
        struct loop_timer *tick;
        bool is_stopped;
        struct map *by_topic; /* kind, symbol, detail -> struct live_topic */
        struct list topics;
        struct live_source source[LIVE_TOPIC_KINDS];
        /* What polls may still cost, in thousandths of a weight. */
        unsigned poll_weight;
        int64_t milli_weight, filled_at;
        struct map *recent;        /* symbol -> struct live_recent: live_trades.c */
        struct venue_trade *fresh; /* the new ones of the last event, newest first */
        size_t n_fresh, cap_fresh;
        /* live_markets.c */
        struct map *context; /* symbol -> struct feed_context with its time */
        struct market *shown;
        size_t n_shown;
        uint64_t universes;
        struct list markets; /* struct live_markets */
        unsigned beats;
        struct live_status *status; /* live_status.c; NULL: nobody asks */
        struct buf text;            /* of an update */
};

struct live_topic;

/* One kind of channel that follows one topic of the feed. */
struct live_kind {
        const char *name;
        enum feed_kind feed;
        unsigned weight;       /* of one read */
        int64_t every_ms;      /* between reads, while the feed does not tell */
        size_t size;           /* of its struct, which begins with struct live_topic */
        bool begins_with_read; /* the feed alone does not tell enough */
        /* Rows arrived. */
        void (*heard)(struct live_topic *topic, const struct feed_event *event);
        /* The feed tells everything from now on. May be NULL. */
        void (*begun)(struct live_topic *topic);
        /* Reads the venue; live_topic_read follows. */
        void (*read)(struct live_topic *topic, const struct market *market);
        bool (*print)(struct live_topic *topic, struct buf *out);
        void (*fini)(struct live_topic *topic); /* may be NULL */
};

struct live_topic {
        struct live *live;
        const struct live_kind *kind;
        struct stream_channel *channel; /* NULL: closed, and waits for its read */
        struct feed_topic topic;
        struct list at;
        bool is_wanted;  /* of the feed */
        bool is_live;    /* the feed tells everything */
        bool is_whole;   /* the channel has a state that clients build on */
        bool needs_read; /* what the feed tells does not do to begin with */
        bool is_reading;
        int64_t read_at; /* monotonic: when to read next, if it must be */
};

/* ---- live_topic.c ---- */

void live_topic_register(struct live *live, const struct live_kind *kind, unsigned i);
void live_topic_event(struct live *live, const struct feed_event *event);
void live_topic_tick(struct live *live);
/* A read has ended; err->code: without success. False: nobody wants it any more, and topic is gone. */
MUST_USE bool live_topic_read(struct live_topic *topic, const struct err *err);
/* The state is another: `data` of an update is in live->text, or, to begin with, it is shown whole. */
void live_topic_tell(struct live_topic *topic, int64_t at);
/* Something may be missing in what was told. */
void live_topic_gap(struct live_topic *topic, int64_t at, int64_t since);
/* An empty live->text. */
struct buf *live_topic_text(struct live_topic *topic);

/* ---- the kinds ---- */

extern const struct live_kind live_book_kind, live_book_bbo_kind, live_trades_kind,
        live_candles_kind;

void live_trades_event(struct live *live, const struct feed_event *event);
void live_trades_fini(struct live *live);

void live_markets_register(struct live *live);
void live_markets_event(struct live *live, const struct feed_event *event);
void live_markets_tick(struct live *live);
void live_markets_renew(struct live *live);
void live_markets_fini(struct live *live);

void live_status_register(struct live *live);
void live_status_tick(struct live *live);

#endif
