#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"

/* Finds what a frame says under "data" in its text, for those who hand it on as it came. The text has been
 * loaded before, so it is JSON: only its marks are looked at. */

struct scan {
        const char *at, *end;
};

static void skip_space(struct scan *s)
{
        while (s->at < s->end &&
               (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
                s->at++;
}

/* From the opening quote to behind the closing one. */
static void skip_text(struct scan *s)
{
        for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
                if (*s->at == '\\')
                        s->at++;
        }
        s->at = s->at < s->end ? s->at + 1 : s->end;
}

static bool ends_value(char c)
{
        return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_value(struct scan *s)
{
        unsigned depth = 0;

        do {
                char c = *s->at;

                if (c == '"') {
                        skip_text(s);
                } else if (c == '{' || c == '[') {
                        depth++;
                        s->at++;
                } else if (c == '}' || c == ']') {
                        depth--;
                        s->at++;
                } else {
                        s->at++;
                        if (depth == 0)
                                while (s->at < s->end && !ends_value(*s->at))
                                        s->at++;
                }
        } while (depth > 0 && s->at < s->end);
}

const char *hl_feed_raw_data(size_t *raw_len, const char *text, size_t len)
{
        static const char name[] = "\"data\"";
        struct scan s = {text, text + len};

        *raw_len = 0;
        skip_space(&s);
        if (s.at < s.end)
                s.at++; /* { */
        while (s.at < s.end) {
                const char *key, *value;
                size_t key_len;

                skip_space(&s);
                if (s.at == s.end || *s.at != '"')
                        return NULL;
                key = s.at;
                skip_text(&s);
                key_len = (size_t)(s.at - key);
                skip_space(&s);
                s.at += s.at < s.end; /* : */
                skip_space(&s);
                if (s.at == s.end)
                        return NULL;
                value = s.at;
                skip_value(&s);
                if (key_len == sizeof name - 1 && memcmp(key, name, key_len) == 0) {
                        *raw_len = (size_t)(s.at - value);
                        return value;
                }
                skip_space(&s);
                s.at += s.at < s.end; /* , */
        }
        return NULL;
}
