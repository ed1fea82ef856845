/* hl_compile: a venue-neutral action, checked against its market and turned into the typed action,
 * the JSON that will be posted and the digest to sign. Preview and placing both come through here.
 * Pure. */
#ifndef HL_COMPILE_H
#define HL_COMPILE_H

#include "adapters/hyperliquid/hl_markets.h"
#include "adapters/venue.h"

/* The market's rules for one price or size; the error's hint names the nearest valid values. */
MUST_USE enum errc hl_compile_check_price(const struct market *m, struct px price,
                                          const char *field, struct err *err);
MUST_USE enum errc hl_compile_check_size(const struct market *m, struct qty size, const char *field,
                                         struct err *err);

/* out is filled on success only; the caller frees out->body. Errors: E_MARKET_NOT_OFFERED, E_TICK,
 * E_LOT, E_LEVERAGE, E_MARGIN_MODE, E_INVALID. markets may be NULL; sub_account is whom the action is
 * for, NULL: the signer's own account. */
MUST_USE enum errc hl_compile(struct venue_compiled *out, const struct venue_action *action,
                              const struct hl_markets *markets, bool is_mainnet,
                              const struct addr *sub_account, uint64_t nonce,
                              uint64_t expires_after, struct err *err);

#endif
