/* Random histories. After every operation: no money came or went, positions of a market cancel out,
 * books don't cross, reduce-only orders fit their positions, every trade has two sides. Run twice,
 * the same history gives the same events, also when the engine is saved and loaded now and then.
 * PERPGATE_SEED sets the first seed. */
#include <stdlib.h>
#include <time.h>

#include "test_engine_kit.h"
#include "test_engine_saved.h"

#define USERS_LAST 9 /* HOUSE, then 2..9 */
#define OPERATIONS 2500

struct history {
        struct kit *kit;
        uint64_t seed, state;
        int64_t deposited;
        int64_t mark[N_MARKETS]; /* in steps of the market's price */
        uint64_t digest;
        unsigned step;
};

static uint64_t next(struct history *h)
{
        uint64_t z = h->state += UINT64_C(0x9E3779B97F4A7C15);

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

static int64_t below(struct history *h, int64_t n)
{
        return (int64_t)(next(h) % (uint64_t)n);
}

/* Valid steps around the marks used here: 1, 0.1, 0.001, -, 0.001. */
static int64_t price_step(uint32_t asset)
{
        static const int64_t step[N_MARKETS] = {NUM_SCALE, NUM_SCALE / 10, NUM_SCALE / 1000,
                                                NUM_SCALE, NUM_SCALE / 1000};

        return step[asset];
}

static uint32_t any_market(struct history *h)
{
        static const uint32_t open[] = {BTC, ETH, STRICT, TIERED};

        return open[below(h, 4)];
}

static struct addr any_user(struct history *h)
{
        return kit_addr((unsigned)(ALICE + below(h, USERS_LAST - ALICE + 1)));
}

static struct px near_mark(struct history *h, uint32_t asset, int64_t width)
{
        int64_t steps = h->mark[asset] + below(h, 2 * width + 1) - width;

        return (struct px){(steps > 1 ? steps : 1) * price_step(asset)};
}

static struct qty any_size(struct history *h, uint32_t asset)
{
        int64_t lot = num_pow10(NUM_DECIMALS - engine_market(h->kit->engine, asset)->sz_decimals);
        int64_t value = (20 + below(h, below(h, 8) ? 3000 : 60000)) * NUM_SCALE;
        int64_t size = 0;

        assert_int_equal(
                num_muldiv(&size, value, NUM_SCALE, h->mark[asset] * price_step(asset), NUM_DOWN),
                E_OK);
        size = num_to_step(size, lot, NUM_UP);
        return (struct qty){size ? size : lot};
}

static void mix(struct history *h, int64_t v)
{
        h->digest = (h->digest ^ (uint64_t)v) * UINT64_C(0x100000001B3);
}

static struct engine_order_request any_order(struct history *h, uint32_t asset)
{
        struct engine_order_request r = {.asset = asset, .is_buy = below(h, 2)};

        r.price = near_mark(h, asset, h->mark[asset] / 50 + 1);
        r.size = any_size(h, asset);
        r.tif = (enum engine_tif)below(h, 4);
        r.reduce_only = !below(h, 5);
        r.has_cloid = below(h, 2);
        r.cloid.b[0] = (uint8_t)below(h, 256);
        return r;
}

static struct engine_order_request any_trigger(struct history *h, uint32_t asset, bool is_buy,
                                               bool is_take_profit)
{
        struct engine_order_request r = any_order(h, asset);

        r.is_buy = is_buy;
        r.is_trigger = true;
        r.reduce_only = true;
        r.trigger_is_market = below(h, 3);
        r.is_take_profit = is_take_profit;
        r.trigger_price = near_mark(h, asset, h->mark[asset] / 50 + 1);
        return r;
}

static void place(struct history *h)
{
        uint32_t asset = any_market(h);
        struct engine_order_request r[3] = {any_order(h, asset)};
        bool is_buy = r[0].is_buy;
        enum engine_grouping grouping = (enum engine_grouping)(below(h, 3) ? 0 : below(h, 3));
        size_t n = 1 + (size_t)below(h, 2);
        struct engine_order_result result[3] = {{.status = ENGINE_ERROR}};
        struct addr user = any_user(h);
        struct addr builder = kit_addr(CAROL);
        bool has_builder = !below(h, 3);

        for (size_t i = 0; i < 3; i++) {
                if (grouping == ENGINE_POSITION_TPSL || (grouping == ENGINE_NORMAL_TPSL && i))
                        r[i] = any_trigger(h, asset, !is_buy, i == 1);
                else if (i)
                        r[i] = any_order(h, asset);
        }
        if (grouping == ENGINE_NORMAL_TPSL)
                n++;
        if (grouping == ENGINE_POSITION_TPSL && below(h, 2))
                r[0].size.v = r[1].size.v = 0;
        if (grouping == ENGINE_NA && !below(h, 4))
                r[0] = any_trigger(h, asset, is_buy, below(h, 2));
        (void)engine_place(h->kit->engine, &user, r, n, grouping, has_builder ? &builder : NULL, 10,
                           result, h->kit->err, ++h->kit->at);
        mix(h, (int64_t)result[0].oid);
        mix(h, result[0].total_size.v);
}

static void quote(struct history *h)
{
        uint32_t asset = any_market(h);
        struct addr house = kit_addr(HOUSE);
        struct engine_order_request r = any_order(h, asset);
        struct engine_order_result result;

        r.reduce_only = false;
        r.tif = ENGINE_GTC;
        r.price = near_mark(h, asset, h->mark[asset] / 100 + 1);
        (void)engine_place(h->kit->engine, &house, &r, 1, ENGINE_NA, NULL, 0, &result, h->kit->err,
                           ++h->kit->at);
}

static void take_oid(void *cookie, const struct engine_order *order)
{
        const struct engine_order **last = cookie;

        *last = order;
}

static void cancel(struct history *h)
{
        const struct engine_order *order = NULL;
        struct addr user = below(h, 3) ? any_user(h) : kit_addr(HOUSE);

        engine_orders(h->kit->engine, &user, true, take_oid, &order);
        if (order)
                engine_cancel(h->kit->engine, &user, order->asset, order->oid, h->kit->err,
                              ++h->kit->at);
}

static void move_price(struct history *h)
{
        uint32_t asset = any_market(h);
        int64_t width = h->mark[asset] / (below(h, 12) ? 200 : 6) + 1;
        struct px mark = near_mark(h, asset, width);

        h->mark[asset] = mark.v / price_step(asset);
        if (h->mark[asset] < 500)
                h->mark[asset] = 500;
        mark.v = h->mark[asset] * price_step(asset);
        engine_set_prices(h->kit->engine, asset, mark, mark, ++h->kit->at);
}

static void change_margin(struct history *h)
{
        uint32_t asset = any_market(h);
        struct addr user = any_user(h);

        if (below(h, 2))
                (void)engine_update_leverage(h->kit->engine, &user, asset, below(h, 2),
                                             (uint32_t)below(h, 45), h->kit->err, ++h->kit->at);
        else
                (void)engine_update_isolated_margin(h->kit->engine, &user, asset,
                                                    below(h, 2000000001) - 1000000000, h->kit->err,
                                                    ++h->kit->at);
}

static void pass_time(struct history *h)
{
        h->kit->at += below(h, 40000);
        if (below(h, 3))
                engine_tick(h->kit->engine, h->kit->at);
        else
                engine_pay_funding(h->kit->engine, any_market(h),
                                   (struct rate){below(h, 20000001) * 100 - 1000000000},
                                   h->kit->at);
}

static void deposit(struct history *h)
{
        struct addr user = any_user(h);
        struct usd amount = {(1 + below(h, 3000)) * NUM_SCALE};

        engine_deposit(h->kit->engine, &user, amount, ++h->kit->at);
        h->deposited += amount.v;
}

static void operate(struct history *h)
{
        int64_t which = below(h, 100);

        if (which < 45)
                place(h);
        else if (which < 65)
                quote(h);
        else if (which < 72)
                cancel(h);
        else if (which < 88)
                move_price(h);
        else if (which < 94)
                change_margin(h);
        else if (which < 98)
                pass_time(h);
        else
                deposit(h);
}

#define HOLDS(h, condition)                                                                        \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("seed %llu, operation %u: %s", (unsigned long long)(h)->seed,     \
                                 (h)->step, #condition);                                           \
        } while (0)

static void check_books(struct history *h)
{
        for (uint32_t asset = 0; asset < N_MARKETS; asset++) {
                struct engine_level bid, ask;
                bool has_bid = engine_book(h->kit->engine, asset, 0, &bid, 1);
                bool has_ask = engine_book(h->kit->engine, asset, 1, &ask, 1);

                HOLDS(h, !has_bid || (bid.size.v > 0 && bid.n_orders > 0));
                HOLDS(h, !has_ask || (ask.size.v > 0 && ask.n_orders > 0));
                HOLDS(h, !has_bid || !has_ask || bid.price.v < ask.price.v);
        }
}

static void check_positions(struct history *h)
{
        int64_t net[N_MARKETS] = {0};
        int64_t longs[N_MARKETS] = {0};
        struct addr backstop;

        engine_backstop(h->kit->engine, &backstop);
        for (unsigned user = 0; user <= USERS_LAST; user++) {
                struct addr a = user ? kit_addr(user) : backstop;
                struct engine_account account;

                engine_account(h->kit->engine, &a, &account);
                HOLDS(h, account.cross.resting.v >= 0);
                HOLDS(h, account.withdrawable.v >= 0);
                HOLDS(h, user < ALICE || account.cross.account_value.v >= 0);
                HOLDS(h, account.account_value.v % NUM_MICRO == 0);
                for (size_t i = 0; i < account.n_positions; i++) {
                        const struct engine_position *p = &account.position[i];

                        HOLDS(h, p->p.size.v != 0);
                        HOLDS(h, p->p.entry_notional.v >= 0);
                        HOLDS(h, user < ALICE || p->p.mode == MARGIN_CROSS ||
                                         p->p.raw_usd.v >=
                                                 (p->p.size.v > 0 ? -p->p.value.v : p->p.value.v));
                        net[p->asset] += p->p.size.v;
                        longs[p->asset] += p->p.size.v > 0 ? p->p.size.v : 0;
                }
        }
        for (uint32_t asset = 0; asset < N_MARKETS; asset++) {
                HOLDS(h, net[asset] == 0);
                HOLDS(h, longs[asset] == engine_open_interest(h->kit->engine, asset).v);
        }
}

struct reduce_sum {
        int64_t position[N_MARKETS], resting[N_MARKETS];
        bool is_wrong;
};

static void add_reduce_only(void *cookie, const struct engine_order *order)
{
        struct reduce_sum *sum = cookie;
        int64_t position = sum->position[order->asset];

        if (!order->reduce_only || order->parent_oid)
                return;
        sum->is_wrong |= !position || order->is_buy == (position > 0);
        if (!order->is_trigger)
                sum->resting[order->asset] += order->size.v;
}

static void check_reduce_only(struct history *h)
{
        for (unsigned user = ALICE; user <= USERS_LAST; user++) {
                struct addr a = kit_addr(user);
                struct reduce_sum sum = {0};
                struct engine_account account;

                engine_account(h->kit->engine, &a, &account);
                for (size_t i = 0; i < account.n_positions; i++)
                        sum.position[account.position[i].asset] = account.position[i].p.size.v;
                engine_orders(h->kit->engine, &a, true, add_reduce_only, &sum);
                HOLDS(h, !sum.is_wrong);
                for (uint32_t asset = 0; asset < N_MARKETS; asset++)
                        HOLDS(h, sum.resting[asset] <= num_abs(sum.position[asset]));
        }
}

/* The fills of this operation: pairs that mirror one another. */
static void check_fills(struct history *h)
{
        struct kit *kit = h->kit;

        HOLDS(h, kit->n_fills < EVENTS_MAX && kit->n_fills % 2 == 0);
        for (size_t i = 0; i < kit->n_fills; i += 2) {
                const struct engine_fill *a = &kit->fill[i];
                const struct engine_fill *b = &kit->fill[i + 1];

                HOLDS(h, a->tid == b->tid && a->tid && a->tid < (UINT64_C(1) << 50));
                HOLDS(h, a->is_buy != b->is_buy && a->crossed && !b->crossed);
                HOLDS(h, a->size.v == b->size.v && a->size.v > 0 && a->price.v == b->price.v);
                HOLDS(h, !hex_addr_equal(&a->user, &b->user));
                mix(h, (int64_t)a->tid);
                mix(h, a->price.v);
                mix(h, a->fee.v);
        }
        kit->n_fills = 0;
        kit->n_events = 0;
}

/* Another engine, loaded from what this one saved, goes on; it saves the same bytes. */
static void move_house(struct history *h)
{
        const char *why = NULL;
        struct buf first, second;
        struct engine *loaded;

        saved_write(h->kit->engine, &first);
        loaded = saved_read(h->kit, first.data, first.len, &why);
        if (!loaded)
                fail_msg("seed %llu, operation %u: %s", (unsigned long long)h->seed, h->step, why);
        saved_write(loaded, &second);
        HOLDS(h, first.len == second.len && !memcmp(first.data, second.data, first.len));
        engine_free(h->kit->engine);
        h->kit->engine = loaded;
        buf_fini(&first);
        buf_fini(&second);
}

static uint64_t run(struct kit *kit, uint64_t seed, unsigned move_every, size_t *n_trades)
{
        struct history h = {.kit = kit, .seed = seed, .state = seed};
        static const char *const mark[N_MARKETS] = {"60000", "3000", "1", "1", "10"};

        for (uint32_t asset = 0; asset < N_MARKETS; asset++)
                h.mark[asset] = kit_num(mark[asset]) / price_step(asset);
        h.deposited = 3 * kit_num("10000");
        for (unsigned user = CAROL + 1; user <= USERS_LAST; user++) {
                kit_fund(kit, user, "2000");
                h.deposited += kit_num("2000");
        }
        for (h.step = 0; h.step < OPERATIONS; h.step++) {
                operate(&h);
                check_fills(&h);
                HOLDS(&h, kit_money(kit, USERS_LAST) == h.deposited);
                check_positions(&h);
                check_books(&h);
                check_reduce_only(&h);
                if (move_every && h.step % move_every == 0)
                        move_house(&h);
        }
        *n_trades = kit->n_trades;
        return h.digest;
}

static void test_random_histories(void **state)
{
        const char *set = getenv("PERPGATE_SEED");
        uint64_t seed = set ? strtoull(set, NULL, 10) : (uint64_t)time(NULL);
        size_t n_trades = 0;
        size_t n_liquidations = 0;

        for (uint64_t i = 0; i < 4; i++) {
                struct kit *kit = *state;
                uint64_t digest;

                print_message("seed %llu\n", (unsigned long long)(seed + i));
                digest = run(kit, seed + i, 0, &n_trades);
                assert_true(n_trades > 100);
                n_liquidations += kit->n_liquidations;
                (void)kit_teardown(state);
                (void)kit_setup(state);
                assert_true(digest == run(*state, seed + i, 41, &n_trades));
                (void)kit_teardown(state);
                (void)kit_setup(state);
        }
        assert_true(n_liquidations > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {KIT_TEST(test_random_histories)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
