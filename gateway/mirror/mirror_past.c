/* What went of an account's positions otherwise than by us, kept for a while: a state may show it before the word
 * comes that it was a liquidation. */
#include <stdlib.h>

#include "base/mem.h"
#include "mirror/mirror_adoption.h"

#define KEPT_MS 10000

void mirror_past_drop(struct shadow *s)
{
        if (s->past)
                shadow_book_fini(&s->past->gone);
        free(s->past);
        s->past = NULL;
}

static num_wide margin_of(const struct shadow_position *p)
{
        if (!p || p->mode != MARGIN_ISOLATED)
                return 0;
        return p->raw_usd.v + (p->size.v < 0 ? -1 : 1) * (num_wide)p->entry_notional.v;
}

/* So much of the position went, and so much of its margin with it. */
static void add(struct mirror_adoption *a, const struct shadow_position *of, num_wide size,
                num_wide lost)
{
        struct shadow_position gone = {.market = of->market, .mode = of->mode};
        struct shadow_past *past = a->s->past;
        const struct shadow_position *before;

        if (!past)
                past = a->s->past = xcalloc(1, sizeof *past);
        before = shadow_position(&past->gone, of->market);
        if (before && (before->size.v < 0) == (size < 0)) {
                size += before->size.v;
                lost += before->raw_usd.v;
        }
        if (!size || size > INT64_MAX || size < -INT64_MAX || lost > INT64_MAX || lost < -INT64_MAX)
                return;
        gone.size.v = (int64_t)size;
        gone.raw_usd.v = (int64_t)lost;
        shadow_position_put(&past->gone, &gone);
        past->at = a->reading->at;
}

static bool closes(const struct shadow_position *held, const struct shadow_effect *e)
{
        return held && e->kind == EFFECT_FILL && (held->size.v < 0) != (e->size.v < 0);
}

/* A fill of the log, on the book as it stood then. */
static void replay_one(struct mirror_adoption *a, struct shadow_book *book,
                       const struct shadow_effect *logged)
{
        struct shadow_effect e = *logged;
        const struct shadow_position *held = shadow_position(book, e.market), *left;
        struct shadow_position before = held ? *held : (struct shadow_position){0};
        bool is_close = closes(held, &e) && !e.is_ours && !e.is_claimed;
        num_wide size;

        if (shadow_apply_to(book, a->s, &e, &a->mirror->rules) || !is_close)
                return;
        left = shadow_position(book, e.market);
        if (left && (left->size.v < 0) != (before.size.v < 0))
                left = NULL;
        size = before.size.v - (num_wide)(left ? left->size.v : 0);
        add(a, &before, size, margin_of(&before) - margin_of(left) - e.cash_moved.v);
}

/* What the state has not, and no trade has told. */
static void missing(struct mirror_adoption *a, struct shadow_book *book)
{
        num_wide cash = (num_wide)a->book.cash.v - book->cash.v;

        for (uint32_t i = 0; i < book->n; i++) {
                const struct shadow_position *had = &book->position[i];
                const struct shadow_position *is = shadow_position(&a->book, had->market);
                num_wide margin = margin_of(had), size;

                if (is && (is->size.v < 0) != (had->size.v < 0))
                        is = NULL;
                size = had->size.v - (num_wide)(is ? is->size.v : 0);
                if (!size || (size < 0) != (had->size.v < 0))
                        continue;
                margin -= margin_of(is);
                /* What came to the cash came of it, as far as one can tell. */
                if (cash > 0)
                        margin -= cash < margin ? cash : margin;
                add(a, had, size, margin);
        }
}

static bool is_later(const struct mirror_adoption *a)
{
        for (uint32_t i = 0; i < a->s->n_log; i++) {
                if (a->s->log[i].at > a->state->as_of)
                        return true;
        }
        return false;
}

void mirror_past_note(struct mirror_adoption *a)
{
        struct shadow *s = a->s;
        struct shadow_book book = {0};

        if (s->past && a->reading->at - s->past->at >= KEPT_MS)
                mirror_past_drop(s);
        /* With a loss open the state itself tells. */
        if (s->loss || !a->then.n)
                return;
        shadow_book_copy(&book, &a->then);
        for (uint32_t i = 0; i < s->n_log; i++)
                replay_one(a, &book, &s->log[i]);
        if (!is_later(a))
                missing(a, &book);
        shadow_book_fini(&book);
}

void mirror_past_tell(struct mirror *mirror, struct shadow *s, const uint32_t *market, int64_t at)
{
        struct shadow_book told = {0};

        if (!s->past || at - s->past->at >= KEPT_MS)
                return;
        shadow_book_copy(&told, &s->past->gone);
        for (uint32_t i = 0; i < told.n; i++) {
                if (market && told.position[i].market != *market)
                        continue;
                mirror_liquidation_tell(mirror, s, &told.position[i], true, at);
        }
        shadow_book_fini(&told);
}

void mirror_past_forget(struct shadow *s, uint32_t market)
{
        if (!s->past)
                return;
        shadow_position_drop(&s->past->gone, market);
        if (!s->past->gone.n)
                mirror_past_drop(s);
}
