#include "api/problem.h"

#include <string.h>

static void member(struct buf *out, const char *name, const char *value)
{
        buf_putc(out, ',');
        buf_put_json(out, name, strlen(name));
        buf_putc(out, ':');
        buf_put_json(out, value, strlen(value));
}

void problem_print(struct buf *out, const struct err *err, const char *request_id, const char *more)
{
        int internal = strcmp(err_wire(err->code), "internal") == 0;
        const char *text = err_text(internal ? E_INTERNAL : err->code);

        buf_puts(out, "{\"type\":\"urn:perpgate:problem:");
        buf_puts(out, err_wire(err->code));
        buf_putc(out, '"');
        member(out, "title", text);
        buf_printf(out, ",\"status\":%d", err_http_status(err->code));
        member(out, "code", err_wire(err->code));
        buf_printf(out, ",\"retryable\":%s", err_retryable(err->code) ? "true" : "false");
        member(out, "detail", err->detail[0] && !internal ? err->detail : text);
        if (err->hint[0])
                member(out, "hint", err->hint);
        if (err->venue_message[0])
                member(out, "venueMessage", err->venue_message);
        buf_puts(out, ",\"fields\":[");
        for (unsigned i = 0; i < err->n_fields; i++) {
                buf_puts(out, i ? ",{\"field\":" : "{\"field\":");
                buf_put_json(out, err->field[i].path, strlen(err->field[i].path));
                member(out, "message", err->field[i].text);
                buf_putc(out, '}');
        }
        buf_putc(out, ']');
        if (more[0]) {
                buf_putc(out, ',');
                buf_puts(out, more);
        }
        member(out, "requestId", request_id);
        buf_putc(out, '}');
}
