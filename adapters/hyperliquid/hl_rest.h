/* hl_rest: requests to the venue's /info and /exchange, within the weight budgets of the egress
 * addresses. Orders come before
 * reads, and what trading reads before what is only shown and the past (public books, trades, candles, rates, history), which
 * have a part of the budget only; all wait in bounded queues until the budget lets them go or their deadline passes.
 * Loop thread only. */
#ifndef HL_REST_H
#define HL_REST_H

#include <stddef.h>
#include <stdint.h>

#include "adapters/hyperliquid/hl_egress.h"
#include "adapters/venue.h"
#include "base/buf.h"
#include "base/err.h"
#include "loop/http_client.h"
#include "loop/loop.h"

struct hl_rest;

/* Rows: constant, name as in the request's "type" and in metrics, weight. */
#define HL_REST_KINDS(ROW)                                                                         \
        ROW(HL_REST_EXCHANGE, "exchange", 1)                                                       \
        ROW(HL_REST_META, "metaAndAssetCtxs", 20)                                                  \
        ROW(HL_REST_DEXES, "perpDexs", 20)                                                         \
        ROW(HL_REST_TOKENS, "spotMeta", 20)                                                        \
        ROW(HL_REST_BOOK, "l2Book", 2)                                                             \
        ROW(HL_REST_SHOWN_BOOK, "l2BookShown", 2) /* l2Book, for whoever only looks */             \
        ROW(HL_REST_ACCOUNT, "clearinghouseState", 2)                                              \
        ROW(HL_REST_ORDER_STATUS, "orderStatus", 2)                                                \
        ROW(HL_REST_SETTING, "activeAssetData", 20)                                                \
        ROW(HL_REST_OPEN_ORDERS, "frontendOpenOrders", 20)                                         \
        ROW(HL_REST_FILLS, "userFills", 20)                                                        \
        ROW(HL_REST_TRADES, "recentTrades", 20)                                                    \
        ROW(HL_REST_FEES, "userFees", 20)                                                          \
        ROW(HL_REST_BUILDER_FEE, "maxBuilderFee", 20)                                              \
        ROW(HL_REST_ABSTRACTION, "userAbstraction", 20)                                            \
        ROW(HL_REST_EXTRA_AGENTS, "extraAgents", 20)                                               \
        ROW(HL_REST_USER_ROLE, "userRole", 60)                                                     \
        ROW(HL_REST_CANDLES, "candleSnapshot", 20)                                                 \
        ROW(HL_REST_FUNDING_HISTORY, "fundingHistory", 20)                                         \
        ROW(HL_REST_PAST_FILLS, "userFillsByTime", 20)                                             \
        ROW(HL_REST_PAYMENTS, "userFunding", 20)                                                   \
        ROW(HL_REST_LEDGER, "userNonFundingLedgerUpdates", 20)                                     \
        ROW(HL_REST_PAST_ORDERS, "historicalOrders", 20)                                           \
        ROW(HL_REST_ALLOWANCE, "userRateLimit", 20)                                                \
        ROW(HL_REST_SUB_ACCOUNTS, "subAccounts", 20)                                               \
        ROW(HL_REST_PASSED, "passed", 0) /* somebody else's, as it came; its weight is told */

enum hl_rest_kind {
#define ROW(constant, name, weight) constant,
        HL_REST_KINDS(ROW)
#undef ROW
                HL_REST_KIND_COUNT
};
const char *hl_rest_kind_name(enum hl_rest_kind kind);

struct hl_rest_options {
        const char *base_url;
        struct hl_egress_options egress;
};

/* Strings are copied. */
struct hl_rest *hl_rest_new(struct loop *loop, const struct hl_rest_options *options);
/* Ends every request (its callback fires) and frees. Not from within such a callback. */
void hl_rest_free(struct hl_rest *rest);

/* refused is 0 when the request was handed to the network, whatever came of it: see answer. Else
 * nothing was sent: E_RATE_LIMITED (no budget before the deadline, or too many waiting) or
 * E_VENUE_UNAVAILABLE (closing), and answer->result is HTTP_NOT_SENT with the reason. Fires exactly
 * once, never before hl_rest_post has returned. */
typedef void hl_rest_done(void *cookie, const struct http_answer *answer, enum errc refused);

/* Posts body (copied). n_items counts the orders or cancels of an exchange request; of a passed one it
 * is the weight. */
void hl_rest_post(struct hl_rest *rest, enum hl_rest_kind kind, const void *body, size_t body_len,
                  unsigned n_items, int64_t deadline_ms, hl_rest_done *done, void *cookie);
/* Weight that an answer of n items cost beyond its request's: one per 20. While the answer is told. */
void hl_rest_charge_items(struct hl_rest *rest, enum hl_rest_kind kind, size_t n);

void hl_rest_budget(struct hl_rest *rest, struct venue_budget *out);
void hl_rest_metrics(struct hl_rest *rest, struct buf *out);

#endif
