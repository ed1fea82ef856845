/* rotation: another master key. All brand keys are wrapped anew in one transaction; what they protect stays
 * as it is. Files, beside each other:
 *
 *      KEY        the master key that is in use
 *      KEY.next   the one that takes its place, while that happens
 *      KEY.STAMP  one that was in use until then: backups made before open with it alone
 *
 * The new key is on disk before anything is wrapped under it, and takes its name after all is. Interrupted
 * anywhere in between, the store's keys open under one of the two; the gateway finds out which. */
#ifndef CTL_ROTATION_H
#define CTL_ROTATION_H

#include "sign/vault.h"
#include "store/store.h"

struct rotation_result {
        unsigned brands;
        bool was_begun; /* by an earlier run that was interrupted */
        char kept[512]; /* where the old key lies now */
};

/* Offline: the store must not be in use. E_CONFIG for a store or a key file that can't be had, E_CRYPTO
 * where the store's keys open under neither; nothing is changed then. */
MUST_USE enum errc rotation_run(const char *store_file, const char *key_file, int64_t now,
                                struct rotation_result *result, struct err *err);

/* At the start of the gateway: the vault of KEY.next in place of *vault where the store's keys open under
 * that alone. Leaves *vault in every other case. */
void rotation_pick(struct vault **vault, struct store *store, const char *key_file,
                   const struct secp *secp);

#endif
