/* The gateway's mirror under the bench's world: accounts come as states that a venue would tell, marks
 * as rows of a feed's frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/ticks_engines.h"
#include "mirror/mirror.h"

#define NEED(x)   ((x) ? (void)0 : fail(#x))
#define BEGINS_AT INT64_C(1767225600000)

struct driver {
        struct mirror *mirror;
        struct engine_counts counts;
        uint64_t frames;
        struct feed_context row[WORLD_MARKETS];
};

static void fail(const char *what)
{
        fprintf(stderr, "bench_ticks: %s does not hold\n", what);
        exit(1);
}

static const char *symbol_of(char buf[SYMBOL_MAX], uint32_t market)
{
        snprintf(buf, SYMBOL_MAX, "M%u", (unsigned)market);
        return buf;
}

static struct addr user_of(uint32_t id)
{
        struct addr user = {{0}};

        memcpy(user.b, &id, sizeof id);
        return user;
}

/* A level is a band reached or left, or a liquidation price passed. */
static void on_crossed(void *cookie, const struct mirror_crossing *crossing)
{
        struct driver *driver = cookie;

        (void)crossing;
        driver->counts.changes++;
}

static void tell_markets(struct driver *driver, const struct world *world)
{
        for (uint32_t i = 0; i < WORLD_MARKETS; i++) {
                struct market market = {
                        .asset = i,
                        .max_leverage = world->market[i].tiers->tier[0].max_leverage,
                        .cross_allowed = true,
                        .tiers = *world->market[i].tiers,
                        .mark = world->market[i].mark,
                        .oracle = world->market[i].mark,
                        .context_at = BEGINS_AT,
                };
                struct feed_topic topic = {.kind = FEED_TRADES};

                symbol_of(market.symbol, i);
                symbol_of(topic.symbol, i);
                symbol_of(driver->row[i].symbol, i);
                NEED(!mirror_market(driver->mirror, &market, BEGINS_AT));
                mirror_live(driver->mirror, &topic, BEGINS_AT);
        }
}

static void take_position(struct venue_position *out, const struct world *world,
                          const struct world_position *held, enum margin_mode mode, struct usd raw)
{
        const struct world_market *market = &world->market[held->market];

        *out = (struct venue_position){
                .p = {.size = held->size,
                      .entry_notional = held->entry,
                      .mode = mode,
                      .leverage = held->leverage,
                      .raw_usd = raw,
                      .tiers = *market->tiers},
                .tiers_known = true,
                .max_leverage = market->tiers->tier[0].max_leverage,
        };
        symbol_of(out->symbol, held->market);
        NEED(!num_notional(&out->p.value, market->mark, (struct qty){num_abs(held->size.v)},
                           NUM_NEAREST));
        out->p.value.v = num_to_step(out->p.value.v, NUM_MICRO, NUM_NEAREST);
}

static void tell_account(struct driver *driver, const struct world *world, uint32_t id)
{
        const struct world_account *account = &world->account[id];
        struct mirror_reading reading = {BEGINS_AT + 1, BEGINS_AT + 2};
        struct venue_position position[WORLD_ISOLATED + WORLD_CROSS];
        struct venue_account state = {.as_of = BEGINS_AT + 1, .position = position};
        struct addr user = user_of(id);

        for (unsigned i = 0; i < WORLD_ISOLATED; i++)
                take_position(&position[state.n_positions++], world, &account->isolated[i],
                              MARGIN_ISOLATED, account->raw[i]);
        state.cross.account_value = account->cash;
        for (unsigned i = 0; i < WORLD_CROSS; i++) {
                struct venue_position *p = &position[state.n_positions++];

                take_position(p, world, &account->cross[i], MARGIN_CROSS, (struct usd){0});
                state.cross.account_value.v += p->p.size.v > 0 ? p->p.value.v : -p->p.value.v;
        }
        NEED(!mirror_watch(driver->mirror, &user, ""));
        mirror_pool(driver->mirror, &user, MARGIN_POOL_STANDARD, BEGINS_AT);
        mirror_state(driver->mirror, &user, "", &reading, &state);
        mirror_orders(driver->mirror, &user, "", &reading, NULL, 0);
}

static void driver_marks(void *state, const struct world_mark *mark, size_t n)
{
        struct driver *driver = state;
        const struct feed_topic topic = {.kind = FEED_CONTEXTS};
        struct feed_event event = {
                .kind = FEED_CONTEXT_ROWS,
                .topic = &topic,
                .at = BEGINS_AT + 3 + (int64_t)driver->frames++,
                .u.context = driver->row,
        };

        for (; event.n < n; event.n++) {
                symbol_of(driver->row[event.n].symbol, mark[event.n].market);
                driver->row[event.n].mark = mark[event.n].price;
                driver->row[event.n].oracle = mark[event.n].price;
        }
        mirror_event(driver->mirror, &event);
}

static void driver_counts(const void *state, struct engine_counts *out)
{
        const struct driver *driver = state;
        struct mirror_stats stats;

        mirror_stats(driver->mirror, &stats);
        *out = driver->counts;
        out->looks = stats.looks;
        out->positions = stats.crossed + stats.looks * WORLD_CROSS;
}

static void driver_free(void *state)
{
        struct driver *driver = state;

        mirror_free(driver->mirror);
        free(driver);
}

struct engine engine_mirror(const struct world *world)
{
        struct driver *driver = xcalloc(1, sizeof *driver);
        struct mirror_options options = {.hooks = {.crossed = on_crossed, .cookie = driver},
                                         .accounts_max = world->n + 1};
        struct mirror_stats stats;

        driver->mirror = mirror_new(&options);
        tell_markets(driver, world);
        for (uint32_t id = 0; id < world->n; id++)
                tell_account(driver, world, id);
        mirror_stats(driver->mirror, &stats);
        NEED(stats.accounts == world->n && stats.states == world->n && !stats.refused);
        NEED(stats.positions == world->n * (WORLD_ISOLATED + WORLD_CROSS));
        driver->counts = (struct engine_counts){0};
        return (struct engine){driver, driver_marks, driver_counts, driver_free};
}
