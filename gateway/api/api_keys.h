/* api_keys: keys of bots, cached in front of the store, and requests signed with them. A key of one
 * brand is nothing at another. Loop thread only. */
#ifndef API_API_KEYS_H
#define API_API_KEYS_H

#include <stdbool.h>

#include "base/err.h"

struct api;
struct api_keys;
struct call;
struct inbound;

struct api_keys *api_keys_new(struct api *api);
void api_keys_free(struct api_keys *keys); /* accepts NULL */

/* Whether a request is signed with a key, or claims to be. */
bool api_keys_used(const struct inbound *in);
/* Whether the check will read the store: the key is not at hand, or made up. */
bool api_keys_needs_read(const struct api_keys *keys, const struct inbound *in);
/* Checks signature, time stamp, address, scope and that the request was not taken before. done fires
 * once, now or later: with E_OK the call's session is that of the key's account; else err says what
 * was wrong. */
typedef void api_keys_fn(struct call *call, const struct err *err);
void api_keys_check(struct call *call, const struct inbound *in, api_keys_fn *done);
/* Checks once more the key that signed for the call's session before: that there is still one, and that it
 * may do what is asked now. */
void api_keys_recheck(struct call *call, api_keys_fn *done);

#endif
