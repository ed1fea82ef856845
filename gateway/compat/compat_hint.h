/* compat_hint: why a signer is nobody. A signature over anything but what was sent recovers a stranger; so
 * it is recovered once more as if it had been made in the ways that clients get wrong, and where that leads
 * to somebody, the mistake is named. */
#ifndef COMPAT_HINT_H
#define COMPAT_HINT_H

#include "adapters/hyperliquid/hl_raw.h"
#include "api/call.h"

struct compat;

#define COMPAT_HINT_MAX 640

/* text: the whole refusal, borrowed. Fires once, never before return. */
typedef void compat_hint_fn(void *cookie, const char *text);
/* request is borrowed until done has fired. */
void compat_hint_find(struct compat *compat, struct call *call, const struct hl_request *request,
                      const struct addr *signer, compat_hint_fn *done, void *cookie);

#endif
