/* sockets: the clients of /v1/ws. Reads what they say, lets them in and out, and gives each of its
 * operations the answer HTTP would give; what they subscribe to is the hub's (stream/hub.h).
 * deploy/docs/streams.md is the contract. Loop thread only. */
#ifndef API_SOCKETS_H
#define API_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "brand/config.h"
#include "edge/httpd.h"
#include "stream/stream.h"

struct api;
struct sockets;

#define SOCKETS_PATH          "/v1/ws"
#define SOCKETS_MESSAGE_BYTES 32768 /* at most, before it is looked at: above, the edge hangs up */

/* limits is copied. Its frames leave through the api's httpd. */
struct sockets *sockets_new(struct api *api, const struct config_streams *limits);
/* No socket may be open: after httpd_free. Accepts NULL. */
void sockets_free(struct sockets *sockets);
/* Where sources register. Lives as long as the sockets. */
struct stream_hub *sockets_hub(struct sockets *sockets);
/* For the listener; the cookie is the sockets. */
extern const struct httpd_ws_ops sockets_ops;

/* The api's brands have been replaced: sockets of a brand that is gone are closed, and subscriptions to
 * markets that are not offered any more end. */
void sockets_reload(struct sockets *sockets);
/* Everybody is told when to come back and closed, those with operations under way once these are
 * answered. Whoever comes from now on is sent away likewise. */
void sockets_drain(struct sockets *sockets);
unsigned sockets_open(const struct sockets *sockets);
/* Appends metrics in text exposition format. */
void sockets_metrics(const struct sockets *sockets, struct buf *out);

#endif
