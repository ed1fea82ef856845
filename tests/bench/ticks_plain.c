/* Plain recomputation: at each frame everything that its marks can have changed, from the world's own
 * rows of a few dozen bytes. The margin arithmetic and the levels are the mirror's; what a gateway
 * keeps beside (doubts, orders, a log) is not here, so that the comparison favours this one. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bench/ticks_engines.h"

#define NEED(x)   ((x) ? (void)0 : fail(#x))
#define POSITIONS (WORLD_ISOLATED + WORLD_CROSS)
#define PERCENT   (NUM_RATE_SCALE / 100)
#define BANDS     3u

/* The mirror's default bands, and where each is left again. */
static const int64_t band_reached[BANDS] = {20 * PERCENT, 10 * PERCENT, 5 * PERCENT};
static const int64_t band_left[BANDS] = {21 * PERCENT, 21 * PERCENT / 2, 21 * PERCENT / 4};

struct plain {
        struct world *world;
        struct engine_counts counts;
        uint32_t frame;
        uint32_t *seen; /* by account: the frame in which its cross account was computed */
        struct {
                size_t n;
                uint32_t *holder; /* an account's number and the position's in it */
        } market[WORLD_MARKETS];
};

static void fail(const char *what)
{
        fprintf(stderr, "bench_ticks: %s does not hold\n", what);
        exit(1);
}

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

/* Bit 0: to be liquidated; bit 1 + i: band i. */
static uint8_t levels_at(uint8_t before, bool is_out, const struct margin_figures *figures)
{
        uint8_t bits = is_out;

        for (unsigned i = 0; i < BANDS; i++) {
                uint8_t bit = (uint8_t)(2u << i);
                int64_t until = before & bit ? band_left[i] : band_reached[i];

                if (is_out || (figures->has_distance && figures->distance.v <= until))
                        bits |= bit;
        }
        return bits;
}

static void set_reached(struct plain *plain, uint8_t *reached, uint8_t now)
{
        plain->counts.changes += (uint64_t)__builtin_popcount(*reached ^ now);
        *reached = now;
}

static void compute_isolated(struct plain *plain, struct world_account *account, unsigned i)
{
        struct margin_position position =
                position_of(plain->world, &account->isolated[i], MARGIN_ISOLATED);
        struct margin_figures figures;
        bool is_out;

        position.raw_usd = account->raw[i];
        NEED(!margin_position_figures(&figures, &position, NULL));
        is_out = figures.margin_used.v < figures.maintenance.v;
        set_reached(plain, &account->isolated_reached[i],
                    levels_at(account->isolated_reached[i], is_out, &figures));
        plain->counts.positions++;
}

static void compute_cross(struct plain *plain, struct world_account *account)
{
        struct margin_cross cross = {.account_value = account->cash};
        struct margin_position position[WORLD_CROSS];
        uint8_t reached = 0;

        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct usd own;

                position[i] = position_of(plain->world, &account->cross[i], MARGIN_CROSS);
                NEED(!margin_maintenance(&own, &position[i].tiers, position[i].value));
                cross.maintenance.v += own.v;
                cross.account_value.v +=
                        position[i].size.v > 0 ? position[i].value.v : -position[i].value.v;
        }
        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct margin_figures figures;

                NEED(!margin_position_figures(&figures, &position[i], &cross));
                reached |= levels_at(account->cross_reached,
                                     cross.account_value.v < cross.maintenance.v, &figures);
        }
        set_reached(plain, &account->cross_reached, reached);
        plain->counts.positions += WORLD_CROSS;
        plain->counts.looks++;
}

static void compute_holder(struct plain *plain, uint32_t holder)
{
        uint32_t id = holder / POSITIONS;
        struct world_account *account = &plain->world->account[id];

        if (holder % POSITIONS < WORLD_ISOLATED) {
                compute_isolated(plain, account, holder % POSITIONS);
        } else if (plain->seen[id] != plain->frame) {
                plain->seen[id] = plain->frame;
                compute_cross(plain, account);
        }
}

static void plain_marks(void *state, const struct world_mark *mark, size_t n)
{
        struct plain *plain = state;

        plain->frame++;
        for (size_t i = 0; i < n; i++)
                plain->world->market[mark[i].market].mark = mark[i].price;
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < plain->market[mark[i].market].n; k++)
                        compute_holder(plain, plain->market[mark[i].market].holder[k]);
}

static void plain_counts(const void *state, struct engine_counts *out)
{
        *out = ((const struct plain *)state)->counts;
}

static void plain_free(void *state)
{
        struct plain *plain = state;

        for (unsigned i = 0; i < WORLD_MARKETS; i++)
                free(plain->market[i].holder);
        free(plain->seen);
        free(plain);
}

static void hold(struct plain *plain, uint32_t market, uint32_t holder)
{
        size_t n = plain->market[market].n++;

        if (!(n & (n - 1)))
                plain->market[market].holder =
                        xrealloc(plain->market[market].holder, (n ? 2 * n : 1) * sizeof holder);
        plain->market[market].holder[n] = holder;
}

struct engine engine_plain(struct world *world)
{
        struct plain *plain = xcalloc(1, sizeof *plain);

        plain->world = world;
        plain->seen = xcalloc(world->n, sizeof *plain->seen);
        for (uint32_t id = 0; id < world->n; id++) {
                struct world_account *account = &world->account[id];

                for (uint32_t i = 0; i < WORLD_ISOLATED; i++) {
                        hold(plain, account->isolated[i].market, id * POSITIONS + i);
                        compute_isolated(plain, account, i);
                }
                for (uint32_t i = 0; i < WORLD_CROSS; i++)
                        hold(plain, account->cross[i].market, id * POSITIONS + WORLD_ISOLATED + i);
                compute_cross(plain, account);
        }
        plain->counts = (struct engine_counts){0};
        return (struct engine){plain, plain_marks, plain_counts, plain_free};
}
