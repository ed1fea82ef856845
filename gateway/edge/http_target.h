/* http_target: request targets, queries and host names. Pure. A path that anybody on the way might
 * rewrite (empty and dot segments, backslashes, control bytes, also percent-encoded) is refused. */
#ifndef EDGE_HTTP_TARGET_H
#define EDGE_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HTTP_QUERY_PARAMS_MAX 32
#define HTTP_QUERY_NAME_MAX   64 /* with its NUL */
#define HTTP_HOST_MAX         256

/* A piece of the head, by offset, because the buffer may move. len 0: absent or empty. */
struct http_span {
        uint32_t at;
        uint32_t len;
};

/* Control bytes have no place in a request but where its syntax puts them. */
static inline bool http_target_is_control(char c)
{
        return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Splits a request target at its '?', decodes the path in place and puts a NUL behind each part, so
 * target[len] must be writable. base is added to the spans. *why is a fixed sentence on E_SYNTAX. */
MUST_USE enum errc http_target_parse(struct http_span *path, struct http_span *query, char *target,
                                     size_t len, uint32_t base, const char **why);

/* Lower case, port removed, in place. E_SYNTAX when it is no host name or address. */
MUST_USE enum errc http_target_host(char *host, size_t len, size_t *out_len);

/* Percent-encoding, control bytes, number and length of names, repeated names. NUL-terminated. */
MUST_USE enum errc http_target_query_check(const char *query, const char **why);
/* Decoded value of the parameter called name; false when absent or when it does not fit. */
bool http_target_query(const char *query, const char *name, char *out, size_t cap);

#endif
