/* compat_ws: /ws on the brands' hosts in the venue's own frames: subscribe, unsubscribe, ping and post. Many
 * peers share one subscription of the gateway's; each frame is encoded once. Loop thread only. */
#ifndef COMPAT_WS_H
#define COMPAT_WS_H

#include <stddef.h>

#include "edge/httpd.h"

struct compat;
struct compat_ws;

#define COMPAT_WS_PATH "/ws"

/* queue_bytes: the listener's bound for what waits for a peer. */
struct compat_ws *compat_ws_new(struct compat *compat, size_t queue_bytes);
/* Hears and asks nothing any more: before the keeper is closed. Accepts NULL. */
void compat_ws_stop(struct compat_ws *ws);
/* After the listeners are closed. Accepts NULL. */
void compat_ws_free(struct compat_ws *ws);

extern const struct httpd_ws_ops compat_ws_ops; /* cookie is the compat_ws */

/* The api's brands have been replaced: peers of one that does not offer /ws any more are closed. */
void compat_ws_reload(struct compat_ws *ws);
/* Asks every peer to come back later, elsewhere. */
void compat_ws_drain(struct compat_ws *ws);
unsigned compat_ws_open(const struct compat_ws *ws);

#endif
