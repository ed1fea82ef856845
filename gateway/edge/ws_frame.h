/* ws_frame: WebSocket framing (RFC 6455), server side. Pure: bytes in, facts out. */
#ifndef EDGE_WS_FRAME_H
#define EDGE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_HEAD_MAX     14  /* of a client's frame; a server's has no mask: 10 */
#define WS_CONTROL_MAX  125 /* payload of a control frame */
#define WS_ACCEPT_SIZE  29
#define WS_CLOSE_NORMAL 1000
#define WS_CLOSE_AWAY   1001
#define WS_CLOSE_BROKEN 1002
#define WS_CLOSE_TYPE   1003
#define WS_CLOSE_UTF8   1007
#define WS_CLOSE_TOOBIG 1009
#define WS_CLOSE_LATER  1013

enum ws_opcode {
        WS_CONTINUATION = 0,
        WS_TEXT = 1,
        WS_BINARY = 2,
        WS_CLOSE = 8,
        WS_PING = 9,
        WS_PONG = 10,
};

struct ws_frame {
        enum ws_opcode opcode;
        bool is_last; /* of its message */
        uint64_t len;
        uint8_t mask[4];
        size_t head_len;
};

enum ws_head { WS_HEAD_PARTIAL, WS_HEAD_WHOLE, WS_HEAD_BROKEN };

/* Reads the head of a client's frame. *why is a fixed sentence when it is broken. */
enum ws_head ws_frame_parse(struct ws_frame *frame, const uint8_t *data, size_t len,
                            const char **why);
void ws_frame_unmask(uint8_t *data, size_t len, const uint8_t mask[4]);
/* Writes the head of a whole server frame; returns its length. */
size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode opcode, size_t len);
/* Whether a peer may send this code in a close frame. */
bool ws_frame_close_code_fits(uint16_t code);
/* The Sec-WebSocket-Accept for a client's key; false when the key is not 16 bytes in base64. */
bool ws_frame_accept(char out[WS_ACCEPT_SIZE], const char *key, size_t key_len);

#endif
