/* Frames as a client sends them: heads are the same whether they come whole or byte by byte, masking
 * twice is nothing, and what our own heads say is what was asked for. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "edge/utf8.h"
#include "edge/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_partial(const uint8_t *data, size_t len, enum ws_head whole)
{
        size_t n = len < WS_HEAD_MAX ? len : WS_HEAD_MAX;

        for (size_t i = 0; i < n; i++) {
                struct ws_frame frame;
                const char *why = NULL;
                enum ws_head head = ws_frame_parse(&frame, data, i, &why);

                must(head == WS_HEAD_PARTIAL || head == whole);
        }
}

static void check_payload(const struct ws_frame *frame, const uint8_t *data, size_t len)
{
        size_t n = len - frame->head_len;
        uint8_t *payload = malloc(n + 1);
        uint8_t head[WS_HEAD_MAX];

        must(payload != NULL);
        memcpy(payload, data + frame->head_len, n);
        ws_frame_unmask(payload, n, frame->mask);
        (void)utf8_valid(payload, n);
        ws_frame_unmask(payload, n, frame->mask);
        must(memcmp(payload, data + frame->head_len, n) == 0);
        must(ws_frame_head(head, frame->opcode, (size_t)frame->len) + sizeof(frame->mask) ==
             frame->head_len);
        free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct ws_frame frame;
        const char *why = NULL;
        char accept[WS_ACCEPT_SIZE];
        enum ws_head head = ws_frame_parse(&frame, data, len, &why);

        check_partial(data, len, head);
        if (head == WS_HEAD_BROKEN)
                must(why != NULL);
        if (head == WS_HEAD_WHOLE) {
                must(frame.head_len <= len && frame.len >> 63 == 0);
                check_payload(&frame, data, len);
        }
        (void)ws_frame_accept(accept, (const char *)data, len);
        return 0;
}
