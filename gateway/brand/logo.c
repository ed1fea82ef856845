/* The scanner knows as much of XML as it takes to see every element and attribute, and refuses what
 * it does not know: document types, entities' declarations, CDATA, processing instructions other
 * than the XML declaration, namespaced elements, and attribute values with entities in them where
 * the value matters. */
#include "brand/logo.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct svg {
        const char *at, *end;
        const char *expected; /* NULL while all is well */
        unsigned n_elements;
};

static const char *const drawing[] = {
        "svg",      "g",       "path",           "rect",           "circle", "ellipse",  "line",
        "polyline", "polygon", "text",           "tspan",          "defs",   "stop",     "title",
        "desc",     "use",     "linearGradient", "radialGradient", "mask",   "clipPath",
};

static bool space(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool name_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == ':' || c == '-' || c == '_' || c == '.';
}

static bool fail(struct svg *s, const char *expected)
{
        s->expected = expected;
        return false;
}

static void skip_space(struct svg *s)
{
        while (s->at < s->end && space(*s->at))
                s->at++;
}

static bool starts(const struct svg *s, const char *with)
{
        size_t len = strlen(with);

        return (size_t)(s->end - s->at) >= len && memcmp(s->at, with, len) == 0;
}

/* Moves behind the next `what`. */
static bool skip_past(struct svg *s, const char *what)
{
        const char *hit = memmem(s->at, (size_t)(s->end - s->at), what, strlen(what));

        if (!hit)
                return fail(s, "a complete SVG file");
        s->at = hit + strlen(what);
        return true;
}

static size_t name_len(const struct svg *s)
{
        size_t n = 0;

        while (s->at + n < s->end && name_char(s->at[n]))
                n++;
        return n;
}

static bool known_element(const char *name, size_t len)
{
        for (size_t i = 0; i < sizeof drawing / sizeof *drawing; i++)
                if (strlen(drawing[i]) == len && memcmp(drawing[i], name, len) == 0)
                        return true;
        return false;
}

/* Every "url(" must point into the file. Entities and style escapes could spell it otherwise. */
static bool check_value(struct svg *s, const char *v, size_t len)
{
        if (memchr(v, '&', len) || memchr(v, '\\', len))
                return fail(s, "an SVG without entities or escapes in attributes");
        for (size_t i = 0; i + 4 <= len; i++) {
                if (strncasecmp(v + i, "url(", 4) != 0)
                        continue;
                if (i + 4 == len || v[i + 4] != '#')
                        return fail(s, "an SVG whose url() points into itself: url(#id)");
        }
        return true;
}

static bool check_attribute(struct svg *s, const char *name, size_t len, const char *v, size_t vlen)
{
        bool is_href = (len == 4 && strncasecmp(name, "href", 4) == 0) ||
                       (len > 5 && strncasecmp(name + len - 5, ":href", 5) == 0);

        if (len >= 2 && strncasecmp(name, "on", 2) == 0)
                return fail(s, "an SVG without event handlers (on...=)");
        if (is_href && (vlen == 0 || *v != '#'))
                return fail(s, "an SVG whose references point into itself: href=\"#id\"");
        return check_value(s, v, vlen);
}

static bool read_attribute(struct svg *s)
{
        const char *name = s->at;
        size_t len = name_len(s);

        s->at += len;
        skip_space(s);
        if (len == 0 || s->at == s->end || *s->at != '=')
                return fail(s, "attributes of the form name=\"value\"");
        s->at++;
        skip_space(s);
        if (s->at == s->end || (*s->at != '"' && *s->at != '\''))
                return fail(s, "attributes of the form name=\"value\"");
        const char *value = s->at + 1;
        const char *close = memchr(value, *s->at, (size_t)(s->end - value));
        if (!close)
                return fail(s, "a complete SVG file");
        s->at = close + 1;
        return check_attribute(s, name, len, value, (size_t)(close - value));
}

/* At '<' of an opening tag. */
static bool read_element(struct svg *s)
{
        const char *name = ++s->at;
        size_t len = name_len(s);

        if (!known_element(name, len))
                return fail(s, "an SVG of drawing elements only (svg, g, path, rect, circle, "
                               "text, ...: no script, style, image or foreignObject)");
        if (s->n_elements++ == 0 && (len != 3 || memcmp(name, "svg", 3) != 0))
                return fail(s, "an SVG, whose first element is <svg>");
        s->at += len;
        for (;;) {
                skip_space(s);
                if (s->at == s->end)
                        return fail(s, "a complete SVG file");
                if (*s->at == '>') {
                        s->at++;
                        return true;
                }
                if (starts(s, "/>")) {
                        s->at += 2;
                        return true;
                }
                if (!read_attribute(s))
                        return false;
        }
}

/* The scanner reads ASCII; in another encoding a browser might see elements where it sees none. */
static bool read_declaration(struct svg *s)
{
        const char *start = s->at;

        if (!skip_past(s, "?>"))
                return false;
        const char *encoding = memmem(start, (size_t)(s->at - start), "encoding", 8);
        if (!encoding)
                return true;
        encoding += 8;
        if ((size_t)(s->at - encoding) > 8 && encoding[0] == '=' &&
            (encoding[1] == '"' || encoding[1] == '\'') &&
            strncasecmp(encoding + 2, "utf-8", 5) == 0 && encoding[7] == encoding[1])
                return true;
        return fail(s, "an SVG in UTF-8");
}

/* At '<'. */
static bool read_markup(struct svg *s)
{
        if (starts(s, "<!--"))
                return skip_past(s, "-->");
        if (starts(s, "<?xml ") && s->n_elements == 0)
                return read_declaration(s);
        if (starts(s, "<!") || starts(s, "<?"))
                return fail(s, "an SVG without document type, CDATA or instructions");
        if (starts(s, "</"))
                return skip_past(s, ">");
        return read_element(s);
}

static unsigned line_at(const uint8_t *data, const char *at)
{
        unsigned line = 1;

        for (const char *p = (const char *)data; p < at; p++)
                line += *p == '\n';
        return line;
}

static const char *svg_type(const uint8_t *data, size_t len, const char **expected, unsigned *line)
{
        struct svg s = {.at = (const char *)data, .end = (const char *)data + len};

        if (memchr(data, '\0', len))
                s.expected = "an SVG (UTF-8 text) or a PNG";
        if (starts(&s, "\xef\xbb\xbf"))
                s.at += 3;
        while (!s.expected && s.at < s.end) {
                if (*s.at == '<')
                        (void)read_markup(&s);
                else if (s.n_elements == 0 && !space(*s.at))
                        s.expected = "an SVG or a PNG";
                else
                        s.at++;
        }
        if (!s.expected && s.n_elements == 0)
                s.expected = "an SVG or a PNG";
        if (!s.expected)
                return "image/svg+xml";
        *expected = s.expected;
        *line = line_at(data, s.at);
        return NULL;
}

const char *logo_type(const uint8_t *data, size_t len, const char **expected, unsigned *line)
{
        static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

        *line = 0;
        if (len == 0) {
                *expected = "an SVG or a PNG, not an empty file";
                return NULL;
        }
        if (len >= sizeof png && memcmp(data, png, sizeof png) == 0)
                return "image/png";
        return svg_type(data, len, expected, line);
}
