/* Trades. The mirror follows those of every market, so the newest of each are at hand before anybody asks. */
#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"
#include "base/mem.h"

#define RECENT_MAX    50
#define TRADES_WEIGHT 21
#define TRADES_MS     15000

/* Newest first. */
struct live_recent {
        unsigned n;
        struct venue_trade trade[RECENT_MAX];
};

static struct live_recent *recent_of(struct live *live, const char *symbol)
{
        struct live_recent *r = map_get(live->recent, symbol, strlen(symbol));

        if (!r) {
                r = xcalloc(1, sizeof *r);
                map_put(live->recent, symbol, strlen(symbol), r);
        }
        return r;
}

static bool is_newer(const struct venue_trade *a, const struct venue_trade *b)
{
        return a->at != b->at ? a->at > b->at : a->tid > b->tid;
}

/* Puts a trade into its place. False: it is known, or older than all that is kept. */
static bool insert(struct live_recent *r, const struct venue_trade *trade)
{
        unsigned at = 0;

        for (unsigned i = 0; i < r->n; i++)
                if (r->trade[i].tid == trade->tid)
                        return false;
        while (at < r->n && is_newer(&r->trade[at], trade))
                at++;
        if (at == RECENT_MAX)
                return false;
        if (r->n < RECENT_MAX)
                r->n++;
        memmove(&r->trade[at + 1], &r->trade[at], (r->n - 1 - at) * sizeof *r->trade);
        r->trade[at] = *trade;
        return true;
}

static int newest_first(const void *a, const void *b)
{
        const struct venue_trade *x = a, *y = b;

        return is_newer(x, y) ? -1 : is_newer(y, x);
}

static void begin_fresh(struct live *live, size_t n)
{
        live->n_fresh = 0;
        if (n <= live->cap_fresh)
                return;
        live->cap_fresh = n;
        live->fresh = xrealloc(live->fresh, n * sizeof *live->fresh);
}

static void end_fresh(struct live *live)
{
        if (live->n_fresh > 1)
                qsort(live->fresh, live->n_fresh, sizeof *live->fresh, newest_first);
}

void live_trades_event(struct live *live, const struct feed_event *event)
{
        struct live_recent *r;

        if (event->kind != FEED_TRADE_ROWS)
                return;
        r = recent_of(live, event->topic->symbol);
        begin_fresh(live, event->n);
        for (size_t i = 0; i < event->n; i++)
                if (insert(r, &event->u.trade[i].trade))
                        live->fresh[live->n_fresh++] = event->u.trade[i].trade;
        end_fresh(live);
}

void live_trades_fini(struct live *live)
{
        map_free(live->recent, free);
        free(live->fresh);
}

/* ---- the channel ---- */

static void tell_fresh(struct live_topic *t)
{
        struct live *live = t->live;

        if (t->is_whole && !live->n_fresh)
                return;
        out_trades(live_topic_text(t), t->topic.symbol, live->fresh, live->n_fresh);
        live_topic_tell(t, state_now(live->api));
}

static void hear(struct live_topic *t, const struct feed_event *event)
{
        if (event->kind == FEED_TRADE_ROWS && t->is_live)
                tell_fresh(t);
}

/* Between what was read last and what is told from now on there may be a hole. */
static void begun(struct live_topic *t)
{
        live_topic_gap(t, state_now(t->live->api), 0);
        t->is_whole = true;
        stream_ready(t->channel);
}

static void arrived(void *cookie, const struct err *err, const struct venue_trade *trades, size_t n)
{
        struct live_topic *t = cookie;
        struct live_recent *r;
        bool overlaps;

        if (!live_topic_read(t, err) || err->code)
                return;
        r = recent_of(t->live, t->topic.symbol);
        overlaps = r->n == 0;
        begin_fresh(t->live, n);
        for (size_t i = 0; i < n; i++) {
                if (insert(r, &trades[i]))
                        t->live->fresh[t->live->n_fresh++] = trades[i];
                else
                        overlaps = true;
        }
        end_fresh(t->live);
        if (!overlaps && n)
                live_topic_gap(t, state_now(t->live->api), 0);
        tell_fresh(t);
}

static void read_trades(struct live_topic *t, const struct market *market)
{
        struct venue *venue = t->live->api->o.venue;

        venue->ops->read_trades(venue, market, arrived, t);
}

static bool print(struct live_topic *t, struct buf *out)
{
        const struct live_recent *r = recent_of(t->live, t->topic.symbol);

        out_trades(out, t->topic.symbol, r->trade, r->n);
        return true;
}

const struct live_kind live_trades_kind = {
        .name = "trades",
        .feed = FEED_TRADES,
        .weight = TRADES_WEIGHT,
        .every_ms = TRADES_MS,
        .size = sizeof(struct live_topic),
        .heard = hear,
        .begun = begun,
        .read = read_trades,
        .print = print,
};
