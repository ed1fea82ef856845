/* markets: what the market routes share. */
#ifndef API_MARKETS_H
#define API_MARKETS_H

struct call;
struct market;

/* The market of the path's {symbol}, if the brand offers it; else answers call and is NULL. */
const struct market *markets_find(struct call *call);

#endif
