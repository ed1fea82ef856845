/* What a liquidation took is told when the venue's next state shows what is left. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

/* Fills of a liquidation may come before the word of it. */
#define BEFORE_MS 10000

/* Whether the fill may be the liquidation's: it closes, and came after the first sign of it, or not long
 * before the word of it. */
static bool is_of_loss(const struct shadow_loss *loss, const struct shadow_effect *effect)
{
        bool closes = effect->size_before.v && (effect->size_before.v < 0) != (effect->size.v < 0);

        return effect->kind == EFFECT_FILL && closes &&
               (effect->order >= loss->order || effect->at >= loss->from);
}

static bool same_side(const struct shadow_position *a, const struct shadow_position *b)
{
        return a && b && a->mode == b->mode && (a->size.v < 0) == (b->size.v < 0);
}

/* The book without those fills. */
static void book_before(struct shadow_loss *loss, const struct mirror *mirror, struct shadow *s)
{
        shadow_book_copy(&loss->before, s->base ? s->base : &s->book);
        for (uint32_t i = 0; i < s->n_log; i++) {
                struct shadow_effect effect = s->log[i];

                /* One that doesn't fit without the fills left out is left out too. */
                if (is_of_loss(loss, &effect) ||
                    shadow_apply_to(&loss->before, s, &effect, &mirror->rules))
                        continue;
        }
}

static void open_loss(struct mirror *mirror, struct shadow *s, int64_t from, int64_t at)
{
        struct shadow_marks marks = mirror_marks(mirror);
        struct shadow_value value;

        s->loss = xcalloc(1, sizeof *s->loss);
        s->loss->at = at;
        s->loss->from = from;
        s->loss->order = mirror->next_order;
        book_before(s->loss, mirror, s);
        if (!shadow_value_book(&value, &s->loss->before, &marks, mirror->table))
                s->loss->value_before = value.cross.account_value.v;
}

void mirror_liquidation_note(struct mirror *mirror, struct shadow *s, int64_t at)
{
        if (!s->loss && s->state_at && at > s->state_at)
                open_loss(mirror, s, at - BEFORE_MS, at);
        /* What was suspected is now known; the book of before is the one of then. */
        if (s->loss)
                s->loss->is_certain = true;
}

void mirror_liquidation_suspect(struct mirror *mirror, struct shadow *s, uint32_t market,
                                bool is_cross, int64_t at)
{
        if (!s->loss)
                open_loss(mirror, s, INT64_MAX, at);
        for (uint32_t i = 0; i < s->book.n; i++) {
                const struct shadow_position *p = &s->book.position[i];
                struct shadow_position *before = shadow_position(&s->loss->before, p->market);

                if (is_cross ? p->mode != MARGIN_CROSS : p->market != market)
                        continue;
                if (!same_side(before, p)) /* opened since the first of them */
                        before = shadow_position_put(&s->loss->before, p);
                before->flags |= POSITION_BEYOND;
        }
}

static void liquidated(struct mirror *mirror, struct shadow *s, void *cookie)
{
        int64_t at = *(const int64_t *)cookie;

        mirror_past_tell(mirror, s, NULL, at);
        mirror_liquidation_note(mirror, s, at);
        mirror_mark(s, DOUBT_LIQUIDATED, at);
        s->verify_at = at;
        mirror_needs_set(mirror, s, at);
}

/* The venue names no dex: whichever of the account's it was, all are looked at. */
void mirror_liquidated(struct mirror *mirror, const struct feed_liquidation *liquidation,
                       int64_t at)
{
        mirror_each_of(mirror, &liquidation->user, liquidated, &at);
}

/* What our own orders close is not liquidated. */
static int64_t by_us(const struct shadow_effect *fill)
{
        return fill->is_ours || fill->is_claimed ? fill->size.v : 0;
}

void mirror_liquidation_came_back(struct shadow *s, const struct shadow_effect *effect)
{
        struct shadow_position *before =
                s->loss ? shadow_position(&s->loss->before, effect->market) : NULL;
        num_wide raw;

        if (!before || !is_of_loss(s->loss, effect))
                return;
        before->size.v += by_us(effect);
        if (before->mode != MARGIN_ISOLATED)
                return;
        raw = (num_wide)before->raw_usd.v - effect->cash_moved.v;
        if (raw <= INT64_MAX && raw > INT64_MIN)
                before->raw_usd.v = (int64_t)raw;
}

static num_wide margin_of(const struct shadow_position *p)
{
        num_wide side = p->size.v < 0 ? -1 : 1;

        return p->raw_usd.v + side * p->entry_notional.v;
}

/* Of the position's margin, what neither came back by a fill nor is still there. */
static num_wide margin_lost(struct shadow *s, const struct shadow_position *before)
{
        const struct shadow_position *is = shadow_position(&s->book, before->market);
        num_wide margin = margin_of(before);

        if (same_side(is, before))
                margin -= margin_of(is);
        for (uint32_t i = 0; i < s->n_log; i++) {
                if (s->log[i].market == before->market && is_of_loss(s->loss, &s->log[i]))
                        margin -= s->log[i].cash_moved.v;
        }
        return margin;
}

static struct usd at_least_zero(num_wide v)
{
        return (struct usd){v < 0 ? 0 : v > INT64_MAX ? INT64_MAX : (int64_t)v};
}

/* A state that came, the book as it was thought to be, and what of that the venue took. */
struct settling {
        struct mirror *mirror;
        struct shadow *s;
        struct shadow_book *had;
        struct shadow_value left;
        bool is_cross_taken, is_any_taken;
};

static void tell(const struct settling *settling, const struct shadow_position *before,
                 struct qty gone, bool is_certain)
{
        struct shadow *s = settling->s;
        const struct mirror_hooks *hooks = &settling->mirror->options.hooks;
        struct mirror_liquidation_note told = {
                .user = &s->user,
                .dex = settling->mirror->dex[s->dex],
                .symbol = settling->mirror->place[before->market].symbol,
                .is_certain = is_certain,
                .size = gone,
                .is_isolated = before->mode == MARGIN_ISOLATED,
                .kept = settling->left.account_value,
                .at = s->loss->at,
        };

        if (told.is_isolated)
                told.lost = at_least_zero(margin_lost(s, before));
        else
                told.lost = at_least_zero((num_wide)s->loss->value_before -
                                          settling->left.cross.account_value.v);
        mirror_past_forget(s, before->market);
        if (hooks->liquidated)
                hooks->liquidated(hooks->cookie, &told);
}

static bool holds_cross(const struct shadow_book *book)
{
        for (uint32_t i = 0; i < book->n; i++) {
                if (book->position[i].mode == MARGIN_CROSS)
                        return true;
        }
        return false;
}

/* The backstop takes all cross positions and all cross cash. */
static void take_cross(struct settling *settling)
{
        const struct shadow_book *before = &settling->s->loss->before;
        const struct shadow_book *is = &settling->s->book;
        struct shadow_book *had = settling->had;
        bool is_beyond = settling->s->loss->is_certain;

        for (uint32_t i = 0; i < before->n; i++)
                is_beyond |= before->position[i].mode == MARGIN_CROSS &&
                             before->position[i].flags & POSITION_BEYOND;
        if (!is_beyond || !holds_cross(had) || holds_cross(is) || is->cash.v)
                return;
        for (uint32_t i = had->n; i-- > 0;) {
                if (had->position[i].mode == MARGIN_CROSS)
                        shadow_position_drop(had, had->position[i].market);
        }
        had->cash.v = 0;
        settling->is_cross_taken = settling->is_any_taken = true;
}

/* Gone without a trade and without giving anything back: the backstop took it with its margin. Who
 * closes a position himself is named in a trade, and gets back what is left. */
static bool is_taken(struct settling *settling, const struct shadow_position *before)
{
        struct shadow_book *had = settling->had, *is = &settling->s->book;
        num_wide cash = (num_wide)is->cash.v - had->cash.v;

        if (before->mode == MARGIN_CROSS)
                return settling->is_cross_taken;
        if (!same_side(shadow_position(had, before->market), before) ||
            shadow_position(is, before->market) || cash > NUM_MICRO || cash < -NUM_MICRO)
                return false;
        shadow_position_drop(had, before->market);
        settling->is_any_taken = true;
        return true;
}

static void settle_position(struct settling *settling, struct shadow_position *before)
{
        const struct shadow_position *is = shadow_position(&settling->s->book, before->market);
        bool is_certain = settling->s->loss->is_certain;
        uint8_t beyond = before->flags & POSITION_BEYOND;
        int64_t size = same_side(is, before) ? is->size.v : 0;
        struct qty gone = {before->size.v - size};

        for (uint32_t i = 0; i < settling->s->n_log; i++) {
                const struct shadow_effect *e = &settling->s->log[i];

                if (e->market == before->market && is_of_loss(settling->s->loss, e))
                        gone.v += by_us(e);
        }
        if (!gone.v || (gone.v < 0) != (before->size.v < 0) || !(is_certain || beyond))
                return;
        tell(settling, before, gone, is_taken(settling, before) || is_certain);
        /* What is still there can go later. */
        if (size)
                *before = *is;
        before->size.v = size;
        before->flags |= beyond;
}

bool mirror_liquidation_settle(struct mirror *mirror, struct shadow *s, struct shadow_book *had,
                               int64_t asked_at)
{
        struct shadow_marks marks = mirror_marks(mirror);
        struct settling settling = {.mirror = mirror, .s = s, .had = had};
        struct shadow_loss *loss = s->loss;

        if (!loss)
                return false;
        if (shadow_value_book(&settling.left, &s->book, &marks, mirror->table))
                settling.left = (struct shadow_value){0};
        take_cross(&settling);
        for (uint32_t i = 0; i < loss->before.n; i++)
                settle_position(&settling, &loss->before.position[i]);
        /* A state of before it says nothing of what is still there. */
        if (asked_at >= loss->at) {
                shadow_book_fini(&loss->before);
                free(loss);
                s->loss = NULL;
        }
        return settling.is_any_taken;
}

struct worst {
        const struct mirror *mirror;
        const struct shadow_book *book;
};

static struct px worst_mark(const void *cookie, uint32_t market)
{
        const struct worst *worst = cookie;
        const struct mirror_place *place = &worst->mirror->place[market];

        for (uint32_t i = 0; i < worst->book->n; i++) {
                if (worst->book->position[i].market == market &&
                    worst->book->position[i].size.v < 0)
                        return place->high[0].v > place->high[1].v ? place->high[0]
                                                                   : place->high[1];
        }
        return place->low[1].v && place->low[1].v < place->low[0].v ? place->low[1] : place->low[0];
}

bool mirror_liquidation_possible(const struct mirror *mirror, const struct shadow_book *book,
                                 uint32_t market)
{
        struct worst worst = {mirror, book};
        struct shadow_marks marks = {worst_mark, &worst};
        const struct shadow_position *p = NULL;
        struct shadow_value value;
        struct margin_position m;
        struct usd maintenance;

        for (uint32_t i = 0; i < book->n && !p; i++)
                p = book->position[i].market == market ? &book->position[i] : NULL;
        if (!p || shadow_value_book(&value, book, &marks, mirror->table))
                return false;
        if (p->mode == MARGIN_CROSS)
                return value.cross.account_value.v < value.cross.maintenance.v;
        if (shadow_value_position(&m, p, worst_mark(&worst, market), mirror->table) ||
            margin_maintenance(&maintenance, &m.tiers, m.value))
                return false;
        return m.raw_usd.v + (m.size.v < 0 ? -(num_wide)m.value.v : m.value.v) < maintenance.v;
}

void mirror_liquidation_tell(struct mirror *mirror, struct shadow *s,
                             const struct shadow_position *taken, bool is_certain, int64_t at)
{
        struct shadow_marks marks = mirror_marks(mirror);
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct shadow_value left;
        struct mirror_liquidation_note told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .symbol = mirror->place[taken->market].symbol,
                .is_certain = is_certain,
                .size = taken->size,
                .is_isolated = taken->mode == MARGIN_ISOLATED,
                .at = at,
        };

        if (!shadow_value_book(&left, &s->book, &marks, mirror->table))
                told.kept = left.account_value;
        if (told.is_isolated)
                told.lost = at_least_zero(margin_of(taken));
        mirror_past_forget(s, taken->market);
        if (hooks->liquidated)
                hooks->liquidated(hooks->cookie, &told);
}
