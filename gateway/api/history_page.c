#include "api/history_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

const char *history_page_name(enum history_kind kind)
{
        switch (kind) {
        case HISTORY_FILLS: return "fills";
        case HISTORY_FUNDING: return "funding";
        case HISTORY_LEDGER: return "ledger";
        }
        never("history kind");
}

/* The venue's tid is unique together with time and coin; the oldest fills have none. */
static int fill_id(char *id, const struct venue_fill *f)
{
        uint64_t number = f->tid ? f->tid : f->oid;

        return snprintf(id, HISTORY_ID_MAX, "%020" PRIu64 "/%s", number, f->symbol);
}

void history_page_place(struct history_row *row, enum history_kind kind)
{
        char *id = row->place.id;
        int n = 0;

        switch (kind) {
        case HISTORY_FILLS:
                row->place.at = row->u.fill.at;
                n = fill_id(id, &row->u.fill);
                break;
        case HISTORY_FUNDING:
                /* Hashes of funding are all zero; a coin is charged once at a time. */
                row->place.at = row->u.payment.at;
                n = snprintf(id, HISTORY_ID_MAX, "%s", row->u.payment.symbol);
                break;
        case HISTORY_LEDGER:
                row->place.at = row->u.ledger.at;
                n = snprintf(id, HISTORY_ID_MAX, "%s/%s/%s/%s", row->u.ledger.hash,
                             row->u.ledger.type, row->u.ledger.amount, row->u.ledger.token);
                break;
        }
        must(n > 0 && n < HISTORY_ID_MAX);
}

int history_page_compare(const struct history_place *a, const struct history_place *b)
{
        if (a->at != b->at)
                return a->at > b->at ? -1 : 1;
        return strcmp(b->id, a->id);
}

static int by_place(const void *a, const void *b)
{
        const struct history_row *x = a, *y = b;

        return history_page_compare(&x->place, &y->place);
}

size_t history_page_tidy(struct history_row *rows, size_t n)
{
        size_t kept = 0;

        if (n)
                qsort(rows, n, sizeof *rows, by_place);
        for (size_t i = 0; i < n; i++) {
                if (kept && by_place(&rows[kept - 1], &rows[i]) == 0)
                        continue;
                if (kept != i)
                        rows[kept] = rows[i];
                kept++;
        }
        return kept;
}

/* Inside a cursor: the kind's first letter, the time, a colon, the id. */

void history_page_print_cursor(char out[HISTORY_CURSOR_MAX], enum history_kind kind,
                               const struct history_place *place)
{
        char text[HISTORY_ID_MAX + 32];
        int n = snprintf(text, sizeof text, "%.2s%" PRId64 ":%s", history_page_name(kind),
                         place->at, place->id);

        must(n > 0 && (size_t)n < sizeof text);
        must(sodium_bin2base64(out, HISTORY_CURSOR_MAX, (const unsigned char *)text, (size_t)n,
                               VARIANT));
}

enum errc history_page_parse_cursor(struct history_place *out, enum history_kind kind,
                                    const char *cursor)
{
        char text[HISTORY_ID_MAX + 32];
        const char *colon;
        size_t len = 0;

        if (sodium_base642bin((unsigned char *)text, sizeof text - 1, cursor, strlen(cursor), NULL,
                              &len, NULL, VARIANT) ||
            len < 4 || memcmp(text, history_page_name(kind), 2) != 0)
                return E_INVALID;
        text[len] = '\0';
        colon = strchr(text, ':');
        if (!colon || num_parse(&out->at, text + 2, (size_t)(colon - text) - 2, 0, NUM_REFUSE) ||
            out->at < 0 || out->at > INT64_C(253402300799999) ||
            !text_copy(out->id, sizeof out->id, colon + 1))
                return E_INVALID;
        /* Bytes after a NUL, or what no id holds. */
        if (strlen(text) != len)
                return E_INVALID;
        for (const char *s = out->id; *s; s++)
                if ((unsigned char)*s < 0x20 || *s == 0x7f)
                        return E_INVALID;
        return E_OK;
}
