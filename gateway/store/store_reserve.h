/* store_reserve: what is recorded while the database takes no writes, as on a full disk: the intents of
 * requests that reduce risk, and what became of those that were under way. A small database of the same
 * schema beside the first (FILE-reserve), whose pages and journal were allocated when there was space and
 * are only ever overwritten. What it holds is taken over by the database, once, as soon as that works.
 * On the store's thread. */
#ifndef STORE_STORE_RESERVE_H
#define STORE_STORE_RESERVE_H

#include "store/db.h"

struct store_reserve;

/* file is the database's. NULL with err, and the store does without. */
struct store_reserve *store_reserve_open(const char *file, struct db *main, struct err *err);
void store_reserve_close(struct store_reserve *reserve); /* accepts NULL */

/* The database to read before the main one; NULL while there is nothing in it. Accepts NULL. */
struct db *store_reserve_view(const struct store_reserve *reserve);
uint64_t store_reserve_records(const struct store_reserve *reserve); /* accepts NULL */
unsigned store_reserve_pages_free(const struct store_reserve *reserve);

/* Begins to write: NULL when the reserve can't. end commits, all or nothing, and is on disk when it answers
 * E_OK. */
struct db *store_reserve_begin(struct store_reserve *reserve);
MUST_USE enum errc store_reserve_end(struct store_reserve *reserve, unsigned n_records);

/* Takes everything over into main, inside its transaction; the caller says afterwards whether that was
 * committed. */
MUST_USE enum errc store_reserve_merge(struct store_reserve *reserve, struct db *main);
void store_reserve_merged(struct store_reserve *reserve);

#endif
