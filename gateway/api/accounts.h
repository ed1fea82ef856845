/* accounts: traders' account records, cached in front of the store, with the
 * venue's fee rates and collateral mode beside them. Every write goes through here, so the cache is never behind. */
#ifndef API_ACCOUNTS_H
#define API_ACCOUNTS_H

#include "adapters/venue.h"
#include "store/store.h"

struct accounts;
struct api;

struct accounts *accounts_new(struct api *api);
void accounts_free(struct accounts *accounts); /* accepts NULL */

/* account is borrowed for the call; a fresh record (created_at 0) where there is none yet. */
typedef void accounts_fn(void *cookie, enum errc rc, const struct store_account *account);
/* Fires exactly once, never before return. */
void accounts_get(struct accounts *accounts, const char *brand, const struct addr *address,
                  accounts_fn *done, void *cookie);
/* Stores and caches; done after it is on disk. The record must come from accounts_get in this very
 * turn, with the change made to it: then two changes at a time lose nothing. */
void accounts_put(struct accounts *accounts, const struct store_account *account, store_done *done,
                  void *cookie);

/* The venue says that the fee's approval is gone: the next order goes without it. */
void accounts_forget_builder(struct accounts *accounts, const char *brand,
                             const struct addr *address);

/* What the venue says of an account and seldom changes. */
struct account_facts {
        struct venue_fees fees;
        char mode[24]; /* how its collateral is pooled: "standard", "unified", "portfolioMargin" */
};
typedef void accounts_facts_fn(void *cookie, const struct err *err,
                               const struct account_facts *facts);
/* At most ten minutes old; read from the venue when older. Fires once, never before return. */
void accounts_facts(struct accounts *accounts, const struct addr *address, accounts_facts_fn *done,
                    void *cookie);

#endif
