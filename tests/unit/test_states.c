/* Replays account states captured from the venue and compares our figures with the ones it printed:
 * liquidation prices as strings, money to 0.000001. What can't be replayed is printed with the
 * reason. Without the captures only the cases at the end run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "risk/margin.h"
#include "risk/show.h"

#define CAPTURES SHARED_DIR "/captures/"

struct tally {
        unsigned states, skipped, prices, nulls, money, entries, withdrawables;
};

struct replay {
        const char *file;
        const json_t *data, *meta;
        bool has_cross, is_complete;
        struct margin_cross cross;
        struct usd cross_raw, sum_value, sum_maintenance, sum_used, sum_cross_used;
        struct tally *tally;
};

static json_t *load(const char *name)
{
        char path[512];

        snprintf(path, sizeof path, CAPTURES "%s", name);
        return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static const char *text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static struct usd money(const json_t *object, const char *key)
{
        const char *s = text(object, key);
        struct usd u = {0};

        assert_non_null(s);
        assert_int_equal(num_parse_micro(&u, s), 0);
        return u;
}

static void assert_money(const struct replay *r, const char *what, struct usd got, struct usd want)
{
        char a[NUM_STR_MAX], b[NUM_STR_MAX];

        if (num_abs(got.v - want.v) > NUM_MICRO)
                fail_msg("%s %s: ours %s, venue %s", r->file, what, num_print_usd(a, got),
                         num_print_usd(b, want));
        r->tally->money++;
}

static const json_t *market_of(const json_t *meta, const char *coin)
{
        const json_t *market;
        size_t i;

        json_array_foreach(json_object_get(meta, "universe"), i, market)
        {
                if (!strcmp(text(market, "name"), coin))
                        return market;
        }
        return NULL;
}

static void table_from_json(struct margin_table *out, const json_t *tiers)
{
        const json_t *tier;
        size_t i;

        assert_in_range(json_array_size(tiers), 1, MARGIN_TIERS_MAX);
        out->n = (unsigned)json_array_size(tiers);
        json_array_foreach(tiers, i, tier)
        {
                out->tier[i].lower_bound = money(tier, "lowerBound");
                out->tier[i].max_leverage =
                        (unsigned)json_integer_value(json_object_get(tier, "maxLeverage"));
        }
}

static struct margin_table present_table(const json_t *meta, const json_t *market)
{
        json_int_t id = json_integer_value(json_object_get(market, "marginTableId"));
        json_int_t leverage = json_integer_value(json_object_get(market, "maxLeverage"));
        struct margin_table out = {.n = 1, .tier = {{.max_leverage = (unsigned)leverage}}};
        const json_t *pair;
        size_t i;

        json_array_foreach(json_object_get(meta, "marginTables"), i, pair)
        {
                if (json_integer_value(json_array_get(pair, 0)) == id)
                        table_from_json(&out,
                                        json_object_get(json_array_get(pair, 1), "marginTiers"));
        }
        return out;
}

/* A position keeps the tiers it was opened with. Where its own leverage is not the present table's
 * at its value, the old table is reasoned: 10x was "10x, 5x from 20M", anything else one tier. */
static struct margin_table table_for(const struct replay *r, const json_t *p, struct usd value,
                                     const json_t *market)
{
        unsigned own = (unsigned)json_integer_value(json_object_get(p, "maxLeverage"));
        struct margin_table out = {.n = 1, .tier = {{.max_leverage = own}}};

        if (market) {
                out = present_table(r->meta, market);
                if (!own || margin_max_leverage(&out, value) == own)
                        return out;
        }
        print_message("guessed tiers: %s %s: %ux, %s\n", r->file, text(p, "coin"), own,
                      market ? "not what the market's present table says"
                             : "market not in the metadata");
        memset(&out, 0, sizeof out);
        out.n = 1;
        out.tier[0].max_leverage = own;
        if (own == 10) {
                out.n = 2;
                out.tier[1] = (struct margin_tier){{20000000 * NUM_SCALE}, 5};
        }
        return out;
}

/* The entry price is the entry notional over the size, cut; the notional itself follows from profit
 * and loss, so agreement of the two checks both. */
static void check_entry(const struct replay *r, const json_t *p,
                        const struct margin_position *position, const json_t *market)
{
        json_int_t decimals = 6 - json_integer_value(json_object_get(market, "szDecimals"));
        struct qty size = {num_abs(position->size.v)};
        struct px entry, printed;
        int64_t step;

        if (!market || !text(p, "entryPx"))
                return;
        step = num_pow10((unsigned)(8 - decimals));
        assert_int_equal(
                num_parse(&printed.v, text(p, "entryPx"), strlen(text(p, "entryPx")), 8, NUM_ROUND),
                0);
        assert_int_equal(num_px_for(&entry, position->entry_notional, size, NUM_DOWN), 0);
        entry.v = num_to_step(entry.v, step, NUM_DOWN);
        if (entry.v != printed.v)
                fail_msg("%s %s: entry %lld, venue %lld", r->file, text(p, "coin"),
                         (long long)entry.v, (long long)printed.v);
        r->tally->entries++;
}

static void check_price(const struct replay *r, const json_t *p,
                        const struct margin_liquidation *liquidation)
{
        const json_t *printed = json_object_get(p, "liquidationPx");
        char buf[NUM_STR_MAX];
        const char *shown = show_liquidation(buf, liquidation);

        if (!printed)
                return;
        if (json_is_null(printed)) {
                if (shown)
                        fail_msg("%s %s: ours %s, venue null", r->file, text(p, "coin"), shown);
                r->tally->nulls++;
                return;
        }
        if (!shown || strcmp(shown, json_string_value(printed)) != 0)
                fail_msg("%s %s: ours %s, venue %s", r->file, text(p, "coin"),
                         shown ? shown : "null", json_string_value(printed));
        r->tally->prices++;
}

static struct margin_position position_of(const struct replay *r, const json_t *p,
                                          const json_t *market)
{
        const json_t *leverage = json_object_get(p, "leverage");
        bool is_isolated = !strcmp(text(leverage, "type"), "isolated");
        struct margin_position out = {
                .mode = is_isolated ? MARGIN_ISOLATED : MARGIN_CROSS,
                .leverage = (unsigned)json_integer_value(json_object_get(leverage, "value")),
                .value = money(p, "positionValue"),
        };
        struct usd pnl = money(p, "unrealizedPnl");
        const char *size = text(p, "szi");

        assert_int_equal(num_parse(&out.size.v, size, strlen(size), 8, NUM_ROUND), 0);
        out.entry_notional.v = out.value.v - (out.size.v < 0 ? -pnl.v : pnl.v);
        if (is_isolated)
                out.raw_usd = money(leverage, "rawUsd");
        out.tiers = table_for(r, p, out.value, market);
        assert_int_equal(margin_table_check(&out.tiers), 0);
        return out;
}

static void replay_position(struct replay *r, const json_t *p)
{
        const json_t *market = market_of(r->meta, text(p, "coin"));
        struct margin_position position;
        struct margin_figures f;
        char buf[NUM_STR_MAX];

        if (!json_object_get(p, "leverage") || (!market && !json_object_get(p, "maxLeverage"))) {
                print_message("skipped: %s %s: leverage not captured\n", r->file, text(p, "coin"));
                r->is_complete = false;
                return;
        }
        position = position_of(r, p, market);
        assert_int_equal(margin_position_figures(&f, &position, &r->cross), 0);
        assert_money(r, "unrealizedPnl", f.unrealized_pnl, money(p, "unrealizedPnl"));
        assert_money(r, "marginUsed", f.margin_used, money(p, "marginUsed"));
        if (text(p, "returnOnEquity"))
                assert_string_equal(show_rate10(buf, f.return_on_equity),
                                    text(p, "returnOnEquity"));
        check_entry(r, p, &position, market);
        r->sum_used.v += f.margin_used.v;
        if (position.mode == MARGIN_CROSS) {
                r->sum_cross_used.v += f.margin_used.v;
                r->sum_maintenance.v += f.maintenance.v;
                r->sum_value.v += position.size.v < 0 ? -position.value.v : position.value.v;
        }
        if (position.mode == MARGIN_ISOLATED || r->has_cross)
                check_price(r, p, &f.liquidation);
        else
                print_message("skipped: %s %s: price of a cross position, cross summary not "
                              "captured\n",
                              r->file, text(p, "coin"));
}

static void replay_sums(struct replay *r)
{
        struct usd withdrawable, printed;
        char a[NUM_STR_MAX], b[NUM_STR_MAX];

        assert_money(r, "crossMaintenanceMarginUsed", r->sum_maintenance, r->cross.maintenance);
        assert_money(r, "totalMarginUsed", r->sum_used,
                     money(json_object_get(r->data, "marginSummary"), "totalMarginUsed"));
        assert_money(r, "cross totalMarginUsed", r->sum_cross_used, r->cross.margin_used);
        assert_money(r, "cross accountValue", (struct usd){r->cross_raw.v + r->sum_value.v},
                     r->cross.account_value);
        if (!text(r->data, "withdrawable"))
                return;
        printed = money(r->data, "withdrawable");
        assert_int_equal(margin_withdrawable(&withdrawable, &r->cross), 0);
        if (printed.v + NUM_MICRO < withdrawable.v) {
                /* The only thing the state does not show that lowers it. */
                print_message("withdrawable: %s: ours %s, venue %s: resting orders\n", r->file,
                              num_print_usd(a, withdrawable), num_print_usd(b, printed));
                return;
        }
        assert_money(r, "withdrawable", withdrawable, printed);
        r->tally->withdrawables++;
}

static const char *reason_to_skip(const json_t *entry)
{
        if (json_is_true(json_object_get(entry, "suspect")))
                return "suspect";
        if (strcmp(text(entry, "account"), "standard") != 0)
                return "not a standard account: prices use collateral the state does not show";
        if (strncmp(text(entry, "rules"), "2025-03 onward", 14) != 0)
                return "older rules";
        return NULL;
}

static void replay_state(const json_t *entry, struct tally *tally)
{
        json_t *state = load(text(entry, "file"));
        json_t *meta = load(text(entry, "nearest_meta"));
        struct replay r = {.file = text(entry, "file"), .tally = tally};
        const json_t *cross, *item;
        size_t i;

        assert_non_null(state);
        assert_non_null(meta);
        r.data = json_object_get(state, "data");
        r.meta = json_object_get(meta, "data");
        if (json_is_array(r.meta))
                r.meta = json_array_get(r.meta, 0);
        r.is_complete = json_is_true(json_object_get(entry, "complete"));
        cross = json_object_get(r.data, "crossMarginSummary");
        r.has_cross = cross && text(r.data, "crossMaintenanceMarginUsed");
        if (r.has_cross) {
                r.cross.account_value = money(cross, "accountValue");
                r.cross.margin_used = money(cross, "totalMarginUsed");
                r.cross.notional = money(cross, "totalNtlPos");
                r.cross.maintenance = money(r.data, "crossMaintenanceMarginUsed");
                r.cross_raw = money(cross, "totalRawUsd");
        }
        json_array_foreach(json_object_get(r.data, "assetPositions"), i, item)
        {
                replay_position(&r, json_object_get(item, "position"));
        }
        if (r.is_complete && r.has_cross)
                replay_sums(&r);
        else
                print_message("skipped: %s: sums, positions or summaries are missing\n", r.file);
        tally->states++;
        json_decref(meta);
        json_decref(state);
}

static void captured_states_print_the_same(void **state)
{
        json_t *index = load("index.json");
        struct tally t = {0};
        const json_t *entry;
        size_t i;

        (void)state;
        if (!index) {
                print_message("skipped: no captures beside the repository\n");
                skip();
        }
        json_array_foreach(json_object_get(index, "states"), i, entry)
        {
                const char *why = reason_to_skip(entry);

                if (why) {
                        print_message("skipped: %s: %s\n", text(entry, "file"), why);
                        t.skipped++;
                        continue;
                }
                replay_state(entry, &t);
        }
        print_message("replayed %u states (%u skipped): %u prices, %u nulls, %u entry prices, "
                      "%u withdrawables, %u amounts\n",
                      t.states, t.skipped, t.prices, t.nulls, t.entries, t.withdrawables, t.money);
        assert_true(t.prices > 0 && t.nulls > 0 && t.entries > 0 && t.withdrawables > 0);
        json_decref(index);
}

/* ---- the same comparison on figures that need no file ---- */

struct worked {
        const char *size, *value, *raw, *shown;
        bool is_cross;
        const char *account_value, *maintenance;
        unsigned max_leverage;
};

static const struct worked worked[] = {
        {"0.00347", "217.17342", "-213.037712", "62171.2944953124", false, "0", "0", 40},
        {"-0.00024", "15.042", "15.665304", "64466.2716049383", false, "0", "0", 40},
        {"-1114261", "26961.773417", "36359.245859", "0.0296643783", false, "0", "0", 5},
        {"-501", "208.03524", "0", "4.6694221006", true, "2248.314256", "10.401762", 10},
        {"-3413.8", "2505.21713", "0", "0.8055996554", true, "519.954584", "250.521713", 5},
        {"-4", "0.00688", "0", "0.2360247619", true, "1.020216", "0.036136", 10},
        {"4.2", "0.715848", "0", NULL, true, "1.020216", "0.036136", 10},
};

static void worked_positions_print_the_same(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof worked / sizeof *worked; i++) {
                const struct worked *w = &worked[i];
                struct margin_position p = {
                        .mode = w->is_cross ? MARGIN_CROSS : MARGIN_ISOLATED,
                        .leverage = 1,
                        .tiers = {.n = 1, .tier = {{.max_leverage = w->max_leverage}}},
                };
                struct margin_cross c = {0};
                struct margin_liquidation l;
                char buf[NUM_STR_MAX];
                const char *shown;

                assert_int_equal(num_parse_qty(&p.size, w->size, strlen(w->size)), 0);
                assert_int_equal(num_parse_micro(&p.value, w->value), 0);
                assert_int_equal(num_parse_micro(&p.raw_usd, w->raw), 0);
                assert_int_equal(num_parse_micro(&c.account_value, w->account_value), 0);
                assert_int_equal(num_parse_micro(&c.maintenance, w->maintenance), 0);
                assert_int_equal(margin_liquidation(&l, &p, &c), 0);
                shown = show_liquidation(buf, &l);
                if (w->shown)
                        assert_string_equal(shown, w->shown);
                else
                        assert_null(shown);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(captured_states_print_the_same),
                cmocka_unit_test(worked_positions_print_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
