/* Books and best prices. */
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"

#define BOOK_WEIGHT 2
#define BOOK_MS     2000

struct live_book {
        struct live_topic t;
        struct venue_book book;
};

static bool same_side(const struct venue_book *a, const struct venue_book *b, unsigned side)
{
        if (a->n[side] != b->n[side])
                return false;
        for (unsigned i = 0; i < a->n[side]; i++) {
                const struct venue_level *x = &a->level[side][i], *y = &b->level[side][i];
                if (x->price.v != y->price.v || x->size.v != y->size.v ||
                    x->n_orders != y->n_orders)
                        return false;
        }
        return true;
}

/* What crosses is no book: somebody errs, and the next one is not far. */
static bool crosses(const struct venue_book *b)
{
        return b->n[0] && b->n[1] && b->level[0][0].price.v >= b->level[1][0].price.v;
}

static void take_book(struct live_topic *t, const struct venue_book *book)
{
        struct live_book *b = (struct live_book *)t;

        if (crosses(book) || (t->is_whole && book->as_of < b->book.as_of))
                return;
        if (t->is_whole && same_side(book, &b->book, 0) && same_side(book, &b->book, 1))
                return;
        b->book = *book;
        out_book(live_topic_text(t), book);
        live_topic_tell(t, state_now(t->live->api));
}

static void hear_book(struct live_topic *t, const struct feed_event *event)
{
        if (event->kind == FEED_BOOK_WHOLE)
                take_book(t, event->u.book);
}

static void book_arrived(void *cookie, const struct err *err, const struct venue_book *book)
{
        struct live_topic *t = cookie;

        if (live_topic_read(t, err) && !err->code)
                take_book(t, book);
}

static void read_book(struct live_topic *t, const struct market *market)
{
        struct venue *venue = t->live->api->o.venue;

        venue->ops->read_shown_book(venue, market, book_arrived, t);
}

static bool print_book(struct live_topic *t, struct buf *out)
{
        out_book(out, &((struct live_book *)t)->book);
        return true;
}

const struct live_kind live_book_kind = {
        .name = "book",
        .feed = FEED_BOOK,
        .weight = BOOK_WEIGHT,
        .every_ms = BOOK_MS,
        .size = sizeof(struct live_book),
        .heard = hear_book,
        .read = read_book,
        .print = print_book,
};

/* ---- best prices ---- */

struct live_bbo {
        struct live_topic t;
        struct feed_bbo bbo;
};

static bool print_bbo(struct live_topic *t, struct buf *out)
{
        static const char *const names[2] = {"bid", "ask"};
        const struct feed_bbo *bbo = &((struct live_bbo *)t)->bbo;

        buf_putc(out, '{');
        for (unsigned side = 0; side < 2; side++) {
                if (!bbo->has[side]) {
                        out_null(out, names[side]);
                        continue;
                }
                out_key(out, names[side]);
                out_level(out, &bbo->best[side]);
        }
        out_int(out, "time", bbo->as_of);
        buf_putc(out, '}');
        return true;
}

static bool same_best(const struct feed_bbo *a, const struct feed_bbo *b, unsigned side)
{
        const struct venue_level *x = &a->best[side], *y = &b->best[side];

        return a->has[side] == b->has[side] &&
               (!a->has[side] ||
                (x->price.v == y->price.v && x->size.v == y->size.v && x->n_orders == y->n_orders));
}

static void take_bbo(struct live_topic *t, const struct feed_bbo *bbo)
{
        struct feed_bbo *known = &((struct live_bbo *)t)->bbo;

        if (bbo->has[0] && bbo->has[1] && bbo->best[0].price.v >= bbo->best[1].price.v)
                return;
        if (t->is_whole &&
            (bbo->as_of < known->as_of || (same_best(bbo, known, 0) && same_best(bbo, known, 1))))
                return;
        *known = *bbo;
        (void)print_bbo(t, live_topic_text(t));
        live_topic_tell(t, state_now(t->live->api));
}

static void hear_bbo(struct live_topic *t, const struct feed_event *event)
{
        if (event->kind == FEED_BBO_ROW)
                take_bbo(t, event->u.bbo);
}

static void top_arrived(void *cookie, const struct err *err, const struct venue_book *book)
{
        struct live_topic *t = cookie;
        struct feed_bbo bbo = {.as_of = 0};

        if (!live_topic_read(t, err) || err->code)
                return;
        bbo.as_of = book->as_of;
        for (unsigned side = 0; side < 2; side++) {
                bbo.has[side] = book->n[side] > 0;
                if (bbo.has[side])
                        bbo.best[side] = book->level[side][0];
        }
        take_bbo(t, &bbo);
}

static void read_top(struct live_topic *t, const struct market *market)
{
        struct venue *venue = t->live->api->o.venue;

        venue->ops->read_shown_book(venue, market, top_arrived, t);
}

const struct live_kind live_book_bbo_kind = {
        .name = "bbo",
        .feed = FEED_BBO,
        .weight = BOOK_WEIGHT,
        .every_ms = BOOK_MS,
        .size = sizeof(struct live_bbo),
        .heard = hear_bbo,
        .read = read_top,
        .print = print_bbo,
};
