#include "brand/block_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int by_bytes(const void *a, const void *b)
{
        return memcmp(a, b, sizeof(struct addr));
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

/* The line without its remark and the blanks around it. */
static size_t trim(const char **line, size_t len)
{
        const char *remark = memchr(*line, '#', len);

        if (remark)
                len = (size_t)(remark - *line);
        while (len > 0 && is_blank((*line)[0])) {
                (*line)++;
                len--;
        }
        while (len > 0 && is_blank((*line)[len - 1]))
                len--;
        return len;
}

static size_t count_lines(const char *text, size_t len)
{
        size_t n = 1;

        for (size_t i = 0; i < len; i++)
                n += text[i] == '\n';
        return n;
}

struct addr *block_list_parse(struct problem_sink *sink, const void *text, size_t len, size_t *n)
{
        const char *at = len > 0 ? text : ""; /* no text may come without an address */
        size_t n_lines = count_lines(at, len);
        size_t room = n_lines < BLOCK_LIST_MAX ? n_lines : BLOCK_LIST_MAX;
        struct addr *list = xcalloc(room, sizeof *list);

        *n = 0;
        for (unsigned line = 1; line <= n_lines; line++) {
                const char *start = at;
                const char *end = memchr(at, '\n', len);
                size_t line_len = end ? (size_t)(end - at) : len;
                size_t kept = trim(&start, line_len);

                at += line_len + (end ? 1 : 0);
                len -= line_len + (end ? 1 : 0);
                if (kept == 0)
                        continue;
                if (*n == room) {
                        problem_add(sink, line, "expected at most %zu addresses", BLOCK_LIST_MAX);
                        break;
                }
                if (hex_parse_addr(&list[*n], start, kept))
                        problem_add(sink, line, "expected an address: 0x and 40 digits");
                else
                        ++*n;
        }
        if (*n == 0) {
                free(list);
                return NULL;
        }
        qsort(list, *n, sizeof *list, by_bytes);
        return list;
}
