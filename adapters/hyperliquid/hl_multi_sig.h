/* hl_multi_sig: the wrapper in which an account that was turned into a multi-sig user acts. Every
 * authorised user signs the inner action (inner digest); one of them, or an agent of one, the leader,
 * signs the wrapper with these signatures in it (outer digest). Actions are hashed as received.
 * Pure. Source: the venue's API reference, "signing" and "multi-sig". */
#ifndef HL_MULTI_SIG_H
#define HL_MULTI_SIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/buf.h"

#define HL_MULTI_SIG_USERS_MAX 10

/* A wrapper that was checked whole; everything is borrowed from the JSON. */
struct hl_multi_sig {
        const json_t *wrapper;
        const json_t *signatures; /* array, at most HL_MULTI_SIG_USERS_MAX */
        const json_t *action;     /* the inner one */
        struct addr user;         /* who acts */
        struct addr leader;       /* who sends; outerSigner */
        const char *user_text, *leader_text;
};

/* E_SYNTAX; E_LIMIT for too many signatures. */
MUST_USE enum errc hl_multi_sig_read(struct hl_multi_sig *out, const json_t *wrapper,
                                     struct err *err);

/* The digest that each authorised user signs. An inner action that is user-signed names both parties
 * in its own type, of userSetAbstraction with the long word; any other is hashed with them as an L1
 * action. scratch is reset. E_INVALID for an inner action without a known type, else E_SYNTAX. */
MUST_USE enum errc hl_multi_sig_inner_digest(struct hash32 *out, struct buf *scratch,
                                             const struct hl_multi_sig *multi,
                                             const struct hl_envelope *envelope, bool is_mainnet);

/* Walks the wrapper without its type into scratch (reset first) and hashes it: multiSigActionHash. */
MUST_USE enum errc hl_multi_sig_hash(struct hash32 *out, struct buf *scratch,
                                     const struct hl_multi_sig *multi,
                                     const struct hl_envelope *envelope);
/* The digest that the leader signs. E_RANGE for a nonce above 2^63-1. */
MUST_USE enum errc hl_multi_sig_digest(struct hash32 *out, const struct hl_multi_sig *multi,
                                       const struct hash32 *hash, uint64_t nonce, bool is_mainnet);

/* What convertToMultiSigUser's text says: {"authorizedUsers": [...], "threshold": n}; the text null
 * (n_users 0) turns the account back. E_SYNTAX, also for no user, a user named twice, or a threshold
 * outside 1..n_users. */
struct hl_multi_sig_signers {
        unsigned n_users;
        struct addr user[HL_MULTI_SIG_USERS_MAX];
        unsigned threshold;
};
MUST_USE enum errc hl_multi_sig_signers(struct hl_multi_sig_signers *out, const json_t *action);

#endif
