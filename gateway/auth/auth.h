/* auth: challenges, sessions, request limits. Owns the pending challenges (bounded, five minutes,
 * single use) and a bounded cache of sessions in front of the store; only token hashes are kept.
 * Loop thread only. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hex.h"
#include "sign/secp.h"
#include "store/store.h"

struct auth;

struct auth_options {
        const struct clock *clock;
        struct store *store;
        const struct secp *secp;
        int64_t challenge_ms; /* five minutes */
        int64_t session_ms;
        unsigned max_challenges;
        unsigned max_challenges_per_address;
        unsigned max_cached_sessions;
};
struct auth *auth_new(const struct auth_options *options);
/* Accepts NULL. What is on its way to the store still calls back, before store_close returns. */
void auth_free(struct auth *auth);

/* What the brand allows in a sign-in. host is the brand's canonical domain. */
struct auth_site {
        const char *brand;
        const char *host;
        const char *uri; /* e.g. "https://host" */
        const char *statement;
        const uint64_t *chain_ids; /* first is the default */
        size_t n_chain_ids;
};

/* chain_id 0: the site's default. message has SIWE_MESSAGE_MAX bytes. E_INVALID for a chain that is
 * not the site's; E_RATE_LIMITED when too many are pending in all, E_CONFIG when the site's texts do
 * not fit a message. One more than max_challenges_per_address takes the place of that address's
 * oldest: to refuse would let a stranger, who may ask for any address, lock it out. */
MUST_USE enum errc auth_challenge(struct auth *auth, const struct auth_site *site,
                                  const struct addr *address, uint64_t chain_id, char *message,
                                  int64_t *expires_at, struct err *err);

#define AUTH_TOKEN_MAX 64 /* the bearer token's text, NUL included */
struct auth_login {
        enum errc rc;
        struct err err;
        char token[AUTH_TOKEN_MAX]; /* shown once */
        int64_t expires_at;
        struct addr address;
};
typedef void auth_login_fn(void *cookie, const struct auth_login *login);
/* Parses message, checks domain, chain, times, nonce (spent whatever comes out once the domain
 * matches), that it is the very text that was issued, and the signature; then stores a session.
 * E_SYNTAX, E_UNAUTHORIZED with a detail that names what did not fit. done fires later. */
void auth_login(struct auth *auth, const struct auth_site *site, const char *message, size_t len,
                const char *signature, size_t signature_len, auth_login_fn *done, void *cookie);

struct auth_session {
        struct addr address;
        int64_t expires_at;
        uint8_t token_hash[32];
};
typedef void auth_session_fn(void *cookie, enum errc rc, const struct auth_session *session);
/* authorization is the header's value ("Bearer ..."). A cached session answers in the next turn.
 * E_UNAUTHORIZED for anything that is not a live session of this brand; E_STORE_DOWN. */
void auth_check(struct auth *auth, const char *brand, const char *authorization,
                auth_session_fn *done, void *cookie);
/* The same from the cache alone: true when it is known and live, with *out filled. The fast path. */
bool auth_check_cached(struct auth *auth, const char *brand, const char *authorization,
                       struct auth_session *out);
/* Whether a session that was checked before is still one, by its token's hash. */
void auth_recheck(struct auth *auth, const char *brand, const uint8_t token_hash[32],
                  auth_session_fn *done, void *cookie);
void auth_logout(struct auth *auth, const struct auth_session *session, store_done *done,
                 void *cookie);

#endif
