/* head: a request's head, as the library has parsed it, copied and checked. The library is lenient
 * and forgets a request's headers while its handler may still need them; so everything that is used
 * is taken out once, and whatever two parsers could read in two ways is refused as far as the
 * library still shows it. Private to this folder. */
#ifndef EDGE_HEAD_H
#define EDGE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "edge/httpd.h"

struct lws;

#define HEAD_MAX_BYTES 18432 /* what the library keeps of a head: 16 KB and its own book-keeping */

/* Headers that are looked at; all others are forgotten. */
enum head_field {
        HEAD_AUTHORIZATION,
        HEAD_CONTENT_TYPE,
        HEAD_ORIGIN,
        HEAD_ACCEPT,
        HEAD_IDEMPOTENCY_KEY,
        HEAD_X_API_KEY,
        HEAD_X_API_TIMESTAMP,
        HEAD_X_API_SIGNATURE,
        HEAD_X_API_WINDOW,
        HEAD_X_SUB_ACCOUNT,
        HEAD_IF_NONE_MATCH,
        HEAD_X_FORWARDED_FOR,
        HEAD_USER_AGENT,
        HEAD_CF_IPCOUNTRY,
        HEAD_X_COUNTRY,
        HEAD_ACCESS_CONTROL_REQUEST_METHOD,
        HEAD_ACCESS_CONTROL_REQUEST_HEADERS,
        HEAD_PUBLIC_COUNT, /* those above are what httpd_header knows */
        HEAD_HOST = HEAD_PUBLIC_COUNT,
        HEAD_CONTENT_LENGTH,
        HEAD_TRANSFER_ENCODING,
        HEAD_CONNECTION,
        HEAD_UPGRADE,
        HEAD_EXPECT,
        HEAD_X_REQUEST_ID,
        HEAD_SEC_WEBSOCKET_KEY,
        HEAD_SEC_WEBSOCKET_VERSION,
        HEAD_SEC_WEBSOCKET_PROTOCOL,
        HEAD_SEC_WEBSOCKET_EXTENSIONS,
        HEAD_COUNT,
};

struct head {
        enum http_method method;
        bool is_http_1_1;
        bool wants_close;   /* Connection: close, or HTTP/1.0 */
        bool wants_upgrade; /* Connection: upgrade and Upgrade: websocket */
        bool wants_continue;
        uint64_t body_len;
        struct buf text; /* every piece below, each with its NUL */
        size_t path;     /* offsets into text */
        size_t query;
        size_t value[HEAD_COUNT];
        bool seen[HEAD_COUNT];
};

/* Reads what lws holds. *why is a fixed sentence where an error is returned: E_SYNTAX, E_METHOD,
 * E_LENGTH_REQUIRED, E_HEADERS_TOO_LARGE. head_fini in any case. */
MUST_USE enum errc head_read(struct head *head, struct lws *lws, const char **why);
void head_fini(struct head *head); /* accepts a zeroed one */

const char *head_path(const struct head *head);
const char *head_query(const struct head *head);
const char *head_value(const struct head *head, enum head_field field); /* "" if absent */
/* Which of the public headers is called name (lower case); HEAD_PUBLIC_COUNT if none. */
enum head_field head_field_find(const char *name);

/* Digits only, at most 18 of them. E_SYNTAX. */
MUST_USE enum errc head_parse_length(uint64_t *out, const char *s, size_t len);
/* 1..36 of [A-Za-z0-9._-]: safe in headers, logs and JSON alike. */
bool head_request_id_fits(const char *id, size_t len);
/* Whether the comma-separated list has word, in any case. */
bool head_list_has(const char *list, const char *word);
/* The base64 of 16 bytes. */
bool head_websocket_key_fits(const char *key);

#endif
