/* size: a position sized by what may be lost. From an entry, a stop and an amount at risk: the largest
 * lot whose loss at the stop does not exceed it, fees included, and the isolated margin that keeps the
 * liquidation price beyond the stop, so that the stop, and not a liquidation, ends a losing trade.
 *
 * loss(q)   = q * (|entry - stop| + entry * entry rate + stop * stop rate), each rate being the venue's
 *             plus the builder's; decided on the exact value, shown rounded up to 0.000001
 * target    = stop * (1 - side * buffer), away from the stop by one unit where it does not come out even
 * margin    = the smallest collateral with which the position, its entry fee paid from it, is liquidated
 *             at the target or beyond, and at least notional / leverage
 * leverage  = the smallest whole one whose own margin is not above that, within the maxima
 * It takes the market to be flat: with a position open there, sizes and margins add up otherwise. The
 * fill is taken to be at the entry price. Pure. */
#ifndef RISK_SIZE_H
#define RISK_SIZE_H

#include "risk/margin.h"

struct size_request {
        bool is_long;
        struct px entry, stop;
        struct usd risk;
        struct rate entry_fee,
                stop_fee;        /* the venue's: maker or taker, taker; a rebate is negative */
        struct rate builder_fee; /* on both legs; 0: none */
        struct rate buffer;      /* part of the stop price, >= 0 */
        unsigned size_decimals;  /* the lot is 10^-size_decimals */
        struct margin_table tiers;
        unsigned max_leverage; /* of the market and the brand, the lower; the tiers bound it too */
        struct qty max_size;   /* whole lots; 0: as much as the risk allows */
        struct usd min_value;  /* least value of an order */
        bool has_free;
        struct usd free; /* collateral that may be dedicated */
};

enum size_refusal {
        SIZE_FITS,
        SIZE_INPUT,      /* a price, risk, buffer or maximum that can't be */
        SIZE_STOP_SIDE,  /* the stop is not on the losing side of the entry */
        SIZE_NO_LOSS,    /* a rebate pays more than is lost between entry and stop */
        SIZE_TOO_SMALL,  /* the lot it comes to is worth less than min_value: see least_risk */
        SIZE_TOO_LARGE,  /* beyond what the numbers hold */
        SIZE_BUFFER,     /* no positive price lies so far beyond the stop */
        SIZE_COLLATERAL, /* margin is above free */
};
enum errc size_refusal_code(
        enum size_refusal refusal); /* the error to answer with; 0 for SIZE_FITS */
const char *size_refusal_text(enum size_refusal refusal);

/* Filled as far as it was come: a refusal leaves what follows it zero. */
struct size_result {
        struct qty size;
        struct usd notional;   /* at the entry */
        struct usd loss;       /* at the stop, fees included; <= risk */
        struct usd entry_fees; /* venue's and builder's, rounded up */
        struct usd stop_fees;
        struct usd least_risk;                 /* what min_value needs */
        struct px target;                      /* where liquidation may be at the nearest */
        struct usd margin;                     /* to dedicate */
        struct usd required;                   /* the part of it that the target needs */
        unsigned leverage;                     /* to set */
        struct margin_liquidation liquidation; /* with that margin */
};

enum size_refusal size_by_risk(struct size_result *out, const struct size_request *request);

#endif
