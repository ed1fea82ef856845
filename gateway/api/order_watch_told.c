/* What is told: changes, oldest first, and what stands. */
#include <stdlib.h>
#include <string.h>

#include "api/order_watch_impl.h"
#include "base/mem.h"

/* --- changes --- */

/* For one more behind the last. */
static void make_room(struct order_watch *w)
{
        if (w->n_changes)
                memmove(w->change, w->change + w->first_change, w->n_changes * sizeof *w->change);
        w->first_change = 0;
        if (w->n_changes < w->cap_changes)
                return;
        w->cap_changes = w->cap_changes ? w->cap_changes * 2 : 8;
        w->change = xrealloc(w->change, w->cap_changes * sizeof *w->change);
}

void order_watch_put_change(struct order_watch *w, const struct order_watch_entry *e)
{
        struct order_watch_change *c;

        if (!w->is_begun || w->is_lost)
                return;
        if (w->n_changes == ORDER_WATCH_CHANGES) {
                w->is_lost = true;
                return;
        }
        if (w->first_change + w->n_changes == w->cap_changes)
                make_room(w);
        c = &w->change[w->first_change + w->n_changes++];
        *c = (struct order_watch_change){.word = e->word, .is_over = e->is_over};
        c->status = (struct venue_order_status){
                .found = true, .status_at = e->status_at, .order = e->order};
        c->status.order.size = e->left;
        must(text_copy(c->status.status, sizeof c->status.status, order_life_fact(&e->life)->word));
}

static struct order_watch_row row_of(const struct order_watch_entry *e)
{
        struct order_watch_row row = {.word = e->word, .name = e->name, .is_over = e->is_over};

        row.status.found = true;
        row.status.status_at = e->status_at;
        row.status.order = e->order;
        row.status.order.size = e->left;
        must(text_copy(row.status.status, sizeof row.status.status,
                       order_life_fact(&e->life)->word));
        return row;
}

bool order_watch_first_change(struct order_watch *w, struct order_watch_row *out, bool *is_named)
{
        const struct order_watch_change *c;
        const struct order_watch_entry *e;

        if (!w->n_changes)
                return false;
        c = &w->change[w->first_change];
        e = order_watch_find(w, c->status.order.oid);
        *out = (struct order_watch_row){
                .status = c->status, .word = c->word, .is_over = c->is_over};
        out->name = e ? e->name : NULL;
        *is_named = !e || !order_watch_is_unnamed(e);
        return true;
}

void order_watch_pop_change(struct order_watch *w)
{
        must(w->n_changes > 0);
        w->first_change++;
        if (--w->n_changes)
                return;
        /* Seldom more than a few at a time. */
        free(w->change);
        w->change = NULL;
        w->first_change = w->cap_changes = 0;
}

bool order_watch_is_lost(const struct order_watch *w)
{
        return w->is_lost;
}

void order_watch_begin(struct order_watch *w, int64_t at)
{
        w->base_at = at - ORDER_WATCH_CLOCKS_MS;
        w->is_begun = true;
        w->is_lost = false;
        free(w->change);
        w->change = NULL;
        w->n_changes = w->first_change = w->cap_changes = 0;
}

/* --- what stands --- */

static int by_place(const void *a, const void *b)
{
        const struct venue_open_order *x = &((const struct order_watch_row *)a)->status.order;
        const struct venue_open_order *y = &((const struct order_watch_row *)b)->status.order;

        if (x->placed_at != y->placed_at)
                return x->placed_at > y->placed_at ? -1 : 1;
        return (x->oid < y->oid) - (x->oid > y->oid);
}

size_t order_watch_open(const struct order_watch *w, struct order_watch_row *out, size_t max)
{
        struct order_watch_row *all = xcalloc(w->n_open + 1, sizeof *all);
        size_t n = 0;

        list_each (it, &w->open)
                all[n++] = row_of(list_entry(it, struct order_watch_entry, link));
        qsort(all, n, sizeof *all, by_place);
        n = n < max ? n : max;
        if (n)
                memcpy(out, all, n * sizeof *all);
        free(all);
        return n;
}

size_t order_watch_count(const struct order_watch *w)
{
        return w->n_open;
}

bool order_watch_is_in(const struct order_watch *w, const struct map *symbols)
{
        list_each (it, &w->open) {
                const char *symbol = list_entry(it, struct order_watch_entry, link)->order.symbol;
                if (map_get(symbols, symbol, strlen(symbol)))
                        return true;
        }
        return false;
}
