/* Fills as events. A fill is told when the venue has told it to its owner: pushed, or in the owner's list. What
 * a public trade, an answer or a changed position lets expect has the list read soon. */
#include <stdlib.h>
#include <string.h>

#include "api/fill_log.h"
#include "api/history_walk.h"
#include "api/own_impl.h"
#include "base/mem.h"

#define WEIGHT_READ 20
#define READS_MAX   4 /* under way, of all accounts */
#define WINDOWS_MAX 6 /* of one read */
#define DAY_MS      INT64_C(86400000)
#define SOON_MS     250  /* after a hint: what is pushed comes first */
#define MOVED_MS    1500 /* a position's size may be ahead of its fill */
#define PAUSE_MS    500  /* between reads, doubled while they go on */
#define PAUSE_MAX   8000
#define CALM_MS     20000
#define LONG_MS     600000 /* without a read */
#define ROW_MAX     8192
#define MOVES_MAX   8

struct own_fills {
        struct own_account *a;
        struct handle self;
        struct fill_log *log;
        bool is_begun, is_ready, is_reading, is_older; /* is_older: the first day was not enough */
        int64_t newest_at;                             /* of what was read, by the venue's time */
        int64_t due_at, read_at, retry_at, pause_ms;
        unsigned failures, windows;
        unsigned mark, last_mark; /* of this read, and of the one before */
        struct history_walk walk;
        struct venue_fill *rows; /* of the read under way */
        size_t n, cap;
        /* Symbols that fills were told of lately: a size that changed has its reason. */
        struct {
                char symbol[SYMBOL_MAX];
                int64_t at;
        } told[MOVES_MAX];
        unsigned next_told;
};

struct own_fills *own_fills_new(struct own_account *a)
{
        struct own_fills *f = xcalloc(1, sizeof *f);

        f->a = a;
        f->self = handle_put(a->own->handles, f);
        must(f->self.generation);
        f->log = fill_log_new();
        f->pause_ms = PAUSE_MS;
        return f;
}

void own_fills_free(struct own_fills *f)
{
        if (!f)
                return;
        (void)handle_take(f->a->own->handles, f->self);
        f->a->own->n_reads -= f->is_reading;
        fill_log_free(f->log);
        free(f->rows);
        free(f);
}

/* --- telling --- */

static void note_symbol(struct own_fills *f, const char *symbol, int64_t now)
{
        unsigned i = 0;

        while (i < MOVES_MAX && strcmp(f->told[i].symbol, symbol) != 0)
                i++;
        if (i == MOVES_MAX)
                i = f->next_told++ % MOVES_MAX;
        must(text_copy(f->told[i].symbol, sizeof f->told[i].symbol, symbol));
        f->told[i].at = now;
}

static void take(struct own_fills *f, const struct venue_fill *fill, int64_t now)
{
        struct history_row row = {.u.fill = *fill};
        struct buf data;

        if (!fill_log_take(f->log, fill))
                return;
        note_symbol(f, fill->symbol, now);
        if (f->a->orders)
                own_orders_filled(f->a->orders, fill, now);
        if (!f->is_ready || !f->a->channel[OWN_FILLS])
                return;
        buf_init(&data, ROW_MAX);
        history_page_json(&data, HISTORY_FILLS, &row);
        own_impl_tell(f->a, OWN_FILLS, &data);
        buf_fini(&data);
}

static int by_time(const void *a, const void *b)
{
        const struct venue_fill *x = a, *y = b;

        if (x->at != y->at)
                return x->at < y->at ? -1 : 1;
        return (x->tid > y->tid) - (x->tid < y->tid);
}

void own_fills_rows(struct own_fills *f, const struct venue_fill *rows, size_t n, int64_t now)
{
        struct venue_fill *sorted = xcalloc(n + 1, sizeof *sorted);

        if (n)
                memcpy(sorted, rows, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, by_time);
        for (size_t i = 0; i < n; i++)
                take(f, &sorted[i], now);
        free(sorted);
        own_impl_wake(f->a);
}

/* --- hints --- */

static void due(struct own_fills *f, int64_t at)
{
        if (!f->due_at || at < f->due_at)
                f->due_at = at;
        own_impl_wake(f->a);
}

void own_fills_expect(struct own_fills *f, uint64_t tid, uint64_t oid, struct qty size, int64_t now)
{
        if (tid || oid)
                fill_log_expect(f->log, tid, oid, size);
        else
                fill_log_expect_any(f->log);
        if (fill_log_is_expecting(f->log))
                due(f, now + SOON_MS);
}

void own_fills_moved(struct own_fills *f, const char *symbol, int64_t now)
{
        if (!f->is_begun || fill_log_is_expecting(f->log))
                return; /* it is read soon as it is */
        for (unsigned i = 0; i < MOVES_MAX; i++)
                if (strcmp(f->told[i].symbol, symbol) == 0 && now - f->told[i].at < 2 * MOVED_MS)
                        return;
        fill_log_expect_any(f->log);
        due(f, now + MOVED_MS);
}

void own_fills_long_ago(struct own_fills *f, int64_t now)
{
        if (!f->is_begun || f->is_reading || now - f->read_at < LONG_MS)
                return;
        own_fills_expect(f, 0, 0, (struct qty){0}, now);
}

/* --- reading --- */

static void read_next(struct own_fills *f);

static void keep_rows(struct own_fills *f, const struct venue_fill *rows, size_t n, int64_t floor)
{
        for (size_t i = 0; i < n; i++) {
                if (rows[i].at < floor)
                        continue; /* they are read again, with those beside them */
                if (f->n == f->cap) {
                        f->cap = f->cap ? f->cap * 2 : 64;
                        f->rows = xrealloc(f->rows, f->cap * sizeof *f->rows);
                }
                f->rows[f->n++] = rows[i];
        }
}

static void end_read(struct own_fills *f)
{
        f->is_reading = false;
        f->a->own->n_reads--;
        free(f->rows);
        f->rows = NULL;
        f->n = f->cap = 0;
        own_impl_wake(f->a);
}

/* More than a walk reaches: those in between can't be had here. */
static void told_gap(struct own_fills *f, int64_t now)
{
        if (!f->is_ready || !f->a->channel[OWN_FILLS])
                return;
        stream_gap(f->a->channel[OWN_FILLS], now, fill_log_from(f->log));
        f->is_ready = false;
}

static void begun(struct own_fills *f)
{
        bool is_enough = fill_log_count(f->log) == FILL_LOG_NEWEST;

        if (!f->is_older && !is_enough) {
                f->is_older = true;
                return; /* what was before that day is read too */
        }
        if (!f->is_older)
                fill_log_note_older(f->log);
        f->is_begun = true;
}

static void read_whole(struct own_fills *f, bool is_whole, int64_t now)
{
        if (!is_whole && f->is_begun)
                told_gap(f, now);
        if (f->n)
                qsort(f->rows, f->n, sizeof *f->rows, by_time);
        for (size_t i = 0; i < f->n; i++)
                take(f, &f->rows[i], now);
        /* By the venue's time of what it told: clocks may be apart. */
        if (f->n && f->rows[f->n - 1].at > f->newest_at)
                f->newest_at = f->rows[f->n - 1].at;
        if (f->is_begun)
                fill_log_expected_until(f->log, f->last_mark, f->mark);
        else
                begun(f);
        if (f->is_begun && f->newest_at)
                fill_log_read(f->log, f->newest_at);
        f->last_mark = f->mark;
        f->failures = 0;
        end_read(f);
        if (fill_log_is_expecting(f->log))
                due(f, now + f->pause_ms);
}

static void fills_read(void *cookie, const struct err *err, const struct venue_fill *rows, size_t n,
                       const struct venue_span *span)
{
        struct own_asked asked;
        struct own_fills *f = own_impl_answered(cookie, &asked);
        int64_t now;

        if (!f)
                return;
        now = own_now(f->a->own);
        if (err->code) {
                f->retry_at = now + ((int64_t)1000 << f->failures);
                f->failures += f->failures < 5;
                end_read(f);
                return;
        }
        if (history_walk_take(&f->walk, span))
                keep_rows(f, rows, n, f->walk.floor);
        if (history_walk_is_done(&f->walk))
                read_whole(f, true, now);
        else if (++f->windows == WINDOWS_MAX || (!f->is_begun && f->n >= FILL_LOG_NEWEST))
                read_whole(f, !f->is_begun, now);
        else
                read_next(f);
}

static void read_next(struct own_fills *f)
{
        struct own *own = f->a->own;
        struct venue *venue = own->api->o.venue;

        venue->ops->read_past_fills(venue, &f->a->subject.account, f->walk.from, f->walk.floor,
                                    fills_read, own_impl_ask(own, f->self));
}

static void read_from(struct own_fills *f, int64_t start, int64_t end, int64_t now)
{
        f->is_reading = true;
        f->a->own->n_reads++;
        f->windows = 0;
        f->due_at = 0;
        f->mark = fill_log_mark(f->log);
        f->pause_ms = now - f->read_at > CALM_MS ? PAUSE_MS : f->pause_ms * 2;
        if (f->pause_ms > PAUSE_MAX)
                f->pause_ms = PAUSE_MAX;
        f->read_at = now;
        history_walk_begin(&f->walk, start, end);
        read_next(f);
}

static bool may_read(const struct own_fills *f, int64_t now)
{
        const struct own *own = f->a->own;

        return !f->is_reading && now >= f->retry_at && own->n_reads < READS_MAX &&
               own_impl_may_spend(own, WEIGHT_READ);
}

static void begin(struct own_fills *f, int64_t now)
{
        int64_t day_ago = now - DAY_MS;

        /* The venue's clock may be ahead of ours. */
        if (f->is_older)
                read_from(f, 0, day_ago, now);
        else
                read_from(f, day_ago, now + DAY_MS, now);
}

bool own_fills_work(struct own_fills *f, int64_t now)
{
        if (f->a->channel[OWN_FILLS] && f->is_begun && !f->is_ready) {
                f->is_ready = true;
                stream_ready(f->a->channel[OWN_FILLS]);
        }
        if (f->is_reading)
                return false;
        if (!f->is_begun) {
                if (may_read(f, now))
                        begin(f, now);
                return !f->is_reading;
        }
        if (!fill_log_is_expecting(f->log))
                f->due_at = 0; /* it was pushed meanwhile */
        if (f->due_at && now >= f->due_at && now >= f->read_at + f->pause_ms && may_read(f, now))
                read_from(f, fill_log_from(f->log), now + DAY_MS, now);
        return f->due_at > 0;
}

void own_fills_left(struct own_fills *f)
{
        f->is_ready = false;
}

bool own_fills_snapshot(struct own_fills *f, struct buf *out)
{
        if (!f->is_ready)
                return false;
        fill_log_print(f->log, out);
        return true;
}
