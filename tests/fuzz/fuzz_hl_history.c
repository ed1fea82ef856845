/* The venue's answers about the past: parsed whole or refused, and what is parsed is freed once. */
#include <stdint.h>
#include <stdlib.h>

#include "adapters/hyperliquid/hl_parse_history.h"
#include "adapters/hyperliquid/hl_raw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct addr user = {.b = {[19] = 0xaa}};
        json_t *answer = hl_raw_load((const char *)data, size, NULL);
        struct venue_funding_rate *rates = NULL;
        struct venue_payment *payments = NULL;
        struct venue_ledger_row *rows = NULL;
        struct venue_candle *candles = NULL;
        struct venue_agent *agents = NULL;
        struct venue_allowance allowance;
        struct venue_span span;
        size_t n;

        if (!answer)
                return 0;
        (void)!hl_parse_history_candles(&candles, &n, answer, NULL);
        (void)!hl_parse_history_rates(&rates, &n, answer, NULL);
        (void)!hl_parse_history_payments(&payments, &n, answer, NULL, NULL);
        (void)!hl_parse_ledger(&rows, &n, answer, &user, NULL);
        (void)!hl_parse_history_agents(&agents, &n, answer, 1000, NULL);
        (void)!hl_parse_history_allowance(&allowance, answer, NULL);
        (void)!hl_parse_history_span(&span, answer, 3);
        free(candles);
        free(rates);
        free(payments);
        free(rows);
        free(agents);
        json_decref(answer);
        return 0;
}
