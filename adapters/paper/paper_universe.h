/* paper_universe: which markets the venue has, from the built-in table or from a captured `meta`,
 * with their start prices. Immutable once loaded. */
#ifndef PAPER_UNIVERSE_H
#define PAPER_UNIVERSE_H

#include <stddef.h>
#include <stdint.h>

#include "adapters/paper/engine.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/num.h"

#define PAPER_MARKETS_MAX 1024
#define PAPER_DEX_ID(dex) (100000u + 10000u * (dex)) /* of its first market, beyond the first dex */

/* Tokens that back a dex: token 0 is USDC, the first dex's. */
struct paper_token {
        const char *name;
        unsigned sz_decimals;
        const char *mainnet_id, *testnet_id;
};

/* A perps dex: a range of the markets, with a collateral of its own. Number 0 is the venue's, others
 * were deployed by builders: their markets' names begin with the dex's and a colon, and margin tables
 * are told apart by dex. */
struct paper_dex {
        char name[8]; /* "" the first */
        const char *full_name;
        struct addr deployer;
        uint32_t first, n; /* its markets */
        unsigned token;
        unsigned fee_scale;   /* deployerFeeScale in thousandths */
        struct usd oi_cap;    /* of each of its markets */
        const char *deployed; /* since when the scale is what it is */
        char *meta_json;      /* the answer to {"type":"meta"} */
};

enum paper_margin_mode { PAPER_MARGIN_NORMAL, PAPER_MARGIN_NO_CROSS, PAPER_MARGIN_STRICT };

struct paper_universe {
        size_t n; /* markets of all dexes, the first dex's first */
        struct engine_market_spec *spec;
        enum paper_margin_mode *margin_mode;
        bool *is_growing;           /* growth mode: a tenth of the fees */
        struct px *start;           /* oracle price at the start */
        struct margin_table *table; /* in the order listed */
        unsigned *table_id, *table_dex;
        size_t n_tables;
        struct paper_dex dex[ENGINE_DEXES_MAX];
        unsigned n_dexes;
};

/* The built-in markets, and a builder's dex beside them (paper_dexes.c). */

void paper_universe_default(struct paper_universe *out);
/* One dex, from a capture: {universe, marginTables}, [meta, contexts], or either under "data". E_CONFIG says what
 * is wrong and where; *out is empty then. Start prices are the contexts' mark prices, else the
 * oracle's, else the built-in table's for that name, else 1. */
MUST_USE enum errc paper_universe_load(struct paper_universe *out, const char *file,
                                       struct err *err);
void paper_universe_fini(struct paper_universe *universe); /* accepts NULL and zeroed */
/* Index by name, or -1. */
int paper_universe_find(const struct paper_universe *universe, const char *name);
/* The dex's table with that id: listed, or implied (ids below 50 are one tier of that leverage). */
MUST_USE enum errc paper_universe_table(const struct paper_universe *universe,
                                        struct margin_table *out, unsigned dex, uint64_t id);
/* Market by the id that actions use (100000 + 10000 * dex + i beyond the first dex); false: none. */
bool paper_universe_by_id(const struct paper_universe *universe, uint32_t *asset, uint32_t id);
/* {description, marginTiers} of a table. */
void paper_universe_show_table(struct buf *out, const char *key, const struct margin_table *table);

/* paper_dexes.c. Makes room for the builtin dexes at the end, before rendering. */
extern const struct paper_token paper_dexes_token[];
#define PAPER_TOKENS 2
size_t paper_dexes_n_markets(void);
size_t paper_dexes_n_tables(void);
void paper_dexes_add(struct paper_universe *universe);
/* Number of the dex with that name; -1: none. */
int paper_dexes_find(const struct paper_universe *universe, const char *name);
/* The dex that the token backs; -1: none, and the venue does not know the token. */
int paper_dexes_by_token(const struct paper_universe *universe, unsigned token);
/* One entry of perpDexs: null for the first. */
void paper_dexes_show(struct buf *out, const struct paper_universe *universe, unsigned dex);
/* The tokens of spotMeta. */
void paper_dexes_show_tokens(struct buf *out, const struct paper_universe *universe,
                             bool is_mainnet);
/* Writes every dex's meta. */
void paper_dexes_render(struct paper_universe *universe);
void paper_universe_set_mode(struct paper_universe *universe, size_t i,
                             enum paper_margin_mode mode);

#endif
