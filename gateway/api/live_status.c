/* What can be had of the venue and of the gateway at the moment. */
#include <stdlib.h>
#include <string.h>

#include "api/live_impl.h"
#include "api/out.h"
#include "base/mem.h"

enum trading { TRADING_OPEN, TRADING_REDUCE_ONLY, TRADING_HALTED };

struct live_status {
        struct live *live;
        struct stream_channel *channel;
        enum venue_health venue;
        bool has_feed, feed_live, draining;
        enum trading trading;
};

static void look(const struct live *live, struct live_status *out)
{
        struct api *api = live->api;
        struct keeper_status keeper = {.has_feed = false};
        struct venue_status venue;

        api->o.venue->ops->status(api->o.venue, &venue);
        if (!live->is_stopped)
                keeper_status(api->o.keeper, &keeper);
        out->venue = venue.health;
        out->has_feed = keeper.has_feed;
        out->feed_live = keeper.contexts_live;
        out->draining = api->draining;
        out->trading = venue.health == VENUE_DOWN || api->ended      ? TRADING_HALTED
                       : api->draining || !store_is_up(api->o.store) ? TRADING_REDUCE_ONLY
                                                                     : TRADING_OPEN;
}

static bool print_status(const struct live_status *s, struct buf *out)
{
        static const char *const venues[] = {"live", "degraded", "down"};
        static const char *const tradings[] = {"open", "reduceOnly", "halted"};

        buf_putc(out, '{');
        out_text(out, "venue", venues[s->venue]);
        out_text(out, "feed", !s->has_feed ? "off" : s->feed_live ? "live" : "down");
        out_text(out, "trading", tradings[s->trading]);
        out_bool(out, "draining", s->draining);
        buf_putc(out, '}');
        return true;
}

static bool print(void *cookie, struct stream_channel *channel, struct buf *out)
{
        (void)cookie;
        return print_status(stream_cookie(channel), out);
}

static enum errc open_status(void *cookie, struct stream_channel *channel,
                             const struct stream_subject *subject, struct err *err)
{
        struct live_status *s = xcalloc(1, sizeof *s);

        (void)subject;
        (void)err;
        s->live = cookie;
        s->channel = channel;
        must(!s->live->status);
        s->live->status = s;
        look(s->live, s);
        stream_set_cookie(channel, s);
        stream_ready(channel);
        return E_OK;
}

static void close_status(void *cookie, struct stream_channel *channel)
{
        struct live *live = cookie;

        live->status = NULL;
        free(stream_cookie(channel));
}

void live_status_tick(struct live *live)
{
        struct live_status *s = live->status;
        struct live_status now;

        if (!s)
                return;
        now = *s;
        look(live, &now);
        if (now.venue == s->venue && now.has_feed == s->has_feed && now.feed_live == s->feed_live &&
            now.draining == s->draining && now.trading == s->trading)
                return;
        *s = now;
        buf_reset(&live->text);
        (void)print_status(s, &live->text);
        stream_update(s->channel, state_now(live->api), (const char *)live->text.data,
                      live->text.len);
}

void live_status_register(struct live *live)
{
        const struct stream_source source = {
                .name = "status",
                .kind = STREAM_STATE,
                .open = open_status,
                .close = close_status,
                .snapshot = print,
                .cookie = live,
        };

        stream_register(live->hub, &source);
}
