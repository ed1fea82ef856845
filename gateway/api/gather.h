/* gather: an account as it is in every dex, or in one. Account state costs little and is read everywhere;
 * open orders cost ten times as much and are read in the first dex, and in the others where the account
 * has money or positions, or pools its collateral. A dex other than the first that can't be read is a
 * part with an error: the rest is told, and so is what is missing. One that the venue does not have is no
 * part. */
#ifndef API_GATHER_H
#define API_GATHER_H

#include "adapters/venue.h"
#include "base/buf.h"

struct api;
struct gather;

struct gather_part {
        struct gather *all;
        char dex[DEX_NAME_MAX];
        struct err err;                  /* it could not be read */
        struct venue_account account;    /* owned */
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
};

/* err: the first dex, or the only one asked for, could not be read. g is borrowed for the call. */
typedef void gather_fn(void *cookie, const struct err *err, struct gather *g);

struct gather {
        struct api *api;
        struct addr user;
        bool wants_orders;
        unsigned reading;
        gather_fn *done;
        void *cookie;
        unsigned n;
        struct gather_part part[1 + VENUE_DEXES_MAX];
};

/* dex: NULL for all. Fires once, never before return. */
void gather_read(struct api *api, const struct addr *user, const char *dex, bool wants_orders,
                 gather_fn *done, void *cookie);

/* The same out of the mirror as it is, in place of a read: a dex that is not there is a part with an error. */
void gather_mirror(struct gather *out, struct api *api, const struct addr *user);
void gather_fini(struct gather *g); /* what the parts hold; accepts zeroed */

/* A configured dex beside the first, by its name. */
bool gather_find_dex(struct venue_dex *out, struct venue *venue, const char *name);
/* The dex of a symbol, into out; the first one's for a name that is none's. */
void gather_dex_of(char out[DEX_NAME_MAX], struct venue *venue, const char *symbol);
/* "missing":[{dex, code, detail}] as a member. */
void gather_missing(struct buf *out, const struct gather *g);
bool gather_is_whole(const struct gather *g);
/* The time of the oldest part that was read. */
int64_t gather_as_of(const struct gather *g);

#endif
