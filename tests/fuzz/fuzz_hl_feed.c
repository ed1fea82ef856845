/* Frames of the venue's socket, one per line, into a feed that has every kind of subscription, read and word
 * by word. The first byte says how far the venue has answered, and on which connection it speaks. */
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

#define USER "\"0x0000000000000000000000000000000000000001\""

static const char *const words[] = {
        "{\"type\":\"trades\",\"coin\":\"BTC\"}",
        "{\"type\":\"bbo\",\"coin\":\"ETH\"}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\"}",
        "{\"type\":\"l2Book\",\"coin\":\"BTC\",\"nSigFigs\":5,\"mantissa\":2}",
        "{\"type\":\"candle\",\"coin\":\"BTC\",\"interval\":\"1h\"}",
        "{\"type\":\"allMids\"}",
        "{\"type\":\"allMids\",\"dex\":\"xyz\"}",
        "{\"type\":\"activeAssetCtx\",\"coin\":\"BTC\"}",
        "{\"type\":\"activeAssetCtx\",\"coin\":\"@107\"}",
        "{\"type\":\"assetCtxs\",\"dex\":\"xyz\"}",
        "{\"type\":\"allDexsAssetCtxs\"}",
        "{\"type\":\"spotAssetCtxs\"}",
        "{\"type\":\"fastAssetCtxs\"}",
        "{\"type\":\"outcomeMetaUpdates\"}",
        "{\"type\":\"userFills\",\"user\":" USER ",\"aggregateByTime\":true}",
        "{\"type\":\"userEvents\",\"user\":" USER "}",
        "{\"type\":\"orderUpdates\",\"user\":" USER "}",
        "{\"type\":\"userNonFundingLedgerUpdates\",\"user\":" USER "}",
        "{\"type\":\"userHistoricalOrders\",\"user\":" USER "}",
        "{\"type\":\"spotState\",\"user\":" USER "}",
        "{\"type\":\"activeAssetData\",\"user\":" USER ",\"coin\":\"BTC\"}",
        "{\"type\":\"webData3\",\"user\":" USER "}",
        "{\"type\":\"notification\",\"user\":" USER "}",
        "{\"type\":\"twapStates\",\"user\":" USER "}",
        "{\"type\":\"userTwapSliceFills\",\"user\":" USER "}",
        "{\"type\":\"userTwapHistory\",\"user\":" USER "}",
};

static void check_book(const struct venue_book *book)
{
        for (unsigned side = 0; side < 2; side++) {
                must(book->n[side] <= VENUE_LEVELS_MAX);
                for (unsigned i = 0; i < book->n[side]; i++)
                        must(book->level[side][i].size.v > 0 && book->level[side][i].price.v > 0);
        }
        must(!book->n[0] || !book->n[1] || book->level[0][0].price.v < book->level[1][0].price.v);
}

static void check_market(const struct feed_event *event)
{
        if (event->kind == FEED_BOOK_WHOLE)
                check_book(event->u.book);
        if (event->kind == FEED_BBO_ROW && event->u.bbo->has[0] && event->u.bbo->has[1])
                must(event->u.bbo->best[0].price.v < event->u.bbo->best[1].price.v);
        if (event->kind == FEED_CANDLE_ROW)
                must(event->u.candle->low.v > 0 &&
                     event->u.candle->low.v <= event->u.candle->high.v &&
                     event->u.candle->open_at < event->u.candle->close_at);
        if (event->kind == FEED_FRAME)
                must(event->raw && event->topic->kind == FEED_VERBATIM);
        if (event->raw)
                must(event->raw_len > 0 && !memchr(event->raw, '\0', event->raw_len));
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
        check_market(event);
}

static struct hl_feed *open_feed(void)
{
        static const struct venue_ops ops = {
                .caps = caps, .market_count = market_count, .market_at = market_at};
        static struct hl_venue venue = {.venue = {.ops = &ops}};
        static struct feed *feed;
        struct feed_options options = {
                .url = "ws://127.0.0.1:9/ws",
                .limits = {.connections = 3},
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
                                hl_feed_class_is_market(rank) ? "BTC" : "");
                (void)text_copy(topic.detail, sizeof topic.detail,
                                topic.kind == FEED_CANDLES ? "15m" : "");
                must(feed_want(feed, &topic) == E_OK);
        }
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
                struct feed_topic topic;

                must(feed_verbatim(feed, &topic, words[i], strlen(words[i])) == E_OK);
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
                c->must_restart = false;
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
        struct hl_feed_conn *c;

        if (!f)
                f = open_feed();
        if (size == 0)
                return 0;
        begin(f, data[0] & 1, data[0] >> 1);
        c = f->conn[data[0] >> 6 & 1];
        for (const uint8_t *line = data + 1; line <= end;) {
                const uint8_t *stop = memchr(line, '\n', (size_t)(end - line));
                size_t len = (size_t)((stop ? stop : end) - line);
                char *text = xstrndup((const char *)line, len);

                hl_feed_frame(c, text, strlen(text));
                free(text);
                line += len + 1;
        }
        return 0;
}
