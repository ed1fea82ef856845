/* hl_parse_history: the venue's answers about the past, and about agents and allowances, as venue.h's
 * values. As in hl_parse.h: unknown fields are passed over, what is read must be right, and *out is
 * for the caller to free. Pure. */
#ifndef HL_PARSE_HISTORY_H
#define HL_PARSE_HISTORY_H

#include <jansson.h>
#include <stddef.h>

#include "adapters/hyperliquid/hl_markets.h"
#include "adapters/venue.h"

MUST_USE enum errc hl_parse_history_candle(struct venue_candle *out, const json_t *candle);
/* candleSnapshot, fundingHistory */
MUST_USE enum errc hl_parse_history_candles(struct venue_candle **out, size_t *n,
                                            const json_t *answer, struct err *err);
MUST_USE enum errc hl_parse_history_rates(struct venue_funding_rate **out, size_t *n,
                                          const json_t *answer, struct err *err);
/* userFunding; other kinds of market are left out. */
MUST_USE enum errc hl_parse_history_payments(struct venue_payment **out, size_t *n,
                                             const json_t *answer, const struct hl_markets *markets,
                                             struct err *err);
/* userNonFundingLedgerUpdates, as seen by user: what it sent is below zero. */
MUST_USE enum errc hl_parse_ledger(struct venue_ledger_row **out, size_t *n, const json_t *answer,
                                   const struct addr *user, struct err *err);
/* extraAgents; those that have expired by wall_ms are left out. */
MUST_USE enum errc hl_parse_history_agents(struct venue_agent **out, size_t *n,
                                           const json_t *answer, int64_t wall_ms, struct err *err);
/* userRateLimit */
MUST_USE enum errc hl_parse_history_allowance(struct venue_allowance *out, const json_t *answer,
                                              struct err *err);
/* The times of any list of rows, and whether the venue, which answers at most cap rows, left some
 * out. E_SYNTAX when a row has no time. */
MUST_USE enum errc hl_parse_history_span(struct venue_span *out, const json_t *answer, size_t cap);
/* A member that is a plain decimal, as text: [-]digits[.digits]. E_SYNTAX, also when it does not
 * fit. */
MUST_USE enum errc hl_parse_history_decimal(char out[NUM_STR_MAX], const json_t *object,
                                            const char *key);

#endif
