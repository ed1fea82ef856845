#include "bench/ticks_engines.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "mirror/ticks.h"

#define NEED(x) ((x) ? (void)0 : fail(#x))

struct keeper {
        struct world *world;
        struct engine_counts counts;
        struct ticks *ticks;
        /* The plain one: who holds each market, an account's number and the position's in it. */
        struct {
                size_t n;
                uint32_t *holder;
        } market[WORLD_MARKETS];
};

#define POSITIONS (WORLD_ISOLATED + WORLD_CROSS)

static void fail(const char *what)
{
        fprintf(stderr, "bench_ticks: %s does not hold\n", what);
        exit(1);
}

/* --- the work on a position or an account, the same for both --- */

static struct margin_position position_of(const struct world *world,
                                          const struct world_position *held, enum margin_mode mode)
{
        const struct world_market *market = &world->market[held->market];
        struct margin_position position = {
                .size = held->size,
                .entry_notional = held->entry,
                .mode = mode,
                .leverage = held->leverage,
                .tiers = *market->tiers,
        };
        struct qty size = {num_abs(held->size.v)};

        NEED(!num_notional(&position.value, market->mark, size, NUM_DOWN));
        return position;
}

static void set_reached(struct keeper *keeper, uint8_t *reached, uint32_t now)
{
        keeper->counts.changes += (uint64_t)__builtin_popcount(*reached ^ now);
        *reached = (uint8_t)now;
}

static void isolated_figures(struct keeper *keeper, const struct world_account *account, unsigned i,
                             struct margin_figures *out)
{
        struct margin_position position =
                position_of(keeper->world, &account->isolated[i], MARGIN_ISOLATED);

        position.raw_usd = account->raw[i];
        NEED(!margin_position_figures(out, &position, NULL));
        keeper->counts.positions++;
}

/* The figures of all cross positions, the account's value and maintenance being known. */
static void cross_figures(struct keeper *keeper, const struct world_account *account,
                          const struct margin_cross *cross, struct margin_figures *out)
{
        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct margin_position position =
                        position_of(keeper->world, &account->cross[i], MARGIN_CROSS);

                NEED(!margin_position_figures(&out[i], &position, cross));
        }
        keeper->counts.positions += WORLD_CROSS;
}

/* --- thresholds and bands --- */

static void on_crossed(void *cookie, uint32_t id, uint32_t market, uint8_t level, bool reached)
{
        struct keeper *keeper = cookie;
        struct world_account *account = &keeper->world->account[id];
        struct margin_figures figures;
        unsigned i = 0;
        uint32_t now;

        while (account->isolated[i].market != market)
                i++;
        isolated_figures(keeper, account, i, &figures);
        now = account->reached[i] & ~(UINT32_C(1) << level);
        set_reached(keeper, &account->reached[i], now | (uint32_t)reached << level);
}

static void on_look(void *cookie, uint32_t id)
{
        struct keeper *keeper = cookie;
        struct world_account *account = &keeper->world->account[id];
        struct band_position position[WORLD_CROSS];
        struct band_edges edges[WORLD_CROSS];
        struct margin_figures figures[WORLD_CROSS];
        struct margin_cross cross = {0};
        struct band_account sum;

        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                const struct world_market *market =
                        &keeper->world->market[account->cross[i].market];

                position[i] =
                        (struct band_position){account->cross[i].size, market->mark, market->tiers};
        }
        NEED(!band_look(&sum, edges, account->cash, position, WORLD_CROSS, &world_levels));
        cross.account_value = sum.value;
        cross.maintenance = sum.maintenance;
        cross_figures(keeper, account, &cross, figures);
        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                set_reached(keeper, &account->reached[WORLD_ISOLATED + i], edges[i].reached);
                ticks_set_band(keeper->ticks, id, account->cross[i].market, true, edges[i].low,
                               edges[i].high);
        }
}

static void watch_isolated(struct keeper *keeper, uint32_t id, unsigned i)
{
        struct world_account *account = &keeper->world->account[id];
        const struct world_position *held = &account->isolated[i];
        struct px mark = keeper->world->market[held->market].mark;
        struct ticks_threshold threshold[WORLD_LEVELS];
        struct margin_figures figures;
        uint32_t reached = 0;
        size_t n = 0;

        isolated_figures(keeper, account, i, &figures);
        for (unsigned k = 0; k < WORLD_LEVELS && figures.liquidation.exists; k++, n++) {
                threshold[n] = (struct ticks_threshold){.from_above = held->size.v > 0,
                                                        .level = (uint8_t)k};
                NEED(!band_threshold(&threshold[n].price, figures.liquidation.price,
                                     held->size.v > 0, world_levels.level[k].at));
                if (held->size.v > 0 ? mark.v <= threshold[n].price.v
                                     : mark.v >= threshold[n].price.v)
                        reached |= UINT32_C(1) << k;
        }
        set_reached(keeper, &account->reached[i], reached);
        NEED(!ticks_set_position(keeper->ticks, id, held->market, threshold, n));
}

static void ticks_engine_mark(void *state, uint32_t market, struct px mark)
{
        struct keeper *keeper = state;

        keeper->world->market[market].mark = mark;
        ticks_mark(keeper->ticks, market, mark);
}

static void ticks_engine_counts(const void *state, struct engine_counts *out)
{
        const struct keeper *keeper = state;
        struct ticks_stats stats;

        ticks_stats(keeper->ticks, &stats);
        *out = keeper->counts;
        out->bytes = stats.bytes;
}

static void ticks_engine_free(void *state)
{
        struct keeper *keeper = state;

        ticks_free(keeper->ticks);
        free(keeper);
}

struct engine engine_ticks(struct world *world)
{
        struct keeper *keeper = xcalloc(1, sizeof *keeper);
        struct ticks_hooks hooks = {on_crossed, on_look, keeper};

        keeper->world = world;
        keeper->ticks = ticks_new(WORLD_MARKETS, &hooks);
        for (uint32_t i = 0; i < WORLD_MARKETS; i++)
                ticks_mark(keeper->ticks, i, world->market[i].mark);
        for (uint32_t id = 0; id < world->n; id++) {
                for (unsigned i = 0; i < WORLD_ISOLATED; i++)
                        watch_isolated(keeper, id, i);
                on_look(keeper, id);
        }
        keeper->counts = (struct engine_counts){0};
        return (struct engine){"ticks", keeper, ticks_engine_mark, ticks_engine_counts,
                               ticks_engine_free};
}

/* --- everybody --- */

static uint32_t reached_by_distance(const struct margin_figures *figures, bool is_out)
{
        uint32_t reached = 0;

        for (unsigned k = 0; k < WORLD_LEVELS; k++)
                if (is_out ||
                    (figures->has_distance && figures->distance.v < world_levels.level[k].at.v))
                        reached |= UINT32_C(1) << k;
        return reached;
}

static void compute_isolated(struct keeper *keeper, struct world_account *account, unsigned i)
{
        struct margin_figures figures;

        isolated_figures(keeper, account, i, &figures);
        set_reached(keeper, &account->reached[i],
                    reached_by_distance(&figures, figures.margin_used.v < figures.maintenance.v));
}

static void compute_cross(struct keeper *keeper, struct world_account *account)
{
        struct margin_cross cross = {.account_value = account->cash};
        struct margin_figures figures[WORLD_CROSS];

        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct margin_position position =
                        position_of(keeper->world, &account->cross[i], MARGIN_CROSS);
                bool is_long = position.size.v > 0;
                struct usd own;

                NEED(!margin_maintenance(&own, &position.tiers, position.value));
                cross.maintenance.v += own.v;
                cross.account_value.v += is_long ? position.value.v : -position.value.v;
        }
        cross_figures(keeper, account, &cross, figures);
        for (unsigned i = 0; i < WORLD_CROSS; i++)
                set_reached(keeper, &account->reached[WORLD_ISOLATED + i],
                            reached_by_distance(&figures[i],
                                                cross.account_value.v < cross.maintenance.v));
}

static void plain_engine_mark(void *state, uint32_t market, struct px mark)
{
        struct keeper *keeper = state;

        keeper->world->market[market].mark = mark;
        for (size_t i = 0; i < keeper->market[market].n; i++) {
                uint32_t holder = keeper->market[market].holder[i];
                struct world_account *account = &keeper->world->account[holder / POSITIONS];

                if (holder % POSITIONS < WORLD_ISOLATED)
                        compute_isolated(keeper, account, holder % POSITIONS);
                else
                        compute_cross(keeper, account);
        }
}

static void plain_engine_counts(const void *state, struct engine_counts *out)
{
        const struct keeper *keeper = state;

        *out = keeper->counts;
        for (unsigned i = 0; i < WORLD_MARKETS; i++)
                out->bytes += keeper->market[i].n * sizeof *keeper->market[i].holder;
}

static void plain_engine_free(void *state)
{
        struct keeper *keeper = state;

        for (unsigned i = 0; i < WORLD_MARKETS; i++)
                free(keeper->market[i].holder);
        free(keeper);
}

static void hold(struct keeper *keeper, uint32_t market, uint32_t holder)
{
        size_t n = keeper->market[market].n++;

        if (!(n & (n - 1)))
                keeper->market[market].holder =
                        xrealloc(keeper->market[market].holder, (n ? 2 * n : 1) * sizeof holder);
        keeper->market[market].holder[n] = holder;
}

struct engine engine_plain(struct world *world)
{
        struct keeper *keeper = xcalloc(1, sizeof *keeper);

        keeper->world = world;
        for (uint32_t id = 0; id < world->n; id++) {
                struct world_account *account = &world->account[id];

                for (uint32_t i = 0; i < WORLD_ISOLATED; i++) {
                        hold(keeper, account->isolated[i].market, id * POSITIONS + i);
                        compute_isolated(keeper, account, i);
                }
                for (uint32_t i = 0; i < WORLD_CROSS; i++)
                        hold(keeper, account->cross[i].market, id * POSITIONS + WORLD_ISOLATED + i);
                compute_cross(keeper, account);
        }
        keeper->counts = (struct engine_counts){0};
        return (struct engine){"plain", keeper, plain_engine_mark, plain_engine_counts,
                               plain_engine_free};
}
