/* A state takes the base's place. What happened after the venue's time of it is replayed on top; what
 * is the venue's and not later is in it. Where our own clock and the venue's would have to be compared,
 * the state itself tells whether an effect is in it, or the effect is dropped and a doubt stays. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_adoption.h"
#include "risk/show.h"

/* The mark at which the venue valued the position. */
static struct px mark_of(const struct venue_position *p)
{
        struct px mark = {0};

        if (!p->p.size.v || p->p.size.v == INT64_MIN || p->p.value.v < 0 ||
            num_px_for(&mark, p->p.value, (struct qty){num_abs(p->p.size.v)}, NUM_NEAREST))
                mark.v = 0;
        return mark;
}

struct px mirror_state_mark(const void *cookie, uint32_t market)
{
        const struct mirror_adoption *a = cookie;
        const char *symbol = a->mirror->place[market].symbol;

        for (unsigned i = 0; i < a->state->n_positions; i++) {
                if (a->state->position[i].p.size.v && !strcmp(a->state->position[i].symbol, symbol))
                        return mark_of(&a->state->position[i]);
        }
        return a->mirror->place[market].mark;
}

static bool fits(const struct margin_table *table, struct usd value, unsigned max_leverage)
{
        return max_leverage == table->tier[0].max_leverage ||
               max_leverage == margin_max_leverage(table, value);
}

/* Which tiers the position follows: those it was opened with while they can be so, else those that the
 * adapter found, else one flat tier of the leverage that the venue names. */
static void choose_tiers(struct mirror_adoption *a, struct shadow_position *p,
                         const struct venue_position *row, const struct shadow_position *had)
{
        struct margin_table flat = {.n = 1, .tier = {{.max_leverage = row->max_leverage}}};
        bool same = had && (had->size.v < 0) == (row->p.size.v < 0);

        if (same && had->table &&
            fits(&a->mirror->table[had->table], row->p.value, row->max_leverage)) {
                p->table = had->table;
                p->flags |= had->flags & (POSITION_RERATED | POSITION_TIERS_GUESSED);
                return;
        }
        p->table = mirror_table(a->mirror, row->p.tiers.n ? &row->p.tiers : &flat);
        if (!row->tiers_known || !row->p.tiers.n || !p->table)
                p->flags |= POSITION_TIERS_GUESSED;
        if (!p->table)
                p->table = mirror_table(a->mirror, &flat);
}

static enum errc take_position(struct mirror_adoption *a, const struct venue_position *row)
{
        struct mirror_place *place = mirror_place_make(a->mirror, row->symbol);
        struct shadow_position p = {0};
        const struct shadow_position *had;

        if (!row->p.size.v)
                return E_OK;
        if (!place || place->dex != a->s->dex || row->p.size.v == INT64_MIN || row->p.value.v < 0 ||
            row->p.entry_notional.v < 0 || !row->p.leverage || row->p.leverage > 1000 ||
            !row->max_leverage || row->max_leverage > 1000)
                return E_INVALID;
        p.market = mirror_place_number(a->mirror, place);
        if (shadow_position(&a->book, p.market))
                return E_INVALID;
        had = shadow_position(&a->s->book, p.market);
        p.size = row->p.size;
        p.entry_notional = row->p.entry_notional;
        p.mode = (uint8_t)row->p.mode;
        p.raw_usd.v = row->p.mode == MARGIN_ISOLATED ? row->p.raw_usd.v : 0;
        p.leverage = (uint16_t)row->p.leverage;
        p.max_leverage = (uint16_t)row->max_leverage;
        p.funding = row->funding_since_open;
        if (had && (had->size.v < 0) == (p.size.v < 0)) {
                p.funded_at = had->funded_at;
                p.reached = had->reached;
        }
        choose_tiers(a, &p, row, had);
        if (strlen(row->liquidation_px) < sizeof p.liquidation) {
                must(text_copy(p.liquidation, sizeof p.liquidation, row->liquidation_px));
                p.flags |= POSITION_PRINTED;
        }
        shadow_position_put(&a->book, &p);
        if (!place->mark.v)
                place->mark = mark_of(row);
        return E_OK;
}

static enum errc take_book(struct mirror_adoption *a)
{
        num_wide cash = a->state->cross.account_value.v;
        enum errc rc = E_OK;

        for (unsigned i = 0; i < a->state->n_positions && !rc; i++) {
                const struct venue_position *row = &a->state->position[i];

                rc = take_position(a, row);
                if (row->p.mode == MARGIN_CROSS && row->p.size.v)
                        cash += row->p.size.v < 0 ? row->p.value.v : -(num_wide)row->p.value.v;
        }
        if (cash > INT64_MAX || cash < INT64_MIN + 1)
                rc = E_RANGE;
        a->book.cash.v = rc ? 0 : (int64_t)cash;
        return rc;
}

/* With which tiers the venue's own price comes out. */
static void prove_tiers(struct mirror_adoption *a)
{
        struct shadow_marks marks = {mirror_state_mark, a};
        struct shadow_value value;

        if (a->s->pool != MARGIN_POOL_STANDARD ||
            shadow_value_book(&value, &a->book, &marks, a->mirror->table))
                return;
        for (uint32_t i = 0; i < a->book.n; i++) {
                struct shadow_position *p = &a->book.position[i];
                uint16_t table[2] = {p->table, a->mirror->place[p->market].table};

                if (!(p->flags & (POSITION_RERATED | POSITION_TIERS_GUESSED)) ||
                    !(p->flags & POSITION_PRINTED) || !p->liquidation[0])
                        continue;
                for (unsigned k = 0; k < 2; k++) {
                        struct margin_liquidation liquidation;
                        struct margin_position m;
                        char text[NUM_STR_MAX];

                        p->table = table[k];
                        if (!table[k] ||
                            shadow_value_position(&m, p, mirror_state_mark(a, p->market),
                                                  a->mirror->table) ||
                            shadow_value_book(&value, &a->book, &marks, a->mirror->table) ||
                            margin_liquidation(&liquidation, &m, &value.cross))
                                continue;
                        (void)show_liquidation(text, &liquidation);
                        if (strcmp(text, p->liquidation))
                                continue;
                        p->flags &= (uint8_t) ~(POSITION_RERATED | POSITION_TIERS_GUESSED);
                        break;
                }
                if (p->flags & (POSITION_RERATED | POSITION_TIERS_GUESSED))
                        p->table = table[0];
        }
}

static int64_t distance_of(int64_t a, int64_t b)
{
        num_wide d = (num_wide)a - b;

        d = d < 0 ? -d : d;
        return d > INT64_MAX ? INT64_MAX : (int64_t)d;
}

/* What fills after the state, not ours, add to the position. */
static num_wide size_later(const struct mirror_adoption *a, uint32_t market)
{
        num_wide size = 0;

        for (uint32_t i = 0; i < a->s->n_log; i++) {
                const struct shadow_effect *e = &a->s->log[i];

                if (e->kind == EFFECT_FILL && !e->is_ours && e->market == market &&
                    e->at > a->state->as_of)
                        size += e->size.v;
        }
        return size;
}

/* Whether it is the same position, less what fills after the state did to it. */
static bool is_same_one(const struct mirror_adoption *a, const struct shadow_position *is,
                        const struct shadow_position *had)
{
        num_wide later = size_later(a, is->market);

        return is->size.v + later == had->size.v &&
               (later || distance_of(is->entry_notional.v, had->entry_notional.v) <= NUM_MICRO);
}

/* Charged a while after the hour: what the venue counts as funding since open tells, unless the
 * position is not the one that was charged, or was charged something else. Then the state stands as it
 * is, with a doubt. */
static bool funding_is_in(struct mirror_adoption *a, const struct shadow_effect *e)
{
        const struct shadow_position *is = shadow_position(&a->book, e->market);
        const struct shadow_position *had = shadow_position(&a->s->book, e->market);
        int64_t half = num_abs(e->amount.v) / 2;

        if (a->state->as_of < e->at)
                return false;
        if (e->is_exact || a->state->as_of >= e->at + MIRROR_FUNDING_LATE_MS)
                return true;
        if (is && had && distance_of(is->funding.v, had->funding.v) <= half)
                return true;
        if (is && had && is_same_one(a, is, had) &&
            distance_of(is->funding.v, had->funding.v + e->amount.v) <= NUM_MICRO)
                return false;
        a->uncharged = true;
        return true;
}

/* Its margin is as it was before, or as it is with the transfer; else something else moved it too, and the
 * state stands as it is. */
static bool transfer_is_in(struct mirror_adoption *a, const struct shadow_effect *e,
                           const struct shadow_position *is, const struct shadow_position *had)
{
        if (!is || !had || distance_of(is->raw_usd.v, had->raw_usd.v) <= NUM_MICRO)
                return true;
        if (distance_of(is->raw_usd.v, had->raw_usd.v - e->amount.v) <= NUM_MICRO)
                return false;
        a->unclear = true;
        return true;
}

/* The state has what it set, or what was set after it: then another leverage later is somebody else's. */
static bool leverage_is_in(const struct mirror_adoption *a, const struct shadow_effect *e,
                           const struct shadow_position *is)
{
        const struct shadow_effect *end = a->s->log + a->s->n_log;

        for (; is && e < end; e++) {
                if (e->kind == EFFECT_LEVERAGE && e->market == is->market &&
                    e->leverage == is->leverage && e->mode == is->mode)
                        return true;
        }
        return false;
}

static bool ours_is_in(struct mirror_adoption *a, const struct shadow_effect *e)
{
        const struct shadow_position *is = shadow_position(&a->book, e->market);
        const struct shadow_position *had = shadow_position(&a->s->book, e->market);
        num_wide now, then;

        if (a->reading->asked_at
                    ? a->reading->asked_at >= e->known_at
                    : a->state->as_of - a->mirror->ahead_ms >= e->known_at + MIRROR_SLACK_MS)
                return true;
        if (e->kind == EFFECT_LEVERAGE)
                return leverage_is_in(a, e, is);
        if (e->kind == EFFECT_TRANSFER)
                return transfer_is_in(a, e, is, had);
        now = (is ? is->size.v : 0) + size_later(a, e->market);
        then = had ? had->size.v : 0;
        if (now + e->size.v == then && now != then)
                return false;
        a->unclear |= now != then;
        return true;
}

/* What fills of the state's own millisecond, from e on, add to its position. */
static num_wide size_from(const struct mirror_adoption *a, const struct shadow_effect *e)
{
        const struct shadow_effect *end = a->s->log + a->s->n_log;
        num_wide size = 0;

        for (const struct shadow_effect *it = e; it < end; it++) {
                if (it->kind == EFFECT_FILL && !it->is_ours && it->market == e->market &&
                    it->at == e->at)
                        size += it->size.v;
        }
        return size;
}

/* Of the state's own millisecond: without it, or it and those before it, the sizes come out. */
static bool comes_after(struct mirror_adoption *a, const struct shadow_effect *e)
{
        const struct shadow_position *is = shadow_position(&a->book, e->market);
        const struct shadow_position *had = shadow_position(&a->s->book, e->market);
        num_wide missing = (had ? had->size.v : 0) - (num_wide)(is ? is->size.v : 0) -
                           size_later(a, e->market);

        for (const struct shadow_effect *it = e; missing && it >= a->s->log; it--) {
                if (it->kind == EFFECT_FILL && !it->is_ours && it->market == e->market &&
                    it->at == e->at && size_from(a, it) == missing)
                        return true;
        }
        return false;
}

static bool fill_is_in(struct mirror_adoption *a, const struct shadow_effect *e)
{
        return e->at < a->state->as_of || (e->at == a->state->as_of && !comes_after(a, e));
}

static bool is_in(struct mirror_adoption *a, const struct shadow_effect *e)
{
        if (e->kind == EFFECT_FUNDING)
                return funding_is_in(a, e);
        return e->is_ours ? ours_is_in(a, e) : fill_is_in(a, e);
}

/* The log without what the state holds. */
static void prune(struct mirror_adoption *a)
{
        bool in[SHADOW_LOG_MAX];
        uint32_t kept = 0;

        for (uint32_t i = 0; i < a->s->n_log; i++)
                in[i] = is_in(a, &a->s->log[i]);
        for (uint32_t i = 0; i < a->s->n_log; i++) {
                if (in[i])
                        mirror_liquidation_came_back(a->s, &a->s->log[i]);
                else
                        a->s->log[kept++] = a->s->log[i];
        }
        a->s->n_log = kept;
}

/* The venue's base, the rest of the log on top. */
static void rebase(struct mirror_adoption *a)
{
        struct shadow *s = a->s;

        if (s->n_log) {
                if (!s->base)
                        s->base = xcalloc(1, sizeof *s->base);
                shadow_book_move(s->base, &a->book);
                shadow_replay(s, &a->mirror->rules);
                return;
        }
        if (s->base)
                shadow_book_fini(s->base);
        free(s->base);
        free(s->log);
        s->base = NULL;
        s->log = NULL;
        s->cap_log = 0;
        shadow_book_move(&s->book, &a->book);
}

int64_t mirror_state_asked_by(const struct mirror_adoption *a)
{
        const struct mirror_reading *r = a->reading;
        int64_t made_at = a->state->as_of - a->mirror->ahead_ms;
        int64_t pushed = (r->at < made_at ? r->at : made_at) - MIRROR_SLACK_MS;

        return r->asked_at ? r->asked_at : pushed;
}

/* Of a moment in which the hour's funding may have been charged or not. */
static bool is_funding_due(const struct mirror_adoption *a)
{
        int64_t since = a->state->as_of - a->mirror->hour_at;

        return a->mirror->hour_at && since >= 0 && since < MIRROR_FUNDING_LATE_MS;
}

/* Doubts that arose before the state was asked for are answered by it. */
static void clear_doubts(struct mirror_adoption *a)
{
        struct shadow *s = a->s;

        s->doubts &= ~(uint32_t)DOUBT_UNREAD;
        if (mirror_state_asked_by(a) >= s->doubt_at)
                s->doubts &= DOUBT_ORDERS | (is_funding_due(a) ? (uint32_t)DOUBT_FUNDING : 0) |
                             /* of the same millisecond as the one before: it knows no more */
                             (a->state->as_of == a->before_at ? (uint32_t)DOUBT_FILL : 0);
        if (a->unclear)
                mirror_mark(s, DOUBT_FILL, a->reading->at);
        if (a->uncharged)
                mirror_mark(s, DOUBT_FUNDING, a->reading->at);
        s->verify_at = 0;
        for (uint32_t i = 0; i < s->n_log; i++) {
                if (!s->log[i].is_exact && s->log[i].kind != EFFECT_FUNDING)
                        s->verify_at = a->reading->at + a->mirror->options.verify_after_ms;
        }
        if (s->doubts & (DOUBT_FILL | DOUBT_TOLD | DOUBT_OUTCOME) && !s->verify_at)
                s->verify_at = a->reading->at + a->mirror->options.verify_after_ms;
        if (s->doubts & DOUBT_FUNDING && !s->verify_at)
                s->verify_at = mirror_funding_sure_at(a->mirror, a->reading->at);
}

static void keep_settings(struct shadow *s, int64_t at)
{
        for (uint32_t i = 0; i < s->book.n; i++) {
                const struct shadow_position *p = &s->book.position[i];
                const struct shadow_setting *known = shadow_setting(s, p->market);

                if (known) /* a symbol not yet traded here costs nothing */
                        shadow_setting_put(s, &(struct shadow_setting){.market = p->market,
                                                                       .leverage = p->leverage,
                                                                       .mode = p->mode,
                                                                       .at = at});
        }
}

/* What is not free by the venue's own sums, and could not be taken out either, rests in orders. */
static void take_reserved(struct mirror_adoption *a)
{
        struct margin_cross cross = a->state->cross;
        const struct usd *left = &a->state->withdrawable;
        struct usd most;

        cross.resting.v = 0;
        a->s->has_reserved =
                !margin_withdrawable(&most, &cross) && left->v >= 0 && left->v <= most.v;
        if (!a->s->has_reserved)
                return;
        a->s->reserved.v = most.v - left->v;
        a->s->is_least = left->v == 0;
}

static void adopt(struct mirror_adoption *a)
{
        struct shadow *s = a->s;
        bool was_read = s->state_at != 0;
        struct shadow_book had = {0};

        mirror_judge_prepare(a);
        if (was_read)
                mirror_past_note(a);
        prove_tiers(a);
        if (was_read)
                shadow_book_copy(&had, &s->book);
        prune(a);
        rebase(a);
        a->before_at = s->state_at;
        a->before_asked_at = s->asked_at;
        s->state_at = a->state->as_of;
        s->folded_at = 0;
        s->as_of = s->as_of > s->state_at && s->n_log ? s->as_of : s->state_at;
        s->asked_at = mirror_state_asked_by(a);
        s->confirmed_at = a->reading->at;
        s->adopted_order = a->mirror->next_order++;
        clear_doubts(a);
        take_reserved(a);
        if (was_read)
                mirror_judge(a, &had);
        else
                s->clean_at = a->reading->at;
        keep_settings(s, a->reading->at);
        mirror_funding_late(a->mirror, s, a->reading->at);
        shadow_book_fini(&had);
}

void mirror_state(struct mirror *mirror, const struct addr *user, const char *dex,
                  const struct mirror_reading *reading, const struct venue_account *state)
{
        struct mirror_adoption a = {.mirror = mirror, .reading = reading, .state = state};

        mirror->stats.states++;
        a.s = mirror_shadow_named(mirror, user, dex);
        if (!a.s || state->as_of <= 0) {
                mirror->stats.refused++;
                return;
        }
        a.s->parts &= (uint8_t)~PART_STATE;
        if (state->as_of < a.s->state_at || state->as_of < a.s->folded_at) {
                mirror->stats.states_stale++;
        } else if (take_book(&a)) {
                mirror->stats.refused++;
                mirror_mark(a.s, DOUBT_RANGE, reading->at);
        } else {
                if (reading->asked_at)
                        mirror->ahead_ms = state->as_of - reading->at;
                a.s->failures = 0;
                a.s->retry_at = 0;
                a.s->is_waited_for = false;
                adopt(&a);
        }
        a.s->is_taken = false;
        shadow_book_fini(&a.book);
        shadow_book_fini(&a.then);
        mirror_settle(mirror, a.s, reading->at);
}
