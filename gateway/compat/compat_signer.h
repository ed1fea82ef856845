/* compat_signer: whose key signed: an account's own, or an agent of which. Asked of the venue once and
 * remembered: an agent's address is of one account for ever. Questions are bounded, by the asker's address
 * and in all, so that nobody's made-up signatures use up what trading reads. */
#ifndef COMPAT_SIGNER_H
#define COMPAT_SIGNER_H

#include "adapters/venue.h"
#include "api/call.h"

struct compat;
struct compat_signers;

enum compat_standing {
        SIGNER_UNRESOLVED, /* the venue could not be asked */
        SIGNER_KNOWN,
        SIGNER_MISSING, /* the venue knows nobody by this address */
};
struct compat_who {
        enum compat_standing standing;
        struct addr account; /* SIGNER_KNOWN: whose it is; the signer's own unless it is an agent */
        struct err err;      /* SIGNER_UNRESOLVED: why */
};

struct compat_signers *compat_signer_new(struct compat *compat);
void compat_signer_free(struct compat_signers *signers); /* accepts NULL; nobody may wait */

/* What is known without asking; false: nothing. */
bool compat_signer_known(struct compat *compat, const struct addr *signer, struct compat_who *who);

typedef void compat_signer_fn(void *cookie, const struct compat_who *who);
/* Asks, unless there is an answer from a moment ago. call: who pays for it. Fires once, never before
 * return. */
void compat_signer_ask(struct compat *compat, struct call *call, const struct addr *signer,
                       compat_signer_fn *done, void *cookie);

/* The venue took an action that makes agent one of account's. */
void compat_signer_learn(struct compat *compat, const struct addr *agent,
                         const struct addr *account);
/* The venue says that it does not know the signer, whatever it said before. */
void compat_signer_forget(struct compat *compat, const struct addr *signer);

#endif
