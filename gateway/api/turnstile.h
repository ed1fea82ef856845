/* turnstile: lets one plan at a time act on an account's symbol, in order of arrival. A plan that changes
 * leverage and another that places an order there must not interleave. Cancels don't pass here: they
 * wait for nothing. */
#ifndef API_TURNSTILE_H
#define API_TURNSTILE_H

#include "base/hex.h"
#include "base/list.h"
#include "loop/loop.h"

struct turnstile;

#define TURNSTILE_WAITING_MAX 64 /* per account and symbol; above it turnstile_enter refuses */

/* Embed in what waits. Zeroed: not inside. */
struct turnstile_pass {
        struct list link;
        struct turnstile_lane *lane;
        void (*entered)(struct turnstile_pass *pass);
};

struct turnstile *turnstile_new(struct loop *loop);
void turnstile_free(struct turnstile *turnstile); /* nothing may be inside; accepts NULL */

/* entered fires when it is this pass's turn, never before return. E_LIMIT when too many wait. */
MUST_USE enum errc turnstile_enter(struct turnstile *turnstile, struct turnstile_pass *pass,
                                   const struct addr *account, const char *symbol,
                                   void (*entered)(struct turnstile_pass *pass));
/* Lets the next one in. Harmless when not inside. */
void turnstile_leave(struct turnstile *turnstile, struct turnstile_pass *pass);

#endif
