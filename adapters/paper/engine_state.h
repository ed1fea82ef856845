/* engine_state: the fields of the engine's structs, one walk for writing and reading each. For the
 * engine's own files. */
#ifndef PAPER_ENGINE_STATE_H
#define PAPER_ENGINE_STATE_H

#include "adapters/paper/archive.h"
#include "adapters/paper/engine_internal.h"

/* Markets, which must be the same, with their prices; counters. */
void engine_state_head(struct archive *archive, struct engine *engine);
void engine_state_account(struct archive *archive, struct account *account);
void engine_state_slot(struct archive *archive, struct slot *slot);
void engine_state_order(struct archive *archive, struct engine_order *order); /* without its user */
void engine_state_fill(struct archive *archive, struct engine_fill *fill);    /* likewise */

#endif
