/* What a liquidation took is told when the venue's next state shows what is left. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

/* Fills of a liquidation may come before the word of it. */
#define BEFORE_MS 10000

/* The book as it was before what happened from `at` on. */
static void book_before(struct shadow_book *out, const struct mirror *mirror, struct shadow *s,
                        int64_t at)
{
        if (!s->base) {
                shadow_book_copy(out, &s->book);
                return;
        }
        shadow_book_copy(out, s->base);
        for (uint32_t i = 0; i < s->n_log; i++) {
                struct shadow_effect effect = s->log[i];

                /* One that doesn't fit without the fills left out is left out too. */
                if ((effect.kind == EFFECT_FILL && effect.at >= at) ||
                    shadow_apply_to(out, s, &effect, &mirror->rules))
                        continue;
        }
}

void mirror_liquidation_note(struct mirror *mirror, struct shadow *s, int64_t at, bool is_certain)
{
        struct shadow_marks marks = mirror_marks(mirror);
        struct shadow_value value;

        /* What was suspected is now known; the book of before is the one of then. */
        if (s->loss)
                s->loss->is_certain |= is_certain;
        if (s->loss || !s->state_at || at <= s->state_at)
                return;
        s->loss = xcalloc(1, sizeof *s->loss);
        s->loss->at = at;
        s->loss->is_certain = is_certain;
        book_before(&s->loss->before, mirror, s, is_certain ? at - BEFORE_MS : at);
        if (!shadow_value_book(&value, &s->loss->before, &marks, mirror->table))
                s->loss->value_before = value.cross.account_value.v;
}

static void liquidated(struct mirror *mirror, struct shadow *s, void *cookie)
{
        int64_t at = *(const int64_t *)cookie;

        mirror_liquidation_note(mirror, s, at, true);
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

/* Cash that fills since brought back to the cross account from that market. */
static num_wide came_back(const struct shadow *s, uint32_t market, int64_t from)
{
        num_wide cash = 0;

        for (uint32_t i = 0; i < s->n_log; i++) {
                if (s->log[i].kind == EFFECT_FILL && s->log[i].market == market &&
                    s->log[i].at >= from)
                        cash += s->log[i].cash_moved.v;
        }
        return cash;
}

static struct usd at_least_zero(num_wide v)
{
        return (struct usd){v < 0 ? 0 : v > INT64_MAX ? INT64_MAX : (int64_t)v};
}

static void tell(struct mirror *mirror, struct shadow *s, const struct shadow_position *before,
                 struct qty gone, const struct shadow_value *left)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        num_wide side = before->size.v < 0 ? -1 : 1;
        num_wide margin = before->raw_usd.v + side * before->entry_notional.v;
        struct mirror_liquidation_note told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .symbol = mirror->place[before->market].symbol,
                .is_certain = s->loss->is_certain,
                .size = gone,
                .is_isolated = before->mode == MARGIN_ISOLATED,
                .kept = left->account_value,
                .at = s->loss->at,
        };

        if (told.is_isolated)
                told.lost = at_least_zero(margin -
                                          came_back(s, before->market, s->loss->at - BEFORE_MS));
        else
                told.lost = at_least_zero((num_wide)s->loss->value_before -
                                          left->cross.account_value.v);
        if (hooks->liquidated)
                hooks->liquidated(hooks->cookie, &told);
}

void mirror_liquidation_settle(struct mirror *mirror, struct shadow *s, struct shadow_book *now)
{
        struct shadow_marks marks = mirror_marks(mirror);
        struct shadow_value left = {0};

        if (!s->loss)
                return;
        if (shadow_value_book(&left, now, &marks, mirror->table))
                left = (struct shadow_value){0};
        for (uint32_t i = 0; i < s->loss->before.n; i++) {
                const struct shadow_position *before = &s->loss->before.position[i];
                const struct shadow_position *is = shadow_position(now, before->market);
                int64_t size = is && (is->size.v < 0) == (before->size.v < 0) ? is->size.v : 0;
                struct qty gone = {before->size.v - size};

                if (gone.v && (gone.v < 0) == (before->size.v < 0))
                        tell(mirror, s, before, gone, &left);
        }
        shadow_book_fini(&s->loss->before);
        free(s->loss);
        s->loss = NULL;
}
