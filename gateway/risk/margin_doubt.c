#include "risk/margin_doubt.h"

#include "base/attr.h"

const char *margin_doubt_name(enum margin_doubt doubt)
{
        switch (doubt) {
        case MARGIN_DOUBT_NONE: return "none";
        case MARGIN_DOUBT_INPUT: return "inputMissing";
        case MARGIN_DOUBT_MODE: return "modeUnknown";
        case MARGIN_DOUBT_SPOT: return "spotUnknown";
        case MARGIN_DOUBT_DEXES: return "otherDexsUnknown";
        case MARGIN_DOUBT_PORTFOLIO: return "portfolioMargin";
        case MARGIN_DOUBT_LIST: return "positionsIncomplete";
        case MARGIN_DOUBT_RATING: return "tiersGuessed";
        case MARGIN_DOUBT_MARKET: return "marketUnknown";
        case MARGIN_DOUBT_ENTRY: return "entryCut";
        case MARGIN_DOUBT_RESTING: return "restingOrdersUnknown";
        case MARGIN_DOUBT_STALE: return "stale";
        }
        never("a doubt");
}

const char *margin_doubt_text(enum margin_doubt doubt)
{
        switch (doubt) {
        case MARGIN_DOUBT_NONE: return "Nothing is in doubt.";
        case MARGIN_DOUBT_INPUT: return "Something that the rule needs is not known.";
        case MARGIN_DOUBT_MODE:
                return "The account's mode is not known; it is taken as a standard account.";
        case MARGIN_DOUBT_SPOT:
                return "The account is unified: its spot balance is collateral, and is not known, "
                       "or "
                       "does not contain what backs the positions.";
        case MARGIN_DOUBT_DEXES:
                return "The account is unified: positions on other dexs share its collateral, and "
                       "are not known.";
        case MARGIN_DOUBT_PORTFOLIO:
                return "The account uses portfolio margin: other assets lend it value that is not "
                       "counted here.";
        case MARGIN_DOUBT_LIST: return "Not all positions of the account are known.";
        case MARGIN_DOUBT_RATING:
                return "The market was re-rated since the position was opened, and the tiers that "
                       "it follows are guessed.";
        case MARGIN_DOUBT_MARKET:
                return "The market is not in the venue's list; its tiers are taken from the "
                       "position's own leverage.";
        case MARGIN_DOUBT_ENTRY:
                return "The entry price is known only as printed, which cuts its last digits.";
        case MARGIN_DOUBT_RESTING: return "What resting orders reserve is not known.";
        case MARGIN_DOUBT_STALE: return "The account's state is older than it may be.";
        }
        never("a doubt");
}
