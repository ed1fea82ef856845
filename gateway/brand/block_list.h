/* block_list: a file of addresses that a brand does not serve: one a line, 0x and 40 digits in either
 * case; blank lines and what follows '#' are left out. Private to brand. */
#ifndef BRAND_BLOCK_LIST_H
#define BRAND_BLOCK_LIST_H

#include <stddef.h>

#include "base/hex.h"
#include "brand/problem.h"

#define BLOCK_LIST_MAX       ((size_t)65536)
#define BLOCK_LIST_BYTES_MAX ((size_t)8 << 20)

/* The addresses in order, for brand_blocks_address; the caller frees them. What is no address is told to
 * the sink with its line. NULL and *n 0 where there is none. */
struct addr *block_list_parse(struct problem_sink *sink, const void *text, size_t len, size_t *n);

#endif
