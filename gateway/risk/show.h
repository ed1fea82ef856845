/* show: how the venue prints its margin figures, digit for digit. The only place where a binary
 * double touches a price: the venue's own liquidation price is one, and is shown and compared, never
 * signed or decided on. Source: P = -num / (szi * (1 - side * m_k)) in doubles, in this order, with
 * num in dollars; "%.10f", trailing zeros dropped, one decimal kept. */
#ifndef RISK_SHOW_H
#define RISK_SHOW_H

#include "risk/margin.h"

/* buf holds NUM_STR_MAX bytes; NULL is returned (and buf is "") where there is no price. */
char *show_liquidation(char *buf, const struct margin_liquidation *liquidation);
/* The rendering until 2025-01: eight decimals. */
char *show_liquidation8(char *buf, const struct margin_liquidation *liquidation);
/* Money as the venue's answers have it: a binary double with up to ten decimals, at least one. */
char *show_money(char *buf, struct usd u);
char *show_usd(char *buf, struct usd u); /* at least one decimal: "2000.0" */
char *show_rate10(char *buf,
                  struct rate r); /* ten decimals at most, at least one: returnOnEquity */

#endif
