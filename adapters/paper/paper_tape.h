/* paper_tape: the venue's JSON of its markets: contexts, mids, books, trades. Each function writes one
 * value; a NULL key makes it an array element. */
#ifndef PAPER_TAPE_H
#define PAPER_TAPE_H

#include "adapters/paper/wire.h"

void paper_tape_context(struct paper *p, struct buf *out, const char *key, uint32_t asset);
void paper_tape_contexts(struct paper *p, struct buf *out, const char *key, unsigned dex);
void paper_tape_mids(struct paper *p, struct buf *out, const char *key, unsigned dex);
void paper_tape_level(struct buf *out, const char *key, const struct engine_level *level);
void paper_tape_book(struct paper *p, struct buf *out, const char *key, uint32_t asset,
                     const struct paper_grid *grid);
void paper_tape_trade(struct paper *p, struct buf *out, const char *key, uint32_t asset,
                      const struct paper_trade *trade);
/* The newest n trades, newest first or oldest first. */
void paper_tape_trades(struct paper *p, struct buf *out, const char *key, uint32_t asset, size_t n,
                       bool is_oldest_first);

#endif
