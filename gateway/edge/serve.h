/* serve: the library's callbacks, sorted to conn, conn_http and conn_ws. Private to this folder. */
#ifndef EDGE_SERVE_H
#define EDGE_SERVE_H

#include "edge/lws_include.h"

/* For every vhost. The first protocol serves requests and WebSockets alike: one that names no
 * subprotocol lands there, and one that names any is refused. */
extern const struct lws_protocols serve_protocols[];

#endif
