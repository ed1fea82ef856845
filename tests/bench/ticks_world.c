#include "bench/ticks_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

#define NEED(x) ((x) ? (void)0 : fail(#x))

static const struct margin_table tiers[] = {
        {.n = 2, .tier = {{{0}, 40}, {{150000000 * NUM_SCALE}, 20}}},
        {.n = 2, .tier = {{{0}, 25}, {{100000 * NUM_SCALE}, 15}}},
        {.n = 3, .tier = {{{0}, 20}, {{50000 * NUM_SCALE}, 10}, {{300000 * NUM_SCALE}, 5}}},
        {.n = 2, .tier = {{{0}, 10}, {{30000 * NUM_SCALE}, 5}}},
        {.n = 1, .tier = {{{0}, 5}}},
        {.n = 1, .tier = {{{0}, 3}}},
};

static void fail(const char *what)
{
        fprintf(stderr, "bench_ticks: %s does not hold\n", what);
        exit(1);
}

static uint64_t roll(struct world *world)
{
        uint64_t z = world->state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

static int64_t between(struct world *world, int64_t low, int64_t high)
{
        return low + (int64_t)(roll(world) % (uint64_t)(high - low + 1));
}

/* Close to a normal distribution with a deviation of 65536: the sum of twelve even ones. */
static int64_t bell(struct world *world)
{
        int64_t sum = 0;

        for (unsigned i = 0; i < 3; i++)
                for (uint64_t bits = roll(world), k = 0; k < 4; k++, bits >>= 16)
                        sum += (int64_t)(bits & 0xffff) - 32768;
        return sum;
}

static void make_markets(struct world *world)
{
        for (unsigned i = 0; i < WORLD_MARKETS; i++) {
                struct world_market *market = &world->market[i];
                unsigned kind = i < 3 ? 0 : 1 + i % (sizeof tiers / sizeof *tiers - 1);
                int64_t yearly = i < 3 ? 60 : between(world, 70, 180); /* percent */

                market->tiers = &tiers[kind];
                market->mark.v = between(world, 1000000, 9999999) *
                                 num_pow10((unsigned)between(world, 2, 6));
                market->volatility = yearly * 1781; /* 1e7 / sqrt(seconds in a year) */
        }
}

static uint32_t popular_market(struct world *world)
{
        int64_t x = between(world, 0, 9999), y = between(world, 0, 9999);

        /* The smaller of two, squared: the first markets hold much of everything. */
        x = x < y ? x : y;
        return (uint32_t)(x * x * WORLD_MARKETS / 100000000);
}

/* A position of 10 to 990,000 dollars at the present mark; small ones are as frequent as large. */
static struct usd make_position(struct world *world, struct world_position *position)
{
        int64_t value = between(world, 10, 99) * num_pow10((unsigned)between(world, 0, 4));
        const struct world_market *market = &world->market[position->market];
        static const uint32_t wanted[] = {1, 2, 3, 5, 10, 20, 40};
        struct usd notional = {value * NUM_SCALE};
        unsigned most = margin_max_leverage(market->tiers, notional);

        position->leverage = wanted[between(world, 0, 6)];
        if (position->leverage > most)
                position->leverage = most;
        NEED(!num_qty_for(&position->size, notional, market->mark, NUM_UP));
        NEED(!num_notional(&notional, market->mark, position->size, NUM_DOWN));
        position->entry = notional;
        if (between(world, 0, 99) < 40)
                position->size.v = -position->size.v;
        return notional;
}

/* What backs a position: its initial margin, more or less profit or loss since. */
static int64_t make_equity(struct world *world, struct usd value, unsigned leverage)
{
        return value.v / leverage / 100 * between(world, 60, 200);
}

/* A market that the account does not hold yet. */
static uint32_t other_market(struct world *world, const uint32_t *held, size_t n)
{
        for (;;) {
                uint32_t market = popular_market(world);
                size_t i = 0;

                while (i < n && held[i] != market)
                        i++;
                if (i == n)
                        return market;
        }
}

static void make_account(struct world *world, struct world_account *account)
{
        uint32_t held[WORLD_ISOLATED + WORLD_CROSS];
        size_t n = 0;

        for (unsigned i = 0; i < WORLD_ISOLATED; i++) {
                struct world_position *position = &account->isolated[i];
                struct usd value;

                position->market = held[n] = other_market(world, held, n);
                n++;
                value = make_position(world, position);
                account->raw[i].v = make_equity(world, value, position->leverage) -
                                    (position->size.v > 0 ? value.v : -value.v);
        }
        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct world_position *position = &account->cross[i];
                struct usd value;

                position->market = held[n] = other_market(world, held, n);
                n++;
                value = make_position(world, position);
                account->cash.v += make_equity(world, value, position->leverage) -
                                   (position->size.v > 0 ? value.v : -value.v);
        }
}

void world_init(struct world *world, size_t accounts, uint64_t seed)
{
        *world = (struct world){.state = seed, .n = accounts};
        world->account = xcalloc(accounts, sizeof *world->account);
        make_markets(world);
        for (size_t i = 0; i < accounts; i++)
                make_account(world, &world->account[i]);
}

void world_fini(struct world *world)
{
        free(world->account);
        world->account = NULL;
}

struct world_mark *world_marks(struct world *world, size_t n)
{
        struct world_mark *marks = xcalloc(n, sizeof *marks);
        int64_t price[WORLD_MARKETS], common = 0;

        for (unsigned i = 0; i < WORLD_MARKETS; i++)
                price[i] = world->market[i].mark.v;
        for (size_t i = 0; i < n; i++) {
                uint32_t market = (uint32_t)(i % WORLD_MARKETS);
                int64_t move;

                if (!market)
                        common = bell(world);
                /* 0.7071: half of the variance each. */
                move = (common + bell(world)) * 7071 / 10000;
                move = world->market[market].volatility * move / 65536;
                price[market] += (int64_t)((num_wide)price[market] * move / 1000000000);
                marks[i] = (struct world_mark){market, {price[market]}};
        }
        return marks;
}
