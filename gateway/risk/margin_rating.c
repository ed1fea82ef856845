#include "risk/margin_rating.h"

#define HOUSE_LEVERAGE   50
#define RERATED_LEVERAGE 10
#define RERATED_BOUND    (INT64_C(20000000) * NUM_SCALE)

unsigned margin_rating_find(struct margin_table *out, const struct margin_rating *in)
{
        unsigned own = in->own_leverage;

        *out = (struct margin_table){0};
        if (in->present && in->present->n) {
                *out = *in->present;
                if (!own)
                        return MARGIN_DOUBT_INPUT;
                if (margin_max_leverage(out, in->value) == own)
                        return 0;
        }
        if (!own)
                return MARGIN_DOUBT_INPUT;
        *out = (struct margin_table){.n = 1, .tier = {{.max_leverage = own}}};
        if (in->present && in->is_first_dex && own == HOUSE_LEVERAGE)
                return 0;
        if (in->is_first_dex && own == RERATED_LEVERAGE && in->value.v < RERATED_BOUND) {
                out->n = 2;
                out->tier[1] = (struct margin_tier){{RERATED_BOUND}, RERATED_LEVERAGE / 2};
        }
        return in->present ? MARGIN_DOUBT_RATING : MARGIN_DOUBT_MARKET;
}
