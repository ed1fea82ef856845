#include "api/health.h"

#include "api/out.h"
#include "api/state.h"

static void check(struct buf *out, const char *name, bool ok, const char *reason)
{
        out_key(out, name);
        buf_putc(out, '{');
        out_bool(out, "ok", ok);
        out_text(out, "reason", ok ? NULL : reason);
        buf_putc(out, '}');
}

static void age(struct buf *out, const char *name, int64_t at, int64_t now)
{
        if (at)
                out_int(out, name, now > at ? now - at : 0);
        else
                out_null(out, name);
}

bool health_print(struct api *api, struct buf *out)
{
        struct venue *venue = api->o.venue;
        bool store = store_is_up(api->o.store);
        struct venue_status v;
        int64_t now = state_now(api);
        bool feed, reachable, ready;

        venue->ops->status(venue, &v);
        reachable = v.health != VENUE_DOWN;
        feed = v.contexts_at != 0;
        ready = store && reachable && feed && !api->draining;
        buf_putc(out, '{');
        out_bool(out, "ready", ready);
        out_key(out, "checks");
        buf_putc(out, '{');
        check(out, "store", store, store_down_reason(api->o.store));
        check(out, "venue", reachable, v.reason);
        check(out, "feed", feed, "No prices have arrived from the venue yet.");
        check(out, "running", !api->draining, "The gateway is shutting down.");
        buf_puts(out, "}");
        /* How old the data is, which is another question than whether we can serve. */
        out_key(out, "freshness");
        buf_putc(out, '{');
        age(out, "marketsAgeMs", v.markets_at, now);
        age(out, "pricesAgeMs", v.contexts_at, now);
        buf_puts(out, "}}");
        return ready;
}
