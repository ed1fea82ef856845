/* ws_client_url: where a WebSocket URL leads, and the addresses behind a name. Pure but for the
 * lookup, which blocks and belongs on a worker's thread. */
#ifndef LOOP_WS_CLIENT_URL_H
#define LOOP_WS_CLIENT_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct ws_client_url {
        bool is_tls;
        char host[256]; /* a name or a numeric address, without brackets */
        uint16_t port;
        char authority
                [272];  /* as the Host header has it: with the port unless it is the scheme's */
        char path[512]; /* with the query; "/" if none */
};

/* ws and wss only; no user, no fragment, nothing but printable ASCII. E_CONFIG. */
MUST_USE enum errc ws_client_url_parse(struct ws_client_url *out, const char *text,
                                       struct err *err);

#define WS_CLIENT_ADDRESSES 8
struct ws_client_addresses {
        size_t n;
        char text[WS_CLIENT_ADDRESSES][INET6_ADDRSTRLEN];
        char reason[128]; /* why there are none */
};
void ws_client_url_resolve(struct ws_client_addresses *out, const char *host);

#endif
