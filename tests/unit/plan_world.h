/* A small venue for the plan's tests: one market at 50000, an account of 5000, a book, plain tick and
 * lot rules. Every piece may be changed by a test before it plans. */
#ifndef TESTS_PLAN_WORLD_H
#define TESTS_PLAN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan/plan.h"

static inline struct usd usd(const char *s)
{
        struct usd u = {0};

        assert_int_equal(num_parse_usd(&u, s, strlen(s)), 0);
        return u;
}

static inline struct qty qty(const char *s)
{
        struct qty q = {0};

        assert_int_equal(num_parse_qty(&q, s, strlen(s)), 0);
        return q;
}

static inline struct px px(const char *s)
{
        struct px p = {0};

        assert_int_equal(num_parse_px(&p, s, strlen(s)), 0);
        return p;
}

static inline struct rate rate(const char *s)
{
        struct rate r = {0};

        assert_int_equal(num_parse_rate(&r, s, strlen(s)), 0);
        return r;
}

static inline void assert_usd(struct usd got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_usd(buf, got), want);
}

static inline void assert_qty(struct qty got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_qty(buf, got), want);
}

static inline void assert_px(struct px got, const char *want)
{
        char buf[NUM_STR_MAX];

        assert_string_equal(num_print_px(buf, got), want);
}

static inline int64_t tick_of(const struct market *m)
{
        return num_pow10(NUM_DECIMALS - m->price_max_decimals);
}

static inline int64_t lot_of(const struct market *m)
{
        return num_pow10(NUM_DECIMALS - m->size_decimals);
}

static inline enum errc world_check_price(const struct market *m, struct px price,
                                          const char *field, struct err *err)
{
        if (price.v % tick_of(m) == 0)
                return 0;
        return err_field(err, E_TICK, field, "off tick");
}

static inline enum errc world_check_size(const struct market *m, struct qty size, const char *field,
                                         struct err *err)
{
        if (size.v % lot_of(m) == 0)
                return 0;
        return err_field(err, E_LOT, field, "off lot");
}

static inline enum errc world_round_price(const struct market *m, struct px *price,
                                          enum num_round round)
{
        price->v = num_to_step(price->v, tick_of(m), round);
        return 0;
}

static const struct venue_ops world_rules = {
        .check_price = world_check_price,
        .check_size = world_check_size,
        .round_price = world_round_price,
};

struct world {
        struct market market;
        struct venue_caps caps;
        struct plan_policy policy;
        struct venue_account account;
        struct venue_position position[2];
        struct venue_setting setting;
        struct venue_book book;
        struct venue_fees fees;
        struct venue_open_order order[2];
        struct plan_inputs in;
        struct plan_order_request request;
        struct plan plan;
        struct err err;
};

static const struct cloid world_cloids[3] = {{{1}}, {{2}}, {{3}}};

static inline void world_init(struct world *w)
{
        memset(w, 0, sizeof *w);
        w->market = (struct market){
                .symbol = "BTC",
                .collateral = "USDC",
                .asset = 7,
                .size_decimals = 5,
                .price_max_decimals = 1,
                .max_leverage = 40,
                .tiers = {.n = 2, .tier = {{{0}, 40}, {usd("150000000"), 20}}},
                .cross_allowed = true,
                .margin_removable = true,
                .fee_share = {NUM_RATE_SCALE},
                .rebate_share = {NUM_RATE_SCALE},
                .context_at = 1,
                .mark = px("50000"),
                .mid = px("50000"),
                .has_mid = true,
        };
        w->caps = (struct venue_caps){
                .can_remove_margin = true,
                .has_cross = true,
                .orders_per_action = 3,
                .min_order_value = usd("10"),
        };
        w->policy = (struct plan_policy){
                .default_mode = MARGIN_ISOLATED,
                .allow_isolated = true,
                .allow_cross = true,
                .max_leverage = 25,
                .default_leverage = 5,
                .default_slippage = rate("0.01"),
                .max_slippage = rate("0.2"),
        };
        w->account.position = w->position;
        w->account.cross.account_value = usd("5000");
        w->setting = (struct venue_setting){.mode = MARGIN_ISOLATED, .leverage = 10};
        w->book.n[0] = w->book.n[1] = 2;
        w->book.level[0][0] = (struct venue_level){px("49990"), qty("0.1"), 1};
        w->book.level[0][1] = (struct venue_level){px("49980"), qty("5"), 1};
        w->book.level[1][0] = (struct venue_level){px("50000"), qty("0.25"), 1};
        w->book.level[1][1] = (struct venue_level){px("50040"), qty("5"), 1};
        w->fees = (struct venue_fees){.taker = rate("0.00045"), .maker = rate("0.00015")};
        w->in = (struct plan_inputs){
                .market = &w->market,
                .caps = &w->caps,
                .policy = &w->policy,
                .account = &w->account,
                .setting = &w->setting,
                .book = &w->book,
                .fees = &w->fees,
                .open_orders = w->order,
                .rules = &world_rules,
        };
        w->request = (struct plan_order_request){
                .symbol = "BTC",
                .side = SIDE_BUY,
                .type = ORDER_TYPE_MARKET,
                .sizing = SIZING_SIZE,
                .size = qty("0.2"),
        };
}

/* An open position at the mark, 10x: isolated with a tenth of collateral, or cross. */
static inline void world_hold(struct world *w, const char *size, enum margin_mode mode)
{
        struct venue_position *p = &w->position[0];
        struct qty q = qty(size);

        *p = (struct venue_position){.symbol = "BTC", .tiers_known = true, .max_leverage = 40};
        p->p = (struct margin_position){
                .size = q,
                .mode = mode,
                .leverage = 10,
                .tiers = w->market.tiers,
        };
        assert_int_equal(
                num_notional(&p->p.value, w->market.mark, (struct qty){num_abs(q.v)}, NUM_NEAREST),
                0);
        p->p.entry_notional = p->p.value;
        w->account.n_positions = 1;
        w->setting = (struct venue_setting){.mode = mode, .leverage = 10};
        if (mode == MARGIN_ISOLATED) {
                p->p.raw_usd.v = p->p.value.v / 10 - (q.v < 0 ? -p->p.value.v : p->p.value.v);
                return;
        }
        w->account.cross.notional = p->p.value;
        w->account.cross.margin_used.v = p->p.value.v / 10;
        assert_int_equal(margin_maintenance(&w->account.cross.maintenance, &p->p.tiers, p->p.value),
                         0);
}

static inline enum errc world_check(struct world *w)
{
        memset(&w->err, 0, sizeof w->err);
        return plan_order_check(&w->request, &w->market, &w->policy, &w->caps, &world_rules,
                                &w->err);
}

static inline enum errc world_build(struct world *w)
{
        memset(&w->err, 0, sizeof w->err);
        return plan_order_build(&w->plan, &w->request, &w->in, world_cloids, &w->err);
}

static inline void assert_built(struct world *w)
{
        enum errc rc = world_build(w);

        if (rc)
                fail_msg("refused: %s: %s", err_constant(rc), w->err.detail);
}

static inline void assert_field(const struct world *w, const char *path)
{
        assert_true(w->err.n_fields >= 1);
        assert_string_equal(w->err.field[0].path, path);
}

static inline void assert_refused(struct world *w, enum errc code, const char *field)
{
        enum errc rc = world_build(w);

        if (rc != code)
                fail_msg("expected %s, got %s: %s", err_constant(code),
                         rc ? err_constant(rc) : "success", w->err.detail);
        assert_int_equal(w->err.code, code);
        assert_true(w->err.detail[0] != '\0');
        if (field)
                assert_field(w, field);
}

static inline void assert_says(const struct world *w, const char *part)
{
        if (!strstr(w->err.detail, part))
                fail_msg("\"%s\" is not in \"%s\"", part, w->err.detail);
}

static inline bool has_warning(const struct world *w, const char *code)
{
        for (unsigned i = 0; i < w->plan.risk.n_warnings; i++)
                if (!strcmp(w->plan.risk.warning[i].code, code))
                        return true;
        return false;
}

#endif
