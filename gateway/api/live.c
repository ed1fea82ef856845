#include "api/live.h"

#include <stdlib.h>

#include "api/live_impl.h"
#include "base/mem.h"

#define TICK_MS 500

static void heard(void *cookie, const struct feed_event *event)
{
        struct live *live = cookie;

        if (event->topic->kind == FEED_CONTEXTS)
                live_markets_event(live, event);
        if (event->topic->kind == FEED_TRADES)
                live_trades_event(live, event);
        live_topic_event(live, event);
}

static void tick(void *cookie)
{
        struct live *live = cookie;

        live_topic_tick(live);
        live_status_tick(live);
        if (live->beats++ % 2 == 0)
                live_markets_tick(live);
}

static const struct live_kind *const kinds[LIVE_TOPIC_KINDS] = {
        &live_book_kind, &live_book_bbo_kind, &live_trades_kind, &live_candles_kind};

struct live *live_new(struct api *api, struct stream_hub *hub, unsigned poll_weight)
{
        struct live *live = xcalloc(1, sizeof *live);

        live->api = api;
        live->hub = hub;
        live->poll_weight = poll_weight;
        live->milli_weight = (int64_t)poll_weight * 1000;
        live->filled_at = clock_mono_ms(api->o.clock);
        live->by_topic = map_new();
        live->recent = map_new();
        live->context = map_new();
        list_init(&live->topics);
        list_init(&live->markets);
        buf_init(&live->text, LIVE_DATA_MAX);
        for (unsigned i = 0; i < LIVE_TOPIC_KINDS; i++)
                live_topic_register(live, kinds[i], i);
        live_markets_register(live);
        live_status_register(live);
        live->tap = keeper_tap(api->o.keeper, heard, live);
        live->tick = loop_timer_new(api->o.loop, tick, live);
        loop_timer_start(live->tick, TICK_MS, TICK_MS);
        return live;
}

void live_stop(struct live *live)
{
        if (!live || live->is_stopped)
                return;
        live->is_stopped = true;
        keeper_untap(live->tap);
        loop_timer_free(live->tick);
}

void live_free(struct live *live)
{
        if (!live)
                return;
        live_stop(live);
        must(map_size(live->by_topic) == 0 && list_empty(&live->markets) && !live->status);
        map_free(live->by_topic, NULL);
        live_trades_fini(live);
        live_markets_fini(live);
        buf_fini(&live->text);
        free(live);
}

void live_reload(struct live *live)
{
        live_markets_renew(live);
}
