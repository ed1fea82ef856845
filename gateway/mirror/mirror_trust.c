#include "mirror/mirror_core.h"

const char *mirror_doubt_text(uint32_t doubts)
{
        static const struct {
                uint32_t doubt;
                const char *text;
        } row[] = {
                {DOUBT_UNREAD, "The account has not been read yet."},
                {DOUBT_DRIFT, "The account's figures differed from the venue's at the last look."},
                {DOUBT_OUTCOME, "What became of an action is not known yet."},
                {DOUBT_LIQUIDATED,
                 "A liquidation was reported or is likely, and is not confirmed."},
                {DOUBT_POOLED,
                 "The account's collateral may be pooled with balances not shown here."},
                {DOUBT_GAP, "Trades may have been missed while the venue's feed was interrupted."},
                {DOUBT_TOLD, "The account was changed and has not been read since."},
                {DOUBT_FILL, "A fill's fee and margin are not confirmed yet."},
                {DOUBT_FUNDING, "Funding was computed here and is not confirmed yet."},
                {DOUBT_CONTEXT, "A market's prices are stale."},
                {DOUBT_RERATED, "A market's margin tiers changed while the position was open."},
                {DOUBT_TIERS, "The margin tiers that a position follows are not known."},
                {DOUBT_SETTING, "A position's margin mode and leverage are not confirmed yet."},
                {DOUBT_ORDERS, "Resting orders are not known completely."},
                {DOUBT_RANGE, "A figure is out of range."},
        };

        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
                if (doubts & row[i].doubt)
                        return row[i].text;
        }
        return "";
}

void mirror_mark(struct shadow *s, uint32_t doubts, int64_t now)
{
        s->doubts |= doubts;
        if (now > s->doubt_at)
                s->doubt_at = now;
}

void mirror_mark_orders(struct shadow *s, int64_t now)
{
        s->doubts |= DOUBT_ORDERS;
        if (now > s->orders_doubt_at)
                s->orders_doubt_at = now;
}

bool mirror_context_fresh(const struct mirror *mirror, uint32_t market, int64_t now)
{
        const struct mirror_place *place = &mirror->place[market];

        return place->context_at && now - place->context_at <= mirror->options.context_max_age_ms;
}

bool mirror_has_gap(const struct mirror *mirror, const struct shadow *s, uint32_t market)
{
        const struct mirror_place *place = &mirror->place[market];

        /* The account's own topics name everything since they are whole. */
        if ((s->topics & (TOPIC_FILLS_LIVE | TOPIC_STATE_LIVE)) && s->covered_at <= s->asked_at)
                return false;
        return !place->is_live || place->live_at > s->asked_at;
}

static uint32_t of_position(const struct mirror *mirror, const struct shadow *s,
                            const struct shadow_position *p, int64_t now)
{
        uint32_t doubts = 0;

        if (p->flags & POSITION_RERATED)
                doubts |= DOUBT_RERATED;
        if (p->flags & POSITION_TIERS_GUESSED)
                doubts |= DOUBT_TIERS;
        if (p->flags & POSITION_SETTING_GUESSED)
                doubts |= DOUBT_SETTING;
        if (!mirror_context_fresh(mirror, p->market, now))
                doubts |= DOUBT_CONTEXT;
        if (mirror_has_gap(mirror, s, p->market))
                doubts |= DOUBT_GAP;
        return doubts;
}

uint32_t mirror_reasons(const struct mirror *mirror, const struct shadow *s, int64_t now)
{
        uint32_t doubts = s->doubts;

        for (uint32_t i = 0; i < s->book.n; i++)
                doubts |= of_position(mirror, s, &s->book.position[i], now);
        for (uint32_t i = 0; i < s->n_orders && !(doubts & DOUBT_GAP); i++) {
                if (mirror_has_gap(mirror, s, s->order[i].market))
                        doubts |= DOUBT_GAP;
        }
        for (uint32_t i = 0; i < s->n_log; i++) {
                if (s->log[i].is_exact)
                        continue;
                if (s->log[i].kind == EFFECT_FILL)
                        doubts |= DOUBT_FILL;
                if (s->log[i].kind == EFFECT_FUNDING)
                        doubts |= DOUBT_FUNDING;
        }
        if (s->n_sent)
                doubts |= DOUBT_OUTCOME;
        if (s->loss && s->loss->at > s->asked_at)
                doubts |= DOUBT_LIQUIDATED;
        if (!s->orders_known)
                doubts |= DOUBT_ORDERS;
        if (s->pool != MARGIN_POOL_STANDARD)
                doubts |= DOUBT_POOLED;
        if (s->is_drifted)
                doubts |= DOUBT_DRIFT;
        return doubts;
}

uint32_t mirror_doubts(const struct mirror *mirror, const struct shadow *s, int64_t now)
{
        /* What was not told once may be missing again. */
        return mirror_reasons(mirror, s, now) | (s->suspicion ? (uint32_t)DOUBT_GAP : 0);
}
