/* mirrored: accounts by the mirror, in the shapes that plans and answers are made from. Reads here look
 * like the venue's own ops, and end like them: done fires once, never before return. Where the mirror may
 * not be trusted, or does not have the account, the venue is asked, and the mirror hears the answer. */
#ifndef API_MIRRORED_H
#define API_MIRRORED_H

#include "adapters/venue.h"
#include "keeper/keeper.h"

struct api;
struct mirrored_room; /* scratch for one view at a time */

struct mirrored_room *mirrored_room_new(void);
void mirrored_room_free(struct mirrored_room *room); /* accepts NULL */

struct mirrored {
        struct venue_account account; /* owned; cross.resting is what orders reserve, where known */
        struct mirror_trust *trust;   /* owned; by position */
        struct venue_open_order *orders; /* owned */
        size_t n_orders;
        bool orders_known;
        struct mirror_trust total; /* of the account's figures */
};
/* Valued at present marks. E_NOT_FOUND: the mirror does not have it. */
MUST_USE enum errc mirrored_take(struct mirrored *out, struct api *api, const struct addr *user,
                                 const char *dex);
void mirrored_fini(struct mirrored *mirrored); /* accepts zeroed */

/* How new an account must be. */
enum mirrored_age {
        MIRRORED_CHECK, /* good enough to judge an order: where that refuses, look again with NOW */
        MIRRORED_SHOW,  /* good enough to show */
        MIRRORED_NOW,   /* as the venue says after this call */
};
/* Of account and orders, cross.resting is left 0: plans count what orders reserve themselves. */
void mirrored_account(struct api *api, const struct addr *user, const char *dex,
                      enum mirrored_age age, venue_account_fn *done, void *cookie);
void mirrored_orders(struct api *api, const struct addr *user, const char *dex,
                     enum mirrored_age age, venue_orders_fn *done, void *cookie);
void mirrored_setting(struct api *api, const struct addr *user, const struct market *market,
                      enum mirrored_age age, venue_setting_fn *done, void *cookie);

/* What became of an order, as the venue says: by its name, or by its number where cloid is NULL. The mirror hears
 * it too. */
void mirrored_lookup(struct api *api, const struct addr *user, const struct cloid *cloid,
                     uint64_t oid, venue_status_fn *done, void *cookie);

/* Submits an action and tells the mirror of it and of its outcome. */
void mirrored_submit(struct api *api, const struct addr *user, const struct venue_action *action,
                     const struct venue_compiled *compiled, const struct signature *sig,
                     venue_outcome_fn *done, void *cookie);

#endif
