/* feed_rig: a feed, a venue that only knows its markets, and a WebSocket server that answers as a script
 * says and keeps count of what the venue's limits are about. Include after cmocka. */
#ifndef TESTS_FEED_RIG_H
#define TESTS_FEED_RIG_H

#include <stdarg.h>
#include <stdio.h>

#include "adapters/feed.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "adapters/hyperliquid/hl_venue.h"
#include "base/mem.h"
#include "edge/httpd.h"

#define WAIT_MS   10000
#define PEERS_MAX 64
#define SAID_MAX  4096
#define TOLD_MAX  4096
#define SUBS_MAX  2000
#define TEXT_MAX  160

struct said {
        unsigned peer;
        char text[TEXT_MAX]; /* "subscribe trades BTC" */
};

/* What the feed told. */
struct told {
        enum feed_event_kind kind;
        struct feed_topic topic;
        int64_t since;
        size_t n, n_past;
        bool is_snapshot;
        char dex[16];
        char text[TEXT_MAX]; /* of the first row */
};

struct rig {
        struct loop *loop;
        struct httpd *httpd;
        struct httpd_listener *listener;
        struct hl_venue venue;
        struct venue_ops ops;
        struct market market[8];
        size_t n_markets;
        struct feed *feed;
        struct feed_limits limits;
        /* the server's side */
        struct handle peer[PEERS_MAX];
        bool is_open[PEERS_MAX];
        unsigned n_peers, n_open, max_open;
        struct said *said;
        size_t n_said;
        struct {
                unsigned peer;
                char text[TEXT_MAX], user[ADDR_STR_MAX];
        } * sub;
        size_t n_subs, max_subs;
        unsigned max_users;
        bool closes_at_once, is_mute, is_busy;
        bool has_first;         /* user feeds are answered with empty snapshots and states */
        unsigned users;         /* 0: any number */
        const char *refused[4]; /* types or coins */
        const char *ignored;    /* a type that is not answered */
        /* the feed's */
        struct told *told;
        size_t n_told;
        bool closes_in_callback;
        struct feed_topic *drops_in_callback;
};

/* ---- The server -------------------------------------------------------------------------------- */

static inline void server_handler(void *cookie, const struct httpd_request *request)
{
        struct rig *rig = cookie;

        httpd_reply(rig->httpd, request->handle, 404, "text/plain", NULL, 0, "no", 2);
}

static inline int server_upgrade(void *cookie, const struct httpd_request *request)
{
        (void)cookie;
        (void)request;
        return 0;
}

static inline void server_opened(void *cookie, struct handle peer, const char *address)
{
        struct rig *rig = cookie;

        (void)address;
        assert_true(rig->n_peers < PEERS_MAX);
        rig->peer[rig->n_peers] = peer;
        rig->is_open[rig->n_peers++] = true;
        if (++rig->n_open > rig->max_open)
                rig->max_open = rig->n_open;
        if (rig->closes_at_once)
                httpd_ws_close(rig->httpd, peer, 1011, "not now");
}

static inline unsigned peer_of(const struct rig *rig, struct handle peer)
{
        for (unsigned i = 0; i < rig->n_peers; i++)
                if (memcmp(&rig->peer[i], &peer, sizeof(peer)) == 0)
                        return i;
        fail_msg("a peer that never came");
        return 0;
}

static inline void forget_sub(struct rig *rig, size_t i)
{
        rig->sub[i] = rig->sub[--rig->n_subs];
}

static inline void server_closed(void *cookie, struct handle peer)
{
        struct rig *rig = cookie;
        unsigned who = peer_of(rig, peer);

        rig->is_open[who] = false;
        rig->n_open--;
        for (size_t i = rig->n_subs; i > 0; i--)
                if (rig->sub[i - 1].peer == who)
                        forget_sub(rig, i - 1);
}

static inline void say_to(struct rig *rig, unsigned peer, const char *fmt, ...) PRINTF(3, 4);
static inline void say_to(struct rig *rig, unsigned peer, const char *fmt, ...)
{
        struct buf text;
        char piece[8192];
        va_list args;

        va_start(args, fmt);
        (void)vsnprintf(piece, sizeof(piece), fmt, args);
        va_end(args);
        buf_init(&text, sizeof(piece));
        buf_puts(&text, piece);
        (void)(httpd_ws_send(rig->httpd, rig->peer[peer], text.data, text.len) == E_OK);
        buf_fini(&text);
}

static inline unsigned count_users(const struct rig *rig)
{
        unsigned n = 0;

        for (size_t i = 0; i < rig->n_subs; i++) {
                bool is_new = rig->sub[i].user[0] != '\0';

                for (size_t k = 0; k < i; k++)
                        is_new = is_new && strcmp(rig->sub[i].user, rig->sub[k].user) != 0;
                n += is_new;
        }
        return n;
}

static inline bool is_refused(const struct rig *rig, const char *type, const char *name)
{
        for (size_t i = 0; i < 4; i++)
                if (rig->refused[i] &&
                    (!strcmp(rig->refused[i], type) || !strcmp(rig->refused[i], name)))
                        return true;
        return false;
}

static inline void send_first(struct rig *rig, unsigned peer, const char *type, const char *user)
{
        if (!strcmp(type, "userFills"))
                say_to(rig, peer,
                       "{\"channel\":\"userFills\",\"data\":{\"isSnapshot\":true,\"user\":\"%s\","
                       "\"fills\":[]}}",
                       user);
        else if (!strcmp(type, "userFundings"))
                say_to(rig, peer,
                       "{\"channel\":\"userFundings\",\"data\":{\"isSnapshot\":true,\"user\":"
                       "\"%s\",\"fundings\":[]}}",
                       user);
        else if (!strcmp(type, "openOrders"))
                say_to(rig, peer,
                       "{\"channel\":\"openOrders\",\"data\":{\"dex\":\"\",\"user\":\"%s\","
                       "\"orders\":[]}}",
                       user);
}

static inline void send_refusal(struct rig *rig, unsigned peer, const char *json)
{
        struct buf text, quoted;

        buf_init(&text, 4096);
        buf_init(&quoted, 8192);
        buf_puts(&text, "Invalid subscription ");
        buf_puts(&text, json);
        buf_put_json(&quoted, (const char *)text.data, text.len);
        say_to(rig, peer, "{\"channel\":\"error\",\"data\":%s}", buf_cstr(&quoted));
        buf_fini(&quoted);
        buf_fini(&text);
}

static inline void take_subscribe(struct rig *rig, unsigned peer, const char *text,
                                  const char *json, const char *type, const char *name,
                                  const char *user)
{
        if (is_refused(rig, type, name)) {
                send_refusal(rig, peer, json);
                return;
        }
        assert_true(rig->n_subs < SUBS_MAX);
        rig->sub[rig->n_subs].peer = peer;
        (void)text_copy(rig->sub[rig->n_subs].text, TEXT_MAX, text);
        (void)text_copy(rig->sub[rig->n_subs].user, ADDR_STR_MAX, user);
        rig->n_subs++;
        if (rig->users && count_users(rig) > rig->users) {
                rig->n_subs--;
                say_to(rig, peer,
                       "{\"channel\":\"error\",\"data\":\"Cannot track more than %u total "
                       "users.\"}",
                       rig->users);
                return;
        }
        if (rig->n_subs > rig->max_subs)
                rig->max_subs = rig->n_subs;
        if (count_users(rig) > rig->max_users)
                rig->max_users = count_users(rig);
        say_to(rig, peer,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"subscribe\","
               "\"subscription\":%s}}",
               json);
        if (rig->has_first)
                send_first(rig, peer, type, user);
}

static inline void take_unsubscribe(struct rig *rig, unsigned peer, const char *text,
                                    const char *json)
{
        for (size_t i = 0; i < rig->n_subs; i++) {
                if (rig->sub[i].peer != peer || strcmp(rig->sub[i].text, text) != 0)
                        continue;
                forget_sub(rig, i);
                break;
        }
        say_to(rig, peer,
               "{\"channel\":\"subscriptionResponse\",\"data\":{\"method\":\"unsubscribe\","
               "\"subscription\":%s}}",
               json);
}

static inline const char *or_empty(const char *text)
{
        return text ? text : "";
}

static inline void server_message(void *cookie, struct handle from, const char *text, size_t len)
{
        struct rig *rig = cookie;
        unsigned peer = peer_of(rig, from);
        json_t *root = hl_raw_load(text, len, NULL);
        const json_t *sub = json_object_get(root, "subscription");
        const char *method = or_empty(hl_raw_get_text(root, "method", NULL));
        const char *type = or_empty(hl_raw_get_text(sub, "type", NULL));
        const char *user = or_empty(hl_raw_get_text(sub, "user", NULL));
        const char *coin = hl_raw_get_text(sub, "coin", NULL);
        const char *name = coin ? coin : or_empty(hl_raw_get_text(sub, "dex", NULL));
        struct said *said = &rig->said[rig->n_said];
        char what[TEXT_MAX], *json;

        if (!strcmp(method, "ping")) {
                say_to(rig, peer, "{\"channel\":\"pong\"}");
                json_decref(root);
                return;
        }
        assert_true(rig->n_said < SAID_MAX);
        (void)snprintf(what, sizeof(what), "%s%s%s%s%s", type, *user ? " " : "",
                       *user ? user + 40 : "", *name ? " " : "", name);
        said->peer = peer;
        (void)snprintf(said->text, sizeof(said->text), "%.11s %.140s", method, what);
        rig->n_said++;
        json = json_dumps(sub, JSON_COMPACT);
        if (rig->is_mute || (rig->ignored && !strcmp(rig->ignored, type)))
                ;
        else if (!strcmp(method, "subscribe"))
                take_subscribe(rig, peer, what, json, type, name, user);
        else
                take_unsubscribe(rig, peer, what, json);
        free(json);
        json_decref(root);
}

static inline void serve(struct rig *rig)
{
        static const struct httpd_ws_ops ops = {server_upgrade, server_opened, server_message,
                                                server_closed};
        struct httpd_listen_options options = {
                .address = "127.0.0.1",
                .max_body_bytes = 1000,
                .max_connections = PEERS_MAX,
                .request_deadline_ms = 5000,
                .idle_keep_alive_ms = 5000,
                .handler = server_handler,
                .ws = &ops,
                .ws_path = "/ws",
                .ws_max_message_bytes = 100000,
                .ws_max_queue_bytes = 64u << 20,
                .cookie = rig,
        };
        struct err err = {.code = E_OK};

        rig->httpd = httpd_new(rig->loop);
        rig->listener = httpd_listen(rig->httpd, &options, &err);
        if (!rig->listener)
                fail_msg("%s", err.detail);
}

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
        case FEED_LIVE:
        case FEED_GAP: break;
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
               hex_addr_equal(&a->user, &b->user);
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
