/* live: the public channels of /v1/ws (markets, book, bbo, trades, candles, status): what the venue's
 * feed tells, as the HTTP routes would show it. Where there is no feed, or it has no room for a topic, the
 * venue is read now and then, within a budget. Loop thread only. */
#ifndef API_LIVE_H
#define API_LIVE_H

#include "stream/stream.h"

struct api;
struct live;

/* Registers its sources with the hub. poll_weight: of a minute's request weight; 0: nothing is polled. */
struct live *live_new(struct api *api, struct stream_hub *hub, unsigned poll_weight);
/* Hears nothing and asks nothing more; before the keeper is closed. Accepts NULL. */
void live_stop(struct live *live);
/* After the hub and the venue are closed. Accepts NULL. */
void live_free(struct live *live);
/* The api's brands have been replaced. */
void live_reload(struct live *live);

#endif
