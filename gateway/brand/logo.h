/* logo: whether a brand's logo may be served from the brand's own origin. An SVG is a document that
 * can run scripts and fetch from elsewhere, so only drawing elements, without event handlers and
 * without references out of the file, are taken; a PNG must begin as one. Private to brand. */
#ifndef BRAND_LOGO_H
#define BRAND_LOGO_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define LOGO_BYTES_MAX ((size_t)256 * 1024)

/* The content type ("image/svg+xml", "image/png"; static), or NULL with *expected saying what a
 * logo must be (static) and *line where (0: not in a line). */
MUST_USE const char *logo_type(const uint8_t *data, size_t len, const char **expected,
                               unsigned *line);

#endif
