/* http_parse: the strict reading of an HTTP/1.1 request head. Pure: bytes in, spans out.
 * Whatever two parsers could read in two ways is refused, because a proxy in front of us may read it
 * the other way: bare line feeds, folded lines, blanks before a colon, repeated single headers,
 * Transfer-Encoding, lengths that are not plain digits. */
#ifndef EDGE_HTTP_PARSE_H
#define EDGE_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "edge/http_target.h"
#include "edge/httpd.h"

#define HTTP_HEAD_MAX_BYTES 16384 /* request line and headers */
#define HTTP_HEADERS_MAX    100

/* Headers that are looked at; all others are checked for form and forgotten. */
enum http_header {
        HTTP_AUTHORIZATION,
        HTTP_CONTENT_TYPE,
        HTTP_ORIGIN,
        HTTP_ACCEPT,
        HTTP_IDEMPOTENCY_KEY,
        HTTP_X_API_KEY,
        HTTP_X_API_TIMESTAMP,
        HTTP_X_API_SIGNATURE,
        HTTP_X_API_WINDOW,
        HTTP_IF_NONE_MATCH,
        HTTP_X_FORWARDED_FOR,
        HTTP_USER_AGENT,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD,
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS,
        HTTP_PUBLIC_COUNT, /* those above are what httpd_header knows */
        HTTP_HOST = HTTP_PUBLIC_COUNT,
        HTTP_CONTENT_LENGTH,
        HTTP_TRANSFER_ENCODING,
        HTTP_CONNECTION,
        HTTP_UPGRADE,
        HTTP_EXPECT,
        HTTP_X_REQUEST_ID,
        HTTP_SEC_WEBSOCKET_KEY,
        HTTP_SEC_WEBSOCKET_VERSION,
        HTTP_HEADER_COUNT,
};

struct http_head {
        enum http_method method;
        bool is_http_1_1;
        bool wants_close;   /* Connection: close, or HTTP/1.0 */
        bool wants_upgrade; /* Connection: upgrade and Upgrade: websocket */
        bool wants_continue;
        bool has_length;
        uint64_t body_len;
        struct http_span path;  /* decoded in place */
        struct http_span query; /* raw */
        bool seen[HTTP_HEADER_COUNT];
        struct http_span value[HTTP_HEADER_COUNT];
        char joined[1024]; /* list headers that came in several lines */
        uint32_t joined_len;
};

/* The text of a span of head, NUL-terminated; data is the buffer the head was read from. */
const char *http_parse_text(const struct http_head *head, const char *data, struct http_span span);

/* Length of the head at the start of data, its blank line included; 0 while it is not whole.
 * *scanned remembers how far was looked, so that slow input costs linear time; start with 0. */
size_t http_parse_head_len(const char *data, size_t len, size_t *scanned);

/* Reads a whole head (len from http_parse_head_len, at most HTTP_HEAD_MAX_BYTES). Writes into data: the
 * path is decoded in place, host becomes lower case without its port, and each span is followed by a
 * NUL. *why is a fixed sentence where an error is returned: E_SYNTAX, E_METHOD, E_LENGTH_REQUIRED,
 * E_HEADERS_TOO_LARGE. */
MUST_USE enum errc http_parse_head(struct http_head *head, char *data, size_t len,
                                   const char **why);

/* Digits only, at most 18 of them. E_SYNTAX. */
MUST_USE enum errc http_parse_length(uint64_t *out, const char *s, size_t len);

/* 1..36 of [A-Za-z0-9._-]: safe in headers, logs and JSON alike. */
bool http_parse_request_id_fits(const char *id, size_t len);

/* Which of the public headers is called name (lower case); HTTP_PUBLIC_COUNT if none. */
enum http_header http_parse_header_find(const char *name);

#endif
