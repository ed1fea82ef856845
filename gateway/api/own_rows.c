#include "api/own_rows.h"

#include <stdlib.h>
#include <string.h>

#include "api/own_impl.h"
#include "api/out.h"
#include "api/positions.h"
#include "base/mem.h"

#define ROW_MAX 65536

void own_rows_init(struct own_rows *rows, struct own_view *owner, struct map *held)
{
        *rows = (struct own_rows){.owner = owner, .held = held};
        buf_init(&rows->tail, OWN_BODY_MAX);
}

/* --- who is in a symbol --- */

static void enter(struct own_rows *rows, struct own_row *row)
{
        size_t len = strlen(row->symbol);
        struct own_held *held = map_get(rows->held, row->symbol, len);

        if (!held) {
                held = xcalloc(1, sizeof *held);
                list_init(&held->rows);
                (void)map_put(rows->held, row->symbol, len, held);
        }
        list_push_back(&held->rows, &row->in_symbol);
}

static void leave(struct own_rows *rows, struct own_row *row)
{
        size_t len = strlen(row->symbol);
        struct own_held *held = map_get(rows->held, row->symbol, len);

        list_remove(&row->in_symbol);
        must(held != NULL);
        if (list_empty(&held->rows))
                free(map_take(rows->held, row->symbol, len));
}

struct own_view *own_rows_owner(struct list *in_symbol)
{
        return list_entry(in_symbol, struct own_row, in_symbol)->owner;
}

static void drop(struct own_rows *rows, struct own_row *row)
{
        leave(rows, row);
        free(row->text);
        free(row);
}

void own_rows_fini(struct own_rows *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                drop(rows, rows->row[i]);
        free(rows->row);
        buf_fini(&rows->tail);
}

static struct own_row *find(const struct own_rows *rows, const char *symbol)
{
        for (size_t i = 0; i < rows->n; i++)
                if (strcmp(rows->row[i]->symbol, symbol) == 0)
                        return rows->row[i];
        return NULL;
}

static struct own_row *add(struct own_rows *rows, const char *symbol, const char *dex)
{
        struct own_row *row = xcalloc(1, sizeof *row);

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
        struct own_rows *rows;
        struct buf *out;
        struct own_account *a;
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
        struct own_account *a = t->a;
        const struct venue_position *p = &part->account.position[i];
        struct own_row *row = find(t->rows, p->symbol);
        struct buf text;

        if (!row)
                row = add(t->rows, p->symbol, part->dex);
        row->is_seen = true;
        if (row->position.p.size.v != p->p.size.v && t->rows->is_known && a->fills)
                own_fills_moved(a->fills, p->symbol, own_now(a->own));
        row->position = *p;
        if (!a->channel[OWN_POSITIONS])
                return;
        buf_init(&text, ROW_MAX);
        positions_row(&text, a->own->api, a->subject.brand, &a->subject.account, part, i);
        must(buf_check(&text) == E_OK);
        if (!row->text || strcmp(row->text, buf_cstr(&text)) != 0) {
                free(row->text);
                row->text = xstrdup(buf_cstr(&text));
                put(t, row->text);
        }
        buf_fini(&text);
}

/* Nothing of it is left: its figures are none. */
static void put_gone(struct taking *t, const struct own_row *row, const struct gather_part *part)
{
        const struct venue *venue = t->a->own->api->o.venue;
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
        struct own_rows *rows = t->rows;
        size_t kept = 0;

        for (size_t i = 0; i < rows->n; i++) {
                struct own_row *row = rows->row[i];
                const struct gather_part *part = part_of(g, row->dex);
                bool is_gone = !row->is_seen && !(part && part->err.code);

                row->is_seen = false;
                if (!is_gone) {
                        rows->row[kept++] = row;
                        continue;
                }
                put_gone(t, row, part ? part : &g->part[0]);
                if (t->a->fills)
                        own_fills_moved(t->a->fills, row->symbol, own_now(t->a->own));
                drop(rows, row);
        }
        rows->n = kept;
}

bool own_rows_take(struct own_rows *rows, struct buf *out, const struct gather *g,
                   struct own_account *account)
{
        struct taking t = {rows, out, account, !rows->is_known};
        struct buf tail;

        buf_puts(out, "{\"data\":[");
        for (unsigned k = 0; k < g->n; k++)
                for (unsigned i = 0; i < g->part[k].account.n_positions; i++)
                        take_position(&t, &g->part[k], i);
        drop_gone(&t, g);
        buf_putc(out, ']');
        buf_init(&tail, OWN_BODY_MAX);
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

void own_rows_print(const struct own_rows *rows, struct buf *out)
{
        bool is_first = true;

        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < rows->n; i++) {
                /* Its dex could not be shown since somebody listens; "missing" says so. */
                if (!rows->row[i]->text)
                        continue;
                if (!is_first)
                        buf_putc(out, ',');
                is_first = false;
                buf_puts(out, rows->row[i]->text);
        }
        buf_puts(out, "],");
        buf_put(out, rows->tail.data, rows->tail.len);
        out_int(out, "asOf", rows->as_of);
        buf_putc(out, '}');
}
