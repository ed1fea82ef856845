/* limit: token buckets per key (an address of the network, an account), in a bounded table that
 * forgets the longest idle. Loop thread only. */
#ifndef AUTH_LIMIT_H
#define AUTH_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limit;

#define LIMIT_NETWORK_MAX 46
/* The key for a numeric network address: an IPv4 address whole, an IPv6 address by its /64, which is
 * what one subscriber commonly has. Anything else is its own key. */
void limit_network(char out[LIMIT_NETWORK_MAX], const char *address);

struct limit_state { /* what the RateLimit-* headers say */
        unsigned limit;
        unsigned remaining;
        unsigned reset_s; /* until the bucket is full again */
        unsigned retry_after_s;
};

/* capacity requests per window_ms, refilled evenly. */
struct limit *limit_new(unsigned capacity, int64_t window_ms, unsigned max_keys);
void limit_free(struct limit *limit);
/* Takes cost; false (and nothing taken) when it is not there. */
bool limit_take(struct limit *limit, const char *key, unsigned cost, int64_t mono_ms,
                struct limit_state *out);

#endif
