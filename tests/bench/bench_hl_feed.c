/* What the trades of all markets cost: frames of 600 markets through the feed, beside the JSON library's own
 * parsing of the same frames, in one run and on one core.
 *
 * Usage: bench_hl_feed [FRAMES] [TRADES-PER-FRAME] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/attr.h"
#include "base/mem.h"

#define MARKETS 600

static uint64_t n_rows;

static const struct venue_caps *caps(const struct venue *venue)
{
        static const struct venue_caps hyperliquid = {.name = "hyperliquid"};

        (void)venue;
        return &hyperliquid;
}

static size_t market_count(const struct venue *venue)
{
        (void)venue;
        return 0;
}

static void on_event(void *cookie, const struct feed_event *event)
{
        (void)cookie;
        if (event->kind == FEED_TRADE_ROWS)
                n_rows += event->n;
}

static int64_t cpu_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct hl_feed *open_feed(struct loop *loop)
{
        static const struct venue_ops ops = {.caps = caps, .market_count = market_count};
        static struct hl_venue venue = {.venue = {.ops = &ops}};
        struct feed_options options = {
                .url = "ws://127.0.0.1:9/ws", .venue = &venue.venue, .event = on_event};
        struct feed *feed = feed_open(loop, &options, NULL);
        struct hl_feed *f = (struct hl_feed *)(void *)feed;

        must(feed);
        for (unsigned i = 0; i < MARKETS; i++) {
                struct feed_topic topic = {.kind = FEED_TRADES};

                (void)snprintf(topic.symbol, sizeof(topic.symbol), "M%u", i);
                must(feed_want(feed, &topic) == E_OK);
        }
        hl_feed_fit(f);
        list_each (it, &f->conn[0]->wires)
                list_entry(it, struct hl_feed_wire, in_conn)->state = HL_FEED_HELD;
        return f;
}

static void make_frame(struct buf *out, unsigned market, unsigned n_trades)
{
        buf_init(out, 1u << 20);
        buf_puts(out, "{\"channel\":\"trades\",\"data\":[");
        for (unsigned i = 0; i < n_trades; i++)
                buf_printf(out,
                           "%s{\"coin\":\"M%u\",\"side\":\"%c\",\"px\":\"83770.%u\",\"sz\":"
                           "\"0.00819\",\"time\":%lld,\"hash\":"
                           "\"0xa7c8a1a1ff42f7b2a9420445311dcb0201b500879a4616844b914cf4be46d19d\","
                           "\"tid\":%llu,\"users\":[\"0x10d944a35f99c141b9121ec3693000531825bef8\","
                           "\"0x1a2e6afa298b1cc50939b4b2b0b430e3c1ef3459\"]}",
                           i ? "," : "", market, i % 2 ? 'A' : 'B', i % 10, 1790358604045LL + i,
                           437413095582311ULL + i);
        buf_puts(out, "]}");
        (void)buf_cstr(out);
}

static int64_t run(struct hl_feed *f, const struct buf *frames, unsigned n)
{
        int64_t from = cpu_ns();

        for (unsigned i = 0; i < n; i++) {
                const struct buf *frame = &frames[i % MARKETS];

                if (f)
                        hl_feed_frame(f->conn[0], (const char *)frame->data, frame->len);
                else
                        json_decref(json_loadb((const char *)frame->data, frame->len, 0, NULL));
        }
        return cpu_ns() - from;
}

int main(int argc, char **argv)
{
        unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
        unsigned n_trades = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 3;
        struct loop *loop = loop_new();
        struct hl_feed *f = open_feed(loop);
        static struct buf frames[MARKETS];
        int64_t bare, whole;

        must(n > 0 && n_trades > 0);
        for (unsigned i = 0; i < MARKETS; i++)
                make_frame(&frames[i], i, n_trades);
        (void)run(NULL, frames, MARKETS);
        (void)run(f, frames, MARKETS);
        n_rows = 0;
        bare = run(NULL, frames, n);
        whole = run(f, frames, n);
        must(n_rows == (uint64_t)n * n_trades);
        printf("trades of %d markets: %u frames of %u trades\n", MARKETS, n, n_trades);
        printf("  JSON alone  %6lld ns a trade\n", (long long)(bare / (int64_t)n_rows));
        printf("  the feed    %6lld ns a trade, %lld.%02lld times that\n",
               (long long)(whole / (int64_t)n_rows), (long long)(whole / bare),
               (long long)(whole % bare * 100 / bare));
        printf("  1000 trades a second take %lld.%02lld %% of a core\n",
               (long long)(whole / (int64_t)n_rows / 10000),
               (long long)(whole / (int64_t)n_rows / 100 % 100));
        for (unsigned i = 0; i < MARKETS; i++)
                buf_fini(&frames[i]);
        feed_close(&f->feed);
        loop_free(loop);
        return 0;
}
