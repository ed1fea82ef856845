/* The small texts of requests: queries, cursors, Accept, networks, signature headers. The first byte
 * says which. What is accepted must come back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/csv.h"
#include "api/history_page.h"
#include "api/query.h"
#include "auth/api_sign.h"
#include "auth/ip_net.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct request {
        char symbol[32];
        unsigned limit;
        int64_t start;
};

static void try_query(const char *text)
{
        static const struct field fields[] = {
                {.name = "symbol",
                 .type = FIELD_TEXT,
                 .offset = offsetof(struct request, symbol),
                 .present = FIELD_NO_FLAG,
                 .size = 32},
                {.name = "limit",
                 .type = FIELD_UINT,
                 .offset = offsetof(struct request, limit),
                 .present = FIELD_NO_FLAG,
                 .size = 1000},
                {.name = "start",
                 .type = FIELD_TIME,
                 .offset = offsetof(struct request, start),
                 .present = FIELD_NO_FLAG},
        };
        struct request r = {.limit = 1};
        struct err err = {0};

        if (query_read(&r, text, fields, 3, &err) == E_OK)
                must(r.limit >= 1 && r.limit <= 1000 && r.start >= 0);
}

static void try_cursor(const char *text)
{
        char again[HISTORY_CURSOR_MAX];
        struct history_place place, back;

        if (history_page_parse_cursor(&place, HISTORY_LEDGER, text))
                return;
        history_page_print_cursor(again, HISTORY_LEDGER, &place);
        must(history_page_parse_cursor(&back, HISTORY_LEDGER, again) == E_OK);
        must(history_page_compare(&place, &back) == 0);
}

static void try_network(const char *text)
{
        char again[IP_NET_STR_MAX];
        struct ip_net net, back;

        if (ip_net_parse(&net, text))
                return;
        must(ip_net_parse(&back, ip_net_print(again, &net)) == E_OK);
        must(memcmp(net.b, back.b, sizeof net.b) == 0 && net.bits == back.bits);
}

static void try_headers(const char *text)
{
        const struct api_sign_headers a = {text, "1700000000000", "", ""};
        const struct api_sign_headers b = {"00112233445566778899aabbccddeeff", text, text, text};
        struct api_sign sign;
        uint8_t key[32];

        (void)!api_sign_read(&sign, &a, INT64_C(1700000000000), NULL);
        (void)!api_sign_read(&sign, &b, INT64_C(1700000000000), NULL);
        (void)!api_sign_public_key(key, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text;

        if (size < 1 || size > 4096)
                return 0;
        text = xstrndup((const char *)data + 1, size - 1);
        switch (data[0] % 5) {
        case 0: try_query(text); break;
        case 1: try_cursor(text); break;
        case 2: (void)csv_wanted(text); break;
        case 3: try_network(text); break;
        case 4: try_headers(text); break;
        }
        free(text);
        return 0;
}
