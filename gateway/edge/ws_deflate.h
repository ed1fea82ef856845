/* ws_deflate: permessage-deflate (RFC 7692) without context: every message is compressed by itself.
 * So one compressor serves all peers, a message is compressed once for all who take it so, and a peer
 * costs no window of its own (zlib's are 256 KB and 44 KB). Private to this folder. */
#ifndef EDGE_WS_DEFLATE_H
#define EDGE_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct ws_deflate; /* a compressor and its opposite, made when first used */

/* What is answered to a peer whose offer is taken. It must do without context as well. */
#define WS_DEFLATE_ANSWER                                                                          \
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

/* Whether offers, the value of Sec-WebSocket-Extensions, has one that can be taken. */
bool ws_deflate_is_offered(const char *offers);

struct ws_deflate *ws_deflate_new(void);
void ws_deflate_free(struct ws_deflate *deflate); /* accepts NULL */
/* Appends the compressed text to out; false, with out as it was, when that would not be shorter. */
bool ws_deflate_pack(struct ws_deflate *deflate, struct buf *out, const void *text, size_t len);
/* Appends what a peer has compressed. E_SYNTAX: it is not that; E_TOO_LARGE: more than out may hold. */
MUST_USE enum errc ws_deflate_unpack(struct ws_deflate *deflate, struct buf *out, const void *data,
                                     size_t len);

#endif
