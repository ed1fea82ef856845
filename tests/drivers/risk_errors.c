/* risk_errors: the table of errors over all captured account states. Each state goes through the same
 * code as risk_states three times: as captured; stripped to what a complete list of positions comes
 * with; stripped to what an incomplete one comes with. Every figure is compared with the venue's own.
 * Usage: risk_errors CAPTURES_DIR. Ends with 1 when a figure of a standard account under the present
 * rules is off, 77 when there are no captures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_raw.h"
#include "base/attr.h"
#include "risk_line.h"

enum figure {
        LIQUIDATION,
        MARGIN_USED,
        PROFIT,
        RETURN,
        ACCOUNT_VALUE,
        CROSS_VALUE,
        TOTAL_USED,
        MAINTENANCE,
        WITHDRAWABLE,
        FIGURES,
};
enum verdict {
        SAME,    /* the identical text, null included */
        WITHIN,  /* 0.000001 */
        CUT,     /* as far off as the printed entry price allows */
        RESTING, /* withdrawable below ours: resting orders, which the state does not show */
        UNTOLD,  /* ours is null, with its reason */
        OFF,
        VERDICTS,
};
enum variant { WHOLE, COMPLETE, PARTIAL, VARIANTS };
enum group { JUDGED, OTHERS, GROUPS };

static const char *const figure_name[FIGURES] = {
        "liquidationPx", "marginUsed",  "unrealizedPnl",   "returnOnEquity",
        "accountValue",  "cross value", "totalMarginUsed", "crossMaintenanceMarginUsed",
        "withdrawable",
};
static const char *const verdict_name[VERDICTS] = {"same text", "within 1e-6", "entry cut",
                                                   "resting",   "not told",    "off"};
static const char *const variant_name[VARIANTS] = {"as captured", "stripped, list complete",
                                                   "stripped, list not complete"};

static unsigned tally[GROUPS][VARIANTS][FIGURES][VERDICTS];

struct run {
        const char *file;
        enum group group;
        enum variant variant;
        const json_t *meta;
};

static json_t *load(const char *dir, const char *name)
{
        char path[1024];

        if (!name || snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
                return NULL;
        return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

static const char *text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static bool read_number(int64_t *out, const char *s, unsigned decimals)
{
        return s && num_parse(out, s, strlen(s), decimals, NUM_ROUND) == E_OK;
}

/* ---- What the printed entry price leaves open ---- */

struct entry_range {
        int64_t value, low, high; /* of the position; of its entry notional: 0.000001 */
        int64_t leverage;
        int side;
};

static unsigned price_decimals(const json_t *meta, const char *coin, const char *price)
{
        const char *point = strchr(price, '.');
        const json_t *market;
        size_t i;

        json_array_foreach(json_object_get(meta, "universe"), i, market)
        {
                json_int_t decimals = json_integer_value(json_object_get(market, "szDecimals"));

                if (text(market, "name") && strcmp(text(market, "name"), coin) == 0)
                        return (unsigned)(6 - decimals);
        }
        return point ? (unsigned)strlen(point + 1) : 0;
}

static bool entry_range(struct entry_range *out, const struct run *r, const json_t *p)
{
        const char *price = text(p, "entryPx");
        int64_t size, entry, step;

        if (!price || !text(p, "coin") || !read_number(&size, text(p, "szi"), 8) ||
            !read_number(&entry, price, 8) ||
            !read_number(&out->value, text(p, "positionValue"), 6))
                return false;
        step = num_pow10(8 - price_decimals(r->meta, text(p, "coin"), price));
        out->side = size < 0 ? -1 : 1;
        out->leverage =
                json_integer_value(json_object_get(json_object_get(p, "leverage"), "value"));
        return num_muldiv(&out->low, num_abs(size), entry, num_pow10(10), NUM_DOWN) == E_OK &&
               num_muldiv(&out->high, num_abs(size), entry + step, num_pow10(10), NUM_UP) == E_OK;
}

static int64_t profit_at(const struct entry_range *e, int64_t entry)
{
        return e->side * (e->value - entry);
}

static int64_t return_at(const struct entry_range *e, int64_t entry)
{
        num_wide top = (num_wide)profit_at(e, entry) * e->leverage * num_pow10(10);
        int64_t v = 0;

        return entry > 0 && num_div_wide(&v, top, entry, NUM_NEAREST) == E_OK ? v : 0;
}

static bool lies_between(int64_t v, int64_t a, int64_t b)
{
        int64_t low = a < b ? a : b, high = a < b ? b : a;

        return v >= low - 1 && v <= high + 1;
}

static bool is_cut(const struct run *r, enum figure figure, const json_t *p, const char *theirs)
{
        struct entry_range e;
        int64_t v;

        if ((figure != PROFIT && figure != RETURN) || !entry_range(&e, r, p) ||
            !read_number(&v, theirs, figure == PROFIT ? 6 : 10))
                return false;
        return figure == PROFIT ? lies_between(v, profit_at(&e, e.low), profit_at(&e, e.high))
                                : lies_between(v, return_at(&e, e.low), return_at(&e, e.high));
}

/* ---- Comparing ---- */

static enum verdict judge(const struct run *r, enum figure figure, const json_t *p,
                          const char *ours, const char *theirs)
{
        int64_t a, b;

        if ((!ours && !theirs) || (ours && theirs && strcmp(ours, theirs) == 0))
                return SAME;
        if (!ours)
                return UNTOLD;
        if (!theirs || !read_number(&a, ours, 6) || !read_number(&b, theirs, 6))
                return OFF;
        if (figure != LIQUIDATION && figure != RETURN && a - b <= 1 && b - a <= 1)
                return WITHIN;
        if (r->variant != WHOLE && is_cut(r, figure, p, theirs))
                return CUT;
        return figure == WITHDRAWABLE && b < a ? RESTING : OFF;
}

/* A null of ours that is not the venue's needs a reason. */
static const char *first_reason(const json_t *answer, const char *key)
{
        const json_t *why = json_object_get(json_object_get(answer, "reasons"), key);

        return json_string_value(json_array_get(why, 0));
}

static void compare(const struct run *r, enum figure figure, const json_t *p, const json_t *answer,
                    const char *key, const json_t *theirs)
{
        const char *ours = text(answer, key), *why = first_reason(answer, key);
        enum verdict v;

        if (!theirs)
                return;
        v = judge(r, figure, p, ours, json_string_value(theirs));
        if (!ours && !why && v != SAME)
                v = OFF;
        if (!ours && why && v == SAME && figure != LIQUIDATION)
                v = UNTOLD;
        tally[r->group][r->variant][figure][v]++;
        if (v == OFF || v == RESTING || (r->variant == WHOLE && v == UNTOLD))
                printf("  %s: %s %s: ours %s, the venue's %s%s%s (%s)\n", verdict_name[v], r->file,
                       p ? text(p, "coin") : figure_name[figure], ours ? ours : "null",
                       json_is_string(theirs) ? json_string_value(theirs) : "null", why ? ": " : "",
                       why ? why : "", variant_name[r->variant]);
}

static void compare_answer(const struct run *r, const json_t *answer, const json_t *state)
{
        static const char *const key[] = {"liquidationPx", "marginUsed", "unrealizedPnl",
                                          "returnOnEquity"};
        const json_t *all = json_object_get(state, "marginSummary");
        const json_t *cross = json_object_get(state, "crossMarginSummary");
        const json_t *item;
        size_t i;

        if (text(answer, "error")) {
                printf("  refused: %s: %s (%s)\n", r->file, text(answer, "error"),
                       variant_name[r->variant]);
                return;
        }
        compare(r, ACCOUNT_VALUE, NULL, answer, "accountValue",
                json_object_get(all, "accountValue"));
        compare(r, CROSS_VALUE, NULL, answer, "crossAccountValue",
                json_object_get(cross, "accountValue"));
        compare(r, TOTAL_USED, NULL, answer, "totalMarginUsed",
                json_object_get(all, "totalMarginUsed"));
        compare(r, MAINTENANCE, NULL, answer, "crossMaintenanceMarginUsed",
                json_object_get(state, "crossMaintenanceMarginUsed"));
        compare(r, WITHDRAWABLE, NULL, answer, "withdrawable",
                json_object_get(state, "withdrawable"));
        json_array_foreach(json_object_get(state, "assetPositions"), i, item)
        {
                const json_t *p = json_object_get(item, "position");
                const json_t *mine = json_array_get(json_object_get(answer, "positions"), i);

                for (int f = 0; f < 4; f++)
                        compare(r, (enum figure)f, p, mine, key[f], json_object_get(p, key[f]));
        }
}

/* ---- Stripping ---- */

static void keep(json_t *out, const json_t *from, const char *key)
{
        const json_t *value = json_object_get(from, key);

        if (value)
                json_object_set(out, key, hl_raw_mutable(value));
}

static json_t *stripped_positions(const json_t *state)
{
        static const char *const kept[] = {"coin",     "szi",           "entryPx",
                                           "leverage", "positionValue", "maxLeverage"};
        json_t *out = json_array();
        const json_t *item;
        size_t i;

        json_array_foreach(json_object_get(state, "assetPositions"), i, item)
        {
                json_t *p = json_object();

                for (size_t k = 0; k < sizeof kept / sizeof kept[0]; k++)
                        keep(p, json_object_get(item, "position"), kept[k]);
                json_array_append_new(out, json_pack("{s:o}", "position", p));
        }
        return out;
}

/* NULL where the capture has not what the variant needs. */
static json_t *strip(const json_t *state, enum variant variant, bool is_complete)
{
        const json_t *cross = json_object_get(state, "crossMarginSummary");
        json_t *out, *summary = json_object();

        if (variant == COMPLETE
                    ? !is_complete || !text(cross, "totalRawUsd")
                    : !text(cross, "accountValue") || !text(state, "crossMaintenanceMarginUsed")) {
                json_decref(summary);
                return NULL;
        }
        out = json_pack("{s:o, s:o}", "assetPositions", stripped_positions(state),
                        "crossMarginSummary", summary);
        keep(out, state, "time");
        if (variant == COMPLETE) {
                json_t *all = json_object();

                keep(summary, cross, "totalRawUsd");
                keep(all, json_object_get(state, "marginSummary"), "totalRawUsd");
                json_object_set_new(out, "marginSummary", all);
        } else {
                keep(summary, cross, "accountValue");
                keep(out, state, "crossMaintenanceMarginUsed");
        }
        return out;
}

/* ---- All of them ---- */

static const char *reason_not_judged(const json_t *entry)
{
        const char *account = text(entry, "account"), *rules = text(entry, "rules");

        if (json_is_true(json_object_get(entry, "suspect")))
                return "made up or edited";
        if (!account || strcmp(account, "standard") != 0)
                return "unified: its prices use collateral that the state does not show";
        if (!rules || strncmp(rules, "2025-03 onward", 14) != 0)
                return "older rules of the venue";
        return NULL;
}

static void replay(struct risk_line *lines, const char *dir, const json_t *entry)
{
        json_t *file = load(dir, text(entry, "file"));
        json_t *meta = load(dir, text(entry, "nearest_meta"));
        json_t *state = json_object_get(file, "data");
        json_t *universe = json_object_get(meta, "data");
        const char *why = reason_not_judged(entry);
        bool is_complete = json_is_true(json_object_get(entry, "complete"));
        const char *account = text(entry, "account");

        printf("%s%s%s\n", text(entry, "file"), why ? ": not judged: " : "", why ? why : "");
        for (int v = 0; v < VARIANTS; v++) {
                struct run r = {text(entry, "file"), why ? OTHERS : JUDGED, (enum variant)v,
                                json_is_array(universe) ? json_array_get(universe, 0) : universe};
                json_t *in = v == WHOLE ? json_incref(state)
                                        : strip(state, (enum variant)v, is_complete);
                json_t *line = json_pack("{s:O?, s:o?, s:s?}", "meta", universe, "state", in,
                                         "mode", account);
                json_t *answer = in ? risk_line_answer(lines, line, true) : NULL;

                if (answer)
                        compare_answer(&r, answer, state);
                json_decref(answer);
                json_decref(line);
        }
        json_decref(meta);
        json_decref(file);
}

static unsigned print_table(void)
{
        static const char *const group_name[GROUPS] = {
                "standard accounts since 2025-03",
                "the others: unified, older rules, made up or edited"};
        unsigned off = 0;

        for (int g = 0; g < GROUPS; g++) {
                for (int v = 0; v < VARIANTS; v++) {
                        printf("\n%s, %s\n\n| figure |", group_name[g], variant_name[v]);
                        for (int k = 0; k < VERDICTS; k++)
                                printf(" %s |", verdict_name[k]);
                        printf("\n|---|---|---|---|---|---|---|\n");
                        for (int f = 0; f < FIGURES; f++) {
                                printf("| %s |", figure_name[f]);
                                for (int k = 0; k < VERDICTS; k++)
                                        printf(" %u |", tally[g][v][f][k]);
                                printf("\n");
                                off += g == JUDGED ? tally[g][v][f][OFF] : 0;
                        }
                }
        }
        return off;
}

int main(int argc, char **argv)
{
        json_t *index = argc == 2 ? load(argv[1], "index.json") : NULL;
        struct risk_line *lines;
        const json_t *entry;
        unsigned off;
        size_t i;

        if (!index) {
                printf("skipped: no captures (usage: risk_errors CAPTURES_DIR)\n");
                return 77;
        }
        lines = risk_line_new();
        json_array_foreach(json_object_get(index, "states"), i, entry)
        {
                replay(lines, argv[1], entry);
        }
        risk_line_free(lines);
        json_decref(index);
        off = print_table();
        printf("\n%u figures of standard accounts since 2025-03 are off\n", off);
        return off ? 1 : 0;
}
