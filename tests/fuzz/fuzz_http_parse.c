/* The first byte chooses the parser, the rest is its input. What was accepted must keep the promises
 * that handlers rely on. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "edge/http_parse.h"
#include "edge/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_path(const char *path, size_t len)
{
        must(len > 0 && path[0] == '/');
        must(path[len] == '\0' && strlen(path) == len);
        must(utf8_valid(path, len));
        must(!memmem(path, len, "//", 2) && !memchr(path, '\\', len));
        must(!memmem(path, len, "/../", 4) && !memmem(path, len, "/./", 3));
        must(len < 3 || memcmp(path + len - 3, "/..", 3) != 0);
        for (size_t i = 0; i < len; i++)
                must(!http_target_is_control(path[i]));
}

static void check_span(const struct http_head *head, const char *data, size_t len,
                       struct http_span span)
{
        const char *text = http_parse_text(head, data, span);

        must(strlen(text) == span.len); /* a C string, and inside */
        if (span.len > 0 && text >= data && text < data + len)
                must(span.at + span.len < len);
}

static void fuzz_head(char *data, size_t len)
{
        struct http_head head;
        const char *why = NULL;
        size_t scanned = 0;
        size_t again = 0;
        size_t head_len = http_parse_head_len(data, len, &scanned);

        /* Found at the same place when the bytes come one by one. */
        for (size_t n = 1; n <= len && n < 600; n++) {
                size_t found = http_parse_head_len(data, n, &again);

                must(found == 0 || (found == head_len && found == n));
                if (found)
                        break;
        }
        if (head_len == 0)
                return;
        if (http_parse_head(&head, data, head_len, &why)) {
                must(why != NULL);
                return;
        }
        check_path(http_parse_text(&head, data, head.path), head.path.len);
        check_span(&head, data, head_len, head.query);
        for (int i = 0; i < HTTP_HEADER_COUNT; i++)
                check_span(&head, data, head_len, head.value[i]);
        must(!head.seen[HTTP_TRANSFER_ENCODING]);
        must(head.has_length || head.body_len == 0);
}

static void fuzz_target(char *data, size_t len)
{
        struct http_span path;
        struct http_span query;
        const char *why = NULL;
        char value[64];

        if (http_target_parse(&path, &query, data, len, 0, &why)) {
                must(why != NULL);
                return;
        }
        check_path(data, path.len);
        if (query.len == 0)
                return;
        must(strlen(data + query.at) == query.len);
        if (http_target_query(data + query.at, "symbol", value, sizeof(value)))
                must(strlen(value) < sizeof(value));
}

static void fuzz_query(const char *query)
{
        const char *why = NULL;
        char value[16] = "";

        if (http_target_query(query, "a", value, sizeof(value)))
                must(memchr(value, '\0', sizeof(value)) != NULL);
        if (http_target_query_check(query, &why))
                must(why != NULL);
}

static void fuzz_small(char *data, size_t len)
{
        uint64_t value = 0;
        size_t host_len = 0;

        if (http_parse_length(&value, data, len) == E_OK)
                must(len <= 18 && value < UINT64_C(1000000000000000000));
        (void)http_parse_request_id_fits(data, len);
        if (http_target_host(data, len, &host_len) == E_OK) {
                must(host_len > 0 && host_len <= len);
                for (size_t i = 0; i < host_len; i++)
                        must(data[i] > ' ' && !(data[i] >= 'A' && data[i] <= 'Z'));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char *copy;

        if (len == 0)
                return 0;
        copy = malloc(len); /* the input and one byte for a NUL */
        must(copy != NULL);
        memcpy(copy, data + 1, len - 1);
        copy[len - 1] = '\0';
        switch (data[0]) {
        case 't': fuzz_target(copy, len - 1); break;
        case 'q': fuzz_query(copy); break;
        case 's': fuzz_small(copy, len - 1); break;
        default: fuzz_head(copy, len - 1); break;
        }
        free(copy);
        return 0;
}
