#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/shadow.h"

static enum errc move(struct usd *to, num_wide delta)
{
        num_wide v = to->v + delta;

        if (v > INT64_MAX || v < INT64_MIN + 1)
                return E_RANGE;
        to->v = (int64_t)v;
        return E_OK;
}

/* A position that opens: mode and leverage as they were when the fill came, as they are set for the
 * symbol, or else the venue's default. */
static struct shadow_position fresh(const struct shadow *s, const struct shadow_effect *fill,
                                    const struct shadow_rules *rules)
{
        uint32_t market = fill->market;
        const struct shadow_market_rule *rule = rules->market(rules->cookie, market);
        const struct shadow_setting *setting = shadow_setting(s, market);
        struct shadow_position p = {.market = market, .table = rule->table};

        p.mode = setting ? setting->mode : rule->default_mode;
        p.leverage = setting ? setting->leverage : rule->default_leverage;
        p.max_leverage = (uint16_t)rules->table[rule->table].tier[0].max_leverage;
        p.flags = setting ? 0 : POSITION_SETTING_GUESSED;
        if (fill->leverage) {
                p.mode = fill->mode;
                p.leverage = fill->leverage;
                p.flags = 0;
        }
        if (!rule->table) /* a market that is not known yet */
                p.flags |= POSITION_TIERS_GUESSED;
        return p;
}

/* Where it leaves off: what is left of the position, or nothing. A position that has gone through
 * zero is a new one, on the market's present tiers. */
static void put_back(struct shadow_book *book, const struct shadow_position *opened,
                     struct shadow_position *p, const struct margin_position *after, bool was_held)
{
        bool flipped = was_held && (p->size.v < 0) != (after->size.v < 0);

        if (!after->size.v) {
                shadow_position_drop(book, p->market);
                return;
        }
        if (flipped) {
                p->table = opened->table;
                p->max_leverage = opened->max_leverage;
                p->flags &= POSITION_SETTING_GUESSED;
                p->flags |= opened->flags & POSITION_TIERS_GUESSED;
        }
        if (flipped || !was_held) {
                p->funding.v = 0;
                p->funded_at = 0;
                p->reached = 0;
        }
        p->size = after->size;
        p->entry_notional = after->entry_notional;
        p->raw_usd = after->raw_usd;
        p->flags &= (uint8_t)~POSITION_PRINTED;
        shadow_position_put(book, p);
}

static enum errc apply_fill(struct shadow_book *book, const struct shadow *s,
                            struct shadow_effect *effect, const struct shadow_rules *rules)
{
        struct shadow_position *held = shadow_position(book, effect->market);
        struct shadow_position opened = fresh(s, effect, rules), p = held ? *held : opened;
        struct margin_fill fill = {effect->size, effect->price, effect->amount};
        struct margin_cross cross = {.account_value = book->cash};
        struct margin_position m;
        struct usd cash;
        num_wide value;
        enum errc rc;

        rc = shadow_value_position(&m, &p, effect->price, rules->table);
        if (rc)
                goto done;
        value = m.size.v < 0 ? -(num_wide)m.value.v : m.value.v;
        effect->size_before = p.size;
        effect->margin_before.v = 0;
        if (m.mode == MARGIN_ISOLATED)
                rc = move(&effect->margin_before, p.raw_usd.v + value);
        else
                rc = move(&cross.account_value, value);
        if (rc)
                goto done;
        rc = margin_apply_fill(&m, &cross, &fill, effect->price, &effect->realized);
        if (rc)
                goto done;
        cash = cross.account_value;
        value = m.size.v < 0 ? -(num_wide)m.value.v : m.value.v;
        if (m.mode == MARGIN_CROSS)
                rc = move(&cash, -value);
        if (rc)
                goto done;
        effect->cash_moved.v = cash.v - book->cash.v;
        book->cash = cash;
        put_back(book, &opened, &p, &m, held != NULL);
done:
        return rc;
}

static enum errc apply_funding(struct shadow_book *book, struct shadow_effect *effect)
{
        struct shadow_position *p = shadow_position(book, effect->market);
        struct shadow_position after;
        enum errc rc = E_OK;

        /* Charged on a position that is gone since: all that is left to move is the cash. */
        if (!p) {
                rc = move(&book->cash, effect->amount.v);
                goto done;
        }
        after = *p;
        rc = move(&after.funding, -(num_wide)effect->amount.v);
        if (rc)
                goto done;
        rc = after.mode == MARGIN_ISOLATED ? move(&after.raw_usd, effect->amount.v)
                                           : move(&book->cash, effect->amount.v);
        if (rc)
                goto done;
        if (after.mode == MARGIN_ISOLATED)
                after.flags &= (uint8_t)~POSITION_PRINTED;
        after.funded_at = effect->at > after.funded_at ? effect->at : after.funded_at;
        *p = after;
done:
        return rc;
}

static enum errc apply_transfer(struct shadow_book *book, const struct shadow_effect *effect)
{
        struct shadow_position *p = shadow_position(book, effect->market);
        struct usd raw, cash = book->cash;
        enum errc rc = E_INVALID;

        if (!p || p->mode != MARGIN_ISOLATED)
                goto done;
        raw = p->raw_usd;
        rc = move(&raw, effect->amount.v);
        if (rc)
                goto done;
        rc = move(&cash, -(num_wide)effect->amount.v);
        if (rc)
                goto done;
        p->raw_usd = raw;
        p->flags &= (uint8_t)~POSITION_PRINTED;
        book->cash = cash;
done:
        return rc;
}

enum errc shadow_apply_to(struct shadow_book *book, const struct shadow *s,
                          struct shadow_effect *effect, const struct shadow_rules *rules)
{
        struct shadow_position *p;

        switch ((enum shadow_effect_kind)effect->kind) {
        case EFFECT_FILL: return apply_fill(book, s, effect, rules);
        case EFFECT_FUNDING: return apply_funding(book, effect);
        case EFFECT_TRANSFER: return apply_transfer(book, effect);
        case EFFECT_LEVERAGE:
                /* Neither cash nor liquidation price moves with it. */
                p = shadow_position(book, effect->market);
                if (p && p->mode == effect->mode) {
                        p->leverage = effect->leverage;
                        p->flags &= (uint8_t)~POSITION_SETTING_GUESSED;
                }
                return E_OK;
        }
        never("an effect's kind");
}

/* Marks of what has been told are the account's, not the log's: a replay keeps them. */
static void keep_reached(struct shadow_book *to, const struct shadow_book *from)
{
        for (uint32_t i = 0; i < from->n; i++) {
                struct shadow_position *p = shadow_position(to, from->position[i].market);

                if (p && (p->size.v < 0) == (from->position[i].size.v < 0))
                        p->reached = from->position[i].reached;
        }
}

void shadow_replay(struct shadow *s, const struct shadow_rules *rules)
{
        struct shadow_book book = {0};
        uint32_t kept = 0;

        if (!s->base)
                return;
        shadow_book_copy(&book, s->base);
        for (uint32_t i = 0; i < s->n_log; i++) {
                if (shadow_apply_to(&book, s, &s->log[i], rules)) {
                        /* Applied when it came, and doesn't fit any more. */
                        s->doubts |= DOUBT_RANGE;
                        continue;
                }
                s->log[kept++] = s->log[i];
        }
        s->n_log = kept;
        keep_reached(&book, &s->book);
        shadow_book_move(&s->book, &book);
}

/* Nothing happened after the base: it is the book. */
static void drop_base(struct shadow *s)
{
        if (s->n_log || !s->base)
                return;
        shadow_book_fini(s->base);
        free(s->base);
        free(s->log);
        s->base = NULL;
        s->log = NULL;
        s->cap_log = 0;
}

static void fold_oldest(struct shadow *s, const struct shadow_rules *rules)
{
        struct shadow_effect *oldest = &s->log[0];

        if (shadow_apply_to(s->base, s, oldest, rules))
                s->doubts |= DOUBT_RANGE;
        s->folded_at = oldest->at > s->folded_at ? oldest->at : s->folded_at;
        if (!oldest->is_exact)
                s->doubts |= oldest->kind == EFFECT_FUNDING ? DOUBT_FUNDING : DOUBT_FILL;
        s->n_log--;
        memmove(s->log, s->log + 1, s->n_log * sizeof *s->log);
}

static void insert(struct shadow *s, const struct shadow_effect *effect, bool *is_last)
{
        uint32_t at = s->n_log;

        if (s->n_log == s->cap_log) {
                s->cap_log = s->cap_log ? s->cap_log * 2 : 4;
                s->log = xrealloc(s->log, s->cap_log * sizeof *s->log);
        }
        while (at && (s->log[at - 1].at > effect->at ||
                      (s->log[at - 1].at == effect->at && s->log[at - 1].order > effect->order)))
                at--;
        *is_last = at == s->n_log;
        memmove(&s->log[at + 1], &s->log[at], (s->n_log - at) * sizeof *s->log);
        s->log[at] = *effect;
        s->n_log++;
}

bool shadow_apply(struct shadow *s, const struct shadow_effect *effect,
                  const struct shadow_rules *rules, bool *folded)
{
        struct shadow_effect trial = *effect;
        bool is_last;

        *folded = s->n_log == SHADOW_LOG_MAX;
        if (!s->base) {
                s->base = xcalloc(1, sizeof *s->base);
                shadow_book_copy(s->base, &s->book);
        }
        if (*folded)
                fold_oldest(s, rules);
        if (shadow_apply_to(&s->book, s, &trial, rules)) {
                drop_base(s);
                return false;
        }
        insert(s, &trial, &is_last);
        if (!is_last)
                shadow_replay(s, rules);
        return true;
}

struct shadow_effect *shadow_find_trade(struct shadow *s, uint32_t market, uint64_t tid, bool buys)
{
        for (uint32_t i = 0; i < s->n_log; i++) {
                struct shadow_effect *effect = &s->log[i];

                if (effect->kind == EFFECT_FILL && effect->tid == tid && tid &&
                    effect->market == market && (effect->size.v > 0) == buys)
                        return effect;
        }
        return NULL;
}

struct shadow_effect *shadow_find_funding(struct shadow *s, uint32_t market, int64_t hour_at)
{
        for (uint32_t i = 0; i < s->n_log; i++) {
                struct shadow_effect *effect = &s->log[i];

                if (effect->kind == EFFECT_FUNDING && effect->market == market &&
                    effect->at / 3600000 == hour_at / 3600000)
                        return effect;
        }
        return NULL;
}

void shadow_drop_effect(struct shadow *s, struct shadow_effect *effect)
{
        size_t i = (size_t)(effect - s->log);

        s->n_log--;
        memmove(effect, effect + 1, (s->n_log - i) * sizeof *effect);
}
