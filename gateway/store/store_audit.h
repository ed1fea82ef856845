/* store_audit: where the audit log's chains end. As store.h: loop thread only, callbacks fire once and
 * later. What is written to it: store_audit in store.h, and by the store itself, in the transaction
 * of what it tells, everything in store_audit_acts.h. */
#ifndef STORE_STORE_AUDIT_H
#define STORE_STORE_AUDIT_H

#include "store/audit_chain.h"
#include "store/store.h"

/* The last record of each brand that has any; borrowed for the call. */
typedef void store_audit_heads_fn(void *cookie, enum errc rc, const struct audit_head *heads,
                                  size_t n);
void store_audit_heads(struct store *store, store_audit_heads_fn *done, void *cookie);

#endif
