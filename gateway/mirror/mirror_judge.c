/* Why a state differs from the book as it stood: a doubt that was open, funding of the hour, trades that are
 * missing while the feed is cut off, a move of money elsewhere. What is left is a suspicion. */
#include "mirror/mirror_adoption.h"

static bool is_near(num_wide d)
{
        return d <= NUM_MICRO && d >= -NUM_MICRO;
}

/* Our own edit of margin, as the state has it, or as it has it not yet. */
static bool is_accounted(struct mirror_adoption *a, const struct shadow_effect *e)
{
        const struct shadow_position *now = shadow_position(&a->book, e->market);
        const struct shadow_position *had = shadow_position(&a->s->book, e->market);
        num_wide moved;

        if (!now || !had)
                return false;
        moved = (num_wide)had->raw_usd.v - now->raw_usd.v;
        return is_near(moved) || is_near(moved - e->amount.v);
}

static bool is_effect_certain(struct mirror_adoption *a, const struct shadow_effect *e)
{
        switch ((enum shadow_effect_kind)e->kind) {
        case EFFECT_FILL: return e->is_exact && !e->is_ours;
        case EFFECT_FUNDING: return e->is_exact;
        case EFFECT_TRANSFER: return is_accounted(a, e);
        case EFFECT_LEVERAGE: return true; /* moves no money */
        }
        never("an effect's kind");
}

/* Nothing happened to money since the last state but what is known to the last digit: what differs is not of it. */
static bool is_certain(struct mirror_adoption *a)
{
        for (uint32_t i = 0; i < a->s->n_log; i++) {
                if (!is_effect_certain(a, &a->s->log[i]))
                        return false;
        }
        return true;
}

/* A position that was opened since has the mode and leverage that were known of its symbol: no event tells that
 * they were set elsewhere before it. */
static bool is_setting_stale(struct mirror_adoption *a)
{
        for (uint32_t i = 0; i < a->s->book.n && a->s->base; i++) {
                const struct shadow_position *had = &a->s->book.position[i];
                const struct shadow_position *is = shadow_position(&a->book, had->market);

                if (!shadow_position(a->s->base, had->market) && is &&
                    (is->mode != had->mode || is->leverage != had->leverage))
                        return true;
        }
        return false;
}

/* Leverage that was set here since the last state. */
static bool is_set_here(const struct mirror_adoption *a, uint32_t market, unsigned leverage)
{
        for (uint32_t i = 0; i < a->s->n_log; i++) {
                const struct shadow_effect *e = &a->s->log[i];

                if (e->kind == EFFECT_LEVERAGE && e->market == market && e->leverage == leverage)
                        return true;
        }
        return false;
}

/* The state's leverage of a position is none that it had here since the last state: not before what we did,
 * nor after any of it. What is not exact of fills or funding does not touch it. */
static bool is_set_elsewhere(struct mirror_adoption *a, const struct shadow_position *is)
{
        struct shadow_book *base = a->s->base ? a->s->base : &a->s->book;
        const struct shadow_position *then = shadow_position(base, is->market);

        return then && is->leverage != then->leverage && !is_set_here(a, is->market, is->leverage);
}

/* Of all leverage that differs: it was set elsewhere; or here too, since of several settings under way at once
 * nobody tells which came last. */
static enum mirror_cause cause_of_leverage(struct mirror_adoption *a)
{
        enum mirror_cause cause = CAUSE_ELSEWHERE;

        for (uint32_t i = 0; i < a->s->book.n; i++) {
                const struct shadow_position *had = &a->s->book.position[i];
                const struct shadow_position *is = shadow_position(&a->book, had->market);

                if (!is || is->leverage == had->leverage || is_set_elsewhere(a, is))
                        continue;
                if (!is_set_here(a, is->market, is->leverage))
                        return CAUSE_NONE;
                cause = CAUSE_OUTCOME;
        }
        return cause;
}

void mirror_judge_prepare(struct mirror_adoption *a)
{
        struct shadow *s = a->s;

        shadow_book_copy(&a->then, s->base ? s->base : &s->book);
        a->doubts = mirror_reasons(a->mirror, s, a->reading->at);
        /* One that is merely likely explains what it would do, and nothing else. */
        if (!(s->doubts & DOUBT_LIQUIDATED))
                a->doubts &= ~(uint32_t)DOUBT_LIQUIDATED;
        if (is_setting_stale(a))
                a->doubts |= DOUBT_SETTING;
        a->is_certain = is_certain(a);
        a->leverage_cause = cause_of_leverage(a);
}

/* With all orders known, what they reserve depends on the leverage of symbols without a position alone:
 * where the venue holds back something else, one of them was changed elsewhere. */
static void forget_settings(struct shadow *s)
{
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (!shadow_position(&s->book, s->order[i].market))
                        shadow_setting_drop(s, s->order[i].market);
        }
}

/* Of the same position another funding is the hour's charge: it is noted, for an hour charges once. */
static bool take_charge(struct shadow_book *book, const struct shadow_position *had,
                        int64_t hour_at)
{
        struct shadow_position *is = shadow_position(book, had->market);

        if (!is || is->size.v != had->size.v || is->entry_notional.v != had->entry_notional.v ||
            is->funding.v == had->funding.v)
                return true;
        if (had->funded_at >= hour_at)
                return false;
        is->funded_at = hour_at;
        return true;
}

/* Whether an hour passed since the last state that is not charged here yet, and charged nobody twice. The last
 * state may be of just after the hour: the venue charges a while later. */
static bool take_charges(const struct mirror_adoption *a, const struct shadow_book *had)
{
        int64_t hour = a->state->as_of / MIRROR_HOUR_MS, hour_at = hour * MIRROR_HOUR_MS;
        bool is_once = true;

        if (a->before_at >= hour_at + MIRROR_FUNDING_LATE_MS ||
            hour <= a->mirror->hour_at / MIRROR_HOUR_MS)
                return false;
        for (uint32_t i = 0; i < had->n; i++) {
                is_once &= take_charge(&a->s->book, &had->position[i], hour_at);
                if (a->s->base)
                        is_once &= take_charge(a->s->base, &had->position[i], hour_at);
        }
        return is_once;
}

/* What such an hour accounts for: the charge itself, what it moves, and what follows from that where nothing
 * else differs. */
static uint32_t of_the_hour(const struct drift_result *result)
{
        static const uint32_t others = 1u << FIELD_SIZE | 1u << FIELD_ENTRY | 1u << FIELD_MODE |
                                       1u << FIELD_LEVERAGE | 1u << FIELD_ORDERS;

        if (!(result->fields & 1u << FIELD_FUNDING))
                return 0;
        return result->fields & others ? 1u << FIELD_FUNDING : result->fields;
}

static void take_the_hour(const struct mirror_adoption *a, struct drift_state *told,
                          struct drift_result *result)
{
        uint32_t charged = of_the_hour(result);

        if (charged && charged == result->fields) {
                told->cause = CAUSE_FUNDING;
        } else {
                drift_count(a->mirror, charged, CAUSE_FUNDING);
                result->fields &= ~charged;
        }
}

/* Leverage that was set, elsewhere or here, and what follows from it where nothing else differs. */
static void take_leverage(const struct mirror_adoption *a, struct drift_state *told,
                          struct drift_result *result)
{
        static const uint32_t own =
                1u << FIELD_LEVERAGE | 1u << FIELD_MARGIN_USED | 1u << FIELD_WITHDRAWABLE;

        if (!(result->fields & 1u << FIELD_LEVERAGE) || !a->leverage_cause)
                return;
        if (!(result->fields & ~own)) {
                told->cause = a->leverage_cause;
        } else {
                drift_count(a->mirror, 1u << FIELD_LEVERAGE, a->leverage_cause);
                result->fields &= ~(1u << FIELD_LEVERAGE);
        }
}

/* Which doubts, open when the state came, account for a difference, and in which fields: a charge that was
 * computed here does not change a size, nor do tiers change cash. */
static enum mirror_cause cause_of(uint32_t doubts, uint32_t fields)
{
        static const uint32_t things =
                1u << FIELD_SIZE | 1u << FIELD_ENTRY | 1u << FIELD_MODE | 1u << FIELD_LEVERAGE;
        static const uint32_t money = 1u << FIELD_ISOLATED_CASH | 1u << FIELD_CROSS_CASH |
                                      1u << FIELD_FUNDING | 1u << FIELD_ACCOUNT_VALUE;
        static const struct {
                uint32_t doubts, not_of; /* fields that it says nothing about */
                enum mirror_cause cause;
        } row[] = {
                {DOUBT_LIQUIDATED, 0, CAUSE_LIQUIDATION},
                {DOUBT_OUTCOME, 0, CAUSE_OUTCOME},
                {DOUBT_GAP, 0, CAUSE_GAP},
                {DOUBT_TOLD, 0, CAUSE_TOLD},
                {DOUBT_FILL, 0, CAUSE_FILL},
                {DOUBT_FUNDING, things, CAUSE_FUNDING},
                {DOUBT_SETTING, 1u << FIELD_SIZE, CAUSE_RULES},
                {DOUBT_RERATED | DOUBT_TIERS, things | money, CAUSE_RULES},
                {DOUBT_RANGE | DOUBT_UNREAD, 0, CAUSE_RANGE},
        };

        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                if (doubts & row[i].doubts && !(fields & row[i].not_of))
                        return row[i].cause;
        }
        return CAUSE_NONE;
}

/* Trades were missed in a market that differs, also where nothing was held before; where only cash does,
 * in any: it may have been opened and closed again. */
static bool has_gap(const struct mirror_adoption *a, const struct drift_result *result)
{
        for (uint32_t i = 0; i < result->n_rows; i++) {
                if (suspicion_has_gap(a->mirror, result->row[i].market, a->before_asked_at))
                        return true;
        }
        for (uint32_t i = 0; i < a->mirror->n_places && !result->n_rows; i++) {
                const struct mirror_place *place = &a->mirror->place[i];

                if (place->dex == a->s->dex && place->has_market && !place->is_delisted &&
                    suspicion_has_gap(a->mirror, i, a->before_asked_at))
                        return true;
        }
        return false;
}

static void note_whole(struct mirror_adoption *a, struct drift_result *result)
{
        struct shadow_book *now = a->s->base ? a->s->base : &a->s->book;

        for (uint32_t i = 0; i < result->n_rows; i++) {
                struct drift_row *row = &result->row[i];
                const struct shadow_position *is = shadow_position(now, row->market);
                const struct shadow_position *then = shadow_position(&a->then, row->market);
                num_wide whole = (num_wide)(is ? is->size.v : 0) - (then ? then->size.v : 0);

                row->whole = whole > INT64_MAX || whole < INT64_MIN ? 0 : (int64_t)whole;
        }
}

void mirror_judge(struct mirror_adoption *a, struct shadow_book *had)
{
        struct shadow_marks marks = {mirror_state_mark, a};
        struct drift_result result = {0}, rest = {0};
        struct drift_state told = {.result = &result,
                                   .had = had,
                                   .venue_from = a->before_at,
                                   .venue_until = a->state->as_of,
                                   .at = a->reading->at};
        bool taken, is_charged = take_charges(a, had);

        drift_books(&result, had, &a->s->book, &marks);
        taken = mirror_liquidation_settle(a->mirror, a->s, had, mirror_state_asked_by(a));
        if (taken)
                drift_books(&rest, had, &a->s->book, &marks);
        if (rest.fields) {
                result = rest;
                taken = false;
        }
        note_whole(a, &result);
        if (!a->s->n_log && a->s->pool == MARGIN_POOL_STANDARD &&
            !(result.fields & 1u << FIELD_SIZE))
                drift_figures(&result, a->mirror, a->s, had, a->state, &marks);
        if (result.reserve_differs)
                forget_settings(a->s);
        told.cause = taken ? CAUSE_LIQUIDATION : cause_of(a->doubts, result.fields);
        if (!told.cause)
                take_leverage(a, &told, &result);
        if (!told.cause)
                told.cause = cause_of(a->doubts, result.fields);
        if (!told.cause && is_charged)
                take_the_hour(a, &told, &result);
        if (!told.cause && result.fields && has_gap(a, &result))
                told.cause = CAUSE_GAP;
        if (!told.cause && result.may_be_elsewhere && a->is_certain &&
            !(result.fields & 1u << FIELD_LEVERAGE))
                told.cause = CAUSE_ELSEWHERE;
        drift_judge(a->mirror, a->s, &told);
}
