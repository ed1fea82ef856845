#include "risk/margin_target.h"

/* What rounding of the position's value can be off by, in 0.000001; the search never goes further. */
#define SEARCH_MAX 8

static bool is_isolated(const struct margin_position *position)
{
        return position->size.v && position->size.v != INT64_MIN &&
               position->mode == MARGIN_ISOLATED;
}

/* Up to whole 0.000001, towards plus infinity. */
static enum errc micro_above(struct usd *out, num_wide v)
{
        num_wide whole = v / NUM_MICRO;

        if (v > 0 && v % NUM_MICRO)
                whole++;
        whole *= NUM_MICRO;
        if (whole > INT64_MAX || whole < INT64_MIN + 1)
                return E_RANGE;
        out->v = (int64_t)whole;
        return 0;
}

static enum errc with_amount(struct margin_position *out, const struct margin_position *position,
                             struct usd amount)
{
        *out = *position;
        return num_usd_add(&out->raw_usd, position->raw_usd, amount);
}

/* The liquidation price is rounded towards the mark, so the comparison decides on the exact value. */
static enum errc reaches(bool *out, const struct margin_position *position, struct usd amount,
                         struct px target)
{
        struct margin_liquidation liquidation;
        struct margin_position after;
        enum errc rc;

        rc = with_amount(&after, position, amount);
        if (rc)
                goto done;
        rc = margin_liquidation(&liquidation, &after, NULL);
        if (rc)
                goto done;
        if (!liquidation.exists) /* a long is never liquidated then; a short has nothing left */
                *out = position->size.v > 0;
        else if (position->size.v > 0)
                *out = liquidation.price.v <= target.v;
        else
                *out = liquidation.price.v >= target.v;
done:
        return rc;
}

/* From near the answer to it, a unit at a time. */
static enum errc settle(struct usd *amount, const struct margin_position *position,
                        struct px target)
{
        bool ok = false, still = true;
        enum errc rc = 0;

        for (int i = 0; i < SEARCH_MAX && !rc && !ok; i++) {
                rc = reaches(&ok, position, *amount, target);
                if (!rc && !ok)
                        rc = num_add(&amount->v, amount->v, NUM_MICRO);
        }
        for (int i = 0; i < SEARCH_MAX && !rc && ok && still; i++) {
                struct usd less = {amount->v - NUM_MICRO};
                rc = reaches(&still, position, less, target);
                if (!rc && still)
                        *amount = less;
        }
        return rc ? rc : ok ? 0 : E_RANGE;
}

enum errc margin_target_liquidation(struct usd *amount, const struct margin_position *position,
                                    struct px target)
{
        struct qty size;
        num_wide side = position->size.v < 0 ? -1 : 1;
        struct usd value, maintenance;
        enum errc rc = E_INVALID;

        if (!is_isolated(position) || target.v <= 0)
                goto done;
        size.v = num_abs(position->size.v);
        rc = num_notional(&value, target, size, NUM_NEAREST);
        if (rc)
                goto done;
        rc = margin_maintenance(&maintenance, &position->tiers, value);
        if (rc)
                goto done;
        /* At the target, equity is to be what maintenance asks for. */
        rc = micro_above(amount,
                         (num_wide)maintenance.v - side * value.v - (num_wide)position->raw_usd.v);
        if (rc)
                goto done;
        rc = settle(amount, position, target);
done:
        return rc;
}

enum errc margin_target_leverage(struct usd *amount, const struct margin_position *position,
                                 struct px leverage)
{
        num_wide side = position->size.v < 0 ? -1 : 1;
        struct usd needed;
        enum errc rc = E_INVALID;

        if (!is_isolated(position) || leverage.v <= 0 || position->value.v < 0)
                goto done;
        rc = num_muldiv(&needed.v, position->value.v, NUM_SCALE, leverage.v, NUM_UP);
        if (rc)
                goto done;
        rc = micro_above(amount, (num_wide)needed.v - side * position->value.v -
                                         (num_wide)position->raw_usd.v);
done:
        return rc;
}
