/* margin_doubt: why a figure is not certain. A figure without doubts is exact: the venue's own rule,
 * applied to everything it needs. With doubts it is an estimate, or not there at all; it never passes
 * for certain. Doubts are a set of bits, so that figures built on others inherit theirs. */
#ifndef RISK_MARGIN_DOUBT_H
#define RISK_MARGIN_DOUBT_H

enum margin_doubt {
        MARGIN_DOUBT_NONE = 0,
        MARGIN_DOUBT_INPUT = 1 << 0, /* something the rule needs was not given */
        MARGIN_DOUBT_MODE = 1 << 1,  /* account mode not told; taken as standard */
        MARGIN_DOUBT_SPOT = 1 << 2,  /* unified, and the spot state is not there or not whole */
        MARGIN_DOUBT_DEXES = 1 << 3, /* unified, and other dexs of the collateral were not given */
        MARGIN_DOUBT_PORTFOLIO = 1 << 4, /* portfolio margin: lent values and caps are not here */
        MARGIN_DOUBT_LIST = 1 << 5,      /* the list of positions is not complete */
        MARGIN_DOUBT_RATING = 1 << 6,  /* re-rated since it was opened; its old tiers are guessed */
        MARGIN_DOUBT_MARKET = 1 << 7,  /* market not in the metadata; tiers from its own leverage */
        MARGIN_DOUBT_ENTRY = 1 << 8,   /* entry price known only as printed, cut */
        MARGIN_DOUBT_RESTING = 1 << 9, /* what resting orders reserve is not known */
        MARGIN_DOUBT_STALE = 1 << 10,  /* the state is older than it may be */
};
#define MARGIN_DOUBT_LAST MARGIN_DOUBT_STALE

const char *margin_doubt_name(enum margin_doubt doubt); /* one bit: "tiersGuessed" */
const char *margin_doubt_text(enum margin_doubt doubt); /* a sentence for a person */

#endif
