/* secret_file: a file that holds a secret, read into guarded memory. */
#ifndef BASE_SECRET_FILE_H
#define BASE_SECRET_FILE_H

#include "base/err.h"
#include "base/secret.h"

/* All of file but a line feed at its end: 1 to max bytes (max <= 1024). A file that group or others may
 * read, that is not a regular file, that is a symbolic link, or that belongs neither to us nor to root
 * is refused. E_CONFIG. */
MUST_USE enum errc secret_file_read(struct secret *out, const char *file, size_t max,
                                    struct err *err);

#endif
