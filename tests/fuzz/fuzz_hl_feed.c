/* Frames of the venue's socket, one per line, into a feed that has every kind of subscription. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct market markets[] = {
        {.symbol = "BTC", .asset = 0},
        {.symbol = "ETH", .asset = 1},
        {.symbol = "xyz:GOLD", .asset = 110002},
};

static const struct venue_caps *caps(const struct venue *venue)
{
        static const struct venue_caps hyperliquid = {.name = "hyperliquid"};

        (void)venue;
        return &hyperliquid;
}

static size_t market_count(const struct venue *venue)
{
        (void)venue;
        return sizeof markets / sizeof *markets;
}

static const struct market *market_at(const struct venue *venue, size_t i)
{
        (void)venue;
        must(i < sizeof markets / sizeof *markets);
        return &markets[i];
}

/* What is told must be whole: texts ended, topics wanted, rows within bounds. */
static void on_event(void *cookie, const struct feed_event *event)
{
        struct feed_topic_state state;

        feed_topic_state(*(struct feed **)cookie, event->topic, &state);
        must(state.is_wanted);
        must(event->kind != FEED_LIVE || state.is_live);
        must(event->kind != FEED_GAP || !state.is_live);
        must(memchr(event->dex, '\0', sizeof event->dex));
        if (event->kind == FEED_TRADE_ROWS || event->kind == FEED_CONTEXT_ROWS)
                must(event->n > 0 && event->n <= HL_FEED_ROWS);
        for (size_t i = 0; i < event->n && event->kind == FEED_TRADE_ROWS; i++)
                must(strcmp(event->u.trade[i].symbol, event->topic->symbol) == 0);
        for (size_t i = 0; i < event->n && event->kind == FEED_CONTEXT_ROWS; i++)
                must(event->u.context[i].mark.v > 0);
}

static struct hl_feed *open_feed(void)
{
        static const struct venue_ops ops = {
                .caps = caps, .market_count = market_count, .market_at = market_at};
        static struct hl_venue venue = {.venue = {.ops = &ops}};
        static struct feed *feed;
        struct feed_options options = {
                .url = "ws://127.0.0.1:9/ws",
                .limits = {.connections = 2},
                .venue = &venue.venue,
                .event = on_event,
                .cookie = &feed,
        };

        log_set_level(LOG_ERROR);
        feed = feed_open(loop_new(), &options, NULL);
        must(feed);
        for (unsigned kind = 0; kind < FEED_VERBATIM; kind++) {
                struct feed_topic topic = {.kind = (enum feed_kind)kind};
                enum hl_feed_class rank = hl_feed_class_of(topic.kind);

                topic.user.b[19] = rank == HL_FEED_USERS;
                (void)text_copy(topic.symbol, sizeof topic.symbol,
                                rank == HL_FEED_PUBLIC ? "BTC" : "");
                (void)text_copy(topic.detail, sizeof topic.detail,
                                topic.kind == FEED_CANDLES ? "15m" : "");
                must(feed_want(feed, &topic) == E_OK);
        }
        return (struct hl_feed *)(void *)feed;
}

/* As after the venue's answers; without: as before them. */
static void begin(struct hl_feed *f, bool is_answered, unsigned level)
{
        f->contexts_level = level % 3;
        f->states_level = level % 2;
        f->users_max = f->limits.users;
        f->venue_ahead_ms = 0;
        hl_feed_fit(f);
        for (unsigned i = 0; i < f->limits.connections; i++) {
                struct hl_feed_conn *c = f->conn[i];

                if (!c)
                        continue;
                c->is_open = true;
                list_each_safe (it, &c->wires) {
                        struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_conn);

                        if (!w->topic && !w->verbatim) {
                                hl_feed_wire_free(w);
                                continue;
                        }
                        w->state = is_answered ? HL_FEED_HELD : HL_FEED_ASKED;
                        w->has_data = w->must_leave_first = false;
                        w->is_first = true;
                        if (w->topic)
                                w->topic->is_live = false;
                        if (w->verbatim)
                                w->verbatim->is_live = false;
                }
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct hl_feed *f;
        const uint8_t *end = data + size;

        if (!f)
                f = open_feed();
        if (size == 0)
                return 0;
        begin(f, data[0] & 1, data[0] >> 1);
        for (const uint8_t *line = data + 1; line <= end;) {
                const uint8_t *stop = memchr(line, '\n', (size_t)(end - line));
                size_t len = (size_t)((stop ? stop : end) - line);
                char *text = xstrndup((const char *)line, len);

                hl_feed_frame(f->conn[0], text, strlen(text));
                free(text);
                line += len + 1;
        }
        return 0;
}
