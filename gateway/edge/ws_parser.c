#include "edge/ws_parser.h"

#include <string.h>

#define BIT_FINAL    0x80
#define BIT_PACKED   0x40 /* the first reserved bit */
#define BITS_UNKNOWN 0x30
#define BIT_MASKED   0x80

enum opcode {
        OP_MORE = 0,
        OP_TEXT = 1,
        OP_BINARY = 2,
        OP_CLOSE = 8,
        OP_PING = 9,
        OP_PONG = 10,
};

void ws_parser_init(struct ws_parser *parser, bool takes_packed)
{
        memset(parser, 0, sizeof(*parser));
        parser->takes_packed = takes_packed;
}

/* ---- heads ---- */

static unsigned opcode(const struct ws_parser *p)
{
        return p->head[0] & 0x0f;
}

static bool is_control(const struct ws_parser *p)
{
        return opcode(p) >= OP_CLOSE;
}

/* How many bytes the head has, as far as its first two tell. */
static size_t head_size(const struct ws_parser *p)
{
        size_t size = 2;

        if (p->n_head < 2)
                return size;
        if ((p->head[1] & 0x7f) == 126)
                size += 2;
        else if ((p->head[1] & 0x7f) == 127)
                size += 8;
        return size + ((p->head[1] & BIT_MASKED) ? 4 : 0);
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
        uint64_t value = 0;

        for (size_t i = 0; i < n; i++)
                value = value << 8 | p[i];
        return value;
}

static enum ws_parser_result complain(struct ws_parser *p, enum ws_parser_result result,
                                      const char *complaint)
{
        p->complaint = complaint;
        return result;
}

static enum ws_parser_result check_control(struct ws_parser *p)
{
        if (opcode(p) > OP_PONG)
                return complain(p, WS_PARSER_BROKEN, "the opcode is unknown");
        if (!(p->head[0] & BIT_FINAL))
                return complain(p, WS_PARSER_BROKEN, "a control frame can't be fragmented");
        if (p->head[0] & BIT_PACKED)
                return complain(p, WS_PARSER_BROKEN, "a control frame can't be compressed");
        if (p->left > WS_PARSER_CONTROL_MAX)
                return complain(p, WS_PARSER_BROKEN, "the control frame is too long");
        p->n_control = 0;
        return WS_PARSER_MORE;
}

static enum ws_parser_result check_data(struct ws_parser *p, const struct buf *message)
{
        bool is_packed = (p->head[0] & BIT_PACKED) != 0;

        if (opcode(p) > OP_BINARY)
                return complain(p, WS_PARSER_BROKEN, "the opcode is unknown");
        if (opcode(p) == OP_MORE && !p->in_message)
                return complain(p, WS_PARSER_BROKEN, "there is no message to continue");
        if (opcode(p) != OP_MORE && p->in_message)
                return complain(p, WS_PARSER_BROKEN, "the message before is not complete");
        if (is_packed && (!p->takes_packed || opcode(p) == OP_MORE))
                return complain(p, WS_PARSER_BROKEN, "a reserved bit is set");
        if (opcode(p) == OP_BINARY)
                return complain(p, WS_PARSER_BINARY, "only text is accepted");
        if (p->left > message->max - message->len)
                return complain(p, WS_PARSER_TOO_BIG, "the message is too big");
        if (!p->in_message)
                p->is_packed = is_packed;
        p->in_message = true;
        return WS_PARSER_MORE;
}

/* The head is whole: what it announces. */
static enum ws_parser_result read_head(struct ws_parser *p, const struct buf *message)
{
        unsigned len = p->head[1] & 0x7f;
        size_t n_len = len == 126 ? 2 : len == 127 ? 8 : 0;

        p->left = n_len ? big_endian(p->head + 2, n_len) : len;
        if (p->head[0] & BITS_UNKNOWN)
                return complain(p, WS_PARSER_BROKEN, "a reserved bit is set");
        /* Unmasked frames let a page choose the bytes that proxies on the way see. */
        if (!(p->head[1] & BIT_MASKED))
                return complain(p, WS_PARSER_BROKEN, "the frame is not masked");
        if ((n_len == 2 && p->left < 126) || (n_len == 8 && (p->left < 65536 || p->left >> 63)))
                return complain(p, WS_PARSER_BROKEN, "the length is not in its shortest form");
        memcpy(p->mask, p->head + 2 + n_len, 4);
        memcpy(p->mask + 4, p->mask, 4);
        p->has_head = true;
        return is_control(p) ? check_control(p) : check_data(p, message);
}

/* ---- payload ---- */

/* The mask is turned on, so that it fits the byte that comes next. */
static void unmask(struct ws_parser *p, uint8_t *data, size_t len)
{
        uint8_t turned[8];
        uint64_t eight;
        uint64_t mask;
        size_t i = 0;

        memcpy(&mask, p->mask, sizeof(mask));
        for (; len - i >= sizeof(eight); i += sizeof(eight)) {
                memcpy(&eight, data + i, sizeof(eight));
                eight ^= mask;
                memcpy(data + i, &eight, sizeof(eight));
        }
        for (; i < len; i++)
                data[i] ^= p->mask[i % 4];
        for (i = 0; i < sizeof(turned); i++)
                turned[i] = p->mask[(len + i) % 4];
        memcpy(p->mask, turned, sizeof(turned));
}

static void take_payload(struct ws_parser *p, struct buf *message, uint8_t **data, size_t *len)
{
        size_t n = *len < p->left ? *len : (size_t)p->left;

        if (n == 0)
                return;
        unmask(p, *data, n);
        if (is_control(p)) {
                memcpy(p->control + p->n_control, *data, n);
                p->n_control = (uint8_t)(p->n_control + n);
        } else {
                buf_put(message, *data, n);
        }
        p->left -= n;
        *data += n;
        *len -= n;
}

static enum ws_parser_result frame_is_whole(struct ws_parser *p)
{
        unsigned op = opcode(p);
        bool is_final = (p->head[0] & BIT_FINAL) != 0;

        p->has_head = false;
        p->n_head = 0;
        if (op == OP_CLOSE)
                return WS_PARSER_CLOSE;
        if (op == OP_PING)
                return WS_PARSER_PING;
        if (op == OP_PONG)
                return WS_PARSER_PONG;
        if (!is_final)
                return WS_PARSER_MORE;
        p->in_message = false;
        return WS_PARSER_MESSAGE;
}

enum ws_parser_result ws_parser_next(struct ws_parser *p, struct buf *message, uint8_t **data,
                                     size_t *len)
{
        enum ws_parser_result result = WS_PARSER_MORE;

        while (result == WS_PARSER_MORE) {
                while (!p->has_head && *len > 0 && p->n_head < head_size(p)) {
                        p->head[p->n_head++] = *(*data)++;
                        --*len;
                }
                if (!p->has_head && (p->n_head < 2 || p->n_head < head_size(p)))
                        return WS_PARSER_MORE;
                if (!p->has_head)
                        result = read_head(p, message);
                if (result != WS_PARSER_MORE)
                        return result;
                take_payload(p, message, data, len);
                if (p->left > 0)
                        return WS_PARSER_MORE;
                result = frame_is_whole(p);
        }
        return result;
}
