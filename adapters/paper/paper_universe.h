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

enum paper_margin_mode { PAPER_MARGIN_NORMAL, PAPER_MARGIN_NO_CROSS, PAPER_MARGIN_STRICT };

struct paper_universe {
        size_t n;
        struct engine_market_spec *spec;
        enum paper_margin_mode *margin_mode;
        struct px *start;           /* oracle price at the start */
        char *meta_json;            /* the answer to {"type":"meta"} */
        char *tables_json;          /* the list under "marginTables" */
        struct margin_table *table; /* by id 0..n_tables-1 as listed */
        unsigned *table_id;
        size_t n_tables;
};

void paper_universe_default(struct paper_universe *out);
/* A capture: {universe, marginTables}, [meta, contexts], or either under "data". E_CONFIG says what
 * is wrong and where; *out is empty then. Start prices are the contexts' mark prices, else the
 * oracle's, else the built-in table's for that name, else 1. */
MUST_USE enum errc paper_universe_load(struct paper_universe *out, const char *file,
                                       struct err *err);
void paper_universe_fini(struct paper_universe *universe); /* accepts NULL and zeroed */
/* Index by name, or -1. */
int paper_universe_find(const struct paper_universe *universe, const char *name);
/* The table with that id: listed, or implied (ids below 50 are one tier of that leverage). */
MUST_USE enum errc paper_universe_table(const struct paper_universe *universe,
                                        struct margin_table *out, uint64_t id);
/* {description, marginTiers} of a table. */
void paper_universe_show_table(struct buf *out, const char *key, const struct margin_table *table);

#endif
