#include "risk/margin_reserve.h"

enum errc margin_reserve_add(struct margin_resting *resting, bool is_buy, struct qty size,
                             struct px price)
{
        unsigned side = is_buy ? 0 : 1;
        struct qty total = resting->size[side];
        struct usd notional;
        enum errc rc = E_INVALID;

        if (size.v <= 0 || price.v <= 0)
                goto done;
        rc = num_notional(&notional, price, size, NUM_UP);
        if (rc)
                goto done;
        rc = num_add(&total.v, total.v, size.v);
        if (rc)
                goto done;
        rc = num_usd_add(&resting->notional[side], resting->notional[side], notional);
        if (rc)
                goto done;
        resting->size[side] = total;
done:
        return rc;
}

/* The part of one side that opens: all of it but what closes `against`. */
static enum errc opening(struct usd *out, const struct margin_resting *resting, unsigned side,
                         int64_t against, unsigned leverage)
{
        int64_t size = resting->size[side].v;
        enum errc rc = 0;

        out->v = 0;
        if (size <= against)
                goto done;
        rc = num_muldiv(&out->v, resting->notional[side].v, size - against, size, NUM_UP);
        if (rc)
                goto done;
        rc = num_div_wide(&out->v, out->v, (num_wide)leverage * NUM_MICRO, NUM_UP);
        if (rc)
                goto done;
        rc = num_muldiv(&out->v, out->v, NUM_MICRO, 1, NUM_DOWN);
done:
        return rc;
}

enum errc margin_reserve_needed(struct usd *out, unsigned *doubts,
                                const struct margin_resting *resting, struct qty position,
                                unsigned leverage)
{
        int64_t against[2] = {0, 0};
        struct usd part[2];
        enum errc rc = E_INVALID;

        if (!leverage || position.v == INT64_MIN)
                goto done;
        against[position.v < 0 ? 0 : 1] = num_abs(position.v);
        rc = opening(&part[0], resting, 0, against[0], leverage);
        if (rc)
                goto done;
        rc = opening(&part[1], resting, 1, against[1], leverage);
        if (rc)
                goto done;
        *doubts = (part[0].v && part[1].v) || (part[0].v && against[0]) || (part[1].v && against[1])
                          ? MARGIN_DOUBT_RESTING
                          : 0;
        rc = num_usd_add(out, part[0], part[1]);
done:
        return rc;
}
