/* store_audit_acts: the words of the audit log for what the store itself writes down. Each is called from
 * the exec that does it, so that the act and its record are on disk together or not at all. None holds
 * a secret: no key, token, signature or body of a request. Store's thread. */
#ifndef STORE_STORE_AUDIT_ACTS_H
#define STORE_STORE_AUDIT_ACTS_H

#include "store/db.h"
#include "store/store.h"
#include "store/store_api_key.h"
#include "store/store_dead_man.h"
#include "store/store_guard.h"

/* "signed": the steps of after that have a nonce and a digest, and had none in before (NULL: a new
 * intent). Nothing where there is none. */
MUST_USE enum errc store_audit_acts_signed(struct db *db, const struct store_intent *before,
                                           const struct store_intent *after);
/* "rejected": what was signed has ended without effect. */
MUST_USE enum errc store_audit_acts_settled(struct db *db, const struct store_intent *before,
                                            const struct store_intent *after);
/* "terms_accepted", "agent_made", "agent_approved", "agent_lapsed", "agent_retired",
 * "builder_fee_approved", "builder_fee_gone": one for each that differs. before is zeroed for a new
 * account. */
MUST_USE enum errc store_audit_acts_account(struct db *db, const struct store_account *before,
                                            const struct store_account *after, int64_t at);
/* "session_began", "session_ended" */
MUST_USE enum errc store_audit_acts_session(struct db *db, const char *action,
                                            const struct store_session *session, int64_t at);
/* "api_key_made", "api_key_deleted" */
MUST_USE enum errc store_audit_acts_api_key(struct db *db, const char *action,
                                            const struct store_api_key *key, int64_t at);
/* "guard_set", "guard_ended" */
MUST_USE enum errc store_audit_acts_guard(struct db *db, const char *action,
                                          const struct store_guard *guard, int64_t at);
/* "dead_man_armed", "dead_man_disarmed", "dead_man_fired"; an arming that only repeats the last has none */
MUST_USE enum errc store_audit_acts_dead_man(struct db *db, const char *action,
                                             const struct store_dead_man *row, int64_t at);

#endif
