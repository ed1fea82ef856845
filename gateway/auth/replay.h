/* replay: the signed requests that were taken, for as long as their time stamp lets them be sent
 * again. Bounded per key and in all: above a bound nothing is taken, rather than something twice.
 * Loop thread only. */
#ifndef AUTH_REPLAY_H
#define AUTH_REPLAY_H

#include <stdint.h>

#include "base/err.h"

struct replay;

struct replay *replay_new(unsigned max, unsigned max_per_key, int64_t keep_ms);
void replay_free(struct replay *replay); /* accepts NULL */

/* digest tells the request from all others of the key. E_OK: it is new, and known from now on.
 * E_EXISTS: it was taken before. E_LIMIT: too many are being remembered. */
MUST_USE enum errc replay_take(struct replay *replay, const uint8_t key[16],
                               const uint8_t digest[32], int64_t mono_ms);

#endif
