#include "api/csv.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static void separate(struct buf *out)
{
        if (out->len && out->data[out->len - 1] != '\n')
                buf_putc(out, ',');
}

void csv_text(struct buf *out, const char *value)
{
        const char *s = value ? value : "";
        bool is_formula = *s && strchr("=+-@\t\r", *s) != NULL;

        separate(out);
        if (!is_formula && !s[strcspn(s, "\",\r\n")]) {
                /* An empty first field must not look like the start of the line to the next one. */
                buf_puts(out, *s ? s : "\"\"");
                return;
        }
        buf_putc(out, '"');
        if (is_formula)
                buf_putc(out, '\'');
        for (; *s; s++) {
                if (*s == '"')
                        buf_putc(out, '"');
                buf_putc(out, *s);
        }
        buf_putc(out, '"');
}

void csv_number(struct buf *out, const char *digits)
{
        /* What is none after all is treated as any text. */
        if (!*digits || digits[strspn(digits, "0123456789.-")]) {
                csv_text(out, digits);
                return;
        }
        separate(out);
        buf_puts(out, digits);
}

void csv_int(struct buf *out, int64_t value)
{
        separate(out);
        buf_printf(out, "%" PRId64, value);
}

void csv_end(struct buf *out)
{
        buf_puts(out, "\r\n");
}

/* One media range: its type against `type`, unless its weight is zero. */
static bool range_is(const char *range, size_t len, const char *type)
{
        size_t n = strlen(type);
        char text[96];
        const char *q;

        if (len < n || len >= sizeof text || strncasecmp(range, type, n) != 0)
                return false;
        memcpy(text, range, len);
        text[len] = '\0';
        if (text[n] && text[n] != ';' && text[n] != ' ')
                return false;
        q = strcasestr(text + n, "q=");
        return !q || q[2 + strspn(q + 2, "0.")] != '\0';
}

static bool names(const char *accept, const char *type)
{
        while (*accept) {
                size_t len;

                accept += strspn(accept, " ,");
                len = strcspn(accept, ",");
                if (range_is(accept, len, type))
                        return true;
                accept += len;
        }
        return false;
}

bool csv_wanted(const char *accept)
{
        return names(accept, "text/csv") && !names(accept, "application/json");
}
