/* drift: how far the shadow was from what the venue says. Money may differ by one unit of 0.000001:
 * that much the venue's own rounding leaves open. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"
#include "risk/show.h"

struct walk {
        struct drift_result *out;
        num_wide equity;   /* is - had, at the marks */
        num_wide exposure; /* value of sizes that differ */
        num_wide isolated; /* isolated cash: is - had */
        num_wide moved;    /* margin that went into positions that are otherwise the same */
};

static void note(struct drift_result *out, enum mirror_field field)
{
        out->fields |= 1u << field;
}

static num_wide size_of(num_wide v)
{
        return v < 0 ? -v : v;
}

static bool apart(struct usd a, struct usd b)
{
        num_wide d = (num_wide)a.v - b.v;

        return d > NUM_MICRO || d < -NUM_MICRO;
}

static num_wide at_mark(num_wide size, struct px mark)
{
        return size * mark.v / NUM_SCALE;
}

static void add_row(struct drift_result *out, uint32_t market, num_wide size, bool is_of_margin)
{
        if (out->n_rows == DRIFT_ROWS || size > INT64_MAX || size < INT64_MIN)
                return;
        out->row[out->n_rows++] = (struct drift_row){
                .market = market, .size = (int64_t)size, .is_of_margin = is_of_margin};
}

/* Margin that went in otherwise than by funding. */
static num_wide margin_moved(const struct shadow_position *a, const struct shadow_position *b)
{
        num_wide d = (num_wide)b->raw_usd.v - a->raw_usd.v;

        return a->mode == MARGIN_ISOLATED ? d + b->funding.v - a->funding.v : d;
}

/* One market; had or is may be NULL. */
static void compare(struct walk *w, const struct shadow_position *had,
                    const struct shadow_position *is, struct px mark)
{
        static const struct shadow_position none;
        const struct shadow_position *a = had ? had : &none, *b = is ? is : &none;
        num_wide size = (num_wide)b->size.v - a->size.v;
        num_wide moved = margin_moved(a, b);
        bool is_other = size || apart(a->entry_notional, b->entry_notional);

        if (size)
                note(w->out, FIELD_SIZE);
        w->moved += is_other ? 0 : moved;
        if (is_other || size_of(moved) > NUM_MICRO)
                add_row(w->out, had ? had->market : is->market, size, !is_other);
        w->equity += at_mark(size, mark) + b->raw_usd.v - a->raw_usd.v;
        w->isolated += (num_wide)b->raw_usd.v - a->raw_usd.v;
        w->exposure += at_mark(size < 0 ? -size : size, mark);
        if (apart(a->entry_notional, b->entry_notional))
                note(w->out, FIELD_ENTRY);
        if (apart(a->raw_usd, b->raw_usd))
                note(w->out, FIELD_ISOLATED_CASH);
        if (!had || !is)
                return;
        if (a->mode != b->mode)
                note(w->out, FIELD_MODE);
        if (a->leverage != b->leverage)
                note(w->out, FIELD_LEVERAGE);
        if (apart(a->funding, b->funding))
                note(w->out, FIELD_FUNDING);
}

void drift_books(struct drift_result *out, const struct shadow_book *had,
                 const struct shadow_book *is, const struct shadow_marks *marks)
{
        static const uint32_t elsewhere =
                1u << FIELD_LEVERAGE | 1u << FIELD_ISOLATED_CASH | 1u << FIELD_CROSS_CASH;
        struct walk w = {.out = out, .equity = (num_wide)is->cash.v - had->cash.v};
        num_wide cash = w.equity, amount;
        uint32_t i = 0, k = 0;

        while (i < had->n || k < is->n) {
                const struct shadow_position *a = i < had->n ? &had->position[i] : NULL;
                const struct shadow_position *b = k < is->n ? &is->position[k] : NULL;

                if (a && b && a->market < b->market)
                        b = NULL;
                if (a && b && b->market < a->market)
                        a = NULL;
                compare(&w, a, b, marks->mark(marks->cookie, a ? a->market : b->market));
                i += a != NULL;
                k += b != NULL;
        }
        if (apart(had->cash, is->cash))
                note(out, FIELD_CROSS_CASH);
        cash += w.moved;
        out->cash = cash > INT64_MAX ? INT64_MAX : cash < INT64_MIN ? INT64_MIN : (int64_t)cash;
        amount = size_of(w.equity) + w.exposure;
        out->amount.v = amount > INT64_MAX ? INT64_MAX : (int64_t)amount;
        /* Margin that went in or out of a position shows in the cash too, and so does what came or went
         * besides. */
        out->may_be_elsewhere =
                out->fields && !(out->fields & ~elsewhere) &&
                (!(out->fields & 1u << FIELD_ISOLATED_CASH) ||
                 out->fields & 1u << FIELD_CROSS_CASH || size_of(w.isolated) <= NUM_MICRO);
}

static void compare_price(struct drift_result *out, const struct shadow_position *p,
                          const struct venue_position *row, const struct shadow_value *value,
                          const struct shadow_marks *marks, const struct margin_table *tables)
{
        struct margin_liquidation liquidation;
        struct margin_position m;
        char text[NUM_STR_MAX];

        if (p->flags & (POSITION_RERATED | POSITION_TIERS_GUESSED))
                return;
        if (shadow_value_position(&m, p, marks->mark(marks->cookie, p->market), tables) ||
            margin_liquidation(&liquidation, &m, &value->cross)) {
                note(out, FIELD_LIQUIDATION_PRICE);
                return;
        }
        (void)show_liquidation(text, &liquidation);
        if (strcmp(text, row->liquidation_px))
                note(out, FIELD_LIQUIDATION_PRICE);
}

/* Whether resting orders are known as they were when the state was made. */
static bool orders_match_state(const struct shadow *s)
{
        if (!s->orders_known || s->n_sent || (s->doubts & DOUBT_ORDERS))
                return false;
        /* Orders placed elsewhere show in a list that was asked for with the state, or when told. */
        if (!(s->topics & TOPIC_ORDERS_LIVE) && s->orders_asked_at != s->asked_at)
                return false;
        for (uint32_t i = 0; i < s->n_orders; i++) {
                const struct shadow_setting *set = shadow_setting(s, s->order[i].market);

                if (s->order[i].known_at >= s->asked_at || (set && set->at >= s->asked_at))
                        return false;
        }
        for (uint32_t i = 0; i < s->n_gone; i++) {
                if (s->gone[i].at >= s->asked_at)
                        return false;
        }
        return true;
}

static bool is_withdrawable(struct margin_cross cross, struct usd resting,
                            const struct venue_account *state)
{
        struct usd withdrawable;

        cross.resting = resting;
        return !margin_withdrawable(&withdrawable, &cross) &&
               !apart(withdrawable, state->withdrawable);
}

/* Whether one symbol's leverage, otherwise than it is known here, makes the venue's figure come out: no
 * position shows it, so no state tells that it was set elsewhere. */
static bool is_reserve_elsewhere(const struct mirror *mirror, struct shadow *s,
                                 const struct venue_account *state)
{
        for (uint32_t i = 0; i < s->n_settings; i++) {
                struct shadow_setting *setting = &s->setting[i];
                const struct shadow_setting known = *setting;
                const struct mirror_place *place = &mirror->place[setting->market];
                bool is_found = false;

                for (unsigned k = mirror->table[place->table].tier[0].max_leverage;
                     k && !is_found && shadow_order_on(s, setting->market); k--) {
                        struct usd resting;
                        unsigned unknown = 0;

                        setting->leverage = (uint16_t)k;
                        is_found = !shadow_value_resting(&resting, &unknown, s) && !unknown &&
                                   is_withdrawable(state->cross, resting, state);
                }
                *setting = known;
                if (is_found)
                        return true;
        }
        return false;
}

static void compare_withdrawable(struct drift_result *out, const struct mirror *mirror,
                                 struct shadow *s, const struct shadow_value *value,
                                 const struct venue_account *state)
{
        struct usd resting;
        unsigned unknown = 0;

        if (!orders_match_state(s) || shadow_value_resting(&resting, &unknown, s) || unknown)
                return;
        if (!is_withdrawable(value->cross, resting, state))
                note(out, FIELD_WITHDRAWABLE);
        /* By the venue's own sums only the reserve is left to be wrong. */
        out->reserve_differs = !is_withdrawable(state->cross, resting, state);
        if (out->reserve_differs && out->fields == 1u << FIELD_WITHDRAWABLE)
                out->may_be_elsewhere =
                        state->withdrawable.v > 0 && is_reserve_elsewhere(mirror, s, state);
}

void drift_figures(struct drift_result *out, const struct mirror *mirror, struct shadow *s,
                   const struct shadow_book *had, const struct venue_account *state,
                   const struct shadow_marks *marks)
{
        struct shadow_value value;

        if (shadow_value_book(&value, had, marks, mirror->table)) {
                note(out, FIELD_ACCOUNT_VALUE);
                return;
        }
        if (apart(value.account_value, state->account_value))
                note(out, FIELD_ACCOUNT_VALUE);
        if (apart(value.margin_used, state->total_margin_used))
                note(out, FIELD_MARGIN_USED);
        if (apart(value.cross.maintenance, state->cross.maintenance))
                note(out, FIELD_MAINTENANCE);
        compare_withdrawable(out, mirror, s, &value, state);
        for (uint32_t i = 0; i < had->n; i++) {
                const char *symbol = mirror->place[had->position[i].market].symbol;

                for (unsigned k = 0; k < state->n_positions; k++) {
                        if (!strcmp(state->position[k].symbol, symbol))
                                compare_price(out, &had->position[i], &state->position[k], &value,
                                              marks, mirror->table);
                }
        }
}

static bool is_above_threshold(const struct mirror *mirror, const struct shadow *s,
                               struct usd amount)
{
        struct shadow_marks marks = mirror_marks(mirror);
        int64_t limit = mirror->options.drift_least.v, share;
        struct shadow_value value;

        if (!shadow_value_book(&value, &s->book, &marks, mirror->table) &&
            value.account_value.v > 0 &&
            !num_muldiv(&share, value.account_value.v, mirror->options.drift_share.v,
                        NUM_RATE_SCALE, NUM_DOWN) &&
            share > limit)
                limit = share;
        return amount.v > limit;
}

static void tell(struct mirror *mirror, const struct shadow *s, struct usd amount, uint32_t fields,
                 int64_t from, int64_t until)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct mirror_drift_note told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .is_drifted = s->is_drifted,
                .amount = amount,
                .fields = fields,
                .wrong_from = from,
                .wrong_until = until,
        };

        if (hooks->drift)
                hooks->drift(hooks->cookie, &told);
}

void drift_was_wrong(struct mirror *mirror, int64_t from, int64_t until)
{
        int64_t for_ms = from > 0 && until > from ? until - from : 0;

        mirror->stats.wrong_ms_last = for_ms;
        if (for_ms > mirror->stats.wrong_ms_max)
                mirror->stats.wrong_ms_max = for_ms;
}

void drift_count(struct mirror *mirror, uint32_t fields, enum mirror_cause cause)
{
        struct mirror_stats *stats = &mirror->stats;
        uint64_t *counter = cause ? stats->drift_explained : stats->drift_unexplained;

        for (unsigned i = 0; i < MIRROR_FIELDS; i++) {
                counter[i] += fields >> i & 1;
                stats->drift_cause[cause][i] += fields >> i & 1;
        }
}

void drift_conclude(struct mirror *mirror, struct shadow *s, struct usd amount, uint32_t fields,
                    int64_t from, int64_t until)
{
        drift_count(mirror, fields, CAUSE_NONE);
        drift_was_wrong(mirror, from, until);
        if (s->is_drifted || !is_above_threshold(mirror, s, amount))
                return;
        s->is_drifted = true;
        s->drift_from = from;
        mirror->stats.drifted_ever++;
        mirror->stats.drifted_now++;
        tell(mirror, s, amount, fields, from, until);
}

void drift_judge(struct mirror *mirror, struct shadow *s, const struct drift_state *state)
{
        const struct drift_result *result = state->result;

        if (state->cause)
                drift_count(mirror, result->fields, state->cause);
        else if (result->fields)
                suspicion_open(mirror, s, state);
        mirror->stats.states_clean += !result->fields;
        if (s->is_drifted && !result->fields) {
                s->is_drifted = false;
                mirror->stats.drifted_now--;
                tell(mirror, s, result->amount, result->fields, s->drift_from, state->at);
                drift_was_wrong(mirror, s->drift_from, state->at);
        }
        s->clean_at = state->at; /* corrected by this very state */
}
