/* store_intent_rows: an intent as rows: one in intent, and once it was updated one in
 * intent_outcome, whose columns then take the place of the first's; one in intent_open while it is
 * not final. On the store's thread, inside an operation. */
#ifndef STORE_STORE_INTENT_ROWS_H
#define STORE_STORE_INTENT_ROWS_H

#include "store/db.h"
#include "store/store.h"

MUST_USE enum errc store_intent_rows_insert(struct db *db, const struct store_intent *in);
MUST_USE enum errc store_intent_rows_update(struct db *db, const struct store_intent *in);
/* Fills everything. request and answer are allocated: store_intent_rows_fini frees them.
 * E_NOT_FOUND. */
MUST_USE enum errc store_intent_rows_load(struct db *db, int64_t number, struct store_intent *out);
void store_intent_rows_fini(struct store_intent *in);

#endif
