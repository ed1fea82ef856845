/* paper_show: the venue's JSON of orders, fills and accounts. Each function writes one value; a
 * NULL key makes it an array element. */
#ifndef PAPER_SHOW_H
#define PAPER_SHOW_H

#include "adapters/paper/wire.h"

/* openOrders and orderUpdates. */
void paper_show_order(struct paper *p, struct buf *out, const char *key,
                      const struct engine_order *order);
/* frontendOpenOrders, orderStatus, historicalOrders. */
void paper_show_order_full(struct paper *p, struct buf *out, const char *key,
                           const struct engine_order *order);
/* {order, status, statusTimestamp}, the order in its short or full form. */
void paper_show_order_status(struct paper *p, struct buf *out, const char *key,
                             const struct engine_order *order, bool is_full);
/* The array of open orders; children that wait for their parent stand within it in the full form. */
void paper_show_open_orders(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, unsigned dex, bool is_full);
void paper_show_history(struct paper *p, struct buf *out, const char *key, const struct addr *user);
void paper_show_fill(struct paper *p, struct buf *out, const char *key,
                     const struct engine_fill *fill);
/* Fills in [from, until], newest first, or oldest first. */
void paper_show_fills(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                      int64_t from, int64_t until, bool is_oldest_first);
/* {fill, twapId}; fills of TWAPs stand in no other list. Newest first. */
void paper_show_slice_fill(struct paper *p, struct buf *out, const struct engine_fill *fill);
void paper_show_slice_fills(struct paper *p, struct buf *out, const char *key,
                            const struct addr *user, int64_t from, int64_t until);
void paper_show_account(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                        unsigned dex);
void paper_show_spot(struct paper *p, struct buf *out, const char *key, const struct addr *user);
void paper_show_setting(struct paper *p, struct buf *out, const char *key, const struct addr *user,
                        uint32_t asset);
/* Funding paid: {time, coin, usdc, szi, fundingRate, nSamples}, with type when in a ledger. */
void paper_show_payment(struct paper *p, struct buf *out, const char *key,
                        const struct paper_payment *payment, bool is_ledger);
/* Rows in [from, until], oldest first. */
void paper_show_payments(struct paper *p, struct buf *out, const char *key,
                         const struct paper_user *user, int64_t from, int64_t until,
                         bool is_ledger);
void paper_show_row(struct buf *out, const char *key, const struct paper_row *row);
void paper_show_rows(struct buf *out, const char *key, const struct paper_user *user, int64_t from,
                     int64_t until);

#endif
