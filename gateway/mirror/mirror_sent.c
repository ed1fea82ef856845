/* What the gateway itself does. An outcome names orders and totals, the trades of the same fill name
 * neither: what came of them since the action was sent is claimed by the outcome; what the outcome tells
 * beyond that stands until its trades come. A state taken over in between may hold the fill or not: then
 * nothing is added, and the account is read. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"

static uint32_t first_asset(const struct venue_action *action)
{
        if (action->kind == VENUE_CANCEL && action->u.cancel.n)
                return action->u.cancel.cancel[0].asset;
        if (action->kind == VENUE_ORDER && action->u.order.own_assets && action->u.order.n)
                return action->u.order.order[0].asset;
        return action->asset;
}

static struct shadow *shadow_of(const struct mirror *mirror, const struct addr *user,
                                const struct venue_action *action)
{
        const struct mirror_place *place = mirror_place_by_asset(mirror, first_asset(action));

        return place ? mirror_shadow(mirror, user, place->dex) : NULL;
}

static void doubt_outcome(struct mirror *mirror, struct shadow *s, int64_t now)
{
        mirror_mark(s, DOUBT_OUTCOME, now);
        mirror_mark_orders(s, now);
        if (!s->verify_at || s->verify_at > now)
                s->verify_at = now;
        mirror_needs_set(mirror, s, now);
}

uint64_t mirror_sent(struct mirror *mirror, const struct addr *user,
                     const struct venue_action *action, int64_t now)
{
        struct shadow *s = shadow_of(mirror, user, action);
        uint64_t ticket = mirror->next_ticket++;
        struct mirror_sent *sent;

        if (!s)
                return ticket;
        if (mirror->n_sent == mirror->options.sent_max) {
                doubt_outcome(mirror, s, now);
                return ticket;
        }
        sent = xmalloc(sizeof *sent);
        *sent = (struct mirror_sent){.ticket = ticket, .user = *user, .at = now};
        sent->order = mirror->next_order++;
        sent->action = *action;
        mirror->sent[mirror->n_sent++] = sent;
        s->n_sent++;
        return ticket;
}

static struct mirror_sent *sent_take(struct mirror *mirror, uint64_t ticket)
{
        for (size_t i = 0; i < mirror->n_sent; i++) {
                struct mirror_sent *sent = mirror->sent[i];

                if (sent->ticket != ticket)
                        continue;
                mirror->sent[i] = mirror->sent[--mirror->n_sent];
                return sent;
        }
        return NULL;
}

struct claim {
        num_wide size;  /* left to claim, > 0 */
        num_wide worth; /* of it: size * price */
};

/* Trades of this side that came since and that no other outcome has claimed. */
static void claim_trades(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                         uint32_t market, bool buys, struct claim *claim)
{
        bool changed = false;

        for (uint32_t i = 0; i < s->n_log && claim->size > 0; i++) {
                struct shadow_effect *e = &s->log[i];
                int64_t size = num_abs(e->size.v);

                if (e->kind != EFFECT_FILL || e->is_ours || e->is_claimed || !e->is_taker ||
                    e->market != market || (e->size.v > 0) != buys || e->order < sent->order)
                        continue;
                e->is_claimed = true;
                claim->size -= size;
                claim->worth -= (num_wide)size * e->price.v;
                if (!e->is_exact && sent->action.u.order.has_builder) {
                        e->builder_tenth_bp = sent->action.u.order.builder_fee_tenth_bp;
                        e->amount = mirror_fee(s, e);
                        changed = true;
                }
        }
        if (changed)
                shadow_replay(s, &mirror->rules);
}

static void filled(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                   struct mirror_place *place, const struct venue_order *order,
                   const struct venue_item *item, int64_t now)
{
        uint32_t market = mirror_place_number(mirror, place);
        bool buys = order->side == SIDE_BUY;
        struct claim claim = {item->filled.v, (num_wide)item->filled.v * item->average.v};
        struct shadow_effect effect = {.kind = EFFECT_FILL,
                                       .at = now,
                                       .market = market,
                                       .is_ours = true,
                                       .is_taker = true};
        struct mirror_fill_seen told = {.symbol = place->symbol, .side = order->side};
        const struct shadow_position *p;

        if (s->adopted_order > sent->order) {
                mirror_mark(s, DOUBT_FILL, now);
                s->verify_at = now;
                return;
        }
        claim_trades(mirror, s, sent, market, buys, &claim);
        if (claim.size <= 0) {
                if (claim.size < 0) /* more was traded than ours: somebody else's was among it */
                        mirror_mark(s, DOUBT_FILL, now);
                return;
        }
        effect.size.v = buys ? (int64_t)claim.size : (int64_t)-claim.size;
        effect.price.v = claim.worth > 0 ? (int64_t)(claim.worth / claim.size) : item->average.v;
        if (sent->action.u.order.has_builder)
                effect.builder_tenth_bp = sent->action.u.order.builder_fee_tenth_bp;
        effect.amount = mirror_fee(s, &effect);
        if (effect.price.v <= 0 || !mirror_effect(mirror, s, &effect, now))
                return;
        p = shadow_position(&s->book, market);
        told.size_after = p ? p->size : (struct qty){0};
        told.price = effect.price;
        told.size.v = (int64_t)claim.size;
        told.oid = item->oid;
        told.at = now;
        mirror_tell_fill(mirror, s, &told);
}

static void rests(struct mirror *mirror, struct shadow *s, const struct mirror_place *place,
                  const struct venue_order *order, const struct venue_item *item, int64_t now)
{
        struct shadow_order o = {
                .oid = item->oid,
                .price = order->price,
                .trigger_price = order->trigger_price,
                .size = {order->size.v - item->filled.v},
                .original_size = order->size,
                .placed_at = now,
                .known_at = now,
                .market = mirror_place_number(mirror, place),
                .cloid = order->cloid,
                .has_cloid = true,
                .side = (uint8_t)order->side,
                .trigger = (uint8_t)order->trigger,
                .reduce_only = order->reduce_only,
                .is_trigger = order->kind == ORDER_TRIGGER,
                .trigger_is_market = order->is_market,
                .waits_for_parent = item->status == ITEM_WAITING_PARENT,
        };

        must(text_copy(o.tif, sizeof o.tif, order->tif == TIF_ALO ? "Alo" : "Gtc"));
        if (!item->oid || o.size.v <= 0 || !shadow_order_put(s, &o))
                mirror_mark_orders(s, now);
}

static bool known_gone(struct shadow *s, uint64_t oid)
{
        return oid && shadow_order_gone_since(s, oid, 0);
}

static void order_done(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                       const struct venue_order *order, const struct venue_item *item, int64_t now)
{
        uint32_t asset = sent->action.u.order.own_assets ? order->asset : sent->action.asset;
        struct mirror_place *place = mirror_place_by_asset(mirror, asset);

        if (!place || place->dex != s->dex) {
                mirror->stats.refused++;
                doubt_outcome(mirror, s, now);
                return;
        }
        if (item->filled.v > 0 && item->status != ITEM_REFUSED)
                filled(mirror, s, sent, place, order, item, now);
        switch (item->status) {
        case ITEM_RESTING:
        case ITEM_WAITING_PARENT:
        case ITEM_TRIGGER_PENDING:
                /* A status that came faster knows more. */
                if (!known_gone(s, item->oid) && !(item->oid && shadow_order(s, item->oid)))
                        rests(mirror, s, place, order, item, now);
                break;
        case ITEM_FILLED:
                /* The rest of it may stand. */
                if (item->filled.v < order->size.v && order->tif == TIF_GTC)
                        mirror_mark_orders(s, now);
                break;
        case ITEM_CANCELLED:
        case ITEM_REFUSED: break;
        }
}

static uint64_t oid_of(const struct shadow *s, const struct venue_cancel *cancel)
{
        if (!cancel->by_cloid)
                return cancel->oid;
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (s->order[i].has_cloid && hex_cloid_equal(&s->order[i].cloid, &cancel->cloid))
                        return s->order[i].oid;
        }
        return 0;
}

static void cancel_done(struct shadow *s, const struct venue_cancel *cancel,
                        const struct venue_item *item, int64_t now)
{
        uint64_t oid = oid_of(s, cancel);

        if (item->status == ITEM_REFUSED) {
                /* It went another way: filled, most likely. */
                if (oid && shadow_order(s, oid))
                        mirror_mark_orders(s, now);
                return;
        }
        if (oid)
                shadow_order_drop(s, oid, now);
}

static void leverage_done(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                          int64_t now)
{
        struct mirror_place *place = mirror_place_by_asset(mirror, sent->action.asset);
        struct shadow_effect effect = {
                .kind = EFFECT_LEVERAGE,
                .at = now,
                .is_ours = true,
                .is_exact = true,
                .mode = (uint8_t)sent->action.u.leverage.mode,
                .leverage = (uint16_t)sent->action.u.leverage.leverage,
                .sent_at = sent->at,
        };

        effect.market = mirror_place_number(mirror, place);
        if (shadow_position(&s->book, effect.market))
                (void)mirror_effect(mirror, s, &effect, now);
        s->has_reserved = false;
        shadow_setting_put(s, &(struct shadow_setting){.market = effect.market,
                                                       .leverage = effect.leverage,
                                                       .mode = effect.mode,
                                                       .at = now});
}

static void margin_done(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                        int64_t now)
{
        struct mirror_place *place = mirror_place_by_asset(mirror, sent->action.asset);
        struct shadow_effect effect = {
                .kind = EFFECT_TRANSFER,
                .at = now,
                .is_ours = true,
                .is_exact = true,
                .amount = sent->action.u.margin.amount,
                .sent_at = sent->at,
        };

        effect.market = mirror_place_number(mirror, place);
        if (s->adopted_order > sent->order || !mirror_effect(mirror, s, &effect, now))
                doubt_outcome(mirror, s, now);
}

static void done(struct mirror *mirror, struct shadow *s, const struct mirror_sent *sent,
                 const struct venue_outcome *outcome, int64_t now)
{
        const struct venue_action *action = &sent->action;
        unsigned n = action->kind == VENUE_CANCEL ? action->u.cancel.n : action->u.order.n;

        switch (action->kind) {
        case VENUE_SET_LEVERAGE: leverage_done(mirror, s, sent, now); return;
        case VENUE_ADJUST_MARGIN: margin_done(mirror, s, sent, now); return;
        case VENUE_MODIFY:
                if (outcome->n_items && outcome->item[0].status != ITEM_REFUSED)
                        shadow_order_drop(s, action->u.order.replaces, now);
                break;
        case VENUE_CREATE_SUB_ACCOUNT:
        case VENUE_SCHEDULE_CANCEL: return; /* what it cancels comes as events, when it does */
        case VENUE_FUND_SUB_ACCOUNT:        /* money came or went: a state tells */
                mirror_touched(mirror, &sent->user, "", now);
                mirror_touched(mirror, &action->u.fund.sub_account, "", now);
                return;
        case VENUE_ORDER:
        case VENUE_CANCEL: break;
        }
        if (outcome->n_items < n)
                doubt_outcome(mirror, s, now);
        for (unsigned i = 0; i < n && i < outcome->n_items; i++) {
                if (action->kind == VENUE_CANCEL)
                        cancel_done(s, &action->u.cancel.cancel[i], &outcome->item[i], now);
                else
                        order_done(mirror, s, sent, &action->u.order.order[i], &outcome->item[i],
                                   now);
        }
}

static void unknown(struct mirror *mirror, struct shadow *s, const struct venue_action *action,
                    int64_t now)
{
        const struct mirror_place *place = mirror_place_by_asset(mirror, action->asset);

        /* No state tells what a symbol without a position is set to. */
        if (place && action->kind == VENUE_SET_LEVERAGE)
                shadow_setting_drop(s, mirror_place_number(mirror, place));
        doubt_outcome(mirror, s, now);
}

void mirror_outcome(struct mirror *mirror, uint64_t ticket, const struct venue_outcome *outcome,
                    int64_t now)
{
        struct mirror_sent *sent = sent_take(mirror, ticket);
        struct shadow *s;

        mirror->stats.outcomes++;
        if (!sent)
                return;
        s = shadow_of(mirror, &sent->user, &sent->action);
        if (mirror_is_heard(mirror, s))
                mirror->listener.outcome(mirror->listener.cookie, &sent->user, &sent->action,
                                         outcome, now);
        if (s && s->n_sent) {
                s->n_sent--;
                if (outcome->result == VENUE_UNKNOWN)
                        unknown(mirror, s, &sent->action, now);
                if (outcome->result == VENUE_DONE)
                        done(mirror, s, sent, outcome, now);
                mirror_settle(mirror, s, now);
        }
        free(sent);
}
