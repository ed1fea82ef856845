/* store_intent_names: what must be unique about intents, and how they are found: the tables
 * intent_cloid, intent_name, signer_nonce and signer_highest. On the store's thread, inside an operation. */
#ifndef STORE_STORE_INTENT_NAMES_H
#define STORE_STORE_INTENT_NAMES_H

#include "store/db.h"
#include "store/store.h"

/* As on disk. A trader's key is free again when it is a day old (store_keys.h); one of the gateway's own
 * never is. */
enum store_intent_name_kind { NAME_CLIENT = 1, NAME_KEY = 2, NAME_OWN_KEY = 3 };

/* Takes all names and nonces of a new intent. E_EXISTS for a name that is taken, E_INTERNAL for a
 * nonce. The names that strangers choose come first, so that most refusals undo nothing. */
MUST_USE enum errc store_intent_names_take(struct db *db, const struct store_intent *in,
                                           int64_t number);
/* Whether all names of a new intent are still to be had, its nonces apart. E_EXISTS. Changes nothing. */
MUST_USE enum errc store_intent_names_free(struct db *db, const struct store_intent *in);
/* Takes the cloids and nonces of in that before does not have. Same errors. */
MUST_USE enum errc store_intent_names_add(struct db *db, const struct store_intent *in,
                                          const struct store_intent *before, int64_t number);
/* The number of the intent. E_NOT_FOUND. */
MUST_USE enum errc store_intent_names_by_cloid(struct db *db, const char *brand,
                                               const struct addr *account,
                                               const struct cloid *cloid, int64_t *number);
MUST_USE enum errc store_intent_names_by_name(struct db *db, const char *brand,
                                              const struct addr *account,
                                              enum store_intent_name_kind kind, const char *name,
                                              int64_t *number);
/* By a trader's key that is not free at that time. E_NOT_FOUND. */
MUST_USE enum errc store_intent_names_by_live_key(struct db *db, const char *brand,
                                                  const struct addr *account, const char *key,
                                                  int64_t now, int64_t *number);
/* Frees the key of the intent of that number, unless a later one has taken it since; counts it. */
MUST_USE enum errc store_intent_names_free_key(struct db *db, const struct store_intent *in,
                                               int64_t number, unsigned *n_freed);

#endif
