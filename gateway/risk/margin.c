/* Money is whole 1e-8 dollars; tier arithmetic is done on whole numbers, multiplied by the table's
 * common denominator (margin_tier.h), so deductions such as 100M * (1/30 - 1/50) are exact too. */
#include "risk/margin.h"

#include <string.h>

#include "risk/margin_tier.h"

const char *margin_mode_name(enum margin_mode mode)
{
        switch (mode) {
        case MARGIN_ISOLATED: return "isolated";
        case MARGIN_CROSS: return "cross";
        }
        must_failed("a margin mode", __FILE__, __LINE__);
}

/* Cuts (towards zero) to the venue's unit of money. */
static struct usd cut_micro(struct usd u)
{
        return (struct usd){num_to_step(u.v, NUM_MICRO, NUM_DOWN)};
}

static struct usd at_least_zero(struct usd u)
{
        return u.v > 0 ? u : (struct usd){0};
}

static enum errc usd_from_wide(struct usd *out, num_wide v)
{
        if (v > INT64_MAX || v < INT64_MIN + 1)
                return E_RANGE;
        out->v = (int64_t)v;
        return 0;
}

/* +1 for a long, -1 for a short. */
static int side_of(const struct margin_position *position)
{
        return position->size.v < 0 ? -1 : 1;
}

enum errc margin_table_check(const struct margin_table *table)
{
        struct margin_tier_sums sums;

        return margin_tier_sums(&sums, table);
}

unsigned margin_max_leverage(const struct margin_table *table, struct usd value)
{
        return table->tier[margin_tier_at(table, value)].max_leverage;
}

enum errc margin_initial(struct usd *out, struct usd notional, unsigned leverage,
                         enum num_round round)
{
        if (!leverage)
                return E_INVALID;
        return num_div_wide(&out->v, notional.v, leverage, round);
}

enum errc margin_maintenance(struct usd *out, const struct margin_table *table, struct usd value)
{
        struct margin_tier_sums sums;
        enum errc rc = E_INVALID;

        if (value.v < 0)
                goto done;
        rc = margin_tier_sums(&sums, table);
        if (rc)
                goto done;
        rc = num_div_wide(&out->v, margin_tier_maintenance(table, &sums, value), sums.den,
                          NUM_DOWN);
        if (rc)
                goto done;
        *out = cut_micro(*out);
done:
        return rc;
}

enum errc margin_is_liquidatable(bool *out, const struct margin_table *table, struct usd value,
                                 struct usd equity)
{
        struct margin_tier_sums sums;
        enum errc rc = E_INVALID;

        if (value.v < 0)
                goto done;
        rc = margin_tier_sums(&sums, table);
        if (rc)
                goto done;
        *out = equity.v * sums.den < margin_tier_maintenance(table, &sums, value);
done:
        return rc;
}

/* cash - others of the rule, in 1e-8 dollars. */
static enum errc liquidation_cash(num_wide *out, const struct margin_position *position,
                                  const struct margin_cross *cross)
{
        struct usd own;
        enum errc rc = 0;

        if (position->mode == MARGIN_ISOLATED) {
                *out = position->raw_usd.v;
                goto done;
        }
        rc = E_INVALID;
        if (!cross)
                goto done;
        rc = margin_maintenance(&own, &position->tiers, position->value);
        if (rc)
                goto done;
        *out = (num_wide)cross->account_value.v - side_of(position) * (num_wide)position->value.v -
               ((num_wide)cross->maintenance.v - own.v);
done:
        return rc;
}

/* The position value at which equity meets maintenance, were tier k to apply, as top / bottom in 1e-8
 * dollars. False where it does not lie in that tier, or is not positive. */
static bool solve_in_tier(num_wide *top, num_wide *bottom, const struct margin_table *table,
                          unsigned k, num_wide den, num_wide num, int side)
{
        int64_t twice = 2 * (int64_t)table->tier[k].max_leverage;

        *top = -side * num * twice;
        *bottom = (twice - side) * den;
        if (*top <= 0 || *top < table->tier[k].lower_bound.v * *bottom)
                return false;
        return k + 1 == table->n || *top < table->tier[k + 1].lower_bound.v * *bottom;
}

enum errc margin_liquidation(struct margin_liquidation *out, const struct margin_position *position,
                             const struct margin_cross *cross)
{
        const struct margin_table *table = &position->tiers;
        int side = side_of(position);
        struct margin_tier_sums sums;
        num_wide cash = 0;
        enum errc rc = 0;

        *out = (struct margin_liquidation){.size = position->size};
        if (!position->size.v)
                goto done;
        rc = E_RANGE;
        if (position->size.v == INT64_MIN || position->value.v < 0)
                goto done;
        rc = margin_tier_sums(&sums, table);
        if (rc)
                goto done;
        rc = liquidation_cash(&cash, position, cross);
        if (rc)
                goto done;
        for (unsigned k = 0; k < table->n && !out->exists; k++) {
                num_wide num = cash * sums.den + sums.deduction[k];
                num_wide top, bottom;

                if (!solve_in_tier(&top, &bottom, table, k, sums.den, num, side))
                        continue;
                out->exists = true;
                out->tier = k;
                out->tier_leverage = table->tier[k].max_leverage;
                out->cash_micro = num / (sums.den * NUM_MICRO);
                out->price.v = margin_tier_quotient(top, bottom * num_abs(position->size.v),
                                                    NUM_DECIMALS, side > 0);
        }
done:
        return rc;
}

static struct rate signed_ratio(num_wide top, int64_t bottom)
{
        num_wide size = top < 0 ? -top : top;
        int64_t v = 0;

        if (bottom > 0)
                v = margin_tier_quotient(size, bottom, NUM_RATE_DECIMALS, false);
        return (struct rate){top < 0 ? -v : v};
}

/* |mark - liquidation price| / mark, over the position's size: both as values. */
static void distance_fill(struct margin_figures *out, const struct margin_position *position)
{
        num_wide at_mark = (num_wide)position->value.v * NUM_SCALE;
        num_wide at_price = (num_wide)out->liquidation.price.v * num_abs(position->size.v);
        num_wide apart = at_mark > at_price ? at_mark - at_price : at_price - at_mark;

        out->has_distance = out->liquidation.exists && at_mark > 0;
        if (out->has_distance)
                out->distance.v = margin_tier_quotient(apart, at_mark, NUM_RATE_DECIMALS, false);
}

static enum errc isolated_fill(struct margin_figures *out, const struct margin_position *position,
                               const struct margin_cross *cross)
{
        num_wide side = side_of(position);
        struct usd must_stay;
        enum errc rc;

        rc = usd_from_wide(&out->collateral,
                           position->raw_usd.v + side * position->entry_notional.v);
        if (rc)
                goto done;
        rc = usd_from_wide(&out->margin_used, position->raw_usd.v + side * position->value.v);
        if (rc)
                goto done;
        out->max_loss = at_least_zero(out->collateral);
        out->effective_leverage = signed_ratio(position->value.v, out->margin_used.v);
        rc = margin_transfer_requirement(&must_stay, position->value, position->leverage);
        if (rc)
                goto done;
        rc = num_usd_sub(&out->removable, out->margin_used, must_stay);
        if (rc)
                goto done;
        out->removable = cut_micro(at_least_zero(out->removable));
        if (cross)
                rc = margin_free(&out->addable, cross);
        out->addable = cut_micro(out->addable);
done:
        return rc;
}

static enum errc cross_fill(struct margin_figures *out, const struct margin_position *position,
                            const struct margin_cross *cross)
{
        enum errc rc = E_INVALID;

        if (!cross)
                goto done;
        rc = margin_initial(&out->margin_used, position->value, position->leverage, NUM_DOWN);
        if (rc)
                goto done;
        out->margin_used = cut_micro(out->margin_used);
        out->max_loss = at_least_zero(cross->account_value);
        out->effective_leverage = signed_ratio(position->value.v, cross->account_value.v);
done:
        return rc;
}

enum errc margin_position_figures(struct margin_figures *out,
                                  const struct margin_position *position,
                                  const struct margin_cross *cross)
{
        enum errc rc = E_INVALID;

        memset(out, 0, sizeof *out);
        if (!position->leverage)
                goto done;
        rc = usd_from_wide(&out->unrealized_pnl, side_of(position) * ((num_wide)position->value.v -
                                                                      position->entry_notional.v));
        if (rc)
                goto done;
        /* The venue's order: rounding at ten decimals happens where it is printed, so cut here. */
        out->return_on_equity = signed_ratio((num_wide)out->unrealized_pnl.v * position->leverage,
                                             position->entry_notional.v);
        rc = margin_maintenance(&out->maintenance, &position->tiers, position->value);
        if (rc)
                goto done;
        rc = position->mode == MARGIN_ISOLATED ? isolated_fill(out, position, cross)
                                               : cross_fill(out, position, cross);
        if (rc)
                goto done;
        rc = margin_liquidation(&out->liquidation, position, cross);
        if (rc)
                goto done;
        distance_fill(out, position);
done:
        return rc;
}

enum errc margin_transfer_requirement(struct usd *out, struct usd value, unsigned leverage)
{
        /* value / L and value / 10: the larger has the smaller divisor. */
        int64_t divisor = leverage < 10 ? leverage : 10;
        enum errc rc = E_INVALID;

        if (!leverage || value.v < 0)
                goto done;
        rc = num_div_wide(&out->v, value.v, divisor * NUM_MICRO, NUM_UP);
        if (rc)
                goto done;
        rc = num_muldiv(&out->v, out->v, NUM_MICRO, 1, NUM_DOWN);
done:
        return rc;
}

enum errc margin_free(struct usd *out, const struct margin_cross *cross)
{
        num_wide rest = (num_wide)cross->account_value.v - cross->margin_used.v - cross->resting.v;

        return usd_from_wide(out, rest > 0 ? rest : 0);
}

enum errc margin_withdrawable(struct usd *out, const struct margin_cross *cross)
{
        num_wide held = (num_wide)cross->margin_used.v + cross->resting.v;
        num_wide tenth = cut_micro((struct usd){cross->notional.v / 10}).v;
        num_wide rest = (num_wide)cross->account_value.v - (held > tenth ? held : tenth);

        return usd_from_wide(out, rest > 0 ? rest : 0);
}
