/* history_page: rows of an account's past, newest first, and the cursors between pages. Pure.
 * A row's place is its time and, within that, an id made of what tells it from others of its kind. A
 * cursor names the place of the last row that was shown, so that rows which arrive meanwhile, or
 * windows that are read differently, shift nothing. */
#ifndef API_HISTORY_PAGE_H
#define API_HISTORY_PAGE_H

#include "adapters/venue.h"
#include "base/buf.h"

enum history_kind { HISTORY_FILLS, HISTORY_FUNDING, HISTORY_LEDGER };

#define HISTORY_ID_MAX     208
#define HISTORY_CURSOR_MAX 400

struct history_place {
        int64_t at;
        char id[HISTORY_ID_MAX]; /* "": before every row of that time */
};
struct history_row {
        struct history_place place;
        union {
                struct venue_fill fill;
                struct venue_payment payment;
                struct venue_ledger_row ledger;
        } u;
};

/* Fills in the place from the rest. */
void history_page_place(struct history_row *row, enum history_kind kind);
/* < 0: a is shown before b; 0: they are the same row. */
int history_page_compare(const struct history_place *a, const struct history_place *b);
/* Sorts, newest first, and drops rows that are there twice; how many are left. */
size_t history_page_tidy(struct history_row *rows, size_t n);

void history_page_print_cursor(char out[HISTORY_CURSOR_MAX], enum history_kind kind,
                               const struct history_place *place);
/* E_INVALID for anything that was not printed here, for this kind. */
MUST_USE enum errc history_page_parse_cursor(struct history_place *out, enum history_kind kind,
                                             const char *cursor);

const char *history_page_name(enum history_kind kind); /* "fills", ... */
/* The row as a JSON object; as a line of CSV; the line with the names. */
void history_page_json(struct buf *out, enum history_kind kind, const struct history_row *row);
void history_page_csv(struct buf *out, enum history_kind kind, const struct history_row *row);
void history_page_csv_head(struct buf *out, enum history_kind kind);

#endif
