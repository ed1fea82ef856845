#include <stdlib.h>

#include "mirror_world.h"

/* ---- trading ---- */

static void send_back(struct world *w, uint64_t ticket, const struct venue_outcome *outcome)
{
        struct world_outcome *o = w->outcome;

        while (o < w->outcome + WORLD_OUTCOMES && o->is_used)
                o++;
        if (!ticket)
                return;
        assert_true(o < w->outcome + WORLD_OUTCOMES);
        o->is_used = true;
        o->ticket = ticket;
        o->due_at = w->now + dice_between(&w->dice, 0, 300);
        o->outcome = *outcome;
        if (world_chance(w, w->faults.unknown))
                o->outcome.result = VENUE_UNKNOWN;
}

static void take_result(struct venue_item *item, const struct engine_order_result *result)
{
        item->oid = result->oid;
        switch (result->status) {
        case ENGINE_RESTING: item->status = ITEM_RESTING; break;
        case ENGINE_FILLED:
                item->status = ITEM_FILLED;
                item->filled = result->total_size;
                item->average = result->average_price;
                break;
        case ENGINE_ERROR: item->status = ITEM_REFUSED; break;
        case ENGINE_WAITING_FOR_FILL: item->status = ITEM_WAITING_PARENT; break;
        case ENGINE_WAITING_FOR_TRIGGER: item->status = ITEM_TRIGGER_PENDING; break;
        }
}

static int64_t step_of(const struct world *w, uint32_t asset)
{
        return num_pow10(NUM_DECIMALS - w->spec[asset].sz_decimals);
}

static void trade(struct world *w, unsigned user)
{
        uint32_t asset = (uint32_t)dice_between(&w->dice, 0, WORLD_MARKETS - 1);
        int64_t mark = engine_mark(w->engine, asset).v;
        int64_t dollars = dice_between(&w->dice, 20, user ? 20000 : 60000);
        bool is_buy = world_chance(w, 50);
        int64_t off = user ? dice_between(&w->dice, -40, 40) : dice_between(&w->dice, 5, 60);
        struct engine_order_request r = {.asset = asset, .is_buy = is_buy};
        struct venue_action action = {.kind = VENUE_ORDER, .asset = asset};
        struct venue_outcome outcome = {.result = VENUE_DONE, .n_items = 1};
        struct engine_order_result result = {.status = ENGINE_ERROR};
        struct addr a = world_user(user);
        uint64_t ticket = 0;
        char err[160];

        r.price.v = mark + (is_buy ? -1 : 1) * mark / 10000 * off;
        r.price.v = num_to_step(r.price.v,
                                num_pow10(asset == 0   ? 8
                                          : asset == 1 ? 7
                                                       : 5),
                                NUM_DOWN);
        r.size.v = num_to_step((int64_t)((num_wide)dollars * NUM_SCALE * NUM_SCALE / mark),
                               step_of(w, asset), NUM_UP);
        r.tif = user && world_chance(w, 50) ? ENGINE_IOC : ENGINE_GTC;
        r.reduce_only = user && world_chance(w, 10);
        action.u.order.n = 1;
        action.u.order.order[0] =
                (struct venue_order){.side = is_buy ? SIDE_BUY : SIDE_SELL,
                                     .tif = r.tif == ENGINE_IOC ? TIF_IOC : TIF_GTC,
                                     .price = r.price,
                                     .size = r.size,
                                     .reduce_only = r.reduce_only};
        if (user && world_is_ours(user))
                ticket = mirror_sent(w->mirror, &a, &action, w->now);
        if (!engine_place(w->engine, &a, &r, 1, ENGINE_NA, NULL, 0, &result, err, w->now))
                outcome.result = VENUE_REFUSED;
        take_result(&outcome.item[0], &result);
        send_back(w, ticket, &outcome);
}

static void set_leverage(struct world *w, unsigned user)
{
        uint32_t asset = (uint32_t)dice_between(&w->dice, 0, WORLD_MARKETS - 1);
        bool is_cross = !w->spec[asset].only_isolated && world_chance(w, 50);
        unsigned leverage = (unsigned)dice_between(&w->dice, 1, w->spec[asset].max_leverage);
        struct venue_action action = {.kind = VENUE_SET_LEVERAGE, .asset = asset};
        struct venue_outcome outcome = {.result = VENUE_DONE};
        struct addr a = world_user(user);
        uint64_t ticket = 0;
        char err[160];

        if (!world_is_ours(user) && !w->faults.elsewhere)
                return;
        action.u.leverage.mode = is_cross ? MARGIN_CROSS : MARGIN_ISOLATED;
        action.u.leverage.leverage = leverage;
        if (world_is_ours(user))
                ticket = mirror_sent(w->mirror, &a, &action, w->now);
        if (!engine_update_leverage(w->engine, &a, asset, is_cross, leverage, err, w->now))
                outcome.result = VENUE_REFUSED;
        send_back(w, ticket, &outcome);
}

static void move_margin(struct world *w, unsigned user)
{
        uint32_t asset = (uint32_t)dice_between(&w->dice, 0, WORLD_MARKETS - 1);
        int64_t micro = dice_between(&w->dice, -100, 400) * 1000000;
        struct venue_action action = {.kind = VENUE_ADJUST_MARGIN, .asset = asset};
        struct venue_outcome outcome = {.result = VENUE_DONE};
        struct addr a = world_user(user);
        uint64_t ticket = 0;
        char err[160];

        if (!micro || (!world_is_ours(user) && !w->faults.elsewhere))
                return;
        action.u.margin.amount.v = micro * NUM_MICRO;
        if (world_is_ours(user))
                ticket = mirror_sent(w->mirror, &a, &action, w->now);
        if (!engine_update_isolated_margin(w->engine, &a, asset, micro, err, w->now))
                outcome.result = VENUE_REFUSED;
        send_back(w, ticket, &outcome);
}

static void move_price(struct world *w)
{
        uint32_t asset = (uint32_t)dice_between(&w->dice, 0, WORLD_MARKETS - 1);
        int64_t mark = engine_mark(w->engine, asset).v;

        world_price(w, asset, mark + mark / 10000 * dice_between(&w->dice, -120, 120));
}

static void change_gaps(struct world *w)
{
        uint32_t asset = (uint32_t)dice_between(&w->dice, 0, WORLD_MARKETS - 1);

        if (w->faults.gaps)
                world_topic(w, asset, w->silent[asset]);
}

static void move_money(struct world *w, unsigned user)
{
        struct addr a = world_user(user);
        struct usd amount = {dice_between(&w->dice, 1, 500) * NUM_SCALE};

        if (!w->faults.elsewhere)
                return;
        if (world_chance(w, 50))
                (void)engine_withdraw(w->engine, &a, amount, w->now);
        else
                engine_deposit(w->engine, &a, amount, w->now);
}

static void pass_hour(struct world *w)
{
        if (w->now < w->hour_at + 3600000)
                return;
        w->hour_at += 3600000;
        for (uint32_t i = 0; i < WORLD_MARKETS; i++)
                engine_pay_funding(w->engine, i, (struct rate){NUM_RATE_SCALE / 80000}, w->now);
        mirror_funding(w->mirror, w->hour_at, w->now);
}

static void step(struct world *w)
{
        unsigned user = (unsigned)dice_between(&w->dice, 1, WORLD_USERS - 1);
        int64_t what = dice_between(&w->dice, 0, 99);

        w->now += dice_between(&w->dice, 1, world_chance(w, 2) ? 200000 : 1500);
        pass_hour(w);
        world_deliver(w);
        world_read_due(w);
        w->now++; /* a state holds all of its time: what happens next is later */
        if (what < 25)
                trade(w, 0);
        else if (what < 65)
                trade(w, user);
        else if (what < 72)
                set_leverage(w, user);
        else if (what < 80)
                move_margin(w, user);
        else if (what < 95)
                move_price(w);
        else if (what < 97)
                change_gaps(w);
        else
                move_money(w, user);
}

void world_run(struct world *w, unsigned steps)
{
        for (unsigned i = 0; i < steps; i++)
                step(w);
}

void world_settle(struct world *w)
{
        struct world_faults none = {0};

        w->faults = none;
        w->now += 10000;
        world_deliver(w);
        for (uint32_t i = 0; i < WORLD_MARKETS; i++) {
                if (w->silent[i])
                        world_topic(w, i, true);
                world_price(w, i, engine_mark(w->engine, i).v);
        }
        for (unsigned round = 0; round < 2; round++) {
                for (unsigned user = 1; user < WORLD_USERS; user++) {
                        w->now += 20;
                        world_ask(w, user, PART_STATE | PART_ORDERS);
                        w->now += 400;
                        world_deliver(w);
                }
        }
}
