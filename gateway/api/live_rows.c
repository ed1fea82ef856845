#include "api/live_rows.h"

#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"
#include "api/positions.h"
#include "base/mem.h"

#define ROW_MAX 65536

void live_rows_init(struct live_rows *rows, struct live_view *owner, struct map *held)
{
        *rows = (struct live_rows){.owner = owner, .held = held};
        buf_init(&rows->tail, LIVE_BODY_MAX);
}

/* --- who is in a symbol --- */

static void enter(struct live_rows *rows, struct live_row *row)
{
        size_t len = strlen(row->symbol);
        struct live_held *held = map_get(rows->held, row->symbol, len);

        if (!held) {
                held = xcalloc(1, sizeof *held);
                list_init(&held->rows);
                (void)map_put(rows->held, row->symbol, len, held);
        }
        list_push_back(&held->rows, &row->in_symbol);
}

static void leave(struct live_rows *rows, struct live_row *row)
{
        size_t len = strlen(row->symbol);
        struct live_held *held = map_get(rows->held, row->symbol, len);

        list_remove(&row->in_symbol);
        must(held != NULL);
        if (list_empty(&held->rows))
                free(map_take(rows->held, row->symbol, len));
}

struct live_view *live_rows_owner(struct list *in_symbol)
{
        return list_entry(in_symbol, struct live_row, in_symbol)->owner;
}

static void drop(struct live_rows *rows, struct live_row *row)
{
        leave(rows, row);
        free(row->text);
        free(row);
}

void live_rows_fini(struct live_rows *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                drop(rows, rows->row[i]);
        free(rows->row);
        buf_fini(&rows->tail);
}

static struct live_row *find(const struct live_rows *rows, const char *symbol)
{
        for (size_t i = 0; i < rows->n; i++)
                if (strcmp(rows->row[i]->symbol, symbol) == 0)
                        return rows->row[i];
        return NULL;
}

static struct live_row *add(struct live_rows *rows, const char *symbol, const char *dex)
{
        struct live_row *row = xcalloc(1, sizeof *row);

        row->owner = rows->owner;
        must(text_copy(row->symbol, sizeof row->symbol, symbol));
        must(text_copy(row->dex, sizeof row->dex, dex));
        if (rows->n == rows->cap) {
                rows->cap = rows->cap ? rows->cap * 2 : 8;
                rows->row = xrealloc(rows->row, rows->cap * sizeof *rows->row);
        }
        rows->row[rows->n++] = row;
        enter(rows, row);
        return row;
}

/* --- taking --- */

struct taking {
        struct live_rows *rows;
        struct buf *out;
        struct live_account *a;
        bool is_changed;
};

static void put(struct taking *t, const char *text)
{
        if (t->out->data[t->out->len - 1] != '[')
                buf_putc(t->out, ',');
        buf_puts(t->out, text);
        t->is_changed = true;
}

static void take_position(struct taking *t, const struct gather_part *part, unsigned i)
{
        struct live_account *a = t->a;
        const struct venue_position *p = &part->account.position[i];
        struct live_row *row = find(t->rows, p->symbol);
        bool is_new = !row;
        struct buf text;

        if (is_new)
                row = add(t->rows, p->symbol, part->dex);
        row->is_seen = true;
        if (row->position.p.size.v != p->p.size.v && t->rows->is_known && a->fills)
                live_fills_moved(a->fills, p->symbol, live_now(a->live));
        row->position = *p;
        buf_init(&text, ROW_MAX);
        positions_row(&text, a->live->api, a->subject.brand, &a->subject.account, part, i);
        must(buf_check(&text) == E_OK);
        if (is_new || strcmp(row->text, buf_cstr(&text)) != 0) {
                free(row->text);
                row->text = xstrdup(buf_cstr(&text));
                put(t, row->text);
        }
        buf_fini(&text);
}

/* Nothing of it is left: its figures are none. */
static void put_gone(struct taking *t, const struct live_row *row, const struct gather_part *part)
{
        const struct venue *venue = t->a->live->api->o.venue;
        const struct market *market = venue->ops->market_by_symbol(venue, row->position.symbol);
        struct buf text;

        buf_init(&text, ROW_MAX);
        out_position_gone(&text, &row->position, &part->account, market);
        put(t, buf_cstr(&text));
        buf_fini(&text);
}

static const struct gather_part *part_of(const struct gather *g, const char *dex)
{
        for (unsigned i = 0; i < g->n; i++)
                if (strcmp(g->part[i].dex, dex) == 0)
                        return &g->part[i];
        return NULL;
}

/* A dex that can't be shown now keeps its rows: "missing" says so. */
static void drop_gone(struct taking *t, const struct gather *g)
{
        struct live_rows *rows = t->rows;
        size_t kept = 0;

        for (size_t i = 0; i < rows->n; i++) {
                struct live_row *row = rows->row[i];
                const struct gather_part *part = part_of(g, row->dex);
                bool is_gone = !row->is_seen && !(part && part->err.code);

                row->is_seen = false;
                if (!is_gone) {
                        rows->row[kept++] = row;
                        continue;
                }
                put_gone(t, row, part ? part : &g->part[0]);
                if (t->a->fills)
                        live_fills_moved(t->a->fills, row->symbol, live_now(t->a->live));
                drop(rows, row);
        }
        rows->n = kept;
}

bool live_rows_take(struct live_rows *rows, struct buf *out, const struct gather *g,
                    struct live_account *account)
{
        struct taking t = {rows, out, account, !rows->is_known};
        struct buf tail;

        buf_puts(out, "{\"data\":[");
        for (unsigned k = 0; k < g->n; k++)
                for (unsigned i = 0; i < g->part[k].account.n_positions; i++)
                        take_position(&t, &g->part[k], i);
        drop_gone(&t, g);
        buf_putc(out, ']');
        buf_init(&tail, LIVE_BODY_MAX);
        gather_missing(&tail, g);
        if (tail.len != rows->tail.len || memcmp(tail.data, rows->tail.data, tail.len) != 0) {
                buf_reset(&rows->tail);
                buf_put(&rows->tail, tail.data, tail.len);
                t.is_changed = true;
        }
        buf_fini(&tail);
        rows->as_of = gather_as_of(g);
        rows->is_known = true;
        buf_putc(out, ',');
        buf_put(out, rows->tail.data, rows->tail.len);
        out_int(out, "asOf", rows->as_of);
        buf_putc(out, '}');
        return t.is_changed;
}

void live_rows_print(const struct live_rows *rows, struct buf *out)
{
        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < rows->n; i++) {
                if (i)
                        buf_putc(out, ',');
                buf_puts(out, rows->row[i]->text);
        }
        buf_puts(out, "],");
        buf_put(out, rows->tail.data, rows->tail.len);
        out_int(out, "asOf", rows->as_of);
        buf_putc(out, '}');
}
