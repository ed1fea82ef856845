/* mem: allocation that aborts when memory runs out. What a peer sizes is bounded before it is
 * allocated, so running out is a bug or a broken machine, and the journal makes a crash safe. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *xcalloc(size_t n, size_t size);
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Copies s into dst of size cap, cut to fit and always terminated. Returns 0 when it was cut. */
int text_copy(char *dst, size_t cap, const char *s);

#endif
