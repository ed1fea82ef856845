#include "adapters/paper/paper_candles.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/paper/jot.h"
#include "base/attr.h"
#include "base/mem.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)
#define SHOWN_MAX 5000

static const struct interval {
        const char *name;
        int64_t ms; /* 0: a calendar month */
} intervals[PAPER_INTERVALS] = {
        {"1m", MINUTE_MS},       {"3m", 3 * MINUTE_MS},
        {"5m", 5 * MINUTE_MS},   {"15m", 15 * MINUTE_MS},
        {"30m", 30 * MINUTE_MS}, {"1h", HOUR_MS},
        {"2h", 2 * HOUR_MS},     {"4h", 4 * HOUR_MS},
        {"8h", 8 * HOUR_MS},     {"12h", 12 * HOUR_MS},
        {"1d", DAY_MS},          {"3d", 3 * DAY_MS},
        {"1w", 7 * DAY_MS},      {"1M", 0},
};

uint64_t paper_candles_random(uint64_t *state)
{
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static void ring_init(struct paper_candle_ring *ring, size_t cap, int64_t step_ms)
{
        ring->slot = xcalloc(cap, sizeof(*ring->slot));
        ring->cap = cap;
        ring->step_ms = step_ms;
        ring->n = 0;
}

void paper_candles_init(struct paper_candles *c)
{
        memset(c, 0, sizeof(*c));
        ring_init(&c->minute, PAPER_MINUTES, MINUTE_MS);
        ring_init(&c->hour, PAPER_HOURS, HOUR_MS);
}

void paper_candles_fini(struct paper_candles *c)
{
        free(c->minute.slot);
        free(c->hour.slot);
        memset(c, 0, sizeof(*c));
}

static size_t ring_count(const struct paper_candle_ring *ring)
{
        return ring->n < ring->cap ? (size_t)ring->n : ring->cap;
}

/* i counts from the oldest kept. */
static struct paper_candle *ring_at(const struct paper_candle_ring *ring, size_t i)
{
        return &ring->slot[(ring->n - ring_count(ring) + i) % ring->cap];
}

static struct paper_candle *ring_last(const struct paper_candle_ring *ring)
{
        return ring->n ? &ring->slot[(ring->n - 1) % ring->cap] : NULL;
}

static int64_t px_max(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static void merge(struct paper_candle *into, const struct paper_candle *next)
{
        int64_t volume;

        into->high.v = px_max(into->high.v, next->high.v);
        into->low.v = -px_max(-into->low.v, -next->low.v);
        into->close = next->close;
        if (!num_add(&volume, into->volume.v, next->volume.v))
                into->volume.v = volume;
        into->n_trades += next->n_trades;
}

static void ring_add(struct paper_candle_ring *ring, const struct paper_candle *tick)
{
        struct paper_candle *last = ring_last(ring);
        int64_t at = tick->at - tick->at % ring->step_ms;

        if (last && last->at >= at) {
                merge(last, tick);
                return;
        }
        ring->n++;
        last = ring_last(ring);
        *last = *tick;
        last->at = at;
}

void paper_candles_add(struct paper_candles *c, struct px price, struct qty size, int64_t at)
{
        struct paper_candle tick = {.at = at,
                                    .open = price,
                                    .high = price,
                                    .low = price,
                                    .close = price,
                                    .volume = size,
                                    .n_trades = size.v > 0};

        ring_add(&c->minute, &tick);
        ring_add(&c->hour, &tick);
        if (size.v > 0)
                c->day_at = 0;
}

/* One candle of the past, ending at close; its open is the close of the one before. */
static struct paper_candle step_back(uint64_t *random, struct px close, int64_t ppm,
                                     unsigned sz_decimals, int64_t at)
{
        struct paper_candle candle = {.at = at, .close = close};
        int64_t move = (int64_t)(paper_candles_random(random) % (uint64_t)(2 * ppm + 1)) - ppm;
        int64_t wick = (int64_t)(paper_candles_random(random) % (uint64_t)(ppm / 2 + 1));
        int64_t notional = (int64_t)(1000 + paper_candles_random(random) % 400000) * NUM_SCALE;
        int64_t lot = num_pow10(NUM_DECIMALS - sz_decimals), step = num_pow10(2 + sz_decimals);
        int64_t open, reach;

        must(!num_muldiv(&open, close.v, 1000000 - move, 1000000, NUM_NEAREST));
        must(!num_muldiv(&reach, close.v, wick, 1000000, NUM_NEAREST));
        candle.open.v = px_max(num_to_step(open, step, NUM_NEAREST), step);
        candle.high.v = px_max(candle.open.v, close.v) + num_to_step(reach, step, NUM_DOWN);
        candle.low.v = -px_max(-candle.open.v, -close.v) - num_to_step(reach, step, NUM_DOWN);
        candle.low.v = px_max(candle.low.v, step);
        if (!num_muldiv(&candle.volume.v, notional, NUM_SCALE, close.v, NUM_DOWN))
                candle.volume.v = num_to_step(candle.volume.v, lot, NUM_DOWN);
        candle.n_trades = 1 + (uint32_t)(paper_candles_random(random) % 40);
        return candle;
}

void paper_candles_backfill(struct paper_candles *c, uint64_t *random, struct px price,
                            unsigned sz_decimals, int64_t at)
{
        int64_t minute = at - at % HOUR_MS; /* the past ends on a whole hour */
        const size_t n_minutes = 1440, n_hours = 719;
        struct paper_candle *past = xcalloc(n_minutes + n_hours, sizeof(*past));
        struct px close = price;

        for (size_t i = 0; i < n_minutes; i++) {
                minute -= MINUTE_MS;
                past[i] = step_back(random, close, 700, sz_decimals, minute);
                close = past[i].open;
        }
        for (size_t i = n_minutes; i < n_minutes + n_hours; i++) {
                minute -= HOUR_MS;
                past[i] = step_back(random, close, 5000, sz_decimals, minute);
                past[i].volume.v = num_to_step(past[i].volume.v, 1, NUM_DOWN);
                close = past[i].open;
        }
        for (size_t i = n_minutes + n_hours; i-- > 0;) {
                if (i < n_minutes)
                        ring_add(&c->minute, &past[i]);
                ring_add(&c->hour, &past[i]);
        }
        free(past);
}

/* ---- Reading --------------------------------------------------------------------------------- */

int paper_candles_interval(const char *name)
{
        for (int i = 0; i < PAPER_INTERVALS; i++)
                if (!strcmp(intervals[i].name, name))
                        return i;
        return -1;
}

const char *paper_candles_interval_name(int interval)
{
        return intervals[interval].name;
}

/* First and last millisecond of the interval that contains at. Weeks begin on Monday. */
static void bucket(int interval, int64_t at, int64_t *first, int64_t *last)
{
        int64_t ms = intervals[interval].ms;
        int64_t shift = ms == 7 * DAY_MS ? 4 * DAY_MS : 0;
        time_t seconds = (time_t)(at / 1000);
        struct tm tm;

        if (ms) {
                *first = at - (at - shift) % ms;
                *last = *first + ms - 1;
                return;
        }
        (void)gmtime_r(&seconds, &tm);
        tm.tm_mday = 1;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        *first = (int64_t)timegm(&tm) * 1000;
        tm.tm_mon++;
        *last = (int64_t)timegm(&tm) * 1000 - 1;
}

static void show(struct buf *out, const char *coin, int interval, const struct paper_candle *candle)
{
        int64_t first, last;

        bucket(interval, candle->at, &first, &last);
        jot_object(out, NULL);
        jot_int(out, "t", first);
        jot_int(out, "T", last);
        jot_text(out, "s", coin);
        jot_text(out, "i", intervals[interval].name);
        jot_px(out, "o", candle->open);
        jot_px(out, "c", candle->close);
        jot_px(out, "h", candle->high);
        jot_px(out, "l", candle->low);
        jot_qty(out, "v", candle->volume);
        jot_uint(out, "n", candle->n_trades);
        jot_end_object(out);
}

static const struct paper_candle_ring *ring_for(const struct paper_candles *c, int interval)
{
        int64_t ms = intervals[interval].ms;

        return ms && ms < HOUR_MS ? &c->minute : &c->hour;
}

/* Puts the base candles together. out holds n_max; the newest are kept. Returns how many. */
static size_t gather(const struct paper_candle_ring *ring, int interval, int64_t from,
                     int64_t until, struct paper_candle *out, size_t n_max)
{
        size_t n = 0;

        for (size_t i = 0; i < ring_count(ring); i++) {
                const struct paper_candle *base = ring_at(ring, i);
                int64_t first, last;

                bucket(interval, base->at, &first, &last);
                if (first < from || first > until)
                        continue;
                if (n > 0 && out[n - 1].at == first) {
                        merge(&out[n - 1], base);
                        continue;
                }
                must(n < n_max);
                out[n] = *base;
                out[n++].at = first;
        }
        return n;
}

void paper_candles_show(const struct paper_candles *c, struct buf *out, const char *coin,
                        int interval, int64_t from, int64_t until)
{
        const struct paper_candle_ring *ring = ring_for(c, interval);
        struct paper_candle *candle = xcalloc(ring->cap, sizeof(*candle));
        size_t n = gather(ring, interval, from, until, candle, ring->cap);

        for (size_t i = n > SHOWN_MAX ? n - SHOWN_MAX : 0; i < n; i++)
                show(out, coin, interval, &candle[i]);
        free(candle);
}

bool paper_candles_show_last(const struct paper_candles *c, struct buf *out, const char *coin,
                             int interval)
{
        const struct paper_candle_ring *ring = ring_for(c, interval);
        const struct paper_candle *last = ring_last(ring);
        struct paper_candle sum;
        int64_t first, end;
        size_t i = ring_count(ring);

        if (!last)
                return false;
        bucket(interval, last->at, &first, &end);
        while (i > 0 && ring_at(ring, i - 1)->at >= first)
                i--;
        sum = *ring_at(ring, i);
        for (i++; i < ring_count(ring); i++)
                merge(&sum, ring_at(ring, i));
        show(out, coin, interval, &sum);
        return true;
}

void paper_candles_day(struct paper_candles *c, int64_t at)
{
        int64_t minute = at - at % MINUTE_MS;
        num_wide base = 0, notional = 0;
        bool is_first = true;

        if (c->day_at == minute)
                return;
        c->day_at = minute;
        for (size_t i = 0; i < ring_count(&c->minute); i++) {
                const struct paper_candle *candle = ring_at(&c->minute, i);

                if (candle->at <= at - DAY_MS)
                        continue;
                if (is_first)
                        c->day_open = candle->open;
                is_first = false;
                base += candle->volume.v;
                notional += (num_wide)candle->volume.v * candle->close.v / NUM_SCALE;
        }
        c->day_base.v = base > INT64_MAX ? INT64_MAX : (int64_t)base;
        c->day_notional.v = notional > INT64_MAX ? INT64_MAX : (int64_t)notional;
}
