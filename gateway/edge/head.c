#include "edge/head.h"

#include <string.h>
#include <strings.h>

#include "edge/http_target.h"
#include "edge/lws_include.h"

/* The text copied of one head. A query grows when it is encoded again: three bytes for one. */
#define TEXT_MAX_BYTES (4 * HEAD_MAX_BYTES)

/* Headers that the library has a token for are kept as one fragment a line; others by name, the
 * first line only. */
#define BY_NAME WSI_TOKEN_COUNT

static const struct {
        const char *name; /* with its colon, as the library keeps names it does not know */
        enum lws_token_indexes token;
        bool is_list; /* may come in several lines; the values are joined */
} known[HEAD_COUNT] = {
#define KNOWN(id, name, token, is_list) [HEAD_##id] = {name ":", token, is_list}
        KNOWN(AUTHORIZATION, "authorization", WSI_TOKEN_HTTP_AUTHORIZATION, false),
        KNOWN(CONTENT_TYPE, "content-type", WSI_TOKEN_HTTP_CONTENT_TYPE, false),
        KNOWN(ORIGIN, "origin", WSI_TOKEN_ORIGIN, false),
        KNOWN(ACCEPT, "accept", WSI_TOKEN_HTTP_ACCEPT, true),
        KNOWN(IDEMPOTENCY_KEY, "idempotency-key", BY_NAME, false),
        KNOWN(X_API_KEY, "x-api-key", BY_NAME, false),
        KNOWN(X_API_TIMESTAMP, "x-api-timestamp", BY_NAME, false),
        KNOWN(X_API_SIGNATURE, "x-api-signature", BY_NAME, false),
        KNOWN(X_API_WINDOW, "x-api-window", BY_NAME, false),
        KNOWN(X_SUB_ACCOUNT, "x-sub-account", BY_NAME, false),
        KNOWN(IF_NONE_MATCH, "if-none-match", WSI_TOKEN_HTTP_IF_NONE_MATCH, true),
        KNOWN(X_FORWARDED_FOR, "x-forwarded-for", WSI_TOKEN_X_FORWARDED_FOR, true),
        KNOWN(USER_AGENT, "user-agent", WSI_TOKEN_HTTP_USER_AGENT, false),
        KNOWN(CF_IPCOUNTRY, "cf-ipcountry", BY_NAME, false),
        KNOWN(X_COUNTRY, "x-country", BY_NAME, false),
        KNOWN(ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method", BY_NAME, false),
        KNOWN(ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers",
              WSI_TOKEN_HTTP_AC_REQUEST_HEADERS, true),
        KNOWN(HOST, "host", WSI_TOKEN_HOST, false),
        KNOWN(CONTENT_LENGTH, "content-length", WSI_TOKEN_HTTP_CONTENT_LENGTH, false),
        KNOWN(TRANSFER_ENCODING, "transfer-encoding", WSI_TOKEN_HTTP_TRANSFER_ENCODING, true),
        KNOWN(CONNECTION, "connection", WSI_TOKEN_CONNECTION, true),
        KNOWN(UPGRADE, "upgrade", WSI_TOKEN_UPGRADE, true),
        KNOWN(EXPECT, "expect", WSI_TOKEN_HTTP_EXPECT, false),
        KNOWN(X_REQUEST_ID, "x-request-id", BY_NAME, false),
        KNOWN(SEC_WEBSOCKET_KEY, "sec-websocket-key", WSI_TOKEN_KEY, false),
        KNOWN(SEC_WEBSOCKET_VERSION, "sec-websocket-version", WSI_TOKEN_VERSION, false),
        KNOWN(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol", WSI_TOKEN_PROTOCOL, true),
        KNOWN(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions", WSI_TOKEN_EXTENSIONS, true),
#undef KNOWN
};

static const struct {
        enum lws_token_indexes token;
        enum http_method method;
} methods[] = {
        {WSI_TOKEN_GET_URI, METHOD_GET},       {WSI_TOKEN_POST_URI, METHOD_POST},
        {WSI_TOKEN_PUT_URI, METHOD_PUT},       {WSI_TOKEN_PATCH_URI, METHOD_PATCH},
        {WSI_TOKEN_DELETE_URI, METHOD_DELETE}, {WSI_TOKEN_OPTIONS_URI, METHOD_OPTIONS},
        {WSI_TOKEN_HEAD_URI, METHOD_HEAD},
};

/* ---- words ---- */

enum errc head_parse_length(uint64_t *out, const char *s, size_t len)
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

static bool is_alnum(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool head_request_id_fits(const char *id, size_t len)
{
        if (len == 0 || len > 36)
                return false;
        for (size_t i = 0; i < len; i++)
                if (!is_alnum(id[i]) && (!id[i] || !strchr("._-", id[i])))
                        return false;
        return true;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

bool head_list_has(const char *list, const char *word)
{
        size_t word_len = strlen(word);

        while (*list) {
                size_t len = strcspn(list, ",");
                size_t from = 0;
                size_t end = len;

                while (from < end && is_blank(list[from]))
                        from++;
                while (end > from && is_blank(list[end - 1]))
                        end--;
                if (end - from == word_len && strncasecmp(list + from, word, word_len) == 0)
                        return true;
                list += len + (list[len] == ',');
        }
        return false;
}

bool head_websocket_key_fits(const char *key)
{
        size_t len = strlen(key);

        if (len != 24 || strcmp(key + 22, "==") != 0)
                return false;
        for (size_t i = 0; i < 22; i++)
                if (!is_alnum(key[i]) && key[i] != '+' && key[i] != '/')
                        return false;
        return true;
}

enum head_field head_field_find(const char *name)
{
        size_t len = strlen(name);

        for (int id = 0; id < HEAD_PUBLIC_COUNT; id++)
                if (strncmp(known[id].name, name, len) == 0 && known[id].name[len] == ':')
                        return (enum head_field)id;
        return HEAD_PUBLIC_COUNT;
}

/* ---- reading ---- */

const char *head_path(const struct head *head)
{
        return (const char *)head->text.data + head->path;
}

const char *head_query(const struct head *head)
{
        return (const char *)head->text.data + head->query;
}

const char *head_value(const struct head *head, enum head_field field)
{
        return head->seen[field] ? (const char *)head->text.data + head->value[field] : "";
}

void head_fini(struct head *head)
{
        buf_fini(&head->text);
}

/* The n-th fragment of a token; -1 when there is none. */
static int fragment(struct lws *lws, char scratch[HEAD_MAX_BYTES + 1], enum lws_token_indexes token,
                    int n)
{
        return lws_hdr_copy_fragment(lws, scratch, HEAD_MAX_BYTES + 1, token, n);
}

/* Appends a value without the blanks around it. E_SYNTAX for control bytes. */
static enum errc put_value(struct buf *text, const char *value, size_t len)
{
        while (len > 0 && is_blank(value[0])) {
                value++;
                len--;
        }
        while (len > 0 && is_blank(value[len - 1]))
                len--;
        for (size_t i = 0; i < len; i++)
                if (http_target_is_control(value[i]) && value[i] != '\t')
                        return E_SYNTAX;
        buf_put(text, value, len);
        return E_OK;
}

static enum errc read_field(struct head *head, struct lws *lws, enum head_field id,
                            char scratch[HEAD_MAX_BYTES + 1], const char **why)
{
        const size_t name_len = strlen(known[id].name);
        const size_t at = head->text.len;
        int len = known[id].token == BY_NAME ? lws_hdr_custom_copy(lws, scratch, HEAD_MAX_BYTES + 1,
                                                                   known[id].name, (int)name_len)
                                             : fragment(lws, scratch, known[id].token, 0);

        if (len < 0)
                return E_OK;
        for (int n = 1; len >= 0; n++) {
                *why = "A header line is not valid.";
                if (put_value(&head->text, scratch, (size_t)len))
                        return E_SYNTAX;
                len = known[id].token == BY_NAME ? -1 : fragment(lws, scratch, known[id].token, n);
                *why = "A header that may come once came twice.";
                if (len >= 0 && !known[id].is_list)
                        return E_SYNTAX;
                if (len >= 0)
                        buf_putc(&head->text, ',');
        }
        buf_putc(&head->text, '\0');
        head->value[id] = at;
        head->seen[id] = true;
        return E_OK;
}

/* The library joins the path's pieces around '&' and ';' wrongly; no path here has either. */
static enum errc read_path(struct head *head, struct lws *lws, enum lws_token_indexes token,
                           char scratch[HEAD_MAX_BYTES + 1], const char **why)
{
        int len = fragment(lws, scratch, token, 0);

        *why = "The path has a character that is not used here.";
        if (len < 0 || lws_hdr_fragment_length(lws, token, 1) > 0 ||
            lws_hdr_total_length(lws, token) != len)
                return E_SYNTAX;
        head->path = head->text.len;
        buf_put(&head->text, scratch, (size_t)len);
        buf_putc(&head->text, '\0');
        return http_target_path_check(scratch, (size_t)len, why);
}

/* The library shows an empty query as a slash. */
static bool is_empty_query(struct lws *lws, const char *first, int len)
{
        return len == 1 && first[0] == '/' &&
               lws_hdr_fragment_length(lws, WSI_TOKEN_HTTP_URI_ARGS, 1) <= 0;
}

static enum errc read_query(struct head *head, struct lws *lws, char scratch[HEAD_MAX_BYTES + 1],
                            const char **why)
{
        int len = fragment(lws, scratch, WSI_TOKEN_HTTP_URI_ARGS, 0);

        if (is_empty_query(lws, scratch, len))
                len = -1;
        head->query = head->text.len;
        for (int n = 1; len >= 0; n++) {
                http_target_encode(&head->text, scratch, (size_t)len);
                len = fragment(lws, scratch, WSI_TOKEN_HTTP_URI_ARGS, n);
                if (len >= 0)
                        buf_putc(&head->text, '&');
        }
        buf_putc(&head->text, '\0');
        *why = "The query is too long.";
        if (buf_check(&head->text))
                return E_HEADERS_TOO_LARGE;
        return http_target_query_check(head_query(head), why);
}

/* The request line, which the library shows as one token for the method, and others. */
static enum errc read_line(struct head *head, struct lws *lws, char scratch[HEAD_MAX_BYTES + 1],
                           const char **why)
{
        enum lws_token_indexes token = WSI_TOKEN_COUNT;
        enum errc rc;
        int len;

        *why = "The request line is not valid.";
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
                if (lws_hdr_total_length(lws, methods[i].token) == 0)
                        continue;
                if (token != WSI_TOKEN_COUNT)
                        return E_SYNTAX; /* a second request line among the headers */
                token = methods[i].token;
                head->method = methods[i].method;
        }
        if (token == WSI_TOKEN_COUNT)
                return E_SYNTAX;
        len = fragment(lws, scratch, WSI_TOKEN_HTTP, 0);
        if (len != 8 || memcmp(scratch, "HTTP/1.", 7) != 0 ||
            (scratch[7] != '0' && scratch[7] != '1') ||
            lws_hdr_total_length(lws, WSI_TOKEN_HTTP) != len)
                return E_SYNTAX;
        head->is_http_1_1 = scratch[7] == '1';
        rc = read_path(head, lws, token, scratch, why);
        return rc ? rc : read_query(head, lws, scratch, why);
}

/* ---- what must hold between the pieces ---- */

/* A name with a blank before its colon is one that a proxy may read as if there were none. */
static bool has_hidden_length(struct lws *lws)
{
        static const char *const hidden[] = {"transfer-encoding :", "transfer-encoding\t:",
                                             "content-length :", "content-length\t:"};

        for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
                if (lws_hdr_custom_length(lws, hidden[i], (int)strlen(hidden[i])) >= 0)
                        return true;
        return false;
}

static enum errc check_host(struct head *head, const char **why)
{
        char *host = (char *)head->text.data + head->value[HEAD_HOST];
        size_t len = 0;

        *why = "The Host header is missing or not valid.";
        if (!head->seen[HEAD_HOST])
                return head->is_http_1_1 ? E_SYNTAX : E_OK;
        if (!host[0] && !head->is_http_1_1)
                return E_OK;
        if (http_target_host(host, strlen(host), &len))
                return E_SYNTAX;
        host[len] = '\0';
        return E_OK;
}

static enum errc check_length(struct head *head, struct lws *lws, const char **why)
{
        const char *length = head_value(head, HEAD_CONTENT_LENGTH);

        /* Both at once is how requests are smuggled past a proxy. */
        *why = "Transfer-Encoding is not accepted; send a Content-Length.";
        if (head->seen[HEAD_TRANSFER_ENCODING])
                return head->seen[HEAD_CONTENT_LENGTH] ? E_SYNTAX : E_LENGTH_REQUIRED;
        *why = "A header's name is not valid.";
        if (has_hidden_length(lws))
                return E_SYNTAX;
        *why = "The Content-Length is not a plain number.";
        if (head->seen[HEAD_CONTENT_LENGTH] &&
            head_parse_length(&head->body_len, length, strlen(length)))
                return E_SYNTAX;
        return E_OK;
}

/* Which methods carry a body: those that announce one must, those that have none may not. */
static enum errc check_body(const struct head *head, const char **why)
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
        if (!may_be_missing && !head->seen[HEAD_CONTENT_LENGTH])
                return E_LENGTH_REQUIRED;
        *why = "A request with this method has no body.";
        if (!may_be_there && head->body_len > 0)
                return E_SYNTAX;
        return E_OK;
}

enum errc head_read(struct head *head, struct lws *lws, const char **why)
{
        char scratch[HEAD_MAX_BYTES + 1];
        enum errc rc;

        *head = (struct head){0};
        buf_init(&head->text, TEXT_MAX_BYTES);
        rc = read_line(head, lws, scratch, why);
        for (int id = 0; !rc && id < HEAD_COUNT; id++)
                rc = read_field(head, lws, (enum head_field)id, scratch, why);
        if (rc)
                return rc;
        *why = "The request's headers are too large.";
        if (buf_check(&head->text))
                return E_HEADERS_TOO_LARGE;
        rc = check_host(head, why);
        if (!rc)
                rc = check_length(head, lws, why);
        if (!rc)
                rc = check_body(head, why);
        if (rc)
                return rc;
        head->wants_close =
                !head->is_http_1_1 || head_list_has(head_value(head, HEAD_CONNECTION), "close");
        head->wants_upgrade = head_list_has(head_value(head, HEAD_CONNECTION), "upgrade") &&
                              strcasecmp(head_value(head, HEAD_UPGRADE), "websocket") == 0;
        head->wants_continue = head->is_http_1_1 && head_value(head, HEAD_EXPECT)[0] != '\0';
        *why = "The Expect header asks for something that is not known here.";
        if (head->wants_continue && strcasecmp(head_value(head, HEAD_EXPECT), "100-continue") != 0)
                return E_SYNTAX;
        return E_OK;
}
