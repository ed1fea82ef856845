/* store_restore: puts a backup in a store's place, offline. For perpgatectl, on a loop of its own. */
#ifndef STORE_STORE_RESTORE_H
#define STORE_STORE_RESTORE_H

#include "store/store.h"

struct store_restore_options {
        const char *file;   /* the store's */
        const char *backup; /* a copy made by store_backup */
        bool without_sum;   /* there is no FILE.sha256 beside it */
        bool broken_audit;  /* put back although its audit log is not whole */
        int64_t now;        /* wall ms */
};

struct store_restore_result {
        char aside[512]; /* where what was there before lies now; "" if there was nothing */
        int64_t version; /* of the backup's schema */
        int64_t made_at; /* the newest thing in it */
        unsigned sessions, api_keys; /* ended; as of the backup */
        char audit_fault[160];       /* where the audit log is not whole; "" where it is */
};

/* Copies and checks the backup (checksum, every page, references, schema, the audit log's chain), prepares the copy, puts it in
 * place in one step and keeps what was there under another name. Prepared means: its schema is brought up to
 * date; everybody is signed out, since sessions that were ended after the backup would live again; nonces go on
 * above anything that can have been signed since. Nothing is changed where it fails.
 * E_CONFIG when a gateway has the store or the backup is not sound, E_IO. */
MUST_USE enum errc store_restore(const struct store_restore_options *options,
                                 struct store_restore_result *result, struct err *err);

#endif
