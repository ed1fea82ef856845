/* All markets of a brand, with the prices of the moment. They are looked at once a second, however often
 * they change. */
#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"
#include "base/mem.h"

struct live_markets {
        struct live *live;
        struct stream_channel *channel;
        char brand[BRAND_ID_MAX];
        struct list at;
        bool is_ready;
};

struct context {
        struct feed_context row;
        int64_t at;
};

void live_markets_event(struct live *live, const struct feed_event *event)
{
        if (event->kind != FEED_CONTEXT_ROWS)
                return;
        for (size_t i = 0; i < event->n; i++) {
                const struct feed_context *row = &event->u.context[i];
                struct context *known = map_get(live->context, row->symbol, strlen(row->symbol));
                if (!known) {
                        known = xcalloc(1, sizeof *known);
                        map_put(live->context, row->symbol, strlen(row->symbol), known);
                }
                known->row = *row;
                known->at = event->at;
        }
}

void live_markets_fini(struct live *live)
{
        map_free(live->context, free);
        free(live->shown);
}

/* The market as the venue was read, with what the feed has told since. */
static struct market now_of(const struct live *live, const struct market *m)
{
        const struct context *c = map_get(live->context, m->symbol, strlen(m->symbol));
        struct market now = *m;

        if (!c || c->at <= m->context_at || !m->context_at)
                return now;
        now.mark = c->row.mark;
        now.oracle = c->row.oracle;
        now.has_mid = c->row.has_mid;
        now.mid = c->row.mid;
        now.funding = c->row.funding;
        now.open_interest = c->row.open_interest;
        now.context_at = c->at;
        return now;
}

/* But for the time of it. */
static bool is_same(const struct market *a, const struct market *b)
{
        return a->mark.v == b->mark.v && a->oracle.v == b->oracle.v && a->has_mid == b->has_mid &&
               a->mid.v == b->mid.v && a->previous_day.v == b->previous_day.v &&
               a->funding.v == b->funding.v && a->open_interest.v == b->open_interest.v &&
               a->day_volume.v == b->day_volume.v && a->is_delisted == b->is_delisted;
}

static bool print(void *cookie, struct stream_channel *channel, struct buf *out)
{
        const struct live_markets *c = stream_cookie(channel);
        const struct brand *brand = brand_by_id(c->live->api->brands, c->brand);
        bool is_first = true;

        (void)cookie;
        if (!brand || !c->live->n_shown)
                return false;
        buf_puts(out, "{\"data\":[");
        for (size_t i = 0; i < c->live->n_shown; i++) {
                const struct market *m = &c->live->shown[i];
                if (m->is_delisted || !brand_offers(brand, m->symbol))
                        continue;
                if (!is_first)
                        buf_putc(out, ',');
                is_first = false;
                out_market(out, m, brand);
        }
        buf_puts(out, "]}");
        return true;
}

static void begin_again(struct live_markets *c)
{
        if (!c->live->n_shown)
                return;
        if (c->is_ready)
                stream_renew(c->channel);
        c->is_ready = true;
        stream_ready(c->channel);
}

void live_markets_renew(struct live *live)
{
        list_each (it, &live->markets)
                begin_again(list_entry(it, struct live_markets, at));
}

/* Takes the venue's markets as they are; whether the list itself is another. */
static bool take_all(struct live *live)
{
        struct venue *venue = live->api->o.venue;
        size_t n = venue->ops->market_count(venue);
        struct venue_status status;

        venue->ops->status(venue, &status);
        if (status.universes == live->universes && n == live->n_shown)
                return false;
        live->universes = status.universes;
        live->n_shown = n;
        live->shown = xrealloc(live->shown, (n + 1) * sizeof *live->shown);
        for (size_t i = 0; i < n; i++)
                live->shown[i] = now_of(live, venue->ops->market_at(venue, i));
        return true;
}

static enum errc open_markets(void *cookie, struct stream_channel *channel,
                              const struct stream_subject *subject, struct err *err)
{
        struct live_markets *c = xcalloc(1, sizeof *c);

        (void)err;
        c->live = cookie;
        c->channel = channel;
        must(text_copy(c->brand, sizeof c->brand, subject->brand));
        list_push_back(&c->live->markets, &c->at);
        stream_set_cookie(channel, c);
        (void)take_all(c->live);
        begin_again(c);
        return E_OK;
}

static void close_markets(void *cookie, struct stream_channel *channel)
{
        struct live_markets *c = stream_cookie(channel);

        (void)cookie;
        list_remove(&c->at);
        free(c);
}

/* ---- every second ---- */

static void tell(struct live_markets *c, const size_t *changed, size_t n)
{
        struct live *live = c->live;
        const struct brand *brand = brand_by_id(live->api->brands, c->brand);
        bool is_first = true;

        if (!brand || !c->is_ready)
                return;
        if (!stream_is_heard(c->channel)) {
                stream_renew(c->channel);
                return;
        }
        buf_reset(&live->text);
        buf_puts(&live->text, "{\"data\":[");
        for (size_t i = 0; i < n; i++) {
                const struct market *m = &live->shown[changed[i]];
                if (m->is_delisted || !brand_offers(brand, m->symbol))
                        continue;
                if (!is_first)
                        buf_putc(&live->text, ',');
                is_first = false;
                out_market(&live->text, m, brand);
        }
        buf_puts(&live->text, "]}");
        if (buf_check(&live->text))
                stream_renew(c->channel);
        else if (!is_first)
                stream_update(c->channel, state_now(live->api), (const char *)live->text.data,
                              live->text.len);
}

void live_markets_tick(struct live *live)
{
        struct venue *venue = live->api->o.venue;
        size_t n_changed = 0;
        size_t *changed;

        if (list_empty(&live->markets))
                return;
        if (take_all(live)) {
                live_markets_renew(live);
                return;
        }
        changed = xcalloc(live->n_shown + 1, sizeof *changed);
        for (size_t i = 0; i < live->n_shown; i++) {
                struct market now = now_of(live, venue->ops->market_at(venue, i));
                if (is_same(&now, &live->shown[i]))
                        continue;
                live->shown[i] = now;
                changed[n_changed++] = i;
        }
        if (n_changed)
                list_each (it, &live->markets)
                        tell(list_entry(it, struct live_markets, at), changed, n_changed);
        free(changed);
}

void live_markets_register(struct live *live)
{
        const struct stream_source source = {
                .name = "markets",
                .kind = STREAM_STATE,
                .by_brand = true,
                .open = open_markets,
                .close = close_markets,
                .snapshot = print,
                .cookie = live,
        };

        stream_register(live->hub, &source);
}
