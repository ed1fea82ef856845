#include "adapters/hyperliquid/hl_num.h"

#include "base/attr.h"

#define SIGNIFICANT   5
#define PERP_DECIMALS 6
#define SPOT_DECIMALS 8

unsigned hl_num_price_decimals(enum hl_market_kind kind, unsigned size_decimals)
{
        unsigned max = kind == HL_PERP ? PERP_DECIMALS : SPOT_DECIMALS;

        return size_decimals < max ? max - size_decimals : 0;
}

/* Largest power of ten that is <= v; v > 0. */
static int64_t magnitude(int64_t v)
{
        int64_t m = 1;

        while (v / m >= 10)
                m *= 10;
        return m;
}

/* The ladder's step in the decade that holds price > 0, in 1e-8. */
static int64_t step_at(int64_t price, unsigned max_decimals)
{
        int64_t finest = max_decimals < NUM_DECIMALS ? num_pow10(NUM_DECIMALS - max_decimals) : 1;
        int64_t step = magnitude(price) / num_pow10(SIGNIFICANT - 1);

        if (step > NUM_SCALE)
                step = NUM_SCALE; /* integers are always valid */
        return step > finest ? step : finest;
}

static enum errc round_to(int64_t *v, int64_t step, enum num_round round)
{
        int64_t below = *v - *v % step;
        int64_t rest = *v - below;
        bool up = false;

        if (rest == 0)
                return E_OK;
        switch (round) {
        case NUM_DOWN: up = false; break;
        case NUM_UP: up = true; break;
        case NUM_NEAREST: up = rest >= step - rest; break;
        }
        if (up && below > INT64_MAX - step)
                return E_RANGE;
        if (up)
                below += step;
        if (below == 0)
                return E_RANGE;
        *v = below;
        return E_OK;
}

bool hl_num_price_is_valid(struct px price, unsigned max_decimals)
{
        return price.v > 0 && price.v % step_at(price.v, max_decimals) == 0;
}

bool hl_num_size_is_valid(struct qty size, unsigned size_decimals)
{
        must(size_decimals <= NUM_DECIMALS);
        return size.v > 0 && size.v % num_pow10(NUM_DECIMALS - size_decimals) == 0;
}

enum errc hl_num_round_price(struct px *price, unsigned max_decimals, enum num_round round)
{
        if (price->v <= 0)
                return E_RANGE;
        /* Rounding up may end on the next power of ten, which every ladder holds. */
        return round_to(&price->v, step_at(price->v, max_decimals), round);
}

enum errc hl_num_round_size(struct qty *size, unsigned size_decimals, enum num_round round)
{
        must(size_decimals <= NUM_DECIMALS);
        if (size->v <= 0)
                return E_RANGE;
        return round_to(&size->v, num_pow10(NUM_DECIMALS - size_decimals), round);
}
