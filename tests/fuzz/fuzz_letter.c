/* Letters from anywhere: read whole or refused, and what was read is written as the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "journal/letter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Flags and names have one way of being written; a name by cloid says 1. */
static void check_again(const struct letter *read, size_t len)
{
        struct venue_cancel name[VENUE_CANCELS_MAX];
        struct letter again = *read;
        struct buf out;

        for (unsigned i = 0; i < read->n_names; i++)
                name[i] = letter_name(read, i);
        again.name = name;
        buf_init(&out, len + 1024);
        letter_put(&out, &again);
        must(buf_check(&out) == E_OK);
        struct letter third;
        const uint8_t *p = out.data;
        size_t left = out.len;
        must(letter_read(&third, &p, &left) == E_OK && left == 0);
        must(third.len == read->len && third.n_names == read->n_names);
        must(!third.len || memcmp(third.bytes, read->bytes, third.len) == 0);
        must(third.kind == read->kind && third.amount.v == read->amount.v);
        must(strcmp(third.text, read->text) == 0);
        buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        const uint8_t *p = data;
        size_t left = len;
        struct letter letter;

        while (letter_read(&letter, &p, &left) == E_OK)
                check_again(&letter, len);
        return 0;
}
