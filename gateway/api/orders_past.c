/* The venue remembers the latest orders of an account, some with every state they went through: the
 * latest state of each is what is shown. */
#include "api/orders_past.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/order_status.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"

#define BODY_MAX      (4u << 20)
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

enum wanted { OPEN, FILLED, CANCELLED, REJECTED, ALL };
static const char *const words[] = {"open", "filled", "cancelled", "rejected", "all", NULL};

struct past_request {
        int status;
        unsigned limit;
        bool has_limit, has_symbol;
        char symbol[SYMBOL_MAX];
};

static const struct field fields[] = {
        {.name = "status",
         .type = FIELD_WORD,
         .offset = offsetof(struct past_request, status),
         .present = FIELD_NO_FLAG,
         .words = words},
        {.name = "limit",
         .type = FIELD_UINT,
         .offset = offsetof(struct past_request, limit),
         .present = offsetof(struct past_request, has_limit),
         .size = LIMIT_MAX},
        {.name = "symbol",
         .type = FIELD_TEXT,
         .offset = offsetof(struct past_request, symbol),
         .present = offsetof(struct past_request, has_symbol),
         .size = SYMBOL_MAX},
};
FIELD_TABLE(orders_past_table, fields);

struct past {
        struct call *call;
        struct past_request q;
};

static bool fits(const struct past_request *q, const struct venue_order_status *s)
{
        if (q->has_symbol && strcmp(q->symbol, s->order.symbol) != 0)
                return false;
        return q->status == ALL || strcmp(order_status_word(s), words[q->status]) == 0;
}

/* By order, its latest state first. */
static int by_order(const void *a, const void *b)
{
        const struct venue_order_status *x = a, *y = b;

        if (x->order.oid != y->order.oid)
                return x->order.oid < y->order.oid ? -1 : 1;
        return (x->status_at < y->status_at) - (x->status_at > y->status_at);
}

static int by_time(const void *a, const void *b)
{
        const struct venue_order_status *x = a, *y = b;

        if (x->status_at != y->status_at)
                return x->status_at > y->status_at ? -1 : 1;
        return (x->order.oid < y->order.oid) - (x->order.oid > y->order.oid);
}

/* Leaves what was asked for in rows, newest first; how many there are. */
static size_t pick(const struct past_request *q, struct venue_order_status *rows, size_t n)
{
        size_t kept = 0;
        uint64_t before = 0;

        qsort(rows, n, sizeof *rows, by_order);
        for (size_t i = 0; i < n; i++) {
                bool is_older_state = i && rows[i].order.oid == before;
                before = rows[i].order.oid;
                if (!is_older_state && fits(q, &rows[i]))
                        rows[kept++] = rows[i];
        }
        qsort(rows, kept, sizeof *rows, by_time);
        return kept < q->limit ? kept : q->limit;
}

static void past_read(void *cookie, const struct err *err, const struct venue_order_status *orders,
                      size_t n)
{
        struct past *past = cookie;
        struct venue_order_status *rows;
        struct buf body;

        if (err->code) {
                call_fail(past->call, err);
                free(past);
                return;
        }
        rows = xcalloc(n + 1, sizeof *rows);
        if (n)
                memcpy(rows, orders, n * sizeof *rows);
        n = pick(&past->q, rows, n);
        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < n; i++) {
                if (i)
                        buf_putc(&body, ',');
                out_open_order(&body, &rows[i].order, order_status_word(&rows[i]), NULL,
                               rows[i].status_at);
                body.len--; /* reopen the object for the venue's own word */
                out_text(&body, "venueStatus", rows[i].status);
                buf_putc(&body, '}');
        }
        buf_puts(&body, "]}");
        call_reply(past->call, 200, &body);
        free(rows);
        free(past);
}

bool orders_past_take(struct call *call)
{
        struct past *past = xcalloc(1, sizeof *past);
        struct venue *venue = call->api->o.venue;
        struct err err = {.code = E_OK};

        past->call = call;
        past->q.status = OPEN;
        past->q.limit = LIMIT_DEFAULT;
        if (call_query(call, &past->q, fields, sizeof fields / sizeof *fields, &err) == E_OK &&
            past->q.status == OPEN && past->q.has_limit)
                (void)err_field(&err, E_INVALID, "limit", "goes with a status other than open");
        if (!err.code && past->q.status != OPEN) {
                venue->ops->read_past_orders(venue, &call->account, past_read, past);
                return true;
        }
        if (err.code)
                call_fail(call, &err);
        free(past);
        return err.code != E_OK;
}
