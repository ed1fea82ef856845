/* hl_parse: the venue's answers to info requests, turned into venue.h's values. The venue adds fields
 * freely, so unknown ones are passed over; what is read must be of the right type and fit, or the
 * answer as a whole is refused: E_VENUE_UNAVAILABLE with err naming the place. Pure. */
#ifndef HL_PARSE_H
#define HL_PARSE_H

#include <jansson.h>
#include <stddef.h>

#include "adapters/hyperliquid/hl_markets.h"
#include "adapters/venue.h"

/* Decimal members. Prices and sizes of orders and fills are exact; money is rounded to 0.000001 as
 * the venue counts it, and figures it prints from binary doubles to what the type holds. E_SYNTAX,
 * E_RANGE. */
MUST_USE enum errc hl_parse_px(struct px *out, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_qty(struct qty *out, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_usd(struct usd *out, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_rate(struct rate *out, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_px_rounded(struct px *out, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_qty_rounded(struct qty *out, const json_t *object, const char *key);
/* Copies a text member that must fit. */
MUST_USE enum errc hl_parse_text(char *out, size_t cap, const json_t *object, const char *key);
MUST_USE enum errc hl_parse_side(enum side *out, const json_t *object); /* "side": "B" or "A" */
MUST_USE enum errc hl_parse_cloid(bool *has, struct cloid *out, const json_t *object);
/* E_VENUE_UNAVAILABLE, saying which answer and which part of it was not understood. */
enum errc hl_parse_failed(struct err *err, const char *answer, const char *part);

/* clearinghouseState. Positions are owned by out: free(out->position). markets may be NULL: tiers
 * are then unknown. */
MUST_USE enum errc hl_parse_account(struct venue_account *out, const json_t *answer,
                                    const struct hl_markets *markets, struct err *err);
/* activeAssetData */
MUST_USE enum errc hl_parse_account_setting(struct venue_setting *out, const json_t *answer,
                                            struct err *err);
/* userFees: rates after the referral discount. */
MUST_USE enum errc hl_parse_account_fees(struct venue_fees *out, const json_t *answer,
                                         struct err *err);

/* frontendOpenOrders: children are listed beside their parents, each order once; orders of other
 * kinds of market (spot, other dexs) are left out. *out is for the caller to free. */
MUST_USE enum errc hl_parse_orders(struct venue_open_order **out, size_t *n, const json_t *answer,
                                   const struct hl_markets *markets, struct err *err);
/* orderStatus */
MUST_USE enum errc hl_parse_orders_status(struct venue_order_status *out, const json_t *answer,
                                          const struct hl_markets *markets, struct err *err);
/* historicalOrders; those of other kinds of market are left out. *out is for the caller to free. */
MUST_USE enum errc hl_parse_orders_past(struct venue_order_status **out, size_t *n,
                                        const json_t *answer, const struct hl_markets *markets,
                                        struct err *err);

/* userFills; those of other kinds of market are left out. *out is for the caller to free. */
MUST_USE enum errc hl_parse_fills(struct venue_fill **out, size_t *n, const json_t *answer,
                                  const struct hl_markets *markets, struct err *err);

/* One level of a book: price and size are above zero. */
MUST_USE enum errc hl_parse_market_level(struct venue_level *out, const json_t *level);
/* l2Book and recentTrades */
MUST_USE enum errc hl_parse_market_book(struct venue_book *out, const json_t *answer,
                                        struct err *err);
MUST_USE enum errc hl_parse_market_trades(struct venue_trade **out, size_t *n, const json_t *answer,
                                          struct err *err);

/* True for names that markets of the first perp dex have: not spot's, an outcome's or another dex's. */
bool hl_parse_is_perp(const char *coin);

#endif
