#include "edge/http_target.h"

#include <string.h>

#include "edge/utf8.h"

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/* The byte at s[*i], percent-decoded, and moves *i past it. False for bad encoding. */
static bool next_byte(const char *s, size_t len, size_t *i, char *out)
{
        int high;
        int low;

        if (s[*i] != '%') {
                *out = s[(*i)++];
                return true;
        }
        if (len - *i < 3)
                return false;
        high = hex_value(s[*i + 1]);
        low = hex_value(s[*i + 2]);
        if (high < 0 || low < 0)
                return false;
        *out = (char)(unsigned char)(high * 16 + low);
        *i += 3;
        return true;
}

/* "//", and "." or ".." as a segment: what a file server or a proxy would rewrite. */
static bool has_bad_segment(const char *path, size_t len)
{
        size_t i = 0;

        while (i < len) {
                size_t start = i + 1; /* path[i] is '/' */
                size_t end = start;

                while (end < len && path[end] != '/')
                        end++;
                if (end == start && end < len)
                        return true;
                if (end - start == 1 && path[start] == '.')
                        return true;
                if (end - start == 2 && path[start] == '.' && path[start + 1] == '.')
                        return true;
                i = end;
        }
        return false;
}

enum errc http_target_path_check(const char *path, size_t len, const char **why)
{
        *why = "The path must start with a slash.";
        if (len == 0 || path[0] != '/')
                return E_SYNTAX;
        *why = "The path has a character that is not used here.";
        /* A blank may have been a '+', and a '#' the start of what should not have been sent. */
        for (size_t i = 0; i < len; i++)
                if (http_target_is_control(path[i]) || strchr("\\# ", path[i]))
                        return E_SYNTAX;
        *why = "The path is not valid UTF-8.";
        if (!utf8_valid(path, len))
                return E_SYNTAX;
        *why = "The path has an empty, \".\" or \"..\" segment.";
        return has_bad_segment(path, len) ? E_SYNTAX : E_OK;
}

static bool is_alnum(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void http_target_encode(struct buf *out, const char *piece, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                if (is_alnum(piece[i]) || (piece[i] && strchr("-._~!$'()*,:@/?=", piece[i])))
                        buf_putc(out, piece[i]);
                else
                        buf_printf(out, "%%%02X", (unsigned)(unsigned char)piece[i]);
        }
}

/* A port of digits, or none. */
static bool port_fits(const char *s, size_t len)
{
        if (len == 0)
                return true;
        if (s[0] != ':' || len > 6)
                return false;
        for (size_t i = 1; i < len; i++)
                if (s[i] < '0' || s[i] > '9')
                        return false;
        return true;
}

enum errc http_target_host(char *host, size_t len, size_t *out_len)
{
        bool is_ipv6 = len > 0 && host[0] == '[';
        size_t n = is_ipv6 ? 1 : 0;

        if (len == 0 || len >= HTTP_HOST_MAX)
                return E_SYNTAX;
        if (is_ipv6) {
                while (n < len && host[n] != ']') {
                        if (!is_alnum(host[n]) && host[n] != ':' && host[n] != '.')
                                return E_SYNTAX;
                        n++;
                }
                if (n == len)
                        return E_SYNTAX;
                n++;
        } else {
                while (n < len && (is_alnum(host[n]) || (host[n] && strchr("-._", host[n]))))
                        n++;
                if (n == 0)
                        return E_SYNTAX;
        }
        if (!port_fits(host + n, len - n))
                return E_SYNTAX;
        for (size_t i = 0; i < n; i++)
                if (host[i] >= 'A' && host[i] <= 'Z')
                        host[i] = (char)(host[i] + ('a' - 'A'));
        *out_len = n;
        return E_OK;
}

/* Decodes up to one of the stop characters. False for bad encoding, a control byte or no room. */
static bool decode_part(const char *query, size_t len, size_t *i, bool stop_at_equals, char *out,
                        size_t cap)
{
        size_t n = 0;

        while (*i < len && query[*i] != '&' && !(stop_at_equals && query[*i] == '=')) {
                char c;
                bool is_plus = query[*i] == '+';

                if (!next_byte(query, len, i, &c) || http_target_is_control(c) || n + 1 >= cap)
                        return false;
                out[n++] = is_plus ? ' ' : c;
        }
        out[n] = '\0';
        return utf8_valid(out, n);
}

static bool check_value(const char *query, size_t len, size_t *i)
{
        while (*i < len && query[*i] != '&') {
                char c;

                if (!next_byte(query, len, i, &c) || http_target_is_control(c))
                        return false;
        }
        return true;
}

enum errc http_target_query_check(const char *query, const char **why)
{
        char name[HTTP_QUERY_PARAMS_MAX][HTTP_QUERY_NAME_MAX];
        size_t len = strlen(query);
        size_t i = 0;
        unsigned n = 0;

        for (; i < len; i++) {
                *why = "The query has too many parameters.";
                if (n == HTTP_QUERY_PARAMS_MAX)
                        return E_SYNTAX;
                *why = "The query has bad percent-encoding or too long a name.";
                if (!decode_part(query, len, &i, true, name[n], sizeof(name[n])))
                        return E_SYNTAX;
                if (i < len && query[i] == '=')
                        i++;
                if (!check_value(query, len, &i))
                        return E_SYNTAX;
                /* Two readers of a repeated parameter may each take another one. */
                *why = "A query parameter is given twice.";
                for (unsigned k = 0; k < n; k++)
                        if (strcmp(name[k], name[n]) == 0)
                                return E_SYNTAX;
                n++;
        }
        return E_OK;
}

bool http_target_query(const char *query, const char *name, char *out, size_t cap)
{
        char this_name[HTTP_QUERY_NAME_MAX];
        size_t len = strlen(query);

        for (size_t i = 0; i < len; i++) {
                if (!decode_part(query, len, &i, true, this_name, sizeof(this_name)))
                        return false;
                if (i < len && query[i] == '=')
                        i++;
                if (strcmp(this_name, name) == 0)
                        return cap > 0 && decode_part(query, len, &i, false, out, cap);
                if (!check_value(query, len, &i))
                        return false;
        }
        return false;
}
