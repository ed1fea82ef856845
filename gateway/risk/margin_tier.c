#include "risk/margin_tier.h"

static int64_t gcd(int64_t a, int64_t b)
{
        while (b) {
                int64_t rest = a % b;

                a = b;
                b = rest;
        }
        return a;
}

static bool bounds_hold(const struct margin_table *table)
{
        if (table->n < 1 || table->n > MARGIN_TIERS_MAX || table->tier[0].lower_bound.v)
                return false;
        for (unsigned k = 0; k < table->n; k++) {
                const struct margin_tier *tier = &table->tier[k];

                if (tier->max_leverage < 1 || tier->max_leverage > 1000)
                        return false;
                if (k && tier->lower_bound.v <= tier[-1].lower_bound.v)
                        return false;
                if (k && tier->max_leverage > tier[-1].max_leverage)
                        return false;
        }
        return true;
}

enum errc margin_tier_sums(struct margin_tier_sums *out, const struct margin_table *table)
{
        int64_t den = 1;

        if (!bounds_hold(table))
                return E_INVALID;
        for (unsigned k = 0; k < table->n; k++) {
                int64_t twice = 2 * (int64_t)table->tier[k].max_leverage;

                /* den <= 1e12 and twice <= 2000, so the product can't overflow. */
                den = den / gcd(den, twice) * twice;
                if (den > MARGIN_TIER_DEN_MAX)
                        return E_INVALID;
        }
        *out = (struct margin_tier_sums){.den = den};
        for (unsigned k = 1; k < table->n; k++) {
                int64_t rate = den / (2 * (int64_t)table->tier[k].max_leverage);
                int64_t rate_below = den / (2 * (int64_t)table->tier[k - 1].max_leverage);

                out->deduction[k] = out->deduction[k - 1] +
                                    (num_wide)table->tier[k].lower_bound.v * (rate - rate_below);
        }
        return 0;
}

unsigned margin_tier_at(const struct margin_table *table, struct usd value)
{
        unsigned k = 0;

        while (k + 1 < table->n && k + 1 < MARGIN_TIERS_MAX &&
               table->tier[k + 1].lower_bound.v <= value.v)
                k++;
        return k;
}

num_wide margin_tier_maintenance(const struct margin_table *table,
                                 const struct margin_tier_sums *sums, struct usd value)
{
        unsigned k = margin_tier_at(table, value);
        num_wide rate = sums->den / (2 * (int64_t)table->tier[k].max_leverage);

        return value.v * rate - sums->deduction[k];
}

int64_t margin_tier_quotient(num_wide top, num_wide bottom, unsigned decimals, bool up)
{
        num_wide quotient = top / bottom;
        num_wide rest = top % bottom;

        for (unsigned i = 0; i < decimals && quotient <= INT64_MAX; i++) {
                rest *= 10;
                quotient = quotient * 10 + rest / bottom;
                rest %= bottom;
        }
        if (up && rest > 0)
                quotient++;
        return quotient > INT64_MAX ? INT64_MAX : (int64_t)quotient;
}
