#include "api/order_watch.h"

#include <stdlib.h>
#include <string.h>

#include "api/order_watch_impl.h"
#include "base/mem.h"

/* --- the orders --- */

struct order_watch *order_watch_new(void)
{
        struct order_watch *w = xcalloc(1, sizeof *w);

        w->by_oid = map_new();
        w->by_cloid = map_new();
        list_init(&w->open);
        list_init(&w->over);
        return w;
}

static void free_entry(void *value)
{
        struct order_watch_entry *e = value;

        free(e->name);
        free(e);
}

void order_watch_free(struct order_watch *w)
{
        if (!w)
                return;
        map_free(w->by_cloid, NULL);
        map_free(w->by_oid, free_entry);
        free(w->change);
        free(w->question);
        free(w);
}

struct order_watch_entry *order_watch_find(const struct order_watch *w, uint64_t oid)
{
        return map_get(w->by_oid, &oid, sizeof oid);
}

struct order_watch_entry *order_watch_find_cloid(const struct order_watch *w,
                                                 const struct cloid *cloid)
{
        return map_get(w->by_cloid, cloid, sizeof *cloid);
}

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static void forget_oldest(struct order_watch *w)
{
        struct order_watch_entry *e = list_entry(w->over.next, struct order_watch_entry, link);
        uint64_t oid = e->life.oid;

        if (oid > w->forgotten_oid)
                w->forgotten_oid = oid;
        w->forgotten_at = later(w->forgotten_at, e->fact_at);
        w->forgotten_wall = later(w->forgotten_wall, e->heard_at);
        w->n_unnamed -= order_watch_is_unnamed(e);
        if (e->order.has_cloid && order_watch_find_cloid(w, &e->order.cloid) == e)
                (void)map_take(w->by_cloid, &e->order.cloid, sizeof e->order.cloid);
        list_remove(&e->link);
        w->n_over--;
        must(map_take(w->by_oid, &oid, sizeof oid) == e);
        free_entry(e);
}

/* NULL: there is no room for one more. */
static struct order_watch_entry *add(struct order_watch *w, uint64_t oid, int64_t now)
{
        struct order_watch_entry *e;

        if (w->n_open == ORDER_WATCH_OPEN) {
                w->is_lost = true;
                return NULL;
        }
        e = xcalloc(1, sizeof *e);
        e->known_at = now;
        e->life.oid = oid;
        list_push_back(&w->open, &e->link);
        w->n_open++;
        map_put(w->by_oid, &oid, sizeof oid, e);
        return e;
}

/* --- changes --- */

static struct qty left_of(const struct order_watch_entry *e)
{
        /* A leg's size follows its parent's fills or its position: it may grow. */
        if (e->life.is_trigger)
                return e->order.size;
        return (struct qty){e->order.original_size.v - order_life_filled(&e->life).v};
}

static void move_to_over(struct order_watch *w, struct order_watch_entry *e)
{
        e->is_over = true;
        list_remove(&e->link);
        w->n_open--;
        list_push_back(&w->over, &e->link);
        if (w->n_over++ == ORDER_WATCH_OVER)
                forget_oldest(w);
}

void order_watch_settle(struct order_watch *w, struct order_watch_entry *e, int64_t now)
{
        bool is_over = e->is_lost || order_life_is_over(order_life_state(&e->life));
        const char *word = e->is_lost ? "unknown" : order_life_word(&e->life);
        struct qty filled = order_life_filled(&e->life), left = left_of(e);
        int64_t fact_at = order_life_fact(&e->life)->at;
        bool is_quiet;

        if (e->is_told && strcmp(e->word, word) == 0 && e->filled.v == filled.v &&
            e->left.v == left.v)
                return;
        /* It was over before anybody watched. */
        is_quiet = !e->is_told && is_over && fact_at > 0 && fact_at <= w->base_at;
        e->status_at = fact_at > 0 ? fact_at : now;
        e->is_told = true;
        e->word = word;
        e->filled = filled;
        e->left = left;
        if (is_over && !e->is_over)
                move_to_over(w, e);
        if (!is_quiet)
                order_watch_put_change(w, e);
}

/* --- names --- */

static void set_name(struct order_watch *w, struct order_watch_entry *e, const char *name)
{
        w->n_unnamed -= order_watch_is_unnamed(e);
        e->has_name = true;
        e->name = name && name[0] && !e->name ? xstrdup(name) : e->name;
}

static void note_name(struct order_watch *w, struct order_watch_entry *e,
                      const struct venue_open_order *told)
{
        struct order_watch_entry *other;

        if (e->order.has_cloid || !told->has_cloid)
                return;
        e->order.has_cloid = true;
        e->order.cloid = told->cloid;
        w->n_unnamed++;
        other = map_put(w->by_cloid, &told->cloid, sizeof told->cloid, e);
        /* Two numbers under one name: the newer one carries it. */
        if (other && !other->has_name)
                set_name(w, other, NULL);
}

static size_t unnamed_in(const struct list *list, struct cloid *out, size_t max)
{
        size_t n = 0;

        list_each (it, list) {
                struct order_watch_entry *e = list_entry(it, struct order_watch_entry, link);
                if (n == max)
                        break;
                if (!order_watch_is_unnamed(e) || e->is_name_asked)
                        continue;
                e->is_name_asked = true;
                out[n++] = e->order.cloid;
        }
        return n;
}

size_t order_watch_unnamed(struct order_watch *w, struct cloid *out, size_t max)
{
        size_t n;

        if (!w->n_unnamed)
                return 0;
        n = unnamed_in(&w->over, out, max);
        return n + unnamed_in(&w->open, out + n, max - n);
}

bool order_watch_wants_names(const struct order_watch *w)
{
        return w->n_unnamed > 0;
}

void order_watch_name(struct order_watch *w, const struct cloid *cloid, const char *name)
{
        struct order_watch_entry *e = order_watch_find_cloid(w, cloid);

        if (e && order_watch_is_unnamed(e))
                set_name(w, e, name);
}

/* --- words --- */

/* Of an order that was over before the watch, or that was forgotten since it is. */
static bool is_past(const struct order_watch *w, const struct venue_order_status *status)
{
        if (status->order.oid <= w->forgotten_oid && status->status_at <= w->forgotten_at)
                return true;
        return w->is_begun && status->status_at > 0 && status->status_at <= w->base_at;
}

/* What stays as it is, unless an older word tells it. */
static void take_order(struct order_watch *w, struct order_watch_entry *e,
                       const struct venue_open_order *told, bool is_newest)
{
        struct venue_open_order had = e->order;

        note_name(w, e, told);
        if (had.oid && !is_newest)
                return;
        had = e->order;
        e->order = *told;
        e->order.has_cloid = had.has_cloid;
        e->order.cloid = had.cloid;
        if (had.oid && !told->is_trigger) {
                e->order.trigger = had.trigger;
                e->order.trigger_is_market = had.trigger_is_market;
                if (!told->trigger_price.v)
                        e->order.trigger_price = had.trigger_price;
        }
        e->order.is_trigger |= had.is_trigger;
        if (had.placed_at && !told->placed_at)
                e->order.placed_at = had.placed_at;
}

static void hear(struct order_watch *w, struct order_watch_entry *e,
                 const struct venue_order_status *status, bool is_newest, int64_t now)
{
        take_order(w, e, &status->order, is_newest);
        order_life_take(&e->life, status);
        e->order.is_trigger |= e->life.is_trigger;
        e->fact_at = later(e->fact_at, status->status_at);
        e->heard_at = later(e->heard_at, now);
        order_watch_settle(w, e, now);
}

void order_watch_status(struct order_watch *w, const struct venue_order_status *status, int64_t now)
{
        struct order_watch_entry *e = order_watch_find(w, status->order.oid);

        if (!status->found || !status->order.oid)
                return;
        if (!e && is_past(w, status))
                return;
        if (!e)
                e = add(w, status->order.oid, now);
        if (e)
                hear(w, e, status, status->status_at >= e->fact_at, now);
}

void order_watch_answer(struct order_watch *w, const struct venue_open_order *order,
                        const struct venue_item *item, int64_t now)
{
        struct order_watch_entry *e;

        if (!item->oid) {
                /* Of a leg that waits, and of what was refused, no number is told. */
                if (order->has_cloid)
                        order_watch_ask(w, 0, &order->cloid, now);
                return;
        }
        e = order_watch_find(w, item->oid);
        if (!e && item->oid <= w->forgotten_oid)
                return; /* it is over, as was told before its answer came */
        if (!e)
                e = add(w, item->oid, now);
        if (!e)
                return;
        take_order(w, e, order, false);
        e->order.oid = item->oid;
        e->life.is_immediate |= order->tif[0] == 'I' || order->tif[0] == 'F';
        e->life.is_trigger |= order->is_trigger;
        if (!e->life.size.v)
                e->life.size = order->original_size;
        order_life_take_item(&e->life, item);
        order_watch_settle(w, e, now);
}

void order_watch_cancelled(struct order_watch *w, uint64_t oid, const struct cloid *cloid,
                           int64_t now)
{
        struct order_watch_entry *e =
                oid ? order_watch_find(w, oid) : order_watch_find_cloid(w, cloid);
        struct venue_item item = {.status = ITEM_CANCELLED};

        if (!e) {
                order_watch_ask(w, oid, cloid, now);
                return;
        }
        item.oid = e->life.oid;
        order_life_take_item(&e->life, &item);
        e->heard_at = later(e->heard_at, now);
        order_watch_settle(w, e, now);
        /* How much of it was filled by then nobody said. */
        if (e->life.end.at == 0)
                order_watch_add_question(w, item.oid, NULL, false, now);
}

/* --- lists --- */

static bool is_stale(struct order_watch *w, const char *dex, int64_t asked_at)
{
        unsigned i = 0;

        while (i < w->n_lists && strcmp(w->list[i].dex, dex) != 0)
                i++;
        if (i == ORDER_WATCH_DEXES)
                return false;
        if (i == w->n_lists) {
                must(text_copy(w->list[i].dex, sizeof w->list[i].dex, dex));
                w->list[i].asked_at = 0;
                w->n_lists++;
        }
        if (asked_at < w->list[i].asked_at)
                return true;
        w->list[i].asked_at = asked_at;
        return false;
}

static void take_row(struct order_watch *w, const struct venue_open_order *order, int64_t asked_at)
{
        struct order_watch_entry *e = order_watch_find(w, order->oid);
        struct venue_order_status status = {.found = true, .status_at = order->placed_at};

        if (!e && order->oid <= w->forgotten_oid && asked_at <= w->forgotten_wall)
                return;
        if (!e)
                e = add(w, order->oid, asked_at);
        if (!e)
                return;
        e->listed = w->list_number;
        if (e->is_over)
                return; /* it was asked for before that */
        status.order = *order;
        /* A list has no word for it: it was a trigger, and is none any more. */
        must(text_copy(status.status, sizeof status.status,
                       e->life.is_trigger && !order->is_trigger ? "triggered" : "open"));
        hear(w, e, &status, asked_at >= e->heard_at, asked_at);
}

static bool is_on(const struct order_watch_entry *e, const char *dex)
{
        size_t len = strcspn(e->order.symbol, ":"), n = strlen(dex);

        if (!e->order.symbol[len])
                return n == 0;
        return len == n && memcmp(e->order.symbol, dex, n) == 0;
}

void order_watch_list(struct order_watch *w, const char *dex, int64_t asked_at,
                      const struct venue_open_order *orders, size_t n, int64_t now)
{
        if (is_stale(w, dex, asked_at))
                return;
        w->list_number++;
        for (size_t i = 0; i < n; i++)
                if (orders[i].oid)
                        take_row(w, &orders[i], asked_at);
        list_each (it, &w->open) {
                struct order_watch_entry *e = list_entry(it, struct order_watch_entry, link);
                if (e->listed != w->list_number && e->known_at < asked_at && is_on(e, dex))
                        order_watch_add_question(w, e->life.oid, NULL, true, now);
        }
}
