/* An account's past, as the venue tells it: fills, funding, ledger. One call walks back through
 * windows of time until a page is full. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/csv.h"
#include "api/handlers.h"
#include "api/history_page.h"
#include "api/history_walk.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define READS_MAX     6 /* windows read for one page */
#define BODY_MAX      (4u << 20)
#define DAY_MS        INT64_C(86400000)

struct history_query {
        unsigned limit;
        bool has_limit, has_cursor, has_start, has_end, has_symbol;
        char cursor[HISTORY_CURSOR_MAX];
        int64_t start, end;
        char symbol[SYMBOL_MAX];
};

#define OPTIONAL(member)                                                                           \
        .offset = offsetof(struct history_query, member),                                          \
        .present = offsetof(struct history_query, has_##member)
static const struct field fields[] = {
        {.name = "limit", .type = FIELD_UINT, OPTIONAL(limit), .size = LIMIT_MAX},
        {.name = "cursor", .type = FIELD_TEXT, OPTIONAL(cursor), .size = HISTORY_CURSOR_MAX},
        {.name = "start", .type = FIELD_TIME, OPTIONAL(start)},
        {.name = "end", .type = FIELD_TIME, OPTIONAL(end)},
        {.name = "symbol", .type = FIELD_TEXT, OPTIONAL(symbol), .size = SYMBOL_MAX},
};
FIELD_TABLE(history_table, fields);
#define N_FIELDS (sizeof fields / sizeof *fields)
const struct field_table history_ledger_table = {fields, N_FIELDS - 1};

struct history {
        struct call *call;
        enum history_kind kind;
        struct history_query q;
        bool has_after;
        struct history_place after; /* the page begins behind it */
        struct history_walk walk;
        unsigned reads;
        struct history_row *rows;
        size_t n, cap;
        size_t n_sure; /* rows that were there before the answer at hand */
};

static void history_free(struct history *h)
{
        free(h->rows);
        free(h);
}

static void read_next(struct history *h);

/* --- answering --- */

/* Where the next page begins; false: there is none. */
static bool next_place(const struct history *h, size_t shown, struct history_place *place)
{
        if (shown < h->n) {
                *place = h->rows[shown - 1].place;
                return true;
        }
        if (history_walk_is_done(&h->walk))
                return false;
        *place = (struct history_place){.at = h->walk.floor};
        return true;
}

static void answer_json(struct history *h, size_t shown, const char *cursor)
{
        struct buf body;

        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < shown; i++) {
                if (i)
                        buf_putc(&body, ',');
                history_page_json(&body, h->kind, &h->rows[i]);
        }
        buf_puts(&body, "],\"nextCursor\":");
        if (cursor[0])
                buf_put_json(&body, cursor, strlen(cursor));
        else
                buf_puts(&body, "null");
        buf_putc(&body, '}');
        call_reply(h->call, 200, &body);
}

static void answer_csv(struct history *h, size_t shown, const char *cursor)
{
        struct httpd_header_pair headers[3] = {{"Vary", "Accept"}};
        char name[64];
        size_t n = 1;
        struct buf body;

        buf_init(&body, BODY_MAX);
        history_page_csv_head(&body, h->kind);
        for (size_t i = 0; i < shown; i++)
                history_page_csv(&body, h->kind, &h->rows[i]);
        must(buf_check(&body) == E_OK);
        snprintf(name, sizeof name, "attachment; filename=\"%s.csv\"", history_page_name(h->kind));
        headers[n++] = (struct httpd_header_pair){"Content-Disposition", name};
        if (cursor[0])
                headers[n++] = (struct httpd_header_pair){"X-Next-Cursor", cursor};
        call_reply_raw(h->call, 200, "text/csv; charset=utf-8; header=present", body.data, body.len,
                       headers, n);
        buf_fini(&body);
}

static void answer(struct history *h)
{
        size_t shown = h->n < h->q.limit ? h->n : h->q.limit;
        char cursor[HISTORY_CURSOR_MAX] = "";
        struct history_place place;

        if (next_place(h, shown, &place))
                history_page_print_cursor(cursor, h->kind, &place);
        if (csv_wanted(h->call->accept))
                answer_csv(h, shown, cursor);
        else
                answer_json(h, shown, cursor);
        history_free(h);
}

static void fail(struct history *h, const struct err *err)
{
        call_fail(h->call, err);
        history_free(h);
}

/* --- taking what was read --- */

/* Room for one more row; add_row keeps it or not. */
static struct history_row *spare_row(struct history *h)
{
        if (h->n == h->cap) {
                h->cap = h->cap ? h->cap * 2 : 256;
                h->rows = xrealloc(h->rows, h->cap * sizeof *h->rows);
        }
        memset(&h->rows[h->n], 0, sizeof *h->rows);
        return &h->rows[h->n];
}

static void add_row(struct history *h, const char *symbol)
{
        struct history_row *row = &h->rows[h->n];

        history_page_place(row, h->kind);
        if (row->place.at < h->q.start || row->place.at >= h->q.end)
                return;
        if (h->has_after && history_page_compare(&row->place, &h->after) <= 0)
                return;
        if (h->q.has_symbol && strcmp(symbol, h->q.symbol) != 0)
                return;
        h->n++;
}

/* Rows below the floor are not part of a known stretch: they will be read again. */
static void keep_known(struct history *h)
{
        size_t kept = h->n_sure;

        for (size_t i = h->n_sure; i < h->n; i++)
                if (h->rows[i].place.at >= h->walk.floor)
                        h->rows[kept++] = h->rows[i];
        h->n = history_page_tidy(h->rows, kept);
}

static void take(struct history *h, const struct err *err, const struct venue_span *span)
{
        struct err dense = {.code = E_OK};

        if (err->code) {
                fail(h, err);
                return;
        }
        if (history_walk_take(&h->walk, span))
                keep_known(h);
        else
                h->n = h->n_sure;
        if (h->n > h->q.limit || history_walk_is_done(&h->walk)) {
                answer(h);
        } else if (h->reads < READS_MAX) {
                read_next(h);
        } else if (h->walk.floor < h->walk.end) {
                answer(h); /* a page that is not full, and a cursor that goes on */
        } else {
                (void)err_set(&dense, E_VENUE_UNAVAILABLE,
                              "The venue can't show so much at once; ask for a shorter window with "
                              "start and end.");
                fail(h, &dense);
        }
}

static void fills_read(void *cookie, const struct err *err, const struct venue_fill *fills,
                       size_t n, const struct venue_span *span)
{
        struct history *h = cookie;

        for (size_t i = 0; i < n && !err->code; i++) {
                spare_row(h)->u.fill = fills[i];
                add_row(h, fills[i].symbol);
        }
        take(h, err, span);
}

static void payments_read(void *cookie, const struct err *err, const struct venue_payment *payments,
                          size_t n, const struct venue_span *span)
{
        struct history *h = cookie;

        for (size_t i = 0; i < n && !err->code; i++) {
                spare_row(h)->u.payment = payments[i];
                add_row(h, payments[i].symbol);
        }
        take(h, err, span);
}

static void ledger_read(void *cookie, const struct err *err, const struct venue_ledger_row *rows,
                        size_t n, const struct venue_span *span)
{
        struct history *h = cookie;

        for (size_t i = 0; i < n && !err->code; i++) {
                spare_row(h)->u.ledger = rows[i];
                add_row(h, "");
        }
        take(h, err, span);
}

static void read_next(struct history *h)
{
        struct venue *venue = h->call->api->o.venue;
        const struct addr *user = &h->call->account;
        int64_t from = h->walk.from, to = h->walk.floor;

        h->reads++;
        h->n_sure = h->n;
        switch (h->kind) {
        case HISTORY_FILLS:
                venue->ops->read_past_fills(venue, user, from, to, fills_read, h);
                return;
        case HISTORY_FUNDING:
                venue->ops->read_payments(venue, user, from, to, payments_read, h);
                return;
        case HISTORY_LEDGER: venue->ops->read_ledger(venue, user, from, to, ledger_read, h); return;
        }
}

/* --- starting --- */

static enum errc read_query(struct history *h, struct err *err)
{
        struct history_query *q = &h->q;
        bool has_symbols = h->kind != HISTORY_LEDGER; /* money has no market: the last field */
        enum errc rc = call_query(h->call, q, fields, has_symbols ? N_FIELDS : N_FIELDS - 1, err);

        if (rc)
                return rc;
        if (!q->has_limit)
                q->limit = LIMIT_DEFAULT;
        /* The venue's clock may be a little ahead of ours. */
        if (!q->has_end)
                q->end = state_now(h->call->api) + DAY_MS;
        if (q->start >= q->end)
                return err_field(err, E_INVALID, "start", "must be before end");
        if (!q->has_cursor)
                return E_OK;
        if (history_page_parse_cursor(&h->after, h->kind, q->cursor))
                return err_field(err, E_INVALID, "cursor", "is not a nextCursor of this list");
        h->has_after = true;
        return E_OK;
}

static void start(struct call *call, enum history_kind kind)
{
        struct history *h = xcalloc(1, sizeof *h);
        struct err err = {.code = E_OK};
        int64_t end;

        h->call = call;
        h->kind = kind;
        if (read_query(h, &err)) {
                fail(h, &err);
                return;
        }
        end = h->q.end;
        if (h->has_after && h->after.at + 1 < end)
                end = h->after.at + 1;
        history_walk_begin(&h->walk, h->q.start, end);
        if (history_walk_is_done(&h->walk))
                answer(h); /* the cursor is from before the window */
        else
                read_next(h);
}

void history_fills(struct call *call)
{
        start(call, HISTORY_FILLS);
}

void history_funding(struct call *call)
{
        start(call, HISTORY_FUNDING);
}

void history_ledger(struct call *call)
{
        start(call, HISTORY_LEDGER);
}
