#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

struct row {
        const char *constant;
        const char *wire;
        const char *text;
        int http_status;
        int retryable;
};

static const struct row rows[E_COUNT_] = {
        [E_OK] = {"E_OK", "ok", "", 200, 0},
#define ERR(name, wire, status, retryable, text) [name] = {#name, wire, text, status, retryable},
#include "base/err.def"
#undef ERR
};

static const struct row *row_of(enum errc code)
{
        must((unsigned)code < E_COUNT_);
        return &rows[code];
}

const char *err_constant(enum errc code)
{
        return row_of(code)->constant;
}

const char *err_wire(enum errc code)
{
        return row_of(code)->wire;
}

int err_http_status(enum errc code)
{
        return row_of(code)->http_status;
}

int err_retryable(enum errc code)
{
        return row_of(code)->retryable;
}

const char *err_text(enum errc code)
{
        return row_of(code)->text;
}

enum errc err_set(struct err *err, enum errc code, const char *fmt, ...)
{
        va_list args;

        if (!err || err->code)
                return code;
        err->code = code;
        va_start(args, fmt);
        vsnprintf(err->detail, sizeof err->detail, fmt, args);
        va_end(args);
        return code;
}

enum errc err_field(struct err *err, enum errc code, const char *path, const char *fmt, ...)
{
        struct err_field field;
        va_list args;

        if (!err)
                return code;
        (void)text_copy(field.path, sizeof field.path, path);
        va_start(args, fmt);
        vsnprintf(field.text, sizeof field.text, fmt, args);
        va_end(args);
        err_set(err, code, "%s: %s", field.path, field.text);
        if (err->n_fields < ERR_FIELDS_MAX)
                err->field[err->n_fields++] = field;
        return code;
}

void err_hint(struct err *err, const char *fmt, ...)
{
        va_list args;

        if (!err)
                return;
        va_start(args, fmt);
        vsnprintf(err->hint, sizeof err->hint, fmt, args);
        va_end(args);
}
