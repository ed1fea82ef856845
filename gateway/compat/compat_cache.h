/* compat_cache: answers of the venue that serve many askers: as they came, for a moment each. Equal questions
 * that come while one is under way wait for its answer. Bounded in entries and bytes; the longest unused go
 * first. */
#ifndef COMPAT_CACHE_H
#define COMPAT_CACHE_H

#include "adapters/venue.h"
#include "api/call.h"

struct compat;
struct compat_cache;

struct compat_cache *compat_cache_new(struct compat *compat);
void compat_cache_free(struct compat_cache *cache); /* accepts NULL; no call may wait */

struct compat_question {
        const char *key; /* equal questions have equal keys; borrowed, like what follows */
        size_t key_len;
        const char *body; /* as it is asked */
        size_t body_len;
        struct venue_wire_cost cost;
        int64_t keep_ms; /* 0: the answer is this asker's alone */
};
/* Answers the call, now or later. */
void compat_cache_ask(struct compat_cache *cache, struct call *call,
                      const struct compat_question *question);

#endif
