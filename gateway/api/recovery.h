/* recovery: brings every intent whose end is not known to one: after a start those that the journal has
 * open, at any time those whose answer was lost. What is next is decided by journal/recover.h; this asks
 * the venue, sends again, puts back, and writes down what came of it. A few at a time, orders first: the
 * venue's budget stays with new orders, which wait for none of it but their own account's line.
 * Loop thread only. */
#ifndef API_RECOVERY_H
#define API_RECOVERY_H

#include "base/buf.h"
#include "store/store.h"

struct api;
struct recovery;

/* Reads the journal at once. */
struct recovery *recovery_new(struct api *api);
/* Nothing may call back any more: venue and store are closed. Accepts NULL. */
void recovery_free(struct recovery *recovery);
/* Takes over an intent that this process leaves open. Twice counts once. */
void recovery_adopt(struct recovery *recovery, const struct store_intent *intent);
/* The same where its state is unknown, or rc says that its last write failed. */
void recovery_after(struct recovery *recovery, const struct store_intent *intent, enum errc rc);
/* Whether the intent's end is being found out. */
bool recovery_has(const struct recovery *recovery, const char *brand, const struct addr *account,
                  const struct cloid *id);
/* Appends metrics in text exposition format. */
void recovery_metrics(const struct recovery *recovery, struct buf *out);

#endif
