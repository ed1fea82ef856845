/* mirror_script: scripted histories for the mirror: markets, states, trades and what the hooks heard,
 * written as text. Unused helpers are no fault of a test that needs fewer. */
#ifndef UNIT_MIRROR_SCRIPT_H
#define UNIT_MIRROR_SCRIPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mirror/mirror.h"
#include "risk/show.h"

#define T0 INT64_C(1763884800000) /* a full hour */

struct script {
        struct mirror *mirror;
        size_t n_fills, n_funding, n_crossed, n_liquidated, n_triggered, n_drift, n_vanished;
        uint64_t vanished;
        struct mirror_fill_seen fill;
        struct mirror_funding_charge funding;
        struct mirror_crossing crossed[64];
        struct mirror_liquidation_note liquidated;
        struct mirror_trigger_note triggered;
        struct mirror_drift_note drift;
        size_t n_unexplained;
        int64_t unexplained_from, unexplained_until;
        /* the last view */
        struct mirror_view view;
        struct venue_position position[16];
        struct mirror_trust trust[16];
        struct venue_open_order order[16];
};

static inline int64_t num(const char *s)
{
        int64_t v = 0;

        assert_int_equal(num_parse(&v, s, strlen(s), NUM_DECIMALS, NUM_REFUSE), E_OK);
        return v;
}

static inline struct addr who(unsigned n)
{
        struct addr a = {{0}};

        a.b[18] = (uint8_t)(n >> 8);
        a.b[19] = (uint8_t)n;
        return a;
}

static inline void heard_fill(void *cookie, const struct mirror_fill_seen *fill)
{
        struct script *s = cookie;

        s->fill = *fill;
        s->n_fills++;
}
static inline void heard_funding(void *cookie, const struct mirror_funding_charge *charge)
{
        struct script *s = cookie;

        s->funding = *charge;
        s->n_funding++;
}
static inline void heard_crossing(void *cookie, const struct mirror_crossing *crossing)
{
        struct script *s = cookie;

        s->crossed[s->n_crossed++ % 64] = *crossing;
}
static inline void heard_liquidation(void *cookie, const struct mirror_liquidation_note *note)
{
        struct script *s = cookie;

        s->liquidated = *note;
        s->n_liquidated++;
}
static inline void heard_trigger(void *cookie, const struct mirror_trigger_note *note)
{
        struct script *s = cookie;

        s->triggered = *note;
        s->n_triggered++;
}

static inline void heard_vanished(void *cookie, const struct mirror_vanished_note *note)
{
        struct script *s = cookie;

        s->n_vanished++;
        s->vanished = note->oid;
}
static inline void heard_drift(void *cookie, const struct mirror_drift_note *note)
{
        struct script *s = cookie;

        s->drift = *note;
        s->n_drift++;
}

static inline void heard_unexplained(void *cookie, const struct mirror_unexplained_note *note)
{
        struct script *s = cookie;

        s->n_unexplained++;
        s->unexplained_from = note->from;
        s->unexplained_until = note->until;
}

/* A market; bound "" for one tier. */
static inline void set_market(struct script *s, const char *symbol, uint32_t asset,
                              unsigned leverage, const char *bound, unsigned second, int64_t at)
{
        struct market m = {.asset = asset,
                           .size_decimals = 2,
                           .max_leverage = leverage,
                           .cross_allowed = true,
                           .tiers = {.n = bound[0] ? 2 : 1}};

        snprintf(m.symbol, sizeof m.symbol, "%s", symbol);
        m.tiers.tier[0].max_leverage = leverage;
        if (bound[0]) {
                m.tiers.tier[1].lower_bound.v = num(bound);
                m.tiers.tier[1].max_leverage = second;
        }
        assert_int_equal(mirror_market(s->mirror, &m, at), E_OK);
}

static inline void mark(struct script *s, const char *symbol, const char *price, int64_t at)
{
        struct feed_context row = {
                .mark = {num(price)}, .oracle = {num(price)}, .funding = {NUM_RATE_SCALE / 100000}};

        snprintf(row.symbol, sizeof row.symbol, "%s", symbol);
        mirror_contexts(s->mirror, &row, 1, at);
}

static inline void trades_topic(struct script *s, const char *symbol, bool is_live, int64_t at)
{
        struct feed_topic t = {.kind = FEED_TRADES};

        snprintf(t.symbol, sizeof t.symbol, "%s", symbol);
        if (is_live)
                mirror_live(s->mirror, &t, at);
        else
                mirror_gap(s->mirror, &t, at, at);
}

/* All that was told up to `at` has come; differences that have no reason by then are drift. */
static inline void prove(struct script *s, int64_t at)
{
        struct feed_topic t = {.kind = FEED_TRADES};

        mirror_tick(s->mirror, at);
        for (const char *symbol = "A"; symbol; symbol = symbol[0] == 'A' ? "B" : NULL) {
                snprintf(t.symbol, sizeof t.symbol, "%s%s", symbol, symbol);
                mirror_proven(s->mirror, &t, at);
        }
        mirror_tick(s->mirror, at);
}

/* Markets AA (at 100, 20x), BB (at 10, 10x and 5x from 20,000), both live; user 1 watched, standard,
 * with fees of 0.05 and 0.02 percent. */
static inline int script_open(void **state, bool asks)
{
        static struct script s;
        static const struct venue_fees fees = {{NUM_RATE_SCALE / 10000 * 5},
                                               {NUM_RATE_SCALE / 10000 * 2}};
        struct mirror_options options = {.hooks = {.fill = heard_fill,
                                                   .funding = heard_funding,
                                                   .crossed = heard_crossing,
                                                   .liquidated = heard_liquidation,
                                                   .triggered = heard_trigger,
                                                   .vanished = heard_vanished,
                                                   .drift = heard_drift,
                                                   .unexplained = asks ? heard_unexplained : NULL,
                                                   .cookie = &s}};
        struct addr user = who(1);

        memset(&s, 0, sizeof s);
        s.mirror = mirror_new(&options);
        set_market(&s, "AA", 0, 20, "", 0, T0);
        set_market(&s, "BB", 1, 10, "20000", 5, T0);
        trades_topic(&s, "AA", true, T0);
        trades_topic(&s, "BB", true, T0);
        mark(&s, "AA", "100", T0);
        mark(&s, "BB", "10", T0);
        assert_int_equal(mirror_watch(s.mirror, &user, ""), E_OK);
        mirror_pool(s.mirror, &user, MARGIN_POOL_STANDARD, T0);
        mirror_fees(s.mirror, &user, &fees);
        *state = &s;
        return 0;
}

static inline int script_setup(void **state)
{
        return script_open(state, false);
}

/* The same, with somebody who asks the venue for what was filled. */
static inline int script_setup_asking(void **state)
{
        return script_open(state, true);
}

static inline int script_teardown(void **state)
{
        struct script *s = *state;

        mirror_free(s->mirror);
        return 0;
}

/* ---- states ---- */

struct sheet {
        struct venue_account account;
        struct venue_position position[16];
};

static inline struct sheet sheet_of(const char *cash)
{
        struct sheet sheet = {0};

        sheet.account.cross.account_value.v = num(cash);
        return sheet;
}

/* Adds a position at a mark; raw "" for cross. Tiers: one, of max_leverage. */
static inline struct venue_position *hold(struct sheet *sheet, const char *symbol, const char *size,
                                          const char *entry, const char *price, unsigned leverage,
                                          const char *raw, unsigned max_leverage)
{
        struct venue_position *p = &sheet->position[sheet->account.n_positions++];
        struct qty q = {num(size)};
        struct usd maintenance;

        snprintf(p->symbol, sizeof p->symbol, "%s", symbol);
        p->p.size = q;
        q.v = num_abs(q.v);
        assert_int_equal(num_notional(&p->p.value, (struct px){num(price)}, q, NUM_NEAREST), E_OK);
        assert_int_equal(
                num_notional(&p->p.entry_notional, (struct px){num(entry)}, q, NUM_NEAREST), E_OK);
        p->p.mode = raw[0] ? MARGIN_ISOLATED : MARGIN_CROSS;
        p->p.raw_usd.v = raw[0] ? num(raw) : 0;
        p->p.leverage = leverage;
        p->p.tiers = (struct margin_table){.n = 1, .tier = {{.max_leverage = max_leverage}}};
        p->tiers_known = true;
        p->max_leverage = max_leverage;
        if (!raw[0]) {
                struct margin_cross *c = &sheet->account.cross;

                c->account_value.v += p->p.size.v < 0 ? -p->p.value.v : p->p.value.v;
                c->notional.v += p->p.value.v;
                c->margin_used.v += p->p.value.v / leverage;
                assert_int_equal(margin_maintenance(&maintenance, &p->p.tiers, p->p.value), E_OK);
                c->maintenance.v += maintenance.v;
        }
        return p;
}

/* The venue's own sums and prices, then delivered. cash is what sheet_of was given. */
static inline void deliver_to(struct script *s, unsigned user, const char *dex, struct sheet *sheet,
                              int64_t as_of, int64_t asked_at, int64_t at)
{
        struct mirror_reading reading = {asked_at, at};
        struct venue_account *a = &sheet->account;
        struct addr addr = who(user);

        a->as_of = as_of;
        a->position = sheet->position;
        a->account_value = a->cross.account_value;
        a->total_margin_used = a->cross.margin_used;
        for (unsigned i = 0; i < a->n_positions; i++) {
                struct venue_position *p = &sheet->position[i];
                struct margin_figures f;

                assert_int_equal(margin_position_figures(&f, &p->p, &a->cross), E_OK);
                if (!p->liquidation_px[0])
                        (void)show_liquidation(p->liquidation_px, &f.liquidation);
                if (p->p.mode == MARGIN_ISOLATED) {
                        a->account_value.v += f.margin_used.v;
                        a->total_margin_used.v += f.margin_used.v;
                }
        }
        assert_int_equal(margin_withdrawable(&a->withdrawable, &a->cross), E_OK);
        mirror_state(s->mirror, &addr, dex, &reading, a);
}

static inline void deliver(struct script *s, struct sheet *sheet, int64_t at)
{
        deliver_to(s, 1, "", sheet, at, at, at);
}

static inline void no_orders(struct script *s, int64_t at)
{
        struct mirror_reading reading = {at, at};
        struct addr addr = who(1);

        mirror_orders(s->mirror, &addr, "", &reading, NULL, 0);
}

/* 1,000 in cash, a long of 10 AA at 100, isolated 10x (raw -900), read at `at`. */
static inline void read_long(struct script *s, int64_t at)
{
        struct sheet sheet = sheet_of("1000");

        hold(&sheet, "AA", "10", "100", "100", 10, "-900", 20);
        deliver(s, &sheet, at);
}

/* ---- events ---- */

static inline struct feed_trade trade_of(const char *symbol, unsigned buyer, unsigned seller,
                                         bool buyer_takes, const char *size, const char *price,
                                         uint64_t tid, int64_t at)
{
        struct feed_trade t = {.trade = {.price = {num(price)},
                                         .size = {num(size)},
                                         .side = buyer_takes ? SIDE_BUY : SIDE_SELL,
                                         .at = at,
                                         .tid = tid},
                               .users = {who(buyer), who(seller)}};

        snprintf(t.symbol, sizeof t.symbol, "%s", symbol);
        return t;
}

/* User 1 takes: buys where size has no sign, sells with '-'. */
static inline void take(struct script *s, const char *symbol, const char *size, const char *price,
                        uint64_t tid, int64_t at)
{
        bool sells = size[0] == '-';
        struct feed_trade t = trade_of(symbol, sells ? 99 : 1, sells ? 1 : 99, !sells, size + sells,
                                       price, tid, at);

        mirror_trades(s->mirror, &t, 1, at);
}

static inline void own_fill(struct script *s, const char *symbol, const char *size,
                            const char *price, const char *fee, uint64_t tid, int64_t at)
{
        bool sells = size[0] == '-';
        struct venue_fill f = {.side = sells ? SIDE_SELL : SIDE_BUY,
                               .price = {num(price)},
                               .size = {num(size + sells)},
                               .fee = {num(fee)},
                               .at = at,
                               .tid = tid,
                               .oid = 7,
                               .is_taker = true};
        struct addr addr = who(1);

        snprintf(f.symbol, sizeof f.symbol, "%s", symbol);
        mirror_fills(s->mirror, &addr, &f, 1, false, at);
}

/* ---- what the gateway does ---- */

static inline struct venue_action order_action(bool sells, const char *size, const char *price,
                                               enum time_in_force tif)
{
        struct venue_action a = {.kind = VENUE_ORDER, .asset = 0};

        a.u.order.n = 1;
        a.u.order.order[0] = (struct venue_order){.side = sells ? SIDE_SELL : SIDE_BUY,
                                                  .tif = tif,
                                                  .price = {num(price)},
                                                  .size = {num(size)}};
        return a;
}

static inline uint64_t send(struct script *s, const struct venue_action *action, int64_t at)
{
        struct addr user = who(1);

        return mirror_sent(s->mirror, &user, action, at);
}

static inline void tell(struct script *s, uint64_t ticket, enum venue_item_status status,
                        const char *filled, const char *average, uint64_t oid, int64_t at)
{
        struct venue_outcome o = {.result = VENUE_DONE, .n_items = 1};

        o.item[0] = (struct venue_item){
                .status = status, .oid = oid, .filled = {num(filled)}, .average = {num(average)}};
        mirror_outcome(s->mirror, ticket, &o, at);
}

static inline void done(struct script *s, uint64_t ticket, enum venue_result result, int64_t at)
{
        struct venue_outcome o = {.result = result};

        mirror_outcome(s->mirror, ticket, &o, at);
}

/* ---- what is seen ---- */

static inline enum errc look_at(struct script *s, unsigned user, const char *dex, int64_t now)
{
        struct addr addr = who(user);

        s->view = (struct mirror_view){.position = s->position,
                                       .trust = s->trust,
                                       .position_max = 16,
                                       .order = s->order,
                                       .order_max = 16};
        return mirror_view(s->mirror, &addr, dex, now, &s->view);
}

static inline void look(struct script *s, int64_t now)
{
        assert_int_equal(look_at(s, 1, "", now), E_OK);
}

static inline const struct venue_position *held(struct script *s, const char *symbol)
{
        for (unsigned i = 0; i < s->view.account.n_positions; i++)
                if (!strcmp(s->position[i].symbol, symbol))
                        return &s->position[i];
        return NULL;
}

static inline struct mirror_stats stats_of(const struct script *s)
{
        struct mirror_stats stats;

        mirror_stats(s->mirror, &stats);
        return stats;
}

static inline bool is_ready(struct script *s, const char *symbol, int64_t now)
{
        struct addr addr = who(1);

        return mirror_ready(s->mirror, &addr, "", symbol, now, 600000, NULL);
}

#define expect(value, text) assert_int_equal((value).v, num(text))

#endif
