/* test_engine_kit: a small world for the engine's tests: five markets, accounts by number, and a
 * record of what came out of the sink. Prices, sizes and money are written as text. */
#ifndef TEST_ENGINE_KIT_H
#define TEST_ENGINE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/paper/engine.h"

enum { BTC, ETH, STRICT, GONE, TIERED, N_MARKETS };
enum { HOUSE = 1, ALICE = 2, BOB = 3, CAROL = 4 };

#define EVENTS_MAX 4096

struct kit_event {
        uint64_t oid;
        char status[48];
        int64_t size;
};
struct kit_liquidation {
        struct addr user;
        enum margin_mode mode;
        int64_t notional, account_value;
        size_t n;
        uint32_t asset[N_MARKETS];
        int64_t size[N_MARKETS];
};
struct kit {
        struct engine *engine;
        int64_t at;
        size_t n_events, n_fills, n_trades, n_books, n_funding, n_liquidations;
        struct kit_event event[EVENTS_MAX];
        struct engine_fill fill[EVENTS_MAX];
        struct kit_liquidation liquidation;
        struct addr buyer, seller;
        int64_t funding_paid;
        char err[160];
};

static inline struct addr kit_addr(unsigned n)
{
        struct addr a = {{0}};

        a.b[18] = (uint8_t)(n >> 8);
        a.b[19] = (uint8_t)n;
        return a;
}

static inline int64_t kit_num(const char *s)
{
        int64_t v = 0;

        assert_int_equal(num_parse(&v, s, strlen(s), NUM_DECIMALS, NUM_REFUSE), E_OK);
        return v;
}

static inline struct px px(const char *s)
{
        return (struct px){kit_num(s)};
}

static inline void kit_order(void *cookie, const struct engine_order *order)
{
        struct kit *kit = cookie;
        struct kit_event *e = &kit->event[kit->n_events++ % EVENTS_MAX];

        e->oid = order->oid;
        e->size = order->size.v;
        snprintf(e->status, sizeof e->status, "%s", order->status);
}

static inline void kit_fill(void *cookie, const struct engine_fill *fill)
{
        struct kit *kit = cookie;

        kit->fill[kit->n_fills++ % EVENTS_MAX] = *fill;
}

static inline void kit_trade(void *cookie, const struct engine_fill *taker,
                             const struct addr *buyer, const struct addr *seller)
{
        struct kit *kit = cookie;

        (void)taker;
        kit->buyer = *buyer;
        kit->seller = *seller;
        kit->n_trades++;
}

static inline void kit_book(void *cookie, uint32_t asset)
{
        struct kit *kit = cookie;

        (void)asset;
        kit->n_books++;
}

static inline void kit_funding(void *cookie, const struct addr *user, uint32_t asset,
                               struct usd paid, struct qty size, struct rate rate, int64_t at)
{
        struct kit *kit = cookie;

        (void)user, (void)asset, (void)size, (void)rate, (void)at;
        kit->funding_paid = paid.v;
        kit->n_funding++;
}

static inline void kit_liquidation(void *cookie, const struct addr *user, enum margin_mode mode,
                                   struct usd notional, struct usd account_value,
                                   const uint32_t *assets, const struct qty *sizes, size_t n,
                                   int64_t at)
{
        struct kit *kit = cookie;
        struct kit_liquidation *l = &kit->liquidation;

        (void)at;
        *l = (struct kit_liquidation){.user = *user,
                                      .mode = mode,
                                      .notional = notional.v,
                                      .account_value = account_value.v,
                                      .n = n};
        for (size_t i = 0; i < n; i++) {
                l->asset[i] = assets[i];
                l->size[i] = sizes[i].v;
        }
        kit->n_liquidations++;
}

static inline void kit_markets(struct engine_market_spec spec[N_MARKETS])
{
        static const struct {
                const char *name;
                unsigned decimals, leverage;
                const char *bound; /* of a second tier, or NULL */
                unsigned second;
        } row[N_MARKETS] = {
                {"BTC", 5, 40, "150000000", 20}, {"ETH", 4, 25, "100000000", 15},
                {"STRICT", 0, 3, NULL, 0},       {"GONE", 1, 5, NULL, 0},
                {"TIERED", 1, 10, "10000", 5},
        };

        for (size_t i = 0; i < N_MARKETS; i++) {
                spec[i] = (struct engine_market_spec){.sz_decimals = row[i].decimals,
                                                      .max_leverage = row[i].leverage};
                snprintf(spec[i].name, sizeof spec[i].name, "%s", row[i].name);
                spec[i].tiers.n = row[i].bound ? 2 : 1;
                spec[i].tiers.tier[0].max_leverage = row[i].leverage;
                if (row[i].bound) {
                        spec[i].tiers.tier[1].lower_bound.v = kit_num(row[i].bound);
                        spec[i].tiers.tier[1].max_leverage = row[i].second;
                }
        }
        spec[STRICT].only_isolated = true;
        spec[STRICT].strict_isolated = true;
        spec[GONE].is_delisted = true;
}

static inline void kit_mark(struct kit *kit, uint32_t asset, const char *price)
{
        engine_set_prices(kit->engine, asset, px(price), px(price), ++kit->at);
}

static inline void kit_fund(struct kit *kit, unsigned user, const char *amount)
{
        struct addr a = kit_addr(user);

        engine_deposit(kit->engine, &a, (struct usd){kit_num(amount)}, ++kit->at);
}

static inline struct engine_sink kit_sink(struct kit *kit)
{
        return (struct engine_sink){.order = kit_order,
                                    .fill = kit_fill,
                                    .trade = kit_trade,
                                    .book = kit_book,
                                    .funding = kit_funding,
                                    .liquidation = kit_liquidation,
                                    .cookie = kit};
}

/* Alice, Bob and Carol have 10,000 each; the house is number 1. */
static inline int kit_setup(void **state)
{
        static struct kit kit;
        struct engine_market_spec spec[N_MARKETS];
        struct engine_sink sink = kit_sink(&kit);
        struct addr house = kit_addr(HOUSE);

        memset(&kit, 0, sizeof kit);
        kit.at = INT64_C(1700000000000);
        kit_markets(spec);
        kit.engine = engine_new(spec, N_MARKETS, &sink);
        engine_set_house(kit.engine, &house);
        for (unsigned user = ALICE; user <= CAROL; user++)
                kit_fund(&kit, user, "10000");
        kit_mark(&kit, BTC, "60000");
        kit_mark(&kit, ETH, "3000");
        kit_mark(&kit, STRICT, "1");
        kit_mark(&kit, GONE, "1");
        kit_mark(&kit, TIERED, "10");
        *state = &kit;
        return 0;
}

static inline int kit_teardown(void **state)
{
        struct kit *kit = *state;

        engine_free(kit->engine);
        return 0;
}

static inline struct engine_order_request kit_request(uint32_t asset, bool is_buy,
                                                      const char *price, const char *size)
{
        return (struct engine_order_request){
                .asset = asset, .is_buy = is_buy, .price = px(price), .size = {kit_num(size)}};
}

/* A trigger order; kind "sl" or "tp", fired as a market order unless limit. */
static inline struct engine_order_request kit_trigger(uint32_t asset, bool is_buy, const char *kind,
                                                      const char *trigger, const char *price,
                                                      const char *size)
{
        struct engine_order_request r = kit_request(asset, is_buy, price, size);

        r.reduce_only = true;
        r.is_trigger = true;
        r.trigger_is_market = true;
        r.is_take_profit = !strcmp(kind, "tp");
        r.trigger_price = px(trigger);
        return r;
}

static inline bool kit_place(struct kit *kit, unsigned user,
                             const struct engine_order_request *orders, size_t n,
                             enum engine_grouping grouping, struct engine_order_result *results)
{
        struct addr a = kit_addr(user);

        return engine_place(kit->engine, &a, orders, n, grouping, NULL, 0, results, kit->err,
                            ++kit->at);
}

static inline struct engine_order_result kit_one(struct kit *kit, unsigned user,
                                                 struct engine_order_request request)
{
        struct engine_order_result result = {.status = ENGINE_ERROR};

        if (!kit_place(kit, user, &request, 1, ENGINE_NA, &result))
                snprintf(result.error, sizeof result.error, "%s", kit->err);
        return result;
}

static inline struct engine_order_result kit_limit(struct kit *kit, unsigned user, uint32_t asset,
                                                   bool is_buy, const char *price, const char *size,
                                                   enum engine_tif tif)
{
        struct engine_order_request r = kit_request(asset, is_buy, price, size);

        r.tif = tif;
        return kit_one(kit, user, r);
}

#define kit_buy(kit, user, asset, price, size)                                                     \
        kit_limit(kit, user, asset, true, price, size, ENGINE_GTC)
#define kit_sell(kit, user, asset, price, size)                                                    \
        kit_limit(kit, user, asset, false, price, size, ENGINE_GTC)

static inline struct engine_account kit_account(struct kit *kit, unsigned user)
{
        struct engine_account account;
        struct addr a = kit_addr(user);

        engine_account(kit->engine, &a, &account);
        return account;
}

/* Zeroed where there is none. */
static inline struct engine_position kit_position(struct kit *kit, unsigned user, uint32_t asset)
{
        struct engine_account account = kit_account(kit, user);

        for (size_t i = 0; i < account.n_positions; i++)
                if (account.position[i].asset == asset)
                        return account.position[i];
        return (struct engine_position){0};
}

static inline const struct engine_order *kit_find(struct kit *kit, unsigned user, uint64_t oid)
{
        struct addr a = kit_addr(user);

        return engine_order_by_oid(kit->engine, &a, oid);
}

static inline bool kit_leverage(struct kit *kit, unsigned user, uint32_t asset, bool is_cross,
                                uint32_t leverage)
{
        struct addr a = kit_addr(user);

        return engine_update_leverage(kit->engine, &a, asset, is_cross, leverage, kit->err,
                                      ++kit->at);
}

static inline bool kit_margin(struct kit *kit, unsigned user, uint32_t asset, int64_t micro)
{
        struct addr a = kit_addr(user);

        return engine_update_isolated_margin(kit->engine, &a, asset, micro, kit->err, ++kit->at);
}

static inline const char *kit_cancel(struct kit *kit, unsigned user, uint32_t asset, uint64_t oid)
{
        struct addr a = kit_addr(user);

        engine_cancel(kit->engine, &a, asset, oid, kit->err, ++kit->at);
        return kit->err;
}

static inline void kit_expect(int64_t v, const char *text)
{
        char is[NUM_STR_MAX];

        assert_string_equal(num_print(is, v, NUM_DECIMALS, 0), text);
}

static inline void kit_expect_status(struct kit *kit, unsigned user, uint64_t oid,
                                     const char *status)
{
        const struct engine_order *order = kit_find(kit, user, oid);

        assert_non_null(order);
        assert_string_equal(order->status, status);
}

/* Everything that was deposited is still somewhere: balances at the marks, and the venue's fees. */
static inline int64_t kit_money(struct kit *kit, unsigned users)
{
        struct engine_account account;
        struct addr backstop;
        int64_t sum = engine_collected_fees(kit->engine).v;

        engine_backstop(kit->engine, &backstop);
        engine_account(kit->engine, &backstop, &account);
        sum += account.account_value.v;
        for (unsigned user = HOUSE; user <= users; user++)
                sum += kit_account(kit, user).account_value.v;
        return sum;
}

#define KIT_TEST(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

#endif
