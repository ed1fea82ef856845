/* Orders as events: what is heard of them goes into order_watch, and each change of it out, in order, with
 * the names that their trader gave them. */
#include <stdlib.h>
#include <string.h>

#include "api/own_impl.h"
#include "api/order_answers.h"
#include "api/order_page.h"
#include "api/order_watch.h"
#include "api/out.h"
#include "base/mem.h"
#include "keeper/keeper.h"

#define WEIGHT_LOOKUP 2
#define WEIGHT_LIST   20
#define LOOKUPS_MAX   16  /* under way, of all accounts */
#define NAMES_MAX     256 /* asked for at a time */
#define SHOWN_MAX     1000
#define LISTS_MS      2000  /* between two readings of all lists */
#define LISTED_MS     30000 /* without any, while there is weight to spare */
#define PAST_MS       45000 /* the same of orders that may be over by then */
#define LOST_MS       60000 /* before it begins anew, having lost count */
#define TOLD_MAX      64    /* in one turn */
#define ROW_MAX       8192
#define WHOLE_MS      15000 /* until a dex that could not be read is tried again */

struct own_orders {
        struct own_account *a;
        struct handle self;
        struct order_watch *watch;
        int64_t since; /* it begins with what was asked for from then on */
        bool is_begun, is_ready, is_naming, owes_ready;
        int64_t lists_at, begins_at, cancel_all_at;
        int64_t past_at; /* when the latest orders were read, whatever became of them */
        bool is_reading_past, is_touched;
        int64_t listed_at;  /* when a list was heard last, whoever asked */
        struct buf missing; /* dexes whose orders could not be read, as a member */
        int64_t whole_at;   /* when they are read again; 0: none is missing */
};

struct own_orders *own_orders_new(struct own_account *a)
{
        struct own_orders *o = xcalloc(1, sizeof *o);

        o->a = a;
        o->self = handle_put(a->own->handles, o);
        must(o->self.generation);
        o->watch = order_watch_new();
        buf_init(&o->missing, OWN_BODY_MAX);
        o->since = own_now(a->own);
        own_view_want(a->view);
        return o;
}

void own_orders_free(struct own_orders *o)
{
        if (!o)
                return;
        (void)handle_take(o->a->own->handles, o->self);
        order_watch_free(o->watch);
        buf_fini(&o->missing);
        free(o);
}

/* --- what is heard --- */

void own_orders_gathered(struct own_orders *o, const struct gather *g, int64_t asked_at)
{
        int64_t now = own_now(o->a->own);

        buf_reset(&o->missing);
        gather_missing(&o->missing, g);
        o->whole_at = gather_is_whole(g) ? 0 : now + WHOLE_MS;
        if (o->is_begun)
                return;
        if (asked_at < o->since) {
                own_view_want(o->a->view);
                return;
        }
        for (unsigned i = 0; i < g->n; i++)
                if (!g->part[i].err.code)
                        order_watch_list(o->watch, g->part[i].dex, asked_at, g->part[i].orders,
                                         g->part[i].n_orders, now);
        order_watch_begin(o->watch, asked_at);
        o->is_begun = true;
        o->past_at = now;
        own_impl_wake(o->a);
}

void own_orders_list(struct own_orders *o, const char *dex, int64_t asked_at,
                     const struct venue_open_order *rows, size_t n, int64_t now)
{
        o->listed_at = now;
        order_watch_list(o->watch, dex, asked_at, rows, n, now);
        own_impl_wake(o->a);
}

void own_orders_status(struct own_orders *o, const struct venue_order_status *status, int64_t now)
{
        order_watch_status(o->watch, status, now);
        own_impl_wake(o->a);
}

bool own_orders_traded(struct own_orders *o, const char *symbol, enum side side, struct px price,
                       int64_t now)
{
        own_impl_wake(o->a);
        return order_watch_traded(o->watch, symbol, side, price, now);
}

void own_orders_filled(struct own_orders *o, const struct venue_fill *fill, int64_t now)
{
        order_watch_filled(o->watch, fill, now);
        own_impl_wake(o->a);
}

void own_orders_ask(struct own_orders *o, const struct cloid *cloid, int64_t now)
{
        order_watch_ask(o->watch, 0, cloid, now);
        own_impl_wake(o->a);
}

bool own_orders_is_in(const struct own_orders *o, const struct map *symbols)
{
        return order_watch_is_in(o->watch, symbols);
}

void own_orders_outcome(struct own_orders *o, const struct venue_action *action,
                        const struct venue_outcome *outcome, int64_t now)
{
        if (action->kind == VENUE_SCHEDULE_CANCEL && outcome->result != VENUE_REFUSED)
                o->cancel_all_at = action->u.cancel_all_at;
        order_answers_take(o->watch, o->a->own->api->o.venue, action, outcome, now);
        own_impl_wake(o->a);
}

/* --- names --- */

struct naming {
        struct own_asked asked;
        size_t n;
        struct cloid cloid[NAMES_MAX];
};

static void named(void *cookie, enum errc rc, const struct store_order *known, size_t n)
{
        struct naming *naming = cookie;
        struct own *own = naming->asked.own;
        struct own_orders *o = own->is_ended ? NULL : handle_get(own->handles, naming->asked.who);

        for (size_t i = 0; o && i < naming->n; i++) {
                /* Its legs have names of their own. A store that is down tells none. */
                bool is_named =
                        !rc && i < n && known[i].is_known && strcmp(known[i].role, "order") == 0;
                order_watch_name(o->watch, &naming->cloid[i], is_named ? known[i].client_id : NULL);
        }
        if (o) {
                o->is_naming = false;
                own_impl_wake(o->a);
        }
        free(naming);
}

static void ask_names(struct own_orders *o)
{
        struct own *own = o->a->own;
        const struct stream_subject *subject = &o->a->subject;
        struct naming *naming;

        if (o->is_naming || !order_watch_wants_names(o->watch))
                return;
        naming = xcalloc(1, sizeof *naming);
        naming->asked = (struct own_asked){own, o->self, own_now(own)};
        naming->n = order_watch_unnamed(o->watch, naming->cloid, NAMES_MAX);
        if (!naming->n) {
                free(naming);
                return;
        }
        o->is_naming = true;
        store_order_lookup(own->api->o.store, subject->brand, &subject->account, naming->cloid,
                           naming->n, named, naming);
}

/* --- questions --- */

struct lookup {
        struct own_asked asked;
        struct addr user;
        struct order_watch_question what;
};

static void looked_up(void *cookie, const struct err *err, const struct venue_order_status *status)
{
        struct lookup look = *(struct lookup *)cookie;
        struct own *own = look.asked.own;
        struct own_orders *o = NULL;
        int64_t now = own_now(own);

        free(cookie);
        own->n_lookups--;
        if (own->is_ended)
                return;
        o = handle_get(own->handles, look.asked.who);
        if (o)
                order_watch_answered(o->watch, &look.what, err->code ? NULL : status, now);
        if (o)
                own_impl_wake(o->a);
        /* Everybody hears of it, the one who asked too, to whom it is no news any more. */
        if (!err->code && status->found)
                mirror_order_status(keeper_mirror(own->api->o.keeper), &look.user, status, now);
}

static void look_up(struct own_orders *o, int64_t now)
{
        struct own *own = o->a->own;
        struct venue *venue = own->api->o.venue;
        struct order_watch_question what;

        while (own->n_lookups < LOOKUPS_MAX && own_impl_may_spend(own, WEIGHT_LOOKUP) &&
               order_watch_next_question(o->watch, now, &what)) {
                struct lookup *look = xmalloc(sizeof *look);

                *look = (struct lookup){{own, o->self, now}, o->a->subject.account, what};
                own->n_lookups++;
                venue->ops->lookup(venue, &look->user, what.oid ? NULL : &look->what.cloid,
                                   what.oid, looked_up, look);
        }
}

/* --- lists --- */

static void list_read(void *cookie, const struct err *err)
{
        (void)cookie;
        (void)err; /* the mirror has it, and told it; else it is wanted again by what is asked then */
}

static void read_lists(struct own_orders *o, int64_t now)
{
        struct own *own = o->a->own;
        const struct venue *venue = own->api->o.venue;
        struct venue_dex dex;

        o->lists_at = now;
        for (unsigned i = 0; i < venue->ops->dex_count(venue); i++) {
                venue->ops->dex_at(venue, i, &dex);
                if (!dex.is_gone)
                        keeper_read(own->api->o.keeper, &o->a->subject.account, dex.name,
                                    PART_ORDERS, "", list_read, NULL);
        }
}

/* --- what came and went between two lists --- */

static int by_status_time(const void *a, const void *b)
{
        const struct venue_order_status *x = a, *y = b;

        if (x->status_at != y->status_at)
                return x->status_at < y->status_at ? -1 : 1;
        return (x->order.oid > y->order.oid) - (x->order.oid < y->order.oid);
}

static void past_read(void *cookie, const struct err *err, const struct venue_order_status *rows,
                      size_t n)
{
        struct own_asked asked;
        struct own_orders *o = own_impl_answered(cookie, &asked);
        struct venue_order_status *sorted;

        if (!o)
                return;
        o->is_reading_past = false;
        if (err->code || !n)
                return;
        sorted = xcalloc(n, sizeof *sorted);
        memcpy(sorted, rows, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_status_time);
        for (size_t i = 0; i < n; i++)
                order_watch_status(o->watch, &sorted[i], own_now(o->a->own));
        free(sorted);
        own_impl_wake(o->a);
}

static void read_past(struct own_orders *o, int64_t now)
{
        struct own *own = o->a->own;
        struct venue *venue = own->api->o.venue;

        o->past_at = now;
        o->is_reading_past = true;
        venue->ops->read_past_orders(venue, &o->a->subject.account, past_read,
                                     own_impl_ask(own, o->self));
}

void own_orders_touched(struct own_orders *o)
{
        o->is_touched = true;
        o->past_at = 0;
        own_impl_wake(o->a);
}

void own_orders_mended(struct own_orders *o)
{
        o->past_at = 0;
}

/* What is placed or cancelled elsewhere, by an account that the feed does not follow, or did not for a while. */
void own_orders_long_ago(struct own_orders *o, int64_t now)
{
        if (!o->is_begun || !own_impl_is_spare(o->a->own))
                return;
        if (now - o->listed_at >= LISTED_MS && now - o->lists_at >= LISTED_MS)
                read_lists(o, now);
        if (now - o->past_at >= PAST_MS && !o->is_reading_past)
                read_past(o, now);
}

static void look_at_lists(struct own_orders *o, int64_t now)
{
        bool is_over = o->cancel_all_at && now > o->cancel_all_at + LISTS_MS / 2;
        bool is_due = is_over || o->is_touched;

        if (now - o->lists_at < LISTS_MS || !own_impl_may_spend(o->a->own, WEIGHT_LIST))
                return;
        if (!order_watch_take_wants_lists(o->watch) && !is_due)
                return;
        o->is_touched = false;
        if (is_over)
                o->cancel_all_at = 0;
        read_lists(o, now);
}

/* --- telling --- */

static void print_row(struct buf *out, const struct order_watch_row *row)
{
        out_open_order(out, &row->status.order, row->word, row->name, row->status.status_at);
        if (!row->is_over || !row->status.status[0])
                return;
        out->len--; /* reopen the object for the venue's own word */
        out_text(out, "venueStatus", row->status.status);
        buf_putc(out, '}');
}

static void tell(struct own_orders *o)
{
        struct order_watch_row row;
        bool is_named;

        for (unsigned i = 0; i < TOLD_MAX; i++) {
                struct buf data;

                if (!order_watch_first_change(o->watch, &row, &is_named) || !is_named)
                        return;
                buf_init(&data, ROW_MAX);
                print_row(&data, &row);
                order_watch_pop_change(o->watch);
                own_impl_tell(o->a, OWN_ORDERS, &data);
                buf_fini(&data);
        }
}

static bool has_changes(const struct own_orders *o)
{
        struct order_watch_row row;
        bool is_named;

        return order_watch_first_change(o->watch, &row, &is_named);
}

/* More than is kept has happened at once: what was lost is told as such, and it begins anew. */
static void begin_anew(struct own_orders *o, int64_t now)
{
        if (o->a->channel[OWN_ORDERS] && o->is_ready)
                stream_gap(o->a->channel[OWN_ORDERS], now, 0);
        o->is_begun = o->is_ready = false;
        o->begins_at = now + (now - o->since < LOST_MS ? LOST_MS : 0);
        o->since = now;
}

bool own_orders_work(struct own_orders *o, int64_t now)
{
        bool is_settled;

        if (o->begins_at && now >= o->begins_at) {
                o->begins_at = 0;
                o->since = now;
                own_view_want(o->a->view);
        }
        if (!o->is_begun)
                return o->begins_at > 0;
        if (o->whole_at && now >= o->whole_at) {
                o->whole_at = 0;
                own_view_want(o->a->view);
        }
        if (order_watch_is_lost(o->watch)) {
                begin_anew(o, now);
                return true;
        }
        ask_names(o);
        look_up(o, now);
        look_at_lists(o, now);
        tell(o);
        is_settled = !has_changes(o) && !order_watch_wants_names(o->watch);
        if (is_settled && o->a->channel[OWN_ORDERS] && (!o->is_ready || o->owes_ready)) {
                o->is_ready = true;
                o->owes_ready = false;
                stream_ready(o->a->channel[OWN_ORDERS]);
        }
        return has_changes(o) || order_watch_is_asking(o->watch) || o->cancel_all_at > 0 ||
               o->whole_at > 0 || o->is_touched;
}

static void print_cursor(struct buf *out, const struct order_watch_row *last)
{
        struct order_place place = {last->status.order.placed_at, last->status.order.oid};
        char cursor[ORDER_CURSOR_MAX];

        order_page_print_cursor(cursor, ORDER_LIST_OPEN, &place);
        buf_put_json(out, cursor, strlen(cursor));
}

void own_orders_left(struct own_orders *o)
{
        o->is_ready = o->owes_ready = false;
}

bool own_orders_snapshot(struct own_orders *o, struct buf *out)
{
        struct order_watch_row *rows;
        size_t n;

        /* What is not told yet would be in it, and come once more. */
        if (!o->is_ready || has_changes(o) || order_watch_wants_names(o->watch)) {
                o->owes_ready = true;
                return false;
        }
        rows = xcalloc(SHOWN_MAX, sizeof *rows);
        n = order_watch_open(o->watch, rows, SHOWN_MAX);
        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < n; i++) {
                if (i)
                        buf_putc(out, ',');
                print_row(out, &rows[i]);
        }
        buf_puts(out, "],\"nextCursor\":");
        if (n < order_watch_count(o->watch))
                print_cursor(out, &rows[n - 1]);
        else
                buf_puts(out, "null");
        buf_putc(out, ',');
        buf_put(out, o->missing.data, o->missing.len);
        buf_putc(out, '}');
        free(rows);
        return true;
}
