/* dead_man_impl: what the files of the dead man's switches share. */
#ifndef API_DEAD_MAN_IMPL_H
#define API_DEAD_MAN_IMPL_H

#include "api/call.h"
#include "api/dead_man.h"
#include "base/list.h"
#include "store/store_dead_man.h"

#define DEAD_MAN_MIN_MS 5000     /* the venue's own least */
#define DEAD_MAN_MAX_MS 86400000 /* a day */
#define DEAD_MEN_MAX    100000   /* in all: what one look can bear */
#define DEAD_MAN_LEAD_MS                                                                           \
        8000 /* the net hangs so far behind the deadline: our own cancels come first */

struct dead_men {
        struct api *api;    /* NULL: freed when the rows being read are there */
        struct map *by_key; /* struct dead_man_key -> struct dead_man, owned */
        struct map
                *by_account; /* struct dead_man_key without a key -> struct dead_account, owned */
        struct loop_timer *timer, *reload;
        bool is_loading, is_loaded;
};

/* Padding is zero: it is a key of a map. */
struct dead_man_key {
        char brand[STORE_BRAND_MAX];
        struct addr account;
        uint8_t has_key;
        uint8_t key[16];
};

enum dead_net {
        NET_OFF,     /* the venue has no timer of ours */
        NET_ARMED,   /* it has one, at at */
        NET_PENDING, /* not known: not asked yet, or the answer was lost */
        NET_REFUSED, /* it takes none: the gateway's own cancels are all there is */
};

/* An account's timer at the venue. Lives as long as any of its switches, or a job that names it. */
struct dead_account {
        struct dead_men *men;
        struct dead_man_key key;
        struct addr wallet;
        struct list switches; /* of struct dead_man */
        enum dead_net net;
        int64_t at;           /* NET_ARMED */
        int64_t rest_until;   /* wall ms: not asked before */
        char reason[192];     /* NET_PENDING, NET_REFUSED: the venue's own words, or ours */
        bool is_busy;         /* a job is under way */
        struct call *waiting; /* the request that hears of the job's end; NULL: none */
};

struct dead_man {
        struct dead_men *men;
        struct dead_account *account;
        struct list link;          /* among the account's */
        struct store_dead_man row; /* what the disk has, or is about to have */
        bool is_dirty;             /* it could not be written: it will be */
        bool is_firing;            /* a look at its orders is under way */
        bool is_passed;     /* nothing was open after the deadline any more: one more look is due */
        int64_t firing_for; /* the deadline that it fires, or fired, for */
        int64_t cancelled;  /* for that one, so far */
        int64_t rest_until; /* wall ms */
        unsigned failures;  /* looks in a row */
};

void dead_man_impl_key(struct dead_man_key *key, const char *brand, const struct addr *account,
                       const uint8_t *api_key);
struct dead_man *dead_man_impl_find(const struct dead_men *men, const struct dead_man_key *key);
/* Makes the switch, changes it, or forgets it where the row says nothing any more: then NULL. */
struct dead_man *dead_man_impl_keep(struct dead_men *men, const struct store_dead_man *row);
/* The same, and writes it: memory goes first, and writes reach the disk in order, so that the two come to
 * be the same whoever writes meanwhile. done may be NULL. */
void dead_man_impl_write(struct dead_men *men, const struct store_dead_man *row, const char *action,
                         store_done *done, void *cookie);
/* Frees it when nothing names it. */
void dead_man_impl_release(struct dead_account *account);
/* The earliest deadline of the account's switches that is still to come, with its timeout; 0: none. */
int64_t dead_man_impl_earliest(const struct dead_account *account, int64_t *timeout_ms);

/* dead_man_net.c: moves the venue's timer where it is not as it should be. At most one job an account,
 * and a pause between two. */
void dead_man_net_look(struct dead_account *account, int64_t now);
/* Whether the next look will ask the venue. */
bool dead_man_net_is_due(const struct dead_account *account, int64_t now);

/* dead_man_fire.c: cancels what the switch covers. */
void dead_man_fire_look(struct dead_man *man, int64_t now);

/* dead_man_set.c: answers call, and frees it. */
void dead_man_set_answer(struct call *call);

#endif
