#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

/* Untouched symbols stand at 20x, or the market's most. */
#define DEFAULT_LEVERAGE 20

struct mirror_place *mirror_place(const struct mirror *mirror, const char *symbol)
{
        return map_get(mirror->symbols, symbol, strlen(symbol));
}

struct mirror_place *mirror_place_by_asset(const struct mirror *mirror, uint32_t asset)
{
        for (uint32_t i = 0; i < mirror->n_places; i++) {
                if (mirror->place[i].has_market && mirror->place[i].asset == asset)
                        return &mirror->place[i];
        }
        return NULL;
}

uint32_t mirror_place_number(const struct mirror *mirror, const struct mirror_place *place)
{
        return (uint32_t)(place - mirror->place);
}

/* What stands before the colon: builders' markets carry their dex's name. */
static bool dex_of(uint8_t *out, struct mirror *mirror, const char *symbol)
{
        const char *colon = strchr(symbol, ':');
        size_t len = colon ? (size_t)(colon - symbol) : 0;
        char name[MIRROR_DEX_MAX];
        int number;

        if (len >= sizeof name)
                return false;
        memcpy(name, symbol, len);
        name[len] = '\0';
        number = mirror_dex_find(mirror, name);
        if (number < 0 && mirror->n_dexes < MIRROR_DEXES_MAX) {
                number = (int)mirror->n_dexes++;
                memcpy(mirror->dex[number], name, sizeof name);
        }
        *out = (uint8_t)number;
        return number >= 0;
}

struct mirror_place *mirror_place_make(struct mirror *mirror, const char *symbol)
{
        struct mirror_place *place = mirror_place(mirror, symbol);
        uint8_t dex;

        if (place)
                goto done;
        if (!symbol[0] || strlen(symbol) >= SYMBOL_MAX ||
            mirror->n_places == mirror->options.markets_max || !dex_of(&dex, mirror, symbol))
                goto done;
        place = &mirror->place[mirror->n_places++];
        *place = (struct mirror_place){.dex = dex};
        must(text_copy(place->symbol, sizeof place->symbol, symbol));
        place->rule = (struct shadow_market_rule){0, 1, MARGIN_CROSS};
        map_put(mirror->symbols, symbol, strlen(symbol), place);
done:
        return place;
}

uint16_t mirror_table(struct mirror *mirror, const struct margin_table *table)
{
        struct margin_table clean = {.n = table->n};
        unsigned i;

        if (margin_table_check(table))
                return 0;
        /* Compared by value: bytes of padding and of unused tiers are nobody's. */
        for (i = 0; i < table->n; i++) {
                clean.tier[i].lower_bound = table->tier[i].lower_bound;
                clean.tier[i].max_leverage = table->tier[i].max_leverage;
        }
        for (i = 1; i < mirror->n_tables; i++) {
                const struct margin_table *t = &mirror->table[i];
                unsigned k = 0;

                while (t->n == clean.n && k < t->n &&
                       t->tier[k].lower_bound.v == clean.tier[k].lower_bound.v &&
                       t->tier[k].max_leverage == clean.tier[k].max_leverage)
                        k++;
                if (t->n == clean.n && k == t->n)
                        return (uint16_t)i;
        }
        if (mirror->n_tables == MIRROR_TABLES_MAX)
                return 0;
        if (mirror->n_tables == mirror->cap_tables) {
                mirror->cap_tables *= 2;
                mirror->table = xrealloc(mirror->table, mirror->cap_tables * sizeof *mirror->table);
                mirror->rules.table = mirror->table;
        }
        mirror->table[mirror->n_tables] = clean;
        return (uint16_t)mirror->n_tables++;
}

const struct shadow_market_rule *mirror_rule(const void *cookie, uint32_t market)
{
        const struct mirror *mirror = cookie;

        return &mirror->place[market].rule;
}

static struct px present_mark(const void *cookie, uint32_t market)
{
        const struct mirror *mirror = cookie;

        return mirror->place[market].mark;
}

struct shadow_marks mirror_marks(const struct mirror *mirror)
{
        return (struct shadow_marks){present_mark, mirror};
}

/* Positions keep the tiers they were opened with; which ones the venue means shows in its next
 * liquidation price. */
static void rerate(struct mirror *mirror, uint32_t market, int64_t now)
{
        for (uint32_t i = 0; i < mirror->n_slots; i++) {
                struct shadow *s = mirror->shadow[i];
                struct shadow_position *p = s ? shadow_position(&s->book, market) : NULL;
                struct shadow_position *b = p && s->base ? shadow_position(s->base, market) : NULL;

                if (!p)
                        continue;
                p->flags |= POSITION_RERATED;
                if (b)
                        b->flags |= POSITION_RERATED;
                mirror_mark(s, DOUBT_TOLD, now);
                mirror_settle(mirror, s, now);
        }
}

enum errc mirror_market(struct mirror *mirror, const struct market *market, int64_t now)
{
        struct mirror_place *place = mirror_place_make(mirror, market->symbol);
        uint16_t before;
        unsigned leverage =
                market->max_leverage < DEFAULT_LEVERAGE ? market->max_leverage : DEFAULT_LEVERAGE;

        if (!place)
                return E_LIMIT;
        before = place->has_market ? place->table : 0;
        place->table = mirror_table(mirror, &market->tiers);
        place->asset = market->asset;
        place->is_delisted = market->is_delisted;
        place->size_decimals = (uint8_t)(market->size_decimals < 6 ? market->size_decimals : 6);
        place->has_market = true;
        place->rule.table = place->table;
        place->rule.default_leverage = (uint16_t)(leverage ? leverage : 1);
        place->rule.default_mode = market->cross_allowed ? MARGIN_CROSS : MARGIN_ISOLATED;
        if (before && before != place->table)
                rerate(mirror, mirror_place_number(mirror, place), now);
        if (market->context_at > place->context_at && market->mark.v > 0) {
                struct feed_context row = {
                        .mark = market->mark, .oracle = market->oracle, .funding = market->funding};

                must(text_copy(row.symbol, sizeof row.symbol, market->symbol));
                mirror_contexts(mirror, &row, 1, market->context_at);
        }
        return E_OK;
}

static void note_mark(struct mirror_place *place, struct px mark, int64_t at)
{
        int64_t spell = at / MIRROR_SPELL_MS;

        if (spell != place->spell) {
                place->low[1] = spell == place->spell + 1 ? place->low[0] : mark;
                place->high[1] = spell == place->spell + 1 ? place->high[0] : mark;
                place->low[0] = place->high[0] = mark;
                place->spell = spell;
        }
        place->low[0] = mark.v < place->low[0].v ? mark : place->low[0];
        place->high[0] = mark.v > place->high[0].v ? mark : place->high[0];
}

/* All rows stand before anybody is looked at: an account is looked at once, with all new marks. */
void mirror_contexts(struct mirror *mirror, const struct feed_context *rows, size_t n, int64_t at)
{
        for (size_t i = 0; i < n; i++) {
                struct mirror_place *place = mirror_place_make(mirror, rows[i].symbol);

                mirror->stats.contexts++;
                if (!place || rows[i].mark.v <= 0 || rows[i].oracle.v < 0 ||
                    at < place->context_at) {
                        mirror->stats.refused++;
                        continue;
                }
                place->mark = rows[i].mark;
                place->oracle = rows[i].oracle;
                place->funding = rows[i].funding;
                place->context_at = at;
                note_mark(place, place->mark, at);
                ticks_put(mirror->ticks, mirror_place_number(mirror, place), place->mark);
        }
        ticks_tell(mirror->ticks);
        if (mirror->listener.marks)
                mirror->listener.marks(mirror->listener.cookie, rows, n, at);
}

static uint8_t topic_bit(enum feed_kind kind)
{
        switch (kind) {
        case FEED_USER_FILLS: return TOPIC_FILLS_LIVE;
        case FEED_USER_STATE: return TOPIC_STATE_LIVE;
        case FEED_USER_ORDERS: return TOPIC_ORDERS_LIVE;
        case FEED_USER_EVENTS:
        case FEED_CONTEXTS:
        case FEED_TRADES:
        case FEED_BOOK:
        case FEED_BBO:
        case FEED_CANDLES:
        case FEED_VERBATIM: return 0;
        }
        never("a feed's kind");
}

struct user_topic {
        uint8_t bit;
        bool is_live;
        int64_t at;
};

static void set_user_topic(struct mirror *mirror, struct shadow *s, void *cookie)
{
        const struct user_topic *topic = cookie;

        if (topic->is_live) {
                if (!(s->topics & (TOPIC_FILLS_LIVE | TOPIC_STATE_LIVE)))
                        s->covered_at = topic->at;
                s->topics |= topic->bit;
        } else {
                /* What the topic covered since it was last whole is not covered any more. */
                if (topic->bit == TOPIC_ORDERS_LIVE && (s->topics & topic->bit))
                        mirror_mark_orders(s, topic->at);
                if (topic->bit == TOPIC_FILLS_LIVE && (s->topics & topic->bit) &&
                    (s->book.n || s->n_orders))
                        mirror_mark(s, DOUBT_GAP, topic->at);
                s->topics &= (uint8_t)~topic->bit;
        }
        mirror_needs_set(mirror, s, topic->at);
}

void mirror_gap(struct mirror *mirror, const struct feed_topic *topic, int64_t since, int64_t at)
{
        struct user_topic user = {topic_bit(topic->kind), false, at};
        struct mirror_place *place;

        /* How long it was before matters to nobody who is read after; to those read within, it does. */
        if (topic->kind == FEED_CONTEXTS) /* every mark says its own age */
                return;
        if (topic->kind == FEED_TRADES) {
                place = mirror_place_make(mirror, topic->symbol);
                if (!place) {
                        mirror->stats.refused++;
                        return;
                }
                place->is_live = false;
                suspicion_gap(mirror, place, NULL, topic->kind, since);
                mirror_needs_sweep(mirror);
                return;
        }
        suspicion_gap(mirror, NULL, &topic->user, topic->kind, since);
        mirror_each_of(mirror, &topic->user, set_user_topic, &user);
}

void mirror_live(struct mirror *mirror, const struct feed_topic *topic, int64_t at)
{
        struct user_topic user = {topic_bit(topic->kind), true, at};
        struct mirror_place *place;

        if (topic->kind == FEED_CONTEXTS)
                return;
        if (topic->kind == FEED_TRADES) {
                place = mirror_place_make(mirror, topic->symbol);
                if (!place) {
                        mirror->stats.refused++;
                        return;
                }
                if (!place->is_live)
                        place->live_at = at;
                place->is_live = true;
                mirror_needs_sweep(mirror);
        } else {
                mirror_each_of(mirror, &topic->user, set_user_topic, &user);
        }
        if (mirror->listener.whole)
                mirror->listener.whole(mirror->listener.cookie, topic, at);
}

struct proof {
        enum feed_kind kind;
        int64_t since;
};

static void set_proof(struct mirror *mirror, struct shadow *s, void *cookie)
{
        const struct proof *proof = cookie;

        (void)mirror;
        if (proof->kind == FEED_USER_FILLS)
                s->fills_proven_at = proof->since;
        if (proof->kind == FEED_USER_ORDERS)
                s->orders_proven_at = proof->since;
}

void mirror_proven(struct mirror *mirror, const struct feed_topic *topic, int64_t since)
{
        struct proof proof = {topic->kind, since};
        struct mirror_place *place;

        if (topic->kind == FEED_CONTEXTS)
                return;
        if (topic->kind != FEED_TRADES) {
                mirror_each_of(mirror, &topic->user, set_proof, &proof);
                return;
        }
        place = mirror_place_make(mirror, topic->symbol);
        if (place)
                place->proven_at = since;
        else
                mirror->stats.refused++;
}

bool mirror_wants_proof(const struct mirror *mirror, int64_t now)
{
        return suspicion_wants_proof(mirror, now);
}
