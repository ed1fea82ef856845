/* The venue tells what is open, and remembers the latest orders of an account, some with every state
 * they went through: the latest state of each is what is shown. The journal tells what they are called. */
#include "api/order_list.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/gather.h"
#include "api/order_page.h"
#include "api/out.h"
#include "api/schema.h"
#include "api/tables.h"
#include "base/mem.h"
#include "plan/order_life.h"

#define BODY_MAX      (4u << 20)
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

enum wanted { OPEN, FILLED, CANCELLED, REJECTED, ALL };
static const char *const words[] = {"open", "filled", "cancelled", "rejected", "all", NULL};

struct list_request {
        int status;
        unsigned limit;
        bool has_limit, has_cursor, has_symbol;
        char cursor[ORDER_CURSOR_MAX];
        char symbol[SYMBOL_MAX];
};

#define OPTIONAL(member)                                                                           \
        .offset = offsetof(struct list_request, member),                                           \
        .present = offsetof(struct list_request, has_##member)
static const struct field fields[] = {
        {.name = "status",
         .type = FIELD_WORD,
         .offset = offsetof(struct list_request, status),
         .present = FIELD_NO_FLAG,
         .words = words},
        {.name = "limit", .type = FIELD_UINT, OPTIONAL(limit), .size = LIMIT_MAX},
        {.name = "cursor", .type = FIELD_TEXT, OPTIONAL(cursor), .size = ORDER_CURSOR_MAX},
        {.name = "symbol", .type = FIELD_TEXT, OPTIONAL(symbol), .size = SYMBOL_MAX},
};
FIELD_TABLE(order_list_table, fields);

struct listing {
        struct call *call;
        struct list_request q;
        enum order_list_kind kind;
        bool has_after;
        struct order_place after; /* the page begins behind it */
        struct venue_order_status *rows;
        size_t n;
        bool has_more;
        struct buf missing; /* a member of the answer: dexes that could not be read */
};

static void listing_free(struct listing *l)
{
        free(l->rows);
        buf_fini(&l->missing);
        free(l);
}

static void fail(struct listing *l, const struct err *err)
{
        call_fail(l->call, err);
        listing_free(l);
}

/* --- answering --- */

static void order(struct buf *body, const struct listing *l, const struct venue_order_status *row,
                  const struct store_order *known)
{
        /* Its legs have names of their own. */
        bool is_named = known->is_known && strcmp(known->role, "order") == 0;

        out_open_order(body, &row->order, order_life_word_of(row),
                       is_named ? known->client_id : NULL, row->status_at);
        if (l->kind == ORDER_LIST_OPEN)
                return;
        body->len--; /* reopen the object for the venue's own word */
        out_text(body, "venueStatus", row->status);
        buf_putc(body, '}');
}

static void names_read(void *cookie, enum errc rc, const struct store_order *known, size_t n)
{
        static const struct store_order unknown = {.is_known = false};
        struct listing *l = cookie;
        char cursor[ORDER_CURSOR_MAX];
        struct buf body;
        size_t k = 0;

        if (rc) {
                call_fail_code(l->call, rc);
                listing_free(l);
                return;
        }
        buf_init(&body, BODY_MAX);
        buf_puts(&body, "{\"data\":[");
        for (size_t i = 0; i < l->n; i++) {
                if (i)
                        buf_putc(&body, ',');
                order(&body, l, &l->rows[i],
                      l->rows[i].order.has_cloid && k < n ? &known[k++] : &unknown);
        }
        buf_puts(&body, "],\"nextCursor\":");
        if (l->has_more) {
                struct order_place last = order_page_place(&l->rows[l->n - 1]);
                order_page_print_cursor(cursor, l->kind, &last);
                buf_put_json(&body, cursor, strlen(cursor));
        } else {
                buf_puts(&body, "null");
        }
        if (l->missing.len) {
                buf_putc(&body, ',');
                buf_put(&body, l->missing.data, l->missing.len);
        }
        buf_putc(&body, '}');
        call_reply(l->call, 200, &body);
        listing_free(l);
}

/* --- one page of them --- */

static bool fits(const struct list_request *q, const struct venue_order_status *s)
{
        if (q->has_symbol && strcmp(q->symbol, s->order.symbol) != 0)
                return false;
        return q->status == OPEN || q->status == ALL ||
               strcmp(order_life_word_of(s), words[q->status]) == 0;
}

/* Leaves the page that was asked for in rows. */
static void cut(struct listing *l)
{
        size_t kept = 0, first = 0;

        l->n = order_page_tidy(l->rows, l->n);
        for (size_t i = 0; i < l->n; i++)
                if (fits(&l->q, &l->rows[i]))
                        l->rows[kept++] = l->rows[i];
        if (l->has_after)
                first = order_page_behind(l->rows, kept, &l->after);
        l->has_more = kept - first > l->q.limit;
        l->n = l->has_more ? l->q.limit : kept - first;
        memmove(l->rows, l->rows + first, l->n * sizeof *l->rows);
}

static void answer(struct listing *l)
{
        struct call *call = l->call;
        struct cloid *cloids;
        size_t n = 0;

        cut(l);
        cloids = xcalloc(l->n + 1, sizeof *cloids);
        for (size_t i = 0; i < l->n; i++)
                if (l->rows[i].order.has_cloid)
                        cloids[n++] = l->rows[i].order.cloid;
        store_order_lookup(call->api->o.store, call->brand->id, &call->account, cloids, n,
                           names_read, l);
        free(cloids);
}

static void open_read(void *cookie, const struct err *err, struct gather *g)
{
        struct listing *l = cookie;
        size_t n = 0;

        if (err->code) {
                fail(l, err);
                return;
        }
        for (unsigned i = 0; i < g->n; i++)
                n += g->part[i].n_orders;
        l->rows = xcalloc(n + 1, sizeof *l->rows);
        for (unsigned i = 0; i < g->n; i++) {
                for (size_t k = 0; k < g->part[i].n_orders; k++) {
                        const struct venue_open_order *o = &g->part[i].orders[k];

                        l->rows[l->n++] = (struct venue_order_status){.found = true,
                                                                      .status = "open",
                                                                      .status_at = o->placed_at,
                                                                      .order = *o};
                }
        }
        gather_missing(&l->missing, g);
        answer(l);
}

static void past_read(void *cookie, const struct err *err, const struct venue_order_status *orders,
                      size_t n)
{
        struct listing *l = cookie;

        if (err->code) {
                fail(l, err);
                return;
        }
        l->rows = xcalloc(n + 1, sizeof *l->rows);
        l->n = n;
        if (n)
                memcpy(l->rows, orders, n * sizeof *orders);
        answer(l);
}

/* --- the request --- */

static enum errc read_query(struct listing *l, struct err *err)
{
        enum errc rc = call_query(l->call, &l->q, fields, sizeof fields / sizeof *fields, err);

        if (rc)
                return rc;
        if (!l->q.has_limit)
                l->q.limit = LIMIT_DEFAULT;
        l->kind = l->q.status == OPEN ? ORDER_LIST_OPEN : ORDER_LIST_PAST;
        l->has_after = l->q.has_cursor;
        if (l->has_after && order_page_parse_cursor(&l->after, l->kind, l->q.cursor))
                return err_field(err, E_INVALID, "cursor", "is not a nextCursor of this list");
        return E_OK;
}

void order_list_answer(struct call *call)
{
        struct listing *l = xcalloc(1, sizeof *l);
        struct venue *venue = call->api->o.venue;
        struct err err = {.code = E_OK};
        char dex[DEX_NAME_MAX];

        l->call = call;
        l->q.status = OPEN;
        buf_init(&l->missing, 65536);
        if (read_query(l, &err)) {
                fail(l, &err);
                return;
        }
        gather_dex_of(dex, venue, l->q.symbol);
        if (l->kind == ORDER_LIST_OPEN)
                gather_read(call->api, &call->account, l->q.has_symbol ? dex : NULL, true,
                            open_read, l);
        else
                venue->ops->read_past_orders(venue, &call->account, past_read, l);
}
