/* keeper_impl: what the keeper's files share. Private to keeper. */
#ifndef KEEPER_KEEPER_IMPL_H
#define KEEPER_KEEPER_IMPL_H

#include "base/list.h"
#include "base/map.h"
#include "keeper/keeper.h"
#include "keeper/watchers.h"

#define KEEPER_SLOTS_MAX   1024 /* 64 of each egress address */
#define KEEPER_MARKETS_MAX 4096

struct keeper {
        struct keeper_options o;
        struct mirror *mirror;
        struct feed *feed; /* NULL: polls alone */
        struct watchers *watchers;
        struct loop_timer *tick;
        int64_t hour;        /* whose funding was charged last */
        int64_t ahead_ms;    /* the venue's clock, of ours */
        uint64_t universes;  /* of the venue, when the mirror was told its markets */
        int64_t contexts_at; /* wall ms: when polled prices were looked for last */
        bool is_closing;
        struct list taps;
        unsigned tap_depth; /* calls of them under way */
        /* The feed's topics. */
        struct map *traded; /* symbols whose trades are wanted */
        struct addr followed[KEEPER_SLOTS_MAX];
        unsigned n_followed;
        int64_t slots_at;
        /* Reads. */
        struct list reads; /* under way */
        unsigned n_reads;  /* of them, polls */
        int64_t minute;    /* in which polled was spent */
        unsigned polled;
        uint64_t n_done, n_failed;
};

int64_t keeper_impl_now(const struct keeper *keeper);

/* keeper_feed.c: wants what should be followed now. */
MUST_USE enum errc keeper_feed_open(struct keeper *keeper, struct err *err);
void keeper_feed_tick(struct keeper *keeper, int64_t now);
void keeper_feed_close(struct keeper *keeper);

/* keeper_tap.c: tells those who listen. */
void keeper_tap_tell(struct keeper *keeper, const struct feed_event *event);
void keeper_tap_close(struct keeper *keeper);

/* keeper_reads.c */
void keeper_reads_tick(struct keeper *keeper, int64_t now);
void keeper_reads_close(struct keeper *keeper);

#endif
