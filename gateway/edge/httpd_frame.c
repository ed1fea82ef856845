#include "edge/httpd_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "edge/ws_deflate.h"

#define BIT_FINAL      0x80
#define BIT_PACKED     0x40
#define PACK_MIN_BYTES 256 /* less hardly shrinks, and fits a packet as it is */

/* How many bytes of head; see RFC 6455, section 5.2. */
static size_t put_head(uint8_t head[HTTPD_FRAME_HEAD_MAX], unsigned first, size_t len)
{
        size_t n_len = len < 126 ? 0 : len < 65536 ? 2 : 8;

        head[0] = (uint8_t)first;
        head[1] = (uint8_t)(n_len == 0 ? len : n_len == 2 ? 126 : 127);
        for (size_t i = 0; i < n_len; i++)
                head[2 + i] = (uint8_t)((uint64_t)len >> (8 * (n_len - 1 - i)));
        return 2 + n_len;
}

struct httpd_frame *httpd_frame_make(enum httpd_frame_kind kind, const void *payload, size_t len)
{
        uint8_t head[HTTPD_FRAME_HEAD_MAX];
        size_t n_head =
                kind == HTTPD_FRAME_VERBATIM ? 0 : put_head(head, BIT_FINAL | (unsigned)kind, len);
        struct httpd_frame *frame = xmalloc(sizeof(*frame) + n_head + len);

        *frame = (struct httpd_frame){
                .n_refs = 1,
                .is_settled = kind != HTTPD_FRAME_TEXT || len < PACK_MIN_BYTES,
                .n_head = n_head,
                .len = n_head + len,
        };
        memcpy(frame->bytes, head, n_head);
        if (len > 0)
                memcpy(frame->bytes + n_head, payload, len);
        return frame;
}

struct httpd_frame *httpd_frame_new(const void *text, size_t len)
{
        return httpd_frame_make(HTTPD_FRAME_TEXT, text, len);
}

struct httpd_frame *httpd_frame_hold(struct httpd_frame *frame)
{
        must(frame->n_refs > 0 && frame->n_refs < UINT32_MAX);
        frame->n_refs++;
        return frame;
}

void httpd_frame_drop(struct httpd_frame *frame)
{
        if (!frame)
                return;
        must(frame->n_refs > 0);
        if (--frame->n_refs > 0)
                return;
        free(frame->packed);
        free(frame);
}

void httpd_frame_settle(struct httpd_frame *frame, struct ws_deflate *deflate)
{
        uint8_t head[HTTPD_FRAME_HEAD_MAX];
        struct buf packed;
        size_t n_head;

        if (frame->is_settled)
                return;
        frame->is_settled = true;
        buf_init(&packed, frame->len);
        if (ws_deflate_pack(deflate, &packed, frame->bytes + frame->n_head,
                            frame->len - frame->n_head)) {
                n_head = put_head(head, BIT_FINAL | BIT_PACKED | HTTPD_FRAME_TEXT, packed.len);
                frame->packed_len = n_head + packed.len;
                frame->packed = xmalloc(frame->packed_len);
                memcpy(frame->packed, head, n_head);
                memcpy(frame->packed + n_head, packed.data, packed.len);
        }
        buf_fini(&packed);
}
