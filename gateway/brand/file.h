/* file: the file handling of the configuration: whole small files, and paths relative to the file
 * that names them. Private to brand. */
#ifndef BRAND_FILE_H
#define BRAND_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

/* Reads a regular file of at most max bytes, NUL added behind them. NULL when it can't be had;
 * *why is then a phrase such as "No such file or directory" (borrowed until the next call of the
 * C library). The caller frees. */
MUST_USE uint8_t *file_read(const char *path, size_t max, size_t *len, const char **why);

/* out = path when that is absolute or folder is "", else folder/path. False when cut. */
MUST_USE bool file_join(char *out, size_t cap, const char *folder, const char *path);

/* The folder part of path: "." when it has none. False when cut. */
MUST_USE bool file_folder(char *out, size_t cap, const char *path);

bool file_is_readable(const char *path, const char **why);

#endif
