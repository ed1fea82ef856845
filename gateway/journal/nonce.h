/* nonce: the ledger of nonces per signing address. A nonce is max(last + 1, now in ms): it only
 * grows, also when the wall clock steps back, and several in one millisecond differ. It is on disk
 * (with the intent that uses it) before anything signed with it leaves.
 *
 * The venue takes a nonce from two days behind its clock to one day ahead, above the lowest of the
 * signer's 100 highest, and each once. A mark that is a day or more ahead was made by a clock that was
 * wrong, and no nonce from there on was ever taken: the next load goes on from the highest that was
 * reserved below it, so that a clock that has come back does not leave a signer without nonces.
 * Owns its map. Loop thread only. */
#ifndef JOURNAL_NONCE_H
#define JOURNAL_NONCE_H

#include "base/err.h"
#include "base/hex.h"
#include "store/store.h"

struct nonce_ledger;

struct nonce_ledger *nonce_ledger_new(struct store *store, const struct clock *clock);
void nonce_ledger_free(struct nonce_ledger *ledger);

typedef void nonce_ready_fn(void *cookie, enum errc rc);
/* Loads the signer's mark from the store unless it is known and of use. Fires later, exactly once. */
void nonce_ledger_load(struct nonce_ledger *ledger, const struct addr *signer, nonce_ready_fn *done,
                       void *cookie);
/* n consecutive nonces, the first in *first. E_NOT_FOUND before nonce_ledger_load; E_RANGE when they
 * would be more than a day ahead of the clock (the venue would refuse them): load again. */
MUST_USE enum errc nonce_ledger_take(struct nonce_ledger *ledger, const struct addr *signer,
                                     unsigned n, uint64_t *first);

#endif
