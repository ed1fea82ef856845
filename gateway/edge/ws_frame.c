#include "edge/ws_frame.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/attr.h"

#define KEY_LEN 24 /* 16 bytes in base64 */

/* Read into an integer, checked, then made an enum: a switch without default relies on it. */
static bool opcode_from(enum ws_opcode *out, unsigned code)
{
        static const enum ws_opcode all[] = {WS_CONTINUATION, WS_TEXT, WS_BINARY,
                                             WS_CLOSE,        WS_PING, WS_PONG};

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                if ((unsigned)all[i] != code)
                        continue;
                *out = all[i];
                return true;
        }
        return false;
}

static const char *check(const struct ws_frame *frame, uint8_t first, uint8_t second)
{
        bool is_control = (first & 0x08) != 0;

        if (first & 0x70)
                return "a frame uses an extension that was not agreed";
        if (!(second & 0x80))
                return "a frame from a client must be masked";
        if (is_control && (!frame->is_last || (second & 0x7f) > WS_CONTROL_MAX))
                return "a control frame must be whole and short";
        return NULL;
}

enum ws_head ws_frame_parse(struct ws_frame *frame, const uint8_t *data, size_t len,
                            const char **why)
{
        unsigned extra = 0; /* bytes of extended length */
        uint64_t n = 0;

        if (len < 2)
                return WS_HEAD_PARTIAL;
        *why = "a frame has an unknown opcode";
        if (!opcode_from(&frame->opcode, data[0] & 0x0f))
                return WS_HEAD_BROKEN;
        frame->is_last = (data[0] & 0x80) != 0;
        *why = check(frame, data[0], data[1]);
        if (*why)
                return WS_HEAD_BROKEN;
        if ((data[1] & 0x7f) == 126)
                extra = 2;
        else if ((data[1] & 0x7f) == 127)
                extra = 8;
        frame->head_len = 2 + extra + sizeof(frame->mask);
        if (len < frame->head_len)
                return WS_HEAD_PARTIAL;
        for (unsigned i = 0; i < extra; i++)
                n = n << 8 | data[2 + i];
        frame->len = extra ? n : (uint64_t)(data[1] & 0x7f);
        *why = "a frame's length is not in its shortest form";
        if ((extra == 2 && n < 126) || (extra == 8 && (n <= UINT16_MAX || n >> 63)))
                return WS_HEAD_BROKEN;
        memcpy(frame->mask, data + 2 + extra, sizeof(frame->mask));
        return WS_HEAD_WHOLE;
}

void ws_frame_unmask(uint8_t *data, size_t len, const uint8_t mask[4])
{
        uint8_t twice[8];
        uint64_t wide;
        uint64_t eight;
        size_t i = 0;

        memcpy(twice, mask, 4);
        memcpy(twice + 4, mask, 4);
        memcpy(&wide, twice, sizeof(wide));
        for (; len - i >= sizeof(eight); i += sizeof(eight)) {
                memcpy(&eight, data + i, sizeof(eight));
                eight ^= wide;
                memcpy(data + i, &eight, sizeof(eight));
        }
        for (; i < len; i++)
                data[i] ^= mask[i & 3];
}

size_t ws_frame_head(uint8_t out[WS_HEAD_MAX], enum ws_opcode opcode, size_t len)
{
        unsigned extra = 0;

        out[0] = (uint8_t)(0x80U | (unsigned)opcode);
        if (len < 126) {
                out[1] = (uint8_t)len;
        } else if (len <= UINT16_MAX) {
                out[1] = 126;
                extra = 2;
        } else {
                out[1] = 127;
                extra = 8;
        }
        for (unsigned i = 0; i < extra; i++)
                out[2 + i] = (uint8_t)((uint64_t)len >> (8 * (extra - 1 - i)));
        return 2 + extra;
}

bool ws_frame_close_code_fits(uint16_t code)
{
        if (code >= 3000 && code <= 4999)
                return true;
        return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

bool ws_frame_accept(char out[WS_ACCEPT_SIZE], const char *key, size_t key_len)
{
        static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
        char text[KEY_LEN + sizeof(guid)];
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned char decoded[KEY_LEN];
        unsigned digest_len = 0;

        if (key_len != KEY_LEN || memcmp(key + KEY_LEN - 2, "==", 2) != 0 ||
            EVP_DecodeBlock(decoded, (const unsigned char *)key, KEY_LEN) != 18)
                return false;
        memcpy(text, key, KEY_LEN);
        memcpy(text + KEY_LEN, guid, sizeof(guid));
        must(EVP_Digest(text, KEY_LEN + sizeof(guid) - 1, digest, &digest_len, EVP_sha1(), NULL) ==
             1);
        must(EVP_EncodeBlock((unsigned char *)out, digest, (int)digest_len) == WS_ACCEPT_SIZE - 1);
        return true;
}
