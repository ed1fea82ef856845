#include "mirror_world.h"

#include <stdlib.h>

#include "base/mem.h"

#define START INT64_C(1763884800000) /* a full hour */

const char *world_symbol(uint32_t asset)
{
        static const char *const name[WORLD_MARKETS] = {"BTC", "ETH", "TIERED", "STRICT"};

        return name[asset];
}

struct addr world_user(unsigned n)
{
        struct addr a = {{0}};

        a.b[0] = 0x77;
        a.b[19] = (uint8_t)(n + 1);
        return a;
}

bool world_chance(struct world *w, unsigned percent)
{
        return dice_between(&w->dice, 0, 99) < (int64_t)percent;
}

/* Who trades through the gateway, and whose own fills, payments and orders are subscribed. */
bool world_is_ours(unsigned user)
{
        return user % 2 == 0;
}
static bool is_subscribed(unsigned user)
{
        return user % 3 == 0;
}
static int user_of(const struct addr *a)
{
        return a->b[0] == 0x77 ? a->b[19] - 1 : -1;
}

static void push(struct world *w, const struct world_event *event)
{
        unsigned copies = world_chance(w, w->faults.twice) ? 2 : 1;

        if (world_chance(w, w->faults.lost))
                return;
        for (unsigned i = 0; i < copies; i++) {
                assert_true(w->n_events < WORLD_QUEUE);
                w->event[w->n_events] = *event;
                w->event[w->n_events++].due_at =
                        w->now + dice_between(&w->dice, 0, w->faults.late_ms);
        }
}

static void on_trade(void *cookie, const struct engine_fill *taker, const struct addr *buyer,
                     const struct addr *seller)
{
        struct world *w = cookie;
        struct world_event e = {.kind = WORLD_TRADE};

        if (w->silent[taker->asset])
                return;
        snprintf(e.u.trade.symbol, SYMBOL_MAX, "%s", world_symbol(taker->asset));
        e.u.trade.trade =
                (struct venue_trade){taker->price, taker->size,
                                     taker->is_buy ? SIDE_BUY : SIDE_SELL, taker->at, taker->tid};
        e.u.trade.users[0] = *buyer;
        e.u.trade.users[1] = *seller;
        push(w, &e);
}

static void on_fill(void *cookie, const struct engine_fill *fill)
{
        struct world *w = cookie;
        struct world_event e = {.kind = WORLD_FILL, .user = fill->user};
        int user = user_of(&fill->user);

        if (user <= 0 || !is_subscribed((unsigned)user))
                return;
        snprintf(e.u.fill.symbol, SYMBOL_MAX, "%s", world_symbol(fill->asset));
        snprintf(e.u.fill.direction, sizeof e.u.fill.direction, "%s", fill->direction);
        e.u.fill.side = fill->is_buy ? SIDE_BUY : SIDE_SELL;
        e.u.fill.price = fill->price;
        e.u.fill.size = fill->size;
        e.u.fill.at = fill->at;
        e.u.fill.oid = fill->oid;
        e.u.fill.tid = fill->tid;
        e.u.fill.fee = fill->fee;
        e.u.fill.is_taker = fill->crossed;
        push(w, &e);
}

static void on_funding(void *cookie, const struct addr *user, uint32_t asset, struct usd paid,
                       struct qty size, struct rate rate, int64_t at)
{
        struct world *w = cookie;
        struct world_event e = {.kind = WORLD_PAYMENT, .user = *user};
        int n = user_of(user);

        if (n <= 0 || !is_subscribed((unsigned)n))
                return;
        snprintf(e.u.payment.symbol, SYMBOL_MAX, "%s", world_symbol(asset));
        e.u.payment.at = at;
        e.u.payment.amount.v = -paid.v;
        e.u.payment.size = size;
        e.u.payment.rate = rate;
        push(w, &e);
}

static void take_order(struct venue_open_order *out, const struct engine_order *o)
{
        *out = (struct venue_open_order){
                .asset = o->asset,
                .side = o->is_buy ? SIDE_BUY : SIDE_SELL,
                .price = o->price,
                .size = o->size,
                .original_size = o->original_size,
                .oid = o->oid,
                .placed_at = o->placed_at,
                .reduce_only = o->reduce_only,
                .is_trigger = o->is_trigger,
                .trigger_price = o->trigger_price,
        };
        snprintf(out->symbol, SYMBOL_MAX, "%s", world_symbol(o->asset));
}

static void on_order(void *cookie, const struct engine_order *order)
{
        struct world *w = cookie;
        struct world_event e = {.kind = WORLD_STATUS, .user = order->user};
        int user = user_of(&order->user);

        if (user <= 0 || !is_subscribed((unsigned)user))
                return;
        e.u.status.found = true;
        e.u.status.status_at = order->status_at;
        snprintf(e.u.status.status, sizeof e.u.status.status, "%s", order->status);
        take_order(&e.u.status.order, order);
        push(w, &e);
}

void world_price(struct world *w, uint32_t asset, int64_t price)
{
        struct world_event e = {.kind = WORLD_CONTEXT};

        engine_set_prices(w->engine, asset, (struct px){price}, (struct px){price}, w->now);
        snprintf(e.u.context.symbol, SYMBOL_MAX, "%s", world_symbol(asset));
        e.u.context.mark = engine_mark(w->engine, asset);
        e.u.context.oracle = engine_oracle(w->engine, asset);
        e.u.context.funding.v = NUM_RATE_SCALE / 80000;
        push(w, &e);
}

static void count_fill(void *cookie, const struct mirror_fill_seen *fill)
{
        struct world *w = cookie;

        assert_true(fill->size.v > 0 && fill->price.v > 0);
        w->n_fills_told++;
}
static void count_funding(void *cookie, const struct mirror_funding_charge *charge)
{
        (void)charge;
        ((struct world *)cookie)->n_fundings_told++;
}
static void count_drift(void *cookie, const struct mirror_drift_note *note)
{
        assert_true(note->wrong_until >= note->wrong_from);
        ((struct world *)cookie)->n_drift_told++;
}
static void count_crossed(void *cookie, const struct mirror_crossing *crossing)
{
        assert_true(crossing->mark.v > 0);
        ((struct world *)cookie)->n_crossed++;
}

static void tell_market(struct world *w, uint32_t asset)
{
        const struct engine_market_spec *spec = &w->spec[asset];
        struct market m = {.asset = asset,
                           .size_decimals = spec->sz_decimals,
                           .max_leverage = spec->max_leverage,
                           .tiers = spec->tiers,
                           .cross_allowed = !spec->only_isolated};

        snprintf(m.symbol, sizeof m.symbol, "%s", world_symbol(asset));
        assert_int_equal(mirror_market(w->mirror, &m, w->now), E_OK);
}

static void make_markets(struct world *w)
{
        static const struct {
                unsigned decimals, leverage;
                int64_t bound;
                unsigned second;
        } row[WORLD_MARKETS] = {
                {5, 40, 150000000, 20}, {4, 25, 0, 0}, {1, 10, 10000, 5}, {0, 3, 0, 0}};

        for (size_t i = 0; i < WORLD_MARKETS; i++) {
                struct engine_market_spec *spec = &w->spec[i];

                *spec = (struct engine_market_spec){.sz_decimals = row[i].decimals,
                                                    .max_leverage = row[i].leverage};
                snprintf(spec->name, sizeof spec->name, "%s", world_symbol((uint32_t)i));
                spec->tiers.n = row[i].bound ? 2 : 1;
                spec->tiers.tier[0].max_leverage = row[i].leverage;
                spec->tiers.tier[1].lower_bound.v = row[i].bound * NUM_SCALE;
                spec->tiers.tier[1].max_leverage = row[i].second;
        }
        w->spec[3].only_isolated = true;
        w->spec[3].strict_isolated = true;
}

void world_topic(struct world *w, uint32_t asset, bool is_live)
{
        struct feed_topic t = {.kind = FEED_TRADES};

        snprintf(t.symbol, sizeof t.symbol, "%s", world_symbol(asset));
        w->silent[asset] = !is_live;
        if (is_live)
                mirror_live(w->mirror, &t, w->now);
        else
                mirror_gap(w->mirror, &t, w->now, w->now);
}

static void subscribe(struct world *w, unsigned user)
{
        struct feed_topic t = {.kind = FEED_USER_FILLS, .user = world_user(user)};

        mirror_live(w->mirror, &t, w->now);
        t.kind = FEED_USER_ORDERS;
        mirror_live(w->mirror, &t, w->now);
}

static void make_users(struct world *w)
{
        static const struct venue_fees fees = {{NUM_RATE_SCALE / 100000 * 45},
                                               {NUM_RATE_SCALE / 100000 * 15}};
        struct addr house = world_user(0);

        engine_set_house(w->engine, &house);
        for (unsigned user = 1; user < WORLD_USERS; user++) {
                struct addr a = world_user(user);

                engine_deposit(w->engine, &a, (struct usd){20000 * NUM_SCALE}, w->now);
                assert_int_equal(mirror_watch(w->mirror, &a, ""), E_OK);
                mirror_pool(w->mirror, &a, MARGIN_POOL_STANDARD, w->now);
                mirror_attend(w->mirror, &a, 1, w->now);
                mirror_fees(w->mirror, &a, &fees);
                if (is_subscribed(user))
                        subscribe(w, user);
        }
}

void world_open(struct world *w, const struct world_faults *faults, struct dice dice)
{
        static const int64_t price[WORLD_MARKETS] = {60000, 3000, 10, 1};
        struct mirror_options options = {.hooks = {.fill = count_fill,
                                                   .funding = count_funding,
                                                   .drift = count_drift,
                                                   .crossed = count_crossed,
                                                   .cookie = w}};
        struct engine_sink sink = {.trade = on_trade,
                                   .fill = on_fill,
                                   .funding = on_funding,
                                   .order = on_order,
                                   .cookie = w};

        memset(w, 0, sizeof *w);
        w->faults = *faults;
        w->dice = dice;
        w->now = START;
        w->hour_at = START;
        w->event = xcalloc(WORLD_QUEUE, sizeof *w->event);
        make_markets(w);
        w->engine = engine_new(w->spec, WORLD_MARKETS, &sink);
        w->mirror = mirror_new(&options);
        for (uint32_t i = 0; i < WORLD_MARKETS; i++) {
                tell_market(w, i);
                world_topic(w, i, true);
                world_price(w, i, price[i] * NUM_SCALE);
        }
        w->now++;
        make_users(w);
}

void world_close(struct world *w)
{
        for (size_t i = 0; i < WORLD_READINGS; i++)
                free(w->reading[i].state.position);
        mirror_free(w->mirror);
        engine_free(w->engine);
        free(w->event);
}

/* ---- readings ---- */

static void take_state(struct world *w, struct venue_account *out, const struct addr *a)
{
        struct engine_account account;

        engine_account(w->engine, a, &account);
        *out = (struct venue_account){
                .as_of = w->now,
                .account_value = account.account_value,
                .total_raw_usd = account.total_raw_usd,
                .total_margin_used = account.total_margin_used,
                .total_notional = account.total_notional,
                .withdrawable = account.withdrawable,
                .cross = account.cross,
        };
        out->position = xcalloc(account.n_positions + 1, sizeof *out->position);
        for (size_t i = 0; i < account.n_positions; i++) {
                const struct engine_position *p = &account.position[i];
                struct venue_position *row = &out->position[out->n_positions++];

                snprintf(row->symbol, sizeof row->symbol, "%s", world_symbol(p->asset));
                row->p = p->p;
                row->tiers_known = true;
                row->entry = p->entry;
                row->max_leverage = margin_max_leverage(&p->p.tiers, p->p.value);
                row->funding_since_open = p->funding_since_open;
                if (!engine_liquidation_text(w->engine, a, p->asset, row->liquidation_px))
                        row->liquidation_px[0] = '\0';
        }
        /* Rewritten by every call of the engine: taken last. */
        out->cross.resting.v = 0;
}

static void take_open(void *cookie, const struct engine_order *order)
{
        struct world_reading *r = cookie;

        assert_true(r->n_orders < 64);
        take_order(&r->order[r->n_orders++], order);
}

void world_ask(struct world *w, unsigned user, unsigned parts)
{
        struct addr a = world_user(user);
        struct world_reading *r = w->reading;

        while (r < w->reading + WORLD_READINGS && r->is_used)
                r++;
        if (r == w->reading + WORLD_READINGS || world_chance(w, w->faults.reads_lost)) {
                mirror_read_failed(w->mirror, &a, "", w->now);
                return;
        }
        r->is_used = true;
        r->user = user;
        r->parts = parts;
        r->asked_at = w->now;
        r->due_at = w->now + dice_between(&w->dice, 0, 400);
        r->n_orders = 0;
        take_state(w, &r->state, &a);
        engine_orders(w->engine, &a, true, take_open, r);
        w->n_reads++;
}

static void answer(struct world *w, struct world_reading *r)
{
        struct mirror_reading reading = {r->asked_at, w->now};
        struct addr a = world_user(r->user);

        if (r->parts & PART_ORDERS)
                mirror_orders(w->mirror, &a, "", &reading, r->order, r->n_orders);
        if (r->parts & PART_STATE)
                mirror_state(w->mirror, &a, "", &reading, &r->state);
        free(r->state.position);
        r->state.position = NULL;
        r->is_used = false;
}

void world_read_due(struct world *w)
{
        struct mirror_need need;

        for (unsigned i = 0; i < 8 && mirror_next_need(w->mirror, w->now, &need); i++) {
                assert_true(need.parts & PART_STATE);
                world_ask(w, (unsigned)user_of(&need.user), need.parts);
        }
        mirror_tick(w->mirror, w->now);
}

/* ---- delivery ---- */

static void deliver_one(struct world *w, const struct world_event *e)
{
        switch (e->kind) {
        case WORLD_TRADE: mirror_trades(w->mirror, &e->u.trade, 1, w->now); break;
        case WORLD_FILL: mirror_fills(w->mirror, &e->user, &e->u.fill, 1, false, w->now); break;
        case WORLD_PAYMENT: mirror_payments(w->mirror, &e->user, &e->u.payment, 1, w->now); break;
        case WORLD_CONTEXT: mirror_contexts(w->mirror, &e->u.context, 1, w->now); break;
        case WORLD_STATUS: mirror_order_status(w->mirror, &e->user, &e->u.status, w->now); break;
        }
}

void world_deliver(struct world *w)
{
        size_t kept = 0;

        for (size_t i = 0; i < w->n_events; i++) {
                if (w->event[i].due_at > w->now)
                        w->event[kept++] = w->event[i];
                else
                        deliver_one(w, &w->event[i]);
        }
        w->n_events = kept;
        for (size_t i = 0; i < WORLD_READINGS; i++) {
                if (w->reading[i].is_used && w->reading[i].due_at <= w->now)
                        answer(w, &w->reading[i]);
        }
        for (size_t i = 0; i < WORLD_OUTCOMES; i++) {
                struct world_outcome *o = &w->outcome[i];

                if (!o->is_used || o->due_at > w->now)
                        continue;
                mirror_outcome(w->mirror, o->ticket, &o->outcome, w->now);
                o->is_used = false;
        }
}

static void compare_position(struct world *w, unsigned user, const struct venue_position *is,
                             const struct venue_position *seen)
{
        (void)w, (void)user;
        assert_string_equal(seen->symbol, is->symbol);
        assert_int_equal(seen->p.size.v, is->p.size.v);
        assert_int_equal(seen->p.mode, is->p.mode);
        assert_int_equal(seen->p.leverage, is->p.leverage);
        assert_int_equal(seen->p.value.v, is->p.value.v);
        assert_true(llabs(seen->p.entry_notional.v - is->p.entry_notional.v) <= NUM_MICRO);
        if (is->p.mode == MARGIN_ISOLATED)
                assert_int_equal(seen->p.raw_usd.v, is->p.raw_usd.v);
        assert_int_equal(seen->entry.v, is->entry.v);
        assert_int_equal(seen->funding_since_open.v, is->funding_since_open.v);
        assert_string_equal(seen->liquidation_px, is->liquidation_px);
}

void world_compare(struct world *w, unsigned user)
{
        struct addr a = world_user(user);
        struct venue_position position[WORLD_MARKETS];
        struct mirror_view view = {.position = position, .position_max = WORLD_MARKETS};
        struct venue_account is;

        take_state(w, &is, &a);
        assert_int_equal(mirror_view(w->mirror, &a, "", w->now, &view), E_OK);
        assert_int_equal(view.account.n_positions, is.n_positions);
        for (unsigned i = 0; i < is.n_positions; i++)
                compare_position(w, user, &is.position[i], &position[i]);
        assert_int_equal(view.account.account_value.v, is.account_value.v);
        assert_int_equal(view.account.total_margin_used.v, is.total_margin_used.v);
        assert_int_equal(view.account.total_notional.v, is.total_notional.v);
        assert_int_equal(view.account.total_raw_usd.v, is.total_raw_usd.v);
        assert_int_equal(view.account.cross.maintenance.v, is.cross.maintenance.v);
        free(is.position);
}
