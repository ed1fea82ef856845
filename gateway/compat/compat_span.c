#include "compat/compat_span.h"

#include <string.h>

struct reader {
        const char *at, *end;
};

static void skip_blanks(struct reader *r)
{
        while (r->at < r->end &&
               (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
                r->at++;
}

static bool take(struct reader *r, char c)
{
        skip_blanks(r);
        if (r->at == r->end || *r->at != c)
                return false;
        r->at++;
        return true;
}

/* Behind the quote that begins it; ends behind the one that ends it. */
static bool skip_text(struct reader *r)
{
        while (r->at < r->end && *r->at != '"')
                r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
        return r->at < r->end && *r->at++ == '"';
}

static bool skip_nest(struct reader *r)
{
        size_t depth = 0;

        while (r->at < r->end) {
                char c = *r->at++;

                if (c == '"') {
                        if (!skip_text(r))
                                return false;
                        continue;
                }
                depth += c == '{' || c == '[';
                if ((c == '}' || c == ']') && --depth == 0)
                        return true;
        }
        return false;
}

static bool skip_value(struct reader *r)
{
        const char *begin = r->at;

        if (r->at == r->end)
                return false;
        if (*r->at == '{' || *r->at == '[')
                return skip_nest(r);
        if (*r->at == '"') {
                r->at++;
                return skip_text(r);
        }
        while (r->at < r->end && !strchr(",}] \t\r\n", *r->at))
                r->at++;
        return r->at > begin;
}

bool compat_span_find(const char **at, size_t *len, const char *text, size_t text_len,
                      const char *key)
{
        struct reader r = {text, text + text_len};
        size_t key_len = strlen(key);

        if (!take(&r, '{'))
                return false;
        do {
                const char *name, *value;
                size_t name_len;

                if (!take(&r, '"'))
                        return false;
                name = r.at;
                if (!skip_text(&r))
                        return false;
                name_len = (size_t)(r.at - name) - 1;
                if (!take(&r, ':'))
                        return false;
                skip_blanks(&r);
                value = r.at;
                if (!skip_value(&r))
                        return false;
                if (name_len == key_len && memcmp(name, key, key_len) == 0) {
                        *at = value;
                        *len = (size_t)(r.at - value);
                        return true;
                }
        } while (take(&r, ','));
        return false;
}
