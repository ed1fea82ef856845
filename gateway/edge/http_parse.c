#include "edge/http_parse.h"

#include <string.h>
#include <strings.h>

#include "edge/http.h"
#include "edge/http_target.h"

#define JOINED_BASE (UINT32_C(1) << 30) /* offsets from here on are in http_head.joined */

static const struct {
        const char *name;
        uint32_t len;
        bool is_list; /* may come in several lines; the values are joined */
} known[HTTP_HEADER_COUNT] = {
#define KNOWN(id, name, is_list) [id] = {name, sizeof(name) - 1, is_list}
        KNOWN(HTTP_AUTHORIZATION, "authorization", false),
        KNOWN(HTTP_CONTENT_TYPE, "content-type", false),
        KNOWN(HTTP_ORIGIN, "origin", false),
        KNOWN(HTTP_ACCEPT, "accept", true),
        KNOWN(HTTP_IDEMPOTENCY_KEY, "idempotency-key", false),
        KNOWN(HTTP_X_API_KEY, "x-api-key", false),
        KNOWN(HTTP_X_API_TIMESTAMP, "x-api-timestamp", false),
        KNOWN(HTTP_X_API_SIGNATURE, "x-api-signature", false),
        KNOWN(HTTP_X_API_WINDOW, "x-api-window", false),
        KNOWN(HTTP_IF_NONE_MATCH, "if-none-match", true),
        KNOWN(HTTP_X_FORWARDED_FOR, "x-forwarded-for", true),
        KNOWN(HTTP_USER_AGENT, "user-agent", false),
        KNOWN(HTTP_ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method", false),
        KNOWN(HTTP_ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers", true),
        KNOWN(HTTP_HOST, "host", false),
        KNOWN(HTTP_CONTENT_LENGTH, "content-length", false),
        KNOWN(HTTP_TRANSFER_ENCODING, "transfer-encoding", true),
        KNOWN(HTTP_CONNECTION, "connection", true),
        KNOWN(HTTP_UPGRADE, "upgrade", true),
        KNOWN(HTTP_EXPECT, "expect", false),
        KNOWN(HTTP_X_REQUEST_ID, "x-request-id", false),
        KNOWN(HTTP_SEC_WEBSOCKET_KEY, "sec-websocket-key", false),
        KNOWN(HTTP_SEC_WEBSOCKET_VERSION, "sec-websocket-version", false),
#undef KNOWN
};

static bool is_alnum(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_token_char(char c)
{
        return is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

size_t http_parse_head_len(const char *data, size_t len, size_t *scanned)
{
        /* The blank line may straddle what was looked at before. */
        size_t from = *scanned > 3 ? *scanned - 3 : 0;
        const char *end = len > from ? memmem(data + from, len - from, "\r\n\r\n", 4) : NULL;

        *scanned = len;
        return end ? (size_t)(end - data) + 4 : 0;
}

static enum http_header header_find(const char *name, size_t len)
{
        for (int i = 0; i < HTTP_HEADER_COUNT; i++)
                if (known[i].len == len && strncasecmp(known[i].name, name, len) == 0)
                        return (enum http_header)i;
        return HTTP_HEADER_COUNT;
}

enum http_header http_parse_header_find(const char *name)
{
        enum http_header found = header_find(name, strlen(name));

        return found < HTTP_PUBLIC_COUNT ? found : HTTP_PUBLIC_COUNT;
}

enum errc http_parse_length(uint64_t *out, const char *s, size_t len)
{
        uint64_t value = 0;

        if (len == 0 || len > 18)
                return E_SYNTAX;
        for (size_t i = 0; i < len; i++) {
                if (s[i] < '0' || s[i] > '9')
                        return E_SYNTAX;
                value = value * 10 + (uint64_t)(s[i] - '0');
        }
        *out = value;
        return E_OK;
}

bool http_parse_request_id_fits(const char *id, size_t len)
{
        if (len < 1 || len > 36)
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(id[i]) && id[i] != '.' && id[i] != '_' && id[i] != '-')
                        return false;
        return true;
}

/* Whether a comma-separated list names token. */
static bool list_has(const char *list, size_t len, const char *token)
{
        size_t want = strlen(token);
        size_t i = 0;

        while (i < len) {
                size_t end = i;
                size_t n;

                while (end < len && list[end] != ',')
                        end++;
                while (i < end && (list[i] == ' ' || list[i] == '\t'))
                        i++;
                n = end - i;
                while (n > 0 && (list[i + n - 1] == ' ' || list[i + n - 1] == '\t'))
                        n--;
                if (n == want && strncasecmp(list + i, token, n) == 0)
                        return true;
                i = end + 1;
        }
        return false;
}

/* Puts a further value of a list header behind the ones before, in the head's own room. */
static bool join(struct http_head *head, const char *data, enum http_header id,
                 struct http_span more)
{
        struct http_span *have = &head->value[id];
        uint32_t len = have->len + 1 + more.len;

        if (len + 1 > sizeof(head->joined) - head->joined_len)
                return false;
        memcpy(head->joined + head->joined_len, http_parse_text(head, data, *have), have->len);
        head->joined[head->joined_len + have->len] = ',';
        memcpy(head->joined + head->joined_len + have->len + 1, data + more.at, more.len);
        head->joined[head->joined_len + len] = '\0';
        *have = (struct http_span){JOINED_BASE + head->joined_len, len};
        head->joined_len += len + 1;
        return true;
}

const char *http_parse_text(const struct http_head *head, const char *data, struct http_span span)
{
        if (span.len == 0)
                return "";
        if (span.at >= JOINED_BASE)
                return head->joined + (span.at - JOINED_BASE);
        return data + span.at;
}

/* The line that starts at data + at, without its CRLF; false when it ends otherwise. */
static bool next_line(const char *data, size_t len, size_t at, size_t *line_len)
{
        const char *end = memchr(data + at, '\n', len - at);

        if (!end || end == data + at || end[-1] != '\r')
                return false;
        *line_len = (size_t)(end - (data + at)) - 1;
        return true;
}

static enum errc parse_request_line(struct http_head *head, char *line, size_t len,
                                    const char **why)
{
        static const char version[] = " HTTP/1.";
        const size_t tail = sizeof(version); /* the minor version digit takes the NUL's place */
        const char *blank = memchr(line, ' ', len);
        size_t method_len = blank ? (size_t)(blank - line) : 0;
        bool is_known;

        *why = "The request line is not valid.";
        if (!blank || len < method_len + 1 + tail ||
            memcmp(line + len - tail, version, tail - 1) != 0)
                return E_SYNTAX;
        if (line[len - 1] != '0' && line[len - 1] != '1')
                return E_SYNTAX;
        for (size_t i = 0; i < method_len; i++)
                if (!is_token_char(line[i]))
                        return E_SYNTAX;
        if (method_len == 0)
                return E_SYNTAX;
        head->is_http_1_1 = line[len - 1] == '1';
        head->wants_close = !head->is_http_1_1;
        is_known = http_method_find(&head->method, line, method_len);
        *why = "The method is not one that is used here.";
        if (!is_known)
                return E_METHOD;
        return http_target_parse(&head->path, &head->query, line + method_len + 1,
                                 len - tail - method_len - 1, (uint32_t)method_len + 1, why);
}

static enum errc take_header(struct http_head *head, char *data, enum http_header id,
                             struct http_span value, const char **why)
{
        const char *text = data + value.at;

        if (id == HTTP_CONNECTION && list_has(text, value.len, "close"))
                head->wants_close = true;
        if (!head->seen[id]) {
                head->seen[id] = true;
                head->value[id] = value;
                return E_OK;
        }
        *why = "A header that may come once came twice.";
        if (!known[id].is_list)
                return E_SYNTAX;
        *why = "A repeated header is too long.";
        return join(head, data, id, value) ? E_OK : E_HEADERS_TOO_LARGE;
}

static enum errc parse_header_line(struct http_head *head, char *data, uint32_t at, size_t len,
                                   const char **why)
{
        size_t name_len = 0;
        size_t from;
        size_t end = len;
        enum http_header id;

        *why = "A header line is not valid.";
        /* A line that starts with a blank is a folded one: the name is then empty. */
        while (name_len < len && is_token_char(data[at + name_len]))
                name_len++;
        if (name_len == 0 || name_len == len || data[at + name_len] != ':')
                return E_SYNTAX;
        for (size_t i = name_len + 1; i < len; i++)
                if (http_target_is_control(data[at + i]) && data[at + i] != '\t')
                        return E_SYNTAX;
        from = name_len + 1;
        while (from < end && (data[at + from] == ' ' || data[at + from] == '\t'))
                from++;
        while (end > from && (data[at + end - 1] == ' ' || data[at + end - 1] == '\t'))
                end--;
        data[at + end] = '\0'; /* at most the line's own CR */
        id = header_find(data + at, name_len);
        if (id == HTTP_HEADER_COUNT)
                return E_OK;
        return take_header(head, data, id,
                           (struct http_span){at + (uint32_t)from, (uint32_t)(end - from)}, why);
}

/* What must hold between the headers. */
static enum errc check_head(struct http_head *head, char *data, const char **why)
{
        struct http_span *host = &head->value[HTTP_HOST];
        const struct http_span *length = &head->value[HTTP_CONTENT_LENGTH];
        const struct http_span *connection = &head->value[HTTP_CONNECTION];
        const struct http_span *upgrade = &head->value[HTTP_UPGRADE];
        size_t host_len = 0;

        *why = "The Host header is missing or not valid.";
        if (head->is_http_1_1 && !head->seen[HTTP_HOST])
                return E_SYNTAX;
        if (host->len > 0) {
                if (http_target_host(data + host->at, host->len, &host_len))
                        return E_SYNTAX;
                data[host->at + host_len] = '\0';
                host->len = (uint32_t)host_len;
        }
        head->has_length = head->seen[HTTP_CONTENT_LENGTH];
        /* Both at once is how requests are smuggled past a proxy. */
        *why = "Transfer-Encoding is not accepted; send a Content-Length.";
        if (head->seen[HTTP_TRANSFER_ENCODING])
                return head->has_length ? E_SYNTAX : E_LENGTH_REQUIRED;
        *why = "The Content-Length is not a plain number.";
        if (head->has_length && http_parse_length(&head->body_len, data + length->at, length->len))
                return E_SYNTAX;
        head->wants_upgrade =
                list_has(http_parse_text(head, data, *connection), connection->len, "upgrade") &&
                list_has(http_parse_text(head, data, *upgrade), upgrade->len, "websocket");
        head->wants_continue = head->is_http_1_1 && head->value[HTTP_EXPECT].len > 0;
        *why = "The Expect header asks for something that is not known here.";
        if (head->wants_continue &&
            strcasecmp(data + head->value[HTTP_EXPECT].at, "100-continue") != 0)
                return E_SYNTAX;
        return E_OK;
}

/* Which methods carry a body: those that announce one must, those that have none may not. */
static enum errc check_body(const struct http_head *head, const char **why)
{
        bool may_be_missing = true;
        bool may_be_there = true;

        switch (head->method) {
        case METHOD_GET:
        case METHOD_HEAD:
        case METHOD_OPTIONS: may_be_there = false; break;
        case METHOD_POST:
        case METHOD_PUT:
        case METHOD_PATCH: may_be_missing = false; break;
        case METHOD_DELETE: break;
        }
        *why = "The request needs a Content-Length.";
        if (!may_be_missing && !head->has_length)
                return E_LENGTH_REQUIRED;
        *why = "A request with this method has no body.";
        if (!may_be_there && head->body_len > 0)
                return E_SYNTAX;
        return E_OK;
}

enum errc http_parse_head(struct http_head *head, char *data, size_t len, const char **why)
{
        size_t at = 0;
        size_t line_len;
        unsigned n = 0;
        enum errc rc;

        *head = (struct http_head){0};
        *why = "The request's headers are too large.";
        if (len > HTTP_HEAD_MAX_BYTES)
                return E_HEADERS_TOO_LARGE;
        *why = "A line does not end with CR LF.";
        if (!next_line(data, len, 0, &line_len))
                return E_SYNTAX;
        rc = parse_request_line(head, data, line_len, why);
        if (rc)
                return rc;
        for (at = line_len + 2;; at += line_len + 2) {
                *why = "A line does not end with CR LF.";
                if (at >= len || !next_line(data, len, at, &line_len))
                        return E_SYNTAX;
                if (line_len == 0)
                        break;
                *why = "The request has too many headers.";
                if (++n > HTTP_HEADERS_MAX)
                        return E_HEADERS_TOO_LARGE;
                rc = parse_header_line(head, data, (uint32_t)at, line_len, why);
                if (rc)
                        return rc;
        }
        rc = check_head(head, data, why);
        return rc ? rc : check_body(head, why);
}
