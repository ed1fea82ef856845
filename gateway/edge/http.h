/* http: the fixed words of HTTP. http_method_name is in httpd.h. */
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "edge/httpd.h"

#define HTTP_DATE_SIZE 30 /* "Sun, 06 Nov 1994 08:49:37 GMT" and its NUL */

bool http_method_find(enum http_method *out, const char *name, size_t len);
const char *http_reason(int status); /* "Unknown" when there is none here */
void http_date(char out[HTTP_DATE_SIZE], int64_t wall_ms);

#endif
