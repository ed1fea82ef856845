/* ws_parser: WebSocket frames out of bytes (RFC 6455, section 5), as a server reads them. Pure: it
 * knows no socket and no time. Strict: frames that are not masked, lengths longer than they need be,
 * reserved bits and opcodes, and control frames in pieces are all refused. Private to this folder. */
#ifndef EDGE_WS_PARSER_H
#define EDGE_WS_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define WS_PARSER_CONTROL_MAX 125
#define WS_PARSER_HEAD_MAX    14

enum ws_parser_result {
        WS_PARSER_MORE,    /* all that was given is used */
        WS_PARSER_MESSAGE, /* a text message is whole: in message */
        WS_PARSER_PING,    /* the payload is in control */
        WS_PARSER_PONG,
        WS_PARSER_CLOSE,
        WS_PARSER_BROKEN, /* against the protocol; after this and the next two nothing more is read */
        WS_PARSER_BINARY,  /* a binary message */
        WS_PARSER_TOO_BIG, /* announced as more than message may hold */
};

struct ws_parser {
        bool takes_packed; /* permessage-deflate is spoken: the first reserved bit has a meaning */
        bool has_head;     /* of the frame that is arriving */
        bool in_message;   /* its last fragment is still to come */
        bool is_packed;    /* the message is, or was, compressed */
        uint8_t n_head;
        uint8_t n_control;
        uint8_t head[WS_PARSER_HEAD_MAX];
        uint8_t mask[8];       /* the four bytes, twice */
        uint64_t left;         /* of the frame's payload */
        const char *complaint; /* a fixed sentence, where something is refused */
        uint8_t control[WS_PARSER_CONTROL_MAX];
};

void ws_parser_init(struct ws_parser *parser, bool takes_packed);
/* Takes from *data until something is whole, moving *data and *len on. The bytes are unmasked in
 * place. What is received of a message is appended to message, whose bound is the message's; after
 * WS_PARSER_MESSAGE the caller empties it. */
enum ws_parser_result ws_parser_next(struct ws_parser *parser, struct buf *message, uint8_t **data,
                                     size_t *len);

#endif
