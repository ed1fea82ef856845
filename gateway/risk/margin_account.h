/* margin_account: all margin figures of one account on one dex, from what is known of it. What is not
 * known is not made up: a figure is known or not, and carries its doubts (margin_doubt.h).
 *
 * cross account value    = cross cash + sum of side * value over cross positions
 * account value          = the same + sum of (isolated cash + side * value)
 * maintenance            = sum over cross positions, each cut to 0.000001
 * margin used            = cross: value / leverage, cut; isolated: cash + side * value
 * withdrawable           = margin_withdrawable
 * In a unified account the cross positions of all dexs of a collateral share the spot balance in it,
 * which holds everything: cross equity = spot total - isolated margin used. The venue publishes this as
 * the denominator of its unified account ratio; the perpetual account's own sums stay as they are.
 * What backs the positions is held back in that balance (spot_hold). Where it holds back less than half
 * of what they use, it does not contain it: it then adds to the cross account value, in doubt.
 * Portfolio margin lends value to other assets at prices and caps that are not part of an account's
 * state: its cross prices are not known here. Pure; cost grows with the number of positions. */
#ifndef RISK_MARGIN_ACCOUNT_H
#define RISK_MARGIN_ACCOUNT_H

#include <stddef.h>

#include "risk/margin.h"
#include "risk/margin_doubt.h"

/* How the collateral is pooled. */
enum margin_pool {
        MARGIN_POOL_UNKNOWN, /* taken as standard, and said so */
        MARGIN_POOL_STANDARD,
        MARGIN_POOL_UNIFIED,
        MARGIN_POOL_PORTFOLIO,
};

/* A position and what is known about it. */
struct margin_holding {
        struct margin_position p; /* tiers.n 0, leverage 0: not known */
        bool has_value, has_entry, has_raw_usd;
        unsigned tier_doubts;  /* about p.tiers: margin_rating_find */
        unsigned entry_doubts; /* about p.entry_notional */
};

struct margin_account {
        enum margin_pool pool;
        size_t n;
        const struct margin_holding *holding; /* borrowed */
        /* Either the list is complete and the cross cash known, or the cross sums are given. */
        bool is_complete, has_cash, has_cross;
        struct usd cash;                       /* crossMarginSummary.totalRawUsd */
        struct usd account_value, maintenance; /* of the cross account */
        bool has_resting;
        struct usd resting; /* reserved by resting orders: margin_reserve.h */
        /* Unified: the whole balance in the collateral token, and what the other dexs of that
         * collateral take of it. */
        bool has_spot, has_other_dexes;
        struct usd spot_total, spot_hold, other_maintenance, other_isolated;
        unsigned doubts; /* about all of it, such as MARGIN_DOUBT_STALE */
};

struct margin_money {
        bool known;
        struct usd v;
        unsigned doubts;
};

struct margin_sums {
        struct margin_money account_value, cross_account_value, margin_used, cross_margin_used,
                cross_notional, maintenance, withdrawable, free;
        /* What cross positions are judged by: in a unified account not the account's own sums. */
        struct margin_money equity, requirement;
};
/* E_RANGE; E_INVALID for a position whose table margin_table_check refuses. */
MUST_USE enum errc margin_account_sums(struct margin_sums *out,
                                       const struct margin_account *account);

struct margin_holding_figures {
        struct margin_money unrealized_pnl, margin_used, maintenance;
        struct {
                bool known;
                struct rate v;
                unsigned doubts;
        } return_on_equity;
        struct {
                bool known; /* and then v.exists tells whether there is a price */
                struct margin_liquidation v;
                unsigned doubts;
        } liquidation;
};
/* Of account->holding[i]; sums are those of the same account. E_RANGE, E_INVALID. */
MUST_USE enum errc margin_account_holding(struct margin_holding_figures *out,
                                          const struct margin_account *account,
                                          const struct margin_sums *sums, size_t i);

#endif
