/* A file of addresses: what is read is in order, and printed and read again it is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "brand/block_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct addr *parse(const void *text, size_t len, size_t *n, unsigned *n_problems)
{
        struct buf problems;

        buf_init(&problems, 1u << 20);
        struct problem_sink sink = {.file = "list", .out = &problems};
        struct addr *list = block_list_parse(&sink, text, len, n);
        *n_problems = sink.n;
        buf_fini(&problems);
        return list;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        size_t n = 0, again = 0;
        unsigned n_problems = 0;
        struct addr *list = parse(data, len, &n, &n_problems);
        struct buf printed;

        if ((list == NULL) != (n == 0) || n > BLOCK_LIST_MAX)
                abort();
        buf_init(&printed, BLOCK_LIST_BYTES_MAX);
        for (size_t i = 0; i < n; i++) {
                char text[ADDR_STR_MAX];
                if (i > 0 && memcmp(&list[i - 1], &list[i], sizeof *list) > 0)
                        abort();
                buf_puts(&printed, hex_print_addr(text, &list[i]));
                buf_putc(&printed, '\n');
        }
        struct addr *same = parse(printed.data, printed.len, &again, &n_problems);
        if (again != n || n_problems > 0 || (n && memcmp(same, list, n * sizeof *list) != 0))
                abort();
        free(same);
        free(list);
        buf_fini(&printed);
        return 0;
}
