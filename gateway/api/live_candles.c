/* Candles: the past is read, then the feed tells how the newest goes on. */
#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"
#include "api/series.h"

#define KEPT           200
#define CANDLES_WEIGHT 24
#define CANDLES_MS     15000

struct live_candles {
        struct live_topic t;
        unsigned n; /* oldest first */
        struct venue_candle candle[KEPT];
};

static int64_t length_of(const struct live_topic *t)
{
        unsigned i = 0;

        while (strcmp(series_intervals[i], t->topic.detail) != 0)
                must(series_intervals[++i]);
        return series_interval_ms(i);
}

static bool same(const struct venue_candle *a, const struct venue_candle *b)
{
        return a->open_at == b->open_at && a->close_at == b->close_at && a->open.v == b->open.v &&
               a->high.v == b->high.v && a->low.v == b->low.v && a->close.v == b->close.v &&
               a->trades == b->trades && strcmp(a->volume, b->volume) == 0;
}

/* Puts a candle into its place. False: nothing has changed by it. */
static bool put(struct live_candles *c, const struct venue_candle *candle)
{
        unsigned at = c->n;

        while (at > 0 && c->candle[at - 1].open_at > candle->open_at)
                at--;
        if (at > 0 && c->candle[at - 1].open_at == candle->open_at) {
                if (same(&c->candle[at - 1], candle))
                        return false;
                c->candle[at - 1] = *candle;
                return true;
        }
        if (c->n == KEPT) {
                if (at == 0)
                        return false;
                memmove(&c->candle[0], &c->candle[1], (KEPT - 1) * sizeof *c->candle);
                c->n--;
                at--;
        }
        memmove(&c->candle[at + 1], &c->candle[at], (c->n - at) * sizeof *c->candle);
        c->candle[at] = *candle;
        c->n++;
        return true;
}

static void begin(const struct live_topic *t, struct buf *out)
{
        buf_putc(out, '{');
        out_text(out, "symbol", t->topic.symbol);
        out_text(out, "interval", t->topic.detail);
        buf_puts(out, ",\"data\":[");
}

static void hear(struct live_topic *t, const struct feed_event *event)
{
        struct live_candles *c = (struct live_candles *)t;
        const struct venue_candle *candle = event->u.candle;
        struct buf *out;

        if (event->kind != FEED_CANDLE_ROW || t->needs_read)
                return;
        /* One was left out: what became of the last that is known is not told any more. */
        if (c->n && candle->open_at > c->candle[c->n - 1].open_at + length_of(t)) {
                live_topic_gap(t, event->at, c->candle[c->n - 1].open_at);
                t->needs_read = true;
                t->read_at = 0;
                return;
        }
        if (!put(c, candle))
                return;
        out = live_topic_text(t);
        begin(t, out);
        out_candle(out, candle);
        buf_puts(out, "]}");
        live_topic_tell(t, event->at);
}

/* Between what was read and what is told from now on, a candle may have gone on. */
static void begun(struct live_topic *t)
{
        t->needs_read = true;
        t->read_at = 0;
}

static void arrived(void *cookie, const struct err *err, const struct venue_candle *candles,
                    size_t n)
{
        struct live_topic *t = cookie;
        bool is_first = true;
        struct buf *out;

        if (!live_topic_read(t, err) || err->code)
                return;
        out = live_topic_text(t);
        begin(t, out);
        for (size_t i = 0; i < n; i++) {
                if (!put((struct live_candles *)t, &candles[i]))
                        continue;
                if (!is_first)
                        buf_putc(out, ',');
                is_first = false;
                out_candle(out, &candles[i]);
        }
        buf_puts(out, "]}");
        if (!is_first || !t->is_whole)
                live_topic_tell(t, state_now(t->live->api));
}

static void read_candles(struct live_topic *t, const struct market *market)
{
        struct venue *venue = t->live->api->o.venue;
        int64_t now = state_now(t->live->api), length = length_of(t);

        venue->ops->read_candles(venue, market, t->topic.detail, now - KEPT * length, now + length,
                                 arrived, t);
}

static bool print(struct live_topic *t, struct buf *out)
{
        const struct live_candles *c = (struct live_candles *)t;

        begin(t, out);
        for (unsigned i = 0; i < c->n; i++) {
                if (i)
                        buf_putc(out, ',');
                out_candle(out, &c->candle[i]);
        }
        buf_puts(out, "]}");
        return true;
}

const struct live_kind live_candles_kind = {
        .name = "candles",
        .feed = FEED_CANDLES,
        .weight = CANDLES_WEIGHT,
        .every_ms = CANDLES_MS,
        .size = sizeof(struct live_candles),
        .begins_with_read = true,
        .heard = hear,
        .begun = begun,
        .read = read_candles,
        .print = print,
};
