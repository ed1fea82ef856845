#include "api/series.h"

#include <stdlib.h>
#include <string.h>

#include "api/call.h"
#include "api/candles.h"
#include "api/out.h"
#include "base/mem.h"

#define BODY_MAX      (4u << 20)
#define ENTRIES_MAX   256
#define ROWS_MAX      200000 /* of all entries together */
#define WAITING_MAX   1024   /* for one window */
#define LIVE_FRESH_MS 2000
#define PAST_FRESH_MS 60000
#define MINUTE_MS     INT64_C(60000)
#define HOUR_MS       (60 * MINUTE_MS)
#define DAY_MS        (24 * HOUR_MS)
#define RATES         UINT32_MAX /* in place of an interval */

const char *const series_intervals[] = {"1m", "3m",  "5m", "15m", "30m", "1h", "2h", "4h",
                                        "8h", "12h", "1d", "3d",  "1w",  "1M", NULL};
static const int64_t interval_ms[] = {
        MINUTE_MS, 3 * MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS,
        HOUR_MS,   2 * HOUR_MS,   4 * HOUR_MS,   8 * HOUR_MS,    12 * HOUR_MS,
        DAY_MS,    3 * DAY_MS,    7 * DAY_MS,    31 * DAY_MS,
};

int64_t series_interval_ms(unsigned interval)
{
        must(interval < sizeof interval_ms / sizeof *interval_ms);
        return interval_ms[interval];
}

struct series {
        struct api *api;
        struct map *by_key; /* struct key -> struct entry */
        size_t rows;        /* of all entries */
};

struct key {
        char symbol[SYMBOL_MAX];
        int64_t start, end;
        uint32_t interval;
        uint32_t zero;
};

struct waiter {
        struct call *call; /* for rates, and the part that it asked for */
        struct series_window window;
        series_candles_fn *candles; /* for candles */
        void *cookie;
};

struct entry {
        struct series *series;
        struct key key;
        struct venue_candle *candles; /* one of the two */
        struct venue_funding_rate *rates;
        size_t n;
        int64_t until; /* monotonic; 0: none yet */
        bool reading;
        bool settling; /* answers may bring new requests, and those a sweep */
        struct waiter *waiting;
        size_t n_waiting, cap_waiting;
};

struct series *series_new(struct api *api)
{
        struct series *s = xcalloc(1, sizeof *s);

        s->api = api;
        s->by_key = map_new();
        return s;
}

static void entry_free(void *value)
{
        struct entry *e = value;

        must(e->n_waiting == 0);
        e->series->rows -= e->n;
        free(e->candles);
        free(e->rates);
        free(e->waiting);
        free(e);
}

void series_free(struct series *s)
{
        if (!s)
                return;
        map_free(s->by_key, entry_free);
        free(s);
}

/* --- answering --- */

static bool inside(const struct series_window *w, int64_t at)
{
        return at >= w->start && at < w->end;
}

static void rate_json(struct buf *out, const struct venue_funding_rate *r)
{
        buf_putc(out, '{');
        out_int(out, "time", r->at);
        out_rate(out, "rate", r->rate, 12);
        out_rate(out, "premium", r->premium, 12);
        buf_putc(out, '}');
}

static void answer_rates(const struct entry *e, const struct waiter *w)
{
        size_t first = e->n, taken = 0;
        bool comma = false;
        struct buf body;

        while (first > 0 && taken < w->window.limit)
                taken += inside(&w->window, e->rates[--first].at);
        buf_init(&body, BODY_MAX);
        buf_putc(&body, '{');
        out_text(&body, "symbol", e->key.symbol);
        buf_puts(&body, ",\"data\":[");
        for (size_t i = first; i < e->n; i++) {
                if (!inside(&w->window, e->rates[i].at))
                        continue;
                if (comma)
                        buf_putc(&body, ',');
                comma = true;
                rate_json(&body, &e->rates[i]);
        }
        buf_puts(&body, "]}");
        call_reply(w->call, 200, &body);
}

static void answer(const struct entry *e, const struct waiter *w, const struct err *err)
{
        if (w->candles)
                w->candles(w->cookie, err, e->candles, err->code ? 0 : e->n);
        else if (err->code)
                call_fail(w->call, err);
        else
                answer_rates(e, w);
}

static void settle(struct entry *e, const struct err *err)
{
        struct api *api = e->series->api;
        struct waiter *waiting = e->waiting;
        size_t n = e->n_waiting;

        e->reading = false;
        e->settling = true;
        e->waiting = NULL;
        e->n_waiting = e->cap_waiting = 0;
        e->until = err->code
                           ? 0
                           : clock_mono_ms(api->o.clock) +
                                     (e->key.end <= state_now(api) ? PAST_FRESH_MS : LIVE_FRESH_MS);
        for (size_t i = 0; i < n; i++)
                answer(e, &waiting[i], err);
        free(waiting);
        e->settling = false;
}

/* --- reading --- */

static int by_open(const void *a, const void *b)
{
        const struct venue_candle *x = a, *y = b;

        return (x->open_at > y->open_at) - (x->open_at < y->open_at);
}

static int by_time(const void *a, const void *b)
{
        const struct venue_funding_rate *x = a, *y = b;

        return (x->at > y->at) - (x->at < y->at);
}

static void candles_arrived(void *cookie, const struct err *err, const struct venue_candle *candles,
                            size_t n)
{
        struct entry *e = cookie;

        if (!err->code) {
                e->series->rows += n - e->n;
                e->n = n;
                e->candles = xrealloc(e->candles, (n + 1) * sizeof *candles);
                if (n)
                        memcpy(e->candles, candles, n * sizeof *candles);
                qsort(e->candles, n, sizeof *candles, by_open);
                candles_keep(e->series->api->candles, e->key.symbol, e->key.interval, e->key.start,
                             e->key.end, e->candles, n);
        }
        settle(e, err);
}

static void rates_arrived(void *cookie, const struct err *err,
                          const struct venue_funding_rate *rates, size_t n)
{
        struct entry *e = cookie;

        if (!err->code) {
                e->series->rows += n - e->n;
                e->n = n;
                e->rates = xrealloc(e->rates, (n + 1) * sizeof *rates);
                if (n)
                        memcpy(e->rates, rates, n * sizeof *rates);
                qsort(e->rates, n, sizeof *rates, by_time);
        }
        settle(e, err);
}

/* --- what is kept --- */

struct sweep {
        struct series *series;
        int64_t mono_ms; /* INT64_MAX: everything that nobody waits for */
};

static void sweep_one(void *cookie, const void *key, size_t key_len, void *value)
{
        const struct sweep *sweep = cookie;
        struct entry *e = value;

        if (e->reading || e->settling || e->until > sweep->mono_ms)
                return;
        (void)map_take(sweep->series->by_key, key, key_len);
        entry_free(e);
}

static bool make_room(struct series *s)
{
        struct sweep sweep = {s, clock_mono_ms(s->api->o.clock)};

        for (int round = 0; round < 2; round++) {
                if (map_size(s->by_key) < ENTRIES_MAX && s->rows < ROWS_MAX)
                        return true;
                map_each(s->by_key, sweep_one, &sweep);
                sweep.mono_ms = INT64_MAX;
        }
        return map_size(s->by_key) < ENTRIES_MAX;
}

static struct entry *find_entry(struct series *s, const struct key *key)
{
        struct entry *e = map_get(s->by_key, key, sizeof *key);

        if (e || !make_room(s))
                return e;
        e = xcalloc(1, sizeof *e);
        e->series = s;
        e->key = *key;
        map_put(s->by_key, key, sizeof *key, e);
        return e;
}

struct search {
        const struct key *key;
        int64_t mono_ms;
        struct entry *found;
};

static void look_at(void *cookie, const void *key, size_t key_len, void *value)
{
        struct search *search = cookie;
        struct entry *e = value;

        (void)key;
        (void)key_len;
        if (e->key.interval == search->key->interval && e->key.start <= search->key->start &&
            e->key.end >= search->key->end && (e->reading || e->until > search->mono_ms) &&
            strcmp(e->key.symbol, search->key->symbol) == 0)
                search->found = e;
}

/* One that has, or is being read for, more than is asked for now: a chart that asks first needs all of it, the next
 * one only its end. */
static struct entry *find_covering(struct series *s, const struct key *key)
{
        struct search search = {.key = key, .mono_ms = clock_mono_ms(s->api->o.clock)};

        map_each(s->by_key, look_at, &search);
        return search.found;
}

static void wait_for(struct entry *e, const struct waiter *w)
{
        if (e->n_waiting == e->cap_waiting) {
                e->cap_waiting = e->cap_waiting ? e->cap_waiting * 2 : 8;
                e->waiting = xrealloc(e->waiting, e->cap_waiting * sizeof *e->waiting);
        }
        e->waiting[e->n_waiting++] = *w;
}

static void ask(struct series *s, const struct waiter *w, const struct market *market,
                uint32_t interval, int64_t grid_ms)
{
        struct venue *venue = s->api->o.venue;
        int64_t past = w->window.end + grid_ms - 1;
        struct key key = {.interval = interval,
                          .start = w->window.start - w->window.start % grid_ms,
                          .end = past - past % grid_ms};
        struct err err = {.code = E_OK};
        struct entry *e;

        text_copy(key.symbol, sizeof key.symbol, market->symbol);
        e = interval == RATES ? NULL : find_covering(s, &key);
        if (!e)
                e = find_entry(s, &key);
        if (!e || e->n_waiting >= WAITING_MAX) {
                const struct entry none = {.n = 0};
                (void)err_set(&err, E_VENUE_UNAVAILABLE, "%s", err_text(E_VENUE_UNAVAILABLE));
                answer(&none, w, &err);
                return;
        }
        if (e->until > clock_mono_ms(s->api->o.clock)) {
                bool was_settling = e->settling;
                e->settling = true;
                answer(e, w, &err);
                e->settling = was_settling;
                return;
        }
        wait_for(e, w);
        if (e->reading)
                return;
        e->reading = true;
        if (interval == RATES)
                venue->ops->read_funding_history(venue, market, key.start, key.end, rates_arrived,
                                                 e);
        else
                venue->ops->read_candles(venue, market, series_intervals[interval], key.start,
                                         key.end, candles_arrived, e);
}

void series_candles(struct series *series, const struct market *market, unsigned interval,
                    int64_t start, int64_t end, series_candles_fn *done, void *cookie)
{
        const struct waiter w = {
                .window = {.start = start, .end = end}, .candles = done, .cookie = cookie};
        int64_t ms = series_interval_ms(interval);

        /* Longer ones don't begin at multiples of their length. */
        ask(series, &w, market, interval, ms < DAY_MS ? ms : DAY_MS);
}

void series_rates(struct series *series, struct call *call, const struct market *market,
                  const struct series_window *window)
{
        const struct waiter w = {.call = call, .window = *window};

        ask(series, &w, market, RATES, HOUR_MS);
}
