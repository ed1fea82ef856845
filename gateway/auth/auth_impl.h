/* auth_impl: what the files that implement auth.h share. */
#ifndef AUTH_AUTH_IMPL_H
#define AUTH_AUTH_IMPL_H

#include "auth/auth.h"
#include "auth/challenge.h"
#include "auth/session_cache.h"

#define AUTH_TOKEN_BYTES 32

struct auth {
        struct auth_options options;
        struct challenge_table *challenges;
        struct session_cache *sessions;
        unsigned n_out; /* calls on their way to the store, which hold the object */
        bool is_freed;
};

void auth_impl_hold(struct auth *auth);
void auth_impl_release(struct auth *auth); /* the last one after auth_free frees */

/* What is stored of a token: a BLAKE2b-256 of its bytes. They are random, so nothing slower helps. */
void auth_impl_hash(uint8_t hash[32], const void *data, size_t len);

#endif
