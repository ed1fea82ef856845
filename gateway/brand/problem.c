#include "brand/problem.h"

#include <stdarg.h>
#include <stdio.h>

#define PROBLEMS_SHOWN_MAX 100 /* per file: past that a list helps nobody */

static void put_clean(struct buf *out, const char *s)
{
        for (; *s; s++)
                buf_putc(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

void problem_add(struct problem_sink *sink, unsigned line, const char *fmt, ...)
{
        char text[640];
        va_list args;

        sink->n++;
        if (sink->n > PROBLEMS_SHOWN_MAX)
                return;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        put_clean(sink->out, sink->file);
        if (line > 0)
                buf_printf(sink->out, ":%u", line);
        buf_puts(sink->out, ": ");
        put_clean(sink->out, text);
        buf_putc(sink->out, '\n');
}
