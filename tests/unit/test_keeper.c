/* Prices that the venue was polled for, on a venue that answers nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keeper/keeper.h"

#define TURNS_MAX 6000 /* of 10 ms */
#define OLD_MS    60000

/* ---- a venue of two dexes with a market each, polled apart ---- */

struct fake {
        struct venue venue;
        struct venue_status status;
        struct market market[2];
};

static const struct fake *fake_of(const struct venue *venue)
{
        return (const struct fake *)venue;
}

static void fake_status(const struct venue *venue, struct venue_status *out)
{
        *out = fake_of(venue)->status;
}

static size_t fake_market_count(const struct venue *venue)
{
        (void)venue;
        return 2;
}

static const struct market *fake_market_at(const struct venue *venue, size_t i)
{
        return &fake_of(venue)->market[i];
}

static const struct market *fake_by_symbol(const struct venue *venue, const char *symbol)
{
        for (size_t i = 0; i < 2; i++) {
                if (!strcmp(fake_of(venue)->market[i].symbol, symbol))
                        return &fake_of(venue)->market[i];
        }
        return NULL;
}

static unsigned fake_dex_count(const struct venue *venue)
{
        (void)venue;
        return 2;
}

static void fake_dex_at(const struct venue *venue, unsigned i, struct venue_dex *out)
{
        (void)venue;
        *out = (struct venue_dex){0};
        snprintf(out->name, sizeof out->name, "%s", i ? "xyz" : "");
}

/* Nothing is left for polls. */
static void fake_budget(const struct venue *venue, struct venue_budget *out)
{
        (void)venue;
        *out = (struct venue_budget){.n_addresses = 1};
}

static const struct venue_ops ops = {.status = fake_status,
                                     .market_count = fake_market_count,
                                     .market_at = fake_market_at,
                                     .market_by_symbol = fake_by_symbol,
                                     .dex_count = fake_dex_count,
                                     .dex_at = fake_dex_at,
                                     .budget = fake_budget};

static struct market market_of(const char *symbol, uint32_t asset, int64_t price, int64_t at)
{
        struct market m = {.asset = asset,
                           .size_decimals = 2,
                           .max_leverage = 20,
                           .cross_allowed = true,
                           .tiers = {.n = 1, .tier = {{.max_leverage = 20}}},
                           .mark = {price * NUM_SCALE},
                           .oracle = {price * NUM_SCALE},
                           .context_at = at};

        snprintf(m.symbol, sizeof m.symbol, "%s", symbol);
        return m;
}

/* ---- a keeper of it, and an account with a position on either dex ---- */

struct bench {
        struct loop *loop;
        struct fake fake;
        struct keeper *keeper;
        struct addr user;
};

static int64_t now_of(const struct bench *b)
{
        return clock_wall_ms(loop_clock(b->loop));
}

static void hold(struct bench *b, const struct market *m, const char *dex)
{
        int64_t now = now_of(b);
        struct mirror_reading reading = {now, now};
        struct venue_position p = {.p = {.size = {NUM_SCALE},
                                         .value = {m->mark.v},
                                         .entry_notional = {m->mark.v},
                                         .mode = MARGIN_CROSS,
                                         .leverage = 10,
                                         .tiers = m->tiers},
                                   .tiers_known = true,
                                   .max_leverage = 20};
        struct venue_account a = {.as_of = now, .n_positions = 1, .position = &p};

        snprintf(p.symbol, sizeof p.symbol, "%s", m->symbol);
        a.cross.account_value.v = m->mark.v;
        mirror_state(keeper_mirror(b->keeper), &b->user, dex, &reading, &a);
}

/* What the mirror says of the position, after it was valued. */
static struct mirror_view look(struct bench *b, const char *dex, struct venue_position *p,
                               struct mirror_trust *trust)
{
        struct mirror_view view = {.position = p, .trust = trust, .position_max = 1};

        assert_int_equal(mirror_view(keeper_mirror(b->keeper), &b->user, dex, now_of(b), &view),
                         E_OK);
        assert_int_equal(view.account.n_positions, 1);
        return view;
}

static int64_t value_of(struct bench *b, const char *dex)
{
        struct venue_position p;
        struct mirror_trust trust;

        (void)look(b, dex, &p, &trust);
        return p.p.value.v;
}

static bool is_stale(struct bench *b, const char *dex)
{
        struct venue_position p;
        struct mirror_trust trust;

        return look(b, dex, &p, &trust).doubts & DOUBT_CONTEXT;
}

static int setup(void **state)
{
        static struct bench b;
        struct keeper_options options = {.venue = &b.fake.venue, .kind = "none"};
        struct err err = {0};
        int64_t now;

        memset(&b, 0, sizeof b);
        b.loop = loop_new();
        now = now_of(&b);
        b.fake.venue.ops = &ops;
        b.fake.status = (struct venue_status){.universes = 1, .contexts_at = now};
        b.fake.market[0] = market_of("BTC", 0, 100, now);
        b.fake.market[1] = market_of("xyz:GOLD", 110000, 4000, now - OLD_MS);
        b.user.b[19] = 1;
        options.loop = b.loop;
        b.keeper = keeper_open(&options, &err);
        assert_non_null(b.keeper);
        keeper_watch(b.keeper, "brand", &b.user);
        hold(&b, &b.fake.market[0], "");
        hold(&b, &b.fake.market[1], "xyz");
        *state = &b;
        return 0;
}

static int teardown(void **state)
{
        struct bench *b = *state;

        keeper_close(b->keeper);
        loop_free(b->loop);
        return 0;
}

/* The venue's first dex was polled: taken when its mark is there. */
static void poll_first(struct bench *b, int64_t price)
{
        int64_t now = now_of(b);

        b->fake.market[0].mark.v = price * NUM_SCALE;
        b->fake.market[0].context_at = now;
        b->fake.status.contexts_at = now;
        for (unsigned i = 0; i < TURNS_MAX && value_of(b, "") != price * NUM_SCALE; i++)
                loop_turn(b->loop, 10);
        assert_int_equal(value_of(b, ""), price * NUM_SCALE);
}

static void polled_prices_are_as_old_as_their_own_dex_has_them(void **state)
{
        struct bench *b = *state;

        poll_first(b, 101);
        assert_false(is_stale(b, ""));
        assert_true(is_stale(b, "xyz"));
}

static void a_dex_polled_by_itself_brings_its_prices(void **state)
{
        struct bench *b = *state;
        struct market *gold = &b->fake.market[1];

        poll_first(b, 101);
        gold->mark.v = 4100 * NUM_SCALE;
        gold->context_at = now_of(b);
        for (unsigned i = 0; i < TURNS_MAX && value_of(b, "xyz") != gold->mark.v; i++)
                loop_turn(b->loop, 10);
        assert_int_equal(value_of(b, "xyz"), gold->mark.v);
        assert_false(is_stale(b, "xyz"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(polled_prices_are_as_old_as_their_own_dex_has_them),
                T(a_dex_polled_by_itself_brings_its_prices),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
