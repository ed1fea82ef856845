/* http_target: paths, queries and host names, after the library has taken the request apart. Pure.
 * A path that anybody on the way might rewrite (empty and dot segments, backslashes, control bytes)
 * is refused. */
#ifndef EDGE_HTTP_TARGET_H
#define EDGE_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP_QUERY_PARAMS_MAX 32
#define HTTP_QUERY_NAME_MAX   64 /* with its NUL */
#define HTTP_HOST_MAX         256

/* Control bytes have no place in a request but where its syntax puts them. */
static inline bool http_target_is_control(char c)
{
        return (unsigned char)c < 0x20 || c == 0x7f;
}

/* What a decoded path may hold. *why is a fixed sentence on E_SYNTAX. */
MUST_USE enum errc http_target_path_check(const char *path, size_t len, const char **why);

/* Appends a decoded piece of a query, percent-encoded again, so that what separated pieces before
 * is what separates them after. A '=' stays: the first one of a piece ends the name. */
void http_target_encode(struct buf *out, const char *piece, size_t len);

/* Lower case, port removed, in place. E_SYNTAX when it is no host name or address. */
MUST_USE enum errc http_target_host(char *host, size_t len, size_t *out_len);

/* Percent-encoding, control bytes, number and length of names, repeated names. NUL-terminated. */
MUST_USE enum errc http_target_query_check(const char *query, const char **why);
/* Decoded value of the parameter called name; false when absent or when it does not fit. */
bool http_target_query(const char *query, const char *name, char *out, size_t cap);

#endif
