#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_raw.h"

/* Finds what a frame says under "data" in its text, for those who hand it on as it came. The text has been
 * loaded before, so it is JSON: only its marks are looked at. */

struct scan {
        const char *at, *end;
};

static bool is_space(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct scan *s)
{
        while (s->at < s->end && is_space(*s->at))
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
        return c == ',' || c == '}' || c == ']' || is_space(c);
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

/* Of the last member the value ends before the closing brace, with nothing else to look at. */
static const char *end_of_last(const char *from, const char *end)
{
        while (end > from && is_space(end[-1]))
                end--;
        end -= end > from; /* } */
        while (end > from && is_space(end[-1]))
                end--;
        return end;
}

static bool is_last(const json_t *root, const char *name)
{
        json_t *object = hl_raw_mutable(root);
        void *it = json_object_iter_at(object, name);

        return it && !json_object_iter_next(object, it);
}

const char *hl_feed_raw_data(size_t *raw_len, const json_t *root, const char *text, size_t len)
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
                if (key_len == sizeof name - 1 && memcmp(key, name, key_len) == 0) {
                        if (is_last(root, "data"))
                                s.at = end_of_last(value, s.end);
                        else
                                skip_value(&s);
                        *raw_len = (size_t)(s.at - value);
                        return value;
                }
                skip_value(&s);
                skip_space(&s);
                s.at += s.at < s.end; /* , */
        }
        return NULL;
}
