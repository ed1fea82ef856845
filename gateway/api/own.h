/* own: the private channels (stream/stream.h) of accounts: orders, fills, positions, account, alerts. What
 * the mirror hears of an account that somebody listens to becomes events, each told once, and rows as the
 * HTTP routes show them. What the mirror can't know it asks the venue, within the budget.
 * An account is one address under one brand. Loop thread only. */
#ifndef API_OWN_H
#define API_OWN_H

#include "base/hex.h"

struct api;
struct own;
struct stream_hub;

struct own *own_new(struct api *api);
void own_free(struct own *own); /* all channels are closed; accepts NULL */
/* Registers the channels with the hub, and listens to mirror and alerts from then on. */
void own_register(struct own *own, struct stream_hub *hub);
/* Nothing is told, asked or read any more. */
void own_end(struct own *own);

/* Something that shows in a position's or the account's row was changed, such as a guard. */
void own_touch(struct own *own, const struct addr *account);
/* An order whose fate nobody answered may be there, or have been. */
void own_ask_order(struct own *own, const struct addr *account, const struct cloid *cloid);

#endif
