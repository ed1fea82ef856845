/* problem: problem documents (RFC 9457) from an error. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the document. Details of internal errors are left out. more: further members or "". */
void problem_print(struct buf *out, const struct err *err, const char *request_id,
                   const char *more);

#endif
