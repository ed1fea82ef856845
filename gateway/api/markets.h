/* markets: what the market routes share. */
#ifndef API_MARKETS_H
#define API_MARKETS_H

#include "base/err.h"

struct brand;
struct call;
struct market;
struct venue;

/* The market of the path's {symbol}, if the brand offers it; else answers call and is NULL. */
const struct market *markets_find(struct call *call);

/* Why there is no such market here: not offered, unless the venue has not said yet which it has, as in the
 * first moments of a start. Fills err and returns its code. */
enum errc markets_refuse(struct venue *venue, const struct brand *brand, const char *symbol,
                         struct err *err);

#endif
