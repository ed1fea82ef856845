/* live: the private channels (stream/stream.h) of accounts: orders, fills, positions, account, alerts. What
 * the mirror hears of an account that somebody listens to becomes events, each told once, and rows as the
 * HTTP routes show them. What the mirror can't know it asks the venue, within the budget.
 * An account is one address under one brand. Loop thread only. */
#ifndef API_LIVE_H
#define API_LIVE_H

#include "base/hex.h"

struct api;
struct live;
struct stream_hub;

struct live *live_new(struct api *api);
void live_free(struct live *live); /* all channels are closed; accepts NULL */
/* Registers the channels with the hub, and listens to mirror and alerts from then on. */
void live_register(struct live *live, struct stream_hub *hub);
/* Nothing is told, asked or read any more. */
void live_end(struct live *live);

/* Something that shows in a position's or the account's row was changed, such as a guard. */
void live_touch(struct live *live, const struct addr *account);
/* An order whose fate nobody answered may be there, or have been. */
void live_ask_order(struct live *live, const struct addr *account, const struct cloid *cloid);

#endif
