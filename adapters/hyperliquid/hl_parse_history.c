#include "adapters/hyperliquid/hl_parse_history.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/hyperliquid/hl_parse.h"
#include "adapters/hyperliquid/hl_raw.h"
#include "base/mem.h"

#define ROWS_MAX  10000
#define CANDLES   "candleSnapshot"
#define RATES     "fundingHistory"
#define PAYMENTS  "userFunding"
#define AGENTS    "extraAgents"
#define ALLOWANCE "userRateLimit"

enum errc hl_parse_history_decimal(char out[NUM_STR_MAX], const json_t *object, const char *key)
{
        size_t len = 0, digits = 0, points = 0;
        const char *s = hl_raw_get_text(object, key, &len);

        if (!s || len == 0 || len >= NUM_STR_MAX)
                return E_SYNTAX;
        for (size_t i = s[0] == '-' ? 1 : 0; i < len; i++) {
                if (s[i] == '.' && digits > 0 && points == 0)
                        points++;
                else if (s[i] >= '0' && s[i] <= '9')
                        digits++;
                else
                        return E_SYNTAX;
        }
        if (digits == 0 || s[len - 1] == '.')
                return E_SYNTAX;
        memcpy(out, s, len + 1);
        return E_OK;
}

enum errc hl_parse_history_span(struct venue_span *out, const json_t *answer, size_t cap)
{
        size_t n = json_array_size(answer);
        int64_t first = 0, at = 0;

        *out = (struct venue_span){.part = VENUE_WHOLE};
        for (size_t i = 0; i < n; i++) {
                if (hl_raw_get_int(&at, json_array_get(answer, i), "time") || at <= 0)
                        return E_SYNTAX;
                if (i == 0)
                        first = out->oldest_at = out->newest_at = at;
                if (at < out->oldest_at)
                        out->oldest_at = at;
                if (at > out->newest_at)
                        out->newest_at = at;
        }
        if (n >= cap)
                out->part = first > at ? VENUE_OLDER_MISSING : VENUE_NEWER_MISSING;
        return E_OK;
}

static bool is_list(const json_t *answer)
{
        return json_is_array(answer) && json_array_size(answer) <= ROWS_MAX;
}

enum errc hl_parse_history_candle(struct venue_candle *out, const json_t *candle)
{
        if (hl_raw_get_int(&out->open_at, candle, "t") ||
            hl_raw_get_int(&out->close_at, candle, "T") ||
            hl_parse_px_rounded(&out->open, candle, "o") ||
            hl_parse_px_rounded(&out->high, candle, "h") ||
            hl_parse_px_rounded(&out->low, candle, "l") ||
            hl_parse_px_rounded(&out->close, candle, "c") ||
            hl_parse_history_decimal(out->volume, candle, "v") ||
            hl_raw_get_uint(&out->trades, candle, "n"))
                return E_SYNTAX;
        return E_OK;
}

enum errc hl_parse_history_candles(struct venue_candle **out, size_t *n, const json_t *answer,
                                   struct err *err)
{
        struct venue_candle *candles;

        *out = NULL;
        *n = 0;
        if (!is_list(answer))
                return hl_parse_failed(err, CANDLES, "not a list that is accepted");
        candles = xcalloc(json_array_size(answer) + 1, sizeof *candles);
        for (size_t i = 0; i < json_array_size(answer); i++) {
                if (hl_parse_history_candle(&candles[i], json_array_get(answer, i))) {
                        free(candles);
                        return hl_parse_failed(err, CANDLES, "candle");
                }
        }
        *out = candles;
        *n = json_array_size(answer);
        return E_OK;
}

enum errc hl_parse_history_rates(struct venue_funding_rate **out, size_t *n, const json_t *answer,
                                 struct err *err)
{
        struct venue_funding_rate *rates;

        *out = NULL;
        *n = 0;
        if (!is_list(answer))
                return hl_parse_failed(err, RATES, "not a list that is accepted");
        rates = xcalloc(json_array_size(answer) + 1, sizeof *rates);
        for (size_t i = 0; i < json_array_size(answer); i++) {
                const json_t *row = json_array_get(answer, i);

                if (hl_raw_get_int(&rates[i].at, row, "time") ||
                    hl_parse_rate(&rates[i].rate, row, "fundingRate") ||
                    hl_parse_rate(&rates[i].premium, row, "premium")) {
                        free(rates);
                        return hl_parse_failed(err, RATES, "rate");
                }
        }
        *out = rates;
        *n = json_array_size(answer);
        return E_OK;
}

/* The venue calls the amount "usdc" whatever it is counted in: the market's collateral. */
static void name_token(struct venue_payment *p, const struct hl_markets *markets)
{
        const struct market *m = hl_markets_find(markets, p->symbol);

        if (m)
                memcpy(p->token, m->collateral, sizeof p->token);
}

enum errc hl_parse_history_payments(struct venue_payment **out, size_t *n, const json_t *answer,
                                    const struct hl_markets *markets, struct err *err)
{
        struct venue_payment *payments;

        *out = NULL;
        *n = 0;
        if (!is_list(answer))
                return hl_parse_failed(err, PAYMENTS, "not a list that is accepted");
        payments = xcalloc(json_array_size(answer) + 1, sizeof *payments);
        for (size_t i = 0; i < json_array_size(answer); i++) {
                const json_t *row = json_array_get(answer, i);
                const json_t *delta = json_object_get(row, "delta");
                const char *coin = hl_raw_get_text(delta, "coin", NULL);
                struct venue_payment *p = &payments[*n];

                if (coin && !hl_markets_has(markets, coin))
                        continue;
                if (hl_raw_get_int(&p->at, row, "time") ||
                    hl_parse_text(p->symbol, sizeof p->symbol, delta, "coin") || !p->symbol[0] ||
                    hl_parse_usd(&p->amount, delta, "usdc") ||
                    hl_parse_qty_rounded(&p->size, delta, "szi") ||
                    hl_parse_rate(&p->rate, delta, "fundingRate")) {
                        free(payments);
                        *n = 0;
                        return hl_parse_failed(err, PAYMENTS, "payment");
                }
                name_token(p, markets);
                (*n)++;
        }
        *out = payments;
        return E_OK;
}

enum errc hl_parse_history_agents(struct venue_agent **out, size_t *n, const json_t *answer,
                                  int64_t wall_ms, struct err *err)
{
        struct venue_agent *agents;

        *out = NULL;
        *n = 0;
        if (!json_is_array(answer) || json_array_size(answer) > VENUE_AGENTS_MAX)
                return hl_parse_failed(err, AGENTS, "not a list that is accepted");
        agents = xcalloc(json_array_size(answer) + 1, sizeof *agents);
        for (size_t i = 0; i < json_array_size(answer); i++) {
                const json_t *row = json_array_get(answer, i);
                struct venue_agent *a = &agents[*n];
                bool is_endless = hl_raw_is_absent(row, "validUntil");

                a->valid_until = 0;
                if (hl_raw_get_addr(&a->address, row, "address") ||
                    hl_parse_text(a->name, sizeof a->name, row, "name") ||
                    (!is_endless && hl_raw_get_int(&a->valid_until, row, "validUntil"))) {
                        free(agents);
                        *n = 0;
                        return hl_parse_failed(err, AGENTS, "agent");
                }
                if (is_endless || a->valid_until > wall_ms)
                        (*n)++;
        }
        *out = agents;
        return E_OK;
}

enum errc hl_parse_history_allowance(struct venue_allowance *out, const json_t *answer,
                                     struct err *err)
{
        *out = (struct venue_allowance){.used = 0};
        if (hl_parse_history_decimal(out->volume, answer, "cumVlm") ||
            hl_raw_get_uint(&out->used, answer, "nRequestsUsed") ||
            hl_raw_get_uint(&out->cap, answer, "nRequestsCap") ||
            (!hl_raw_is_absent(answer, "nRequestsSurplus") &&
             hl_raw_get_uint(&out->reserved, answer, "nRequestsSurplus")))
                return hl_parse_failed(err, ALLOWANCE, "counts");
        return E_OK;
}
