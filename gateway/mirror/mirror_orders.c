#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mirror/mirror_core.h"
#include "plan/order_life.h"

void mirror_order_take(struct shadow_order *out, const struct venue_open_order *order,
                       uint32_t market, int64_t now)
{
        *out = (struct shadow_order){
                .oid = order->oid,
                .price = order->price,
                .trigger_price = order->trigger_price,
                .size = order->size,
                .original_size = order->original_size,
                .placed_at = order->placed_at,
                .known_at = now,
                .market = market,
                .cloid = order->cloid,
                .side = (uint8_t)order->side,
                .trigger = (uint8_t)order->trigger,
                .has_cloid = order->has_cloid,
                .reduce_only = order->reduce_only,
                .is_trigger = order->is_trigger,
                .is_position_tpsl = order->is_position_tpsl,
                .trigger_is_market = order->trigger_is_market,
                .waits_for_parent = order->waits_for_parent,
        };
        must(text_copy(out->tif, sizeof out->tif, order->tif));
}

static bool is_sane(const struct venue_open_order *order)
{
        return order->oid && order->size.v >= 0 && order->price.v >= 0 &&
               (order->side == SIDE_BUY || order->side == SIDE_SELL);
}

/* What came to be known after the list was asked for stands beside it. */
static struct shadow_order *later_ones(struct shadow *s, int64_t asked_at, uint32_t *n)
{
        struct shadow_order *later = NULL;

        *n = 0;
        for (uint32_t i = 0; i < s->n_orders; i++) {
                if (s->order[i].known_at <= asked_at)
                        continue;
                later = xrealloc(later, (*n + 1) * sizeof *later);
                later[(*n)++] = s->order[i];
        }
        return later;
}

static void put(struct mirror *mirror, struct shadow *s, const struct shadow_order *order,
                int64_t now)
{
        if (shadow_order_put(s, order))
                return;
        mirror->stats.refused++;
        mirror_mark_orders(s, now);
}

struct difference {
        size_t n;
        uint64_t oid[DRIFT_ROWS];
        int64_t was[DRIFT_ROWS]; /* sizes; 0: not there */
};

static void add_difference(struct mirror *mirror, struct shadow *s, struct difference *out,
                           uint64_t oid, int64_t was)
{
        const struct shadow_order *is = shadow_order(s, oid);

        /* Lists that come late, one after the other, take each other back. */
        if (suspicion_order_back(mirror, s, oid, is ? is->size.v : 0) || out->n == DRIFT_ROWS)
                return;
        out->oid[out->n] = oid;
        out->was[out->n++] = was;
}

/* Orders that the list tells otherwise than they were known: the first of them. */
static void differences(struct mirror *mirror, struct difference *out, struct shadow *s,
                        const struct shadow_order *had, uint32_t n_had, int64_t asked_at)
{
        for (uint32_t i = 0; i < n_had; i++) {
                const struct shadow_order *is = shadow_order(s, had[i].oid);

                if (had[i].known_at <= asked_at && (!is || is->size.v != had[i].size.v))
                        add_difference(mirror, s, out, had[i].oid, had[i].size.v);
        }
        for (uint32_t i = 0; i < s->n_orders; i++) {
                bool known = false;

                for (uint32_t k = 0; k < n_had && !known; k++)
                        known = had[k].oid == s->order[i].oid;
                if (!known)
                        add_difference(mirror, s, out, s->order[i].oid, 0);
        }
}

/* The list as it was told, less what has gone since, and what came since. */
static void replace(struct mirror *mirror, struct shadow *s, int64_t asked_at, int64_t now,
                    const struct venue_open_order *orders, size_t n)
{
        uint32_t n_later = 0;
        struct shadow_order *later = later_ones(s, asked_at, &n_later);

        free(s->order);
        s->order = NULL;
        s->n_orders = s->cap_orders = 0;
        for (size_t i = 0; i < n; i++) {
                struct mirror_place *place = mirror_place_make(mirror, orders[i].symbol);
                struct shadow_order order;

                if (!place || place->dex != s->dex || !is_sane(&orders[i])) {
                        mirror->stats.refused++;
                        mirror_mark_orders(s, now);
                        continue;
                }
                if (shadow_order_gone_since(s, orders[i].oid, asked_at))
                        continue;
                /* What comes to be known in the millisecond of the question is later. */
                mirror_order_take(&order, &orders[i], mirror_place_number(mirror, place),
                                  asked_at - 1);
                order.status_at = asked_at;
                put(mirror, s, &order, now);
        }
        for (uint32_t i = 0; i < n_later; i++)
                put(mirror, s, &later[i], now);
        free(later);
}

#define VANISHED_MAX 16 /* asked about after one reading */

/* What became of a stop is asked, since nobody told: it may have been triggered. */
static void tell_vanished(struct mirror *mirror, struct shadow *s, const struct shadow_order *had,
                          uint32_t n_had, int64_t asked_at)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        unsigned told = 0;

        for (uint32_t i = 0; i < n_had && hooks->vanished && told < VANISHED_MAX; i++) {
                struct mirror_vanished_note note = {&s->user, mirror->dex[s->dex], had[i].oid};

                if (!had[i].is_trigger || had[i].known_at > asked_at ||
                    shadow_order(s, had[i].oid) || shadow_order_gone_since(s, had[i].oid, 0))
                        continue;
                hooks->vanished(hooks->cookie, &note);
                told++;
        }
}

static void drop_gone(struct shadow *s, int64_t before)
{
        uint32_t kept = 0;

        for (uint32_t i = 0; i < s->n_gone; i++) {
                if (s->gone[i].at >= before)
                        s->gone[kept++] = s->gone[i];
        }
        s->n_gone = kept;
        if (kept)
                return;
        free(s->gone);
        s->gone = NULL;
}

static bool is_same_list(struct shadow *s, const struct venue_open_order *orders, size_t n)
{
        if (n != s->n_orders)
                return false;
        for (size_t i = 0; i < n; i++) {
                const struct shadow_order *known = shadow_order(s, orders[i].oid);

                if (!known || known->size.v != orders[i].size.v)
                        return false;
        }
        return true;
}

/* Why the list may differ from what is known: orders placed elsewhere are told to those alone whose topic is
 * live. */
static enum mirror_cause cause_of(const struct shadow *s)
{
        if (!(s->topics & TOPIC_ORDERS_LIVE))
                return CAUSE_ELSEWHERE;
        if (s->n_sent)
                return CAUSE_OUTCOME;
        return s->doubts & DOUBT_ORDERS ? CAUSE_FILL : CAUSE_NONE;
}

static void judge(struct mirror *mirror, struct shadow *s, const struct shadow_order *had,
                  uint32_t n_had, int64_t asked_at, int64_t at, enum mirror_cause cause,
                  bool is_pushed)
{
        struct difference d = {.n = 0};

        differences(mirror, &d, s, had, n_had, asked_at);
        /* Pushed whole: what was late is told by it. */
        if (is_pushed)
                suspicion_orders(mirror, s);
        if (d.n && cause) {
                drift_count(mirror, 1u << FIELD_ORDERS, cause);
                suspicion_list(mirror, s, d.oid, d.n, cause);
        } else if (d.n) {
                suspicion_open_orders(mirror, s, d.oid, d.was, d.n, s->orders_at, at);
        }
}

void mirror_orders(struct mirror *mirror, const struct addr *user, const char *dex,
                   const struct mirror_reading *reading, const struct venue_open_order *orders,
                   size_t n)
{
        struct shadow *s = mirror_shadow_named(mirror, user, dex);
        int64_t asked_at = reading->asked_at ? reading->asked_at : reading->at - MIRROR_SLACK_MS;
        struct shadow_order *had;
        uint32_t n_had;
        enum mirror_cause was;

        if (!s) {
                mirror->stats.refused++;
                return;
        }
        if (mirror_is_heard(mirror, s))
                mirror->listener.orders(mirror->listener.cookie, user, dex, reading, orders, n);
        s->parts &= (uint8_t)~PART_ORDERS;
        s->is_taken = s->is_taken && s->parts;
        if (s->orders_known && asked_at < s->orders_asked_at) {
                mirror->stats.states_stale++;
                if (!reading->asked_at)
                        suspicion_orders(mirror, s);
                /* Whether it is older than what was read is not known: if it differs, one is wrong. */
                if (!reading->asked_at && !is_same_list(s, orders, n))
                        mirror_mark_orders(s, reading->at);
                mirror_settle(mirror, s, reading->at);
                return;
        }
        was = cause_of(s);
        had = s->order;
        n_had = s->n_orders;
        s->order = NULL;
        if (n_had) {
                s->order = xcalloc(n_had, sizeof *s->order);
                memcpy(s->order, had, n_had * sizeof *had);
        }
        if (asked_at >= s->orders_doubt_at)
                s->doubts &= ~(uint32_t)DOUBT_ORDERS;
        replace(mirror, s, asked_at, reading->at, orders, n);
        if (s->orders_known) {
                judge(mirror, s, had, n_had, asked_at, reading->at, was, !reading->asked_at);
                tell_vanished(mirror, s, had, n_had, asked_at);
        }
        free(had);
        s->orders_known = true;
        s->orders_asked_at = asked_at;
        s->orders_at = reading->at;
        drop_gone(s, asked_at);
        mirror_settle(mirror, s, reading->at);
}

/* What is known of it, as a life that goes on. */
static struct order_life life_of(const struct shadow_order *known, const struct shadow_order *told)
{
        struct order_life life = {.oid = told->oid, .is_trigger = told->is_trigger};

        if (!known)
                return life;
        life.was_triggered = !known->is_trigger;
        return life;
}

/* The venue's push has no trigger: what was known of the order has. */
static void tell_triggered(struct mirror *mirror, const struct shadow *s,
                           const struct shadow_order *known,
                           const struct venue_order_status *status)
{
        const struct mirror_hooks *hooks = &mirror->options.hooks;
        struct mirror_trigger_note told = {
                .user = &s->user,
                .dex = mirror->dex[s->dex],
                .symbol = status->order.symbol,
                .oid = status->order.oid,
                .trigger = status->order.trigger,
                .trigger_price = status->order.trigger_price,
                .at = status->status_at,
        };

        if (known && known->trigger_price.v) {
                told.trigger = (enum trigger_kind)known->trigger;
                told.trigger_price = known->trigger_price;
        }
        if (hooks->triggered)
                hooks->triggered(hooks->cookie, &told);
}

/* Told before, unless nobody could say then what triggered it. */
static bool is_news(const struct shadow_order *known, const struct shadow_order *order)
{
        return !known || known->is_trigger || (known->is_fired_unsaid && order->trigger_price.v);
}

void mirror_order_status(struct mirror *mirror, const struct addr *user,
                         const struct venue_order_status *status, int64_t at)
{
        struct mirror_place *place = mirror_place_make(mirror, status->order.symbol);
        struct shadow *s = place ? mirror_shadow(mirror, user, place->dex) : NULL;
        const struct shadow_order *known;
        struct shadow_order order;
        struct order_life life;
        enum order_life_state state;
        bool was_triggered;

        if (!s || !status->found || !is_sane(&status->order)) {
                mirror->stats.refused++;
                return;
        }
        if (mirror_is_heard(mirror, s))
                mirror->listener.order(mirror->listener.cookie, user, status, at);
        suspicion_order(mirror, s, status->order.oid, status->status_at);
        known = shadow_order(s, status->order.oid);
        if (known && status->status_at < known->status_at)
                return; /* late */
        mirror_order_take(&order, &status->order, mirror_place_number(mirror, place), at);
        order.status_at = status->status_at;
        life = life_of(known, &order);
        order_life_take(&life, status);
        state = order_life_state(&life);
        /* One that was filled was triggered before, which nobody told. */
        was_triggered = life.was_triggered || (state == LIFE_FILLED && order.is_trigger);
        if (!known && shadow_order_gone_since(s, order.oid, 0)) {
                if (was_triggered && order.trigger_price.v &&
                    shadow_order_take_unsaid(s, order.oid))
                        tell_triggered(mirror, s, NULL, status);
                return;
        }
        if (was_triggered && is_news(known, &order)) {
                tell_triggered(mirror, s, known, status);
                order.is_fired_unsaid =
                        !order.trigger_price.v && !(known && known->trigger_price.v);
        }
        if (was_triggered)
                order.is_trigger = false; /* an order like any other from now on */
        if (order_life_is_over(state))
                shadow_order_drop(s, order.oid, at);
        else if (order_life_stands(state))
                put(mirror, s, &order, at);
        else
                mirror_mark_orders(s, at); /* the list tells what the word meant */
        mirror_settle(mirror, s, at);
}

/* By its number where it is told; else by price, if only one stands there. */
static struct shadow_order *candidate(struct shadow *s, uint32_t market, enum side side,
                                      struct px price, uint64_t oid, unsigned *n)
{
        struct shadow_order *found = NULL;

        *n = 0;
        for (uint32_t i = 0; i < s->n_orders; i++) {
                struct shadow_order *order = &s->order[i];

                if (order->market != market || order->side != (uint8_t)side)
                        continue;
                if (oid ? order->oid != oid : (order->is_trigger || order->price.v != price.v))
                        continue;
                found = order;
                ++*n;
        }
        return found;
}

void mirror_orders_filled(struct shadow *s, uint32_t market, enum side side, struct px price,
                          struct qty size, uint64_t oid, int64_t at, int64_t now)
{
        unsigned n;
        struct shadow_order *order = candidate(s, market, side, price, oid, &n);

        /* What the order was told to be since has this fill in it. */
        if (n == 1 && order->status_at >= at)
                return;
        if (n == 1 && order->size.v > size.v) {
                order->size.v -= size.v;
        } else if (n == 1 && order->size.v == size.v) {
                shadow_order_drop(s, order->oid, now);
        } else if (!oid || n) {
                /* None, several, or smaller than what was filled: what rests is not known. */
                mirror_mark_orders(s, now);
        }
}
