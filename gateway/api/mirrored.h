/* mirrored: accounts as the mirror has them, in the shapes that plans and answers are made from. */
#ifndef API_MIRRORED_H
#define API_MIRRORED_H

#include "adapters/venue.h"
#include "keeper/keeper.h"

struct api;
struct mirrored_room; /* scratch for one view at a time */

struct mirrored_room *mirrored_room_new(void);
void mirrored_room_free(struct mirrored_room *room); /* accepts NULL */

struct mirrored {
        struct venue_account account;    /* owned */
        struct mirror_trust *trust;      /* owned; by position */
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
        struct mirror_trust total; /* of the account's figures */
        int64_t as_of;             /* the venue's time of the newest thing in it */
        bool is_drifted;
        bool is_pooled; /* collateral is shared with what the account does not show */
};
/* Valued at present marks. E_NOT_FOUND: the mirror does not have it. */
MUST_USE enum errc mirrored_take(struct mirrored *out, struct api *api, const struct addr *user,
                                 const char *dex);
void mirrored_fini(struct mirrored *mirrored); /* accepts zeroed */

#endif
