/* margin_model: the venue's margin rules once more, in exact fractions and by their meaning instead of
 * their closed forms: maintenance adds up tier by tier, and a liquidation price is judged by what equity
 * and maintenance are there. */
#ifndef TEST_MARGIN_MODEL_H
#define TEST_MARGIN_MODEL_H

#include "rational.h"
#include "risk/margin.h"

/* Each slice of the value is charged the rate of its own tier. */
static inline struct rational model_maintenance(const struct margin_table *table,
                                                struct rational value)
{
        struct rational sum = rational_whole(0);

        for (unsigned k = 0; k < table->n; k++) {
                struct rational from = rational_of(table->tier[k].lower_bound.v), to = value;

                if (rational_compare(value, from) <= 0)
                        break;
                if (k + 1 < table->n) {
                        struct rational bound = rational_of(table->tier[k + 1].lower_bound.v);

                        to = rational_compare(value, bound) < 0 ? value : bound;
                }
                sum = rational_add(sum, rational_mul(rational_sub(to, from),
                                                     rational(1, 2 * table->tier[k].max_leverage)));
        }
        return sum;
}

static inline int model_side(const struct margin_position *p)
{
        return p->size.v < 0 ? -1 : 1;
}

static inline struct rational model_value_at(const struct margin_position *p, struct px price)
{
        return rational_mul(rational_of(num_abs(p->size.v)), rational_of(price.v));
}

/* Cut to 0.000001, as the venue keeps each position's maintenance. */
static inline struct rational model_cut(struct rational a)
{
        return rational(rational_floor(rational_mul(a, rational_whole(1000000))), 1000000);
}

/* What backs the position, its own value left out, less what the others need. */
static inline struct rational model_cash(const struct margin_position *p,
                                         const struct margin_cross *cross)
{
        struct rational value = rational_of(p->value.v), signed_value, others;

        if (p->mode == MARGIN_ISOLATED)
                return rational_of(p->raw_usd.v);
        signed_value = model_side(p) < 0 ? rational_negate(value) : value;
        others = rational_sub(rational_of(cross->maintenance.v),
                              model_cut(model_maintenance(&p->tiers, value)));
        return rational_sub(rational_sub(rational_of(cross->account_value.v), signed_value),
                            others);
}

/* Whether the position would be liquidated with its mark at price and all else as it is. */
static inline bool model_is_liquidated(const struct margin_position *p,
                                       const struct margin_cross *cross, struct px price)
{
        struct rational value = model_value_at(p, price);
        struct rational equity = rational_add(model_cash(p, cross),
                                              model_side(p) < 0 ? rational_negate(value) : value);

        return rational_compare(equity, model_maintenance(&p->tiers, value)) < 0;
}

/* ---- Random positions ---- */

static inline struct margin_table model_any_table(struct dice *dice)
{
        static const struct margin_table known[] = {
                {1, {{{0}, 3}}},
                {1, {{{0}, 50}}},
                {2, {{{0}, 40}, {{INT64_C(150000) * NUM_SCALE}, 20}}},
                {2, {{{0}, 25}, {{INT64_C(100000) * NUM_SCALE}, 15}}},
                {2, {{{0}, 10}, {{INT64_C(3000) * NUM_SCALE}, 5}}},
                {3,
                 {{{0}, 40},
                  {{INT64_C(10000) * NUM_SCALE}, 25},
                  {{INT64_C(50000) * NUM_SCALE}, 10}}},
                {4,
                 {{{0}, 25},
                  {{INT64_C(20000) * NUM_SCALE}, 10},
                  {{INT64_C(50000) * NUM_SCALE}, 5},
                  {{INT64_C(200000) * NUM_SCALE}, 3}}},
        };

        return known[dice_below(dice, sizeof known / sizeof known[0])];
}

/* Prices of 0.001 to 50,000, values to about 500,000; whole 0.000001 as the venue's ticks and lots
 * give. */
static inline struct margin_position model_any_position(struct dice *dice, enum margin_mode mode)
{
        static const int64_t magnitude[] = {100000, 10000000, 1000000000, 100000000000};
        int64_t scale = magnitude[dice_below(dice, 4)];
        struct px mark = {dice_between(dice, scale, 50 * scale)}, entry;
        struct margin_position p = {.mode = mode, .tiers = model_any_table(dice)};
        int64_t value = dice_between(dice, 100, 500000);

        mark.v -= mark.v % 100;
        entry.v = mark.v + mark.v / 1000 * dice_between(dice, -200, 200);
        entry.v -= entry.v % 100;
        must(num_qty_for(&p.size, (struct usd){value * NUM_SCALE}, mark, NUM_UP) == E_OK);
        p.size.v = num_to_step(p.size.v, 10000, NUM_UP);
        must(num_notional(&p.value, mark, p.size, NUM_DOWN) == E_OK);
        must(num_notional(&p.entry_notional, entry, p.size, NUM_DOWN) == E_OK);
        p.value.v -= p.value.v % NUM_MICRO;
        p.entry_notional.v -= p.entry_notional.v % NUM_MICRO;
        p.leverage =
                (unsigned)dice_between(dice, 1, (int64_t)margin_max_leverage(&p.tiers, p.value));
        if (dice_below(dice, 2))
                p.size.v = -p.size.v;
        p.raw_usd.v = p.value.v / p.leverage / dice_between(dice, 1, 3);
        p.raw_usd.v -= p.raw_usd.v % NUM_MICRO;
        p.raw_usd.v += p.size.v < 0 ? p.entry_notional.v : -p.entry_notional.v;
        return p;
}

#endif
