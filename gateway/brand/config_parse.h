/* config_parse: the configuration from a text in memory, for tests and the fuzzer.
 * Private to brand; defined in config.c. */
#ifndef BRAND_CONFIG_PARSE_H
#define BRAND_CONFIG_PARSE_H

#include <stddef.h>

#include "brand/config.h"

/* As config_load; file names the text in problems and anchors relative paths. */
struct config *config_parse(const char *file, const void *text, size_t len, struct buf *problems);

#endif
