/* Prices and sizes over whole universes, at random: the gateway takes one exactly when the paper
 * venue's engine takes it, and both exactly when the venue's rule does, which is stated here on its own,
 * over the digits as they are written. What a refusal names as nearest is accepted, and nothing valid
 * lies between. PERPGATE_SEED sets the seed. */
#include <dirent.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/hyperliquid/hl_compile.h"
#include "adapters/hyperliquid/hl_meta.h"
#include "adapters/hyperliquid/hl_num.h"
#include "adapters/paper/paper_universe.h"
#include "base/mem.h"

#define PRICE_DECIMALS 6
#define FIGURES        5
#define TRIES          60
#define DIGITS_MAX     24
#define AT             INT64_C(1700000000000)

struct world {
        const char *source;
        struct paper_universe universe;
        struct market *market; /* as the gateway sees them */
        struct engine *engine;
        uint64_t n_prices, n_sizes, n_valid, n_hints;
};

static uint64_t seed, state_of_seed;

static unsigned below(unsigned n)
{
        uint64_t z = state_of_seed += UINT64_C(0x9E3779B97F4A7C15);

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return (unsigned)((z ^ (z >> 31)) % n);
}

/* ---- The rule, over digits ------------------------------------------------------------------- */

/* Decimals that matter: behind the point, without zeros at the end. */
static size_t decimals_of(const char *text)
{
        const char *point = strchr(text, '.');
        size_t n = point ? strlen(point + 1) : 0;

        while (n && point[n] == '0')
                n--;
        return n;
}

static bool is_above_zero(const char *text)
{
        return text[strspn(text, "0.")] != '\0';
}

/* From the first digit that is not zero to the last decimal that matters. */
static size_t figures_of(const char *text)
{
        const char *first = text + strspn(text, "0.");
        const char *end = strchr(text, '.') + 1 + decimals_of(text);
        size_t n = 0;

        for (const char *c = first; c < end; c++)
                n += *c != '.';
        return n;
}

static bool price_is_right(const char *text, unsigned size_decimals)
{
        if (!is_above_zero(text))
                return false;
        return !decimals_of(text) ||
               (decimals_of(text) + size_decimals <= PRICE_DECIMALS && figures_of(text) <= FIGURES);
}

static bool size_is_right(const char *text, unsigned size_decimals)
{
        return is_above_zero(text) && decimals_of(text) <= size_decimals;
}

/* ---- What the two sides say ------------------------------------------------------------------ */

static int64_t number(const char *text)
{
        int64_t v = 0;

        if (num_parse(&v, text, strlen(text), NUM_DECIMALS, NUM_REFUSE))
                fail_msg("no number: %s", text);
        return v;
}

/* The venue's word on an order of the house, whom neither margin nor the band around the mark binds. */
static struct engine_order_result venue_says(struct world *w, uint32_t asset, struct px price,
                                             struct qty size)
{
        struct addr house = {.b = {1}};
        struct engine_order_request r = {
                .asset = asset, .is_buy = true, .price = price, .size = size, .tif = ENGINE_IOC};
        struct engine_order_result result = {.status = ENGINE_ERROR};

        if (!engine_place(w->engine, &house, &r, 1, ENGINE_NA, NULL, 0, &result, result.error, AT))
                fail_msg("%s: the whole action was refused: %s", w->source, result.error);
        return result;
}

static bool begins(const char *text, const char *with)
{
        return strncmp(text, with, strlen(with)) == 0;
}

/* One lot makes the size right, so that only the price is judged. */
static bool venue_takes_price(struct world *w, uint32_t asset, const char *text)
{
        struct qty lot = {num_pow10(NUM_DECIMALS - w->universe.spec[asset].sz_decimals)};
        struct engine_order_result r = venue_says(w, asset, (struct px){number(text)}, lot);

        return !begins(r.error, "Price must be divisible by tick size.") &&
               !begins(r.error, "Order has invalid price.");
}

/* At the smallest price, so that no size here is worth too much. */
static bool venue_takes_size(struct world *w, uint32_t asset, const char *text)
{
        struct px least = {
                num_pow10(NUM_DECIMALS - PRICE_DECIMALS + w->universe.spec[asset].sz_decimals)};
        struct engine_order_result r = venue_says(w, asset, least, (struct qty){number(text)});

        return !begins(r.error, "Order has invalid size.") &&
               !begins(r.error, "Order has zero size.");
}

struct measure {
        const char *what;
        bool (*is_right)(const char *text, unsigned size_decimals);
        bool (*venue_takes)(struct world *w, uint32_t asset, const char *text);
        enum errc (*gateway)(const struct market *m, int64_t v, struct err *err);
        enum errc refusal;
};

static enum errc gateway_price(const struct market *m, int64_t v, struct err *err)
{
        return hl_compile_check_price(m, (struct px){v}, "price", err);
}

static enum errc gateway_size(const struct market *m, int64_t v, struct err *err)
{
        return hl_compile_check_size(m, (struct qty){v}, "size", err);
}

static const struct measure prices = {"price", price_is_right, venue_takes_price, gateway_price,
                                      E_TICK};
static const struct measure sizes = {"size", size_is_right, venue_takes_size, gateway_size, E_LOT};

/* ---- The nearest ------------------------------------------------------------------------------ */

/* The numbers of a hint; how many there were. */
static unsigned hinted(const char *hint, char out[2][DIGITS_MAX])
{
        unsigned n = 0;

        for (const char *c = hint; *c && n < 2;) {
                size_t len = strspn(c, "0123456789.");

                if (!len || *c == '.') {
                        c++;
                        continue;
                }
                assert_true(len < DIGITS_MAX);
                memcpy(out[n], c, len);
                out[n][len] = '\0';
                if (out[n][len - 1] == '.')
                        out[n][len - 1] = '\0';
                n++;
                c += len;
        }
        return n;
}

/* The valid number nearest to v on one side, in 1e-8, or 0. Cut to every count of decimals, up or
 * down: where such a cut has too many figures, a cut to fewer decimals is as near as any valid one. */
static int64_t nearest(const struct measure *measure, int64_t v, bool up, unsigned size_decimals)
{
        char text[NUM_STR_MAX];
        int64_t best = 0;

        for (unsigned decimals = 0; decimals <= NUM_DECIMALS; decimals++) {
                int64_t unit = num_pow10(NUM_DECIMALS - decimals);
                int64_t at = v - v % unit + (up ? unit : 0);

                if (at <= 0 ||
                    !measure->is_right(num_print(text, at, NUM_DECIMALS, 0), size_decimals))
                        continue;
                if (!best || (up ? at < best : at > best))
                        best = at;
        }
        return best;
}

static void check_hint(struct world *w, const struct measure *measure, uint32_t asset,
                       const char *text, const char *hint)
{
        const struct market *m = &w->market[asset];
        char named[2][DIGITS_MAX];
        int64_t v = number(text);
        int64_t down = nearest(measure, v, false, m->size_decimals);
        int64_t up = nearest(measure, v, true, m->size_decimals);
        unsigned n = hinted(hint, named);

        if (n != 1u + (down != 0))
                fail_msg("%s %s of %s (seed %" PRIu64 "): %s", measure->what, text, m->symbol, seed,
                         hint);
        if ((down && number(named[0]) != down) || number(named[n - 1]) != up)
                fail_msg("%s %s of %s (seed %" PRIu64 ") has nearer ones: %s", measure->what, text,
                         m->symbol, seed, hint);
        for (unsigned i = 0; i < n; i++) {
                if (!measure->venue_takes(w, asset, named[i]) ||
                    measure->gateway(m, number(named[i]), NULL))
                        fail_msg("%s %s of %s (seed %" PRIu64 ") is named as valid", measure->what,
                                 named[i], m->symbol, seed);
        }
        w->n_hints++;
}

static void check(struct world *w, const struct measure *measure, uint32_t asset, const char *text)
{
        const struct market *m = &w->market[asset];
        struct err err = {.code = E_OK};
        bool is_right = measure->is_right(text, m->size_decimals);
        enum errc rc = measure->gateway(m, number(text), &err);
        bool is_taken = measure->venue_takes(w, asset, text);

        if ((rc == E_OK) != is_right || is_taken != is_right)
                fail_msg("%s: %s %s of %s (%u size decimals, seed %" PRIu64
                         "): the rule says %d, the gateway %d, the venue %d",
                         w->source, measure->what, text, m->symbol, m->size_decimals, seed,
                         is_right, rc == E_OK, is_taken);
        w->n_valid += is_right;
        if (is_right)
                return;
        assert_int_equal(rc, measure->refusal);
        assert_string_equal(err.field[0].path, measure->what);
        if (is_above_zero(text))
                check_hint(w, measure, asset, text, err.hint);
}

/* ---- Random numbers --------------------------------------------------------------------------- */

/* Up to eight whole digits and eight decimals, with figures anywhere between: many near the edge of
 * the rules, some zero, some with zeros at the end. */
static void any_number(char out[DIGITS_MAX])
{
        unsigned whole = below(9), decimals = below(9), n = 0;
        unsigned figures = 1 + below(8), zeros = below(3) ? 0 : below(6);
        unsigned digits = 0;

        for (unsigned i = 0; i < whole + decimals; i++) {
                bool is_zero = digits >= figures || (whole == 0 && i < zeros);

                if (i == whole)
                        n += (unsigned)snprintf(out + n, 3, i ? "." : "0.");
                out[n] = is_zero ? '0' : (char)('0' + below(10));
                if (i == 0 && whole && out[n] == '0')
                        out[n] = '1';
                digits += digits || out[n] != '0';
                n++;
        }
        if (n == 0)
                out[n++] = '0';
        out[n] = '\0';
}

static void check_market(struct world *w, uint32_t asset)
{
        static const char *const edges[] = {
                "0",        "0.00000001", "0.000001",  "0.1",      "1",      "9.9999",   "99999",
                "99999.5",  "99999.0",    "100000",    "100000.5", "123456", "99999999", "0.99999",
                "0.999999", "1.00001",    "0.0000123", "1234.5",   "1234.56"};
        char text[DIGITS_MAX];

        check(w, &prices, asset, "12345678901");
        check(w, &prices, asset, "12345678901.5");
        for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
                check(w, &prices, asset, edges[i]);
                check(w, &sizes, asset, edges[i]);
        }
        for (unsigned i = 0; i < TRIES; i++) {
                any_number(text);
                check(w, &prices, asset, text);
                any_number(text);
                check(w, &sizes, asset, text);
        }
        w->n_prices += 2 + TRIES + sizeof edges / sizeof *edges;
        w->n_sizes += TRIES + sizeof edges / sizeof *edges;
}

/* ---- Universes -------------------------------------------------------------------------------- */

/* The gateway learns the markets from what the venue answers to `meta`, dex by dex, as it does live. A
 * universe from before there were margin tables it refuses as a whole: its steps are judged all the same. */
static void learn_dex(struct world *w, const struct paper_dex *dex)
{
        struct err err = {.code = E_OK};
        json_t *meta = json_loads(dex->meta_json, 0, NULL);
        struct hl_token token = {.index = dex->token, .name = "USDX"};
        struct hl_tokens tokens = {.n = 1, .token = &token};
        struct hl_dex_facts facts = {.index = 1, .tokens = &tokens};
        struct hl_universe *learnt;

        (void)text_copy(facts.name, sizeof facts.name, dex->name);
        learnt = hl_meta_parse(meta, dex->name[0] ? &facts : NULL, &err);
        json_decref(meta);
        if (!learnt)
                printf("%s: the gateway would not trade there: %s\n", w->source, err.detail);
        else
                assert_int_equal(learnt->n, dex->n);
        for (uint32_t i = 0; i < dex->n; i++) {
                const struct engine_market_spec *spec = &w->universe.spec[dex->first + i];
                struct market *m = &w->market[dex->first + i];

                m->size_decimals = spec->sz_decimals;
                m->price_max_decimals = hl_num_price_decimals(HL_PERP, spec->sz_decimals);
                (void)text_copy(m->symbol, sizeof m->symbol, spec->name);
                if (learnt)
                        *m = learnt->market[i];
                assert_string_equal(m->symbol, spec->name);
        }
        hl_meta_free(learnt);
}

/* Delisted markets are listed again here: the rule of their steps is the same. */
static void open_venue(struct world *w)
{
        struct addr house = {.b = {1}};

        for (size_t i = 0; i < w->universe.n; i++)
                w->universe.spec[i].is_delisted = false;
        w->engine = engine_new(w->universe.spec, w->universe.n, NULL);
        engine_set_house(w->engine, &house);
        for (uint32_t i = 0; i < w->universe.n; i++)
                engine_set_prices(w->engine, i, (struct px){NUM_SCALE}, (struct px){NUM_SCALE}, AT);
}

static void check_universe(struct world *w)
{
        w->market = xcalloc(w->universe.n, sizeof *w->market);
        for (unsigned i = 0; i < w->universe.n_dexes; i++)
                learn_dex(w, &w->universe.dex[i]);
        open_venue(w);
        for (uint32_t i = 0; i < w->universe.n; i++)
                check_market(w, i);
        printf("%s: %zu markets, %" PRIu64 " prices, %" PRIu64 " sizes, %" PRIu64
               " of both valid, %" PRIu64 " hints\n",
               w->source, w->universe.n, w->n_prices, w->n_sizes, w->n_valid, w->n_hints);
        assert_true(w->n_valid > w->universe.n && w->n_hints > w->universe.n);
        engine_free(w->engine);
        free(w->market);
        paper_universe_fini(&w->universe);
}

static void built_in_markets(void **state)
{
        struct world w = {.source = "built in"};

        (void)state;
        paper_universe_default(&w.universe);
        check_universe(&w);
}

static void captured_markets(void **state)
{
        const char *folder = SHARED_DIR "/captures/meta";
        DIR *dir = opendir(folder);
        unsigned n = 0;

        (void)state;
        if (!dir) {
                printf("no captures in %s: skipped\n", folder);
                skip();
        }
        for (const struct dirent *entry; (entry = readdir(dir));) {
                struct world w = {.source = entry->d_name};
                struct err err = {.code = E_OK};
                char file[1024];

                if (entry->d_name[0] == '.')
                        continue;
                (void)snprintf(file, sizeof file, "%s/%s", folder, entry->d_name);
                if (paper_universe_load(&w.universe, file, &err)) {
                        /* A capture from before markets had a leverage is no universe. */
                        printf("%s: left out: %s\n", entry->d_name, err.detail);
                        continue;
                }
                check_universe(&w);
                n++;
        }
        closedir(dir);
        assert_true(n > 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(built_in_markets),
                cmocka_unit_test(captured_markets),
        };
        const char *given = getenv("PERPGATE_SEED");

        seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
        state_of_seed = seed;
        printf("PERPGATE_SEED=%" PRIu64 "\n", seed);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
