#include "edge/httpd_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct httpd_frame *httpd_frame_new(const void *text, size_t len)
{
        struct httpd_frame *frame = xmalloc(sizeof(*frame) + HTTPD_FRAME_PRE + len);

        frame->n_refs = 1;
        frame->len = len;
        memcpy(frame->bytes + HTTPD_FRAME_PRE, text, len);
        return frame;
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
        if (--frame->n_refs == 0)
                free(frame);
}
