/* hl_dexes: the perp dexes that builders deployed, as the venue lists them, and the tokens that are their
 * collateral. Sources: "perpDexs", "spotMeta". Rows for others than the one looked for are not judged:
 * strangers deploy dexes, and an odd one must not hide those we trade on. Pure. */
#ifndef HL_DEXES_H
#define HL_DEXES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/venue.h"

#define HL_DEXES_MAX        1000 /* that the venue may list */
#define HL_DEXES_TOKENS_MAX 20000

struct hl_token {
        uint64_t index;
        char name[COLLATERAL_MAX];
        char id[40]; /* as transfers name it, after the name */
};
struct hl_tokens {
        size_t n;
        struct hl_token *token; /* owned */
};

/* What the venue says of a dex beside its universe. */
struct hl_dex_facts {
        char name[DEX_NAME_MAX];
        unsigned index; /* place in the list, from 1: asset ids follow from it */
        struct rate fee_scale;
        const struct hl_tokens *tokens; /* borrowed */
};

/* The row of that name, into out. E_NOT_FOUND: not listed. E_VENUE_UNAVAILABLE: no list, or the row is not
 * understood. */
MUST_USE enum errc hl_dexes_find(struct hl_dex_facts *out, const json_t *list, const char *name,
                                 struct err *err);

/* The tokens whose names could be the name of a collateral; NULL with err when it is no list. */
struct hl_tokens *hl_dexes_tokens(const json_t *spot_meta, struct err *err);
void hl_dexes_tokens_free(struct hl_tokens *tokens); /* accepts NULL */
/* NULL when there is none, or when its name is another's too: amounts go by the name, and two tokens must
 * not be taken for one. tokens may be NULL. */
const struct hl_token *hl_dexes_token(const struct hl_tokens *tokens, uint64_t index);

#endif
