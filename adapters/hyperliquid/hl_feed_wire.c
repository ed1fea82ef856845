#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_feed_state.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

/* Which subscriptions a topic is made of. Feeds whose frames don't say whose they are would need a
 * connection for each user. Of userEvents only liquidations are read, which name who was liquidated;
 * fills and funding come from feeds that name the user. orderUpdates can't be told apart at all: a
 * connection carries those of one user, and where users are more than connections the others have
 * openOrders alone. */

enum names { NAMES_NOTHING, NAMES_COIN, NAMES_DEX, NAMES_CANDLE };

static const struct {
        const char *name;
        enum names names;
        bool has_user;
        bool has_first; /* answered with data at once, or data comes by the clock */
} types[HL_FEED_TYPES] = {
        [HL_FEED_ALL_CONTEXTS] = {"allDexsAssetCtxs", NAMES_NOTHING, false, true},
        [HL_FEED_DEX_CONTEXTS] = {"assetCtxs", NAMES_DEX, false, true},
        [HL_FEED_CONTEXT] = {"activeAssetCtx", NAMES_COIN, false, true},
        [HL_FEED_FILLS] = {"userFills", NAMES_NOTHING, true, true},
        [HL_FEED_FUNDINGS] = {"userFundings", NAMES_NOTHING, true, true},
        [HL_FEED_EVENTS] = {"userEvents", NAMES_NOTHING, true, false},
        [HL_FEED_ALL_STATES] = {"allDexsClearinghouseState", NAMES_NOTHING, true, true},
        [HL_FEED_STATE] = {"clearinghouseState", NAMES_DEX, true, true},
        [HL_FEED_ORDERS] = {"openOrders", NAMES_DEX, true, true},
        [HL_FEED_ORDER_UPDATES] = {"orderUpdates", NAMES_NOTHING, true, false},
        /* A market that was never traded has no past trades to begin with. */
        [HL_FEED_TRADES] = {"trades", NAMES_COIN, false, false},
        [HL_FEED_BOOK] = {"l2Book", NAMES_COIN, false, true},
        [HL_FEED_BBO] = {"bbo", NAMES_COIN, false, true},
        /* Nor has it a candle. */
        [HL_FEED_CANDLE] = {"candle", NAMES_CANDLE, false, false},
};

bool hl_feed_wire_has_first(enum hl_feed_type type)
{
        return types[type].has_first;
}

bool hl_feed_wire_is_optional(const struct hl_feed_wire *w)
{
        enum names names = types[w->key.type].names;

        return w->key.type == HL_FEED_ORDER_UPDATES || w->key.type == HL_FEED_CONTEXT ||
               (names == NAMES_DEX && w->key.name[0]);
}

/* ---- As text --------------------------------------------------------------------------------- */

void hl_feed_wire_print(struct buf *out, const struct hl_feed_key *key)
{
        char user[ADDR_STR_MAX];

        buf_printf(out, "{\"type\":\"%s\"", types[key->type].name);
        if (types[key->type].names != NAMES_NOTHING) {
                buf_puts(out, types[key->type].names == NAMES_DEX ? ",\"dex\":" : ",\"coin\":");
                buf_put_json(out, key->name, strlen(key->name));
        }
        if (types[key->type].names == NAMES_CANDLE) {
                buf_puts(out, ",\"interval\":");
                buf_put_json(out, key->detail, strlen(key->detail));
        }
        if (types[key->type].has_user)
                buf_printf(out, ",\"user\":\"%s\"", hex_print_addr(user, &key->user));
        buf_putc(out, '}');
}

static void key_init(struct hl_feed_key *key, enum hl_feed_type type)
{
        memset(key, 0, sizeof *key);
        key->type = type;
}

static enum errc parse_name(struct hl_feed_key *out, const json_t *subscription)
{
        enum names names = types[out->type].names;
        const char *member = names == NAMES_DEX ? "dex" : "coin";
        const char *text;

        if (names == NAMES_NOTHING || (names == NAMES_DEX && hl_raw_is_absent(subscription, "dex")))
                return E_OK;
        text = hl_raw_get_text(subscription, member, NULL);
        if (!text || !text_copy(out->name, sizeof out->name, text))
                return E_SYNTAX;
        text = names == NAMES_CANDLE ? hl_raw_get_text(subscription, "interval", NULL) : "";
        return text && text_copy(out->detail, sizeof out->detail, text) ? E_OK : E_SYNTAX;
}

enum errc hl_feed_wire_parse(struct hl_feed_key *out, const json_t *subscription)
{
        const char *name = hl_raw_get_text(subscription, "type", NULL);

        for (unsigned type = 0; name && type < HL_FEED_TYPES; type++) {
                if (strcmp(types[type].name, name) != 0)
                        continue;
                key_init(out, type);
                if (types[type].has_user && hl_raw_get_addr(&out->user, subscription, "user"))
                        return E_SYNTAX;
                return parse_name(out, subscription);
        }
        return E_SYNTAX;
}

static struct hl_feed_wire *find(const struct hl_feed_conn *c, const struct hl_feed_key *key)
{
        struct hl_feed_wire *w = map_get(c->feed->by_key, key, sizeof *key);

        return w && w->conn == c && (w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD) ? w
                                                                                            : NULL;
}

struct hl_feed_wire *hl_feed_wire_find(const struct hl_feed_conn *c, enum hl_feed_type type,
                                       const char *name, const struct addr *user)
{
        struct hl_feed_key key;

        key_init(&key, type);
        if (!text_copy(key.name, sizeof key.name, name))
                return NULL;
        if (user)
                key.user = *user;
        return find(c, &key);
}

struct hl_feed_wire *hl_feed_wire_find_detail(const struct hl_feed_conn *c, enum hl_feed_type type,
                                              const char *name, const char *detail)
{
        struct hl_feed_key key;

        key_init(&key, type);
        return text_copy(key.name, sizeof key.name, name) &&
                               text_copy(key.detail, sizeof key.detail, detail)
                       ? find(c, &key)
                       : NULL;
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

static void make(struct hl_feed *f, struct hl_feed_topic *t, const struct hl_feed_key *key)
{
        struct hl_feed_wire *w = map_get(f->by_key, key, sizeof *key);
        struct hl_feed_conn *conn;

        if (w) {
                w->is_desired = true;
                return;
        }
        conn = hl_feed_conn_for(f, key);
        if (!conn)
                return;
        w = xcalloc(1, sizeof *w);
        w->key = *key;
        w->is_desired = true;
        w->topic = t;
        w->conn = conn;
        list_push_back(&t->wires, &w->in_topic);
        list_push_back(&conn->wires, &w->in_conn);
        (void)map_put(f->by_key, key, sizeof *key, w);
}

static void need(struct walk *walk, enum hl_feed_type type, const char *name)
{
        struct hl_feed_key key;

        walk->n++;
        if (!walk->maker)
                return;
        key_init(&key, type);
        (void)text_copy(key.name, sizeof key.name, name);
        if (type == HL_FEED_CANDLE)
                (void)text_copy(key.detail, sizeof key.detail, walk->topic->detail);
        key.user = walk->topic->user;
        make(walk->maker, walk->t, &key);
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
        case FEED_VERBATIM: break;
        }
}

size_t hl_feed_wire_count(const struct hl_feed *f, const struct hl_feed_topic *t)
{
        struct walk walk = {.f = f, .topic = &t->topic};

        walk_needs(&walk);
        return walk.n;
}

void hl_feed_wire_sync(struct hl_feed *f, struct hl_feed_topic *t)
{
        struct walk walk = {.f = f, .maker = f, .t = t, .topic = &t->topic};

        if (t->topic.kind == FEED_TRADES && !list_empty(&t->wires))
                return;
        list_each (it, &t->wires)
                list_entry(it, struct hl_feed_wire, in_topic)->is_desired = false;
        walk_needs(&walk);
        list_each_safe (it, &t->wires) {
                struct hl_feed_wire *w = list_entry(it, struct hl_feed_wire, in_topic);

                if (!w->is_desired)
                        hl_feed_wire_leave(f, w);
        }
}

/* ---- Life -------------------------------------------------------------------------------------- */

void hl_feed_wire_leave(struct hl_feed *f, struct hl_feed_wire *w)
{
        bool is_at_venue = w->state == HL_FEED_ASKED || w->state == HL_FEED_HELD ||
                           (w->state == HL_FEED_WAITING && w->must_leave_first);

        /* The topic may have been wanted again meanwhile: then the name is another wire's. */
        if (map_get(f->by_key, &w->key, sizeof w->key) == w)
                (void)map_take(f->by_key, &w->key, sizeof w->key);
        list_remove(&w->in_topic);
        w->topic = NULL;
        w->state = is_at_venue && w->conn->is_open ? HL_FEED_LEAVING : HL_FEED_GONE;
}

void hl_feed_wire_free(struct hl_feed_wire *w)
{
        list_remove(&w->in_topic);
        list_remove(&w->in_conn);
        free(w);
}
