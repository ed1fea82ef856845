#include "adapters/hyperliquid/hl_err.h"

#include <string.h>

#include "base/mem.h"

static const struct {
        const char *prefix;
        enum errc code;
} rows[] = {
#define HL_ERR(prefix, code) {prefix, code},
#include "adapters/hyperliquid/hl_err.def"
#undef HL_ERR
};

/* Wrappings around another text; what is inside tells more. */
static const char *const wrappings[] = {"L1 error: ", "Error placing new order during modify: "};

static const char *unwrap(const char *text)
{
        for (size_t i = 0; i < sizeof wrappings / sizeof *wrappings; i++) {
                size_t len = strlen(wrappings[i]);

                if (strncmp(text, wrappings[i], len) == 0)
                        text += len;
        }
        return text;
}

enum errc hl_err_code(const char *text, bool *known)
{
        enum errc code = E_VENUE_REJECTED;
        size_t best = 0;

        text = unwrap(text);
        *known = false;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                size_t len = strlen(rows[i].prefix);

                if (len > best && strncmp(text, rows[i].prefix, len) == 0) {
                        best = len;
                        code = rows[i].code;
                        *known = true;
                }
        }
        return code;
}

enum errc hl_err_set(struct err *err, const char *text, bool *known)
{
        enum errc code = hl_err_code(text, known);

        *err = (struct err){0};
        (void)err_set(err, code, "%s", err_text(code));
        (void)text_copy(err->venue_message, sizeof err->venue_message, text);
        return code;
}
