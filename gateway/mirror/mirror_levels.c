/* Thresholds. An isolated position's liquidation price stands still while the mark moves, and so do
 * the marks at which its distance crosses a band: b is reached at P / (1 - b) by a long, P / (1 + b)
 * by a short, and left again at b * (1 + hysteresis). A cross account is judged as a whole
 * (band.h), and looked at again when a mark leaves the band that the last look found for it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/band.h"
#include "mirror/mirror_core.h"

#define NO_PRICE   INT64_MAX
#define CACHE_LINE 64
#define FETCH_MAX  1024 /* bytes of positions that are asked for ahead of a look */

static struct rate left_at(const struct mirror *mirror, unsigned band)
{
        int64_t b = mirror->options.band[band].v, more = 0;

        if (num_muldiv(&more, b, mirror->options.hysteresis.v, NUM_RATE_SCALE, NUM_UP))
                more = 0;
        return (struct rate){b + more};
}

/* |mark - liquidation| / mark; 0 at and beyond the liquidation price. */
static int64_t distance_of(struct px mark, struct px liquidation, bool is_long)
{
        num_wide apart =
                is_long ? (num_wide)mark.v - liquidation.v : (num_wide)liquidation.v - mark.v;
        num_wide ratio;

        if (mark.v <= 0)
                return NO_PRICE;
        if (apart <= 0)
                return 0;
        ratio = apart * NUM_RATE_SCALE / mark.v;
        return ratio > NO_PRICE ? NO_PRICE : (int64_t)ratio;
}

static uint8_t bit_of(unsigned level)
{
        return (uint8_t)(1u << level);
}

/* Which levels are reached at that distance, given which were. */
static uint8_t levels_at(const struct mirror *mirror, uint8_t before, int64_t distance,
                         bool is_gone)
{
        uint8_t bits = is_gone ? bit_of(LEVEL_LIQUIDATION) : 0;

        for (unsigned i = 0; i < mirror->options.n_bands; i++) {
                uint8_t bit = bit_of(LEVEL_BAND + i);
                struct rate until = before & bit ? left_at(mirror, i) : mirror->options.band[i];

                if (distance <= until.v)
                        bits |= bit;
        }
        return bits;
}

struct crossing {
        uint32_t market;
        bool is_cross;
        struct px liquidation;
        int64_t distance;
        int64_t now;
};

static void tell(struct mirror *mirror, const struct shadow *s, const struct crossing *c,
                 unsigned level, bool is_reached)
{
        static const uint32_t unsure = ~(uint32_t)(DOUBT_ORDERS | DOUBT_DRIFT);
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        const struct mirror_place *place = &mirror->place[c->market];
        struct mirror_crossing told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .symbol = place->symbol,
                .level = level,
                .reached = is_reached,
                .is_cross = c->is_cross,
                .mark = place->mark,
                .liquidation = c->liquidation,
                .distance = {c->distance},
        };

        if (level >= LEVEL_BAND)
                told.band = mirror->options.band[level - LEVEL_BAND];
        told.at = c->now;
        told.source = mirror_doubts(mirror, s, c->now) & unsure ? SOURCE_ESTIMATE : SOURCE_EXACT;
        if (hooks->crossed)
                hooks->crossed(hooks->cookie, &told);
}

/* Farthest level first when coming nearer, nearest first when leaving. */
static void tell_changes(struct mirror *mirror, struct shadow *s, const struct crossing *c,
                         uint8_t before, uint8_t after)
{
        for (unsigned i = 0; i <= mirror->options.n_bands; i++) {
                unsigned level = i < mirror->options.n_bands ? LEVEL_BAND + i : LEVEL_LIQUIDATION;

                if (after & ~before & bit_of(level))
                        tell(mirror, s, c, level, true);
        }
        for (unsigned i = mirror->options.n_bands + 1; i-- > 0;) {
                unsigned level = i < mirror->options.n_bands ? LEVEL_BAND + i : LEVEL_LIQUIDATION;

                if (before & ~after & bit_of(level))
                        tell(mirror, s, c, level, false);
        }
}

/* Beyond its liquidation price it is gone, or will be: the next state says, and the one after that if it
 * is still there. */
static void suspect(struct mirror *mirror, struct shadow *s, const struct crossing *c,
                    uint8_t before, uint8_t after)
{
        bool is_new = !(before & bit_of(LEVEL_LIQUIDATION));

        /* What else backs a pooled account is not here: it may be far from its liquidation. */
        if (!(after & bit_of(LEVEL_LIQUIDATION)) ||
            (c->is_cross && s->pool != MARGIN_POOL_STANDARD))
                return;
        mirror_liquidation_suspect(mirror, s, c->market, c->is_cross,
                                   is_new ? c->now : s->asked_at);
        if (is_new && !s->verify_at)
                s->verify_at = c->now + mirror->options.verify_after_ms;
}

static size_t thresholds_of(struct ticks_threshold *out, const struct mirror *mirror,
                            struct px liquidation, bool is_long)
{
        size_t n = 0;

        out[n++] = (struct ticks_threshold){liquidation, is_long, LEVEL_LIQUIDATION};
        for (unsigned i = 0; i < mirror->options.n_bands; i++) {
                struct px at;

                if (!band_threshold(&at, liquidation, is_long, mirror->options.band[i]))
                        out[n++] = (struct ticks_threshold){at, is_long, (uint8_t)(1 + 2 * i)};
                if (!band_threshold(&at, liquidation, is_long, left_at(mirror, i)))
                        out[n++] = (struct ticks_threshold){at, is_long, (uint8_t)(2 + 2 * i)};
        }
        return n;
}
_Static_assert(1 + 2 * MIRROR_BANDS_MAX <= TICKS_LEVELS_MAX, "all levels of a position fit");

static void set_isolated(struct mirror *mirror, struct shadow *s, struct shadow_position *p,
                         int64_t now)
{
        const struct mirror_place *place = &mirror->place[p->market];
        struct ticks_threshold threshold[TICKS_LEVELS_MAX];
        struct crossing c = {.market = p->market, .distance = NO_PRICE, .now = now};
        struct margin_liquidation liquidation = {0};
        struct margin_position m;
        bool is_long = p->size.v > 0;
        uint8_t before = p->reached;
        size_t n = 0;

        if (!shadow_value_position(&m, p, place->mark, mirror->table) &&
            !margin_liquidation(&liquidation, &m, NULL) && liquidation.exists) {
                c.liquidation = liquidation.price;
                c.distance = distance_of(place->mark, liquidation.price, is_long);
                n = thresholds_of(threshold, mirror, liquidation.price, is_long);
        }
        must(ticks_set_position(mirror->ticks, s->slot, p->market, threshold, n) == E_OK);
        p->reached = levels_at(mirror, before, c.distance, n && !c.distance);
        tell_changes(mirror, s, &c, before, p->reached);
        suspect(mirror, s, &c, before, p->reached);
}

/* ---- cross ---- */

/* Liquidation, then each band and the way out of it, in rising order. */
static void levels_of(struct band_levels *out, const struct mirror *mirror)
{
        out->n = 1;
        out->level[0] = (struct band_level){BAND_DISTANCE, {0}};
        for (unsigned i = mirror->options.n_bands; i-- > 0;) {
                out->level[out->n++] = (struct band_level){BAND_DISTANCE, mirror->options.band[i]};
                out->level[out->n++] = (struct band_level){BAND_DISTANCE, left_at(mirror, i)};
        }
}

/* The same, as bits of our own. */
static uint8_t own_bits(const struct mirror *mirror, uint32_t reached, uint8_t before)
{
        uint8_t bits = reached & 1 ? bit_of(LEVEL_LIQUIDATION) : 0;

        for (unsigned i = 0; i < mirror->options.n_bands; i++) {
                unsigned enter = 1 + 2 * (mirror->options.n_bands - 1 - i);
                uint8_t bit = bit_of(LEVEL_BAND + i);

                if (reached & 1u << (before & bit ? enter + 1 : enter))
                        bits |= bit;
        }
        return bits;
}

struct cross_look {
        struct band_position position[VENUE_POSITIONS_MAX];
        struct band_edges edge[VENUE_POSITIONS_MAX];
        struct ticks_band band[VENUE_POSITIONS_MAX];
        size_t n;
        struct crossing nearest;
};

static void gather(struct cross_look *look, const struct mirror *mirror, const struct shadow *s)
{
        look->n = 0;
        for (uint32_t i = 0; i < s->book.n && look->n < VENUE_POSITIONS_MAX; i++) {
                const struct shadow_position *p = &s->book.position[i];

                if (p->mode != MARGIN_CROSS)
                        continue;
                look->band[look->n].market = p->market;
                look->position[look->n++] = (struct band_position){
                        p->size, mirror->place[p->market].mark, &mirror->table[p->table]};
        }
}

/* Which of the positions is nearest to its price, for those who are told. */
static void find_nearest(struct cross_look *look, const struct mirror *mirror, struct shadow *s)
{
        struct shadow_marks marks = mirror_marks(mirror);
        struct shadow_value value;

        look->nearest.market = look->band[0].market;
        if (shadow_value_book(&value, &s->book, &marks, mirror->table))
                return;
        for (size_t i = 0; i < look->n; i++) {
                const struct shadow_position *p = shadow_position(&s->book, look->band[i].market);
                struct px mark = mirror->place[p->market].mark;
                struct margin_liquidation liquidation;
                struct margin_position m;
                int64_t distance;

                if (shadow_value_position(&m, p, mark, mirror->table) ||
                    margin_liquidation(&liquidation, &m, &value.cross) || !liquidation.exists)
                        continue;
                distance = distance_of(mark, liquidation.price, p->size.v > 0);
                if (distance >= look->nearest.distance)
                        continue;
                look->nearest.market = p->market;
                look->nearest.liquidation = liquidation.price;
                look->nearest.distance = distance;
        }
}

static void set_cross(struct mirror *mirror, struct shadow *s, int64_t now)
{
        struct cross_look look;
        struct band_account account = {0};
        struct band_levels levels;
        uint8_t before = s->reached;

        gather(&look, mirror, s);
        look.nearest = (struct crossing){.is_cross = true, .distance = NO_PRICE, .now = now};
        levels_of(&levels, mirror);
        /* Where it can't be told the edges are the marks: the next mark looks again. */
        if (look.n && band_look(&account, look.edge, s->book.cash, look.position, look.n, &levels))
                account.reached = 0;
        for (size_t i = 0; i < look.n; i++) {
                look.band[i].low = look.edge[i].low;
                look.band[i].high = look.edge[i].high;
        }
        ticks_set_bands(mirror->ticks, s->slot, look.band, look.n);
        s->reached = own_bits(mirror, account.reached, before);
        if (!look.n)
                return;
        if (s->reached != before) {
                find_nearest(&look, mirror, s);
                tell_changes(mirror, s, &look.nearest, before, s->reached);
        }
        suspect(mirror, s, &look.nearest, before, s->reached);
}

/* ---- both ---- */

/* What is set in ticks, as market * 2 + cross. */
static void forget_gone(struct mirror *mirror, struct shadow *s)
{
        for (uint32_t i = 0; i < s->n_ticked; i++) {
                uint32_t market = s->ticked[i] / 2;
                bool is_cross = s->ticked[i] & 1;
                const struct shadow_position *p = shadow_position(&s->book, market);

                if (p && (p->mode == MARGIN_CROSS) == is_cross)
                        continue;
                if (is_cross)
                        ticks_set_band(mirror->ticks, s->slot, market, false, (struct px){0},
                                       (struct px){0});
                else
                        must(ticks_set_position(mirror->ticks, s->slot, market, NULL, 0) == E_OK);
        }
}

static void remember(struct shadow *s)
{
        if (s->cap_ticked < s->book.n) {
                s->cap_ticked = s->book.n;
                s->ticked = xrealloc(s->ticked, s->cap_ticked * sizeof *s->ticked);
        }
        s->n_ticked = s->book.n;
        for (uint32_t i = 0; i < s->book.n; i++)
                s->ticked[i] =
                        s->book.position[i].market * 2 + (s->book.position[i].mode == MARGIN_CROSS);
}

void mirror_levels_set(struct mirror *mirror, struct shadow *s, int64_t now)
{
        if (!s->state_at)
                return;
        forget_gone(mirror, s);
        for (uint32_t i = 0; i < s->book.n; i++) {
                if (s->book.position[i].mode == MARGIN_ISOLATED)
                        set_isolated(mirror, s, &s->book.position[i], now);
        }
        set_cross(mirror, s, now);
        remember(s);
}

void mirror_levels_crossed(void *cookie, uint32_t account, uint32_t market, uint8_t level,
                           bool reached)
{
        struct mirror *mirror = cookie;
        struct shadow *s = mirror->shadow[account];
        struct shadow_position *p = s ? shadow_position(&s->book, market) : NULL;
        unsigned own = level ? LEVEL_BAND + (level - 1u) / 2 : LEVEL_LIQUIDATION;
        bool is_way_out = level && level % 2 == 0;
        int64_t now = mirror->place[market].context_at;
        struct crossing c = {.market = market, .now = now};
        struct margin_liquidation liquidation = {0};
        struct margin_position m;
        uint8_t before;

        /* A band is reached at its own mark and left at another. */
        if (!p || (level && reached == is_way_out))
                return;
        before = p->reached;
        if (reached)
                p->reached |= bit_of(own);
        else
                p->reached &= (uint8_t)~bit_of(own);
        if (shadow_value_position(&m, p, mirror->place[market].mark, mirror->table) ||
            margin_liquidation(&liquidation, &m, NULL))
                liquidation.price.v = 0;
        c.liquidation = liquidation.price;
        c.distance = distance_of(mirror->place[market].mark, liquidation.price, p->size.v > 0);
        tell_changes(mirror, s, &c, before, p->reached);
        suspect(mirror, s, &c, before, p->reached);
        mirror_needs_set(mirror, s, now);
}

void mirror_levels_fetch(void *cookie, uint32_t account, unsigned step)
{
        const struct mirror *mirror = cookie;
        const struct shadow *s;
        size_t bytes;

        if (step == 0) {
                __builtin_prefetch(&mirror->shadow[account]);
                return;
        }
        s = mirror->shadow[account];
        if (!s)
                return;
        if (step == 1) {
                for (size_t at = 0; at < SHADOW_HOT_BYTES; at += CACHE_LINE)
                        __builtin_prefetch((const char *)s + at, 1);
                return;
        }
        bytes = s->book.n * sizeof *s->book.position;
        for (size_t at = 0; at < bytes && at < FETCH_MAX; at += CACHE_LINE)
                __builtin_prefetch((const char *)s->book.position + at, 1);
}

void mirror_levels_look(void *cookie, uint32_t account)
{
        struct mirror *mirror = cookie;
        struct shadow *s = mirror->shadow[account];
        int64_t now = 0;

        if (!s)
                return;
        for (uint32_t i = 0; i < s->book.n; i++) {
                int64_t at = mirror->place[s->book.position[i].market].context_at;

                now = at > now ? at : now;
        }
        set_cross(mirror, s, now);
        mirror_needs_set(mirror, s, now);
}
