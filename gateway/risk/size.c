/* Money lost per unit of size is kept in 1e-20 (a price in 1e-8 times a rate in 1e-12), so that nothing
 * is rounded before the lot is chosen. */
#include "risk/size.h"

#include "base/attr.h"
#include "risk/fee.h"
#include "risk/margin_target.h"
#include "risk/margin_tier.h"

#define LOSS_DECIMALS (NUM_DECIMALS + NUM_RATE_DECIMALS)
/* Fees and buffers above this are not meant; it also keeps the sums below in 128 bits. */
#define RATE_MAX NUM_RATE_SCALE

enum errc size_refusal_code(enum size_refusal refusal)
{
        switch (refusal) {
        case SIZE_FITS: return E_OK;
        case SIZE_INPUT:
        case SIZE_STOP_SIDE:
        case SIZE_NO_LOSS:
        case SIZE_TOO_LARGE: return E_INVALID;
        case SIZE_TOO_SMALL: return E_TOO_SMALL;
        case SIZE_BUFFER: return E_LIQ_TOO_CLOSE;
        case SIZE_COLLATERAL: return E_MARGIN;
        }
        never("a refusal to size");
}

const char *size_refusal_text(enum size_refusal refusal)
{
        switch (refusal) {
        case SIZE_FITS: return "It fits.";
        case SIZE_INPUT: return "A price, the risk, the buffer or a rate is out of range.";
        case SIZE_STOP_SIDE:
                return "The stop must lie below the entry of a long, above that of a short.";
        case SIZE_NO_LOSS: return "Nothing would be lost at the stop, so no size follows from it.";
        case SIZE_TOO_SMALL: return "The risk buys a position below the least value of an order.";
        case SIZE_TOO_LARGE: return "The position would be larger than the gateway can count.";
        case SIZE_BUFFER: return "The liquidation price can't be so far beyond the stop.";
        case SIZE_COLLATERAL:
                return "The account has not the collateral that keeps the liquidation price beyond "
                       "the stop.";
        }
        never("a refusal to size");
}

static bool rate_holds(struct rate r)
{
        return r.v > -RATE_MAX && r.v < RATE_MAX;
}

static enum size_refusal check(const struct size_request *r)
{
        if (r->entry.v <= 0 || r->stop.v <= 0 || r->risk.v <= 0 || !r->max_leverage ||
            r->size_decimals > NUM_DECIMALS || r->buffer.v < 0 || r->min_value.v < 0)
                return SIZE_INPUT;
        if (!rate_holds(r->entry_fee) || !rate_holds(r->stop_fee) || r->builder_fee.v < 0 ||
            !rate_holds(r->builder_fee) || margin_table_check(&r->tiers))
                return SIZE_INPUT;
        if (r->is_long ? r->stop.v >= r->entry.v : r->stop.v <= r->entry.v)
                return SIZE_STOP_SIDE;
        return SIZE_FITS;
}

/* Lost per unit of size, in 1e-20. */
static num_wide loss_per_unit(const struct size_request *r)
{
        num_wide entry_rate = (num_wide)r->entry_fee.v + r->builder_fee.v;
        num_wide stop_rate = (num_wide)r->stop_fee.v + r->builder_fee.v;
        num_wide distance = num_abs(r->entry.v - r->stop.v);

        return distance * NUM_RATE_SCALE + r->entry.v * entry_rate + r->stop.v * stop_rate;
}

static num_wide divide_up(num_wide top, num_wide bottom)
{
        return top / bottom + (top % bottom > 0);
}

/* size * unit, rounded up to 0.000001; in two parts, since the product in 1e-28 may pass 128 bits. */
static enum errc loss_of(struct usd *out, struct qty size, num_wide unit)
{
        num_wide whole = size.v * (unit / NUM_RATE_SCALE);
        num_wide part = divide_up(size.v * (unit % NUM_RATE_SCALE), NUM_RATE_SCALE);
        num_wide micro = divide_up(whole + part, (num_wide)NUM_SCALE * NUM_MICRO);

        if (micro > INT64_MAX / NUM_MICRO)
                return E_RANGE;
        out->v = (int64_t)micro * NUM_MICRO;
        return 0;
}

/* Venue's and builder's part of one leg. */
static enum errc fees_of(struct usd *out, struct px price, struct qty size, struct rate venue,
                         struct rate builder)
{
        struct usd notional, part;
        enum errc rc;

        rc = num_notional(&notional, price, size, NUM_UP);
        if (rc)
                goto done;
        rc = fee_part(out, notional, venue);
        if (rc)
                goto done;
        rc = fee_part(&part, notional, builder);
        if (rc)
                goto done;
        rc = num_usd_add(out, *out, part);
done:
        return rc;
}

/* What is at risk with the smallest order the venue takes. */
static enum errc least_risk(struct usd *out, const struct size_request *r, num_wide unit)
{
        int64_t lot = num_pow10(NUM_DECIMALS - r->size_decimals);
        struct qty least;
        enum errc rc;

        rc = num_qty_for(&least, r->min_value, r->entry, NUM_UP);
        if (rc)
                goto done;
        least.v = num_to_step(least.v, lot, NUM_UP);
        rc = loss_of(out, least, unit);
done:
        return rc;
}

static enum size_refusal choose_size(struct size_result *out, const struct size_request *r)
{
        int64_t lot = num_pow10(NUM_DECIMALS - r->size_decimals);
        num_wide unit = loss_per_unit(r);
        int64_t size;

        if (unit <= 0)
                return SIZE_NO_LOSS;
        size = margin_tier_quotient(r->risk.v, unit, LOSS_DECIMALS, false);
        if (size == INT64_MAX)
                return SIZE_TOO_LARGE;
        if (r->max_size.v > 0 && size > r->max_size.v)
                size = r->max_size.v;
        out->size.v = num_to_step(size, lot, NUM_DOWN);
        if (num_notional(&out->notional, r->entry, out->size, NUM_UP) ||
            loss_of(&out->loss, out->size, unit) || least_risk(&out->least_risk, r, unit) ||
            fees_of(&out->entry_fees, r->entry, out->size, r->entry_fee, r->builder_fee) ||
            fees_of(&out->stop_fees, r->stop, out->size, r->stop_fee, r->builder_fee))
                return SIZE_TOO_LARGE;
        if (!out->size.v || out->notional.v < r->min_value.v)
                return SIZE_TOO_SMALL;
        return SIZE_FITS;
}

/* The stop, moved away from the entry by the buffer; not a unit less. */
static enum size_refusal choose_target(struct size_result *out, const struct size_request *r)
{
        num_wide scale = NUM_RATE_SCALE;
        num_wide factor = r->is_long ? scale - r->buffer.v : scale + r->buffer.v;
        enum num_round round = r->is_long ? NUM_DOWN : NUM_UP;

        if (factor <= 0 || num_div_wide(&out->target.v, r->stop.v * factor, scale, round) ||
            out->target.v <= 0)
                return SIZE_BUFFER;
        return SIZE_FITS;
}

/* The position as it stands after the entry, with no margin yet. */
static struct margin_position opened(const struct size_result *s, const struct size_request *r)
{
        int64_t cost = r->is_long ? s->notional.v : -s->notional.v;

        return (struct margin_position){
                .size.v = r->is_long ? s->size.v : -s->size.v,
                .value = s->notional,
                .entry_notional = s->notional,
                .mode = MARGIN_ISOLATED,
                .leverage = 1,
                .raw_usd.v = -cost - s->entry_fees.v,
                .tiers = r->tiers,
        };
}

static enum size_refusal choose_margin(struct size_result *out, const struct size_request *r)
{
        unsigned most = margin_max_leverage(&r->tiers, out->notional);
        struct margin_position p = opened(out, r);
        int64_t leverage;
        struct usd own;

        if (r->max_leverage < most)
                most = r->max_leverage;
        if (margin_target_liquidation(&out->required, &p, out->target))
                return SIZE_TOO_LARGE;
        if (out->required.v < NUM_MICRO)
                out->required.v = NUM_MICRO;
        if (num_div_wide(&leverage, out->notional.v, out->required.v, NUM_UP))
                return SIZE_TOO_LARGE;
        out->leverage = leverage > most ? most : (unsigned)leverage;
        if (margin_initial(&own, out->notional, out->leverage, NUM_UP))
                return SIZE_TOO_LARGE;
        own.v = num_to_step(own.v, NUM_MICRO, NUM_UP);
        out->margin = own.v > out->required.v ? own : out->required;
        if (num_usd_add(&p.raw_usd, p.raw_usd, out->margin) ||
            margin_liquidation(&out->liquidation, &p, NULL))
                return SIZE_TOO_LARGE;
        if (r->has_free && out->margin.v > r->free.v)
                return SIZE_COLLATERAL;
        return SIZE_FITS;
}

enum size_refusal size_by_risk(struct size_result *out, const struct size_request *request)
{
        enum size_refusal refusal;

        *out = (struct size_result){0};
        refusal = check(request);
        if (refusal)
                goto done;
        refusal = choose_size(out, request);
        if (refusal)
                goto done;
        refusal = choose_target(out, request);
        if (refusal)
                goto done;
        refusal = choose_margin(out, request);
done:
        return refusal;
}
