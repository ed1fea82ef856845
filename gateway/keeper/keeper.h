/* keeper: keeps the mirror true. It brings the venue's feed to it, reads what the mirror says should be
 * read next within a budget of its own, gives the few user subscriptions to those who need them most,
 * and answers whoever needs an account now: from the mirror where that may be trusted, else after a read.
 * Loop thread only. */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "adapters/feed.h"
#include "adapters/venue.h"
#include "loop/loop.h"
#include "mirror/mirror.h"

struct keeper;

/* 0 stands for the default, given here. */
struct keeper_options {
        struct loop *loop;
        struct venue *venue;  /* borrowed; closed after the keeper */
        const char *kind;     /* of the venue, for its feed */
        const char *feed_url; /* the venue's socket; NULL: polls alone */
        const char *ca_file;  /* or NULL */
        unsigned n_egress;    /* addresses the feed connects from; 0: the system's choice */
        const char (*egress)[VENUE_ADDRESS_MAX];
        struct feed_limits limits;    /* of each of them */
        struct mirror_options mirror; /* hooks included; they may call keeper_watchers */
        unsigned poll_weight;   /* of a minute's request weight of each address, for polls: 300 */
        unsigned polls_at_once; /* 4 */
        int64_t max_age_ms;  /* how old a confirmed state may be for pre-checks; 0: always read */
        int64_t show_age_ms; /* and to be shown; 0: what is shown is read */
};

/* Opens feed and mirror. NULL with err (E_CONFIG). */
struct keeper *keeper_open(const struct keeper_options *options, struct err *err);
/* Reads under way end without a callback of theirs; callers that wait are told E_INTERNAL. Accepts
 * NULL. */
void keeper_close(struct keeper *keeper);
struct mirror *keeper_mirror(struct keeper *keeper); /* borrowed */

/* The brand's trader is mirrored from now on, on every dex. Watching twice counts once. */
void keeper_watch(struct keeper *keeper, const char *brand, const struct addr *user);
/* The brands under which an address is watched; how many. Borrowed for the call. */
#define KEEPER_BRANDS_MAX 8
unsigned keeper_watchers(const struct keeper *keeper, const struct addr *user,
                         const char *brand[KEEPER_BRANDS_MAX]);

/* Whether the mirror has the address on every dex that there is. */
bool keeper_watches(const struct keeper *keeper, const struct addr *user);

/* Whether pre-checks on the symbol ("": the account alone) may stand on the mirror now; to_show: whether
 * it is new enough to be shown. */
bool keeper_ready(struct keeper *keeper, const struct addr *user, const char *dex,
                  const char *symbol, bool to_show);
/* Reads parts (bits of enum mirror_part), what else is missing, and the setting of symbol ("": none), at
 * once, before any poll; done fires once, never before return. Callers of the same moment wait for the
 * same read. err->code 0: the mirror has it now. */
typedef void keeper_done(void *cookie, const struct err *err);
void keeper_read(struct keeper *keeper, const struct addr *user, const char *dex, unsigned parts,
                 const char *symbol, keeper_done *done, void *cookie);
/* Asks what became of an order, for the mirror. */
void keeper_read_order(struct keeper *keeper, const struct addr *user, const char *dex,
                       uint64_t oid);

/* Asks for the account's fills between these (the venue's time, both included), for the mirror. */
void keeper_read_fills(struct keeper *keeper, const struct addr *user, const char *dex,
                       int64_t from, int64_t until);

/* What somebody else read: the mirror takes it, and the marks that are in it. */
void keeper_heard_state(struct keeper *keeper, const struct addr *user, const char *dex,
                        const struct mirror_reading *reading, const struct venue_account *account);
void keeper_heard_setting(struct keeper *keeper, const struct addr *user, const char *symbol,
                          const struct mirror_reading *reading,
                          const struct venue_setting *setting);

/* What the venue tells, for others: the same feed, one subscription however many want it. Counted; as
 * feed_want and feed_drop. E_NOT_FOUND: there is no feed. */
MUST_USE enum errc keeper_want(struct keeper *keeper, const struct feed_topic *topic);
void keeper_drop(struct keeper *keeper, const struct feed_topic *topic);
/* As feed_verbatim. */
MUST_USE enum errc keeper_verbatim(const struct keeper *keeper, struct feed_topic *out,
                                   const char *json, size_t len);
void keeper_feed_state(struct keeper *keeper, const struct feed_topic *topic,
                       struct feed_topic_state *out);
/* Hears every event of every topic, after the mirror took it. May be untapped from within. */
typedef void keeper_tap_fn(void *cookie, const struct feed_event *event);
struct keeper_tap;
struct keeper_tap *keeper_tap(struct keeper *keeper, keeper_tap_fn *tap, void *cookie);
void keeper_untap(
        struct keeper_tap *tap); /* no call after it; before the keeper is closed; accepts NULL */

/* Freshness and reach, for health and metrics. */
struct keeper_status {
        bool has_feed, contexts_live;
        int64_t contexts_heard_at; /* wall ms, 0: never */
        unsigned trades_wanted, trades_live, users_followed;
        unsigned reads_under_way;
        uint64_t reads, reads_failed;
};
void keeper_status(const struct keeper *keeper, struct keeper_status *out);
/* Appends metrics in text exposition format: feed, mirror, reads. */
void keeper_metrics(struct keeper *keeper, struct buf *out);

#endif
