/* feed_rig: a feed, a venue that only knows its markets, and a scripted server. Include after cmocka. */
#ifndef TESTS_FEED_RIG_H
#define TESTS_FEED_RIG_H

#include "feed_server.h"

/* ---- The venue --------------------------------------------------------------------------------- */

static inline const struct venue_caps *venue_caps_of(const struct venue *venue)
{
        static const struct venue_caps caps = {.name = "hyperliquid"};

        (void)venue;
        return &caps;
}

static inline struct rig *rig_of_venue(const struct venue *venue)
{
        return (struct rig *)(void *)((char *)(uintptr_t)venue - offsetof(struct rig, venue));
}

static inline size_t venue_market_count(const struct venue *venue)
{
        return rig_of_venue(venue)->n_markets;
}

static inline const struct market *venue_market_at(const struct venue *venue, size_t i)
{
        return &rig_of_venue(venue)->market[i];
}

static inline void add_market(struct rig *rig, const char *symbol, uint32_t asset)
{
        struct market *m = &rig->market[rig->n_markets++];

        (void)text_copy(m->symbol, sizeof(m->symbol), symbol);
        m->asset = asset;
}

/* ---- What the feed tells ----------------------------------------------------------------------- */

static inline void note_first(struct told *told, const struct feed_event *e)
{
        char text[NUM_STR_MAX];

        switch (e->kind) {
        case FEED_CONTEXT_ROWS:
                (void)snprintf(told->text, TEXT_MAX, "%s %s", e->u.context[0].symbol,
                               num_print_px(text, e->u.context[0].mark));
                break;
        case FEED_TRADE_ROWS:
                (void)snprintf(told->text, TEXT_MAX, "%s %s", e->u.trade[0].symbol,
                               num_print_px(text, e->u.trade[0].trade.price));
                for (size_t i = 0; i < e->n; i++)
                        told->n_past += e->u.trade[i].is_past;
                break;
        case FEED_FILL_ROWS:
                if (e->n)
                        (void)text_copy(told->text, TEXT_MAX, e->u.fill[0].symbol);
                break;
        case FEED_PAYMENT_ROWS:
                if (e->n)
                        (void)text_copy(told->text, TEXT_MAX,
                                        num_print_usd(text, e->u.payment[0].amount));
                break;
        case FEED_LIQUIDATED:
                (void)text_copy(told->text, TEXT_MAX,
                                num_print_usd(text, e->u.liquidation->notional));
                break;
        case FEED_ACCOUNT:
                (void)text_copy(told->text, TEXT_MAX,
                                num_print_usd(text, e->u.account->account_value));
                break;
        case FEED_ORDERS:
                if (e->n)
                        (void)text_copy(told->text, TEXT_MAX, e->u.order[0].symbol);
                break;
        case FEED_ORDER_STATUS: (void)text_copy(told->text, TEXT_MAX, e->u.status->status); break;
        case FEED_BOOK_WHOLE:
                (void)snprintf(told->text, TEXT_MAX, "%s %u %u %s", e->u.book->symbol,
                               e->u.book->n[0], e->u.book->n[1],
                               num_print_px(text, e->u.book->level[0][0].price));
                break;
        case FEED_BBO_ROW:
                (void)snprintf(told->text, TEXT_MAX, "%s %d %d %s", e->u.bbo->symbol,
                               e->u.bbo->has[0], e->u.bbo->has[1],
                               num_print_px(text, e->u.bbo->best[0].price));
                break;
        case FEED_CANDLE_ROW:
                (void)snprintf(told->text, TEXT_MAX, "%lld %s", (long long)e->u.candle->open_at,
                               num_print_px(text, e->u.candle->close));
                break;
        case FEED_FRAME:
                (void)snprintf(told->text, TEXT_MAX, "%.*s", (int)e->raw_len, e->raw);
                break;
        case FEED_LIVE:
        case FEED_GAP:
        case FEED_PROVEN: break;
        }
}

static inline void on_event(void *cookie, const struct feed_event *e)
{
        struct rig *rig = cookie;
        struct told *told = &rig->told[rig->n_told];

        assert_false(rig->is_busy); /* never before the call that caused it has returned */
        assert_non_null(rig->feed);
        assert_true(rig->n_told < TOLD_MAX);
        assert_true(e->at > 0);
        memset(told, 0, sizeof(*told));
        told->kind = e->kind;
        told->topic = *e->topic;
        told->since = e->since;
        told->n = e->n;
        told->is_snapshot = e->is_snapshot;
        memcpy(told->dex, e->dex, sizeof(told->dex));
        if (e->raw)
                (void)snprintf(told->raw, RAW_MAX, "%.*s", (int)e->raw_len, e->raw);
        note_first(told, e);
        rig->n_told++;
        if (rig->drops_in_callback) {
                feed_drop(rig->feed, rig->drops_in_callback);
                rig->drops_in_callback = NULL;
        }
        if (rig->closes_in_callback) {
                feed_close(rig->feed);
                rig->feed = NULL;
        }
}

/* ---- Topics ------------------------------------------------------------------------------------ */

static inline struct feed_topic market_topic(enum feed_kind kind, const char *symbol)
{
        struct feed_topic topic = {.kind = kind};

        (void)text_copy(topic.symbol, sizeof(topic.symbol), symbol);
        return topic;
}

static inline struct feed_topic verbatim(const struct rig *rig, const char *json)
{
        struct feed_topic topic;

        if (feed_verbatim(rig->feed, &topic, json, strlen(json)))
                fail_msg("no subscription: %s", json);
        return topic;
}

static inline struct feed_topic candle_topic(const char *symbol, const char *interval)
{
        struct feed_topic topic = market_topic(FEED_CANDLES, symbol);

        (void)text_copy(topic.detail, sizeof(topic.detail), interval);
        return topic;
}

static inline struct feed_topic user_topic(enum feed_kind kind, unsigned user)
{
        struct feed_topic topic = {.kind = kind};

        topic.user.b[18] = (uint8_t)(user >> 8);
        topic.user.b[19] = (uint8_t)user;
        return topic;
}

static inline enum errc try_want(struct rig *rig, struct feed_topic topic)
{
        enum errc rc;

        rig->is_busy = true;
        rc = feed_want(rig->feed, &topic);
        rig->is_busy = false;
        return rc;
}

static inline void want(struct rig *rig, struct feed_topic topic)
{
        assert_int_equal(try_want(rig, topic), E_OK);
}

static inline void drop(struct rig *rig, struct feed_topic topic)
{
        rig->is_busy = true;
        feed_drop(rig->feed, &topic);
        rig->is_busy = false;
}

static inline struct feed_topic_state state_of(const struct rig *rig, struct feed_topic topic)
{
        struct feed_topic_state state;

        feed_topic_state(rig->feed, &topic, &state);
        return state;
}

static inline bool is_same_topic(const struct feed_topic *a, const struct feed_topic *b)
{
        return a->kind == b->kind && !strcmp(a->symbol, b->symbol) &&
               !strcmp(a->detail, b->detail) && hex_addr_equal(&a->user, &b->user);
}

/* ---- Waiting ----------------------------------------------------------------------------------- */

static inline int64_t now_ms(const struct rig *rig)
{
        return clock_mono_ms(loop_clock(rig->loop));
}

/* The nth event of that kind for the topic; NULL when it does not come. */
static inline const struct told *await(struct rig *rig, enum feed_event_kind kind,
                                       struct feed_topic topic, unsigned nth)
{
        int64_t until = now_ms(rig) + WAIT_MS;
        size_t seen = 0;
        unsigned n = 0;

        do {
                for (; seen < rig->n_told; seen++)
                        if (rig->told[seen].kind == kind &&
                            is_same_topic(&rig->told[seen].topic, &topic) && ++n == nth)
                                return &rig->told[seen];
                loop_turn(rig->loop, 20);
        } while (now_ms(rig) < until);
        return NULL;
}

static inline unsigned count_told(const struct rig *rig, enum feed_event_kind kind,
                                  struct feed_topic topic)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_told; i++)
                n += rig->told[i].kind == kind && is_same_topic(&rig->told[i].topic, &topic);
        return n;
}

#define AWAIT(rig, kind, topic, nth) assert_non_null(await(rig, kind, topic, nth))

static inline unsigned count_said(const struct rig *rig, const char *text)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_said; i++)
                n += strcmp(rig->said[i].text, text) == 0;
        return n;
}

/* Which connection said it: those that open together are accepted in any order. */
static inline unsigned peer_that_said(const struct rig *rig, const char *text)
{
        for (size_t i = rig->n_said; i-- > 0;)
                if (strcmp(rig->said[i].text, text) == 0)
                        return rig->said[i].peer;
        fail_msg("\"%s\" was not said", text);
        return 0;
}

static inline void await_said(struct rig *rig, const char *text, unsigned nth)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        while (count_said(rig, text) < nth && now_ms(rig) < until)
                loop_turn(rig->loop, 20);
        if (count_said(rig, text) < nth)
                fail_msg("\"%s\" was not said %u times", text, nth);
}

static inline void await_peers(struct rig *rig, unsigned n)
{
        int64_t until = now_ms(rig) + WAIT_MS;

        while (rig->n_peers < n && now_ms(rig) < until)
                loop_turn(rig->loop, 20);
        assert_true(rig->n_peers >= n);
}

/* Lets things happen that must not: as many turns as anything here needs to go wrong. */
static inline void settle(struct rig *rig, int64_t ms)
{
        int64_t until = now_ms(rig) + ms;

        while (now_ms(rig) < until)
                loop_turn(rig->loop, 10);
}

/* A number of the metrics page; fails where it is absent. */
static inline long long metric(const struct rig *rig, const char *name)
{
        struct buf out;
        const char *at;
        long long v = 0;
        size_t len = strlen(name);

        buf_init(&out, 1u << 20);
        feed_metrics(rig->feed, &out);
        for (at = buf_cstr(&out); at; at = strchr(at, '\n')) {
                at += *at == '\n';
                if (!strncmp(at, name, len) && at[len] == ' ')
                        break;
        }
        if (!at)
                fail_msg("no metric %s", name);
        for (at += len + 1; *at >= '0' && *at <= '9'; at++)
                v = v * 10 + (*at - '0');
        buf_fini(&out);
        return v;
}

/* ---- Life -------------------------------------------------------------------------------------- */

static inline void open_feed(struct rig *rig)
{
        struct err err = {.code = E_OK};
        char url[64];
        struct feed_options options = {
                .url = url,
                .n_egress = rig->n_egress,
                .egress = rig->egress,
                .limits = rig->limits,
                .venue = &rig->venue.venue,
                .event = on_event,
                .cookie = rig,
        };

        (void)snprintf(url, sizeof(url), "ws://127.0.0.1:%u/ws", httpd_port(rig->listener));
        rig->feed = feed_open(rig->loop, &options, &err);
        if (!rig->feed)
                fail_msg("%s", err.detail);
}

static inline int setup(void **state)
{
        struct rig *rig = calloc(1, sizeof(*rig));

        rig->loop = loop_new();
        rig->said = calloc(SAID_MAX, sizeof(*rig->said));
        rig->told = calloc(TOLD_MAX, sizeof(*rig->told));
        rig->sub = calloc(SUBS_MAX, sizeof(*rig->sub));
        rig->has_first = true;
        rig->limits.linger_ms = -1;
        rig->ops.caps = venue_caps_of;
        rig->ops.market_count = venue_market_count;
        rig->ops.market_at = venue_market_at;
        rig->venue.venue.ops = &rig->ops;
        add_market(rig, "BTC", 0);
        add_market(rig, "ETH", 1);
        serve(rig);
        *state = rig;
        return 0;
}

static inline int teardown(void **state)
{
        struct rig *rig = *state;

        feed_close(rig->feed);
        httpd_free(rig->httpd);
        loop_free(rig->loop);
        free(rig->said);
        free(rig->told);
        free(rig->sub);
        free(rig);
        return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
