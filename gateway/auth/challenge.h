/* challenge: the sign-in messages that were issued and not used yet, by brand and nonce. Bounded in
 * all (refuses) and per address of a brand (the oldest gives way). Loop thread only. */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include <stdint.h>

#include "base/err.h"
#include "base/hex.h"

struct challenge_table;

struct challenge {
        struct addr address;
        int64_t until_mono; /* no longer valid from then on */
        struct hash32 message_hash;
};

struct challenge_table *challenge_table_new(unsigned max, unsigned max_per_address);
void challenge_table_free(struct challenge_table *table); /* accepts NULL */
/* E_RATE_LIMITED when the table is full of challenges that are still valid. */
MUST_USE enum errc challenge_add(struct challenge_table *table, const char *brand,
                                 const char *nonce, const struct challenge *challenge,
                                 int64_t now_mono);
/* Removes it, so that it serves once. An expired one may still be there. E_NOT_FOUND. */
MUST_USE enum errc challenge_take(struct challenge_table *table, struct challenge *out,
                                  const char *brand, const char *nonce);

#endif
