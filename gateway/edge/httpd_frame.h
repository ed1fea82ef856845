/* httpd_frame: one WebSocket frame on its way to any number of peers, as the bytes that leave: with
 * its head, and compressed where a peer takes it so. Private to this folder, but for what httpd.h has. */
#ifndef EDGE_HTTPD_FRAME_H
#define EDGE_HTTPD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge/httpd.h"

struct ws_deflate;

#define HTTPD_FRAME_HEAD_MAX 10

enum httpd_frame_kind {
        HTTPD_FRAME_TEXT = 1,
        HTTPD_FRAME_CLOSE = 8,
        HTTPD_FRAME_PING = 9,
        HTTPD_FRAME_PONG = 10,
        HTTPD_FRAME_VERBATIM = 16, /* no frame at all: the bytes of a handshake */
};

struct httpd_frame {
        unsigned n_refs;
        bool is_settled; /* whether packed is there is decided */
        size_t packed_len;
        uint8_t *packed; /* the same message compressed; NULL: that would not be worth it */
        size_t n_head;
        size_t len;      /* of bytes */
        uint8_t bytes[]; /* the head, then the payload */
};

struct httpd_frame *httpd_frame_make(enum httpd_frame_kind kind, const void *payload, size_t len);
/* Compresses it, once, where that is worth it. Before the first use by a peer that takes it so. */
void httpd_frame_settle(struct httpd_frame *frame, struct ws_deflate *deflate);

static inline const uint8_t *httpd_frame_bytes(const struct httpd_frame *frame, bool takes_packed,
                                               size_t *len)
{
        bool is_packed = takes_packed && frame->packed;

        *len = is_packed ? frame->packed_len : frame->len;
        return is_packed ? frame->packed : frame->bytes;
}

#endif
