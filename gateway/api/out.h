/* out: the API's JSON, one writer per thing. Prices, sizes and money are decimal strings; times are
 * integers. Appends to a buf; the caller checks the bound once. */
#ifndef API_OUT_H
#define API_OUT_H

#include "adapters/venue.h"
#include "base/buf.h"
#include "brand/brand.h"
#include "plan/plan.h"

/* ,"name": with the comma left out right after an opening bracket. The building blocks. */
void out_key(struct buf *out, const char *name);
void out_text(struct buf *out, const char *name, const char *value); /* NULL: null */
void out_px(struct buf *out, const char *name, struct px value);
void out_qty(struct buf *out, const char *name, struct qty value);
void out_usd(struct buf *out, const char *name, struct usd value);
void out_rate(struct buf *out, const char *name, struct rate value, unsigned decimals);
void out_int(struct buf *out, const char *name, int64_t value);
void out_bool(struct buf *out, const char *name, bool value);
void out_null(struct buf *out, const char *name);

void out_brand(struct buf *out, const struct brand *brand, const char *network);
void out_market(struct buf *out, const struct market *market, const struct brand *brand);
void out_book(struct buf *out, const struct venue_book *book);
void out_trades(struct buf *out, const char *symbol, const struct venue_trade *trades, size_t n);
/* {"price","size","orders"}. */
void out_level(struct buf *out, const struct venue_level *level);
void out_candle(struct buf *out, const struct venue_candle *candle);
/* "plan":[...] and "risk":{...} as members. */
void out_plan(struct buf *out, const struct plan *plan);
void out_risk(struct buf *out, const struct plan_risk *risk, const char *collateral);
/* A position with its protective orders found among orders. market may be NULL (unknown); guard is its
 * margin guard as JSON, or NULL. */
void out_position(struct buf *out, const struct venue_position *position,
                  const struct venue_account *account, const struct market *market,
                  const struct venue_open_order *orders, size_t n_orders, const char *guard);
/* One that is not there any more: its size and money are 0, its other figures as they were or null. */
void out_position_gone(struct buf *out, const struct venue_position *was,
                       const struct venue_account *account, const struct market *market);
/* The same of a position that is not there yet; its liquidation price is not the venue's. */
void out_position_foreseen(struct buf *out, const struct venue_position *position,
                           const struct venue_account *account, const struct market *market,
                           const struct venue_open_order *orders, size_t n_orders,
                           enum risk_source source);
/* An open order as an object. */
void out_open_order(struct buf *out, const struct venue_open_order *order, const char *status,
                    const char *client_id, int64_t status_at);

/* A builder fee in tenths of a basis point, as a share of notional. */
struct rate out_fee_share(unsigned tenth_bp);
const char *out_side(enum side side);
const char *out_order_type(const struct venue_open_order *order);

#endif
