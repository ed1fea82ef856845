/* The first byte says which: frames, however they are cut, must come to the same; what a peer has compressed must
 * stay within its bound; an offer must not be read beyond its end. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "edge/ws_deflate.h"
#include "edge/ws_parser.h"

#define CAP 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Everything that comes of the bytes, in one text. */
static void parse(struct buf *out, const uint8_t *bytes, size_t len, size_t step, bool takes_packed)
{
        enum ws_parser_result result = WS_PARSER_MORE;
        struct ws_parser parser;
        struct buf message;

        ws_parser_init(&parser, takes_packed);
        buf_init(&message, CAP);
        for (size_t at = 0; at < len && result < WS_PARSER_BROKEN; at += step) {
                size_t left = len - at < step ? len - at : step;
                uint8_t *copy = malloc(left);
                uint8_t *rest = copy;

                must(copy != NULL);
                memcpy(copy, bytes + at, left);
                do {
                        result = ws_parser_next(&parser, &message, &rest, &left);
                        must(message.len <= CAP && buf_check(&message) == E_OK);
                        buf_put_u8(out, result == WS_PARSER_MORE ? 'm' : (uint8_t)('A' + result));
                        if (result == WS_PARSER_MORE)
                                out->len--;
                        if (result == WS_PARSER_MESSAGE) {
                                buf_put(out, message.data, message.len);
                                buf_reset(&message);
                        } else if (result == WS_PARSER_PING || result == WS_PARSER_CLOSE) {
                                buf_put(out, parser.control, parser.n_control);
                        }
                } while (result != WS_PARSER_MORE && result < WS_PARSER_BROKEN);
                must(result >= WS_PARSER_BROKEN || left == 0);
                must(result < WS_PARSER_BROKEN || parser.complaint != NULL);
                free(copy);
        }
        buf_fini(&message);
}

static void fuzz_frames(const uint8_t *data, size_t len, bool takes_packed)
{
        struct buf whole, crumbs;

        buf_init(&whole, len * 2 + 16);
        buf_init(&crumbs, len * 2 + 16);
        parse(&whole, data, len, len, takes_packed);
        parse(&crumbs, data, len, 1 + len / 7, takes_packed);
        must(whole.len == crumbs.len &&
             (whole.len == 0 || memcmp(whole.data, crumbs.data, whole.len) == 0));
        buf_reset(&crumbs);
        parse(&crumbs, data, len, 1, takes_packed);
        must(whole.len == crumbs.len &&
             (whole.len == 0 || memcmp(whole.data, crumbs.data, whole.len) == 0));
        buf_fini(&whole);
        buf_fini(&crumbs);
}

static void fuzz_unpack(struct ws_deflate *d, const uint8_t *data, size_t len)
{
        struct buf out;

        buf_init(&out, CAP);
        if (ws_deflate_unpack(d, &out, data, len) != E_TOO_LARGE)
                must(buf_check(&out) == E_OK);
        must(out.len <= CAP);
        buf_fini(&out);
}

static void fuzz_pack(struct ws_deflate *d, const uint8_t *data, size_t len)
{
        struct buf packed, back;

        buf_init(&packed, len);
        buf_init(&back, len);
        if (ws_deflate_pack(d, &packed, data, len)) {
                must(ws_deflate_unpack(d, &back, packed.data, packed.len) == E_OK);
                must(back.len == len && memcmp(back.data, data, len) == 0);
        }
        buf_fini(&packed);
        buf_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct ws_deflate *d;
        char *text;

        if (len < 2)
                return 0;
        d = ws_deflate_new();
        switch (data[0]) {
        case 'f': fuzz_frames(data + 1, len - 1, false); break;
        case 'p': fuzz_frames(data + 1, len - 1, true); break;
        case 'u': fuzz_unpack(d, data + 1, len - 1); break;
        case 'd': fuzz_pack(d, data + 1, len - 1); break;
        default:
                text = strndup((const char *)data + 1, len - 1);
                must(text != NULL);
                (void)ws_deflate_is_offered(text);
                free(text);
                break;
        }
        ws_deflate_free(d);
        return 0;
}
