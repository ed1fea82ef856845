#include "api/candles.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "base/mem.h"
#include "store/candle_store.h"

/* A trade may be told late, and our clock may be ahead of the venue's. */
#define LATE_MS INT64_C(10000)
/* A candle that no later one follows is over after this: so far ahead is no clock. */
#define OVER_MS INT64_C(3600000)
/* A hole is filled from a place that others will begin at too. */
#define FILL_ROWS 500
/* Rows that those who wait hold, all together. */
#define HELD_MAX 1000000

struct candles {
        struct api *api;
        size_t held;
};

struct fetch {
        struct candles *candles;
        char symbol[SYMBOL_MAX];
        unsigned interval;
        struct series_window window;
        struct venue_candle *row; /* of the store, owned */
        size_t n;
        int64_t before;
        struct candle_span
                hole; /* from the first that is missing to the last; start == end: none */
        candles_fn *done;
        void *cookie;
};

struct candles *candles_new(struct api *api)
{
        struct candles *c = xcalloc(1, sizeof *c);

        c->api = api;
        return c;
}

void candles_free(struct candles *c)
{
        if (!c)
                return;
        must(c->held == 0);
        free(c);
}

/* --- keeping --- */

size_t candles_final(int64_t *until, const struct venue_candle *candle, size_t n, int64_t end,
                     int64_t now)
{
        size_t i = 0;

        while (i < n && candle[i].close_at + (i + 1 < n ? LATE_MS : OVER_MS) <= now)
                i++;
        *until = i < n ? candle[i].open_at : now - OVER_MS;
        if (*until > end)
                *until = end;
        return i;
}

static struct candle_row row_of(const struct venue_candle *c)
{
        struct candle_row row = {.open_at = c->open_at,
                                 .close_at = c->close_at,
                                 .open = c->open,
                                 .high = c->high,
                                 .low = c->low,
                                 .close = c->close,
                                 .trades = c->trades};

        must(text_copy(row.volume, sizeof row.volume, c->volume));
        return row;
}

static struct venue_candle candle_of(const struct candle_row *r)
{
        struct venue_candle candle = {.open_at = r->open_at,
                                      .close_at = r->close_at,
                                      .open = r->open,
                                      .high = r->high,
                                      .low = r->low,
                                      .close = r->close,
                                      .trades = r->trades};

        must(text_copy(candle.volume, sizeof candle.volume, r->volume));
        return candle;
}

void candles_keep(struct candles *c, const char *symbol, unsigned interval, int64_t start,
                  int64_t end, const struct venue_candle *candle, size_t n)
{
        const struct candle_series series = {symbol, series_intervals[interval]};
        struct candle_span span = {start, end};
        struct candle_row *row;
        size_t n_final, first = 0;

        /* That there is nothing at all is believed for as long as the answer is fresh. */
        if (!c->api->o.candles || n == 0)
                return;
        n_final = candles_final(&span.end, candle, n, end, state_now(c->api));
        /* The venue tells its newest alone: what lies before them it did not tell. */
        if (n >= SERIES_CANDLES_MAX && candle[0].open_at > span.start)
                span.start = candle[0].open_at;
        while (first < n_final && candle[first].open_at < span.start)
                first++;
        while (n_final > first && candle[n_final - 1].open_at >= span.end)
                n_final--;
        if (span.start >= span.end)
                return;
        row = xcalloc(n_final - first + 1, sizeof *row);
        for (size_t i = first; i < n_final; i++)
                row[i - first] = row_of(&candle[i]);
        candle_store_write(c->api->o.candles, &series, &span, row, n_final - first,
                           state_now(c->api));
        free(row);
}

/* --- answering --- */

static void finish(struct fetch *f, const struct err *err, const struct candles_answer *answer)
{
        f->done(f->cookie, err, answer);
        f->candles->held -= f->window.limit;
        free(f->row);
        free(f);
}

static bool is_inside(const struct fetch *f, const struct venue_candle *c)
{
        return c->open_at >= f->window.start && c->open_at < f->window.end;
}

/* Both are sorted; where both have one, the venue's counts. out has room for all. */
static size_t join(struct venue_candle *out, const struct fetch *f,
                   const struct venue_candle *candle, size_t n)
{
        size_t a = 0, b = 0, k = 0;

        while (a < f->n || b < n) {
                if (b < n && !is_inside(f, &candle[b])) {
                        b++;
                } else if (b == n || (a < f->n && f->row[a].open_at < candle[b].open_at)) {
                        out[k++] = f->row[a++];
                } else {
                        a += a < f->n && f->row[a].open_at == candle[b].open_at;
                        out[k++] = candle[b++];
                }
        }
        return k;
}

static void answer_joined(struct fetch *f, const struct venue_candle *candle, size_t n,
                          int64_t stale_since)
{
        struct venue_candle *all = xcalloc(f->n + n + 1, sizeof *all);
        struct candles_answer answer = {.stale_since = stale_since, .before = f->before};
        struct err err = {.code = E_OK};
        size_t n_all = join(all, f, candle, n);

        for (size_t i = 0; i < n && candle[i].open_at < f->window.start; i++)
                if (candle[i].open_at > answer.before)
                        answer.before = candle[i].open_at;
        answer.n = n_all < f->window.limit ? n_all : f->window.limit;
        answer.row = all + (n_all - answer.n);
        finish(f, &err, &answer);
        free(all);
}

static void venue_told(void *cookie, const struct err *err, const struct venue_candle *candle,
                       size_t n)
{
        struct fetch *f = cookie;

        if (!err->code)
                answer_joined(f, candle, n, 0);
        else if (f->n > 0)
                answer_joined(f, NULL, 0, f->hole.start);
        else
                finish(f, err, NULL);
}

/* --- what is missing --- */

/* The venue has so many candles and no older ones. */
static int64_t oldest_at_venue(const struct fetch *f)
{
        int64_t at =
                state_now(f->candles->api) - series_interval_ms(f->interval) * SERIES_CANDLES_MAX;

        return at > 0 ? at : 0;
}

static void find_hole(struct fetch *f, const struct candle_slice *slice)
{
        int64_t oldest = oldest_at_venue(f), step = series_interval_ms(f->interval) * FILL_ROWS;
        int64_t at = f->window.start > oldest ? f->window.start : oldest;
        int64_t first = at;
        struct candle_span hole = {f->window.end, f->window.end};

        for (unsigned i = 0; slice && i < slice->n_spans && at < f->window.end; i++) {
                const struct candle_span *span = &slice->span[i];
                if (span->start > at && hole.start == hole.end)
                        hole.start = at;
                if (span->start > at)
                        hole.end = span->start < f->window.end ? span->start : f->window.end;
                if (span->end > at)
                        at = span->end;
        }
        if (at < f->window.end) {
                if (hole.start == hole.end)
                        hole.start = at;
                hole.end = f->window.end;
        }
        /* Nothing is known before it: charts that begin elsewhere will want that too. */
        if (hole.start == first && hole.start < hole.end) {
                hole.start -= hole.start % step;
                if (hole.start < oldest)
                        hole.start = first;
        }
        f->hole = hole;
}

static void go_on(struct fetch *f, const struct candle_slice *slice)
{
        struct api *api = f->candles->api;
        struct venue *venue = api->o.venue;
        const struct market *m = venue->ops->market_by_symbol(venue, f->symbol);
        struct err err = {.code = E_OK};

        find_hole(f, slice);
        if (f->window.kept_only || f->hole.start >= f->hole.end) {
                answer_joined(f, NULL, 0, 0);
                return;
        }
        if (m) {
                series_candles(api->series, m, f->interval, f->hole.start, f->hole.end, venue_told,
                               f);
                return;
        }
        (void)err_set(&err, E_VENUE_UNAVAILABLE, "%s", err_text(E_VENUE_UNAVAILABLE));
        venue_told(f, &err, NULL, 0);
}

static void store_told(void *cookie, enum errc rc, const struct candle_slice *slice)
{
        struct fetch *f = cookie;

        if (rc || slice->n == 0) {
                f->before = rc ? 0 : slice->before;
                go_on(f, slice);
                return;
        }
        f->n = slice->n;
        f->before = slice->before;
        f->row = xcalloc(slice->n, sizeof *f->row);
        for (size_t i = 0; i < slice->n; i++)
                f->row[i] = candle_of(&slice->row[i]);
        go_on(f, slice);
}

static void go_on_alone(void *arg)
{
        go_on(arg, NULL);
}

static void refuse(void *arg)
{
        struct err err = {.code = E_OK};

        (void)err_set(&err, E_VENUE_UNAVAILABLE, "Too many charts are being drawn at once.");
        finish(arg, &err, NULL);
}

void candles_get(struct candles *c, const struct market *market, unsigned interval,
                 const struct series_window *window, candles_fn *done, void *cookie)
{
        struct fetch *f = xcalloc(1, sizeof *f);
        const struct candle_series series = {f->symbol, series_intervals[interval]};
        const struct candle_span span = {window->start, window->end};

        must(window->limit > 0 && window->start < window->end);
        *f = (struct fetch){.candles = c,
                            .interval = interval,
                            .window = *window,
                            .done = done,
                            .cookie = cookie};
        must(text_copy(f->symbol, sizeof f->symbol, market->symbol));
        c->held += window->limit;
        if (c->held > HELD_MAX)
                loop_post(c->api->o.loop, refuse, f);
        else if (c->api->o.candles)
                candle_store_read(c->api->o.candles, &series, &span, window->limit, store_told, f);
        else
                loop_post(c->api->o.loop, go_on_alone, f);
}
