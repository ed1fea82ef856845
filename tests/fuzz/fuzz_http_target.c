/* The first byte chooses the parser, the rest is its input. What was accepted must keep the promises
 * that handlers rely on. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "edge/head.h"
#include "edge/http_target.h"
#include "edge/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_path(const char *path, size_t len)
{
        const char *why = NULL;

        if (http_target_path_check(path, len, &why)) {
                must(why != NULL);
                return;
        }
        must(len > 0 && path[0] == '/' && strlen(path) == len);
        must(utf8_valid(path, len));
        must(!memmem(path, len, "//", 2) && !memchr(path, '\\', len));
        must(!memmem(path, len, "/../", 4) && !memmem(path, len, "/./", 3));
        must(len < 3 || memcmp(path + len - 3, "/..", 3) != 0);
        for (size_t i = 0; i < len; i++)
                must(!http_target_is_control(path[i]));
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

/* A value comes back as it was, whatever it holds. */
static void fuzz_encode(const char *piece, size_t len)
{
        char value[4096];
        struct buf query;

        if (len >= sizeof(value))
                return;
        buf_init(&query, 2 * (3 * sizeof(value) + 4)); /* each byte may take three */
        buf_puts(&query, "a=");
        http_target_encode(&query, piece, len);
        buf_puts(&query, "&b=");
        http_target_encode(&query, piece, len);
        must(buf_check(&query) == E_OK);
        if (http_target_query(buf_cstr(&query), "b", value, sizeof(value)))
                must(strlen(value) == len && memcmp(value, piece, len) == 0);
        else
                must(!utf8_valid(piece, len) || memchr(piece, 0x7f, len) || strlen(piece) < len ||
                     strpbrk(piece, "\1\2\3\4\5\6\a\b\t\n\v\f\r\16\17\20\21\22\23\24\25\26\27\30\31"
                                    "\32\33\34\35\36\37"));
        buf_fini(&query);
}

static void fuzz_small(char *data, size_t len)
{
        uint64_t value = 0;
        size_t host_len = 0;

        if (head_parse_length(&value, data, len) == E_OK)
                must(len <= 18 && value < UINT64_C(1000000000000000000));
        (void)head_request_id_fits(data, len);
        if (http_target_host(data, len, &host_len) == E_OK) {
                must(host_len > 0 && host_len <= len);
                for (size_t i = 0; i < host_len; i++)
                        must(data[i] > ' ' && !(data[i] >= 'A' && data[i] <= 'Z'));
        }
}

static void fuzz_list(const char *list)
{
        if (head_list_has(list, "upgrade"))
                must(strlen(list) >= strlen("upgrade"));
        if (head_websocket_key_fits(list))
                must(strlen(list) == 24);
        must(head_field_find(list) <= HEAD_PUBLIC_COUNT);
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
        case 't': fuzz_path(copy, len - 1); break;
        case 'q': fuzz_query(copy); break;
        case 'e': fuzz_encode(copy, len - 1); break;
        case 's': fuzz_small(copy, len - 1); break;
        default: fuzz_list(copy); break;
        }
        free(copy);
        return 0;
}
