#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/* A size of 0 asks for 1, so that NULL means "out of memory" and nothing else. */
static size_t at_least_one(size_t size)
{
        return size ? size : 1;
}

void *xcalloc(size_t n, size_t size)
{
        void *p = calloc(at_least_one(n), at_least_one(size));

        must(p);
        return p;
}

void *xmalloc(size_t size)
{
        void *p = malloc(at_least_one(size));

        must(p);
        return p;
}

void *xrealloc(void *p, size_t size)
{
        void *grown = realloc(p, at_least_one(size));

        must(grown);
        return grown;
}

char *xstrdup(const char *s)
{
        return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
        size_t len = strnlen(s, n);
        char *copy = xmalloc(len + 1);

        memcpy(copy, s, len);
        copy[len] = '\0';
        return copy;
}

int text_copy(char *dst, size_t cap, const char *s)
{
        must(cap > 0);
        size_t len = strnlen(s, cap);
        int whole = len < cap;

        if (!whole)
                len = cap - 1;
        memcpy(dst, s, len);
        dst[len] = '\0';
        return whole;
}
