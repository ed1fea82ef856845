/* hl_exposure: an account state (clearinghouseState) as the margin rules need it. It takes what is there
 * and says what is not, where hl_parse_account refuses an answer of the venue that is not whole: for
 * states that were kept by others, cut or old, and for all that the shadow account computes itself.
 * Pure. */
#ifndef HL_EXPOSURE_H
#define HL_EXPOSURE_H

#include <jansson.h>
#include <stddef.h>

#include "adapters/hyperliquid/hl_meta.h"
#include "risk/margin_account.h"

struct hl_exposure_name {
        char symbol[SYMBOL_MAX];
        unsigned max_leverage; /* the position's own; 0: not told */
};
struct hl_exposure {
        struct margin_account account; /* borrows holding */
        struct margin_holding *holding;
        struct hl_exposure_name *name; /* one per holding */
        bool has_at;
        int64_t at; /* the venue's time */
};

/* A position: what is absent stays zero and unknown; what is there must be right: E_SYNTAX, E_RANGE.
 * Its entry notional is exact where the state has the profit, else it is size times the printed price.
 * universe may be NULL. */
MUST_USE enum errc hl_exposure_position(struct margin_holding *out, struct hl_exposure_name *name,
                                        const json_t *position, const struct hl_universe *universe);
/* The account; mode unknown, no spot state. The list of positions is taken as complete when the cross
 * cash (totalRawUsd) is there, unless the cross account value is too and is not their sum.
 * E_VENUE_UNAVAILABLE with err; out is then empty. */
MUST_USE enum errc hl_exposure_read(struct hl_exposure *out, const json_t *state,
                                    const struct hl_universe *universe, struct err *err);
void hl_exposure_fini(struct hl_exposure *exposure); /* accepts NULL and zeroed */

/* The venue's words and the gateway's; MARGIN_POOL_UNKNOWN for others and NULL. */
enum margin_pool hl_exposure_pool(const char *mode);
/* Takes the balance in the collateral token from a spotClearinghouseState: 0 where it lists none.
 * E_SYNTAX, and the spot state stays unknown. */
MUST_USE enum errc hl_exposure_spot(struct hl_exposure *exposure, const json_t *spot,
                                    uint64_t token);

#endif
