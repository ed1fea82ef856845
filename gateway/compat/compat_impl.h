/* compat_impl: what the files of compat share. Private to gateway/compat. */
#ifndef COMPAT_IMPL_H
#define COMPAT_IMPL_H

#include "adapters/hyperliquid/hl_raw.h"
#include "api/call.h"
#include "api/route.h"
#include "api/state.h"
#include "compat/compat.h"

struct compat_cache;
struct compat_signers;

enum compat_use { COMPAT_READS, COMPAT_ACTIONS };
#define COMPAT_USES 2

struct compat {
        struct api *api;
        struct map *limits; /* brand id -> by network address, in the venue's weights */
        struct compat_cache *cache;
        struct compat_signers *signers;
};

/* What the venue's own servers answer to a body that fits no request. */
#define COMPAT_422 "Failed to deserialize the JSON body into the target type"

extern const struct route compat_info_route, compat_exchange_route;

/* Answers with plain text, as the venue does for everything but 200. Frees the call. */
void compat_text(struct call *call, int status, const char *text);
/* Why nothing came from the venue, in its shapes: 429, 502, 504. */
void compat_no_answer(struct call *call, const struct err *err);
/* Takes the venue's weight of a request from what the client's address may ask for under the brand. */
MUST_USE bool compat_take(struct call *call, struct compat *compat, enum compat_use use,
                          unsigned weight);
/* The same, or answers 429 and frees the call. */
MUST_USE bool compat_pay(struct call *call, struct compat *compat, enum compat_use use,
                         unsigned weight);
void compat_count(struct compat *compat, const char *name, const char *label, const char *value,
                  const char *help);

/* By its route. */
void compat_run(struct compat *compat, struct call *call);
/* compat_info.c: a question; answers the call. */
void compat_info_run(struct compat *compat, struct call *call);
/* compat_exchange.c: a signed action; answers the call. */
void compat_exchange_run(struct compat *compat, struct call *call);

#endif
