#include "adapters/paper/wire.h"

/* Funding on the venue's clock. Every SAMPLE_MS a premium is taken per market:
 *   (max(impactBid - oracle, 0) - max(oracle - impactAsk, 0)) / oracle
 * and at each whole hour, with P the hour's average, the rate of eight hours is
 *   F = P + clamp(0.0001 - P, -0.0005, 0.0005)
 * of which an eighth is paid, within 4 percent. When time is advanced by hand the hours passed over
 * have no samples of their own and take the latest one. */

#define SAMPLE_MS     INT64_C(5000)
#define INTEREST      INT64_C(100000000)   /* 0.0001 */
#define CLAMP         INT64_C(500000000)   /* 0.0005 */
#define HOURLY_MAX    INT64_C(40000000000) /* 4 percent */
#define SAMPLES_BOUND 1000000

static int64_t clamp(int64_t v, int64_t bound)
{
        return v > bound ? bound : v < -bound ? -bound : v;
}

static void sample(struct paper *p, uint32_t asset)
{
        struct paper_market *m = &p->market[asset];
        struct px bid, ask;
        int64_t above = 0, below = 0;
        struct rate premium;

        if (!paper_market_impact(p, asset, 0, &bid) || !paper_market_impact(p, asset, 1, &ask))
                return;
        if (bid.v > m->oracle.v)
                above = bid.v - m->oracle.v;
        if (ask.v < m->oracle.v)
                below = m->oracle.v - ask.v;
        if (num_ratio(&premium, above - below, m->oracle.v, NUM_NEAREST))
                return;
        m->premium.v = clamp(premium.v, NUM_RATE_SCALE);
        if (m->n_premiums < SAMPLES_BOUND) {
                m->premium_sum += m->premium.v;
                m->n_premiums++;
        }
}

static struct rate average(const struct paper_market *m)
{
        if (m->n_premiums == 0)
                return m->premium;
        return (struct rate){m->premium_sum / m->n_premiums};
}

struct rate paper_funding_hourly(const struct paper *p, uint32_t asset)
{
        struct rate premium = average(&p->market[asset]);

        if (p->universe.spec[asset].is_delisted)
                return (struct rate){0};
        return (struct rate){
                clamp((premium.v + clamp(INTEREST - premium.v, CLAMP)) / 8, HOURLY_MAX)};
}

static void pay(struct paper *p, uint32_t asset, int64_t at)
{
        struct paper_market *m = &p->market[asset];
        struct paper_funding_row row = {at, paper_funding_hourly(p, asset), average(m)};

        if (p->universe.spec[asset].is_delisted)
                return;
        m->funding[m->n_funding++ % PAPER_FUNDING_ROWS] = row;
        m->premium_sum = 0;
        m->n_premiums = 0;
        engine_pay_funding(p->engine, asset, row.rate, at);
}

void paper_funding_tick(struct paper *p, int64_t at)
{
        if (at >= p->next_sample_at) {
                for (uint32_t i = 0; i < p->universe.n; i++)
                        sample(p, i);
                p->next_sample_at = at - at % SAMPLE_MS + SAMPLE_MS;
        }
        while (at >= p->next_funding_at) {
                for (uint32_t i = 0; i < p->universe.n; i++)
                        pay(p, i, p->next_funding_at);
                p->next_funding_at += PAPER_HOUR_MS;
        }
}
