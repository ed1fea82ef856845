/* Funding: at each hour a long pays size * oracle * rate when the rate is positive. Charged here at
 * the hour, some accounts at a time, at the prices of the hour; the venue's own payment, where it is
 * told, takes the charge's place. */
#include <string.h>

#include "mirror/mirror_core.h"

#define FUNDING_LOT 512 /* accounts charged at once; the rest by mirror_tick */

static void tell(struct mirror *mirror, const struct shadow *s, const struct mirror_place *place,
                 const struct shadow_effect *effect, struct rate rate)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct mirror_funding_charge told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .symbol = place->symbol,
                .amount = effect->amount,
                .rate = rate,
                .at = effect->at,
                .is_exact = effect->is_exact,
        };

        if (hooks->funding)
                hooks->funding(hooks->cookie, &told);
}

static void take_payment(struct mirror *mirror, struct shadow *s, struct mirror_place *place,
                         const struct venue_payment *row, int64_t now)
{
        uint32_t market = mirror_place_number(mirror, place);
        struct shadow_effect *charged = shadow_find_funding(s, market, row->at);
        const struct shadow_position *p = shadow_position(&s->book, market);
        struct shadow_effect effect = {
                .kind = EFFECT_FUNDING,
                .at = row->at,
                .market = market,
                .size = row->size,
                .amount = row->amount,
                .is_exact = true,
        };
        bool was_charged = charged != NULL;

        if (charged && charged->is_exact)
                return;
        if (charged) {
                shadow_drop_effect(s, charged);
                shadow_replay(s, &mirror->rules);
        } else if (row->at <= s->state_at ||
                   (p && p->funded_at / MIRROR_HOUR_MS >= row->at / MIRROR_HOUR_MS)) {
                return; /* in the state, or charged and since confirmed */
        }
        if (mirror_effect(mirror, s, &effect, now) && !was_charged)
                tell(mirror, s, place, &effect, row->rate);
}

void mirror_payments(struct mirror *mirror, const struct addr *user,
                     const struct venue_payment *rows, size_t n, int64_t at)
{
        for (size_t i = 0; i < n; i++) {
                struct mirror_place *place = mirror_place(mirror, rows[i].symbol);
                struct shadow *s = place ? mirror_shadow(mirror, user, place->dex) : NULL;

                mirror->stats.payments++;
                if (!s || rows[i].at <= 0) {
                        mirror->stats.refused++;
                        continue;
                }
                if (s->state_at)
                        take_payment(mirror, s, place, &rows[i], at);
        }
}

/* What the position was at the hour. */
static num_wide size_then(struct shadow *s, uint32_t market, int64_t hour_at)
{
        const struct shadow_position *p = shadow_position(&s->book, market);
        num_wide size = p ? p->size.v : 0;

        for (uint32_t i = 0; i < s->n_log; i++) {
                const struct shadow_effect *e = &s->log[i];

                if (e->kind == EFFECT_FILL && e->market == market && e->at >= hour_at)
                        size -= e->size.v;
        }
        return size;
}

static enum errc amount_of(struct usd *out, const struct mirror_place *place, num_wide size)
{
        num_wide paid;
        struct usd value;
        int64_t micro = 0;
        enum errc rc = E_RANGE;

        if (size > INT64_MAX || size < -INT64_MAX || num_abs(place->hour_rate.v) > NUM_RATE_SCALE)
                goto done;
        rc = num_notional(&value, place->hour_oracle, (struct qty){num_abs((int64_t)size)},
                          NUM_NEAREST);
        if (rc)
                goto done;
        value.v = num_to_step(value.v, NUM_MICRO, NUM_NEAREST);
        paid = (num_wide)value.v * place->hour_rate.v;
        rc = num_div_wide(&micro, size < 0 ? paid : -paid, (num_wide)NUM_RATE_SCALE * NUM_MICRO,
                          NUM_NEAREST);
        if (rc)
                goto done;
        out->v = micro * NUM_MICRO;
done:
        return rc;
}

int64_t mirror_funding_sure_at(const struct mirror *mirror, int64_t now)
{
        int64_t over = mirror->hour_at + MIRROR_FUNDING_LATE_MS + MIRROR_SLACK_MS;
        int64_t soon = now + mirror->options.verify_after_ms;

        return over > soon ? over : soon;
}

static void charge(struct mirror *mirror, struct shadow *s, uint32_t market, bool was_told,
                   int64_t now)
{
        int64_t hour_at = mirror->hour_at;
        struct mirror_place *place = &mirror->place[market];
        const struct shadow_position *p = shadow_position(&s->book, market);
        struct shadow_effect effect = {.kind = EFFECT_FUNDING, .at = hour_at, .market = market};
        num_wide size;

        if ((p && p->funded_at / MIRROR_HOUR_MS >= hour_at / MIRROR_HOUR_MS) ||
            shadow_find_funding(s, market, hour_at) ||
            s->state_at >= hour_at + MIRROR_FUNDING_LATE_MS)
                return;
        size = size_then(s, market, hour_at);
        if (!size)
                return;
        /* A state of just after the hour may have the charge in it or not. */
        if (s->state_at >= hour_at || !place->hour_oracle.v ||
            amount_of(&effect.amount, place, size)) {
                mirror_mark(s, DOUBT_FUNDING, now);
                if (!s->verify_at)
                        s->verify_at = mirror_funding_sure_at(mirror, now);
                mirror_needs_set(mirror, s, now);
                return;
        }
        effect.size.v = (int64_t)size;
        if (mirror_effect(mirror, s, &effect, now) && !was_told)
                tell(mirror, s, place, &effect, place->hour_rate);
}

void mirror_funding_again(struct mirror *mirror, struct shadow *s, uint32_t market, int64_t fill_at,
                          int64_t now)
{
        struct shadow_effect *charged = shadow_find_funding(s, market, mirror->hour_at);
        bool was_charged = charged != NULL;

        if (!mirror->hour_at || fill_at >= mirror->hour_at || (charged && charged->is_exact))
                return;
        if (charged) {
                shadow_drop_effect(s, charged);
                shadow_replay(s, &mirror->rules);
        }
        charge(mirror, s, market, was_charged, now);
}

static void charge_account(struct mirror *mirror, struct shadow *s, int64_t now)
{
        uint32_t market[VENUE_POSITIONS_MAX];
        uint32_t n = 0;

        /* Charging rebuilds the book: its markets are noted first. */
        for (uint32_t i = 0; i < s->book.n && n < VENUE_POSITIONS_MAX; i++)
                market[n++] = s->book.position[i].market;
        for (uint32_t i = 0; i < n; i++)
                charge(mirror, s, market[i], false, now);
}

void mirror_funding_late(struct mirror *mirror, struct shadow *s, int64_t now)
{
        if (mirror->hour_at && s->state_at < mirror->hour_at && s->slot >= mirror->funding_left)
                charge_account(mirror, s, now);
}

void mirror_funding_go_on(struct mirror *mirror, int64_t now)
{
        for (unsigned i = 0; i < FUNDING_LOT && mirror->funding_left; i++) {
                struct shadow *s = mirror->shadow[--mirror->funding_left];

                if (s && s->state_at)
                        charge_account(mirror, s, now);
        }
}

void mirror_funding(struct mirror *mirror, int64_t hour_at, int64_t now)
{
        /* An hour that never came to its end has waited for an hour: whoever it missed is read. */
        for (; mirror->funding_left; mirror->funding_left--) {
                struct shadow *s = mirror->shadow[mirror->funding_left - 1];

                if (s && s->book.n)
                        mirror_mark(s, DOUBT_FUNDING, now);
        }
        for (uint32_t i = 0; i < mirror->n_places; i++) {
                struct mirror_place *place = &mirror->place[i];
                bool is_fresh = mirror_context_fresh(mirror, i, now);

                place->hour_oracle.v = is_fresh ? place->oracle.v : 0;
                place->hour_rate = place->funding;
        }
        mirror->hour_at = hour_at;
        mirror->funding_left = mirror->n_slots;
        mirror_funding_go_on(mirror, now);
}
