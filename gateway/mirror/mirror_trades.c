/* Fills by three ways: public trades (tid, both users, no order), the user's own (tid, order, fee), and
 * outcomes of our orders (order, totals). By tid the first two are one; what an outcome told is taken
 * back piece by piece as the trades of it come. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

#define TENTH_BP (NUM_RATE_SCALE / 100000)

static struct mirror_seen *seen_find(struct mirror_place *place, uint64_t tid)
{
        for (uint32_t i = 0; i < place->n_seen; i++) {
                if (place->seen[i].tid == tid)
                        return &place->seen[i];
        }
        return NULL;
}

bool mirror_trade_seen(const struct mirror_place *place, uint64_t tid, bool buys)
{
        for (uint32_t i = 0; i < place->n_seen; i++) {
                if (place->seen[i].tid == tid)
                        return place->seen[i].sides & (buys ? 1 : 2);
        }
        return false;
}

/* True when that side of the trade was there before; else it is now. The oldest is forgotten. */
static bool seen_before(struct mirror *mirror, struct mirror_place *place, uint64_t tid, bool buys)
{
        uint8_t bit = buys ? 1 : 2;
        struct mirror_seen *seen = seen_find(place, tid);
        uint32_t max = mirror->options.seen_trades;

        if (seen && (seen->sides & bit))
                return true;
        if (seen) {
                seen->sides |= bit;
                return false;
        }
        if (place->n_seen < max) {
                /* In steps: most markets see few trades of those who are watched. */
                if (place->n_seen % 64 == 0)
                        place->seen =
                                xrealloc(place->seen, (place->n_seen + 64) * sizeof *place->seen);
                place->seen[place->n_seen++] = (struct mirror_seen){tid, bit};
                return false;
        }
        place->seen[place->next_seen] = (struct mirror_seen){tid, bit};
        place->next_seen = (place->next_seen + 1) % max;
        return false;
}

struct usd mirror_fee(const struct shadow *s, const struct shadow_effect *effect)
{
        struct rate rate = effect->is_taker ? s->taker : s->maker;
        struct usd value, fee = {0};
        int64_t builder = 0;

        if (num_notional(&value, effect->price, (struct qty){num_abs(effect->size.v)}, NUM_NEAREST))
                return (struct usd){0};
        if (s->fees_known && num_usd_rate(&fee, value, rate, NUM_UP))
                fee.v = 0;
        fee.v = num_to_step(fee.v, NUM_MICRO, fee.v > 0 ? NUM_UP : NUM_DOWN);
        if (num_muldiv(&builder, value.v, TENTH_BP * effect->builder_tenth_bp, NUM_RATE_SCALE,
                       NUM_UP))
                builder = 0;
        fee.v += num_to_step(builder, NUM_MICRO, NUM_UP);
        return fee;
}

/* Whether it was done before or after the fill is not known: an edit of margin that a fill shares out, a
 * leverage at which it adds. */
static bool may_cross(const struct shadow_effect *edit, const struct shadow_effect *fill)
{
        return edit->kind != EFFECT_FILL && edit->sent_at && fill->kind == EFFECT_FILL &&
               edit->market == fill->market && fill->at >= edit->sent_at - MIRROR_SLACK_MS &&
               fill->at <= edit->at + MIRROR_SLACK_MS;
}

static bool is_order_known(const struct shadow *s, const struct shadow_effect *effect)
{
        for (uint32_t i = 0; i < s->n_log; i++) {
                if (may_cross(effect, &s->log[i]) || may_cross(&s->log[i], effect))
                        return false;
        }
        return true;
}

/* What the symbol was set to when the fill came stays with it: what is set later is no matter of its. */
static void note_setting(struct shadow *s, struct shadow_effect *fill, int64_t now)
{
        const struct shadow_position *held = shadow_position(&s->book, fill->market);
        const struct shadow_setting *setting;

        /* Should it close the position, its mode and leverage stay those of the symbol. */
        if (held && !(held->flags & POSITION_SETTING_GUESSED))
                shadow_setting_put(s, &(struct shadow_setting){.market = held->market,
                                                               .leverage = held->leverage,
                                                               .mode = held->mode,
                                                               .at = now});
        setting = shadow_setting(s, fill->market);
        if (!setting || fill->kind != EFFECT_FILL)
                return;
        fill->mode = setting->mode;
        fill->leverage = setting->leverage;
        if (!held && fill->at <= setting->at) /* set before it, or after */
                mirror_mark(s, DOUBT_FILL, now);
}

bool mirror_effect(struct mirror *mirror, struct shadow *s, const struct shadow_effect *effect,
                   int64_t now)
{
        struct shadow_effect copy = *effect;
        uint32_t doubts = s->doubts;
        bool folded = false, fitted;

        copy.order = mirror->next_order++;
        copy.known_at = now;
        note_setting(s, &copy, now);
        if (!is_order_known(s, &copy))
                mirror_mark(s, DOUBT_FILL, now);
        fitted = shadow_apply(s, &copy, &mirror->rules, &folded);
        if (!fitted) {
                mirror->stats.refused++;
                mirror_mark(s, DOUBT_RANGE, now);
        } else if (!copy.is_ours && copy.at > s->as_of) {
                s->as_of = copy.at;
        }
        /* Before what the base already holds: sums are right, the order of things is not. */
        if (fitted && copy.at <= s->folded_at)
                mirror_mark(s, DOUBT_FILL, now);
        if (s->doubts != doubts)
                mirror_mark(s, 0, now);
        if (!copy.is_exact && copy.kind != EFFECT_FUNDING && !s->verify_at)
                s->verify_at = now + mirror->options.verify_after_ms;
        mirror_settle(mirror, s, now);
        return fitted;
}

void mirror_tell_fill(struct mirror *mirror, const struct shadow *s,
                      const struct mirror_fill_seen *fill)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct mirror_fill_seen told = *fill;

        told.user = &s->user;
        told.dex = mirror->dex[s->dex];
        if (hooks->fill)
                hooks->fill(hooks->cookie, &told);
        if (mirror_is_heard(mirror, s))
                mirror->listener.fill(mirror->listener.cookie, &told);
}

/* What an outcome of ours told of this side of the market, by so much less. True where the whole trade
 * was part of it; *builder is the fee it carries. */
static bool absorb(struct mirror *mirror, struct shadow *s, struct shadow_effect *trade)
{
        int64_t left = num_abs(trade->size.v);
        bool changed = false;

        for (uint32_t i = 0; i < s->n_log && left && trade->is_taker;) {
                struct shadow_effect *told = &s->log[i];
                int64_t part;

                if (told->kind != EFFECT_FILL || !told->is_ours || told->market != trade->market ||
                    (told->size.v > 0) != (trade->size.v > 0)) {
                        i++;
                        continue;
                }
                part = num_abs(told->size.v) < left ? num_abs(told->size.v) : left;
                left -= part;
                trade->builder_tenth_bp = told->builder_tenth_bp;
                trade->is_claimed = true;
                changed = true;
                told->size.v -= told->size.v > 0 ? part : -part;
                if (!told->size.v) {
                        shadow_drop_effect(s, told);
                        continue;
                }
                told->amount = mirror_fee(s, told);
                i++;
        }
        if (changed)
                shadow_replay(s, &mirror->rules);
        return changed && !left;
}

/* Of fills of one moment that open and close, the order decides what is left of which: it is told by
 * nothing but their coming. */
static bool is_order_unsure(struct shadow *s, const struct shadow_effect *fill)
{
        const struct shadow_position *held = shadow_position(&s->book, fill->market);
        bool closes = held && (held->size.v > 0) != (fill->size.v > 0);

        for (uint32_t i = 0; i < s->n_log; i++) {
                const struct shadow_effect *e = &s->log[i];

                if (e->kind == EFFECT_FILL && e->market == fill->market && e->at == fill->at &&
                    (closes || (e->size_before.v > 0) != (e->size.v > 0)))
                        return true;
        }
        return false;
}

/* Sold by a liquidation, part of a position leaves its margin behind with the rest; nothing in the fill
 * says so. Near its maintenance either may be. */
static bool may_be_liquidation(const struct mirror *mirror, struct shadow *s,
                               const struct shadow_effect *fill)
{
        const struct shadow_position *held = shadow_position(&s->book, fill->market);
        struct margin_position m;
        struct usd maintenance;
        num_wide equity;

        if (!held || held->mode != MARGIN_ISOLATED || (held->size.v > 0) == (fill->size.v > 0))
                return false;
        if (shadow_value_position(&m, held, fill->price, mirror->table) ||
            margin_maintenance(&maintenance, &m.tiers, m.value))
                return true;
        equity = m.raw_usd.v + (m.size.v < 0 ? -(num_wide)m.value.v : m.value.v);
        return equity < 2 * (num_wide)maintenance.v;
}

static struct qty size_held(struct shadow *s, uint32_t market)
{
        const struct shadow_position *p = shadow_position(&s->book, market);

        return p ? p->size : (struct qty){0};
}

/* A fill that was not there before. */
static void take_fill(struct mirror *mirror, struct shadow *s, struct mirror_place *place,
                      struct shadow_effect *effect, uint64_t oid, int64_t now)
{
        enum side side = effect->size.v > 0 ? SIDE_BUY : SIDE_SELL;
        struct mirror_fill_seen told = {
                .symbol = place->symbol,
                .side = side,
                .price = effect->price,
                .size = {num_abs(effect->size.v)},
                .tid = effect->tid,
                .oid = oid,
                .at = effect->at,
        };
        bool was_told;

        effect->market = mirror_place_number(mirror, place);
        was_told = absorb(mirror, s, effect);
        if (is_order_unsure(s, effect) || may_be_liquidation(mirror, s, effect))
                mirror_mark(s, DOUBT_FILL, now);
        if (!effect->is_exact)
                effect->amount = mirror_fee(s, effect);
        if (!mirror_effect(mirror, s, effect, now))
                return;
        mirror_funding_again(mirror, s, effect->market, effect->at, now);
        if (!effect->is_taker || oid)
                mirror_orders_filled(s, effect->market, side, effect->price, told.size, oid,
                                     effect->at, now);
        told.size_after = size_held(s, effect->market);
        if (!was_told)
                mirror_tell_fill(mirror, s, &told);
}

/* Whether the account's last state holds it already. */
static bool is_in_state(struct mirror *mirror, struct shadow *s, const struct mirror_place *place,
                        int64_t size, int64_t fill_at, int64_t now)
{
        if (fill_at > s->state_at)
                return false;
        mirror->stats.trades_old++;
        suspicion_trade(mirror, s, mirror_place_number(mirror, place), size, fill_at);
        /* Late by a hair: whether the state was made before or after it is for the next to say. */
        if (s->state_at - fill_at < MIRROR_SLACK_MS && now >= s->confirmed_at) {
                mirror_mark(s, DOUBT_FILL, now);
                if (!s->verify_at)
                        s->verify_at = now + mirror->options.verify_after_ms;
                mirror_needs_set(mirror, s, now);
        }
        return true;
}

static void take_side(struct mirror *mirror, struct shadow *s, struct mirror_place *place,
                      const struct feed_trade *row, bool buys, int64_t now)
{
        struct shadow_effect effect = {
                .kind = EFFECT_FILL,
                .at = row->trade.at,
                .tid = row->trade.tid,
                .size = {buys ? row->trade.size.v : -row->trade.size.v},
                .price = row->trade.price,
                .is_taker = (row->trade.side == SIDE_BUY) == buys,
        };

        mirror->stats.trades_known++;
        if (seen_before(mirror, place, row->trade.tid, buys)) {
                mirror->stats.trades_seen_before++;
                return;
        }
        /* Trades of before the subscription mean nothing for an account that is yet to be read. */
        if (row->is_past && !s->state_at) {
                mirror_mark(s, DOUBT_TOLD, now);
                return;
        }
        if (!is_in_state(mirror, s, place, effect.size.v, effect.at, now))
                take_fill(mirror, s, place, &effect, 0, now);
}

static bool is_sane(struct px price, struct qty size, int64_t at)
{
        return price.v > 0 && size.v > 0 && at > 0;
}

void mirror_trades(struct mirror *mirror, const struct feed_trade *rows, size_t n, int64_t at)
{
        struct mirror_place *place = NULL;

        for (size_t i = 0; i < n; i++) {
                const struct feed_trade *row = &rows[i];
                struct shadow *s[2];

                mirror->stats.trades++;
                /* Rows of one message are of one market. */
                if (!place || strcmp(place->symbol, row->symbol))
                        place = mirror_place(mirror, row->symbol);
                if (!place || !is_sane(row->trade.price, row->trade.size, row->trade.at)) {
                        mirror->stats.refused++;
                        continue;
                }
                s[0] = mirror_shadow(mirror, &row->users[0], place->dex);
                s[1] = mirror_shadow(mirror, &row->users[1], place->dex);
                /* Nobody trades with himself: who says so contradicts himself. */
                if (s[0] && s[0] == s[1]) {
                        mirror->stats.refused++;
                        mirror_mark(s[0], DOUBT_FILL, at);
                        mirror_needs_set(mirror, s[0], at);
                        continue;
                }
                if (s[0])
                        take_side(mirror, s[0], place, row, true, at);
                if (s[1])
                        take_side(mirror, s[1], place, row, false, at);
        }
}

/* Such a fill may leave all margin in the position: what it moved is for the next state to say. */
static bool is_liquidation(const struct venue_fill *row)
{
        return !strncmp(row->direction, "Liquidated", strlen("Liquidated"));
}

/* The public trade came first: now its fee is known. */
static void refine(struct mirror *mirror, struct shadow *s, struct shadow_effect *effect,
                   const struct venue_fill *row, int64_t now)
{
        if (effect->is_exact || is_liquidation(row))
                return;
        if (effect->price.v != row->price.v || num_abs(effect->size.v) != row->size.v) {
                mirror->stats.refused++;
                mirror_mark(s, DOUBT_FILL, now);
                mirror_needs_set(mirror, s, now);
                return;
        }
        effect->amount = row->fee;
        effect->is_taker = row->is_taker;
        effect->is_exact = true;
        shadow_replay(s, &mirror->rules);
        mirror_settle(mirror, s, now);
}

static void take_row(struct mirror *mirror, struct shadow *s, struct mirror_place *place,
                     const struct venue_fill *row, bool is_snapshot, int64_t now)
{
        bool buys = row->side == SIDE_BUY;
        uint32_t market = mirror_place_number(mirror, place);
        struct shadow_effect *known = shadow_find_trade(s, market, row->tid, buys);
        struct shadow_effect effect = {
                .kind = EFFECT_FILL,
                .at = row->at,
                .tid = row->tid,
                .size = {buys ? row->size.v : -row->size.v},
                .price = row->price,
                .amount = row->fee,
                .is_taker = row->is_taker,
                .is_exact = !is_liquidation(row),
        };

        if (row->oid) /* what rests of the order is told by its fill, too */
                suspicion_order(mirror, s, row->oid, row->at);
        if (known) {
                (void)seen_before(mirror, place, row->tid, buys);
                refine(mirror, s, known, row, now);
        } else if (seen_before(mirror, place, row->tid, buys)) {
                mirror->stats.trades_seen_before++;
        } else if (is_snapshot && !s->state_at) {
                mirror_mark(s, DOUBT_TOLD, now);
        } else if (!is_in_state(mirror, s, place, effect.size.v, effect.at, now)) {
                take_fill(mirror, s, place, &effect, row->oid, now);
        }
        if (is_snapshot || !is_liquidation(row))
                return;
        if (row->at <= s->state_at)
                mirror_past_tell(mirror, s, &market, now);
        mirror_liquidation_note(mirror, s, row->at);
}

void mirror_fills(struct mirror *mirror, const struct addr *user, const struct venue_fill *rows,
                  size_t n, bool is_snapshot, int64_t at)
{
        const struct mirror_listener *listener = mirror_listener_of(mirror, user);

        if (listener)
                listener->fills(listener->cookie, user, rows, n, at);
        for (size_t i = 0; i < n; i++) {
                struct mirror_place *place = mirror_place(mirror, rows[i].symbol);
                struct shadow *s = place ? mirror_shadow(mirror, user, place->dex) : NULL;

                mirror->stats.fills++;
                if (!s || !is_sane(rows[i].price, rows[i].size, rows[i].at)) {
                        mirror->stats.refused++;
                        continue;
                }
                take_row(mirror, s, place, &rows[i], is_snapshot, at);
        }
}
