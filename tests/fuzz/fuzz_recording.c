/* Recordings from anywhere: a file is taken as a whole or refused with the line's number; what is taken
 * is printed as lines that mean the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/paper/recording.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void print_and_parse(const struct recording_event *event)
{
        struct recording_event back;
        struct buf line;

        buf_init(&line, 2 * RECORDING_LINE_MAX);
        recording_print(&line, event);
        if (buf_check(&line) || line.len > RECORDING_LINE_MAX + 1 ||
            recording_parse(&back, buf_cstr(&line), line.len - 1, NULL) ||
            memcmp(&back, event, sizeof(back)) != 0)
                abort();
        buf_fini(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        struct recording_event event;
        struct err err = {.code = E_OK};
        char *text = xmalloc(len + 1);
        struct recording r;
        int64_t last = 0;

        memcpy(text, data, len);
        if (recording_open(&r, text, len, "input", &err)) {
                if (err.code != E_CONFIG || strncmp(err.detail, "input:", 6) != 0)
                        abort();
                return 0;
        }
        while (recording_next(&r, &event)) {
                if (event.at < last)
                        abort();
                last = event.at;
                print_and_parse(&event);
        }
        recording_close(&r);
        return 0;
}
