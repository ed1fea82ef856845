#include "adapters/hyperliquid/hl_feed.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/mem.h"

#define TICK_MS          250
#define PINGS_PER_MINUTE 4 /* of each connection, kept apart for hl_feed_prove */
#define CONNECTIONS_MAX  64
#define USERS_LIMIT_MAX  10000

static struct hl_feed *feed_of(struct feed *feed)
{
        return (struct hl_feed *)(void *)feed;
}

static const struct hl_feed *feed_of_const(const struct feed *feed)
{
        return (const struct hl_feed *)(const void *)feed;
}

/* ---- Telling --------------------------------------------------------------------------------- */

static bool is_data(enum feed_event_kind kind)
{
        return kind != FEED_LIVE && kind != FEED_GAP && kind != FEED_PROVEN;
}

void hl_feed_tell(struct hl_feed *f, struct hl_feed_topic *t, struct feed_event *event)
{
        if (!t || f->is_closed || t->n_wants == 0)
                return;
        event->topic = &t->topic;
        event->at = hl_feed_wall(f);
        t->is_fed = t->is_fed || is_data(event->kind);
        f->depth++;
        f->options.event(f->options.cookie, event);
        f->depth--;
}

static bool is_wire_live(const struct hl_feed_wire *w)
{
        return w->state == HL_FEED_HELD && !w->conn->must_restart &&
               (w->has_data || !hl_feed_key_has_first(&w->key));
}

void hl_feed_check_live(struct hl_feed *f, struct hl_feed_topic *t)
{
        struct feed_event event = {.kind = FEED_LIVE};
        size_t n = 0;

        if (!t || t->is_live || t->n_wants == 0 || t->is_parked)
                return;
        list_each (it, &t->wires) {
                const struct hl_feed_wire *w = hl_feed_wire_at(t, it);

                if (w->state == HL_FEED_REFUSED && hl_feed_wire_is_optional(t, w))
                        continue;
                if (!is_wire_live(w))
                        return;
                n++;
        }
        if (n == 0)
                return;
        t->is_live = true;
        t->refusal = E_OK;
        t->live_since = hl_feed_wall(f);
        hl_feed_tell(f, t, &event);
}

/* Up to when nothing can have been missed. When something was heard last does not tell: it may have been
 * under way for long. */
static int64_t last_whole(const struct hl_feed_topic *t)
{
        return t->proven_at > t->live_since ? t->proven_at : t->live_since;
}

static void not_live(struct hl_feed_topic *t)
{
        if (t->is_live)
                t->whole_at = last_whole(t);
        t->is_live = false;
        t->live_since = 0;
}

void hl_feed_lose(struct hl_feed *f, struct hl_feed_topic *t, enum errc refusal)
{
        struct feed_event event = {.kind = FEED_GAP};
        bool is_news;

        if (!t)
                return;
        is_news = t->is_live || (refusal && t->refusal != refusal);
        not_live(t);
        if (refusal)
                t->refusal = refusal;
        if (!is_news || t->n_wants == 0)
                return;
        f->count.gaps++;
        event.since = t->whole_at;
        hl_feed_tell(f, t, &event);
}

void hl_feed_check_wire(struct hl_feed *f, const struct hl_feed_wire *w)
{
        hl_feed_check_live(f, w->topic);
        hl_feed_check_live(f, w->verbatim);
}

void hl_feed_lose_wire(struct hl_feed *f, const struct hl_feed_wire *w, enum errc refusal)
{
        hl_feed_lose(f, w->topic, refusal);
        hl_feed_lose(f, w->verbatim, refusal);
}

/* ---- The pump -------------------------------------------------------------------------------- */

void hl_feed_kick(struct hl_feed *f)
{
        if (!f->is_closed)
                loop_timer_start(f->pump, 0, 0);
}

static void topic_free(struct hl_feed *f, struct hl_feed_topic *t)
{
        list_each_safe (it, &t->wires)
                hl_feed_wire_leave(f, t, hl_feed_wire_at(t, it));
        if (map_get(f->by_topic, &t->topic, sizeof t->topic) == t)
                (void)map_take(f->by_topic, &t->topic, sizeof t->topic);
        list_remove(&t->in_class);
        free(t);
}

static void sweep(struct hl_feed *f)
{
        for (int rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each_safe (it, &f->topics[rank]) {
                        struct hl_feed_topic *t = list_entry(it, struct hl_feed_topic, in_class);

                        if (t->n_wants == 0 && (f->is_closed || hl_feed_mono(f) >= t->linger_until))
                                topic_free(f, t);
                }
        }
}

static void on_pump(void *cookie)
{
        struct hl_feed *f = cookie;

        sweep(f);
        hl_feed_wire_dexes(f);
        hl_feed_fit(f);
        if (f->is_closed)
                return;
        hl_feed_conn_sweep(f);
        hl_feed_send(f);
}

static void on_tick(void *cookie)
{
        struct hl_feed *f = cookie;

        hl_feed_judge(f);
        if (!f->is_closed)
                hl_feed_prove_tick(f);
        if (!f->is_closed)
                on_pump(f);
}

/* ---- Wanting --------------------------------------------------------------------------------- */

enum hl_feed_class hl_feed_class_of(enum feed_kind kind)
{
        switch (kind) {
        case FEED_CONTEXTS: return HL_FEED_FIRST;
        case FEED_TRADES: return HL_FEED_PUBLIC;
        case FEED_BOOK:
        case FEED_BBO:
        case FEED_CANDLES:
        case FEED_VERBATIM: return HL_FEED_WATCHED;
        case FEED_USER_FILLS:
        case FEED_USER_EVENTS:
        case FEED_USER_STATE:
        case FEED_USER_ORDERS: return HL_FEED_USERS;
        }
        never("a kind of the enum");
}

static struct hl_feed_topic *find(const struct hl_feed *f, const struct feed_topic *topic)
{
        struct feed_topic key;

        hl_feed_topic_normal(&key, topic);
        return map_get(f->by_topic, &key, sizeof key);
}

static bool has_room(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        return hl_feed_fit_has_place(f, t) && hl_feed_fit_has_room(f, t);
}

/* One that is there already: whoever comes later is told what it is now, where that is a state. */
static enum errc want_more(struct hl_feed *f, struct hl_feed_topic *t)
{
        if (t->n_wants == 0 && !has_room(f, t))
                return E_LIMIT;
        t->n_wants++;
        t->is_fed = false;
        hl_feed_kick(f);
        return E_OK;
}

static enum errc op_want(struct feed *feed, const struct feed_topic *topic)
{
        struct hl_feed *f = feed_of(feed);
        struct hl_feed_topic *t = find(f, topic);
        enum errc rc;

        if (t)
                return want_more(f, t);
        rc = hl_feed_topic_new(&t, topic);
        if (rc)
                return rc;
        if (!has_room(f, t)) {
                free(t);
                return E_LIMIT;
        }
        t->n_wants = 1;
        list_push_back(&f->topics[hl_feed_topic_class(t)], &t->in_class);
        (void)map_put(f->by_topic, &t->topic, sizeof t->topic, t);
        hl_feed_kick(f);
        return E_OK;
}

/* The topic itself stays until the pump: a callback may be walking over it. A market's stays longer, lest
 * those who come and go turn into messages; a user's gives its place away at once. */
static void op_drop(struct feed *feed, const struct feed_topic *topic)
{
        struct hl_feed *f = feed_of(feed);
        struct hl_feed_topic *t = find(f, topic);

        if (!t || t->n_wants == 0 || --t->n_wants > 0)
                return;
        not_live(t);
        if (hl_feed_class_is_market(hl_feed_topic_class(t)) && f->limits.linger_ms > 0 &&
            !t->is_parked)
                t->linger_until = hl_feed_mono(f) + f->limits.linger_ms;
        else
                (void)map_take(f->by_topic, &t->topic, sizeof t->topic);
        hl_feed_kick(f);
}

static void op_topic_state(const struct feed *feed, const struct feed_topic *topic,
                           struct feed_topic_state *out)
{
        const struct hl_feed *f = feed_of_const(feed);
        const struct hl_feed_topic *t = find(f, topic);

        *out = (struct feed_topic_state){0};
        if (!t || t->n_wants == 0)
                return;
        *out = (struct feed_topic_state){
                .is_wanted = true,
                .is_live = t->is_live,
                .live_since = t->live_since,
                .heard_at = t->heard_at,
                .proven_at = t->proven_at,
                .refusal = t->refusal,
        };
}

static void op_prove(struct feed *feed)
{
        hl_feed_prove(feed_of(feed));
}

static unsigned op_user_slots_left(const struct feed *feed)
{
        const struct hl_feed *f = feed_of_const(feed);
        unsigned n = hl_feed_fit_users(f);

        return n < f->users_max ? f->users_max - n : 0;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static void destroy(void *object)
{
        struct hl_feed *f = object;

        sweep(f);
        for (unsigned i = 0; f->conn && i < f->limits.connections; i++)
                hl_feed_conn_free(f->conn[i]);
        map_free(f->by_topic, NULL);
        map_free(f->by_key, NULL);
        map_free(f->by_echo, NULL);
        free(f->conn);
        free(f->users);
        free((char *)(uintptr_t)f->options.url);
        free((char *)(uintptr_t)f->options.ca_file);
        free(f->host);
        free(f);
}

static void op_close(struct feed *feed)
{
        struct hl_feed *f = feed_of(feed);

        if (f->is_closed)
                return;
        f->is_closed = true;
        loop_timer_free(f->pump);
        loop_timer_free(f->tick);
        for (int rank = 0; rank < HL_FEED_CLASSES; rank++) {
                list_each (it, &f->topics[rank])
                        list_entry(it, struct hl_feed_topic, in_class)->n_wants = 0;
        }
        if (f->depth > 0)
                loop_free_later(f->loop, destroy, f); /* whoever calls back is still under way */
        else
                destroy(f);
}

static unsigned or_default(unsigned v, unsigned fallback, unsigned max)
{
        if (v == 0)
                v = fallback;
        return v < max ? v : max;
}

static void take_limits(struct hl_feed *f, const struct feed_limits *from)
{
        /* Contexts come each second or so, states and books about every five; the others are told at
         * events. A verbatim topic's depends on what it is. */
        static const int64_t silent_ms[FEED_KINDS] = {
                [FEED_CONTEXTS] = 15000, [FEED_TRADES] = -1,        [FEED_USER_FILLS] = -1,
                [FEED_USER_EVENTS] = -1, [FEED_USER_STATE] = 30000, [FEED_USER_ORDERS] = 60000,
                [FEED_BOOK] = 30000,     [FEED_BBO] = 60000,        [FEED_CANDLES] = -1,
        };
        struct feed_limits *l = &f->limits;
        unsigned pings;

        *l = *from;
        l->connections = or_default(l->connections, 10, CONNECTIONS_MAX);
        l->connects_per_minute = or_default(l->connects_per_minute, 30, UINT16_MAX);
        l->subscriptions = or_default(l->subscriptions, 1000, UINT16_MAX);
        l->users = or_default(l->users, 10, USERS_LIMIT_MAX);
        l->messages_per_minute = or_default(l->messages_per_minute, 2000, UINT16_MAX);
        l->answer_ms = l->answer_ms > 0 ? l->answer_ms : 10000;
        l->linger_ms = l->linger_ms ? l->linger_ms : 3000;
        for (int kind = 0; kind < FEED_KINDS; kind++)
                l->silent_ms[kind] = l->silent_ms[kind] ? l->silent_ms[kind] : silent_ms[kind];
        f->users_max = l->users;
        pings = PINGS_PER_MINUTE * l->connections;
        if (pings > l->messages_per_minute / 2)
                pings = l->messages_per_minute / 2;
        hl_budget_init(&f->messages, l->messages_per_minute - pings, l->messages_per_minute / 4,
                       hl_feed_mono(f));
        hl_budget_init(&f->connects, l->connects_per_minute, 0, hl_feed_mono(f));
}

unsigned hl_feed_connections(const struct feed *feed)
{
        const struct hl_feed *f = feed_of_const(feed);
        unsigned n = 0;

        for (unsigned i = 0; i < f->limits.connections; i++)
                n += f->conn[i] && f->conn[i]->is_open;
        return n;
}

static void op_metrics(const struct feed *feed, struct buf *out)
{
        hl_feed_metrics(&feed, 1, out);
}

static void take_host(struct hl_feed *f)
{
        const char *scheme_end = strstr(f->options.url, "://");
        const char *host = scheme_end ? scheme_end + 3 : f->options.url;

        f->host = xstrdup(host);
        f->host[strcspn(f->host, "/?#")] = '\0';
}

struct feed *hl_feed_open(struct loop *loop, const struct feed_options *options, struct err *err)
{
        static const struct feed_ops ops = {
                .close = op_close,
                .want = op_want,
                .drop = op_drop,
                .verbatim = hl_feed_verbatim,
                .topic_state = op_topic_state,
                .user_slots_left = op_user_slots_left,
                .prove = op_prove,
                .metrics = op_metrics,
        };
        struct hl_feed *f;

        if (options->n_egress > 1) {
                (void)err_field(err, E_CONFIG, "egress", "one address at most was expected");
                return NULL;
        }
        if (!options->url) {
                (void)err_field(err, E_CONFIG, "url", "ws:// or wss:// was expected");
                return NULL;
        }
        f = xcalloc(1, sizeof *f);
        f->feed.ops = &ops;
        f->loop = loop;
        f->options = *options;
        f->options.url = xstrdup(options->url);
        f->options.ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
        f->options.egress = NULL;
        if (options->n_egress)
                must(text_copy(f->address, sizeof f->address, options->egress[0]));
        take_host(f);
        take_limits(f, &options->limits);
        for (int rank = 0; rank < HL_FEED_CLASSES; rank++)
                list_init(&f->topics[rank]);
        f->by_topic = map_new();
        f->by_key = map_new();
        f->by_echo = map_new();
        f->conn = xcalloc(f->limits.connections, sizeof(struct hl_feed_conn *));
        f->users = xcalloc(f->limits.users, sizeof *f->users);
        f->pump = loop_timer_new(loop, on_pump, f);
        f->tick = loop_timer_new(loop, on_tick, f);
        loop_timer_start(f->tick, TICK_MS, TICK_MS);
        hl_feed_wire_dexes(f);
        if (hl_feed_conn_check(f, err))
                return &f->feed;
        op_close(&f->feed);
        return NULL;
}
