#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "base/mem.h"

/* Which subscriptions a topic is made of. Feeds whose frames don't say whose they are would need a
 * connection for each user. Of userEvents only liquidations are read, which name who was liquidated;
 * fills and funding come from feeds that name the user. orderUpdates can't be told apart at all: a
 * connection carries those of one user, and where users are more than connections the others have
 * openOrders alone. */

/* Which of a connection's frames are whose. */
struct echo {
        uintptr_t conn;
        struct hl_feed_key key;
};

static void echo_init(struct echo *out, const struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        memset(out, 0, sizeof *out);
        out->conn = (uintptr_t)c;
        hl_feed_key_echo(&out->key, key);
}

bool hl_feed_wire_is_optional(const struct hl_feed_topic *t, const struct hl_feed_wire *w)
{
        if (t->topic.kind == FEED_VERBATIM)
                return false;
        return w->key.type == HL_FEED_ORDER_UPDATES || w->key.type == HL_FEED_CONTEXT ||
               hl_feed_key_is_of_dex(&w->key);
}

struct hl_feed_wire *hl_feed_wire_find_key(const struct hl_feed_conn *c,
                                           const struct hl_feed_key *key)
{
        struct hl_feed_wire *w;
        struct echo echo;

        echo_init(&echo, c, key);
        w = map_get(c->feed->by_echo, &echo, sizeof echo);
        return w && (w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD) ? w : NULL;
}

struct hl_feed_wire *hl_feed_wire_find(const struct hl_feed_conn *c, enum hl_feed_type type,
                                       const char *name, const struct addr *user)
{
        struct hl_feed_key key;

        hl_feed_key_init(&key, type);
        if (!text_copy(key.name, sizeof key.name, name))
                return NULL;
        if (user)
                key.user = *user;
        return hl_feed_wire_find_key(c, &key);
}

/* ---- Dexes ----------------------------------------------------------------------------------- */

bool hl_feed_wire_dex_of(char out[HL_FEED_DEX_MAX], const char *symbol)
{
        const char *colon = strchr(symbol, ':');
        size_t len = colon ? (size_t)(colon - symbol) : 0;

        if (len >= HL_FEED_DEX_MAX || (colon && len == 0))
                return false;
        memcpy(out, symbol, len);
        out[len] = '\0';
        return true;
}

bool hl_feed_wire_knows_dex(const struct hl_feed *f, const char *dex)
{
        /* Markets of one dex stand together. */
        for (unsigned i = f->n_dexes; i > 0; i--) {
                if (strcmp(f->dex[i - 1], dex) == 0)
                        return true;
        }
        return false;
}

void hl_feed_wire_dexes(struct hl_feed *f)
{
        const struct venue *v = f->options.venue;
        size_t n = v->ops->market_count(v);

        f->n_dexes = 1;
        f->dex[0][0] = '\0';
        for (size_t i = 0; i < n && f->n_dexes < HL_FEED_DEXES_MAX; i++) {
                char dex[HL_FEED_DEX_MAX];

                if (hl_feed_wire_dex_of(dex, v->ops->market_at(v, i)->symbol) &&
                    !hl_feed_wire_knows_dex(f, dex))
                        memcpy(f->dex[f->n_dexes++], dex, sizeof dex);
        }
}

/* ---- What a topic needs ------------------------------------------------------------------------ */

/* Walks over the subscriptions of a topic: counts them, and makes them where that is wanted. */
struct walk {
        const struct hl_feed *f;
        struct hl_feed *maker; /* the same; NULL: count only */
        struct hl_feed_topic *t;
        const struct feed_topic *topic;
        size_t n;
};

static struct hl_feed_wire *make(struct hl_feed *f, const struct hl_feed_key *key)
{
        struct hl_feed_conn *conn = hl_feed_conn_for(f, key);
        struct hl_feed_wire *w;
        struct echo echo;

        if (!conn)
                return NULL;
        w = xcalloc(1, sizeof *w);
        w->key = *key;
        w->conn = conn;
        list_init(&w->in_topic);
        list_init(&w->in_verbatim);
        list_push_back(&conn->wires, &w->in_conn);
        (void)map_put(f->by_key, key, sizeof *key, w);
        echo_init(&echo, conn, key);
        (void)map_put(f->by_echo, &echo, sizeof echo, w);
        return w;
}

/* What is read of users and prices begins with a whole answer, which who has the wire already had: it is
 * asked for anew. Of markets, what the venue says next will do. */
static void join(struct hl_feed *f, struct hl_feed_topic *t, struct hl_feed_wire *w)
{
        bool is_at_venue = w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD;

        if (w->state == HL_FEED_REFUSED)
                w->state = HL_FEED_WAITING;
        if (t->topic.kind == FEED_VERBATIM || !is_at_venue ||
            hl_feed_class_is_market(hl_feed_class_of(t->topic.kind)))
                return;
        hl_feed_judge_anew(f, w, 0);
        hl_feed_lose(f, w->verbatim, E_OK);
}

static void link(struct hl_feed *f, struct hl_feed_topic *t, const struct hl_feed_key *key)
{
        bool is_verbatim = t->topic.kind == FEED_VERBATIM;
        struct hl_feed_wire *w = map_get(f->by_key, key, sizeof *key);

        if (!w)
                w = make(f, key);
        if (!w)
                return;
        w->is_desired = true;
        if ((is_verbatim ? w->verbatim : w->topic) == t)
                return;
        list_push_back(&t->wires, is_verbatim ? &w->in_verbatim : &w->in_topic);
        if (is_verbatim)
                w->verbatim = t;
        else
                w->topic = t;
        join(f, t, w);
}

static void need(struct walk *walk, enum hl_feed_type type, const char *name)
{
        struct hl_feed_key key;

        walk->n++;
        if (!walk->maker)
                return;
        hl_feed_key_init(&key, type);
        (void)text_copy(key.name, sizeof key.name, name);
        if (type == HL_FEED_CANDLE)
                (void)text_copy(key.detail, sizeof key.detail, walk->topic->detail);
        key.user = walk->topic->user;
        link(walk->maker, walk->t, &key);
}

static void need_by_dex(struct walk *walk, enum hl_feed_type type)
{
        for (unsigned i = 0; i < walk->f->n_dexes; i++)
                need(walk, type, walk->f->dex[i]);
}

static void need_by_market(struct walk *walk)
{
        const struct venue *v = walk->f->options.venue;
        size_t n = v->ops->market_count(v);

        for (size_t i = 0; i < n; i++) {
                const struct market *m = v->ops->market_at(v, i);

                if (!m->is_delisted)
                        need(walk, HL_FEED_CONTEXT, m->symbol);
        }
}

static void need_contexts(struct walk *walk)
{
        if (walk->f->contexts_level == 0)
                need(walk, HL_FEED_ALL_CONTEXTS, "");
        else if (walk->f->contexts_level == 1)
                need_by_dex(walk, HL_FEED_DEX_CONTEXTS);
        else
                need_by_market(walk);
}

static void walk_needs(struct walk *walk)
{
        switch (walk->topic->kind) {
        case FEED_CONTEXTS: need_contexts(walk); break;
        case FEED_TRADES: need(walk, HL_FEED_TRADES, walk->topic->symbol); break;
        case FEED_USER_FILLS: need(walk, HL_FEED_FILLS, ""); break;
        case FEED_USER_EVENTS:
                need(walk, HL_FEED_FUNDINGS, "");
                need(walk, HL_FEED_EVENTS, "");
                break;
        case FEED_USER_STATE:
                if (walk->f->states_level == 0)
                        need(walk, HL_FEED_ALL_STATES, "");
                else
                        need_by_dex(walk, HL_FEED_STATE);
                break;
        case FEED_USER_ORDERS:
                need_by_dex(walk, HL_FEED_ORDERS);
                need(walk, HL_FEED_ORDER_UPDATES, "");
                break;
        case FEED_BOOK: need(walk, HL_FEED_BOOK, walk->topic->symbol); break;
        case FEED_BBO: need(walk, HL_FEED_BBO, walk->topic->symbol); break;
        case FEED_CANDLES: need(walk, HL_FEED_CANDLE, walk->topic->symbol); break;
        case FEED_VERBATIM:
                walk->n++;
                if (walk->maker)
                        link(walk->maker, walk->t, &walk->t->key);
                break;
        }
}

bool hl_feed_wire_is_shared(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        const struct hl_feed_wire *w = map_get(f->by_key, &t->key, sizeof t->key);

        return t->topic.kind == FEED_VERBATIM && w && w->topic && w->topic->n_wants > 0;
}

bool hl_feed_wire_carries(const struct hl_feed *f, const struct feed_topic *topic)
{
        static const int by_kind[FEED_KINDS] = {
                [FEED_TRADES] = HL_FEED_TRADES,
                [FEED_BOOK] = HL_FEED_BOOK,
                [FEED_BBO] = HL_FEED_BBO,
                [FEED_CANDLES] = HL_FEED_CANDLE,
        };
        struct hl_feed_key key;

        if (topic->kind == FEED_VERBATIM || !by_kind[topic->kind])
                return false;
        hl_feed_key_init(&key, (enum hl_feed_type)by_kind[topic->kind]);
        (void)text_copy(key.name, sizeof key.name, topic->symbol);
        (void)text_copy(key.detail, sizeof key.detail, topic->detail);
        return map_get(f->by_key, &key, sizeof key) != NULL;
}

size_t hl_feed_wire_count(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        struct walk walk = {.f = f, .topic = &t->topic};

        if (hl_feed_wire_is_shared(f, t))
                return 0;
        walk_needs(&walk);
        return walk.n;
}

void hl_feed_wire_sync(struct hl_feed *f, struct hl_feed_topic *t)
{
        struct walk walk = {.f = f, .maker = f, .t = t, .topic = &t->topic};

        /* Nothing changes what a market needs. */
        if (hl_feed_class_is_market(hl_feed_class_of(t->topic.kind)) && !list_empty(&t->wires))
                return;
        list_each (it, &t->wires)
                hl_feed_wire_at(t, it)->is_desired = false;
        walk_needs(&walk);
        list_each_safe (it, &t->wires) {
                struct hl_feed_wire *w = hl_feed_wire_at(t, it);

                if (!w->is_desired)
                        hl_feed_wire_leave(f, t, w);
        }
}

/* ---- Life -------------------------------------------------------------------------------------- */

static void forget(struct hl_feed *f, struct hl_feed_wire *w)
{
        struct echo echo;

        (void)map_take(f->by_key, &w->key, sizeof w->key);
        echo_init(&echo, w->conn, &w->key);
        (void)map_take(f->by_echo, &echo, sizeof echo);
}

void hl_feed_wire_leave(struct hl_feed *f, struct hl_feed_topic *t, struct hl_feed_wire *w)
{
        bool is_at_venue = w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD ||
                           (w->state == HL_FEED_WAITING && w->must_leave_first);

        if (t->topic.kind == FEED_VERBATIM) {
                list_remove(&w->in_verbatim);
                w->verbatim = NULL;
        } else {
                list_remove(&w->in_topic);
                w->topic = NULL;
        }
        if (w->topic || w->verbatim)
                return;
        forget(f, w);
        w->state = is_at_venue && w->conn->is_open ? HL_FEED_LEAVING : HL_FEED_GONE;
}

void hl_feed_wire_free(struct hl_feed_wire *w)
{
        list_remove(&w->in_topic);
        list_remove(&w->in_verbatim);
        list_remove(&w->in_conn);
        free(w->seen);
        free(w->kept);
        free(w);
}
