/* hl_family: an account's sub-accounts, as the venue lists them. */
#ifndef HL_FAMILY_H
#define HL_FAMILY_H

#include <jansson.h>
#include <stddef.h>

#include "adapters/venue.h"

/* subAccounts, of master: a row that names another master makes the answer no good. *out is for the
 * caller to free. E_VENUE_UNAVAILABLE. Pure. */
MUST_USE enum errc hl_family_parse(struct venue_sub_account **out, size_t *n, const json_t *answer,
                                   const struct addr *master, struct err *err);

/* The op of venue.h. */
void hl_family_read(struct venue *venue, const struct addr *user, venue_sub_accounts_fn *done,
                    void *cookie);

#endif
