/* problem: collects everything that is wrong with a configuration, one line each, as
 * "file:line: what was expected". Private to brand. */
#ifndef BRAND_PROBLEM_H
#define BRAND_PROBLEM_H

#include "base/attr.h"
#include "base/buf.h"

/* One file's problems. A value; n counts also what no longer fits into out. */
struct problem_sink {
        const char *file; /* borrowed */
        struct buf *out;  /* borrowed */
        unsigned n;
};

/* line 0 stands for the file as a whole and is left out of the text. Control characters in the
 * text are printed as '?', so that a value can't forge a line. */
void problem_add(struct problem_sink *sink, unsigned line, const char *fmt, ...) PRINTF(3, 4);

#endif
