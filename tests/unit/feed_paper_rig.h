/* feed_paper_rig: a feed on the paper venue, on one loop, with every topic of one trader. Include after
 * cmocka. */
#ifndef TESTS_FEED_PAPER_RIG_H
#define TESTS_FEED_PAPER_RIG_H

#include <stdio.h>

#include "adapters/feed.h"
#include "base/mem.h"
#include "paper_fixture.h"

#define WAIT_MS  60000
#define TOLD_MAX 20000

/* What was told, without what it borrowed. */
struct told {
        enum feed_event_kind kind;
        enum feed_kind topic;
        int64_t since;
        size_t n, n_past;
        bool is_snapshot;
        char dex[16], text[64], symbol[SYMBOL_MAX], collateral[COLLATERAL_MAX];
        struct addr users[2];
};

struct rig {
        struct paper_fixture f;
        struct paper_wallet w;
        struct venue *venue;
        struct feed *feed;
        struct told *told;
        size_t n_told, n_seen;
};

static const enum feed_kind kinds[] = {FEED_CONTEXTS,    FEED_TRADES,     FEED_USER_FILLS,
                                       FEED_USER_EVENTS, FEED_USER_STATE, FEED_USER_ORDERS};

static inline void read_row(struct told *told, const struct feed_event *e)
{
        char text[NUM_STR_MAX];

        if (e->kind == FEED_TRADE_ROWS) {
                memcpy(told->users, e->u.trade[e->n - 1].users, sizeof(told->users));
                for (size_t i = 0; i < e->n; i++)
                        told->n_past += e->u.trade[i].is_past;
        } else if (e->kind == FEED_PAYMENT_ROWS && e->n > 0) {
                (void)text_copy(told->text, sizeof(told->text),
                                num_print_usd(text, e->u.payment[e->n - 1].amount));
        } else if (e->kind == FEED_ORDER_STATUS) {
                (void)text_copy(told->text, sizeof(told->text), e->u.status->status);
        } else if (e->kind == FEED_ACCOUNT) {
                (void)text_copy(told->collateral, sizeof(told->collateral),
                                e->u.account->collateral);
                if (e->u.account->n_positions > 0)
                        (void)text_copy(told->text, sizeof(told->text),
                                        e->u.account->position[0].symbol);
        } else if (e->kind == FEED_CONTEXT_ROWS) {
                memcpy(told->symbol, e->u.context[0].symbol, sizeof(told->symbol));
                (void)text_copy(told->text, sizeof(told->text),
                                num_print_px(text, e->u.context[0].mark));
        }
}

static inline void on_event(void *cookie, const struct feed_event *e)
{
        struct rig *rig = cookie;
        struct told *told = &rig->told[rig->n_told];

        assert_true(rig->n_told < TOLD_MAX);
        memset(told, 0, sizeof(*told));
        told->kind = e->kind;
        told->topic = e->topic->kind;
        told->since = e->since;
        told->n = e->n;
        told->is_snapshot = e->is_snapshot;
        memcpy(told->dex, e->dex, sizeof(told->dex));
        read_row(told, e);
        rig->n_told++;
}

static inline int64_t now_ms(const struct rig *rig)
{
        return clock_mono_ms(loop_clock(rig->f.loop));
}

/* The next such event after those that were looked at; they stay looked at. */
static const struct told *next(struct rig *rig, enum feed_event_kind kind, enum feed_kind topic)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        do {
                while (rig->n_seen < rig->n_told) {
                        const struct told *told = &rig->told[rig->n_seen++];

                        if (told->kind == kind && told->topic == topic)
                                return told;
                }
                loop_turn(rig->f.loop, 20);
        } while (now_ms(rig) < until);
        fail_msg("event %d of topic %d did not come", (int)kind, (int)topic);
        return NULL;
}

static inline struct feed_topic topic_of(const struct rig *rig, enum feed_kind kind)
{
        struct feed_topic topic = {.kind = kind};

        if (kind == FEED_TRADES)
                (void)text_copy(topic.symbol, sizeof(topic.symbol), "BTC");
        else if (kind != FEED_CONTEXTS)
                topic.user = rig->w.address;
        return topic;
}

static inline bool is_live(const struct rig *rig, enum feed_kind kind)
{
        struct feed_topic topic = topic_of(rig, kind);
        struct feed_topic_state state;

        feed_topic_state(rig->feed, &topic, &state);
        return state.is_live;
}

/* Waits until the topics are all live, or all are not. */
static inline void await_all(struct rig *rig, bool are_live)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                while (is_live(rig, kinds[i]) != are_live && now_ms(rig) < until)
                        loop_turn(rig->f.loop, 5);
                if (is_live(rig, kinds[i]) != are_live)
                        fail_msg("topic %d is not as awaited", (int)kinds[i]);
        }
}

/* What happens in the millisecond of a subscription may be past. */
static inline void next_ms(struct rig *rig)
{
        int64_t at = clock_wall_ms(loop_clock(rig->f.loop));

        while (clock_wall_ms(loop_clock(rig->f.loop)) <= at)
                loop_turn(rig->f.loop, 1);
}

static inline void open_all(struct rig *rig, const struct feed_limits *limits)
{
        struct err err = {.code = E_OK};
        char base[64], url[64];
        struct venue_options venue = {
                .kind = "hyperliquid",
                .base_url = base,
                .is_mainnet = true,
                .weight_per_minute = 1200,
                .order_deadline_ms = 5000,
                .read_deadline_ms = 5000,
                .contexts_every_ms = 500,
                .markets_every_ms = 60000,
                .max_in_flight = 4,
                .n_dexes = 1,
                .dex = {"xyz"},
        };
        struct feed_options options = {.url = url, .event = on_event, .cookie = rig};

        (void)snprintf(base, sizeof(base), "http://127.0.0.1:%u", paper_port(rig->f.paper));
        (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws", paper_port(rig->f.paper));
        rig->venue = venue_open(rig->f.loop, &venue, &err);
        if (!rig->venue)
                fail_msg("%s", err.detail);
        options.venue = rig->venue;
        if (limits)
                options.limits = *limits;
        rig->feed = feed_open(rig->f.loop, &options, &err);
        if (!rig->feed)
                fail_msg("%s", err.detail);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct feed_topic topic = topic_of(rig, kinds[i]);

                assert_int_equal(feed_want(rig->feed, &topic), E_OK);
        }
        await_all(rig, true);
        next_ms(rig);
}

static inline bool has_symbol(const struct rig *rig, const char *symbol)
{
        return rig->venue->ops->market_by_symbol(rig->venue, symbol) != NULL;
}

static inline void fault(struct rig *rig, const char *kind, unsigned count)
{
        json_decref(paper_fixture_post(&rig->f, "/paper/fault", 200,
                                       "{\"kind\":\"%s\",\"count\":%u,\"path\":\"ws\"}", kind,
                                       count));
}

static inline void buy(struct rig *rig, const char *price, const char *tif, const char *size)
{
        json_t *answer = paper_fixture_act(
                &rig->f, &rig->w, NULL,
                "{\"type\":\"order\",\"orders\":[{\"a\":0,\"b\":true,\"p\":\"%s\",\"s\":\"%s\","
                "\"r\":false,\"t\":{\"limit\":{\"tif\":\"%s\"}}}],\"grouping\":\"na\"}",
                price, size, tif);

        assert_true(paper_fixture_is_ok(answer));
        json_decref(answer);
}

static inline void close_all(struct rig *rig)
{
        feed_close(rig->feed);
        if (rig->venue)
                rig->venue->ops->close(rig->venue);
        rig->feed = NULL;
        rig->venue = NULL;
}

static inline int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        rig->told = calloc(TOLD_MAX, sizeof(*rig->told));
        paper_fixture_open(&rig->f, NULL);
        rig->w = paper_fixture_wallet(&rig->f, 1);
        paper_fixture_faucet(&rig->f, &rig->w, "10000");
        paper_fixture_price(&rig->f, "BTC", "60000");
        *state = rig;
        return 0;
}

static inline int teardown(void **state)
{
        struct rig *rig = *state;

        close_all(rig);
        paper_fixture_close(&rig->f);
        free(rig->told);
        free(rig);
        return 0;
}

#endif
