#include "risk/fee.h"

#define TENTH_BP (NUM_RATE_SCALE / 100000)

enum errc fee_part(struct usd *out, struct usd notional, struct rate rate)
{
        enum num_round round = rate.v < 0 ? NUM_DOWN : NUM_UP;
        enum errc rc;

        rc = num_div_wide(&out->v, (num_wide)notional.v * rate.v,
                          (num_wide)NUM_RATE_SCALE * NUM_MICRO, round);
        if (rc)
                goto done;
        rc = num_muldiv(&out->v, out->v, NUM_MICRO, 1, NUM_DOWN);
done:
        return rc;
}

struct rate fee_builder_rate(unsigned tenth_bp)
{
        return (struct rate){(int64_t)tenth_bp * TENTH_BP};
}
