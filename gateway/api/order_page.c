#include "api/order_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "plan/order_life.h"

#define VARIANT  sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define TEXT_MAX 48 /* a letter, two numbers, a colon */

static const char letters[] = {[ORDER_LIST_OPEN] = 'o', [ORDER_LIST_PAST] = 'p'};

void order_page_print_cursor(char out[ORDER_CURSOR_MAX], enum order_list_kind kind,
                             const struct order_place *place)
{
        char text[TEXT_MAX];
        int n = snprintf(text, sizeof text, "%c%" PRId64 ":%" PRIu64, letters[kind], place->at,
                         place->oid);

        must(n > 0 && (size_t)n < sizeof text);
        must(sodium_bin2base64(out, ORDER_CURSOR_MAX, (const unsigned char *)text, (size_t)n,
                               VARIANT));
}

enum errc order_page_parse_cursor(struct order_place *out, enum order_list_kind kind,
                                  const char *cursor)
{
        char text[TEXT_MAX];
        const char *colon;
        size_t len = 0;
        int64_t oid;

        if (sodium_base642bin((unsigned char *)text, sizeof text - 1, cursor, strlen(cursor), NULL,
                              &len, NULL, VARIANT) ||
            len < 4 || text[0] != letters[kind])
                return E_INVALID;
        text[len] = '\0';
        colon = memchr(text, ':', len);
        if (!colon || num_parse(&out->at, text + 1, (size_t)(colon - text) - 1, 0, NUM_REFUSE) ||
            num_parse(&oid, colon + 1, len - (size_t)(colon - text) - 1, 0, NUM_REFUSE) ||
            out->at < 0 || oid < 0)
                return E_INVALID;
        out->oid = (uint64_t)oid;
        return E_OK;
}

struct order_place order_page_place(const struct venue_order_status *row)
{
        return (struct order_place){row->status_at, row->order.oid};
}

/* < 0: a is shown before b. */
static int compare(const struct order_place *a, const struct order_place *b)
{
        if (a->at != b->at)
                return a->at > b->at ? -1 : 1;
        return (a->oid < b->oid) - (a->oid > b->oid);
}

static int by_order(const void *a, const void *b)
{
        const struct venue_order_status *x = a, *y = b;

        return (x->order.oid > y->order.oid) - (x->order.oid < y->order.oid);
}

static int by_place(const void *a, const void *b)
{
        struct order_place x = order_page_place(a), y = order_page_place(b);

        return compare(&x, &y);
}

size_t order_page_tidy(struct venue_order_status *rows, size_t n)
{
        size_t kept = 0;

        if (n == 0)
                return 0;
        qsort(rows, n, sizeof *rows, by_order);
        for (size_t i = 0, of_one; i < n; i += of_one) {
                of_one = 1;
                while (i + of_one < n && rows[i + of_one].order.oid == rows[i].order.oid)
                        of_one++;
                rows[kept++] = rows[i + order_life_merge(&rows[i], of_one)];
        }
        qsort(rows, kept, sizeof *rows, by_place);
        return kept;
}

size_t order_page_behind(const struct venue_order_status *rows, size_t n,
                         const struct order_place *place)
{
        size_t i = 0;

        while (i < n) {
                struct order_place at = order_page_place(&rows[i]);
                if (compare(place, &at) < 0)
                        break;
                i++;
        }
        return i;
}
